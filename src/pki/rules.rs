//! The table of [`lint`](super::lint::lint): every rule with its weight, its source and its cure.

use super::lint::{Rule, Weight};
use super::order::user_name;
use super::profile::Role;
use super::steps::{names_host, weak_digest, weak_key};
use crate::text;

/// What holds for every certificate.
pub(super) const COMMON_RULES: &[Rule] = &[
    Rule {
        name: "expired",
        weight: Weight::Refused,
        source: "RFC 5280 §4.1.2.5",
        cure: "`sealpost pki renew FILE`",
        find: |look| {
            let until = look.info.not_after;
            (look.now > until).then(|| format!("expired at {}", text::time(until)))
        },
    },
    Rule {
        name: "not-yet-valid",
        weight: Weight::Refused,
        source: "RFC 5280 §4.1.2.5",
        cure: "set the clock of this machine, or issue it again",
        find: |look| {
            let from = look.info.not_before;
            (look.now < from).then(|| format!("not valid before {}", text::time(from)))
        },
    },
    Rule {
        name: "key-mismatch",
        weight: Weight::Refused,
        source: "RFC 8446 §4.4.3",
        cure: "take the key it was issued for, or make a new pair: `sealpost pki reissue FILE`",
        find: |look| {
            let key = look.public_key?;
            (look.certificate.public_key().raw != key)
                .then(|| "the private key belongs to another certificate".to_owned())
        },
    },
    Rule {
        name: "serial",
        weight: Weight::Strict,
        source: "RFC 5280 §4.1.2.2",
        cure: "`sealpost pki reissue FILE`",
        find: |look| {
            let raw = look.certificate.raw_serial();
            let is_negative = raw.first().is_some_and(|first| first & 0x80 != 0);
            let is_zero = raw.iter().all(|byte| *byte == 0);
            (is_negative || is_zero || raw.len() > 20)
                .then(|| "its serial number is not positive, or longer than 20 bytes".to_owned())
        },
    },
];

