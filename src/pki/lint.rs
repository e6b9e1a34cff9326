//! What is wrong with a certificate before anybody connects: one table of rules, each with where it is
//! written and what mends it.

use rustls::pki_types::CertificateDer;
use serde::Serialize;
use time::OffsetDateTime;
use x509_parser::prelude::X509Certificate;

use super::inspect::{self, CertificateInfo};
use super::profile::Role;
use super::rules::{CA_RULES, COMMON_RULES, LEAF_RULES};
use super::signing::role_of;
use crate::error::Result;

/// What the rules say of one certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lint {
    /// Its subject.
    pub subject: String,
    /// What it was taken for.
    pub role: Role,
    /// Every fault, the worst first.
    pub findings: Vec<Finding>,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's short name.
    pub rule: &'static str,
    /// How bad it is.
    pub weight: Weight,
    /// What was found.
    pub says: String,
    /// Where the rule is written.
    pub source: &'static str,
    /// What mends it.
    pub cure: String,
}

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// Sealpost, and every program built on rustls, refuses it.
    Refused,
    /// Strict verifiers refuse it: `openssl verify -x509_strict`, Python 3.13.
    Strict,
    /// It works, and could be better.
    Advice,
}

impl Lint {
    /// Whether it would be refused.
    pub fn is_refused(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.weight == Weight::Refused)
    }
}

/// What a rule looks at.
pub(super) struct Look<'a> {
    pub(super) info: CertificateInfo,
    pub(super) certificate: X509Certificate<'a>,
    pub(super) role: Role,
    pub(super) now: OffsetDateTime,
    pub(super) public_key: Option<&'a [u8]>,
}

/// One rule.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) weight: Weight,
    pub(super) source: &'static str,
    /// `FILE` in it is the certificate's.
    pub(super) cure: &'static str,
    pub(super) find: fn(&Look<'_>) -> Option<String>,
}

/// Looks at the certificate in `file`, as one for `role`, or for what it seems to be. `public_key` is the one
/// of the key that is meant to go with it ([`keys::public_key`](super::keys::public_key)).
pub fn lint(
    der: &CertificateDer<'_>,
    file: &str,
    role: Option<Role>,
    public_key: Option<&[u8]>,
    now: OffsetDateTime,
) -> Result<Lint> {
    let info = inspect::certificate(der)?;
    let look = Look {
        role: role.unwrap_or_else(|| seems(&info)),
        certificate: inspect::parse(der)?,
        info,
        now,
        public_key,
    };
    let is_leaf = matches!(look.role, Role::Server | Role::Client);
    let own = if is_leaf { LEAF_RULES } else { CA_RULES };
    let mut findings: Vec<_> = COMMON_RULES
        .iter()
        .chain(own)
        .filter_map(|rule| {
            (rule.find)(&look).map(|says| Finding {
                rule: rule.name,
                weight: rule.weight,
                says,
                source: rule.source,
                cure: rule.cure.replace("FILE", file),
            })
        })
        .collect();
    findings.sort_by_key(|finding| finding.weight);
    Ok(Lint {
        subject: look.info.subject,
        role: look.role,
        findings,
    })
}

/// A CA when it says so and names no host, or when it is of the time before it could say so.
fn seems(info: &CertificateInfo) -> Role {
    let names_nobody = info.dns_names.is_empty() && info.ip_addresses.is_empty();
    let is_old_root = info.version == 1 && info.is_self_issued();
    if !(info.is_ca && names_nobody || is_old_root) {
        return role_of(info);
    }
    if info.is_self_issued() {
        Role::Root
    } else {
        Role::Intermediate
    }
}
