//! Certificates for keys that exist already: a request signed, a certificate renewed, a faulty one made anew.

use std::path::{Path, PathBuf};

use rcgen::SubjectPublicKeyInfo;
use rustls::pki_types::CertificateDer;
use serde::Serialize;

use super::authority::{self, Authority};
use super::folder::Access;
use super::index::Status;
use super::inspect::{self, CertificateInfo};
use super::keys;
use super::order::{IssueRequest, Issued, user_name};
use super::passphrase::{self, Passphrase};
use super::pem;
use super::profile::{self, AltName, Role, Validity};
use super::request;
use super::signer::Signer;
use super::subject::{Part, Subject};
use crate::error::{Error, Kind, Result};
use crate::text::escape;

/// How a request is to be signed.
#[derive(Clone, Debug)]
pub struct SignRequest {
    /// [`Role::Server`] or [`Role::Client`]: the CA says what it is for, not the request.
    pub role: Role,
    /// Days it is valid.
    pub days: u32,
    /// Signs even when the name belongs to somebody already.
    pub allow_name: bool,
    /// Names that belong to somebody beside those in the index: the users of the server.
    pub taken: Vec<String>,
    /// The name of the file, without `.crt`.
    pub out: Option<String>,
    /// Replaces a file that is there.
    pub force: bool,
}

/// A request that was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signed {
    /// The certificate.
    #[serde(flatten)]
    pub issued: Issued,
    /// What the request asked for and did not get.
    pub ignored: Vec<String>,
}

impl Authority {
    /// Signs the request in `file`.
    pub fn sign(&self, file: &Path, options: &SignRequest) -> Result<Signed> {
        let wish = request::read(file)?;
        let subject = wish.subject;
        let names = wished_names(options.role, &subject, &wish.names)?;
        let _lock = self.folder.lock()?;
        if !options.allow_name {
            self.refuse_taken(options, &subject, &names)?;
        }
        let signer = self.signer()?;
        let end = Some(signer.info.not_after);
        let validity = Validity::new(None, options.days, end)?;
        let is_rsa = is_rsa(&wish.public_key);
        let params = profile::leaf(options.role, &subject, &names, validity, is_rsa)?;
        let certificate = signer.sign(&params, &wish.public_key)?;
        let stem = match &options.out {
            Some(out) => authority::file_stem(out)?,
            None => authority::file_stem(&file.file_stem().unwrap_or_default().to_string_lossy())?,
        };
        let issued =
            self.record_public(options.role, &certificate, &signer, &stem, options.force)?;
        Ok(Signed {
            issued,
            ignored: wish.ignored,
        })
    }

    /// Makes a correct pair with the names of the certificate in `file`, whoever issued that one.
    ///
    /// It is for `role`, or for what the old one says; `template` gives everything else.
    pub fn reissue(
        &self,
        file: &Path,
        role: Option<Role>,
        template: &IssueRequest,
    ) -> Result<Issued> {
        let chain = keys::certificates(file, Kind::LocalRead)?;
        let old = inspect::certificate(&chain[0])?;
        let (subject, names) = subject_and_names(&chain[0], &old)?;
        let common_name = subject.get(Part::CommonName).map(str::to_owned);
        let email = names.iter().find(|name| matches!(name, AltName::Email(_)));
        let mut request = IssueRequest {
            role: role.unwrap_or_else(|| role_of(&old)),
            subject: Some(subject),
            email: email
                .map(ToString::to_string)
                .or_else(|| template.email.clone()),
            ..template.clone()
        };
        let hosts = names
            .iter()
            .filter(|name| !matches!(name, AltName::Email(_)));
        request.names = if request.role == Role::Client {
            common_name.into_iter().collect()
        } else {
            // Before 2011 a server's name was its CN alone; it belongs among the names (RFC 6125 §6.4.4).
            let first = common_name.filter(|name| AltName::server(name).is_ok());
            let hosts = hosts.map(ToString::to_string);
            first.into_iter().chain(hosts).collect()
        };
        if request.names.is_empty() {
            let message = format!("{} names nobody", file.display());
            return Err(Error::new(Kind::Usage, message)
                .hint("make one by name: `sealpost pki issue server NAME`"));
        }
        self.issue(&request)
    }

    /// Puts a certificate whose key is elsewhere into the folder and the index.
    fn record_public(
        &self,
        role: Role,
        certificate: &CertificateDer<'static>,
        signer: &Signer,
        stem: &str,
        force: bool,
    ) -> Result<Issued> {
        let mut work = self.work(force)?;
        let path = self.folder.path(&format!("{stem}.crt"));
        let text = pem::chain(&self.chain(certificate, signer))?;
        work.batch
            .stage(path.clone(), text.as_bytes(), Access::Public, force)?;
        let issued = work.record(role, &inspect::certificate(certificate)?, vec![path]);
        self.stage_missing_crl(&mut work)?;
        self.finish(work)?;
        Ok(issued)
    }

