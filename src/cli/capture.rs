//! `sealpost capture`: the tap between any client and any server, and what its record tells.

use std::fs::File;
#[cfg(unix)]
use std::fs::{OpenOptions, Permissions};
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::thread;

use clap::{Args, Subcommand};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::output::Output;
use super::secret::Secret;
use super::timeline::{self, ExplainCommand};
use crate::config::DEFAULT_ADDRESS;
use crate::error::{Error, Kind, Result};
use crate::lab::DISSECTOR;
use crate::lab::find::{Analysis, Finding, Sought};
use crate::lab::packets::Recorder;
use crate::lab::pcapng::Reader;
use crate::lab::search::FileBlocks;
use crate::lab::streams::walk;
use crate::lab::tap::{Stop, Tap};
use crate::lab::tell::{brief, tell};
use crate::text::{escape, size};

/// Bytes collected before the capture is written: one write a packet would slow the relay down.
const BUFFER_BYTES: usize = 1024 * 1024;

/// `sealpost capture`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct CaptureCommand {
    #[command(subcommand)]
    command: Option<CaptureSubcommand>,
    /// Listen here for the client; port 0 picks a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    listen: String,
    /// Relay to this server
    #[arg(long, value_name = "HOST:PORT", default_value = DEFAULT_ADDRESS)]
    to: String,
    /// Record into this file, for Wireshark or `sealpost capture read`
    #[arg(long, value_name = "FILE.pcapng", required = true)]
    out: Option<PathBuf>,
    /// End after this many connections; else ctrl-c ends it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    connections: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum CaptureSubcommand {
    /// Tell what a stranger reads in a capture; with -q in three lines a connection
    Read(ReadCommand),
    /// Annotate the TLS handshakes in a capture: what a stranger sees beside what is inside
    ///
    /// With the keys embedded in the capture or given by --keys, records are opened here, of TLS 1.3 and of
    /// the GCM and ChaCha20-Poly1305 suites of TLS 1.2; without, only what a stranger sees is told.
    /// Certificates are judged as of the time of the capture, by the CA and the lists that are given.
    Explain(ExplainCommand),
    /// Print the dissector that teaches Wireshark this protocol
    #[command(after_help = DISSECTOR_HELP)]
    Dissector,
}

const DISSECTOR_HELP: &str = "\
Wireshark (4.0 or later) looks for it in its folder \"Personal Lua Plugins\" (Help > About > Folders):
  mkdir -p ~/.local/lib/wireshark/plugins
  sealpost capture dissector > ~/.local/lib/wireshark/plugins/sealpost.lua
For once, and without installing anything: tshark -X lua_script:sealpost.lua -r FILE.pcapng";

/// `sealpost capture read`
#[derive(Debug, Args)]
struct ReadCommand {
    /// The capture, made by `sealpost capture`, Wireshark, dumpcap or tcpdump (pcapng or pcap)
    #[arg(value_name = "FILE.pcapng")]
    file: PathBuf,
    /// Look for this: LABEL=text:WORD, LABEL=env:VARIABLE or LABEL=file:PATH (first line); repeatable.
    /// It is found as it stands, in JSON, Base64, hex, percent-encoding and UTF-16, across packets too; not
    /// compressed, nor in Base64 that is broken into lines
    #[arg(long, value_name = "LABEL=SRC")]
    find: Vec<Find>,
    /// Look for the blocks of this file
    #[arg(long, value_name = "FILE")]
    find_file: Option<PathBuf>,
}

/// A label and where its text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Find {
    label: String,
    source: Source,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// Given on the command line, so no secret, and shown.
    Text(String),
    /// Never shown.
    Secret(Secret),
}

