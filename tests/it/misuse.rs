//! A command that cannot be meant: told in the form of every other error, before any harm is done.

use std::fs;
use std::net::TcpListener;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{House, Ran, TestServer, Via};

#[test]
fn a_command_line_that_makes_no_sense_is_told_as_every_other_error() {
    let house = House::new();
    for args in [
        "ls --nonsense",
        "frobnicate",
        "put",
        "put f --conflict maybe",
        "serve --plain --allow-plain",
        "ls --timeout 99999999999999999d",
        "ls --timeout 0",
        "serve --handshake-timeout 0s",
        "serve --plain --max-connections-per-ip 0",
        "audit --since 99999999999d",
        "pki needs-renewal x --within 99999999999d",
        "user certificate alice dn:alice",
    ] {
        let args: Vec<&str> = args.split(' ').collect();
        let ran = house.run(&args);
        assert_eq!(ran.err.lines().count(), 2, "{}", ran.err);
        assert!(ran.out.is_empty(), "{}", ran.out);
        ran.failed(2);
        let chinese = house.run(&[&args[..], &["--lang", "zh"]].concat());
        assert!(chinese.err.contains("错误："), "{}", chinese.err);
        let ran = house.run(&[&args[..], &["--json"]].concat());
        assert_eq!((ran.code, code(&ran.out).as_deref()), (2, Some("usage")));
    }
    let help = house.run(&["put", "--help"]).ok();
    assert!(help.contains("--conflict"), "{help}");
}

#[test]
fn a_result_that_cannot_be_written_is_no_success_and_a_reader_that_left_is_none_of_ours() {
    let house = House::new();
    let full = |args: &[&str]| {
        let mut command = house.sealpost(args);
        let disk = fs::File::options().write(true).open("/dev/full").unwrap();
        Ran::of(command.stdout(disk))
    };
    for args in [&["config"][..], &["config", "--json"], &["user", "list"]] {
        full(args).failed(23);
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = house.sealpost(&["config"]);
    let ran = Ran::of(command.stdout(writer));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn everything_is_not_removed_by_an_empty_name() {
    let server = TestServer::via(Via::Plain);
    server.house.write("d/a", b"one");
    let run = |args: &[&str]| server.run(Via::Plain, "alice", args);
    run(&["put", "-r", "d"]).ok();
    for all in ["", "/", "//"] {
        run(&["rm", "-r", all]).failed(2);
    }
    // All names are looked at before the first is removed.
    run(&["rm", "d/a", "../a"]).failed(2);
    assert_eq!(server.listed(Via::Plain), ["d/a"]);
    run(&["rm", "-r", "d/"]).ok();
    assert!(server.listed(Via::Plain).is_empty());
}

#[test]
fn a_password_that_no_server_takes_is_a_wrong_use_before_anything_is_sent() {
    let house = House::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let closed = closed.unwrap().to_string();
    let run = |command: &str, old: &str, new: &str| {
        let args = [command, "--plain", "--server", &closed, "--user", "alice"];
        let mut command = house.sealpost(&args);
        command.args(["--password", "env:OLD"]).env("OLD", old);
        match new {
            "" => Ran::of(&mut command),
            _ => Ran::of(command.args(["--new-password", "env:NEW"]).env("NEW", new)),
        }
    };
    let long = "x".repeat(1_025);
    for wrong in ["1234567", &long] {
        let text = run("register", wrong, "").failed(2);
        assert!(text.contains("8 to 1024 bytes"), "{text}");
        run("passwd", "old", wrong).failed(2);
    }
    // Those of a right length get as far as the connection.
    run("register", "12345678", "").failed(7);
    run("passwd", "old", &long[1..]).failed(7);
}

#[test]
fn a_server_that_nobody_could_log_in_to_says_so_at_its_start() {
    let house = House::new();
    for (flags, said) in [
        (&["--login", "cert", "--client-auth", "none"][..], true),
        (&["--login", "both", "--client-auth", "none"], true),
        (&["--login", "cert", "--client-auth", "optional"], false),
        (&["--login", "either", "--client-auth", "none"], false),
    ] {
        let mut server = TestServer::start_in(&house, flags);
        server.signal(Signal::TERM);
        server.ended();
        let warned = server.log.wait_for("nobody can log in");
        assert_eq!(warned, said, "{flags:?}: {}", server.log.text());
    }
}

/// The code of an error under `--json`.
fn code(text: &str) -> Option<String> {
    let error: Value = serde_json::from_str(text).unwrap();
    error["code"].as_str().map(str::to_owned)
}
