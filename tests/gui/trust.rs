//! Who the server is, and what is said when that cannot be told.

use std::path::Path;

use egui_kittest::kittest::Queryable as _;
use sealpost::error::Kind;
use sealpost::pki::{Authority, IssueRequest, inspect, keys};

use crate::stage::Stage;
use crate::support::{House, PASSWORD, TestServer, Via};

/// Fills the form, with TLS, up to the button.
fn prepare(server: &TestServer) -> Stage {
    let mut stage = Stage::new(&server.house);
    stage.aim(server);
    stage.click("TLS");
    stage.write("User", "alice");
    stage.write("Password", PASSWORD);
    stage
}

/// Presses the button that sends the form, wherever it has to be scrolled to.
fn go(stage: &mut Stage) {
    stage.harness.get_by_label("Log in").scroll_to_me();
    stage.harness.run_steps(3);
    stage.click("Log in");
}

fn certificate(path: &Path) -> inspect::CertificateInfo {
    let ders = keys::certificates(path, Kind::PeerCertificate).unwrap();
    inspect::certificate(&ders[0]).unwrap()
}

/// The connection stopped, and nothing offers to go on.
#[track_caller]
fn stopped(stage: &mut Stage, says: &str) {
    stage.wait_for("The connection was stopped");
    stage.wait_for(says);
    stage.wait_for("Change settings");
    stage.wait_for("Try again");
    for word in ["Continue", "Accept", "anyway", "Disconnect"] {
        assert!(!stage.sees(word), "{word}");
    }
}

#[test]
fn a_proved_server_shows_its_certificate_and_every_check() {
    let server = TestServer::via(Via::Tls);
    let mut stage = prepare(&server);
    go(&mut stage);
    stage.wait_for("alice @ ");
    stage.click("Certificate…");
    stage.wait_for("The server has proved that it is 127.0.0.1.");
    let info = certificate(&server.house.path("certs/server.crt"));
    for text in [
        &info.serial,
        &info.fingerprint[..4],
        "localhost",
        "days left",
        "✔ dates",
        "✔ issuer",
        "✔ name",
        "– revocation",
        "ECDSA P-256, ecdsa-with-SHA256",
        &info.issuer,
        "CA, believed here",
    ] {
        assert!(stage.sees(text), "{text}");
    }
    let y = |text| stage.harness.get_by_label(text).rect().top();
    assert!(y("CA, believed here") < y("the server"), "from the CA down");
    assert_eq!(stage.label_with("└ "), format!("└ {}", info.subject));
    let unchecked = stage.label_with("– revocation");
    assert!(unchecked.contains("“Revocation list”"), "{unchecked}");
    assert!(!stage.sees("Your certificate, shown to the server"));
    stage
        .harness
        .get_by_label("Copy fingerprint")
        .scroll_to_me();
    stage.harness.run_steps(3);
    stage.harness.get_by_label("Copy fingerprint").click();
    let copied = (0..5).any(|_| {
        stage.harness.step();
        let output = stage.harness.output();
        format!("{:?}", output.platform_output.commands).contains(&info.fingerprint)
    });
    assert!(copied);
}

#[test]
fn an_untrusted_server_stops_the_connection_and_another_ca_lets_it_through() {
    let server = TestServer::via(Via::Tls);
    let mut stage = prepare(&server);
    stage.write("CA certificate", &server.house.arg("foreign/ca.crt"));
    go(&mut stage);
    stopped(&mut stage, "RFC 5280 §6.1");
    assert!(stage.sees("✖ signature") || stage.sees("✖ issuer"));
    assert!(stage.sees("✔ dates"));
    assert!(stage.sees("does not prove that this is 127.0.0.1"));
    assert!(stage.sees("named as the issuer, not proved") && !stage.sees("believed here"));
    // The check that failed names its rule, and the next step.
    let rule = |label: &String| label.starts_with("RFC 5280 §6.1.3");
    assert!(stage.labels().iter().any(rule));
    assert!(stage.sees("two CAs have this name"));
    // The same again ends the same.
    stage.click("Try again");
    stopped(&mut stage, "RFC 5280 §6.1");
    stage.click("Change settings");
    stage.write("CA certificate", &server.house.arg("certs/ca.crt"));
    go(&mut stage);
    stage.wait_for("alice @ ");
}

