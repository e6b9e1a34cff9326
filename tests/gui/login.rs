//! Logging in, and being refused.

use std::fs;

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use sealpost::gui::window::{Start, Window};
use sealpost::lang::Lang;

use crate::stage::Stage;
use crate::support::{House, PASSWORD, TestServer, Via};

/// Everything a screen reader could get hold of.
fn told(harness: &Harness<'_, Window>) -> String {
    fn walk(node: &egui_kittest::Node<'_>, text: &mut String) {
        let node = node.accesskit_node();
        for part in [
            node.label(),
            node.value(),
            node.placeholder().map(str::to_owned),
        ] {
            text.push_str(&part.unwrap_or_default());
            text.push('\n');
        }
    }
    let mut text = String::new();
    walk(&harness.root(), &mut text);
    for node in harness.root().children_recursive() {
        walk(&node, &mut text);
    }
    text
}

#[test]
fn the_right_password_shows_the_list_and_a_wrong_one_says_why_not() {
    let server = TestServer::start(&["--client-auth", "none"]);
    server.house.write("notes.txt", b"hello");
    server.run(Via::Tls, "alice", &["put", "notes.txt"]).ok();
    let mut stage = Stage::new(&server.house);
    stage.aim(&server);
    stage.click("TLS");
    stage.write("User", "alice");
    stage.write("Password", "wrong horse battery");
    stage.click("Log in");
    stage.wait_for("login failed");
    stage.wait_for("check “User” and “Password”");
    assert!(!stage.sees("notes.txt"));
    stage.log_in(&server, "TLS");
    stage.wait_for("notes.txt");
    assert!(stage.sees("TLS: server proved"));
    assert!(stage.sees("full handshake"));
}

#[test]
fn a_password_is_nowhere_but_in_its_field_neither_shown_nor_hidden() {
    let server = TestServer::start(&["--client-auth", "none"]);
    let mut stage = Stage::new(&server.house);
    stage.aim(&server);
    stage.click("TLS");
    stage.write("User", "alice");
    stage.write("Password", PASSWORD);
    assert!(!told(&stage.harness).contains(PASSWORD));
    assert!(told(&stage.harness).contains("alice"));
    stage.click("Show: Password");
    assert!(!told(&stage.harness).contains(PASSWORD));
    stage.click("Hide: Password");
    stage.click("Log in");
    stage.wait_for("alice @ ");
    stage.click("Log");
    stage.wait_for("logged in as alice");
    assert!(!told(&stage.harness).contains(PASSWORD));
    let settings = || fs::read_to_string(server.house.path("work/window.json"));
    stage.until("remembered connection", |_| {
        settings().is_ok_and(|settings| settings.contains("alice"))
    });
    assert!(!settings().unwrap().contains(PASSWORD));
    assert!(!server.log.text().contains(PASSWORD));
    stage.click("Disconnect");
    stage.wait_for("Log in");
    // Undo brings nothing back.
    stage.write("Password", "");
    stage
        .harness
        .key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    stage.harness.run_steps(2);
    assert!(!told(&stage.harness).contains('•'));
}

#[test]
fn a_certificate_logs_in_without_a_name_and_return_sends_the_form() {
    let server = TestServer::start(&["--login", "either", "--user-from-cert", "cn"]);
    for (from, to) in [("alice.crt", "client.crt"), ("alice.key", "client.key")] {
        let at = |name: &str| server.house.path(&format!("certs/{name}"));
        fs::copy(at(from), at(to)).unwrap();
    }
    let mut stage = Stage::new(&server.house);
    // What is in certs/ is filled in, and the choice made.
    assert!(told(&stage.harness).contains("client.key"));
    stage.wait_for("Your certificate");
    stage.write("Server", &server.at());
    stage.harness.key_press(egui::Key::Enter);
    stage.wait_for("alice @ ");
    assert!(stage.sees("Mutual TLS: both proved"));
    stage.click("Certificate…");
    stage.wait_for("Your certificate, shown to the server");
    assert!(stage.sees("CN=alice"));
}

