//! Reads a certificate into a plain struct, which serde turns into JSON and `render` into text.

use std::fmt::Write as _;
use std::net::IpAddr;

use serde::Serialize;
use time::OffsetDateTime;
use time::serde::rfc3339;
use x509_parser::asn1_rs::{Oid, Tag, oid};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{AttributeTypeAndValue, SubjectPublicKeyInfo, X509Name};

use super::pem::base64;
use super::subject::Part;
use crate::error::{Error, Kind, Result};
use crate::protocol::Sha256;
use crate::text::{self, escape};

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateInfo {
    /// 1, or 3 for one with extensions.
    pub version: u32,
    /// The serial number in hex, lower case, without leading zeros.
    pub serial: String,
    /// The subject, as `C=CN, CN=alice`.
    pub subject: String,
    /// The issuer's subject.
    pub issuer: String,
    /// Every CN of the subject.
    pub common_names: Vec<String>,
    /// Every OU of the subject.
    pub organizational_units: Vec<String>,
    /// Mail addresses: of the alternative names, then of the subject.
    pub emails: Vec<String>,
    /// Mail addresses of the alternative names alone.
    #[serde(skip)]
    pub(super) alt_emails: Vec<String>,
    /// Host names among the alternative names.
    pub dns_names: Vec<String>,
    /// Addresses among the alternative names.
    pub ip_addresses: Vec<IpAddr>,
    /// Valid from.
    #[serde(with = "rfc3339")]
    pub not_before: OffsetDateTime,
    /// Valid until.
    #[serde(with = "rfc3339")]
    pub not_after: OffsetDateTime,
    /// The kind of the public key, such as `ECDSA P-256`.
    pub key_algorithm: String,
    /// Bits of the public key.
    pub key_bits: usize,
    /// What the issuer signed it with, such as `ecdsa-with-SHA256`.
    pub signature_algorithm: String,
    /// What the key may do (RFC 5280 §4.2.1.3); empty when the certificate does not say.
    pub key_usage: Vec<String>,
    /// What the certificate is for (RFC 5280 §4.2.1.12); empty when it does not say.
    pub extended_key_usage: Vec<String>,
    /// Whether it may sign certificates.
    pub is_ca: bool,
    /// How many CAs may stand between it and a leaf.
    pub path_length: Option<u32>,
    /// Which of the issuer's keys signed it, in hex.
    pub authority_key_id: Option<String>,
    /// The name of its own key, in hex.
    pub subject_key_id: Option<String>,
    /// SHA-256 of the certificate, in hex.
    pub fingerprint: String,
    /// SHA-256 of the public key as curl's `--pinnedpubkey` takes it.
    pub pin: String,
}

/// Who a certificate says its holder is. Only to be believed of a certificate that was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The one CN.
    pub cn: Option<String>,
    /// Every OU.
    pub ous: Vec<String>,
    /// Mail addresses: of the alternative names, then of the subject.
    pub emails: Vec<String>,
    /// Host names.
    pub dns: Vec<String>,
    /// The serial number in hex, lower case, without leading zeros.
    pub serial: String,
    /// SHA-256 of the certificate, in hex.
    pub fingerprint: String,
    /// The whole subject, as `C=CN, CN=alice`.
    pub subject: String,
}

/// The pin of a public key (a `SubjectPublicKeyInfo` in DER), as curl and RFC 7469 §2.4 write it.
pub fn pin(public_key: &[u8]) -> String {
    format!("sha256//{}", base64(Sha256::of(public_key).as_bytes()))
}

/// Whether `text` is a pin: `sha256//` and the base64 of 32 bytes.
pub fn is_pin(text: &str) -> bool {
    let base64 = text.strip_prefix("sha256//").unwrap_or_default();
    let digits = base64.strip_suffix('=').unwrap_or_default();
    let is_digit = |b: u8| b.is_ascii_alphanumeric() || b"+/".contains(&b);
    digits.len() == 43 && digits.bytes().all(is_digit)
}

