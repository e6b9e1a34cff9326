//! Nothing vouches for the peer's certificate, or not for this use of it.

use std::path::PathBuf;

use super::Side;
use super::context::Scene;
use crate::error::Kind;
use crate::lang::{Both, both};
use crate::text::escape;

/// Why a certificate is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// No CA believed here signed it.
    UnknownIssuer,
    /// It vouches for itself.
    SelfSigned,
    /// A CA of the right name has another key than the one that signed it.
    OtherKey,
    /// The peer does not hold the private key of the certificate it shows.
    Impostor,
    /// The public key is not the pinned one.
    PinMismatch { shown: String, wanted: String },
    /// It is valid, and no rule lets it in; with the reason.
    NotAllowed(String),
    /// Its CA has taken it back: when, why, and the list that says so.
    Revoked(Option<Revocation>),
}

/// What a revocation list says of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Revocation {
    pub(super) file: PathBuf,
    pub(super) at: String,
    pub(super) reason: Option<String>,
}

impl Trust {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::PinMismatch { .. } => Kind::Pin,
            Self::NotAllowed(_) => Kind::Forbidden,
            _ => Kind::PeerCertificate,
        }
    }

    pub(super) fn message(&self, scene: &Scene<'_>) -> Both {
        let (what, peer) = (scene.certificate(), scene.side.peer());
        let authorities = scene.context.authorities();
        match self {
            Self::UnknownIssuer => both(
                format!(
                    "{} is not signed by {} (RFC 5280 §6.1)",
                    what.en, authorities.en
                ),
                format!("{}不是由{}签发的（RFC 5280 §6.1）", what.zh, authorities.zh),
            ),
            Self::SelfSigned => both(
                format!(
                    "{} is self-signed: it vouches for itself, and is not signed by {} (RFC 5280 §6.1)",
                    what.en, authorities.en
                ),
                format!(
                    "{}是自签名证书：它只为自己作证，不是由{}签发的（RFC 5280 §6.1）",
                    what.zh, authorities.zh
                ),
            ),
            Self::OtherKey => both(
                format!(
                    "the signature of {} is wrong: {} has the issuer's name, but another key (RFC 5280 §6.1.3)",
                    what.en, authorities.en
                ),
                format!(
                    "{}的签名不正确：{}与签发者同名，但密钥不同（RFC 5280 §6.1.3）",
                    what.zh,
                    authorities.zh.trim_start()
                ),
            ),
            Self::Impostor => both(
                format!(
                    "the {} does not hold the private key of {} (RFC 8446 §4.4.3)",
                    peer.en, what.en
                ),
                format!("{}没有{}所对应的私钥（RFC 8446 §4.4.3）", peer.zh, what.zh),
            ),
            Self::PinMismatch { shown, wanted } => both(
                format!(
                    "the public key of {} is not the pinned one: it is {shown}, and {wanted} is wanted (RFC 7469 §2.6)",
                    what.en
                ),
                format!(
                    "{}的公钥不是固定的那一个：它是 {shown}，要求的是 {wanted}（RFC 7469 §2.6）",
                    what.zh
                ),
            ),
            Self::NotAllowed(reason) => both(
                format!("{}: {}", what.en, escape(reason)),
                format!("没有任何 --allow-… 规则允许{}", what.zh),
            ),
            Self::Revoked(revocation) => revoked(&what, revocation.as_ref()),
        }
    }

    pub(super) fn hint(&self, scene: &Scene<'_>) -> Both {
        let (there, issue) = (scene.there(), scene.issue());
        match (self, scene.side) {
            (Self::UnknownIssuer, Side::Client) => give_its_authority(scene),
            (Self::SelfSigned, Side::Client) => both(
                format!(
                    "{}, issue one by a CA: `sealpost pki init` and {issue}; then give its ca.crt here with --cacert",
                    there.en
                ),
                format!(
                    "{}用 CA 签发证书：`sealpost pki init`，再 {issue}；然后在这里用 --cacert 指定它的 ca.crt",
                    there.zh
                ),
            ),
            (Self::UnknownIssuer | Self::SelfSigned, Side::Server) => both(
                format!(
                    "issue one with the CA of this server: {issue}; or name the CA to believe with --client-ca FILE"
                ),
                format!("用本服务器的 CA 签发证书：{issue}；或用 --client-ca FILE 指定要信任的 CA"),
            ),
            (Self::OtherKey, _) => {
                let option = ["--cacert", "--client-ca"][usize::from(scene.side == Side::Server)];
                both(
                    format!(
                        "was the CA made anew, or is it another of the same name? give the CA file that really signed it with {option}; `sealpost pki fingerprint FILE` tells two apart"
                    ),
                    format!(
                        "CA 是否重新创建过，或另有同名的 CA？请用 {option} 指定真正签发它的 CA 文件；`sealpost pki fingerprint FILE` 可以区分两者"
                    ),
                )
            }
            (Self::Impostor, _) => both(
                format!(
                    "{}, give --cert the --key that belongs to it; `sealpost pki lint FILE` checks a pair",
                    there.en
                ),
                format!(
                    "{}为 --cert 配上与之对应的 --key；`sealpost pki lint FILE` 可检查证书与密钥",
                    there.zh
                ),
            ),
            (Self::PinMismatch { shown, .. }, _) => both(
                format!(
                    "if the server's key was renewed, ask its operator, compare with `sealpost pki fingerprint FILE` there, and give --pinnedpubkey {shown}; else somebody stands in between"
                ),
                format!(
                    "如果服务器更换过密钥，请向管理员核实，与那边 `sealpost pki fingerprint FILE` 的结果比较后改用 --pinnedpubkey {shown}；否则可能有人在中间冒充"
                ),
            ),
            (Self::NotAllowed(_), _) => both(
                "let it in with `sealpost serve --allow-cn`, --allow-ou or --allow-dns",
                "可用 `sealpost serve --allow-cn`、--allow-ou 或 --allow-dns 允许它",
            ),
            (Self::Revoked(_), _) => both(
                format!(
                    "issue a new one: {issue}; `sealpost pki list` shows which are revoked and why"
                ),
                format!("请签发新证书：{issue}；`sealpost pki list` 列出已吊销的证书及原因"),
            ),
        }
    }
}

