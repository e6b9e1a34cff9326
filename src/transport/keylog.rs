//! Where session secrets go, in the format of NSS (`SSLKEYLOGFILE`; RFC 9850): a file, or memory. Nowhere unless
//! somebody asked for it: whoever has them reads everything.

use std::fmt;
use std::fs::{File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::KeyLog;
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::text::hex;

/// Bytes of secrets kept in memory: those of some two thousand handshakes of TLS 1.3 (five lines each of up to
/// 200 bytes).
const KEPT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Session secrets kept in memory, for a capture that is to be read. Clones share them.
#[derive(Clone, Default)]
pub struct KeptSecrets(Arc<Mutex<Zeroizing<Vec<u8>>>>);

impl KeptSecrets {
    /// The secrets so far, as the text of a key log; empty before the first handshake.
    pub fn text(&self) -> Zeroizing<Vec<u8>> {
        self.lock().clone()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Zeroizing<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeptSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The secrets stay out of logs.
        f.write_str("KeptSecrets")
    }
}

impl KeyLog for KeptSecrets {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let line = line(label, client_random, secret);
        let mut text = self.lock();
        if text.len() + line.len() <= KEPT_BYTES_MAX {
            text.extend_from_slice(line.as_bytes());
        }
    }
}

/// Session secrets appended to a file only the owner can read.
#[derive(Debug)]
pub(super) struct KeyLogFile(Mutex<File>);

impl KeyLogFile {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            // A file that was there may be open to others; whoever reads the secrets reads everything.
            .and_then(|file| {
                file.set_permissions(Permissions::from_mode(0o600))?;
                Ok(file)
            });
        let file = file.map_err(|error| {
            Error::io(
                Kind::LocalWrite,
                format_args!("write the key log {}", path.display()),
                error,
            )
        })?;
        Ok(Self(Mutex::new(file)))
    }
}

impl KeyLog for KeyLogFile {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let line = line(label, client_random, secret);
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()) {
            tracing::warn!("cannot write the key log: {error}");
        }
    }
}

fn line(label: &str, client_random: &[u8], secret: &[u8]) -> Zeroizing<String> {
    let (random, secret) = (hex(client_random), Zeroizing::new(hex(secret)));
    Zeroizing::new(format!("{label} {random} {}\n", *secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::tls;

    #[test]
    fn what_is_kept_is_a_key_log_and_never_printed_or_endless() {
        let kept = KeptSecrets::default();
        assert!(kept.is_empty());
        let shared = kept.clone();
        shared.log("CLIENT_RANDOM", &[0xab; 32], &[0xcd; 48]);
        let mut log = tls::KeyLog::default();
        assert_eq!(log.read(&kept.text()), 1);
        assert!(log.knows(&[0xab; 32]));
        assert!(!format!("{kept:?}").contains("cd"));
        for _ in 0..20_000 {
            kept.log("CLIENT_RANDOM", &[0xab; 32], &[0xcd; 48]);
        }
        assert!(kept.text().len() <= KEPT_BYTES_MAX && kept.text().ends_with(b"\n"));
    }
}
