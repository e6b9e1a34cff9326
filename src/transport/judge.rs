//! Judges the server, and shows it the own certificate: what a handshake asks of this side.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};

use super::tape::{self, Event, Evidence};
use super::{failure, seen};
use crate::pki::inspect;

/// The own certificate for a server that asks, which is remembered.
#[derive(Debug)]
pub(super) struct Own(pub(super) Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for Own {
    fn resolve(
        &self,
        authorities: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let names = authorities.iter().filter_map(|name| inspect::name_of(name));
        seen::asks(names.collect());
        tape::note(|| Event::Asked {
            shown: self
                .0
                .as_ref()
                .map_or_else(Vec::new, |own| own.cert.clone()),
        });
        self.0.clone()
    }

    // Also when there is none: the server's question is to be heard.
    fn has_certs(&self) -> bool {
        true
    }
}

/// What checks a certificate by RFC 5280 and RFC 9525, where there is a CA to check it against.
pub(super) type Judge = Option<Arc<WebPkiServerVerifier>>;

/// The usual check, and around it the pin and the switch that turns it off.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) inner: Judge,
    pub(super) evidence: Arc<Evidence>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
    pub(super) insecure: bool,
    pub(super) pin: Option<String>,
    pub(super) complaint: Mutex<Option<Complaint>>,
}

/// What was wrong with a certificate that was accepted all the same.
#[derive(Debug)]
pub(super) struct Complaint {
    pub(super) error: rustls::Error,
    pub(super) shown: Vec<CertificateDer<'static>>,
}

type Checked<T = ()> = Result<T, rustls::Error>;

/// Tells the recorder how the check of a signature went.
fn heard(checked: Checked<HandshakeSignatureValid>) -> Checked<HandshakeSignatureValid> {
    let good = checked.is_ok();
    tape::note(|| Event::Signature { good });
    checked
}

impl Verifier {
    /// Whether the public key is the pinned one; the one thing `--insecure` does not forgive.
    fn pinned(&self, leaf: &CertificateDer<'_>) -> Checked {
        if let Some(pin) = &self.pin {
            let parsed = rustls::server::ParsedCertificate::try_from(leaf)?;
            let shown = inspect::pin(&parsed.subject_public_key_info());
            if shown != *pin {
                return Err(failure::pin_mismatch(shown, pin.clone()));
            }
        }
        Ok(())
    }

    fn check(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Checked {
        match &self.inner {
            Some(inner) => inner.verify_server_cert(leaf, intermediates, name, &[], now)?,
            None => return Err(CertificateError::UnknownIssuer.into()),
        };
        Ok(())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        seen::shows(leaf, intermediates);
        let pinned = self.pinned(leaf);
        let checked = self.check(leaf, intermediates, name, now);
        tape::note(|| {
            let verdict = pinned.as_ref().err().or_else(|| checked.as_ref().err());
            let chain = std::iter::once(leaf).chain(intermediates);
            Event::Judged {
                chain: chain.map(|der| der.clone().into_owned()).collect(),
                name: name.to_str().into_owned(),
                evidence: Arc::clone(&self.evidence),
                good: verdict.is_none(),
                anyway: self.insecure && pinned.is_ok(),
            }
        });
        pinned?;
        match checked {
            Err(error) if self.insecure => {
                let mut complaint = self
                    .complaint
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                let shown = seen::seen().shown;
                *complaint = Some(Complaint { error, shown });
            }
            result => result?,
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.algorithms;
        heard(rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signed,
            algorithms,
        ))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.algorithms;
        heard(rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signed,
            algorithms,
        ))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
