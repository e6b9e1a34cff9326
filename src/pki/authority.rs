//! The CA of a folder: it is made here, and it issues here.
//!
//! ```text
//! ca.crt ca.key             the root            intermediate.crt .key   a CA under it, when asked for
//! server.crt server.key     the first server    NAME.crt NAME.key       further ones
//! client.crt client.key     the first client    USER.crt USER.key       further ones
//! crl.pem                   the revocation list of each CA              index.csv    what was signed
//! ```
//!
//! Every change holds the folder's lock, stages all files and puts the index in place first.

use std::path::{Path, PathBuf};

use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;

use super::folder::{Access, Batch, Folder};
use super::index::{self, Row, Status};
use super::inspect::{self, CertificateInfo};
use super::keys;
use super::order::{InitOptions, IssueRequest, Issued, ROOT_NAME};
use super::passphrase::{self, Passphrase};
use super::pem;
use super::profile::{self, Role, Validity};
use super::signer::Signer;
use super::subject::{Part, Subject};
use crate::error::{Error, Kind, Result};

/// Days a revocation list is good for, unless told otherwise.
pub const CRL_DAYS: u32 = 30;

/// The CA of a folder.
#[derive(Clone, Debug)]
pub struct Authority {
    pub(super) folder: Folder,
    pub(super) passphrase: Option<Passphrase>,
}

impl Authority {
    /// Makes a CA in `dir`, with its first revocation list, and tells what was made, the root first.
    pub fn init(dir: &Path, options: &InitOptions) -> Result<(Self, Vec<Issued>)> {
        let this = Self {
            folder: Folder::at(dir),
            passphrase: options.passphrase.clone(),
        };
        let subject = options.root_subject()?;
        this.folder.create()?;
        let _lock = this.folder.lock()?;
        // Also what is left of one: an index that was lost could never be had again.
        let mut own = OWN_FILES.iter();
        let left = own.find(|name| this.folder.path(name).exists());
        if let Some(name) = left.filter(|_| !options.force) {
            let message = format!("there is a CA in {} already ({name})", dir.display());
            return Err(Error::new(Kind::Exists, message).hint(
                "issue with it: `sealpost pki issue server localhost`; \
                 or replace it, and everything it issued, with `--force`",
            ));
        }
        let made = make_authorities(&subject, options)?;
        let passphrase = options.passphrase.as_ref();
        let mut work = Work {
            replace: options.force,
            ..Work::default()
        };
        let mut issued = Vec::new();
        for (stem, role, signer, key) in &made {
            let files =
                this.stage_pair(&mut work, stem, &[&signer.certificate], key, passphrase)?;
            issued.push(work.record(*role, &signer.info, files));
        }
        let signers: Vec<_> = made
            .iter()
            .map(|(_, role, signer, _)| (*role, signer))
            .collect();
        this.stage_crl(&mut work, &signers, &[], CRL_DAYS)?;
        this.finish(work)?;
        if !options.intermediate {
            this.forget_intermediate()?;
        }
        Ok((this, issued))
    }

    /// The CA of `dir`; [`Kind::CaFile`] when there is none.
    pub fn open(dir: &Path) -> Result<Self> {
        let folder = Folder::at(dir);
        if !folder.path(ROOT_CRT).exists() {
            let message = format!("there is no CA in {}", dir.display());
            return Err(Error::new(Kind::CaFile, message).hint("make one: `sealpost pki init`"));
        }
        Ok(Self {
            folder,
            passphrase: None,
        })
    }

    /// The same CA with the passphrase of its key.
    #[must_use]
    pub fn with_passphrase(mut self, passphrase: Option<Passphrase>) -> Self {
        self.passphrase = passphrase;
        self
    }

