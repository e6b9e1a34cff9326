//! The handshake, annotated: for each run two columns, what a stranger sees and what is inside.

use maud::{Markup, html};

use super::html::{both, folded, say};
use super::table::title;
use crate::lab::compare::facts::{Report, Run};
use crate::lab::timeline::{
    Connection, Entry, Party, Said, SaidWhat, Secret, Seen, What, beside, words,
};
use crate::lang::{Both, Lang};
use crate::pki::verify::Outcome;

/// The style of this section.
pub(super) const STYLE: &str = include_str!("handshake.css");

/// The section; nothing where no run was sealed.
pub(super) fn section(report: &Report) -> Markup {
    let runs: Vec<(&Run, &Connection)> = report
        .runs
        .iter()
        .filter_map(|run| Some((run, run.timeline.as_ref()?)))
        .collect();
    html! {
        @if !runs.is_empty() {
            h2 { (both("The handshake, annotated", "握手过程注解")) }
            p { (both(
                "Each record of this very run. On the left what a stranger sees of it; on the right what is inside, opened with the keys of the run. Signatures and Finished messages were computed again from the messages; certificates were checked as of the moment they were sent. Times count from the connection's first packet; a record's bytes include its header of 5.",
                "本次运行的每一条记录。左边是陌生人看到的，右边是用本次运行的密钥解开后的内容。签名和 Finished 均由消息重新验算；证书按其发送的时刻检查。时间自连接的第一个数据包算起；记录的字节数含 5 字节的记录头。",
            )) }
            @for (index, (run, connection)) in runs.iter().enumerate() {
                details.hs open[index == 0] {
                    summary { (say(&title(run.kind))) (folded()) }
                    (ladder(connection))
                }
            }
            (side_by_side(&runs))
        }
    }
}

fn ladder(connection: &Connection) -> Markup {
    html! {
        @for remark in &connection.remarks { p.soft { (text(remark)) } }
        p.soft.hs-paper { (both(
            "On paper without the records of the file transfer that follow the handshake: the page shows them on the screen.",
            "打印时省略握手之后传输文件的记录：屏幕上的页面中有这些记录。",
        )) }
        div.hs-row.hs-head {
            div { (both("a stranger sees", "陌生人看到的")) }
            div { (both("inside", "里面是什么")) }
        }
        @for entry in &connection.entries { (one(entry)) }
        @if connection.entries_more > 0 { p.soft { (both("Not shown: ", "未显示：")) (connection.entries_more) } }
    }
}

fn one(entry: &Entry) -> Markup {
    let up = entry.by == Party::Client;
    let here = matches!(entry.what, What::Keys { .. } | What::Checks(_));
    html! {
        div.hs-entry.up[up && !here].down[!up && !here].here[here].hs-data[is_data(entry)] {
            div.hs-when {
                b { (in_both(|lang| words::who(entry, lang).to_owned())) }
                span {
                    (format!("{}.{:02} ms", entry.at_us / 1_000, entry.at_us % 1_000 / 10))
                    @if !here { " · " (both("frame", "帧")) " " (entry.frame) }
                }
            }
            @match &entry.what {
                What::Record(seen) => (record(seen)),
                What::Keys { secrets, from } => (keys(secrets, from)),
                What::Checks(checks) => {
                    p.soft { (both("as of ", "以发送时刻为准：")) (checks.as_of) }
                    ol.hs-steps {
                    @let [en, zh] = [Lang::English, Lang::Chinese].map(|lang| words::steps(checks, lang));
                    @let outcomes = checks.steps.iter().map(|step| step.outcome).chain([checks.possession.outcome]);
                    @for (((name, says), (name_zh, says_zh)), outcome) in en.iter().zip(&zh).zip(outcomes) {
                        li.hs-bad[outcome == Outcome::Failed].soft[outcome == Outcome::Skipped] {
                            b { (both(name, name_zh)) } " " (both(says, says_zh))
                        }
                    }
                    }
                },
                What::Bytes { bytes, content } => { p { (bytes) " B" } (said(content)) },
                What::Gap { bytes } => p { (both("Not captured, bytes: ", "未被捕获的字节：")) (bytes) },
                What::Ended { reset: false } => p { (both("Nothing more comes from this side (FIN).", "这一方不再发送（FIN）。")) },
                What::Ended { reset: true } => p { (both("The connection is cut off (RST).", "连接被切断（RST）。")) },
            }
        }
    }
}

