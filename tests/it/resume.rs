//! What was interrupted goes on from where it was, and only on bytes both sides proved equal.

use std::fs;

use serde_json::{Value, json};

use crate::raw::{Raw, put};
use crate::relay::Relay;
use crate::support::{Ran, TestServer, Via, digest, noise};

const SIZE: usize = 3_000_000;

/// Everything around the bytes of the file: handshakes, frames, records.
const AROUND: u64 = 40_000;

/// The only event a `--json` run told about the end of its transfer.
fn event(out: &str, word: &str) -> Value {
    let events = out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .into_iter()
        .find(|event| event["event"] == word)
        .unwrap()
}

/// A server on which an upload of `body` as `a` was cut by `relay` after a million bytes.
fn cut_upload(via: Via, body: &[u8]) -> (TestServer, Relay) {
    let server = TestServer::via(via);
    let relay = Relay::to(server.address);
    server.house.write("a", body);
    relay.cut_up_after(1_000_000);
    let ran = Ran::of(&mut server.client_at(&relay.at(), via, "alice", &["put", "a"]));
    assert_ne!(ran.code, 0, "{}", ran.err);
    assert!(server.log.wait_for("connection lost"));
    assert!(server.listed(via).is_empty());
    relay.mend();
    (server, relay)
}

const RESUME: [&str; 5] = ["put", "a", "--conflict", "resume", "--json"];

#[test]
fn an_upload_goes_on_and_only_the_rest_travels() {
    for via in [Via::Plain, Via::Mtls] {
        let body = noise(SIZE, 1);
        let (server, relay) = cut_upload(via, &body);
        let out = Ran::of(&mut server.client_at(&relay.at(), via, "alice", &RESUME)).ok();
        let done = event(&out, "uploaded");
        let resumed = done["resumed"].as_u64().unwrap();
        assert!(resumed > 500_000, "{done}");
        assert_eq!(done["file"]["sha256"], digest(&body), "{done}");
        let audit = fs::read_to_string(server.house.path("data/audit.jsonl")).unwrap();
        assert!(audit.contains("put_cut"), "{audit}");
        let rest = SIZE as u64 - resumed;
        assert!(
            (rest..rest + AROUND).contains(&relay.up()),
            "{} for {rest}",
            relay.up()
        );
        server.run(via, "bob", &["get", "a", "-o", "back"]).ok();
        assert!(server.house.read("back") == body);
        assert!(server.house.names("data/partial").is_empty());
    }
}

#[test]
fn without_being_asked_an_upload_begins_anew() {
    let body = noise(SIZE, 1);
    let (server, relay) = cut_upload(Via::Plain, &body);
    let again = ["put", "a", "--json"];
    let out = Ran::of(&mut server.client_at(&relay.at(), Via::Plain, "alice", &again)).ok();
    assert_eq!(event(&out, "uploaded")["resumed"], 0);
    assert!(relay.up() > SIZE as u64);
}

#[test]
fn a_file_that_changed_meanwhile_is_sent_whole() {
    let mut body = noise(SIZE, 1);
    let (server, relay) = cut_upload(Via::Plain, &body);
    body[7] ^= 1;
    server.house.write("a", &body);
    let out = Ran::of(&mut server.client_at(&relay.at(), Via::Plain, "alice", &RESUME)).ok();
    let done = event(&out, "uploaded");
    assert_eq!(done["resumed"], 0);
    assert_eq!(done["file"]["sha256"], digest(&body));
    assert!(relay.up() > SIZE as u64);
    server
        .run(Via::Plain, "alice", &["get", "a", "-o", "back"])
        .ok();
    assert!(server.house.read("back") == body);
}

#[test]
fn what_is_held_is_told_with_its_digest_and_to_nobody_else() {
    let body = noise(SIZE, 1);
    let (server, _relay) = cut_upload(Via::Plain, &body);
    let resume = put("a", SIZE, "resume");
    let offset = |raw: &mut Raw, request: &Value| raw.ask(request)["offset"].clone();
    let mut bob = Raw::logged_in(&server, Via::Plain, "bob");
    assert_eq!(offset(&mut bob, &resume), 0);
    let mut other_size = Raw::logged_in(&server, Via::Plain, "alice");
    assert_eq!(offset(&mut other_size, &put("a", SIZE + 1, "resume")), 0);
    let mut other_name = Raw::logged_in(&server, Via::Plain, "alice");
    assert_eq!(offset(&mut other_name, &put("b", SIZE, "resume")), 0);

    let mut first = Raw::logged_in(&server, Via::Plain, "alice");
    let go = first.ask(&resume);
    let held = usize::try_from(go["offset"].as_u64().unwrap()).unwrap();
    assert!(held > 500_000, "{go}");
    assert_eq!(go["prefix_sha256"], digest(&body[..held]), "{go}");
    // One part, one connection.
    let mut second = Raw::logged_in(&server, Via::Plain, "alice");
    let go = second.ask(&resume);
    assert_eq!(
        (&go["offset"], &go["prefix_sha256"]),
        (&json!(0), &Value::Null)
    );

    first.say(&json!({"resume": true}));
    first.send(&body[held..]);
    let done = first.ask(&json!({"sha256": digest(&body)}));
    assert_eq!(done["file"]["sha256"], digest(&body), "{done}");
    second.send(&noise(SIZE, 2));
    second.refused(&json!({"sha256": digest(&noise(SIZE, 2))}), "exists");
    second.refused(&resume, "exists");
    let (_, stored) = second.get("a", 0);
    assert!(stored == body);
}

