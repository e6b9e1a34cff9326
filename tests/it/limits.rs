//! Slow, silent or many clients delay nobody, and every place is given back.

use std::io::{Read as _, Write as _};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::raw::{Raw, put, tcp};
use crate::support::{House, PASSWORD, TestServer, Via, noise, until};

/// A deadline that a test waits for: long enough that clients who are not to miss it do not, on a busy machine.
const DEADLINE: Duration = Duration::from_secs(3);

/// The same as an argument.
const IN_TIME: &str = "3s";

/// Longer than any test.
const NEVER: &str = "1h";

/// A client that must be served, whatever the others do.
#[track_caller]
fn is_served(server: &TestServer, via: Via) {
    let mut raw = Raw::logged_in(server, via, "alice");
    assert_eq!(raw.put("good", b"bytes", "overwrite")["ok"], true);
}

/// Sends a byte now and then until the peer says something or hangs up: a mere read timeout, begun anew by
/// each byte, would let this go on to the last byte, for 20 s. How many bytes were left.
fn drip(mut raw: Raw, bytes: &[u8]) -> thread::JoinHandle<(Raw, usize)> {
    let bytes = bytes.to_vec();
    let dripping = move || {
        for (n, byte) in bytes.iter().enumerate() {
            if raw.try_send(&[*byte]).is_err() || raw.is_answered() {
                return (raw, bytes.len() - n);
            }
            thread::sleep(Duration::from_millis(50));
        }
        (raw, 0)
    };
    thread::Builder::new().spawn(dripping).unwrap()
}

/// A frame announced, and a long way to its end.
fn slow_frame() -> Vec<u8> {
    [&[0, 0, 2, 0][..], &[b' '; 400]].concat()
}

/// A `ClientHello` announced, and a long way to its end.
fn slow_hello() -> Vec<u8> {
    [
        b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03",
        &[7; 400][..],
    ]
    .concat()
}

#[test]
fn silent_and_dripping_clients_delay_nobody() {
    for via in [Via::Mtls, Via::Plain] {
        let times = ["--handshake-timeout", "--login-timeout", "--idle-timeout"];
        let times = times.iter().flat_map(|flag| [flag, NEVER]);
        let flags: Vec<&str> = via.flags().iter().copied().chain(times).collect();
        let server = TestServer::start(&flags);
        let mut slow = [
            Raw::connect_to(server.address, &server.house, Via::Plain, "").unwrap(),
            Raw::connect_to(server.address, &server.house, Via::Plain, "").unwrap(),
            Raw::greeted(&server, via, "bob"),
            Raw::greeted(&server, via, "bob"),
            Raw::logged_in(&server, via, "bob"),
            Raw::logged_in(&server, via, "bob"),
        ];
        let of_via = match via {
            Via::Plain => slow_frame(),
            _ => slow_hello(),
        };
        slow[1].send(&of_via);
        slow[3].send(&slow_frame());
        slow[5].send(&slow_frame());
        is_served(&server, via);
        assert!(slow.iter().all(|raw| !raw.is_answered()));
    }
}

#[test]
fn silent_and_dripping_clients_are_ended_at_the_handshake_deadline() {
    for via in [Via::Mtls, Via::Plain] {
        let flags = [via.flags(), &["--handshake-timeout", IN_TIME]].concat();
        let server = TestServer::start(&flags);
        let began = Instant::now();
        let mut silent = tcp(server.address);
        let dripping = (via == Via::Mtls).then(|| {
            let raw = Raw::connect_to(server.address, &server.house, Via::Plain, "").unwrap();
            drip(raw, &slow_hello())
        });
        let mut rest = Vec::new();
        let _reset_or_end = silent.read_to_end(&mut rest);
        let slack = Duration::from_millis(100);
        assert!(began.elapsed() + slack > DEADLINE, "not before it");
        if let Some(dripping) = dripping {
            let (mut raw, left) = dripping.join().unwrap();
            assert!(left > 0, "each byte began the deadline anew");
            let _alert = raw.read_to_end(&mut rest);
        }
        is_served(&server, via);
    }
}

#[test]
fn silent_and_dripping_clients_are_ended_at_the_login_and_idle_deadlines_with_a_word() {
    for via in [Via::Plain, Via::Mtls] {
        let times = ["--login-timeout", IN_TIME, "--idle-timeout", IN_TIME];
        let server = TestServer::start(&[via.flags(), &times].concat());
        let mut ended = vec![
            Raw::greeted(&server, via, "bob"),
            Raw::logged_in(&server, via, "bob"),
        ];
        let dripping = [
            drip(Raw::greeted(&server, via, "bob"), &slow_frame()),
            drip(Raw::logged_in(&server, via, "bob"), &slow_frame()),
        ];
        for thread in dripping {
            let (raw, left) = thread.join().unwrap();
            assert!(left > 0, "each byte began the deadline anew");
            ended.push(raw);
        }
        for raw in &mut ended {
            assert_eq!(raw.hear().unwrap()["code"], "timeout");
            raw.ends();
        }
        is_served(&server, via);
    }
}

