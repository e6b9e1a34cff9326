//! Certificates for keys that exist already: a request signed, a certificate renewed, a faulty one made anew.

use std::path::{Path, PathBuf};

use rcgen::{KeyPair, SubjectPublicKeyInfo};
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use time::OffsetDateTime;
use time::serde::rfc3339;

use super::authority::{self, Authority};
use super::folder::Access;
use super::index::{Row, Status};
use super::inspect::{self, CertificateInfo};
use super::keys;
use super::order::{IssueRequest, Issued, user_name};
use super::passphrase::Passphrase;
use super::profile::{self, Algorithm, AltName, Role, Validity};
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

/// How a certificate is to be renewed.
#[derive(Clone, Debug, Default)]
pub struct RenewRequest {
    /// Makes a new key, of this kind; the same key without.
    pub new_key: Option<Algorithm>,
    /// Locks the new key.
    pub passphrase: Option<Passphrase>,
    /// Days it is valid; as long as the old one by default.
    pub days: Option<u32>,
}

/// A certificate that was renewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Renewed {
    /// The new one.
    #[serde(flatten)]
    pub issued: Issued,
    /// The serial number of the old one, which stays good until it is revoked or ends.
    pub replaced: String,
    /// When the old one ends.
    #[serde(with = "rfc3339")]
    pub replaced_until: OffsetDateTime,
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

    /// Renews the certificate in `file`, in place: the same names, a new serial number always.
    pub fn renew(&self, file: &Path, options: &RenewRequest) -> Result<Renewed> {
        let chain = keys::certificates(file, Kind::OwnCertificate)?;
        let old = inspect::certificate(&chain[0])?;
        let _lock = self.folder.lock()?;
        let issued = if old.is_ca {
            self.renew_authority(file, &chain[0], &old, options)?
        } else {
            self.renew_leaf(file, &chain[0], &old, options)?
        };
        Ok(Renewed {
            issued,
            replaced: old.serial,
            replaced_until: old.not_after,
        })
    }

    fn renew_leaf(
        &self,
        file: &Path,
        certificate: &CertificateDer<'static>,
        old: &CertificateInfo,
        options: &RenewRequest,
    ) -> Result<Issued> {
        let role = role_of(old);
        let signer = self.signer()?;
        self.refuse_foreign(file, certificate, &signer)?;
        let mut work = self.work(true)?;
        let mut rows = work.rows.iter();
        let is_revoked = |row: &Row| row.status == Status::Revoked && row.serial == old.serial;
        if options.new_key.is_none() && rows.any(is_revoked) {
            let message = format!("{} was revoked", file.display());
            return Err(Error::new(Kind::Forbidden, message)
                .hint("if its owner is to have one again, make a new key: add `--new-key`"));
        }
        let days = options.days.unwrap_or_else(|| days_of(old));
        let validity = Validity::new(None, days, Some(signer.info.not_after))?;
        let (subject, names) = subject_and_names(certificate, old)?;
        let (renewed, files) = match options.new_key {
            Some(kind) => {
                let key = kind.generate()?;
                let params = profile::leaf(role, &subject, &names, validity, kind.is_rsa())?;
                let renewed = signer.sign(&params, &key)?;
                let key_path = file.with_extension("key");
                let text = authority::key_pem(key.serialized_der(), options.passphrase.as_ref())?;
                let batch = &mut work.batch;
                batch.stage(key_path.clone(), text.as_bytes(), Access::Private, true)?;
                (renewed, vec![file.to_owned(), key_path])
            }
            None => {
                let key = public_key(certificate)?;
                let params = profile::leaf(role, &subject, &names, validity, is_rsa(&key))?;
                (signer.sign(&params, &key)?, vec![file.to_owned()])
            }
        };
        let text = authority::chain_pem(&self.chain(&renewed, &signer))?;
        work.batch
            .stage(file.to_owned(), text.as_bytes(), Access::Public, true)?;
        let info = inspect::certificate(&renewed)?;
        let issued = work.record(role, &info, files);
        self.finish(work)?;
        Ok(issued)
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
            email: email.map(ToString::to_string).or(template.email.clone()),
            ..template.clone()
        };
        let hosts = names
            .iter()
            .filter(|name| !matches!(name, AltName::Email(_)));
        request.names = match request.role {
            Role::Client => common_name.into_iter().collect(),
            // Before 2011 a server's name was its CN alone; it belongs among the names (RFC 6125 §6.4.4).
            _ => {
                let first = common_name.filter(|name| AltName::server(name).is_ok());
                first
                    .into_iter()
                    .chain(hosts.map(ToString::to_string))
                    .collect()
            }
        };
        if request.names.is_empty() {
            let message = format!("{} names nobody", file.display());
            return Err(Error::new(Kind::Usage, message)
                .hint("make one by name: `sealpost pki issue server NAME`"));
        }
        self.issue(&request)
    }

    /// Only what this CA has signed is renewed: the name in a file alone proves nothing, and its key may be
    /// anybody's.
    fn refuse_foreign(
        &self,
        file: &Path,
        certificate: &CertificateDer<'_>,
        signer: &Signer,
    ) -> Result<()> {
        if inspect::is_signed_by(certificate, &signer.certificate)? {
            return Ok(());
        }
        let file = file.display();
        let message = format!(
            "{file} was not issued by the CA in {}",
            self.dir().display()
        );
        Err(Error::new(Kind::CaFile, message).hint(format!(
            "make a new pair with the same names: `sealpost pki reissue {file}`"
        )))
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
        let text = authority::chain_pem(&self.chain(certificate, signer))?;
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
            let cn = row
                .subject
                .split(", ")
                .find_map(|part| part.strip_prefix("CN="));
            let has = |name: &String| {
                cn.is_some_and(|cn| cn.eq_ignore_ascii_case(name))
                    || row
                        .names
                        .split(' ')
                        .any(|other| other.eq_ignore_ascii_case(name))
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

    /// Renews a CA with its key: the name and the key stay, so everything it issued stays good.
    fn renew_authority(
        &self,
        file: &Path,
        certificate: &CertificateDer<'static>,
        old: &CertificateInfo,
        options: &RenewRequest,
    ) -> Result<Issued> {
        if options.new_key.is_some() {
            let message = "a CA with a new key is a new CA";
            return Err(Error::new(Kind::Usage, message)
                .hint("leave --new-key out, or make a new CA with `sealpost pki init --force`"));
        }
        let is_root = old.is_self_issued();
        let (role, stem) = if is_root {
            (Role::Root, "ca")
        } else {
            (Role::Intermediate, "intermediate")
        };
        let path = self.folder.path(&format!("{stem}.crt"));
        if keys::certificates(&path, Kind::CaFile)?[0] != *certificate {
            let message = format!("{} is not a CA of this folder", file.display());
            return Err(Error::new(Kind::CaFile, message).hint("renew it where its key is"));
        }
        let key = self.load_key(stem)?;
        let days = options.days.unwrap_or_else(|| days_of(old));
        let (subject, _) = subject_and_names(certificate, old)?;
        let path_length = old.path_length.and_then(|most| u8::try_from(most).ok());
        let renewed = if is_root {
            let validity = Validity::new(None, days, None)?;
            let params = profile::authority(role, &subject, validity, path_length.unwrap_or(1))?;
            self_signed(&params, &key)?
        } else {
            let root = Signer::new(
                keys::certificates(&self.folder.path("ca.crt"), Kind::CaFile)?.swap_remove(0),
                self.load_key("ca")?,
            )?;
            let validity = Validity::new(None, days, Some(root.info.not_after))?;
            let params = profile::authority(role, &subject, validity, path_length.unwrap_or(0))?;
            root.sign(&params, &key)?
        };
        let same_name = inspect::parse(&renewed)?.subject().as_raw()
            == inspect::parse(certificate)?.subject().as_raw();
        let info = inspect::certificate(&renewed)?;
        if !same_name || old.subject_key_id.is_some() && info.subject_key_id != old.subject_key_id {
            let message = format!(
                "{} was made by another tool, in another spelling",
                file.display()
            );
            return Err(
                Error::new(Kind::CaFile, message).hint("renew it with the tool that made it")
            );
        }
        let mut work = self.work(true)?;
        let text = authority::chain_pem(&[&renewed])?;
        work.batch
            .stage(path.clone(), text.as_bytes(), Access::Public, true)?;
        let issued = work.record(role, &info, vec![path]);
        self.finish(work)?;
        Ok(issued)
    }

    fn load_key(&self, stem: &str) -> Result<KeyPair> {
        let path = self.folder.path(&format!("{stem}.key"));
        keys::key_pair(&keys::private_key(&path, self.passphrase.as_ref())?)
    }
}

fn self_signed(
    params: &rcgen::CertificateParams,
    key: &KeyPair,
) -> Result<CertificateDer<'static>> {
    let signed = params.self_signed(key).map_err(|error| {
        Error::new(Kind::Other, "cannot sign the root certificate").source(error)
    })?;
    Ok(signed.into())
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
fn subject_and_names(
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

fn days_of(info: &CertificateInfo) -> u32 {
    let days = (info.not_after - info.not_before).whole_days();
    u32::try_from(days).unwrap_or(0).clamp(1, profile::DAYS_MAX)
}

fn public_key(certificate: &CertificateDer<'_>) -> Result<SubjectPublicKeyInfo> {
    let raw = inspect::parse(certificate)?.public_key().raw.to_vec();
    SubjectPublicKeyInfo::from_der(&raw).map_err(|error| {
        Error::new(
            Kind::OwnCertificate,
            "the key of the certificate is of a kind not known here",
        )
        .hint("renew it with `--new-key`")
        .source(error)
    })
}

fn is_rsa(key: &SubjectPublicKeyInfo) -> bool {
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
    let text = authority::key_pem(&keys::to_pkcs8(&key)?, new)?;
    let mut batch = super::folder::Batch::default();
    batch.stage(path.to_owned(), text.as_bytes(), Access::Private, true)?;
    batch.commit()?;
    Ok(path.to_owned())
}