/// Reads the certificate in `der`.
pub fn certificate(der: &[u8]) -> Result<CertificateInfo> {
    let certificate = parse(der)?;
    let key = certificate.public_key();
    let (key_algorithm, key_bits) = key_kind(key);
    let mut info = CertificateInfo {
        version: certificate.version().0 + 1,
        serial: serial(certificate.raw_serial()),
        subject: name(certificate.subject()),
        issuer: name(certificate.issuer()),
        common_names: values(certificate.subject(), &OID_CN),
        organizational_units: values(certificate.subject(), &OID_OU),
        emails: Vec::new(),
        alt_emails: Vec::new(),
        dns_names: Vec::new(),
        ip_addresses: Vec::new(),
        not_before: certificate.validity().not_before.to_datetime(),
        not_after: certificate.validity().not_after.to_datetime(),
        key_algorithm,
        key_bits,
        signature_algorithm: signature_name(&certificate.signature_algorithm.algorithm),
        key_usage: Vec::new(),
        extended_key_usage: Vec::new(),
        is_ca: false,
        path_length: None,
        authority_key_id: None,
        subject_key_id: None,
        fingerprint: Sha256::of(der).to_string(),
        pin: pin(key.raw),
    };
    for extension in certificate.extensions() {
        read_extension(extension.parsed_extension(), &mut info);
    }
    info.alt_emails.clone_from(&info.emails);
    info.emails
        .extend(values(certificate.subject(), &OID_EMAIL));
    Ok(info)
}

/// The public key in a certificate, as its bit string: what a signature is checked with.
pub fn public_key(der: &[u8]) -> Result<Vec<u8>> {
    let certificate = parse(der)?;
    Ok(certificate.public_key().subject_public_key.data.to_vec())
}

/// Who a verified certificate's holder is.
///
/// Refused are subjects that two programs could read differently: with more than one CN, or with a control
/// character such as NUL in a name (`admin\0.evil.example` was once read as `admin`).
pub fn identity(der: &[u8]) -> Result<Identity> {
    let info = certificate(der)?;
    let refuse = |why: &str| {
        let message = format!("the certificate of {} {why}", escape(&info.subject));
        Error::new(Kind::PeerCertificate, message)
            .hint("issue one with `sealpost pki issue client USER`")
    };
    if info.common_names.len() > 1 {
        return Err(refuse("has more than one CN"));
    }
    let mut names = info.common_names.iter().chain(&info.organizational_units);
    let mut others = info.emails.iter().chain(&info.dns_names);
    if names.any(|name| has_control(name)) || others.any(|name| has_control(name)) {
        return Err(refuse("has a control character in a name"));
    }
    Ok(Identity {
        cn: info.common_names.into_iter().next(),
        ous: info.organizational_units,
        emails: info.emails,
        dns: info.dns_names,
        serial: info.serial,
        fingerprint: info.fingerprint,
        subject: info.subject,
    })
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// The certificate as x509-parser has it.
pub(super) fn parse(der: &[u8]) -> Result<X509Certificate<'_>> {
    match X509Certificate::from_der(der) {
        // The parser does not look at the first tag.
        Ok(([], certificate)) if der.first() == Some(&SEQUENCE) => Ok(certificate),
        Ok(_) => Err(Error::new(Kind::Other, "bytes follow the certificate")),
        Err(error) => Err(Error::new(Kind::Other, "the certificate is damaged")
            .hint("copy the file again, whole")
            .source(error.to_string())),
    }
}

/// Whether `issuer` signed `certificate`: its name stands there, and its key made the signature.
pub fn is_signed_by(certificate: &[u8], issuer: &[u8]) -> Result<bool> {
    let (certificate, issuer) = (parse(certificate)?, parse(issuer)?);
    let has_name = certificate.issuer().as_raw() == issuer.subject().as_raw();
    let key = Some(issuer.public_key());
    Ok(has_name && certificate.verify_signature(key).is_ok())
}

/// A serial number as the index writes it.
pub(super) fn serial(raw: &[u8]) -> String {
    super::index::plain_serial(&text::hex(raw))
}

