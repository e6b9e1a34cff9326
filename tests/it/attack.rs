//! What an attacker tried that once worked, or nearly did: each test is one way in that is closed.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustls::HandshakeKind;
use sealpost::pki::{Authority, IssueRequest};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::fake::{Answer, Fake, says};
use crate::raw::{Raw, config, frame, put, tcp};
use crate::support::{House, PASSWORD, TestServer, Via, digest, until};

#[test]
fn logins_on_many_connections_share_the_memory_of_a_few() {
    let server = TestServer::start(&["--plain"]);
    let mut raws: Vec<Raw> = (0..64)
        .map(|_| Raw::greeted(&server, Via::Plain, ""))
        .collect();
    let before = server.memory_kib("VmRSS");
    thread::scope(|scope| {
        for raw in &mut raws {
            scope.spawn(|| assert_eq!(raw.login("alice")["ok"], true));
        }
    });
    let cores = thread::available_parallelism().unwrap().get() as u64;
    let grown = server.memory_kib("VmHWM") - before;
    // 19 MiB each for as many as run at once; without the sharing it is 19 MiB for each of the 64.
    assert!(
        grown < cores * 20 * 1024 + 40 * 1024,
        "{grown} KiB for {cores} cores"
    );
}

#[test]
fn a_log_that_cannot_be_written_ends_neither_a_connection_nor_the_server() {
    let house = House::new();
    let inner = TestServer::command(&house, &["--plain"]);
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", "exec \"$0\" \"$@\" 2>/dev/full"])
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(house.path(""))
        .env_clear();
    let mut server = TestServer::spawn(&house, &mut shell);
    let mut raw = Raw::greeted(&server, Via::Plain, "");
    // A refusal is logged, a reload as well.
    raw.refused(
        &json!({"op": "login", "user": "alice", "password": "wrong password"}),
        "login_failed",
    );
    assert_eq!(raw.login("alice")["ok"], true);
    server.signal(rustix::process::Signal::HUP);
    assert_eq!(raw.put("a", b"abc", "error")["ok"], true);
    until("the reload", || {
        let trail = fs::read_to_string(house.path("data/audit.jsonl")).unwrap();
        trail.contains("\"event\":\"reload\"")
    });
    drop(raw);
    assert_eq!(
        Raw::greeted(&server, Via::Plain, "").login("bob")["ok"],
        true
    );
    server.signal(rustix::process::Signal::TERM);
    assert_eq!(server.ended(), 0);
}

#[test]
fn moving_away_what_is_being_replaced_does_not_stretch_the_quota() {
    let server = TestServer::start(&["--plain", "--quota", "1000"]);
    let mut alice = Raw::logged_in_cheaply(&server);
    let mut second = Raw::logged_in_cheaply(&server);
    assert_eq!(alice.put("a", &[1; 800], "error")["ok"], true);
    let over = [2; 900];
    assert_eq!(alice.ask(&put("a", over.len(), "overwrite"))["ok"], true);
    let moved = json!({"op": "rename", "from": "a", "to": "b", "conflict": "error"});
    assert_eq!(second.ask(&moved)["ok"], true);
    alice.send(&over);
    alice.refused(&json!({"sha256": digest(&over)}), "quota_exceeded");
    second.refused(&json!({"op": "stat", "name": "a"}), "not_found");
    // What is replaced and still there counts as before.
    assert_eq!(alice.put("b", &over, "overwrite")["ok"], true);
}

#[test]
fn who_is_disabled_during_an_upload_puts_nothing_there() {
    let server = TestServer::start(&["--plain"]);
    let mut alice = Raw::logged_in_cheaply(&server);
    assert_eq!(alice.put("kept", b"abc", "error")["ok"], true);
    assert_eq!(alice.ask(&put("late", 3, "error"))["ok"], true);
    let data = server.house.arg("data");
    let disable = ["user", "disable", "alice", "--data", &data];
    server.house.run(&disable).ok();
    alice.send(b"abc");
    alice.refused(&json!({"sha256": digest(b"abc")}), "login_required");
    let names = server.listed(Via::Plain);
    assert_eq!(names, ["kept"]);
}

#[test]
fn who_may_not_read_a_folder_does_not_learn_what_is_in_it_by_changing_it() {
    let house = House::new();
    fs::write(
        house.path("data/access.csv"),
        "who,prefix,rights\n*,secret/,none\n*,drop/,create\n",
    )
    .unwrap();
    let server = TestServer::start_in(&house, &["--plain"]);
    let mut root = Raw::logged_in(&server, Via::Plain, "root");
    assert_eq!(root.put("secret/there", b"abc", "error")["ok"], true);
    assert_eq!(root.put("drop/there", b"abc", "error")["ok"], true);
    let mut alice = Raw::logged_in_cheaply(&server);
    let requests = |name: &str| {
        let rename = |from: &str, to: &str| json!({"op": "rename", "from": from, "to": to, "conflict": "error"});
        [
            json!({"op": "stat", "name": name}),
            json!({"op": "delete", "name": name}),
            rename(name, "mine"),
            rename("own", name),
            put(name, 3, "error"),
            put(name, 3, "overwrite"),
            put(name, 3, "rename"),
            put(name, 3, "resume"),
        ]
    };
    assert_eq!(alice.put("own", b"abc", "error")["ok"], true);
    for name in ["secret/there", "secret/none"] {
        for request in requests(name) {
            alice.refused(&request, "forbidden");
        }
    }
    for name in ["drop/there", "drop/none"] {
        alice.refused(&json!({"op": "delete", "name": name}), "forbidden");
    }
    // Where one may read, a name that is free is still told from one that is not one's own.
    alice.refused(&json!({"op": "delete", "name": "none"}), "not_found");
}

