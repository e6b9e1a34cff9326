//! Whatever goes wrong, nothing half appears, an error says why, and the earlier file is untouched.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::fake::{Answer, Fake, says};
use crate::raw::{Raw, frame, put};
use crate::support::{House, Ran, TestServer, Via, digest, noise, skipped, until};

/// A connection of alice, who has stored `old` as `name`.
fn with_an_earlier_file(server: &TestServer, via: Via) -> Raw {
    let mut raw = Raw::logged_in(server, via, "alice");
    assert_eq!(raw.put("name", b"old", "error")["ok"], true);
    raw
}

#[track_caller]
fn still_only_the_earlier_file(raw: &mut Raw) {
    let list = json!({"op": "list", "prefix": "", "after": "", "limit": 9});
    let list = raw.ask(&list);
    let files = list["files"].as_array().unwrap();
    assert_eq!(files.len(), 1, "{list}");
    assert_eq!(files[0]["name"], "name", "{list}");
    let (_, body) = raw.get("name", 0);
    assert_eq!(body, b"old");
}

#[test]
fn a_wrong_digest_is_refused_and_a_right_one_taken_on_the_same_connection() {
    let server = TestServer::via(Via::Plain);
    let mut raw = with_an_earlier_file(&server, Via::Plain);
    for name in ["name", "other"] {
        raw.ask(&put(name, 5, "overwrite"));
        raw.send(b"hello");
        raw.refused(&json!({"sha256": digest(b"hellO")}), "checksum_mismatch");
    }
    still_only_the_earlier_file(&mut raw);
    assert!(server.house.names("data/partial").is_empty());
    assert_eq!(server.house.names("data/blobs").len(), 1);
    assert_eq!(raw.put("other", b"hello", "error")["ok"], true);
}

#[test]
fn a_body_shorter_or_longer_than_announced_is_refused() {
    let server = TestServer::via(Via::Plain);
    let mut good = with_an_earlier_file(&server, Via::Plain);
    for body in [&b"four"[..], b"sixsix"] {
        let mut raw = Raw::logged_in_cheaply(&server);
        raw.ask(&put("name", 5, "overwrite"));
        raw.send(body);
        raw.say(&json!({"sha256": digest(body)}));
        // Bytes of the one are read as the other, so the peer has lost the thread, or ends first.
        raw.hang_up(true);
        if let Some(reply) = raw.hear() {
            assert_eq!(reply["code"], "bad_request", "{reply}");
        }
        raw.ends();
        still_only_the_earlier_file(&mut good);
    }
}

#[test]
fn nothing_but_the_digest_is_taken_after_a_body() {
    let server = TestServer::via(Via::Plain);
    let mut good = with_an_earlier_file(&server, Via::Plain);
    for end in [
        "{}",
        r#"{"sha256":"abc"}"#,
        r#"{"op":"quit"}"#,
        "[]",
        "null",
    ] {
        let mut raw = Raw::logged_in_cheaply(&server);
        raw.ask(&put("name", 5, "overwrite"));
        raw.send(b"hello");
        raw.send(&frame(end.as_bytes()));
        assert_eq!(raw.hear().unwrap()["code"], "bad_request", "{end}");
        raw.ends();
    }
    still_only_the_earlier_file(&mut good);
}

/// How a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Politely,
    Fin,
    Reset,
}

/// Cuts an upload after every byte of its body and end, and at some of its request.
fn cut_everywhere(via: Via, cuts: &[Cut]) {
    let server = TestServer::via(via);
    let mut good = with_an_earlier_file(&server, via);
    let body = b"new bytes";
    let mut all = frame(put("name", body.len(), "overwrite").to_string().as_bytes());
    let begins = all.len();
    all.extend(body);
    all.extend(frame(
        json!({"sha256": digest(body)}).to_string().as_bytes(),
    ));
    let mut lost = 0;
    for &cut in cuts {
        let some = (1..begins).step_by(13);
        for at in some.chain(begins..all.len()) {
            let mut raw = Raw::greeted(&server, via, "alice");
            if via == Via::Mtls {
                assert_eq!(raw.ask(&json!({"op": "login"}))["user"], "alice");
            } else {
                assert_eq!(raw.login("alice")["user"], "alice");
            }
            raw.send(&all[..at]);
            lost += 1;
            match cut {
                Cut::Reset => raw.reset(),
                Cut::Politely | Cut::Fin => {
                    raw.hang_up(cut == Cut::Politely);
                    if at >= begins {
                        assert_eq!(raw.hear().unwrap()["ok"], true, "the go-ahead");
                    }
                    raw.ends();
                    still_only_the_earlier_file(&mut good);
                }
            }
        }
    }
    assert!(server.log.wait_for_times("connection lost", lost));
    still_only_the_earlier_file(&mut good);
    assert_eq!(server.house.names("data/blobs").len(), 1);
    // The whole of it, and all is new: the cuts were the reason.
    good.send(&all);
    assert_eq!(good.hear().unwrap()["ok"], true);
    assert_eq!(good.hear().unwrap()["file"]["size"], body.len());
}

