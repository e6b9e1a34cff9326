//! The essence: rows are what a stranger wants, columns the runs.

use super::tampering;
use crate::lab::compare::facts::{FILE_BYTES_MIN, FileSent, Report, Run, RunKind, Size, Text};
use crate::lab::find::{SecretFinding, Whereabouts};
use crate::lang::{Both, Lang, both as text, same};
use crate::text::{escape, size};

/// What a stranger has, good or bad for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Read.
    Read,
    /// Not read.
    Hidden,
    /// Neither good nor bad, or a number.
    Figure,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Good or bad.
    pub verdict: Verdict,
    /// What it says.
    pub text: Text,
}

/// One row: what is wanted, and a cell for each run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What a stranger wants.
    pub what: Text,
    /// What it gets, run by run.
    pub cells: Vec<Cell>,
}

/// The table of findings.
pub fn rows(report: &Report) -> Vec<Row> {
    let row = |en: &str, zh: &str, cell: &dyn Fn(&Run) -> Cell| Row {
        what: text(en, zh),
        cells: report.runs.iter().map(cell).collect(),
    };
    let secret = |label: &'static str| move |run: &Run| found(run.secret(label));
    let mut rows = vec![
        row("user name", "用户名", &secret("user")),
        row("password", "密码", &secret("password")),
        row("file name", "文件名", &secret("file name")),
        row("the file's bytes", "文件内容", &|run| {
            file_blocks(run, &report.file)
        }),
        row("the file's size", "文件大小", &|run| {
            file_size(run, report)
        }),
        row("server's name (SNI)", "服务器名称（SNI）", &|run| {
            name(
                run.connection
                    .tls
                    .as_ref()
                    .and_then(|tls| tls.visible.server_name.clone()),
            )
        }),
        row("protocol (ALPN)", "应用协议（ALPN）", &|run| {
            name(
                run.connection
                    .tls
                    .as_ref()
                    .map(|tls| tls.visible.alpn_offered.join(" ")),
            )
        }),
        row("version, cipher suite", "版本与密码套件", &version),
        row("server's certificate", "服务器证书", &|run| {
            certificate(run, false)
        }),
        row("client's certificate", "客户端证书", &|run| {
            certificate(run, true)
        }),
        row("who, when", "何人、何时", &|_| Cell {
            verdict: Verdict::Read,
            text: text("addresses, ports, times", "地址、端口、时间"),
        }),
        row("bytes sent (TCP payload)", "字节数（TCP 载荷）", &wire),
        row("entropy, bits a byte", "熵（比特/字节）", &|run| {
            let (there, back) = (
                run.connection.to_server.entropy,
                run.connection.to_client.entropy,
            );
            figure(format!("{there:.2} ↑ {back:.2} ↓"))
        }),
        row("handshake and hello", "握手与问候", &|run| {
            figure(
                run.times
                    .map_or_else(|| "–".to_owned(), |times| milliseconds(times.before_ns)),
            )
        }),
        row(
            "list, upload, download",
            "列表、上传、下载",
            &|run| {
                figure(
                    run.times
                        .map_or_else(|| "–".to_owned(), |times| milliseconds(times.after_ns)),
                )
            },
        ),
    ];
    rows.extend(more(report));
    rows
}

/// What is behind the run itself: its price, and what an attacker who alters it comes to.
fn more(report: &Report) -> Vec<Row> {
    let row = |what: Text, cell: fn(&Run) -> Cell| Row {
        what,
        cells: report.runs.iter().map(cell).collect(),
    };
    let mut rows = vec![row(
        text(
            "more time than plain (one run, no login)",
            "比明文多用的时间（单次，不含登录）",
        ),
        extra_time,
    )];
    if report.runs.iter().any(|run| run.tampered.is_some()) {
        let what = text("to alter one bit unnoticed", "改动一个比特而不被发现");
        rows.push(row(what, tampering::cell));
    }
    rows
}

/// What a run that took less time than plain must be read with; none when none did.
pub fn quicker(report: &Report) -> Option<Text> {
    let overheads = report.runs.iter().filter_map(|run| run.overhead.as_ref());
    let is_less = overheads.into_iter().any(|overhead| overhead.ns < 0);
    is_less.then(|| {
        text(
            "less time than plain: the plain run comes first, and the machine was busy or not yet warm; encryption saves no time",
            "用时比明文还少：明文最先运行，当时机器正忙或尚未预热；加密并不省时间",
        )
    })
}

/// The same as text: headings, and rows of cells.
pub fn told(report: &Report, lang: Lang) -> (Vec<String>, Vec<Vec<String>>) {
    let wants = text("a stranger wants", "陌生人想要");
    let headings = std::iter::once(wants).chain(report.runs.iter().map(|run| title(run.kind)));
    let rows = rows(report).into_iter().map(|row| {
        let cells = row.cells.into_iter().map(|cell| cell.text);
        let all = std::iter::once(row.what).chain(cells);
        all.map(|text| text.of(lang).to_owned()).collect()
    });
    let headings = headings.map(|text| text.of(lang).to_owned());
    (headings.collect(), rows.collect())
}

