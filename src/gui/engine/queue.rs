//! Which transfer is next, and what becomes of each: pure state, without threads or clocks.

use std::collections::BTreeMap;

use super::told::Told;
use super::transfers::{Choice, Finished, Id, NewTransfer, State, Transfer};
use crate::error::Kind;
use crate::protocol::Conflict;

/// All transfers, in the order they were asked for.
#[derive(Debug)]
pub(super) struct Queue {
    entries: BTreeMap<Id, Entry>,
    next: Id,
    /// How many may run at once.
    pub(super) at_once: usize,
    /// What was chosen for all conflicts to come, until the queue is empty.
    for_all: Option<Choice>,
}

#[derive(Debug)]
struct Entry {
    transfer: Transfer,
    conflict: Conflict,
    /// Told to stop, as this, while it ran.
    stopping: Option<State>,
}

/// What a transfer that ended had come to.
#[derive(Debug)]
pub(super) enum Ended {
    Well(Finished),
    Badly(Told),
}

impl Queue {
    /// An empty one.
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            entries: BTreeMap::new(),
            next: 1,
            at_once,
            for_all: None,
        }
    }

    /// Puts a transfer at the end.
    pub(super) fn add(&mut self, new: NewTransfer) -> Transfer {
        let id = self.next;
        self.next += 1;
        let transfer = Transfer::waiting(id, new);
        let entry = Entry {
            transfer: transfer.clone(),
            // What an earlier try brought is not sent again, and what is there and equal is done.
            conflict: Conflict::Resume,
            stopping: None,
        };
        self.entries.insert(id, entry);
        transfer
    }

    /// The next one to run and how it meets a name that is taken, if one may run.
    pub(super) fn start_next(&mut self) -> Option<(Transfer, Conflict)> {
        let running = |entry: &&Entry| entry.transfer.state == State::Running;
        if self.entries.values().filter(running).count() >= self.at_once {
            return None;
        }
        let mut entries = self.entries.values_mut();
        let entry = entries.find(|entry| entry.transfer.state == State::Waiting)?;
        entry.transfer.state = State::Running;
        entry.stopping = None;
        Some((entry.transfer.clone(), entry.conflict))
    }

    /// A running one ended. `None` when nobody knows of it.
    pub(super) fn ended(&mut self, id: Id, ended: Ended) -> Option<Transfer> {
        let for_all = self.for_all;
        let entry = self.entries.get_mut(&id)?;
        let stopping = entry.stopping.take();
        entry.transfer.state = match (ended, stopping) {
            // It was done before it could be stopped.
            (Ended::Well(finished), _) => State::Done(finished),
            (Ended::Badly(_), Some(stopped)) => stopped,
            (Ended::Badly(told), None) if told.kind == Kind::Exists => {
                entry.meet(for_all, State::Asking(told))
            }
            (Ended::Badly(told), None) => State::Failed(told),
        };
        let transfer = entry.transfer.clone();
        self.forget_choice();
        Some(transfer)
    }

    /// Stops one for now. True in second place: it runs and has to be interrupted.
    pub(super) fn pause(&mut self, id: Id) -> Option<(Transfer, bool)> {
        self.stop(id, State::Paused)
    }

    /// Stops one for good.
    pub(super) fn cancel(&mut self, id: Id) -> Option<(Transfer, bool)> {
        self.stop(id, State::Cancelled)
    }

    fn stop(&mut self, id: Id, state: State) -> Option<(Transfer, bool)> {
        let entry = self.entries.get_mut(&id)?;
        let runs = entry.transfer.state == State::Running;
        if runs {
            entry.stopping = Some(state);
        } else if entry.transfer.state.is_over() {
            return None;
        } else {
            entry.transfer.state = state;
        }
        Some((entry.transfer.clone(), runs))
    }

    /// Lets a paused, failed or cancelled one wait for its turn again.
    pub(super) fn again(&mut self, id: Id) -> Option<Transfer> {
        let entry = self.entries.get_mut(&id)?;
        match entry.transfer.state {
            State::Paused | State::Failed(_) | State::Cancelled => {
                entry.transfer.state = State::Waiting;
                Some(entry.transfer.clone())
            }
            _ => None,
        }
    }

    /// What to do about a name that is taken; `for_all` for those to come as well. Returns those it changed.
    pub(super) fn answer(&mut self, id: Id, choice: Choice, for_all: bool) -> Vec<Transfer> {
        if for_all {
            self.for_all = Some(choice);
        }
        let asking = |entry: &&mut Entry| {
            (for_all || entry.transfer.id == id) && matches!(entry.transfer.state, State::Asking(_))
        };
        let entries = self.entries.values_mut().filter(asking);
        let answered = entries.map(|entry| {
            entry.transfer.state = entry.meet(Some(choice), State::Waiting);
            entry.transfer.clone()
        });
        let answered = answered.collect();
        self.forget_choice();
        answered
    }

    /// Forgets what is over; returns the forgotten.
    pub(super) fn clear(&mut self) -> Vec<Transfer> {
        let over = |_: &Id, entry: &mut Entry| entry.transfer.state.is_over();
        let over = self.entries.extract_if(.., over);
        over.map(|(_, entry)| Transfer {
            state: State::Forgotten,
            ..entry.transfer
        })
        .collect()
    }

    /// A choice for all holds until there is nothing left it could be for.
    fn forget_choice(&mut self) {
        let busy = |entry: &Entry| !entry.transfer.state.is_over();
        if !self.entries.values().any(busy) {
            self.for_all = None;
        }
    }
}

impl Entry {
    /// The state of one whose name is taken, under `choice`; `unasked` without one.
    fn meet(&mut self, choice: Option<Choice>, unasked: State) -> State {
        match choice {
            None => return unasked,
            Some(Choice::Skip) => return State::Skipped,
            Some(Choice::Overwrite) => self.conflict = Conflict::Overwrite,
            Some(Choice::Rename) => self.conflict = Conflict::Rename,
        }
        State::Waiting
    }
}
