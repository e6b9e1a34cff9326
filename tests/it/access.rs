//! Who may do what, over the wire: every operation for everybody, the rules, the quotas.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::raw::{Raw, put};
use crate::support::{House, PASSWORD, TestServer, Via, digest};

/// Everybody who could ask.
const WHO: [&str; 6] = [
    "anonymous",
    "owner",
    "other",
    "admin",
    "disabled",
    "removed",
];

/// What each of [`WHO`] gets: `LR` is `login_required`, `NO` is `forbidden`.
type Cells = [&'static str; 6];

const READ: Cells = ["LR", "ok", "ok", "ok", "LR", "LR"];
const OWN: Cells = ["LR", "ok", "NO", "ok", "LR", "LR"];

/// Every operation on `f`, a file of the owner, beside `g`, a file of somebody else.
fn table() -> Vec<(Value, Cells)> {
    let rename = |to: &str, conflict: &str| json!({"op": "rename", "from": "f", "to": to, "conflict": conflict});
    vec![
        (json!({"op": "whoami"}), READ),
        (
            json!({"op": "passwd", "old": PASSWORD, "new": PASSWORD}),
            READ,
        ),
        (
            json!({"op": "list", "prefix": "", "after": "", "limit": 10}),
            READ,
        ),
        (json!({"op": "stat", "name": "f"}), READ),
        (json!({"op": "get", "name": "f", "offset": 3}), READ),
        (put("new", 3, "error"), READ),
        (put("f", 3, "rename"), READ),
        (put("f", 3, "overwrite"), OWN),
        (json!({"op": "delete", "name": "f"}), OWN),
        (rename("elsewhere", "error"), OWN),
        (
            rename("g", "overwrite"),
            ["LR", "NO", "NO", "ok", "LR", "LR"],
        ),
    ]
}

/// What the server says at last; an upload it lets in is completed.
fn verdict(raw: &mut Raw, request: &Value) -> String {
    let mut reply = raw.ask(request);
    if reply["ok"] == true && request["op"] == "put" {
        raw.send(b"new");
        reply = raw.ask(&json!({"sha256": digest(b"new")}));
    }
    match reply["code"].as_str() {
        None => "ok".to_owned(),
        Some("login_required") => "LR".to_owned(),
        Some("forbidden") => "NO".to_owned(),
        Some(code) => code.to_owned(),
    }
}

#[test]
fn every_operation_is_permitted_to_exactly_those_who_may() {
    let server = TestServer::start(&["--plain"]);
    let house = &server.house;
    let mut owner = Raw::logged_in(&server, Via::Plain, "alice");
    let mut third = Raw::greeted(&server, Via::Plain, "");
    let register = |raw: &mut Raw, user: &str| {
        let reply = raw.ask(&json!({"op": "register", "user": user, "password": PASSWORD}));
        assert_eq!(reply["user"], user, "{reply}");
    };
    register(&mut third, "third");
    let mut raws: Vec<Raw> = WHO
        .iter()
        .map(|_| Raw::greeted(&server, Via::Plain, ""))
        .collect();
    for (raw, user) in raws[1..4].iter_mut().zip(["alice", "bob", "root"]) {
        assert_eq!(raw.login(user)["user"], user);
    }
    register(&mut raws[4], "disabled");
    register(&mut raws[5], "removed");
    for raw in &mut raws[4..] {
        assert_eq!(verdict(raw, &json!({"op": "whoami"})), "ok");
    }
    let mut admin = Raw::logged_in(&server, Via::Plain, "root");
    let data = house.arg("data");
    house
        .run(&["user", "disable", "disabled", "--data", &data])
        .ok();
    let path = house.path("data/users.csv");
    let users = fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = users
        .lines()
        .filter(|line| !line.starts_with("removed,"))
        .collect();
    fs::write(&path, kept.join("\n") + "\n").unwrap();

    for (request, cells) in table() {
        for ((who, raw), expected) in WHO.iter().zip(&mut raws).zip(cells) {
            assert_eq!(owner.put("f", b"old", "overwrite")["ok"], true);
            third.put("g", b"third's", "error");
            let before = owner.ask(&json!({"op": "list", "prefix": "", "after": "", "limit": 99}));
            assert_eq!(verdict(raw, &request), expected, "{who}: {request}");
            if request["op"] == "passwd" {
                // Where it was permitted, the user's other session is over.
                owner.login("alice");
                admin.login("root");
            }
            let after = owner.ask(&json!({"op": "list", "prefix": "", "after": "", "limit": 99}));
            if expected != "ok" {
                assert_eq!(before, after, "{who}: {request}");
            }
            // As it was: an admin clears away what this cell left.
            for name in ["new", "f (1)", "elsewhere", "f", "g"] {
                admin.ask(&json!({"op": "delete", "name": name}));
            }
        }
    }
}

/// A house with these rules in access.csv.
fn ruled(rules: &str) -> std::sync::Arc<House> {
    let house = House::new();
    let text = format!("who,prefix,rights\n{rules}");
    fs::write(house.path("data/access.csv"), text).unwrap();
    house
}

const RULES: &str = "\
*,secret/,none
bob,secret/shared/,read
ou:guests,guests/,read+create+change
role:user,readonly/,read
cn:alice,cn/,none
";

#[test]
fn rules_of_access_csv_give_and_take() {
    let house = ruled(RULES);
    let server = TestServer::start_in(&house, &["--allow-plain", "--client-auth", "optional"]);
    let mut root = Raw::logged_in(&server, Via::Plain, "root");
    for name in ["secret/x", "secret/shared/y", "readonly/z", "cn/c"] {
        assert_eq!(root.put(name, b"old", "error")["ok"], true, "{name}");
    }
    let mut alice = Raw::logged_in(&server, Via::Plain, "alice");
    let mut bob = Raw::logged_in(&server, Via::Plain, "bob");
    let mut alice_sealed = Raw::logged_in(&server, Via::Mtls, "alice");
    let mut bob_sealed = Raw::logged_in(&server, Via::Mtls, "bob");
    assert_eq!(alice.put("guests/a", b"old", "error")["ok"], true);
    let stat = |name: &str| json!({"op": "stat", "name": name});

    // What one may not read looks the same whether it is there or not, and is in no listing.
    let there = alice.refused(&stat("secret/x"), "forbidden");
    assert_eq!(alice.refused(&stat("secret/none"), "forbidden"), there);
    let listed = |raw: &mut Raw, prefix: &str| {
        let page = raw.ask(&json!({"op": "list", "prefix": prefix, "after": "", "limit": 99}));
        let names = page["files"].as_array().unwrap().iter();
        names
            .map(|file| file["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert!(listed(&mut alice, "secret/").is_empty());
    assert_eq!(listed(&mut bob, "secret/"), ["secret/shared/y"]);
    assert_eq!(listed(&mut root, "secret/").len(), 2);

    for (who, request, expected) in [
        ("alice", put("secret/new", 3, "error"), "NO"),
        ("root", put("secret/new", 3, "error"), "ok"),
        (
            "bob",
            json!({"op": "get", "name": "secret/shared/y", "offset": 3}),
            "ok",
        ),
        ("bob", put("secret/shared/new", 3, "error"), "NO"),
        (
            "bob",
            json!({"op": "delete", "name": "secret/shared/y"}),
            "NO",
        ),
        ("alice", stat("readonly/z"), "ok"),
        ("alice", put("readonly/new", 3, "error"), "NO"),
        ("bob", put("guests/a", 3, "overwrite"), "NO"),
        (
            "bob with his certificate",
            put("guests/a", 3, "overwrite"),
            "ok",
        ),
        ("alice", stat("cn/c"), "ok"),
        ("alice with her certificate", stat("cn/c"), "NO"),
    ] {
        let raw = match who {
            "alice" => &mut alice,
            "bob" => &mut bob,
            "root" => &mut root,
            "bob with his certificate" => &mut bob_sealed,
            _ => &mut alice_sealed,
        };
        assert_eq!(verdict(raw, &request), expected, "{who}: {request}");
    }
    // A move needs the rights at both ends.
    alice.put("mine", b"x", "error");
    for (to, expected) in [
        ("secret/mine", "NO"),
        ("readonly/mine", "NO"),
        ("free/mine", "ok"),
    ] {
        let rename = json!({"op": "rename", "from": "mine", "to": to, "conflict": "error"});
        assert_eq!(verdict(&mut alice, &rename), expected, "{to}");
    }
}

#[test]
fn rules_edited_while_the_server_runs_count_and_bad_ones_do_not() {
    let house = ruled("*,,none\n");
    let server = TestServer::start_in(&house, &["--plain"]);
    let mut alice = Raw::logged_in(&server, Via::Plain, "alice");
    alice.refused(&put("a", 3, "error"), "forbidden");
    let edit = |rules: &str| {
        let text = format!("who,prefix,rights\n{rules}");
        fs::write(house.path("data/access.csv"), text).unwrap();
        server.signal(Signal::HUP);
    };
    edit("*,,none\nalice,,everything\n");
    assert!(server.log.wait_for("the old one stays"));
    alice.refused(&put("a", 3, "error"), "forbidden");
    edit("*,,none\nalice,,read+create\n");
    assert!(server.log.wait_for("reloaded"));
    assert_eq!(verdict(&mut alice, &put("a", 3, "error")), "ok");
    let data = house.arg("data");
    house
        .run(&["access", "deny", "alice", "a", "--data", &data])
        .ok();
    alice.refused(&json!({"op": "stat", "name": "a"}), "forbidden");
}

#[test]
fn registration_is_open_or_closed_as_told() {
    for (word, open) in [("open", true), ("closed", false)] {
        let server = TestServer::start(&["--plain", "--register", word]);
        let mut raw = Raw::connect(&server, Via::Plain, "");
        assert_eq!(raw.hello()["register"], open);
        let ran = server.run(Via::Plain, "carol", &["register"]);
        if open {
            ran.ok();
        } else {
            let text = ran.failed(9);
            assert!(text.contains("no new users"), "{text}");
            raw.refused(
                &json!({"op": "register", "user": "carol", "password": PASSWORD}),
                "register_closed",
            );
        }
        assert_eq!(raw.login("alice")["ok"], true);
    }
}

#[test]
fn quotas_and_the_largest_file_are_kept_before_a_byte_travels() {
    let server = TestServer::start(&["--plain", "--quota", "1000K", "--max-file-size", "600K"]);
    let mut raw = Raw::logged_in_cheaply(&server);
    let kib = |n: usize| vec![7; n * 1024];
    raw.refused(&put("a", 601 * 1024, "error"), "too_large");
    assert_eq!(raw.put("a", &kib(600), "error")["ok"], true);
    raw.refused(&put("b", 401 * 1024, "error"), "quota_exceeded");
    assert_eq!(raw.put("b", &kib(400), "error")["ok"], true);
    raw.refused(&put("c", 1, "error"), "quota_exceeded");
    // What is replaced counts no longer; what is empty never did.
    assert_eq!(raw.put("a", &kib(599), "overwrite")["ok"], true);
    assert_eq!(raw.put("empty", b"", "error")["ok"], true);
    raw.ask(&json!({"op": "delete", "name": "b"}));
    // Two at once may not both count on the same room.
    let mut second = Raw::logged_in_cheaply(&server);
    assert_eq!(raw.ask(&put("d", 300 * 1024, "error"))["ok"], true);
    second.refused(&put("e", 300 * 1024, "error"), "quota_exceeded");
    raw.send(&kib(300));
    assert_eq!(raw.ask(&json!({"sha256": digest(&kib(300))}))["ok"], true);
    // Another's quota is another's.
    let mut bob = Raw::logged_in(&server, Via::Plain, "bob");
    assert_eq!(bob.put("bobs", &kib(600), "error")["ok"], true);

    server.house.write("big", &kib(601));
    let text = server.run(Via::Plain, "alice", &["put", "big"]).failed(63);
    assert!(text.contains("largest file"), "{text}");
    server.house.write("more", &kib(500));
    let text = server.run(Via::Plain, "alice", &["put", "more"]).failed(63);
    assert!(text.contains("quota"), "{text}");
}

#[test]
fn nothing_secret_is_written_anywhere() {
    let server = TestServer::start(&["--plain", "-vv"]);
    let mut raw = Raw::greeted(&server, Via::Plain, "");
    let wrong = json!({"op": "login", "user": "alice", "password": "a wrong passphrase"});
    raw.refused(&wrong, "login_failed");
    raw.ask(&json!({"op": "register", "user": "carol", "password": "carols passphrase"}));
    raw.ask(&json!({"op": "passwd", "old": "carols passphrase", "new": "carols new passphrase"}));
    Raw::logged_in_cheaply(&server);
    let mut texts = vec![server.log.text(), server.out.text()];
    for file in ["audit.jsonl", "users.csv"] {
        texts.push(fs::read_to_string(server.house.path("data").join(file)).unwrap());
    }
    assert!(texts[2].contains("login_failed") && texts[2].contains("passwd"));
    for text in texts {
        for secret in [PASSWORD, "passphrase"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    let mode = |name: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        let path = server.house.path("data").join(name);
        fs::metadata(path).unwrap().permissions().mode() & 0o077
    };
    for name in ["audit.jsonl", "files.csv", "blobs", "partial"] {
        assert_eq!(mode(name), 0, "{name} is open to others");
    }
}
