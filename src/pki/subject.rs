//! A distinguished name as people type it: OpenSSL's `/C=CN/ST=GD/O=School/CN=alice`.

use std::fmt;
use std::str::FromStr;

use rcgen::string::{Ia5String, PrintableString};
use rcgen::{DistinguishedName, DnType, DnValue};

use crate::error::{Error, Kind, Result};

/// The parts of a subject in their order, each at most once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    parts: Vec<(Part, String)>,
}

/// The parts of a name that certificates for TLS use (RFC 5280 §4.1.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `C`, two letters.
    Country,
    /// `ST`, state or province.
    State,
    /// `L`, locality.
    Locality,
    /// `O`.
    Organization,
    /// `OU`.
    OrganizationalUnit,
    /// `CN`: of a client the user, of a server its first name.
    CommonName,
    /// `emailAddress` (PKCS#9; RFC 5280 §4.1.2.6 would rather have it among the alternative names).
    Email,
}

impl Part {
    const ALL: [(Self, &'static str, usize); 7] = [
        // The last number is the upper bound of RFC 5280 Appendix A.1, in characters.
        (Self::Country, "C", 2),
        (Self::State, "ST", 128),
        (Self::Locality, "L", 128),
        (Self::Organization, "O", 64),
        (Self::OrganizationalUnit, "OU", 64),
        (Self::CommonName, "CN", 64),
        (Self::Email, "emailAddress", 255),
    ];

    pub(super) fn find(name: &str) -> Option<Self> {
        let name = match name.to_ascii_lowercase().as_str() {
            "email" | "e" => "emailAddress".to_owned(),
            "s" => "ST".to_owned(),
            _ => name.to_owned(),
        };
        let mut all = Self::ALL.iter();
        all.find(|(_, short, _)| short.eq_ignore_ascii_case(&name))
            .map(|(part, ..)| *part)
    }

    fn row(self) -> (&'static str, usize) {
        let mut all = Self::ALL.iter();
        all.find(|(part, ..)| *part == self)
            .map_or(("?", 0), |(_, short, most)| (short, *most))
    }

    fn dn_type(self) -> DnType {
        match self {
            Self::Country => DnType::CountryName,
            Self::State => DnType::StateOrProvinceName,
            Self::Locality => DnType::LocalityName,
            Self::Organization => DnType::OrganizationName,
            Self::OrganizationalUnit => DnType::OrganizationalUnitName,
            Self::CommonName => DnType::CommonName,
            Self::Email => DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().0)
    }
}

impl Subject {
    /// The value of a part.
    pub fn get(&self, part: Part) -> Option<&str> {
        let mut parts = self.parts.iter();
        parts
            .find(|(this, _)| *this == part)
            .map(|(_, value)| value.as_str())
    }

    /// Adds a part, or replaces its value.
    pub fn set(&mut self, part: Part, value: &str) -> Result<()> {
        let (short, most) = part.row();
        let wrong = |why: String| {
            Error::new(Kind::Usage, format!("{short} of a subject {why}"))
                .hint("write it as in `--subject /C=CN/ST=GD/O=School/CN=alice`")
        };
        if value.is_empty() {
            return Err(wrong("is empty".to_owned()));
        }
        if value.chars().any(char::is_control) {
            return Err(wrong("has a control character".to_owned()));
        }
        if value.chars().count() > most {
            return Err(wrong(format!(
                "is longer than {most} characters (RFC 5280)"
            )));
        }
        let is_country = value.len() == 2 && value.bytes().all(|b| b.is_ascii_alphabetic());
        if part == Part::Country && !is_country {
            return Err(wrong("is two letters, such as CN (RFC 5280)".to_owned()));
        }
        if part == Part::Email && !(value.is_ascii() && value.contains('@')) {
            return Err(wrong("is no address, such as alice@example.org".to_owned()));
        }
        match self.parts.iter_mut().find(|(this, _)| *this == part) {
            Some((_, old)) => value.clone_into(old),
            None => self.parts.push((part, value.to_owned())),
        }
        Ok(())
    }

    /// The name as rcgen writes it: `C` as a `PrintableString`, an address as an `IA5String`, the rest UTF-8.
    pub(super) fn to_rcgen(&self) -> Result<DistinguishedName> {
        let mut name = DistinguishedName::new();
        for (part, value) in &self.parts {
            let coded = match part {
                Part::Country => {
                    PrintableString::try_from(value.as_str()).map(DnValue::PrintableString)
                }
                Part::Email => Ia5String::try_from(value.as_str()).map(DnValue::Ia5String),
                _ => Ok(DnValue::Utf8String(value.clone())),
            };
            let coded = coded.map_err(|error| {
                let message = format!("{value} cannot be written in a subject");
                Error::new(Kind::Usage, message).source(error)
            })?;
            name.push(part.dn_type(), coded);
        }
        Ok(name)
    }
}

impl FromStr for Subject {
    type Err = Error;

    /// Reads `/C=CN/CN=a\/b`: a backslash takes the meaning of `/` away. A doubled first slash, which Git's
    /// bash on Windows needs, is taken for one.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::new(Kind::Usage, format!("the subject {text} {why}")).hint(
                "write it as OpenSSL does, `/C=CN/ST=GD/L=SZ/O=School/OU=Class/CN=alice`; \
                 the parts are C, ST, L, O, OU, CN and emailAddress",
            )
        };
        if !text.starts_with('/') {
            return Err(wrong("does not begin with a slash"));
        }
        let mut subject = Self::default();
        for piece in split(text.trim_start_matches('/')) {
            let (name, value) = piece
                .split_once('=')
                .ok_or_else(|| wrong("has a part without ="))?;
            let part = Part::find(name).ok_or_else(|| wrong("has a part that is not known"))?;
            if subject.get(part).is_some() {
                return Err(wrong("has the same part twice"));
            }
            subject.set(part, value)?;
        }
        Ok(subject)
    }
}

/// The pieces between slashes, backslashes resolved.
fn split(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        let taken = match c {
            '/' => {
                pieces.push(String::new());
                continue;
            }
            '\\' => characters.next().unwrap_or(c),
            _ => c,
        };
        if let Some(last) = pieces.last_mut() {
            last.push(taken);
        }
    }
    pieces
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (part, value)) in self.parts.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{}={value}", part.row().0)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_in_openssls_form_is_read_in_its_order() {
        let subject: Subject =
            "/C=CN/ST=GD/L=Shenzhen/O=A\\/B School/OU=计算机/CN=alice/emailAddress=a@b.cn"
                .parse()
                .unwrap();
        assert_eq!(
            subject.to_string(),
            "C=CN, ST=GD, L=Shenzhen, O=A/B School, OU=计算机, CN=alice, emailAddress=a@b.cn"
        );
        assert_eq!(subject.get(Part::Organization), Some("A/B School"));
        subject.to_rcgen().unwrap();
        assert_eq!("//CN=x".parse::<Subject>().unwrap().to_string(), "CN=x");
    }

    #[test]
    fn a_subject_that_no_verifier_would_like_is_refused() {
        let long = format!("/CN={}", "x".repeat(65));
        for text in [
            "",
            "CN=x",
            "/",
            "/CN",
            "/CN=",
            "/X=y",
            "/CN=a/CN=b",
            "/C=China",
            "/CN=a\nb",
            "/CN=a\0",
            "/emailAddress=x",
            &long,
        ] {
            let error = text.parse::<Subject>().unwrap_err();
            assert_eq!(error.kind(), Kind::Usage, "{text:?}");
            assert!(error.next_step().is_some());
        }
    }
}
