//! Uploads on their way to becoming blobs: `data/partial/`.
//!
//! A part under way has a name of its own and belongs to one connection. When the connection ends early, the
//! part is held under a name computed from its owner, name and size, so that the same user can go on with
//! the same file; taking it renames it again, so two connections can never share one.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;

use super::blobs::{BlobId, Blobs};
use super::parts::{PartKey, Parts};
use super::replace::{create_new, open_existing, sync_dir};
use crate::config;
use crate::protocol::{FileName, Hasher, Sha256, UserName};

/// Bytes from which room is reserved on disk before the first byte is written: a full disk is then known at
/// once, and the file lies in few pieces.
const RESERVE_BYTES_MIN: u64 = 1024 * 1024;

/// Uploads under way and held, and the blobs they become.
pub struct Uploads {
    blobs: Arc<Blobs>,
    parts: Arc<Parts>,
}

impl Uploads {
    pub(super) fn open(data: &Path, blobs: Arc<Blobs>) -> io::Result<Self> {
        let parts = Arc::new(Parts::open(data)?);
        Ok(Self { blobs, parts })
    }

    /// Bytes that can still be written to the disk the blobs are on.
    pub fn free_bytes(&self) -> io::Result<u64> {
        let disk = statvfs(self.blobs.dir())?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Bounds what one user's interrupted uploads may take together; the oldest are given up first. Told
    /// by the server, as it knows the quota; no bound before.
    pub fn set_held_bytes_max(&self, bytes: u64) {
        self.parts.bytes_max.store(bytes, Ordering::Relaxed);
    }

    /// Begins an upload of `size` bytes. [`io::ErrorKind::StorageFull`] when the disk has no room for it.
    pub fn begin(&self, owner: &UserName, name: &FileName, size: u64) -> io::Result<Upload> {
        let (key, blob) = (PartKey::new(owner, name, size), BlobId::random()?);
        let path = self.parts.active_path(&key, &blob);
        let file = create_new(&path)?;
        let upload = self.upload(key, blob, path, file, size);
        upload.reserve()?;
        Ok(upload)
    }

    /// Takes what is held of an interrupted upload of the same file by the same user, and reads it once to
    /// compute its digest. `None` when nothing is held; nobody else gets it meanwhile.
    pub fn resume(
        &self,
        owner: &UserName,
        name: &FileName,
        size: u64,
    ) -> io::Result<Option<Upload>> {
        let (key, blob) = (PartKey::new(owner, name, size), BlobId::random()?);
        let path = self.parts.active_path(&key, &blob);
        if !self.parts.take(&key, &path)? {
            return Ok(None);
        }
        let file = open_existing(&path, true)?;
        let mut upload = self.upload(key, blob, path, file, size);
        upload.read_held()?;
        if upload.received == 0 || upload.received > size {
            upload.abandon();
            return Ok(None);
        }
        upload.held = upload.received;
        upload.reserve()?;
        Ok(Some(upload))
    }

    /// Opens the bytes of a file. `NotFound` may mean that it was replaced since the entry was looked up:
    /// look again before giving up. A file being read stays readable when it is deleted.
    pub fn open_blob(&self, blob: &BlobId) -> io::Result<File> {
        self.blobs.open_blob(blob)
    }

    /// Removes a blob that was never committed.
    pub fn remove(&self, blob: &BlobId) {
        self.blobs.remove(blob);
    }

    /// Gives up held parts older than a day; returns how many. Cheap: a server may call it every hour.
    pub fn sweep(&self) -> usize {
        self.parts.sweep(SystemTime::now())
    }

    fn upload(&self, key: PartKey, blob: BlobId, path: PathBuf, file: File, size: u64) -> Upload {
        Upload {
            blobs: Arc::clone(&self.blobs),
            parts: Arc::clone(&self.parts),
            key,
            blob,
            path,
            file,
            size,
            held: 0,
            received: 0,
            hasher: Hasher::default(),
            settled: false,
        }
    }
}

/// A complete blob on disk that no row names yet: commit it, or [`Uploads::remove`] it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a blob that is neither committed nor removed takes room until the next start"]
pub struct StoredBlob {
    /// Its name.
    pub blob: BlobId,
    /// Its length in bytes.
    pub size: u64,
    /// Its digest, computed from the bytes received.
    pub sha256: Sha256,
}

/// Why an upload did not become a blob.
#[derive(Debug)]
pub enum FinishError {
    /// Not as many bytes as announced; what there is was kept for resuming.
    Length {
        /// Bytes announced.
        size: u64,
        /// Bytes received.
        received: u64,
    },
    /// The bytes have another digest than announced; they were deleted.
    Digest,
    /// The disk refused.
    Io(io::Error),
}

impl From<io::Error> for FinishError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// One upload under way. Dropped unfinished, it is held for resuming, unless it is empty.
pub struct Upload {
    blobs: Arc<Blobs>,
    parts: Arc<Parts>,
    key: PartKey,
    blob: BlobId,
    path: PathBuf,
    file: File,
    size: u64,
    held: u64,
    received: u64,
    hasher: Hasher,
    settled: bool,
}

impl Upload {
    /// Bytes that were there from an earlier connection.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Bytes that are there now.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The digest of the bytes that are there now.
    pub fn prefix_sha256(&self) -> Sha256 {
        self.hasher.clone().finish()
    }

