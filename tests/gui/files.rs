//! The list of files: sorted, filtered, walked through, renamed, deleted.

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use sealpost::gui::theme;

use crate::stage::Stage;
use crate::support::{TestServer, Via};

/// A server with files of `user`, each as large as said.
fn server(files: &[(&str, &str, usize)]) -> TestServer {
    let server = TestServer::start(&["--client-auth", "none"]);
    for (user, name, size) in files {
        server.house.write("file", &vec![b'x'; *size]);
        put(&server, user, name);
    }
    server
}

fn put(server: &TestServer, user: &str, name: &str) {
    let to = ["put", "file", "--as", name];
    server.run(Via::Tls, user, &to).ok();
}

/// A window that is logged in as alice and shows `name`.
fn logged_in(server: &TestServer, name: &str) -> Stage {
    let mut stage = Stage::new(&server.house);
    stage.log_in(server, "TLS");
    stage.until(name, |harness| harness.query_by_label(name).is_some());
    stage
}

impl Stage {
    /// The names in the rows that are drawn, from top to bottom.
    fn rows(&self) -> Vec<String> {
        let rows = self
            .harness
            .query_all_by_role(egui::accesskit::Role::ListBoxOption);
        let rows = rows.map(|row| (row.rect().top(), row.accesskit_node().label()));
        let mut rows: Vec<_> = rows
            .map(|(y, name)| (y, name.unwrap_or_default()))
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        rows.into_iter().map(|(_, name)| name).collect()
    }

    /// The names of the rows that are selected.
    fn selected(&self) -> Vec<String> {
        let rows = self
            .harness
            .query_all_by_role(egui::accesskit::Role::ListBoxOption);
        let selected = rows.filter(|row| row.accesskit_node().is_selected() == Some(true));
        let mut names: Vec<_> = selected
            .map(|row| row.accesskit_node().label().unwrap_or_default())
            .collect();
        names.sort();
        names
    }

    fn press(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run_steps(3);
    }

    fn click_with(&mut self, modifiers: Modifiers, row: &str) {
        self.harness.get_by_label(row).click_modifiers(modifiers);
        self.harness.run_steps(3);
    }

    fn right_click(&mut self, row: &str) {
        let pos = self.harness.get_by_label(row).rect().center();
        self.click_at(pos, egui::PointerButton::Secondary, 1);
    }

    fn double_click(&mut self, row: &str) {
        let pos = self.harness.get_by_label(row).rect().center();
        self.click_at(pos, egui::PointerButton::Primary, 2);
    }

    /// What lands on the clipboard within the next frames.
    fn copied(&mut self) -> Option<String> {
        (0..8).find_map(|_| {
            self.harness.step();
            let commands = &self.harness.output().platform_output.commands;
            commands.iter().find_map(|command| match command {
                egui::OutputCommand::CopyText(text) => Some(text.clone()),
                _ => None,
            })
        })
    }
}

#[test]
fn a_click_on_a_column_sorts_by_it_and_the_order_is_remembered() {
    let server = server(&[
        ("alice", "b10.txt", 1),
        ("bob", "b9.txt", 2),
        ("alice", "a.txt", 3),
    ]);
    let mut stage = logged_in(&server, "a.txt");
    assert_eq!(stage.rows(), ["a.txt", "b9.txt", "b10.txt"]);
    stage.click("Size");
    assert_eq!(stage.rows(), ["b10.txt", "b9.txt", "a.txt"]);
    stage.click("Size");
    assert_eq!(stage.rows(), ["a.txt", "b9.txt", "b10.txt"]);
    stage.click("Uploaded by");
    assert_eq!(stage.rows(), ["a.txt", "b10.txt", "b9.txt"]);
    drop(stage);
    let stage = logged_in(&server, "a.txt");
    assert_eq!(stage.rows(), ["a.txt", "b10.txt", "b9.txt"]);
}

