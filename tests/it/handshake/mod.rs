//! The handshake, annotated: what is told of a run is what `tshark` finds in its capture, a stranger is told
//! nothing of the inside, and captures that openssl made are opened as well as our own.

mod foreign;
mod openssl;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Ran, skipped};

/// The sealed runs.
const RUNS: [&str; 4] = ["tls13", "mtls13", "tls12", "mtls12"];

/// Four handshakes in a folder, made once.
fn made() -> &'static (TempDir, Value) {
    static MADE: OnceLock<(TempDir, Value)> = OnceLock::new();
    MADE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let args = ["lab", "handshake", "--out", "out", "--json"];
        let json = Ran::of(&mut sealpost(dir.path(), &args)).ok();
        (dir, serde_json::from_str(&json).unwrap())
    })
}

fn file(name: &str) -> PathBuf {
    made().0.path().join("out").join(name)
}

pub(crate) fn sealpost(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealpost"));
    let tmp = dir.join("tmp");
    fs::create_dir_all(&tmp).unwrap();
    command
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TMPDIR", tmp)
        .stdin(Stdio::null());
    command
}

/// `sealpost capture explain --json`.
#[track_caller]
pub(crate) fn explained(capture: &Path, args: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealpost"));
    command
        .args(["capture", "explain", "--json"])
        .arg(capture)
        .args(args);
    serde_json::from_str(&Ran::of(&mut command).ok()).unwrap()
}

#[track_caller]
pub(crate) fn told(capture: &Path, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealpost"));
    command
        .args(["capture", "explain"])
        .arg(capture)
        .args(args)
        .env("COLUMNS", "120");
    Ran::of(&mut command).ok()
}

/// What is said in the records of a connection: the frame, who, and what.
pub(crate) fn said(connection: &Value) -> Vec<(u64, &str, &Value)> {
    let mut all = Vec::new();
    for entry in connection["entries"].as_array().unwrap() {
        let (frame, by) = (
            entry["frame"].as_u64().unwrap(),
            entry["by"].as_str().unwrap(),
        );
        let content = entry["content"].as_array().into_iter().flatten();
        all.extend(content.map(|said| (frame, by, said)));
    }
    all
}

/// Handshake messages by frame, as `tshark` prints them.
pub(crate) fn handshakes(connection: &Value) -> Vec<(u64, Vec<u64>)> {
    let mut frames: Vec<(u64, Vec<u64>)> = Vec::new();
    for (frame, _, said) in said(connection) {
        let Some(number) = said["number"].as_u64() else {
            continue;
        };
        match frames.last_mut() {
            Some((last, numbers)) if *last == frame => numbers.push(number),
            _ => frames.push((frame, vec![number])),
        }
    }
    frames
}

/// The same from `tshark`; none when it is not installed.
pub(crate) fn tshark(capture: &Path, more: &[&str]) -> Option<Vec<(u64, Vec<u64>)>> {
    let ran = Command::new("tshark")
        .arg("-r")
        .arg(capture)
        .args(more)
        .args(["-Y", "tls.handshake.type", "-T", "fields"])
        .args(["-e", "frame.number", "-e", "tls.handshake.type"])
        .output();
    let Ok(ran) = ran else {
        skipped("the comparison with tshark: it is not installed");
        return None;
    };
    let text = String::from_utf8(ran.stdout).unwrap();
    let row = |line: &str| {
        let (frame, numbers) = line.split_once('\t').unwrap();
        let numbers = numbers.split(',').map(|number| number.parse().unwrap());
        (frame.parse().unwrap(), numbers.collect())
    };
    Some(text.lines().map(row).collect())
}

/// All that a check found, as words.
pub(crate) fn steps<'a>(connection: &'a Value, of: &str) -> Vec<(&'a str, &'a str)> {
    let entries = connection["entries"].as_array().unwrap().iter();
    let mut checks = entries.filter(|entry| entry["what"] == "checks" && entry["of"] == of);
    let Some(checks) = checks.next() else {
        return Vec::new();
    };
    let steps = checks["steps"].as_array().unwrap().iter();
    let word = |value: &'a Value| value.as_str().unwrap();
    steps
        .map(|step| (word(&step["check"]), word(&step["outcome"])))
        .chain([("private key", word(&checks["possession"]["outcome"]))])
        .collect()
}

#[test]
fn message_types_and_frames_are_those_tshark_finds_with_the_keys_and_without() {
    for run in RUNS {
        for name in [format!("{run}.with-keys.pcapng"), format!("{run}.pcapng")] {
            let capture = file(&name);
            let ours = handshakes(&explained(&capture, &[])["connections"][0]);
            let Some(theirs) = tshark(&capture, &[]) else {
                return;
            };
            assert!(!theirs.is_empty());
            assert_eq!(ours, theirs, "{name}");
        }
    }
}