#[test]
fn a_plain_upload_cut_at_any_byte_leaves_nothing() {
    cut_everywhere(Via::Plain, &[Cut::Fin]);
}

#[test]
fn a_plain_upload_reset_at_any_byte_leaves_nothing() {
    cut_everywhere(Via::Plain, &[Cut::Reset]);
}

#[test]
fn a_sealed_upload_cut_at_any_byte_with_or_without_goodbye_leaves_nothing() {
    cut_everywhere(Via::Mtls, &[Cut::Politely, Cut::Fin, Cut::Reset]);
}

/// A file as a server tells it.
fn info(name: &str, body: &[u8]) -> Value {
    json!({"name": name, "size": body.len(), "sha256": digest(body), "owner": "alice",
        "modified": "2026-01-01T00:00:00Z"})
}

/// A reply to `get`, and the body after it.
fn got(info: &Value, body: &[u8]) -> Vec<u8> {
    let head = json!({"ok": true, "file": info, "offset": 0}).to_string();
    [frame(head.as_bytes()), body.to_vec()].concat()
}

/// Runs the real client against a lying server.
fn lied_to(house: &Arc<House>, fake: &Fake, args: &[&str]) -> Ran {
    let at = fake.at();
    let mut all = vec![args[0], "--plain", "--server", &at, "--user", "alice"];
    all.extend(["--password", "env:PW", "--timeout", "20s"]);
    all.extend(&args[1..]);
    house.run(&all)
}

/// A server that answers `get` so.
fn lies_about_get(lie: impl Fn() -> Answer + Send + Sync + 'static) -> Fake {
    Fake::new(move |request| match request["op"].as_str() {
        Some("get") => lie(),
        Some("stat") => says(&json!({"ok": true, "file": info("a", b"the true bytes")})),
        _ => Answer::Usual,
    })
}

#[test]
fn a_true_download_of_the_lying_server_is_taken() {
    let house = House::new();
    let body = b"the true bytes";
    let fake = lies_about_get(move || Answer::Bytes(got(&info("a", body), body)));
    lied_to(&house, &fake, &["get", "a"]).ok();
    assert_eq!(house.read("a"), body);
}

#[test]
fn a_lie_about_a_download_is_found_out_and_the_file_that_is_there_stays() {
    let body = b"the true bytes";
    let with = |key: &str, value: Value| {
        let mut info = info("a", body);
        info[key] = value;
        info
    };
    let wrong_digest = got(&with("sha256", digest(b"x").into()), body);
    let one_more = got(&with("size", (body.len() + 1).into()), body);
    let one_less = got(&with("size", (body.len() - 1).into()), body);
    let cut = got(&info("a", body), &body[..5]);
    let other = got(&info("b", body), body);
    let outside = got(&with("name", "../a".into()), body);
    let negative = got(&with("size", json!(-1)), b"");
    let esc = json!({"ok": false, "code": "not_found", "message": "\u{1b}[2Jgone\u{7}\u{202e}"});
    let cases: [(&str, Vec<u8>, i32); 10] = [
        ("wrong digest", wrong_digest, 18),
        ("one byte more announced", one_more, 18),
        ("one byte less announced", one_less, 18),
        ("cut", cut, 18),
        ("another name", other, 8),
        ("a name outside", outside, 8),
        ("a size below zero", negative, 8),
        ("a frame too long", vec![0, 1, 0, 1, b'{'], 8),
        ("a reply that is no JSON", frame(b"what?"), 8),
        (
            "a refusal with escapes",
            frame(esc.to_string().as_bytes()),
            78,
        ),
    ];
    for (what, bytes, code) in cases {
        let fake = lies_about_get(move || Answer::Last(bytes.clone()));
        let house = House::new();
        let ran = lied_to(&house, &fake, &["get", "a"]);
        assert_eq!(ran.code, code, "{what}: {}", ran.err);
        assert!(
            !ran.err.contains(['\u{1b}', '\u{7}', '\u{202e}']),
            "{what}: {:?}",
            ran.err
        );
        assert!(!house.names("work").contains(&"a".to_owned()), "{what}");
        ran.failed(code);

        // What the lie left would be gone on from, and the lie is told for the whole file.
        for left in ["work/a.part", "work/a.part.json"] {
            let _none = fs::remove_file(house.path(left));
        }
        house.write("a", b"mine");
        let over = ["get", "a", "--conflict", "overwrite"];
        lied_to(&house, &fake, &over).failed(code);
        assert_eq!(house.read("a"), b"mine", "{what}");
        assert!(!house.path("a").exists(), "{what}");
    }
}

