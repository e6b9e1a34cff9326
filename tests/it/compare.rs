//! The lab's comparison: what it says it found is there, what it says is hidden is not, and its folder holds
//! what it should. What other tools make of its captures is in `acceptance`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::compared::{Compared, names, sealpost, shell, tshark};
use crate::support::{Ran, set_mode};

#[test]
fn plain_shows_everything_and_mutual_tls_neither_secret_nor_file() {
    let compared = Compared::make(&[]);
    let blocks = compared.report["file"]["blocks"].as_u64().unwrap();
    for label in ["user", "password", "file name"] {
        assert!(compared.found("plain", label).is_some(), "{label}");
        assert_eq!(compared.found("mtls13", label), None, "{label}");
    }
    assert_eq!(compared.blocks("plain"), [blocks; 2]);
    assert_eq!(compared.blocks("mtls13"), [0; 2]);
    // What TLS does not hide is said too.
    let tls = &compared.run("mtls13")["connection"]["tls"];
    assert_eq!(tls["server_name"], compared.report["server_name"]);
    assert_eq!(tls["alpn_offered"][0], "sealpost/1");
    let size = &compared.run("mtls13")["size"];
    assert_eq!(size["estimate"], compared.report["file"]["bytes"]);
    for kind in ["plain", "mtls13"] {
        assert_eq!(compared.run(kind)["digests_agree"], true);
    }
    // The secrets are of this run: another one has others.
    let other = Compared::make(&[]);
    for key in ["user", "password", "server_name"] {
        assert_ne!(compared.text(key), other.text(key));
    }
}

#[test]
fn told_live_the_plain_run_shows_the_password_and_mutual_tls_does_not() {
    let dir = tempfile::tempdir().unwrap();
    for (lang, way) in [("en", "→ server"), ("zh", "→ 服务器")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealpost"));
        command
            .args(["--lang", lang, "lab", "compare", "--live"])
            .current_dir(dir.path())
            .env("COLUMNS", "100");
        let out = Ran::of(&mut command).ok();
        let report = fs::read_to_string(dir.path().join("sealpost-lab/report.json")).unwrap();
        let report: Value = serde_json::from_str(&report).unwrap();
        let password = report["password"].as_str().unwrap();
        // A turn may go over several lines, broken anywhere.
        let told = |kind: &str| {
            let begins = format!("{kind} ");
            let mut lines = out.lines().skip_while(|line| !line.starts_with(&begins));
            let first = lines.next().unwrap_or_default();
            let rest = lines.take_while(|line| line.starts_with(&begins) || line.starts_with(' '));
            let texts = std::iter::once(first).chain(rest).map(str::trim);
            texts.collect::<String>()
        };
        let [plain, sealed] = ["plain", "mtls13"].map(told);
        assert!(plain.contains(way) && plain.contains(password), "{out}");
        assert!(sealed.contains(way) && !sealed.contains(password), "{out}");
    }
    let refused = Ran::of(&mut sealpost(dir.path(), &["--live"]));
    assert_eq!(refused.code, 2, "{}", refused.out);
}

#[test]
fn only_tls_1_2_shows_certificates() {
    let compared = Compared::make(&["--all"]);
    let certificates = |kind: &str| {
        let tls = &compared.run(kind)["connection"]["tls"];
        ["server_certificates", "client_certificates"].map(|chain| tls[chain].to_string())
    };
    for kind in ["tls13", "mtls13"] {
        assert_eq!(certificates(kind), ["[]", "[]"], "{kind}");
    }
    assert_eq!(certificates("tls12")[1], "[]");
    let [server, client] = certificates("mtls12");
    assert!(server.contains(compared.text("server_name")), "{server}");
    assert!(client.contains(compared.text("user")), "{client}");
    // In TLS 1.2 the certificate gives the user away, and nothing else.
    assert!(compared.found("mtls12", "user").is_some());
    assert_eq!(compared.found("mtls12", "password"), None);
}

#[test]
fn a_capture_with_keys_opens_without_any_setup_and_the_login_is_where_it_was_said_to_be() {
    if !tshark() {
        return;
    }
    let compared = Compared::make(&["--all"]);
    for kind in ["tls13", "mtls13", "tls12", "mtls12"] {
        let filter = format!("data contains \"{}\"", compared.text("password"));
        let frames = |file: &str| {
            let command =
                format!("tshark -r {file}.pcapng -Y '{filter}' -T fields -e frame.number");
            shell(&compared.out(), &command)
        };
        let login = &compared.run(kind)["times"]["login_frame"];
        assert_eq!(frames(&format!("{kind}.with-keys")), login.to_string());
        assert_eq!(frames(kind), "");
    }
}

#[test]
fn what_was_never_sent_is_not_found() {
    let compared = Compared::make(&[]);
    let capture = compared.out().join("plain.pcapng");
    let read = Ran::of(Command::new(env!("CARGO_BIN_EXE_sealpost")).args([
        "capture",
        "read",
        "--json",
        capture.to_str().unwrap(),
        "--find",
        "absent=text:a-password-that-nobody-sent",
        "--find",
        &format!("present=text:{}", compared.text("password")),
    ]));
    let finding: Value = serde_json::from_str(&read.ok()).unwrap();
    let secrets = &finding["connections"][0]["secrets"];
    assert_eq!(secrets[0]["found"], Value::Null);
    assert_eq!(
        secrets[1]["found"]["frame"],
        compared.found("plain", "password").unwrap()
    );
}

