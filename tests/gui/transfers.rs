//! Uploads and downloads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{Key, RawInput, ViewportCommand, ViewportEvent, ViewportId};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::relay::Relay;
use crate::stage::Stage;
use crate::support::{PASSWORD, TestServer, Via, digest, noise, until};

/// Slow enough that a transfer of [`LONG`] bytes is seen while it runs.
pub(crate) const SLOW: [&str; 4] = ["--client-auth", "none", "--limit-rate", "4M"];

/// Some seconds at that rate, and more than the sockets of both sides hold.
pub(crate) const LONG: usize = 24_000_000;

/// So slow that a transfer of [`LONG`] bytes does not end before the test has done with it.
const CRAWL: [&str; 4] = ["--client-auth", "none", "--limit-rate", "100K"];

/// As fast as it goes.
pub(crate) const FAST: [&str; 2] = ["--client-auth", "none"];

impl Stage {
    fn answer(&mut self, paths: &[PathBuf]) {
        *self.desktop.answer.lock().unwrap() = paths.to_vec();
    }

    /// Uploads these files of `work/` by the dialog.
    pub(crate) fn upload(&mut self, server: &TestServer, names: &[&str]) {
        let path = |name: &&str| server.house.path("work").join(name);
        self.answer(&names.iter().map(path).collect::<Vec<_>>());
        self.click("Upload files…");
    }

    /// Downloads the file shown so into `work/back`.
    fn download(&mut self, server: &TestServer, name: &str) -> PathBuf {
        let back = server.house.path("work/back");
        self.answer(std::slice::from_ref(&back));
        self.click(name);
        self.click("Download…");
        back.join(Path::new(name).file_name().unwrap())
    }

    /// What the label behind this one says.
    fn behind(&self, label: &str) -> String {
        let labels = self.labels();
        let at = labels.iter().position(|this| this == label).unwrap();
        labels[at + 1].clone()
    }

    fn count(&self, label: &str) -> usize {
        self.harness.query_all_by_label(label).count()
    }

    #[track_caller]
    fn wait_for_count(&mut self, label: &str, count: usize) {
        self.until(&format!("{count} times {label}"), |harness| {
            harness.query_all_by_label(label).count() == count
        });
    }

    /// The desktop asks the window to close; whether it may.
    fn may_close(&mut self) -> bool {
        let root = self
            .harness
            .input_mut()
            .viewports
            .entry(ViewportId::ROOT)
            .or_default();
        root.events.push(ViewportEvent::Close);
        self.harness.step();
        !self.asked(&ViewportCommand::CancelClose)
    }

    /// The same while the window does not draw: it is minimized, covered, or late.
    fn may_close_unseen(&mut self) -> bool {
        let mut input = RawInput::default();
        let root = input.viewports.entry(ViewportId::ROOT).or_default();
        root.events.push(ViewportEvent::Close);
        let ctx = self.harness.ctx.clone();
        let output = ctx.run_logic(&input, |ctx| self.harness.state_mut().pump(ctx));
        let wishes = output.viewport_commands.get(&ViewportId::ROOT);
        !wishes.is_some_and(|wishes| wishes.contains(&ViewportCommand::CancelClose))
    }

    /// Whether the last picture came with this wish to the desktop.
    fn asked(&self, command: &ViewportCommand) -> bool {
        let output = self.harness.output();
        output
            .viewport_output
            .get(&ViewportId::ROOT)
            .is_some_and(|root| root.commands.contains(command))
    }
}

/// Whether the server has these bytes under this name.
fn has(server: &TestServer, name: &str, bytes: &[u8]) -> bool {
    let told = server.run(Via::Tls, "alice", &["stat", name]).ok();
    told.contains(&digest(bytes))
}

fn put(server: &TestServer, name: &str, bytes: &[u8]) {
    server.house.write(name, bytes);
    server
        .run(Via::Tls, "alice", &["put", name, "--as", name])
        .ok();
}

/// A server with these flags that has this file already.
fn stocked(name: &str, bytes: &[u8], flags: &[&str]) -> TestServer {
    let fast = TestServer::start(&FAST);
    put(&fast, name, bytes);
    let house = Arc::clone(&fast.house);
    drop(fast);
    TestServer::start_in(&house, flags)
}

