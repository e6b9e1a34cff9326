//! Whether the peer's certificate is revoked cannot be said: the revocation list is missing, old or foreign.

use std::path::PathBuf;

use super::Side;
use super::context::Scene;
use crate::error::Kind;
use crate::lang::{Both, both};
use crate::text::escape;

/// What is wrong with the revocation lists given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ListFault {
    /// None of them is of the CA that issued the certificate.
    Missing { issuer: String },
    /// The one of that CA is out of date.
    Expired {
        file: Option<PathBuf>,
        since: String,
    },
    /// They are of CAs that nobody asked about.
    Foreign {
        files: Vec<PathBuf>,
        issuers: Vec<String>,
    },
    /// The one of that CA has its name, and not its signature.
    Forged { files: Vec<PathBuf> },
    /// The CA may not sign lists, or the list breaks another rule.
    Unusable { files: Vec<PathBuf> },
}

impl ListFault {
    pub(super) fn kind(&self) -> Kind {
        match self {
            // The certificate may be good; what is given to judge it with is not.
            Self::Foreign { .. } | Self::Forged { .. } | Self::Unusable { .. } => Kind::CrlFile,
            Self::Missing { .. } | Self::Expired { .. } => Kind::PeerCertificate,
        }
    }

    pub(super) fn message(&self, scene: &Scene<'_>) -> Both {
        let what = scene.certificate();
        match self {
            Self::Missing { issuer } => both(
                format!(
                    "no revocation list given is of {}, so nobody knows whether {} is revoked (RFC 5280 §6.3.3)",
                    escape(issuer),
                    what.en
                ),
                format!(
                    "给出的吊销列表中没有 {} 的，无法得知{}是否已被吊销（RFC 5280 §6.3.3）",
                    escape(issuer),
                    what.zh
                ),
            ),
            Self::Expired { file, since } => {
                let file = file
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), |file| file.display().to_string());
                both(
                    format!(
                        "the revocation list {file} is out of date since {since}, so nobody knows whether {} is revoked (RFC 5280 §5.1.2.5)",
                        what.en
                    ),
                    format!(
                        "吊销列表 {file} 自 {since} 起已过期，无法得知{}是否已被吊销（RFC 5280 §5.1.2.5）",
                        what.zh
                    ),
                )
            }
            Self::Foreign { files, issuers } => foreign(&what, files, issuers),
            Self::Forged { files } => both(
                format!(
                    "the revocation list {} is not signed by the CA that issued {}: it has the same name and another key (RFC 5280 §6.3.3)",
                    list(files),
                    what.en
                ),
                format!(
                    "吊销列表 {} 并非由签发{}的 CA 签名：名称相同，密钥不同（RFC 5280 §6.3.3）",
                    list(files),
                    what.zh
                ),
            ),
            Self::Unusable { files } => both(
                format!(
                    "the revocation list {} cannot be used to judge {} (RFC 5280 §5)",
                    list(files),
                    what.en
                ),
                format!(
                    "吊销列表 {} 无法用来判断{}（RFC 5280 §5）",
                    list(files),
                    what.zh
                ),
            ),
        }
    }

    pub(super) fn hint(&self, scene: &Scene<'_>) -> Both {
        match (self, scene.side) {
            (Self::Expired { .. }, Side::Server) => both(
                "write a new one where the CA is: `sealpost pki crl`; until then --crl-expired warn lets certificates in",
                "在 CA 所在处重新生成：`sealpost pki crl`；在此之前可用 --crl-expired warn 放行",
            ),
            (Self::Expired { .. }, Side::Client) => both(
                "write a new one where the CA is: `sealpost pki crl`, and give it with --crlfile",
                "在 CA 所在处重新生成：`sealpost pki crl`，再用 --crlfile 指定",
            ),
            _ => both(
                "give the list of the CA that issued the certificate with --crlfile; `sealpost pki crl` writes it where that CA is, `sealpost pki show FILE` tells whose a list is",
                "用 --crlfile 指定签发该证书的 CA 的吊销列表；在该 CA 处用 `sealpost pki crl` 生成，`sealpost pki show FILE` 可查看列表属于谁",
            ),
        }
    }
}

fn foreign(what: &Both, files: &[PathBuf], issuers: &[String]) -> Both {
    let issuers: Vec<_> = issuers.iter().map(|issuer| escape(issuer)).collect();
    both(
        format!(
            "the revocation list {} is of another CA ({}) and says nothing of {} (RFC 5280 §6.3.3)",
            list(files),
            issuers.join("; "),
            what.en
        ),
        format!(
            "吊销列表 {} 属于另一个 CA（{}），与{}无关（RFC 5280 §6.3.3）",
            list(files),
            issuers.join("；"),
            what.zh
        ),
    )
}

fn list(files: &[PathBuf]) -> String {
    let files: Vec<_> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    files.join(", ")
}
