//! The audit trail, with a server and its operator's commands writing it at once.

use std::fs;

use serde_json::Value;

use crate::raw::Raw;
use crate::support::{House, Ran, TestServer, Via};

/// The events of the trail, oldest first.
fn events(house: &House) -> Vec<Value> {
    let trail = fs::read_to_string(house.path("data/audit.jsonl")).unwrap();
    trail
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Runs an operator's command, its words separated by blanks.
fn operator(house: &House, command: &str) -> Ran {
    let data = house.arg("data");
    let mut words: Vec<&str> = command.split(' ').collect();
    words.extend(["--data", &data]);
    house.run(&words)
}

const CHANGES: [(&str, &str, &str, &str); 9] = [
    (
        "user add carol --password env:PW",
        "user_add",
        "carol",
        "user, enabled",
    ),
    (
        "user disable carol",
        "user_disable",
        "carol",
        "user, disabled",
    ),
    ("user enable carol", "user_enable", "carol", "user, enabled"),
    (
        "user role carol admin",
        "user_role",
        "carol",
        "admin, enabled",
    ),
    (
        "user passwd carol --password env:PW",
        "user_passwd",
        "carol",
        "admin, enabled",
    ),
    (
        "user certificate carol carol",
        "user_certificate",
        "carol",
        "admin, enabled, cn:carol",
    ),
    (
        "access grant bob docs/ read+create",
        "access_grant",
        "docs/",
        "bob: read+create",
    ),
    (
        "access deny ou:guests docs/",
        "access_deny",
        "docs/",
        "ou:guests",
    ),
    ("access remove bob docs/", "access_remove", "docs/", "bob"),
];

#[test]
fn what_the_operator_changes_is_in_the_trail_whether_a_server_runs_or_not() {
    for runs in [true, false] {
        let house = House::new();
        let server = runs.then(|| TestServer::start_in(&house, &["--plain"]));
        if let Some(server) = &server {
            // Its first event is written when it serves, after the line that says so.
            Raw::greeted(server, Via::Plain, "");
        }
        for (command, word, about, reason) in CHANGES {
            operator(&house, command).ok();
            let last = events(&house).pop().unwrap();
            let said = |key: &str| last[key].as_str().unwrap_or_default().to_owned();
            assert_eq!(said("event"), word, "{last}");
            assert!(said("user") == about || said("name") == about, "{last}");
            assert_eq!(said("reason"), reason, "{last}");
            assert!(said("agent").starts_with("command line, uid "), "{last}");
        }
        if let Some(server) = &server {
            // The server goes on behind them.
            Raw::logged_in(server, Via::Plain, "bob");
            assert_eq!(events(&house).pop().unwrap()["event"], "login");
        }
        operator(&house, "audit verify").ok();
    }
}

#[test]
fn what_changes_nothing_is_not_in_the_trail_and_no_password_ever() {
    let house = House::new();
    let server = TestServer::start_in(&house, &["--plain"]);
    Raw::greeted(&server, Via::Plain, "");
    let before = events(&house).len();
    for (command, code) in [
        ("user list", 0),
        ("access list", 0),
        ("fsck", 0),
        ("audit verify", 0),
        ("user add alice --password env:PW", 73),
        ("user disable nobody", 78),
        ("access remove bob nowhere/", 78),
    ] {
        assert_eq!(operator(&house, command).code, code, "{command}");
    }
    assert_eq!(events(&house).len(), before);
    drop(server);
    operator(&house, "user passwd alice --password env:PW").ok();
    let trail = fs::read_to_string(house.path("data/audit.jsonl")).unwrap();
    assert!(!trail.contains(crate::support::PASSWORD) && !trail.contains("argon2"));
}

#[test]
fn a_change_that_cannot_be_noted_is_done_and_warned_of() {
    let house = House::new();
    let nowhere = house.arg("nowhere/audit.jsonl");
    let ran = operator(
        &house,
        &format!("user role bob admin --audit-log {nowhere}"),
    );
    assert!(
        ran.err.contains("not noted in the audit trail"),
        "{}",
        ran.err
    );
    ran.ok();
    assert!(operator(&house, "user list").ok().contains("bob    admin"));
}

#[test]
fn a_trail_is_rotated_under_a_running_server_and_the_chain_is_whole_across_the_files() {
    let house = House::new();
    let server = TestServer::start_in(&house, &["--plain"]);
    Raw::logged_in(&server, Via::Plain, "alice");
    operator(&house, "audit rotate").ok();
    Raw::logged_in(&server, Via::Plain, "bob");
    let now = events(&house);
    assert_eq!(now[0]["event"], "continued");
    assert!(now.iter().any(|event| event["user"] == "bob"));
    assert!(now.iter().all(|event| event["user"] != "alice"));
    let older = house.path("data").join(now[0]["name"].as_str().unwrap());
    let text = fs::read_to_string(&older).unwrap();
    assert!(text.contains("alice") && !text.contains("bob"));

    let verified = operator(&house, "audit verify").ok();
    assert!(
        verified.contains("none changed") && verified.contains("of these in"),
        "{verified}"
    );
    let json: Value = serde_json::from_str(&operator(&house, "audit verify --json").ok()).unwrap();
    assert_eq!(json["earlier"].as_array().unwrap().len(), 1, "{json}");

    // A changed line of the older file is found from the newer one; without the older file that is said.
    fs::write(&older, text.replace("alice", "mallo")).unwrap();
    operator(&house, "audit verify").failed(1);
    fs::remove_file(&older).unwrap();
    let alone = operator(&house, "audit verify");
    assert!(alone.err.contains("not beside it"), "{}", alone.err);
    alone.ok();
    fs::remove_file(house.path("data/audit.jsonl")).unwrap();
    operator(&house, "audit rotate").failed(26);
}
