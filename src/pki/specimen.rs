//! Certificates and lists that are wrong on purpose, for the lab. Nobody should issue any of these, so the
//! authority cannot: they are made here, and recorded in no index.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::authority::Authority;
use super::pem;
use super::profile::{self, Algorithm, AltName, Role, Validity};
use super::subject::{Part, Subject};
use crate::error::{Error, Kind, Result};

/// A certificate with just these names.
#[derive(Clone, Debug)]
pub struct Specimen<'a> {
    /// Who signs it; nobody: it signs itself.
    pub issuer: Option<&'a Authority>,
    /// What it says it is for.
    pub role: Role,
    /// Its CN.
    pub cn: &'a str,
    /// Its alternative names, none added.
    pub names: &'a [&'a str],
}

impl Specimen<'_> {
    /// Makes `STEM.crt` and `STEM.key` in `dir`.
    pub fn make(&self, dir: &Path, stem: &str) -> Result<(PathBuf, PathBuf)> {
        let mut subject = Subject::default();
        subject.set(Part::CommonName, self.cn)?;
        let names = self.names.iter().map(|name| AltName::server(name));
        let names = names.collect::<Result<Vec<_>>>()?;
        let validity = Validity::new(None, profile::LEAF_DAYS, None)?;
        let mut params = profile::leaf(self.role, &subject, &names, validity, false)?;
        let key = Algorithm::default().generate()?;
        let certificate = if let Some(authority) = self.issuer {
            authority.signer()?.sign(&params, &key)?
        } else {
            params.use_authority_key_identifier_extension = false;
            let signed = params.self_signed(&key).map_err(|error| {
                Error::new(Kind::Other, "cannot sign the specimen").source(error)
            })?;
            signed.into()
        };
        let files = (
            dir.join(format!("{stem}.crt")),
            dir.join(format!("{stem}.key")),
        );
        write(&files.0, &pem::encode("CERTIFICATE", &certificate)?)?;
        write(&files.1, &key.serialize_pem())?;
        Ok(files)
    }
}

/// Writes a revocation list of `authority` that ran out a day ago.
pub fn expired_list(authority: &Authority, path: &Path) -> Result<()> {
    let list = authority.signer()?.expired_list()?;
    write(path, &pem::encode("X509 CRL", &list)?)
}

fn write(path: &Path, text: &str) -> Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| {
            Error::io(
                Kind::LocalWrite,
                format_args!("write {}", path.display()),
                error,
            )
        })
}
