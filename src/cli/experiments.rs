//! The experiments of `sealpost lab`: they run for real, on this machine, and leave nothing behind.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use super::output::Output;
use crate::error::Result;
use crate::lab::compare::write_zoo;
use crate::lab::revocation::{self, Forget};
use crate::lab::{certificates, mitm, resumption};
use crate::text::escape;

/// An experiment.
#[derive(Debug, Subcommand)]
pub(super) enum Experiment {
    /// Be the man in the middle: read, alter, impersonate, meddle; and see what stops it
    Mitm(MitmCommand),
    /// Show bad certificates to Sealpost, openssl, curl and Python, and compare what they say
    Certificates(CertificatesCommand),
    /// Revoke a certificate while its holder is connected, and see all doors shut
    Revocation(RevocationCommand),
    /// Put a full handshake beside a resumed one: bytes and time
    Resumption(ResumptionCommand),
}

/// `sealpost lab mitm`
#[derive(Debug, Args)]
pub(super) struct MitmCommand {
    /// Let every client accept any certificate: see what verification prevents
    #[arg(long, conflicts_with = "idle")]
    careless: bool,
    /// Let the attacker only relay: see that no step passes by itself
    #[arg(long)]
    idle: bool,
}

/// `sealpost lab certificates`
#[derive(Debug, Args)]
pub(super) struct CertificatesCommand {
    /// Let Sealpost's client verify nothing, and its server ask for nothing: see what gets in
    #[arg(long)]
    careless: bool,
    /// Also write certificates.html and certificates.json into this folder; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// `sealpost lab revocation`
#[derive(Debug, Args)]
pub(super) struct RevocationCommand {
    /// Forget a part of it, and see what stays open
    #[arg(long, value_name = "PART")]
    forget: Option<Part>,
}

/// What can be forgotten.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Part {
    /// To write the revocation list
    Crl,
    /// To make the server read it
    Reload,
    /// To cut the sessions that are open
    Sessions,
    /// To void the tickets of earlier sessions
    Tickets,
}

/// `sealpost lab resumption`
#[derive(Debug, Args)]
pub(super) struct ResumptionCommand {
    /// Have the server remember nothing: see that nothing is resumed
    #[arg(long)]
    off: bool,
}

/// Runs one; exit code 1 when something did not come out as expected.
pub(super) fn run(experiment: &Experiment, output: Output) -> Result<ExitCode> {
    match experiment {
        Experiment::Mitm(mitm) => mitm_run(mitm, output),
        Experiment::Certificates(zoo) => certificates_run(zoo, output),
        Experiment::Revocation(command) => revocation_run(command, output),
        Experiment::Resumption(command) => resumption_run(command, output),
    }
}

fn mitm_run(command: &MitmCommand, output: Output) -> Result<ExitCode> {
    let finding = mitm::run(match (command.careless, command.idle) {
        (true, _) => mitm::Setup::Careless,
        (_, true) => mitm::Setup::Idle,
        _ => mitm::Setup::Real,
    })?;
    if output.json {
        output.json(&finding);
    } else {
        for line in mitm::tell(&finding, output.verbose > 0, output.lang) {
            output.line(line);
        }
    }
    Ok(verdict(finding.proved))
}

fn certificates_run(command: &CertificatesCommand, output: Output) -> Result<ExitCode> {
    let finding = certificates::run(command.careless)?;
    if let Some(out) = &command.out {
        let files = write_zoo(&finding, out, output.lang)?;
        let label = output.lang.pick("wrote", "已写入");
        output.note(format!(
            "{label} {}: {}",
            escape(&out.to_string_lossy()),
            files.join(", ")
        ));
    }
    for skipped in &finding.skipped {
        output.warn(format!("SKIPPED: {skipped}"));
    }
    if output.json {
        output.json(&finding);
        return Ok(verdict(finding.proved));
    }
    for (shown_by, title) in certificates::tables() {
        output.line(title.of(output.lang));
        let (headings, rows) = certificates::rows(&finding, shown_by, output.lang);
        let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
        output.table(&headings, rows);
        output.line("");
    }
    for line in certificates::tell(&finding, output.lang) {
        output.line(line);
    }
    let score = certificates::score(&finding);
    output.line(format!("\n{}", score.of(output.lang)));
    if let Some(closing) = certificates::closing(&finding) {
        output.line(closing.of(output.lang));
    }
    Ok(verdict(finding.proved))
}

fn revocation_run(command: &RevocationCommand, output: Output) -> Result<ExitCode> {
    let finding = revocation::run(command.forget.map(|part| match part {
        Part::Crl => Forget::Crl,
        Part::Reload => Forget::Reload,
        Part::Sessions => Forget::Sessions,
        Part::Tickets => Forget::Tickets,
    }))?;
    if output.json {
        output.json(&finding);
    } else {
        for line in revocation::tell(&finding, output.lang) {
            output.line(line);
        }
    }
    Ok(verdict(finding.proved))
}

fn resumption_run(command: &ResumptionCommand, output: Output) -> Result<ExitCode> {
    let finding = resumption::run(!command.off)?;
    if output.json {
        output.json(&finding);
    } else {
        let (headings, rows) = resumption::rows(&finding, output.lang);
        output.table(&headings, rows);
        let closing = resumption::closing(&finding);
        for line in std::iter::once(resumption::about()).chain(closing) {
            output.line(line.of(output.lang));
        }
    }
    Ok(verdict(finding.proved))
}

fn verdict(proved: bool) -> ExitCode {
    if proved {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
