//! What the list knows, without drawing it.

use std::sync::Arc;

use super::sample::{listing, shown};
use super::*;
use crate::error::Kind;
use crate::gui::action::Cx;
use crate::lang::both;

pub(super) fn files(names: &[&str]) -> Files {
    let mut files = Files::new(&Settings::default());
    files.enter();
    files.update(list(names));
    files
}

pub(super) fn list(names: &[&str]) -> Arc<Listing> {
    let names: Vec<_> = names.iter().map(|name| (*name, "alice", 1, 1)).collect();
    Arc::new(listing(&names))
}

fn told(kind: Kind) -> Told {
    Told {
        kind,
        message: both("oh", "哦"),
        hint: both("", ""),
        causes: Vec::new(),
    }
}

fn selected(files: &Files) -> Vec<&str> {
    files.selection.paths().iter().map(String::as_str).collect()
}

fn rows(files: &Files) -> Vec<String> {
    shown(&files.all, files.rows())
}

fn wanted(files: &Files) -> Vec<String> {
    let wanted = files.selected();
    wanted
        .iter()
        .map(|wanted| wanted.path.to_string())
        .collect()
}

#[test]
fn clicks_select_one_or_toggle_or_select_ranges() {
    let mut files = files(&["a", "b", "c", "d", "e"]);
    files.select(1, How::Only);
    files.select(3, How::Range);
    assert_eq!(selected(&files), ["b", "c", "d"]);
    files.select(0, How::Range);
    assert_eq!(selected(&files), ["a", "b"], "from the same beginning");
    files.select(4, How::Toggle);
    assert_eq!(selected(&files), ["a", "b", "e"]);
    files.select(3, How::MoreRange);
    assert_eq!(selected(&files), ["a", "b", "d", "e"]);
    files.select(0, How::Toggle);
    assert_eq!(selected(&files), ["b", "d", "e"]);
    files.select(2, How::Only);
    assert_eq!(selected(&files), ["c"]);
    files.select(9, How::Only);
    assert_eq!(selected(&files), ["c"], "there is no such row");
    files.select_all();
    assert_eq!(selected(&files).len(), 5);
}

#[test]
fn the_cursor_moves_by_rows_and_pages_and_stops_at_the_ends() {
    let mut files = files(&["a", "b", "c", "d", "e"]);
    for (step, at) in [
        (Step::Down, 0),
        (Step::Down, 1),
        (Step::PageDown, 4),
        (Step::Down, 4),
        (Step::Up, 3),
        (Step::PageUp, 0),
        (Step::Up, 0),
        (Step::End, 4),
        (Step::Home, 0),
    ] {
        files.step(step, 3, How::Only);
        assert_eq!(files.cursor(), Some(at), "{step:?}");
    }
    files.step(Step::Down, 3, How::Range);
    files.step(Step::Down, 3, How::Range);
    assert_eq!(selected(&files), ["a", "b", "c"]);
    files.step(Step::Up, 3, How::Range);
    assert_eq!(selected(&files), ["a", "b"]);
    files.step(Step::End, 3, How::Not);
    assert_eq!(selected(&files), ["a", "b"], "only the cursor moved");
    Files::default().step(Step::Down, 3, How::Only);
}

#[test]
fn a_new_listing_keeps_what_is_selected_by_name_and_forgets_what_is_gone() {
    let mut files = files(&["b", "c", "d"]);
    files.select(0, How::Only);
    files.select(2, How::Toggle);
    files.update(list(&["a", "b", "c"]));
    assert_eq!(selected(&files), ["b"]);
    assert_eq!(files.cursor(), Some(2), "where it was, since d is gone");
    files.select(1, How::Only);
    files.update(list(&["0", "1", "b"]));
    assert_eq!((selected(&files), files.cursor()), (vec!["b"], Some(2)));
}

#[test]
fn what_is_not_shown_is_not_selected() {
    let mut files = files(&["a.txt", "b.txt", "b.pdf"]);
    files.select_all();
    files.set_filter("PDF");
    assert_eq!(selected(&files), ["b.pdf"]);
    files.set_filter("");
    assert_eq!(selected(&files), ["b.pdf"]);
    files.open("x/".to_owned());
    assert!(selected(&files).is_empty());
}

#[test]
fn another_folder_and_another_filter_are_shown_whole_and_from_the_top() {
    let mut files = files(&["a/b", "a/c", "d"]);
    files.set_filter("b");
    assert_eq!(rows(&files), ["a/b"]);
    assert_eq!(files.layout.scroll.take(), Some(0.0));
    files.open("a/".to_owned());
    assert_eq!(rows(&files), ["a/b", "a/c"]);
}