/// What holds for a server's and a client's.
pub(super) const LEAF_RULES: &[Rule] = &[
    Rule {
        name: "rsa-short",
        weight: Weight::Refused,
        source: "NIST SP 800-131A §3",
        cure: "make a new key of 2048 bits or more: `sealpost pki reissue FILE`, or `openssl genrsa -out NEW.key 2048`",
        find: |look| {
            weak_key(&look.info).map(|bits| format!("its RSA key has {bits} bits, less than 2048"))
        },
    },
    Rule {
        name: "v1",
        weight: Weight::Refused,
        source: "RFC 5280 §4.1.2.1",
        cure: "`sealpost pki reissue FILE`; or give `openssl x509 -req` an `-extfile` with the extensions",
        find: |look| {
            (look.info.version != 3).then(|| {
                format!(
                    "it is X.509 v{}: no names, no purpose, nothing to restrict it",
                    look.info.version
                )
            })
        },
    },
    Rule {
        name: "weak-digest",
        weight: Weight::Refused,
        source: "RFC 9155 §2, RFC 8446 §4.2.3",
        cure: "`sealpost pki reissue FILE`; or sign it again with `openssl x509 -req -sha256`",
        find: |look| {
            weak_digest(&look.info)
                .map(|name| format!("it is signed with {name}, which can be forged"))
        },
    },
    Rule {
        name: "no-san",
        weight: Weight::Refused,
        source: "RFC 9525 §6.3, RFC 5280 §4.2.1.6",
        cure: "`sealpost pki reissue FILE`; or add `subjectAltName = DNS:localhost,IP:127.0.0.1` to the extensions",
        find: |look| {
            let info = &look.info;
            let names_nobody = info.dns_names.is_empty() && info.ip_addresses.is_empty();
            let cn = info.common_names.first().map_or("none", String::as_str);
            (look.role == Role::Server && names_nobody).then(|| {
                format!("it has no subject alternative name; its CN ({cn}) does not count")
            })
        },
    },
    Rule {
        name: "ca-as-leaf",
        weight: Weight::Refused,
        source: "RFC 5280 §4.2.1.9",
        cure: "`sealpost pki reissue FILE`; or add `-addext basicConstraints=critical,CA:FALSE` to `openssl req -x509`",
        find: |look| {
            look.info
                .is_ca
                .then(|| "it is a CA's certificate, used as a leaf".to_owned())
        },
    },
    Rule {
        name: "wrong-purpose",
        weight: Weight::Refused,
        source: "RFC 5280 §4.2.1.12",
        cure: "`sealpost pki reissue FILE --role server`, or `--role client`",
        find: |look| {
            let word = if look.role == Role::Client {
                "clientAuth"
            } else {
                "serverAuth"
            };
            let all = &look.info.extended_key_usage;
            let has = all.is_empty() || all.iter().any(|this| this == word || this == "any");
            (!has).then(|| format!("it is for {}, not for {word}", all.join(" ")))
        },
    },
    Rule {
        name: "key-usage",
        weight: Weight::Refused,
        source: "RFC 8446 §4.4.2.2",
        cure: "`sealpost pki reissue FILE`; or add `keyUsage = critical,digitalSignature`",
        find: |look| {
            let all = &look.info.key_usage;
            let has = all.is_empty() || all.iter().any(|this| this == "digitalSignature");
            (!has).then(|| {
                format!(
                    "its key may not sign a handshake: it is for {}",
                    all.join(" ")
                )
            })
        },
    },
    Rule {
        name: "self-signed",
        weight: Weight::Refused,
        source: "RFC 5280 §6.1",
        cure: "have a CA issue it: `sealpost pki reissue FILE`",
        find: |look| {
            look.info
                .is_self_issued()
                .then(|| "it signed itself: nobody who does not know it trusts it".to_owned())
        },
    },
    Rule {
        name: "address-as-name",
        weight: Weight::Refused,
        source: "RFC 5280 §4.2.1.6",
        cure: "write it as IP:…, not DNS:…; `sealpost pki reissue FILE` does",
        find: |look| {
            let mut names = look.info.dns_names.iter();
            let is_address = |name: &&String| name.parse::<std::net::IpAddr>().is_ok();
            names
                .find(is_address)
                .map(|name| format!("the address {name} is written as a host name"))
        },
    },
    Rule {
        name: "identity",
        weight: Weight::Refused,
        source: "RFC 9525 §6.3",
        cure: "`sealpost pki issue client USER`",
        find: |look| {
            let is_client = look.role == Role::Client;
            let names = &look.info.common_names;
            let is_clear = names.len() == 1 && !names[0].chars().any(char::is_control);
            (is_client && !is_clear)
                .then(|| "it does not name exactly one user as its CN".to_owned())
        },
    },
    Rule {
        name: "no-aki",
        weight: Weight::Strict,
        source: "RFC 5280 §4.2.1.1",
        cure: "`sealpost pki reissue FILE`; or add `authorityKeyIdentifier = keyid`",
        find: |look| {
            let lacks = look.info.version == 3 && look.info.authority_key_id.is_none();
            (lacks && !look.info.is_self_issued())
                .then(|| "it has no authority key identifier, which Python 3.13 wants".to_owned())
        },
    },
    Rule {
        name: "no-purpose",
        weight: Weight::Advice,
        source: "RFC 5280 §4.2.1.12",
        cure: "`sealpost pki reissue FILE`; or add `extendedKeyUsage = serverAuth`",
        find: |look| {
            (look.info.version == 3 && look.info.extended_key_usage.is_empty()).then(|| {
                "it does not say what it is for, so a client's could pass as a server's".to_owned()
            })
        },
    },
    Rule {
        name: "cn-only",
        weight: Weight::Advice,
        source: "RFC 9525 §6.3",
        cure: "`sealpost pki reissue FILE` puts the CN among the names",
        find: |look| {
            let info = &look.info;
            let cn = info.common_names.first()?;
            let looks_like_host = cn.contains('.') || cn == "localhost";
            let is_named = names_host(info, cn)
                || info
                    .dns_names
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(cn));
            let has_names = !info.dns_names.is_empty() || !info.ip_addresses.is_empty();
            (look.role == Role::Server && looks_like_host && has_names && !is_named)
                .then(|| format!("its CN {cn} is not among its names, and counts for nobody"))
        },
    },
    Rule {
        name: "user-name",
        weight: Weight::Advice,
        source: "PROTOCOL: user names",
        cure: "`sealpost pki issue client USER` with the name the user logs in with",
        find: |look| {
            let cn = look.info.common_names.first()?;
            (look.role == Role::Client && user_name(cn).is_err())
                .then(|| format!("its CN {cn} cannot be a user name here"))
        },
    },
    Rule {
        name: "too-long",
        weight: Weight::Advice,
        source: "CA/Browser Forum BR §6.3.2",
        cure: "issue it again with `--days 397`; with openssl `-days 397`",
        find: |look| {
            let days = (look.info.not_after - look.info.not_before).whole_days();
            (days > LEAF_DAYS_MAX).then(|| {
                format!("it is valid for {days} days; browsers take {LEAF_DAYS_MAX} at most")
            })
        },
    },
];

