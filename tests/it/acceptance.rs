//! What the lab's captures must stand up to, row by row, asked by `tshark`, `capinfos` and `editcap`.
//!
//! | row | promise | where |
//! |---|---|---|
//! | A1, A26 | a whole pcapng that says where it comes from, with comments on its packets | [`says_where_it_comes_from`] |
//! | A2 | no malformed packet, wrong checksum, or trace of loss in the tap's files | [`is_well_formed`] |
//! | A3, A10 to A13 | the password: in plain, behind the keys, nowhere else | [`shows_the_password_where_it_may`] |
//! | A4, A16 | the file comes out of the plain capture, and out of a sealed one with its keys | [`gives_the_file_back`] |
//! | A5, A17, A18 | every claim of README.txt is proved by its command | [`proves_every_claim`] |
//! | A6, A7, A9 | who sees which message and which name of a certificate | [`shows_certificates_where_they_may_be`] |
//! | A8, A15 | the keys are counted, and can be taken out again | [`lets_go_of_its_keys`] |
//! | A14 | nothing makes the dissector fail | `dissector` |
//! | A19 | tap and kernel hold the same bytes | below |
//! | A20 | nobody without a privilege gets less | below |
//! | A21 | one bit altered on the way | `tamper` |
//! | A22, A23 | nothing outward and nothing unescaped in report.html | `compare` |
//! | A24 | keys and captures are their owner's; a server writes none unless told to | `compare`, `tls` |
//! | A25 | Wireshark is not needed | below |

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::compared::{Compared, names, sealpost, tshark};
use crate::support::{Ran, set_mode, skipped};

/// Filters and fields of the tap's dissector.
const LUA: &str = "tshark -X lua_script:sealpost.lua";

/// A1, A26.
fn says_where_it_comes_from(compared: &Compared) {
    for capture in captures(compared) {
        let about = compared.shell(&format!("capinfos {capture}"));
        let whole = [
            "pcapng",
            "Strict time order:   True",
            "Capture comment:     sealpost lab compare, run ",
        ];
        for said in whole {
            assert!(about.contains(said), "{capture}: {said}: {about}");
        }
        // Where client and server have addresses of their own, these have names.
        let named = about.contains("Number of resolved IPv4 addresses in file: 2");
        assert_eq!(named, cfg!(target_os = "linux"), "{capture}: {about}");
        let comments = compared.shell(&format!(
            "tshark -r {capture} -Y frame.comment -T fields -e frame.number -e frame.comment"
        ));
        let (word, more) = match capture.contains("kernel") {
            true => ("captured by the kernel", 1),
            false => ("reconstructed", 5),
        };
        assert!(comments.to_lowercase().contains(word), "{comments}");
        assert!(comments.lines().count() >= more, "{comments}");
    }
}

/// A2. The kernel's own checksums are wrong by nature.
fn is_well_formed(compared: &Compared) {
    for capture in captures(compared) {
        let fault = match capture.contains("kernel") {
            true => "_ws.malformed",
            false => {
                "_ws.malformed || tcp.analysis.flags || tcp.checksum.status!=1 || ip.checksum.status!=1"
            }
        };
        let faults = compared.shell(&format!(
            "tshark -r {capture} -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -Y '{fault}'"
        ));
        assert_eq!(faults, "", "{capture}");
    }
}