#[test]
fn rules_that_vanish_or_are_emptied_stay_in_force() {
    let house = House::new();
    let rules = house.path("data/access.csv");
    fs::write(&rules, "who,prefix,rights\n*,secret/,none\n").unwrap();
    let server = TestServer::start_in(&house, &["--plain"]);
    let mut alice = Raw::logged_in_cheaply(&server);
    let stat = json!({"op": "stat", "name": "secret/x"});
    alice.refused(&stat, "forbidden");
    fs::write(&rules, "").unwrap();
    alice.refused(&stat, "forbidden");
    fs::remove_file(&rules).unwrap();
    alice.refused(&stat, "forbidden");
    fs::write(&rules, "who,prefix,rights\n").unwrap();
    alice.refused(&stat, "not_found");
    // Nor do the accounts: a table written anew from nothing would hold the next stranger alone.
    let users = fs::read(house.path("data/users.csv")).unwrap();
    fs::remove_file(house.path("data/users.csv")).unwrap();
    let register = json!({"op": "register", "user": "eve", "password": PASSWORD});
    Raw::greeted(&server, Via::Plain, "").refused(&register, "internal");
    assert!(!house.path("data/users.csv").exists());
    assert_eq!(alice.ask(&json!({"op": "whoami"}))["user"], "alice");
    fs::write(house.path("data/users.csv"), users).unwrap();
    assert_eq!(
        Raw::greeted(&server, Via::Plain, "").ask(&register)["ok"],
        true
    );
}

#[test]
fn a_resumed_session_does_not_outlive_its_certificate() {
    let house = House::new();
    let server = TestServer::start_in(&house, &["--resumption", "tickets"]);
    let authority = Authority::open(&house.path("certs")).unwrap();
    // Two connections have to come about before.
    let lives = Duration::from_secs(10);
    let expires = OffsetDateTime::now_utc() + lives;
    authority
        .issue(&IssueRequest {
            out: Some("brief".into()),
            days: 1,
            not_before: Some(expires - time::Duration::days(1)),
            ..IssueRequest::client("alice")
        })
        .unwrap();
    let brief = config(&house, Some("brief"));
    let connect = || Raw::shake_hands(tcp(server.address), brief.clone());
    let greeted = |kind: HandshakeKind| {
        let mut raw = connect().unwrap();
        raw.hello();
        assert_eq!(raw.handshake(), Some(kind));
    };
    greeted(HandshakeKind::Full);
    greeted(HandshakeKind::Resumed);
    until("the certificate expires", || {
        OffsetDateTime::now_utc() > expires + Duration::from_secs(1)
    });
    let mut raw = connect().unwrap();
    raw.say(&json!({"op": "hello", "version": 1, "agent": "late/1"}));
    assert_eq!(raw.handshake(), Some(HandshakeKind::Resumed));
    assert_eq!(raw.hear(), None);
    assert!(server.log.wait_for("expired"), "{}", server.log.text());
}

/// A server that has one file `a` of three bytes, and stores every upload under `stored`.
fn one_file(stored: &'static str) -> Fake {
    let file = |name: &str| {
        json!({"name": name, "size": 3, "sha256": digest(b"abc"), "owner": "alice",
               "modified": "2026-01-01T00:00:00Z"})
    };
    Fake::new(
        move |request: &Value| match request["op"].as_str().unwrap() {
            "get" => {
                let reply = json!({"ok": true, "file": file("a"), "offset": 0});
                let mut bytes = frame(reply.to_string().as_bytes());
                bytes.extend(b"abc");
                Answer::Bytes(bytes)
            }
            "list" => says(&json!({"ok": true, "files": [file("a\u{202e}b")], "more": false})),
            "end" => says(&json!({"ok": true, "file": file(stored)})),
            _ => Answer::Usual,
        },
    )
}

fn client(house: &House, fake: &Fake, args: &[&str]) -> crate::support::Ran {
    let at = fake.at();
    let mut all = vec![args[0], "--plain", "--server", &at, "--user", "alice"];
    all.extend(["--password", "env:PW"]);
    all.extend(&args[1..]);
    house.run(&all)
}

#[test]
fn a_link_planted_beside_a_download_is_not_written_through() {
    let (house, fake) = (House::new(), one_file("a"));
    house.write("victim", b"precious");
    for planted in ["a.part", "a.part.json"] {
        let link = house.path("work").join(planted);
        symlink(house.path("work/victim"), &link).unwrap();
        client(&house, &fake, &["get", "a"]).failed(23);
        assert_eq!(house.read("victim"), b"precious", "{planted}");
        assert!(!house.path("work/a").exists());
        let _with_the_empty_part = fs::remove_file(link);
    }
    client(&house, &fake, &["get", "a"]).ok();
    assert_eq!(house.read("a"), b"abc");
}

#[test]
fn an_upload_stored_under_another_name_is_no_success() {
    let house = House::new();
    house.write("a", b"abc");
    client(&house, &one_file("b"), &["put", "a"]).failed(8);
    client(&house, &one_file("a"), &["put", "a"]).ok();
    // Unless that was asked for.
    let put = ["put", "a", "--conflict", "rename"];
    client(&house, &one_file("a (1)"), &put).ok();
}

#[test]
fn a_peers_name_reorders_no_line_of_json_either() {
    let out = client(&House::new(), &one_file("a"), &["ls", "--json"]).ok();
    assert!(out.contains(r"a\u202eb"), "{out}");
    let read: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(read["files"][0]["name"], "a\u{202e}b");
}
