//! The index of files: every name there is, kept in memory, every change on disk before it is acknowledged.
//!
//! Group commit: threads that want a change queue it. One of them leads: it takes the whole queue, checks
//! each expectation, writes all rows at once, syncs once, applies them, and answers everyone. Whoever queued
//! meanwhile forms the next batch. Readers are never blocked by the disk. Nothing on this path grows with
//! the number of files but the depth of a tree; writing the file fresh is paid for by as many dead rows.

use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, RwLock};

use time::OffsetDateTime;

use super::blobs::{BlobId, Blobs};
use super::journal::{AppendError, Journal};
use super::quota::{Reservation, Reservations};
use super::rowformat::RowWriter;
use super::rows::{Entry, Index, Row, Usage};
use super::{lock, read, write};
use crate::error::Result;
use crate::protocol::{FileName, UserName};

/// Entries copied out under one read lock by a listing.
const PAGE_CHUNK: usize = 128;

/// A change to the index.
#[derive(Clone, Debug)]
pub enum Change {
    /// The name is this file from now on.
    Put(Entry),
    /// The name is free from now on.
    Delete(FileName),
    /// The file gets another name; what had that name is gone.
    Rename {
        /// Its name.
        from: FileName,
        /// Its new name.
        to: FileName,
        /// The new time of its entry.
        modified: OffsetDateTime,
    },
}

/// What the caller saw, and permitted the change on, under each name it touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Under the name of a put or delete, or the new name of a rename; `None` is absent.
    pub target: Option<BlobId>,
    /// Under the old name of a rename; not looked at otherwise.
    pub from: Option<BlobId>,
}

impl Expected {
    /// For a put or delete.
    pub fn target(seen: Option<&Entry>) -> Self {
        let target = seen.map(|entry| entry.blob);
        Self { target, from: None }
    }

    /// For a rename.
    pub fn rename(from: &Entry, to: Option<&Entry>) -> Self {
        Self {
            target: to.map(|entry| entry.blob),
            from: Some(from.blob),
        }
    }
}

/// Why a change was not made. Nothing of it is, or will be, visible.
#[derive(Debug)]
pub enum CommitError {
    /// Another change came first: look again, ask the gate and the quota again, retry.
    Changed,
    /// The disk has no room for the row.
    NoSpace,
    /// The disk failed, or failed before and the index could not be written fresh since.
    Io(io::Error),
}

/// The index, and the gate of everything that changes it.
pub struct Files {
    index: RwLock<Index>,
    queue: Mutex<Queue>,
    journal: Mutex<Journal>,
    blobs: Arc<Blobs>,
    reservations: Arc<Reservations>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Ticket>,
    led: bool,
}

struct Ticket {
    change: Change,
    expected: Expected,
    slot: Arc<Slot>,
}

impl Files {
    pub(super) fn open(data: &Path, blobs: Arc<Blobs>, warnings: &mut Vec<String>) -> Result<Self> {
        let (journal, index) = Journal::open(data, warnings)?;
        Ok(Self {
            index: RwLock::new(index),
            queue: Mutex::default(),
            journal: Mutex::new(journal),
            blobs,
            reservations: Arc::default(),
        })
    }

    /// The file of that name.
    pub fn find(&self, name: &FileName) -> Option<Entry> {
        read(&self.index).find(name)
    }

    /// How many files there are.
    pub fn count(&self) -> usize {
        read(&self.index).len()
    }

    /// Takes the blobs of all files out of `blobs`; returns how many files have none there.
    pub(super) fn count_rows_outside(&self, blobs: &mut HashSet<BlobId>) -> usize {
        let index = read(&self.index);
        index
            .iter()
            .filter(|(_, row)| !blobs.remove(&row.blob))
            .count()
    }

    /// Visits the files whose names begin with `prefix` and come after `after`, in byte order of names,
    /// until told to stop. O(log n + visited). Entries are copied out a few at a time and visited without
    /// any lock held, so `visit` may take its time; what changes meanwhile may or may not be seen.
    pub fn page(
        &self,
        prefix: &str,
        after: &str,
        visit: &mut dyn FnMut(&Entry) -> ControlFlow<()>,
    ) {
        let mut after = after.to_owned();
        loop {
            let chunk = read(&self.index).page(prefix, &after, PAGE_CHUNK);
            for entry in &chunk {
                if visit(entry).is_break() {
                    return;
                }
            }
            match chunk.last() {
                Some(last) if chunk.len() == PAGE_CHUNK => {
                    last.name.as_str().clone_into(&mut after);
                }
                _ => return,
            }
        }
    }

    /// What the owner's files take, uploads under way not counted.
    pub fn usage(&self, owner: &UserName) -> Usage {
        read(&self.index).usage(owner)
    }

    /// Sets `bytes` of the owner's quota aside for an upload that will free `frees` bytes of the same
    /// owner by replacing a file; `None` when the quota has no room. Released when dropped; drop it after
    /// the commit, so that the bytes are counted at every moment. After [`CommitError::Changed`] what is
    /// freed may be another file: drop the reservation and ask for a new one.
    pub fn reserve(
        &self,
        owner: &UserName,
        bytes: u64,
        frees: u64,
        quota: Option<u64>,
    ) -> Option<Reservation> {
        // The usage is read inside, so that a commit and a release in between are not both missed.
        let used = || read(&self.index).usage(owner).bytes;
        self.reservations.reserve(owner, used, bytes, frees, quota)
    }

