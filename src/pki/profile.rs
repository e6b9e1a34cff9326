//! What each kind of certificate holds, and why. One profile serves OpenSSL's and Python 3.13's strict
//! checks, webpki and browsers alike (RFC 5280 §4.2).
//!
//! rcgen's own defaults are traps for a CA (valid until 4096, a serial made from the key, no authority key
//! identifier), so every field is set here.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use aws_lc_rs::rand;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    RsaKeySize, SanType, SerialNumber,
};
use rustls::pki_types::DnsName;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::subject::Subject;
use crate::error::{Error, Kind, Result};

/// Days a root is valid: the ten years people expect of one.
pub const ROOT_DAYS: u32 = 3_650;

/// Days an intermediate CA is valid: half of its root's.
pub const INTERMEDIATE_DAYS: u32 = 1_825;

/// Days a server's or client's certificate is valid: browsers take no more than 398.
pub const LEAF_DAYS: u32 = 397;

/// Days any certificate may be valid: a century, so that the arithmetic cannot overflow.
pub const DAYS_MAX: u32 = 36_500;

/// How long before now a certificate begins, so that a machine whose clock is late takes it too.
const BACKDATE: Duration = Duration::minutes(5);

/// The names every server certificate is good for: the lab runs on one machine.
pub(super) const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The trust anchor.
    Root,
    /// A CA signed by the root.
    Intermediate,
    /// A TLS server.
    Server,
    /// A TLS client, which is a user.
    Client,
}

impl Role {
    /// The word, as `index.csv` and `--role` write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Intermediate => "intermediate",
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "server" => Ok(Self::Server),
            "client" => Ok(Self::Client),
            "ca" | "root" => Ok(Self::Root),
            "intermediate" => Ok(Self::Intermediate),
            _ => Err(format!("{text} is not one of server and client")),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The kind of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256: small, fast, known everywhere.
    #[default]
    EcdsaP256,
    /// Ed25519: OpenSSL and Python know it, browsers do not.
    Ed25519,
    /// RSA of 2048 bits, the least that rustls takes.
    Rsa2048,
    /// RSA of 3072 bits, as strong as P-256.
    Rsa3072,
}

impl Algorithm {
    /// Every algorithm with its word on the command line.
    pub const ALL: [(&'static str, Self); 4] = [
        ("ecdsa-p256", Self::EcdsaP256),
        ("ed25519", Self::Ed25519),
        ("rsa-2048", Self::Rsa2048),
        ("rsa-3072", Self::Rsa3072),
    ];

    /// A new key.
    pub(super) fn generate(self) -> Result<KeyPair> {
        let pair = match self {
            Self::EcdsaP256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
            Self::Ed25519 => KeyPair::generate_for(&rcgen::PKCS_ED25519),
            Self::Rsa2048 => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048),
            Self::Rsa3072 => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_3072),
        };
        pair.map_err(|error| Error::new(Kind::Other, "cannot make a key").source(error))
    }

    /// Whether a key of this kind is RSA, which may also encrypt (TLS 1.2 with static RSA; rustls does not).
    pub(super) fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa2048 | Self::Rsa3072)
    }
}

impl FromStr for Algorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::ALL.iter();
        all.find(|(word, _)| *word == text)
            .map(|(_, algorithm)| *algorithm)
            .ok_or_else(|| {
                format!("{text} is not one of ecdsa-p256, ed25519, rsa-2048 and rsa-3072")
            })
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = Self::ALL.iter();
        let word = all.find(|(_, algorithm)| algorithm == self);
        f.write_str(word.map_or("?", |(word, _)| word))
    }
}

/// One name a certificate is good for (a subject alternative name, RFC 5280 §4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AltName {
    /// A host name, or `*.` and one.
    Dns(String),
    /// An address.
    Ip(IpAddr),
    /// A mail address, which is an identity of a client.
    Email(String),
}

impl AltName {
    /// Reads a server's name: an address is told from a host name.
    pub fn server(text: &str) -> Result<Self> {
        let bare = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if let Ok(address) = bare.unwrap_or(text).parse() {
            return Ok(Self::Ip(address));
        }
        let host = text.strip_prefix("*.").unwrap_or(text);
        if DnsName::try_from(host).is_ok() && !host.ends_with('.') {
            return Ok(Self::Dns(text.to_owned()));
        }
        let hint = if !text.is_ascii() {
            "write it as it stands in the DNS, beginning with xn--"
        } else if text.contains([':', '/']) {
            "give the name alone, without https:// and without a port"
        } else {
            "give a host name such as files.example.org, or an address such as 192.168.1.20"
        };
        Err(Error::new(
            Kind::Usage,
            format!("{text} is not a host name or an address"),
        )
        .hint(hint))
    }

