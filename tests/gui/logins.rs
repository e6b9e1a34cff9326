//! Whose transfers go on after another login.

use sealpost::gui::window::Start;
use sealpost::lang::Lang;

use crate::stage::Stage;
use crate::support::{PASSWORD, TestServer, Via, noise};
use crate::transfers::{LONG, SLOW};

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
        self.write("Old password", PASSWORD);
        self.write("New password", ANOTHER);
        self.write("New password again", ANOTHER);
        self.click("Change");
        self.wait_for("Your password was changed");
        self.click("Close");
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
    let mut other = Stage::of(&Start {
        lang: Some(Lang::English),
        certs: server.house.path("certs"),
        settings: None,
    });
    other.log_in(&server, "TLS");
    other.change_password();
    stage.click("Disconnect");
    stage.log_in_with(&server, "alice", ANOTHER);
    stage.click("Resume");
    stage.wait_for("were there already");
}
