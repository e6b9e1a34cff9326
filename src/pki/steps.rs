//! The steps of [`verify`](super::verify::verify), each a function of the path that was found.

use std::net::IpAddr;

use time::OffsetDateTime;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _};

use super::inspect::{self, CertificateInfo};
use super::profile::Role;
use super::request::RSA_BITS_MIN;
use super::verify::{Against, Check, Link, Outcome, Path, Step};
use crate::error::Result;
use crate::text;

pub(super) fn dates(path: &Path, now: OffsetDateTime) -> Step {
    for link in &path.links {
        let CertificateInfo {
            subject,
            not_before,
            not_after,
            ..
        } = &link.info;
        let rule = "RFC 5280 §4.1.2.5";
        if now > *not_after {
            let says = format!("{subject} expired at {}", text::time(*not_after));
            return failed(
                Check::Dates,
                says,
                rule,
                "renew it: `sealpost pki renew FILE`",
            );
        }
        if now < *not_before {
            let says = format!("{subject} is not valid before {}", text::time(*not_before));
            let cure = "set the clock of this machine, or wait";
            return failed(Check::Dates, says, rule, cure);
        }
    }
    let ends = path.links.iter().map(|link| link.info.not_after);
    let until = ends.min().unwrap_or(now);
    let days = (until - now).whole_days();
    passed(
        Check::Dates,
        format!(
            "valid now, and for {days} more days, until {}",
            text::time(until)
        ),
    )
}

pub(super) fn issuer(path: &Path) -> Step {
    let last = &path.links[path.links.len() - 1].info;
    if path.is_anchored {
        let names: Vec<_> = path
            .links
            .iter()
            .map(|link| link.info.subject.as_str())
            .collect();
        return passed(
            Check::Issuer,
            format!("leads to a trusted CA: {}", names.join(" ← ")),
        );
    }
    let (says, cure) = if last.is_self_issued() && path.links.len() == 1 {
        (
            format!(
                "{} signed itself, and is not among the trusted CAs",
                last.subject
            ),
            "have a CA issue it: `sealpost pki reissue FILE`; or trust this very one with `--cacert FILE`",
        )
    } else {
        (
            format!("the issuer {} is not among the trusted CAs", last.issuer),
            "give the CA that issued it with `--ca FILE`; an intermediate CA belongs into the certificate's own file, after it",
        )
    };
    failed(Check::Issuer, says, "RFC 5280 §6.1", cure)
}

pub(super) fn signature(path: &Path) -> Result<Step> {
    let mut is_too_weak = false;
    for pair in path.links.windows(2) {
        let [child, parent] = pair else { continue };
        if weak_key(&parent.info).is_some() || weak_digest(&child.info).is_some() {
            is_too_weak = true;
        } else if !inspect::is_signed_by(&child.der, &parent.der)? {
            let says = format!(
                "{} was not signed by the key of this {}",
                child.info.subject, parent.info.subject
            );
            let cure = "two CAs have this name: take the ca.crt that was there when it was issued";
            return Ok(failed(
                Check::Signature,
                says,
                "RFC 5280 §6.1.3 (a)(1)",
                cure,
            ));
        }
    }
    if is_too_weak {
        return Ok(skipped(
            Check::Signature,
            "too weak to be worth checking: see the digest",
        ));
    }
    if path.links.len() == 1 && !path.is_anchored {
        return Ok(skipped(Check::Signature, "no issuer to check it with"));
    }
    let algorithm = &path.links[0].info.signature_algorithm;
    Ok(passed(
        Check::Signature,
        format!("made by the issuer's key ({algorithm})"),
    ))
}

pub(super) fn digest(path: &Path) -> Step {
    for (place, link) in path.links.iter().enumerate() {
        // Nobody relies on a root's signature of itself.
        let is_root = place + 1 == path.links.len() && path.is_anchored && place > 0;
        if let Some(weak) = weak_digest(&link.info).filter(|_| !is_root) {
            let says = format!(
                "{} is signed with {weak}, which can be forged",
                link.info.subject
            );
            let cure =
                "issue it again: `sealpost pki reissue FILE`, or `openssl x509 -req -sha256 …`";
            return failed(Check::Digest, says, "RFC 9155 §2, RFC 8446 §4.2.3", cure);
        }
        if let Some(bits) = weak_key(&link.info) {
            let says = format!("the key of {} is RSA of {bits} bits", link.info.subject);
            let cure = "make a new key: `sealpost pki reissue FILE`, or `openssl genrsa -out NEW.key 2048`";
            return failed(
                Check::Digest,
                says,
                "NIST SP 800-131A §3: at least 2048",
                cure,
            );
        }
    }
    let leaf = &path.links[0].info;
    let key = match leaf.key_algorithm.as_str() {
        "RSA" => format!("RSA of {} bits", leaf.key_bits),
        other => other.to_owned(),
    };
    passed(
        Check::Digest,
        format!("{} and {key} are strong", leaf.signature_algorithm),
    )
}

