//! A session goes on after its connection was lost.

use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use super::{shell_at, with_files};
use crate::relay::Relay;
use crate::support::{Log, PATIENCE, TestServer, Via, noise, wait};

/// A shell that is written to line by line.
struct Live {
    child: Child,
    stdin: ChildStdin,
    out: Arc<Log>,
    err: Arc<Log>,
    pumps: [JoinHandle<()>; 2],
}

impl Live {
    fn start(mut command: Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (out, out_pump) = Log::pump(child.stdout.take().unwrap());
        let (err, err_pump) = Log::pump(child.stderr.take().unwrap());
        Self {
            stdin: child.stdin.take().unwrap(),
            child,
            out,
            err,
            pumps: [out_pump, err_pump],
        }
    }

    fn line(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    /// No more lines: its exit code, and all it said.
    fn end(mut self) -> (i32, String) {
        drop(self.stdin);
        let code = wait(&mut self.child, PATIENCE).expect("the shell does not end");
        for pump in self.pumps {
            pump.join().unwrap();
        }
        (code, self.err.text())
    }
}

#[test]
fn what_was_cut_goes_on_with_reget_and_reput() {
    let server = TestServer::via(Via::Plain);
    let relay = Relay::to(server.address);
    let body = noise(3_000_000, 7);
    server.house.write("big", &body);
    relay.cut_up_after(1_000_000);
    let cut = shell_at(&server, &relay.at(), Via::Plain, "alice", &["put big"]);
    assert_ne!(cut.code, 0, "{}", cut.err);
    assert!(server.log.wait_for("connection lost"));
    relay.mend();
    let ran = shell_at(&server, &relay.at(), Via::Plain, "alice", &["reput big"]);
    assert!(ran.err.contains("resumed at"), "{}", ran.err);
    assert!(relay.up() < 2_500_000, "{}", relay.up());

    // A download of the same session, which goes on over a new connection.
    relay.cut_down_after(1_000_000);
    let mut live = Live::start(server.client_at(&relay.at(), Via::Plain, "alice", &["shell"]));
    live.line("-get big back");
    assert!(live.err.wait_for("next: "), "{}", live.err.text());
    relay.mend();
    live.line("reget big back");
    let (code, err) = live.end();
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("connected anew as alice"), "{err}");
    assert!(err.contains("resumed at"), "{err}");
    assert!(server.house.read("back") == body);
    assert!(relay.down() < 2_500_000, "{}", relay.down());
}

#[test]
fn a_lost_connection_is_made_anew_by_the_next_line_once() {
    let mut server = with_files(&["docs/a"]);
    let at = server.at();
    let mut live = Live::start(server.client(Via::Plain, "alice", &["shell"]));
    live.line("cd docs");
    live.line("ls");
    assert!(live.out.wait_for("a\n"));
    // Nobody is there: the line fails, and the session goes on.
    server.kill();
    live.line("-ls");
    assert!(live.err.wait_for("error: "), "{}", live.err.text());
    assert!(!live.err.text().contains("anew"), "{}", live.err.text());

    let again = TestServer::start_in(&server.house, &["--plain", "--listen", &at]);
    live.line("ls");
    assert!(live.out.wait_for_times("a\n", 2), "{}", live.err.text());
    live.line("pwd");
    let out = Arc::clone(&live.out);
    let (code, err) = live.end();
    assert_eq!(code, 0, "{err}");
    assert_eq!(err.matches("connected anew as alice").count(), 1, "{err}");
    assert!(out.text().ends_with("/docs\n"), "{}", out.text());
    drop(again);
}

#[test]
fn an_idle_session_the_server_ended_is_made_anew() {
    for via in Via::ALL {
        let server = TestServer::start(&[via.flags(), &["--idle-timeout", "1s", "-v"]].concat());
        server.house.write("a", b"a");
        let mut live = Live::start(server.client(via, "alice", &["shell"]));
        live.line("put a");
        assert!(live.err.wait_for("uploaded"), "{}", live.err.text());
        let ended = server.log.wait_for("connection ends");
        assert!(ended, "{}", server.log.text());
        live.line("rm a");
        let (code, err) = live.end();
        assert_eq!(code, 0, "{err}");
        assert!(err.contains("connected anew as alice"), "{err}");
        assert!(server.listed(via).is_empty());
    }
}