#[test]
fn a_session_that_asks_now_and_then_is_not_idle() {
    let times = ["--login-timeout", IN_TIME, "--idle-timeout", IN_TIME];
    let server = TestServer::start(&[&["--plain"][..], &times].concat());
    let mut raw = Raw::logged_in_cheaply(&server);
    let began = Instant::now();
    while began.elapsed() < DEADLINE * 3 / 2 {
        assert_eq!(raw.ask(&json!({"op": "whoami"}))["ok"], true);
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn transfers_that_stall_are_ended_in_both_directions() {
    let fast = TestServer::via(Via::Plain);
    let house = Arc::clone(&fast.house);
    let mut owner = Raw::logged_in_cheaply(&fast);
    assert_eq!(owner.put("big", &noise(40_000_000, 1), "error")["ok"], true);
    drop((owner, fast));
    let server = TestServer::start_in(&house, &["--plain", "--stall-timeout", IN_TIME]);

    let mut up = Raw::logged_in_cheaply(&server);
    up.ask(&put("up", 1_000_000, "error"));
    up.send(&noise(300_000, 1));
    let mut without_end = Raw::logged_in_cheaply(&server);
    without_end.ask(&put("without", 3, "error"));
    without_end.send(b"abc");
    let mut down = Raw::logged_in_cheaply(&server);
    down.say(&json!({"op": "get", "name": "big", "offset": 0}));
    is_served(&server, Via::Plain);
    for raw in [&mut up, &mut without_end] {
        assert_eq!(raw.hear().unwrap()["code"], "timeout");
        raw.ends();
    }
    // Nobody reads; the server gives up, and the log says so.
    assert!(server.log.wait_for("connection lost"));
    let audit = std::fs::read_to_string(server.house.path("data/audit.jsonl")).unwrap();
    assert!(audit.contains("get_cut"), "{audit}");
    assert_eq!(server.listed(Via::Plain), ["big", "good"]);
}

#[test]
fn a_slow_but_moving_upload_is_not_a_stalled_one() {
    let server = TestServer::start(&["--plain", "--stall-timeout", IN_TIME]);
    let body = noise(225_000, 1);
    let mut raw = Raw::logged_in_cheaply(&server);
    raw.ask(&put("slow", body.len(), "error"));
    let began = Instant::now();
    for chunk in body.chunks(5_000) {
        raw.send(chunk);
        thread::sleep(Duration::from_millis(100));
    }
    assert!(began.elapsed() > DEADLINE);
    let done = raw.ask(&json!({"sha256": crate::support::digest(&body)}));
    assert_eq!(done["ok"], true, "{done}");
}

#[test]
fn who_comes_when_it_is_full_is_told_busy_and_places_are_given_back() {
    for (via, limit) in [
        (Via::Plain, "--max-connections"),
        (Via::Mtls, "--max-connections"),
        (Via::Plain, "--max-connections-per-ip"),
        (Via::Mtls, "--max-connections-per-ip"),
    ] {
        let server = TestServer::start(&[via.flags(), &[limit, "2"]].concat());
        let mut inside = vec![
            Raw::logged_in(&server, via, "alice"),
            Raw::greeted(&server, via, "bob"),
        ];
        for _ in 0..3 {
            let mut raw = Raw::connect(&server, via, "bob");
            let hello = json!({"op": "hello", "version": 1, "agent": "x"});
            raw.refused(&hello, "busy");
            raw.ends();
        }
        let text = server.run(via, "bob", &["whoami"]).failed(7);
        assert!(text.contains("too many connections"), "{text}");
        // Who is in stays in.
        assert_eq!(inside[0].ask(&json!({"op": "whoami"}))["ok"], true);
        inside.pop();
        until("a place is free", || {
            server.run(via, "bob", &["whoami"]).code == 0
        });
    }
}

#[test]
fn three_hundred_clients_at_once_are_all_served() {
    let room = ["--max-connections-per-ip", "400"];
    let flags = [&["--plain", "--handshake-timeout", NEVER][..], &room].concat();
    let server = TestServer::start(&flags);
    let address = server.address;
    let threads: Vec<_> = (0..10)
        .map(|_| {
            let connect = move || (0..30).map(|_| tcp(address)).collect::<Vec<_>>();
            thread::Builder::new().spawn(connect).unwrap()
        })
        .collect();
    let streams = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap());
    let mut streams: Vec<_> = streams.collect();
    assert_eq!(streams.len(), 300);
    let hello = crate::raw::frame(br#"{"op":"hello","version":1,"agent":"x"}"#);
    for stream in &mut streams {
        stream.write_all(&hello).unwrap();
    }
    for stream in &mut streams {
        let mut head = [0; 4];
        stream.read_exact(&mut head).unwrap();
        let mut text = vec![0; u32::from_be_bytes(head) as usize];
        stream.read_exact(&mut text).unwrap();
        assert!(text.starts_with(br#"{"ok":true"#), "{text:?}");
    }
}

#[test]
fn out_of_descriptors_the_server_rests_and_recovers() {
    let house = House::new();
    let command = TestServer::command(&house, &["--plain"]);
    let mut shell = Command::new("bash");
    shell.args(["-c", "ulimit -n 40; exec \"$0\" \"$@\""]);
    shell.arg(command.get_program()).args(command.get_args());
    shell
        .current_dir(house.path(""))
        .stdin(std::process::Stdio::null());
    let server = TestServer::spawn(&house, &mut shell);
    let mut inside = Raw::logged_in_cheaply(&server);
    let crowd: Vec<_> = (0..60).map(|_| tcp(server.address)).collect();
    // Each failure is one line, and rests 50 ms: ten more in no time would be a spin.
    assert!(server.log.wait_for_times("cannot accept a connection", 11));
    let log = server.log.text();
    let failures = log.lines().filter(|line| line.contains("cannot accept"));
    let at: Vec<_> = failures.map(at).collect();
    assert!(at[10] - at[0] >= Duration::from_millis(400), "{log}");
    // Who is in is served, as far as descriptors go.
    assert_eq!(inside.ask(&json!({"op": "whoami"}))["ok"], true);
    drop(crowd);
    is_served(&server, Via::Plain);
}

/// When a line of the log was written, by the server's own clock.
fn at(line: &str) -> OffsetDateTime {
    let at = line.split_whitespace().next().unwrap();
    OffsetDateTime::parse(at, &Rfc3339).unwrap()
}

#[test]
fn asking_for_taken_names_is_slowed_and_a_free_name_still_registers() {
    let server = TestServer::start(&["--plain"]);
    let register = |user: &str| {
        let mut raw = Raw::greeted(&server, Via::Plain, "");
        let began = Instant::now();
        let request = json!({"op": "register", "user": user, "password": PASSWORD});
        (raw.ask(&request), began.elapsed())
    };
    let taken: Vec<_> = (0..6).map(|_| register("alice")).collect();
    assert!(
        taken.iter().all(|(reply, _)| reply["code"] == "name_taken"),
        "{taken:?}"
    );
    assert!(taken[5].1 >= Duration::from_millis(450), "{taken:?}");
    let (reply, _) = register("newcomer");
    assert_eq!(reply["user"], "newcomer", "{reply}");
}

#[test]
fn failed_logins_are_answered_ever_more_slowly_and_the_right_password_still_works() {
    let server = TestServer::start(&["--plain"]);
    let mut raw = Raw::greeted(&server, Via::Plain, "");
    let mut timed = |password: &str| {
        let began = Instant::now();
        let login = json!({"op": "login", "user": "alice", "password": password});
        (raw.ask(&login), began.elapsed())
    };
    let mut took = Vec::new();
    for _ in 0..6 {
        let (reply, time) = timed("wrong password");
        assert_eq!(reply["code"], "login_failed", "{reply}");
        took.push(time);
    }
    // Three are free, then 250 ms, 500 ms, …
    assert!(took[5] >= Duration::from_millis(450), "{took:?}");
    assert!(took[4] >= Duration::from_millis(225), "{took:?}");
    let (reply, time) = timed(PASSWORD);
    assert_eq!(reply["user"], "alice", "{reply}");
    assert!(
        time >= Duration::from_millis(900),
        "the wait tells nothing of the password: {time:?}"
    );
}

#[test]
fn requests_without_reading_replies_do_not_grow_the_server() {
    let server = TestServer::start(&["--plain", "--stall-timeout", IN_TIME]);
    let mut raw = Raw::logged_in_cheaply(&server);
    let before = server.memory_kib("VmRSS");
    let request = crate::raw::frame(br#"{"op":"list","prefix":"","after":"","limit":1}"#);
    let many = request.repeat(2_000);
    raw.tcp()
        .set_write_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    // Until the pipes are full or the server has had enough.
    for _ in 0..400 {
        if raw.try_send(&many).is_err() {
            break;
        }
    }
    is_served(&server, Via::Plain);
    let grown = server.memory_kib("VmRSS").saturating_sub(before);
    assert!(grown < 24 * 1024, "{grown} KiB");
}
