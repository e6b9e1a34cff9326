//! The folder of a CA: one writer at a time, nothing half-written, keys private from their first byte.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Kind, Result};

/// A folder such as `certs/`.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

/// Held while the folder is changed; another `sealpost pki` waits for it.
pub(super) struct Lock {
    _file: File,
}

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// 0644: certificates and revocation lists are public.
    Public,
    /// 0600: keys and requests' keys.
    Private,
}

impl Access {
    #[cfg(unix)]
    fn mode(self) -> u32 {
        match self {
            Self::Public => 0o644,
            Self::Private => 0o600,
        }
    }
}

/// Files that appear together, or, when one of them cannot be written, not at all.
#[derive(Default)]
pub(super) struct Batch {
    staged: Vec<(NamedTempFile, PathBuf, bool)>,
}

impl Folder {
    /// The folder at `path`, whether it exists or not.
    pub(super) fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Makes the folder, 0700, where there is none.
    pub(super) fn create(&self) -> Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.path).map_err(|error| {
            let making = format!("make the folder {}", self.path.display());
            Error::io(Kind::LocalWrite, making, error)
        })
    }

    /// The path of a file in it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder itself.
    pub(super) fn root(&self) -> &Path {
        &self.path
    }

    /// Waits until nobody else changes the folder.
    pub(super) fn lock(&self) -> Result<Lock> {
        let path = self.path(".lock");
        let locking = |error| {
            let locking = format!("lock {}", path.display());
            Error::io(Kind::LocalWrite, locking, error)
        };
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(locking)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                tracing::info!(
                    "waiting for another program to finish with {}",
                    path.display()
                );
                file.lock().map_err(locking)?;
            }
            Err(TryLockError::Error(error)) => return Err(locking(error)),
        }
        Ok(Lock { _file: file })
    }
}

impl Batch {
    /// Writes `bytes` beside `path`, on disk and with its final mode; [`Self::commit`] puts it in place.
    ///
    /// Without `replace`, an existing file is [`Kind::Exists`].
    pub(super) fn stage(
        &mut self,
        path: PathBuf,
        bytes: &[u8],
        access: Access,
        replace: bool,
    ) -> Result<()> {
        if !replace && path.exists() {
            return Err(exists(&path));
        }
        let writing = |error| {
            Error::io(
                Kind::LocalWrite,
                format_args!("write {}", path.display()),
                error,
            )
        };
        let folder = folder_of(&path);
        let mut file = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(folder)
            .map_err(writing)?;
        // A temporary file is born 0600; only what is public is opened up, whatever the umask says.
        #[cfg(unix)]
        if access == Access::Public {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::Permissions::from_mode(access.mode());
            file.as_file().set_permissions(mode).map_err(writing)?;
        }
        #[cfg(not(unix))]
        let _ = access;
        file.write_all(bytes).map_err(writing)?;
        file.as_file().sync_all().map_err(writing)?;
        self.staged.push((file, path, replace));
        Ok(())
    }

    /// Puts the files in place in the order they were staged, and that order on disk.
    pub(super) fn commit(self) -> Result<()> {
        let mut folders = Vec::new();
        for (file, path, replace) in self.staged {
            let placed = if replace {
                file.persist(&path)
            } else {
                file.persist_noclobber(&path)
            };
            placed.map_err(|failed| {
                if failed.error.kind() == std::io::ErrorKind::AlreadyExists {
                    return exists(&path);
                }
                let writing = format!("write {}", path.display());
                Error::io(Kind::LocalWrite, writing, failed.error)
            })?;
            let folder = folder_of(&path).to_owned();
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        #[cfg(unix)]
        for folder in folders {
            let synced = File::open(&folder).and_then(|folder| folder.sync_all());
            synced.map_err(|error| {
                let writing = format!("write {}", folder.display());
                Error::io(Kind::LocalWrite, writing, error)
            })?;
        }
        Ok(())
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn exists(path: &Path) -> Error {
    Error::new(Kind::Exists, format!("{} exists already", path.display()))
        .hint("choose another name with `--out NAME`, or add `--force` to replace it")
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::testing::mode;
    use super::*;

    #[test]
    fn keys_are_private_certificates_public_and_the_folder_the_owners() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(&dir.path().join("certs"));
        folder.create().unwrap();
        let mut batch = Batch::default();
        for (name, access) in [("a.key", Access::Private), ("a.crt", Access::Public)] {
            let staged = batch.stage(folder.path(name), b"x", access, false);
            staged.unwrap();
        }
        batch.commit().unwrap();
        assert_eq!(mode(folder.root()), 0o700);
        assert_eq!(mode(&folder.path("a.key")), 0o600);
        assert_eq!(mode(&folder.path("a.crt")), 0o644);
    }

    #[test]
    fn an_existing_file_is_kept_unless_told_to_replace_it_and_nothing_is_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        let stage = |bytes: &[u8], replace| {
            let mut batch = Batch::default();
            batch.stage(folder.path("new"), bytes, Access::Public, replace)?;
            batch.stage(folder.path("old"), bytes, Access::Public, replace)?;
            batch.commit()
        };
        stage(b"1", false).unwrap();
        fs::remove_file(folder.path("new")).unwrap();
        assert_eq!(stage(b"2", false).unwrap_err().kind(), Kind::Exists);
        assert_eq!(fs::read(folder.path("old")).unwrap(), b"1");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        stage(b"3", true).unwrap();
        assert_eq!(fs::read(folder.path("old")).unwrap(), b"3");
    }
}
