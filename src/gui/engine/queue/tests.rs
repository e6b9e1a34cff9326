//! Every way from one state to another, and those there are not.

use super::*;
use crate::gui::engine::transfers::Standing;
use crate::gui::engine::transfers::sample::{self, download, finished, told, upload};

fn target() -> SharedTarget {
    sample::target("localhost", 1)
}

fn up(name: &str) -> NewTransfer {
    NewTransfer {
        job: upload(name),
        size: None,
        target: target(),
    }
}

fn down(name: &str) -> NewTransfer {
    NewTransfer {
        job: download(name),
        ..up(name)
    }
}

fn queue(names: &[&str]) -> Queue {
    let mut queue = Queue::new(2);
    for name in names {
        queue.add(up(name)).unwrap();
    }
    queue
}

fn well() -> Ended {
    Ended::Well(finished())
}

fn badly() -> Ended {
    Ended::Badly(told())
}

fn taken() -> Ended {
    Ended::Taken(told(), Box::default())
}

fn taken_by_a_folder() -> Ended {
    let there = Standing {
        is_folder: true,
        ..Standing::default()
    };
    let clash = Clash {
        there,
        ..Clash::default()
    };
    Ended::Taken(told(), Box::new(clash))
}

fn state(queue: &Queue, id: Id) -> &State {
    &queue.entries[&id].transfer.state
}

/// Starts the next one; its number, and how it meets a taken name.
fn start(queue: &mut Queue) -> Option<(Id, Conflict)> {
    let (transfer, conflict) = queue.start_next()?;
    assert_eq!(transfer.state, State::Running);
    Some((transfer.id, conflict))
}

#[test]
fn they_run_as_they_were_asked_for_and_no_more_at_once_than_allowed() {
    let mut queue = queue(&["a", "b", "c"]);
    assert_eq!(start(&mut queue), Some((1, Conflict::Resume)));
    assert_eq!(start(&mut queue), Some((2, Conflict::Resume)));
    assert_eq!(start(&mut queue), None);
    queue.ended(1, well()).unwrap();
    assert_eq!(start(&mut queue), Some((3, Conflict::Resume)));
    assert_eq!(start(&mut queue), None);
}

#[test]
fn more_at_once_start_at_once_and_nonsense_is_taken_for_the_nearest() {
    let mut queue = queue(&["a", "b", "c"]);
    queue.set_at_once(0);
    assert!(start(&mut queue).is_some());
    assert!(start(&mut queue).is_none());
    queue.set_at_once(1_000);
    assert_eq!(queue.at_once, AT_ONCE_MAX);
    assert!(start(&mut queue).is_some());
}

#[test]
fn the_same_is_not_moved_twice_at_once_but_once_more_when_it_is_over() {
    let mut queue = queue(&["a"]);
    assert!(queue.add(up("a")).is_none());
    assert!(queue.add(down("a")).is_some(), "the other way is another");
    start(&mut queue);
    assert!(queue.add(up("a")).is_none());
    queue.ended(1, badly());
    assert_eq!(queue.add(up("a")).unwrap().id, 3);
    assert!(queue.again(1).is_none(), "it was asked for anew");
    queue.stop(1, State::Cancelled).unwrap();
    assert!(queue.add(up("a")).is_none(), "3 is still there");
}

#[test]
fn a_transfer_ends_well_or_badly() {
    let mut queue = queue(&["a", "b"]);
    start(&mut queue);
    start(&mut queue);
    assert_eq!(
        queue.ended(1, well()).unwrap().state,
        State::Done(finished())
    );
    assert_eq!(
        queue.ended(2, badly()).unwrap().state,
        State::Failed(told())
    );
    assert!(queue.ended(9, well()).is_none());
}

#[test]
fn what_waits_is_stopped_at_once_and_what_runs_when_it_ended() {
    for stopped in [State::Paused, State::Cancelled] {
        let mut queue = queue(&["a", "b", "c"]);
        start(&mut queue);
        start(&mut queue);
        let (transfer, runs) = queue.stop(3, stopped.clone()).unwrap();
        assert_eq!((transfer.state, runs), (stopped.clone(), false));
        let (transfer, runs) = queue.stop(1, stopped.clone()).unwrap();
        assert_eq!((transfer.state, runs), (State::Running, true));
        assert!(start(&mut queue).is_none(), "its place is not free yet");
        assert_eq!(queue.ended(1, badly()).unwrap().state, stopped);
        // Done before it could be stopped is done.
        queue.stop(2, stopped.clone()).unwrap();
        assert_eq!(
            queue.ended(2, well()).unwrap().state,
            State::Done(finished())
        );
    }
}

