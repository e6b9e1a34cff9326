//! Does what is on disk belong together? Checking writes nothing and works beside a running server;
//! repairing needs the server stopped.

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::access::Rules;
use super::blobs::{BlobId, Blobs, scan};
use super::lost;
use super::replace::{open_existing, replace, replace_with};
use super::rowformat::{self, Loaded, RowWriter};
use super::rows::Row;
use super::table::{self, Rows};
use super::users::Accounts;
use super::{journal, lock_dir};
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::protocol::{FileName, Hasher, Sha256};
use crate::text;

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct FsckReport {
    /// Whether a server has the store open.
    pub running: bool,
    /// Files in the index.
    pub files: usize,
    /// Their bytes together.
    pub bytes: u64,
    /// Rows of `files.csv`, live and dead.
    pub rows: u64,
    /// Rows of `users.csv`.
    pub users: usize,
    /// Rows of `access.csv`.
    pub rules: usize,
    /// Whether the digests of the files were computed too.
    pub digests: bool,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What was done about it, one line each.
    pub repairs: Vec<String>,
}

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum Problem {
    /// A table cannot be read.
    Table {
        /// The file, the line and what is wrong.
        what: String,
    },
    /// A row of `files.csv` before good ones cannot be read.
    BadRow {
        /// Counted from 1, the header included.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The end of `files.csv` was cut by a crash; the next start mends that by itself.
    TornEnd {
        /// The first line cut.
        line: u64,
    },
    /// A file is listed, but its bytes are not there.
    MissingBlob {
        /// The file.
        name: FileName,
        /// Where its bytes should be.
        blob: String,
    },
    /// A file's bytes are more or fewer than listed.
    WrongSize {
        /// The file.
        name: FileName,
        /// Bytes listed.
        listed: u64,
        /// Bytes found.
        found: u64,
    },
    /// A file's bytes are not those that were uploaded.
    WrongDigest {
        /// The file.
        name: FileName,
        /// The digest listed.
        listed: Sha256,
        /// The digest found.
        found: Sha256,
    },
    /// A file's bytes cannot be read.
    Unreadable {
        /// The file.
        name: FileName,
        /// The error.
        what: String,
    },
    /// A blob belongs to no file; the next start removes a few such by itself.
    Orphan {
        /// The blob.
        blob: String,
    },
    /// A file in `data/blobs` that the server did not put there.
    Stray {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table { what } => f.write_str(what),
            Self::BadRow { line, what } => write!(f, "files.csv, line {line}: {what}"),
            Self::TornEnd { line } => write!(f, "files.csv ends in a torn write, line {line}"),
            Self::MissingBlob { name, blob } => {
                write!(f, "{name}: its bytes are missing (blob {blob})")
            }
            Self::WrongSize {
                name,
                listed,
                found,
            } => {
                write!(f, "{name}: {found} bytes instead of {listed}")
            }
            Self::WrongDigest {
                name,
                listed,
                found,
            } => {
                write!(f, "{name}: SHA-256 {found} instead of {listed}")
            }
            Self::Unreadable { name, what } => write!(f, "{name}: cannot be read: {what}"),
            Self::Orphan { blob } => write!(f, "blob {blob} belongs to no file"),
            Self::Stray { path } => write!(f, "{} is none of the server's", path.display()),
        }
    }
}

/// Looks, and writes nothing. Beside a running server it looks twice and reports what it saw both times: an
/// upload between its blob and its row is no problem.
pub fn check(dir: &Path, digests: bool) -> Result<FsckReport> {
    if !dir.is_dir() {
        let what = format!("{} is not a folder", dir.display());
        return Err(Error::new(Kind::LocalRead, what).hint("name the server's folder with --data"));
    }
    let running = is_running(dir);
    let first = look(dir, digests && !running)?.0;
    if !running {
        return Ok(first);
    }
    let (mut second, _) = look(dir, digests)?;
    second.running = true;
    // Digests are only computed in the second look: what is on disk under a blob's name never changes.
    second.problems.retain(|problem| {
        matches!(problem, Problem::WrongDigest { .. }) || first.problems.contains(problem)
    });
    Ok(second)
}