#[test]
fn a_false_agreement_on_the_held_part_is_found_by_the_digest() {
    let body = noise(SIZE, 1);
    let (server, _relay) = cut_upload(Via::Plain, &body);
    let mut raw = Raw::logged_in(&server, Via::Plain, "alice");
    let held = raw.ask(&put("a", SIZE, "resume"))["offset"]
        .as_u64()
        .unwrap();
    let mut other = body;
    other[0] ^= 1;
    raw.say(&json!({"resume": true}));
    raw.send(&other[usize::try_from(held).unwrap()..]);
    raw.refused(&json!({"sha256": digest(&other)}), "checksum_mismatch");
    assert!(server.listed(Via::Plain).is_empty());
    assert!(server.house.names("data/partial").is_empty());
}

#[test]
fn the_held_part_survives_a_restart_of_the_server() {
    let body = noise(SIZE, 1);
    let (mut server, relay) = cut_upload(Via::Plain, &body);
    server.kill();
    drop(relay);
    let again = TestServer::start_in(&server.house, &["--plain"]);
    let out = again.run(Via::Plain, "alice", &RESUME).ok();
    let done = event(&out, "uploaded");
    assert!(done["resumed"].as_u64().unwrap() > 500_000, "{done}");
    assert_eq!(done["file"]["sha256"], digest(&body));
}

/// A server with `body` as `a`, whose download was cut by the relay after a million bytes.
fn cut_download(via: Via, body: &[u8]) -> (TestServer, Relay) {
    let server = TestServer::via(via);
    let house = &server.house;
    let relay = Relay::to(server.address);
    house.write("a", body);
    server.run(via, "alice", &["put", "a"]).ok();
    fs::remove_file(house.path("work/a")).unwrap();
    relay.cut_down_after(1_000_000);
    let ran = Ran::of(&mut server.client_at(&relay.at(), via, "alice", &["get", "a"]));
    ran.failed(18);
    assert_eq!(house.names("work"), ["a.part", "a.part.json"]);
    relay.mend();
    (server, relay)
}

const GET: [&str; 5] = ["get", "a", "--conflict", "resume", "--json"];

#[test]
fn a_download_goes_on_and_only_the_rest_travels() {
    for via in [Via::Plain, Via::Mtls] {
        let body = noise(SIZE, 1);
        let (server, relay) = cut_download(via, &body);
        let out = Ran::of(&mut server.client_at(&relay.at(), via, "alice", &GET)).ok();
        let resumed = event(&out, "downloaded")["resumed"].as_u64().unwrap();
        assert!(resumed > 500_000, "{resumed}");
        let rest = SIZE as u64 - resumed;
        assert!(
            (rest..rest + AROUND).contains(&relay.down()),
            "{} for {rest}",
            relay.down()
        );
        assert!(server.house.read("a") == body);
        assert_eq!(server.house.names("work"), ["a"]);
    }
}

#[test]
fn a_download_begins_anew_when_the_file_changed_on_the_server() {
    let (server, relay) = cut_download(Via::Plain, &noise(SIZE, 1));
    let body = noise(SIZE, 2);
    server.house.write("new", &body);
    let over = ["put", "new", "--as", "a", "--conflict", "overwrite"];
    server.run(Via::Plain, "alice", &over).ok();
    let out = Ran::of(&mut server.client_at(&relay.at(), Via::Plain, "alice", &GET)).ok();
    assert_eq!(event(&out, "downloaded")["resumed"], 0);
    assert!(relay.down() > SIZE as u64);
    assert!(server.house.read("a") == body);
    assert_eq!(server.house.names("work"), ["a", "new"]);
}

#[test]
fn a_part_somebody_changed_is_found_by_the_digest_and_thrown_away() {
    let body = noise(SIZE, 1);
    let (server, relay) = cut_download(Via::Plain, &body);
    let mut part = server.house.read("a.part");
    part[9] ^= 1;
    server.house.write("a.part", &part);
    let resume = || Ran::of(&mut server.client_at(&relay.at(), Via::Plain, "alice", &GET));
    let ran = resume();
    assert_eq!(ran.code, 18, "{}{}", ran.out, ran.err);
    assert!(server.house.names("work").is_empty());
    resume().ok();
    assert!(server.house.read("a") == body);
}
