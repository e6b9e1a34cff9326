//! The experiments of the lab, by the real binary: each comes out as expected, and its control does not.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::support::skipped;

/// Runs an experiment with a temporary folder of its own, in which nothing may be left; its exit code and
/// what it found.
#[track_caller]
fn experiment(args: &[&str]) -> (i32, Value) {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sealpost"))
        .args(["lab", "--json"])
        .args(args)
        .env("TMPDIR", dir.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!errors.contains("panicked"), "{errors}");
    for line in errors.lines().filter(|line| line.contains("SKIPPED")) {
        skipped(line);
    }
    assert_eq!(left(dir.path()), Vec::<String>::new());
    let code = output.status.code().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    (code, serde_json::from_str(&out).unwrap())
}

fn left(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

/// The numbers of those that came out otherwise.
fn failed(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    let failed = list.filter(|one| one["proved"] == false);
    failed.map(|one| text(one, "id")).collect()
}

#[test]
fn the_man_in_the_middle_gets_plain_and_unverified_transfers_and_nothing_else() {
    let (code, finding) = experiment(&["mitm"]);
    let steps = finding["steps"].as_array().unwrap();
    assert_eq!((code, failed(&finding["steps"])), (0, vec![]));
    assert_eq!(steps.len(), 32);
    let step = |id: &str| steps.iter().find(|step| text(step, "id") == id).unwrap();
    // The attacker's gain is in the bytes, not in a sentence about them.
    for id in ["a1", "b1", "d2"] {
        let excerpt = step(id)["bytes_excerpt"].to_string();
        assert!(excerpt.contains("sesame-"), "{id}: {excerpt}");
    }
    for (id, exit) in [("c1", 60), ("c2", 60), ("c3", 60), ("c4", 90)] {
        assert_eq!(step(id)["client_exit"], exit, "{id}");
        assert!(!step(id).to_string().contains("sesame-"), "{id}");
    }
    for step in steps.iter().filter(|step| text(step, "id") > "c") {
        assert_ne!(step["client_exit"], 0, "{step}");
        assert!(!step.to_string().contains("all well"), "{step}");
    }
    let pair = step("e1")["bytes_excerpt"].as_array().unwrap();
    assert_ne!(text(&pair[0], "bytes"), text(&pair[1], "bytes"));
}

#[test]
fn a_client_that_verifies_nothing_is_deceived_by_every_certificate() {
    let (code, finding) = experiment(&["mitm", "--careless"]);
    assert_eq!(code, 1);
    assert_eq!(failed(&finding["steps"]), ["c1", "c2", "c3", "c4"]);
}

#[test]
fn an_attacker_who_only_relays_proves_no_step() {
    let (code, finding) = experiment(&["mitm", "--idle"]);
    assert_eq!(code, 1);
    assert_eq!(failed(&finding["steps"]).len(), 32);
}

/// What the zoo came to, and the page it was written to.
struct Zoo {
    code: i32,
    finding: Value,
    page: String,
}

/// The zoo, made once for all tests: it takes seconds. Asked for in Chinese, as JSON.
fn zoo() -> &'static Zoo {
    static ZOO: OnceLock<Zoo> = OnceLock::new();
    ZOO.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("zoo");
        let args = [
            "--lang",
            "zh",
            "certificates",
            "--out",
            out.to_str().unwrap(),
        ];
        let (code, finding) = experiment(&args);
        let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
        let written: Value = serde_json::from_str(&read("certificates.json")).unwrap();
        assert_eq!(written, finding);
        Zoo {
            code,
            finding,
            page: read("certificates.html"),
        }
    })
}

#[test]
fn every_bad_certificate_is_refused_in_its_own_words_and_the_good_ones_by_nobody() {
    let Zoo { code, finding, .. } = zoo();
    assert_eq!((*code, failed(&finding["animals"])), (0, vec![]));
    let animals = finding["animals"].as_array().unwrap();
    let bad = animals
        .iter()
        .filter(|one| text(one, "expected") == "refuse");
    assert!(bad.count() >= 26, "{}", animals.len());
    for side in ["server", "client"] {
        let shown = animals.iter().filter(|one| text(one, "shown_by") == side);
        // What is wrong in TLS 1.2 is wrong for the same cause.
        let shown = shown.filter(|one| !text(one, "name").starts_with("TLS 1.2"));
        let mut said: Vec<&str> = shown
            .filter(|one| text(one, "expected") == "refuse")
            .map(|one| text(&one["verdicts"][0], "said"))
            .collect();
        let all = said.len();
        said.sort_unstable();
        said.dedup();
        assert_eq!(said.len(), all, "two causes told alike: {said:#?}");
    }
}

#[test]
fn a_program_refuses_an_own_certificate_that_no_peer_would_take_before_it_connects() {
    let finding = &zoo().finding;
    let animals = finding["animals"].as_array().unwrap();
    let own = animals
        .iter()
        .filter(|one| text(one, "shown_by") == "owner");
    let mut causes = Vec::new();
    for one in own {
        let good = text(one, "expected") == "accept";
        let verdicts = one["verdicts"].as_array().unwrap();
        let sealposts = verdicts
            .iter()
            .filter(|verdict| text(verdict, "tool").starts_with("sealpost"));
        let exits: Vec<_> = sealposts.map(|verdict| verdict["exit"].clone()).collect();
        assert_eq!(exits, if good { [0, 0] } else { [58, 58] }, "{one}");
        causes.push(text(one, "name"));
    }
    assert_eq!(causes, ["good", "with the key of another", "X.509 v1"]);
}