fn read_extension(extension: &ParsedExtension<'_>, info: &mut CertificateInfo) {
    match extension {
        ParsedExtension::BasicConstraints(constraints) => {
            info.is_ca = constraints.ca;
            info.path_length = constraints.path_len_constraint;
        }
        ParsedExtension::KeyUsage(usage) => {
            let bits = KEY_USAGES.iter().enumerate();
            let set = bits.filter(|(bit, _)| usage.flags >> bit & 1 == 1);
            info.key_usage = set.map(|(_, word)| (*word).to_owned()).collect();
        }
        ParsedExtension::ExtendedKeyUsage(usage) => {
            let known = [
                (usage.any, "any"),
                (usage.server_auth, "serverAuth"),
                (usage.client_auth, "clientAuth"),
                (usage.code_signing, "codeSigning"),
                (usage.email_protection, "emailProtection"),
                (usage.time_stamping, "timeStamping"),
                (usage.ocsp_signing, "OCSPSigning"),
            ];
            let set = known.iter().filter(|(is_set, _)| *is_set);
            info.extended_key_usage = set.map(|(_, word)| (*word).to_owned()).collect();
            let other = usage.other.iter().map(ToString::to_string);
            info.extended_key_usage.extend(other);
        }
        ParsedExtension::SubjectAlternativeName(names) => {
            for name in &names.general_names {
                match name {
                    GeneralName::DNSName(host) => info.dns_names.push((*host).to_owned()),
                    GeneralName::RFC822Name(address) => info.emails.push((*address).to_owned()),
                    GeneralName::IPAddress(octets) => info.ip_addresses.extend(address(octets)),
                    _ => {}
                }
            }
        }
        ParsedExtension::AuthorityKeyIdentifier(id) => {
            info.authority_key_id = id.key_identifier.as_ref().map(|id| text::hex(id.0));
        }
        ParsedExtension::SubjectKeyIdentifier(id) => info.subject_key_id = Some(text::hex(id.0)),
        _ => {}
    }
}

pub(super) fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
    }
}

/// The kind of a key and its bits.
pub(super) fn key_kind(key: &SubjectPublicKeyInfo<'_>) -> (String, usize) {
    let curve = key.algorithm.parameters.as_ref();
    let curve = curve.and_then(|curve| curve.as_oid().ok());
    let known = |curve: &Oid<'_>| {
        let mut all = CURVES.iter();
        all.find(|(this, ..)| this == curve)
            .map(|(_, name, bits)| (format!("ECDSA {name}"), *bits))
    };
    match key.parsed() {
        _ if key.algorithm.algorithm == OID_ED25519 => ("Ed25519".to_owned(), 256),
        // The parser's own size counts whole bytes, after dropping one.
        Ok(PublicKey::RSA(rsa)) => ("RSA".to_owned(), bit_length(rsa.modulus)),
        Ok(PublicKey::EC(point)) => match curve {
            Some(curve) => {
                known(&curve).unwrap_or_else(|| (format!("ECDSA {curve}"), point.key_size()))
            }
            None => ("ECDSA".to_owned(), point.key_size()),
        },
        Ok(PublicKey::DSA(_)) => ("DSA".to_owned(), 0),
        _ => (key.algorithm.algorithm.to_string(), 0),
    }
}

