//! Accounts: what a new password ends.

use std::fs;

use serde_json::{Value, json};

use crate::raw::{Raw, put};
use crate::support::{PASSWORD, TestServer, Via, digest};

const NEW: &str = "another pass phrase";

fn whoami() -> Value {
    json!({"op": "whoami"})
}

fn passwd(old: &str, new: &str) -> Value {
    json!({"op": "passwd", "old": old, "new": new})
}

#[test]
fn a_new_password_ends_the_users_other_sessions_and_no_one_elses() {
    let server = TestServer::start(&["--allow-plain"]);
    let mut changing = Raw::logged_in(&server, Via::Plain, "alice");
    let mut other = Raw::logged_in(&server, Via::Plain, "alice");
    let mut sealed = Raw::greeted(&server, Via::Mtls, "alice");
    assert_eq!(sealed.ask(&json!({"op": "login"}))["user"], "alice");
    let mut bob = Raw::logged_in(&server, Via::Plain, "bob");

    changing.refused(&passwd("a wrong passphrase", NEW), "login_failed");
    assert_eq!(other.ask(&whoami())["user"], "alice");
    assert_eq!(changing.ask(&passwd(PASSWORD, NEW))["ok"], true);

    for over in [&mut other, &mut sealed] {
        let told = over.refused(&whoami(), "login_required");
        assert!(told["message"].as_str().unwrap().contains("password"));
        over.refused(&json!({"op": "stat", "name": "a"}), "login_required");
    }
    assert_eq!(changing.ask(&whoami())["user"], "alice");
    assert_eq!(bob.ask(&whoami())["user"], "bob");

    // The connection is as it was before its login: the new password counts, the old one does not.
    assert_eq!(other.login("alice")["code"], "login_failed");
    let login = json!({"op": "login", "user": "alice", "password": NEW});
    assert_eq!(other.ask(&login)["user"], "alice");
    assert_eq!(sealed.ask(&json!({"op": "login"}))["user"], "alice");
    assert_eq!(changing.ask(&passwd(NEW, PASSWORD))["ok"], true);
    other.refused(&whoami(), "login_required");
}

#[test]
fn a_password_given_by_the_operator_ends_every_session_and_another_role_none() {
    let server = TestServer::via(Via::Plain);
    let house = &server.house;
    let data = house.arg("data");
    let operator = |args: &[&str]| {
        let mut command = house.sealpost(&[&["user"], args, &["--data", &data]].concat());
        command.env("NEW", NEW).status().unwrap()
    };
    let mut sessions = [(); 2].map(|()| Raw::logged_in(&server, Via::Plain, "alice"));
    assert!(operator(&["role", "alice", "admin"]).success());
    for session in &mut sessions {
        assert_eq!(session.ask(&whoami())["role"], "admin");
    }
    // One is in the middle of an upload: it puts nothing there any more.
    let [idle, uploading] = &mut sessions;
    assert_eq!(uploading.ask(&put("a", 3, "error"))["ok"], true);
    assert!(operator(&["passwd", "alice", "--password", "env:NEW"]).success());
    idle.refused(&whoami(), "login_required");
    uploading.send(b"abc");
    let told = uploading.ask(&json!({"sha256": digest(b"abc")}));
    assert_eq!(told["code"], "login_required", "{told}");
    assert!(told["message"].as_str().unwrap().contains("password"));
    assert!(server.house.names("data/blobs").is_empty());
}

#[test]
fn a_session_of_the_shell_that_is_over_is_told_so_and_logs_in_anew() {
    let server = TestServer::start(&[]);
    let house = &server.house;
    let [ca, cert, key, data] =
        ["certs/ca.crt", "certs/alice.crt", "certs/alice.key", "data"].map(|name| house.arg(name));
    let binary = env!("CARGO_BIN_EXE_sealpost");
    let script = format!(
        "whoami\n!{binary} user passwd alice --data {data} --password env:PW\n-whoami\nwhoami\n"
    );
    fs::write(house.path("script"), script).unwrap();
    let script = house.arg("script");
    let at = server.at();
    let shell = [
        "shell", "-b", &script, "--server", &at, "--cacert", &ca, "--cert", &cert, "--key", &key,
    ];
    let ran = house.run(&shell);
    let said = |words: &str| ran.err.matches(words).count();
    assert_eq!(
        said("the password was changed since this login"),
        1,
        "{}",
        ran.err
    );
    assert_eq!(said("connected anew as alice"), 1, "{}", ran.err);
    assert_eq!(ran.ok().matches("user      alice").count(), 2);
}

#[test]
fn where_registering_needs_a_certificate_the_name_in_it_is_the_one_to_be_had() {
    let flags = ["--register", "certificate", "--client-auth", "optional"];
    let server = TestServer::start(&flags);
    let register = |user: &str| json!({"op": "register", "user": user, "password": PASSWORD});
    let mut stranger = Raw::connect(&server, Via::Tls, "");
    assert_eq!(stranger.hello()["register"], false);
    stranger.refused(&register("nobody"), "register_closed");
    let mut holder = Raw::connect(&server, Via::Mtls, "nobody");
    assert_eq!(holder.hello()["register"], true);
    holder.refused(&register("carol"), "forbidden");
    assert_eq!(holder.ask(&register("nobody"))["user"], "nobody");
    // Password and certificate are of one and the same person now.
    assert_eq!(stranger.login("nobody")["user"], "nobody");
    let mut again = Raw::greeted(&server, Via::Mtls, "nobody");
    assert_eq!(again.ask(&json!({"op": "login"}))["user"], "nobody");
}