#[test]
fn what_is_a_matter_of_time_is_judged_by_a_clock_put_forward() {
    let finding = &zoo().finding;
    let animals = finding["animals"].as_array().unwrap();
    for side in ["server", "client"] {
        let verdict = |name: &str| {
            let mut all = animals.iter();
            let one = all.find(|one| text(one, "shown_by") == side && text(one, "name") == name);
            one.unwrap()["verdicts"][0].clone()
        };
        assert_eq!(verdict("expires tomorrow")["accepted"], true);
        let later = verdict("expires tomorrow, judged in two days");
        assert_eq!(later["accepted"], false);
        assert!(text(&later, "said").contains("expired at"), "{later}");
        let list = verdict("revocation list a day past its next update");
        assert!(text(&list, "said").contains("out of date"), "{list}");
    }
}

#[test]
fn the_zoo_is_a_page_of_its_own_and_a_section_of_the_comparison() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_sealpost"))
            .args(args)
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    run(&["lab", "compare", "--zoo", "--out", "all"]);
    run(&["lab", "compare", "--out", "none"]);
    let json = |name: &str| serde_json::from_str::<Value>(&read(name)).unwrap();
    let within = json("all/report.json");
    assert_eq!(json("none/report.json")["zoo"], Value::Null);
    for (finding, page) in [
        (&zoo().finding, &zoo().page),
        (&within["zoo"], &read("all/report.html")),
    ] {
        for animal in finding["animals"].as_array().unwrap() {
            for word in [text(animal, "id"), text(animal, "name")] {
                assert!(page.contains(word), "{word}");
            }
        }
        for word in ["已过期", "由服务器出示", "sealpost serve", "expired at"] {
            assert!(page.contains(word), "{word}");
        }
        assert!(!page.contains("<script") && !page.contains("href"));
    }
    assert!(!read("none/report.html").contains("由服务器出示"));
}

#[test]
fn people_read_their_language_and_programs_read_english() {
    for (command, chinese, english) in [
        ("mitm", "符合预期", "came out as expected"),
        ("revocation", "已打开的会话", "open session"),
        ("resumption", "上行字节", "bytes up"),
        ("resumption", "次连接的中位数", "the median of"),
    ] {
        let said = |args: &[&str]| {
            let output = Command::new(env!("CARGO_BIN_EXE_sealpost"))
                .args(args)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        let zh = said(&["--lang", "zh", "lab", command]);
        assert!(zh.contains(chinese), "{zh}");
        assert!(!zh.contains(english), "{zh}");
        let en = said(&["--lang", "en", "lab", command]);
        assert!(en.contains(english) && !en.contains(is_chinese), "{en}");
        let json = said(&["--lang", "zh", "--json", "lab", command]);
        assert!(
            json.starts_with('{') && !json.contains(is_chinese),
            "{json}"
        );
    }
    let json = zoo().finding.to_string();
    assert!(!json.contains(is_chinese), "{json}");
}

fn is_chinese(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

#[test]
fn without_verification_bad_certificates_get_in() {
    let (code, finding) = experiment(&["certificates", "--careless"]);
    assert_eq!(code, 1);
    let failed = failed(&finding["animals"]);
    assert!(
        failed.contains(&"s3") && failed.contains(&"c3"),
        "{failed:?}"
    );
    assert!(failed.len() > 20, "{failed:?}");
}

/// Session, handshake and ticket of the revoked certificate, in each run.
fn open(finding: &Value) -> Vec<[bool; 3]> {
    let runs = finding["runs"].as_array().unwrap().iter();
    let keys = ["session_lives", "handshake_accepted", "ticket_accepted"];
    runs.map(|run| keys.map(|key| run["fared"][key].as_bool().unwrap()))
        .collect()
}

#[test]
fn a_revoked_certificate_is_shut_out_at_every_door_in_both_versions() {
    let (code, finding) = experiment(&["revocation"]);
    assert_eq!((code, open(&finding)), (0, vec![[false; 3]; 2]));
    assert_eq!(finding["safe"], true);
    for run in finding["runs"].as_array().unwrap() {
        assert_eq!(run["fared"]["other_lives"], true);
        let audit = run["audit"].to_string();
        let (cut, refused) = (audit.find("session_cut"), audit.find("handshake_failed"));
        assert!(cut.is_some() && cut < refused, "{audit}");
        let events = run["events"].as_array().unwrap();
        let times = events.iter().map(|event| event["at_ms"].as_f64().unwrap());
        assert!(times.is_sorted(), "{events:?}");
        let resumed = events
            .iter()
            .any(|event| text(event, "said").contains("resumed"));
        assert!(resumed, "the old ticket was one: {events:?}");
    }
}

#[test]
fn each_part_of_a_revocation_that_is_forgotten_leaves_its_own_door_open() {
    for (part, left_open) in [
        ("crl", [true, true, true]),
        ("reload", [true, true, true]),
        ("sessions", [true, false, false]),
        ("tickets", [false, false, true]),
    ] {
        let (code, finding) = experiment(&["revocation", "--forget", part]);
        assert_eq!((code, open(&finding)), (0, vec![left_open; 2]), "{part}");
        assert_eq!(finding["safe"], false, "{part}");
    }
}

#[test]
fn resuming_takes_fewer_bytes_and_is_seen_not_to_happen_when_it_is_off() {
    let (code, finding) = experiment(&["resumption"]);
    assert_eq!(code, 0, "{finding}");
    for version in finding["versions"].as_array().unwrap() {
        let bytes = |kind: &str| {
            let of = |key: &str| version[kind][key].as_u64().unwrap();
            of("bytes_up") + of("bytes_down")
        };
        assert!(bytes("resumed") > 0 && bytes("resumed") < bytes("full"));
    }
    let (code, finding) = experiment(&["resumption", "--off"]);
    assert_eq!(code, 1);
    assert_eq!(finding["versions"][0]["resumed"]["kinds"][0], "full");
}
