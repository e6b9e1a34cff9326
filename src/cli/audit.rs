//! `sealpost audit`: what happened on the server, counted or in full, and whether the trail is whole.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::admin::DataOption;
use super::output::Output;
use crate::error::{Error, Kind, Result};
use crate::store::AUDIT_NAME;
use crate::store::trail::{self, By, Filter, Record, Tallies, Tally};
use crate::text::{self, escape};

/// `sealpost audit`
#[derive(Debug, Args)]
pub(super) struct AuditCommand {
    #[command(flatten)]
    data: DataOption,
    /// The audit trail [default: audit.jsonl in the data folder]
    #[arg(long, global = true, value_name = "FILE")]
    audit_log: Option<PathBuf>,
    /// Count events by user, ip, certificate or day instead of listing them
    #[arg(long, value_name = "WHAT")]
    by: Option<By>,
    /// Only the last 10m, 1h, 7d, …
    #[arg(long, value_name = "TIME", value_parser = text::parse_duration)]
    since: Option<std::time::Duration>,
    /// Only refusals and failures
    #[arg(long)]
    failures: bool,
    #[command(subcommand)]
    action: Option<AuditAction>,
}

#[derive(Debug, Subcommand)]
enum AuditAction {
    /// Check that no line was changed, removed or added
    Verify,
}

impl AuditCommand {
    pub(super) fn run(self, output: Output) -> Result<ExitCode> {
        let path = self
            .audit_log
            .clone()
            .unwrap_or_else(|| self.data.data.join(AUDIT_NAME));
        if self.action.is_some() {
            return verify(&path, output);
        }
        let filter = Filter {
            since: self.since.map(|since| text::now() - since),
            failures: self.failures,
        };
        if let Some(by) = self.by {
            let mut tallies = Tallies::new(by);
            trail::each_record(&path, |record| tallies.add(&record, filter.wants(&record)))?;
            show_tallies(&tallies.finish(), output);
            return Ok(ExitCode::SUCCESS);
        }
        let mut records = Vec::new();
        trail::each_record(&path, |record| {
            if filter.wants(&record) {
                records.push(record);
            }
        })?;
        show_records(&records, output);
        Ok(ExitCode::SUCCESS)
    }
}

fn verify(path: &std::path::Path, output: Output) -> Result<ExitCode> {
    let report = trail::verify(path)?;
    if output.json {
        output.json(&report);
        return Ok(match report.broken {
            None => ExitCode::SUCCESS,
            Some(_) => ExitCode::FAILURE,
        });
    }
    if let Some(broken) = report.broken {
        let what = format!("{}, line {}: {}", path.display(), broken.line, broken.what);
        return Err(Error::new(Kind::Other, what)
            .hint("what follows that line cannot be trusted; compare with a backup"));
    }
    output.line(format!(
        "{} lines, none changed, removed or added",
        report.lines
    ));
    if report.cut > 0 {
        output.line(format!("{} lines were cut short by crashes", report.cut));
    }
    output.line(format!("last digest {}", report.last));
    output.note("lines cut off the end leave no trace: note the last digest elsewhere");
    Ok(ExitCode::SUCCESS)
}

fn show_tallies(tallies: &[Tally], output: Output) {
    if output.json {
        output.json(&tallies);
        return;
    }
    let rows = tallies.iter().map(|tally| {
        vec![
            escape(&tally.key),
            tally.events.to_string(),
            tally.failures.to_string(),
            tally.logins.to_string(),
            tally.uploads.to_string(),
            tally.downloads.to_string(),
            text::size(tally.bytes),
            tally.last.clone(),
        ]
    });
    let headings = [
        "who or when",
        "events",
        "failures",
        "logins",
        "uploads",
        "downloads",
        "bytes",
        "last",
    ];
    output.table(&headings, rows);
}

fn show_records(records: &[Record], output: Output) {
    if output.json {
        output.json(&records);
        return;
    }
    let rows = records.iter().map(|record| {
        let text = |key| record.text(key).map(escape).unwrap_or_default();
        vec![
            text::time(record.time),
            escape(&record.event),
            escape(&record.id),
            text("user"),
            text("address"),
            about(record),
        ]
    });
    output.table(&["time", "event", "id", "user", "address", "about"], rows);
}

/// What an event is about, in one cell.
fn about(record: &Record) -> String {
    let size = record.number("size").map(text::size);
    let parts = ["name", "to", "code", "reason"].map(|key| record.text(key));
    let parts = parts.into_iter().flatten();
    // A failed login has the same word as event and as code.
    let parts = parts.filter(|part| *part != record.event).map(escape);
    let parts: Vec<String> = parts.chain(size).collect();
    parts.join(", ")
}
