//! `openssl s_client` and `s_server`, with `sealpost capture` between them.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use crate::support::{House, Log, PATIENCE, skipped, wait};

/// A program that is ended with the test.
pub(super) struct Program {
    pub(super) child: Child,
    out: Arc<Log>,
    err: Arc<Log>,
}

impl Program {
    pub(super) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, _ends_with_it) = Log::pump(child.stdout.take().unwrap());
        let (err, _ends_with_it) = Log::pump(child.stderr.take().unwrap());
        Self { child, out, err }
    }

    /// What stands behind `word` on its line.
    #[track_caller]
    pub(super) fn line_with(&self, word: &str) -> String {
        assert!(self.out.wait_for(word), "no {word}: {}", self.out.text());
        let text = self.out.text();
        let (_, rest) = text.split_once(word).unwrap();
        rest.lines().next().unwrap().trim().to_owned()
    }

    pub(super) fn say(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(line.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _gone = self.child.kill();
            let _reaped = self.child.wait();
        }
    }
}

/// What one connection of openssl does: the client's arguments, and the lines it says one after the other.
pub(super) struct Talk<'a> {
    pub(super) client: &'a [&'a str],
    pub(super) lines: &'a [&'a str],
}

/// Records connections between `openssl s_client` and `s_server`; the capture and its key log. None where
/// openssl is not installed.
pub(super) fn recorded(
    house: &Arc<House>,
    name: &str,
    server: &[&str],
    talks: &[Talk<'_>],
) -> Option<(PathBuf, PathBuf)> {
    if Command::new("openssl").arg("version").output().is_err() {
        skipped("captures of openssl: it is not installed");
        return None;
    }
    let work = house.path("work");
    let mut command = Command::new("openssl");
    command
        .args(["s_server", "-accept", "127.0.0.1:0"])
        .args([
            "-cert",
            "../certs/server.crt",
            "-key",
            "../certs/server.key",
        ])
        .args(["-CAfile", "../certs/ca.crt"])
        .args(server)
        .current_dir(&work);
    let listening = Program::start(&mut command);
    let at = listening.line_with("ACCEPT ");
    let capture = format!("{name}.pcapng");
    let connections = talks.len().to_string();
    let args = ["-q", "capture", "--to", &at, "--out", &capture];
    let mut command = house.sealpost(&args);
    command.args(["--connections", &connections]);
    let mut tap = Program::start(&mut command);
    let at = tap.line_with("listening on ");
    let at = at.split(',').next().unwrap();
    let keys = format!("{name}.keys");
    for talk in talks {
        let mut command = Command::new("openssl");
        command
            .args(["s_client", "-connect", at, "-servername", "localhost"])
            .args(["-CAfile", "../certs/ca.crt", "-keylogfile", &keys])
            .args(talk.client)
            .current_dir(&work);
        let mut client = Program::start(&mut command);
        for line in talk.lines {
            client.say(&format!("{line}\n"));
            if *line == "K" {
                // An order to the client itself: new keys.
                assert!(client.err.wait_for("KEYUPDATE"), "{}", client.err.text());
            } else {
                // The server prints what it gets.
                assert!(listening.out.wait_for(line), "{}", listening.out.text());
            }
        }
        drop(client.child.stdin.take());
        wait(&mut client.child, PATIENCE);
    }
    assert_eq!(wait(&mut tap.child, PATIENCE), Some(0));
    Some((work.join(capture), work.join(keys)))
}
