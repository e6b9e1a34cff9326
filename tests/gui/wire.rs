//! What a stranger sees of the session: everything in plain, nothing under TLS; and the capture of it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::stage::Stage;
use crate::support::{PASSWORD, TestServer, skipped};

/// Logs in, uploads a file of this many bytes, looks at the wire, and saves the capture there.
fn upload_and_look(server: &TestServer, security: &str, bytes: usize) -> Stage {
    server.house.write("secret plan.txt", &vec![b'x'; bytes]);
    let mut stage = Stage::new(&server.house);
    stage.log_in(server, security);
    *stage.desktop.answer.lock().unwrap() = vec![server.house.path("work/secret plan.txt")];
    stage.click("Upload files…");
    stage.wait_for("done, ");
    stage.click("The wire");
    stage
}

fn save(stage: &mut Stage, server: &TestServer) -> std::path::PathBuf {
    let path = server.house.path("work/seen.pcapng");
    *stage.desktop.answer.lock().unwrap() = vec![path.clone()];
    stage.click("Save the capture…");
    stage.click("Log");
    stage.wait_for("capture saved: ");
    path
}

#[test]
fn in_plain_the_password_is_marked_and_the_sentence_counts_what_was_read() {
    let server = TestServer::start(&["--plain"]);
    let mut stage = upload_and_look(&server, "Plain TCP", 5);
    stage.wait_for("your user name, your password, 1 file name, the whole content of 1 file");
    stage.wait_for("plain TCP");
    stage.click("password, readable");
    stage.wait_for(&format!("password, readable: {PASSWORD}"));
    stage.click("中文");
    stage.wait_for("您的用户名、您的密码、1 个文件名、1 个文件的全部内容");
    stage.wait_for(&format!("密码，可读：{PASSWORD}"));
}

#[test]
fn under_tls_the_same_session_shows_a_handshake_and_noise() {
    let server = TestServer::start(&["--client-auth", "none"]);
    let mut stage = upload_and_look(&server, "TLS", 5);
    stage.wait_for("A stranger has read so far: nothing but who");
    stage.wait_for("TLS 1.3");
    stage.wait_for("noise without the key");
    stage.click("First");
    stage.wait_for("handshake: ClientHello");
    assert!(!stage.sees("password, readable"));
    for secret in [PASSWORD, "password", "secret plan"] {
        // The list of files above has the name; what is of the wire must not.
        let seen = stage
            .labels()
            .into_iter()
            .filter(|label| label.contains(secret));
        let of_wire: Vec<_> = seen.filter(|label| label.contains('#')).collect();
        assert!(of_wire.is_empty(), "{of_wire:?}");
    }
}

#[test]
fn another_session_is_seen_from_its_beginning_and_the_old_one_is_forgotten() {
    let server = TestServer::start(&["--allow-plain", "--client-auth", "none"]);
    let mut stage = upload_and_look(&server, "Plain TCP", 5);
    stage.wait_for("your password");
    stage.click("Disconnect");
    stage.log_in(&server, "TLS");
    stage.wait_for("nothing but who");
    assert!(!stage.sees("your password"));
}

#[test]
fn the_capture_of_a_plain_session_holds_the_password_and_that_of_tls_does_not() {
    for (flags, security, readable) in [
        (&["--plain"][..], "Plain TCP", true),
        (&["--client-auth", "none"], "TLS", false),
    ] {
        let server = TestServer::start(flags);
        let mut stage = upload_and_look(&server, security, 5);
        stage.wait_for("A stranger has read so far");
        let path = save(&mut stage, &server);
        let file = std::fs::read(&path).unwrap();
        let holds = |text: &str| {
            file.windows(text.len())
                .any(|bytes| bytes == text.as_bytes())
        };
        assert_eq!(holds(PASSWORD), readable, "{security}");
        assert_eq!(holds("secret plan.txt"), readable, "{security}");
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let Some(faults) = tshark(&path, "_ws.malformed || tcp.analysis.flags") else {
            continue;
        };
        assert_eq!(faults, "");
        let found = tshark(&path, &format!("tcp contains \"{PASSWORD}\"")).unwrap();
        assert_eq!(!found.is_empty(), readable, "{security}: {found}");
    }
}