impl FromStr for Find {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage = "give LABEL=text:WORD, LABEL=env:VARIABLE or LABEL=file:PATH";
        let (label, source) = text.split_once('=').ok_or(usage)?;
        let source = match source.strip_prefix("text:") {
            Some(word) if !word.is_empty() => Source::Text(word.to_owned()),
            Some(_) => return Err(usage.to_owned()),
            None => Source::Secret(source.parse().map_err(|_bare_secret| usage)?),
        };
        if label.is_empty() {
            return Err(usage.to_owned());
        }
        Ok(Self {
            label: label.to_owned(),
            source,
        })
    }
}

/// Runs `sealpost capture`.
pub(super) fn run(command: CaptureCommand, output: Output) -> Result<()> {
    match (command.command, command.out) {
        (Some(CaptureSubcommand::Read(read)), _) => read_run(read, output),
        (Some(CaptureSubcommand::Explain(explain)), _) => timeline::explain_run(&explain, output),
        (Some(CaptureSubcommand::Dissector), _) => {
            output.line(DISSECTOR.trim_end());
            Ok(())
        }
        (None, Some(out)) => {
            let tap = Tap::bind(&command.listen, &command.to)?;
            record_run(tap, &command.to, &out, command.connections, output)
        }
        (None, None) => {
            Err(Error::new(Kind::Usage, "no file to record into").hint("give --out FILE.pcapng"))
        }
    }
}

fn record_run(
    tap: Tap,
    to: &str,
    out: &Path,
    connections: Option<u64>,
    output: Output,
) -> Result<()> {
    let write_error = |error| {
        Error::io(
            Kind::LocalWrite,
            format_args!("write {}", out.display()),
            error,
        )
    };
    let file = create(out).map_err(write_error)?;
    let buffered = BufWriter::with_capacity(BUFFER_BYTES, file);
    let mut recorder = Recorder::new(buffered).map_err(write_error)?;
    stop_on_signal(tap.stop())?;
    let (address, path) = (tap.address(), escape(&out.to_string_lossy()));
    if !address.ip().is_loopback() {
        output.warn(output.lang.pick(
            format!("whoever reaches {address} reaches {to} through this relay, and is recorded"),
            format!("凡能访问 {address} 的人都能经此中继访问 {to}，并会被记录"),
        ));
    }
    if output.json {
        output.json(&json!({"event": "listening", "address": address, "to": to, "path": out}));
    } else {
        let to = escape(to);
        output.line(output.lang.pick(
            format!("listening on {address}, relaying to {to}, recording to {path}"),
            format!("正在 {address} 上监听，转发到 {to}，记录到 {path}"),
        ));
    }
    let relayed = tap.run(connections, &mut recorder);
    // Whatever ended it, what was recorded makes a complete file.
    let (_, total) = recorder.finish().map_err(write_error)?;
    let count = relayed?;
    if output.json {
        output.json(&json!({
            "event": "captured", "path": out, "connections": count,
            "packets": total.packets, "bytes": total.payload_bytes,
        }));
    } else {
        let (packets, bytes) = (total.packets, size(total.payload_bytes));
        let connections = if count == 1 {
            "connection"
        } else {
            "connections"
        };
        output.line(output.lang.pick(
            format!("{path}: {packets} packets, {bytes}, {count} {connections}"),
            format!("{path}：{packets} 个数据包，{bytes}，{count} 条连接"),
        ));
        output.note(output.lang.pick(
            format!("next: sealpost capture read {path}, or capture explain {path}, or open it in Wireshark"),
            format!("下一步：sealpost capture read {path}，或 capture explain {path}，或用 Wireshark 打开"),
        ));
    }
    Ok(())
}

