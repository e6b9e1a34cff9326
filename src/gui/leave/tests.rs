//! What is written down of transfers, when, and for whom; and when closing is asked about.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use egui::{Event, RawInput, ViewportEvent, ViewportId};

use super::*;
use crate::gui::engine::session::sample::connected;
use crate::gui::engine::transfers::sample::{download, finished, target, told, transfer, upload};
use crate::gui::engine::transfers::{Id as Number, State};

/// An upload of `path` that an earlier window left.
fn left(host: &str, port: u16, user: &str, path: &str) -> Unfinished {
    Unfinished {
        host: host.into(),
        port,
        user: user.into(),
        upload: true,
        path: path.into(),
        name: "a".parse().unwrap(),
    }
}

fn waiting(id: Number, job: Job, target: &SharedTarget) -> Transfer {
    transfer(id, job, target, State::Waiting)
}

#[test]
fn what_comes_is_written_soon_and_that_something_is_over_later() {
    let mut leave = Leave::default();
    let now = Instant::now();
    let ms = Duration::from_millis;
    assert_eq!(leave.rests(now), None);
    leave.went(now);
    assert!(!leave.is_due(now + ms(4_999)));
    assert!(leave.is_due(now + ms(5_000)) && !leave.is_due(now + ms(9_999)));
    leave.went(now);
    leave.came(now);
    // Not put off by what comes after it.
    leave.came(now + ms(200));
    leave.went(now + ms(200));
    assert_eq!(leave.rests(now), Some(ms(250)));
    assert!(!leave.is_due(now + ms(249)) && leave.is_due(now + ms(250)));
    assert_eq!(leave.rests(now), None);
}

#[test]
fn what_an_earlier_window_left_goes_on_at_that_server_and_for_that_user_alone() {
    let here = target("localhost", 1);
    let others = [
        left("elsewhere", 1, "alice", "/1"),
        left("localhost", 2, "alice", "/2"),
        left("localhost", 1, "bob", "/3"),
    ];
    let mut all = others.to_vec();
    // Begun twice, it goes on once.
    all.extend([
        left("localhost", 1, "alice", "/4"),
        left("localhost", 1, "alice", "/4"),
    ]);
    let mut leave = Leave::new(all);
    assert!(leave.resume(&here).is_empty(), "nobody is logged in");
    let _owned = leave.enter(&connected(&here, "alice"));
    let new = leave.resume(&here);
    assert_eq!(new.len(), 1);
    assert_eq!(new[0].job.path(), Path::new("/4"));
    assert!(Arc::ptr_eq(&new[0].target, &here));
    assert!(leave.resume(&here).is_empty(), "they were taken");
    assert_eq!(leave.unfinished([].iter()), others);
    let now = Instant::now();
    assert!(leave.is_due(now), "that is to be written at once");
}

#[test]
fn what_goes_up_again_has_its_size_before_it_begins() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    std::fs::File::create(&path).unwrap().set_len(7).unwrap();
    let here = target("localhost", 1);
    let path = path.to_str().unwrap();
    let download = Unfinished {
        upload: false,
        ..left("localhost", 1, "alice", path)
    };
    let mut leave = Leave::new(vec![left("localhost", 1, "alice", path), download]);
    let _owned = leave.enter(&connected(&here, "alice"));
    let sizes: Vec<_> = leave.resume(&here).iter().map(|new| new.size).collect();
    assert_eq!(
        sizes,
        [Some(7), None],
        "what is here of a download tells nothing"
    );
}

