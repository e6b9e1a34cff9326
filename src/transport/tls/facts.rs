//! What a handshake message says, for people, in both languages: names and values, escaped.

use super::hello::{ClientHello, ServerHello};
use super::messages::Message;
use crate::lang::Lang;
use crate::pki::inspect::CertificateInfo;
use crate::text::{escape, hex, time};

/// One thing a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is about; empty for a sentence that stands by itself.
    pub name: &'static str,
    /// What is said of it; safe for a terminal.
    pub value: String,
}

impl Fact {
    fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self {
            name,
            value: value.into(),
        }
    }

    fn sentence(value: impl Into<String>) -> Self {
        Self::new("", value)
    }
}

/// All that a message says; more of a hello than the story of a handshake needs.
pub fn of(message: &Message, lang: Lang) -> Vec<Fact> {
    match message {
        Message::ClientHello(hello) => {
            let mut facts = client_hello(hello, lang);
            facts.push(schemes(&hello.schemes, lang));
            facts.push(Fact::new(lang.pick("random", "随机数"), hex(&hello.random)));
            facts.push(extensions(&hello.extensions, lang));
            facts
        }
        Message::HelloRetryRequest { group, .. } => retry(group.as_deref(), lang),
        Message::ServerHello(hello) => {
            let mut facts = server_hello(hello, lang);
            if let Some(bytes) = hello.key_share_bytes {
                let unit = lang.pick("bytes", "字节");
                let name = lang.pick("key share", "密钥份额");
                facts.push(Fact::new(name, format!("{bytes} {unit}")));
            }
            facts.push(Fact::new(lang.pick("random", "随机数"), hex(&hello.random)));
            facts.push(extensions(&hello.extensions, lang));
            facts
        }
        Message::EncryptedExtensions { alpn: chosen, .. } => vec![alpn(chosen.as_deref(), lang)],
        Message::Certificate { chain: shown, .. } => chain(shown, lang),
        Message::ServerKeyExchange {
            group,
            public_bytes,
            scheme,
        } => {
            let unit = lang.pick("bytes", "字节");
            vec![
                Fact::new(
                    lang.pick("group", "密钥交换组"),
                    format!("{group} ({public_bytes} {unit})"),
                ),
                signed(scheme, lang),
            ]
        }
        Message::CertificateRequest {
            authorities,
            schemes,
        } => request(authorities, schemes, lang),
        Message::CertificateVerify { scheme } => vec![signed(scheme, lang)],
        Message::NewSessionTicket { lifetime_s } => vec![ticket(*lifetime_s, lang)],
        Message::KeyUpdate { requested: true } => vec![Fact::sentence(
            lang.pick("the other side is asked to do the same", "并请对方也更新"),
        )],
        _ => Vec::new(),
    }
}

/// The client's offer.
pub fn client_hello(hello: &ClientHello, lang: Lang) -> Vec<Fact> {
    let mut facts = vec![
        Fact::new(lang.pick("versions", "版本"), hello.versions.join(", ")),
        Fact::new(
            lang.pick("cipher suites", "密码套件"),
            hello.ciphers.join(" "),
        ),
        list(lang.pick("groups", "密钥交换组"), &hello.groups, " ", lang),
    ];
    let unit = lang.pick("bytes", "字节");
    let shares = hello.key_shares.iter();
    let shares: Vec<_> = shares
        .map(|(group, n)| format!("{group} ({n} {unit})"))
        .collect();
    if !shares.is_empty() {
        let name = lang.pick("key shares", "密钥份额");
        facts.push(Fact::new(name, shares.join(", ")));
    }
    let name = hello.server_name.as_deref().map(escape);
    let name = match (name, lang) {
        (Some(name), Lang::English) => format!("{name} (anyone on the way reads it)"),
        (Some(name), Lang::Chinese) => format!("{name}（途中任何人都能看到）"),
        (None, Lang::English) => "none: the server is called by its address".to_owned(),
        (None, Lang::Chinese) => "无：以 IP 地址称呼服务器".to_owned(),
    };
    let sni = lang.pick("server name (SNI)", "服务器名（SNI）");
    facts.push(Fact::new(sni, name));
    facts.push(list("ALPN", &hello.alpn, " ", lang));
    if let Some(how) = hello.resumes_by {
        let name = lang.pick("offers to resume", "请求恢复会话");
        facts.push(Fact::new(name, how));
    }
    facts
}