#[test]
fn the_filter_finds_names_in_folders_too_and_says_when_there_are_none() {
    let server = server(&[
        ("alice", "Notes.txt", 1),
        ("alice", "docs/old/notes.md", 2),
        ("alice", "docs/other", 3),
    ]);
    let mut stage = logged_in(&server, "Notes.txt");
    assert_eq!(stage.rows(), ["docs", "Notes.txt"]);
    stage.press(Modifiers::COMMAND, Key::F);
    stage.harness.event(egui::Event::Text("notes".to_owned()));
    stage.harness.run_steps(3);
    assert_eq!(stage.rows(), ["docs/old/notes.md", "Notes.txt"]);
    stage.write("Filter", "nowhere");
    assert!(stage.sees("Nothing matches the filter"));
    stage.press(Modifiers::NONE, Key::Escape);
    assert_eq!(stage.rows(), ["docs", "Notes.txt"]);
}

#[test]
fn folders_open_by_double_click_and_enter_and_close_by_backspace_and_their_path() {
    let server = server(&[("alice", "docs/deep/c.txt", 1), ("alice", "docs/b.txt", 2)]);
    let mut stage = logged_in(&server, "docs");
    stage.double_click("docs");
    assert_eq!(stage.rows(), ["deep", "b.txt"]);
    stage.click("deep");
    stage.press(Modifiers::NONE, Key::Enter);
    assert_eq!(stage.rows(), ["c.txt"]);
    stage.press(Modifiers::NONE, Key::Backspace);
    assert_eq!(
        (stage.rows(), stage.selected()),
        (
            vec!["deep".to_owned(), "b.txt".to_owned()],
            vec!["deep".to_owned()],
        )
    );
    stage.press(Modifiers::NONE, Key::Enter);
    stage.click("All files");
    assert_eq!(stage.rows(), ["docs"]);
}

#[test]
fn exactly_what_is_selected_is_deleted_and_only_after_a_question() {
    let server = server(&[
        ("alice", "a", 1),
        ("alice", "b", 2),
        ("alice", "c", 3),
        ("alice", "folder/d", 4),
        ("alice", "e", 5),
    ]);
    let mut stage = logged_in(&server, "folder");
    stage.click("a");
    stage.click_with(Modifiers::COMMAND, "c");
    stage.click_with(Modifiers::COMMAND, "folder");
    assert_eq!(stage.selected(), ["a", "c", "folder"]);
    stage.press(Modifiers::NONE, Key::Delete);
    assert!(stage.sees("Delete 3 files?") && stage.sees("• folder/d"));
    stage.click("Cancel");
    assert!(!stage.sees("Delete 3 files?"));
    // What is ordered later is done later: by now nothing else was ordered.
    put(&server, "alice", "last");
    stage.press(Modifiers::NONE, Key::F5);
    stage.wait_for("last");
    assert_eq!(stage.rows(), ["folder", "a", "b", "c", "e", "last"]);
    stage.press(Modifiers::NONE, Key::Delete);
    stage.wait_for("Delete 3 files?");
    stage.press(Modifiers::NONE, Key::Enter);
    stage.until("end of the folder", |harness| {
        harness.query_by_label("folder").is_none()
    });
    assert_eq!(stage.rows(), ["b", "e", "last"]);
    assert_eq!(server.listed(Via::Tls), ["b", "e", "last"]);
}

#[test]
fn what_the_server_forbids_is_said_above_the_list_until_dismissed_in_both_languages() {
    let server = server(&[("alice", "mine", 1), ("bob", "x", 2), ("bob", "y", 3)]);
    let mut stage = logged_in(&server, "mine");
    stage.press(Modifiers::COMMAND, Key::A);
    stage.press(Modifiers::NONE, Key::Delete);
    stage.click("Delete");
    stage.wait_for("2 files were not deleted: only who uploaded it");
    stage.wait_gone("mine");
    assert_eq!(stage.rows(), ["x", "y"]);
    stage.click("中文");
    stage.wait_for("2 个文件未删除");
    stage.click("知道了");
    assert!(!stage.sees("未删除"));
}