#[test]
fn what_is_to_be_done_is_remembered_with_its_way_and_its_whole_path() {
    let here = target("localhost", 1);
    let mut leave = Leave::default();
    let _owned = leave.enter(&connected(&here, "alice"));
    let states = [
        State::Waiting,
        State::Running,
        State::Paused,
        State::Asking(Box::default()),
        State::Failed(told()),
        State::Done(finished()),
        State::Skipped,
        State::Cancelled,
    ];
    let all = (1..).zip(states);
    let mut all: Vec<_> = all
        .map(|(id, state)| transfer(id, download(&id.to_string()), &here, state))
        .collect();
    all.push(waiting(9, upload("up"), &here));
    let no_text = Job::Upload {
        path: OsStr::from_bytes(b"\xff").into(),
        name: "no-text".parse().unwrap(),
    };
    all.push(waiting(10, no_text, &here));
    all.push(waiting(11, upload("nobody's"), &target("localhost", 1)));
    let told = leave.unfinished(all.iter());
    let names: Vec<_> = told.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["1", "2", "3", "4", "5", "up"]);
    assert!(!told[0].upload && told[5].upload);
    let place = (told[0].host.as_str(), told[0].port, told[0].user.as_str());
    assert_eq!(place, ("localhost", 1, "alice"));
    assert_eq!(told[5].path, std::env::current_dir().unwrap().join("up"));
}

#[test]
fn of_a_million_transfers_the_first_ten_thousand_are_remembered() {
    let here = target("localhost", 1);
    let mut leave = Leave::default();
    let _owned = leave.enter(&connected(&here, "alice"));
    let one = waiting(1, upload("a"), &here);
    let many = std::iter::repeat_n(&one, REMEMBERED_MAX + 1);
    assert_eq!(leave.unfinished(many).len(), REMEMBERED_MAX);
}

#[test]
fn another_login_takes_over_what_the_same_user_began_at_the_same_server() {
    let mut leave = Leave::default();
    let (first, again) = (target("localhost", 1), target("localhost", 1));
    let (bobs, elsewhere) = (target("localhost", 1), target("localhost", 2));
    for (target, user) in [(&first, "alice"), (&bobs, "bob"), (&elsewhere, "alice")] {
        let _owned = leave.enter(&connected(target, user));
    }
    let owned = leave.enter(&connected(&again, "alice"));
    assert!(owned(&first));
    assert!(!owned(&bobs) && !owned(&elsewhere));
}

#[test]
fn logins_that_nothing_uses_any_more_are_forgotten() {
    let mut leave = Leave::default();
    for _ in 0..3 {
        let _owned = leave.enter(&connected(&target("localhost", 1), "alice"));
    }
    assert_eq!(leave.logins.len(), 1);
}

/// A window with its question.
#[derive(Default)]
struct Closing {
    leave: Leave,
    ctx: Context,
}

impl Closing {
    /// Draws with these events and so many active transfers: whether it asks, and what it has done.
    fn draw(&mut self, events: Vec<Event>, close: bool, active: usize) -> (bool, Vec<Action>) {
        let mut input = RawInput {
            events,
            ..RawInput::default()
        };
        if close {
            let root = input.viewports.entry(ViewportId::ROOT).or_default();
            root.events.push(ViewportEvent::Close);
        }
        let (mut asks, mut actions) = (false, Vec::new());
        let mut drawn = self.ctx.run_ui(input, |ui| {
            let mut cx = Cx {
                lang: Lang::English,
                actions: &mut actions,
            };
            let ctx = ui.ctx().clone();
            self.leave.hear(&ctx, active);
            asks = self.leave.ask(&ctx, &mut cx, active);
        });
        drawn.textures_delta.clear();
        (asks, actions)
    }
}

#[test]
fn the_question_at_closing_goes_with_escape_which_stays_and_when_nothing_runs_any_more() {
    let escape = Event::Key {
        key: Key::Escape,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::NONE,
    };
    let mut closing = Closing::default();
    assert!(!closing.draw(Vec::new(), true, 0).0, "nothing runs");
    assert!(closing.draw(Vec::new(), true, 1).0);
    assert!(closing.draw(Vec::new(), false, 1).0, "it waits");
    let (_, actions) = closing.draw(vec![escape], false, 1);
    assert!(actions.is_empty(), "{actions:?}");
    assert!(!closing.draw(Vec::new(), false, 1).0);
    assert!(closing.draw(Vec::new(), true, 1).0);
    assert!(!closing.draw(Vec::new(), false, 0).0, "all is done");
}
