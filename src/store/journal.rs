//! `data/files.csv` as a file: appended to, cut, written fresh.
//!
//! The rule behind every line: what was acknowledged is on disk, and what was refused is not, so that the
//! blob of a refused upload can be removed without a later start taking it for the current one.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::replace::{open_existing, replace, replace_with};
use super::rowformat::{self, Loaded, RowWriter};
use super::rows::Index;
use crate::error::{Error, Kind, Result};

/// The file's name in `data/`.
pub(super) const NAME: &str = "files.csv";

/// Dead rows that are always tolerated: writing the file fresh for fewer is not worth it.
const DEAD_ROWS_MIN: u64 = 10_000;

/// Why a batch of rows is not on disk.
#[derive(Debug)]
pub(super) enum AppendError {
    /// It is certain that no row of it will be seen after a restart.
    Refused(io::Error),
    /// Some of it may be on disk: the file must be written fresh before anything else.
    Uncertain(io::Error),
}

/// The open file. Only the leader of a group commit uses it.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Bytes of good rows; the next batch goes here.
    bytes: u64,
    /// Rows in the file.
    lines: u64,
    /// After a failed attempt, how many rows there must be before the next: not one at every commit.
    compact_from: u64,
    /// Whether the file holds, or may hold, something else than what was acknowledged.
    suspect: bool,
    #[cfg(test)]
    pub(super) fault: Option<Fault>,
}

/// What a test lets go wrong.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Half a batch is written, then the disk is full.
    Full,
    /// The batch is written but cannot be synced.
    Sync,
    /// That, and no fresh file can be written either.
    SyncAndRewrite,
    /// No fresh file can be written, as there is no room.
    Rewrite,
}

impl Journal {
    /// Reads and opens the file in `dir`, or makes a new one. A torn end is cut, kept aside and reported in
    /// `warnings`; a bad row before good ones is an error.
    pub(super) fn open(dir: &Path, warnings: &mut Vec<String>) -> Result<(Self, Index)> {
        let path = dir.join(NAME);
        if !path.exists() {
            replace(&path, 0o600, empty().as_bytes())
                .map_err(|error| Error::io(Kind::LocalWrite, what("write", &path), error))?;
        }
        let bytes = fs::read(&path)
            .map_err(|error| Error::io(Kind::LocalRead, what("read", &path), error))?;
        let loaded = read(&path, &bytes)?;
        let write = |error| Error::io(Kind::LocalWrite, what("write", &path), error);
        let file = open_existing(&path, true).map_err(write)?;
        let mut journal = Self {
            file,
            bytes: loaded.good_bytes as u64,
            lines: loaded.lines - loaded.bad.len() as u64,
            suspect: false,
            compact_from: 0,
            #[cfg(test)]
            fault: None,
            path: path.clone(),
        };
        journal.mend(&loaded, &bytes, warnings).map_err(write)?;
        if journal.mostly_dead(&loaded.index)
            && let Err(error) = journal.rewrite(&loaded.index)
        {
            if journal.suspect {
                return Err(write(error));
            }
            // A full disk must not keep a server from starting: deleting is what makes room.
            warnings.push(format!(
                "{} is mostly dead rows and cannot be compacted: {error}",
                path.display()
            ));
        }
        Ok((journal, loaded.index))
    }

    /// Appends a batch with one write and one fdatasync.
    pub(super) fn append(&mut self, batch: &[u8], lines: u64) -> Result<(), AppendError> {
        if let Err(error) = self.write(batch) {
            // The cut is synced too: a row of a refused upload must not come back after a power cut.
            let cut = self
                .file
                .set_len(self.bytes)
                .and_then(|()| self.file.sync_data());
            return Err(match cut {
                Ok(()) => AppendError::Refused(error),
                Err(_) => self.doubt(error),
            });
        }
        if let Err(error) = self.sync() {
            return Err(self.doubt(error));
        }
        self.bytes += batch.len() as u64;
        self.lines += lines;
        Ok(())
    }

    /// Whether the file must be written fresh before the next append.
    pub(super) fn is_suspect(&self) -> bool {
        self.suspect
    }

    /// Whether more rows are dead than alive, and enough to matter.
    pub(super) fn mostly_dead(&self, index: &Index) -> bool {
        let live = index.len() as u64;
        let dead = self.lines.saturating_sub(live);
        dead > live && dead > DEAD_ROWS_MIN && self.lines >= self.compact_from
    }

