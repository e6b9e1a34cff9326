//! Examines a server from outside, and the own certificate beside it: what is wrong before anybody wonders.
//!
//! It connects several times: to hear who answers, to see the certificate without trusting it, once for
//! each version and cipher suite, without a certificate, and at last as the client itself would. What it
//! saw are [`Story`](crate::transport::Story)s; findings are pure functions of them.

mod certificate;
mod findings;
mod language;
mod own;
mod render;
mod visit;

use std::time::Duration;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::error::{Error, Kind};
use crate::lang::{Both, Lang, both};
use crate::transport::ClientTls;

pub use visit::examine;

/// The server to be examined, and what a client would connect with.
#[derive(Clone, Debug)]
pub struct Patient {
    /// The host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// `None` when it is to be plain.
    pub tls: Option<ClientTls>,
    /// Bounds each connection.
    pub connect_timeout: Duration,
    /// Bounds each wait for a reply.
    pub timeout: Duration,
}

impl Patient {
    /// The name the server's certificate must have.
    pub(super) fn name(&self) -> &str {
        let tls = self.tls.as_ref();
        let name = tls.and_then(|tls| tls.server_name.as_deref());
        name.unwrap_or(&self.host)
    }
}

/// All that was found, in order.
#[derive(Clone, Debug, Serialize)]
pub struct Examination {
    /// The host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Every finding.
    pub findings: Vec<Finding>,
}

impl Examination {
    /// The first failure's kind; `None` when all is well.
    pub fn failure(&self) -> Option<Kind> {
        let mut wrong = self.findings.iter();
        wrong
            .find(|finding| finding.grade == Grade::Wrong)
            .map(|finding| finding.kind)
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// How it is.
    pub grade: Grade,
    /// What was found.
    pub says: Both,
    /// The cure, with the command where there is one.
    pub cure: Option<Both>,
    /// With [`Grade::Wrong`]: which exit code says so.
    pub kind: Kind,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// As it should be.
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    /// It keeps a client out, or lets a wrong one in.
    Wrong,
    /// Not looked at, for want of something.
    Skipped,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the two names of each stand in `name`")]
pub enum Check {
    Settings,
    Resolve,
    Connect,
    Language,
    Versions,
    Ciphers,
    Group,
    Alpn,
    Dates,
    Issuer,
    Signature,
    Strength,
    Form,
    Purpose,
    Name,
    Revocation,
    Pin,
    Lint,
    ClientAuth,
    OwnFiles,
    OwnCertificate,
    OwnIssuer,
    AlsoPlain,
    Hello,
}

impl Check {
    /// What it is called.
    pub fn name(self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Self::Settings => ("own settings", "自己的设置"),
            Self::Resolve => ("address", "地址"),
            Self::Connect => ("connection", "连接"),
            Self::Language => ("language", "协议"),
            Self::Versions => ("TLS versions", "TLS 版本"),
            Self::Ciphers => ("cipher suites", "密码套件"),
            Self::Group => ("key exchange", "密钥交换"),
            Self::Alpn => ("ALPN", "ALPN"),
            Self::Dates => ("dates", "有效期"),
            Self::Issuer => ("issuer", "签发者"),
            Self::Signature => ("signature", "签名"),
            Self::Strength => ("strength", "强度"),
            Self::Form => ("form", "形式"),
            Self::Purpose => ("purpose", "用途"),
            Self::Name => ("name", "名称"),
            Self::Revocation => ("revocation", "吊销"),
            Self::Pin => ("pin", "公钥指纹"),
            Self::Lint => ("strictness", "严格检查"),
            Self::ClientAuth => ("client auth", "客户端认证"),
            Self::OwnFiles => ("own files", "自己的文件"),
            Self::OwnCertificate => ("own certificate", "自己的证书"),
            Self::OwnIssuer => ("own issuer", "自己的签发者"),
            Self::AlsoPlain => ("plain beside TLS", "是否也收明文"),
            Self::Hello => ("as this client", "以本客户端连接"),
        };
        lang.pick(en, zh)
    }
}

impl Finding {
    pub(super) fn ok(check: Check, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self {
            check,
            grade: Grade::Ok,
            says: both(en, zh),
            cure: None,
            kind: Kind::Other,
        }
    }

    pub(super) fn skipped(check: Check, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self {
            grade: Grade::Skipped,
            ..Self::ok(check, en, zh)
        }
    }

    pub(super) fn warning(check: Check, says: Both, cure: Both) -> Self {
        Self {
            check,
            grade: Grade::Warning,
            says,
            cure: Some(cure),
            kind: Kind::Other,
        }
    }

    pub(super) fn wrong(check: Check, kind: Kind, says: Both, cure: Both) -> Self {
        Self {
            grade: Grade::Wrong,
            kind,
            ..Self::warning(check, says, cure)
        }
    }

    /// An error's words.
    pub(super) fn of_error(check: Check, error: &Error) -> Self {
        let [(en, next), (zh, next_zh)] =
            [Lang::English, Lang::Chinese].map(|lang| error.told_in(lang));
        let cure = both(next.unwrap_or_default(), next_zh.unwrap_or_default());
        Self::wrong(check, error.kind(), both(en, zh), cure)
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("check", &self.check)?;
        map.serialize_entry("grade", &self.grade)?;
        map.serialize_entry("says", &self.says.en)?;
        map.serialize_entry("says_zh", &self.says.zh)?;
        if let Some(cure) = &self.cure {
            map.serialize_entry("cure", &cure.en)?;
            map.serialize_entry("cure_zh", &cure.zh)?;
        }
        if self.grade == Grade::Wrong {
            map.serialize_entry("code", self.kind.word())?;
        }
        map.end()
    }
}