/// A run in a few words.
pub fn title(kind: RunKind) -> Text {
    match kind {
        RunKind::Plain => text("plain TCP", "明文 TCP"),
        RunKind::Tls13 => text("TLS 1.3", "TLS 1.3 单向"),
        RunKind::Mtls13 => text("mutual TLS 1.3", "双向 TLS 1.3"),
        RunKind::Tls12 => text("TLS 1.2", "TLS 1.2 单向"),
        RunKind::Mtls12 => text("mutual TLS 1.2", "双向 TLS 1.2"),
    }
}

/// Nanoseconds as milliseconds.
pub fn milliseconds(ns: u64) -> String {
    let tenths = ns / 100_000;
    format!("{}.{} ms", tenths / 10, tenths % 10)
}

fn figure(text: String) -> Cell {
    Cell {
        verdict: Verdict::Figure,
        text: same(text),
    }
}

fn found(secret: Option<&SecretFinding>) -> Cell {
    match secret.and_then(|secret| secret.found) {
        Some(Whereabouts { frame, written, .. }) => Cell {
            verdict: Verdict::Read,
            text: match written.disguise() {
                None => text(
                    format!("read (frame {frame})"),
                    format!("可读（第 {frame} 帧）"),
                ),
                Some(Both { en, zh }) => text(
                    format!("read (frame {frame}, {en})"),
                    format!("可读（第 {frame} 帧，{zh}）"),
                ),
            },
        },
        None => hidden(),
    }
}

fn hidden() -> Cell {
    Cell {
        verdict: Verdict::Hidden,
        text: text("not found", "未找到"),
    }
}

fn file_blocks(run: &Run, file: &FileSent) -> Cell {
    if file.bytes < FILE_BYTES_MIN {
        return Cell {
            verdict: Verdict::Figure,
            text: text("too short to look for", "太短，无法查找"),
        };
    }
    let all = file.blocks;
    let there = run.connection.to_server.blocks_found.unwrap_or(0);
    let back = run.connection.to_client.blocks_found.unwrap_or(0);
    Cell {
        verdict: if there + back > 0 {
            Verdict::Read
        } else {
            Verdict::Hidden
        },
        text: text(
            format!("{there} ↑ {back} ↓ of {all} blocks"),
            format!("{all} 块中 {there} ↑ {back} ↓"),
        ),
    }
}

fn file_size(run: &Run, report: &Report) -> Cell {
    match run.size {
        None => Cell {
            verdict: Verdict::Read,
            text: text(
                format!("read: {}", size(report.file.bytes)),
                format!("可读：{}", size(report.file.bytes)),
            ),
        },
        Some(Size {
            estimate, truth, ..
        }) => {
            let off = estimate.abs_diff(truth);
            Cell {
                verdict: Verdict::Read,
                text: match off {
                    0 => text("guessed to the byte", "推算到字节不差"),
                    _ => text(
                        format!("guessed, {off} bytes off"),
                        format!("推算相差 {off} 字节"),
                    ),
                },
            }
        }
    }
}

fn name(name: Option<String>) -> Cell {
    match name {
        Some(name) => Cell {
            verdict: Verdict::Read,
            text: same(escape(&name)),
        },
        None => figure("–".to_owned()),
    }
}

fn version(run: &Run) -> Cell {
    let Some(tls) = &run.connection.tls else {
        return figure("–".to_owned());
    };
    let version = tls.visible.version.unwrap_or("TLS");
    let suite = tls.visible.cipher_suite.as_deref().unwrap_or("?");
    figure(format!("{version}, {suite}"))
}

fn certificate(run: &Run, of_client: bool) -> Cell {
    let Some(tls) = &run.connection.tls else {
        return figure("–".to_owned());
    };
    let chain = match of_client {
        true => &tls.visible.client_certificates,
        false => &tls.visible.server_certificates,
    };
    match chain.first() {
        Some(subject) => name(Some(subject.clone())),
        None if of_client && !run.kind.is_mutual() => figure("–".to_owned()),
        None => hidden(),
    }
}

/// One run on one machine: an order of magnitude, and it may be less than nothing.
fn extra_time(run: &Run) -> Cell {
    match &run.overhead {
        Some(overhead) if run.kind != RunKind::Plain => {
            let sign = if overhead.ns < 0 { '−' } else { '+' };
            figure(format!(
                "{sign}{}",
                milliseconds(overhead.ns.unsigned_abs())
            ))
        }
        _ => figure("–".to_owned()),
    }
}

fn wire(run: &Run) -> Cell {
    match &run.overhead {
        Some(overhead) if run.kind != RunKind::Plain => {
            figure(format!("{} ({:+.2} %)", run.wire_bytes, overhead.percent))
        }
        _ => figure(run.wire_bytes.to_string()),
    }
}
