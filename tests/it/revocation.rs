//! Certificates taken back, and rules about the good ones: what gets in, what stays in, and what a bad list does.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::raw::Raw;
use crate::support::{House, TestServer, Via, until};

/// Revokes the certificate of `user` and writes the new list.
fn revoke(house: &House, user: &str) {
    let (certs, file) = (house.arg("certs"), house.arg(&format!("certs/{user}.crt")));
    house
        .run(&[
            "pki",
            "--certs",
            &certs,
            "revoke",
            &file,
            "--reason",
            "keyCompromise",
        ])
        .ok();
}

fn reload(server: &TestServer) {
    server.signal(Signal::HUP);
    assert!(server.log.wait_for("reload"));
}

/// The events of the audit trail with this name.
fn events(server: &TestServer, event: &str) -> Vec<Value> {
    let text = fs::read_to_string(server.house.path("data/audit.jsonl")).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["event"] == event).collect()
}

#[test]
fn a_live_session_is_cut_when_its_certificate_is_taken_back_and_the_others_go_on() {
    for flags in [&["--watch"][..], &[]] {
        let server = TestServer::start(flags);
        let mut bob = Raw::logged_in(&server, Via::Mtls, "bob");
        let mut alice = Raw::logged_in(&server, Via::Mtls, "alice");
        revoke(&server.house, "bob");
        if flags.is_empty() {
            reload(&server);
        }
        bob.ends();
        assert_eq!(alice.ask(&json!({"op": "whoami"}))["user"], "alice");
        until("the audit trail has the cut", || {
            !events(&server, "session_cut").is_empty()
        });
        let cut = events(&server, "session_cut").remove(0);
        assert_eq!(cut["subject"], "OU=guests, CN=bob");
        assert!(cut["reason"].as_str().unwrap().contains("revoked"), "{cut}");

        let text = server.run(Via::Mtls, "bob", &["ls"]).failed(58);
        assert!(text.contains("revoked"), "{text}");
        server.run(Via::Mtls, "alice", &["ls"]).ok();
        until("the audit trail has the refusal", || {
            let refused = events(&server, "handshake_failed");
            refused.iter().any(|event| {
                event["subject"] == "OU=guests, CN=bob" && event["serial"] == cut["serial"]
            })
        });
    }
}

#[test]
fn a_list_that_is_corrupt_foreign_or_missing_keeps_a_server_from_starting_each_in_its_own_words() {
    let house = House::new();
    let foreign = fs::read(house.path("foreign/crl.pem")).unwrap();
    let good = fs::read_to_string(house.path("certs/crl.pem")).unwrap();
    let corrupt = good.replacen("MII", "AAA", 1).replacen("MI", "AA", 1);
    let cases: [(&str, Option<&[u8]>, &str); 4] = [
        ("corrupt", Some(corrupt.as_bytes()), "crl"),
        ("foreign", Some(&foreign), "not signed by a ca in"),
        ("empty", Some(b""), "is empty"),
        ("missing", None, "no such file"),
    ];
    for (case, bytes, words) in cases {
        let path = house.path(&format!("{case}.pem"));
        if let Some(bytes) = bytes {
            fs::write(&path, bytes).unwrap();
        }
        let file = house.arg(&format!("{case}.pem"));
        let mut command = TestServer::command(&house, &["--crlfile", &file]);
        let text = crate::support::Ran::of(&mut command).failed(82);
        assert!(text.to_lowercase().contains(words), "{case}: {text}");
        assert!(text.contains("next:"), "{case}: {text}");
    }
}

#[test]
fn at_a_reload_a_bad_or_older_list_is_reported_and_the_one_in_use_stays() {
    let server = TestServer::start(&[]);
    let house = &server.house;
    let path = house.path("certs/crl.pem");
    let first = fs::read(&path).unwrap();
    revoke(house, "bob");
    let second = fs::read(&path).unwrap();
    reload(&server);
    for (bytes, words) in [
        (first.as_slice(), "is older than the one in use"),
        (
            b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n".as_slice(),
            "crl.pem",
        ),
        (
            &fs::read(house.path("foreign/crl.pem")).unwrap(),
            "not signed by a CA in",
        ),
    ] {
        fs::write(&path, bytes).unwrap();
        server.signal(Signal::HUP);
        assert!(server.log.wait_for(words), "{words}: {}", server.log.text());
        let text = server.run(Via::Mtls, "bob", &["ls"]).failed(58);
        assert!(text.contains("revoked"), "{text}");
        server.run(Via::Mtls, "alice", &["ls"]).ok();
    }
    assert!(server.log.text().contains("the old one stays"));
    fs::write(&path, second).unwrap();
    server.signal(Signal::HUP);
    assert!(server.log.wait_for_times("reloaded certificates", 2));
}

