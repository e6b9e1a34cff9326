//! Everything under `data/`: users, access rules, the index of files, blobs, the audit trail.
//!
//! The only room that writes there. Flat files, no database:
//!
//! ```text
//! users.csv     who may log in                        rewritten whole: temporary file, fsync, rename, fsync folder
//! access.csv    who may do what with which names      likewise
//! files.csv     name → blob, one row a change         appended to; one write and one fdatasync a batch
//! blobs/        the bytes, under names of the server  complete and synced before a row names them
//! partial/      interrupted uploads                   held a day for resuming
//! lost/         blobs that no row names               kept a week, in case files.csv was damaged
//! audit.jsonl   what happened                         each line chained to the one before; by the operator's commands too
//! ```
//!
//! An upload becomes visible in this order: bytes written and hashed, length and digest checked, blob
//! synced, renamed, folder synced, row written, row synced, reply. A crash between any two steps leaves the
//! old file or the new one, and at most one orphan a connection, swept at the next start.

mod access;
mod audit;
mod batch;
mod binding;
mod blobs;
pub mod chain;
pub mod fsck;
mod hashing;
mod index;
mod journal;
mod lost;
mod parts;
mod quota;
pub(crate) mod replace;
mod rowformat;
mod rows;
mod table;
pub mod trail;
mod uploads;
mod users;

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use std::thread::{self, ScopedJoinHandle};

pub use access::{AccessRules, Rights, Rule, Rules, Subject, Who};
pub use audit::{Audit, Event};
pub use binding::CertificateRule;
pub use blobs::{BlobId, NotABlobId};
pub use hashing::HashError;
pub use index::{Change, CommitError, Expected, Files};
pub use quota::Reservation;
pub use rows::{Entry, Usage};
pub use uploads::{FinishError, StoredBlob, Upload, Uploads};
pub use users::{ChangeError, PasswordError, RegisterError, Role, User, Users, check_password};

use blobs::Blobs;

use crate::config;
use crate::error::{Error, Kind, Result};

/// The name of the audit trail in `data/`.
pub const AUDIT_NAME: &str = "audit.jsonl";

/// The open store. One process at a time has it; all threads share it.
pub struct Store {
    users: Users,
    files: Files,
    access: AccessRules,
    uploads: Uploads,
    audit: Audit,
    /// Locked for as long as the store is open; the kernel unlocks it however the process ends.
    _lock: File,
}

impl Store {
    /// Opens the store in `dir`, creating it (0700) when missing, with its audit trail inside. Also returns
    /// what was found and mended, one line each.
    pub fn open(dir: &Path) -> Result<(Self, Vec<String>)> {
        Self::open_with_audit(dir, &dir.join(AUDIT_NAME))
    }

    /// The same with the audit trail elsewhere.
    pub fn open_with_audit(dir: &Path, audit: &Path) -> Result<(Self, Vec<String>)> {
        let cannot = |error| Error::io(Kind::LocalWrite, format!("open {}", dir.display()), error);
        replace::private_dir(dir).map_err(cannot)?;
        let lock = lock_dir(dir)?;
        let mut warnings = Vec::new();
        replace::sweep_unfinished(dir).map_err(cannot)?;
        let users = Users::open(dir)?;
        let access = AccessRules::open(dir)?;
        let blobs = Arc::new(Blobs::open(dir).map_err(cannot)?);
        check_index_exists(dir, &blobs).map_err(cannot)??;
        let (files, found) = thread::scope(|scope| {
            // A million names take half a second to list; the index takes longer.
            let scan = thread::Builder::new()
                .name("sealpost-scan".to_owned())
                .spawn_scoped(scope, || blobs.scan());
            let files = Files::open(dir, Arc::clone(&blobs), &mut warnings)?;
            let found = match scan.map(ScopedJoinHandle::join) {
                Ok(Ok(found)) => found,
                Ok(Err(_panic)) => Err(io::Error::other("listing the blobs panicked")),
                Err(no_thread) => Err(no_thread),
            };
            Ok::<_, Error>((files, found.map_err(cannot)?.0))
        })?;
        lost::sweep(dir);
        reconcile(dir, &files, &blobs, &found, &mut warnings);
        let store = Self {
            users,
            files,
            access,
            uploads: Uploads::open(dir, blobs).map_err(cannot)?,
            audit: Audit::open(audit)?,
            _lock: lock,
        };
        Ok((store, warnings))
    }

