//! Notices that a file the server has read changed on disk.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use super::{Config, Handle};
use crate::error::{Error, Kind, Result};

/// How often is looked: a change counts within two seconds.
const EVERY: Duration = Duration::from_millis(900);

/// Reloads through `handle` whenever certificate, key, CA, revocation lists, users or access rules change.
/// Looks by itself, so it works on every file system and needs no crate for it.
pub(super) fn start(config: &Config, handle: Handle) -> Result<()> {
    let paths = paths(config);
    let watching = move || {
        let mut known = look(&paths);
        loop {
            thread::sleep(EVERY);
            let now = look(&paths);
            if now != known {
                known = now;
                handle.reload();
            }
        }
    };
    // Ends with the process; it holds nothing but the handle.
    let spawned = thread::Builder::new().name("watch".into()).spawn(watching);
    spawned
        .map(|_running| ())
        .map_err(|error| Error::io(Kind::Other, "watch the certificates", error))
}

fn paths(config: &Config) -> Vec<PathBuf> {
    let mut paths = vec![
        config.data.join("users.csv"),
        config.data.join("access.csv"),
    ];
    if let Some(tls) = &config.tls {
        paths.extend([&tls.certificate, &tls.key, &tls.client_ca].map(Clone::clone));
        paths.extend(tls.revocation_lists.clone());
    }
    paths
}

/// What tells one state of a file from another: which file it is, when it was written, how long it is.
type Mark = Option<(u64, i64, i64, u64)>;

fn look(paths: &[PathBuf]) -> Vec<Mark> {
    let mark = |path: &PathBuf| {
        let metadata = fs::metadata(path).ok()?;
        Some((
            metadata.ino(),
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.len(),
        ))
    };
    paths.iter().map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_appears_changes_or_is_replaced_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let paths = [dir.path().join("a")];
        let nothing = look(&paths);
        #[expect(clippy::disallowed_methods, reason = "a fixture")]
        let write = |text: &str| fs::write(&paths[0], text).unwrap();
        write("one");
        let one = look(&paths);
        assert_ne!(nothing, one);
        assert_eq!(one, look(&paths));
        write("three");
        assert_ne!(one, look(&paths));
    }
}
