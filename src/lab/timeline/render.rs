//! The timeline as text: on the left what a stranger sees, on the right what is inside.

use super::layout::{beside, width, wrap};
use super::{
    Checks, Connection, ConnectionKind, Entry, Party, Said, SaidWhat, Secret, Seen, Timeline, What,
    meaning,
};
use crate::lang::{Both, Lang, both};
use crate::text::{escape, time};
use crate::transport::tls::facts::{self, Fact};
use crate::transport::tls::names;
use time::OffsetDateTime;

/// Columns before what stands under an entry.
const INDENT: usize = 2;

/// The whole capture for a person, line by line; `columns` is the width of the page.
pub fn text(timeline: &Timeline, lang: Lang, columns: usize) -> Vec<String> {
    let mut lines = vec![summary(timeline, lang)];
    for connection in &timeline.connections {
        lines.push(String::new());
        lines.extend(self::connection(connection, lang, columns));
    }
    if timeline.connections_more > 0 {
        let n = timeline.connections_more;
        lines.push(match lang {
            Lang::English => format!("{n} more connections: name one with --connection"),
            Lang::Chinese => format!("还有 {n} 条连接：用 --connection 指定"),
        });
    }
    lines
}

fn summary(timeline: &Timeline, lang: Lang) -> String {
    let Timeline {
        packets,
        secrets,
        secrets_embedded,
        ..
    } = timeline;
    let n = timeline.connections.len() as u64 + timeline.connections_more;
    let cut = match timeline.cut {
        true => lang.pick(
            "; the file ends inside a packet",
            "；文件在一个数据包中间中断",
        ),
        false => "",
    };
    match lang {
        Lang::English => format!(
            "packets: {packets}; TCP connections: {n}; secrets at hand: {secrets} (blocks embedded in the capture: {secrets_embedded}){cut}"
        ),
        Lang::Chinese => format!(
            "数据包：{packets}；TCP 连接：{n}；手头的密钥：{secrets}（捕获文件内嵌的密钥块：{secrets_embedded}）{cut}"
        ),
    }
}

/// One connection.
pub fn connection(connection: &Connection, lang: Lang, columns: usize) -> Vec<String> {
    let page = Page {
        lang,
        columns: columns.clamp(60, 200),
    };
    let mut lines = page.head(connection);
    for entry in &connection.entries {
        lines.push(page.rule(entry));
        lines.extend(page.entry(entry));
    }
    if connection.entries_more > 0 {
        let n = connection.entries_more;
        lines.push(match lang {
            Lang::English => format!("… {n} more entries"),
            Lang::Chinese => format!("…… 另有 {n} 项"),
        });
    }
    lines
}

