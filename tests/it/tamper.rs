//! One bit altered on the way of `lab compare`: who notices, and that the lab says so everywhere.

use serde_json::Value;

use crate::compared::Compared;
use crate::support::noise;

/// Bytes the client sends before the file: hello, login and the announcement, but without the listing that
/// only the captured run has.
fn plain_file_begins(compared: &Compared) -> u64 {
    let turns = compared.run("plain")["turns"].as_array().unwrap().clone();
    let says = |turn: &Value, what: &str| turn["says"][0]["what"] == what;
    let wanted = ["hello", "login", "put"].into_iter();
    let bytes = wanted.map(|what| {
        let turn = turns.iter().find(|turn| says(turn, what));
        turn.unwrap()["bytes"].as_u64().unwrap()
    });
    bytes.sum()
}

fn words(tampered: &Value) -> String {
    format!("{} {}", tampered["client_said"], tampered["server_said"])
}

#[test]
fn tls_ends_at_the_altered_record_and_plain_has_only_the_digest() {
    let compared = Compared::make(&["--all", "--tamper", "--source", "tap"]);
    // Where a long word may be broken is no part of it.
    let html = compared.read("report.html").replace("<wbr>", "");
    let readme = compared.read("README.txt");
    for run in compared.report["runs"].as_array().unwrap() {
        let tampered = &run["tampered"];
        let plain = run["kind"] == "plain";
        let noticed = if plain { "digest" } else { "record_mac" };
        assert_eq!(
            (&tampered["noticed"], &tampered["stored"]),
            (&noticed.into(), &false.into())
        );
        assert_eq!(tampered["client_exit"], if plain { 18 } else { 35 });
        assert_eq!(
            words(tampered).contains("bad_record_mac"),
            !plain,
            "{tampered}"
        );
        // Exactly one bit, where nobody but the attacker put it.
        let [before, after] = [0, 1].map(|at| tampered["byte"][at].as_u64().unwrap());
        assert_eq!((before ^ after).count_ones(), 1);
        assert!(tampered["offset"].as_u64().unwrap() > 200);
        // The captured run beside it is untouched.
        assert_eq!(run["digests_agree"], true);
        assert!(html.contains(tampered["client_said"].as_str().unwrap()));
    }
    for said in [
        "有一条记录无法解密",
        "bad_record_mac, nothing stored",
        "未存储任何内容",
        "sealpost lab mitm",
    ] {
        assert!(html.contains(said), "{said}");
    }
    for said in ["digest differs, nothing stored", "sealpost lab mitm"] {
        assert!(readme.contains(said), "{said}");
    }
}

#[test]
fn without_being_asked_nothing_is_altered_and_nothing_said_of_it() {
    let compared = Compared::make(&["--source", "tap"]);
    assert_eq!(compared.run("mtls13")["tampered"], Value::Null);
    for name in ["README.txt", "report.html"] {
        assert!(!compared.read(name).contains("bad_record_mac"), "{name}");
    }
}

#[test]
fn small_and_empty_files_are_not_altered_unnoticed_either() {
    for bytes in [0, 1, 30, 100_000] {
        let compared = Compared::of_file("small.bin", &noise(bytes, 3), &["--tamper"]);
        for kind in ["plain", "mtls13"] {
            let tampered = &compared.run(kind)["tampered"];
            assert_eq!(tampered["stored"], false, "{bytes} {kind}: {tampered}");
            assert_ne!(tampered["client_exit"], 0, "{bytes} {kind}: {tampered}");
        }
        assert_eq!(compared.run("mtls13")["tampered"]["noticed"], "record_mac");
        let tampered = &compared.run("plain")["tampered"];
        if bytes > 0 {
            // The byte of the file that is told, where the file stands in the stream.
            let begins = plain_file_begins(&compared);
            let at = tampered["offset"].as_u64().unwrap() - begins;
            let sent = noise(bytes, 3)[usize::try_from(at).unwrap()];
            assert_eq!(tampered["byte"][0], sent, "{bytes}: {tampered}");
            assert_eq!(tampered["byte"][1], sent ^ 1, "{bytes}: {tampered}");
        }
        // Where there is a byte of the file, it is the file's that is altered; else the digest's frame.
        let noticed = if bytes > 0 { "digest" } else { "other" };
        assert_eq!(compared.run("plain")["tampered"]["noticed"], noticed);
    }
}

#[test]
fn the_alert_reaches_a_client_that_has_much_more_to_say() {
    let compared = Compared::of_file("large.bin", &noise(20_000_000, 5), &["--tamper"]);
    let tampered = &compared.run("mtls13")["tampered"];
    let said = tampered["client_said"].as_str().unwrap();
    assert!(said.contains("bad_record_mac"), "{tampered}");
    assert_eq!(compared.run("plain")["tampered"]["noticed"], "digest");
}
