//! Handshakes side by side: one-way beside mutual, TLS 1.2 beside 1.3.

use super::words::{readable, title};
use super::{Connection, SaidWhat, What};
use crate::lang::{Both, both};
use crate::pki::verify::Outcome;
use crate::transport::tls::{Message, Sender};

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is compared.
    pub what: Both,
    /// Of each connection.
    pub cells: Vec<Both>,
}

/// The headings, and the rows under them.
pub fn rows(connections: &[&Connection]) -> (Vec<Both>, Vec<Row>) {
    let headings = connections.iter().map(|this| title(this)).collect();
    let mut rows = cost(connections);
    rows.extend(seen(connections));
    rows.extend(agreed(connections));
    (headings, rows)
}

fn row(
    connections: &[&Connection],
    (en, zh): (&str, &str),
    cell: impl Fn(&Connection) -> Both,
) -> Row {
    Row {
        what: both(en, zh),
        cells: connections.iter().map(|this| cell(this)).collect(),
    }
}

/// What the handshakes take.
fn cost(connections: &[&Connection]) -> Vec<Row> {
    let row = |en, zh, cell: &dyn Fn(&Connection) -> Both| row(connections, (en, zh), cell);
    vec![
        row(
            "handshake messages ↑ ↓",
            "握手消息数 ↑ ↓",
            &|this| pair(this.cost.messages),
        ),
        row(
            "their bytes on the wire ↑ ↓",
            "其字节数 ↑ ↓",
            &|this| pair(this.cost.bytes),
        ),
        row(
            "round trips before the first request",
            "首个请求前的往返次数",
            &|this| match this.cost.round_trips {
                Some(trips) => both(
                    format!("{trips}, and 1 of TCP"),
                    format!("{trips} 次，另有 TCP 的 1 次"),
                ),
                None => unknown(),
            },
        ),
    ]
}

/// What a stranger sees of them.
fn seen(connections: &[&Connection]) -> Vec<Row> {
    let row = |en, zh, cell: &dyn Fn(&Connection) -> Both| row(connections, (en, zh), cell);
    vec![
        row("a stranger reads", "陌生人能读到", &|this| {
            let names = readable(this).join(", ");
            both(names.as_str(), names.as_str())
        }),
        row(
            "the server's name",
            "服务器名",
            &|this| match &this.agreed.server_name {
                Some(_) => both("readable (SNI)", "可读（SNI）"),
                None => both("not sent", "未发送"),
            },
        ),
        row("the server's certificate", "服务器证书", &|this| {
            certificate(this, Sender::Server)
        }),
        row("the client's certificate", "客户端证书", &|this| {
            certificate(this, Sender::Client)
        }),
        row(
            "the application protocol chosen",
            "选定的应用协议",
            &|this| match (&this.agreed.alpn, this.agreed.alpn_is_visible) {
                (Some(_), true) => both("readable", "可读"),
                (Some(_), false) => both("hidden", "隐藏"),
                (None, _) => unknown(),
            },
        ),
    ]
}

/// What both sides have in the end.
fn agreed(connections: &[&Connection]) -> Vec<Row> {
    let row = |en, zh, cell: &dyn Fn(&Connection) -> Both| row(connections, (en, zh), cell);
    vec![
        row("who proved to be who", "谁证明了身份", &proved),
        row("key exchange", "密钥交换", &|this| {
            let group = this.agreed.group.clone().unwrap_or_default();
            both(group.as_str(), group.as_str())
        }),
        row("cipher suite", "密码套件", &|this| {
            let cipher = this.agreed.cipher.clone().unwrap_or_default();
            both(cipher.as_str(), cipher.as_str())
        }),
        row(
            "secrets of the key schedule",
            "密钥体系中的秘密",
            &|this| {
                let n = secrets(this);
                both(n.to_string(), n.to_string())
            },
        ),
    ]
}

fn pair(numbers: Option<[u64; 2]>) -> Both {
    match numbers {
        Some([up, down]) => {
            let text = format!("{up} ↑ {down} ↓");
            both(text.as_str(), text.as_str())
        }
        None => unknown(),
    }
}

fn unknown() -> Both {
    both("not to be told", "无法得知")
}

/// Whether a side's certificate was shown, and to whom.
fn certificate(connection: &Connection, of: Sender) -> Both {
    for entry in &connection.entries {
        let What::Record(seen) = &entry.what else {
            continue;
        };
        if entry.by != super::Party::of(of) {
            continue;
        }
        let shows = seen.content.iter().any(|said| {
            matches!(&said.what, SaidWhat::Handshake { message: Message::Certificate { der, .. }, .. } if !der.is_empty())
        });
        if shows {
            return match seen.sealed {
                true => both("shown, encrypted", "出示，已加密"),
                false => both("shown, readable by anybody", "出示，任何人可读"),
            };
        }
    }
    both("not seen", "未见")
}

/// Whose checks all went well, the private key included.
fn proved(connection: &Connection) -> Both {
    let checks = connection
        .entries
        .iter()
        .filter_map(|entry| match &entry.what {
            What::Checks(checks) => Some(checks),
            _ => None,
        });
    let good = checks.filter(|checks| {
        let failed = checks
            .steps
            .iter()
            .any(|step| step.outcome == Outcome::Failed);
        !failed && checks.possession.outcome == Outcome::Passed
    });
    let who: Vec<_> = good.map(|checks| checks.of).collect();
    match (who.contains(&Sender::Server), who.contains(&Sender::Client)) {
        (true, true) => both("server and client", "服务器和客户端"),
        (true, false) => both("the server", "服务器"),
        (false, true) => both("the client", "客户端"),
        (false, false) => both("nobody, as far as can be seen", "看不出任何一方"),
    }
}

fn secrets(connection: &Connection) -> usize {
    let entries = connection.entries.iter();
    entries
        .map(|entry| match &entry.what {
            What::Keys { secrets, .. } => secrets.len(),
            _ => 0,
        })
        .sum()
}