fn revoked(what: &Both, revocation: Option<&Revocation>) -> Both {
    let Some(Revocation { file, at, reason }) = revocation else {
        return both(
            format!("{} is revoked (RFC 5280 §5)", what.en),
            format!("{}已被吊销（RFC 5280 §5）", what.zh),
        );
    };
    let file = file.display();
    let (why, why_zh) = match reason {
        Some(reason) => (format!(" for {reason}"), format!("，原因：{reason}")),
        None => (String::new(), String::new()),
    };
    both(
        format!(
            "{} was revoked at {at}{why}, says the list {file} (RFC 5280 §5)",
            what.en
        ),
        format!(
            "{}已于 {at} 被吊销{why_zh}，依据吊销列表 {file}（RFC 5280 §5）",
            what.zh
        ),
    )
}

/// What to do at the client about a CA that is not known.
fn give_its_authority(scene: &Scene<'_>) -> Both {
    let names = believed(scene);
    both(
        format!(
            "is it the server you meant? then give the CA {} with --cacert FILE{}; `sealpost pki show FILE` tells who issued a certificate",
            scene.issuer(),
            names.en
        ),
        format!(
            "确认这是你要连接的服务器后，用 --cacert FILE 指定 CA {}{}；`sealpost pki show FILE` 可查看证书的签发者",
            scene.issuer(),
            names.zh
        ),
    )
}

/// Whom the CA file names instead.
fn believed(scene: &Scene<'_>) -> Both {
    let names = scene.context.authority_names();
    match (&scene.context.ca_file, names.is_empty()) {
        (Some(file), false) => both(
            format!(" ({} holds {})", file.display(), names.join("; ")),
            format!("（{} 中是 {}）", file.display(), names.join("；")),
        ),
        _ => both("", ""),
    }
}
