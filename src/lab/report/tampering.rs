//! One altered bit: who noticed, run by run.

use maud::{Markup, html};

use super::html::{both, say};
use super::table::{Cell, Verdict, title};
use crate::lab::compare::facts::{Report, Run, Text};
use crate::lab::compare::tamper::{Noticed, Tampered};
use crate::lang::both as text;

/// What came of it in one run, for the table.
pub(super) fn cell(run: &Run) -> Cell {
    let Some(tampered) = &run.tampered else {
        return Cell {
            verdict: Verdict::Figure,
            text: text("–", "–"),
        };
    };
    let kept = match tampered.stored {
        true => text("a file stored", "文件已存储"),
        false => text("nothing stored", "未存储任何内容"),
    };
    let by = match tampered.noticed {
        Noticed::Nothing => text("unnoticed", "未被发现"),
        Noticed::Digest => text("digest differs", "摘要不符"),
        Noticed::RecordMac => text("bad_record_mac", "bad_record_mac"),
        Noticed::Other => text("the transfer failed", "传输失败"),
    };
    Cell {
        verdict: match tampered.noticed {
            Noticed::Nothing => Verdict::Read,
            Noticed::RecordMac => Verdict::Hidden,
            Noticed::Digest | Noticed::Other => Verdict::Figure,
        },
        text: text(
            format!("{}, {}", by.en, kept.en),
            format!("{}，{}", by.zh, kept.zh),
        ),
    }
}

/// What the row means; none when nothing was altered.
pub fn lesson(report: &Report) -> Option<Text> {
    let mut noticed = report.runs.iter().filter_map(|run| run.tampered.as_ref());
    noticed.next()?;
    Some(text(
        "one bit altered on the way: TLS checks every record before the application sees a byte of it; in plain only the digest behind the file is there to differ, and an attacker who alters that too is not caught (sealpost lab mitm shows it)",
        "途中改动一个比特：TLS 在应用程序看到任何字节之前校验每个记录；明文时只有文件之后的摘要会不符，而攻击者若连摘要一并改动，则不会被发现（sealpost lab mitm 有演示）",
    ))
}

/// The same with both ends' own words.
pub(super) fn section(report: &Report) -> Markup {
    let Some(lesson) = lesson(report) else {
        return html! {};
    };
    html! {
        h2 { (both("One bit altered on the way", "途中改动一个比特")) }
        p { (say(&lesson)) }
        div.wide tabindex="0" {
            table {
                thead { tr {
                    th scope="col" {}
                    th scope="col" { (both("altered byte", "被改动的字节")) }
                    th scope="col" { (both("what came of it", "结果")) }
                    th scope="col" { (both("the client said", "客户端所述")) }
                    th scope="col" { (both("the server's log", "服务器日志（英文原文）")) }
                } }
                tbody {
                    @for run in &report.runs {
                        @if let Some(tampered) = &run.tampered {
                            tr {
                                th scope="row" { (say(&title(run.kind))) }
                                td { (place(tampered)) }
                                td { (say(&cell(run).text)) }
                                td { (say(&tampered.client_said)) }
                                td lang="en" { (tampered.server_said.join("; ")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn place(tampered: &Tampered) -> Markup {
    let [before, after] = tampered.byte;
    html! {
        @match tampered.offset {
            None => { "–" }
            Some(offset) => {
                (both("byte ", "第 ")) (offset + 1) (both(" of what the client sent: ", " 字节："))
                code { (format!("{before:02x}")) } " → " code { (format!("{after:02x}")) }
            }
        }
    }
}

/// A line for each run, for a terminal or a text file.
pub fn lines(report: &Report) -> Vec<Text> {
    let runs = report.runs.iter().filter_map(|run| {
        let tampered = run.tampered.as_ref()?;
        let (title, cell) = (title(run.kind), cell(run).text);
        let said = &tampered.client_said;
        Some(text(
            format!("{}: {}; the client said: {}", title.en, cell.en, said.en),
            format!("{}：{}；客户端：{}", title.zh, cell.zh, said.zh),
        ))
    });
    lesson(report).into_iter().chain(runs).collect()
}
