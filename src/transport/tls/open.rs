//! Opens records with the connection's own secrets, so that what is told of an encrypted handshake was read
//! and not assumed (RFC 8446 §5.2, RFC 5288 §3, RFC 7905 §2).

use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce,
    UnboundKey,
};
use zeroize::Zeroizing;

use super::item::Sender;
use super::keys::Hash;
use super::names;
use super::records::Header;

/// Bytes of the part of the nonce that is kept in TLS 1.2's GCM; the rest travels in each record.
const SALT_BYTES: usize = 4;

/// Bytes of the tag behind each record.
const TAG_BYTES: usize = 16;

/// The keys of one direction, and how many records they have opened.
pub(super) struct Opener {
    key: LessSafeKey,
    iv: [u8; NONCE_LEN],
    opened: u64,
    form: Form,
    /// The secret of TLS 1.3 that the keys came from, for the next generation.
    secret: Zeroizing<Vec<u8>>,
    suite: u16,
}

/// How a record is sealed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// TLS 1.3: the true content type inside.
    V13,
    /// TLS 1.2 GCM: eight bytes of nonce in front.
    Gcm12,
    /// TLS 1.2 ChaCha20-Poly1305: nothing in front.
    ChaCha12,
}

/// What the agreed randoms and suite make of a master secret.
pub(super) struct Agreed12<'a> {
    pub(super) suite: u16,
    pub(super) client_random: &'a [u8; 32],
    pub(super) server_random: &'a [u8; 32],
}

impl Opener {
    /// The keys that `secret` gives under a cipher suite of TLS 1.3; `None` for another suite.
    pub(super) fn new(suite: u16, secret: &[u8]) -> Option<Self> {
        let aead: &'static Algorithm = match suite {
            0x1301 => &AES_128_GCM,
            0x1302 => &AES_256_GCM,
            0x1303 => &CHACHA20_POLY1305,
            _ => return None,
        };
        let hash = Hash::of(suite);
        let key = hash.expand_label(secret, b"key", aead.key_len())?;
        let iv = hash.expand_label(secret, b"iv", NONCE_LEN)?;
        Some(Self {
            key: LessSafeKey::new(UnboundKey::new(aead, &key).ok()?),
            iv: iv.as_slice().try_into().ok()?,
            opened: 0,
            form: Form::V13,
            secret: Zeroizing::new(secret.to_vec()),
            suite,
        })
    }

    /// The keys of the next generation, after a `KeyUpdate` (RFC 8446 §7.2).
    pub(super) fn next(&self) -> Option<Self> {
        let hash = Hash::of(self.suite);
        let next = hash.expand_label(&self.secret, b"traffic upd", hash.length())?;
        Self::new(self.suite, &next)
    }

    /// The keys of one side that a master secret of TLS 1.2 gives (RFC 5246 §6.3); `None` for a suite that
    /// is not one of GCM or ChaCha20-Poly1305.
    pub(super) fn new_12(agreed: &Agreed12<'_>, master: &[u8], of: Sender) -> Option<Self> {
        let (aead, form) = aead_12(agreed.suite)?;
        let kept = match form {
            Form::Gcm12 => SALT_BYTES,
            _ => NONCE_LEN,
        };
        let seed = [&agreed.server_random[..], agreed.client_random].concat();
        let length = 2 * (aead.key_len() + kept);
        let hash = Hash::of(agreed.suite);
        let block = hash.prf(master, b"key expansion", &seed, length);
        let (keys, ivs) = block.split_at(2 * aead.key_len());
        let which = usize::from(of == Sender::Server);
        let key = keys.chunks_exact(aead.key_len()).nth(which)?;
        let mut iv = [0; NONCE_LEN];
        iv[..kept].copy_from_slice(ivs.chunks_exact(kept).nth(which)?);
        Some(Self {
            key: LessSafeKey::new(UnboundKey::new(aead, key).ok()?),
            iv,
            opened: 0,
            form,
            secret: Zeroizing::new(master.to_vec()),
            suite: agreed.suite,
        })
    }

    /// The secret that the keys came from.
    pub(super) fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// Opens the next record: its true content type and its content.
    pub(super) fn open(&mut self, header: Header, body: &[u8]) -> Option<(u8, Vec<u8>)> {
        let count = self.opened.to_be_bytes();
        let (mut nonce, mut content) = (self.iv, body.to_vec());
        if self.form == Form::Gcm12 {
            let explicit = body.first_chunk::<8>()?;
            nonce[SALT_BYTES..].copy_from_slice(explicit);
            content.drain(..explicit.len());
        } else {
            let last = nonce[SALT_BYTES..].iter_mut();
            last.zip(count).for_each(|(byte, count)| *byte ^= count);
        }
        let length = content.len().checked_sub(TAG_BYTES)?;
        let length = u16::try_from(length).ok()?;
        let about = match self.form {
            Form::V13 => header.bytes().to_vec(),
            // RFC 5246 §6.2.3.3: the number of the record and the header it would have in the clear.
            _ => [&count[..], &Header { length, ..header }.bytes()].concat(),
        };
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = self
            .key
            .open_in_place(nonce, Aad::from(about), &mut content);
        let length = opened.ok()?.len();
        self.opened += 1;
        content.truncate(length);
        if self.form != Form::V13 {
            return Some((header.kind, content));
        }
        // Zeros may follow the content type, to hide the length.
        while content.last() == Some(&0) {
            content.pop();
        }
        let kind = content.pop()?;
        Some((kind, content))
    }
}

/// What a suite of TLS 1.2 seals with; told from its name, whatever the key exchange.
fn aead_12(suite: u16) -> Option<(&'static Algorithm, Form)> {
    let name = names::suite(suite);
    Some(if name.contains("_WITH_AES_128_GCM_") {
        (&AES_128_GCM, Form::Gcm12)
    } else if name.contains("_WITH_AES_256_GCM_") {
        (&AES_256_GCM, Form::Gcm12)
    } else if name.contains("_WITH_CHACHA20_POLY1305_") {
        (&CHACHA20_POLY1305, Form::ChaCha12)
    } else {
        return None;
    })
}

/// Whether records of a suite can be opened at all, given the keys.
pub(super) fn is_known(suite: u16, is_13: bool) -> bool {
    match is_13 {
        true => (0x1301..=0x1303).contains(&suite),
        false => aead_12(suite).is_some(),
    }
}
