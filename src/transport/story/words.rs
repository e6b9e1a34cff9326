//! What each step is called and what it means, in both languages.

use super::{Stage, What};
use crate::error::Error;
use crate::lang::{Both, Lang, both};

/// An error's words and what mends it.
pub(super) fn of_error(error: &Error) -> (Both, Both) {
    let [(en, next), (zh, next_zh)] =
        [Lang::English, Lang::Chinese].map(|lang| error.told_in(lang));
    let next = both(next.unwrap_or_default(), next_zh.unwrap_or_default());
    (both(en, zh), next)
}

/// The name of a step: messages have the RFC's own in both languages.
pub(super) fn title(what: &What, lang: Lang) -> String {
    let fixed = |name: &str| name.to_owned();
    match what {
        What::Resolved { .. } => fixed(lang.pick("name resolved", "解析主机名")),
        What::Tcp { .. } => fixed(lang.pick("TCP connected", "TCP 连接建立")),
        What::ClientHello(_) => fixed("ClientHello"),
        What::HelloRetryRequest { .. } => fixed("HelloRetryRequest"),
        What::ServerHello(_) => fixed("ServerHello"),
        What::Keys {
            stage: Stage::Handshake,
        } => fixed(lang.pick("keys of the handshake computed", "算出握手密钥")),
        What::Keys {
            stage: Stage::Application,
        } => fixed(lang.pick("keys of the session computed", "算出会话密钥")),
        What::ChangeCipherSpec => fixed("ChangeCipherSpec"),
        What::EncryptedExtensions { .. } => fixed("EncryptedExtensions"),
        What::Certificate { .. } => fixed("Certificate"),
        What::CertificateStatus => fixed("CertificateStatus"),
        What::Checks(_) => fixed(lang.pick("the server's certificate checked", "检查服务器证书")),
        What::ServerKeyExchange { .. } => fixed("ServerKeyExchange"),
        What::CertificateRequest { .. } => fixed("CertificateRequest"),
        What::Chosen { .. } => fixed(lang.pick("own certificate chosen", "选择自己的证书")),
        What::ServerHelloDone => fixed("ServerHelloDone"),
        What::ClientKeyExchange => fixed("ClientKeyExchange"),
        What::CertificateVerify { .. } => fixed("CertificateVerify"),
        What::Finished => fixed("Finished"),
        What::NewSessionTicket { .. } => fixed("NewSessionTicket"),
        What::Alert { .. } => fixed("Alert"),
        What::Application { .. } => fixed(lang.pick("application data", "应用数据")),
        What::Other { kind } => match lang {
            Lang::English => format!("handshake message {kind}"),
            Lang::Chinese => format!("握手消息 {kind}"),
        },
        What::Sealed => fixed(lang.pick("encrypted record", "加密记录")),
        What::NotTls { .. } => fixed(lang.pick("not TLS", "不是 TLS")),
    }
}