#[test]
fn what_is_seen_stays_in_place_when_a_new_listing_has_more_before_it() {
    let mut files = files(&["b", "c", "d"]);
    files.layout.scrolled = layout::height(1);
    files.update(list(&["a", "aa", "b", "c", "d"]));
    assert_eq!(files.layout.scroll, Some(layout::height(3)));
}

#[test]
fn what_is_shown_and_what_is_selected_is_counted_with_what_is_in_folders() {
    let mut files = Files::new(&Settings::default());
    files.update(Arc::new(listing(&[
        ("a/x", "u", 10, 1),
        ("a/y", "u", 20, 1),
        ("b", "u", 4, 1),
    ])));
    assert_eq!(files.shown, (1, 1, 34));
    files.select(0, How::Only);
    assert_eq!(files.tally(), (2, 30));
    files.select(1, How::Toggle);
    assert_eq!(files.tally(), (3, 34));
    files.update(list(&["b"]));
    assert_eq!(files.tally(), (1, 1));
}

#[test]
fn all_that_is_selected_is_to_be_deleted_however_few_names_the_question_shows() {
    let names: Vec<String> = (10..40).map(|n| n.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut files = files(&names);
    files.select_all();
    files.ask_delete();
    let Some(Dialog::Delete(delete)) = &files.dialog else {
        panic!("no dialog")
    };
    let asked: Vec<&str> = delete.names.iter().map(FileName::as_str).collect();
    assert_eq!(asked, names);
}

#[test]
fn each_deletion_that_is_told_of_is_one_less_to_go() {
    let mut files = files(&["a", "b"]);
    files.deleting = 2;
    let deleted = |name: &str| Deed::Deleted(name.parse().unwrap());
    files.done(&deleted("a"));
    assert_eq!(files.deleting, 1);
    files.refused(&deleted("b"), &told(Kind::Forbidden));
    assert_eq!(files.deleting, 0);
    files.deleting = 3;
    files.lost(&told(Kind::Connect));
    assert_eq!(files.deleting, 0, "nobody will tell of them");
}

#[test]
fn connecting_again_does_not_take_the_focus_from_who_is_typing() {
    let mut files = Files::default();
    files.enter();
    assert!(files.arrived);
    files.update(list(&["a"]));
    files.lost(&told(Kind::Connect));
    files.enter();
    assert!(files.online && !files.arrived);
}

#[test]
fn folders_open_and_going_up_selects_the_one_left() {
    let mut files = files(&["a/b/c", "a/d", "e"]);
    files.open("a/b/".to_owned());
    assert_eq!(rows(&files), ["a/b/c"]);
    files.up();
    assert_eq!((files.folder(), selected(&files)), ("a/", vec!["a/b/"]));
    files.up();
    assert_eq!((files.folder(), selected(&files)), ("", vec!["a/"]));
    files.up();
    assert_eq!(files.folder(), "");
}

#[test]
fn selected_files_come_with_their_path_below_the_folder_shown() {
    let mut files = files(&["a/b/c", "a/b/d", "a/e", "f"]);
    files.open("a/".to_owned());
    files.select_all();
    assert_eq!(wanted(&files), ["b/c", "b/d", "e"]);
    files.set_filter("d");
    files.select_all();
    assert_eq!(wanted(&files), ["b/d"]);
    // A folder and a file in it, both selected: the file comes once.
    files.set_filter("b");
    files.set_filter("b/");
    files.select_all();
    assert_eq!(wanted(&files), ["b/c", "b/d"]);
}

#[test]
fn names_copied_with_digests_are_lines_that_sha256sum_checks() {
    let mut files = files(&["a", "b"]);
    let digest = crate::protocol::Sha256::of(b"").to_string();
    files.select(0, How::Only);
    assert_eq!(files.digests(), digest);
    files.select_all();
    assert_eq!(files.digests(), format!("{digest}  a\n{digest}  b\n"));
}

#[test]
fn a_new_name_is_told_to_be_wrong_before_it_is_sent() {
    let mut files = files(&["a/b", "a/c", "d"]);
    files.open("a/".to_owned());
    let pairs = |text| {
        let (to, pairs) = files.renames("a/b", text).unwrap().unwrap();
        assert_eq!(pairs.len(), 1);
        assert_eq!(pairs[0].0.as_str(), "a/b");
        assert_eq!(pairs[0].1.as_str(), to);
        to
    };
    assert_eq!(pairs("x"), "a/x");
    assert_eq!(pairs("deep/x"), "a/deep/x");
    assert_eq!(pairs("/x"), "x");
    assert_eq!(pairs(" x "), "a/x", "what stands around it is not meant");
    assert_eq!(files.renames("a/b", "b").unwrap(), None, "the name it has");
    for (text, why) in [
        ("c", "already"),
        ("/d", "already"),
        ("", "slash"),
        ("..", ".."),
        ("x//y", "slash"),
        ("x\\y", "backslash"),
    ] {
        let trouble = files.renames("a/b", text).unwrap_err();
        assert!(trouble.en.contains(why), "{text}: {trouble:?}");
    }
    assert!(files.renames("a/gone", "x").is_err());
}

#[test]
fn a_folder_is_renamed_by_renaming_all_in_it_but_not_into_itself_or_onto_files() {
    let files = files(&["a/b", "a/c/d", "x/b"]);
    let (to, pairs) = files.renames("a/", "y").unwrap().unwrap();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(from, to)| (from.as_str(), to.as_str()))
        .collect();
    assert_eq!(to, "y/");
    assert_eq!(pairs, [("a/b", "y/b"), ("a/c/d", "y/c/d")]);
    assert!(files.renames("a/", "a/inside").is_err());
    assert!(files.renames("a/", "x").is_err(), "x/b is taken");
    assert_eq!(files.renames("a/", "a/").unwrap(), None);
}