/// What holds for a CA's.
pub(super) const CA_RULES: &[Rule] = &[
    Rule {
        name: "rsa-short",
        weight: Weight::Refused,
        source: "NIST SP 800-131A §3",
        cure: "make a CA with another key: `sealpost pki init`; or `openssl genrsa -out ca.key 2048`, and sign everything again",
        find: |look| {
            weak_key(&look.info).map(|bits| format!("its RSA key has {bits} bits, less than 2048"))
        },
    },
    Rule {
        name: "ca-cannot-sign",
        weight: Weight::Refused,
        source: "RFC 5280 §4.2.1.9, §4.2.1.3",
        cure: "`sealpost pki init` makes a CA; or add `basicConstraints = critical,CA:TRUE` and `keyUsage = critical,keyCertSign,cRLSign`",
        find: |look| {
            let usage = &look.info.key_usage;
            let signs = usage.is_empty() || usage.iter().any(|this| this == "keyCertSign");
            let is_ca = look.info.version == 1 || look.info.is_ca;
            (!is_ca || !signs).then(|| "it may not sign certificates".to_owned())
        },
    },
    Rule {
        name: "ca-v1",
        weight: Weight::Strict,
        source: "RFC 5280 §4.2.1.9",
        cure: "`sealpost pki init`; or `openssl req -x509 -new -key ca.key -out ca.crt`, which makes a v3 one",
        find: |look| {
            (look.info.version == 1)
                .then(|| "it is X.509 v1, and cannot say that it is a CA".to_owned())
        },
    },
    Rule {
        name: "ca-not-critical",
        weight: Weight::Strict,
        source: "RFC 5280 §4.2.1.9",
        cure: "`sealpost pki init`; or write `basicConstraints = critical,CA:TRUE`",
        find: |look| {
            let constraints = look.certificate.basic_constraints().ok()??;
            (!constraints.critical)
                .then(|| "its basic constraints are not marked critical".to_owned())
        },
    },
    Rule {
        name: "ca-no-key-usage",
        weight: Weight::Strict,
        source: "RFC 5280 §4.2.1.3",
        cure: "`sealpost pki init`; or add `keyUsage = critical,keyCertSign,cRLSign`",
        find: |look| {
            (look.info.version == 3 && look.info.key_usage.is_empty())
                .then(|| "it does not say what its key may do".to_owned())
        },
    },
    Rule {
        name: "ca-no-ski",
        weight: Weight::Strict,
        source: "RFC 5280 §4.2.1.2",
        cure: "`sealpost pki init`; or add `subjectKeyIdentifier = hash`",
        find: |look| {
            (look.info.version == 3 && look.info.subject_key_id.is_none())
                .then(|| "it has no subject key identifier".to_owned())
        },
    },
    Rule {
        name: "ca-no-crl",
        weight: Weight::Advice,
        source: "RFC 5280 §4.2.1.3",
        cure: "`sealpost pki init`; or add cRLSign to the key usage",
        find: |look| {
            let usage = &look.info.key_usage;
            (!usage.is_empty() && !usage.iter().any(|this| this == "cRLSign")).then(|| {
                "it may not sign revocation lists, so nothing it issues can be revoked".to_owned()
            })
        },
    },
];

/// Days a server's certificate may be valid for browsers to take it.
const LEAF_DAYS_MAX: i64 = 398;