#[test]
fn a_listing_that_lies_writes_nothing_anywhere() {
    let page = |names: &[&str], more: bool| {
        let files: Vec<Value> = names.iter().map(|name| info(name, b"evil")).collect();
        json!({"ok": true, "files": files, "more": more})
    };
    let cases = [
        ("leaves the target", page(&["d/../../evil"], false)),
        ("leaves it at once", page(&["../evil"], false)),
        ("absolute", page(&["/tmp/evil"], false)),
        ("a backslash", page(&["d/..\\evil"], false)),
        ("escapes", page(&["d/\u{1b}[2J"], false)),
        ("another folder", page(&["e/evil"], false)),
        ("out of order", page(&["d/b", "d/a"], false)),
        ("twice the same", page(&["d/a", "d/a"], false)),
        ("never ends", page(&["d/a"], true)),
        ("empty and never ends", page(&[], true)),
    ];
    for (what, reply) in cases {
        let fake = Fake::new(move |request| match request["op"].as_str() {
            Some("list") => says(&reply),
            Some("get") => {
                let name = request["name"].as_str().unwrap();
                Answer::Bytes(got(&info(name, b"evil"), b"evil"))
            }
            _ => Answer::Usual,
        });
        let house = House::new();
        let ran = lied_to(&house, &fake, &["get", "-r", "d/", "-o", "out"]);
        assert!(!ran.err.contains('\u{1b}'), "{what}: {:?}", ran.err);
        ran.failed(8);
        assert!(house.names("work").is_empty(), "{what}");
        assert!(!house.path("evil").exists(), "{what}");
    }
}

#[test]
fn an_upload_is_only_reported_when_the_server_says_that_it_has_these_very_bytes() {
    let house = House::new();
    house.write("a", b"my bytes");
    let done = |info: Value| json!({"ok": true, "file": info});
    let honest = Fake::new(move |request| match request["op"].as_str() {
        Some("end") => says(&done(info("a", b"my bytes"))),
        _ => Answer::Usual,
    });
    lied_to(&house, &honest, &["put", "a"]).ok();
    for (reply, code) in [
        (Some(done(info("a", b"other"))), 8),
        (Some(json!({"ok": true})), 8),
        (None, 18),
    ] {
        let fake = Fake::new(move |request| match (request["op"].as_str(), &reply) {
            (Some("end"), Some(reply)) => says(reply),
            (Some("end"), None) => Answer::Last(Vec::new()),
            _ => Answer::Usual,
        });
        lied_to(&house, &fake, &["put", "a"]).failed(code);
    }
}

#[test]
fn what_a_server_says_of_itself_cannot_move_the_cursor() {
    let house = House::new();
    let fake = Fake::new(|request| match request["op"].as_str() {
        Some("hello") => says(
            &json!({"ok": true, "version": 1, "agent": "\u{1b}[2J\u{9b}1A",
            "secure": "plain", "identity": null, "login": ["password"], "register": true, "id": "\u{7}\n"}),
        ),
        Some("login") => says(&json!({"ok": true, "user": "alice", "role": "\u{1b}[31m"})),
        Some("whoami") => says(&json!({"ok": true, "user": "alice", "role": "\u{1b}[31m",
            "identity": "\u{1b}]0;x\u{7}", "secure": "plain"})),
        _ => Answer::Usual,
    });
    let ran = lied_to(&house, &fake, &["whoami", "-v"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for text in [&ran.out, &ran.err] {
        let bad = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(bad), "{text:?}");
    }
}

/// The command, run where files cannot grow past `kib` KiB: the next write says so, as a full disk would.
fn with_small_files(command: &Command, kib: u32) -> Command {
    let mut shell = Command::new("bash");
    let script = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\"");
    shell.args(["-c", &script]).arg(command.get_program());
    shell.args(command.get_args());
    shell.env_clear();
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell.current_dir(command.get_current_dir().unwrap());
    shell.stdin(std::process::Stdio::null());
    shell
}

