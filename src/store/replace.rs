//! Files that are never seen half-written, and the flags every file of the store is opened with.
//!
//! Measured on ext4 and xfs: a rename without the fsync before it leaves a file of 0 bytes under its final
//! name after a power cut, and without the fsync of the folder after it the rename itself is lost.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{Mode, OFlags};

/// How the name of a file begins that is being written and not yet in place.
pub(super) const UNFINISHED_PREFIX: &str = ".unfinished-";

/// An unfinished file older than this belongs to nobody: replacing takes seconds at most.
const UNFINISHED_AGE: Duration = Duration::from_hours(1);

/// Puts `bytes` in place of the file at `path`, or leaves it as it was; `mode` holds from the first byte.
pub(crate) fn replace(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, mode, |new| new.write_all(bytes)).map(drop)
}

/// The same for what is too large to hold: `fill` writes it. Returns the new file, open for reading and
/// writing. After an error past the rename the new file may be in place; it is complete in any case.
pub(crate) fn replace_with(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> io::Result<File> {
    let dir = parent(path);
    let new = tempfile::Builder::new()
        .prefix(UNFINISHED_PREFIX)
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(dir)?;
    let mut writer = BufWriter::with_capacity(256 * 1024, new.as_file());
    fill(&mut writer)?;
    writer.flush()?;
    drop(writer);
    new.as_file().sync_all()?;
    let placed = new.persist(path).map_err(|failed| failed.error)?;
    sync_dir(dir)?;
    Ok(placed)
}

/// Makes what happened to the entries of `dir` survive a power cut.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Creates `dir` for this user alone (0700) with what leads to it; one that exists is left as it is.
pub(crate) fn private_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    sync_dir(parent(dir))
}

/// Creates a file that must not exist yet (not even as a link), 0600, for reading and writing.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?.into())
}

/// Opens a file that exists for reading, and for writing when `writable`; a symbolic link is an error.
pub(crate) fn open_existing(path: &Path, writable: bool) -> io::Result<File> {
    let access = if writable {
        OFlags::RDWR
    } else {
        OFlags::RDONLY
    };
    let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    // NONBLOCK keeps a planted FIFO from hanging the server; on a regular file it means nothing.
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ))
    }
}

/// Opens the file at `path` for appending, creating it 0600 when missing.
pub(crate) fn open_append(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?.into())
}

/// Removes what a killed process left unfinished in `dir`; returns how many files.
pub(crate) fn sweep_unfinished(dir: &Path) -> io::Result<usize> {
    let mut removed = 0;
    for entry in dir.read_dir()? {
        let entry = entry?;
        let unfinished = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(UNFINISHED_PREFIX));
        if unfinished && older_than(&entry.metadata()?, UNFINISHED_AGE) {
            std::fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Whether a file was last written more than `age` ago.
pub(crate) fn older_than(metadata: &std::fs::Metadata, age: Duration) -> bool {
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    SystemTime::now()
        .duration_since(modified)
        .is_ok_and(|passed| passed > age)
}

/// The folder a file is in; `.` for a bare name.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if dir != Path::new("") => dir,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_replaced_file_is_the_new_one_with_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        replace(&path, 0o600, b"one").unwrap();
        replace(&path, 0o600, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_replacement_leaves_the_old_file_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        replace(&path, 0o600, b"one").unwrap();
        let failed = replace_with(&path, 0o600, |new| {
            new.write_all(b"tw")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn links_fifos_and_existing_files_are_not_opened_by_mistake() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("target");
        let link = dir.path().join("link");
        let dangling = dir.path().join("dangling");
        replace(&target, 0o600, b"secret").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        std::os::unix::fs::symlink(dir.path().join("nowhere"), &dangling).unwrap();
        assert!(open_existing(&target, true).is_ok());
        assert!(open_existing(&link, false).is_err());
        assert!(open_existing(dir.path(), false).is_err());
        assert!(create_new(&target).is_err());
        assert!(create_new(&dangling).is_err());
        assert!(open_append(&link).is_err());
    }

    #[test]
    fn folders_and_files_are_for_this_user_alone() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("x/y");
        private_dir(&inner).unwrap();
        private_dir(&inner).unwrap();
        drop(create_new(&inner.join("f")).unwrap());
        assert_eq!(mode(&inner), 0o700);
        assert_eq!(mode(&inner.join("f")), 0o600);
    }

    #[test]
    fn only_old_unfinished_files_are_swept() {
        let dir = tempfile::tempdir().unwrap();
        let old = create_new(&dir.path().join(".unfinished-a")).unwrap();
        drop(create_new(&dir.path().join(".unfinished-b")).unwrap());
        old.set_modified(SystemTime::now() - Duration::from_hours(2))
            .unwrap();
        assert_eq!(sweep_unfinished(dir.path()).unwrap(), 1);
        assert!(dir.path().join(".unfinished-b").exists());
    }
}
