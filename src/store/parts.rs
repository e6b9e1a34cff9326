//! The folder of interrupted uploads, and how much of it one user may fill.
//!
//! `OWNER-KEY` is a held part, `OWNER-KEY.BLOB` one under way: hex of digests and of random bits, so that
//! no name a client chose ever becomes a path.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::blobs::BlobId;
use super::lock;
use super::replace::private_dir;
use crate::protocol::{FileName, Sha256, UserName};
use crate::text;

/// A part nobody came back for in a day is given up.
const HELD_AGE: Duration = Duration::from_hours(24);

/// Parts held of one user: as many as a client may have in the air at once, several times over.
const HELD_PARTS_MAX: usize = 64;

/// Which part: by owner, and by owner, name and size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PartKey {
    owner: String,
    part: String,
}

impl PartKey {
    pub(super) fn new(owner: &UserName, name: &FileName, size: u64) -> Self {
        let whole = format!("{owner}\0{name}\0{size}");
        Self {
            owner: text::hex(&Sha256::of(owner.as_str().as_bytes()).as_bytes()[..8]),
            part: text::hex(&Sha256::of(whole.as_bytes()).as_bytes()[..16]),
        }
    }

    /// Reads a file's name: the key, and whether the part was under way.
    fn parse(name: &str) -> Option<(Self, bool)> {
        let (key, blob) = match name.split_once('.') {
            Some((key, blob)) => (key, Some(blob)),
            None => (name, None),
        };
        let (owner, part) = key.split_once('-')?;
        let hex = |text: &str, digits: usize| {
            text.len() == digits && text.bytes().all(|digit| digit.is_ascii_hexdigit())
        };
        let named_well = hex(owner, 16) && hex(part, 32) && blob.is_none_or(|blob| hex(blob, 32));
        let (owner, part) = (owner.to_owned(), part.to_owned());
        named_well.then_some((Self { owner, part }, blob.is_some()))
    }
}

struct Held {
    part: String,
    bytes: u64,
    since: SystemTime,
}

/// The folder, and what is held in it by owner.
pub(super) struct Parts {
    dir: PathBuf,
    held: Mutex<HashMap<String, Vec<Held>>>,
    pub(super) bytes_max: AtomicU64,
}

impl Parts {
    /// Opens the folder: what was under way when the server was killed is held from now on, what is older
    /// than a day is removed.
    pub(super) fn open(data: &Path) -> io::Result<Self> {
        let dir = data.join("partial");
        private_dir(&dir)?;
        let parts = Self {
            dir,
            held: Mutex::default(),
            bytes_max: AtomicU64::new(u64::MAX),
        };
        let now = SystemTime::now();
        for entry in fs::read_dir(&parts.dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some((key, active)) = name.to_str().and_then(PartKey::parse) else {
                continue;
            };
            let metadata = entry.metadata()?;
            let since = metadata.modified()?;
            if metadata.len() == 0 || is_old(since, now) {
                fs::remove_file(entry.path())?;
                continue;
            }
            if active {
                fs::rename(entry.path(), parts.held_path(&key))?;
            }
            parts.note(&mut lock(&parts.held), &key, metadata.len(), since);
        }
        Ok(parts)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn active_path(&self, key: &PartKey, blob: &BlobId) -> PathBuf {
        self.dir.join(format!("{}-{}.{blob}", key.owner, key.part))
    }

    fn held_path(&self, key: &PartKey) -> PathBuf {
        self.dir.join(format!("{}-{}", key.owner, key.part))
    }

    /// Takes the held part to `active`; `false` when none is held. The rename is what makes it ours.
    pub(super) fn take(&self, key: &PartKey, active: &Path) -> io::Result<bool> {
        let mut held = lock(&self.held);
        match fs::rename(self.held_path(key), active) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        }
        if let Some(parts) = held.get_mut(&key.owner) {
            parts.retain(|part| part.part != key.part);
            if parts.is_empty() {
                held.remove(&key.owner);
            }
        }
        Ok(true)
    }

    /// Holds the part at `active`, in place of an older one of the same file, and gives up the owner's
    /// oldest parts where there are too many.
    pub(super) fn keep(&self, key: &PartKey, active: &Path, bytes: u64) -> io::Result<()> {
        let mut held = lock(&self.held);
        fs::rename(active, self.held_path(key))?;
        self.note(&mut held, key, bytes, SystemTime::now());
        Ok(())
    }

    fn note(
        &self,
        held: &mut HashMap<String, Vec<Held>>,
        key: &PartKey,
        bytes: u64,
        since: SystemTime,
    ) {
        let parts = held.entry(key.owner.clone()).or_default();
        parts.retain(|part| part.part != key.part);
        let part = key.part.clone();
        parts.push(Held { part, bytes, since });
        parts.sort_by_key(|part| part.since);
        let bytes_max = self.bytes_max.load(Ordering::Relaxed);
        let mut bytes = parts
            .iter()
            .fold(0, |sum: u64, part| sum.saturating_add(part.bytes));
        while parts.len() > 1 && (parts.len() > HELD_PARTS_MAX || bytes > bytes_max) {
            let oldest = parts.remove(0);
            bytes -= oldest.bytes.min(bytes);
            self.remove(&key.owner, &oldest.part);
        }
    }

    /// Removes held parts older than a day at `now`; returns how many.
    pub(super) fn sweep(&self, now: SystemTime) -> usize {
        let mut held = lock(&self.held);
        let mut removed = 0;
        held.retain(|owner, parts| {
            parts.retain(|part| {
                let old = is_old(part.since, now);
                if old {
                    self.remove(owner, &part.part);
                    removed += 1;
                }
                !old
            });
            !parts.is_empty()
        });
        removed
    }

    fn remove(&self, owner: &str, part: &str) {
        if let Err(error) = fs::remove_file(self.dir.join(format!("{owner}-{part}"))) {
            tracing::warn!(%error, "an old part of an upload cannot be removed");
        }
    }
}

fn is_old(since: SystemTime, now: SystemTime) -> bool {
    now.duration_since(since).is_ok_and(|age| age > HELD_AGE)
}