#[test]
fn a_capture_with_keys_is_read_by_its_holder_and_one_without_by_nobody() {
    let server = TestServer::start(&["--client-auth", "none"]);
    server.house.write("secret plan.txt", b"hello");
    let mut stage = Stage::new(&server.house);
    stage.click("TLS");
    stage.click("Advanced");
    stage.click("Keep the TLS keys for a capture");
    stage.log_in(&server, "TLS");
    *stage.desktop.answer.lock().unwrap() = vec![server.house.path("work/secret plan.txt")];
    stage.click("Upload files…");
    stage.wait_for("done, ");
    stage.click("The wire");
    stage.wait_for("nothing but who");
    let without = save(&mut stage, &server);
    assert!(!explained(&server, &without).contains("secret plan"));

    let with = server.house.path("work/with.pcapng");
    *stage.desktop.answer.lock().unwrap() = vec![with.clone()];
    stage.click("The wire");
    stage.click("Save with keys…");
    stage.click("Log");
    stage.wait_for("capture saved with its keys: ");
    assert_eq!(with.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let explained = explained(&server, &with);
    assert!(explained.contains("secret plan.txt"), "{explained}");
    let Some(opened) = tshark(&with, "tls.app_data && data.data") else {
        return;
    };
    assert!(!opened.is_empty());
    assert_eq!(tshark(&without, "tls.app_data && data.data").unwrap(), "");
}

#[test]
fn keys_are_not_kept_unless_that_was_asked_for_and_plain_has_none() {
    let server = TestServer::start(&["--allow-plain", "--client-auth", "none"]);
    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "TLS");
    stage.click("The wire");
    stage.wait_for("nothing but who");
    assert!(stage.is_disabled("Save with keys…"));
    stage.click("Disconnect");
    stage.log_in(&server, "Plain TCP");
    stage.wait_for("your password");
    assert!(!stage.sees("Save with keys…"));
}

/// What `capture explain` prints of a capture.
fn explained(server: &TestServer, path: &Path) -> String {
    let path = path.to_str().unwrap();
    let ran = server.house.run(&["capture", "explain", path]);
    format!("{}{}", ran.out, ran.err)
}

#[test]
fn what_was_not_kept_is_told_and_stands_as_a_gap_in_the_capture_with_the_end_behind_it() {
    let server = TestServer::start(&["--plain"]);
    let mut stage = upload_and_look(&server, "Plain TCP", 3_000_000);
    stage.wait_for("MB passed that were not kept");
    stage.wait_for("content of files, 1.");
    // The reply behind the file was read again: the digest in it is the server's.
    let path = save(&mut stage, &server);
    let file = std::fs::read(&path).unwrap();
    let digest = sealpost::protocol::Sha256::of(&vec![b'x'; 3_000_000]);
    let sent = format!(r#"{{"sha256":"{digest}"}}"#);
    assert!(
        file.windows(sent.len())
            .any(|bytes| bytes == sent.as_bytes())
    );
    if let Some(lost) = tshark(&path, "tcp.analysis.lost_segment") {
        assert_eq!(lost.lines().count(), 1, "{lost}");
        assert_eq!(tshark(&path, "_ws.malformed").unwrap(), "");
    }
}

#[test]
fn a_capture_that_cannot_be_written_is_told_with_the_reason() {
    let server = TestServer::start(&["--plain"]);
    let mut stage = upload_and_look(&server, "Plain TCP", 5);
    stage.wait_for("A stranger has read so far");
    *stage.desktop.answer.lock().unwrap() = vec![server.house.path("nowhere/seen.pcapng")];
    stage.click("Save the capture…");
    stage.click("Log");
    stage.wait_for("✖ the capture was not saved");
}

#[test]
fn while_paused_nothing_changes_and_afterwards_everything_is_there() {
    let server = TestServer::start(&["--plain"]);
    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "Plain TCP");
    stage.click("The wire");
    stage.wait_for("your password");
    stage.click("Pause");
    stage.click("Refresh");
    server.house.write("a.txt", b"x");
    *stage.desktop.answer.lock().unwrap() = vec![server.house.path("work/a.txt")];
    stage.click("Upload files…");
    stage.wait_for("done, ");
    stage.click("The wire");
    assert!(!stage.sees("1 file name"));
    stage.click("Pause");
    stage.wait_for("1 file name, the whole content of 1 file");
}

/// The packets that fit, a line each; `None` without tshark.
fn tshark(path: &Path, filter: &str) -> Option<String> {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(path)
        .args(["-Y", filter])
        .output();
    let Ok(output) = output else {
        skipped("tshark is not installed; the capture is not opened with it");
        return None;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap())
}
