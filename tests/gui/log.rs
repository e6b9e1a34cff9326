//! The log: what was done, in the language that is spoken now.

use crate::stage::Stage;
use crate::support::TestServer;

#[test]
fn a_session_is_told_line_by_line_and_again_in_the_other_language() {
    let server = TestServer::start(&["--client-auth", "none"]);
    server.house.write("notes.txt", b"hello");
    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "TLS");
    *stage.desktop.answer.lock().unwrap() = vec![server.house.path("work/notes.txt")];
    stage.click("Upload files…");
    stage.wait_for("done, 5 B");
    stage.click("Log");
    for line in [
        "by TLS",
        "the server shows the certificate of",
        "handshake: TLS 1.3",
        "logged in as alice; TLS: server proved",
        "upload of notes.txt: begins",
        "upload of notes.txt: done, 5 B, sha256 2cf24dba5fb0a30e",
    ] {
        stage.wait_for(line);
    }
    let shakes = |label: &&String| label.contains("handshake: TLS");
    assert_eq!(
        stage.labels().iter().filter(shakes).count(),
        1,
        "not of each transfer"
    );
    stage.click("中文");
    stage.wait_for("上传 notes.txt：完成，5 B，sha256 2cf24dba5fb0a30e");
    stage.wait_for("已登录：alice");
    assert!(!stage.sees("logged in as"));
    stage.click("断开连接");
    stage.click("English");
    stage.log_in(&server, "TLS");
    stage.wait_for("TLS: server proved");
    stage.click("Log");
    stage.wait_for("disconnected");
}

#[test]
fn failures_are_marked_and_can_be_found_among_the_rest() {
    let server = TestServer::start(&["--client-auth", "none"]);
    let mut stage = Stage::new(&server.house);
    stage.aim(&server);
    stage.click("TLS");
    stage.write("User", "alice");
    stage.write("Password", "wrong horse battery");
    stage.click("Log in");
    stage.wait_for("login failed");
    stage.log_in(&server, "TLS");
    stage.click("Log");
    stage.wait_for("✖ not connected: login failed");
    stage.click("Failures only");
    stage.wait_gone("logged in as alice");
    assert!(stage.sees("✖ not connected"));
    stage.click("Failures only");
    stage.write("Lines with", "logged in as");
    stage.wait_gone("✖ not connected");
    assert!(stage.sees("logged in as alice"));
}

#[test]
fn the_whole_log_or_the_line_clicked_on_goes_to_the_clipboard() {
    let server = TestServer::start(&["--plain"]);
    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "Plain TCP");
    stage.click("Log");
    stage.wait_for("the list has 0 files now");
    let copied = stage.copied_by("Copy the log");
    assert!(copied.contains("connecting to 127.0.0.1:"), "{copied}");
    assert!(copied.lines().count() >= 3, "{copied}");
    let line = stage.label_with("logged in as alice");
    stage.click(&line);
    let copied = stage.copied_by("Copy the line");
    assert!(
        copied.contains("logged in as alice; Plain TCP: readable by anyone"),
        "{copied}"
    );
    assert_eq!(copied.lines().count(), 1);
}
