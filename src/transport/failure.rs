//! TLS failures put into words: which side, which rule, what to do next. No error of rustls is shown raw.
//!
//! The peer only ever learns the alert. These texts are for the own side: the user at the client, the log
//! at the server.

use std::path::Path;
use std::sync::Arc;
use std::{fmt, io};

use rustls::{AlertDescription, CertificateError, OtherError, PeerIncompatible};
use time::OffsetDateTime;

use super::clients::NotAllowed;
use crate::error::{Error, Kind};
use crate::text;

/// Whose point of view an error is told from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client: the peer is the server.
    Client,
    /// The server: the peer is the client.
    Server,
}

impl Side {
    fn peer(self) -> &'static str {
        match self {
            Self::Client => "server",
            Self::Server => "client",
        }
    }
}

/// What a failed handshake, read or write means. An error without TLS in it is told as what the socket says.
pub fn explain(side: Side, error: &io::Error) -> Error {
    let cause = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let explained = match cause {
        Some(cause) => of_tls(side, cause),
        None => of_socket(side, error),
    };
    explained.source(error.to_string())
}

fn of_socket(side: Side, error: &io::Error) -> Error {
    let peer = side.peer();
    match error.kind() {
        io::ErrorKind::TimedOut => {
            Error::new(Kind::Timeout, format!("the {peer} did not answer in time")).hint(
                "try again; if it persists, the network or the other side is too slow or stuck",
            )
        }
        io::ErrorKind::UnexpectedEof => {
            Error::new(Kind::Handshake, format!("the {peer} hung up in the middle"))
                .hint("the log of the other side says why; is it a Sealpost server with TLS?")
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            Error::new(Kind::Connect, format!("the {peer} cut the connection"))
                .hint("the log of the other side says why")
        }
        _ => Error::new(Kind::Connect, crate::error::plain(error)).hint("check the network"),
    }
}

fn of_tls(side: Side, error: &rustls::Error) -> Error {
    let peer = side.peer();
    match error {
        rustls::Error::InvalidCertificate(error) => of_certificate(side, error),
        rustls::Error::AlertReceived(alert) => of_alert(side, *alert),
        rustls::Error::NoCertificatesPresented => Error::new(
            Kind::ClientCertificateRequired,
            "the client showed no certificate, and one is required (RFC 8446 §4.4.2.4)",
        )
        .hint("give the client --cert and --key, or serve with --client-auth optional"),
        rustls::Error::InvalidMessage(_) => {
            Error::new(Kind::Handshake, format!("what the {peer} sent is not TLS"))
                .hint(match side {
                    Side::Client => "if that server speaks plain TCP on purpose, say --plain; everything will be readable on the way",
                    Side::Server => "a client without TLS needs --allow-plain here",
                })
        }
        rustls::Error::PeerIncompatible(why) => of_incompatible(side, why),
        rustls::Error::NoApplicationProtocol => {
            Error::new(Kind::Handshake, format!("the {peer} does not speak sealpost/1 (ALPN, RFC 7301)"))
                .hint("is this the right port?")
        }
        rustls::Error::DecryptError => {
            Error::new(Kind::Handshake, "a record did not decrypt: it was changed on the way")
                .hint("something between the two sides tampers with the connection")
        }
        rustls::Error::Other(other) if other.0.is::<NotAllowed>() => {
            Error::new(Kind::Forbidden, other.0.to_string())
                .hint("let it in with --allow-cn, --allow-ou or --allow-dns")
        }
        rustls::Error::Other(other) if is_pin_mismatch(other) => {
            Error::new(Kind::Pin, "the server's public key is not the pinned one")
                .hint("`sealpost pki fingerprint` prints the pin of a certificate; if the key was renewed, pin the new one")
        }
        _ => Error::new(Kind::Handshake, format!("the TLS handshake with the {peer} failed"))
            .hint("`-v` shows the cause; the log of the other side has its part"),
    }
}

