//! The index in memory: which name is which blob, in the order of names, and what each owner uses.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use time::OffsetDateTime;

use super::blobs::BlobId;
use super::uploads::StoredBlob;
use crate::protocol::{FileInfo, FileName, Sha256, UserName};

/// A file of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: FileName,
    /// Its length in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256,
    /// Who uploaded it.
    pub owner: UserName,
    /// When it was uploaded or renamed, to the second.
    pub modified: OffsetDateTime,
    /// Where its bytes are.
    pub blob: BlobId,
}

impl Entry {
    /// The entry a stored blob gets under `name`.
    pub fn new(
        name: FileName,
        stored: &StoredBlob,
        owner: UserName,
        modified: OffsetDateTime,
    ) -> Self {
        Self {
            name,
            size: stored.size,
            sha256: stored.sha256,
            owner,
            modified,
            blob: stored.blob,
        }
    }

    /// The entry as the protocol shows it.
    pub fn info(&self) -> FileInfo {
        FileInfo {
            name: self.name.clone(),
            size: self.size,
            sha256: self.sha256,
            owner: self.owner.clone(),
            modified: self.modified,
        }
    }
}

/// What an owner's files take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of all files together.
    pub bytes: u64,
    /// How many files.
    pub files: u64,
}

/// An entry without its name: 72 bytes, because a million of them are held.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    pub(super) owner: Arc<UserName>,
    /// Seconds since 1970.
    pub(super) modified: i64,
    pub(super) blob: BlobId,
}

impl Row {
    fn entry(&self, name: &FileName) -> Entry {
        Entry {
            name: name.clone(),
            size: self.size,
            sha256: self.sha256,
            owner: UserName::clone(&self.owner),
            modified: OffsetDateTime::from_unix_timestamp(self.modified)
                .unwrap_or(OffsetDateTime::UNIX_EPOCH),
            blob: self.blob,
        }
    }
}

/// Every file by name.
#[derive(Default)]
pub(super) struct Index {
    rows: BTreeMap<FileName, Row>,
    usage: HashMap<Arc<UserName>, Usage>,
}

impl Index {
    /// Builds the index from changes in the order they were made, the last of each name winning. Sorting
    /// them at once is twice as quick as finding a place for each.
    pub(super) fn build(mut changes: Vec<(FileName, Option<Row>)>) -> Self {
        changes.reverse();
        changes.sort_by(|(one, _), (other, _)| one.cmp(other));
        changes.dedup_by(|(later, _), (kept, _)| later == kept);
        let live = changes
            .into_iter()
            .filter_map(|(name, row)| Some((name, row?)));
        let mut index = Self {
            rows: live.collect(),
            usage: HashMap::new(),
        };
        for row in index.rows.values() {
            add(&mut index.usage, row);
        }
        index
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn row(&self, name: &FileName) -> Option<&Row> {
        self.rows.get(name)
    }

    pub(super) fn find(&self, name: &FileName) -> Option<Entry> {
        self.rows.get(name).map(|row| row.entry(name))
    }

    pub(super) fn usage(&self, owner: &UserName) -> Usage {
        self.usage.get(owner).copied().unwrap_or_default()
    }

    /// Every name and row, in the order of names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&FileName, &Row)> {
        self.rows.iter()
    }

    /// At most `most` entries with names after `after` that begin with `prefix`.
    pub(super) fn page(&self, prefix: &str, after: &str, most: usize) -> Vec<Entry> {
        let start = if after >= prefix && !after.is_empty() {
            Bound::Excluded(after)
        } else {
            Bound::Included(prefix)
        };
        self.rows
            .range::<str, _>((start, Bound::Unbounded))
            .take_while(|(name, _)| name.as_str().starts_with(prefix))
            .take(most)
            .map(|(name, row)| row.entry(name))
            .collect()
    }

    /// The one copy of an owner's name, when it owns something already.
    pub(super) fn owner(&self, name: &UserName) -> Arc<UserName> {
        match self.usage.get_key_value(name) {
            Some((owner, _)) => Arc::clone(owner),
            None => Arc::new(name.clone()),
        }
    }

    /// Sets a row; returns the one that was there.
    pub(super) fn put(&mut self, name: FileName, row: Row) -> Option<Row> {
        add(&mut self.usage, &row);
        let old = self.rows.insert(name, row);
        self.forget(old.as_ref());
        old
    }

    /// Removes a row; returns it.
    pub(super) fn delete(&mut self, name: &FileName) -> Option<Row> {
        let old = self.rows.remove(name);
        self.forget(old.as_ref());
        old
    }

    fn forget(&mut self, old: Option<&Row>) {
        let Some(old) = old else { return };
        if let Some(usage) = self.usage.get_mut(&old.owner) {
            usage.bytes = usage.bytes.saturating_sub(old.size);
            usage.files = usage.files.saturating_sub(1);
            if usage.files == 0 {
                self.usage.remove(&old.owner);
            }
        }
    }
}

fn add(usage: &mut HashMap<Arc<UserName>, Usage>, row: &Row) {
    let usage = match usage.get_mut(&row.owner) {
        Some(usage) => usage,
        None => usage.entry(Arc::clone(&row.owner)).or_default(),
    };
    usage.bytes = usage.bytes.saturating_add(row.size);
    usage.files += 1;
}
