//! What is in a file: its PEM sections, or the reason why there are none, in words.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use pkcs8::LineEnding;
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, CertificateSigningRequestDer, PrivateKeyDer,
};
use rustls_pemfile::Item;
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};

/// Bytes in the largest file of certificates or keys: a chain is a few thousand, and a wrong path may name
/// a film.
pub(super) const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Bytes in the largest revocation list; the largest public ones have tens of millions.
pub(super) const CRL_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A file read once, its sections sorted.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) keys: Vec<PrivateKeyDer<'static>>,
    pub(super) encrypted_keys: Vec<Vec<u8>>,
    pub(super) crls: Vec<CertificateRevocationListDer<'static>>,
    pub(super) requests: Vec<CertificateSigningRequestDer<'static>>,
    /// A key in the form of OpenSSL before 1.0 (`Proc-Type: 4,ENCRYPTED`).
    pub(super) is_old_encrypted_key: bool,
    /// The labels in the file, in order.
    labels: Vec<String>,
    /// What the bytes look like when they are no PEM.
    shape: Shape,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Shape {
    #[default]
    Text,
    Empty,
    Utf16,
    Der,
    Pkcs12,
}

/// Reads the file; DER is left to the caller in the second value, as only it knows what it wants.
pub(super) fn read(path: &Path, kind: Kind, most: u64) -> Result<(Contents, Zeroizing<Vec<u8>>)> {
    let bytes = bytes(path, kind, most)?;
    let contents = parse(&bytes).map_err(|error| {
        let message = format!("{} is damaged: {error}", path.display());
        Error::new(kind, message)
            .hint("copy the file again, whole, from -----BEGIN to -----END")
            .source(error)
    })?;
    Ok((contents, bytes))
}

fn bytes(path: &Path, kind: Kind, most: u64) -> Result<Zeroizing<Vec<u8>>> {
    let reading = |error| Error::io(kind, format_args!("read {}", path.display()), error);
    let file = File::open(path).map_err(reading)?;
    if file.metadata().map_err(reading)?.is_dir() {
        let message = format!("{} is a folder, not a file", path.display());
        return Err(Error::new(kind, message).hint("name a file in it"));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let mut bounded = file.take(most + 1);
    bounded.read_to_end(&mut bytes).map_err(reading)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= most) {
        return Ok(bytes);
    }
    let most = crate::text::size(most);
    let message = format!("{} is larger than {most}", path.display());
    Err(Error::new(kind, message).hint("check the path: this is no certificate and no key"))
}

/// Sorts the sections of PEM `bytes`; anything else yields no section and a shape.
pub(super) fn parse(bytes: &[u8]) -> io::Result<Contents> {
    let mut contents = Contents {
        shape: shape(bytes),
        ..Contents::default()
    };
    if contents.shape != Shape::Text {
        return Ok(contents);
    }
    // Line by line and lossy: comments before a section may be in any encoding.
    for line in bytes.split(|byte| matches!(byte, b'\n' | b'\r')) {
        if let Some(rest) = line.strip_prefix(b"-----BEGIN ") {
            let label = rest.split(|byte| *byte == b'-').next().unwrap_or(rest);
            let label = String::from_utf8_lossy(label).into_owned();
            contents.labels.push(label);
        }
        contents.is_old_encrypted_key |= line.starts_with(b"Proc-Type: 4,ENCRYPTED");
    }
    if contents.is_old_encrypted_key {
        return Ok(contents);
    }
    if contents
        .labels
        .iter()
        .any(|label| label == ENCRYPTED_KEY_LABEL)
    {
        contents.encrypted_keys = sections(bytes, ENCRYPTED_KEY_LABEL)?;
    }
    for item in rustls_pemfile::read_all(&mut &*bytes) {
        match item? {
            Item::X509Certificate(certificate) => contents.certificates.push(certificate),
            Item::Pkcs1Key(key) => contents.keys.push(key.into()),
            Item::Pkcs8Key(key) => contents.keys.push(key.into()),
            Item::Sec1Key(key) => contents.keys.push(key.into()),
            Item::Crl(crl) => contents.crls.push(crl),
            Item::Csr(request) => contents.requests.push(request),
            _ => {}
        }
    }
    // Old programs label a request so (RFC 7468 §7).
    let old_requests = sections(bytes, "NEW CERTIFICATE REQUEST")?;
    let old_requests = old_requests.into_iter().map(Into::into);
    contents.requests.extend(old_requests);
    Ok(contents)
}

fn shape(bytes: &[u8]) -> Shape {
    match bytes {
        _ if bytes.iter().all(u8::is_ascii_whitespace) => Shape::Empty,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Shape::Utf16,
        // SEQUENCE { INTEGER 3, …: the version of PKCS#12 (RFC 7292 §4), which no key or certificate has.
        [0x30, 0x82, _, _, 2, 1, 3, ..] | [0x30, 0x80, 2, 1, 3, ..] => Shape::Pkcs12,
        [0x30, ..] => Shape::Der,
        _ => Shape::Text,
    }
}

