//! `index.csv`: every certificate the CA has signed, one a row. The revocation list is made from it, so it
//! is written first: a row whose certificate was never delivered does no harm, the reverse could never be
//! revoked.

use std::fs::File;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::serde::rfc3339;

use super::profile::Role;
use crate::error::{Error, Kind, Result};

/// One certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The serial number in hex, lower case, without leading zeros.
    pub serial: String,
    /// The subject, as `C=CN, CN=alice`.
    pub subject: String,
    /// What it is for.
    pub role: Role,
    /// Its alternative names, separated by spaces.
    pub names: String,
    /// Valid from.
    #[serde(with = "rfc3339")]
    pub not_before: OffsetDateTime,
    /// Valid until.
    #[serde(with = "rfc3339")]
    pub not_after: OffsetDateTime,
    /// Valid, or revoked; expiry is a matter of the clock and not written down.
    pub status: Status,
    /// When it was revoked.
    #[serde(with = "rfc3339::option")]
    pub revoked: Option<OffsetDateTime>,
    /// Why it was revoked.
    pub reason: Option<Reason>,
    /// SHA-256 of the certificate, in hex.
    pub fingerprint: String,
    /// The file it was written to, in the folder.
    pub file: String,
}

/// Whether the CA stands by a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It does, until the certificate expires.
    Valid,
    /// It does not.
    Revoked,
}

/// Why a certificate was revoked, in the words of RFC 5280 §5.3.1. OpenSSL writes `CACompromise`, which is
/// read as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// No reason given; written without a code, as the RFC wants it.
    Unspecified,
    /// Somebody else may have the key.
    KeyCompromise,
    /// Somebody else may have the CA's key.
    #[serde(rename = "cACompromise", alias = "CACompromise")]
    CaCompromise,
    /// The name or the rights in it changed.
    AffiliationChanged,
    /// A newer one takes its place.
    Superseded,
    /// It is no longer needed.
    CessationOfOperation,
    /// The right to it was withdrawn.
    PrivilegeWithdrawn,
}

impl Reason {
    /// Every reason with the RFC's word for it.
    pub const ALL: [(&'static str, Self); 7] = [
        ("unspecified", Self::Unspecified),
        ("keyCompromise", Self::KeyCompromise),
        ("cACompromise", Self::CaCompromise),
        ("affiliationChanged", Self::AffiliationChanged),
        ("superseded", Self::Superseded),
        ("cessationOfOperation", Self::CessationOfOperation),
        ("privilegeWithdrawn", Self::PrivilegeWithdrawn),
    ];
}

impl FromStr for Reason {
    type Err = String;

    /// Reads the RFC's words, and so OpenSSL's, in any case, with hyphens or without.
    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.replace('-', "");
        let mut all = Self::ALL.iter();
        all.find(|(word, _)| word.eq_ignore_ascii_case(&plain))
            .map(|(_, reason)| *reason)
            .ok_or_else(|| {
                let words = Self::ALL.map(|(word, _)| word).join(", ");
                format!("{text} is not one of {words}")
            })
    }
}

impl Row {
    /// The row as people list it: `valid`, `expired`, `not yet valid` or `revoked`, at `now`.
    pub fn state(&self, now: OffsetDateTime) -> &'static str {
        match self.status {
            Status::Revoked => "revoked",
            Status::Valid if now > self.not_after => "expired",
            Status::Valid if now < self.not_before => "not yet valid",
            Status::Valid => "valid",
        }
    }
}

/// Reads the index; a folder without one has signed nothing.
pub(super) fn read(path: &Path) -> Result<Vec<Row>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            let reading = format!("read {}", path.display());
            return Err(Error::io(Kind::LocalRead, reading, error));
        }
    };
    let mut rows = Vec::new();
    for row in csv::Reader::from_reader(file).deserialize() {
        rows.push(row.map_err(|error: csv::Error| {
            let line = error.position().map_or(0, csv::Position::line);
            let message = format!("line {line} of {} is damaged", path.display());
            Error::new(Kind::LocalRead, message)
                .hint("mend that line by hand; every certificate ever signed must stay in the file")
                .source(error)
        })?);
    }
    Ok(rows)
}

/// The index as it is written.
pub(super) fn to_csv(rows: &[Row]) -> Result<Vec<u8>> {
    let failed =
        |error: &dyn std::fmt::Display| Error::new(Kind::Other, format!("index.csv: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(|error| failed(&error))?;
    }
    writer.into_inner().map_err(|error| failed(&error))
}

/// A serial number as people paste it (`0A:1B`, `0x0a1b`, `A1B`), as the index writes it.
pub fn plain_serial(text: &str) -> String {
    let text = text.trim().to_ascii_lowercase().replace(':', "");
    let text = text.strip_prefix("0x").unwrap_or(&text);
    let digits = text.trim_start_matches('0');
    // Whole bytes, as the index has it.
    if digits.len() % 2 == 1 {
        format!("0{digits}")
    } else {
        digits.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_written_as_the_rfc_has_them_and_read_as_openssl_has_them_too() {
        for word in ["cACompromise", "CACompromise", "ca-compromise"] {
            assert_eq!(word.parse(), Ok(Reason::CaCompromise), "{word}");
        }
        assert!("compromise".parse::<Reason>().is_err());
        for (word, reason) in Reason::ALL {
            let written = serde_json::to_string(&reason).unwrap();
            assert_eq!(written, format!("\"{word}\""));
        }
        // As earlier versions wrote the index.
        let old: Reason = serde_json::from_str("\"CACompromise\"").unwrap();
        assert_eq!(old, Reason::CaCompromise);
    }
}