    /// Puts a fresh file with exactly the rows of `index` in place. On a new inode: after a failed fsync
    /// the old one cannot be trusted again (the kernel reports such an error once and forgets it).
    pub(super) fn rewrite(&mut self, index: &Index) -> io::Result<()> {
        let written = self.write_fresh(index);
        if written.is_err() {
            // The old file is as good as it was while it is still in place. Once renamed but not synced,
            // either file may be the one found after a power cut.
            self.suspect |= !self.is_in_place();
            self.compact_from = self.lines + DEAD_ROWS_MIN;
        }
        written
    }

    fn write_fresh(&mut self, index: &Index) -> io::Result<()> {
        #[cfg(test)]
        if matches!(self.fault, Some(Fault::SyncAndRewrite | Fault::Rewrite)) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = replace_with(&self.path, 0o600, |to| {
            let mut rows = RowWriter::new(to);
            rows.header()?;
            index
                .iter()
                .try_for_each(|(name, row)| rows.put(name, row))?;
            rows.finish()
        })?;
        self.bytes = file.metadata()?.len();
        self.lines = index.len() as u64;
        self.file = file;
        self.suspect = false;
        self.compact_from = 0;
        Ok(())
    }

    fn is_in_place(&self) -> bool {
        let found = fs::metadata(&self.path).map(|file| file.ino());
        let open = self.file.metadata().map(|file| file.ino());
        matches!((found, open), (Ok(found), Ok(open)) if found == open)
    }

    fn doubt(&mut self, error: io::Error) -> AppendError {
        self.suspect = true;
        AppendError::Uncertain(error)
    }

    fn write(&mut self, batch: &[u8]) -> io::Result<()> {
        #[cfg(test)]
        if self.fault == Some(Fault::Full) {
            self.fault = None;
            self.file
                .write_all_at(&batch[..batch.len() / 2], self.bytes)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_all_at(batch, self.bytes)
    }

    #[cfg_attr(
        not(test),
        expect(clippy::needless_pass_by_ref_mut, reason = "tests set a fault")
    )]
    fn sync(&mut self) -> io::Result<()> {
        #[cfg(test)]
        match self.fault {
            Some(Fault::Sync) => {
                self.fault = None;
                return Err(io::ErrorKind::Other.into());
            }
            Some(Fault::SyncAndRewrite) => return Err(io::ErrorKind::Other.into()),
            _ => {}
        }
        self.file.sync_data()
    }

    /// Cuts what a power cut left at the end, and ends a last row that only lacks its line end.
    fn mend(
        &mut self,
        loaded: &Loaded,
        bytes: &[u8],
        warnings: &mut Vec<String>,
    ) -> io::Result<()> {
        if let Some(torn) = loaded.bad.first() {
            let cut = &bytes[loaded.good_bytes..];
            let aside = self.path.with_extension("csv.torn");
            replace(&aside, 0o600, cut)?;
            self.file.set_len(self.bytes)?;
            warnings.push(format!(
                "{}: the last write was cut short at line {}; {} bytes that were never acknowledged are \
                 now in {}",
                self.path.display(),
                torn.line,
                cut.len(),
                aside.display()
            ));
        }
        if loaded.unended {
            self.file.write_all_at(b"\n", self.bytes)?;
            self.bytes += 1;
        }
        if loaded.unended || !loaded.bad.is_empty() {
            self.file.sync_data()?;
        }
        Ok(())
    }
}

/// Reads the text of the file at `path`; a bad row is only let through at the end.
fn read(path: &Path, bytes: &[u8]) -> Result<Loaded> {
    let shown = path.display();
    let loaded = rowformat::load(bytes).map_err(|what| {
        Error::new(Kind::LocalRead, format!("{shown}, line 1: {what}"))
            .hint("restore the file from a backup, or mend its first line in a text editor")
    })?;
    match loaded.bad.iter().find(|row| row.followed) {
        Some(bad) => Err(Error::new(
            Kind::LocalRead,
            format!("{shown}, line {}: {}", bad.line, bad.what),
        )
        .hint("run sealpost fsck to see every bad row, sealpost fsck --repair to drop them")),
        None => Ok(loaded),
    }
}

fn empty() -> String {
    format!("{}\n", rowformat::COLUMNS.join(","))
}

fn what(verb: &str, path: &Path) -> String {
    format!("{verb} {}", path.display())
}