    /// Whether a key of the CA is under a passphrase; of two, both are under the same.
    pub fn needs_passphrase(&self) -> Result<bool> {
        for name in [ROOT, INTERMEDIATE] {
            let path = self.folder.path(&format!("{name}.key"));
            if path.exists() && keys::needs_passphrase(&path)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        self.folder.root()
    }

    /// Every certificate it ever signed, oldest first.
    pub fn list(&self) -> Result<Vec<Row>> {
        index::read(&self.folder.path(INDEX))
    }

    /// Makes a key and a certificate for it.
    pub fn issue(&self, request: &IssueRequest) -> Result<Issued> {
        let (subject, names) = request.subject_and_names()?;
        let _lock = self.folder.lock()?;
        let signer = self.signer()?;
        let stem = self.stem(request.role, &request.names, request.out.as_deref())?;
        let end = Some(signer.info.not_after);
        let validity = Validity::new(request.not_before, request.days, end)?;
        let is_rsa = request.algorithm.is_rsa();
        let params = profile::leaf(request.role, &subject, &names, validity, is_rsa)?;
        let key = request.algorithm.generate()?;
        let certificate = signer.sign(&params, &key)?;
        let mut work = self.work(request.force)?;
        let chain = self.chain(&certificate, &signer);
        let passphrase = request.passphrase.as_ref();
        let files = self.stage_pair(&mut work, &stem, &chain, &key, passphrase)?;
        let info = inspect::certificate(&certificate)?;
        let issued = work.record(request.role, &info, files);
        self.stage_missing_crl(&mut work)?;
        self.finish(work)?;
        Ok(issued)
    }

    /// The CA that issues: the intermediate where there is one.
    fn issuing(&self) -> (Role, &'static str) {
        if self.folder.path("intermediate.crt").exists() {
            (Role::Intermediate, INTERMEDIATE)
        } else {
            (Role::Root, ROOT)
        }
    }

    pub(super) fn signer(&self) -> Result<Signer> {
        let (_, name) = self.issuing();
        Signer::load(&self.folder, name, self.passphrase.as_ref())
    }

    /// Every CA of the folder whose key is here, the root first. The root's key may be kept elsewhere when
    /// an intermediate does the work; then its list stays as it is.
    pub(super) fn signers(&self) -> Result<Vec<(Role, Signer)>> {
        let mut signers = Vec::new();
        let (issuing, _) = self.issuing();
        if issuing == Role::Root || self.folder.path("ca.key").exists() {
            let root = Signer::load(&self.folder, ROOT, self.passphrase.as_ref())?;
            signers.push((Role::Root, root));
        }
        if issuing == Role::Intermediate {
            let intermediate = Signer::load(&self.folder, INTERMEDIATE, self.passphrase.as_ref())?;
            signers.push((Role::Intermediate, intermediate));
        }
        Ok(signers)
    }

    /// A leaf with what a peer needs to find the way to the root.
    pub(super) fn chain<'a>(
        &self,
        leaf: &'a CertificateDer<'static>,
        signer: &'a Signer,
    ) -> Vec<&'a CertificateDer<'static>> {
        match self.issuing() {
            (Role::Intermediate, _) => vec![leaf, &signer.certificate],
            _ => vec![leaf],
        }
    }

    /// The name of the files of a new certificate: `out`, else `server` or `client` where that is still
    /// free, else the name itself.
    pub(super) fn stem(&self, role: Role, names: &[String], out: Option<&str>) -> Result<String> {
        if let Some(out) = out {
            return file_stem(out);
        }
        let first = role.word();
        let taken = |stem: &str| self.folder.path(&format!("{stem}.crt")).exists();
        if !taken(first) && !self.folder.path(&format!("{first}.key")).exists() {
            return Ok(first.to_owned());
        }
        let name = names.first().map_or(first, String::as_str);
        let stem = name.replace([':', '*'], "_");
        if RESERVED.iter().any(|word| word.eq_ignore_ascii_case(&stem)) {
            return Ok(format!("{stem}-{first}"));
        }
        Ok(stem)
    }

    /// The work on the folder as it is.
    pub(super) fn work(&self, replace: bool) -> Result<Work> {
        Ok(Work {
            rows: self.list()?,
            replace,
            ..Work::default()
        })
    }

