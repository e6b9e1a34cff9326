//! The transfers as the window knows them: in which order, how fast, and what they come to together.

mod ask;
pub mod rate;
mod row;
#[cfg(test)]
mod tests;
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
    /// Those that run; their numbers change by themselves.
    running: BTreeSet<Id>,
    /// Those that wait for an answer.
    asking: BTreeSet<Id>,
    /// What all come to, but for the bytes of those that run.
    sums: Totals,
    /// In which order they are shown.
    places: BTreeMap<Place, Id>,
    /// The same, to be counted through; made anew when it is stale.
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
    /// What it added to the sums.
    share: Totals,
}

/// Where a transfer is shown: its group, and its place in the group.
type Place = (u8, u64);

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
            running: BTreeSet::new(),
            asking: BTreeSet::new(),
            sums: Totals::default(),
            places: BTreeMap::new(),
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
        let before = self.all.remove(&id);
        if let Some(row) = &before {
            self.sums.take(&row.share);
            self.places.remove(&row.place());
            self.running.remove(&id);
            self.asking.remove(&id);
        }
        if transfer.state == State::Forgotten {
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
        let rate = match (&transfer.state, before) {
            (State::Running, Some(row)) => row.rate,
            _ => Rate::default(),
        };
        match transfer.state {
            State::Running => self.running.insert(id),
            State::Asking(_) => self.asking.insert(id),
            _ => false,
        };
        let row = Row {
            share: Totals::of(&transfer),
            transfer,
            rate,
            ended,
        };
        self.sums.add(&row.share);
        self.places.insert(row.place(), id);
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
        self.sums.count - self.sums.over - self.sums.failed
    }

    /// How many run, wait for their turn, or are still searched for: what closing the window would stop.
    pub fn active(&self) -> usize {
        self.sums.running + self.sums.waiting + self.gathering
    }

    /// What they come to.
    pub fn totals(&self) -> Totals {
        let mut totals = self.sums;
        for row in self.running.iter().filter_map(|id| self.all.get(id)) {
            totals.bytes_per_s += row.rate.bytes_per_s().unwrap_or(0.0);
            totals.count_bytes(&row.transfer);
        }
        totals
    }

    /// Looks at the speeds of those that run.
    fn look(&mut self, now_s: f64) {
        for id in &self.running {
            if let Some(row) = self.all.get_mut(id)
                && row.transfer.gauge.has_begun()
            {
                row.rate.look(now_s, row.transfer.gauge.moved());
            }
        }
    }

    /// Has the order at hand in which they are shown.
    fn arrange(&mut self) {
        if std::mem::take(&mut self.stale) {
            self.order = self.places.values().copied().collect();
        }
    }
}

impl Row {
    /// What is not over is shown as it was asked for, with what runs first; then what failed; then the rest, the
    /// last to end first. So what moves is on top, and a row changes its place only when it ends.
    fn place(&self) -> Place {
        let id = self.transfer.id;
        match self.transfer.state {
            State::Running => (0, id),
            State::Failed(_) => (2, u64::MAX - self.ended),
            _ if self.ended == 0 => (1, id),
            _ => (3, u64::MAX - self.ended),
        }
    }
}

impl Totals {
    /// What one transfer comes to; without the bytes of one that runs.
    fn of(transfer: &Transfer) -> Self {
        let mut totals = Self {
            count: 1,
            ..Self::default()
        };
        match &transfer.state {
            State::Running => totals.running = 1,
            State::Waiting => totals.waiting = 1,
            State::Paused => totals.paused = 1,
            State::Failed(_) => totals.failed = 1,
            State::Done(finished) => {
                (totals.bytes, totals.done) = (finished.size, finished.size);
            }
            State::Asking(_) | State::Skipped | State::Cancelled | State::Forgotten => {}
        }
        match transfer.state.is_unfinished() {
            true if totals.running == 0 => totals.count_bytes(transfer),
            true => {}
            false => totals.over = 1,
        }
        totals
    }

    /// The size of a file that grew meanwhile is known only when it begins.
    fn count_bytes(&mut self, transfer: &Transfer) {
        let gauge = &transfer.gauge;
        self.bytes += gauge.size().max(gauge.done());
        self.done += gauge.done();
    }

    fn add(&mut self, other: &Self) {
        self.combine(other, usize::saturating_add, u64::saturating_add);
    }

    fn take(&mut self, other: &Self) {
        self.combine(other, usize::saturating_sub, u64::saturating_sub);
    }

    fn combine(
        &mut self,
        other: &Self,
        counts: impl Fn(usize, usize) -> usize,
        bytes: impl Fn(u64, u64) -> u64,
    ) {
        for (sum, part) in [
            (&mut self.count, other.count),
            (&mut self.over, other.over),
            (&mut self.failed, other.failed),
            (&mut self.running, other.running),
            (&mut self.waiting, other.waiting),
            (&mut self.paused, other.paused),
        ] {
            *sum = counts(*sum, part);
        }
        self.bytes = bytes(self.bytes, other.bytes);
        self.done = bytes(self.done, other.done);
    }
}

#[cfg(test)]
mod state_tests;
