//! Which client certificate a user is bound to: the last column of users.csv.

use std::fmt;
use std::str::FromStr;

/// Digits of a SHA-256 in hex.
const SHA256_DIGITS: usize = 64;

/// The certificate a user's connection has to show, whatever logs the user in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateRule {
    /// One with this common name.
    Cn(String),
    /// One with this organizational unit.
    Ou(String),
    /// The one whose DER has this SHA-256, in lower case hex.
    Sha256(String),
}

impl CertificateRule {
    /// Whether a verified certificate with these names and this SHA-256 is the one.
    pub fn fits(&self, cn: Option<&str>, ous: &[String], fingerprint: &str) -> bool {
        match self {
            Self::Cn(wanted) => cn == Some(wanted),
            Self::Ou(wanted) => ous.contains(wanted),
            Self::Sha256(wanted) => fingerprint.eq_ignore_ascii_case(wanted),
        }
    }
}

impl FromStr for CertificateRule {
    type Err = String;

    /// Reads `cn:NAME`, `ou:NAME`, `sha256:HEX`, or a common name alone.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "give a common name, cn:NAME, ou:NAME or sha256:HEX".to_owned();
        let rule = match text.split_once(':') {
            None => Self::Cn(text.to_owned()),
            Some(("cn", cn)) => Self::Cn(cn.to_owned()),
            Some(("ou", ou)) => Self::Ou(ou.to_owned()),
            Some(("sha256", hex)) if is_sha256(hex) => Self::Sha256(hex.to_ascii_lowercase()),
            Some(_) => return Err(wrong()),
        };
        let (Self::Cn(value) | Self::Ou(value) | Self::Sha256(value)) = &rule;
        match value.is_empty() || value.chars().any(char::is_control) {
            true => Err(wrong()),
            false => Ok(rule),
        }
    }
}

impl fmt::Display for CertificateRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cn(cn) => write!(f, "cn:{cn}"),
            Self::Ou(ou) => write!(f, "ou:{ou}"),
            Self::Sha256(hex) => write!(f, "sha256:{hex}"),
        }
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == SHA256_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> CertificateRule {
        text.parse().unwrap()
    }

    #[test]
    fn each_rule_fits_its_certificate_and_no_other() {
        let hex = "0A".repeat(32);
        let ous = ["Staff".to_owned()];
        for (text, written) in [
            ("alice", "cn:alice"),
            ("cn:alice", "cn:alice"),
            ("ou:Staff", "ou:Staff"),
            (
                &format!("sha256:{hex}"),
                &format!("sha256:{}", hex.to_lowercase()),
            ),
        ] {
            let rule = rule(text);
            assert_eq!(rule.to_string(), written);
            assert_eq!(rule, written.parse().unwrap());
            assert!(rule.fits(Some("alice"), &ous, &hex), "{text}");
            assert!(!rule.fits(Some("bob"), &[], &"0b".repeat(32)), "{text}");
            assert!(!rule.fits(None, &[], ""), "{text}");
        }
    }

    #[test]
    fn what_no_certificate_could_ever_fit_is_refused() {
        for text in [
            "",
            "cn:",
            "ou:",
            "dn:x",
            "sha256:ab",
            "sha256:",
            "a\nb",
            "x:y",
        ] {
            assert!(text.parse::<CertificateRule>().is_err(), "{text}");
        }
    }
}
