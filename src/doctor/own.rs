//! What the own certificate is good for at this server, told.

use std::path::Path;

use super::certificate::check;
use super::visit::Seen;
use super::{Check, Finding};
use crate::error::Kind;
use crate::lang::both;
use crate::pki::inspect;
use crate::pki::keys;
use crate::pki::profile::Role;
use crate::pki::verify::{self, Against, Outcome, verify};
use crate::text::{self, escape};
use crate::transport::{CertificateDer, ClientTls, What};

pub(super) fn findings(tls: &ClientTls, seen: &Seen) -> Vec<Finding> {
    let Some((certificate, key)) = &tls.certificate else {
        return Vec::new();
    };
    let mut all = vec![files(tls, certificate, key)];
    let chain = keys::certificates(certificate, Kind::OwnCertificate).unwrap_or_default();
    if chain.is_empty() {
        return all;
    }
    all.extend(steps(&chain, certificate));
    let authorities = seen.find(|what| match what {
        What::CertificateRequest { authorities, .. } => Some(authorities.clone()),
        _ => None,
    });
    all.extend(authorities.map(|authorities| issuer(&chain, &authorities)));
    all
}

/// Whether the two files can be used, and belong together.
fn files(tls: &ClientTls, certificate: &Path, key: &Path) -> Finding {
    let alone = ClientTls {
        insecure: true,
        revocation_lists: Vec::new(),
        ..tls.clone()
    };
    if let Err(error) = alone.load() {
        return Finding::of_error(Check::OwnFiles, &error);
    }
    let (cert, file) = (certificate.display(), key.display());
    if let Some(warning) = keys::mode_warning(key) {
        let says = both(warning, format!("{file} 的权限过宽，其他用户可能读到"));
        let cure = both(format!("`chmod 600 {file}`"), format!("`chmod 600 {file}`"));
        return Finding::warning(Check::OwnFiles, says, cure);
    }
    Finding::ok(
        Check::OwnFiles,
        format!("{cert} and {file} belong together"),
        format!("{cert} 与 {file} 匹配"),
    )
}

/// Dates, strength, form and purpose; who issued it is for the server to judge.
fn steps(chain: &[CertificateDer<'static>], file: &Path) -> Vec<Finding> {
    let against = Against {
        anchors: &[],
        lists: &[],
        host: None,
        purpose: Some(Role::Client),
        now: text::now(),
    };
    let Ok(verification) = verify(chain, &against) else {
        return Vec::new();
    };
    let here = [
        verify::Check::Dates,
        verify::Check::Digest,
        verify::Check::Form,
        verify::Check::Purpose,
    ];
    let steps = verification
        .steps
        .iter()
        .filter(|step| here.contains(&step.check));
    let bad: Vec<_> = steps
        .clone()
        .filter(|step| step.outcome == Outcome::Failed)
        .collect();
    if bad.is_empty() {
        let dates = steps
            .clone()
            .find(|step| step.check == verify::Check::Dates);
        let subject = escape(&verification.subject);
        let (en, zh) = dates.map_or(("", ""), |step| (step.says.as_str(), step.says_zh.as_str()));
        return vec![Finding::ok(
            Check::OwnCertificate,
            format!("{subject}, for a client; {en}"),
            format!("{subject}，可用于客户端；{zh}"),
        )];
    }
    let file = file.display().to_string();
    let wrong = |step: &&verify::Step| {
        let cure =
            |cure: &Option<String>| cure.as_deref().unwrap_or_default().replace("FILE", &file);
        let what = [crate::lang::Lang::English, crate::lang::Lang::Chinese]
            .map(|lang| check(step.check).name(lang));
        Finding::wrong(
            Check::OwnCertificate,
            Kind::OwnCertificate,
            both(
                format!("{}: {}", what[0], escape(&step.says)),
                format!("{}：{}", what[1], escape(&step.says_zh)),
            ),
            both(cure(&step.cure), cure(&step.cure_zh)),
        )
    };
    bad.iter().map(wrong).collect()
}

/// Whether the server said it takes certificates of this issuer.
fn issuer(chain: &[CertificateDer<'static>], authorities: &[String]) -> Finding {
    let infos = chain
        .iter()
        .filter_map(|der| inspect::certificate(der).ok());
    let issuers: Vec<_> = infos.map(|info| info.issuer).collect();
    let last = escape(issuers.last().map_or("", String::as_str));
    if authorities.is_empty() || issuers.iter().any(|issuer| authorities.contains(issuer)) {
        return Finding::ok(
            Check::OwnIssuer,
            format!("{last}: one the server takes"),
            format!("{last}：服务器接受的签发者"),
        );
    }
    let names: Vec<_> = authorities.iter().map(|name| escape(name)).collect();
    let names = names.join("; ");
    Finding::wrong(
        Check::OwnIssuer,
        Kind::OwnCertificate,
        both(
            format!("{last}, and the server takes only certificates of {names} (RFC 8446 §4.2.4)"),
            format!("{last}，而服务器只接受 {names} 签发的证书（RFC 8446 §4.2.4）"),
        ),
        both(
            "have one issued by that CA: there, `sealpost pki issue client USER`",
            "请由该 CA 签发：在 CA 所在处运行 `sealpost pki issue client USER`",
        ),
    )
}
