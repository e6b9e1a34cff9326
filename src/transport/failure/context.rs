//! What is known around a failure: files, names, and the certificates of both sides.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use super::Side;
use crate::lang::{Both, both};
use crate::pki::inspect::{self, CertificateInfo};
use crate::pki::lists::RevocationListInfo;
use crate::text::{self, escape};
use crate::transport::{Policy, TlsVersion};

/// What is known around a failure. All of it may be missing; the words are then less precise.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Whether the connection is TLS.
    pub tls: bool,
    /// How far it came.
    pub stage: Stage,
    /// The name or address the server's certificate must have.
    pub host: Option<String>,
    /// The file of the CAs that are believed; none means those of the public web.
    pub ca_file: Option<PathBuf>,
    /// What that file holds.
    pub anchors: Vec<CertificateDer<'static>>,
    /// The file of the own certificate, and what it holds, leaf first.
    pub own: Option<(PathBuf, CertificateDer<'static>)>,
    /// The revocation lists and their files. Shared: they can be long, and each failure has a context.
    pub lists: Arc<Vec<(PathBuf, RevocationListInfo)>>,
    /// Which versions, cipher suites and groups this side allows.
    pub policy: Policy,
    /// The chain the peer showed, leaf first.
    pub shown: Vec<CertificateDer<'static>>,
    /// The CAs of which the server asked for a client certificate; `None` when it did not ask.
    pub asked: Option<Vec<String>>,
    /// The own address and the time of connecting, by which the server's log can be searched.
    pub local: Option<(SocketAddr, OffsetDateTime)>,
}

/// How far a connection came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// In the handshake.
    #[default]
    Handshake,
    /// The own handshake is done, the first reply has not come. In TLS 1.3 the server judges the client's
    /// certificate only now (RFC 8446 §4.4.2.4).
    Hello,
    /// The peer has answered.
    Talk,
}

impl Context {
    /// The same at another stage.
    #[must_use]
    pub fn at(&self, stage: Stage) -> Self {
        Self {
            stage,
            ..self.clone()
        }
    }

    /// The own end of the connection, for the search in the server's log.
    pub(super) fn place(&self) -> Option<Both> {
        let (address, at) = self.local?;
        let at = text::time(at);
        Some(both(
            format!("connection from {address} at {at}"),
            format!("来自 {address} 的连接，时间 {at}"),
        ))
    }

    /// The believed CAs by where they come from.
    pub(super) fn authorities(&self) -> Both {
        match &self.ca_file {
            Some(file) => both(
                format!("a CA in {}", file.display()),
                format!(" {} 中的 CA ", file.display()),
            ),
            None => both("a CA of the public web", "公共 CA "),
        }
    }

    /// The subjects of the believed CAs that a file names, for people to compare.
    pub(super) fn authority_names(&self) -> Vec<String> {
        let infos = self
            .anchors
            .iter()
            .filter_map(|der| inspect::certificate(der).ok());
        infos.map(|info| escape(&info.subject)).collect()
    }

    /// The own certificate: its file and what it says.
    pub(super) fn own_info(&self) -> Option<(String, CertificateInfo)> {
        let (file, der) = self.own.as_ref()?;
        let info = inspect::certificate(der).ok()?;
        Some((file.display().to_string(), info))
    }

    /// The own TLS versions.
    pub(super) fn versions(&self) -> &'static str {
        match (self.policy.min, self.policy.max) {
            (TlsVersion::V1_2, TlsVersion::V1_2) => "TLS 1.2",
            (TlsVersion::V1_3, _) => "TLS 1.3",
            _ => "TLS 1.2, TLS 1.3",
        }
    }
}

/// A failure, seen from a side: what all its texts have in common.
pub(super) struct Scene<'a> {
    pub(super) side: Side,
    /// The certificate that is to blame: the peer's, or one above it.
    pub(super) certificate: Option<(CertificateInfo, Place)>,
    pub(super) context: &'a Context,
}

/// Where in a chain a certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The peer's own.
    Leaf,
    /// Above it, sent by the peer.
    Intermediate,
    /// In the own CA file.
    Anchor,
}

impl Scene<'_> {
    /// `the server's certificate CN=… (serial …, issued by CN=…)`.
    pub(super) fn certificate(&self) -> Both {
        let peer = self.side.peer();
        let Some((info, place)) = &self.certificate else {
            return both(
                format!("the {}'s certificate", peer.en),
                format!("{}的证书", peer.zh),
            );
        };
        let told = told(info);
        match place {
            Place::Leaf => both(
                format!("the {}'s certificate {}", peer.en, told.en),
                format!("{}的证书 {}", peer.zh, told.zh),
            ),
            Place::Intermediate => both(
                format!("the CA certificate {} in the {}'s chain", told.en, peer.en),
                format!("{}证书链中的 CA 证书 {}", peer.zh, told.zh),
            ),
            Place::Anchor => both(
                format!("the CA certificate {}", told.en),
                format!("CA 证书 {}", told.zh),
            ),
        }
    }

    /// Whom the certificate says issued it.
    pub(super) fn issuer(&self) -> String {
        let issuer = self.certificate.as_ref().map(|(info, _)| &info.issuer);
        issuer.map_or_else(|| "?".to_owned(), |issuer| or_nameless(issuer))
    }

    /// The command that makes a new certificate for the peer.
    pub(super) fn issue(&self) -> &'static str {
        match self.side {
            Side::Client => "`sealpost pki issue server NAME`",
            Side::Server => "`sealpost pki issue client USER`",
        }
    }

    /// Where a command on the peer's certificate is to be run.
    pub(super) fn there(&self) -> Both {
        match self.side {
            Side::Client => both("where the server runs", "在服务器一侧"),
            Side::Server => both("where the client runs", "在客户端一侧"),
        }
    }
}

/// `CN=… (serial …, issued by CN=…)`.
pub(super) fn told(info: &CertificateInfo) -> Both {
    let (subject, serial) = (or_nameless(&info.subject), &info.serial);
    let issuer = or_nameless(&info.issuer);
    if info.is_self_issued() {
        return both(
            format!("{subject} (serial {serial}, issued by itself)"),
            format!("{subject}（序列号 {serial}，自行签发）"),
        );
    }
    both(
        format!("{subject} (serial {serial}, issued by {issuer})"),
        format!("{subject}（序列号 {serial}，由 {issuer} 签发）"),
    )
}

/// A subject; `-` for one without any part, which a client's subjectAltName allows (RFC 5280 §4.1.2.6).
fn or_nameless(subject: &str) -> String {
    match subject {
        "" => "-".to_owned(),
        subject => escape(subject),
    }
}
