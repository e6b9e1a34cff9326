//! From secrets to keys: HKDF with the labels of TLS 1.3 (RFC 8446 §7.1), the PRF of TLS 1.2 (RFC 5246 §5).

use aws_lc_rs::hkdf::{HKDF_SHA256, HKDF_SHA384, KeyType, Prk};
use aws_lc_rs::{digest, hmac};
use zeroize::Zeroizing;

use super::names;

/// The hash of a cipher suite's key schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
}

impl Hash {
    /// The one a suite names; those that name an older one use SHA-256 in TLS 1.2 (RFC 5246 §5).
    pub(super) fn of(suite: u16) -> Self {
        match names::suite(suite).ends_with("SHA384") {
            true => Self::Sha384,
            false => Self::Sha256,
        }
    }

    pub(super) fn digest(self, bytes: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
        };
        digest::digest(algorithm, bytes)
    }

    pub(super) fn hmac(self, key: &[u8], bytes: &[u8]) -> hmac::Tag {
        hmac::sign(&self.hmac_key(key), bytes)
    }

    pub(super) fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    fn hmac_key(self, key: &[u8]) -> hmac::Key {
        let algorithm = match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
        };
        hmac::Key::new(algorithm, key)
    }

    /// `HKDF-Expand-Label` with an empty context (RFC 8446 §7.1).
    pub(super) fn expand_label(
        self,
        secret: &[u8],
        label: &[u8],
        length: usize,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let algorithm = match self {
            Self::Sha256 => HKDF_SHA256,
            Self::Sha384 => HKDF_SHA384,
        };
        let secret = Prk::new_less_safe(algorithm, secret);
        let mut info = u16::try_from(length).ok()?.to_be_bytes().to_vec();
        info.push(u8::try_from(label.len() + 6).ok()?);
        info.extend(b"tls13 ");
        info.extend(label);
        info.push(0);
        let info = [info.as_slice()];
        let mut out = Zeroizing::new(vec![0; length]);
        secret
            .expand(&info, Length(length))
            .ok()?
            .fill(&mut out)
            .ok()?;
        Some(out)
    }

    /// `PRF` of TLS 1.2 (RFC 5246 §5): so many bytes from a secret, a label and a seed.
    pub(super) fn prf(
        self,
        secret: &[u8],
        label: &[u8],
        seed: &[u8],
        length: usize,
    ) -> Zeroizing<Vec<u8>> {
        let key = self.hmac_key(secret);
        let seed = [label, seed].concat();
        let mut a = hmac::sign(&key, &seed);
        let mut out = Zeroizing::new(Vec::new());
        while out.len() < length {
            let next = hmac::sign(&key, &[a.as_ref(), &seed].concat());
            out.extend(next.as_ref());
            a = hmac::sign(&key, a.as_ref());
        }
        out.truncate(length);
        out
    }
}

/// A number of bytes, as HKDF wants it.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