/// Looks, then mends what can be mended without losing a file: rows that cannot be read are dropped (the
/// old `files.csv` is kept beside it), orphans are removed. No server may run.
pub fn repair(dir: &Path, digests: bool) -> Result<FsckReport> {
    let _lock = lock_dir(dir)?;
    let (mut report, loaded) = look(dir, digests)?;
    let Some(loaded) = loaded else {
        return Ok(report);
    };
    let path = dir.join(journal::NAME);
    let cannot = |error| {
        Error::io(
            Kind::LocalWrite,
            format!("repair {}", path.display()),
            error,
        )
    };
    if !loaded.bad.is_empty() {
        let stamp = text::now().unix_timestamp();
        let backup = dir.join(format!("{}.bad-{stamp}", journal::NAME));
        fs::read(&path)
            .and_then(|old| replace(&backup, 0o600, &old))
            .map_err(cannot)?;
        write_index(&path, &loaded).map_err(cannot)?;
        report.repairs.push(format!(
            "{} rows that cannot be read were dropped; the file as it was is {}",
            loaded.bad.len(),
            backup.display()
        ));
    }
    let repair = clear_orphans(dir, &report.problems, !loaded.bad.is_empty()).map_err(cannot)?;
    report.repairs.extend(repair);
    Ok(report)
}

/// Removes blobs that belong to no file; when rows were dropped, some may have been theirs, and all are
/// moved aside instead.
fn clear_orphans(
    dir: &Path,
    problems: &[Problem],
    rows_dropped: bool,
) -> io::Result<Option<String>> {
    let blobs = Blobs::open(dir)?;
    let orphans: Vec<BlobId> = problems
        .iter()
        .filter_map(|problem| match problem {
            Problem::Orphan { blob } => blob.parse().ok(),
            _ => None,
        })
        .collect();
    let count = orphans.len();
    if count == 0 {
        return Ok(None);
    }
    if rows_dropped {
        lost::set_aside(dir, &blobs, &orphans)?;
        return Ok(Some(format!(
            "{count} blobs that may have been theirs were moved to {}, where they stay for a week",
            dir.join(lost::NAME).display()
        )));
    }
    for blob in &orphans {
        blobs.remove(blob);
    }
    Ok(Some(format!(
        "{count} blobs that belong to no file were removed"
    )))
}

fn is_running(dir: &Path) -> bool {
    let lock = File::open(dir.join(".lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn look(dir: &Path, digests: bool) -> Result<(FsckReport, Option<Loaded>)> {
    let mut report = FsckReport {
        digests,
        ..FsckReport::default()
    };
    report.users = look_at_table::<Accounts>(dir, &mut report.problems, Accounts::len);
    report.rules = look_at_table::<Rules>(dir, &mut report.problems, Rules::len);
    let path = dir.join(journal::NAME);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A store without files has none yet.
            if scan(&dir.join("blobs")).is_ok_and(|(blobs, _)| !blobs.is_empty()) {
                let what = format!("{} is missing, but there are blobs", path.display());
                report.problems.push(Problem::Table { what });
            }
            return Ok((report, None));
        }
        Err(error) => {
            let what = format!("read {}", path.display());
            return Err(Error::io(Kind::LocalRead, what, error));
        }
    };
    let loaded = match rowformat::load(&bytes) {
        Ok(loaded) => loaded,
        Err(what) => {
            let what = format!("{}, line 1: {what}", path.display());
            report.problems.push(Problem::Table { what });
            return Ok((report, None));
        }
    };
    look_at_rows(&loaded, &mut report);
    look_at_blobs(&dir.join("blobs"), &loaded, &mut report)?;
    Ok((report, Some(loaded)))
}

fn look_at_table<T: Rows>(
    dir: &Path,
    problems: &mut Vec<Problem>,
    count: fn(&T) -> usize,
) -> usize {
    let path = dir.join(format!("{}.csv", T::NAME));
    let table = match fs::read(&path) {
        Ok(bytes) => table::parse::<T>(&path, &bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
        Err(error) => {
            let what = format!("read {}", path.display());
            Err(Error::io(Kind::LocalRead, what, error))
        }
    };
    match table {
        Ok(table) => count(&table),
        Err(error) => {
            let what = error.message().to_owned();
            problems.push(Problem::Table { what });
            0
        }
    }
}

fn look_at_rows(loaded: &Loaded, report: &mut FsckReport) {
    report.rows = loaded.lines;
    report.files = loaded.index.len();
    report.bytes = loaded.index.iter().map(|(_, row)| row.size).sum();
    for row in loaded.bad.iter().filter(|row| row.followed) {
        let (line, what) = (row.line, row.what.clone());
        report.problems.push(Problem::BadRow { line, what });
    }
    if let Some(torn) = loaded.bad.iter().find(|row| !row.followed) {
        report.problems.push(Problem::TornEnd { line: torn.line });
    }
}

fn look_at_blobs(dir: &Path, loaded: &Loaded, report: &mut FsckReport) -> Result<()> {
    let (blobs, strays) = match scan(dir) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), Vec::new()),
        Err(error) => {
            let what = format!("read {}", dir.display());
            return Err(Error::io(Kind::LocalRead, what, error));
        }
    };
    let mut orphans: HashSet<BlobId> = blobs.iter().copied().collect();
    for (name, row) in loaded.index.iter() {
        let problem = if orphans.remove(&row.blob) {
            look_at_file(dir, name, row, report.digests)
        } else {
            let (name, blob) = (name.clone(), row.blob.to_string());
            Some(Problem::MissingBlob { name, blob })
        };
        report.problems.extend(problem);
    }
    let orphans = blobs.iter().filter(|blob| orphans.contains(*blob));
    let orphans = orphans.map(|blob| Problem::Orphan {
        blob: blob.to_string(),
    });
    report.problems.extend(orphans);
    report
        .problems
        .extend(strays.into_iter().map(|path| Problem::Stray { path }));
    Ok(())
}