/// A3, A10, A11, A12, A13.
fn shows_the_password_where_it_may(compared: &Compared) {
    let (user, password) = (compared.text("user"), compared.text("password"));
    for capture in captures(compared) {
        let count = |tool: &str, filter: &str| {
            let found = compared.shell(&format!("{tool} -r {capture} -Y '{filter}' | wc -l"));
            found.parse::<u64>().unwrap()
        };
        let plain = capture.starts_with("plain");
        let open = plain || capture.contains("with-keys");
        let in_the_clear = count("tshark", &format!("tcp contains \"{password}\""));
        assert_eq!(in_the_clear > 0, plain, "{capture}");
        assert_eq!(count(LUA, "sealpost") > 0, open, "{capture}");
        let warnings = count(LUA, "sealpost.cleartext_password");
        assert_eq!(warnings, u64::from(plain), "{capture}");
        let login = compared.shell(&format!(
            "{LUA} -r {capture} -Y sealpost.password -T fields -e sealpost.user \
             -e sealpost.password -e frame.protocols"
        ));
        let (end, said) = match open {
            true => (":sealpost", format!("{user}\t{password}\t")),
            false => ("", String::new()),
        };
        assert!(login.starts_with(&said) && login.ends_with(end), "{login}");
        assert_eq!(login.lines().count(), usize::from(open), "{capture}");
        assert_eq!(login.contains(":tcp:tls:sealpost"), open && !plain);
    }
}

/// A4, A16: a stranger rebuilds the file, from the bytes behind the frames before it.
fn gives_the_file_back(compared: &Compared) {
    let file = &compared.report["file"];
    let begins = &compared.run("plain")["file_begins"]["offset"];
    let (skipped, bytes) = (begins.as_u64().unwrap() + 1, &file["bytes"]);
    for capture in captures(compared) {
        let (protocol, open) = match (capture.starts_with("plain"), capture.contains("with-keys")) {
            (true, _) => ("tcp", true),
            (_, true) => ("tls", true),
            (..) => ("tcp", false),
        };
        // Whose lines are indented depends on whom tshark took for the client.
        let digests = ["^[0-9a-f]+$", "^\\t[0-9a-f]+$"].map(|lines| {
            compared.shell(&format!(
                "tshark -r {capture} -q -z follow,{protocol},raw,0 | grep -P '{lines}' | tr -d '\\t\\n' \
                 | xxd -r -p | tail -c +{skipped} | head -c {bytes} | sha256sum"
            ))
        });
        let whole = format!("{}  -", file["sha256"].as_str().unwrap());
        assert_eq!(digests.contains(&whole), open, "{capture}: {digests:?}");
    }
}

/// A5, A17, A18, and all others in README.txt.
fn proves_every_claim(compared: &Compared) {
    let readme = compared.read("README.txt");
    let claims = compared.report["claims"].as_array().unwrap();
    let mut proved = String::new();
    for claim in claims {
        let command = claim["command"].as_str().unwrap();
        assert!(readme.contains(command), "{command}");
        let output = compared.shell(command);
        assert_eq!(output, claim["output"].as_str().unwrap(), "{command}");
        proved += command;
    }
    for word in [
        "extensions_server_name",
        "tcp.len",
        "tls.record.length",
        "Cipher Suite",
        "extensions_alpn_str",
        "log(p)",
    ] {
        assert!(proved.contains(word), "nothing proves {word}");
    }
}

/// A6, A7, A9.
fn shows_certificates_where_they_may_be(compared: &Compared) {
    let message = |capture: &str, kind: u8| {
        let types = compared.shell(&format!(
            "tshark -r {capture} -Y tls.handshake -T fields -e tls.handshake.type | tr ',\\t' '\\n\\n'"
        ));
        types
            .lines()
            .filter(|line| *line == kind.to_string())
            .count()
    };
    let names = |capture: &str| {
        compared.shell(&format!(
            "tshark -r {capture} -Y tls.handshake.certificate -T fields -e x509sat.uTF8String"
        ))
    };
    for kind in kinds(compared).iter().filter(|kind| *kind != "plain") {
        let (hidden, open) = (format!("{kind}.pcapng"), format!("{kind}.with-keys.pcapng"));
        let all = 1 + usize::from(kind.starts_with('m'));
        let shown = if kind.ends_with("12") { all } else { 0 };
        assert_eq!(
            [message(&hidden, 11), message(&open, 11)],
            [shown, all],
            "{kind}"
        );
        let (server, user) = (compared.text("server_name"), compared.text("user"));
        assert_eq!(names(&hidden).contains(server), shown > 0, "{kind}");
        assert_eq!(names(&hidden).contains(user), shown > 1, "{kind}");
        assert_eq!(names(&open).contains(user), all > 1, "{kind}");
        // Both Finished, and who asks for a certificate, are behind the keys in TLS 1.3.
        assert_eq!(message(&open, 20), 2, "{kind}");
        assert_eq!(message(&open, 13), all - 1, "{kind}");
        assert_eq!(message(&hidden, 13), shown.saturating_sub(1), "{kind}");
        assert_eq!([message(&hidden, 1), message(&hidden, 2)], [1, 1], "{kind}");
    }
}

