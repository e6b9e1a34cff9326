//! The peer's certificate is made in a way nobody accepts any more.

use super::context::Scene;
use crate::lang::{Both, both};
use crate::text::escape;

/// What is wrong with how a certificate is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// It is of version 1: no names, no purpose.
    NotVersion3,
    /// It is a CA's, and its holder serves or logs in with it.
    CaUsedAsLeaf { is_self_signed: bool },
    /// The certificate above it is not a CA's.
    IssuerNotCa,
    /// It is signed with SHA-1 or MD5.
    WeakDigest { algorithm: String },
    /// Its RSA key is shorter than 2048 bits.
    ShortRsa { bits: usize },
    /// It is signed in another way that is not known here.
    OtherSignature { algorithm: String },
    /// It demands that something be understood which nobody knows.
    CriticalExtension,
    /// A CA above it does not allow its names, or not so many below it.
    Constrained,
    /// It is not well formed.
    Damaged,
    /// It breaks another rule.
    Other,
}

impl Form {
    pub(super) fn message(&self, scene: &Scene<'_>) -> Both {
        let what = scene.certificate();
        let (en, zh) = match self {
            Self::NotVersion3 => (
                "is X.509 version 1, and only version 3 is accepted: it has no names and no purpose (RFC 5280 §4.1.2.1)".to_owned(),
                "是 X.509 第 1 版，只接受第 3 版：它没有主机名，也没有用途（RFC 5280 §4.1.2.1）".to_owned(),
            ),
            Self::CaUsedAsLeaf { is_self_signed: true } => (
                "is self-signed and a CA certificate (CA:TRUE), which must not be used as a leaf (RFC 5280 §4.2.1.9)".to_owned(),
                "是自签名的 CA 证书（CA:TRUE），不能当作终端证书使用（RFC 5280 §4.2.1.9）".to_owned(),
            ),
            Self::CaUsedAsLeaf { .. } => (
                "is a CA certificate (CA:TRUE), which must not be used as a leaf (RFC 5280 §4.2.1.9)".to_owned(),
                "是 CA 证书（CA:TRUE），不能当作终端证书使用（RFC 5280 §4.2.1.9）".to_owned(),
            ),
            Self::IssuerNotCa => (
                "is signed by a certificate that is not a CA's (RFC 5280 §4.2.1.9)".to_owned(),
                "是由非 CA 证书签发的（RFC 5280 §4.2.1.9）".to_owned(),
            ),
            Self::WeakDigest { algorithm } => {
                let algorithm = escape(algorithm);
                (
                    format!("is signed with {algorithm}, whose SHA-1 or MD5 can be forged (RFC 9155 §2)"),
                    format!("是用 {algorithm} 签名的，其中的 SHA-1 或 MD5 可被伪造（RFC 9155 §2）"),
                )
            }
            Self::ShortRsa { bits } => (
                format!("has an RSA key of {bits} bits, and 2048 are the least (NIST SP 800-131A; RFC 9325 §4.5)"),
                format!("的 RSA 密钥只有 {bits} 位，至少需要 2048 位（NIST SP 800-131A；RFC 9325 §4.5）"),
            ),
            Self::OtherSignature { algorithm } => (
                format!("is signed with {}, which is not accepted here (RFC 8446 §4.2.3)", escape(algorithm)),
                format!("是用 {} 签名的，这里不接受（RFC 8446 §4.2.3）", escape(algorithm)),
            ),
            Self::CriticalExtension => (
                "has a critical extension that is not known here (RFC 5280 §4.2)".to_owned(),
                "含有这里不认识的关键扩展（RFC 5280 §4.2）".to_owned(),
            ),
            Self::Constrained => (
                "goes beyond what a CA above it allows: its names, or the length of the chain (RFC 5280 §4.2.1.9, §4.2.1.10)".to_owned(),
                "超出了上级 CA 的限制：名称，或证书链长度（RFC 5280 §4.2.1.9、§4.2.1.10）".to_owned(),
            ),
            Self::Damaged => (
                "is not well formed (RFC 5280 §4.1)".to_owned(),
                "格式有误（RFC 5280 §4.1）".to_owned(),
            ),
            Self::Other => (
                "breaks a rule of RFC 5280 §6.1".to_owned(),
                "违反了 RFC 5280 §6.1 的规则".to_owned(),
            ),
        };
        both(format!("{} {en}", what.en), format!("{}{zh}", what.zh))
    }

    pub(super) fn hint(&self, scene: &Scene<'_>) -> Both {
        let (there, issue) = (scene.there(), scene.issue());
        match self {
            Self::NotVersion3 => both(
                format!(
                    "{}, `sealpost pki reissue FILE` makes a version 3 one; `openssl x509 -req` needs -extfile",
                    there.en
                ),
                format!(
                    "{}运行 `sealpost pki reissue FILE` 重新签发第 3 版证书；`openssl x509 -req` 需要加 -extfile",
                    there.zh
                ),
            ),
            Self::CaUsedAsLeaf { .. } => both(
                format!(
                    "`openssl req -x509` makes such; {}, issue one by that CA: {issue}",
                    there.en
                ),
                format!(
                    "`openssl req -x509` 生成的就是这种证书；请{}用该 CA 签发：{issue}",
                    there.zh
                ),
            ),
            Self::WeakDigest { .. } => both(
                format!(
                    "{}, `sealpost pki reissue FILE`; or sign it again with `openssl x509 -req -sha256`",
                    there.en
                ),
                format!(
                    "{}运行 `sealpost pki reissue FILE`；或用 `openssl x509 -req -sha256` 重新签名",
                    there.zh
                ),
            ),
            Self::ShortRsa { .. } => both(
                format!(
                    "{}, make a new key and certificate: `sealpost pki reissue FILE`, or `openssl genrsa -out NEW.key 2048`",
                    there.en
                ),
                format!(
                    "{}重新生成密钥和证书：`sealpost pki reissue FILE`，或 `openssl genrsa -out NEW.key 2048`",
                    there.zh
                ),
            ),
            _ => both(
                format!(
                    "{}, `sealpost pki lint FILE` says what is wrong with it, and {issue} makes a good one",
                    there.en
                ),
                format!(
                    "{}运行 `sealpost pki lint FILE` 查看问题所在，再用 {issue} 签发合格的证书",
                    there.zh
                ),
            ),
        }
    }
}
