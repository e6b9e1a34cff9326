//! `sealpost capture explain` and `sealpost lab handshake`: a handshake, annotated.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::output::Output;
use crate::error::{Error, Kind, Result};
use crate::lab::compare::facts::{Report, Run, RunKind, Source};
use crate::lab::compare::{Options, compare};
use crate::lab::timeline::{self, Connection, Evidence, beside, render};
use crate::lab::traces::Folder;
use crate::pki::keys;
use crate::text::escape;
use crate::transport::tls::KeyLog;

/// Columns of the page when nobody says how wide the terminal is.
const COLUMNS: usize = 120;

/// Bytes of the largest key log taken.
const KEY_LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// `sealpost capture explain`
#[derive(Debug, Args)]
pub(super) struct ExplainCommand {
    /// The capture, pcapng or pcap
    #[arg(value_name = "FILE.pcapng")]
    file: PathBuf,
    /// A key log (SSLKEYLOGFILE); repeatable. Keys embedded in the capture are used without being asked for
    #[arg(long, value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// The CA to judge the certificates by; repeatable
    #[arg(long, value_name = "FILE")]
    cacert: Vec<PathBuf>,
    /// A revocation list to look into; repeatable
    #[arg(long, value_name = "FILE")]
    crlfile: Vec<PathBuf>,
    /// Only this connection, counted from 1
    #[arg(long, value_name = "N")]
    connection: Option<std::num::NonZeroUsize>,
}

/// `sealpost lab handshake`
#[derive(Debug, Args)]
pub(super) struct HandshakeCommand {
    /// This version in full
    #[arg(long, value_name = "VERSION", default_value = "1.3")]
    tls: Version,
    /// The one without a client certificate in full
    #[arg(long)]
    one_way: bool,
    /// All four in full
    #[arg(long, conflicts_with_all = ["tls", "one_way"])]
    all: bool,
    /// Keep captures, keys and reports in this folder; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// A version of TLS, as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Version {
    #[value(name = "1.2")]
    V1_2,
    #[value(name = "1.3")]
    V1_3,
}

/// The handshakes that are made, in the order they are compared.
const RUNS: [RunKind; 4] = [
    RunKind::Tls13,
    RunKind::Mtls13,
    RunKind::Tls12,
    RunKind::Mtls12,
];

/// Runs `sealpost capture explain`.
pub(super) fn explain_run(command: &ExplainCommand, output: Output) -> Result<()> {
    let mut log = KeyLog::default();
    for path in &command.keys {
        read_keys(path, &mut log)?;
    }
    let mut evidence = Evidence {
        only: command.connection.map(std::num::NonZeroUsize::get),
        ..Evidence::default()
    };
    for path in &command.cacert {
        evidence
            .anchors
            .extend(keys::certificates(path, Kind::CaFile)?);
    }
    for path in &command.crlfile {
        evidence.lists.extend(keys::revocation_lists(path)?);
    }
    let told = timeline::read(&command.file, log, &evidence)?;
    if output.json {
        output.json(&told);
        return Ok(());
    }
    for line in render::text(&told, output.lang, columns()) {
        output.line(line);
    }
    Ok(())
}

/// Runs `sealpost lab handshake`.
pub(super) fn handshake_run(command: &HandshakeCommand, output: Output) -> Result<()> {
    let temporary = match &command.out {
        Some(_) => None,
        None => Some(
            Folder::make()
                .map_err(|error| Error::io(Kind::LocalWrite, "make a temporary folder", error))?,
        ),
    };
    let out = match (&command.out, &temporary) {
        (Some(out), _) => out.as_path(),
        (None, Some(temporary)) => temporary.path(),
        (None, None) => Path::new("."),
    };
    let options = Options {
        file: None,
        out: out.to_owned(),
        runs: RUNS.to_vec(),
        source: Source::Tap,
        tamper: false,
        zoo: false,
        lang: output.lang,
    };
    let compared = compare(
        &options,
        &mut |doing| output.note(doing.of(output.lang)),
        None,
    )?;
    if !compared.replaced.is_empty() {
        let label = output.lang.pick("replaced: ", "已替换：");
        output.note(format!("{label}{}", compared.replaced.join(", ")));
    }
    tell(&compared.report, command, output);
    if command.out.is_some() {
        let out = escape(&out.to_string_lossy());
        output.note(format!("{out}: {}", compared.files.join(", ")));
        output.note(output.lang.pick(
            format!("next: open {out}/report.html, or the captures in Wireshark"),
            format!("下一步：打开 {out}/report.html，或用 Wireshark 打开捕获文件"),
        ));
    }
    Ok(())
}

fn tell(report: &Report, command: &HandshakeCommand, output: Output) {
    let told: Vec<(&Run, &Connection)> = report
        .runs
        .iter()
        .filter_map(|run| Some((run, run.timeline.as_ref()?)))
        .collect();
    if output.json {
        let all = told.iter().map(|(run, connection)| {
            json!({ "run": run.kind, "capture": run.capture, "timeline": connection })
        });
        output.json(&json!({ "handshakes": all.collect::<Vec<_>>() }));
        return;
    }
    let is_12 = command.tls == Version::V1_2;
    for (run, connection) in &told {
        let chosen = run.kind.is_tls12() == is_12 && run.kind.is_mutual() != command.one_way;
        if command.all || chosen {
            for line in render::connection(connection, output.lang, columns()) {
                output.line(line);
            }
            output.line("");
        }
    }
    let connections: Vec<_> = told.iter().map(|(_, connection)| *connection).collect();
    let (headings, rows) = beside::rows(&connections);
    let first = output.lang.pick("side by side", "并排比较");
    let headings = headings.iter().map(|heading| heading.of(output.lang));
    let headings: Vec<&str> = std::iter::once(first).chain(headings).collect();
    let rows = rows.into_iter().map(|row| {
        let cells = row.cells.iter().map(|cell| cell.of(output.lang).to_owned());
        let what = row.what.of(output.lang).to_owned();
        std::iter::once(what).chain(cells).collect()
    });
    output.folded_table(&headings, rows, columns());
}

fn read_keys(path: &Path, log: &mut KeyLog) -> Result<()> {
    let failed = |error| {
        let what = format!("read {}", path.display());
        Error::io(Kind::LocalRead, what, error)
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = zeroize::Zeroizing::new(Vec::new());
    io::Read::read_to_end(&mut io::Read::take(file, KEY_LOG_BYTES_MAX), &mut text)
        .map_err(failed)?;
    if log.read(&text) == 0 {
        let message = format!("there is no secret in {}", path.display());
        return Err(Error::new(Kind::LocalRead, message)
            .hint("a key log has lines such as `CLIENT_HANDSHAKE_TRAFFIC_SECRET RANDOM SECRET`: record it with --keylog FILE, or SSLKEYLOGFILE")
            .zh(
                format!("{} 中没有密钥", path.display()),
                "密钥日志的行形如 `CLIENT_HANDSHAKE_TRAFFIC_SECRET 随机数 秘密`：用 --keylog FILE 或 SSLKEYLOGFILE 记录",
            ));
    }
    Ok(())
}

/// How wide the page is: as the terminal, or as `COLUMNS` says, or wide enough for two columns.
pub(super) fn columns() -> usize {
    let terminal = rustix::termios::tcgetwinsize(io::stdout());
    let terminal = terminal.ok().map(|size| usize::from(size.ws_col));
    let told = std::env::var("COLUMNS").ok();
    let told = told.and_then(|columns| columns.parse().ok());
    terminal
        .filter(|columns| *columns > 0)
        .or(told)
        .unwrap_or(COLUMNS)
}
