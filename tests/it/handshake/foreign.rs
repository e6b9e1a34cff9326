//! Captures of openssl talking to openssl, recorded by `sealpost capture`, told, and compared with `tshark`.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::openssl::{Program, Talk, recorded};
use super::{explained, handshakes, said, steps, told, tshark};
use crate::support::{House, PATIENCE, Ran, TestServer, Via, skipped, wait};

const MUTUAL: [&str; 4] = ["-cert", "../certs/alice.crt", "-key", "../certs/alice.key"];

fn explained_with(house: &House, capture: &Path, keys: &Path) -> Value {
    let ca = house.arg("certs/ca.crt");
    let args = ["--keys", keys.to_str().unwrap(), "--cacert", &ca];
    explained(capture, &args)
}

/// What is told is what `tshark` finds, all of it opened, and every proof fits.
#[track_caller]
fn agrees(what: &str, told: &Value, capture: &Path, keys: &Path) {
    let keys = format!("tls.keylog_file:{}", keys.to_str().unwrap());
    let connections = told["connections"].as_array().unwrap();
    let ours: Vec<_> = connections.iter().flat_map(handshakes).collect();
    if let Some(theirs) = tshark(capture, &["-o", &keys]) {
        assert_eq!(ours, theirs, "{what}");
    }
    for connection in connections {
        assert_eq!(connection["opened"]["verdict"], "all", "{what}");
        for (_, _, said) in said(connection) {
            assert_ne!(said["proved"], false, "{what}: {said}");
            if said["message"] == "finished" {
                assert_eq!(said["proved"], true, "{what}");
            }
        }
    }
}

/// A version, whether both show a certificate, a suite as openssl calls it, and as the RFC does.
const SUITES: [(&str, bool, &str, &str); 6] = [
    (
        "-tls1_3",
        false,
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_128_GCM_SHA256",
    ),
    (
        "-tls1_3",
        true,
        "TLS_AES_256_GCM_SHA384",
        "TLS_AES_256_GCM_SHA384",
    ),
    (
        "-tls1_3",
        true,
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_CHACHA20_POLY1305_SHA256",
    ),
    (
        "-tls1_2",
        true,
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    ),
    (
        "-tls1_2",
        false,
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    ),
    (
        "-tls1_2",
        true,
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    ),
];

#[test]
fn every_suite_that_is_opened_is_opened_one_way_and_mutual() {
    let house = House::new();
    for (version, is_mutual, suite, cipher) in SUITES {
        let name = &format!("{suite}{version}");
        let (asks, own): (&[&str], &[&str]) = match is_mutual {
            true => (&["-Verify", "1"], &MUTUAL),
            false => (&[], &[]),
        };
        let server = &[&[version], asks].concat();
        let flag = match version {
            "-tls1_3" => "-ciphersuites",
            _ => "-cipher",
        };
        let talk = Talk {
            client: &[&[flag, suite], own].concat(),
            lines: &["hello"],
        };
        let Some((capture, keys)) = recorded(&house, name, server, &[talk]) else {
            return;
        };
        let told = explained_with(&house, &capture, &keys);
        agrees(name, &told, &capture, &keys);
        let connection = &told["connections"][0];
        assert_eq!(connection["agreed"]["cipher"], cipher);
        let server = steps(connection, "server");
        for (check, outcome) in server {
            let expected = if check == "revocation" {
                "skipped"
            } else {
                "passed"
            };
            assert_eq!(outcome, expected, "{name} {check}");
        }
        let client = steps(connection, "client");
        assert_eq!(
            client.last(),
            is_mutual.then_some(&("private key", "passed"))
        );
        assert!(told.to_string().contains("hello"), "{name}");
    }
}