#[test]
fn a_plain_connection_is_marked_as_readable_before_and_after() {
    let server = TestServer::via(Via::Plain);
    let mut stage = Stage::new(&server.house);
    stage.wait_for("⚠ dangerous");
    stage.log_in(&server, "Plain TCP");
    stage.wait_for("Plain TCP: readable by anyone");
    stage.click("Certificate…");
    stage.wait_for("nobody has proved anything");
}

#[test]
fn only_the_fields_of_a_choice_are_there() {
    let server = TestServer::via(Via::Plain);
    let mut stage = Stage::new(&server.house);
    for (choice, ca, own) in [
        ("Mutual TLS", true, true),
        ("TLS", true, false),
        ("Plain TCP", false, false),
    ] {
        stage.click(choice);
        assert_eq!(stage.sees("CA certificate"), ca, "{choice}");
        assert_eq!(stage.sees("Private key"), own, "{choice}");
    }
}

#[test]
fn a_locked_key_asks_for_its_passphrase_and_a_wrong_one_is_told_in_place() {
    let server = TestServer::start(&["--login", "either", "--user-from-cert", "cn"]);
    let house = &server.house;
    house.write("pass", b"open sesame");
    let key = house.arg("certs/alice.key");
    house
        .run(&["pki", "passwd", &key, "--new-pass", "file:pass"])
        .ok();
    let mut stage = Stage::new(house);
    stage.aim(&server);
    stage.click("Mutual TLS");
    stage.write("Your certificate", &house.arg("certs/alice.crt"));
    stage.write("Private key", &key);
    assert!(!stage.sees("Passphrase"));
    stage.click("Log in");
    stage.wait_for("is under a passphrase");
    stage.write("Passphrase", "open barley");
    stage.click("Log in");
    stage.wait_for("the passphrase of");
    assert!(!told(&stage.harness).contains("open barley"));
    stage.write("Passphrase", "open sesame");
    stage.click("Log in");
    stage.wait_for("alice @ ");
}

#[test]
fn an_account_is_made_with_a_password_typed_twice_and_refused_without() {
    let server = TestServer::start(&["--client-auth", "none"]);
    let mut stage = Stage::new(&server.house);
    stage.aim(&server);
    stage.click("TLS");
    stage.click("Make a new account");
    for (user, password, again, says) in [
        ("carol", "short", "short", "a password is 8 to 1,024 bytes"),
        (
            "carol",
            "long enough",
            "otherwise",
            "the two passwords differ",
        ),
        ("alice", "long enough", "long enough", "choose another name"),
    ] {
        stage.write("User", user);
        stage.write("Password", password);
        stage.write("Password again", again);
        stage.click("Register and log in");
        stage.wait_for(says);
    }
    stage.write("User", "carol");
    stage.click("Register and log in");
    stage.wait_for("carol @ ");
    stage.click("Disconnect");
    // The next time it is there.
    stage.wait_for("Log in");
    assert!(!stage.sees("Password again"));
    stage.write("Password", "long enough");
    stage.click("Log in");
    stage.wait_for("carol @ ");
}

#[test]
fn a_closed_dialog_loses_nothing_and_an_open_one_fills_in() {
    let server = TestServer::via(Via::Tls);
    let mut stage = Stage::new(&server.house);
    stage.click("TLS");
    stage.write("CA certificate", "typed.crt");
    stage.click("Choose: CA certificate");
    assert!(told(&stage.harness).contains("typed.crt"));
    *stage.desktop.answer.lock().unwrap() = vec![server.house.path("certs/ca.crt")];
    stage.click("Choose: CA certificate");
    stage.harness.run_steps(2);
    assert!(!told(&stage.harness).contains("typed.crt"));
    stage.log_in(&server, "TLS");
}

