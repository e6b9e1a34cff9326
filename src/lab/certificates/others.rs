//! The other judges: openssl, curl and Python, as they are installed here.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::zoo::Animal;
use super::{Verdict, acceptance, peers};
use crate::lab::house::{Pair, SERVER};
use crate::lab::traces::Program;
use crate::lang::{both, same};
use crate::text::escape;
use crate::transport::Clock;

/// How long a tool may take to end by itself.
const END: Duration = Duration::from_secs(3);

/// The judges of servers.
pub(super) const CLIENTS: [fn(&Animal, SocketAddr) -> Verdict; 3] = [s_client, curl, python_client];

/// The judges of clients.
pub(super) const SERVERS: [fn(&Animal, &Pair) -> Verdict; 2] = [s_server, python_server];

fn s_client(animal: &Animal, address: SocketAddr) -> Verdict {
    let mut command = Command::new("openssl");
    command
        .args(["s_client", "-brief", "-connect", &address.to_string()])
        .args([
            "-servername",
            SERVER,
            "-verify_hostname",
            SERVER,
            "-verify_return_error",
        ])
        .arg("-CAfile")
        .arg(&animal.trusted);
    judged_by(&mut command, animal);
    verdict("openssl", &mut command, openssl_words)
}

/// The list and the clock of openssl's judges.
fn judged_by(command: &mut Command, animal: &Animal) {
    if let Some(list) = &animal.list {
        command.args(["-crl_check", "-CRL"]).arg(list);
    }
    if !animal.ahead.is_zero() {
        let at = Clock::ahead(animal.ahead).now().unix_timestamp();
        command.args(["-attime", &at.to_string()]);
    }
}

fn curl(animal: &Animal, address: SocketAddr) -> Verdict {
    if !animal.ahead.is_zero() {
        return Verdict::clockless("curl");
    }
    let port = address.port();
    let mut command = Command::new("curl");
    command
        .args([
            "-sS",
            "--noproxy",
            "*",
            "--max-time",
            "5",
            "-o",
            "/dev/null",
        ])
        .args(["--resolve", &format!("{SERVER}:{port}:127.0.0.1")])
        .arg("--cacert")
        .arg(&animal.trusted)
        .arg(format!("https://{SERVER}:{port}/"));
    if let Some(list) = &animal.list {
        command.arg("--crlfile").arg(list);
    }
    verdict("curl", &mut command, first_line)
}

fn python_client(animal: &Animal, address: SocketAddr) -> Verdict {
    if !animal.ahead.is_zero() {
        return Verdict::clockless("python");
    }
    let mut command = Command::new("python3");
    command
        .args([
            "-c",
            include_str!("client.py"),
            &address.port().to_string(),
            SERVER,
        ])
        .arg(&animal.trusted)
        .args(animal.list.as_deref());
    verdict("python", &mut command, last_line)
}

/// Runs a judge to its end; exit code 0 is acceptance.
pub(super) fn verdict(tool: &str, command: &mut Command, words: fn(&str) -> String) -> Verdict {
    match command.stdin(Stdio::null()).output() {
        Err(_missing) => Verdict::missing(tool),
        Ok(output) => told(tool, &output, words),
    }
}

fn told(tool: &str, output: &Output, words: fn(&str) -> String) -> Verdict {
    let text = String::from_utf8_lossy(&output.stderr);
    let accepted = output.status.success();
    Verdict {
        tool: tool.into(),
        accepted: Some(accepted),
        exit: output.status.code(),
        said: match accepted {
            true => acceptance(),
            false => same(escape(&words(&text))),
        },
        peer_heard: None,
    }
}

/// The line that has the cause.
pub(super) fn openssl_words(text: &str) -> String {
    let mut lines = text.lines();
    let cause = lines.find(|line| line.to_lowercase().starts_with("verify error"));
    let alert = || {
        let after = |line: &str| {
            let mut rooms = [":SSL routines:", ":x509 certificate routines:"].iter();
            rooms.find_map(|room| line.split(room).nth(1).map(str::to_owned))
        };
        // Then come openssl's own file and line.
        text.lines().find_map(after).map(|said| {
            let end = said.find(":../").unwrap_or(said.len());
            said[..end].to_owned()
        })
    };
    cause
        .map(str::to_owned)
        .or_else(alert)
        .unwrap_or_else(|| last_line(text))
}

pub(super) fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

pub(super) fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().to_owned()
}

fn s_server(animal: &Animal, own: &Pair) -> Verdict {
    let mut command = Command::new("openssl");
    command
        .args([
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-www",
            "-naccept",
            "1",
        ])
        .args(["-Verify", "2", "-verify_return_error"])
        .args([Path::new("-cert"), &own.0, Path::new("-key"), &own.1])
        .args([Path::new("-CAfile"), &animal.trusted]);
    judged_by(&mut command, animal);
    judge_client("openssl", command, animal, openssl_words)
}

