//! What the server's certificate says, told.

use time::Duration;

use super::{Check, Finding};
use crate::error::Kind;
use crate::lang::{Both, both};
use crate::pki::keys;
use crate::pki::lint::{self, Weight};
use crate::pki::profile::Role;
use crate::pki::verify::{self, Outcome};
use crate::text::{self, escape};
use crate::transport::{ClientTls, Roots, Story, What};

/// How long before its end a certificate should be renewed.
const RENEW_WITHIN: Duration = Duration::days(30);

pub(super) fn findings(story: &Story, tls: &ClientTls, name: &str) -> Vec<Finding> {
    let mut all = files(tls);
    let has_ca = all.iter().all(|finding| finding.kind != Kind::CaFile);
    let chain = story.steps.iter().find_map(|step| match &step.what {
        What::Certificate { chain } => Some(chain),
        _ => None,
    });
    let checks = story.steps.iter().find_map(|step| match &step.what {
        What::Checks(checks) => Some(checks),
        _ => None,
    });
    let (Some(chain), Some(checks)) = (chain, checks) else {
        return all;
    };
    let is_above_known = |check| matches!(check, verify::Check::Issuer | verify::Check::Signature);
    for step in &checks.steps {
        // Without a CA nothing can be said of what is above the certificate.
        if has_ca || !is_above_known(step.check) {
            all.push(of_step(step, name));
        }
    }
    if let Some(leaf) = chain.first() {
        all.extend(soon(leaf.not_after));
        all.extend(tls.pin.as_ref().map(|pin| pinned(pin, &leaf.pin)));
    }
    let session = story.session.as_ref();
    all.extend(
        session
            .into_iter()
            .flat_map(|session| strictness(&session.certificates)),
    );
    all
}

/// The own files that judge the server.
fn files(tls: &ClientTls) -> Vec<Finding> {
    let mut all = Vec::new();
    if let Roots::File(path) = &tls.roots
        && let Err(error) = keys::certificates(path, Kind::CaFile)
    {
        all.push(Finding::of_error(Check::Issuer, &error));
    }
    for path in &tls.revocation_lists {
        if let Err(error) = keys::revocation_lists(path) {
            all.push(Finding::of_error(Check::Revocation, &error));
        }
    }
    all
}

fn of_step(step: &verify::Step, name: &str) -> Finding {
    let check = check(step.check);
    let (says, says_zh) = (escape(&step.says), escape(&step.says_zh));
    match step.outcome {
        Outcome::Passed => Finding::ok(check, says, says_zh),
        Outcome::Skipped => Finding::skipped(check, says, says_zh),
        Outcome::Failed => {
            let rule = step.rule.unwrap_or_default();
            let there = |cure: &Option<String>| {
                let cure = cure.as_deref().unwrap_or_default();
                // Here the CA is called --cacert, and the file is the server's.
                let cure = cure.replace("`--ca FILE`", "`--cacert FILE`");
                escape(&cure.replace("NAME", name))
            };
            Finding::wrong(
                check,
                Kind::PeerCertificate,
                both(format!("{says} ({rule})"), format!("{says_zh}（{rule}）")),
                both(there(&step.cure), there(&step.cure_zh)),
            )
        }
    }
}

pub(super) fn check(check: verify::Check) -> Check {
    match check {
        verify::Check::Dates => Check::Dates,
        verify::Check::Issuer => Check::Issuer,
        verify::Check::Signature => Check::Signature,
        verify::Check::Digest => Check::Strength,
        verify::Check::Form => Check::Form,
        verify::Check::Purpose => Check::Purpose,
        verify::Check::Host => Check::Name,
        verify::Check::Revocation => Check::Revocation,
    }
}

fn soon(not_after: time::OffsetDateTime) -> Option<Finding> {
    let now = text::now();
    let is_soon = (now..now + RENEW_WITHIN).contains(&not_after);
    let days = (not_after - now).whole_days();
    is_soon.then(|| {
        Finding::warning(
            Check::Dates,
            both(
                format!("it ends in {days} days"),
                format!("还有 {days} 天到期"),
            ),
            both(
                "renew it there: `sealpost pki renew FILE`",
                "请在服务器端续期：`sealpost pki renew FILE`",
            ),
        )
    })
}

fn pinned(wanted: &str, shown: &str) -> Finding {
    if wanted == shown {
        return Finding::ok(Check::Pin, "the pinned public key", "正是固定的公钥");
    }
    Finding::wrong(
        Check::Pin,
        Kind::Pin,
        both(
            format!("the public key is {shown}, not the pinned {wanted} (RFC 7469 §2.6)"),
            format!("公钥是 {shown}，而不是固定的 {wanted}（RFC 7469 §2.6）"),
        ),
        both(
            "if the key was renewed, ask for its pin by another way and give it with --pinnedpubkey",
            "如果密钥已更换，请通过其他途径核实新的指纹，再用 --pinnedpubkey 指定",
        ),
    )
}

/// What other programs would mind: all that keeps rustls out stands in the steps already.
fn strictness(chain: &[crate::transport::CertificateDer<'static>]) -> Vec<Finding> {
    let Some(leaf) = chain.first() else {
        return Vec::new();
    };
    let Ok(lint) = lint::lint(leaf, "FILE", Some(Role::Server), None, text::now()) else {
        return Vec::new();
    };
    let mut findings = lint.findings;
    findings.retain(|finding| finding.weight != Weight::Refused);
    if findings.is_empty() {
        return vec![Finding::ok(
            Check::Lint,
            "nothing that openssl -x509_strict or Python 3.13 would refuse",
            "没有 openssl -x509_strict 或 Python 3.13 会拒绝之处",
        )];
    }
    let warning = |finding: &lint::Finding| {
        let says = both(
            format!("{} ({})", escape(&finding.says), finding.source),
            chinese(finding.rule).map_or_else(
                || format!("{}（{}）", escape(&finding.says), finding.source),
                |says| format!("{says}（{}）", finding.source),
            ),
        );
        Finding::warning(Check::Lint, says, cure(&finding.cure))
    };
    findings.iter().map(warning).collect()
}

fn cure(cure: &str) -> Both {
    both(format!("there: {cure}"), format!("在服务器端：{cure}"))
}

/// The rules of lint that a certificate in use can break.
fn chinese(rule: &str) -> Option<&'static str> {
    Some(match rule {
        "serial" => "序列号不是正数，或超过 20 字节",
        "no-aki" => "没有签发者密钥标识（AKI）：Python 3.13 会拒绝",
        "no-purpose" => "没有写明用途（扩展密钥用途）",
        "cn-only" => "CN 不在 subjectAltName 之列，因此不算数",
        "too-long" => "有效期过长",
        _ => return None,
    })
}