/// A8, A15: the interface stands before the keys, or no tool could copy the file.
fn lets_go_of_its_keys(compared: &Compared) {
    for capture in captures(compared) {
        let about = compared.shell(&format!("capinfos {capture}"));
        let has_keys = capture.contains("with-keys");
        let counted = about.contains("Number of decryption secrets in file: 1");
        assert_eq!(counted, has_keys, "{capture}");
        if has_keys {
            let rest = compared.shell(&format!(
                "editcap --discard-all-secrets {capture} ../without.pcapng && \
                 {LUA} -r ../without.pcapng -Y sealpost | wc -l; rm ../without.pcapng"
            ));
            assert_eq!(rest, "0", "{capture}");
        }
    }
}

fn kinds(compared: &Compared) -> Vec<String> {
    let runs = compared.report["runs"].as_array().unwrap().iter();
    runs.map(|run| run["kind"].as_str().unwrap().to_owned())
        .collect()
}

fn captures(compared: &Compared) -> Vec<String> {
    let mut names = names(&compared.out());
    names.retain(|name| name.ends_with(".pcapng"));
    assert!(names.len() >= 3, "{names:?}");
    names
}

/// Whether all tools of the rows are there.
fn tools() -> bool {
    let there = |tool: &str| Command::new(tool).arg("-h").output().is_ok();
    let all = there("capinfos") && there("editcap");
    if !all {
        skipped("the acceptance of captures: capinfos or editcap is not installed");
    }
    all && tshark()
}

#[test]
fn every_row_holds_of_every_run() {
    if tools() {
        let compared = Compared::make(&["--all"]);
        says_where_it_comes_from(&compared);
        is_well_formed(&compared);
        shows_the_password_where_it_may(&compared);
        gives_the_file_back(&compared);
        proves_every_claim(&compared);
        shows_certificates_where_they_may_be(&compared);
        lets_go_of_its_keys(&compared);
    }
}

/// Whether this process may capture; says so when not.
fn may_capture() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    let may = effective.is_some_and(|bits| bits & (1 << 13) != 0); // CAP_NET_RAW
    if !may {
        skipped("the kernel's capture: no CAP_NET_RAW");
    }
    may
}

/// The digests of both directions, of the tap's capture and the kernel's.
fn digests(run: &Value) -> [[&str; 2]; 2] {
    ["tap_sha256", "kernel_sha256"]
        .map(|of| ["to_server", "to_client"].map(|way| run["kernel"][way][of].as_str().unwrap()))
}

#[test]
fn the_kernel_saw_the_very_bytes_the_tap_recorded() {
    if !may_capture() {
        return;
    }
    let compared = Compared::make(&["--source", "kernel"]);
    let mut all = Vec::new();
    for kind in ["plain", "mtls13"] {
        let run = compared.run(kind);
        assert_eq!(
            (&run["kernel"]["equal"], &run["kernel"]["dropped"]),
            (&true.into(), &0.into())
        );
        let [tap, kernel] = digests(run);
        assert_eq!(tap, kernel, "{kind}");
        assert_eq!(run["kernel"]["capture"], format!("{kind}.kernel.pcapng"));
        for line in tap {
            assert!(compared.read("README.txt").contains(line), "{line}");
            assert!(compared.read("report.html").contains(line), "{line}");
        }
        all.extend(tap);
    }
    // Equal because the bytes are, not because all digests are: the digest of nothing is none of them.
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 4);
    assert!(!all.iter().any(|digest| digest.starts_with("e3b0c442")));
    if tools() {
        says_where_it_comes_from(&compared);
        is_well_formed(&compared);
        shows_the_password_where_it_may(&compared);
        gives_the_file_back(&compared);
        proves_every_claim(&compared);
        // Whoever has the keys opens the kernel's packets as well.
        let opened = compared.shell(&format!(
            "{LUA} -o tls.keylog_file:mtls13.keys -r mtls13.kernel.pcapng -Y sealpost.password \
             -T fields -e sealpost.password"
        ));
        assert_eq!(opened, compared.text("password"));
    }
}