#[test]
fn one_that_is_told_to_stop_before_it_began_frees_its_place() {
    let mut queue = queue(&["a", "b", "c"]);
    start(&mut queue);
    start(&mut queue);
    queue.stop(1, State::Paused).unwrap();
    assert_eq!(queue.given_up(1).unwrap().state, State::Paused);
    assert_eq!(start(&mut queue), Some((3, Conflict::Resume)));
    assert!(queue.given_up(2).is_none(), "nobody told it to stop");
    assert_eq!(state(&queue, 2), &State::Running);
}

#[test]
fn what_is_over_is_not_stopped_but_what_failed_can_be_given_up() {
    let mut queue = queue(&["a", "b"]);
    start(&mut queue);
    start(&mut queue);
    queue.ended(1, well());
    queue.ended(2, badly());
    for id in [1, 9] {
        assert!(queue.stop(id, State::Paused).is_none());
        assert!(queue.stop(id, State::Cancelled).is_none());
    }
    assert!(queue.stop(2, State::Paused).is_none());
    let (transfer, _) = queue.stop(2, State::Cancelled).unwrap();
    assert_eq!(transfer.state, State::Cancelled);
    assert!(queue.stop(2, State::Cancelled).is_none());
}

#[test]
fn what_was_paused_failed_cancelled_or_skipped_can_go_on_and_nothing_else() {
    let mut queue = queue(&["paused", "failed", "cancelled", "skipped", "done", "waits"]);
    queue.set_at_once(8);
    queue.stop(1, State::Paused).unwrap();
    queue.stop(3, State::Cancelled).unwrap();
    for id in [2, 4, 5] {
        let started = loop {
            let (started, _) = start(&mut queue).unwrap();
            if started == id {
                break started;
            }
            queue.given_up(started);
        };
        let ended = match started {
            2 => badly(),
            4 => taken(),
            _ => well(),
        };
        queue.ended(id, ended).unwrap();
    }
    queue.answer(4, Choice::Skip, false);
    for id in [1, 2, 3, 4] {
        assert_eq!(queue.again(id).unwrap().state, State::Waiting, "{id}");
    }
    for id in [1, 5, 6, 9] {
        assert!(queue.again(id).is_none(), "{id}");
    }
}

#[test]
fn all_paused_go_on_without_those_that_failed_and_the_other_way_round() {
    let mut queue = queue(&["a", "b", "c", "d"]);
    start(&mut queue);
    queue.ended(1, badly());
    queue.stop(2, State::Paused);
    queue.stop(3, State::Paused);
    queue.stop(4, State::Cancelled);
    let ids = |transfers: Vec<Transfer>| transfers.iter().map(|t| t.id).collect::<Vec<_>>();
    let paused = queue.all_again(|state| *state == State::Paused);
    assert_eq!(ids(paused), [2, 3]);
    let failed = queue.all_again(|state| matches!(state, State::Failed(_)));
    assert_eq!(ids(failed), [1]);
    assert_eq!(start(&mut queue), Some((1, Conflict::Resume)));
}

#[test]
fn a_taken_name_is_asked_about_and_the_answer_is_kept() {
    for (choice, conflict) in [
        (Choice::Overwrite, Some(Conflict::Overwrite)),
        (Choice::Rename, Some(Conflict::Rename)),
        (Choice::Skip, None),
    ] {
        let mut queue = queue(&["a"]);
        start(&mut queue);
        assert_eq!(
            queue.ended(1, taken()).unwrap().state,
            State::Asking(Box::default())
        );
        assert_eq!(start(&mut queue), None, "nobody has answered");
        let changed = queue.answer(1, choice, false);
        assert_eq!(changed.len(), 1);
        assert_eq!(start(&mut queue), conflict.map(|conflict| (1, conflict)));
        if let Some(conflict) = conflict {
            // A later try of the same keeps to the answer.
            queue.ended(1, badly());
            queue.again(1).unwrap();
            assert_eq!(start(&mut queue), Some((1, conflict)));
        } else {
            assert_eq!(state(&queue, 1), &State::Skipped);
        }
    }
}

#[test]
fn one_that_is_retried_after_it_was_skipped_is_asked_about_again() {
    let mut queue = queue(&["a"]);
    start(&mut queue);
    queue.ended(1, taken());
    queue.answer(1, Choice::Skip, false);
    queue.again(1).unwrap();
    start(&mut queue);
    assert!(matches!(
        queue.ended(1, taken()).unwrap().state,
        State::Asking(_)
    ));
}

