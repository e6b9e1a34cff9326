//! The own certificate, key, CA, revocation lists or policy are of no use: told before any connection.

use std::path::Path;

use super::find::{self, phrase};
use crate::error::{Error, Kind};
use crate::text::escape;

/// The own certificate and key do not go together, or one of them is of no use.
pub(in crate::transport) fn own_certificate(
    error: &rustls::Error,
    certificate: &Path,
    key: &Path,
) -> Error {
    let (certificate, key) = (certificate.display(), key.display());
    let (message, zh) = match error {
        rustls::Error::InconsistentKeys(_) => (
            format!("{key} is not the key of {certificate} (RFC 8446 §4.4.3)"),
            format!("{key} 不是 {certificate} 的私钥（RFC 8446 §4.4.3）"),
        ),
        rustls::Error::InvalidCertificate(error) => match find::webpki_word(error).as_deref() {
            Some("UnsupportedCertVersion") => (
                format!(
                    "{certificate} is X.509 version 1, and only version 3 is accepted (RFC 5280 §4.1.2.1)"
                ),
                format!("{certificate} 是 X.509 第 1 版，只接受第 3 版（RFC 5280 §4.1.2.1）"),
            ),
            _ => (
                format!("{certificate} is no certificate that TLS can use (RFC 5280 §4.1)"),
                format!("{certificate} 不是 TLS 能用的证书（RFC 5280 §4.1）"),
            ),
        },
        _ => (
            format!(
                "the key {key} cannot be used: RSA needs 2048 bits or more (RFC 9325 §4.5), and ECDSA, P-256, P-384 or P-521"
            ),
            format!(
                "无法使用密钥 {key}：RSA 至少需要 2048 位（RFC 9325 §4.5），ECDSA 需用 P-256、P-384 或 P-521"
            ),
        ),
    };
    Error::new(Kind::OwnCertificate, message)
        .hint(format!("`sealpost pki lint {certificate}` says what is wrong; `sealpost pki reissue {certificate}` makes a matching pair"))
        .zh(zh, format!("`sealpost pki lint {certificate}` 可查出问题；`sealpost pki reissue {certificate}` 可重新生成配套的证书和密钥"))
        .source(phrase(error))
}

/// What the CA file holds is no trust anchor.
pub(in crate::transport) fn ca_unusable(error: &rustls::Error, file: &Path) -> Error {
    let file = file.display();
    Error::new(
        Kind::CaFile,
        format!("{file} holds no usable CA certificate (RFC 5280 §6.1.1)"),
    )
    .hint(format!(
        "`sealpost pki lint {file}` says what is wrong with it"
    ))
    .zh(
        format!("{file} 中没有可用的 CA 证书（RFC 5280 §6.1.1）"),
        format!("`sealpost pki lint {file}` 可查出问题"),
    )
    .source(phrase(error))
}

/// A revocation list is of a kind that cannot be checked against.
pub(in crate::transport) fn lists_unusable(error: &impl std::fmt::Debug) -> Error {
    Error::new(
        Kind::CrlFile,
        "a certificate revocation list cannot be used (RFC 5280 §5)",
    )
    .hint("make a new one with `sealpost pki crl`")
    .zh(
        "证书吊销列表无法使用（RFC 5280 §5）",
        "请用 `sealpost pki crl` 重新生成",
    )
    .source(find::words(error))
}

/// Versions and cipher suites exclude each other.
pub(in crate::transport) fn policy(error: &rustls::Error) -> Error {
    Error::new(
        Kind::Cipher,
        "these TLS versions, cipher suites and groups do not go together: each suite is of one version",
    )
    .hint("widen --tls-min and --tls-max, --ciphers or --curves; `sealpost config` shows what is set")
    .zh(
        "这些 TLS 版本、密码套件和密钥交换组互相矛盾：每个套件只属于一个版本",
        "请放宽 --tls-min 和 --tls-max、--ciphers 或 --curves；`sealpost config` 可查看当前设置",
    )
    .source(phrase(error))
}

/// A revocation list is of a CA that signs no client here.
pub(in crate::transport) fn foreign_list(list: &Path, issuer: &str, ca_file: &Path) -> Error {
    let (list, issuer, ca_file) = (list.display(), escape(issuer), ca_file.display());
    Error::new(
        Kind::CrlFile,
        format!("the revocation list in {list} is of {issuer}, and not signed by a CA in {ca_file} (RFC 5280 §6.3.3)"),
    )
    .hint("give the list of that CA: `sealpost pki crl` writes it")
    .zh(
        format!("{list} 中的吊销列表属于 {issuer}，并非由 {ca_file} 中的 CA 签名（RFC 5280 §6.3.3）"),
        "请给出该 CA 的吊销列表：用 `sealpost pki crl` 生成",
    )
}
