//! The transfers as the window knows them: in which order, how fast, and what they come to together.

mod ask;
pub mod rate;
mod row;
mod view;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::engine::told::Told;
use super::engine::transfers::{AT_ONCE, Gathering, Id, State, Transfer};
use rate::Rate;

/// What was left out of uploads is told line by line up to so many lines.
const LEFT_OUT_SHOWN: usize = 200;

/// All transfers there are.
#[derive(Debug)]
pub struct Transfers {
    all: BTreeMap<Id, Row>,
    /// What is shown, in order.
    order: Vec<Id>,
    stale: bool,
    ended: u64,
    /// From here on time is counted.
    since: Instant,
    /// The one whose details are shown.
    selected: Option<Id>,
    at_once: usize,
    /// Walks through folders that go on, and how many files they found.
    gathering: usize,
    found: usize,
    left_out: Vec<Told>,
    left_out_count: usize,
    /// Questions that were answered; the transfers do not know yet.
    answered: BTreeSet<Id>,
    /// "Do this for all further ones", in the question about a name that is taken.
    for_all: bool,
}

#[derive(Debug)]
struct Row {
    transfer: Transfer,
    rate: Rate,
    /// The how manyth it was to end; 0 while it is not over.
    ended: u64,
}

/// What all transfers in the list come to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Transfers.
    pub count: usize,
    /// Those that are over and did not fail.
    pub over: usize,
    /// Those that failed.
    pub failed: usize,
    /// Those that run.
    pub running: usize,
    /// Those that wait for their turn.
    pub waiting: usize,
    /// Those that are paused.
    pub paused: usize,
    /// Bytes of all files that were not given up.
    pub bytes: u64,
    /// Bytes of those that are there.
    pub done: u64,
    /// Bytes a second, of all that run.
    pub bytes_per_s: f64,
}

impl Default for Transfers {
    fn default() -> Self {
        Self {
            all: BTreeMap::new(),
            order: Vec::new(),
            stale: false,
            ended: 0,
            since: Instant::now(),
            selected: None,
            at_once: AT_ONCE,
            gathering: 0,
            found: 0,
            left_out: Vec::new(),
            left_out_count: 0,
            answered: BTreeSet::new(),
            for_all: false,
        }
    }
}

impl Transfers {
    /// A transfer changed.
    pub fn update(&mut self, transfer: Transfer) {
        self.stale = true;
        let id = transfer.id;
        self.answered.remove(&id);
        if transfer.state == State::Forgotten {
            self.all.remove(&id);
            if self.selected == Some(id) {
                self.selected = None;
            }
            return;
        }
        if matches!(transfer.state, State::Failed(_)) && self.selected.is_none() {
            // Why it failed is to be seen without searching for it.
            self.selected = Some(id);
        }
        let over = transfer.state.is_over();
        self.ended += u64::from(over);
        let ended = if over { self.ended } else { 0 };
        let rate = match (&transfer.state, self.all.get(&id)) {
            (State::Running, Some(row)) => row.rate,
            _ => Rate::default(),
        };
        let row = Row {
            transfer,
            rate,
            ended,
        };
        self.all.insert(id, row);
    }

    /// Uploads are being searched for.
    pub fn gather(&mut self) {
        if self.gathering == 0 {
            self.found = 0;
        }
        self.gathering += 1;
    }

    /// Something was found of them.
    pub fn gathered(&mut self, news: Gathering) {
        self.found += news.found;
        self.left_out_count += news.left_out.len();
        let room = LEFT_OUT_SHOWN.saturating_sub(self.left_out.len());
        self.left_out.extend(news.left_out.into_iter().take(room));
        if news.over {
            self.gathering = self.gathering.saturating_sub(1);
        }
    }

    /// A file was left out of what was asked for.
    pub fn leave_out(&mut self, told: Told) {
        self.gathered(Gathering {
            left_out: vec![told],
            ..Gathering::default()
        });
    }

    /// All of them, as they were asked for.
    pub fn all(&self) -> impl Iterator<Item = &Transfer> {
        self.all.values().map(|row| &row.transfer)
    }

    /// Whether something of this one is still to be done.
    pub fn is_unfinished(&self, id: Id) -> bool {
        let row = self.all.get(&id);
        row.is_some_and(|row| row.transfer.state.is_unfinished())
    }

    /// How many are not over.
    pub fn busy(&self) -> usize {
        self.all()
            .filter(|transfer| !transfer.state.is_over())
            .count()
    }

    /// How many run, wait for their turn, or are still searched for: what closing the window would stop.
    pub fn active(&self) -> usize {
        let totals = self.totals();
        totals.running + totals.waiting + self.gathering
    }

    /// What they come to.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for row in self.all.values() {
            totals.add(row);
        }
        totals
    }

    /// Looks at the speeds of those that run.
    fn look(&mut self, now_s: f64) {
        for row in self.all.values_mut() {
            if row.transfer.state == State::Running && row.transfer.gauge.has_begun() {
                row.rate.look(now_s, row.transfer.gauge.moved());
            }
        }
    }

    /// Puts them in order: what is not over as it was asked for, with what runs first; then what failed; then
    /// the rest, the last to end first. So what moves is on top, and a row changes its place only when it ends.
    fn arrange(&mut self) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        self.order = self.all.keys().copied().collect();
        let all = &self.all;
        self.order.sort_by_key(|id| {
            let Some(row) = all.get(id) else {
                return (4, 0);
            };
            match row.transfer.state {
                State::Running => (0, *id),
                State::Failed(_) => (2, u64::MAX - row.ended),
                _ if row.ended == 0 => (1, *id),
                _ => (3, u64::MAX - row.ended),
            }
        });
    }
}

impl Totals {
    fn add(&mut self, row: &Row) {
        let transfer = &row.transfer;
        self.count += 1;
        match &transfer.state {
            State::Running => self.running += 1,
            State::Waiting => self.waiting += 1,
            State::Paused => self.paused += 1,
            State::Asking(_) => {}
            State::Failed(_) => self.failed += 1,
            State::Done(finished) => {
                self.over += 1;
                self.bytes += finished.size;
                self.done += finished.size;
                return;
            }
            State::Skipped | State::Cancelled | State::Forgotten => {
                self.over += 1;
                return;
            }
        }
        if transfer.state == State::Running {
            self.bytes_per_s += row.rate.bytes_per_s().unwrap_or(0.0);
        }
        // The size of a file that grew meanwhile is known only when it begins.
        self.bytes += transfer.gauge.size().max(transfer.gauge.done());
        self.done += transfer.gauge.done();
    }
}

#[cfg(test)]
mod state_tests;
