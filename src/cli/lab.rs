//! `sealpost lab`: experiments that run for real, on this machine, and leave nothing behind.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::output::Output;
use crate::error::Result;
use crate::lab::mitm;

/// `sealpost lab`
#[derive(Debug, Args)]
pub(super) struct Lab {
    #[command(subcommand)]
    command: LabCommand,
}

#[derive(Debug, Subcommand)]
enum LabCommand {
    /// Be the man in the middle: read, alter, impersonate, meddle; and see what stops it
    Mitm(MitmCommand),
}

/// `sealpost lab mitm`
#[derive(Debug, Args)]
struct MitmCommand {
    /// Let every client accept any certificate: see what verification prevents
    #[arg(long, conflicts_with = "idle")]
    careless: bool,
    /// Let the attacker only relay: see that no step passes by itself
    #[arg(long)]
    idle: bool,
}

/// Runs `sealpost lab`; exit code 1 when something did not come out as expected.
pub(super) fn run(lab: &Lab, output: Output) -> Result<ExitCode> {
    match &lab.command {
        LabCommand::Mitm(mitm) => mitm_run(mitm, output),
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
        for line in mitm::tell(&finding, output.verbose > 0) {
            output.line(line);
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