#[test]
fn each_version_has_its_messages_one_way_and_mutual() {
    let expected: [(&str, &[&[u64]]); 4] = [
        ("tls13", &[&[1], &[2], &[8, 11, 15, 20], &[20]]),
        ("mtls13", &[&[1], &[2], &[8, 13, 11, 15, 20], &[11, 15, 20]]),
        ("tls12", &[&[1], &[2, 11, 12, 14], &[16, 20], &[20]]),
        (
            "mtls12",
            &[&[1], &[2, 11, 12, 13, 14], &[11, 16, 15, 20], &[20]],
        ),
    ];
    let told = made().1["handshakes"].as_array().unwrap();
    assert_eq!(told.len(), expected.len());
    for ((run, expected), told) in expected.into_iter().zip(told) {
        assert_eq!(told["run"], run);
        let timeline = &told["timeline"];
        let numbers: Vec<_> = handshakes(timeline).into_iter().map(|(_, n)| n).collect();
        assert_eq!(numbers, expected, "{run}");
        assert_eq!(timeline["opened"]["verdict"], "all");
        let trips = if run.ends_with("13") { 1 } else { 2 };
        assert_eq!(timeline["cost"]["round_trips"], trips, "{run}");
        // Both Finished and every signature were computed again.
        let all = said(timeline);
        let proofs = all.iter().filter(|(_, _, said)| {
            let of = said["message"].as_str().unwrap_or_default();
            ["finished", "certificate_verify", "server_key_exchange"].contains(&of)
        });
        let proofs: Vec<_> = proofs.map(|(_, _, said)| &said["proved"]).collect();
        let mutual = usize::from(run.starts_with('m'));
        assert_eq!(proofs, vec![true; 3 + mutual], "{run}");
    }
}

#[test]
fn the_certificates_are_checked_in_the_order_of_the_lesson() {
    let order = [
        "issuer",
        "signature",
        "digest",
        "form",
        "dates",
        "host",
        "purpose",
        "revocation",
        "private key",
    ];
    for told in made().1["handshakes"].as_array().unwrap() {
        let timeline = &told["timeline"];
        let server = steps(timeline, "server");
        assert!(server.iter().map(|(check, _)| *check).eq(order));
        assert!(server.iter().all(|(_, outcome)| *outcome == "passed"));
        let client = steps(timeline, "client");
        assert_eq!(
            !client.is_empty(),
            told["run"].as_str().unwrap().starts_with('m')
        );
        for (check, outcome) in client {
            let expected = if check == "host" { "skipped" } else { "passed" };
            assert_eq!(outcome, expected, "{check}");
        }
    }
}