/// What a connection is, in a few words.
pub fn title(connection: &Connection) -> Both {
    let agreed = &connection.agreed;
    match connection.kind {
        ConnectionKind::Tls => {}
        ConnectionKind::TlsMidstream => return both("TLS, under way", "TLS，已在进行中"),
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

struct Page {
    lang: Lang,
    columns: usize,
}

impl Page {
    fn head(&self, connection: &Connection) -> Vec<String> {
        let Connection {
            number,
            client,
            server,
            packets,
            frames: [from, to],
            agreed,
            ..
        } = connection;
        let began = OffsetDateTime::from_unix_timestamp_nanos(connection.start_ns.into());
        let began = time(began.unwrap_or(OffsetDateTime::UNIX_EPOCH));
        let title = title(connection);
        let title = title.of(self.lang);
        let mut lines = vec![match self.lang {
            Lang::English => format!(
                "connection {number}: {client} → {server}, {title}; {began}, {packets} packets, frames {from}–{to}"
            ),
            Lang::Chinese => format!(
                "连接 {number}：{client} → {server}，{title}；{began}，{packets} 个数据包，帧 {from}–{to}"
            ),
        }];
        let agreed = [&agreed.cipher, &agreed.group, &agreed.alpn];
        let agreed: Vec<_> = agreed.into_iter().flatten().map(|it| escape(it)).collect();
        if !agreed.is_empty() {
            lines.push(format!("{:INDENT$}{}", "", agreed.join(", ")));
        }
        for remark in &connection.remarks {
            let most = self.columns - INDENT;
            let remark = wrap(&format!("* {}", remark.of(self.lang)), most, 2);
            lines.extend(remark.iter().map(|line| format!("{:INDENT$}{line}", "")));
        }
        if connection.kind == ConnectionKind::Tls {
            let left = [self
                .lang
                .pick("WHAT A STRANGER SEES", "陌生人看到的")
                .to_owned()];
            let right = [self.lang.pick("WHAT IS INSIDE", "里面是什么").to_owned()];
            lines.extend(beside(&left, &right, self.left(), INDENT));
        }
        lines
    }

    fn left(&self) -> usize {
        (self.columns - INDENT - 3) / 2
    }

    fn right(&self) -> usize {
        self.columns - INDENT - 3 - self.left()
    }

    /// A line across the page: when, who, which frame.
    fn rule(&self, entry: &Entry) -> String {
        let at = format!("{}.{:02} ms", entry.at_us / 1_000, entry.at_us % 1_000 / 10);
        let who = who(entry, self.lang);
        let frame = match (&entry.what, entry.by) {
            (What::Keys { .. } | What::Checks(_), _) => String::new(),
            (What::Record(seen), _) if seen.last_frame > entry.frame => {
                let (from, to) = (entry.frame, seen.last_frame);
                format!("{} {from}–{to}", self.lang.pick("frames", "帧"))
            }
            _ => format!("{} {}", self.lang.pick("frame", "帧"), entry.frame),
        };
        let words = format!("── {at:>10}  {who}  {frame}");
        let words = words.trim_end();
        let fill = self.columns.saturating_sub(width(words) + 1);
        format!("{words} {}", "─".repeat(fill.max(2)))
    }

    fn entry(&self, entry: &Entry) -> Vec<String> {
        let lang = self.lang;
        match &entry.what {
            What::Record(seen) => self.record(seen),
            What::Keys { secrets, from } => {
                let mut all = vec![from.of(lang).to_owned()];
                all.extend(secrets.iter().map(|this| secret(this, lang)));
                self.across(&all)
            }
            What::Checks(checks) => self.checks(checks),
            What::Bytes { bytes, content } => {
                let mut all = vec![match lang {
                    Lang::English => format!("{bytes} bytes, readable by anybody"),
                    Lang::Chinese => format!("{bytes} 字节，任何人都能读"),
                }];
                all.extend(self.said(content, true));
                self.across(&all)
            }
            What::Gap { bytes } => self.across(&[match lang {
                Lang::English => format!("{bytes} bytes were not captured"),
                Lang::Chinese => format!("{bytes} 字节未被捕获"),
            }]),
            What::Ended { reset } => self.across(&[match reset {
                false => lang.pick(
                    "nothing more comes from this side (FIN)",
                    "这一方不再发送（FIN）",
                ),
                true => lang.pick("the connection is cut off (RST)", "连接被切断（RST）"),
            }
            .to_owned()]),
        }
    }

    fn record(&self, seen: &Seen) -> Vec<String> {
        let lang = self.lang;
        let mut left = vec![outside(seen, lang)];
        let mut right = Vec::new();
        if seen.sealed {
            left.push(
                lang.pick(
                    "encrypted: type, length and time are all there is",
                    "已加密：能看到的只有类型、长度和时间",
                )
                .to_owned(),
            );
            for said in &seen.content {
                right.extend(self.said(said, true));
            }
            right.extend(
                seen.locked
                    .map(|locked| meaning::locked(locked).of(lang).to_owned()),
            );
        } else {
            for said in &seen.content {
                left.extend(self.said(said, false));
                right.push(format!("= {}", said.meaning.of(lang)));
            }
        }
        let fold = |lines: &[String], most: usize| -> Vec<String> {
            let lines = lines.iter().flat_map(|line| {
                let hang = line.len() - line.trim_start().len() + 2;
                wrap(line, most, hang)
            });
            lines.collect()
        };
        let (left, right) = (fold(&left, self.left()), fold(&right, self.right()));
        beside(&left, &right, self.left(), INDENT)
    }

    /// A message and what it says.
    fn said(&self, said: &Said, with_meaning: bool) -> Vec<String> {
        let lang = self.lang;
        let unit = lang.pick("bytes", "字节");
        let number = match &said.what {
            SaidWhat::Handshake { number, .. } => format!(" ({number})"),
            _ => String::new(),
        };
        let size = match said.bytes {
            0 => String::new(),
            bytes => format!(", {bytes} {unit}"),
        };
        let mut lines = vec![format!("{}{number}{size}", name(said, lang))];
        for Fact { name, value } in details(said, lang) {
            let colon = lang.pick(": ", "：");
            lines.push(match name {
                "" => format!("  {value}"),
                name => format!("  {name}{colon}{value}"),
            });
        }
        if with_meaning {
            lines.push(format!("= {}", said.meaning.of(lang)));
        }
        lines
    }

    fn checks(&self, checks: &Checks) -> Vec<String> {
        let lang = self.lang;
        let as_of = &checks.as_of;
        let mut all = vec![match (lang, &checks.name) {
            (Lang::English, Some(name)) => {
                format!("as the certificate of {}, as of {as_of}", escape(name))
            }
            (Lang::English, None) => format!("as of {as_of}"),
            (Lang::Chinese, Some(name)) => {
                format!("作为 {} 的证书，以 {as_of} 为准", escape(name))
            }
            (Lang::Chinese, None) => format!("以 {as_of} 为准"),
        }];
        for (number, (name, says)) in steps(checks, lang).into_iter().enumerate() {
            all.push(format!("{}. {name}  {says}", number + 1));
        }
        self.across(&all)
    }

    fn across(&self, lines: &[String]) -> Vec<String> {
        let lines = lines.iter().flat_map(|line| {
            let hang = line.len() - line.trim_start().len() + 2;
            wrap(line, self.columns - INDENT, hang)
        });
        lines.map(|line| format!("{:INDENT$}{line}", "")).collect()
    }
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
