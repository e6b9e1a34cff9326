//! Revocation: the list that says which certificates the CA no longer stands by (RFC 5280 §5).

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateRevocationListDer;
use serde::Serialize;
use time::OffsetDateTime;
use time::serde::rfc3339;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _};

use super::authority::{Authority, CRL_DAYS, Work};
use super::folder::Access;
use super::index::{Reason, Row, Status, plain_serial};
use super::inspect;
use super::keys;
use super::lists;
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

/// A certificate that was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revoked {
    /// Its row of the index, as it is now.
    pub row: Row,
    /// The list that says so.
    pub list: WrittenList,
    /// Serial numbers of the holder's other certificates, which stay good: with the same key, a stolen one
    /// is not shut out before they are revoked too.
    pub others: Vec<String>,
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

    /// Until when the revocation lists are good; `None` when there is none. Verifiers that ask for revocation
    /// refuse everything after that.
    pub fn crl_until(&self) -> Option<OffsetDateTime> {
        let lists = self.lists();
        let lists = lists
            .iter()
            .filter_map(|list| lists::revocation_list(list).ok());
        lists.filter_map(|list| list.next_update).min()
    }

    /// Takes back the CA's word for a certificate, given by its serial number or by its file, and writes the
    /// list.
    pub fn revoke(&self, which: &str, reason: Reason, days: u32) -> Result<Revoked> {
        let _lock = self.folder.lock()?;
        let mut work = self.work(true)?;
        let serial = serial_of(which, &work.rows)?;
        let row = mark_revoked(&mut work.rows, &serial, reason)?;
        let signers = self.signers()?;
        let signers: Vec<_> = signers
            .iter()
            .map(|(role, signer)| (*role, signer))
            .collect();
        if !signers
            .iter()
            .any(|(role, _)| *role == issuer_of(row.role, &signers))
        {
            let message = "the key of the CA that signed it is not here";
            return Err(Error::new(Kind::CaFile, message).hint("revoke it where ca.key is"));
        }
        let list = self.stage_crl(&mut work, &signers, &self.lists(), days)?;
        let now = text::now();
        let is_other = |other: &&Row| {
            other.subject == row.subject && other.role == row.role && other.state(now) == "valid"
        };
        let others = work.rows.iter().filter(is_other);
        let others = others.map(|other| other.serial.clone()).collect();
        self.finish(work)?;
        Ok(Revoked { row, list, others })
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

fn mark_revoked(rows: &mut [Row], serial: &str, reason: Reason) -> Result<Row> {
    let mut rows = rows.iter_mut();
    let row = rows.find(|row| row.serial == serial).ok_or_else(|| {
        let message = format!("this CA has signed no certificate {serial}");
        Error::new(Kind::NotFound, message).hint("`sealpost pki list` shows what it signed")
    })?;
    if row.role == Role::Root {
        let message = "a root cannot be revoked: nobody stands above it to say so";
        return Err(Error::new(Kind::Usage, message)
            .hint("take ca.crt away from everybody who trusts it, and make a new CA"));
    }
    if row.status == Status::Revoked {
        let since = row.revoked.map_or_else(String::new, text::time);
        let message = format!("certificate {serial} is revoked already, since {since}");
        return Err(Error::new(Kind::Exists, message).hint("nothing is left to do"));
    }
    row.status = Status::Revoked;
    row.revoked = Some(text::now());
    row.reason = Some(reason);
    Ok(row.clone())
}

/// The serial number meant: of the certificate in a file, or the number itself, or its unmistakable beginning.
fn serial_of(which: &str, rows: &[Row]) -> Result<String> {
    let path = Path::new(which);
    if path.is_file() {
        let chain = keys::certificates(path, Kind::LocalRead)?;
        return Ok(inspect::certificate(&chain[0])?.serial);
    }
    let digits = which.strip_prefix("0x").unwrap_or(which);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit() || b == b':') {
        let message = format!("{which} is neither a file nor a serial number");
        return Err(Error::new(Kind::NotFound, message)
            .hint("`sealpost pki list` shows the serial numbers and files"));
    }
    let beginning = digits.to_ascii_lowercase().replace(':', "");
    let mut begin_so = rows.iter().filter(|row| row.serial.starts_with(&beginning));
    match (begin_so.next(), begin_so.next()) {
        (Some(row), None) if beginning.len() >= SERIAL_DIGITS_MIN => Ok(row.serial.clone()),
        _ => Ok(plain_serial(which)),
    }
}

/// Digits of a serial number that are enough to mean it, when no other begins alike.
const SERIAL_DIGITS_MIN: usize = 6;

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
        let issuer = inspect::name(list.issuer());
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
