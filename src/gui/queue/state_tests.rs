//! The transfers as the window knows them, and the questions it asks about them.

use egui::{Context, Event, Key, Modifiers, RawInput};

use super::*;
use crate::gui::action::{Action, Cx};
use crate::gui::engine::transfers::sample::{
    download, finished, moved, target, told, transfer, upload,
};
use crate::gui::engine::transfers::{Choice, Finished, TransferOrder};
use crate::lang::Lang;

/// Transfers in these states, numbered from 1: uploads.
fn transfers(states: Vec<State>) -> Transfers {
    let mut transfers = Transfers::default();
    for (id, state) in (1..).zip(states) {
        become_of(&mut transfers, id, state);
    }
    transfers
}

fn become_of(transfers: &mut Transfers, id: Id, state: State) {
    let job = upload(&id.to_string());
    transfers.update(transfer(id, job, &target("localhost", 1), state));
}

fn asking() -> State {
    State::Asking(Box::default())
}

#[test]
fn what_moves_is_on_top_then_what_is_to_come_then_what_failed_then_what_ended_last() {
    let mut transfers = transfers(vec![
        State::Skipped,
        State::Failed(told()),
        State::Waiting,
        State::Done(finished()),
        State::Running,
        State::Failed(told()),
        State::Paused,
        State::Cancelled,
        State::Running,
    ]);
    transfers.arrange();
    assert_eq!(transfers.order, [5, 9, 3, 7, 6, 2, 8, 4, 1]);
    become_of(&mut transfers, 2, State::Running);
    transfers.arrange();
    assert_eq!(transfers.order, [2, 5, 9, 3, 7, 6, 8, 4, 1]);
}

#[test]
fn they_come_to_what_each_of_them_is() {
    let mut transfers = transfers(vec![
        State::Done(Finished {
            size: 70,
            ..finished()
        }),
        State::Skipped,
        State::Cancelled,
        State::Failed(told()),
        State::Waiting,
        State::Paused,
        asking(),
    ]);
    let running = transfer(8, upload("8"), &target("localhost", 1), State::Running);
    // It grew since its size was known.
    moved(&running, 100, 20, 90);
    transfers.update(running);
    let expected = Totals {
        count: 8,
        over: 3,
        failed: 1,
        running: 1,
        waiting: 1,
        paused: 1,
        bytes: 180,
        done: 180,
        bytes_per_s: 0.0,
    };
    assert_eq!(transfers.totals(), expected);
    assert_eq!((transfers.busy(), transfers.active()), (4, 2));
    let unfinished: Vec<Id> = (1..=9).filter(|id| transfers.is_unfinished(*id)).collect();
    assert_eq!(unfinished, [4, 5, 6, 7, 8]);
}

#[test]
fn why_the_first_one_failed_is_shown_until_it_is_forgotten_and_what_to_do() {
    let mut transfers = transfers(vec![State::Waiting, State::Failed(told())]);
    assert_eq!(transfers.selected, Some(2));
    let lines = transfers.all[&2].tell(Lang::English);
    assert_eq!(lines, ["broken", "mend it"]);
    become_of(&mut transfers, 1, State::Failed(told()));
    assert_eq!(transfers.selected, Some(2), "what is read is not replaced");
    become_of(&mut transfers, 2, State::Forgotten);
    assert_eq!(transfers.selected, None);
}

#[test]
fn a_speed_is_of_one_try_and_is_not_carried_into_the_next() {
    let mut transfers = Transfers::default();
    let running = || transfer(1, upload("1"), &target("localhost", 1), State::Running);
    let first = running();
    moved(&first, 10_000, 0, 0);
    transfers.update(first.clone());
    transfers.look(0.0);
    moved(&first, 10_000, 0, 1_000);
    transfers.look(1.0);
    assert!(transfers.totals().bytes_per_s > 0.0);
    for state in [State::Paused, State::Running] {
        transfers.update(Transfer {
            state,
            ..first.clone()
        });
    }
    let speed = transfers.all[&1].rate.bytes_per_s();
    assert!(speed.is_none(), "{speed:?}");
}

#[test]
fn what_is_searched_for_counts_as_active_until_the_last_search_is_over() {
    let mut transfers = Transfers::default();
    let news = |found, over| Gathering {
        found,
        left_out: vec![told()],
        over,
    };
    transfers.gather();
    transfers.gather();
    transfers.gathered(news(200, false));
    transfers.gathered(news(3, true));
    assert_eq!((transfers.active(), transfers.found), (1, 203));
    transfers.gathered(news(0, true));
    assert_eq!((transfers.active(), transfers.left_out_count), (0, 3));
    transfers.gather();
    assert_eq!(transfers.found, 0, "another search counts from the start");
}