fn python_server(animal: &Animal, own: &Pair) -> Verdict {
    if !animal.ahead.is_zero() {
        return Verdict::clockless("python");
    }
    let mut command = Command::new("python3");
    command
        .args(["-c", include_str!("server.py")])
        .args([&own.0, &own.1, &animal.trusted])
        .args(animal.list.as_deref());
    judge_client("python", command, animal, last_line)
}

/// Starts a judge, shows it the client's certificate, and hears what it says.
fn judge_client(
    tool: &str,
    mut command: Command,
    animal: &Animal,
    words: fn(&str) -> String,
) -> Verdict {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let Ok(mut child) = Program::start(&mut command) else {
        return Verdict::missing(tool);
    };
    let address = listening(&mut child);
    let heard = address
        .map(|address| peers::show(animal, address, &animal.trusted, b"GET / HTTP/1.0\r\n\r\n"));
    let exit = end(&mut child);
    let mut text = String::new();
    if let Some(mut errors) = child.stderr.take() {
        let _unreadable = errors.read_to_string(&mut text);
    }
    let accepted = matches!(heard, Some(Ok(())));
    Verdict {
        tool: tool.into(),
        accepted: Some(accepted),
        exit,
        said: match (accepted, text.is_empty()) {
            (true, _) => acceptance(),
            (false, true) => both("(nothing)", "（没有说明）"),
            (false, false) => same(escape(&words(&text))),
        },
        peer_heard: heard.and_then(Result::err),
    }
}

/// Starts a server; that it listens is acceptance.
pub(super) fn begins(tool: &str, mut command: Command, words: fn(&str) -> String) -> Verdict {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let Ok(mut child) = Program::start(&mut command) else {
        return Verdict::missing(tool);
    };
    if listening(&mut child).is_some() {
        return Verdict {
            tool: tool.into(),
            ..Verdict::accepted()
        };
    }
    let exit = end(&mut child);
    let mut text = String::new();
    if let Some(mut errors) = child.stderr.take() {
        let _unreadable = errors.read_to_string(&mut text);
    }
    Verdict {
        tool: tool.into(),
        accepted: Some(false),
        exit,
        said: same(escape(&words(&text))),
        peer_heard: None,
    }
}

/// The address in the first line a server prints.
fn listening(child: &mut Program) -> Option<SocketAddr> {
    let out = child.stdout.as_mut()?;
    let mut lines = BufReader::with_capacity(1, out).lines();
    let found = lines
        .by_ref()
        .map_while(Result::ok)
        .take(20)
        .find_map(|line| line.strip_prefix("ACCEPT ").map(str::to_owned));
    found?.parse().ok()
}

/// Waits for a tool's end, and ends it when it does not.
fn end(child: &mut Program) -> Option<i32> {
    let until = Instant::now() + END;
    while Instant::now() < until {
        if let Ok(Some(status)) = child.try_wait() {
            return status.code();
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.stop();
    None
}

/// A server of openssl, for keys nobody else signs with; ended when dropped.
pub(super) struct OldServer {
    pub(super) address: SocketAddr,
    /// Ended with it.
    _program: Program,
}

impl OldServer {
    /// Serves `shown`; none when openssl cannot either.
    pub(super) fn open(shown: &Pair) -> Option<Self> {
        let mut command = Command::new("openssl");
        command
            .args(["s_server", "-accept", "127.0.0.1:0", "-www"])
            .args(["-cipher", "ALL:@SECLEVEL=0"])
            .args([Path::new("-cert"), &shown.0, Path::new("-key"), &shown.1])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut program = Program::start(&mut command).ok()?;
        let address = listening(&mut program)?;
        Some(Self {
            address,
            _program: program,
        })
    }
}

/// Shows a certificate by openssl, for keys nobody else signs with; an error in openssl's words.
pub(super) fn old_client(
    shown: &Pair,
    address: SocketAddr,
    ca: &Path,
    words: &[u8],
) -> Result<(), String> {
    let mut child = Command::new("openssl")
        .args(["s_client", "-quiet", "-connect", &address.to_string()])
        .args(["-servername", SERVER, "-cipher", "ALL:@SECLEVEL=0"])
        .args([Path::new("-cert"), &shown.0, Path::new("-key"), &shown.1])
        .args([Path::new("-CAfile"), ca])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|_missing| "openssl is not installed".to_owned())?;
    if let Some(stdin) = &mut child.stdin {
        let _refused = stdin.write_all(words);
    }
    let mut answer = [0; 1];
    let answered = child
        .stdout
        .as_mut()
        .is_some_and(|out| matches!(out.read(&mut answer), Ok(1..)));
    let _gone = child.kill();
    let mut text = String::new();
    if let Some(mut errors) = child.stderr.take() {
        let _unreadable = errors.read_to_string(&mut text);
    }
    let _reaped = child.wait();
    if answered {
        return Ok(());
    }
    Err(escape(&openssl_words(&text)))
}