#[test]
fn a_file_goes_up_and_comes_back_the_same() {
    let server = TestServer::start(&FAST);
    server.house.write("notes.txt", b"hello");
    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "TLS");
    stage.upload(&server, &["notes.txt"]);
    stage.wait_for("done, 5 B");
    stage.click("Clear finished");
    stage.wait_gone("done, 5 B");
    let back = stage.download(&server, "notes.txt");
    stage.wait_for("done, 5 B");
    assert_eq!(std::fs::read(&back).unwrap(), b"hello");
    stage.click("Open folder");
    assert_eq!(
        *stage.desktop.opened.lock().unwrap(),
        [server.house.path("work/back")]
    );
    stage.click("Show details");
    stage.wait_for(&digest(b"hello"));
    stage.click("Disconnect");
    stage.wait_gone("notes.txt");
}

#[test]
fn the_dialog_of_a_download_begins_where_the_last_one_went_the_next_time_too() {
    let server = TestServer::start(&FAST);
    put(&server, "a", b"a");
    for begins in [None, Some(server.house.path("work/back"))] {
        let mut stage = Stage::new(&server.house);
        stage.log_in(&server, "TLS");
        stage.download(&server, "a");
        assert_eq!(*stage.desktop.begun.lock().unwrap(), begins);
        stage.wait_for("1 of 1 done");
    }
}

#[test]
fn a_name_that_is_taken_on_the_server_is_asked_about() {
    let server = TestServer::start(&FAST);
    for (choice, there, names) in [
        ("Overwrite", "newer one", &["a.txt"][..]),
        ("Keep both", "older", &["a (1).txt", "a.txt"]),
        ("Skip", "older", &["a.txt"]),
        ("Escape", "older", &["a.txt"]),
    ] {
        put(&server, "a.txt", b"older");
        server.house.write("a.txt", b"newer one");
        let mut stage = Stage::new(&server.house);
        stage.log_in(&server, "TLS");
        stage.upload(&server, &["a.txt"]);
        stage.wait_for("The server has a file of this name");
        assert!(stage.sees("uploaded by alice"));
        assert_eq!(stage.behind("On the server"), "5 B");
        assert_eq!(stage.behind("To be uploaded"), "9 B");
        match choice {
            "Escape" => {
                stage.harness.key_press(Key::Escape);
                stage.harness.run_steps(2);
            }
            choice => stage.click(choice),
        }
        stage.wait_gone("The server has a file of this name");
        stage.wait_for("1 of 1 done");
        assert!(has(&server, "a.txt", there.as_bytes()), "{choice}");
        assert_eq!(server.listed(Via::Tls), names, "{choice}");
        for name in names {
            server.run(Via::Tls, "alice", &["rm", name]).ok();
        }
    }
}

#[test]
fn a_name_that_is_taken_here_is_asked_about() {
    let server = TestServer::start(&FAST);
    put(&server, "a.txt", b"newer one");
    for (choice, here, names) in [
        ("Overwrite", "newer one", &["a.txt"][..]),
        ("Keep both", "older", &["a (1).txt", "a.txt"]),
        ("Skip", "older", &["a.txt"]),
    ] {
        let _none = std::fs::remove_dir_all(server.house.path("work/back"));
        server.house.write("back/a.txt", b"older");
        let mut stage = Stage::new(&server.house);
        stage.log_in(&server, "TLS");
        let back = stage.download(&server, "a.txt");
        stage.wait_for("There is a file of this name");
        assert_eq!(stage.behind("On this machine"), "5 B");
        assert_eq!(stage.behind("To be downloaded"), "9 B");
        stage.click(choice);
        stage.wait_for("1 of 1 done");
        assert_eq!(std::fs::read(&back).unwrap(), here.as_bytes(), "{choice}");
        assert_eq!(server.house.names("work/back"), names, "{choice}");
    }
}

#[test]
fn no_file_replaces_a_folder_of_its_name() {
    let server = TestServer::start(&FAST);
    put(&server, "a", b"file");
    server.house.write("back/a/inside", b"folder");
    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "TLS");
    stage.download(&server, "a");
    stage.wait_for("There is a file of this name");
    assert!(stage.sees("a folder"));
    let overwrite = stage.harness.get_by_label("Overwrite");
    assert!(overwrite.accesskit_node().is_disabled());
    stage.click("Keep both");
    stage.wait_for("1 of 1 done");
    assert_eq!(server.house.names("work/back"), ["a", "a (1)"]);
    assert_eq!(server.house.names("work/back/a"), ["inside"]);
}

