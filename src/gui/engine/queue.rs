//! Which transfer is next, and what becomes of each: pure state, without threads or clocks.
//!
//! Nothing here looks through all entries for one transfer: a folder may have brought a hundred thousand.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::mem::discriminant;
use std::sync::Arc;

use super::SharedTarget;
use super::told::Told;
use super::transfers::{AT_ONCE_MAX, Choice, Clash, Finished, Id, NewTransfer, State, Transfer};
use crate::client::Job;
use crate::protocol::Conflict;

/// All transfers, in the order they were asked for.
#[derive(Debug)]
pub(super) struct Queue {
    entries: BTreeMap<Id, Entry>,
    waiting: BTreeSet<Id>,
    running: BTreeSet<Id>,
    /// All that are not over.
    busy: BTreeSet<Id>,
    /// What those move: the same is not moved twice at once.
    jobs: HashSet<(String, u16, Job)>,
    next: Id,
    at_once: usize,
    /// What was chosen for all conflicts to come of uploads, and of downloads, until nothing is left to do.
    /// Two choices: overwriting files here is another matter than overwriting files there.
    for_all: [Option<Choice>; 2],
}

#[derive(Debug)]
struct Entry {
    transfer: Transfer,
    conflict: Conflict,
    /// Told to stop, as this, while it ran.
    stopping: Option<State>,
}

/// What a try of a transfer had come to.
#[derive(Debug)]
pub(super) enum Ended {
    /// All is there.
    Well(Finished),
    /// The name is taken by another file.
    Taken(Told, Box<Clash>),
    /// It failed.
    Badly(Told),
}