#[test]
fn a_connection_is_remembered_fills_the_form_and_is_forgotten() {
    let server = TestServer::via(Via::Tls);
    let start = || Start {
        lang: Some(Lang::English),
        certs: server.house.path("certs"),
        settings: Some(server.house.path("work/window.json")),
    };
    let mut stage = Stage::of(&start());
    stage.log_in(&server, "TLS");
    drop(stage);
    let mut stage = Stage::of(&start());
    let name = format!("alice @ {}, TLS", server.address);
    stage.write("User", "somebody");
    stage.click(&name);
    assert!(told(&stage.harness).contains("alice"));
    stage.write("Password", PASSWORD);
    stage.click("Log in");
    stage.wait_for("TLS: server proved");
    stage.click("Disconnect");
    stage.click(&format!("Forget {name}"));
    stage.wait_gone("Forget");
    drop(stage);
    assert!(!Stage::of(&start()).sees("Forget"));
}

#[test]
fn an_attempt_that_hangs_can_be_cancelled_and_the_form_is_as_it_was() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = TestServer::via(Via::Tls);
    let mut stage = Stage::new(&server.house);
    stage.write("Server", &silent.local_addr().unwrap().to_string());
    stage.click("TLS");
    stage.write("User", "alice");
    stage.write("Password", PASSWORD);
    stage.click("Log in");
    stage.wait_for("Connecting to");
    stage.click("Cancel");
    stage.wait_gone("Connecting to");
    assert!(told(&stage.harness).contains("alice"));
    stage.aim(&server);
    stage.click("Log in");
    stage.wait_for("alice @ ");
}

#[test]
fn a_lost_session_keeps_the_list_and_connects_again_when_the_server_is_back() {
    let mut server = TestServer::start(&["--client-auth", "none"]);
    let house = std::sync::Arc::clone(&server.house);
    house.write("notes.txt", b"hello");
    server.run(Via::Tls, "alice", &["put", "notes.txt"]).ok();
    let mut stage = Stage::new(&house);
    stage.log_in(&server, "TLS");
    stage.wait_for("notes.txt");
    let at = server.at();
    server.kill();
    stage.click("Refresh");
    stage.wait_for("✖ connection lost");
    assert!(stage.sees("notes.txt"));
    assert!(!stage.sees("TLS: server proved"));
    stage.click("Connect again");
    stage.wait_for("nothing listens there");
    assert!(stage.sees("notes.txt"));
    drop(server);
    let server = TestServer::start_in(&house, &["--client-auth", "none", "--listen", &at]);
    stage.click("Connect again");
    stage.wait_for("TLS: server proved");
    stage.wait_gone("connection lost");
    assert!(stage.sees("notes.txt"));
    drop(server);
    stage.click("Refresh");
    stage.wait_for("✖ connection lost");
    stage.click("Log out");
    stage.wait_for("Log in");
    assert!(!stage.sees("notes.txt"));
}

#[test]
fn where_no_file_dialog_comes_up_the_form_says_so_and_one_that_answers_is_taken() {
    let server = TestServer::via(Via::Tls);
    let mut stage = Stage::new(&server.house);
    stage.click("TLS");
    stage.click("Choose: CA certificate");
    stage.wait_for("no file dialog came up");
    *stage.desktop.answer.lock().unwrap() = vec![server.house.path("certs/ca.crt")];
    stage.aim(&server);
    stage.click("Choose: CA certificate");
    stage.write("User", "alice");
    stage.write("Password", PASSWORD);
    stage.click("Log in");
    stage.wait_for("alice @ ");
}

#[test]
fn a_dialog_that_did_not_come_up_is_told_however_late_the_window_draws_again() {
    let mut stage = Stage::new(&House::new());
    stage.click("TLS");
    let choose = stage.harness.get_by_label("Choose: CA certificate");
    choose.click();
    stage.harness.step();
    // Longer than anybody needs to cancel one.
    std::thread::sleep(std::time::Duration::from_millis(400));
    stage.wait_for("no file dialog came up");
}
