//! The peer refuses the own certificate. It says so with an alert of one word (RFC 8446 §6.2); what the own
//! side knows of its certificate tells the rest.

use time::OffsetDateTime;

use super::Side;
use super::context::{Scene, told};
use crate::error::Kind;
use crate::lang::{Both, both};
use crate::pki::inspect::CertificateInfo;
use crate::text::{self, escape};

/// How the peer refused the own certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It wants one, and none was shown.
    Required,
    /// It does not know the CA, or has no current revocation list of it.
    UnknownCa,
    /// It is revoked.
    Revoked,
    /// It is out of its dates.
    OutOfDate,
    /// It is made for something else.
    WrongPurpose,
    /// Its form, its names or its signature.
    Unacceptable,
    /// It is valid, and not let in.
    AccessDenied,
    /// The server asked for it, and then cut the connection without a word.
    Silent,
}

impl Refused {
    pub(super) fn kind(self, side: Side) -> Kind {
        match self {
            Self::Required => Kind::ClientCertificateRequired,
            Self::AccessDenied => Kind::Forbidden,
            Self::Silent => Kind::Handshake,
            // The own certificate may be good: the client's --cacert is what does not fit.
            _ if side == Side::Server => Kind::Handshake,
            _ => Kind::OwnCertificate,
        }
    }

    pub(super) fn message(self, scene: &Scene<'_>) -> Both {
        let (own, peer) = (own(scene), scene.side.peer());
        let (en, zh) = match self {
            Self::Required if scene.side == Side::Server => {
                return both(
                    "the client showed no certificate, and this server wants one: --client-auth required (RFC 8446 §4.4.2.4)",
                    "客户端没有出示证书，而本服务器要求证书：--client-auth required（RFC 8446 §4.4.2.4）",
                );
            }
            Self::Required => {
                return both(
                    format!(
                        "the server wants a client certificate, and {} (RFC 8446 §4.4.2.4)",
                        shown(scene).en
                    ),
                    format!(
                        "服务器要求客户端证书，而{}（RFC 8446 §4.4.2.4）",
                        shown(scene).zh
                    ),
                );
            }
            Self::Silent => {
                return both(
                    format!(
                        "the server asked for a client certificate, {}, and it cut the connection without a word: that is how some servers refuse one",
                        shown(scene).en
                    ),
                    format!(
                        "服务器要求客户端证书，{}，随后服务器一言不发就切断了连接：有些服务器就是这样拒绝证书的",
                        shown(scene).zh
                    ),
                );
            }
            Self::UnknownCa => (
                "does not know the CA of it, or has no current revocation list of that CA",
                "不认识其签发 CA，或没有该 CA 的有效吊销列表",
            ),
            Self::Revoked => ("says that it is revoked", "称它已被吊销"),
            Self::OutOfDate => ("says that it is out of its dates", "称它不在有效期内"),
            Self::WrongPurpose => ("says that it is made for another purpose", "称它的用途不符"),
            Self::Unacceptable => ("does not accept it", "不接受它"),
            Self::AccessDenied => {
                return both(
                    format!(
                        "the {} does not let this {} certificate in: it was shown {} (RFC 8446 §6.2)",
                        peer.en,
                        scene.side.own().en,
                        own.en
                    ),
                    format!(
                        "{}不允许这张证书进入：出示的是{}（RFC 8446 §6.2）",
                        peer.zh, own.zh
                    ),
                );
            }
        };
        both(
            format!(
                "the {} refused {}: it {en} (RFC 8446 §6.2)",
                peer.en, own.en
            ),
            format!("{}拒绝了{}：对方{zh}（RFC 8446 §6.2）", peer.zh, own.zh),
        )
    }

    pub(super) fn hint(self, scene: &Scene<'_>) -> Both {
        if scene.side == Side::Server {
            return self.hint_to_server(scene);
        }
        if let Some(found) = found(scene) {
            return found;
        }
        let file = file(scene);
        match self {
            Self::Required => both(
                "give --cert and --key; `sealpost pki issue client USER` makes them where the CA of the server is",
                "请给出 --cert 和 --key；在服务器的 CA 处用 `sealpost pki issue client USER` 签发",
            ),
            Self::Silent => both(
                format!(
                    "`sealpost pki lint {file}` checks a certificate; the log of the server has the cause"
                ),
                format!("`sealpost pki lint {file}` 可检查证书；原因在服务器的日志中"),
            ),
            Self::UnknownCa => by_its_authority(scene),
            Self::Revoked => both(
                "have a new one issued: `sealpost pki issue client USER`; `sealpost pki list` tells why this one was revoked",
                "请重新签发：`sealpost pki issue client USER`；`sealpost pki list` 可查看吊销原因",
            ),
            Self::OutOfDate => both(
                format!(
                    "`sealpost pki show {file}` tells its dates, `sealpost pki renew {file}` renews it; the server's clock may be wrong"
                ),
                format!(
                    "`sealpost pki show {file}` 查看有效期，`sealpost pki renew {file}` 续期；也可能是服务器的时钟不准"
                ),
            ),
            Self::WrongPurpose => both(
                "a client needs one made for clients (clientAuth): `sealpost pki issue client USER`",
                "客户端需要客户端用途（clientAuth）的证书：`sealpost pki issue client USER`",
            ),
            Self::Unacceptable => both(
                format!(
                    "`sealpost pki lint {file}` says what is wrong with it; the log of the server has the cause"
                ),
                format!("`sealpost pki lint {file}` 可查出问题；原因在服务器的日志中"),
            ),
            Self::AccessDenied => both(
                "its `sealpost serve --allow-cn`, --allow-ou and --allow-dns decide; its log names the rule",
                "由服务器的 `sealpost serve --allow-cn`、--allow-ou 和 --allow-dns 决定；规则见其日志",
            ),
        }
    }

