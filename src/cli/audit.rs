//! `sealpost audit`: what happened on the server, counted or in full, and whether the trail is whole.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::Output;
use super::trail::DataOption;
use crate::error::{Error, Kind, Result};
use crate::store::Audit;
use crate::store::chain::{self, VerifyReport};
use crate::store::trail::{self, By, Filter, Record, Tallies, Tally};
use crate::text::{self, escape};

/// `sealpost audit`
#[derive(Debug, Args)]
pub(super) struct AuditCommand {
    #[command(flatten)]
    data: DataOption,
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
    /// Check that no line was changed, removed or added, in older files too where they are beside it
    Verify,
    /// Put the trail aside under the time's name and go on in a new file, whose first line carries the chain over
    Rotate,
}

impl AuditCommand {
    pub(super) fn run(self, output: Output) -> Result<ExitCode> {
        let path = self.data.trail();
        match self.action {
            Some(AuditAction::Verify) => return verify(&path, output),
            Some(AuditAction::Rotate) => return rotate(&path, output),
            None => {}
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

fn verify(path: &Path, output: Output) -> Result<ExitCode> {
    let parts = chain::verify_all(path)?;
    let broken = parts
        .iter()
        .find_map(|part| Some((part, part.report.broken.as_ref()?)));
    if output.json {
        let newest = parts.first().map(|part| &part.report);
        let mut value = serde_json::to_value(newest).unwrap_or_default();
        value["earlier"] = json!(parts.get(1..).unwrap_or_default());
        output.json(&value);
        return Ok(match broken {
            None => ExitCode::SUCCESS,
            Some(_) => ExitCode::FAILURE,
        });
    }
    if let Some((part, broken)) = broken {
        let file = part.file.display();
        let what = format!("{file}, line {}: {}", broken.line, broken.what);
        return Err(Error::new(Kind::Other, what)
            .hint("what follows that line cannot be trusted; compare with a backup"));
    }
    let of_all = |count: fn(&VerifyReport) -> u64| -> u64 {
        parts.iter().map(|part| count(&part.report)).sum()
    };
    output.line(format!(
        "{} lines, none changed, removed or added",
        of_all(|report| report.lines)
    ));
    let cut = of_all(|report| report.cut);
    if cut > 0 {
        output.line(format!("{cut} lines were cut short by crashes"));
    }
    for part in parts.iter().skip(1) {
        let file = escape(&part.file.to_string_lossy());
        output.line(format!("of these in {file}: {}", part.report.lines));
    }
    if let Some(newest) = parts.first() {
        output.line(format!("last digest {}", newest.report.last));
    }
    let missing = parts
        .last()
        .and_then(|oldest| oldest.report.continues.as_ref());
    if let Some(continues) = missing {
        let name = continues
            .name
            .as_deref()
            .map_or_else(|| "an older file".to_owned(), escape);
        output.note(format!(
            "it goes on from {name}, which is not beside it and ends with the digest {}",
            continues.last
        ));
    }
    output.note("lines cut off the end leave no trace: note the last digest elsewhere");
    Ok(ExitCode::SUCCESS)
}

/// Puts the trail aside. A running server goes on in the new file with its next event.
fn rotate(path: &Path, output: Output) -> Result<ExitCode> {
    let failed = |error: io::Error| {
        let kind = match error.kind() {
            io::ErrorKind::AlreadyExists => Kind::Exists,
            _ => Kind::LocalWrite,
        };
        Error::io(kind, format!("rotate {}", path.display()), error)
    };
    if !path.exists() {
        let missing = io::ErrorKind::NotFound.into();
        return Err(Error::io(
            Kind::LocalRead,
            format!("read {}", path.display()),
            missing,
        ));
    }
    let mut time = text::time(text::now());
    time.retain(|c| c.is_ascii_alphanumeric());
    let part = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let name = match part(path.extension()) {
        extension if extension.is_empty() => format!("{}-{time}", part(path.file_stem())),
        extension => format!("{}-{time}.{extension}", part(path.file_stem())),
    };
    let older = path.with_file_name(name);
    Audit::open(path)?.rotate(&older).map_err(failed)?;
    if output.json {
        output.json(&json!({ "event": "rotated", "older": older }));
    }
    output.note(format!("put aside as {}", escape(&older.to_string_lossy())));
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