/// A capture may hold passwords: only its owner reads it. One that is there is replaced, as by tcpdump.
#[cfg(unix)]
fn create(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    let file = options.open(path)?;
    // A pipe to a Wireshark that watches has no such mode, and nothing to cut.
    if file.metadata()?.is_file() {
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.set_len(0)?;
    }
    Ok(file)
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<File> {
    File::create(path)
}

fn stop_on_signal(stop: Stop) -> Result<()> {
    let failed = |error: io::Error| Error::new(Kind::Other, "cannot wait for ctrl-c").source(error);
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
    let wait = move || {
        for _signal in signals.forever() {
            stop.stop();
        }
    };
    let thread = thread::Builder::new().name("signals".into());
    thread.spawn(wait).map(drop).map_err(failed)
}

fn read_run(command: ReadCommand, output: Output) -> Result<()> {
    let sought = command
        .find
        .into_iter()
        .map(sought)
        .collect::<Result<Vec<_>>>()?;
    let file = command.find_file.as_deref().map(blocks).transpose()?;
    let finding = find(&command.file, sought, file)?;
    if output.json {
        output.json(&finding);
        return Ok(());
    }
    let lines = match output.quiet {
        true => brief(&finding, output.lang),
        false => tell(&finding, output.lang),
    };
    for line in lines {
        output.line(line);
    }
    Ok(())
}

fn sought(find: Find) -> Result<Sought> {
    let (text, hidden) = match find.source {
        Source::Text(text) => (text, false),
        Source::Secret(secret) => (secret.read(&find.label)?.to_string(), true),
    };
    if text.is_empty() {
        let message = format!("the {} to look for is empty", find.label);
        return Err(Error::new(Kind::Usage, message).hint("give at least one character"));
    }
    Ok(Sought {
        label: find.label,
        text,
        hidden,
    })
}

fn blocks(path: &Path) -> Result<FileBlocks> {
    let read = open(path).and_then(FileBlocks::read);
    read.map_err(|error| {
        Error::io(
            Kind::LocalRead,
            format_args!("read {}", path.display()),
            error,
        )
    })
}

fn find(path: &Path, sought: Vec<Sought>, file: Option<FileBlocks>) -> Result<Finding> {
    let input = open(path).map_err(|error| {
        Error::io(
            Kind::LocalRead,
            format_args!("read {}", path.display()),
            error,
        )
    })?;
    let mut analysis = Analysis::new(sought, file);
    let walked = walk(&mut Reader::new(input)?, &mut analysis)?;
    Ok(analysis.finish(walked))
}

fn open(path: &Path) -> io::Result<BufReader<File>> {
    Ok(BufReader::with_capacity(BUFFER_BYTES, File::open(path)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_look_for_is_read_and_a_bare_secret_is_refused_without_repeating_it() {
        let find: Find = "file name=text:a=b.txt".parse().unwrap();
        assert_eq!(find.label, "file name");
        assert_eq!(find.source, Source::Text("a=b.txt".to_owned()));
        let find: Find = "password=env:PW".parse().unwrap();
        assert_eq!(find.source, Source::Secret(Secret::Env("PW".to_owned())));
        for text in [
            "password=xyzzy-1",
            "xyzzy-1",
            "=text:xyzzy-1",
            "password=text:",
        ] {
            let error = text.parse::<Find>().unwrap_err();
            assert!(!error.contains("xyzzy"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_capture_is_readable_by_its_owner_only_even_in_place_of_an_older_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.pcapng");
        let older = File::create(&path).unwrap();
        older.set_len(9).unwrap();
        older
            .set_permissions(Permissions::from_mode(0o644))
            .unwrap();
        let metadata = create(&path).unwrap().metadata().unwrap();
        assert_eq!(
            (metadata.len(), metadata.permissions().mode() & 0o777),
            (0, 0o600)
        );
    }

    #[test]
    fn what_is_no_capture_is_an_error_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("none.pcapng");
        assert_eq!(
            find(&path, Vec::new(), None).unwrap_err().kind(),
            Kind::LocalRead
        );
        drop(File::create(&path).unwrap());
        let error = find(&path, Vec::new(), None).unwrap_err();
        assert_eq!(error.kind(), Kind::LocalRead);
        assert!(error.message_both().zh.contains("不是捕获文件"));
    }
}
