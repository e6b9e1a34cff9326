//! Checks what proves something in a handshake: the signatures, and the Finished messages (RFC 8446 §4.4,
//! RFC 5246 §7.4.3, §7.4.8, §7.4.9).

use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::CertificateDer;

use super::bytes::Bytes;
use super::item::Sender;
use super::keys::Hash;
use super::messages::KeyExchange;
use crate::pki::inspect;

/// Bytes of messages kept to be proved; more is no handshake of honest peers.
const TRANSCRIPT_BYTES_MAX: usize = 1024 * 1024;

/// The number of the message that stands for the first hello after a retry (RFC 8446 §4.4.1).
const MESSAGE_HASH: u8 = 254;

/// Bytes of a TLS 1.2 Finished (RFC 5246 §7.4.9).
const VERIFY_BYTES_12: usize = 12;

/// Every handshake message so far, from both sides, in order.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    bytes: Vec<u8>,
    lost: bool,
}

impl Transcript {
    pub(super) fn add(&mut self, message: &[u8]) {
        if self.bytes.len() + message.len() > TRANSCRIPT_BYTES_MAX {
            self.lose();
        }
        if !self.lost {
            self.bytes.extend(message);
        }
    }

    /// Something was not read: nothing can be proved any more.
    pub(super) fn lose(&mut self) {
        self.lost = true;
        self.bytes = Vec::new();
    }

    /// The server asks to begin again: the first hello counts by its hash from now on (RFC 8446 §4.4.1).
    pub(super) fn retry(&mut self, hash: Hash) {
        let digest = hash.digest(&self.bytes);
        let digest = digest.as_ref();
        self.bytes = vec![MESSAGE_HASH, 0, 0, u8::try_from(digest.len()).unwrap_or(0)];
        self.bytes.extend(digest);
    }

    /// All of it, unless something is missing.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        (!self.lost).then_some(self.bytes.as_slice())
    }
}

/// Whether the holder of a certificate signed the handshake: the body of a `CertificateVerify`. None when
/// that cannot be told.
pub(super) fn certificate_verify(
    body: &[u8],
    leaf: &CertificateDer<'_>,
    transcript: &[u8],
    of_13: Option<(Hash, Sender)>,
) -> Option<bool> {
    let mut body = Bytes(body);
    let (scheme, signature) = (body.u16()?, body.take16()?.0);
    let Some((hash, by)) = of_13 else {
        return is_signed(leaf, scheme, transcript, signature);
    };
    let mut signed = vec![b' '; 64];
    signed.extend(match by {
        Sender::Client => &b"TLS 1.3, client CertificateVerify\0"[..],
        Sender::Server => &b"TLS 1.3, server CertificateVerify\0"[..],
    });
    signed.extend(hash.digest(transcript).as_ref());
    is_signed(leaf, scheme, &signed, signature)
}

/// Whether the server signed its half of the key exchange: the body of a `ServerKeyExchange`.
pub(super) fn server_key_exchange(
    body: &[u8],
    leaf: &CertificateDer<'_>,
    [client_random, server_random]: [&[u8; 32]; 2],
) -> Option<bool> {
    let exchange = KeyExchange::read(body)?;
    let signed = [client_random, server_random, exchange.params].concat();
    is_signed(leaf, exchange.scheme, &signed, exchange.signature)
}

/// Whether a Finished of TLS 1.3 is what the handshake secret of its sender makes of the transcript.
pub(super) fn finished_13(
    body: &[u8],
    hash: Hash,
    secret: &[u8],
    transcript: &[u8],
) -> Option<bool> {
    let key = hash.expand_label(secret, b"finished", hash.length())?;
    let expected = hash.hmac(&key, hash.digest(transcript).as_ref());
    Some(expected.as_ref() == body)
}

/// The same of TLS 1.2, from the master secret.
pub(super) fn finished_12(
    body: &[u8],
    hash: Hash,
    master: &[u8],
    transcript: &[u8],
    by: Sender,
) -> bool {
    let label: &[u8] = match by {
        Sender::Client => b"client finished",
        Sender::Server => b"server finished",
    };
    let digest = hash.digest(transcript);
    let expected = hash.prf(master, label, digest.as_ref(), VERIFY_BYTES_12);
    expected.as_slice() == body
}

/// None when the certificate or the algorithm is not one this program knows.
fn is_signed(
    certificate: &CertificateDer<'_>,
    scheme: u16,
    message: &[u8],
    signature: &[u8],
) -> Option<bool> {
    let key = inspect::public_key(certificate).ok()?;
    let scheme = SignatureScheme::from(scheme);
    let known = default_provider().signature_verification_algorithms.mapping;
    let (_, algorithms) = known.iter().find(|(this, _)| *this == scheme)?;
    // One scheme of TLS 1.2 may stand for several curves: the certificate decides which it is.
    let verifies = |algorithm: &&dyn rustls::pki_types::SignatureVerificationAlgorithm| {
        let verified = algorithm.verify_signature(&key, message, signature);
        verified.is_ok()
    };
    Some(algorithms.iter().any(verifies))
}
