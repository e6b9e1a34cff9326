//! A timeline's parts in words, for the terminal and the report alike.

use super::{Checks, Connection, ConnectionKind, Entry, Party, Said, SaidWhat, Secret, Seen, What};
use crate::lang::{Both, Lang, both};
use crate::text::escape;
use crate::transport::tls::facts::{self, Fact};
use crate::transport::tls::names;

/// What a connection is, in a few words.
pub fn title(connection: &Connection) -> Both {
    let agreed = &connection.agreed;
    match connection.kind {
        ConnectionKind::Tls => {}
        ConnectionKind::TlsMidstream => {
            return both("TLS, its handshake not captured", "TLS，未捕获到握手");
        }
        ConnectionKind::Plain => return both("plain TCP", "明文 TCP"),
        ConnectionKind::Other => return both("no TLS", "不是 TLS"),
        ConnectionKind::Silent => return both("silent", "无数据"),
    }
    let version = agreed.version.as_deref().unwrap_or("TLS");
    let (en, zh) = match (agreed.resumed, agreed.client_shown) {
        (true, _) => (", resumed", "，恢复会话"),
        (false, Some(true)) => (", mutual", "，双向认证"),
        (false, Some(false)) => (", one-way", "，单向认证"),
        (false, None) if agreed.client_asked == Some(false) => (", one-way", "，单向认证"),
        (false, None) => ("", ""),
    };
    both(format!("{version}{en}"), format!("{version}{zh}"))
}

/// What a message or other content is called.
pub fn name(said: &Said, lang: Lang) -> String {
    match &said.what {
        SaidWhat::Handshake { message, .. } => message.name(),
        SaidWhat::Part => lang.pick("part of a message", "消息的一部分").to_owned(),
        SaidWhat::ChangeCipherSpec => "ChangeCipherSpec".to_owned(),
        SaidWhat::Alert { name, .. } => format!("Alert {name}"),
        SaidWhat::Application {
            operations,
            file_bytes,
            ..
        } => {
            let data = lang.pick("application data", "应用数据");
            let words = operations.iter().map(|operation| operation.word.to_owned());
            let file = (*file_bytes > 0).then(|| match lang {
                Lang::English => format!("{file_bytes} bytes of a file"),
                Lang::Chinese => format!("{file_bytes} 字节的文件内容"),
            });
            let words: Vec<_> = words.chain(file).collect();
            match words.is_empty() {
                true => data.to_owned(),
                false => format!("{data}: {}", words.join(", ")),
            }
        }
        SaidWhat::Unreadable => lang.pick("not readable", "无法解读").to_owned(),
        SaidWhat::NotTls { .. } => lang.pick("not TLS", "不是 TLS").to_owned(),
    }
}

/// What it says, in names and values.
pub fn details(said: &Said, lang: Lang) -> Vec<Fact> {
    let fact = |name, value: &str| Fact {
        name,
        value: value.to_owned(),
    };
    let mut all = match &said.what {
        SaidWhat::Handshake { message, .. } => facts::of(message, lang),
        SaidWhat::Application {
            operations, begins, ..
        } => {
            let operations = operations.iter();
            let mut all: Vec<_> = operations
                .map(|operation| fact("", &escape(&operation.text)))
                .collect();
            let begins = begins.as_deref();
            all.extend(begins.map(|begins| fact(lang.pick("begins", "开头"), begins)));
            all
        }
        SaidWhat::NotTls { begins } => vec![fact(lang.pick("begins", "开头"), begins)],
        _ => Vec::new(),
    };
    if let Some(good) = said.proved {
        all.push(fact(
            lang.pick("computed again here", "此处重新验算"),
            match good {
                true => lang.pick("it fits", "相符"),
                false => lang.pick("IT DOES NOT FIT", "不相符"),
            },
        ));
    }
    all
}

/// How a record looks to a stranger.
pub fn outside(seen: &Seen, lang: Lang) -> String {
    let Seen {
        number,
        records,
        content_type,
        version,
        bytes,
        ..
    } = seen;
    let last = u64::from(*number) + records - 1;
    match (lang, *records) {
        (Lang::English, 1) => {
            format!("record {number}: {content_type}, marked {version}, {bytes} bytes")
        }
        (Lang::English, _) => {
            format!(
                "records {number} to {last}: {content_type}, marked {version}, {bytes} bytes in all"
            )
        }
        (Lang::Chinese, 1) => {
            format!("第 {number} 条记录：{content_type}，标为 {version}，{bytes} 字节")
        }
        (Lang::Chinese, _) => {
            format!("第 {number} 至 {last} 条记录：{content_type}，标为 {version}，共 {bytes} 字节")
        }
    }
}

/// Who did something, as a heading.
pub fn who(entry: &Entry, lang: Lang) -> &'static str {
    match (&entry.what, entry.by) {
        (What::Keys { .. }, _) => {
            lang.pick("both sides, each for itself", "双方各自计算（不经过网络）")
        }
        (What::Checks(_), Party::Client) => lang.pick(
            "the client checks the server's certificate",
            "客户端检查服务器证书",
        ),
        (What::Checks(_), _) => lang.pick(
            "the server checks the client's certificate",
            "服务器检查客户端证书",
        ),
        (_, Party::Client) => lang.pick("client → server", "客户端 → 服务器"),
        (_, Party::Server) => lang.pick("client ← server", "客户端 ← 服务器"),
        (_, Party::Both) => "",
    }
}

/// A secret in one line.
pub fn secret(secret: &Secret, lang: Lang) -> String {
    let label = secret.label.map(|label| match lang {
        Lang::English => format!(" (\"{label}\")"),
        Lang::Chinese => format!("（“{label}”）"),
    });
    let at_hand = match secret.at_hand {
        true => lang.pick(" [at hand]", "【手头有】"),
        false => "",
    };
    let protects = secret.protects.of(lang);
    let colon = lang.pick(": ", "：");
    format!(
        "{}{}{at_hand}{colon}{protects}",
        secret.name,
        label.unwrap_or_default()
    )
}

/// The steps of a check, each its name and how it went.
pub fn steps(checks: &Checks, lang: Lang) -> Vec<(&'static str, String)> {
    let mut all: Vec<_> = checks
        .steps
        .iter()
        .map(|step| (step.check.name(lang), escape(&step.told(lang))))
        .collect();
    if checks.steps.is_empty() {
        let says = lang.pick(
            "the certificate cannot be read, so it cannot be checked",
            "证书无法解读，因此无法检查",
        );
        all.push((lang.pick("form", "形式"), says.to_owned()));
    }
    let possession = &checks.possession;
    let mark = possession.outcome.word(lang);
    let says = possession.says.of(lang);
    let colon = lang.pick(": ", "：");
    let name = lang.pick("private key", "私钥");
    all.push((name, format!("{mark}{colon}{says}")));
    all
}

/// What a stranger reads of a handshake: the names of the messages that are not encrypted.
pub fn readable(connection: &Connection) -> Vec<&'static str> {
    let records = connection
        .entries
        .iter()
        .filter_map(|entry| match &entry.what {
            What::Record(seen) if !seen.sealed => Some(seen),
            _ => None,
        });
    let said = records.flat_map(|seen| &seen.content);
    let names = said.filter_map(|said| match &said.what {
        SaidWhat::Handshake { number, .. } => names::message(*number),
        _ => None,
    });
    names.collect()
}