#[test]
fn a_rename_that_is_refused_keeps_its_dialog_and_one_that_is_done_keeps_the_selection() {
    let told = told(Kind::Exists);
    let deed = || Deed::Renamed("a".parse().unwrap(), "b".parse().unwrap());
    let mut files = files(&["a"]);
    files.select(0, How::Only);
    files.ask_rename();
    let Some(Dialog::Rename(rename)) = &mut files.dialog else {
        panic!("no dialog")
    };
    rename.begin("b".to_owned(), 1);
    files.refused(&deed(), &told);
    assert!(files.dialog.is_some() && files.notice.is_none());
    let Some(Dialog::Rename(rename)) = &mut files.dialog else {
        panic!("no dialog")
    };
    rename.begin("b".to_owned(), 1);
    files.done(&deed());
    assert!(files.dialog.is_none());
    files.update(list(&["b"]));
    assert_eq!((selected(&files), files.cursor()), (vec!["b"], Some(0)));
    files.refused(&deed(), &told);
    assert!(
        files.notice.is_some(),
        "without a dialog the line above says it"
    );
}

#[test]
fn nothing_is_asked_of_a_server_that_is_gone() {
    let mut files = files(&["a"]);
    files.select(0, How::Only);
    files.ask_rename();
    let Some(Dialog::Rename(rename)) = &mut files.dialog else {
        panic!("no dialog")
    };
    rename.begin("b".to_owned(), 1);
    files.lost(&told(Kind::Connect));
    let Some(Dialog::Rename(rename)) = files.dialog.take() else {
        panic!("no dialog")
    };
    assert!(rename.renamed().is_none(), "it does not wait for an answer");
    let mut actions = Vec::new();
    let mut cx = Cx {
        lang: crate::lang::Lang::English,
        actions: &mut actions,
    };
    files.ask_delete();
    files.ask_rename();
    files.download(&mut cx);
    assert!(files.dialog.is_none() && actions.is_empty());
    files.ask_details();
    assert!(files.dialog.is_some());
}

/// By hand, in a release build: `cargo test --release --features gui-tests --lib how_long -- --ignored
/// --nocapture`.
#[test]
#[ignore = "measures, and proves nothing"]
fn how_long_a_long_list_takes() {
    for count in [10_000, 100_000] {
        for (kind, folders) in [("flat", 1), ("in 100 folders", 100)] {
            let names: Vec<String> = (0..count)
                .map(|n| match folders {
                    1 => format!("lecture-{n}.pdf"),
                    _ => format!("week-{}/lecture-{n}.pdf", n % folders),
                })
                .collect();
            let rows: Vec<_> = names.iter().map(|n| (n.as_str(), "alice", 1, 1)).collect();
            let all = Arc::new(listing(&rows));
            let mut files = Files::new(&Settings::default());
            let time = |what: &str, files: &mut Files, act: &dyn Fn(&mut Files)| {
                let mut best = f64::INFINITY;
                for _ in 0..5 {
                    let began = std::time::Instant::now();
                    act(files);
                    best = best.min(began.elapsed().as_secs_f64() * 1e3);
                }
                eprintln!("{count:>7} {kind:<15} {what:<12} {best:>8.2} ms");
            };
            time("update", &mut files, &|files| {
                files.update(Arc::clone(&all));
            });
            time("filter 9", &mut files, &|files| files.set_filter("9"));
            time("filter x", &mut files, &|files| files.set_filter("nothing"));
            files.set_filter("");
            time("sort by size", &mut files, &|files| {
                files.sort_by(Column::Size);
            });
            time("sort by name", &mut files, &|files| {
                files.sort_by(Column::Name);
            });
            time("select all", &mut files, &Files::select_all);
            time("update, all", &mut files, &|files| {
                files.update(Arc::clone(&all));
            });
        }
    }
}