pub(super) fn form(path: &Path) -> Step {
    let leaf = &path.links[0].info;
    if leaf.version != 3 {
        let says = format!(
            "{} is X.509 v{}, which has no names and no purpose",
            leaf.subject, leaf.version
        );
        let cure = "make a v3 one: `sealpost pki reissue FILE`; with openssl add `-extfile`";
        return failed(Check::Form, says, "RFC 5280 §4.1.2.1", cure);
    }
    if leaf.is_ca {
        let says = format!(
            "{} is a CA's certificate, not a server's or client's",
            leaf.subject
        );
        let cure = "issue one with it: `sealpost pki reissue FILE`; with `openssl req -x509` add `-addext basicConstraints=critical,CA:FALSE`";
        return failed(Check::Form, says, "RFC 5280 §4.2.1.9", cure);
    }
    for (below, link) in path.links.iter().skip(1).enumerate() {
        let info = &link.info;
        let is_anchor = path.is_anchored && below + 2 == path.links.len();
        let usage = &info.key_usage;
        let signs = usage.is_empty() || usage.iter().any(|usage| usage == "keyCertSign");
        let is_old_root = info.version == 1 && is_anchor;
        if !(info.is_ca && signs || is_old_root) {
            let says = format!("{} may not sign certificates", info.subject);
            let cure = "make a CA: `sealpost pki init`";
            return failed(Check::Form, says, "RFC 5280 §4.2.1.9, §4.2.1.3", cure);
        }
        if info.path_length.is_some_and(|most| below > most as usize) {
            let says = format!("too many CAs stand under {}", info.subject);
            let cure = "issue it from a CA nearer to the root";
            return failed(Check::Form, says, "RFC 5280 §4.2.1.9", cure);
        }
    }
    passed(Check::Form, "a v3 leaf under CAs")
}

pub(super) fn purpose(path: &Path, wanted: Option<Role>) -> Step {
    let leaf = &path.links[0].info;
    let says = if leaf.extended_key_usage.is_empty() {
        "any: the certificate does not say".to_owned()
    } else {
        leaf.extended_key_usage.join(" ")
    };
    let (word, role) = match wanted {
        Some(Role::Client) => ("clientAuth", "client"),
        Some(_) => ("serverAuth", "server"),
        None => {
            return skipped(
                Check::Purpose,
                format!("{says} (give --purpose server or client)"),
            );
        }
    };
    let mut purposes = leaf.extended_key_usage.iter();
    if !leaf.extended_key_usage.is_empty() && !purposes.any(|this| this == word || this == "any") {
        let says = format!("it is for {says}, not for a {role} ({word})");
        let cure = format!("issue one for a {role}: `sealpost pki issue {role} NAME`");
        return failed(Check::Purpose, says, "RFC 5280 §4.2.1.12", &cure);
    }
    let usage = &leaf.key_usage;
    if !usage.is_empty() && !usage.iter().any(|this| this == "digitalSignature") {
        let says = format!(
            "its key may not sign a handshake: it is for {}",
            usage.join(" ")
        );
        let cure = "issue it again: `sealpost pki reissue FILE`";
        return failed(
            Check::Purpose,
            says,
            "RFC 8446 §4.4.2.2, RFC 5280 §4.2.1.3",
            cure,
        );
    }
    passed(Check::Purpose, says)
}

pub(super) fn host(path: &Path, host: Option<&str>) -> Step {
    let Some(host) = host else {
        return skipped(Check::Host, "no name to compare (give --host NAME)");
    };
    let leaf = &path.links[0].info;
    if names_host(leaf, host) {
        return passed(Check::Host, format!("{host} is among its names"));
    }
    let addresses = leaf.ip_addresses.iter().map(ToString::to_string);
    let names: Vec<_> = leaf.dns_names.iter().cloned().chain(addresses).collect();
    let says = if names.is_empty() {
        let cn = leaf.common_names.first().map_or("", String::as_str);
        format!("it has no subject alternative name; its CN ({cn}) does not count")
    } else {
        format!("{host} is not among its names: {}", names.join(" "))
    };
    let cure = format!(
        "issue one for it: `sealpost pki issue server {host}`; or call the server by one of its names (`--servername`)"
    );
    failed(Check::Host, says, "RFC 9525 §6, RFC 5280 §4.2.1.6", &cure)
}