impl Queue {
    /// An empty one.
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            entries: BTreeMap::new(),
            waiting: BTreeSet::new(),
            running: BTreeSet::new(),
            busy: BTreeSet::new(),
            jobs: HashSet::new(),
            next: 1,
            at_once,
            for_all: [None; 2],
        }
    }

    /// Lets so many run at once; those that run go on.
    pub(super) fn set_at_once(&mut self, count: usize) {
        self.at_once = count.clamp(1, AT_ONCE_MAX);
    }

    /// Puts a transfer at the end; `None` when the same is in the list and not over.
    pub(super) fn add(&mut self, new: NewTransfer) -> Option<Transfer> {
        let id = self.next;
        let transfer = Transfer::waiting(id, new);
        if self.jobs.contains(&key(&transfer)) {
            return None;
        }
        self.next += 1;
        let entry = Entry {
            transfer,
            // What an earlier try brought is not sent again, and what is there and equal is done.
            conflict: Conflict::Resume,
            stopping: None,
        };
        self.entries.insert(id, entry);
        self.become_of(id, State::Waiting)
    }

    /// The next one to run and how it meets a name that is taken, if one may run.
    pub(super) fn start_next(&mut self) -> Option<(Transfer, Conflict)> {
        if self.running.len() >= self.at_once {
            return None;
        }
        let id = *self.waiting.first()?;
        let entry = self.entries.get_mut(&id)?;
        entry.stopping = None;
        let conflict = entry.conflict;
        Some((self.become_of(id, State::Running)?, conflict))
    }

    /// A running one ended. `None` when nobody knows of it.
    pub(super) fn ended(&mut self, id: Id, ended: Ended) -> Option<Transfer> {
        let for_all = self.for_all;
        let entry = self.entries.get_mut(&id)?;
        let stopping = entry.stopping.take();
        let state = match (ended, stopping) {
            // It was done before it could be stopped.
            (Ended::Well(finished), _) => State::Done(finished),
            (_, Some(stopped)) => stopped,
            (Ended::Taken(told, clash), None) => match for_all[way(&entry.transfer)] {
                // A folder is not overwritten, whatever was chosen for files.
                Some(Choice::Overwrite) if clash.there.is_folder => State::Failed(told),
                Some(choice) => entry.meet(choice),
                None => State::Asking(clash),
            },
            (Ended::Badly(told), None) => State::Failed(told),
        };
        self.become_of(id, state)
    }

    /// Stops one, as paused or cancelled. True in second place: it runs and has to be interrupted.
    pub(super) fn stop(&mut self, id: Id, state: State) -> Option<(Transfer, bool)> {
        let entry = self.entries.get_mut(&id)?;
        let stops = match &entry.transfer.state {
            State::Waiting | State::Running => true,
            // What waits for an answer is not paused: the question would come back by itself.
            State::Asking(_) | State::Paused | State::Failed(_) => state == State::Cancelled,
            State::Done(_) | State::Skipped | State::Cancelled | State::Forgotten => false,
        };
        if !stops {
            return None;
        }
        if entry.transfer.state == State::Running {
            entry.stopping = Some(state);
            return Some((entry.transfer.clone(), true));
        }
        Some((self.become_of(id, state)?, false))
    }

    /// One that was told to stop had not begun.
    pub(super) fn given_up(&mut self, id: Id) -> Option<Transfer> {
        let stopped = self.entries.get_mut(&id)?.stopping.take()?;
        self.become_of(id, stopped)
    }

    /// Lets one that does not go on by itself wait for its turn again.
    pub(super) fn again(&mut self, id: Id) -> Option<Transfer> {
        let entry = self.entries.get_mut(&id)?;
        match entry.transfer.state {
            State::Paused => {}
            State::Failed(_) | State::Cancelled | State::Skipped => {
                if self.jobs.contains(&key(&entry.transfer)) {
                    return None; // It was asked for anew meanwhile.
                }
            }
            _ => return None,
        }
        self.become_of(id, State::Waiting)
    }

    /// The same for all in such a state.
    pub(super) fn all_again(&mut self, such: impl Fn(&State) -> bool) -> Vec<Transfer> {
        let entries = self.entries.values();
        let ids = entries.filter(|entry| such(&entry.transfer.state));
        let ids: Vec<Id> = ids.map(|entry| entry.transfer.id).collect();
        ids.into_iter().filter_map(|id| self.again(id)).collect()
    }

    /// What to do about a name that is taken; `for_all` for those of that direction as well, now and to come.
    /// Returns those it changed.
    pub(super) fn answer(&mut self, id: Id, choice: Choice, for_all: bool) -> Vec<Transfer> {
        let Some(entry) = self.entries.get(&id) else {
            return Vec::new();
        };
        let way_of_it = way(&entry.transfer);
        if for_all {
            self.for_all[way_of_it] = Some(choice);
        }
        let asking = |id: &Id| {
            let entry = self.entries.get(id)?;
            let State::Asking(clash) = &entry.transfer.state else {
                return None;
            };
            let folder = clash.there.is_folder && choice == Choice::Overwrite;
            (way(&entry.transfer) == way_of_it && !folder).then_some(*id)
        };
        let ids: Vec<Id> = match for_all {
            true => self.busy.iter().filter_map(asking).collect(),
            false => asking(&id).into_iter().collect(),
        };
        let mut answered = Vec::new();
        for id in ids {
            if let Some(entry) = self.entries.get_mut(&id) {
                let state = entry.meet(choice);
                answered.extend(self.become_of(id, state));
            }
        }
        answered
    }

    /// From their next try on these use another login to the same server. Returns them.
    pub(super) fn adopt(&mut self, ids: &[Id], target: &SharedTarget) -> Vec<Transfer> {
        let mut adopted = Vec::new();
        for id in ids {
            if let Some(entry) = self.entries.get_mut(id) {
                entry.transfer.target = Arc::clone(target);
                adopted.push(entry.transfer.clone());
            }
        }
        adopted
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

    /// Those that wait or run; those that wait first, so that none of them starts while others stop.
    pub(super) fn waiting_or_running(&self) -> Vec<Id> {
        self.waiting.iter().chain(&self.running).copied().collect()
    }

    /// Those that are not over; those that run last.
    pub(super) fn not_over(&self) -> Vec<Id> {
        let rest = self.busy.difference(&self.running);
        rest.chain(&self.running).copied().collect()
    }

    /// Gives one another state, and keeps the books.
    fn become_of(&mut self, id: Id, state: State) -> Option<Transfer> {
        let entry = self.entries.get_mut(&id)?;
        let is = |other: &State| discriminant(other) == discriminant(&state);
        let was_busy = self.busy.contains(&id);
        put(&mut self.waiting, id, is(&State::Waiting));
        put(&mut self.running, id, is(&State::Running));
        put(&mut self.busy, id, !state.is_over());
        if was_busy == state.is_over() {
            match was_busy {
                true => self.jobs.remove(&key(&entry.transfer)),
                false => self.jobs.insert(key(&entry.transfer)),
            };
        }
        entry.transfer.state = state;
        let transfer = entry.transfer.clone();
        if self.busy.is_empty() {
            self.for_all = [None; 2];
        }
        Some(transfer)
    }
}

impl Entry {
    /// The state of one whose name is taken, under `choice`.
    fn meet(&mut self, choice: Choice) -> State {
        match choice {
            Choice::Skip => return State::Skipped,
            Choice::Overwrite => self.conflict = Conflict::Overwrite,
            Choice::Rename => self.conflict = Conflict::Rename,
        }
        State::Waiting
    }
}

fn put(set: &mut BTreeSet<Id>, id: Id, there: bool) {
    match there {
        true => set.insert(id),
        false => set.remove(&id),
    };
}

fn key(transfer: &Transfer) -> (String, u16, Job) {
    let target = &transfer.target;
    (target.host.clone(), target.port, transfer.job.clone())
}

fn way(transfer: &Transfer) -> usize {
    match transfer.job {
        Job::Upload { .. } => 0,
        Job::Download { .. } => 1,
    }
}

#[cfg(test)]
mod tests;
