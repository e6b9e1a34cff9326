//! Bad clients, as they are told and as the log of the server has it.

use std::fs;

use rcgen::{ExtendedKeyUsagePurpose, SerialNumber};
use serde_json::Value;

use super::zoo::{Pair, SERIAL, TestCa, day, named};
use super::{Expected, client, no_rust, told};
use crate::support::{House, Log, TestServer, set_mode, until};

/// Each bad client, its exit code and words, and the words of the server's log.
const BAD_CLIENTS: &[(&str, Expected, &str)] = &[
    (
        "none",
        (
            98,
            "the server wants a client certificate, and none was shown|--cert and --key",
            "服务器要求客户端证书|没有出示",
        ),
        "the client showed no certificate",
    ),
    (
        "unknown issuer",
        (
            58,
            "does not know the CA|own.crt, CN=alice (serial 05, issued by CN=Other CA)|it takes those of CN=",
            "不认识其签发 CA|它接受",
        ),
        "CN=alice (serial 05, issued by CN=Other CA) is not signed by a CA in certs/ca.crt",
    ),
    (
        "self-signed",
        (
            58,
            "does not know the CA|issued by itself",
            "拒绝了|自行签发",
        ),
        "is self-signed",
    ),
    (
        "expired",
        (
            58,
            "says that it is out of its dates|it expired at",
            "不在有效期内|过期",
        ),
        "expired at 20",
    ),
    (
        "not yet valid",
        (58, "out of its dates|it is not valid before", "才生效"),
        "is not valid before 20",
    ),
    (
        "wrong purpose",
        (
            58,
            "made for another purpose|it is made for serverAuth",
            "用途",
        ),
        "is not made for a client|serverAuth",
    ),
    (
        "revoked",
        (
            58,
            "says that it is revoked|sealpost pki issue client",
            "已被吊销",
        ),
        "was revoked at 20|keyCompromise|crl.pem",
    ),
    (
        "not allowed",
        (
            9,
            "does not let this client certificate in|own.crt, CN=mallory|--allow-cn",
            "不允许这张证书进入",
        ),
        "no --allow rule names CN=mallory",
    ),
];

fn bad_client(ca: &TestCa, what: &str) -> Option<Pair> {
    let mut params = named("alice", &[]);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.serial_number = Some(SerialNumber::from(5_u64));
    match what {
        "none" => return None,
        "unknown issuer" => return Some(TestCa::new("Other CA", None).sign(&params)),
        "self-signed" => return Some(Pair::self_signed(&params)),
        "expired" => params.not_after = day(-1),
        "not yet valid" => params.not_before = day(1),
        "wrong purpose" => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth],
        "revoked" => params.serial_number = Some(SerialNumber::from(SERIAL)),
        _ => params.distinguished_name = named("mallory", &[]).distinguished_name,
    }
    Some(ca.sign(&params))
}

#[test]
fn a_client_that_is_not_let_in_is_told_why_and_the_log_has_the_cause() {
    let house = House::new();
    let ca = TestCa::of(&house);
    house.write("crl.pem", ca.list(day(9), true).as_bytes());
    let list = house.arg("work/crl.pem");
    let server = TestServer::start_in(&house, &["--crlfile", &list, "--allow-cn", "alice"]);
    // In TLS 1.3 the refusal comes after the client's handshake (RFC 8446 §4.4.2.4).
    for tls in ["1.2", "1.3"] {
        for (what, expected, log) in BAD_CLIENTS {
            let pair = bad_client(&ca, what);
            let what = format!("{what} in TLS {tls}");
            let mut more = vec!["--tls-max", tls, "--tls-min", tls];
            if let Some(pair) = &pair {
                house.write("own.crt", pair.chain.as_bytes());
                house.write("own.key", pair.key.as_bytes());
                set_mode(&house.path("work/own.key"), 0o600);
                more.extend(["--cert", "own.crt", "--key", "own.key"]);
            }
            let mut client = client(&house, "localhost", server.address, &more);
            let message = told(&mut client, &what, *expected);
            // The connection, by what both sides know of it.
            let (_, from) = message.split_once("[connection from ").expect(&what);
            let address = from.split(' ').next().unwrap();
            check_log(&server.log, address, log, &what);
            let event = handshake_failed(&house, address);
            let cause = log.split('|').next().unwrap();
            assert!(
                event["reason"].as_str().unwrap().contains(cause),
                "{what}: {event}"
            );
            for key in ["subject", "serial", "fingerprint"] {
                assert_eq!(event[key].is_string(), pair.is_some(), "{what}: {event}");
            }
        }
    }
}

/// The event of the audit trail about the connection from `address`.
fn handshake_failed(house: &House, address: &str) -> Value {
    let address = format!("\"{address}\"");
    let mut found = None;
    until("the event of a failed handshake", || {
        let trail = fs::read_to_string(house.path("data/audit.jsonl")).unwrap();
        let mut lines = trail.lines();
        let line = lines.find(|line| line.contains(&address) && line.contains("handshake_failed"));
        found = line.map(|line| serde_json::from_str(line).unwrap());
        found.is_some()
    });
    found.unwrap()
}

/// One line of the log has the address, an id and all the words.
#[track_caller]
fn check_log(log: &Log, address: &str, words: &str, what: &str) {
    assert!(log.wait_for(address), "{what}: {}", log.text());
    let text = log.text();
    let line = text.lines().find(|line| line.contains(address)).unwrap();
    assert!(
        line.contains("id=") || line.contains("id\":"),
        "{what}: {line}"
    );
    for word in words.split('|') {
        assert!(line.contains(word), "{what}: no {word} in: {line}");
    }
    no_rust(line);
}

#[test]
fn a_server_whose_list_is_old_says_so_and_one_whose_list_is_foreign_does_not_start() {
    let house = House::new();
    let ca = TestCa::of(&house);
    house.write("crl.pem", ca.list(day(-1), false).as_bytes());
    let server = TestServer::start_in(&house, &["--crlfile", "work/crl.pem"]);
    let alice = [house.arg("certs/alice.crt"), house.arg("certs/alice.key")];
    let more = ["--cert", &alice[0], "--key", &alice[1]];
    let expected: Expected = (
        58,
        "no current revocation list|its log tells which",
        "没有该 CA 的有效吊销列表",
    );
    told(
        &mut client(&house, "localhost", server.address, &more),
        "old list",
        expected,
    );
    assert!(
        server
            .log
            .wait_for("revocation list work/crl.pem is out of date since 20"),
        "{}",
        server.log.text()
    );
    drop(server);

    house.write(
        "crl.pem",
        TestCa::new("Other CA", None).list(day(9), false).as_bytes(),
    );
    let expected: Expected = (
        82,
        "work/crl.pem is of CN=Other CA|pki crl",
        "属于 CN=Other CA",
    );
    told(
        &mut TestServer::command(&house, &["--crlfile", "work/crl.pem"]),
        "foreign list",
        expected,
    );
}

#[test]
fn the_log_says_that_a_client_refused_the_server() {
    let server = TestServer::start(&["--client-auth", "none"]);
    let foreign = server.house.arg("foreign/ca.crt");
    let more = ["--cacert", &foreign];
    let expected = (60, "has the issuer's name, but another key", "密钥不同");
    told(
        &mut client(&server.house, "localhost", server.address, &more),
        "other CA",
        expected,
    );
    let words = "the client refused this server's certificate certs/server.crt, CN=localhost";
    assert!(server.log.wait_for(words), "{}", server.log.text());
    no_rust(&server.log.text());
}