/// Whether a certificate names a host: an address only as an address, a `*` only for one whole label.
pub(super) fn names_host(info: &CertificateInfo, host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return info.ip_addresses.contains(&address);
    }
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    info.dns_names.iter().any(|name| {
        let name = name.to_ascii_lowercase();
        let under = name.strip_prefix("*.");
        let star = under.zip(host.split_once('.'));
        name == host || star.is_some_and(|(under, (_, rest))| under == rest)
    })
}

pub(super) fn revocation(path: &Path, against: &Against<'_>) -> Result<Step> {
    if against.lists.is_empty() {
        return Ok(skipped(
            Check::Revocation,
            "no revocation list (give --crlfile FILE)",
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
            "no issuer whose list could be asked",
        ));
    }
    Ok(passed(Check::Revocation, said.join("; ")))
}

/// What the issuer's list says of a certificate.
fn on_list(
    child: &Link,
    parent: &Link,
    against: &Against<'_>,
) -> Result<std::result::Result<String, Step>> {
    let fail =
        |says: String, rule, cure: &str| Ok(Err(failed(Check::Revocation, says, rule, cure)));
    let issuer = inspect::parse(&parent.der)?;
    let lists = against.lists.iter();
    let lists = lists.filter_map(|list| CertificateRevocationList::from_der(list).ok());
    let mut lists = lists.filter(|(_, list)| list.issuer().as_raw() == issuer.subject().as_raw());
    let Some((_, list)) = lists.next() else {
        let says = format!("no list of {}, so nobody knows", parent.info.subject);
        let cure = "give the list of that CA; `sealpost pki crl` writes it";
        return fail(says, "RFC 5280 §6.3.3", cure);
    };
    if list.verify_signature(issuer.public_key()).is_err() {
        let says = format!("the list was not signed by this {}", parent.info.subject);
        let cure = "fetch the list again from its CA, or write it: `sealpost pki crl`";
        return fail(says, "RFC 5280 §6.3.3 (g)", cure);
    }
    let mut revoked = list.iter_revoked_certificates();
    if let Some(entry) = revoked.find(|e| inspect::serial(e.raw_serial()) == child.info.serial) {
        let when = text::time(entry.revocation_date.to_datetime());
        let why = entry
            .reason_code()
            .map(|(_, code)| format!(", reason {code}"));
        let says = format!(
            "{} was revoked at {when}{}",
            child.info.subject,
            why.unwrap_or_default()
        );
        return fail(
            says,
            "RFC 5280 §5",
            "its owner needs a new one: `sealpost pki issue`",
        );
    }
    let until = list.next_update().map(|until| until.to_datetime());
    if let Some(until) = until.filter(|until| against.now > *until) {
        let says = format!(
            "the list of {} is out of date since {}",
            parent.info.subject,
            text::time(until)
        );
        return fail(
            says,
            "RFC 5280 §5.1.2.5",
            "write it anew: `sealpost pki crl`",
        );
    }
    let number = list
        .crl_number()
        .map(|number| format!(" {number}"))
        .unwrap_or_default();
    Ok(Ok(format!(
        "{} is not on list{number} of {}",
        child.info.subject, parent.info.subject
    )))
}

/// The digest of a signature that can be forged.
pub(super) fn weak_digest(info: &CertificateInfo) -> Option<&'static str> {
    let algorithm = info.signature_algorithm.to_ascii_lowercase();
    [("sha1", "SHA-1"), ("md5", "MD5")]
        .into_iter()
        .find(|(part, _)| algorithm.contains(part))
        .map(|(_, name)| name)
}

/// The bits of an RSA key that is too short.
pub(super) fn weak_key(info: &CertificateInfo) -> Option<usize> {
    (info.key_algorithm == "RSA" && info.key_bits < RSA_BITS_MIN).then_some(info.key_bits)
}

fn passed(check: Check, says: impl Into<String>) -> Step {
    Step {
        check,
        outcome: Outcome::Passed,
        says: says.into(),
        rule: None,
        cure: None,
    }
}

fn skipped(check: Check, says: impl Into<String>) -> Step {
    Step {
        outcome: Outcome::Skipped,
        ..passed(check, says)
    }
}

fn failed(check: Check, says: impl Into<String>, rule: &'static str, cure: &str) -> Step {
    Step {
        outcome: Outcome::Failed,
        rule: Some(rule),
        cure: Some(cure.to_owned()),
        ..passed(check, says)
    }
}