#[test]
fn the_proof_is_printed_where_the_kernel_may_capture_and_its_absence_where_not() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealpost"));
        command.args(["-q", "lab", "compare"]).args(args);
        Ran::of(command.current_dir(dir.path())).ok()
    };
    let out = run(&["--source", "tap"]);
    assert!(
        out.contains("not compared with a capture by the kernel"),
        "{out}"
    );
    assert!(!out.contains("tap == kernel"), "{out}");
    if may_capture() {
        let out = run(&[]);
        assert_eq!(out.matches("tap == kernel: sha256 ").count(), 4, "{out}");
        let names = names(&dir.path().join("sealpost-lab"));
        assert!(
            !names.iter().any(|name| name.contains("kernel")),
            "{names:?}"
        );
    }
}

/// The program as somebody without any privilege runs it, in a folder that is theirs.
fn unprivileged(dir: &std::path::Path, args: &[&str]) -> Command {
    let mut command = sealpost(dir, args);
    if rustix::process::geteuid().is_root() {
        set_mode(dir, 0o777);
        set_mode(&dir.join("tmp"), 0o777);
        // The program itself may stand where others cannot go.
        let program = dir.join("sealpost");
        // Copied by a process of its own: a test that starts another one just now would hold the copy open
        // for writing, and what is written to cannot be run.
        let copied = Command::new("cp")
            .args([env!("CARGO_BIN_EXE_sealpost").as_ref(), program.as_os_str()])
            .status();
        assert!(copied.unwrap().success());
        set_mode(&program, 0o755);
        let mut dropped = Command::new("setpriv");
        dropped
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&program)
            .args(command.get_args())
            .current_dir(dir)
            .env("TMPDIR", dir.join("tmp"));
        command = dropped;
    }
    command
}

#[test]
fn it_needs_no_privilege_and_everything_holds_without() {
    let dir = tempfile::tempdir().unwrap();
    let json = Ran::of(&mut unprivileged(dir.path(), &[])).ok();
    let compared = Compared::of(dir, &json);
    assert_eq!(kinds(&compared), ["plain", "mtls13"]);
    let why = compared.report["kernel_missing"]["en"].as_str().unwrap();
    assert!(why.contains("CAP_NET_RAW"), "{why}");
    assert_eq!(compared.run("plain")["kernel"], Value::Null);
    if tools() {
        says_where_it_comes_from(&compared);
        is_well_formed(&compared);
        shows_the_password_where_it_may(&compared);
        gives_the_file_back(&compared);
        shows_certificates_where_they_may_be(&compared);
        lets_go_of_its_keys(&compared);
    }
}

#[test]
fn the_kernel_is_refused_to_the_unprivileged_with_what_to_do_and_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let ran = Ran::of(&mut unprivileged(dir.path(), &["--source", "kernel"]));
    assert_eq!(ran.code, 1, "{}", ran.out);
    for word in ["CAP_NET_RAW", "setcap", "--source tap", "权限"] {
        assert!(ran.out.contains(word), "{word}: {}", ran.out);
    }
    assert!(!dir.path().join("sealpost-lab").exists());
}

#[test]
fn wireshark_is_not_needed() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = sealpost(dir.path(), &["--source", "tap"]);
    Ran::of(command.env("PATH", dir.path())).ok();
    let without = names(&dir.path().join("sealpost-lab"));
    let with = Compared::make(&["--source", "tap"]);
    assert_eq!(without, names(&with.out()));
}
