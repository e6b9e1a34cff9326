//! Certificate requests (PKCS#10, RFC 2986): made here, or by `openssl req -new`.
//!
//! A request is a stranger's wish. Its signature is verified, its name and alternative names are read and
//! checked, and everything else it asks for (to be a CA, key usages, purposes) is left out and told.

use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, PublicKeyData as _, SubjectPublicKeyInfo};
use serde::Serialize;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Name;

use super::authority::key_pem;
use super::folder::{Access, Batch, Folder};
use super::inspect;
use super::passphrase::Passphrase;
use super::pem::{self, Wanted};
use super::profile::{Algorithm, AltName};
use super::subject::{Part, Subject};
use crate::error::{Error, Kind, Result};
use crate::text::escape;

/// Bits of the smallest RSA key that rustls takes.
pub(super) const RSA_BITS_MIN: usize = 2_048;

/// What a new request is to ask for.
#[derive(Clone, Debug, Default)]
pub struct RequestOptions {
    /// Names and addresses, mail addresses, or one user; the first is the CN too.
    pub names: Vec<String>,
    /// Other parts of the subject.
    pub subject: Option<Subject>,
    /// The kind of the key.
    pub algorithm: Algorithm,
    /// The name of the files, without `.csr`; the first name by default.
    pub out: Option<String>,
    /// Locks the new key.
    pub passphrase: Option<Passphrase>,
    /// Replaces files that are there.
    pub force: bool,
}

/// A request that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MadeRequest {
    /// Its subject.
    pub subject: String,
    /// Its alternative names.
    pub names: Vec<String>,
    /// The files that were written: the request, then the key.
    pub files: Vec<PathBuf>,
}

/// A request that was read and whose signature is right.
pub(super) struct Request {
    pub(super) subject: Subject,
    pub(super) names: Vec<AltName>,
    pub(super) public_key: SubjectPublicKeyInfo,
    /// What it asks for and will not get.
    pub(super) ignored: Vec<String>,
}

/// Makes a key and a request for it in `dir`; the key never leaves the folder.
pub fn make(dir: &Path, options: &RequestOptions) -> Result<MadeRequest> {
    let first = options.names.first().ok_or_else(|| {
        Error::new(Kind::Usage, "no name given")
            .hint("name the server or the user, as in `sealpost pki csr files.example.org`")
    })?;
    let mut subject = options.subject.clone().unwrap_or_default();
    if subject.get(Part::CommonName).is_none() {
        subject.set(Part::CommonName, first)?;
    }
    let mut names = Vec::new();
    for name in &options.names {
        match AltName::server(name) {
            Ok(name) => names.push(name),
            Err(_) if name.contains('@') => names.push(AltName::email(name)?),
            // A user's name need not be a host's: the CN has it.
            Err(error) if name != first => return Err(error),
            Err(_) => {}
        }
    }
    let stem = super::authority::file_stem(options.out.as_deref().unwrap_or(first))?;
    let folder = Folder::at(dir);
    folder.create()?;
    let _lock = folder.lock()?;
    let key = options.algorithm.generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = subject.to_rcgen()?;
    let coded = names.iter().map(AltName::to_rcgen);
    params.subject_alt_names = coded.collect::<Result<_>>()?;
    let made = params
        .serialize_request(&key)
        .map_err(|error| Error::new(Kind::Other, "cannot make the request").source(error))?;
    let (csr_path, key_path) = (format!("{stem}.csr"), format!("{stem}.key"));
    let (csr_path, key_path) = (folder.path(&csr_path), folder.path(&key_path));
    let key = key_pem(key.serialized_der(), options.passphrase.as_ref())?;
    let csr = pem::encode("CERTIFICATE REQUEST", made.der())?;
    let mut batch = Batch::default();
    batch.stage(
        key_path.clone(),
        key.as_bytes(),
        Access::Private,
        options.force,
    )?;
    batch.stage(
        csr_path.clone(),
        csr.as_bytes(),
        Access::Public,
        options.force,
    )?;
    batch.commit()?;
    Ok(MadeRequest {
        subject: subject.to_string(),
        names: names.iter().map(ToString::to_string).collect(),
        files: vec![csr_path, key_path],
    })
}

