//! `sealpost doctor`

use std::process::ExitCode;

use clap::Args;

use super::connect::ConnectOptions;
use super::output::Output;
use crate::doctor::examine;
use crate::error::Result;

/// Examine a server from outside, and the own certificate for it
#[derive(Debug, Args)]
pub(crate) struct DoctorCommand {
    /// The server [default: --server's]
    #[arg(value_name = "HOST[:PORT]")]
    host: Option<String>,
    #[command(flatten)]
    connect: ConnectOptions,
}

impl DoctorCommand {
    /// Prints what was found; the exit code is that of the first failure.
    pub(crate) fn run(self, output: Output) -> Result<ExitCode> {
        let patient = self.connect.patient(self.host.as_deref())?;
        let examination = examine(&patient);
        match output.json {
            true => output.json(&examination),
            false => output.line(examination.text(output.lang).trim_end()),
        }
        let failure = examination.failure();
        Ok(failure.map_or(ExitCode::SUCCESS, |kind| ExitCode::from(kind.exit_code())))
    }
}
