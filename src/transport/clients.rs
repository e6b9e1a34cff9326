//! What a server checks of a client's certificate, beyond RFC 5280: who is let in, and what was shown.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, SignatureScheme,
};

use super::seen;
use crate::pki::inspect::{self, Identity};

/// Whose certificate is let in, of those that are valid; any one rule suffices, none lets all in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// Common names.
    pub cn: Vec<String>,
    /// Organizational units.
    pub ou: Vec<String>,
    /// DNS names of the subjectAltName.
    pub dns: Vec<String>,
}

impl Allow {
    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.cn.is_empty() && self.ou.is_empty() && self.dns.is_empty()
    }

    /// Whether a rule lets `identity` in.
    pub fn permits(&self, identity: &Identity) -> bool {
        self.is_empty()
            || identity.cn.as_ref().is_some_and(|cn| self.cn.contains(cn))
            || identity.ous.iter().any(|ou| self.ou.contains(ou))
            || identity.dns.iter().any(|dns| self.dns.contains(dns))
    }
}

/// No rule of `--allow-…` lets the certificate in, or it names nobody; refused by the alert
/// `access_denied` (RFC 8446 §6.2).
#[derive(Debug)]
pub(super) struct NotAllowed(pub(super) String);

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotAllowed {}

/// The usual check, then the rules.
#[derive(Debug)]
pub(super) struct ClientVerifier {
    pub(super) inner: Arc<dyn ClientCertVerifier>,
    pub(super) allow: Allow,
}

impl ClientCertVerifier for ClientVerifier {
    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        seen::shows(leaf, intermediates);
        let verified = self.inner.verify_client_cert(leaf, intermediates, now)?;
        match inspect::identity(leaf) {
            Ok(identity) if self.allow.permits(&identity) => Ok(verified),
            Ok(identity) => Err(not_allowed(format!(
                "no --allow rule names {}",
                identity.subject
            ))),
            Err(error) => Err(not_allowed(error.to_string())),
        }
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// rustls has one error for this that sends `access_denied`, and it has no room for a reason: the reason
/// stays on this side, for the log.
fn not_allowed(reason: String) -> rustls::Error {
    REASON.with(|kept| *kept.borrow_mut() = Some(NotAllowed(reason)));
    CertificateError::ApplicationVerificationFailure.into()
}

thread_local! {
    static REASON: RefCell<Option<NotAllowed>> = const { RefCell::new(None) };
}

/// The reason of an `ApplicationVerificationFailure`, as an error the failure room can tell from others.
pub(super) fn with_reason(error: std::io::Error) -> std::io::Error {
    let refused = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        .is_some_and(|inner| {
            let denied = CertificateError::ApplicationVerificationFailure;
            *inner == rustls::Error::InvalidCertificate(denied)
        });
    match REASON.with(|kept| kept.borrow_mut().take()) {
        Some(reason) if refused => {
            std::io::Error::other(rustls::Error::Other(OtherError(Arc::new(reason))))
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> Identity {
        Identity {
            cn: Some("alice".into()),
            ous: vec!["staff".into(), "lab".into()],
            emails: Vec::new(),
            dns: vec!["a.example".into()],
            serial: "1".into(),
            fingerprint: "2".into(),
            subject: "CN=alice".into(),
        }
    }

    #[test]
    fn any_one_rule_suffices_and_no_rule_lets_all_in() {
        let rule = |cn: &str, ou: &str, dns: &str| {
            let list = |text: &str| text.split_whitespace().map(str::to_owned).collect();
            Allow {
                cn: list(cn),
                ou: list(ou),
                dns: list(dns),
            }
        };
        for (cn, ou, dns) in [
            ("", "", ""),
            ("alice", "", ""),
            ("bob", "lab", ""),
            ("", "x", "a.example"),
        ] {
            assert!(rule(cn, ou, dns).permits(&alice()), "{cn} {ou} {dns}");
        }
        for (cn, ou, dns) in [
            ("bob", "", ""),
            ("", "students", ""),
            ("Alice", "", "b.example"),
        ] {
            assert!(!rule(cn, ou, dns).permits(&alice()), "{cn} {ou} {dns}");
        }
    }
}