/// Whether it is the application's and no longer the handshake: not worth its paper.
fn is_data(entry: &Entry) -> bool {
    let data = |said: &Said| matches!(said.what, SaidWhat::Application { .. });
    match &entry.what {
        What::Record(seen) => !seen.content.is_empty() && seen.content.iter().all(data),
        What::Ended { .. } => true,
        _ => false,
    }
}

fn record(seen: &Seen) -> Markup {
    html! {
        div.hs-row {
            div {
                p.hs-out { (in_both(|lang| words::outside(seen, lang))) }
                @if seen.sealed {
                    p.hs-sealed { (both("encrypted: type, length and time are all there is", "已加密：能看到的只有类型、长度和时间")) }
                } @else {
                    @for said in &seen.content { (self::said(said)) }
                }
            }
            div {
                @if seen.sealed {
                    @for said in &seen.content { (self::said(said)) (meaning(said)) }
                    @if seen.content.is_empty() { p.soft { (both("not opened", "未解开")) } }
                } @else {
                    @for said in &seen.content {
                        @if seen.content.len() > 1 { b.soft { (in_both(|lang| words::name(said, lang))) } }
                        (meaning(said))
                    }
                }
            }
        }
    }
}

fn said(said: &Said) -> Markup {
    let [en, zh] = [Lang::English, Lang::Chinese].map(|lang| words::details(said, lang));
    let is_long = en.len() > 3;
    let list = html! {
        ul { @for (fact, fact_zh) in en.iter().zip(&zh) {
            li {
                @if !fact.name.is_empty() { span.soft { (both(fact.name.trim(), fact_zh.name.trim())) } " " }
                (both(&fact.value, &fact_zh.value))
            }
        } }
    };
    html! {
        div.hs-said {
            b { (in_both(|lang| words::name(said, lang))) }
            @if let SaidWhat::Handshake { number, .. } = &said.what { span.soft { " (" (number) ")" } }
            @if said.bytes > 0 { span.soft { " " (said.bytes) " B" } }
            @if is_long {
                details { summary { (both("what it says", "内容")) } (list) }
            } @else if !en.is_empty() {
                (list)
            }
        }
    }
}

fn meaning(said: &Said) -> Markup {
    html! { p.hs-means { (text(&said.meaning)) } }
}

fn keys(secrets: &[Secret], from: &Both) -> Markup {
    html! {
        p { (text(from)) }
        ul { @for secret in secrets {
            li {
                code { (secret.name) }
                @if let Some(label) = secret.label { " " span.soft { "“" (label) "”" } }
                ": " (text(&secret.protects))
            }
        } }
    }
}

/// One-way beside mutual, TLS 1.2 beside 1.3, as far as there are runs of them.
fn side_by_side(runs: &[(&Run, &Connection)]) -> Markup {
    let connections: Vec<_> = runs.iter().map(|(_, connection)| *connection).collect();
    let (headings, rows) = beside::rows(&connections);
    html! {
        @if runs.len() > 1 {
            div.wide tabindex="0" { table {
                thead { tr {
                    th scope="col" {}
                    @for heading in &headings { th scope="col" { (text(heading)) } }
                } }
                tbody { @for row in &rows { tr {
                    th scope="row" { (text(&row.what)) }
                    @for cell in &row.cells { td { (text(cell)) } }
                } } }
            } }
        }
    }
}

fn text(text: &Both) -> Markup {
    both(&text.en, &text.zh)
}

/// What is made anew for each language.
fn in_both(of: impl Fn(Lang) -> String) -> Markup {
    let [en, zh] = [Lang::English, Lang::Chinese].map(of);
    match en == zh {
        true => html! { (en) },
        false => both(&en, &zh),
    }
}