#[test]
fn each_failure_of_the_catalogue_says_what_is_wrong_and_where_the_window_has_the_cure() {
    let server = TestServer::via(Via::Tls);
    let house = &server.house;
    let mut stage = prepare(&server);
    stage.click("Advanced");
    // The wrong name.
    stage.write("Name to expect", "other.example");
    go(&mut stage);
    stopped(&mut stage, "is not for other.example but for");
    assert!(stage.sees("✖ name"));
    assert!(stage.sees("--servername is here: “Name to expect”"));
    stage.click("Change settings");
    stage.write("Name to expect", "");
    // Another key than the pinned one.
    let other = certificate(&house.path("foreign/server.crt")).pin;
    stage.write("Pinned public key", &other);
    go(&mut stage);
    stopped(&mut stage, "is not the pinned one");
    stage.click("Change settings");
    stage.write("Pinned public key", "sha256//nonsense");
    go(&mut stage);
    stage.wait_for("this is no pin of a public key");
    let own = certificate(&house.path("certs/server.crt")).pin;
    stage.write("Pinned public key", &own);
    // Revoked.
    let serial = certificate(&house.path("certs/server.crt")).serial;
    let dir = house.arg("certs");
    house.run(&["pki", "--certs", &dir, "revoke", &serial]).ok();
    stage.write("Revocation list", &house.arg("certs/crl.pem"));
    go(&mut stage);
    stopped(&mut stage, "revoked");
    assert!(stage.sees("✖ revocation"));
    stage.click("Change settings");
    stage.write("Revocation list", "");
    go(&mut stage);
    stage.wait_for("alice @ ");
}

#[test]
fn a_server_that_wants_a_certificate_says_so_and_one_it_does_not_know_is_refused() {
    let server = TestServer::via(Via::Mtls);
    let house = &server.house;
    let mut stage = prepare(&server);
    go(&mut stage);
    stopped(&mut stage, "wants a client certificate");
    assert!(stage.sees("give “Your certificate” and “Private key”"));
    stage.click("Change settings");
    stage.click("Mutual TLS");
    stage.write("Your certificate", &house.arg("foreign/alice.crt"));
    stage.write("Private key", &house.arg("foreign/alice.key"));
    go(&mut stage);
    stopped(&mut stage, "the server refused");
    stage.wait_for("Your certificate, shown to the server");
    stage.click("Change settings");
    stage.write("Your certificate", &house.arg("certs/alice.crt"));
    go(&mut stage);
    stage.wait_for("is not the key of");
    stage.write("Private key", &house.arg("certs/alice.key"));
    go(&mut stage);
    stage.wait_for("alice @ ");
}

#[test]
fn a_certificate_that_was_shown_is_not_shown_for_the_next_attempt() {
    let server = TestServer::via(Via::Tls);
    let mut stage = prepare(&server);
    stage.write("CA certificate", &server.house.arg("foreign/ca.crt"));
    go(&mut stage);
    stopped(&mut stage, "RFC 5280 §6.1");
    stage.click("Change settings");
    // This one ends before anything is shown.
    server.house.write("no.crt", b"no certificate");
    stage.write("CA certificate", &server.house.arg("work/no.crt"));
    go(&mut stage);
    stage.wait_for("no.crt");
    assert!(!stage.sees("The connection was stopped"));
}

#[test]
fn in_plain_nobody_has_proved_anything_and_that_is_said() {
    let server = TestServer::via(Via::Plain);
    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "Plain TCP");
    stage.click("Certificate");
    stage.wait_for("nobody has proved anything");
    assert!(!stage.sees("resumed"));
}

#[test]
fn plain_and_tls_that_meet_are_told_apart() {
    let plain = TestServer::via(Via::Plain);
    let mut stage = prepare(&plain);
    go(&mut stage);
    stage.wait_for("what the server sends is not TLS");
    assert!(stage.sees("choose “Plain TCP”"));
    let tls = TestServer::via(Via::Tls);
    stage.aim(&tls);
    stage.click("Plain TCP");
    go(&mut stage);
    stage.wait_for("the server speaks TLS, not plain TCP");
}

#[test]
fn dates_that_do_not_hold_stop_the_connection() {
    let day = time::Duration::DAY;
    for (from, says) in [(-10 * day, "expired at"), (10 * day, "is not valid before")] {
        let house = House::new();
        let ca = Authority::open(&house.path("certs")).unwrap();
        ca.issue(&IssueRequest {
            out: Some("server".into()),
            force: true,
            days: 5,
            not_before: Some(time::OffsetDateTime::now_utc() + from),
            ..IssueRequest::server(["localhost"])
        })
        .unwrap();
        let server = TestServer::start_in(&house, &["--client-auth", "none"]);
        let mut stage = prepare(&server);
        stage.click("Log in");
        stopped(&mut stage, says);
        assert!(stage.sees("✖ dates"));
    }
}

#[test]
fn versions_that_do_not_meet_are_told() {
    let server = TestServer::start(&["--client-auth", "none", "--tls-min", "1.3"]);
    let mut stage = prepare(&server);
    stage.click("Advanced");
    stage.click("TLS versions");
    stage.click("TLS 1.2 only");
    go(&mut stage);
    stage.wait_for("no TLS version in common");
}
