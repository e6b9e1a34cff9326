//! Commands that only look.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::super::output::Output;
use super::Pki;
use crate::error::{Kind, Result};
use crate::pki::inspect::{self, CertificateInfo};
use crate::pki::{Authority, keys};
use crate::text;

/// A certificate file.
#[derive(Debug, Args)]
pub(super) struct File {
    /// A certificate, or a chain of them
    file: PathBuf,
}

/// `sealpost pki list`
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only those that expire within this time, such as 30d
    #[arg(long, value_name = "TIME", value_parser = text::parse_duration)]
    expiring: Option<Duration>,
}

pub(super) fn list(pki: &Pki, list: &List, output: Output) -> Result<()> {
    let mut rows = Authority::open(&pki.certs)?.list()?;
    let now = text::now();
    if let Some(within) = list.expiring {
        rows.retain(|row| row.state(now) == "valid" && row.not_after <= now + within);
    }
    if output.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| json!({ "state": row.state(now), "certificate": row }))
            .collect();
        output.json(&rows);
        return Ok(());
    }
    if rows.is_empty() {
        output.note("no certificates");
        return Ok(());
    }
    let cells = rows.iter().map(|row| {
        vec![
            row.serial.clone(),
            row.role.to_string(),
            text::escape(&row.subject),
            row.not_after.date().to_string(),
            row.state(now).to_owned(),
            text::escape(&row.file),
        ]
    });
    output.table(
        &["serial", "role", "subject", "until", "state", "file"],
        cells,
    );
    Ok(())
}

pub(super) fn show(file: &File, output: Output) -> Result<()> {
    let all = read(file)?;
    if output.json {
        match all.as_slice() {
            [one] => output.json(one),
            all => output.json(&all),
        }
        return Ok(());
    }
    for (place, info) in all.iter().enumerate() {
        if place > 0 {
            output.line("");
        }
        output.line(info.text(text::now()).trim_end());
    }
    Ok(())
}

pub(super) fn fingerprint(file: &File, output: Output) -> Result<()> {
    for info in read(file)? {
        if output.json {
            output.json(&json!({ "sha256": info.fingerprint, "pin": info.pin }));
            continue;
        }
        output.line(format!("sha256 {}", info.fingerprint));
        output.line(format!("pin    {}", info.pin));
    }
    Ok(())
}

fn read(file: &File) -> Result<Vec<CertificateInfo>> {
    let chain = keys::certificates(&file.file, Kind::LocalRead)?;
    chain.iter().map(|der| inspect::certificate(der)).collect()
}
