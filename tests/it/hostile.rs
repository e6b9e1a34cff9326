//! Whatever a stranger sends: a reply or an alert at once, nothing allocated, nobody else harmed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};

use serde_json::{Value, json};

use crate::raw::{Raw, frame, hung_up, put, tcp};
use crate::support::{PASSWORD, TestServer, Via};

const HELLO: &str = r#"{"op":"hello","version":1,"agent":"x"}"#;

/// The frames of the issue that no JSON parser gets to see.
fn not_frames() -> Vec<(&'static str, Vec<u8>)> {
    let head = |n: u32| n.to_be_bytes().to_vec();
    vec![
        ("length 0", head(0)),
        ("one over the limit", head(65_537)),
        ("16 MiB less one byte", head(0x00ff_ffff)),
        ("not UTF-8", frame(b"{\"op\":\"\xc0\xae\"}")),
        ("not JSON", frame(b"hello?")),
        ("nested 60,000 deep", frame("[".repeat(60_000).as_bytes())),
        (
            "objects 12,000 deep",
            frame("{\"a\":".repeat(12_000).as_bytes()),
        ),
        ("an array", frame(br#"[{"op":"quit"}]"#)),
        ("a number", frame(b"7")),
        ("null", frame(b"null")),
        ("trailing garbage", frame(br#"{"op":"quit"} x"#)),
        ("a BOM", frame("\u{feff}{\"op\":\"quit\"}".as_bytes())),
        ("unknown op", frame(br#"{"op":"dance"}"#)),
        ("unknown field", frame(br#"{"op":"quit","x":1}"#)),
        ("missing field", frame(br#"{"op":"hello","version":1}"#)),
        ("duplicate key", frame(br#"{"op":"quit","op":"quit"}"#)),
        (
            "ill-typed field",
            frame(br#"{"op":"hello","version":"1","agent":"x"}"#),
        ),
        ("op before hello", frame(br#"{"op":"whoami"}"#)),
        (
            "agent empty",
            frame(br#"{"op":"hello","version":1,"agent":""}"#),
        ),
        (
            "lone surrogate",
            frame(br#"{"op":"hello","version":1,"agent":"\ud800"}"#),
        ),
        ("100 KiB of zeros", vec![0; 100 * 1024]),
    ]
}

/// Openings of other protocols, and frames whose length begins with another byte than 0.
const OTHER_LANGUAGES: [(&str, &[u8]); 6] = [
    ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n"),
    ("a PROXY header", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"),
    ("4 GiB announced", b"\xff\xff\xff\xff{\"op\":\"quit\"}"),
    ("2 GiB announced", b"\x7f\xff\xff\xff"),
    ("a single byte", b"?"),
];

/// A client that must be served well all the while.
fn good_client(server: &TestServer, via: Via) -> Raw {
    let mut good = Raw::logged_in(server, via, "alice");
    let stored = good.put("good", b"bytes", "overwrite");
    assert_eq!(stored["ok"], true, "{stored}");
    good
}

#[track_caller]
fn is_served(good: &mut Raw) {
    let (_, body) = good.get("good", 0);
    assert_eq!(body, b"bytes");
}

#[test]
fn every_hostile_frame_gets_bad_request_and_the_end_and_harms_nobody_else() {
    for via in Via::ALL {
        // At once: who waited for more would wait for an hour.
        let flags = [via.flags(), &["--login-timeout", "1h"]].concat();
        let server = TestServer::start(&flags);
        let mut good = good_client(&server, via);
        for (what, bytes) in not_frames() {
            let mut raw = Raw::connect(&server, via, "bob");
            raw.send(&bytes);
            let reply = raw
                .hear()
                .unwrap_or_else(|| panic!("{what} {via:?}: no reply"));
            assert_eq!(reply["code"], "bad_request", "{what}: {reply}");
            raw.ends();
            is_served(&mut good);
        }
        is_served(&mut good_client(&server, via));
    }
}

#[test]
fn other_protocols_get_bad_request_on_any_port() {
    for flags in [&["--plain"][..], &["--allow-plain"], &[]] {
        let flags = [flags, &["--handshake-timeout", "1h"]].concat();
        let server = TestServer::start(&flags);
        for (what, bytes) in OTHER_LANGUAGES {
            let mut stream = tcp(server.address);
            stream.write_all(bytes).unwrap();
            let mut reply = Vec::new();
            let read = stream.read_to_end(&mut reply);
            assert!(read.is_ok() || read.is_err_and(|error| hung_up(&error)));
            let json: Value = serde_json::from_slice(&reply[4..]).unwrap();
            assert_eq!(json["code"], "bad_request", "{what}: {json}");
        }
    }
}

#[test]
fn tls_on_a_plain_port_and_plain_on_a_tls_port_get_bad_request() {
    let hello_of_tls = [&[0x16, 3, 1, 0, 5][..], &[1, 0, 0, 1, 0]].concat();
    let hello_of_us = frame(HELLO.as_bytes());
    for (flags, bytes) in [(&["--plain"][..], hello_of_tls), (&[], hello_of_us)] {
        let server = TestServer::start(flags);
        let mut stream = tcp(server.address);
        stream.write_all(&bytes).unwrap();
        let mut reply = Vec::new();
        let _reset_or_end = stream.read_to_end(&mut reply);
        let json: Value = serde_json::from_slice(&reply[4..]).unwrap();
        assert_eq!(json["code"], "bad_request", "{json}");
    }
}

#[test]
fn garbage_that_begins_like_tls_gets_an_alert() {
    let server = TestServer::start(&["--handshake-timeout", "1h"]);
    // rustls ends without an alert where only the length of the handshake message is absurd (the first).
    for (garbage, alert) in [
        (&b"\x16\x03\x01\x00\x05hello"[..], None),
        (b"\x16\x03\x01\x00\x06\x01\x00\x00\x02ab", Some(&0x15)),
        (b"\x16\x03\x01\xff\xff\x01\x02\x03", Some(&0x15)),
        (b"\x16GET / HTTP/1.1\r\n\r\n", Some(&0x15)),
    ] {
        let mut stream = tcp(server.address);
        stream.write_all(garbage).unwrap();
        let mut reply = Vec::new();
        let read = stream.read_to_end(&mut reply);
        assert!(read.is_ok() || read.is_err_and(|error| hung_up(&error)));
        assert_eq!(reply.first(), alert, "{reply:?}");
    }
}

#[test]
fn frames_arrive_whole_however_they_were_cut_into_segments() {
    let server = TestServer::start(&["--plain"]);
    let mut raw = Raw::connect(&server, Via::Plain, "");
    for byte in frame(HELLO.as_bytes()) {
        raw.send(&[byte]);
    }
    assert_eq!(raw.hear().unwrap()["ok"], true);
    let login = json!({"op": "login", "user": "alice", "password": PASSWORD});
    let mut two = frame(login.to_string().as_bytes());
    two.extend(frame(br#"{"op":"whoami"}"#));
    raw.send(&two);
    assert_eq!(raw.hear().unwrap()["role"], "user");
    assert_eq!(raw.hear().unwrap()["secure"], "plain");
}

#[test]
fn the_order_of_a_connection_is_kept() {
    let server = TestServer::start(&["--plain"]);
    let connect = || Raw::greeted(&server, Via::Plain, "");

    let mut twice = connect();
    let hello: Value = serde_json::from_str(HELLO).unwrap();
    twice.refused(&hello, "bad_request");
    twice.ends();

    for version in [0, 2, 999] {
        let mut raw = Raw::connect(&server, Via::Plain, "");
        let hello = json!({"op": "hello", "version": version, "agent": "x"});
        raw.refused(&hello, "unsupported_version");
        raw.ends();
    }

    // Before the login every operation is refused alike, whether the file is there or not.
    let mut owner = connect();
    let login = json!({"op": "login", "user": "alice", "password": PASSWORD});
    owner.ask(&login);
    owner.put("there", b"x", "error");
    owner.refused(&login, "forbidden");
    assert_eq!(owner.ask(&json!({"op": "whoami"}))["user"], "alice");
    let mut stranger = connect();
    for name in ["there", "not there", "../x"] {
        let mut replies = Vec::new();
        for request in requests(name) {
            replies.push(stranger.refused(&request, "login_required"));
        }
        replies.dedup();
        assert_eq!(replies.len(), 1, "{replies:?}");
    }
}

/// Every operation that names a file.
fn requests(name: &str) -> Vec<Value> {
    vec![
        json!({"op": "stat", "name": name}),
        json!({"op": "get", "name": name, "offset": 0}),
        put(name, 1, "error"),
        put(name, 1, "overwrite"),
        put(name, 1, "rename"),
        put(name, 1, "resume"),
        json!({"op": "delete", "name": name}),
        json!({"op": "rename", "from": name, "to": "b", "conflict": "error"}),
        json!({"op": "rename", "from": "good", "to": name, "conflict": "overwrite"}),
    ]
}

/// Names that could leave the folder, forge a line or move a cursor.
fn hostile_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "",
        ".",
        "..",
        "../x",
        "a/../../x",
        "/etc/passwd",
        "//x",
        "a//b",
        "a/",
        "/",
        "./x",
        "a/./b",
        "..\\x",
        "a\\b",
        "C:\\x",
        "\\\\srv\\share",
        "a\0b",
        "\0",
        "a\nb",
        "a\r",
        "\t",
        "\u{1b}[2J",
        "\u{7}",
        "\u{7f}",
        "\u{9b}2J",
        "e\u{301}",
        "../../../../../../canary/inner",
        "x/../canary",
    ]
    .map(str::to_owned)
    .into();
    names.extend([
        "a".repeat(256),
        "é".repeat(128),
        "a/".repeat(513),
        "a".repeat(60_000),
    ]);
    names
}

/// Every file below a folder with its bytes.
fn snapshot(path: &std::path::Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.insert(path.display().to_string(), Vec::new());
            found.extend(snapshot(&path));
        } else {
            found.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn every_hostile_name_is_refused_with_a_reply_whatever_is_asked_of_it() {
    let server = TestServer::start(&["--plain"]);
    let house = &server.house;
    fs::create_dir(house.path("canary")).unwrap();
    fs::write(house.path("canary/inner"), "alive").unwrap();
    let mut good = good_client(&server, Via::Plain);
    let before = (
        snapshot(&house.path("canary")),
        snapshot(&house.path("certs")),
    );
    let blobs = house.names("data/blobs");
    for name in hostile_names() {
        for request in requests(&name) {
            let mut raw = Raw::logged_in_cheaply(&server);
            raw.refused(&request, "bad_request");
            raw.ends();
        }
    }
    is_served(&mut good);
    let after = (
        snapshot(&house.path("canary")),
        snapshot(&house.path("certs")),
    );
    assert_eq!(before, after);
    assert_eq!(blobs, house.names("data/blobs"));
    assert!(house.names("data/partial").is_empty());
    assert_eq!(server.listed(Via::Plain), ["good"]);
    assert!(fs::read(house.path("work/x")).is_err());
}

#[test]
fn bad_numbers_are_refused_before_a_byte_is_taken() {
    let server = TestServer::start(&["--plain"]);
    let mut good = good_client(&server, Via::Plain);
    for size in [
        "-1",
        "1.5",
        "\"12\"",
        "18446744073709551616",
        "1e400",
        "null",
        "[]",
    ] {
        let mut raw = Raw::logged_in_cheaply(&server);
        let put = format!(r#"{{"op":"put","name":"n","size":{size},"conflict":"error"}}"#);
        raw.send(&frame(put.as_bytes()));
        assert_eq!(raw.hear().unwrap()["code"], "bad_request", "{size}");
        raw.ends();
    }
    for (size, code) in [
        (u64::MAX, "too_large"),
        (1 << 63, "too_large"),
        (1 << 49, "no_space"),
    ] {
        let mut raw = Raw::logged_in_cheaply(&server);
        let put = json!({"op": "put", "name": "n", "size": size, "conflict": "error"});
        raw.refused(&put, code);
        // No body was asked for, so the connection goes on.
        assert_eq!(raw.ask(&json!({"op": "whoami"}))["ok"], true);
    }
    let mut raw = Raw::logged_in_cheaply(&server);
    let beyond = json!({"op": "get", "name": "good", "offset": 6});
    raw.refused(&beyond, "bad_request");
    raw.ends();
    let mut raw = Raw::logged_in_cheaply(&server);
    let (reply, body) = raw.get("good", 5);
    assert_eq!((&reply["offset"], body.len()), (&json!(5), 0));
    is_served(&mut good);
}

#[test]
fn a_hundred_announcements_take_no_memory_worth_mention() {
    let server = TestServer::start(&["--plain"]);
    let mut good = good_client(&server, Via::Plain);
    let mut announce = |head: [u8; 4]| {
        let before = server.memory_kib("VmRSS");
        // After the hello, when the first byte is no longer looked at by itself.
        let mut raws: Vec<Raw> = (0..100)
            .map(|_| Raw::greeted(&server, Via::Plain, ""))
            .collect();
        for raw in &mut raws {
            raw.send(&head);
        }
        is_served(&mut good);
        let after = server.memory_kib("VmRSS");
        (raws, after.saturating_sub(before))
    };
    // A thread, which takes some tens of KiB more or less, and at most the buffer of the largest frame each, whether
    // 64 KiB are announced, or 4 GiB or 16 MiB.
    let most = 100 * (64 + 128);
    let (raws, grown) = announce(65_536u32.to_be_bytes());
    assert!(grown < most, "{grown} KiB");
    drop(raws);
    for head in [[0xff; 4], [0, 0xff, 0xff, 0xff]] {
        let (raws, grown) = announce(head);
        assert!(grown < most, "{grown} KiB");
        for mut raw in raws {
            assert_eq!(raw.hear().unwrap()["code"], "bad_request");
        }
    }
}

#[test]
fn sql_in_a_user_name_or_password_is_just_a_wrong_password() {
    let server = TestServer::start(&["--plain"]);
    let login = |user: &str, password: &str| {
        let mut raw = Raw::greeted(&server, Via::Plain, "");
        raw.say(&json!({"op": "login", "user": user, "password": password}));
        let reply = raw.hear_bytes().unwrap();
        // It is a refusal like any other: the connection goes on.
        raw.refused(&json!({"op": "whoami"}), "login_required");
        reply
    };
    let wrong = login("alice", "wrong password");
    let text = String::from_utf8(wrong.clone()).unwrap();
    assert!(text.contains("login_failed"), "{text}");
    assert!(
        !text.contains("alice") && !text.contains("password"),
        "{text}"
    );
    for (user, password) in [
        ("nobody", PASSWORD),
        ("gone", PASSWORD),
        ("' OR 1=1 --", "' OR '1'='1"),
        ("alice'; DROP TABLE users; --", "x"),
        ("alice", "' OR ''='"),
        ("", ""),
        ("../../x", "x"),
    ] {
        assert_eq!(login(user, password), wrong, "{user}");
    }
    assert_eq!(
        Raw::greeted(&server, Via::Plain, "").login("alice")["ok"],
        true
    );
}

#[test]
fn a_password_over_the_limit_is_refused_even_where_it_begins_with_the_right_one() {
    let server = TestServer::start(&["--plain"]);
    let mut raw = Raw::greeted(&server, Via::Plain, "");
    let register = |user: &str, password: String| json!({"op": "register", "user": user, "password": password});
    let longest = "p".repeat(1_024);
    let reply = raw.ask(&register("longest", longest.clone()));
    assert_eq!(reply["ok"], true, "{reply}");
    let mut raw = Raw::greeted(&server, Via::Plain, "");
    let over = json!({"op": "login", "user": "longest", "password": format!("{longest}p")});
    raw.refused(&over, "login_failed");
    let right = json!({"op": "login", "user": "longest", "password": longest});
    assert_eq!(raw.ask(&right)["ok"], true);
    for password in ["1234567".to_owned(), "p".repeat(1_025)] {
        let mut raw = Raw::greeted(&server, Via::Plain, "");
        raw.refused(&register("other", password), "bad_request");
        raw.ends();
    }
}

#[test]
fn bad_user_names_are_not_registered() {
    let server = TestServer::start(&["--plain"]);
    let long = "a".repeat(65);
    for user in [
        "", "../x", "a/b", "a,b", "a\nb", "\"a\"", "=1", " a", "-x", &long,
    ] {
        let mut raw = Raw::greeted(&server, Via::Plain, "");
        let register = json!({"op": "register", "user": user, "password": PASSWORD});
        raw.refused(&register, "bad_request");
        raw.ends();
    }
    let users = fs::read_to_string(server.house.path("data/users.csv")).unwrap();
    assert_eq!(users.lines().count(), 5, "{users}");
}