    /// Who may log in.
    pub fn users(&self) -> &Users {
        &self.users
    }

    /// Which files there are.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Who may do what.
    pub fn access(&self) -> &AccessRules {
        &self.access
    }

    /// Their bytes, coming and going.
    pub fn uploads(&self) -> &Uploads {
        &self.uploads
    }

    /// What happened.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Reads users and access rules anew; of a bad file the old content stays, and the first error is
    /// returned after both were tried.
    pub fn reload(&self) -> Result<()> {
        let users = self.users.reload();
        let access = self.access.reload();
        users.and(access)
    }
}

/// Takes the lock that says this process has the store.
fn lock_dir(dir: &Path) -> Result<File> {
    let path = dir.join(".lock");
    let file = replace::open_append(&path)
        .map_err(|error| Error::io(Kind::LocalWrite, format!("open {}", path.display()), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(Error::new(
            Kind::LocalWrite,
            format!("{} is in use by a running server", dir.display()),
        )
        .hint("stop that server first, or choose another folder with --data")),
    }
}

/// Without its index every blob would look like an orphan: that must not be mistaken for a new store.
fn check_index_exists(dir: &Path, blobs: &Blobs) -> io::Result<Result<()>> {
    let path = dir.join(journal::NAME);
    if path.exists() {
        return Ok(Ok(()));
    }
    let blobs = blobs.scan()?.0.len();
    if blobs == 0 {
        return Ok(Ok(()));
    }
    let (blobs_dir, path) = (dir.join("blobs"), path.display());
    let what = format!(
        "{path} is missing, but {} holds {blobs} files",
        blobs_dir.display()
    );
    Ok(Err(Error::new(Kind::LocalRead, what).hint(format!(
        "restore {path} from a backup, or move {} away to begin anew",
        blobs_dir.display()
    ))))
}

/// Removes blobs no row names, and counts rows whose blob is gone.
fn reconcile(
    dir: &Path,
    files: &Files,
    blobs: &Blobs,
    found: &[BlobId],
    warnings: &mut Vec<String>,
) {
    let named = files.blobs();
    let missing = without(&named, found).len();
    let orphans = without(found, &named);
    if missing > 0 {
        warnings.push(format!(
            "{missing} files are listed but their bytes are missing; sealpost fsck names them"
        ));
    }
    match orphans.len() {
        0 => {}
        // A crash leaves at most one a connection. More are the sign of an old files.csv put back.
        many if many > config::CONNECTIONS_CEILING => warnings.push(format!(
            "{many} blobs belong to no file: too many for a crash, so they are kept; if files.csv is the \
             right one, sealpost fsck --repair removes them"
        )),
        // Changes that were not finished; or files, if the index was damaged or replaced by an older one.
        few => warnings.push(match lost::set_aside(dir, blobs, &orphans) {
            Ok(()) => format!(
                "{few} blobs that no row names (unfinished changes, or an older files.csv put back) were \
                 moved to {}, where they stay for a week",
                dir.join(lost::NAME).display()
            ),
            Err(error) => format!("{few} blobs that no row names cannot be moved aside: {error}"),
        }),
    }
}

/// What of `some` is not among `all`; both sorted.
fn without(some: &[BlobId], all: &[BlobId]) -> Vec<BlobId> {
    let mut all = all.iter().peekable();
    let missing = some.iter().filter(|blob| {
        while all.next_if(|other| other < blob).is_some() {}
        all.peek() != Some(blob)
    });
    missing.copied().collect()
}

/// Locks a mutex; a thread that panicked while holding it does not take the others down.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
