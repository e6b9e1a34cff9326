//! Checks a certificate step by step, and tells each step: dates, issuer, signature, digest, form, purpose,
//! host, revocation.
//!
//! It decides as rustls does where the two could differ, with one addition: the dates of the root, which
//! rustls does not look at and OpenSSL does. It is for people; connections are judged by rustls.

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use serde::Serialize;
use time::OffsetDateTime;

use super::inspect::{self, CertificateInfo};
use super::profile::Role;
use super::{on_list, steps};
use crate::error::Result;
use crate::lang::Lang;

/// Certificates in the longest path, as rustls bounds it.
const PATH_MAX: usize = 6;

/// What a certificate is checked against.
#[derive(Clone, Debug)]
pub struct Against<'a> {
    /// The CAs that are trusted.
    pub anchors: &'a [CertificateDer<'static>],
    /// The revocation lists; with none, revocation is not checked.
    pub lists: &'a [CertificateRevocationListDer<'static>],
    /// The name or address the peer was called by.
    pub host: Option<&'a str>,
    /// What it is to be used for.
    pub purpose: Option<Role>,
    /// The time.
    pub now: OffsetDateTime,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The certificate's subject.
    pub subject: String,
    /// The path that was found: the subjects from the certificate to the root.
    pub path: Vec<String>,
    /// Every step, in order.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What was looked at.
    pub check: Check,
    /// How it went.
    pub outcome: Outcome,
    /// What was found.
    pub says: String,
    /// What was found, in Simplified Chinese.
    pub says_zh: String,
    /// Where the rule is written; only with a failure.
    pub rule: Option<&'static str>,
    /// What to do; only with a failure.
    pub cure: Option<String>,
    /// What to do, in Simplified Chinese.
    pub cure_zh: Option<String>,
}

/// What a step looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// Whether every certificate of the path is valid now.
    Dates,
    /// Whether there is a path to a trusted CA.
    Issuer,
    /// Whether each was really signed by the next.
    Signature,
    /// Whether the digests and keys behind the signatures are strong enough.
    Digest,
    /// Whether it is a v3 leaf and its issuers are CAs.
    Form,
    /// Whether it may be used for this.
    Purpose,
    /// Whether it names the host.
    Host,
    /// Whether its CA still stands by it.
    Revocation,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// Not as it should be: the certificate would be refused.
    Failed,
    /// Nothing to check it against.
    Skipped,
}

impl Check {
    /// What it looks at, in a word or two.
    pub fn name(self, lang: Lang) -> &'static str {
        match self {
            Self::Dates => lang.pick("dates", "有效期"),
            Self::Issuer => lang.pick("issuer", "签发者"),
            Self::Signature => lang.pick("signature", "签名"),
            Self::Digest => lang.pick("digest", "摘要算法"),
            Self::Form => lang.pick("form", "形式"),
            Self::Purpose => lang.pick("purpose", "用途"),
            Self::Host => lang.pick("name", "名称"),
            Self::Revocation => lang.pick("revocation", "吊销"),
        }
    }
}

impl Outcome {
    /// In a word or two.
    pub fn word(self, lang: Lang) -> &'static str {
        match self {
            Self::Passed => lang.pick("ok", "通过"),
            Self::Failed => lang.pick("WRONG", "不合格"),
            Self::Skipped => lang.pick("not checked", "未检查"),
        }
    }
}

impl Step {
    /// How it went, in one line.
    pub fn told(&self, lang: Lang) -> String {
        let mark = self.outcome.word(lang);
        let says = lang.pick(&self.says, &self.says_zh);
        let rule = match (self.rule, lang) {
            (Some(rule), Lang::English) => format!(" ({rule})"),
            (Some(rule), Lang::Chinese) => format!("（{rule}）"),
            (None, _) => String::new(),
        };
        match lang {
            Lang::English => format!("{mark}: {says}{rule}"),
            Lang::Chinese => format!("{mark}：{says}{rule}"),
        }
    }
}

impl Verification {
    /// Whether no step failed.
    pub fn is_good(&self) -> bool {
        self.first_failure().is_none()
    }

    /// The step that decided.
    pub fn first_failure(&self) -> Option<&Step> {
        let mut steps = self.steps.iter();
        steps.find(|step| step.outcome == Outcome::Failed)
    }
}

/// One certificate of the path.
pub(super) struct Link {
    pub(super) der: CertificateDer<'static>,
    pub(super) info: CertificateInfo,
}

/// The leaf, and above it what was found.
pub(super) struct Path {
    pub(super) links: Vec<Link>,
    pub(super) is_anchored: bool,
}

/// Checks the first certificate of `chain`; the rest may stand between it and a root.
pub fn verify(chain: &[CertificateDer<'static>], against: &Against<'_>) -> Result<Verification> {
    let path = find_path(chain, against.anchors)?;
    let names = path.links.iter().map(|link| link.info.subject.clone());
    let steps = vec![
        steps::dates(&path, against.now),
        steps::issuer(&path),
        steps::signature(&path)?,
        steps::digest(&path),
        steps::form(&path),
        steps::purpose(&path, against.purpose),
        steps::host(&path, against.host),
        on_list::revocation(&path, against)?,
    ];
    Ok(Verification {
        subject: path.links[0].info.subject.clone(),
        path: names.collect(),
        steps,
    })
}

/// Walks from the leaf to a root, by name; of several with the name the one whose key signed.
fn find_path(
    chain: &[CertificateDer<'static>],
    anchors: &[CertificateDer<'static>],
) -> Result<Path> {
    let mut path = Path {
        links: vec![link(&chain[0])?],
        is_anchored: false,
    };
    while path.links.len() < PATH_MAX {
        let last = &path.links[path.links.len() - 1];
        if let Some(anchor) = issuer_among(last, anchors)? {
            path.is_anchored = true;
            // A root that stands in its own file ends the path; it is not its own issuer once more.
            if anchor.der != last.der {
                path.links.push(anchor);
            }
            break;
        }
        match issuer_among(last, chain.get(1..).unwrap_or_default())? {
            Some(next) if path.links.iter().all(|link| link.der != next.der) => {
                path.links.push(next);
            }
            _ => break,
        }
    }
    Ok(path)
}

fn link(der: &CertificateDer<'static>) -> Result<Link> {
    Ok(Link {
        info: inspect::certificate(der)?,
        der: der.clone(),
    })
}

fn issuer_among(of: &Link, candidates: &[CertificateDer<'static>]) -> Result<Option<Link>> {
    let mut by_name = None;
    for candidate in candidates {
        let name = inspect::parse(candidate)?.subject().as_raw()
            == inspect::parse(&of.der)?.issuer().as_raw();
        if !name {
            continue;
        }
        if inspect::is_signed_by(&of.der, candidate)? {
            return link(candidate).map(Some);
        }
        by_name = by_name.or(Some(candidate));
    }
    by_name.map(link).transpose()
}
