//! A person at a terminal, played by `terminal.py`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::thread;

use super::with_files;
use crate::support::{Ran, TestServer, Via, noise, skipped};

/// Whether there is a Python that can play a person (`waitstatus_to_exitcode` came with 3.9).
fn has_python() -> bool {
    let code = "import pty, os; os.waitstatus_to_exitcode";
    let output = Command::new("python3").args(["-c", code]).output();
    let has = output.is_ok_and(|output| output.status.success());
    if !has {
        skipped("a shell at a terminal: no python3 of 3.9 or later");
    }
    has
}

/// Sits at a terminal with the shell that `flags` begin, and does `steps`: waits for a text, types another.
fn sit(server: &TestServer, via: Via, flags: &[&str], steps: &[(&str, &str)]) -> Ran {
    let shell = server.client(via, "alice", &[&["shell"], flags].concat());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/shell/terminal.py");
    let mut command = Command::new("python3");
    command
        .arg(script)
        .arg(serde_json::to_string(steps).unwrap())
        .arg(shell.get_program())
        .args(shell.get_args())
        .current_dir(shell.get_current_dir().unwrap())
        .env_clear()
        .envs(
            shell
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("TERM", "xterm")
        .env("XDG_STATE_HOME", server.house.path("state"));
    Ran::of(&mut command)
}

#[test]
fn words_names_and_paths_are_completed_and_the_history_keeps_no_secret() {
    if !has_python() {
        return;
    }
    let server = with_files(&["docs/a b.txt", "docs/other"]);
    server.house.write("local file", b"local");
    let steps = [
        ("/> ", "wh\t\r"),
        ("identity", "get do\ta\tout\r"),
        ("downloaded docs/a b.txt to out", "put lo\t\r"),
        ("uploaded local file", "stat \"lo\t\r"),
        ("sha256    ", "passwd hunter2-hunter2\r"),
        ("next:", " pwd\r"),
        ("/\r\n", "!echo $((40 + 2))\r"),
        ("42\r\n", "cd do\t\r"),
        ("/docs> ", "\u{4}"),
    ];
    let ran = sit(&server, Via::Plain, &[], &steps);
    assert_eq!(ran.code, 0, "{}", ran.out);
    let address = server.at();
    assert!(ran.out.contains("PLAIN"), "{}", ran.out);
    assert!(
        ran.out.contains(&format!("alice@{address}/> ")),
        "{}",
        ran.out
    );
    assert_eq!(server.house.read("out"), b"docs/a b.txt");

    let path = server.house.path("state/sealpost/history");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let history = fs::read_to_string(&path).unwrap();
    for line in ["whoami", "docs/a", "local file", "cd docs/"] {
        assert!(history.contains(line), "{line}: {history}");
    }
    for line in ["hunter2", "pwd", "echo"] {
        assert!(!history.contains(line), "{line}: {history}");
    }
    // The next session goes on from there: the line before the last.
    let steps = [("/> ", "\u{1b}[A\u{1b}[A\r"), ("sha256    ", "bye\r")];
    let ran = sit(&server, Via::Plain, &[], &steps);
    assert_eq!(ran.code, 0, "{}", ran.out);
}

#[test]
fn the_prompt_tells_how_the_connection_is_protected() {
    if !has_python() {
        return;
    }
    for (via, flags, sign) in [
        (Via::Tls, &[][..], "tls alice@"),
        (Via::Mtls, &[], "mtls alice@"),
        (Via::Mtls, &["-k"], "UNVERIFIED\u{1b}[0m alice@"),
        (Via::Plain, &[], "PLAIN\u{1b}[0m alice@"),
    ] {
        let server = TestServer::via(via);
        let ran = sit(&server, via, flags, &[(sign, "quit\r")]);
        assert_eq!(ran.code, 0, "{via:?}: {}", ran.out);
        let plain = ran.out.contains("PLAIN");
        assert_eq!(plain, via == Via::Plain, "{}", ran.out);
    }
}

#[test]
fn ctrl_c_ends_the_line_or_the_transfer_and_never_the_session() {
    if !has_python() {
        return;
    }
    let server = TestServer::via(Via::Plain);
    let body = noise(6_000_000, 3);
    server.house.write("big", &body);
    server.run(Via::Plain, "alice", &["put", "big"]).ok();
    let steps = [
        ("/> ", "rm big\u{3}"),
        ("/> ", "get big back\r"),
        // The bar tells that bytes are moving.
        ("[=", "\u{3}"),
        ("interrupted", "reget big back\r"),
        ("connected anew as alice", ""),
        ("[=", "\u{3}"),
        ("interrupted", "bye\r"),
    ];
    // Slow enough that nobody comes too late to interrupt it.
    let ran = sit(&server, Via::Plain, &["--limit-rate", "100K"], &steps);
    assert_eq!(ran.code, 0, "{}", ran.out);
    let rest = ["get", "big", "-o", "back", "--conflict", "resume"];
    let ran = server.run(Via::Plain, "alice", &rest);
    assert!(ran.err.contains("resumed at"), "{}", ran.err);
    assert!(server.house.read("back") == body);
    assert_eq!(server.listed(Via::Plain), ["big"]);
}

#[test]
fn a_password_is_changed_where_nobody_reads_it_and_used_from_then_on() {
    if !has_python() {
        return;
    }
    let server = TestServer::start(&["--client-auth", "none", "--idle-timeout", "1s", "-v"]);
    let new = "a new passphrase";
    let typed = format!("{new}\r");
    let steps = [
        ("/> ", "passwd\r"),
        ("old password of alice: ", "correct horse battery\r"),
        ("new password for alice, at least 8 bytes: ", &typed),
        ("the same again for alice: ", &typed),
        ("changed the password of alice", "passwd\r"),
        ("old password of alice: ", "\u{3}"),
        // Until the server has ended the idle connection: the next is logged in with the new password.
        (
            "interrupted",
            "!until [ -e ended ]; do :; done; echo $((40 + 2))\r",
        ),
        ("42\r\n", "whoami\r"),
        ("identity", "bye\r"),
    ];
    let ran = thread::scope(|scope| {
        scope.spawn(|| {
            server.log.wait_for("connection ends");
            server.house.write("ended", b"");
        });
        sit(&server, Via::Tls, &[], &steps)
    });
    assert!(ran.out.contains("connected anew"), "{}", ran.out);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(!ran.out.contains(new), "{}", ran.out);
    let mut with_new = server.client(Via::Tls, "alice", &["whoami"]);
    Ran::of(with_new.env("PW", new)).ok();
    server.run(Via::Tls, "alice", &["whoami"]).failed(67);
}

/// Again and again: an echo that ends after the question is caught once in a while only.
#[test]
fn whoever_answers_a_question_for_a_password_at_once_is_not_echoed() {
    if !has_python() {
        return;
    }
    let server = TestServer::via(Via::Plain);
    let ask = [("/> ", "passwd\r"), ("old password of alice: ", "\u{3}")];
    let mut steps = ask.repeat(60);
    steps.push(("/> ", "bye\r"));
    let ran = sit(&server, Via::Plain, &[], &steps);
    assert_eq!(ran.code, 0, "{}", ran.out);
}
