//! What the connection says, told.

use std::net::SocketAddr;

use super::language::Language;
use super::visit::Seen;
use super::{Check, Finding};
use crate::error::Kind;
use crate::lang::both;
use crate::protocol::Secure;
use crate::text::escape;
use crate::transport::{ClientTls, Story, TlsVersion, What};

pub(super) fn resolved(host: &str, all: &[SocketAddr]) -> Finding {
    if all.is_empty() {
        return Finding::wrong(
            Check::Resolve,
            Kind::Resolve,
            both(
                format!("the host {host} has no address"),
                format!("找不到主机 {host} 的地址"),
            ),
            both(
                format!("check the spelling, and `getent hosts {host}`"),
                format!("检查拼写，并运行 `getent hosts {host}`"),
            ),
        );
    }
    let all: Vec<_> = all.iter().map(|address| address.ip().to_string()).collect();
    Finding::ok(Check::Resolve, all.join(" "), all.join(" "))
}

pub(super) fn language(language: &Language, wants_tls: bool) -> Finding {
    let check = Check::Language;
    let elsewhere = both(
        "is it the right port? Sealpost's own is 9999; `sealpost serve` prints where it listens",
        "端口对吗？Sealpost 默认是 9999；`sealpost serve` 会打印监听地址",
    );
    let other = |name: &str, name_zh: &str| {
        let says = both(
            format!("{name} answers there, not Sealpost"),
            format!("那里应答的是{name_zh}，不是 Sealpost"),
        );
        Finding::wrong(check, Kind::Handshake, says, elsewhere.clone())
    };
    match (language, wants_tls) {
        (Language::Tls, true) => Finding::ok(check, "TLS", "TLS"),
        (Language::Plain, false) => Finding::warning(
            check,
            both(
                "Sealpost in plain TCP: anyone on the way reads everything, the password too",
                "明文 TCP 上的 Sealpost：途中任何人都能读到一切，包括口令",
            ),
            both(
                "serve with TLS (`sealpost serve`), and leave --plain out",
                "用 TLS 提供服务（`sealpost serve`），并去掉 --plain",
            ),
        ),
        (Language::Plain, true) => Finding::wrong(
            check,
            Kind::Handshake,
            both(
                "Sealpost answers there in plain TCP, without TLS",
                "那里的 Sealpost 只说明文 TCP，没有 TLS",
            ),
            both(
                "start it without --plain; or, if it is meant so, say --plain here: everything will be readable on the way",
                "启动时去掉 --plain；如果本意如此，请在这里加 --plain：途中一切都可读",
            ),
        ),
        (Language::Tls, false) => Finding::wrong(
            check,
            Kind::Handshake,
            both(
                "it speaks TLS, and --plain was said",
                "对方说 TLS，而这里用了 --plain",
            ),
            both("leave --plain out", "去掉 --plain"),
        ),
        (Language::Http, _) => other("a web server (HTTP)", "网页服务器（HTTP）"),
        (Language::Ssh(greeting), _) => other(
            &format!("an SSH server ({greeting})"),
            &format!(" SSH 服务器（{greeting}）"),
        ),
        (Language::Other(begins), _) => other(
            &format!("something that begins with {begins:?}"),
            &format!("以 {begins:?} 开头的程序"),
        ),
        (Language::Silent, _) => Finding::wrong(
            check,
            Kind::Handshake,
            both(
                "it takes connections and says nothing that could be understood",
                "它接受连接，但没有给出可以理解的应答",
            ),
            elsewhere,
        ),
    }
}

pub(super) fn versions(all: &[(TlsVersion, bool)], tls: &ClientTls, seen: &Seen) -> Finding {
    let name = |version: TlsVersion| match version {
        TlsVersion::V1_2 => "1.2",
        TlsVersion::V1_3 => "1.3",
    };
    let accepted = all.iter().filter(|(_, accepts)| *accepts);
    let accepted: Vec<TlsVersion> = accepted.map(|(version, _)| *version).collect();
    let names: Vec<_> = accepted.iter().map(|version| name(*version)).collect();
    let names = names.join(", ");
    let wanted = tls.policy.min..=tls.policy.max;
    if accepted.is_empty() {
        return match &seen.reply {
            Err(error) => Finding::of_error(Check::Versions, error),
            Ok(_) => Finding::skipped(Check::Versions, "not to be told", "无法得知"),
        };
    }
    if !accepted.iter().any(|version| wanted.contains(version)) {
        return Finding::wrong(
            Check::Versions,
            Kind::Cipher,
            both(
                format!(
                    "the server takes {names} only, and --tls-min/--tls-max here leave that out"
                ),
                format!("服务器只接受 {names}，而这里的 --tls-min/--tls-max 排除了它"),
            ),
            both(
                "widen --tls-min and --tls-max here, or there",
                "在这里或在服务器端放宽 --tls-min 和 --tls-max",
            ),
        );
    }
    if !accepted.contains(&TlsVersion::V1_3) {
        return Finding::warning(
            Check::Versions,
            both(
                format!("{names} only: certificates can be read on the way"),
                format!("只有 {names}：途中能读到证书"),
            ),
            both(
                "allow 1.3 there: `--tls-max 1.3`",
                "在服务器端允许 1.3：`--tls-max 1.3`",
            ),
        );
    }
    Finding::ok(Check::Versions, names.as_str(), names.as_str())
}

