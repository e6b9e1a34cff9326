//! Reads a revocation list into a plain struct.

use serde::Serialize;
use time::OffsetDateTime;
use time::serde::rfc3339;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, ReasonCode};

use super::inspect;
use crate::error::{Error, Kind, Result};

/// What a revocation list says (RFC 5280 §5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RevocationListInfo {
    /// The CA it is of.
    pub issuer: String,
    /// Its number, in decimal; every list of a CA has a larger one than the list before.
    pub number: Option<String>,
    /// When it was made.
    #[serde(with = "rfc3339")]
    pub this_update: OffsetDateTime,
    /// When the next one is due; after that this one is out of date.
    #[serde(with = "rfc3339::option")]
    pub next_update: Option<OffsetDateTime>,
    /// Which of the issuer's keys signed it, in hex.
    pub authority_key_id: Option<String>,
    /// The certificates on it.
    pub revoked: Vec<RevokedEntry>,
}

/// One certificate on a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RevokedEntry {
    /// Its serial number.
    pub serial: String,
    /// When it was revoked.
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
    /// Why, where the list says so.
    pub reason: Option<String>,
}

/// Reads the revocation list in `der`. Its signature is not checked: [`is_signed_by`] does.
pub fn revocation_list(der: &[u8]) -> Result<RevocationListInfo> {
    let list = parse(der)?;
    let mut extensions = list.extensions().iter();
    let key_id = extensions.find_map(|extension| match extension.parsed_extension() {
        x509_parser::extensions::ParsedExtension::AuthorityKeyIdentifier(id) => {
            id.key_identifier.as_ref().map(|id| crate::text::hex(id.0))
        }
        _ => None,
    });
    let revoked = list.iter_revoked_certificates().map(|entry| RevokedEntry {
        serial: inspect::serial(entry.raw_serial()),
        at: entry.revocation_date.to_datetime(),
        reason: entry.reason_code().map(|(_, code)| reason(code)),
    });
    Ok(RevocationListInfo {
        issuer: inspect::name(list.issuer()),
        number: list.crl_number().map(ToString::to_string),
        this_update: list.last_update().to_datetime(),
        next_update: list.next_update().map(|next| next.to_datetime()),
        authority_key_id: key_id,
        revoked: revoked.collect(),
    })
}

/// A reason as RFC 5280 §5.3.1 writes it; a number that has no name there as that number.
pub(super) fn reason(code: ReasonCode) -> String {
    let word = match code.0 {
        0 => "unspecified",
        1 => "keyCompromise",
        2 => "cACompromise",
        3 => "affiliationChanged",
        4 => "superseded",
        5 => "cessationOfOperation",
        6 => "certificateHold",
        8 => "removeFromCRL",
        9 => "privilegeWithdrawn",
        10 => "aACompromise",
        other => return other.to_string(),
    };
    word.to_owned()
}

/// Whether the CA of `certificate` signed the list in `der`.
pub fn is_signed_by(der: &[u8], certificate: &[u8]) -> Result<bool> {
    let (list, issuer) = (parse(der)?, inspect::parse(certificate)?);
    let has_name = list.issuer().as_raw() == issuer.subject().as_raw();
    Ok(has_name && list.verify_signature(issuer.public_key()).is_ok())
}

fn parse(der: &[u8]) -> Result<CertificateRevocationList<'_>> {
    let parsed = CertificateRevocationList::from_der(der);
    parsed.map(|(_, list)| list).map_err(|error| {
        Error::new(Kind::CrlFile, "the revocation list is damaged")
            .hint("write it again with `sealpost pki crl`, or fetch it again from its CA")
            .source(error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_written_as_in_the_rfc() {
        for (code, word) in [(1, "keyCompromise"), (2, "cACompromise"), (7, "7")] {
            assert_eq!(reason(ReasonCode(code)), word);
        }
    }
}