#[test]
fn a_server_whose_disk_is_full_refuses_in_the_middle_and_serves_on() {
    for via in [Via::Plain, Via::Mtls] {
        let house = House::new();
        let command = TestServer::command(&house, via.flags());
        let server = TestServer::spawn(&house, &mut with_small_files(&command, 512));
        let mut raw = with_an_earlier_file(&server, via);
        house.write("name", &noise(900_000, 1));
        house.write("fits", &noise(500_000, 2));
        let over = ["put", "name", "--conflict", "overwrite"];
        let text = server.run(via, "alice", &over).failed(70);
        assert!(text.contains("disk is full"), "{text}");
        still_only_the_earlier_file(&mut raw);
        assert!(house.names("data/partial").is_empty());
        // The same in raw: the rest of the body is read, and the connection is still good.
        raw.ask(&put("name", 900_000, "overwrite"));
        raw.send(&noise(900_000, 1));
        raw.refused(&json!({"sha256": digest(b"")}), "no_space");
        still_only_the_earlier_file(&mut raw);
        server.run(via, "alice", &["put", "fits"]).ok();
    }
}

#[test]
fn a_client_whose_disk_is_full_says_so_and_keeps_what_was_there() {
    let server = TestServer::via(Via::Plain);
    let house = &server.house;
    house.write("a", &noise(900_000, 1));
    server.run(Via::Plain, "alice", &["put", "a"]).ok();
    house.write("a", b"mine");
    let get = server.client(
        Via::Plain,
        "alice",
        &["get", "a", "--conflict", "overwrite"],
    );
    Ran::of(&mut with_small_files(&get, 512)).failed(23);
    assert_eq!(house.read("a"), b"mine");
}

#[test]
fn a_disk_that_fills_up_for_real_loses_nothing() {
    let house = House::new();
    let command = TestServer::command(&house, &["--plain"]);
    let data = house.arg("data");
    // In a mount namespace of its own, so that nothing is left behind.
    let script = format!(
        "mount -t tmpfs -o size=1m tmpfs '{data}' && cp users.csv.copy '{data}/users.csv' && exec \"$0\" \"$@\""
    );
    fs::copy(house.path("data/users.csv"), house.path("users.csv.copy")).unwrap();
    let try_it = format!("mount -t tmpfs -o size=1m tmpfs '{data}'");
    let may = Command::new("unshare")
        .args(["-m", "sh", "-c", &try_it])
        .output();
    if !may.is_ok_and(|ran| ran.status.success()) {
        skipped("a full tmpfs: may not mount one here");
        return;
    }
    let mut unshare = Command::new("unshare");
    unshare.args(["-m", "sh", "-c", &script]);
    unshare.arg(command.get_program()).args(command.get_args());
    unshare
        .current_dir(house.path(""))
        .stdin(std::process::Stdio::null());
    let server = TestServer::spawn(&house, &mut unshare);
    let mut raw = with_an_earlier_file(&server, Via::Plain);
    let mut stored = 0;
    let refusal = loop {
        let reply = raw.put(&format!("fill{stored}"), &noise(100_000, stored), "error");
        if reply["ok"] != true {
            break reply;
        }
        stored += 1;
        assert!(stored < 20, "the disk has no end");
    };
    assert_eq!(refusal["code"], "no_space", "{refusal}");
    assert!(stored > 3, "{stored}");
    raw.refused(&put("name", 2_000_000, "overwrite"), "no_space");
    // Small files until even the index cannot grow: each is refused or really there.
    let mut more = 0;
    while more < 2_000 && raw.put(&format!("more{more}"), &[7; 3_000], "error")["ok"] == true {
        more += 1;
    }
    let listed = server.listed(Via::Plain);
    assert_eq!(listed.len() as u64, 1 + stored + more, "{listed:?}");
    for n in 0..stored {
        let (_, body) = raw.get(&format!("fill{n}"), 0);
        assert!(body == noise(100_000, n), "fill{n}");
    }
    // Room made is room again.
    assert_eq!(
        raw.ask(&json!({"op": "delete", "name": "fill0"}))["ok"],
        true
    );
    let mut reply = Value::Null;
    until("room again", || {
        reply = raw.put("again", &noise(50_000, 9), "error");
        reply["ok"] == true
    });
}