    /// Begins again at byte 0.
    pub fn discard_held(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hasher = Hasher::default();
        (self.held, self.received) = (0, 0);
        self.reserve()
    }

    /// Writes the next bytes; more than announced is [`io::ErrorKind::InvalidInput`].
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let received = self.received + bytes.len() as u64;
        if received > self.size {
            let what = "more bytes than announced";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.received = received;
        Ok(())
    }

    /// Makes a blob of it: length and digest checked, the bytes on disk, then the name, then the folders.
    pub fn finish(mut self, announced: Sha256) -> Result<StoredBlob, FinishError> {
        let (size, received) = (self.size, self.received);
        if received != size {
            return Err(FinishError::Length { size, received });
        }
        let sha256 = self.prefix_sha256();
        if sha256 != announced {
            self.abandon();
            return Err(FinishError::Digest);
        }
        // After a failed fsync the kernel may have dropped the bytes: such a part is never kept.
        if let Err(error) = self.file.sync_data() {
            self.abandon();
            return Err(error.into());
        }
        fs::rename(&self.path, self.blobs.path(&self.blob))?;
        self.settled = true;
        let blob = self.blob;
        if let Err(error) = sync_dir(self.blobs.dir()).and_then(|()| sync_dir(self.parts.dir())) {
            self.blobs.remove(&blob);
            return Err(error.into());
        }
        Ok(StoredBlob { blob, size, sha256 })
    }

    /// Deletes it.
    pub fn abandon(mut self) {
        self.settled = true;
        self.delete();
    }

    fn delete(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, "an upload given up cannot be removed");
        }
    }

    fn read_held(&mut self) -> io::Result<()> {
        let mut chunk = vec![0; config::CHUNK_BYTES];
        loop {
            match self.file.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(n) => {
                    self.hasher.update(&chunk[..n]);
                    self.received += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Asks the file system for room for the rest, without changing the length: what was never received
    /// must not look held after a crash. Not every file system can; only "no room" counts.
    fn reserve(&self) -> io::Result<()> {
        let missing = self.size - self.received;
        if missing < RESERVE_BYTES_MIN {
            return Ok(());
        }
        match fallocate(
            &self.file,
            FallocateFlags::KEEP_SIZE,
            self.received,
            missing,
        ) {
            Err(Errno::NOSPC | Errno::FBIG | Errno::DQUOT) => {
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }

    fn hold(&self) -> io::Result<()> {
        // A failed write may have left bytes that were never counted; reserved room is given back too.
        self.file.set_len(self.received)?;
        self.parts.keep(&self.key, &self.path, self.received)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        if self.received == 0 {
            self.delete();
        } else if let Err(error) = self.hold() {
            tracing::warn!(%error, "an interrupted upload cannot be held for resuming");
            self.delete();
        }
    }
}