#[test]
fn one_answer_can_be_for_all_further_ones() {
    let server = TestServer::start(&FAST);
    for (for_all, asked) in [(true, 1), (false, 4)] {
        let names = ["a", "b", "c", "d"];
        for name in names {
            put(&server, name, b"older");
            server.house.write(name, b"newer");
        }
        let mut stage = Stage::new(&server.house);
        stage.log_in(&server, "TLS");
        stage.upload(&server, &names);
        for round in 0..asked {
            stage.wait_for("The server has a file of this name");
            if for_all && round == 0 {
                stage.click("Do this for all further uploads whose name is taken");
            }
            stage.click("Overwrite");
        }
        stage.wait_for("4 of 4 done");
        for name in names {
            assert!(has(&server, name, b"newer"), "{name}");
            server.run(Via::Tls, "alice", &["rm", name]).ok();
        }
    }
}

#[test]
fn a_file_that_is_there_already_counts_as_done_and_asks_nothing() {
    let server = TestServer::start(&FAST);
    put(&server, "same.txt", b"same");
    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "TLS");
    stage.upload(&server, &["same.txt"]);
    stage.wait_for("done, all of it was there already");
}

#[test]
fn an_upload_is_paused_and_goes_on_from_there() {
    let server = TestServer::start(&SLOW);
    server.house.write("long.bin", &noise(LONG, 1));
    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "TLS");
    stage.upload(&server, &["long.bin"]);
    stage.wait_for("running");
    stage.wait_for("B/s");
    stage.click("Pause");
    stage.wait_for("paused");
    // At once: the server may be writing still what it had received.
    stage.click("Resume");
    stage.wait_for("were there already");
    assert!(has(&server, "long.bin", &noise(LONG, 1)));
}

#[test]
fn a_download_is_paused_and_goes_on_from_there_and_leaves_no_part() {
    let server = stocked("long.bin", &noise(LONG, 2), &SLOW);

    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "TLS");
    let back = stage.download(&server, "long.bin");
    stage.wait_for("B/s");
    stage.click("Pause all");
    stage.wait_for("paused");
    assert_eq!(
        server.house.names("work/back"),
        ["long.bin.part", "long.bin.part.json"]
    );
    stage.click("Resume all");
    stage.wait_for("were there already");
    assert_eq!(std::fs::read(back).unwrap(), noise(LONG, 2));
    assert_eq!(server.house.names("work/back"), ["long.bin"]);
}

#[test]
fn an_overwriting_download_that_was_paused_goes_on_too() {
    let server = stocked("long.bin", &noise(LONG, 2), &SLOW);

    server.house.write("back/long.bin", b"older");
    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "TLS");
    let back = stage.download(&server, "long.bin");
    stage.click("Overwrite");
    stage.wait_for("B/s");
    stage.click("Pause");
    stage.wait_for("paused");
    assert_eq!(std::fs::read(&back).unwrap(), b"older");
    stage.click("Resume");
    stage.wait_for("were there already");
    assert_eq!(std::fs::read(back).unwrap(), noise(LONG, 2));
}

#[test]
fn a_cancelled_download_leaves_nothing() {
    let server = stocked("long.bin", &noise(LONG, 3), &CRAWL);

    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "TLS");
    stage.download(&server, "long.bin");
    stage.wait_for("B/s");
    stage.click("Cancel");
    stage.wait_for("cancelled");
    assert_eq!(server.house.names("work/back"), Vec::<String>::new());
}

#[test]
fn a_cancelled_upload_is_kept_by_the_server_and_goes_on_when_it_is_retried() {
    let server = TestServer::start(&SLOW);
    server.house.write("long.bin", &noise(LONG, 4));
    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "TLS");
    stage.upload(&server, &["long.bin"]);
    stage.wait_for("B/s");
    stage.click("Cancel");
    stage.wait_for("cancelled");
    assert!(server.log.wait_for("connection lost"));
    assert!(server.listed(Via::Tls).is_empty());
    stage.click("Retry");
    stage.wait_for("were there already");
}

#[test]
fn a_transfer_whose_server_vanishes_fails_with_words_and_is_retried_when_it_is_back() {
    let mut server = stocked("long.bin", &noise(LONG, 5), &CRAWL);
    let house = Arc::clone(&server.house);

    let at = server.at();
    let mut stage = Stage::new(&house);
    stage.log_in(&server, "TLS");
    let back = stage.download(&server, "long.bin");
    stage.wait_for("B/s");
    server.kill();
    stage.wait_for("failed: ");
    // What is wrong, and what to do about it, in full.
    stage.wait_for("Copy details");
    drop(server);
    let flags = ["--client-auth", "none", "--listen", &at];
    let _again = TestServer::start_in(&house, &flags);
    stage.click("Retry");
    stage.wait_for("were there already");
    assert_eq!(std::fs::read(back).unwrap(), noise(LONG, 5));
}