#[test]
fn captures_and_keys_are_their_owners_alone_even_over_older_files_and_nothing_else_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("sealpost-lab");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("mtls13.keys"), "older").unwrap();
    set_mode(&out.join("mtls13.keys"), 0o644);
    let ran = Command::output(&mut sealpost(dir.path(), &[])).unwrap();
    assert!(ran.status.success());
    let keys = fs::read_to_string(out.join("mtls13.keys")).unwrap();
    assert!(!keys.contains("older") && keys.contains("CLIENT_HANDSHAKE_TRAFFIC_SECRET"));
    let mut names = Vec::new();
    for entry in fs::read_dir(&out).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        let ending = name.rsplit('.').next().unwrap();
        if ["pcapng", "keys"].contains(&ending) {
            assert_eq!(mode, 0o600, "{name}");
        }
        names.push(name);
    }
    names.sort();
    let expected = [
        "README.txt",
        "mtls13.keys",
        "mtls13.pcapng",
        "mtls13.with-keys.pcapng",
        "plain.pcapng",
        "report.html",
        "report.json",
        "sealpost.lua",
    ];
    assert_eq!(names, expected);
    assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn files_that_are_replaced_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let run = || {
        let mut command = sealpost(dir.path(), &["--out", "here"]);
        Ran::of(&mut command)
    };
    run().ok();
    let mut again = Command::new(env!("CARGO_BIN_EXE_sealpost"));
    again
        .args(["lab", "compare", "--out", "here"])
        .current_dir(dir.path());
    let again = Ran::of(&mut again);
    assert!(
        again.err.contains("replaced: plain.pcapng"),
        "{}",
        again.err
    );
    assert!(again.ok().contains("report.html"));
    fs::write(dir.path().join("file"), "").unwrap();
    let refused = Ran::of(&mut sealpost(dir.path(), &["--out", "file"]));
    assert_eq!(refused.code, 23, "{}", refused.out);
}

#[test]
fn a_file_name_cannot_write_into_the_report() {
    let dir = tempfile::tempdir().unwrap();
    let name = "<script>alert('x')<img src=x onerror=alert(1)>.txt";
    fs::write(dir.path().join(name), "<b>not bold</b> ".repeat(1_000)).unwrap();
    Ran::of(&mut sealpost(dir.path(), &[name])).ok();
    let html = fs::read_to_string(dir.path().join("sealpost-lab/report.html")).unwrap();
    for raw in [
        "<script",
        "<img",
        "<b>not",
        "src=\"http",
        "href=",
        "url(",
        "@import",
    ] {
        assert!(!html.contains(raw), "{raw}");
    }
    assert!(html.contains("&lt;script&gt;alert('x')"));
    claims_hold(dir.path());
}

/// Runs the command of each claim in the folder of the result below `dir`, where there is a `tshark`.
fn claims_hold(dir: &Path) {
    if !tshark() {
        return;
    }
    let out = dir.join("sealpost-lab");
    let report = fs::read_to_string(out.join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    for claim in report["claims"].as_array().unwrap() {
        let command = claim["command"].as_str().unwrap();
        let output = shell(&out, command);
        assert_eq!(output, claim["output"].as_str().unwrap(), "{command}");
    }
}

#[test]
fn a_name_with_spaces_and_chinese_is_found_as_it_travels() {
    let dir = tempfile::tempdir().unwrap();
    let name = "名 字 file.txt";
    fs::write(dir.path().join(name), "some text\n".repeat(100)).unwrap();
    Ran::of(&mut sealpost(dir.path(), &[name])).ok();
    claims_hold(dir.path());
}

#[test]
fn small_and_empty_files_are_told_about_honestly() {
    for bytes in [0, 1, 100] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("small"), "x".repeat(bytes)).unwrap();
        let json = Ran::of(&mut sealpost(dir.path(), &["small"])).ok();
        let report: Value = serde_json::from_str(&json).unwrap();
        let size = &report["runs"][1]["size"];
        let caveats = report["caveats"].to_string();
        let exact = size["estimate"] == size["truth"];
        assert_eq!(
            caveats.contains("size_not_exact"),
            !exact,
            "{bytes}: {size}"
        );
        assert_eq!(report["runs"][0]["digests_agree"], true);
        // The handshake, with its certificate, is no file.
        assert!(size["estimate"].as_u64().unwrap() < 300, "{bytes}: {size}");
        claims_hold(dir.path());
        // One byte stands everywhere: finding it would be chance.
        let begins = report["runs"][0]["file_begins"].is_object();
        assert_eq!(begins, bytes == 100);
    }
}

#[test]
fn a_run_that_fails_leaves_nothing_of_its_result_and_all_that_was_there() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Ran::of(&mut sealpost(dir.path(), &["none.txt"])).code, 26);
    let out = dir.path().join("sealpost-lab");
    assert!(!out.exists());
    // A folder stands where the last of the files should go.
    fs::create_dir_all(out.join("README.txt")).unwrap();
    fs::write(out.join("mine"), "mine").unwrap();
    let ran = Ran::of(&mut sealpost(dir.path(), &["--source", "tap"]));
    let said = ran.out + &ran.err;
    assert!(ran.code == 23 && said.contains("README.txt"), "{said}");
    assert_eq!(names(&out), ["README.txt", "mine"]);
    assert_eq!(names(&dir.path().join("tmp")), Vec::<String>::new());
}