/// What the server wants instead.
pub fn retry(group: Option<&str>, lang: Lang) -> Vec<Fact> {
    let group = group.unwrap_or("?");
    vec![Fact::sentence(match lang {
        Lang::English => format!("begin again, with a key share of {group}: one more round trip"),
        Lang::Chinese => format!("请改用 {group} 的密钥份额重新开始：多一次往返"),
    })]
}

/// The server's choice.
pub fn server_hello(hello: &ServerHello, lang: Lang) -> Vec<Fact> {
    let mut facts = vec![
        Fact::new(
            lang.pick("version chosen", "选定版本"),
            hello.version.as_str(),
        ),
        Fact::new(
            lang.pick("cipher chosen", "选定密码套件"),
            hello.cipher.as_str(),
        ),
    ];
    if let Some(group) = &hello.group {
        let name = lang.pick("group chosen", "选定密钥交换组");
        facts.push(Fact::new(name, group.as_str()));
    }
    if !hello.is_13() {
        facts.push(alpn(hello.alpn.as_deref(), lang));
    }
    if hello.resumed {
        facts.push(Fact::sentence(lang.pick(
            "an earlier session goes on: no certificate is shown or checked again",
            "恢复先前的会话：不再出示、也不再检查证书",
        )));
    }
    facts
}

/// The application protocol chosen.
pub fn alpn(alpn: Option<&str>, lang: Lang) -> Fact {
    let none = lang.pick("none", "无");
    Fact::new("ALPN", alpn.map_or_else(|| none.to_owned(), escape))
}

/// A request for a certificate.
pub fn request(authorities: &[String], accepted: &[String], lang: Lang) -> Vec<Fact> {
    let all: Vec<_> = authorities.iter().map(|name| escape(name)).collect();
    let all = match all.is_empty() {
        true => lang.pick("any", "不限").to_owned(),
        false => all.join("; "),
    };
    vec![
        Fact::new(lang.pick("of these CAs", "可接受的 CA"), all),
        schemes(accepted, lang),
    ]
}

/// A ticket.
pub fn ticket(lifetime_s: u32, lang: Lang) -> Fact {
    Fact::sentence(match lang {
        Lang::English => format!("shortens a later handshake, for {lifetime_s} s"),
        Lang::Chinese => format!("可用于缩短之后的握手，{lifetime_s} 秒内有效"),
    })
}

/// A chain of certificates.
pub fn chain(chain: &[CertificateInfo], lang: Lang) -> Vec<Fact> {
    let mut facts = Vec::new();
    if chain.is_empty() {
        facts.push(Fact::sentence(
            lang.pick("empty: no certificate", "空：没有证书"),
        ));
    }
    for (place, info) in chain.iter().enumerate() {
        let number = format!("{}. ", place + 1);
        facts.push(Fact::sentence(format!("{number}{}", escape(&info.subject))));
        let names = info.dns_names.iter().map(|name| escape(name));
        let names = names.chain(info.ip_addresses.iter().map(ToString::to_string));
        let names: Vec<_> = names.collect();
        let issuer = lang.pick("   issuer", "   签发者");
        facts.push(Fact::new(issuer, escape(&info.issuer)));
        let dates = format!("{} … {}", time(info.not_before), time(info.not_after));
        facts.push(Fact::new(lang.pick("   dates", "   有效期"), dates));
        if !names.is_empty() {
            let name = lang.pick("   names", "   名称");
            facts.push(Fact::new(name, names.join(" ")));
        }
        let key = match info.key_algorithm.as_str() {
            "RSA" => format!("RSA {}", info.key_bits),
            other => other.to_owned(),
        };
        let key = format!("{key}, {}", info.signature_algorithm);
        let name = lang.pick("   key, signature", "   密钥、签名");
        facts.push(Fact::new(name, key));
        let name = lang.pick("   SHA-256", "   SHA-256 指纹");
        facts.push(Fact::new(name, info.fingerprint.as_str()));
    }
    facts
}

fn signed(scheme: &str, lang: Lang) -> Fact {
    Fact::new(lang.pick("signed with", "签名算法"), scheme)
}

fn schemes(schemes: &[String], lang: Lang) -> Fact {
    list(lang.pick("signatures", "签名算法"), schemes, ", ", lang)
}

fn extensions(extensions: &[String], lang: Lang) -> Fact {
    list(lang.pick("extensions", "扩展"), extensions, ", ", lang)
}

/// Several of a kind, or that there is none.
fn list(name: &'static str, all: &[String], between: &str, lang: Lang) -> Fact {
    match all.is_empty() {
        true => Fact::new(name, lang.pick("none", "无")),
        false => Fact::new(name, escape(&all.join(between))),
    }
}
