//! A server examined: good ones, and each way to be wrong.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::{fs, thread};

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::support::{House, PATIENCE, Ran, TestServer, Via, set_mode};

/// The findings, and the exit code.
fn examined(house: &House, at: &str, flags: &[&str]) -> (i32, Vec<Value>) {
    let ca = house.arg("certs/ca.crt");
    let mut args = vec!["doctor", at, "--json", "--connect-timeout", "1m"];
    if !flags.contains(&"--cacert") {
        args.extend(["--cacert", &ca]);
    }
    args.extend(flags);
    let ran = house.run(&args);
    let found: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    (ran.code, found["findings"].as_array().unwrap().clone())
}

#[track_caller]
fn finding<'a>(findings: &'a [Value], check: &str) -> &'a Value {
    let mut all = findings.iter();
    let found = all.find(|finding| finding["check"] == check);
    found.unwrap_or_else(|| panic!("no {check}: {findings:#?}"))
}

/// What is wrong, by name; each must have a cure in both languages.
fn wrong(findings: &[Value]) -> Vec<&str> {
    let wrong = findings
        .iter()
        .filter(|finding| finding["grade"] == "wrong");
    wrong
        .map(|finding| {
            for cure in ["cure", "cure_zh"] {
                assert!(!finding[cure].as_str().unwrap().is_empty(), "{finding}");
            }
            finding["check"].as_str().unwrap()
        })
        .collect()
}

/// Flags for alice's certificate.
fn alice(house: &House) -> Vec<String> {
    let (crt, key) = (house.arg("certs/alice.crt"), house.arg("certs/alice.key"));
    ["--cert", &crt, "--key", &key].map(str::to_owned).into()
}

fn strs(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).collect()
}

fn localhost(address: SocketAddr) -> String {
    format!("localhost:{}", address.port())
}

#[test]
fn a_good_server_is_found_good() {
    let server = TestServer::start(&[]);
    let list = server.house.arg("certs/crl.pem");
    let own = alice(&server.house);
    let flags = [&strs(&own)[..], &["--crlfile", &list]].concat();
    let (code, found) = examined(&server.house, &server.at(), &flags);
    assert_eq!(code, 0, "{found:#?}");
    assert!(
        found.iter().all(|finding| finding["grade"] == "ok"),
        "{found:#?}"
    );
    assert_eq!(finding(&found, "versions")["says"], "1.3, 1.2");
    let ciphers = finding(&found, "ciphers")["says"].as_str().unwrap();
    // The server's certificate is ECDSA: the suites for RSA are not to be had.
    assert!(
        ciphers.contains("TLS_AES_256_GCM_SHA384") && !ciphers.contains("RSA"),
        "{ciphers}"
    );
    assert!(
        finding(&found, "client_auth")["says"]
            .as_str()
            .unwrap()
            .starts_with("required")
    );
}

#[test]
fn a_server_that_takes_less_is_told_what_it_takes() {
    let server = TestServer::start(&[
        "--client-auth",
        "optional",
        "--tls-max",
        "1.2",
        "--allow-plain",
    ]);
    let (code, found) = examined(&server.house, &server.at(), &[]);
    assert_eq!(code, 0, "{found:#?}");
    assert_eq!(finding(&found, "versions")["grade"], "warning");
    assert_eq!(finding(&found, "also_plain")["grade"], "warning");
    assert!(
        finding(&found, "client_auth")["says"]
            .as_str()
            .unwrap()
            .starts_with("optional")
    );
    let (code, found) = examined(&server.house, &server.at(), &["--tls-min", "1.3"]);
    assert_eq!(code, 59, "{found:#?}");
    assert_eq!(wrong(&found)[0], "versions");
}