fn look_at_file(dir: &Path, name: &FileName, row: &Row, digests: bool) -> Option<Problem> {
    let name = name.clone();
    let unreadable = |name, error: &io::Error| {
        let what = error.to_string();
        Some(Problem::Unreadable { name, what })
    };
    let path = dir.join(row.blob.to_string());
    let length = match fs::symlink_metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(error) => return unreadable(name, &error),
    };
    if length != row.size {
        let (listed, found) = (row.size, length);
        return Some(Problem::WrongSize {
            name,
            listed,
            found,
        });
    }
    if !digests {
        return None;
    }
    match digest(&path) {
        Ok(found) if found == row.sha256 => None,
        Ok(found) => Some(Problem::WrongDigest {
            name,
            listed: row.sha256,
            found,
        }),
        // Deleted since the look at the folder.
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => unreadable(name, &error),
    }
}

fn digest(path: &Path) -> io::Result<Sha256> {
    let mut file = open_existing(path, false)?;
    let mut hasher = Hasher::default();
    let mut chunk = vec![0; config::CHUNK_BYTES];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hasher.finish()),
            n => hasher.update(&chunk[..n]),
        }
    }
}

fn write_index(path: &Path, loaded: &Loaded) -> io::Result<()> {
    replace_with(path, 0o600, |to| {
        let mut rows = RowWriter::new(to);
        rows.header()?;
        loaded
            .index
            .iter()
            .try_for_each(|(name, row)| rows.put(name, row))?;
        rows.finish()
    })
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::{Change, Entry, Expected, Store};
    use super::*;

    /// A store with three files: a, b, c.
    fn store() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let (store, _) = Store::open(&data).unwrap();
        for name in ["a", "b", "c"] {
            put(&store, name);
        }
        (dir, data)
    }

    fn put(store: &Store, name: &str) -> BlobId {
        let (owner, name): (_, FileName) = ("alice".parse().unwrap(), name.parse().unwrap());
        let mut upload = store.uploads().begin(&owner, &name, 3).unwrap();
        upload.append(b"abc").unwrap();
        let stored = upload.finish(Sha256::of(b"abc")).unwrap();
        let seen = Expected::target(store.files().find(&name).as_ref());
        let entry = Entry::new(name, &stored, owner, text::now());
        store.files().commit(Change::Put(entry), seen).unwrap();
        stored.blob
    }

    fn edit(data: &Path, edit: impl FnOnce(String) -> String) {
        let path = data.join("files.csv");
        let text = fs::read_to_string(&path).unwrap();
        replace(&path, 0o600, edit(text).as_bytes()).unwrap();
    }

    fn shown(report: &FsckReport) -> String {
        let lines: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
        lines.join("; ")
    }

    #[test]
    fn a_sound_store_has_no_problems_running_or_not() {
        let (_dir, data) = store();
        let report = check(&data, true).unwrap();
        assert_eq!((report.files, report.bytes, report.running), (3, 9, false));
        assert_eq!(report.problems, []);
        let (store, warnings) = Store::open(&data).unwrap();
        assert_eq!(warnings, [""; 0]);
        put(&store, "d");
        let report = check(&data, true).unwrap();
        assert_eq!((report.files, report.running), (4, true));
        assert_eq!(report.problems, []);
        assert!(
            repair(&data, false).is_err(),
            "never beside a running server"
        );
    }

    #[test]
    fn missing_short_changed_and_foreign_bytes_are_named() {
        let (_dir, data) = store();
        let (store, _) = Store::open(&data).unwrap();
        let path = |name: &str| {
            let entry = store.files().find(&name.parse().unwrap()).unwrap();
            data.join("blobs").join(entry.blob.to_string())
        };
        fs::remove_file(path("a")).unwrap();
        replace(&path("b"), 0o600, b"ab").unwrap();
        replace(&path("c"), 0o600, b"abd").unwrap();
        replace(&data.join("blobs/note.txt"), 0o600, b"x").unwrap();
        drop(store);
        let quick = check(&data, false).unwrap();
        assert_eq!(quick.problems.len(), 3, "{}", shown(&quick));
        let thorough = check(&data, true).unwrap();
        let text = shown(&thorough);
        for part in [
            "a: its bytes",
            "b: 2 bytes instead of 3",
            "c: SHA-256",
            "note.txt",
        ] {
            assert!(text.contains(part), "{text}");
        }
        let (_store, warnings) = Store::open(&data).unwrap();
        assert!(
            warnings[0].starts_with("1 files are listed"),
            "{warnings:?}"
        );
    }

    #[test]
    fn a_bad_row_refuses_the_start_until_repair_drops_it_and_loses_no_bytes() {
        let (_dir, data) = store();
        edit(&data, |text| text.replacen("put,b,", "put,../b,", 1));
        let error = Store::open(&data).err().unwrap();
        assert!(error.message().contains("files.csv, line 3: "), "{error}");
        assert!(error.next_step().unwrap().contains("sealpost fsck"));
        let found = shown(&check(&data, false).unwrap());
        assert!(found.contains("files.csv, line 3: "), "{found}");
        let report = repair(&data, false).unwrap();
        assert_eq!(report.repairs.len(), 2, "{:?}", report.repairs);
        assert_eq!(check(&data, true).unwrap().problems, []);
        let (store, warnings) = Store::open(&data).unwrap();
        assert_eq!((store.files().count(), warnings.len()), (2, 0));
        assert_eq!(fs::read_dir(data.join("lost")).unwrap().count(), 1);
        let kept = fs::read_dir(&data).unwrap().flatten();
        let kept = kept.filter(|entry| entry.file_name().to_string_lossy().contains(".bad-"));
        assert_eq!(kept.count(), 1);
    }

    #[test]
    fn a_torn_end_is_cut_at_the_start_and_kept_aside() {
        let (_dir, data) = store();
        edit(&data, |text| format!("{text}put,d,,3,ab"));
        assert!(shown(&check(&data, false).unwrap()).contains("torn write, line 5"));
        let (store, warnings) = Store::open(&data).unwrap();
        assert!(warnings[0].contains("cut short at line 5"), "{warnings:?}");
        assert_eq!(store.files().count(), 3);
        put(&store, "d");
        drop(store);
        let torn = fs::read_to_string(data.join("files.csv.torn")).unwrap();
        assert_eq!(torn, "put,d,,3,ab");
        let (store, warnings) = Store::open(&data).unwrap();
        assert_eq!((store.files().count(), warnings.len()), (4, 0));
    }

    #[test]
    fn orphans_are_removed_by_repair_and_by_the_next_start() {
        let (_dir, data) = store();
        let plant = || replace(&data.join("blobs").join("ab".repeat(16)), 0o600, b"x").unwrap();
        plant();
        assert!(shown(&check(&data, false).unwrap()).contains("belongs to no file"));
        assert_eq!(repair(&data, false).unwrap().repairs.len(), 1);
        assert_eq!(check(&data, false).unwrap().problems, []);
        plant();
        let (_store, warnings) = Store::open(&data).unwrap();
        assert!(warnings[0].starts_with("1 blobs"), "{warnings:?}");
        assert_eq!(check(&data, false).unwrap().problems, []);
    }

    #[test]
    fn without_its_index_a_store_is_not_taken_for_a_new_one() {
        let (_dir, data) = store();
        fs::remove_file(data.join("files.csv")).unwrap();
        let error = Store::open(&data).err().unwrap();
        assert!(error.message().contains("files.csv is missing"), "{error}");
        assert_eq!(fs::read_dir(data.join("blobs")).unwrap().count(), 3);
        assert!(shown(&check(&data, false).unwrap()).contains("is missing"));
    }

    #[test]
    fn a_second_server_is_refused_and_a_bad_table_too() {
        let (_dir, data) = store();
        let (first, _) = Store::open(&data).unwrap();
        let error = Store::open(&data).err().unwrap();
        assert!(
            error.message().contains("in use by a running server"),
            "{error}"
        );
        assert!(error.next_step().is_some());
        replace(&data.join("users.csv"), 0o600, b"who\n").unwrap();
        assert!(first.reload().is_err());
        drop(first);
        let error = Store::open(&data).err().unwrap();
        assert!(error.message().contains("users.csv, line 1: "), "{error}");
        assert!(shown(&check(&data, false).unwrap()).contains("users.csv, line 1: "));
    }
}
