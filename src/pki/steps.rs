//! The steps of [`verify`](super::verify::verify), each a function of the path that was found.

use std::net::IpAddr;

use super::inspect::{self, CertificateInfo};
use super::profile::Role;
use super::request::RSA_BITS_MIN;
use super::verify::{Check, Outcome, Path, Step};
use crate::error::Result;
use crate::lang::{Both, both};
use crate::text;
use time::OffsetDateTime;

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
            let at = text::time(*not_after);
            let says = both(
                format!("{subject} expired at {at}"),
                format!("{subject} 已于 {at} 过期"),
            );
            let cure = both(
                "renew it: `sealpost pki renew FILE`",
                "续期：`sealpost pki renew FILE`",
            );
            return failed(Check::Dates, says, rule, cure);
        }
        if now < *not_before {
            let from = text::time(*not_before);
            let says = both(
                format!("{subject} is not valid before {from}"),
                format!("{subject} 要到 {from} 才生效"),
            );
            let cure = both(
                "set the clock of this machine, or wait",
                "校准本机时钟，或等到那时",
            );
            return failed(Check::Dates, says, rule, cure);
        }
    }
    let ends = path.links.iter().map(|link| link.info.not_after);
    let until = ends.min().unwrap_or(now);
    let (days, until) = ((until - now).whole_days(), text::time(until));
    passed(
        Check::Dates,
        both(
            format!("valid now, and for {days} more days, until {until}"),
            format!("现在有效，还有 {days} 天，至 {until}"),
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
        let names = names.join(" ← ");
        return passed(
            Check::Issuer,
            both(
                format!("leads to a trusted CA: {names}"),
                format!("可追溯到受信任的 CA：{names}"),
            ),
        );
    }
    let (says, cure) = if last.is_self_issued() && path.links.len() == 1 {
        (
            both(
                format!(
                    "{} signed itself, and is not among the trusted CAs",
                    last.subject
                ),
                format!("{} 是自签名的，且不在受信任的 CA 之列", last.subject),
            ),
            both(
                "have a CA issue it: `sealpost pki reissue FILE`; or trust this very one with `--cacert FILE`",
                "请由 CA 签发：`sealpost pki reissue FILE`；或用 `--cacert FILE` 信任它本身",
            ),
        )
    } else {
        (
            both(
                format!("the issuer {} is not among the trusted CAs", last.issuer),
                format!("签发者 {} 不在受信任的 CA 之列", last.issuer),
            ),
            both(
                "give the CA that issued it with `--ca FILE`; an intermediate CA belongs into the certificate's own file, after it",
                "用 `--ca FILE` 指定签发它的 CA；中间 CA 应放在证书文件中、证书之后",
            ),
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
            let (child, parent) = (&child.info.subject, &parent.info.subject);
            let says = both(
                format!("{child} was not signed by the key of this {parent}"),
                format!("{child} 并非由这个 {parent} 的密钥签名"),
            );
            let cure = both(
                "two CAs have this name: take the ca.crt that was there when it was issued",
                "有两个 CA 同名：请使用签发时的那个 ca.crt",
            );
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
            both(
                "too weak to be worth checking: see the digest",
                "强度太低，不值得检查：见摘要一项",
            ),
        ));
    }
    if path.links.len() == 1 && !path.is_anchored {
        return Ok(skipped(
            Check::Signature,
            both("no issuer to check it with", "没有签发者可用来验证"),
        ));
    }
    let algorithm = &path.links[0].info.signature_algorithm;
    Ok(passed(
        Check::Signature,
        both(
            format!("made by the issuer's key ({algorithm})"),
            format!("由签发者的密钥签名（{algorithm}）"),
        ),
    ))
}