#[test]
fn no_certificate_where_one_is_required_and_one_of_another_ca_are_told_apart() {
    let server = TestServer::start(&[]);
    let (code, found) = examined(&server.house, &server.at(), &[]);
    assert_eq!((code, wrong(&found)), (98, vec!["client_auth", "hello"]));
    // The foreign CA has the same name: only the connection itself can tell.
    let house = &server.house;
    let (crt, key) = (
        house.arg("foreign/alice.crt"),
        house.arg("foreign/alice.key"),
    );
    let (code, found) = examined(house, &server.at(), &["--cert", &crt, "--key", &key]);
    assert_eq!((code, wrong(&found)), (58, vec!["hello"]), "{found:#?}");
    // A key that is another's, and a certificate that is a server's.
    let key = house.arg("certs/bob.key");
    let crt = house.arg("certs/alice.crt");
    let (code, found) = examined(house, &server.at(), &["--cert", &crt, "--key", &key]);
    assert_eq!((code, wrong(&found)[0]), (58, "own_files"), "{found:#?}");
    let (crt, key) = (house.arg("certs/server.crt"), house.arg("certs/server.key"));
    let (code, found) = examined(house, &server.at(), &["--cert", &crt, "--key", &key]);
    assert_eq!(
        (code, wrong(&found)[0]),
        (58, "own_certificate"),
        "{found:#?}"
    );
}

#[test]
fn a_wrong_host_a_wrong_ca_and_a_wrong_pin_are_each_found() {
    let server = TestServer::start(&["--client-auth", "none"]);
    let (house, at) = (&server.house, server.at());
    let (code, found) = examined(house, &at, &["--servername", "other.example"]);
    assert_eq!((code, wrong(&found)), (60, vec!["name", "hello"]));
    let foreign = house.arg("foreign/ca.crt");
    let (code, found) = examined(house, &at, &["--cacert", &foreign]);
    assert_eq!((code, wrong(&found)), (60, vec!["signature", "hello"]));
    let pin = format!("sha256//{}=", "A".repeat(43));
    let (code, found) = examined(house, &at, &["--pinnedpubkey", &pin]);
    assert_eq!((code, wrong(&found)), (90, vec!["pin", "hello"]));
    let none = house.arg("certs/nothing.crt");
    let (code, found) = examined(house, &at, &["--cacert", &none]);
    assert_eq!(
        (code, wrong(&found)),
        (77, vec!["issuer", "hello"]),
        "{found:#?}"
    );
    assert_eq!(finding(&found, "name")["grade"], "ok");
}

#[test]
fn an_expired_and_a_revoked_certificate_are_found() {
    let house = House::new();
    let issuer = {
        let read = |name: &str| fs::read_to_string(house.path(name)).unwrap();
        let key = KeyPair::from_pem(&read("certs/ca.key")).unwrap();
        Issuer::from_ca_cert_pem(&read("certs/ca.crt"), key).unwrap()
    };
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let now = OffsetDateTime::now_utc();
    (params.not_before, params.not_after) = (now - Duration::days(9), now - Duration::days(1));
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    fs::write(house.path("certs/old.crt"), certificate.pem()).unwrap();
    fs::write(house.path("certs/old.key"), key.serialize_pem()).unwrap();
    set_mode(&house.path("certs/old.key"), 0o600);
    let flags = [
        "--cert",
        "certs/old.crt",
        "--key",
        "certs/old.key",
        "--client-auth",
        "none",
    ];
    let server = TestServer::start_in(&house, &flags);
    let (code, found) = examined(&house, &localhost(server.address), &[]);
    assert_eq!(
        (code, wrong(&found)),
        (60, vec!["dates", "hello"]),
        "{found:#?}"
    );
    drop(server);

    let server = TestServer::start_in(&house, &["--client-auth", "none"]);
    let (certs, file) = (house.arg("certs"), house.arg("certs/server.crt"));
    house.run(&["pki", "--certs", &certs, "revoke", &file]).ok();
    let list = house.arg("certs/crl.pem");
    let (code, found) = examined(&house, &server.at(), &["--crlfile", &list]);
    assert_eq!(
        (code, wrong(&found)),
        (60, vec!["revocation", "hello"]),
        "{found:#?}"
    );
    let (code, found) = examined(&house, &server.at(), &[]);
    assert_eq!(code, 0);
    assert_eq!(finding(&found, "revocation")["grade"], "skipped");
}

