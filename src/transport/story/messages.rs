//! The handshake messages after the hellos, read from their bytes.

use rustls::SignatureScheme;

use super::bytes::Bytes;
use super::{What, hello};
use crate::pki::inspect::{self, CertificateInfo};

/// Extension types of a certificate request (RFC 8446 §4.2).
const SIGNATURE_ALGORITHMS: u16 = 13;
const CERTIFICATE_AUTHORITIES: u16 = 47;

/// What a message says; one that does not keep to its form is told by its number only.
pub(super) fn read(kind: u8, body: &[u8], is_13: bool) -> What {
    let read = match kind {
        4 => ticket(Bytes(body)),
        8 => encrypted_extensions(Bytes(body)),
        11 => certificate(Bytes(body), is_13),
        12 => server_key_exchange(Bytes(body)),
        13 if is_13 => certificate_request(Bytes(body)),
        13 => certificate_request_12(Bytes(body)),
        14 => Some(What::ServerHelloDone),
        15 => certificate_verify(Bytes(body)),
        16 => Some(What::ClientKeyExchange),
        20 => Some(What::Finished),
        22 => Some(What::CertificateStatus),
        _ => None,
    };
    read.unwrap_or(What::Other { kind })
}

fn ticket(mut body: Bytes<'_>) -> Option<What> {
    Some(What::NewSessionTicket {
        lifetime_s: body.u32()?,
    })
}

fn encrypted_extensions(mut body: Bytes<'_>) -> Option<What> {
    let alpn = hello::alpn_of(body.take16()?);
    Some(What::EncryptedExtensions { alpn })
}

fn certificate(mut body: Bytes<'_>, is_13: bool) -> Option<What> {
    if is_13 {
        body.take8()?; // request context
    }
    let mut list = body.take24()?;
    let mut chain: Vec<CertificateInfo> = Vec::new();
    while !list.is_empty() {
        let der = list.take24()?;
        if is_13 {
            list.take16()?; // extensions
        }
        // One that cannot be read is the verifier's business; it says so.
        chain.extend(inspect::certificate(der.0));
    }
    Some(What::Certificate { chain })
}

fn server_key_exchange(mut body: Bytes<'_>) -> Option<What> {
    body.u8()?; // curve type: named, the only one there is (RFC 8422 §5.4)
    let group = hello::group_name(body.u16()?);
    body.take8()?; // public key
    Some(What::ServerKeyExchange {
        group,
        scheme: scheme_name(body.u16()?),
        proved: None,
    })
}

fn certificate_request(mut body: Bytes<'_>) -> Option<What> {
    body.take8()?; // request context
    let (mut authorities, mut schemes) = (Vec::new(), Vec::new());
    for (kind, mut extension) in body.take16()?.extensions() {
        match kind {
            SIGNATURE_ALGORITHMS => schemes = names(extension.take16()?),
            CERTIFICATE_AUTHORITIES => authorities = subjects(extension.take16()?),
            _ => {}
        }
    }
    Some(What::CertificateRequest {
        authorities,
        schemes,
    })
}

fn certificate_request_12(mut body: Bytes<'_>) -> Option<What> {
    body.take8()?; // certificate types
    let schemes = names(body.take16()?);
    Some(What::CertificateRequest {
        authorities: subjects(body.take16()?),
        schemes,
    })
}

fn certificate_verify(mut body: Bytes<'_>) -> Option<What> {
    Some(What::CertificateVerify {
        scheme: scheme_name(body.u16()?),
        proved: None,
    })
}

fn names(schemes: Bytes<'_>) -> Vec<String> {
    schemes.numbers().map(scheme_name).collect()
}

fn scheme_name(scheme: u16) -> String {
    format!("{:?}", SignatureScheme::from(scheme))
}

fn subjects(mut names: Bytes<'_>) -> Vec<String> {
    let next = move || Some(inspect::name_of(names.take16()?.0).unwrap_or_else(|| "?".to_owned()));
    std::iter::from_fn(next).collect()
}