/// The sections of a label that rustls-pemfile passes over, because rustls has no use for it.
fn sections(bytes: &[u8], label: &str) -> io::Result<Vec<Vec<u8>>> {
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let begin = format!("-----BEGIN {label}-----");
    let text = String::from_utf8_lossy(bytes);
    let mut all = Vec::new();
    for (at, _) in text.match_indices(&begin) {
        let section = text[at..].as_bytes();
        let (_, pem) = x509_parser::pem::parse_x509_pem(section)
            .map_err(|error| invalid(format!("a section is no base64: {error}")))?;
        all.push(pem.contents);
    }
    Ok(all)
}

impl Contents {
    /// Whether the file is not text but one DER value.
    pub(super) fn is_der(&self) -> bool {
        self.shape == Shape::Der
    }

    /// The error for a file that does not hold `wanted`: what it holds instead, and what to do next.
    pub(super) fn lacks(&self, path: &Path, kind: Kind, wanted: Wanted) -> Error {
        let file = path.display();
        let (found, hint) = self.found(path, wanted);
        let message = format!("{file} {found}, not {}", wanted.noun());
        let message = match self.shape {
            Shape::Empty => format!("{file} is empty"),
            Shape::Utf16 => format!("{file} is text in UTF-16, which no TLS program reads"),
            _ => message,
        };
        Error::new(kind, message).hint(hint)
    }

    fn found(&self, path: &Path, wanted: Wanted) -> (String, String) {
        let file = path.display();
        let again = match wanted {
            Wanted::Key => "give the key file that was made with it, such as certs/server.key",
            Wanted::Certificate => "give the certificate file, such as certs/server.crt",
            Wanted::Crl => "give the revocation list, such as certs/crl.pem",
            Wanted::Request => "make a request with `sealpost pki csr NAME`, or `openssl req -new`",
        };
        let (found, hint) = match self.shape {
            Shape::Empty => ("is empty", "make or copy the file again".to_owned()),
            Shape::Utf16 => (
                "is text in UTF-16",
                "save it as ASCII or UTF-8; PowerShell's > writes UTF-16".to_owned(),
            ),
            Shape::Pkcs12 => (
                "holds a PKCS#12 bundle",
                format!("take it apart: `openssl pkcs12 -in {file} -nodes -out bundle.pem`"),
            ),
            Shape::Der => ("holds other binary data", again.to_owned()),
            Shape::Text => match self.labels.iter().find_map(|label| words(label)) {
                Some((found, Some(hint))) => (found, hint.replace("FILE", &file.to_string())),
                Some((found, None)) => (found, again.to_owned()),
                None => ("holds nothing in PEM form", again.to_owned()),
            },
        };
        (found.to_owned(), hint)
    }
}

/// What a caller looks for in a file.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    Certificate,
    Key,
    Crl,
    Request,
}

impl Wanted {
    fn noun(self) -> &'static str {
        match self {
            Self::Certificate => "a certificate",
            Self::Key => "a private key",
            Self::Crl => "a certificate revocation list",
            Self::Request => "a certificate request",
        }
    }
}

/// One section of PEM (RFC 7468 §3).
pub(super) fn encode(label: &str, der: &[u8]) -> Result<Zeroizing<String>> {
    match pkcs8::der::pem::encode_string(label, LineEnding::LF, der) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            Err(Error::new(Kind::Other, format!("cannot write a {label}"))
                .source(error.to_string()))
        }
    }
}

/// A chain as its file holds it, the leaf first.
pub(super) fn chain(chain: &[&CertificateDer<'static>]) -> Result<String> {
    let mut all = String::new();
    for certificate in chain {
        all.push_str(&encode("CERTIFICATE", certificate)?);
    }
    Ok(all)
}

/// Bytes in base64, as a pin is written (RFC 7469 §2.4): what PEM has between its two lines.
pub(super) fn base64(bytes: &[u8]) -> String {
    let text = encode("PIN", bytes).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    lines.collect()
}

/// The label of PKCS#8 under a passphrase (RFC 7468 §11).
pub(super) const ENCRYPTED_KEY_LABEL: &str = "ENCRYPTED PRIVATE KEY";

/// What a label says, and the way out where the thing itself cannot be used.
fn words(label: &str) -> Option<(&'static str, Option<&'static str>)> {
    Some(match label {
        "CERTIFICATE" => ("holds a certificate", None),
        "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" | ENCRYPTED_KEY_LABEL => {
            ("holds a private key", None)
        }
        "X509 CRL" => ("holds a certificate revocation list", None),
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => (
            "holds a certificate request",
            Some("have a CA sign it: `sealpost pki sign FILE --role server`"),
        ),
        "PUBLIC KEY" => ("holds a public key", None),
        "TRUSTED CERTIFICATE" | "X509 CERTIFICATE" => (
            "holds a certificate with OpenSSL's trust settings",
            Some("take them off: `openssl x509 -in FILE -out NEW`"),
        ),
        "PKCS7" => (
            "holds a PKCS#7 bundle",
            Some("take it apart: `openssl pkcs7 -in FILE -print_certs -out NEW`"),
        ),
        "OPENSSH PRIVATE KEY" => (
            "holds a key in OpenSSH's form",
            Some("convert a copy of it: `ssh-keygen -p -m PKCS8 -f FILE`"),
        ),
        "DSA PRIVATE KEY" => (
            "holds a DSA key, which TLS 1.3 does not know",
            Some("make a new one: `sealpost pki issue server localhost`"),
        ),
        _ => return None,
    })
}