    /// Makes one change durable and visible, if each name it touches still is what the caller saw. Returns
    /// after the row is on disk. Blobs no longer named are removed; the blob of a refused put is the
    /// caller's to remove.
    pub fn commit(&self, change: Change, expected: Expected) -> Result<(), CommitError> {
        let slot = Arc::new(Slot::default());
        let leads = {
            let mut queue = lock(&self.queue);
            queue.waiting.push(Ticket {
                change,
                expected,
                slot: Arc::clone(&slot),
            });
            !std::mem::replace(&mut queue.led, true)
        };
        if leads || slot.wait_leads() {
            self.lead();
        }
        if let Some(blob) = slot.answer()? {
            self.blobs.remove(&blob);
        }
        Ok(())
    }

    /// Commits what is queued, then passes the lead on; on a panic too.
    fn lead(&self) {
        let _lead = Lead(self);
        let tickets = std::mem::take(&mut lock(&self.queue).waiting);
        let mut batch = Batch { tickets };
        let mut journal = lock(&self.journal);
        self.commit_batch(&mut journal, &mut batch);
        let index = read(&self.index);
        if journal.mostly_dead(&index)
            && let Err(error) = journal.rewrite(&index)
        {
            self.blobs.keep_all(journal.is_suspect());
            tracing::error!(%error, "data/files.csv is mostly dead rows and cannot be compacted");
        }
    }

    fn commit_batch(&self, journal: &mut Journal, batch: &mut Batch) {
        if journal.is_suspect()
            && let Err(error) = self.write_fresh(journal)
        {
            return batch.fail_all(&error);
        }
        let planned = match self.plan(batch) {
            Ok(planned) => planned,
            Err(error) => return batch.fail_all(&error),
        };
        if planned.steps.is_empty() {
            return;
        }
        match journal.append(&planned.rows, planned.steps.len() as u64) {
            Ok(()) => {
                self.apply(planned.steps);
                batch.tickets.clear();
            }
            Err(AppendError::Refused(error)) => batch.fail_all(&error),
            Err(AppendError::Uncertain(error)) => {
                tracing::error!(%error, "data/files.csv cannot be synced; it is written fresh");
                // Rows of this batch may be on disk. Only once a fresh file without them is in place may
                // their blobs, or those they replace, be removed.
                self.blobs.keep_all(true);
                if let Err(error) = self.write_fresh(journal) {
                    tracing::error!(%error, "it cannot be written fresh: every change is refused");
                }
                batch.fail_all(&error);
            }
        }
    }

    fn write_fresh(&self, journal: &mut Journal) -> io::Result<()> {
        self.blobs.keep_all(true);
        journal.rewrite(&read(&self.index))?;
        self.blobs.keep_all(false);
        Ok(())
    }

    /// Checks each expectation against the index and the changes before it in the batch; answers those that
    /// no longer hold, and encodes the others.
    fn plan(&self, batch: &mut Batch) -> io::Result<Plan> {
        let index = read(&self.index);
        let mut view = View {
            index: &index,
            changed: HashMap::new(),
        };
        let mut bytes = Vec::new();
        let mut rows = RowWriter::new(&mut bytes);
        let mut steps = Vec::new();
        let mut kept = Vec::new();
        for ticket in batch.tickets.drain(..) {
            match view.step(&ticket) {
                Some(step) => {
                    step.encode(&mut rows)?;
                    steps.push((step, Arc::clone(&ticket.slot)));
                    kept.push(ticket);
                }
                None => ticket.slot.set(Err(CommitError::Changed)),
            }
        }
        batch.tickets = kept;
        rows.finish()?;
        Ok(Plan { rows: bytes, steps })
    }

    fn apply(&self, steps: Vec<(Step, Arc<Slot>)>) {
        let mut index = write(&self.index);
        let mut answers = Vec::with_capacity(steps.len());
        for (step, slot) in steps {
            answers.push((step.apply(&mut index), slot));
        }
        drop(index);
        for (freed, slot) in answers {
            slot.set(Ok(freed));
        }
    }
}

struct Plan {
    rows: Vec<u8>,
    steps: Vec<(Step, Arc<Slot>)>,
}

/// A change that was found to be possible.
enum Step {
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
    fn apply(self, index: &mut Index) -> Option<BlobId> {
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

/// The tickets of one commit; those not answered when it ends, by a panic, are told so.
struct Batch {
    tickets: Vec<Ticket>,
}

impl Batch {
    fn fail_all(&mut self, error: &io::Error) {
        for ticket in self.tickets.drain(..) {
            ticket
                .slot
                .set(Err(if error.kind() == io::ErrorKind::StorageFull {
                    CommitError::NoSpace
                } else {
                    CommitError::Io(io::Error::new(error.kind(), error.to_string()))
                }));
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        let lost = "the commit was given up";
        for ticket in &self.tickets {
            ticket
                .slot
                .set(Err(CommitError::Io(io::Error::other(lost))));
        }
    }
}

/// The lead of the queue; whoever waits first gets it next.
struct Lead<'a>(&'a Files);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut queue = lock(&self.0.queue);
        match queue.waiting.first() {
            Some(next) => next.slot.lead(),
            None => queue.led = false,
        }
    }
}

/// Where a waiting thread gets its answer.
#[derive(Default)]
struct Slot {
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
    fn wait_leads(&self) -> bool {
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

    fn lead(&self) {
        *lock(&self.state) = SlotState::Leads;
        self.turn.notify_one();
    }

    /// The first answer counts.
    fn set(&self, answer: Result<Option<BlobId>, CommitError>) {
        let mut state = lock(&self.state);
        if !matches!(*state, SlotState::Answered(_)) {
            *state = SlotState::Answered(answer);
            self.turn.notify_one();
        }
    }

    fn answer(&self) -> Result<Option<BlobId>, CommitError> {
        match std::mem::take(&mut *lock(&self.state)) {
            SlotState::Answered(answer) => answer,
            _ => Err(CommitError::Io(io::Error::other("the commit was given up"))),
        }
    }
}