#[test]
fn a_file_that_vanished_fails_and_is_retried_when_it_is_back() {
    let server = TestServer::start(&FAST);
    let mut stage = Stage::new(&server.house);
    put(&server, "gone.txt", b"x");
    stage.log_in(&server, "TLS");
    stage.wait_for("gone.txt");
    server.run(Via::Tls, "alice", &["rm", "gone.txt"]).ok();
    let back = stage.download(&server, "gone.txt");
    stage.wait_for("failed: ");
    put(&server, "gone.txt", b"again");
    stage.click("Retry failed");
    stage.wait_for("done, 5 B");
    assert_eq!(std::fs::read(back).unwrap(), b"again");
}

#[test]
fn a_connection_that_is_cut_fails_one_transfer_and_the_next_gets_another() {
    let server = TestServer::start(&FAST);
    let relay = Relay::to(server.address);
    server.house.write("long.bin", &noise(LONG, 6));
    let mut stage = Stage::new(&server.house);
    stage.log_in_at(relay.address, "TLS");
    relay.cut_up_after(1_000_000);
    stage.upload(&server, &["long.bin"]);
    stage.wait_for("failed: ");
    relay.mend();
    stage.click("Retry");
    stage.wait_for("were there already");
    assert!(has(&server, "long.bin", &noise(LONG, 6)));
}

#[test]
fn as_many_run_at_once_as_are_allowed_and_the_rest_wait() {
    let server = TestServer::start(&CRAWL);
    for name in ["a", "b", "c"] {
        server.house.write(name, &noise(LONG, 7));
    }
    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "TLS");
    stage.upload(&server, &["a", "b", "c"]);
    stage.wait_for_count("running", 2);
    assert_eq!(stage.count("waiting"), 1);
    stage.click("Cancel all");
    stage.wait_for_count("cancelled", 3);
}

#[test]
fn closing_the_window_while_something_runs_is_asked_about() {
    let server = TestServer::start(&CRAWL);
    server.house.write("long.bin", &noise(LONG, 8));
    let mut stage = Stage::new(&server.house);
    assert!(stage.may_close(), "nothing runs");
    stage.log_in(&server, "TLS");
    stage.upload(&server, &["long.bin"]);
    stage.wait_for("B/s");
    assert!(!stage.may_close());
    stage.wait_for("1 transfer is running");
    stage.click("Stay");
    assert!(!stage.sees("Close the window?"));
    assert!(!stage.may_close());
    stage.harness.get_by_label("Close anyway").click();
    let mut closes = false;
    for _ in 0..3 {
        stage.harness.step();
        closes |= stage.asked(&ViewportCommand::Close);
    }
    assert!(closes);
    assert!(stage.may_close(), "it was said to be sure");
}

#[test]
fn closing_a_window_that_does_not_draw_is_asked_about_too() {
    let server = TestServer::start(&CRAWL);
    server.house.write("long.bin", &noise(LONG, 8));
    let mut stage = Stage::new(&server.house);
    assert!(stage.may_close_unseen(), "nothing runs");
    stage.log_in(&server, "TLS");
    stage.upload(&server, &["long.bin"]);
    stage.wait_for("running");
    assert!(!stage.may_close_unseen());
    stage.wait_for("1 transfer is running");
    stage.click("Close anyway");
    assert!(stage.may_close_unseen(), "it was said to be sure");
}

#[test]
fn what_was_not_finished_is_offered_at_the_next_login_and_goes_on() {
    let server = stocked("down.bin", &noise(LONG, 9), &SLOW);
    let house = &server.house;

    house.write("up.bin", &noise(LONG, 10));
    let mut stage = Stage::new(house);
    stage.log_in(&server, "TLS");
    stage.upload(&server, &["up.bin"]);
    let back = stage.download(&server, "down.bin");
    stage.wait_for_count("running", 2);
    until("a beginning", || {
        std::fs::metadata(house.path("work/back/down.bin.part")).is_ok_and(|part| part.len() > 0)
    });
    drop(stage);
    assert!(server.log.wait_for_times("connection lost", 2));
    let remembered = std::fs::read_to_string(house.path("work/window.json")).unwrap();
    assert!(remembered.contains("down.bin") && remembered.contains("up.bin"));
    assert!(!remembered.contains(PASSWORD));

    let mut stage = Stage::new(house);
    stage.log_in(&server, "TLS");
    stage.wait_for("2 unfinished transfers from last time");
    stage.click("Go on with them");
    stage.wait_gone("unfinished");
    stage.until("two that went on", |harness| {
        harness
            .query_all_by_label_contains("were there already")
            .count()
            == 2
    });
    assert_eq!(std::fs::read(back).unwrap(), noise(LONG, 9));
    drop(stage);
    let remembered = std::fs::read_to_string(house.path("work/window.json")).unwrap();
    assert!(!remembered.contains("down.bin") && !remembered.contains("up.bin"));
}