#[test]
fn a_list_out_of_date_refuses_everyone_unless_told_to_warn() {
    let house = House::new();
    let certs = house.arg("certs");
    // The smallest list there is lives a day; its clock is the issuer's, so one of the past is made.
    let made = house
        .sealpost(&["pki", "--certs", &certs, "crl", "--days", "0"])
        .output()
        .unwrap();
    if !made.status.success() {
        let stale = house.path("stale.pem");
        if !openssl_crl(&house, &stale) {
            return crate::support::skipped("a list out of date: openssl is missing");
        }
        fs::copy(stale, house.path("certs/crl.pem")).unwrap();
    }
    let server = TestServer::start_in(&house, &[]);
    assert!(server.log.wait_for("out of date"));
    let text = server.run(Via::Mtls, "alice", &["ls"]).failed(58);
    assert!(text.contains("revocation list"), "{text}");
    assert!(server.log.wait_for("the revocation list"));
    drop(server);
    let server = TestServer::start_in(&house, &["--crl-expired", "warn"]);
    server.run(Via::Mtls, "alice", &["ls"]).ok();
}

/// Lets openssl write a list of this CA whose next one was due in the past.
fn openssl_crl(house: &House, to: &std::path::Path) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let config = "[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n";
    for (name, text) in [
        ("index.txt", ""),
        ("number", "99\n"),
        ("openssl.cnf", config),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let mut command = std::process::Command::new("openssl");
    command
        .current_dir(dir.path())
        .args(["ca", "-gencrl", "-config", "openssl.cnf"]);
    command
        .arg("-cert")
        .arg(house.path("certs/ca.crt"))
        .arg("-keyfile")
        .arg(house.path("certs/ca.key"));
    command.args([
        "-crl_lastupdate",
        "20240101000000Z",
        "-crl_nextupdate",
        "20240201000000Z",
    ]);
    command.arg("-out").arg(to);
    command.output().is_ok_and(|output| output.status.success())
}

#[test]
fn allow_rules_let_in_whom_they_name_and_refuse_the_rest_before_a_byte_is_handled() {
    let server = TestServer::start(&["--allow-cn", "alice", "--allow-cn", "root"]);
    server.run(Via::Mtls, "alice", &["ls"]).ok();
    let text = server.run(Via::Mtls, "bob", &["ls"]).failed(9);
    assert!(
        text.contains("does not let this client certificate in"),
        "{text}"
    );
    assert!(
        server
            .log
            .wait_for("no --allow rule names OU=guests, CN=bob")
    );
    until("the audit trail has it", || {
        !events(&server, "handshake_failed").is_empty()
    });
    assert_eq!(
        events(&server, "handshake_failed")[0]["subject"],
        "OU=guests, CN=bob"
    );
    assert!(
        events(&server, "hello")
            .iter()
            .all(|event| event["identity"] == "alice")
    );

    let mut command = TestServer::command(
        &server.house,
        &["--allow-ou", "x", "--client-auth", "optional"],
    );
    crate::support::Ran::of(&mut command).failed(2);
}

#[test]
fn a_unit_opens_a_folder_that_others_cannot_even_list() {
    let server = TestServer::start(&[]);
    let house = &server.house;
    let (certs, data) = (house.arg("certs"), house.arg("data"));
    let issue = [
        "pki",
        "--certs",
        &certs,
        "issue",
        "client",
        "carol",
        "--ou",
        "staff",
        "--email",
        "carol@example.org",
        "--out",
        "carol",
    ];
    house.run(&issue).ok();
    house
        .run(&["access", "deny", "*", "exams/", "--data", &data])
        .ok();
    house
        .run(&[
            "access",
            "grant",
            "ou:staff",
            "exams/",
            "read+create",
            "--data",
            &data,
        ])
        .ok();
    reload(&server);
    server.run(Via::Mtls, "carol", &["register"]).ok();
    house.write("june.txt", b"questions");
    server
        .run(
            Via::Mtls,
            "carol",
            &["put", "june.txt", "--as", "exams/june.txt"],
        )
        .ok();
    assert_eq!(
        server.run(Via::Mtls, "carol", &["ls"]).ok(),
        "exams/june.txt\n"
    );
    // The same user without the certificate of the unit, and another user with a certificate of none.
    assert_eq!(server.run(Via::Mtls, "bob", &["ls"]).ok(), "");
    server
        .run(Via::Mtls, "bob", &["get", "exams/june.txt", "-o", "x"])
        .failed(9);
    server
        .run(
            Via::Mtls,
            "bob",
            &["put", "june.txt", "--as", "exams/july.txt"],
        )
        .failed(9);
}

#[test]
fn the_mail_address_can_be_the_user() {
    let house = House::new();
    let (certs, data) = (house.arg("certs"), house.arg("data"));
    let mail = "carol@example.org";
    house
        .run(&[
            "pki", "--certs", &certs, "issue", "client", "Carol", "--out", "Carol", "--email", mail,
        ])
        .ok();
    house
        .run(&["user", "add", mail, "--password", "env:PW", "--data", &data])
        .ok();
    let path = |name: &str| house.arg(&format!("certs/{name}"));
    let (ca, crt, key) = (path("ca.crt"), path("Carol.crt"), path("Carol.key"));
    for (which, known) in [("email", true), ("cn", false)] {
        let server = TestServer::start_in(&house, &["--user-from-cert", which]);
        let at = server.at();
        let protection = [
            "--server", &at, "--cacert", &ca, "--cert", &crt, "--key", &key,
        ];
        let ran = house.run(&[&["whoami"][..], &protection].concat());
        if known {
            let who = ran.ok();
            assert!(who.contains(mail), "{who}");
        } else {
            ran.failed(67);
        }
    }
}