pub(super) fn digest(path: &Path) -> Step {
    for (place, link) in path.links.iter().enumerate() {
        // Nobody relies on a root's signature of itself.
        let is_root = place + 1 == path.links.len() && path.is_anchored && place > 0;
        if let Some(weak) = weak_digest(&link.info).filter(|_| !is_root) {
            let subject = &link.info.subject;
            let says = both(
                format!("{subject} is signed with {weak}, which can be forged"),
                format!("{subject} 用 {weak} 签名，可以被伪造"),
            );
            let cure = both(
                "issue it again: `sealpost pki reissue FILE`, or `openssl x509 -req -sha256 …`",
                "重新签发：`sealpost pki reissue FILE`，或 `openssl x509 -req -sha256 …`",
            );
            return failed(Check::Digest, says, "RFC 9155 §2, RFC 8446 §4.2.3", cure);
        }
        if let Some(bits) = weak_key(&link.info) {
            let subject = &link.info.subject;
            let says = both(
                format!("the key of {subject} is RSA of {bits} bits"),
                format!("{subject} 的密钥是 {bits} 位的 RSA"),
            );
            let cure = both(
                "make a new key: `sealpost pki reissue FILE`, or `openssl genrsa -out NEW.key 2048`",
                "生成新密钥：`sealpost pki reissue FILE`，或 `openssl genrsa -out NEW.key 2048`",
            );
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
        "RSA" => both(
            format!("RSA of {} bits", leaf.key_bits),
            format!("{} 位的 RSA", leaf.key_bits),
        ),
        other => both(other, other),
    };
    let algorithm = &leaf.signature_algorithm;
    passed(
        Check::Digest,
        both(
            format!("{algorithm} and {} are strong", key.en),
            format!("{algorithm} 和 {} 强度足够", key.zh),
        ),
    )
}

pub(super) fn form(path: &Path) -> Step {
    let leaf = &path.links[0].info;
    if leaf.version != 3 {
        let (subject, version) = (&leaf.subject, leaf.version);
        let says = both(
            format!("{subject} is X.509 v{version}, which has no names and no purpose"),
            format!("{subject} 是 X.509 v{version}，没有名称，也没有用途"),
        );
        let cure = both(
            "make a v3 one: `sealpost pki reissue FILE`; with openssl add `-extfile`",
            "制作 v3 证书：`sealpost pki reissue FILE`；用 openssl 时加上 `-extfile`",
        );
        return failed(Check::Form, says, "RFC 5280 §4.1.2.1", cure);
    }
    if leaf.is_ca {
        let subject = &leaf.subject;
        let says = both(
            format!("{subject} is a CA's certificate, not a server's or client's"),
            format!("{subject} 是 CA 的证书，不是服务器或客户端的"),
        );
        let cure = both(
            "issue one with it: `sealpost pki reissue FILE`; with `openssl req -x509` add `-addext basicConstraints=critical,CA:FALSE`",
            "用它签发一张：`sealpost pki reissue FILE`；用 `openssl req -x509` 时加上 `-addext basicConstraints=critical,CA:FALSE`",
        );
        return failed(Check::Form, says, "RFC 5280 §4.2.1.9", cure);
    }
    for (below, link) in path.links.iter().skip(1).enumerate() {
        let info = &link.info;
        let is_anchor = path.is_anchored && below + 2 == path.links.len();
        let usage = &info.key_usage;
        let signs = usage.is_empty() || usage.iter().any(|usage| usage == "keyCertSign");
        let is_old_root = info.version == 1 && is_anchor;
        if !(info.is_ca && signs || is_old_root) {
            let says = both(
                format!("{} may not sign certificates", info.subject),
                format!("{} 无权签发证书", info.subject),
            );
            let cure = both(
                "make a CA: `sealpost pki init`",
                "建立一个 CA：`sealpost pki init`",
            );
            return failed(Check::Form, says, "RFC 5280 §4.2.1.9, §4.2.1.3", cure);
        }
        if info.path_length.is_some_and(|most| below > most as usize) {
            let says = both(
                format!("too many CAs stand under {}", info.subject),
                format!("{} 之下的 CA 层级过多", info.subject),
            );
            let cure = both(
                "issue it from a CA nearer to the root",
                "由更靠近根的 CA 签发",
            );
            return failed(Check::Form, says, "RFC 5280 §4.2.1.9", cure);
        }
    }
    passed(
        Check::Form,
        both("a v3 leaf under CAs", "CA 之下的 v3 终端证书"),
    )
}

pub(super) fn purpose(path: &Path, wanted: Option<Role>) -> Step {
    let leaf = &path.links[0].info;
    let says = if leaf.extended_key_usage.is_empty() {
        both("any: the certificate does not say", "不限：证书没有写明")
    } else {
        let purposes = leaf.extended_key_usage.join(" ");
        both(purposes.as_str(), purposes.as_str())
    };
    let (word, role, role_zh) = match wanted {
        Some(Role::Client) => ("clientAuth", "client", "客户端"),
        Some(_) => ("serverAuth", "server", "服务器"),
        None => {
            return skipped(
                Check::Purpose,
                both(
                    format!("{} (give --purpose server or client)", says.en),
                    format!("{}（用 --purpose server 或 client 指定）", says.zh),
                ),
            );
        }
    };
    let mut purposes = leaf.extended_key_usage.iter();
    if !leaf.extended_key_usage.is_empty() && !purposes.any(|this| this == word || this == "any") {
        let says = both(
            format!("it is for {}, not for a {role} ({word})", says.en),
            format!("它用于 {}，不能用于{role_zh}（{word}）", says.zh),
        );
        let cure = both(
            format!("issue one for a {role}: `sealpost pki issue {role} NAME`"),
            format!("签发一张{role_zh}证书：`sealpost pki issue {role} NAME`"),
        );
        return failed(Check::Purpose, says, "RFC 5280 §4.2.1.12", cure);
    }
    let usage = &leaf.key_usage;
    if !usage.is_empty() && !usage.iter().any(|this| this == "digitalSignature") {
        let usage = usage.join(" ");
        let says = both(
            format!("its key may not sign a handshake: it is for {usage}"),
            format!("它的密钥不能用于握手签名：只用于 {usage}"),
        );
        let cure = both(
            "issue it again: `sealpost pki reissue FILE`",
            "重新签发：`sealpost pki reissue FILE`",
        );
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
        let says = both(
            "no name to compare (give --host NAME)",
            "没有可比对的名称（用 --host NAME 指定）",
        );
        return skipped(Check::Host, says);
    };
    let leaf = &path.links[0].info;
    if names_host(leaf, host) {
        return passed(
            Check::Host,
            both(
                format!("{host} is among its names"),
                format!("{host} 在它的名称之列"),
            ),
        );
    }
    let addresses = leaf.ip_addresses.iter().map(ToString::to_string);
    let names: Vec<_> = leaf.dns_names.iter().cloned().chain(addresses).collect();
    let says = if names.is_empty() {
        let cn = leaf.common_names.first().map_or("", String::as_str);
        both(
            format!("it has no subject alternative name; its CN ({cn}) does not count"),
            format!("它没有 subjectAltName；它的 CN（{cn}）不算数"),
        )
    } else {
        let names = names.join(" ");
        both(
            format!("{host} is not among its names: {names}"),
            format!("{host} 不在它的名称之列：{names}"),
        )
    };
    let cure = both(
        format!(
            "issue one for it: `sealpost pki issue server {host}`; or call the server by one of its names (`--servername`)"
        ),
        format!(
            "为它签发一张：`sealpost pki issue server {host}`；或改用证书上的名称（`--servername`）"
        ),
    );
    failed(Check::Host, says, "RFC 9525 §6, RFC 5280 §4.2.1.6", cure)
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

pub(super) fn passed(check: Check, says: Both) -> Step {
    Step {
        check,
        outcome: Outcome::Passed,
        says: says.en,
        says_zh: says.zh,
        rule: None,
        cure: None,
        cure_zh: None,
    }
}

pub(super) fn skipped(check: Check, says: Both) -> Step {
    Step {
        outcome: Outcome::Skipped,
        ..passed(check, says)
    }
}

pub(super) fn failed(check: Check, says: Both, rule: &'static str, cure: Both) -> Step {
    Step {
        outcome: Outcome::Failed,
        rule: Some(rule),
        cure: Some(cure.en),
        cure_zh: Some(cure.zh),
        ..passed(check, says)
    }
}