#[test]
fn a_rename_moves_a_file_and_a_taken_name_is_told_where_it_was_typed() {
    let server = server(&[("alice", "old.txt", 1), ("alice", "taken", 2)]);
    let mut stage = logged_in(&server, "old.txt");
    stage.click("old.txt");
    stage.press(Modifiers::NONE, Key::F2);
    stage.write("New name", "taken");
    stage.click("Rename");
    assert!(stage.sees("there is a file of that name already"));
    // Somebody takes a name that the list does not know of yet: the server says so.
    put(&server, "alice", "folder/new.txt");
    stage.write("New name", "folder/new.txt");
    stage.press(Modifiers::NONE, Key::Enter);
    stage.wait_for("there is a file of that name already");
    stage.write("New name", "folder/newer.txt");
    stage.press(Modifiers::NONE, Key::Enter);
    stage.wait_gone("New name");
    stage.wait_gone("old.txt");
    assert_eq!(
        server.listed(Via::Tls),
        ["folder/new.txt", "folder/newer.txt", "taken"]
    );
}

#[test]
fn typing_a_new_name_replaces_the_stem_and_leaves_the_extension() {
    let server = server(&[("alice", "old.txt", 1)]);
    let mut stage = logged_in(&server, "old.txt");
    stage.click("old.txt");
    stage.press(Modifiers::NONE, Key::F2);
    stage.harness.run_steps(2);
    stage.harness.event(egui::Event::Text("new".to_owned()));
    stage.harness.run_steps(2);
    stage.press(Modifiers::NONE, Key::Enter);
    stage.wait_for("new.txt");
    stage.wait_gone("old.txt");
    assert_eq!(server.listed(Via::Tls), ["new.txt"]);
    assert_eq!(stage.selected(), ["new.txt"]);
}

#[test]
fn a_folder_is_renamed_with_all_that_is_in_it() {
    let server = server(&[
        ("alice", "a/b", 1),
        ("alice", "a/c/d", 2),
        ("alice", "e", 3),
    ]);
    let mut stage = logged_in(&server, "e");
    stage.click("a");
    stage.press(Modifiers::NONE, Key::F2);
    stage.write("New name", "z");
    stage.press(Modifiers::NONE, Key::Enter);
    stage.wait_gone("New name");
    stage.wait_for("z");
    assert_eq!(server.listed(Via::Tls), ["e", "z/b", "z/c/d"]);
}

#[test]
fn a_folder_whose_first_file_may_not_be_renamed_stays_as_it_is() {
    let server = server(&[("bob", "a/1", 1), ("alice", "a/2", 2)]);
    let mut stage = logged_in(&server, "a");
    stage.click("a");
    stage.press(Modifiers::NONE, Key::F2);
    stage.write("New name", "z");
    stage.press(Modifiers::NONE, Key::Enter);
    stage.wait_for("only who uploaded it");
    stage.click("Cancel");
    // Another order is carried out behind it.
    put(&server, "alice", "last");
    stage.press(Modifiers::NONE, Key::F5);
    stage.wait_for("last");
    assert_eq!(server.listed(Via::Tls), ["a/1", "a/2", "last"]);
}

#[test]
fn a_right_click_on_one_of_several_keeps_all_and_their_names_are_copied() {
    let server = server(&[("alice", "a", 1), ("alice", "b", 2), ("alice", "c", 3)]);
    let mut stage = logged_in(&server, "c");
    stage.click("a");
    stage.click_with(Modifiers::SHIFT, "b");
    stage.right_click("b");
    assert_eq!(stage.selected(), ["a", "b"]);
    stage.harness.get_by_label("Copy name").click();
    assert_eq!(stage.copied().as_deref(), Some("a\nb"));
}