    fn hint_to_server(self, scene: &Scene<'_>) -> Both {
        let file = file(scene);
        match self {
            Self::UnknownCa => both(
                format!(
                    "the client's --cacert has to hold the CA of this server: `sealpost pki show {file}` names it"
                ),
                format!(
                    "客户端的 --cacert 必须包含本服务器的 CA：`sealpost pki show {file}` 可查看"
                ),
            ),
            Self::OutOfDate => both(
                format!("`sealpost pki renew {file}`, then SIGHUP; or the client's clock is wrong"),
                format!("运行 `sealpost pki renew {file}` 后发送 SIGHUP；也可能是客户端时钟不准"),
            ),
            _ => both(
                format!(
                    "`sealpost pki verify {file} --purpose server --host NAME` checks it as a client does; the client has the cause, such as a name that it has not"
                ),
                format!(
                    "`sealpost pki verify {file} --purpose server --host NAME` 以客户端的方式检查；原因在客户端，例如名称不符"
                ),
            ),
        }
    }
}

/// The own certificate, by file and subject.
fn own(scene: &Scene<'_>) -> Both {
    let own = match scene.side {
        Side::Client => both("the client certificate", "客户端证书"),
        Side::Server => both("this server's certificate", "本服务器的证书"),
    };
    match scene.context.own_info() {
        Some((file, info)) => {
            let told = told(&info);
            both(
                format!("{} {file}, {}", own.en, told.en),
                format!("{} {file}，即 {}", own.zh, told.zh),
            )
        }
        None => own,
    }
}

/// Which certificate was shown, or that none was.
fn shown(scene: &Scene<'_>) -> Both {
    match scene.context.own {
        Some(_) => {
            let own = own(scene);
            both(
                format!("was shown {}", own.en),
                format!("出示的是{}", own.zh),
            )
        }
        None => both("none was shown", "本端没有出示任何证书"),
    }
}

fn file(scene: &Scene<'_>) -> String {
    let own = scene.context.own.as_ref();
    own.map_or_else(|| "FILE".to_owned(), |(file, _)| file.display().to_string())
}

/// What is wrong with the own certificate as far as this side can see; then the alert need not be guessed at.
fn found(scene: &Scene<'_>) -> Option<Both> {
    let (file, info) = scene.context.own_info()?;
    let now = OffsetDateTime::now_utc();
    if now > info.not_after {
        let at = text::time(info.not_after);
        return Some(both(
            format!("it expired at {at}: `sealpost pki renew {file}`"),
            format!("它已于 {at} 过期：请运行 `sealpost pki renew {file}`"),
        ));
    }
    if now < info.not_before {
        let from = text::time(info.not_before);
        return Some(both(
            format!("it is not valid before {from}: set the clock, or `sealpost pki renew {file}`"),
            format!("它要到 {from} 才生效：请校准时钟，或运行 `sealpost pki renew {file}`"),
        ));
    }
    if is_no_clients(&info) {
        let has = info.extended_key_usage.join(", ");
        return Some(both(
            format!(
                "it is made for {has}, and a client needs clientAuth: `sealpost pki issue client USER`"
            ),
            format!(
                "它的用途是 {has}，而客户端需要 clientAuth：请运行 `sealpost pki issue client USER`"
            ),
        ));
    }
    None
}

fn is_no_clients(info: &CertificateInfo) -> bool {
    let usage = &info.extended_key_usage;
    !usage.is_empty()
        && !usage
            .iter()
            .any(|word| word == "clientAuth" || word == "any")
}

/// What to do when the server does not know the CA: by the CAs it named when it asked (RFC 8446 §4.2.4).
fn by_its_authority(scene: &Scene<'_>) -> Both {
    let names = scene.context.asked.as_deref().unwrap_or_default();
    let issuer = scene.context.own_info().map(|(_, info)| info.issuer);
    if issuer.is_some_and(|issuer| names.contains(&issuer)) {
        return both(
            "the server knows a CA of that name: either its revocation list is out of date (`sealpost pki crl`), or the CA was made anew with another key (`sealpost pki fingerprint FILE` tells two apart); its log tells which",
            "服务器认识同名的 CA：要么其吊销列表已过期（`sealpost pki crl`），要么该 CA 重新创建过、密钥不同（`sealpost pki fingerprint FILE` 可以区分）；究竟是哪一种见其日志",
        );
    }
    let names: Vec<_> = names.iter().map(|name| escape(name)).collect();
    let (takes, takes_zh) = match names.as_slice() {
        [] => (String::new(), String::new()),
        names => (
            format!(" (it takes those of {})", names.join("; ")),
            format!("（它接受 {} 签发的证书）", names.join("；")),
        ),
    };
    both(
        format!(
            "have one issued by the CA of the server: `sealpost pki issue client USER`{takes}; its log tells the cause"
        ),
        format!("请由服务器的 CA 签发：`sealpost pki issue client USER`{takes_zh}；原因见其日志"),
    )
}