    /// A request may not take a name that a valid certificate or a user has: whoever sent it may be anybody.
    fn refuse_taken(
        &self,
        options: &SignRequest,
        subject: &Subject,
        names: &[AltName],
    ) -> Result<()> {
        let mut wanted: Vec<_> = names.iter().map(ToString::to_string).collect();
        wanted.extend(subject.get(Part::CommonName).map(str::to_owned));
        // Every machine is its own localhost: these are nobody's.
        wanted.retain(|name| !profile::LOCAL_NAMES.contains(&name.as_str()));
        let now = crate::text::now();
        for row in self.list()? {
            if row.role != options.role || row.status != Status::Valid || row.not_after < now {
                continue;
            }
            let has = |name: &String| {
                let mut parts = row.subject.split(", ");
                let mut others = row.names.split(' ');
                parts.any(|part| {
                    part.strip_prefix("CN=")
                        .is_some_and(|cn| cn.eq_ignore_ascii_case(name))
                }) || others.any(|other| other.eq_ignore_ascii_case(name))
            };
            if let Some(name) = wanted.iter().find(|name| has(name)) {
                return Err(taken(name, &format!("certificate {}", row.serial)));
            }
        }
        let is_user = |name: &&String| {
            let mut users = options.taken.iter();
            options.role == Role::Client && users.any(|user| user.eq_ignore_ascii_case(name))
        };
        match wanted.iter().find(is_user) {
            Some(name) => Err(taken(name, "a user of the server")),
            None => Ok(()),
        }
    }
}

/// The names a request gets: of a server those it asks for, or its CN; of a client the mail addresses alone.
/// The local names stay out: whoever asks for `a.example` is not to pass for every machine's `localhost`.
fn wished_names(role: Role, subject: &Subject, wished: &[AltName]) -> Result<Vec<AltName>> {
    let common_name = subject.get(Part::CommonName).map(str::to_owned);
    if role == Role::Client {
        let user = common_name.unwrap_or_default();
        user_name(&user)?;
        let emails = wished
            .iter()
            .filter(|name| matches!(name, AltName::Email(_)));
        return Ok(emails.cloned().collect());
    }
    if !wished.is_empty() {
        return Ok(wished.to_vec());
    }
    let common_name = common_name.ok_or_else(|| {
        Error::new(Kind::Usage, "the request names nobody")
            .hint("have it made again, with `-addext subjectAltName=DNS:NAME`")
    })?;
    Ok(vec![AltName::server(&common_name)?])
}

/// The subject of a certificate and its alternative names, to be used again.
pub(super) fn subject_and_names(
    der: &CertificateDer<'_>,
    info: &CertificateInfo,
) -> Result<(Subject, Vec<AltName>)> {
    let certificate = inspect::parse(der)?;
    let (subject, _) = request::read_name(certificate.subject())?;
    let hosts = info.dns_names.iter().map(|name| AltName::server(name));
    let mut names = hosts.collect::<Result<Vec<_>>>()?;
    names.extend(info.ip_addresses.iter().copied().map(AltName::Ip));
    let emails = info.alt_emails.iter().map(|email| AltName::email(email));
    names.extend(emails.collect::<Result<Vec<_>>>()?);
    Ok((subject, names))
}

/// What a certificate is for: a client when it says so and not also a server.
pub(super) fn role_of(info: &CertificateInfo) -> Role {
    let has = |purpose: &str| info.extended_key_usage.iter().any(|this| this == purpose);
    match has("clientAuth") && !has("serverAuth") {
        true => Role::Client,
        false => Role::Server,
    }
}

pub(super) fn is_rsa(key: &SubjectPublicKeyInfo) -> bool {
    use rcgen::PublicKeyData as _;
    let raw = key.subject_public_key_info();
    x509_parser::prelude::FromDer::from_der(&raw).is_ok_and(
        |(_, key): (_, x509_parser::x509::SubjectPublicKeyInfo<'_>)| {
            inspect::key_kind(&key).0 == "RSA"
        },
    )
}

fn taken(name: &str, owner: &str) -> Error {
    let message = format!("the name {} belongs to {owner}", escape(name));
    Error::new(Kind::Exists, message)
        .hint("if the request really is from its owner, sign it with `--allow-name`")
}

/// Puts the key in `path` under another passphrase, or under none; PKCS#1 and SEC 1 become PKCS#8.
pub fn change_passphrase(
    path: &Path,
    old: Option<&Passphrase>,
    new: Option<&Passphrase>,
) -> Result<PathBuf> {
    let key = keys::private_key(path, old)?;
    let text = authority::key_pem(&passphrase::to_pkcs8(&key)?, new)?;
    let mut batch = super::folder::Batch::default();
    batch.stage(path.to_owned(), text.as_bytes(), Access::Private, true)?;
    batch.commit()?;
    Ok(path.to_owned())
}