    /// Stages `STEM.key` and `STEM.crt`, the key first: a certificate without its key helps nobody.
    pub(super) fn stage_pair(
        &self,
        work: &mut Work,
        stem: &str,
        chain: &[&CertificateDer<'static>],
        key: &KeyPair,
        passphrase: Option<&Passphrase>,
    ) -> Result<Vec<PathBuf>> {
        let key = key_pem(key.serialized_der(), passphrase)?;
        let (crt_path, key_path) = (format!("{stem}.crt"), format!("{stem}.key"));
        let (crt_path, key_path) = (self.folder.path(&crt_path), self.folder.path(&key_path));
        let replace = work.replace;
        let crt = pem::chain(chain)?;
        let batch = &mut work.batch;
        batch.stage(key_path.clone(), key.as_bytes(), Access::Private, replace)?;
        batch.stage(crt_path.clone(), crt.as_bytes(), Access::Public, replace)?;
        Ok(vec![crt_path, key_path])
    }

    /// Puts the index in place, then everything staged.
    pub(super) fn finish(&self, work: Work) -> Result<()> {
        let mut first = Batch::default();
        let rows = index::to_csv(&work.rows)?;
        first.stage(self.folder.path(INDEX), &rows, Access::Public, true)?;
        first.commit()?;
        work.batch.commit()
    }

    fn forget_intermediate(&self) -> Result<()> {
        for name in ["intermediate.crt", "intermediate.key"] {
            let path = self.folder.path(name);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    let removing = format!("remove {}", path.display());
                    return Err(Error::io(Kind::LocalWrite, removing, error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A change of the folder that is being prepared.
#[derive(Default)]
pub(super) struct Work {
    pub(super) batch: Batch,
    pub(super) rows: Vec<Row>,
    pub(super) replace: bool,
}

impl Work {
    /// Writes a new certificate into the index; `files` are where it goes, the certificate first.
    pub(super) fn record(
        &mut self,
        role: Role,
        info: &CertificateInfo,
        files: Vec<PathBuf>,
    ) -> Issued {
        let addresses = info.ip_addresses.iter().map(ToString::to_string);
        let names = info.dns_names.iter().cloned().chain(addresses);
        let names: Vec<_> = names.chain(info.emails.iter().cloned()).collect();
        let file = files.first().and_then(|path| path.file_name());
        self.rows.push(Row {
            serial: info.serial.clone(),
            subject: info.subject.clone(),
            role,
            names: names.join(" "),
            not_before: info.not_before,
            not_after: info.not_after,
            status: Status::Valid,
            revoked: None,
            reason: None,
            fingerprint: info.fingerprint.clone(),
            file: file.unwrap_or_default().to_string_lossy().into_owned(),
        });
        Issued {
            role,
            subject: info.subject.clone(),
            names,
            serial: info.serial.clone(),
            not_before: info.not_before,
            not_after: info.not_after,
            fingerprint: info.fingerprint.clone(),
            files,
        }
    }
}

type Made = (&'static str, Role, Signer, KeyPair);

/// The root, and the intermediate where one is wanted.
fn make_authorities(subject: &Subject, options: &InitOptions) -> Result<Vec<Made>> {
    let root_days = options.days.unwrap_or(profile::ROOT_DAYS);
    let validity = Validity::new(None, root_days, None)?;
    let path_length = u8::from(options.intermediate);
    let params = profile::authority(Role::Root, subject, validity, path_length)?;
    let key = options.algorithm.generate()?;
    let certificate = params.self_signed(&key).map_err(|error| {
        Error::new(Kind::Other, "cannot sign the root certificate").source(error)
    })?;
    let root = Signer::new(certificate.into(), copy(&key)?)?;
    if !options.intermediate {
        return Ok(vec![(ROOT, Role::Root, root, key)]);
    }
    let mut below = subject.clone();
    let name = subject.get(Part::CommonName).unwrap_or(ROOT_NAME);
    below.set(Part::CommonName, &format!("{name} Intermediate"))?;
    let days = profile::INTERMEDIATE_DAYS.min(root_days);
    let validity = Validity::new(None, days, Some(root.info.not_after))?;
    let params = profile::authority(Role::Intermediate, &below, validity, 0)?;
    let below_key = options.algorithm.generate()?;
    let certificate = root.sign(&params, &below_key)?;
    let intermediate = Signer::new(certificate, copy(&below_key)?)?;
    Ok(vec![
        (ROOT, Role::Root, root, key),
        (INTERMEDIATE, Role::Intermediate, intermediate, below_key),
    ])
}

fn copy(key: &KeyPair) -> Result<KeyPair> {
    KeyPair::try_from(key.serialized_der())
        .map_err(|error| Error::new(Kind::Other, "cannot read the new key").source(error))
}

/// The name of files that was asked for: a plain one, and none of the CA's own.
pub(super) fn file_stem(out: &str) -> Result<String> {
    let stem = out.strip_suffix(".crt").unwrap_or(out);
    let stem = &stem.replace(['*', ':'], "_");
    let is_plain = !stem.is_empty()
        && !stem.starts_with('.')
        && !stem.contains(['/', '\\'])
        && !stem.chars().any(char::is_control);
    let is_ours = [ROOT, INTERMEDIATE]
        .iter()
        .any(|ours| ours.eq_ignore_ascii_case(stem));
    if is_plain && !is_ours {
        return Ok(stem.to_owned());
    }
    Err(Error::new(
        Kind::Usage,
        format!("{out} cannot be the name of a certificate's files"),
    )
    .hint("give a plain name such as `--out web`; the CA's own files and folders are not for it"))
}

/// A key as its file holds it: PKCS#8, under the passphrase where there is one.
pub(super) fn key_pem(
    pkcs8: &[u8],
    passphrase: Option<&Passphrase>,
) -> Result<zeroize::Zeroizing<String>> {
    match passphrase {
        Some(passphrase) => {
            let locked = passphrase::lock(pkcs8, passphrase)?;
            pem::encode(pem::ENCRYPTED_KEY_LABEL, &locked)
        }
        None => pem::encode("PRIVATE KEY", pkcs8),
    }
}

/// What belongs to the CA itself.
const OWN_FILES: [&str; 6] = [
    ROOT_CRT,
    "ca.key",
    "intermediate.crt",
    "intermediate.key",
    "crl.pem",
    INDEX,
];

const ROOT: &str = "ca";
const INTERMEDIATE: &str = "intermediate";
const ROOT_CRT: &str = "ca.crt";
const INDEX: &str = "index.csv";

/// Names that a user's or a server's files do not get by themselves: they would take the place of others.
const RESERVED: [&str; 4] = [ROOT, INTERMEDIATE, "server", "client"];

#[cfg(test)]
#[path = "authority_tests.rs"]
mod tests;