#[test]
fn what_is_queued_is_written_down_while_the_window_is_open() {
    let server = TestServer::start(&SLOW);
    for name in ["one.bin", "two.bin"] {
        server.house.write(name, &noise(LONG, 8));
    }
    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "TLS");
    let path = server.house.path("work/window.json");
    for name in ["one.bin", "two.bin"] {
        stage.upload(&server, &[name]);
        stage.until(name, |_| {
            let written = std::fs::read_to_string(&path);
            written.is_ok_and(|settings| settings.contains(name))
        });
    }
}

#[test]
fn what_was_not_finished_is_offered_to_nobody_else_and_can_be_forgotten() {
    let server = TestServer::start(&CRAWL);
    let house = &server.house;
    house.write("up.bin", &noise(LONG, 11));
    let mut stage = Stage::new(house);
    stage.log_in(&server, "TLS");
    stage.upload(&server, &["up.bin"]);
    stage.wait_for("running");
    drop(stage);
    let mut stage = Stage::new(house);
    stage.aim(&server);
    stage.write("User", "bob");
    stage.write("Password", PASSWORD);
    stage.click("Log in");
    stage.wait_for("bob @ ");
    stage.wait_for("No transfers yet");
    assert!(!stage.sees("unfinished"));
    drop(stage);
    let mut stage = Stage::new(house);
    stage.log_in(&server, "TLS");
    stage.wait_for("1 unfinished transfer from last time");
    stage.click("Forget them");
    stage.wait_gone("unfinished");
    drop(stage);
    let mut stage = Stage::new(house);
    stage.log_in(&server, "TLS");
    stage.wait_for("No transfers yet");
    assert!(!stage.sees("unfinished"));
}

#[test]
fn ten_thousand_files_are_queued_and_only_those_in_sight_are_drawn() {
    let server = TestServer::start(&CRAWL);
    let house = &server.house;
    for n in 0..10_000 {
        house.write(&format!("many/{n:05}"), b"x");
    }
    house.write("long.bin", &noise(LONG, 12));
    house.write("long2.bin", &noise(LONG, 13));
    let mut stage = Stage::new(house);
    stage.log_in(&server, "TLS");
    // These two keep the others waiting.
    stage.upload(&server, &["long.bin", "long2.bin"]);
    stage.wait_for_count("running", 2);
    stage.drop_files(&[house.path("work/many")]);
    stage.wait_for("0 of 10002 done");
    let drawn = stage.count("waiting");
    assert!((1..100).contains(&drawn), "{drawn}");
    stage.click("Cancel all");
    stage.wait_for("10002 of 10002 done");
    stage.click("Clear finished");
    stage.wait_for("No transfers yet");
}

#[test]
fn where_no_file_dialog_comes_up_paths_are_typed() {
    let server = TestServer::start(&FAST);
    for (name, bytes) in [("one.txt", b"one"), ("two.txt", b"two")] {
        server.house.write(name, bytes);
    }
    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "TLS");
    stage.click("Upload files…");
    stage.wait_for("Paths of the files, one a line");
    let (one, two) = (
        server.house.arg("work/one.txt"),
        server.house.arg("work/two.txt"),
    );
    stage.write(
        "Paths of the files, one a line",
        &format!("{one}\n\n'{two}'\n"),
    );
    stage.click("Upload");
    stage.wait_for_count("done, 3 B", 2);
    assert!(has(&server, "two.txt", b"two"));
    stage.click("one.txt");
    stage.click("Download…");
    let back = server.house.arg("work/typed");
    stage.write("Folder to download into", &back);
    stage.harness.key_press(Key::Enter);
    stage.wait_for("⬇ one.txt");
    until("file", || {
        std::fs::read(server.house.path("work/typed/one.txt")).is_ok_and(|bytes| bytes == b"one")
    });
    stage.click("Download…");
    stage.wait_for("Folder to download into");
    stage.harness.key_press(Key::Escape);
    stage.wait_gone("Folder to download into");
}
