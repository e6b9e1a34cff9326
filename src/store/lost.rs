//! `data/lost/`: blobs that no row of the index names, kept for a week in case an older index was put back.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::blobs::{BlobId, Blobs};
use super::replace::private_dir;

/// The folder's name in `data/`.
pub(super) const NAME: &str = "lost";

/// How long a blob is kept there: long enough to notice that files are missing.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// Moves `orphans` aside.
pub(super) fn set_aside(dir: &Path, blobs: &Blobs, orphans: &[BlobId]) -> io::Result<()> {
    let lost = dir.join(NAME);
    private_dir(&lost)?;
    for blob in orphans {
        let to = lost.join(blob.to_string());
        fs::rename(blobs.path(blob), &to)?;
        // Its own time is that of its upload; the week begins now.
        fs::File::open(&to)?.set_modified(SystemTime::now())?;
    }
    Ok(())
}

/// Removes what has been there for longer than a week.
pub(super) fn sweep(dir: &Path) {
    let entries = fs::read_dir(dir.join(NAME)).into_iter().flatten().flatten();
    for entry in entries {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|at| at.elapsed().ok());
        if age.is_some_and(|age| age > KEPT) {
            let _next_time = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_aside_is_kept_for_a_week_and_then_gone() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path()).unwrap();
        let [old, new] = [(); 2].map(|()| BlobId::random().unwrap());
        for blob in [&old, &new] {
            drop(super::super::replace::create_new(&blobs.path(blob)).unwrap());
        }
        set_aside(dir.path(), &blobs, &[old, new]).unwrap();
        let at = |blob: &BlobId| dir.path().join(NAME).join(blob.to_string());
        let past = SystemTime::now() - KEPT - Duration::from_mins(1);
        fs::File::open(at(&old))
            .unwrap()
            .set_modified(past)
            .unwrap();
        sweep(dir.path());
        assert!(!at(&old).exists());
        assert!(at(&new).exists());
        assert!(!blobs.path(&new).exists());
    }
}
