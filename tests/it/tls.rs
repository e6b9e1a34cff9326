//! Who is let in and who is believed: every refusal with its number and its words, and never a fallback.

use std::io::{self, Read as _};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::{fs, path::Path};

use rustix::process::Signal;
use rustls::{ClientConfig, HandshakeKind};
use serde_json::{Value, json};

use crate::raw::{Raw, config, config_with, tcp};
use crate::support::{House, Ran, TestServer, Via, skipped};

/// Shakes hands and says hello; what the server did instead of answering, if it did.
fn let_in(server: &TestServer, config: ClientConfig) -> io::Result<Value> {
    let mut raw = Raw::shake_hands(tcp(server.address), config)?;
    let hello = json!({"op": "hello", "version": 1, "agent": "test/1"}).to_string();
    raw.try_send(&crate::raw::frame(hello.as_bytes()))?;
    let mut head = [0; 4];
    raw.read_exact(&mut head)?;
    let mut text = vec![0; u32::from_be_bytes(head) as usize];
    raw.read_exact(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// The error of a connection that must not come about.
#[track_caller]
fn kept_out(server: &TestServer, config: ClientConfig) -> String {
    let_in(server, config).unwrap_err().to_string()
}

/// `whoami` as the client's user sees it, with these flags for its protection.
fn whoami(server: &TestServer, flags: &[&str]) -> Ran {
    let at = server.at();
    let mut args = vec!["whoami", "--server", &at];
    args.extend(flags);
    server.house.run(&args)
}

const ALICE: [&str; 4] = ["--user", "alice", "--password", "env:PW"];

/// Flags for the CA and the certificate of `user` in a folder of the house.
fn with(house: &House, folder: &str, user: &str) -> Vec<String> {
    let path = |name: &str| house.arg(&format!("{folder}/{name}"));
    let (crt, key) = (path(&format!("{user}.crt")), path(&format!("{user}.key")));
    ["--cacert", &path("ca.crt"), "--cert", &crt, "--key", &key]
        .map(str::to_owned)
        .into()
}

fn strs(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).collect()
}

#[test]
fn where_a_client_certificate_is_required_one_without_is_told_so_in_words() {
    let server = TestServer::start(&[]);
    for version in ["1.2", "1.3"] {
        let exact = ["--tls-min", version, "--tls-max", version];
        for _ in 0..5 {
            let args = [&["whoami"][..], &exact].concat();
            let text = server.run(Via::Tls, "alice", &args).failed(98);
            assert!(
                text.contains("client certificate") && text.contains("--cert"),
                "{text}"
            );
            assert!(
                !text.contains("reset") && !text.contains("cut the connection"),
                "{text}"
            );
        }
        let args = [&["whoami", "--json"][..], &exact].concat();
        let who = server.run(Via::Mtls, "alice", &args).ok();
        let who: Value = serde_json::from_str(&who).unwrap();
        assert_eq!(
            (&who["secure"], &who["identity"]),
            (&json!("mtls"), &json!("alice"))
        );
    }
    let alert = kept_out(&server, config(&server.house, None));
    assert!(alert.contains("CertificateRequired"), "{alert}");
    assert!(server.log.wait_for("showed no certificate"));
}

#[test]
fn where_it_is_optional_both_are_let_in_and_told_apart() {
    let server = TestServer::start(&["--client-auth", "optional"]);
    for (via, identity) in [(Via::Tls, Value::Null), (Via::Mtls, json!("alice"))] {
        let who = server.run(via, "alice", &["whoami", "--json"]).ok();
        let who: Value = serde_json::from_str(&who).unwrap();
        assert_eq!(
            (&who["secure"], &who["identity"]),
            (&json!(via.word()), &identity)
        );
    }
}

#[test]
fn where_none_is_asked_one_that_is_there_is_not_shown() {
    for word in ["none", "CERT_NONE", "off"] {
        let server = TestServer::start(&["--client-auth", word]);
        let who = server.run(Via::Mtls, "alice", &["whoami", "--json"]).ok();
        let who: Value = serde_json::from_str(&who).unwrap();
        assert_eq!(
            (&who["secure"], &who["identity"]),
            (&json!("tls"), &Value::Null)
        );
    }
}

#[test]
fn a_server_of_another_ca_is_not_believed_though_the_ca_has_the_same_name() {
    let server = TestServer::start(&["--client-auth", "none"]);
    let foreign = server.house.arg("foreign/ca.crt");
    let flags = [&ALICE[..], &["--cacert", &foreign]].concat();
    let text = whoami(&server, &flags).failed(60);
    assert!(text.contains("server's certificate"), "{text}");
    assert!(server.log.wait_for("handshake failed"));
}

#[test]
fn a_server_of_another_name_is_not_believed() {
    let server = TestServer::start(&["--client-auth", "none"]);
    let ca = server.house.arg("certs/ca.crt");
    let named = |name: &str| {
        let flags = [&ALICE[..], &["--cacert", &ca, "--servername", name]].concat();
        whoami(&server, &flags)
    };
    let text = named("wrong.example").failed(60);
    assert!(
        text.contains("not for wrong.example but for localhost"),
        "{text}"
    );
    named("localhost").ok();
    named("127.0.0.1").ok();
}

#[test]
fn a_client_certificate_of_another_ca_is_refused_even_where_it_is_optional() {
    for auth in ["required", "optional"] {
        let server = TestServer::start(&["--client-auth", auth]);
        let house = &server.house;
        let mut flags = with(house, "foreign", "alice");
        flags[1] = house.arg("certs/ca.crt");
        let text = whoami(&server, &strs(&flags)).failed(58);
        assert!(text.contains("client certificate"), "{text}");
        assert!(!text.contains("reset"), "{text}");
        assert!(server.log.wait_for("handshake failed: the"));
        let own = with(house, "certs", "alice");
        whoami(&server, &strs(&own)).ok();
    }
}

#[test]
fn a_server_certificate_is_no_client_certificate() {
    let server = TestServer::start(&[]);
    let flags = with(&server.house, "certs", "server");
    let ran = whoami(&server, &strs(&flags));
    assert_ne!(ran.code, 0);
    assert!(server.log.wait_for("handshake failed"));
}

#[test]
fn insecure_is_warned_of_each_time_and_says_what_was_wrong() {
    let server = TestServer::start(&["--client-auth", "none"]);
    let foreign = server.house.arg("foreign/ca.crt");
    for _ in 0..2 {
        let flags = [&ALICE[..], &["--cacert", &foreign, "-k"]].concat();
        let ran = whoami(&server, &flags);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(
            ran.err
                .contains("warning: --insecure: the server is not verified"),
            "{}",
            ran.err
        );
        assert!(
            ran.err.contains(
                "warning: --insecure: the signature of the server's certificate CN=localhost"
            ),
            "{}",
            ran.err
        );
    }
    let flags = [&ALICE[..], &["--cacert", &foreign, "-k", "-q", "--json"]].concat();
    assert!(whoami(&server, &flags).err.contains("warning: --insecure"));
}

#[test]
fn a_tls_client_never_falls_back_to_plain() {
    let server = TestServer::via(Via::Plain);
    for via in [Via::Tls, Via::Mtls] {
        let text = server.run(via, "alice", &["whoami"]).failed(35);
        assert!(
            text.contains("not TLS") && text.contains("--plain"),
            "{text}"
        );
    }
    let audit = fs::read_to_string(server.house.path("data/audit.jsonl")).unwrap();
    assert!(!audit.contains("alice"), "{audit}");
    server.run(Via::Plain, "alice", &["whoami"]).ok();
}

#[test]
fn a_plain_client_is_told_where_a_server_speaks_tls_only() {
    let server = TestServer::start(&["--client-auth", "none"]);
    let text = server.run(Via::Plain, "alice", &["whoami"]).failed(35);
    assert!(text.contains("TLS"), "{text}");
    let audit = fs::read_to_string(server.house.path("data/audit.jsonl")).unwrap();
    assert!(!audit.contains("alice"), "{audit}");
    server.run(Via::Tls, "alice", &["whoami"]).ok();
}

#[test]
fn the_protocol_name_is_taken_or_absent_but_never_another() {
    let server = TestServer::start(&[]);
    let offering = |names: &[&[u8]]| {
        let mut config = config(&server.house, Some("alice"));
        config.alpn_protocols = names.iter().map(|name| name.to_vec()).collect();
        config
    };
    for names in [
        &[b"sealpost/1".as_slice()][..],
        &[],
        &[b"h2", b"sealpost/1"],
    ] {
        assert_eq!(
            let_in(&server, offering(names)).unwrap()["ok"],
            true,
            "{names:?}"
        );
    }
    for names in [
        &[b"h2".as_slice()][..],
        &[b"http/1.1"],
        &[b"sealpost/2", b"h2"],
    ] {
        let alert = kept_out(&server, offering(names));
        assert!(
            alert.contains("NoApplicationProtocol"),
            "{names:?}: {alert}"
        );
    }
}

#[test]
fn openssl_is_served_tls_1_2_and_1_3_and_nothing_older() {
    let server = TestServer::start(&["--client-auth", "none"]);
    let ca = server.house.arg("certs/ca.crt");
    let s_client = |flags: &[&str]| {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-connect", &server.at(), "-CAfile", &ca]);
        command.args(["-verify_return_error", "-brief", "-servername", "localhost"]);
        let output = command.args(flags).stdin(Stdio::null()).output();
        output.map(|output| {
            let text = [output.stdout, output.stderr].concat();
            (
                output.status.success(),
                String::from_utf8_lossy(&text).into_owned(),
            )
        })
    };
    if s_client(&["-help"]).is_err() {
        skipped("openssl s_client: not installed");
        return;
    }
    for (flags, protocol) in [
        (&["-tls1_2"][..], "TLSv1.2"),
        (&["-tls1_3"], "TLSv1.3"),
        (&["-alpn", "sealpost/1"], "TLSv1.3"),
    ] {
        let (ok, text) = s_client(flags).unwrap();
        assert!(ok && text.contains(protocol), "{flags:?}: {text}");
    }
    for flags in [
        &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"][..],
        &["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
        &["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"],
        &["-alpn", "h2"],
    ] {
        let (ok, text) = s_client(flags).unwrap();
        assert!(!ok, "{flags:?}: {text}");
    }
}

#[test]
fn sides_without_a_version_or_suite_in_common_are_told_so() {
    let server = TestServer::start(&["--client-auth", "none", "--tls-min", "1.3"]);
    let old = ["whoami", "--tls-max", "1.2"];
    let text = server.run(Via::Tls, "alice", &old).failed(59);
    assert!(text.contains("no TLS version in common"), "{text}");
    let suite = "TLS_AES_128_GCM_SHA256";
    let server = TestServer::start(&["--client-auth", "none", "--ciphers", suite]);
    let other = ["whoami", "--ciphers", "TLS_AES_256_GCM_SHA384"];
    let text = server.run(Via::Tls, "alice", &other).failed(59);
    assert!(
        text.contains("no cipher suite or group in common"),
        "{text}"
    );
    let who = server.run(Via::Tls, "alice", &["whoami", "--json"]).ok();
    assert!(who.contains(suite), "{who}");
}

#[test]
fn a_certificate_logs_in_its_user_and_no_other() {
    let server = TestServer::start(&[]);
    let log_in = |user: &str| whoami(&server, &strs(&with(&server.house, "certs", user)));
    assert!(log_in("alice").ok().contains("alice (user)"));
    assert!(log_in("root").ok().contains("root (admin)"));
    // Unknown and disabled: the same words.
    let texts = ["nobody", "gone"].map(|user| log_in(user).failed(67));
    let bare = |text: &str| text.split("connection").next().unwrap().to_owned();
    assert_eq!(bare(&texts[0]), bare(&texts[1]));
    assert!(server.log.wait_for("login failed") || !server.log.text().is_empty());
}

#[test]
fn what_a_login_needs_is_what_the_server_says() {
    let cases = [
        // policy, password alone over TLS, certificate alone, password and own, password and another's
        ("password", [true, false, true, true]),
        ("cert", [false, true, false, false]),
        ("both", [false, false, true, false]),
        ("either", [true, true, true, true]),
    ];
    for (policy, expected) in cases {
        let server = TestServer::start(&["--client-auth", "optional", "--login", policy]);
        let house = &server.house;
        let own = with(house, "certs", "alice");
        let others = with(house, "certs", "bob");
        let password_and = |more: &[String]| whoami(&server, &[&ALICE[..], &strs(more)].concat());
        let runs = [
            server.run(Via::Tls, "alice", &["whoami"]),
            whoami(&server, &strs(&own)),
            password_and(&own),
            password_and(&others),
        ];
        for (n, (ran, expected)) in runs.into_iter().zip(expected).enumerate() {
            let code = if expected { 0 } else { 67 };
            assert_eq!(ran.code, code, "{policy} {n}: {}", ran.err);
        }
    }
}

#[test]
fn a_users_certificate_rule_binds_the_password_too() {
    let house = House::new();
    let data = house.arg("data");
    // A name alone is a common name, as the help says.
    for (user, rule) in [
        ("alice", "alice"),
        ("bob", "ou:guests"),
        ("root", "cn:alice"),
    ] {
        house
            .run(&["user", "certificate", user, rule, "--data", &data])
            .ok();
    }
    let server = TestServer::start_in(&house, &["--client-auth", "optional"]);
    for (via, user, code) in [
        (Via::Mtls, "alice", 0),
        (Via::Tls, "alice", 67),
        (Via::Mtls, "bob", 0),
        (Via::Mtls, "root", 67),
    ] {
        let ran = server.run(via, user, &["whoami"]);
        assert_eq!(ran.code, code, "{user} {via:?}: {}", ran.err);
    }
}

#[test]
fn secrets_are_logged_only_when_asked_and_only_for_the_owner() {
    let secrets = |path: &Path| {
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        fs::read_to_string(path).unwrap()
    };
    let house = House::new();
    let path = house.arg("server.keys");
    let browsers = house.arg("browser.keys");
    let server = TestServer::spawn(
        &house,
        TestServer::command(&house, &[]).env("SSLKEYLOGFILE", &browsers),
    );
    server.run(Via::Mtls, "alice", &["whoami"]).ok();
    assert!(!house.path("server.keys").exists() && !house.path("browser.keys").exists());
    drop(server);

    let server = TestServer::start_in(&house, &["--keylog", &path]);
    server.run(Via::Mtls, "alice", &["whoami"]).ok();
    let servers = secrets(Path::new(&path));
    assert!(servers.contains("CLIENT_TRAFFIC_SECRET_0 "), "{servers}");
    let own = house.arg("client.keys");
    server
        .run(Via::Mtls, "alice", &["whoami", "--keylog", &own])
        .ok();
    let clients = secrets(Path::new(&own));
    assert!(
        secrets(Path::new(&path)).contains(&clients),
        "both sides have the same secrets"
    );
    let mut client = server.client(Via::Mtls, "alice", &["whoami", "--tls-max", "1.2"]);
    Ran::of(client.env("SSLKEYLOGFILE", &browsers)).ok();
    assert!(secrets(Path::new(&browsers)).starts_with("CLIENT_RANDOM "));
}

#[test]
fn a_pinned_key_is_the_only_one_accepted() {
    let server = TestServer::start(&["--client-auth", "none"]);
    let house = &server.house;
    let pin = |file: &str| {
        let out = house
            .run(&["pki", "fingerprint", "--json", &house.arg(file)])
            .ok();
        let out: Value = serde_json::from_str(&out).unwrap();
        out["pin"].as_str().unwrap().to_owned()
    };
    let (right, wrong) = (pin("certs/server.crt"), pin("foreign/server.crt"));
    server
        .run(Via::Tls, "alice", &["whoami", "--pinnedpubkey", &right])
        .ok();
    for more in [&[][..], &["--insecure"]] {
        let args = [&["whoami", "--pinnedpubkey", &wrong][..], more].concat();
        let text = server.run(Via::Tls, "alice", &args).failed(90);
        assert!(text.contains("not the pinned one"), "{text}");
    }
    // The server is told that it is about its certificate, and not that the two share no cipher suite.
    assert!(
        server.log.wait_for("refused this server's certificate"),
        "{}",
        server.log.text()
    );
    assert!(
        !server.log.text().contains("in common"),
        "{}",
        server.log.text()
    );
    // The pin does not replace the other checks.
    let foreign = house.arg("foreign/ca.crt");
    let flags = [
        &ALICE[..],
        &["--cacert", &foreign, "--pinnedpubkey", &right],
    ]
    .concat();
    whoami(&server, &flags).failed(60);
}

#[test]
fn a_revoked_certificate_is_refused_after_a_reload_even_with_an_old_ticket() {
    for resumption in ["cache", "tickets", "off"] {
        for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
            revoke_and_resume(resumption, version);
        }
    }
}

fn revoke_and_resume(resumption: &str, version: &'static rustls::SupportedProtocolVersion) {
    let house = House::new();
    let server = TestServer::start_in(&house, &["--resumption", resumption]);
    // The store of sessions is shared by the clones of a configuration.
    let only = |user: &str| config_with(&house.path("certs"), Some(user), &[version]);
    let (bob, alice) = (only("bob"), only("alice"));
    let kind = |config: &ClientConfig| {
        let mut raw = Raw::shake_hands(tcp(server.address), config.clone()).unwrap();
        raw.hello();
        raw.handshake().unwrap()
    };
    assert_eq!(kind(&bob), HandshakeKind::Full);
    assert_eq!(kind(&alice), HandshakeKind::Full);
    let expected = match resumption {
        "off" => HandshakeKind::Full,
        _ => HandshakeKind::Resumed,
    };
    assert_eq!(kind(&bob), expected, "{resumption}");
    let certs = house.arg("certs");
    house
        .run(&[
            "pki",
            "--certs",
            &certs,
            "revoke",
            &house.arg("certs/bob.crt"),
        ])
        .ok();
    server.signal(Signal::HUP);
    assert!(server.log.wait_for("reloaded certificates"));
    for _ in 0..2 {
        let alert = kept_out(&server, bob.clone());
        assert!(
            alert.contains("CertificateRevoked"),
            "{resumption}: {alert}"
        );
    }
    assert_eq!(let_in(&server, alice).unwrap()["identity"], "alice");
    let text = server.run(Via::Mtls, "bob", &["whoami"]).failed(58);
    assert!(text.contains("revoked"), "{text}");
}

#[test]
fn a_handshake_that_is_cut_harms_nobody() {
    let server = TestServer::start(&[]);
    for bytes in [
        &b""[..],
        b"\x16",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ] {
        let mut stream = tcp(server.address);
        io::Write::write_all(&mut stream, bytes).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        let _reset_or_end = stream.read_to_end(&mut rest);
    }
    server.run(Via::Mtls, "alice", &["whoami"]).ok();
}
