//! A CA's certificate with its key: what signs.

use rcgen::{
    CertificateParams, CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair,
    PublicKeyData, RevocationReason, RevokedCertParams, SerialNumber,
};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use time::{Duration, OffsetDateTime};

use super::folder::Folder;
use super::index::{Reason, Row};
use super::inspect::{self, CertificateInfo};
use super::keys;
use super::passphrase::Passphrase;
use crate::error::{Error, Kind, Result};
use crate::text;

/// How long before now a revocation list begins, for machines whose clock is late: OpenSSL refuses one from
/// the future.
const BACKDATE: Duration = Duration::minutes(5);

/// A CA that can sign.
pub(super) struct Signer {
    issuer: Issuer<'static, KeyPair>,
    pub(super) certificate: CertificateDer<'static>,
    pub(super) info: CertificateInfo,
    key_id: KeyIdMethod,
}

impl Signer {
    /// Loads `NAME.crt` and `NAME.key` of a folder.
    pub(super) fn load(
        folder: &Folder,
        name: &str,
        passphrase: Option<&Passphrase>,
    ) -> Result<Self> {
        let path = folder.path(&format!("{name}.crt"));
        let mut chain = keys::certificates(&path, Kind::CaFile)?;
        let key = keys::private_key(&folder.path(&format!("{name}.key")), passphrase)?;
        let signer = Self::new(chain.swap_remove(0), keys::key_pair(&key)?)?;
        let (now, until) = (text::now(), signer.info.not_after);
        if now > until {
            let message = format!("{} expired at {}", path.display(), text::time(until));
            return Err(Error::new(Kind::CaFile, message)
                .hint(format!("renew it: `sealpost pki renew {}`", path.display())));
        }
        Ok(signer)
    }

    /// Joins a certificate and its key.
    pub(super) fn new(certificate: CertificateDer<'static>, key: KeyPair) -> Result<Self> {
        let info = inspect::certificate(&certificate)?;
        let belongs =
            inspect::parse(&certificate)?.public_key().raw == key.subject_public_key_info();
        if !belongs {
            let message = format!(
                "the CA's key does not belong to the certificate of {}",
                info.subject
            );
            return Err(Error::new(Kind::CaFile, message)
                .hint("put back the ca.key that was made with this ca.crt"));
        }
        let key_id = match &info.subject_key_id {
            Some(_) => KeyIdMethod::PreSpecified(key_id(&certificate)?),
            None => KeyIdMethod::Sha256,
        };
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(cannot_sign)?;
        Ok(Self {
            issuer,
            certificate,
            info,
            key_id,
        })
    }

    /// Signs a certificate for `public_key`.
    pub(super) fn sign(
        &self,
        params: &CertificateParams,
        public_key: &impl PublicKeyData,
    ) -> Result<CertificateDer<'static>> {
        let signed = params
            .signed_by(public_key, &self.issuer)
            .map_err(cannot_sign)?;
        // rcgen keeps one value of each kind in a name; a foreign CA with two OUs would be misspelt, and no
        // verifier would find the chain.
        let ours = inspect::parse(&self.certificate)?;
        let theirs = inspect::parse(signed.der())?;
        if ours.subject().as_raw() != theirs.issuer().as_raw() {
            let message = format!(
                "the CA's name {} cannot be written as it is",
                self.info.subject
            );
            return Err(Error::new(Kind::CaFile, message)
                .hint("make a CA with one part of each kind: `sealpost pki init --name …`"));
        }
        Ok(signed.into())
    }

    /// Signs the list of the `revoked` rows, valid for `days` from now (RFC 5280 §5).
    pub(super) fn revocation_list(
        &self,
        revoked: &[&Row],
        number: u64,
        days: u32,
    ) -> Result<CertificateRevocationListDer<'static>> {
        let now = text::now();
        let revoked = revoked.iter().map(|row| revoked_entry(row, now));
        let list = CertificateRevocationListParams {
            this_update: now - BACKDATE,
            next_update: now + Duration::days(days.into()),
            crl_number: SerialNumber::from(number),
            // No distribution point: a list without one speaks for every certificate of its issuer.
            issuing_distribution_point: None,
            revoked_certs: revoked.collect::<Result<_>>()?,
            key_identifier_method: self.key_id.clone(),
        };
        let list = list.signed_by(&self.issuer).map_err(cannot_sign)?;
        Ok(list.into())
    }

    /// Signs an empty list that ran out a day ago, to see what refuses it.
    pub(super) fn expired_list(&self) -> Result<CertificateRevocationListDer<'static>> {
        let now = text::now();
        let list = CertificateRevocationListParams {
            this_update: now - Duration::days(8),
            next_update: now - Duration::days(1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: self.key_id.clone(),
        };
        let list = list.signed_by(&self.issuer).map_err(cannot_sign)?;
        Ok(list.into())
    }
}

fn key_id(certificate: &[u8]) -> Result<Vec<u8>> {
    let certificate = inspect::parse(certificate)?;
    let mut ids = certificate.iter_extensions();
    let id = ids.find_map(|extension| match extension.parsed_extension() {
        x509_parser::extensions::ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
        _ => None,
    });
    Ok(id.unwrap_or_default())
}

fn revoked_entry(row: &Row, now: OffsetDateTime) -> Result<RevokedCertParams> {
    let serial = unhex(&row.serial).ok_or_else(|| {
        let message = format!("index.csv: {} is not a serial number", row.serial);
        Error::new(Kind::LocalRead, message).hint("mend the row by hand")
    })?;
    Ok(RevokedCertParams {
        serial_number: serial.into(),
        revocation_time: row.revoked.unwrap_or(now),
        reason_code: row.reason.map(reason_code),
        invalidity_date: None,
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = (0..text.len()).step_by(2);
    let bytes = pairs.map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
    bytes.collect()
}

fn reason_code(reason: Reason) -> RevocationReason {
    match reason {
        Reason::Unspecified => RevocationReason::Unspecified,
        Reason::KeyCompromise => RevocationReason::KeyCompromise,
        Reason::CaCompromise => RevocationReason::CaCompromise,
        Reason::AffiliationChanged => RevocationReason::AffiliationChanged,
        Reason::Superseded => RevocationReason::Superseded,
        Reason::CessationOfOperation => RevocationReason::CessationOfOperation,
        Reason::PrivilegeWithdrawn => RevocationReason::PrivilegeWithdrawn,
    }
}

fn cannot_sign(error: rcgen::Error) -> Error {
    match error {
        rcgen::Error::IssuerNotCrlSigner => {
            Error::new(Kind::CaFile, "the CA's certificate does not allow revocation lists")
                .hint("it lacks the key usage cRLSign (RFC 5280 §4.2.1.3): make a CA with `sealpost pki init`")
                .source(error)
        }
        _ => Error::new(Kind::CaFile, "the CA cannot sign this")
            .hint("look at it with `sealpost pki lint certs/ca.crt`")
            .source(error),
    }
}