#[test]
fn the_width_of_a_column_is_dragged_and_remembered() {
    let server = server(&[("alice", "a", 1)]);
    let mut stage = logged_in(&server, "a");
    let edge = |stage: &Stage| stage.harness.get_by_label("Uploaded by").rect().left();
    let before = edge(&stage);
    let at = egui::pos2(
        before - 4.0,
        stage.harness.get_by_label("Size").rect().center().y,
    );
    stage.harness.hover_at(at);
    stage.harness.run_steps(2);
    stage.harness.drag_at(at);
    stage.harness.run_steps(2);
    stage.harness.hover_at(at - egui::vec2(60.0, 0.0));
    stage.harness.run_steps(2);
    stage.harness.drop_at(at - egui::vec2(60.0, 0.0));
    stage.harness.run_steps(3);
    let after = edge(&stage);
    assert!((before - after - 60.0).abs() < 2.0, "{before} {after}");
    drop(stage);
    let stage = logged_in(&server, "a");
    assert!((edge(&stage) - after).abs() < 1.0);
}

#[test]
fn the_menu_of_a_row_copies_its_digest_and_shows_its_details() {
    let server = server(&[("alice", "a", 1), ("alice", "b", 2)]);
    let digest = crate::support::digest(b"xx");
    let mut stage = logged_in(&server, "b");
    stage.click("a");
    stage.right_click("b");
    assert_eq!(stage.selected(), ["b"]);
    // Another right click takes the menu along; the row above is not covered by it.
    stage.right_click("a");
    assert_eq!(stage.selected(), ["a"]);
    assert!(stage.sees("Copy digest"));
    stage.press(Modifiers::NONE, Key::Escape);
    stage.right_click("b");
    stage.harness.get_by_label("Copy digest (SHA-256)").click();
    assert_eq!(stage.copied().as_deref(), Some(digest.as_str()));
    stage.harness.run_steps(3);
    stage.right_click("b");
    let details = stage.harness.query_all_by_label("Details…").last().unwrap();
    details.click();
    stage.harness.run_steps(3);
    assert!(stage.sees(&digest) && stage.sees("SHA-256"));
    stage.press(Modifiers::NONE, Key::Escape);
    assert!(!stage.sees(&digest));
}

#[test]
fn keys_select_rows_and_leave_them_alone_while_something_is_typed() {
    let server = server(&[("alice", "a", 1), ("alice", "b", 2), ("alice", "c", 3)]);
    let mut stage = logged_in(&server, "a");
    stage.press(Modifiers::NONE, Key::ArrowDown);
    stage.press(Modifiers::SHIFT, Key::ArrowDown);
    assert_eq!(stage.selected(), ["a", "b"]);
    stage.press(Modifiers::NONE, Key::End);
    assert_eq!(stage.selected(), ["c"]);
    stage.press(Modifiers::COMMAND, Key::A);
    assert_eq!(stage.selected(), ["a", "b", "c"]);
    stage.click("b");
    stage.press(Modifiers::COMMAND, Key::F);
    stage.press(Modifiers::NONE, Key::Delete);
    stage.press(Modifiers::COMMAND, Key::A);
    stage.press(Modifiers::NONE, Key::F2);
    assert_eq!(stage.selected(), ["b"]);
    assert!(!stage.sees("Delete 1 file?") && !stage.sees("New name"));
    // Behind a dialog they do nothing either.
    stage.press(Modifiers::NONE, Key::Escape);
    assert!(stage.sees("a"));
    stage.press(Modifiers::NONE, Key::Delete);
    stage.wait_for("Delete 1 file?");
    stage.press(Modifiers::NONE, Key::ArrowDown);
    stage.press(Modifiers::NONE, Key::Escape);
    assert_eq!(stage.selected(), ["b"]);
}

