//! The last step of [`verify`](super::verify::verify): whether the CAs still stand by what they signed.

use x509_parser::prelude::{CertificateRevocationList, FromDer as _};

use super::steps::{failed, passed, skipped};
use super::verify::{Against, Check, Link, Path, Step};
use super::{inspect, lists};
use crate::error::Result;
use crate::lang::{Both, both};
use crate::text;

pub(super) fn revocation(path: &Path, against: &Against<'_>) -> Result<Step> {
    if against.lists.is_empty() {
        return Ok(skipped(
            Check::Revocation,
            both(
                "no revocation list (give --crlfile FILE)",
                "没有吊销列表（用 --crlfile FILE 指定）",
            ),
        ));
    }
    let mut said = Vec::new();
    for pair in path.links.windows(2) {
        let [child, parent] = pair else { continue };
        match on_list(child, parent, against)? {
            Ok(says) => said.push(says),
            Err(step) => return Ok(step),
        }
    }
    if said.is_empty() {
        return Ok(skipped(
            Check::Revocation,
            both(
                "no issuer whose list could be asked",
                "没有可查询其列表的签发者",
            ),
        ));
    }
    let (en, zh): (Vec<_>, Vec<_>) = said.into_iter().map(|says| (says.en, says.zh)).unzip();
    Ok(passed(
        Check::Revocation,
        both(en.join("; "), zh.join("；")),
    ))
}

/// What the issuer's list says of a certificate.
fn on_list(
    child: &Link,
    parent: &Link,
    against: &Against<'_>,
) -> Result<std::result::Result<Both, Step>> {
    let fail = |says: Both, rule, cure: Both| Ok(Err(failed(Check::Revocation, says, rule, cure)));
    let (subject, ca) = (&child.info.subject, &parent.info.subject);
    let issuer = inspect::parse(&parent.der)?;
    let lists = against.lists.iter();
    let lists = lists.filter_map(|list| CertificateRevocationList::from_der(list).ok());
    let mut lists = lists.filter(|(_, list)| list.issuer().as_raw() == issuer.subject().as_raw());
    let Some((_, list)) = lists.next() else {
        let says = both(
            format!("no list of {ca}, so nobody knows"),
            format!("没有 {ca} 的列表，无从得知"),
        );
        let cure = both(
            "give the list of that CA; `sealpost pki crl` writes it",
            "请指定该 CA 的列表；`sealpost pki crl` 可生成",
        );
        return fail(says, "RFC 5280 §6.3.3", cure);
    };
    if list.verify_signature(issuer.public_key()).is_err() {
        let says = both(
            format!("the list was not signed by this {ca}"),
            format!("列表并非由这个 {ca} 签名"),
        );
        let cure = both(
            "fetch the list again from its CA, or write it: `sealpost pki crl`",
            "重新从该 CA 获取，或重新生成：`sealpost pki crl`",
        );
        return fail(says, "RFC 5280 §6.3.3 (g)", cure);
    }
    let mut revoked = list.iter_revoked_certificates();
    if let Some(entry) = revoked.find(|e| inspect::serial(e.raw_serial()) == child.info.serial) {
        let when = text::time(entry.revocation_date.to_datetime());
        let why = entry
            .reason_code()
            .map(|(_, code)| lists::reason(code))
            .map(|reason| both(format!(", reason {reason}"), format!("，原因 {reason}")));
        let why = why.unwrap_or_else(|| both("", ""));
        let says = both(
            format!("{subject} was revoked at {when}{}", why.en),
            format!("{subject} 已于 {when} 被吊销{}", why.zh),
        );
        let cure = both(
            "its owner needs a new one: `sealpost pki issue`",
            "持有者需要新的证书：`sealpost pki issue`",
        );
        return fail(says, "RFC 5280 §5", cure);
    }
    let until = list.next_update().map(|until| until.to_datetime());
    if let Some(until) = until.filter(|until| against.now > *until) {
        let until = text::time(until);
        let says = both(
            format!("the list of {ca} is out of date since {until}"),
            format!("{ca} 的列表自 {until} 起已过期"),
        );
        let cure = both(
            "write it anew: `sealpost pki crl`",
            "重新生成：`sealpost pki crl`",
        );
        return fail(says, "RFC 5280 §5.1.2.5", cure);
    }
    let number = list
        .crl_number()
        .map(|number| format!(" {number}"))
        .unwrap_or_default();
    Ok(Ok(both(
        format!("{subject} is not on list{number} of {ca}"),
        format!("{subject} 不在 {ca} 的列表{number} 上"),
    )))
}
