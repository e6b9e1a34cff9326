//! Renewal: the same names and a new serial number, so that revoking the old certificate spares the new one.

use std::path::Path;

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
use super::order::Issued;
use super::passphrase::Passphrase;
use super::pem;
use super::profile::{self, Algorithm, Role, Validity};
use super::signer::Signer;
use super::signing::{is_rsa, role_of, subject_and_names};
use crate::error::{Error, Kind, Result};

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
        let (renewed, files) = if let Some(kind) = options.new_key {
            let key = kind.generate()?;
            let params = profile::leaf(role, &subject, &names, validity, kind.is_rsa())?;
            let key_path = file.with_extension("key");
            let text = authority::key_pem(key.serialized_der(), options.passphrase.as_ref())?;
            let batch = &mut work.batch;
            batch.stage(key_path.clone(), text.as_bytes(), Access::Private, true)?;
            let files = vec![file.to_owned(), key_path];
            (signer.sign(&params, &key)?, files)
        } else {
            let key = public_key(certificate)?;
            let params = profile::leaf(role, &subject, &names, validity, is_rsa(&key))?;
            (signer.sign(&params, &key)?, vec![file.to_owned()])
        };
        let text = pem::chain(&self.chain(&renewed, &signer))?;
        work.batch
            .stage(file.to_owned(), text.as_bytes(), Access::Public, true)?;
        let info = inspect::certificate(&renewed)?;
        let issued = work.record(role, &info, files);
        self.finish(work)?;
        Ok(issued)
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
        let text = pem::chain(&[&renewed])?;
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