    /// Reads a mail address.
    pub fn email(text: &str) -> Result<Self> {
        let has_both = text
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
        let is_clean = text.bytes().all(|byte| byte.is_ascii_graphic());
        if has_both && is_clean {
            return Ok(Self::Email(text.to_owned()));
        }
        Err(
            Error::new(Kind::Usage, format!("{text} is not a mail address"))
                .hint("give one such as alice@example.org"),
        )
    }

    pub(super) fn to_rcgen(&self) -> Result<SanType> {
        let coded = |text: &str| {
            Ia5String::try_from(text).map_err(|error| {
                Error::new(
                    Kind::Usage,
                    format!("{text} cannot be written in a certificate"),
                )
                .source(error)
            })
        };
        Ok(match self {
            Self::Dns(name) => SanType::DnsName(coded(name)?),
            Self::Ip(address) => SanType::IpAddress(*address),
            Self::Email(address) => SanType::Rfc822Name(coded(address)?),
        })
    }
}

impl fmt::Display for AltName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) | Self::Email(name) => f.write_str(name),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

/// The names of a server with the local ones behind them, each once.
pub(super) fn server_names(given: &[AltName]) -> Result<Vec<AltName>> {
    let local = LOCAL_NAMES.iter().map(|name| AltName::server(name));
    let local = local.collect::<Result<Vec<_>>>()?;
    let mut seen = BTreeSet::new();
    let all = given.iter().cloned().chain(local);
    Ok(all.filter(|name| seen.insert(name.clone())).collect())
}

/// From when until when a certificate is valid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Validity {
    pub(super) not_before: OffsetDateTime,
    pub(super) not_after: OffsetDateTime,
}

impl Validity {
    /// `days` from `start`, or from a little before now; never longer than the issuer, whose end ends all.
    pub(super) fn new(
        start: Option<OffsetDateTime>,
        days: u32,
        issuer_end: Option<OffsetDateTime>,
    ) -> Result<Self> {
        if !(1..=DAYS_MAX).contains(&days) {
            let message = format!("a certificate cannot be valid for {days} days");
            return Err(Error::new(Kind::Usage, message).hint(format!("give 1 to {DAYS_MAX}")));
        }
        let now = crate::text::now();
        let end = start.unwrap_or(now) + Duration::days(days.into());
        Ok(Self {
            not_before: start.unwrap_or(now - BACKDATE),
            not_after: issuer_end.map_or(end, |issuer_end| end.min(issuer_end)),
        })
    }
}

/// The parameters of a CA's certificate: the root, or an intermediate under it.
pub(super) fn authority(
    role: Role,
    subject: &Subject,
    validity: Validity,
    path_length: u8,
) -> Result<CertificateParams> {
    let mut params = common(subject, validity)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    // A root's would only name itself (RFC 5280 §4.2.1.1 lets it be left out).
    params.use_authority_key_identifier_extension = role != Role::Root;
    Ok(params)
}

/// The parameters of a server's or a client's certificate.
pub(super) fn leaf(
    role: Role,
    subject: &Subject,
    names: &[AltName],
    validity: Validity,
    is_rsa: bool,
) -> Result<CertificateParams> {
    let mut params = common(subject, validity)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![match role {
        Role::Client => ExtendedKeyUsagePurpose::ClientAuth,
        _ => ExtendedKeyUsagePurpose::ServerAuth,
    }];
    if role == Role::Server && is_rsa {
        params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
    }
    let names = names.iter().map(AltName::to_rcgen);
    params.subject_alt_names = names.collect::<Result<_>>()?;
    Ok(params)
}

fn common(subject: &Subject, validity: Validity) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = subject.to_rcgen()?;
    params.not_before = validity.not_before;
    params.not_after = validity.not_after;
    params.serial_number = Some(serial()?);
    Ok(params)
}

/// A random serial number of 127 bits: nobody can guess the next one (CA/Browser Forum BR §7.1 asks for 64
/// bits), and a renewed certificate never shares its predecessor's, so that revoking one spares the other.
fn serial() -> Result<SerialNumber> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes)
        .map_err(|error| Error::new(Kind::Other, "no random numbers").source(error))?;
    // Positive (RFC 5280 §4.1.2.2), and always of the same length.
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}
