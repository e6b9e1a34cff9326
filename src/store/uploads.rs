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

/// Bytes of the disk no reservation takes: the index, the tables and the audit trail must be able to go on,
/// or nobody could even delete a file to make room.
const ROOM_LEFT_BYTES: u64 = 8 * 1024 * 1024;

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
        free_bytes(self.blobs.dir())
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
        // Asked first: ext4 takes all there is before it says that it is not enough, and every other upload
        // would fail meanwhile.
        let free = free_bytes(self.parts.dir())?;
        if missing > free.saturating_sub(ROOM_LEFT_BYTES) {
            return Err(io::ErrorKind::StorageFull.into());
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

fn free_bytes(dir: &Path) -> io::Result<u64> {
    let disk = statvfs(dir)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;
    use std::time::Duration;

    use super::*;

    struct Fixture {
        dir: tempfile::TempDir,
        uploads: Uploads,
        alice: UserName,
        name: FileName,
    }

    fn open(dir: &Path) -> Uploads {
        Uploads::open(dir, Arc::new(Blobs::open(dir).unwrap())).unwrap()
    }

    fn fixture() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        Fixture {
            uploads: open(dir.path()),
            dir,
            alice: "alice".parse().unwrap(),
            name: "course/a,\"b\".txt".parse().unwrap(),
        }
    }

    impl Fixture {
        fn begin(&self, size: u64) -> Upload {
            self.uploads.begin(&self.alice, &self.name, size).unwrap()
        }

        fn resume(&self, size: u64) -> Option<Upload> {
            self.uploads.resume(&self.alice, &self.name, size).unwrap()
        }

        fn count(&self, folder: &str) -> usize {
            fs::read_dir(self.dir.path().join(folder)).unwrap().count()
        }
    }

    #[test]
    fn a_complete_upload_becomes_a_blob_and_leaves_no_part() {
        let f = fixture();
        let mut upload = f.begin(6);
        upload.append(b"abc").unwrap();
        upload.append(b"def").unwrap();
        let stored = upload.finish(Sha256::of(b"abcdef")).unwrap();
        assert_eq!((stored.size, stored.sha256), (6, Sha256::of(b"abcdef")));
        assert_eq!((f.count("blobs"), f.count("partial")), (1, 0));
        let mut file = f.uploads.open_blob(&stored.blob).unwrap();
        assert_eq!(
            fs::read(f.uploads.blobs.path(&stored.blob)).unwrap(),
            b"abcdef"
        );
        f.uploads.remove(&stored.blob);
        assert_eq!(f.count("blobs"), 0);
        assert_eq!(file.seek(SeekFrom::Start(0)).unwrap(), 0);
        assert_eq!(file.read(&mut [0; 10]).unwrap(), 6);
    }

    #[test]
    fn a_file_of_no_bytes_is_a_file() {
        let f = fixture();
        let stored = f.begin(0).finish(Sha256::of(b"")).unwrap();
        assert_eq!(
            f.uploads
                .open_blob(&stored.blob)
                .unwrap()
                .metadata()
                .unwrap()
                .len(),
            0
        );
    }

    #[test]
    fn a_wrong_digest_leaves_nothing_and_a_wrong_length_only_the_part() {
        let f = fixture();
        let mut upload = f.begin(3);
        upload.append(b"abc").unwrap();
        let refused = upload.finish(Sha256::of(b"abd"));
        assert!(matches!(refused, Err(FinishError::Digest)));
        assert_eq!((f.count("blobs"), f.count("partial")), (0, 0));

        let mut upload = f.begin(3);
        upload.append(b"ab").unwrap();
        let more = upload.append(b"cd").unwrap_err();
        assert_eq!(more.kind(), io::ErrorKind::InvalidInput);
        let refused = upload.finish(Sha256::of(b"ab"));
        assert!(matches!(
            refused,
            Err(FinishError::Length {
                size: 3,
                received: 2
            })
        ));
        assert_eq!((f.count("blobs"), f.count("partial")), (0, 1));
    }

    #[test]
    fn an_interrupted_upload_goes_on_where_it_stopped() {
        let f = fixture();
        let mut upload = f.begin(6);
        upload.append(b"abcd").unwrap();
        drop(upload);
        let mut upload = f.resume(6).unwrap();
        assert_eq!((upload.held(), upload.received()), (4, 4));
        assert_eq!(upload.prefix_sha256(), Sha256::of(b"abcd"));
        upload.append(b"ef").unwrap();
        assert_eq!(upload.finish(Sha256::of(b"abcdef")).unwrap().size, 6);
        assert!(f.resume(6).is_none());
    }

    #[test]
    fn a_part_that_turns_out_different_is_dropped_for_a_fresh_start() {
        let f = fixture();
        let mut upload = f.begin(6);
        upload.append(b"xxxx").unwrap();
        drop(upload);
        let mut upload = f.resume(6).unwrap();
        upload.discard_held().unwrap();
        assert_eq!((upload.held(), upload.received()), (0, 0));
        upload.append(b"abcdef").unwrap();
        assert!(upload.finish(Sha256::of(b"abcdef")).is_ok());
    }

    #[test]
    fn a_part_belongs_to_one_owner_name_and_size_and_to_one_upload_at_once() {
        let f = fixture();
        let mut upload = f.begin(6);
        upload.append(b"abcd").unwrap();
        assert!(f.resume(6).is_none(), "still under way");
        drop(upload);
        let (bob, other) = ("bob".parse().unwrap(), "b".parse().unwrap());
        assert!(f.resume(7).is_none());
        assert!(f.uploads.resume(&bob, &f.name, 6).unwrap().is_none());
        assert!(f.uploads.resume(&f.alice, &other, 6).unwrap().is_none());
        let taken: usize = std::thread::scope(|scope| {
            let takers: Vec<_> = (0..8).map(|_| scope.spawn(|| f.resume(6))).collect();
            let taken: Vec<_> = takers
                .into_iter()
                .map(|taker| taker.join().unwrap())
                .collect();
            taken.iter().flatten().count()
        });
        assert_eq!(taken, 1);
    }

    #[test]
    fn an_empty_or_abandoned_upload_leaves_nothing() {
        let f = fixture();
        drop(f.begin(5));
        let mut upload = f.begin(5);
        upload.append(b"abc").unwrap();
        upload.abandon();
        assert_eq!(f.count("partial"), 0);
        assert!(f.resume(5).is_none());
    }

    #[test]
    fn reserved_room_never_looks_like_received_bytes() {
        let f = fixture();
        let size = 64 * 1024 * 1024;
        let mut upload = f.begin(size);
        upload.append(b"abc").unwrap();
        assert_eq!(upload.file.metadata().unwrap().len(), 3);
        // What a killed process leaves: the part under its active name.
        let crashed = std::mem::ManuallyDrop::new(upload);
        let again = open(f.dir.path());
        let resumed = again.resume(&f.alice, &f.name, size).unwrap().unwrap();
        assert_eq!(resumed.held(), 3);
        drop(resumed);
        let held = fs::read_dir(f.dir.path().join("partial"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        assert!(
            held.metadata().unwrap().blocks() * 512 < 1024 * 1024,
            "room is given back"
        );
        assert!(!crashed.path.exists());
    }

    #[test]
    fn more_than_the_disk_holds_is_refused_at_the_start_without_filling_it() {
        let f = fixture();
        let free = f.uploads.free_bytes().unwrap();
        for size in [free * 2, 1 << 62] {
            let refused = f.uploads.begin(&f.alice, &f.name, size).err().unwrap();
            assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        }
        assert_eq!(f.count("partial"), 0);
        // Nothing that large was ever taken, not even for a moment: others test on this disk too.
        assert!(f.begin(2 * RESERVE_BYTES_MIN).reserve().is_ok());
    }

    #[test]
    fn old_parts_are_given_up_at_the_next_start_and_by_the_sweep() {
        let f = fixture();
        let mut upload = f.begin(6);
        upload.append(b"abcd").unwrap();
        drop(upload);
        let now = SystemTime::now();
        assert_eq!(f.uploads.parts.sweep(now + Duration::from_hours(23)), 0);
        assert_eq!(f.count("partial"), 1);
        let path = fs::read_dir(f.dir.path().join("partial"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        let file = open_existing(&path, true).unwrap();
        file.set_modified(now - Duration::from_hours(25)).unwrap();
        drop(open(f.dir.path()));
        assert_eq!(f.count("partial"), 0);

        let mut upload = f.begin(6);
        upload.append(b"abcd").unwrap();
        drop(upload);
        assert_eq!(f.uploads.parts.sweep(now + Duration::from_hours(25)), 1);
        assert_eq!(f.count("partial"), 0);
    }

    #[test]
    fn one_user_cannot_fill_the_disk_with_interrupted_uploads() {
        let f = fixture();
        f.uploads.set_held_bytes_max(10);
        for n in 0..5 {
            let name = format!("{n}").parse().unwrap();
            let mut upload = f.uploads.begin(&f.alice, &name, 8).unwrap();
            upload.append(b"abcd").unwrap();
            drop(upload);
        }
        let bob = "bob".parse().unwrap();
        let mut upload = f.uploads.begin(&bob, &f.name, 8).unwrap();
        upload.append(b"abcd").unwrap();
        drop(upload);
        assert_eq!(f.count("partial"), 3);
        let newest = f
            .uploads
            .resume(&f.alice, &"4".parse().unwrap(), 8)
            .unwrap();
        assert!(newest.is_some());
        let oldest = f
            .uploads
            .resume(&f.alice, &"0".parse().unwrap(), 8)
            .unwrap();
        assert!(oldest.is_none());
    }

    #[test]
    fn a_link_planted_as_a_part_or_blob_is_not_followed() {
        let f = fixture();
        let secret = f.dir.path().join("secret");
        super::super::replace::replace(&secret, 0o600, b"abcd").unwrap();
        let mut upload = f.begin(6);
        upload.append(b"abcd").unwrap();
        drop(upload);
        let path = fs::read_dir(f.dir.path().join("partial"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&secret, &path).unwrap();
        assert!(f.uploads.resume(&f.alice, &f.name, 6).is_err());
        let blob = BlobId::random().unwrap();
        std::os::unix::fs::symlink(&secret, f.uploads.blobs.path(&blob)).unwrap();
        assert!(f.uploads.open_blob(&blob).is_err());
        assert_eq!(fs::read(&secret).unwrap(), b"abcd");
    }
}
