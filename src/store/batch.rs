//! One batch of a group commit: the waiting changes, which of them are possible, and their answers.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex};

use super::blobs::BlobId;
use super::index::{Change, CommitError, Expected};
use super::lock;
use super::rowformat::RowWriter;
use super::rows::{Index, Row};
use crate::protocol::FileName;

/// A change that waits. Dropped without an answer, by an error or a panic, it is told so: nobody waits
/// forever.
pub(super) struct Ticket {
    pub(super) change: Change,
    pub(super) expected: Expected,
    pub(super) slot: Arc<Slot>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.slot.set(Err(given_up()));
    }
}

/// The changes of a batch that are possible.
pub(super) struct Plan {
    /// Their rows as text.
    pub(super) rows: Vec<u8>,
    /// What to do with the index once the rows are on disk, and whom to tell.
    pub(super) steps: Vec<(Step, Ticket)>,
}

impl Plan {
    /// Checks each expectation against the index and the changes before it in the batch; answers those that
    /// no longer hold, and encodes the others.
    pub(super) fn new(tickets: Vec<Ticket>, index: &Index) -> io::Result<Self> {
        let mut view = View {
            index,
            changed: HashMap::new(),
        };
        let mut bytes = Vec::new();
        let mut rows = RowWriter::new(&mut bytes);
        let mut steps = Vec::with_capacity(tickets.len());
        for ticket in tickets {
            match view.step(&ticket) {
                Some(step) => {
                    step.encode(&mut rows)?;
                    steps.push((step, ticket));
                }
                None => ticket.slot.set(Err(CommitError::Changed)),
            }
        }
        rows.finish()?;
        Ok(Self { rows: bytes, steps })
    }

    /// Tells everyone that it failed.
    pub(super) fn fail(self, error: &io::Error) {
        fail(self.steps.into_iter().map(|(_, ticket)| ticket), error);
    }
}

/// Tells every ticket that its change failed.
pub(super) fn fail(tickets: impl IntoIterator<Item = Ticket>, error: &io::Error) {
    for ticket in tickets {
        ticket.slot.set(Err(commit_error(error)));
    }
}

fn commit_error(error: &io::Error) -> CommitError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => CommitError::NoSpace,
        kind => CommitError::Io(io::Error::new(kind, error.to_string())),
    }
}

fn given_up() -> CommitError {
    CommitError::Io(io::Error::other("the commit was given up"))
}

/// A change that was found to be possible.
pub(super) enum Step {
    Put(FileName, Row),
    Delete(FileName),
    Rename {
        from: FileName,
        to: FileName,
        row: Row,
    },
}

impl Step {
    fn encode<W: io::Write>(&self, rows: &mut RowWriter<W>) -> io::Result<()> {
        match self {
            Self::Put(name, row) => rows.put(name, row),
            Self::Delete(name) => rows.delete(name),
            Self::Rename { from, to, row } => rows.rename(from, to, row),
        }
    }

    /// Returns the blob no longer named.
    pub(super) fn apply(self, index: &mut Index) -> Option<BlobId> {
        match self {
            Self::Put(name, row) => {
                let blob = row.blob;
                let old = index.put(name, row)?.blob;
                (old != blob).then_some(old)
            }
            Self::Delete(name) => index.delete(&name).map(|row| row.blob),
            Self::Rename { from, to, row } => {
                index.delete(&from);
                index.put(to, row).map(|old| old.blob)
            }
        }
    }
}

/// The index as it will be after the changes of the batch so far.
struct View<'a> {
    index: &'a Index,
    changed: HashMap<FileName, Option<Row>>,
}

impl View<'_> {
    fn row(&self, name: &FileName) -> Option<&Row> {
        match self.changed.get(name) {
            Some(row) => row.as_ref(),
            None => self.index.row(name),
        }
    }

    fn is(&self, name: &FileName, expected: Option<BlobId>) -> bool {
        self.row(name).map(|row| row.blob) == expected
    }

    fn step(&mut self, ticket: &Ticket) -> Option<Step> {
        let expected = ticket.expected;
        match &ticket.change {
            Change::Put(entry) if self.is(&entry.name, expected.target) => {
                let row = Row {
                    size: entry.size,
                    sha256: entry.sha256,
                    owner: self.index.owner(&entry.owner),
                    modified: entry.modified.unix_timestamp(),
                    blob: entry.blob,
                };
                self.changed.insert(entry.name.clone(), Some(row.clone()));
                Some(Step::Put(entry.name.clone(), row))
            }
            Change::Delete(name) if self.is(name, expected.target) => {
                expected.target?;
                self.changed.insert(name.clone(), None);
                Some(Step::Delete(name.clone()))
            }
            Change::Rename { from, to, modified }
                if self.is(from, expected.from) && self.is(to, expected.target) =>
            {
                let mut row = self.row(from)?.clone();
                row.modified = modified.unix_timestamp();
                self.changed.insert(from.clone(), None);
                self.changed.insert(to.clone(), Some(row.clone()));
                let (from, to) = (from.clone(), to.clone());
                Some(Step::Rename { from, to, row })
            }
            _ => None,
        }
    }
}

/// Where a waiting thread gets its answer.
#[derive(Default)]
pub(super) struct Slot {
    state: Mutex<SlotState>,
    turn: Condvar,
}

#[derive(Default)]
enum SlotState {
    #[default]
    Waiting,
    Leads,
    Answered(Result<Option<BlobId>, CommitError>),
}

impl Slot {
    /// Waits for the answer, or for the lead: `true`.
    pub(super) fn wait_leads(&self) -> bool {
        let mut state = lock(&self.state);
        loop {
            match *state {
                SlotState::Waiting => {}
                SlotState::Leads => return true,
                SlotState::Answered(_) => return false,
            }
            state = self
                .turn
                .wait(state)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    pub(super) fn lead(&self) {
        *lock(&self.state) = SlotState::Leads;
        self.turn.notify_one();
    }

    /// The first answer counts.
    pub(super) fn set(&self, answer: Result<Option<BlobId>, CommitError>) {
        let mut state = lock(&self.state);
        if !matches!(*state, SlotState::Answered(_)) {
            *state = SlotState::Answered(answer);
            self.turn.notify_one();
        }
    }

    pub(super) fn answer(&self) -> Result<Option<BlobId>, CommitError> {
        match std::mem::take(&mut *lock(&self.state)) {
            SlotState::Answered(answer) => answer,
            _ => Err(given_up()),
        }
    }
}