fn of_certificate(side: Side, error: &CertificateError) -> Error {
    let peer = side.peer();
    let what = format!("the {peer}'s certificate");
    let (message, hint) = match error {
        CertificateError::UnknownIssuer => (
            format!("{what} is not signed by a CA known here (RFC 5280 §6.1)"),
            match side {
                Side::Client => "give the CA that signed it with --cacert; `sealpost pki show` tells the issuer of a certificate",
                Side::Server => "issue one with this server's CA: `sealpost pki issue client USER`",
            }
            .to_owned(),
        ),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => (
            format!("{what} is not for {} but for {}", expected.to_str(), names(presented)),
            "connect by one of those names, say --servername, or `sealpost pki issue server NAME`".to_owned(),
        ),
        CertificateError::ExpiredContext { not_after, .. } => (
            format!("{what} expired on {}", date(not_after.as_secs())),
            "renew it with `sealpost pki renew`, and check the clocks".to_owned(),
        ),
        CertificateError::NotValidYetContext { not_before, .. } => (
            format!("{what} is not valid before {}", date(not_before.as_secs())),
            "check the clocks of both machines".to_owned(),
        ),
        CertificateError::Revoked => (
            format!("{what} is revoked"),
            "issue a new one; `sealpost pki list` shows which and why".to_owned(),
        ),
        CertificateError::UnknownRevocationStatus => (
            format!("no revocation list tells about {what}: there is none of its issuer"),
            "give the list of that CA with --crlfile; `sealpost pki crl` makes one".to_owned(),
        ),
        CertificateError::ExpiredRevocationListContext { next_update, .. } => (
            format!("the revocation list is out of date since {}", date(next_update.as_secs())),
            "make a new one with `sealpost pki crl`; until then --crl-expired warn accepts it".to_owned(),
        ),
        CertificateError::InvalidPurposeContext { .. } => (
            format!("{what} is not made for a {peer} (extended key usage, RFC 5280 §4.2.1.12)"),
            format!("issue one with `sealpost pki issue {peer} NAME`"),
        ),
        CertificateError::BadSignature => (
            format!("the signature of {what} is wrong (RFC 5280 §6.1.3)"),
            "the CA has the same name but another key: give the CA file that really signed it".to_owned(),
        ),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. } => (
            format!("{what} is signed in a way that is no longer accepted (SHA-1, or RSA under 2,048 bits)"),
            "issue a new one with `sealpost pki issue`".to_owned(),
        ),
        other => (
            format!("{what} cannot be used: {}", told(other)),
            "`sealpost pki lint FILE` says what is wrong with a certificate".to_owned(),
        ),
    };
    Error::new(Kind::PeerCertificate, message).hint(hint)
}

/// Names of the kinds of webpki's own errors, whose text is Rust.
fn told(error: &CertificateError) -> String {
    let raw = format!("{error:?}");
    let known = [
        ("UnsupportedCertVersion", "it is not X.509 version 3"),
        ("CaUsedAsEndEntity", "it is a CA certificate"),
        ("EndEntityUsedAsCa", "its issuer is not a CA"),
        ("BadEncoding", "it is not well formed"),
        (
            "UnhandledCriticalExtension",
            "it has a critical extension nobody knows",
        ),
    ];
    let known = known.iter().find(|(word, _)| raw.contains(word));
    known
        .map_or("it breaks a rule of RFC 5280", |(_, text)| text)
        .to_owned()
}

fn of_alert(side: Side, alert: AlertDescription) -> Error {
    let peer = side.peer();
    let own = match side {
        Side::Client => "client certificate",
        Side::Server => "server certificate",
    };
    let (kind, message, hint) = match alert {
        AlertDescription::CertificateRequired => (
            Kind::ClientCertificateRequired,
            "the server wants a client certificate".to_owned(),
            "give --cert and --key; `sealpost pki issue client USER` makes them",
        ),
        AlertDescription::UnknownCA => (
            Kind::OwnCertificate,
            format!(
                "the {peer} does not know the CA of this {own}, or has no current revocation list of it"
            ),
            "have a certificate issued by the CA it trusts; its log tells which of the two it is",
        ),
        AlertDescription::CertificateRevoked => (
            Kind::OwnCertificate,
            format!("the {peer} says that this {own} is revoked"),
            "have a new one issued: `sealpost pki issue client USER`",
        ),
        AlertDescription::CertificateExpired => (
            Kind::OwnCertificate,
            format!("the {peer} says that this {own} is out of its dates"),
            "`sealpost pki show FILE` tells the dates; `sealpost pki renew FILE` renews it",
        ),
        AlertDescription::UnsupportedCertificate
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::DecryptError => (
            Kind::OwnCertificate,
            format!("the {peer} does not accept this {own}"),
            "its log says why; `sealpost pki lint FILE` checks a certificate",
        ),
        AlertDescription::AccessDenied => (
            Kind::Forbidden,
            format!("the {peer} does not let this {own} in"),
            "its --allow-… rules decide; its log names the rule",
        ),
        AlertDescription::ProtocolVersion => (
            Kind::Cipher,
            "the two sides have no TLS version in common".to_owned(),
            "widen --tls-min and --tls-max on one side",
        ),
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => (
            Kind::Cipher,
            "the two sides have no cipher suite or group in common".to_owned(),
            "widen --ciphers or --curves on one side",
        ),
        AlertDescription::NoApplicationProtocol => (
            Kind::Handshake,
            format!("the {peer} does not speak sealpost/1 (ALPN, RFC 7301)"),
            "is this the right port?",
        ),
        other => (
            Kind::Handshake,
            format!("the {peer} ended the handshake with the alert {other:?}"),
            "the log of the other side says why",
        ),
    };
    Error::new(kind, message).hint(hint)
}

