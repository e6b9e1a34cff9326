//! The timeline as text: on the left what a stranger sees, on the right what is inside.

use super::layout::{beside, width, wrap};
use super::words::{details, name, outside, secret, steps, title, who};
use super::{
    Checks, Connection, ConnectionKind, Entry, Said, SaidWhat, Seen, Timeline, What, meaning,
};
use crate::lang::Lang;
use crate::text::{escape, time};
use crate::transport::tls::facts::Fact;
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
            let units = self.lang.pick(
                "times count from the first packet; a record's bytes include its header of 5",
                "时间自第一个数据包算起；记录的字节数含 5 字节的记录头",
            );
            lines.push(format!("{:INDENT$}{units}", ""));
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
            let several = seen.content.len() > 1;
            let colon = lang.pick(": ", "：");
            for said in &seen.content {
                left.extend(self.said(said, false));
                let meaning = said.meaning.of(lang);
                right.push(match several {
                    true => format!("{}{colon}{meaning}", name(said, lang)),
                    false => format!("= {meaning}"),
                });
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
        let unit = match said.bytes {
            1 => lang.pick("byte", "字节"),
            _ => lang.pick("bytes", "字节"),
        };
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