/// What the server chose when everything was offered.
pub(super) fn agreed(story: &Story) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(session) = &story.session {
        let group = session.group.as_str();
        findings.push(match group.contains("MLKEM") {
            true => Finding::ok(
                Check::Group,
                format!("{group}: safe from a quantum computer too"),
                format!("{group}：量子计算机也破解不了"),
            ),
            false => Finding::ok(Check::Group, group, group),
        });
    }
    let alpn = story.steps.iter().find_map(|step| match &step.what {
        What::EncryptedExtensions { alpn } => Some(alpn.clone()),
        What::ServerHello(hello) if hello.version == "TLS 1.2" => Some(hello.alpn.clone()),
        _ => None,
    });
    findings.extend(alpn.map(|alpn| match alpn {
        Some(alpn) => Finding::ok(Check::Alpn, escape(&alpn), escape(&alpn)),
        None => Finding::warning(
            Check::Alpn,
            both(
                "the server chose no application protocol: it may not be Sealpost (RFC 7301)",
                "服务器没有选择应用协议：它可能不是 Sealpost（RFC 7301）",
            ),
            both(
                "behind nginx say `ssl_alpn sealpost/1;`",
                "如果前面是 nginx，请写 `ssl_alpn sealpost/1;`",
            ),
        ),
    }));
    findings
}

/// What became of a connection without a certificate.
pub(super) fn client_auth(seen: &Seen, has_own: bool) -> Finding {
    let check = Check::ClientAuth;
    let asked = seen.find(|what| match what {
        What::CertificateRequest { authorities, .. } => Some(authorities.clone()),
        _ => None,
    });
    let Some(authorities) = asked else {
        return Finding::ok(
            check,
            "none: the server does not ask who a client is",
            "无：服务器不查验客户端身份",
        );
    };
    let names: Vec<_> = authorities.iter().map(|name| escape(name)).collect();
    let of = match names.join("; ") {
        names if names.is_empty() => both("", ""),
        names => both(format!(" of {names}"), format!("，签发者须为 {names}")),
    };
    let is_required =
        matches!(&seen.reply, Err(error) if error.kind() == Kind::ClientCertificateRequired);
    match (is_required, has_own) {
        (true, false) => Finding::wrong(
            check,
            Kind::ClientCertificateRequired,
            both(
                format!(
                    "required: a certificate{}, and there is none here to show",
                    of.en
                ),
                format!("必需：要出示证书{}，而这里没有", of.zh),
            ),
            both(
                "give --cert and --key; where the CA is, `sealpost pki issue client USER` makes them",
                "用 --cert 和 --key 指定；在 CA 所在处用 `sealpost pki issue client USER` 签发",
            ),
        ),
        (true, true) => Finding::ok(
            check,
            format!("required: a certificate{}", of.en),
            format!("必需：要出示证书{}", of.zh),
        ),
        (false, _) if seen.reply.is_ok() => Finding::ok(
            check,
            format!("optional: a certificate{}", of.en),
            format!("可选：可出示证书{}", of.zh),
        ),
        (false, _) => Finding::ok(
            check,
            format!("the server asks for a certificate{}", of.en),
            format!("服务器要求证书{}", of.zh),
        ),
    }
}

pub(super) fn also_plain(answers: bool) -> Finding {
    match answers {
        true => Finding::warning(
            Check::AlsoPlain,
            both(
                "the port takes plain TCP too: a client told --plain sends its password readably",
                "该端口也接受明文 TCP：使用 --plain 的客户端会以明文发送口令",
            ),
            both(
                "serve without --allow-plain, unless the comparison is what it is for",
                "除非为了对比，启动时不要用 --allow-plain",
            ),
        ),
        false => Finding::ok(Check::AlsoPlain, "no: TLS only", "否：只有 TLS"),
    }
}

/// The connection as the client itself makes it.
pub(super) fn hello(seen: &Seen) -> Finding {
    match &seen.reply {
        Err(error) => Finding::of_error(Check::Hello, error),
        Ok(hello) => {
            let secure = match hello.secure {
                Secure::Plain => both("plain", "明文"),
                Secure::Tls => both("TLS, the server proved", "TLS，服务器身份已证实"),
                Secure::Mtls => both(
                    "mutual TLS, both sides proved",
                    "双向 TLS，双方身份均已证实",
                ),
            };
            let who = hello
                .identity
                .as_deref()
                .map_or_else(String::new, |identity| format!(" ({})", escape(identity)));
            let (agent, id) = (escape(&hello.agent), escape(&hello.id));
            Finding::ok(
                Check::Hello,
                format!("connected: {}{who}; {agent}, connection {id}", secure.en),
                format!("连接成功：{}{who}；{agent}，连接编号 {id}", secure.zh),
            )
        }
    }
}
