//! The peer's certificate is good, but not for this host, time or purpose.

use super::Side;
use super::context::Scene;
use crate::lang::{Both, both};
use crate::text::escape;

/// What a certificate is not for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Terms {
    /// It names other hosts.
    WrongHost { host: String, names: Vec<String> },
    /// It names no host at all: the common name does not count.
    NoSubjectAltName { host: String },
    /// Its time is over.
    Expired { at: String },
    /// Its time has not come.
    NotYetValid { from: String },
    /// It is made for something else; with what it allows.
    WrongPurpose { has: Vec<String> },
}

impl Terms {
    pub(super) fn message(&self, scene: &Scene<'_>) -> Both {
        let (what, peer) = (scene.certificate(), scene.side.peer());
        match self {
            Self::WrongHost { host, names } if is_address(host) => both(
                format!(
                    "{} is not for the address {host} but for {} (RFC 9525 §6.4)",
                    what.en,
                    names.join(", ")
                ),
                format!(
                    "{}不适用于 IP 地址 {host}，只适用于 {}（RFC 9525 §6.4）",
                    what.zh,
                    names.join("、")
                ),
            ),
            Self::WrongHost { host, names } => both(
                format!(
                    "{} is not for {host} but for {} (RFC 9525 §6.3)",
                    what.en,
                    names.join(", ")
                ),
                format!(
                    "{}不适用于 {host}，只适用于 {}（RFC 9525 §6.3）",
                    what.zh,
                    names.join("、")
                ),
            ),
            Self::NoSubjectAltName { host } => both(
                format!(
                    "{} names no host: it has no subjectAltName, and the CN does not count, so it cannot be checked against {host} (RFC 9525 §6.3)",
                    what.en
                ),
                format!(
                    "{}没有写明任何主机：缺少 subjectAltName，而 CN 不算数，因此无法与 {host} 核对（RFC 9525 §6.3）",
                    what.zh
                ),
            ),
            Self::Expired { at } => both(
                format!("{} expired at {at} (RFC 5280 §4.1.2.5)", what.en),
                format!("{}已于 {at} 过期（RFC 5280 §4.1.2.5）", what.zh),
            ),
            Self::NotYetValid { from } => both(
                format!("{} is not valid before {from} (RFC 5280 §4.1.2.5)", what.en),
                format!("{}要到 {from} 才生效（RFC 5280 §4.1.2.5）", what.zh),
            ),
            Self::WrongPurpose { has } => {
                let has = match has.as_slice() {
                    [] => "-".to_owned(),
                    has => has.join(", "),
                };
                both(
                    format!(
                        "{} is not made for a {}: its extended key usage is {has} (RFC 5280 §4.2.1.12)",
                        what.en, peer.en
                    ),
                    format!(
                        "{}不能用于{}：它的扩展密钥用途是 {has}（RFC 5280 §4.2.1.12）",
                        what.zh, peer.zh
                    ),
                )
            }
        }
    }

    pub(super) fn hint(&self, scene: &Scene<'_>) -> Both {
        let (there, issue) = (scene.there(), scene.issue());
        match self {
            Self::WrongHost { host, names } => {
                let name = names.first().map_or("NAME", String::as_str);
                both(
                    format!(
                        "say --servername {name} if that is the server you mean; or, {}, `sealpost pki issue server {host}`",
                        there.en
                    ),
                    format!(
                        "如果这就是你要连接的服务器，请加 --servername {name}；或者{}运行 `sealpost pki issue server {host}`",
                        there.zh
                    ),
                )
            }
            Self::NoSubjectAltName { host } => both(
                format!(
                    "{}, `sealpost pki reissue FILE` makes one with its names, `sealpost pki issue server {host}` a new one; openssl needs `-addext subjectAltName=DNS:{host}` or an -extfile",
                    there.en
                ),
                format!(
                    "{}运行 `sealpost pki reissue FILE` 补上名称，或 `sealpost pki issue server {host}` 签发新证书；用 openssl 时需要 `-addext subjectAltName=DNS:{host}` 或 -extfile",
                    there.zh
                ),
            ),
            Self::Expired { .. } => both(
                format!(
                    "{}, `sealpost pki renew FILE`; if the date is not over, set the clock of this machine",
                    there.en
                ),
                format!(
                    "{}运行 `sealpost pki renew FILE` 续期；如果日期其实未到，请校准本机时钟",
                    there.zh
                ),
            ),
            Self::NotYetValid { .. } => both(
                format!(
                    "set the clock of this machine (`date`); or, {}, `sealpost pki renew FILE`",
                    there.en
                ),
                format!(
                    "请校准本机时钟（`date`）；或者{}运行 `sealpost pki renew FILE`",
                    there.zh
                ),
            ),
            Self::WrongPurpose { .. } => {
                let mixed_up = match scene.side {
                    Side::Client => both(
                        "a client's certificate cannot serve",
                        "客户端证书不能当服务器证书用",
                    ),
                    Side::Server => both(
                        "a server's certificate cannot log in",
                        "服务器证书不能当客户端证书用",
                    ),
                };
                both(
                    format!("{}: {}, {issue}", mixed_up.en, there.en),
                    format!("{}：请{}运行 {issue}", mixed_up.zh, there.zh),
                )
            }
        }
    }
}

fn is_address(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}

/// rustls writes names as `DnsName("x")` and `IpAddress(127.0.0.1)`.
pub(super) fn names(presented: &[String]) -> Vec<String> {
    let bare = |name: &String| {
        let inner = name
            .split_once('(')
            .map_or(name.as_str(), |(_, rest)| rest.trim_end_matches(')'));
        escape(inner.trim_matches('"'))
    };
    presented.iter().map(bare).collect()
}
