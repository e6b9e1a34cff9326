//! `sealpost lab`: experiments that show what a stranger on the wire learns.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use super::experiments::{self, Experiment};
use super::interrupt::unless_interrupted;
use super::output::Output;
use super::timeline::{self, HandshakeCommand, columns};
use crate::error::{Error, Kind, Result};
use crate::lab::certificates::score;
use crate::lab::compare::beside::KernelCapture;
use crate::lab::compare::facts::{RunKind, Source};
use crate::lab::compare::live::{Listener, Passed};
use crate::lab::compare::{Options, compare};
use crate::lab::report::proof::proof;
use crate::lab::report::table::{quicker, told};
use crate::lab::report::tampering::lesson;
use crate::lang::Both;
use crate::text::escape;

/// `sealpost lab`
#[derive(Debug, Args)]
pub(super) struct LabCommand {
    #[command(subcommand)]
    command: LabSubcommand,
}

#[derive(Debug, Subcommand)]
enum LabSubcommand {
    /// Carry a file plain and sealed, record both, and show what a stranger reads in each
    ///
    /// Makes its own server, CA, certificates, user and password, which are gone afterwards. Needs no
    /// privilege and no Wireshark. The keys of the sealed runs are written beside the captures, for
    /// Wireshark; outside the lab Sealpost writes keys only when told to.
    Compare(CompareCommand),
    /// Shake hands with TLS 1.3 and 1.2, one-way and mutual, and annotate every message of it
    ///
    /// Real handshakes, between an own server and client with certificates made for it. What a stranger sees
    /// of each record stands beside what is inside, opened with the keys of the run; then the four side by
    /// side. Nothing is left behind unless --out names a folder.
    Handshake(HandshakeCommand),
    #[command(flatten)]
    Experiment(Experiment),
}

/// `sealpost lab compare`
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Args)]
struct CompareCommand {
    /// The file to carry; a readable text is made when none is given
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The folder of captures and reports; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "sealpost-lab")]
    out: PathBuf,
    /// Also TLS 1.3 without a client certificate, and TLS 1.2 with and without one
    #[arg(long)]
    all: bool,
    /// Also show bad certificates to Sealpost, openssl, curl and Python, as `lab certificates` does
    #[arg(long)]
    zoo: bool,
    /// Who captures: the tap, or the kernel too (Linux, CAP_NET_RAW), into files of its own
    #[arg(long, value_name = "SOURCE", default_value = "auto")]
    source: SourceFlag,
    /// Also upload past somebody who alters one bit on the way, and show who notices
    #[arg(long)]
    tamper: bool,
    /// Also print what passes while it passes, as a stranger sees it; not with --json
    #[arg(long)]
    live: bool,
}

/// Who captures.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SourceFlag {
    /// The tap makes the files; where the kernel can capture too, both are compared
    Auto,
    /// The tap alone
    Tap,
    /// The tap, and the kernel into *.kernel.pcapng beside it
    Kernel,
}

/// Runs `sealpost lab`.
pub(super) fn run(command: LabCommand, output: Output) -> Result<ExitCode> {
    unless_interrupted(move || match command.command {
        LabSubcommand::Compare(command) => compare_run(command, output),
        LabSubcommand::Handshake(command) => {
            timeline::handshake_run(&command, output).map(|()| ExitCode::SUCCESS)
        }
        LabSubcommand::Experiment(experiment) => experiments::run(&experiment, output),
    })
}

/// Exit code 1 when the kernel's capture contradicts the tap's: then nothing here can be believed.
fn compare_run(command: CompareCommand, output: Output) -> Result<ExitCode> {
    if command.live && output.json {
        return Err(Error::new(Kind::Usage, "--live is for people")
            .hint("leave out --live or --json")
            .zh("--live 是给人看的", "请去掉 --live 或 --json"));
    }
    let options = Options {
        file: command.file,
        out: command.out,
        runs: match command.all {
            true => RunKind::ALL.to_vec(),
            false => RunKind::USUAL.to_vec(),
        },
        source: match command.source {
            SourceFlag::Auto => Source::Auto,
            SourceFlag::Tap => Source::Tap,
            SourceFlag::Kernel => Source::Kernel,
        },
        tamper: command.tamper,
        zoo: command.zoo,
        lang: output.lang,
    };
    let width = columns();
    let live = |passed: &Passed| {
        for line in passed.tell(width, output.lang) {
            output.line(line);
        }
    };
    let live: Option<Listener<'_>> = if command.live { Some(&live) } else { None };
    let mut tell = |doing: &Both| output.note(doing.of(output.lang));
    let compared = compare(&options, &mut tell, live)?;
    if !compared.replaced.is_empty() {
        let label = output.lang.pick("replaced: ", "已替换：");
        output.note(format!("{label}{}", compared.replaced.join(", ")));
    }
    let kernels = compared
        .report
        .runs
        .iter()
        .filter_map(|run| run.kernel.as_ref());
    let verdict = match kernels.into_iter().any(KernelCapture::contradicts) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    };
    if output.json {
        output.json(&compared.report);
        return Ok(verdict);
    }
    let (headings, rows) = told(&compared.report, output.lang);
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    output.table(&headings, rows);
    let report = &compared.report;
    let notes = quicker(report).into_iter().chain(lesson(report));
    for line in notes.chain(proof(report)) {
        output.line(line.of(output.lang));
    }
    if let Some(zoo) = &report.zoo {
        for skipped in &zoo.skipped {
            output.warn(format!("SKIPPED: {skipped}"));
        }
        let label = output.lang.pick("certificates: ", "证书：");
        output.line(format!("{label}{}", score(zoo).of(output.lang)));
    }
    let out = escape(&options.out.to_string_lossy());
    output.line(format!("{out}: {}", compared.files.join(", ")));
    output.note(output.lang.pick(
        format!("next: open {out}/report.html; {out}/README.txt has the proof of each claim"),
        format!("下一步：打开 {out}/report.html；每条结论的证明见 {out}/README.txt"),
    ));
    Ok(verdict)
}