#[test]
fn an_answer_for_all_holds_for_that_direction_until_all_is_over() {
    let mut queue = queue(&["a", "b", "c"]);
    queue.set_at_once(8);
    queue.add(down("d")).unwrap();
    queue.add(up("e")).unwrap();
    for _ in 0..5 {
        start(&mut queue);
    }
    for id in [1, 2, 4] {
        queue.ended(id, taken());
    }
    let changed = queue.answer(1, Choice::Skip, true);
    assert_eq!(changed.len(), 2);
    assert_eq!(state(&queue, 2), &State::Skipped, "it waited for an answer");
    for id in [3, 5] {
        queue.ended(id, taken());
        assert_eq!(state(&queue, id), &State::Skipped, "{id} came later");
    }
    assert!(matches!(state(&queue, 4), State::Asking(_)), "a download");
    queue.answer(4, Choice::Skip, false);
    // All is over: the next one is asked about anew.
    queue.add(up("f")).unwrap();
    start(&mut queue);
    queue.ended(6, taken());
    assert!(matches!(state(&queue, 6), State::Asking(_)));
}

#[test]
fn an_answer_for_one_is_for_that_one() {
    let mut queue = queue(&["a", "b"]);
    start(&mut queue);
    start(&mut queue);
    queue.ended(1, taken());
    queue.ended(2, taken());
    queue.answer(1, Choice::Overwrite, false);
    assert_eq!(state(&queue, 1), &State::Waiting);
    assert!(matches!(state(&queue, 2), State::Asking(_)));
    assert!(queue.answer(1, Choice::Skip, false).is_empty());
}

#[test]
fn no_answer_has_a_file_replace_a_folder() {
    let mut queue = queue(&["a", "b", "c"]);
    queue.set_at_once(8);
    for _ in 0..3 {
        start(&mut queue);
    }
    queue.ended(1, taken_by_a_folder());
    assert!(queue.answer(1, Choice::Overwrite, false).is_empty());
    queue.ended(2, taken());
    queue.answer(2, Choice::Overwrite, true);
    assert!(matches!(state(&queue, 1), State::Asking(_)));
    queue.ended(3, taken_by_a_folder());
    assert_eq!(state(&queue, 3), &State::Failed(told()));
}

#[test]
fn what_waits_for_an_answer_is_cancelled_but_not_paused() {
    let mut queue = queue(&["a"]);
    start(&mut queue);
    queue.ended(1, taken());
    assert!(queue.stop(1, State::Paused).is_none());
    assert!(queue.stop(1, State::Cancelled).is_some());
}

#[test]
fn what_was_stopped_while_its_name_was_found_taken_asks_nothing() {
    let mut queue = queue(&["a"]);
    start(&mut queue);
    queue.stop(1, State::Paused);
    assert_eq!(queue.ended(1, taken()).unwrap().state, State::Paused);
}

#[test]
fn another_login_is_used_from_the_next_try_on() {
    let mut queue = queue(&["a", "b"]);
    start(&mut queue);
    queue.ended(1, badly());
    let fresh = target();
    assert_eq!(queue.adopt(&[1, 9], &fresh).len(), 1);
    queue.again(1).unwrap();
    let (transfer, _) = queue.start_next().unwrap();
    assert!(Arc::ptr_eq(&transfer.target, &fresh));
    let (other, _) = queue.start_next().unwrap();
    assert!(!Arc::ptr_eq(&other.target, &fresh));
}

#[test]
fn only_what_is_over_is_forgotten() {
    let mut queue = queue(&["a", "b", "c", "d", "e"]);
    for _ in 0..3 {
        start(&mut queue);
        queue.set_at_once(3);
    }
    queue.ended(1, well());
    queue.ended(3, taken());
    queue.stop(4, State::Paused);
    let forgotten = queue.clear();
    assert_eq!(forgotten.len(), 1);
    assert_eq!(
        (forgotten[0].id, &forgotten[0].state),
        (1, &State::Forgotten)
    );
    let kept: Vec<Id> = queue.entries.keys().copied().collect();
    assert_eq!(kept, [2, 3, 4, 5], "one runs, asks, is paused, waits");
}

#[test]
fn all_are_told_of_with_those_that_run_last() {
    let mut queue = queue(&["a", "b", "c", "d"]);
    start(&mut queue);
    start(&mut queue);
    queue.stop(4, State::Paused);
    assert_eq!(queue.waiting_or_running(), [3, 1, 2]);
    assert_eq!(queue.not_over(), [3, 4, 1, 2]);
}

/// A hundred thousand, each looked for among all, would be ten thousand million steps: minutes.
#[test]
fn a_hundred_thousand_files_are_dealt_out_one_by_one() {
    let mut queue = Queue::new(2);
    let target = target();
    for n in 0..100_000 {
        let new = NewTransfer {
            target: Arc::clone(&target),
            ..up(&n.to_string())
        };
        queue.add(new).unwrap();
    }
    while let Some((id, _)) = start(&mut queue) {
        queue.ended(id, well()).unwrap();
    }
    assert_eq!(queue.clear().len(), 100_000);
}