/// Draws the question with these events: whether there is one, and what was answered.
fn ask(transfers: &mut Transfers, ctx: &Context, events: Vec<Event>) -> (bool, Vec<Action>) {
    let input = RawInput {
        events,
        ..RawInput::default()
    };
    let (mut asks, mut actions) = (false, Vec::new());
    let mut drawn = ctx.run_ui(input, |ui| {
        let mut cx = Cx {
            lang: Lang::English,
            actions: &mut actions,
        };
        asks = transfers.ask(&ui.ctx().clone(), &mut cx);
    });
    drawn.textures_delta.clear();
    (asks, actions)
}

fn escape() -> Vec<Event> {
    vec![Event::Key {
        key: Key::Escape,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::NONE,
    }]
}

#[test]
fn escape_skips_the_one_that_is_asked_about_whatever_is_ticked_and_each_is_asked_about_once() {
    let mut transfers = transfers(vec![asking(), State::Running, asking()]);
    let ctx = Context::default();
    for id in [1, 3] {
        transfers.for_all = true;
        let (asks, actions) = ask(&mut transfers, &ctx, escape());
        assert!(asks);
        let [Action::Transfer(TransferOrder::Answer(of, Choice::Skip, false))] = &actions[..]
        else {
            panic!("{actions:?}")
        };
        assert_eq!(*of, id);
    }
    assert!(!ask(&mut transfers, &ctx, Vec::new()).0, "all are answered");
    // The answer has arrived, and the name it was renamed to is taken as well.
    become_of(&mut transfers, 1, State::Waiting);
    become_of(&mut transfers, 1, asking());
    assert!(ask(&mut transfers, &ctx, Vec::new()).0);
}

#[test]
fn a_tick_at_for_all_is_gone_when_there_is_nothing_more_to_ask() {
    let mut transfers = transfers(vec![asking()]);
    let ctx = Context::default();
    transfers.for_all = true;
    ask(&mut transfers, &ctx, Vec::new());
    assert!(transfers.for_all);
    let job = download("1");
    transfers.update(transfer(1, job, &target("localhost", 1), State::Skipped));
    ask(&mut transfers, &ctx, Vec::new());
    assert!(!transfers.for_all);
}

#[test]
fn of_many_that_are_left_out_the_first_are_shown_and_all_are_counted() {
    let mut transfers = Transfers::default();
    for _ in 0..3 {
        transfers.gathered(Gathering {
            left_out: vec![told(); LEFT_OUT_SHOWN / 2 + 1],
            ..Gathering::default()
        });
    }
    assert_eq!(transfers.left_out.len(), LEFT_OUT_SHOWN);
    assert_eq!(transfers.left_out_count, 3 * (LEFT_OUT_SHOWN / 2 + 1));
}

#[test]
fn one_that_runs_starts_runs_and_ends_in_words() {
    let running = transfer(1, upload("1"), &target("localhost", 1), State::Running);
    let mut transfers = Transfers::default();
    transfers.update(running.clone());
    let word = || transfers.all[&1].state(Lang::English).0;
    assert_eq!(word(), "starting…");
    moved(&running, 100, 20, 30);
    assert_eq!(word(), "running");
    moved(&running, 100, 20, 80);
    assert_eq!(word(), "finishing…");
    for (seconds, words) in [
        (59, "59 s"),
        (61, "1 min 1 s"),
        (3_599, "59 min 59 s"),
        (2 * 3_600 + 5 * 60 + 9, "2 h 5 min"),
    ] {
        let duration = std::time::Duration::from_secs(seconds);
        assert_eq!(words::duration(duration, Lang::English), words);
    }
}

#[test]
fn the_panel_is_drawn_again_by_itself_only_while_something_runs() {
    for (state, rests) in [(State::Paused, true), (State::Running, false)] {
        let mut transfers = transfers(vec![state.clone()]);
        let ctx = Context::default();
        let mut delay = std::time::Duration::ZERO;
        for _ in 0..8 {
            let mut drawn = ctx.run_ui(RawInput::default(), |ui| {
                let mut cx = Cx {
                    lang: Lang::English,
                    actions: &mut Vec::new(),
                };
                transfers.show(ui, &mut cx);
            });
            drawn.textures_delta.clear();
            delay = drawn.viewport_output[&egui::ViewportId::ROOT].repaint_delay;
        }
        assert_eq!(
            delay == std::time::Duration::MAX,
            rests,
            "{state:?} {delay:?}"
        );
    }
}
