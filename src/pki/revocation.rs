//! Revocation: the list that says which certificates the CA no longer stands by (RFC 5280 §5).

use std::path::PathBuf;

use rustls::pki_types::CertificateRevocationListDer;
use serde::Serialize;
use time::OffsetDateTime;
use time::serde::rfc3339;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _};

use super::authority::{Authority, CRL_DAYS, Work};
use super::folder::Access;
use super::index::{Row, Status};
use super::keys;
use super::pem;
use super::profile::{DAYS_MAX, Role};
use super::signer::Signer;
use crate::error::{Error, Kind, Result};
use crate::text;

/// A revocation list that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WrittenList {
    /// Where it is.
    pub file: PathBuf,
    /// Its number, one more than the last one's.
    pub number: u64,
    /// Certificates on it.
    pub revoked: usize,
    /// Until when it is good.
    #[serde(with = "rfc3339")]
    pub next_update: OffsetDateTime,
}

impl Authority {
    /// Writes the revocation list anew, good for `days` from now.
    pub fn write_crl(&self, days: u32) -> Result<WrittenList> {
        let _lock = self.folder.lock()?;
        let mut work = self.work(true)?;
        let signers = self.signers()?;
        let signers: Vec<_> = signers
            .iter()
            .map(|(role, signer)| (*role, signer))
            .collect();
        let written = self.stage_crl(&mut work, &signers, &self.lists(), days)?;
        self.finish(work)?;
        Ok(written)
    }

    /// Stages a revocation list when the folder has none, as one that OpenSSL filled has not.
    pub(super) fn stage_missing_crl(&self, work: &mut Work) -> Result<()> {
        if self.folder.path(CRL).exists() {
            return Ok(());
        }
        let signers = self.signers()?;
        let signers: Vec<_> = signers
            .iter()
            .map(|(role, signer)| (*role, signer))
            .collect();
        self.stage_crl(work, &signers, &[], CRL_DAYS).map(drop)
    }

    /// The lists as they are; one that cannot be read is as good as none, for it is written anew.
    pub(super) fn lists(&self) -> Vec<CertificateRevocationListDer<'static>> {
        keys::revocation_lists(&self.folder.path(CRL)).unwrap_or_default()
    }

    /// Stages `crl.pem`: one list of each CA, as rustls wants the whole chain answered for. `old` are the
    /// lists so far; the one of a CA whose key is not here stays.
    pub(super) fn stage_crl(
        &self,
        work: &mut Work,
        signers: &[(Role, &Signer)],
        old: &[CertificateRevocationListDer<'static>],
        days: u32,
    ) -> Result<WrittenList> {
        if !(1..=DAYS_MAX).contains(&days) {
            let message = format!("a revocation list cannot be good for {days} days");
            return Err(Error::new(Kind::Usage, message).hint(format!("give 1 to {DAYS_MAX}")));
        }
        let path = self.folder.path(CRL);
        let number = next_number(old, work.rows.len());
        let mut text = String::new();
        for list in old.iter().filter(|list| is_of_none(list, signers)) {
            text.push_str(&pem::encode(CRL_LABEL, list)?);
        }
        let is_revoked = |row: &&Row| row.status == Status::Revoked;
        for (role, signer) in signers {
            let rows = work.rows.iter().filter(is_revoked);
            let rows: Vec<_> = rows
                .filter(|row| issuer_of(row.role, signers) == *role)
                .collect();
            let list = signer.revocation_list(&rows, number, days)?;
            text.push_str(&pem::encode(CRL_LABEL, &list)?);
        }
        let revoked = work.rows.iter().filter(is_revoked).count();
        work.batch
            .stage(path.clone(), text.as_bytes(), Access::Public, true)?;
        Ok(WrittenList {
            file: path,
            number,
            revoked,
            next_update: text::now() + time::Duration::days(days.into()),
        })
    }
}

/// Which CA of the folder signed a certificate of `role`.
fn issuer_of(role: Role, signers: &[(Role, &Signer)]) -> Role {
    let is_leaf = matches!(role, Role::Server | Role::Client);
    match signers.last() {
        Some((Role::Intermediate, _)) if is_leaf => Role::Intermediate,
        _ => Role::Root,
    }
}

/// Whether a list is of a CA whose key is not here, so that it has to stay as it is.
fn is_of_none(list: &CertificateRevocationListDer<'_>, signers: &[(Role, &Signer)]) -> bool {
    CertificateRevocationList::from_der(list).is_ok_and(|(_, list)| {
        let issuer = super::inspect::name(list.issuer());
        !signers
            .iter()
            .any(|(_, signer)| signer.info.subject == issuer)
    })
}

/// One more than the last number. A list that was lost may have had any: the time is past them all.
fn next_number(old: &[CertificateRevocationListDer<'_>], rows: usize) -> u64 {
    let numbers = old.iter().filter_map(|list| {
        let (_, list) = CertificateRevocationList::from_der(list).ok()?;
        list.crl_number().and_then(|number| number.try_into().ok())
    });
    let last: Option<u64> = numbers.max();
    match last {
        Some(last) => last.saturating_add(1),
        None if rows <= 2 => 1,
        None => u64::try_from(text::now().unix_timestamp()).unwrap_or(1),
    }
}

const CRL: &str = "crl.pem";
const CRL_LABEL: &str = "X509 CRL";