#[test]
fn a_plain_server_is_found_plain_and_is_well_only_if_that_is_meant() {
    let server = TestServer::via(Via::Plain);
    let (code, found) = examined(&server.house, &server.at(), &[]);
    assert_eq!((code, wrong(&found)), (35, vec!["language"]));
    let says = finding(&found, "language")["says"].as_str().unwrap();
    assert!(says.contains("plain TCP"), "{says}");
    let (code, found) = examined(&server.house, &server.at(), &["--plain"]);
    assert_eq!(
        (code, finding(&found, "language")["grade"].as_str()),
        (0, Some("warning"))
    );
    let server = TestServer::start(&[]);
    let (code, found) = examined(&server.house, &server.at(), &["--plain"]);
    assert_eq!((code, wrong(&found)), (35, vec!["language"]));
}

/// A server that greets with `first` and answers whatever it is sent with `answer`.
fn stranger(first: &'static str, answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move || {
        for tcp in listener.incoming() {
            let mut tcp = tcp.unwrap();
            let talk = move || {
                tcp.set_read_timeout(Some(PATIENCE)).unwrap();
                let _gone = tcp.write_all(first.as_bytes());
                if matches!(tcp.read(&mut [0; 4096]), Ok(n) if n > 0) {
                    let _gone = tcp.write_all(answer.as_bytes());
                }
            };
            thread::Builder::new().spawn(talk).unwrap();
        }
    };
    thread::Builder::new().spawn(serve).unwrap();
    address
}

#[test]
fn strangers_are_told_by_their_names() {
    let house = House::new();
    let web = stranger("", "HTTP/1.1 400 Bad Request\r\n\r\n");
    for (address, word) in [
        (web, "HTTP"),
        (
            stranger("SSH-2.0-OpenSSH_9.2\r\n", ""),
            "SSH-2.0-OpenSSH_9.2",
        ),
        (stranger("220 mail.example ESMTP\r\n", ""), "220 mail"),
    ] {
        for flags in [&[][..], &["--plain"]] {
            let (code, found) = examined(&house, &address.to_string(), flags);
            assert_eq!((code, wrong(&found)), (35, vec!["language"]), "{word}");
            let says = finding(&found, "language")["says"].as_str().unwrap();
            assert!(says.contains(word), "{says}");
        }
    }
}

#[test]
fn a_closed_port_and_a_name_without_an_address_are_the_first_to_be_found() {
    let house = House::new();
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (code, found) = examined(&house, &closed.to_string(), &[]);
    assert_eq!((code, wrong(&found)), (7, vec!["connect"]));
    let (code, found) = examined(&house, "no-such-host.invalid", &[]);
    assert_eq!((code, wrong(&found)), (6, vec!["resolve"]));
}

#[test]
fn it_is_told_to_people_in_both_languages() {
    let server = TestServer::start(&[]);
    let (ca, at) = (server.house.arg("certs/ca.crt"), server.at());
    for (lang, words) in [
        (
            "en",
            [
                "ok          issuer            leads to",
                "WRONG       client auth",
                "cure: give --cert",
            ],
        ),
        (
            "zh",
            [
                "正常        签发者            可追溯到",
                "错误        客户端认证",
                "办法：用 --cert",
            ],
        ),
    ] {
        let ran: Ran = server
            .house
            .run(&["doctor", &at, "--cacert", &ca, "--lang", lang]);
        assert_eq!(ran.code, 98);
        for word in words {
            assert!(ran.out.contains(word), "no {word} in: {}", ran.out);
        }
    }
}
