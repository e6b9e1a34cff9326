//! Logging in, and being refused.

use crate::stage::Stage;
use crate::support::TestServer;

#[test]
fn the_right_password_shows_the_list_and_a_wrong_one_says_why_not() {
    let server = TestServer::start(&["--client-auth", "none"]);
    server.house.write("notes.txt", b"hello");
    server
        .run(crate::support::Via::Tls, "alice", &["put", "notes.txt"])
        .ok();
    let mut stage = Stage::new(&server.house);
    stage.aim(&server);
    stage.click("TLS");
    stage.write("User", "alice");
    stage.write("Password", "wrong horse battery");
    stage.click("Log in");
    stage.wait_for("login failed");
    assert!(!stage.sees("notes.txt"));
    stage.log_in(&server, "TLS");
    stage.wait_for("notes.txt");
    assert!(stage.sees("TLS: server proved"));
}
