//! Files and folders dropped on the window.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{DroppedFile, HoveredFile};

use crate::stage::Stage;
use crate::support::{TestServer, Via};
use crate::transfers::FAST;

/// A file as a file manager drops it.
#[derive(Debug)]
struct FromDesktop(PathBuf);

impl DroppedFile for FromDesktop {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("the window reads files by their paths".into())
    }
}

impl Stage {
    /// Drops them on the window.
    pub(crate) fn drop_files(&mut self, paths: &[PathBuf]) {
        let input = self.harness.input_mut();
        for path in paths {
            input
                .dropped_files
                .push(Arc::new(FromDesktop(path.clone())));
        }
        self.harness.run_steps(2);
    }
}

#[test]
fn dropped_files_and_folders_go_up_and_what_has_no_name_there_is_told() {
    let server = TestServer::start(&FAST);
    let house = &server.house;
    for name in ["one.txt", "course/two.txt", "course/课/three.txt"] {
        house.write(name, name.as_bytes());
    }
    house.write("course/back\\slash", b"x");
    let mut stage = Stage::new(house);
    stage.log_in(&server, "TLS");
    stage.harness.input_mut().hovered_files = vec![HoveredFile::default()];
    stage.wait_for("Drop to upload into /");
    stage.harness.input_mut().hovered_files.clear();
    stage.drop_files(&[house.path("work/one.txt"), house.path("work/course")]);
    stage.wait_gone("Drop to upload into /");
    stage.wait_for("3 of 3 done");
    stage.wait_for("1 left out");
    stage.wait_for("is no name for a file on the server");
    let mut names = server.listed(Via::Tls);
    names.sort();
    assert_eq!(names, ["course/two.txt", "course/课/three.txt", "one.txt"]);
    stage.click("OK");
    stage.wait_gone("left out");
}

#[test]
fn what_is_dropped_before_the_login_is_kept_and_offered_after_it() {
    let server = TestServer::start(&FAST);
    let house = &server.house;
    house.write("early.txt", b"early");
    let mut stage = Stage::new(house);
    stage.aim(&server);
    stage.harness.input_mut().hovered_files = vec![HoveredFile::default()];
    stage.wait_for("Log in first");
    stage.harness.input_mut().hovered_files.clear();
    stage.drop_files(&[house.path("work/early.txt")]);
    stage.wait_for("Log in first: 1 file or folder");
    stage.log_in(&server, "TLS");
    assert!(server.listed(Via::Tls).is_empty(), "nobody said so yet");
    stage.click("Upload into /");
    stage.wait_for("1 of 1 done");
    assert_eq!(server.listed(Via::Tls), ["early.txt"]);
    assert!(!stage.sees("before the login"));
}

#[test]
fn what_is_dropped_goes_into_the_folder_that_is_shown() {
    let server = TestServer::start(&FAST);
    let house = &server.house;
    for name in ["early.txt", "late.txt", "docs/there.txt"] {
        house.write(name, b"x");
    }
    let there = ["put", "docs/there.txt", "--as", "docs/there.txt"];
    server.run(Via::Tls, "alice", &there).ok();
    let mut stage = Stage::new(house);
    for _ in 0..2 {
        stage.drop_files(&[house.path("work/early.txt")]);
    }
    stage.wait_for("Log in first: 1 file or folder");
    stage.log_in(&server, "TLS");
    stage.click("docs");
    stage.harness.key_press(egui::Key::Enter);
    stage.wait_for("there.txt");
    stage.harness.input_mut().hovered_files = vec![HoveredFile::default()];
    stage.wait_for("Drop to upload into /docs/");
    stage.harness.input_mut().hovered_files.clear();
    stage.drop_files(&[house.path("work/late.txt")]);
    stage.wait_for("1 of 1 done");
    stage.click("Upload into /docs/");
    stage.wait_for("2 of 2 done");
    let expected = ["docs/early.txt", "docs/late.txt", "docs/there.txt"];
    assert_eq!(server.listed(Via::Tls), expected);
}

#[test]
fn what_was_dropped_without_a_session_can_be_forgotten_before_and_after_the_login() {
    let server = TestServer::start(&FAST);
    let house = &server.house;
    house.write("early.txt", b"early");
    let mut stage = Stage::new(house);
    stage.drop_files(&[house.path("work/early.txt")]);
    stage.click("Forget them");
    stage.wait_gone("Log in first");
    stage.drop_files(&[house.path("work/early.txt")]);
    stage.log_in(&server, "TLS");
    stage.wait_for("1 file or folder dropped before the login");
    stage.click("Forget them");
    stage.wait_gone("before the login");
    stage.wait_for("No transfers yet");
    assert!(server.listed(Via::Tls).is_empty());
}