/// Reads a request, in PEM or DER, and checks that whoever made it has the key.
pub(super) fn read(path: &Path) -> Result<Request> {
    let (mut contents, bytes) = pem::read(path, Kind::LocalRead, pem::FILE_BYTES_MAX)?;
    if contents.is_der() && X509CertificationRequest::from_der(&bytes).is_ok() {
        contents.requests.push(bytes.to_vec().into());
    }
    match contents.requests.as_slice() {
        [one] => parse(one, path),
        [] => Err(contents.lacks(path, Kind::LocalRead, Wanted::Request)),
        _ => {
            let message = format!("{} holds more than one request", path.display());
            Err(Error::new(Kind::LocalRead, message).hint("put each into a file of its own"))
        }
    }
}

fn parse(der: &[u8], path: &Path) -> Result<Request> {
    let file = path.display();
    let (_, request) = X509CertificationRequest::from_der(der).map_err(|error| {
        Error::new(Kind::LocalRead, format!("the request in {file} is damaged"))
            .hint("make it again, or copy it again, whole")
            .source(error.to_string())
    })?;
    let info = &request.certification_request_info;
    let (kind, bits) = inspect::key_kind(&info.subject_pki);
    if kind == "RSA" && bits < RSA_BITS_MIN {
        let message = format!("the key of {file} is RSA of {bits} bits, too short for TLS");
        return Err(Error::new(Kind::Usage, message).hint(format!(
            "make the request again with a key of {RSA_BITS_MIN} bits or more: `openssl genrsa -out NEW.key {RSA_BITS_MIN}`"
        )));
    }
    request.verify_signature().map_err(|error| {
        let message = format!("the signature of the request in {file} is wrong");
        Error::new(Kind::Usage, message)
            .hint("whoever made it has not shown to have the key: have it made again")
            .source(error)
    })?;
    let public_key = SubjectPublicKeyInfo::from_der(info.subject_pki.raw).map_err(|error| {
        Error::new(
            Kind::Usage,
            format!("the key of {file} is {kind}, which is not known here"),
        )
        .hint("use ECDSA on P-256 or P-384, Ed25519, or RSA")
        .source(error)
    })?;
    // What is signed is the key that asked, to the byte.
    if public_key.subject_public_key_info() != info.subject_pki.raw {
        let message = format!("the key of {file} is written in an unusual way");
        return Err(Error::new(Kind::Usage, message).hint("make it again with `openssl req -new`"));
    }
    let (subject, mut ignored) = read_name(&info.subject)?;
    let mut names = Vec::new();
    for extension in request.requested_extensions().into_iter().flatten() {
        read_wish(extension, &mut names, &mut ignored)?;
    }
    Ok(Request {
        subject,
        names,
        public_key,
        ignored,
    })
}

/// The parts of a name that are known here, each once, and what was left out.
pub(super) fn read_name(name: &X509Name<'_>) -> Result<(Subject, Vec<String>)> {
    let (mut subject, mut ignored) = (Subject::default(), Vec::new());
    for (part, value) in inspect::parts(name) {
        match part {
            Some(part) if subject.get(part).is_none() => subject.set(part, &value)?,
            Some(part) => ignored.push(format!("a second {part}: {}", escape(&value))),
            None => ignored.push(format!("a part of the subject: {}", escape(&value))),
        }
    }
    Ok((subject, ignored))
}

fn read_wish(
    extension: &ParsedExtension<'_>,
    names: &mut Vec<AltName>,
    ignored: &mut Vec<String>,
) -> Result<()> {
    match extension {
        ParsedExtension::SubjectAlternativeName(all) => {
            for name in &all.general_names {
                match name {
                    GeneralName::DNSName(host) => match AltName::server(host)? {
                        name @ AltName::Dns(_) => names.push(name),
                        _ => ignored.push(format!("an address written as a host name: {host}")),
                    },
                    GeneralName::RFC822Name(address) => names.push(AltName::email(address)?),
                    GeneralName::IPAddress(octets) => {
                        names.extend(inspect::address(octets).map(AltName::Ip));
                    }
                    other => ignored.push(format!("a name: {}", escape(&other.to_string()))),
                }
            }
        }
        ParsedExtension::BasicConstraints(constraints) if constraints.ca => {
            ignored.push("to be a CA".to_owned());
        }
        ParsedExtension::BasicConstraints(_) | ParsedExtension::SubjectKeyIdentifier(_) => {}
        ParsedExtension::KeyUsage(_) => ignored.push("key usages".to_owned()),
        ParsedExtension::ExtendedKeyUsage(_) => ignored.push("purposes".to_owned()),
        _ => ignored.push("an extension that is not known here".to_owned()),
    }
    Ok(())
}