fn of_incompatible(side: Side, why: &PeerIncompatible) -> Error {
    let raw = format!("{why:?}");
    let (message, hint) = if raw.contains("Version") || raw.contains("Tls12NotOffered") {
        (
            "the two sides have no TLS version in common",
            "widen --tls-min and --tls-max on one side",
        )
    } else {
        (
            "the two sides have no cipher suite or group in common",
            "widen --ciphers or --curves on one side",
        )
    };
    Error::new(Kind::Cipher, message)
        .hint(hint)
        .source(format!("the {}: {raw}", side.peer()))
}

/// The own certificate and key do not go together, or one of them is of no use.
pub(super) fn own_certificate(error: &rustls::Error, certificate: &Path, key: &Path) -> Error {
    let (certificate, key) = (certificate.display(), key.display());
    let message = match error {
        rustls::Error::InconsistentKeys(_) => format!("{key} is not the key of {certificate}"),
        rustls::Error::InvalidCertificate(error) => {
            format!("{certificate} cannot be used: {}", told(error))
        }
        _ => format!("{certificate} and {key} cannot be used together"),
    };
    Error::new(Kind::OwnCertificate, message)
        .hint("`sealpost pki lint` says what is wrong; `sealpost pki issue` makes a matching pair")
        .source(error.clone())
}

#[derive(Debug)]
struct PinMismatch;

impl fmt::Display for PinMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the public key is not the pinned one")
    }
}

impl std::error::Error for PinMismatch {}

pub(super) fn pin_mismatch() -> rustls::Error {
    rustls::Error::Other(OtherError(Arc::new(PinMismatch)))
}

fn is_pin_mismatch(other: &OtherError) -> bool {
    other.0.downcast_ref::<PinMismatch>().is_some()
}

/// rustls writes names as `DnsName("x")` and `IpAddress(127.0.0.1)`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| {
        let inner = name
            .split_once('(')
            .map_or(name.as_str(), |(_, rest)| rest.trim_end_matches(')'));
        text::escape(inner.trim_matches('"'))
    };
    match presented {
        [] => "no name at all: it has no subjectAltName".to_owned(),
        names => names.iter().map(bare).collect::<Vec<_>>().join(", "),
    }
}

fn date(unix_seconds: u64) -> String {
    let at = i64::try_from(unix_seconds).ok();
    let at = at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    at.map_or_else(|| "a date out of range".to_owned(), text::time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_to(side: Side, error: rustls::Error) -> (Kind, String) {
        let error = explain(side, &io::Error::new(io::ErrorKind::InvalidData, error));
        assert!(error.next_step().is_some(), "{error}");
        (error.kind(), error.to_string())
    }

    #[test]
    fn the_same_failure_is_told_from_each_side_with_a_next_step() {
        let unknown = || CertificateError::UnknownIssuer.into();
        let (kind, text) = told_to(Side::Client, unknown());
        assert_eq!(kind, Kind::PeerCertificate);
        assert!(text.starts_with("the server's certificate"), "{text}");
        let (_, text) = told_to(Side::Server, unknown());
        assert!(text.starts_with("the client's certificate"), "{text}");

        let alert = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
        assert_eq!(told_to(Side::Client, alert).0.exit_code(), 98);
        assert_eq!(told_to(Side::Client, pin_mismatch()).0.exit_code(), 90);
    }

    #[test]
    fn names_and_dates_are_for_people() {
        let error = CertificateError::NotValidForNameContext {
            expected: "example.org".try_into().unwrap(),
            presented: vec![
                "DnsName(\"localhost\")".into(),
                "IpAddress(127.0.0.1)".into(),
            ],
        };
        let (_, text) = told_to(Side::Client, error.into());
        assert_eq!(
            text,
            "the server's certificate is not for example.org but for localhost, 127.0.0.1"
        );
        assert_eq!(date(1_700_000_000), "2023-11-14T22:13:20Z");
    }
}
