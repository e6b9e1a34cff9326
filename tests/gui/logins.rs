//! Another login, another password: what goes on, and as whom.

use sealpost::gui::window::Start;
use sealpost::lang::Lang;

use crate::stage::Stage;
use crate::support::{PASSWORD, TestServer, Via, noise};
use crate::transfers::{FAST, LONG, SLOW};

const ANOTHER: &str = "another battery";

/// A window of alice in which an upload is paused.
fn paused(server: &TestServer) -> Stage {
    server.house.write("long.bin", &noise(LONG, 1));
    let mut stage = Stage::new(&server.house);
    stage.log_in(server, "TLS");
    stage.upload(server, &["long.bin"]);
    stage.wait_for("B/s");
    stage.click("Pause");
    stage.wait_for("paused");
    stage
}

impl Stage {
    /// Logs in with TLS as this user.
    fn log_in_with(&mut self, server: &TestServer, user: &str, password: &str) {
        self.aim(server);
        self.click("TLS");
        self.write("User", user);
        self.write("Password", password);
        self.click("Log in");
        // Not its name: that is among the recent connections too.
        self.wait_for("TLS: server proved");
    }

    /// Changes the password to [`ANOTHER`].
    fn change_password(&mut self) {
        self.click("Settings");
        self.click("Change password…");
        self.ask_for_password(PASSWORD, ANOTHER);
        self.wait_for("Your password was changed");
        self.click("Close");
    }

    fn ask_for_password(&mut self, old: &str, new: &str) {
        self.write("Old password", old);
        self.write("New password", new);
        self.write("New password again", new);
        self.click("Change");
    }
}

#[test]
fn what_one_user_began_goes_on_as_that_user_whoever_is_logged_in() {
    let server = TestServer::start(&SLOW);
    let mut stage = paused(&server);
    stage.click("Disconnect");
    stage.log_in_with(&server, "bob", PASSWORD);
    stage.click("Resume");
    stage.wait_for("were there already");
    let told = server.run(Via::Tls, "bob", &["stat", "long.bin"]).ok();
    assert!(told.contains("alice") && !told.contains("bob"), "{told}");
}

#[test]
fn after_a_change_of_the_password_transfers_go_on_with_the_new_one() {
    let server = TestServer::start(&SLOW);
    let mut stage = paused(&server);
    stage.change_password();
    stage.click("Resume");
    stage.wait_for("were there already");
}

#[test]
fn after_another_login_of_the_same_user_transfers_go_on_with_that_one() {
    let server = TestServer::start(&SLOW);
    let mut stage = paused(&server);
    stage.click("Disconnect");
    let mut other = Stage::of(&Start {
        lang: Some(Lang::English),
        certs: server.house.path("certs"),
        settings: None,
    });
    other.log_in(&server, "TLS");
    other.change_password();
    stage.log_in_with(&server, "alice", ANOTHER);
    stage.click("Resume");
    stage.wait_for("were there already");
}

#[test]
fn another_session_begins_with_a_list_of_its_own() {
    let server = TestServer::start(&FAST);
    server.house.write("notes.txt", b"x");
    let put = ["put", "notes.txt", "--as", "docs/notes.txt"];
    server.run(Via::Tls, "alice", &put).ok();
    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "TLS");
    stage.wait_for("docs");
    stage.write("Filter", "nothing of that name");
    stage.wait_for("Nothing matches the filter");
    stage.click("Disconnect");
    stage.log_in_with(&server, "bob", PASSWORD);
    stage.wait_for("docs");
}

#[test]
fn the_password_is_changed_after_the_old_one_was_right() {
    let server = TestServer::start(&FAST);
    server.house.write("a", b"x");
    server.run(Via::Tls, "alice", &["put", "a"]).ok();
    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "TLS");
    stage.wait_for("a");
    stage.click("Settings");
    stage.click("Change password…");
    stage.ask_for_password("not the old one", ANOTHER);
    stage.wait_for("the old password is not right");
    stage.ask_for_password(PASSWORD, "short");
    assert!(stage.sees("8 to 1024 bytes"));
    stage.ask_for_password(PASSWORD, ANOTHER);
    stage.wait_for("Your password was changed");
    let tree = format!("{:?}", stage.harness.root());
    assert!(!tree.contains(PASSWORD) && !tree.contains(ANOTHER));
    stage.click("Close");
    // What comes after logs in with the new one.
    let to = server.house.path("work/to");
    *stage.desktop.answer.lock().unwrap() = vec![to.clone()];
    stage.click("a");
    stage.click("Download…");
    stage.until("download", |_| to.join("a").exists());
}
