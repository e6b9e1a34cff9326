//! The checks of a server's certificate, told step by step beside the verdict that counted.

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use super::Checks;
use crate::lang::both;
use crate::pki::profile::Role;
use crate::pki::verify::{Against, Check, Outcome, verify};
use crate::transport::tape::Evidence;

pub(super) fn checks(
    chain: &[CertificateDer<'static>],
    name: &str,
    evidence: &Evidence,
    now: OffsetDateTime,
    (good, anyway): (bool, bool),
) -> Checks {
    let against = Against {
        anchors: &evidence.anchors,
        lists: &evidence.lists,
        host: Some(name),
        purpose: Some(Role::Server),
        now,
    };
    // One that cannot be read has no steps; the verdict says why.
    let mut steps = verify(chain, &against).map_or_else(|_damaged| Vec::new(), |all| all.steps);
    for step in &mut steps {
        // Of the web's CAs only names and keys are known, so the path above the leaf is rustls' word alone.
        if evidence.is_public && matches!(step.check, Check::Issuer | Check::Signature) {
            if good {
                step.outcome = Outcome::Passed;
                step.cure = None;
                step.rule = None;
                let says = both(
                    "leads to a CA of the public web (webpki-roots)",
                    "可追溯到公共网络的 CA（webpki-roots）",
                );
                (step.says, step.says_zh) = (says.en, says.zh);
            } else {
                step.outcome = Outcome::Skipped;
            }
        }
    }
    Checks {
        name: name.to_owned(),
        steps,
        good,
        anyway,
    }
}
