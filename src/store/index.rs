//! The index of files: every name there is, kept in memory, every change on disk before it is acknowledged.
//!
//! Group commit: threads that want a change queue it. One of them leads: it takes the whole queue, checks
//! each expectation, writes all rows at once, syncs once, applies them, and answers everyone. Whoever queued
//! meanwhile forms the next batch. Readers are never blocked by the disk. Nothing on this path grows with
//! the number of files but the depth of a tree; writing the file fresh is paid for by as many dead rows.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use time::OffsetDateTime;

use super::batch::{self, Plan, Slot, Ticket};
use super::blobs::{BlobId, Blobs};
use super::journal::{AppendError, Journal};
use super::quota::{Reservation, Reservations};
use super::rows::{Entry, Index, Usage};
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

    /// The blobs of all files, sorted.
    pub(super) fn blobs(&self) -> Vec<BlobId> {
        let mut blobs: Vec<BlobId> = read(&self.index).iter().map(|(_, row)| row.blob).collect();
        blobs.sort_unstable();
        blobs
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
        let mut journal = lock(&self.journal);
        if let Err(error) = self.commit_batch(&mut journal, tickets) {
            tracing::error!(%error, "data/files.csv cannot be written: changes are refused");
        }
        let index = read(&self.index);
        if journal.mostly_dead(&index)
            && let Err(error) = journal.rewrite(&index)
        {
            self.blobs.keep_all(journal.is_suspect());
            tracing::error!(%error, "data/files.csv is mostly dead rows and cannot be compacted");
        }
    }

    /// Answers every ticket; the error is what the disk said beyond that.
    fn commit_batch(&self, journal: &mut Journal, tickets: Vec<Ticket>) -> io::Result<()> {
        if journal.is_suspect()
            && let Err(error) = self.write_fresh(journal)
        {
            batch::fail(tickets, &error);
            return Err(error);
        }
        let plan = Plan::new(tickets, &read(&self.index))?;
        if plan.steps.is_empty() {
            return Ok(());
        }
        match journal.append(&plan.rows, plan.steps.len() as u64) {
            Ok(()) => self.apply(plan),
            Err(AppendError::Refused(error)) => plan.fail(&error),
            Err(AppendError::Uncertain(error)) => {
                tracing::error!(%error, "data/files.csv cannot be synced; it is written fresh");
                // Rows of this batch may be on disk. Only once a fresh file without them is in place may
                // their blobs, or those they replace, be removed.
                let fresh = self.write_fresh(journal);
                plan.fail(&error);
                fresh?;
            }
        }
        Ok(())
    }

    fn write_fresh(&self, journal: &mut Journal) -> io::Result<()> {
        self.blobs.keep_all(true);
        journal.rewrite(&read(&self.index))?;
        self.blobs.keep_all(false);
        Ok(())
    }

    fn apply(&self, plan: Plan) {
        let mut answers = Vec::with_capacity(plan.steps.len());
        let mut index = write(&self.index);
        for (step, ticket) in plan.steps {
            answers.push((step.apply(&mut index), ticket));
        }
        drop(index);
        for (freed, ticket) in answers {
            ticket.slot.set(Ok(freed));
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

#[cfg(test)]
mod tests;