#[test]
fn a_stranger_is_told_nothing_of_the_inside() {
    let user = made().1["handshakes"][1]["timeline"]["entries"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["what"] == "checks" && entry["of"] == "client")
        .map(|entry| entry["steps"][0]["says"].as_str().unwrap().to_owned())
        .unwrap();
    let user = user.split("CN=").nth(1).unwrap().split(' ').next().unwrap();
    assert!(user.starts_with("student-"), "{user}");
    let opened = told(&file("mtls13.with-keys.pcapng"), &[]);
    let closed = told(&file("mtls13.pcapng"), &[]);
    for hidden in [
        user,
        "EncryptedExtensions (8)",
        "CertificateVerify (15)",
        "\"op\":\"login\"",
        "sealpost/0",
        "Alert",
    ] {
        assert!(opened.contains(hidden), "{hidden}");
        assert!(!closed.contains(hidden), "{hidden}");
    }
    let json = explained(&file("mtls13.pcapng"), &[]);
    assert_eq!(json["connections"][0]["opened"]["verdict"], "no_secrets");
    assert!(closed.contains("this is all that a stranger sees"));
    // TLS 1.2 shows the certificates to anybody, but no more.
    let closed = told(&file("mtls12.pcapng"), &[]);
    assert!(closed.contains("student-") && !closed.contains("\"op\""));
    // The password is nowhere, not even in what was opened.
    assert!(opened.contains(r#""password":"…""#) && !opened.contains("Postcard-"));
}

#[test]
fn keys_may_come_in_a_file_and_wrong_ones_are_called_wrong_in_both_languages() {
    let capture = file("tls13.pcapng");
    let keys = file("tls13.keys");
    let verdict = |keys: &Path| {
        let told = explained(&capture, &["--keys", keys.to_str().unwrap()]);
        told["connections"][0]["opened"]["verdict"].clone()
    };
    assert_eq!(verdict(&keys), "all");
    assert_eq!(verdict(&file("mtls13.keys")), "of_others");
    let dir = tempfile::tempdir().unwrap();
    let wrong = dir.path().join("wrong.keys");
    let text = fs::read_to_string(&keys).unwrap();
    let flipped = text.lines().map(|line| {
        let (rest, last) = line.split_at(line.len() - 1);
        let other = if last == "0" { "1" } else { "0" };
        format!("{rest}{other}\n")
    });
    fs::write(&wrong, flipped.collect::<String>()).unwrap();
    assert_eq!(verdict(&wrong), "wrong");
    for (lang, words) in [("en", "they are wrong"), ("zh", "密钥是错的")] {
        let args = ["--keys", wrong.to_str().unwrap(), "--lang", lang];
        let text = told(&capture, &args);
        assert!(text.contains(words), "{text}");
    }
    fs::write(&wrong, "not a key log\n").unwrap();
    let refused = Ran::of(
        Command::new(env!("CARGO_BIN_EXE_sealpost"))
            .args(["capture", "explain"])
            .args([&capture, Path::new("--keys"), &wrong]),
    );
    assert!(refused.failed(26).contains("no secret"));
}

#[test]
fn certificates_are_judged_by_the_ca_that_is_given_or_not_at_all() {
    let capture = file("tls13.with-keys.pcapng");
    let of = |args: &[&str]| {
        let told = explained(&capture, args);
        let connection = &told["connections"][0];
        let steps = steps(connection, "server");
        let find = |wanted| steps.iter().find(|(check, _)| *check == wanted).unwrap().1;
        [
            find("issuer").to_owned(),
            find("dates").to_owned(),
            find("private key").to_owned(),
        ]
    };
    assert_eq!(of(&[]), ["skipped", "passed", "passed"]);
    let dir = tempfile::tempdir().unwrap();
    let init = ["pki", "init", "--name", "Another CA"];
    Ran::of(&mut sealpost(dir.path(), &init)).ok();
    let other = dir.path().join("certs/ca.crt");
    let other = other.to_str().unwrap();
    assert_eq!(of(&["--cacert", other]), ["failed", "passed", "passed"]);
    let text = told(&capture, &[]);
    assert!(text.contains("cannot be judged without the CA"), "{text}");
}

#[test]
fn the_terminal_shows_one_in_full_or_all_and_always_the_four_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let args = [&["lab", "handshake"], args].concat();
        Ran::of(sealpost(dir.path(), &args).env("COLUMNS", "150")).ok()
    };
    let full = |text: &str| text.matches("connection 1: ").count();
    let mutual = run(&[]);
    assert_eq!(full(&mutual), 1);
    assert!(mutual.contains("TLS 1.3, mutual;"), "{mutual}");
    for heading in [
        "TLS 1.3, one-way",
        "TLS 1.3, mutual",
        "TLS 1.2, one-way",
        "TLS 1.2, mutual",
        "round trips",
    ] {
        assert!(mutual.contains(heading), "{heading}");
    }
    let one_way = run(&["--tls", "1.2", "--one-way", "--lang", "zh"]);
    assert!(one_way.contains("TLS 1.2，单向认证；"), "{one_way}");
    assert!(one_way.contains("并排比较"), "{one_way}");
    assert_eq!(full(&run(&["--all"])), 4);
    // Nothing is left where it ran.
    assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn its_notes_are_in_the_language_of_the_reader_too() {
    let dir = tempfile::tempdir().unwrap();
    for (lang, next, other) in [
        ("en", "next: open out/report.html", "下一步"),
        ("zh", "下一步：打开 out/report.html", "next"),
    ] {
        let args = ["lab", "handshake", "--out", "out", "--lang", lang];
        let ran = Ran::of(&mut sealpost(dir.path(), &args));
        assert!(ran.err.contains(next), "{}", ran.err);
        assert!(!ran.err.contains(other), "{}", ran.err);
    }
}

#[test]
fn the_report_has_the_timelines_in_both_languages_and_its_json_too() {
    let html = fs::read_to_string(file("report.html")).unwrap();
    for words in [
        "The handshake, annotated",
        "握手过程注解",
        "client_handshake_traffic_secret",
        "the client checks the server&#39;s certificate",
        "客户端检查服务器证书",
    ] {
        let plain = words.replace("&#39;", "'");
        assert!(html.contains(words) || html.contains(&plain), "{words}");
    }
    assert_eq!(html.matches("<details class=\"hs\" open").count(), 1);
    // What is left out on paper: the transfer behind the handshake, and never the handshake itself.
    for entry in html.split("<div class=\"hs-entry").skip(1) {
        let (classes, rest) = entry.split_once('"').unwrap();
        // What follows the last entry is another part of the page.
        let ends = ["<h2", "<table", "<details class=\"hs\""];
        let ends = ends.iter().filter_map(|end| rest.find(end));
        let rest = &rest[..ends.min().unwrap_or(rest.len())];
        let is_handshake = rest.contains("CertificateVerify") || rest.contains("ServerHello");
        assert!(!(classes.contains("hs-data") && is_handshake), "{entry}");
    }
    assert!(html.contains("hs-data"));
    let json: Value = serde_json::from_slice(&fs::read(file("report.json")).unwrap()).unwrap();
    for run in json["runs"].as_array().unwrap() {
        assert_eq!(run["timeline"]["opened"]["verdict"], "all");
    }
}