#[test]
fn the_list_refreshes_by_key_and_by_itself_and_keeps_what_is_selected() {
    let server = server(&[("alice", "b", 1)]);
    let mut stage = logged_in(&server, "b");
    stage.click("b");
    put(&server, "bob", "a");
    stage.press(Modifiers::NONE, Key::F5);
    stage.until("row a", |harness| harness.query_by_label("a").is_some());
    assert_eq!(
        (stage.rows().len(), stage.selected()),
        (2, vec!["b".to_owned()])
    );
    put(&server, "bob", "by-itself");
    stage.wait_for("by-itself");
    assert_eq!(stage.selected(), ["b"]);
}

#[test]
fn a_download_of_a_folder_keeps_what_is_below_it_in_folders() {
    let server = server(&[("alice", "top/a/b", 1), ("alice", "top/c", 2)]);
    let mut stage = logged_in(&server, "top");
    let to = server.house.path("work/to");
    *stage.desktop.answer.lock().unwrap() = vec![to.clone()];
    stage.double_click("top");
    stage.press(Modifiers::COMMAND, Key::A);
    stage.click("Download…");
    stage.until("both files", |_| {
        to.join("a/b").exists() && to.join("c").exists()
    });
}

#[test]
fn of_ten_thousand_rows_only_those_seen_are_drawn() {
    let mut server = server(&[("alice", "file-0", 1)]);
    server.kill();
    // Uploading so many would take minutes: the index is told of them, all with the one blob there is.
    let index = server.house.path("data/files.csv");
    let text = std::fs::read_to_string(&index).unwrap();
    let row = text.lines().find(|row| row.contains("file-0")).unwrap();
    let more = (1..10_000).map(|n| row.replace("file-0", &format!("file-{n}")) + "\n");
    std::fs::write(&index, text.clone() + &more.collect::<String>()).unwrap();
    let server = TestServer::start_in(&server.house, &["--client-auth", "none"]);
    let mut stage = logged_in(&server, "file-0");
    stage.harness.run_steps(3);
    let rows = stage.rows();
    assert!(rows.len() < 60, "{} rows drawn", rows.len());
    assert_eq!(rows[0], "file-0");
    stage.press(Modifiers::NONE, Key::End);
    assert_eq!(stage.rows().last().unwrap(), "file-9999");
    stage.press(Modifiers::NONE, Key::Home);
    assert_eq!(stage.rows()[0], "file-0");
}

#[test]
fn however_low_the_window_is_nothing_covers_the_rows_and_the_panels_fold_away() {
    let names: Vec<String> = (10..30).map(|number| format!("f{number}")).collect();
    let files: Vec<_> = names
        .iter()
        .map(|name| ("alice", name.as_str(), 1))
        .collect();
    let server = server(&files);
    let mut stage = logged_in(&server, "f10");
    let list = |stage: &Stage| {
        let list = egui::accesskit::Role::ListBox;
        stage.harness.get_by_role(list).rect()
    };
    let mut lows = 0;
    for height in (300..=700_u16).step_by(20) {
        let size = egui::Vec2::new(800.0, f32::from(height));
        stage.harness.set_size(size);
        stage.harness.run_steps(4);
        let list = list(&stage);
        let option = egui::accesskit::Role::ListBoxOption;
        for row in stage.harness.query_all_by_role(option) {
            // One more than is seen is made.
            let end = list.bottom() + theme::ROW;
            assert!(row.rect().top() < end, "{height}: {row:?}");
        }
        let footer = stage.harness.query_by_label_contains("20 files,");
        lows += usize::from(footer.is_none());
        if let Some(footer) = footer {
            assert!(footer.rect().top() >= list.bottom(), "{height}");
        }
    }
    assert!((1..20).contains(&lows), "{lows}");
    let before = list(&stage).height();
    stage.click("Fold the panels away");
    stage.wait_gone("Clear finished");
    assert!(list(&stage).height() > before + 100.0);
    stage.click("Log");
    stage.wait_for("Copy the log");
    stage.click("Fold the panels away");
    stage.click("Certificate…");
    stage.wait_for("The server has proved");
    stage.click("Fold the panels away");
    stage.click("Unfold the panels");
    stage.wait_for("The server has proved");
}