fn bit_length(number: &[u8]) -> usize {
    let digits = number
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(number.len());
    let number = &number[digits..];
    number
        .first()
        .map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

fn signature_name(algorithm: &Oid<'_>) -> String {
    let mut all = SIGNATURES.iter();
    all.find(|(this, _)| this == algorithm)
        .map_or_else(|| algorithm.to_string(), |(_, name)| (*name).to_owned())
}

/// The name in `der` (RFC 5280 §4.1.2.4), as `C=CN, CN=alice`.
pub fn name_of(der: &[u8]) -> Option<String> {
    X509Name::from_der(der)
        .ok()
        .map(|(_, parsed)| name(&parsed))
}

/// A name in the order it is written, as `C=CN, CN=alice`.
pub(super) fn name(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    for part in name.iter_attributes() {
        let mut all = ATTRIBUTES.iter();
        let known = all.find(|(this, _)| this == part.attr_type());
        let short = known.map_or_else(|| part.attr_type().to_string(), |(_, s)| (*s).to_owned());
        let comma = if text.is_empty() { "" } else { ", " };
        let _infallible = write!(text, "{comma}{short}={}", value(part));
    }
    text
}

/// Every value of one part of a name.
pub(super) fn values(name: &X509Name<'_>, part: &Oid<'_>) -> Vec<String> {
    let parts = name.iter_attributes();
    let parts = parts.filter(|this| this.attr_type() == part);
    parts.map(value).collect()
}

/// The parts of a name, and which of the parts known to [`Subject`](super::subject::Subject) each is.
pub(super) fn parts(name: &X509Name<'_>) -> Vec<(Option<Part>, String)> {
    let known = |part: &AttributeTypeAndValue<'_>| {
        let mut all = ATTRIBUTES.iter();
        let (_, short) = all.find(|(this, _)| this == part.attr_type())?;
        Part::find(short)
    };
    let parts = name.iter_attributes();
    parts.map(|part| (known(part), value(part))).collect()
}

fn value(part: &AttributeTypeAndValue<'_>) -> String {
    let bytes = part.as_slice();
    match part.attr_value().tag() {
        Tag::BmpString => {
            let units = bytes.chunks(2);
            let units =
                units.map(|unit| unit.iter().fold(0, |all, byte| all << 8 | u16::from(*byte)));
            String::from_utf16_lossy(&units.collect::<Vec<_>>())
        }
        // Latin-1, as OpenSSL reads it.
        Tag::T61String => bytes.iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

impl CertificateInfo {
    /// Whether the issuer is the subject.
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }
}

const SEQUENCE: u8 = 0x30;
const OID_CN: Oid<'static> = oid!(2.5.4.3);
const OID_OU: Oid<'static> = oid!(2.5.4.11);
const OID_EMAIL: Oid<'static> = oid!(1.2.840.113549.1.9.1);
const OID_ED25519: Oid<'static> = oid!(1.3.101.112);

/// The bits of a key usage, from the first (RFC 5280 §4.2.1.3).
const KEY_USAGES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

static ATTRIBUTES: [(Oid<'static>, &str); 9] = [
    (OID_CN, "CN"),
    (oid!(2.5.4.6), "C"),
    (oid!(2.5.4.7), "L"),
    (oid!(2.5.4.8), "ST"),
    (oid!(2.5.4.10), "O"),
    (OID_OU, "OU"),
    (OID_EMAIL, "emailAddress"),
    (oid!(2.5.4.5), "serialNumber"),
    (oid!(0.9.2342.19200300.100.1.25), "DC"),
];

static CURVES: [(Oid<'static>, &str, usize); 3] = [
    (oid!(1.2.840.10045.3.1.7), "P-256", 256),
    (oid!(1.3.132.0.34), "P-384", 384),
    (oid!(1.3.132.0.35), "P-521", 521),
];

/// OpenSSL's names.
static SIGNATURES: [(Oid<'static>, &str); 11] = [
    (oid!(1.2.840.10045.4.3.2), "ecdsa-with-SHA256"),
    (oid!(1.2.840.10045.4.3.3), "ecdsa-with-SHA384"),
    (oid!(1.2.840.10045.4.3.4), "ecdsa-with-SHA512"),
    (oid!(1.2.840.10045.4.1), "ecdsa-with-SHA1"),
    (OID_ED25519, "ED25519"),
    (oid!(1.2.840.113549.1.1.4), "md5WithRSAEncryption"),
    (oid!(1.2.840.113549.1.1.5), "sha1WithRSAEncryption"),
    (oid!(1.2.840.113549.1.1.10), "rsassaPss"),
    (oid!(1.2.840.113549.1.1.11), "sha256WithRSAEncryption"),
    (oid!(1.2.840.113549.1.1.12), "sha384WithRSAEncryption"),
    (oid!(1.2.840.113549.1.1.13), "sha512WithRSAEncryption"),
];