#[test]
fn a_retry_an_update_of_keys_early_data_and_resumed_sessions_are_followed() {
    let house = House::new();
    let again = ["-groups", "X25519:P-384"];
    let talk = Talk {
        client: &again,
        lines: &["first", "K", "second"],
    };
    let server = ["-tls1_3", "-groups", "P-384"];
    let Some((capture, keys)) = recorded(&house, "retry", &server, &[talk]) else {
        return;
    };
    let told = explained_with(&house, &capture, &keys);
    agrees("retry", &told, &capture, &keys);
    let connection = &told["connections"][0];
    assert_eq!(connection["agreed"]["retried"], true);
    assert_eq!(connection["agreed"]["group"], "secp384r1");
    assert_eq!(connection["cost"]["round_trips"], 2);
    let all = said(connection);
    let updates = all
        .iter()
        .filter(|(_, _, said)| said["message"] == "key_update");
    // The server answers with one of its own only when it has something to say.
    assert!(updates.count() >= 1);

    for (version, early) in [("-tls1_3", true), ("-tls1_2", false)] {
        fs::write(house.path("work/early"), "early words\n").unwrap();
        let first = ["-sess_out", "session"];
        let second: &[&str] = match early {
            true => &["-sess_in", "session", "-early_data", "early"],
            false => &["-sess_in", "session"],
        };
        let talks = [
            Talk {
                client: &first,
                lines: &["one"],
            },
            Talk {
                client: second,
                lines: &["two"],
            },
        ];
        let more: &[&str] = if early { &["-early_data"] } else { &[] };
        let server = [&[version], more].concat();
        let name = format!("resumed{version}");
        let (capture, keys) = recorded(&house, &name, &server, &talks).unwrap();
        let told = explained_with(&house, &capture, &keys);
        agrees(&name, &told, &capture, &keys);
        let [first, second] = &told["connections"].as_array().unwrap()[..] else {
            panic!("{told}");
        };
        assert_eq!(first["agreed"]["resumed"], false);
        assert_eq!(second["agreed"]["resumed"], true);
        assert!(!steps(first, "server").is_empty() && steps(second, "server").is_empty());
        assert_eq!(second.to_string().contains("early words"), early);
        assert_eq!(
            second["cost"]["round_trips"],
            i32::from(!early),
            "{version}"
        );
        // Of several connections one can be asked for.
        let number = ["--connection", "2"];
        let only = explained(&capture, &number);
        assert_eq!(only["connections"][0]["number"], 2);
        assert_eq!(only["connections"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn a_suite_that_is_not_opened_and_a_refused_client_are_said_in_words() {
    let house = House::new();
    let client = ["-cipher", "ECDHE-ECDSA-AES128-SHA256"];
    let talk = Talk {
        client: &client,
        lines: &["hello"],
    };
    let Some((capture, keys)) = recorded(&house, "cbc", &["-tls1_2"], &[talk]) else {
        return;
    };
    let text = told(&capture, &["--keys", keys.to_str().unwrap()]);
    assert!(
        text.contains("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256 of TLS 1.2 is not opened here"),
        "{text}"
    );
    // Before TLS 1.2 a key exchange is signed in another form; it is not taken for one without a signature.
    let old = ["-tls1", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"];
    let talk = Talk {
        client: &old,
        lines: &["hello"],
    };
    let (capture, _) = recorded(&house, "old", &old, &[talk]).unwrap();
    let text = told(&capture, &[]);
    if text.contains("TLS 1.0, one-way") {
        let unread = "the key exchange is signed, in a form that this program does not read";
        assert!(
            text.contains(unread) && !text.contains("RSA key exchange"),
            "{text}"
        );
        assert!(text.contains("signatures: none"), "{text}");
    } else {
        skipped("TLS 1.0: this OpenSSL refuses it");
    }
    // The server wants a certificate and gets none.
    let server = ["-tls1_3", "-Verify", "1", "-verify_return_error"];
    let talk = Talk {
        client: &[],
        lines: &[],
    };
    let (capture, keys) = recorded(&house, "refused", &server, &[talk]).unwrap();
    let told = explained_with(&house, &capture, &keys);
    let all = said(&told["connections"][0]);
    let alert = all
        .iter()
        .find(|(_, by, said)| *by == "server" && said["says"] == "alert");
    let (_, _, alert) = alert.unwrap();
    assert_eq!(alert["name"], "certificate_required");
    assert_eq!(told["connections"][0]["agreed"]["client_shown"], false);
}

#[test]
fn captures_of_other_forms_are_told_with_what_they_lack() {
    let house = House::new();
    let talk = Talk {
        client: &[],
        lines: &["hello"],
    };
    let Some((capture, keys)) = recorded(&house, "whole", &["-tls1_3"], &[talk]) else {
        return;
    };
    let editcap = |args: &[&str], out: &str| {
        let out = house.path("work").join(out);
        let mut command = Command::new("editcap");
        let ran = command.args(args).arg(&capture).arg(&out).output().ok()?;
        ran.status.success().then_some(out)
    };
    let Some(classic) = editcap(&["-F", "pcap"], "classic.pcap") else {
        skipped("captures of other forms: editcap is not installed");
        return;
    };
    let whole = explained_with(&house, &capture, &keys);
    let of = |told: &Value| handshakes(&told["connections"][0]);
    let told_of = |capture: &Path| explained_with(&house, capture, &keys);
    assert_eq!(of(&told_of(&classic)), of(&whole));
    // With the keys inside, none need be given.
    let inject = format!("tls,{}", keys.to_str().unwrap());
    let inside = editcap(&["--inject-secrets", &inject], "inside.pcapng").unwrap();
    assert_eq!(of(&explained(&inside, &[])), of(&whole));
    // Only the beginning of each packet.
    let short = editcap(&["-s", "80"], "short.pcapng").unwrap();
    let text = told(&short, &[]);
    assert!(text.contains("cut short when it was made"), "{text}");
    assert!(text.contains("were not captured"), "{text}");
    // Only the end of the connection.
    let late = editcap(&["-r"], "late.pcapng");
    assert!(late.is_some());
    let mut command = Command::new("editcap");
    let ran = command
        .arg("-r")
        .args([&capture, &house.path("work/late.pcapng")]);
    assert!(ran.arg("11-99").status().unwrap().success());
    let text = told(
        &house.path("work/late.pcapng"),
        &["--keys", keys.to_str().unwrap()],
    );
    assert!(
        text.contains("the handshake of this connection is not in the capture, or not whole"),
        "{text}"
    );
    // The file breaks off.
    let bytes = fs::read(&capture).unwrap();
    let cut = house.path("work/cut.pcapng");
    fs::write(&cut, &bytes[..bytes.len() * 2 / 3]).unwrap();
    assert_eq!(told_of(&cut)["cut"], true);
    // Nothing that is no capture is taken for one.
    fs::write(&cut, "hello").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealpost"));
    let refused = Ran::of(command.args(["capture", "explain"]).arg(&cut));
    assert!(refused.failed(26).contains("editcap -F pcapng"));
}

#[test]
fn what_is_plain_is_said_to_be_plain() {
    let server = TestServer::start(&["--plain"]);
    let house = &server.house;
    let to = server.at();
    let args = [
        "-q",
        "capture",
        "--to",
        &to,
        "--out",
        "plain.pcapng",
        "--connections",
        "1",
    ];
    let mut tap = Program::start(&mut house.sealpost(&args));
    let at = tap.line_with("listening on ");
    let at = at.split(',').next().unwrap().to_owned();
    let ran = Ran::of(&mut server.client_at(&at, Via::Plain, "alice", &["ls"]));
    ran.ok();
    assert_eq!(wait(&mut tap.child, PATIENCE), Some(0));
    let capture = house.path("work/plain.pcapng");
    let text = told(&capture, &[]);
    assert!(text.contains("plain TCP, no TLS"), "{text}");
    assert!(text.contains(r#""op":"login""#), "{text}");
    assert!(!text.contains(crate::support::PASSWORD), "{text}");
    let json = explained(&capture, &[]);
    assert_eq!(json["connections"][0]["kind"], "plain");
}
