//! Opens the records of TLS 1.3 with the connection's own secrets, so that what is told of an encrypted
//! handshake was read and not assumed (RFC 8446 §5.2, §7.3).

use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce,
    UnboundKey,
};
use aws_lc_rs::hkdf::{HKDF_SHA256, HKDF_SHA384, KeyType, Prk};

/// The keys of one direction, and how many records they have opened.
pub(super) struct Opener {
    key: LessSafeKey,
    iv: [u8; NONCE_LEN],
    opened: u64,
}

/// A number of bytes, as HKDF wants it.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Opener {
    /// The keys that `secret` gives under a cipher suite of TLS 1.3; `None` for another suite.
    pub(super) fn new(suite: u16, secret: &[u8]) -> Option<Self> {
        let (aead, hash): (&'static Algorithm, _) = match suite {
            0x1301 => (&AES_128_GCM, HKDF_SHA256),
            0x1302 => (&AES_256_GCM, HKDF_SHA384),
            0x1303 => (&CHACHA20_POLY1305, HKDF_SHA256),
            _ => return None,
        };
        let secret = Prk::new_less_safe(hash, secret);
        let expand = |label: &[u8], out: &mut [u8]| {
            // HkdfLabel of RFC 8446 §7.1 with an empty context.
            let mut info = u16::try_from(out.len()).ok()?.to_be_bytes().to_vec();
            info.push(u8::try_from(label.len() + 6).ok()?);
            info.extend(b"tls13 ");
            info.extend(label);
            info.push(0);
            let info = [info.as_slice()];
            let okm = secret.expand(&info, Length(out.len())).ok()?;
            okm.fill(out).ok()
        };
        let mut key = zeroize::Zeroizing::new(vec![0; aead.key_len()]);
        let mut iv = [0; NONCE_LEN];
        expand(b"key", &mut key)?;
        expand(b"iv", &mut iv)?;
        Some(Self {
            key: LessSafeKey::new(UnboundKey::new(aead, &key).ok()?),
            iv,
            opened: 0,
        })
    }

    /// Opens the next record: its true content type and its content.
    pub(super) fn open(&mut self, header: [u8; 5], body: &[u8]) -> Option<(u8, Vec<u8>)> {
        let mut nonce = self.iv;
        for (byte, count) in nonce[4..].iter_mut().zip(self.opened.to_be_bytes()) {
            *byte ^= count;
        }
        let mut body = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = self.key.open_in_place(nonce, Aad::from(header), &mut body);
        let length = opened.ok()?.len();
        self.opened += 1;
        body.truncate(length);
        // Zeros may follow the content type, to hide the length.
        while body.last() == Some(&0) {
            body.pop();
        }
        let kind = body.pop()?;
        Some((kind, body))
    }
}
