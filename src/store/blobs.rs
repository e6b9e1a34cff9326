//! The bytes of files: `data/blobs/`, one file a blob, under names the server chose.
//!
//! What a client calls its file lives in the index alone and never becomes a path.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use super::replace::{open_existing, private_dir};
use crate::text;

/// The name of a blob: 128 random bits, written as 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId([u8; 16]);

impl BlobId {
    /// A new one, from the provider's random numbers.
    pub fn random() -> io::Result<Self> {
        let mut bytes = [0; 16];
        aws_lc_rs::rand::fill(&mut bytes)
            .map_err(|_| io::Error::other("the random number generator failed"))?;
        Ok(Self(bytes))
    }

    /// Reads exactly 32 lower-case hex digits: one blob, one spelling.
    pub(super) fn from_hex(digits: &[u8]) -> Option<Self> {
        let digits: &[u8; 32] = digits.try_into().ok()?;
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Self(bytes))
    }
}

pub(super) fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::hex(&self.0))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobId({self})")
    }
}

/// The text is not 32 lower-case hex digits.
#[derive(Debug, PartialEq, Eq)]
pub struct NotABlobId;

impl FromStr for BlobId {
    type Err = NotABlobId;

    fn from_str(text: &str) -> Result<Self, NotABlobId> {
        Self::from_hex(text.as_bytes()).ok_or(NotABlobId)
    }
}

/// The folder of the blobs.
pub(super) struct Blobs {
    dir: PathBuf,
    /// Set while it is unknown which rows of the index are on disk: then nothing may be removed, because
    /// after a power cut any of them may turn out to be the current one. What is left over is swept at
    /// the next start.
    keep_all: AtomicBool,
}

impl Blobs {
    pub(super) fn open(data: &Path) -> io::Result<Self> {
        let dir = data.join("blobs");
        private_dir(&dir)?;
        Ok(Self {
            dir,
            keep_all: AtomicBool::new(false),
        })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn path(&self, blob: &BlobId) -> PathBuf {
        self.dir.join(blob.to_string())
    }

    pub(super) fn open_blob(&self, blob: &BlobId) -> io::Result<File> {
        open_existing(&self.path(blob), false)
    }

    /// Removes a blob no row names. A failure costs room until the next start and nothing else.
    pub(super) fn remove(&self, blob: &BlobId) {
        if self.keep_all.load(Ordering::SeqCst) {
            return;
        }
        if let Err(error) = fs::remove_file(self.path(blob))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%blob, %error, "a blob no longer needed cannot be removed");
        }
    }

    pub(super) fn keep_all(&self, keep: bool) {
        self.keep_all.store(keep, Ordering::SeqCst);
    }

    /// What is in the folder: blobs, sorted, and the names of files that are none.
    pub(super) fn scan(&self) -> io::Result<(Vec<BlobId>, Vec<PathBuf>)> {
        scan(&self.dir)
    }
}

/// Lists a folder of blobs: one read of the folder, not a `stat` a file.
pub(super) fn scan(dir: &Path) -> io::Result<(Vec<BlobId>, Vec<PathBuf>)> {
    let (mut blobs, mut others) = (Vec::new(), Vec::new());
    for entry in dir.read_dir()? {
        let name = entry?.file_name();
        match BlobId::from_hex(name.as_encoded_bytes()) {
            Some(blob) => blobs.push(blob),
            None => others.push(dir.join(name)),
        }
    }
    blobs.sort_unstable();
    Ok((blobs, others))
}
