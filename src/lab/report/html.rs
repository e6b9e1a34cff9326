//! `report.html`: one file that needs no script, no network, and no other file.
//!
//! Both languages stand in it; two radio buttons and CSS show one of them. `maud` escapes whatever is put
//! in, and nothing here goes around it but the style sheet.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::picture::{ladder, sizes};
use super::proof;
use super::story::{Story, story};
use super::streams;
use super::table::{Verdict, rows, title};
use super::{handshake, lessons, login, tampering, zoo};
use crate::lab::compare::facts::{Report, Run, RunKind, Text};
use crate::lang::Lang;
use crate::text::size;

/// The whole page; `lang` is the language it opens in.
pub fn page(report: &Report, lang: Lang) -> String {
    let (shown, _) = beside(report);
    let sealed = shown.iter().copied().find(|run| run.kind != RunKind::Plain);
    let body = html! {
        (top(report))
        main {
            (login::login(&shown, report))
            (verdicts(report))
            (findings(report))
            (read_alike(report))
            (pictures(report))
            (handshake::section(report))
            @if let Some(finding) = &report.zoo { (zoo::section(finding)) }
            (lessons::wireshark(report, sealed))
            (lessons::questions(report, sealed))
            (proofs(report))
            (lessons::caveats(report))
            (lessons::glossary())
        }
        (foot("lab compare", report.sealpost, &report.made))
    };
    let about = both_in_one(
        "what a stranger on the wire learns",
        "线路上的陌生人能得知什么",
    );
    document(&about, lang, &body)
}

/// A page around its body: the switch of languages, and the style sheet.
pub(super) fn document(about: &str, lang: Lang, body: &Markup) -> String {
    let zh = lang == Lang::Chinese;
    let page = html! {
        (DOCTYPE)
        html lang=(lang.pick("en", "zh-Hans")) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { "Sealpost: " (about) }
                style { (PreEscaped(include_str!("style.css"))) }
                style { (PreEscaped(handshake::STYLE)) }
            }
            body {
                input.switch #en type="radio" name="language" checked[!zh] aria-label="English";
                input.switch #zh type="radio" name="language" checked[zh] aria-label="简体中文";
                (body)
            }
        }
    };
    page.into_string()
}

/// What has room for one text only, such as the title: both.
fn both_in_one(en: &str, zh: &str) -> String {
    format!("{en} · {zh}")
}

/// The switch, for the top of a page.
pub(super) fn languages() -> Markup {
    html! {
        div.langs {
            label for="en" { "English" }
            label for="zh" lang="zh-Hans" { "简体中文" }
        }
    }
}

/// Which command made the page, and when.
pub(super) fn foot(command: &str, version: &str, made: &str) -> Markup {
    html! {
        footer {
            (both("Made by", "由")) " sealpost " (version) " " (command)
            (both(".", " 生成。")) " " (made)
        }
    }
}

/// A sentence in both languages, of which one is shown.
pub(super) fn both(en: &str, zh: &str) -> Markup {
    html! { span.en lang="en" { (breakable(en)) } span.zh lang="zh-Hans" { (breakable(zh)) } }
}

/// Long names such as those of cipher suites may break behind an underscore.
fn breakable(text: &str) -> Markup {
    let pieces = text.split_inclusive('_');
    html! { @for (index, piece) in pieces.enumerate() { @if index > 0 { wbr; } (piece) } }
}

/// The same of a [`Text`].
pub(super) fn say(text: &Text) -> Markup {
    both(&text.en, &text.zh)
}

/// The runs to set side by side: plain, and the strongest of the others.
fn beside(report: &Report) -> (Vec<&Run>, Vec<&Run>) {
    let best = [
        RunKind::Mtls13,
        RunKind::Tls13,
        RunKind::Mtls12,
        RunKind::Tls12,
    ];
    let of = |kind| report.runs.iter().find(|run| run.kind == kind);
    let best = best.into_iter().find_map(of).map(|run| run.kind);
    let shown = |run: &&Run| run.kind == RunKind::Plain || Some(run.kind) == best;
    report.runs.iter().partition(shown)
}

fn top(report: &Report) -> Markup {
    html! {
        header {
            (languages())
            h1 { (both("One file, sent as a postcard and in a sealed envelope", "同一个文件：一次写在明信片上，一次装进密封信封")) }
            p {
                (both(
                    "The same client logged in to the same server and carried the same file, once for each way below. A tap between them recorded every byte. This page tells what a stranger on the way reads in the recordings, without any key; what it says of a run was computed from them.",
                    "同一个客户端登录同一个服务器，以下面每种方式各传输一次同一个文件。两者之间的监听点记录了每一个字节。本页说明路上的陌生人在没有任何密钥的情况下能从记录中读到什么；关于每次运行的说法都由这些记录计算得出。",
                ))
            }
            ul.facts {
                li { b { (both("File", "文件")) } code { (report.file.name) } " · " (size(report.file.bytes)) }
                li { b { (both("User", "用户")) } code { (report.user) } }
                li { b { (both("Password", "密码")) } code { (report.password) } " " span.soft { (both("made for this, now worthless", "专为本次生成，现已失效")) } }
                li { b { (both("Server", "服务器")) } code { (report.server_name) } }
            }
        }
    }
}

/// A card for each run: what was read, what is visible all the same.
fn verdicts(report: &Report) -> Markup {
    html! {
        h2 { (both("What a stranger learned, run by run", "陌生人在每次运行中得知了什么")) }
        section.cards {
            @for run in &report.runs {
                @let Story { read, visible, open } = story(run, report);
                @let part = !open && run.user_in_certificate;
                article.card.open[open].part[part] {
                    h3 { (say(&title(run.kind))) }
                    div.read[open].part[part].hid[!open && !part] { b { (say(&read)) } }
                    ul { @for item in &visible { li { (say(item)) } } }
                }
            }
        }
    }
}

fn findings(report: &Report) -> Markup {
    html! {
        h2 { (both("What a stranger wants, and gets", "陌生人想要什么，得到什么")) }
        p.soft { (both(
            "● it has this · ○ it looked for this in every byte, as it stands, in JSON, Base64, hex, percent signs and UTF-16, and did not find it · ↑ to the server · ↓ to the client",
            "● 得到了 · ○ 在每个字节中按原文及 JSON、Base64、十六进制、百分号编码、UTF-16 写法查找而未找到 · ↑ 发往服务器 · ↓ 发往客户端",
        )) }
        div.wide.whole tabindex="0" {
            table {
                thead { tr {
                    th scope="col" {}
                    @for run in &report.runs { th scope="col" { (say(&title(run.kind))) } }
                } }
                tbody {
                    @for row in rows(report) {
                        tr {
                            th scope="row" { (say(&row.what)) }
                            @for cell in &row.cells {
                                td.read[cell.verdict == Verdict::Read].hid[cell.verdict == Verdict::Hidden] { (say(&cell.text)) }
                            }
                        }
                    }
                }
            }
        }
        p.soft {
            (both("The file's own entropy is ", "文件自身的熵为每字节 ")) (format!("{:.2}", report.file.entropy))
            (both(
                " bits a byte; encrypted bytes come close to 8. Bytes are counted as TCP payload, both ways, the handshake included. Times are of one run each, and the plain one comes first: less time than plain means that the machine was busy, or not yet warm, when plain ran; encryption saves no time.",
                " 比特；加密后的字节接近 8。字节数为双向 TCP 载荷，含握手。每种方式只计时一次，且明文最先运行：若显示比明文用时更少，说明明文运行时机器正忙或尚未预热，加密并不省时间。",
            ))
        }
        (proof::section(report))
        (tampering::section(report))
    }
}

fn read_alike(report: &Report) -> Markup {
    let (shown, others) = beside(report);
    html! {
        h2 { (both("The streams, as an eavesdropper reads them", "窃听者眼中的两条数据流")) }
        p { (both(
            "Everything one side sent until the other did, in order: its first bytes as text and as hex. What was found is marked. A dot stands for a byte that is no letter.",
            "按顺序列出每一方连续发送的内容：开头的字节以文本和十六进制显示。找到的内容已标出。点表示不是可显示字符的字节。",
        )) }
        div.pair { @for run in shown { (streams::stream(run)) } }
        @for run in others {
            details.more {
                summary { (say(&title(run.kind))) (folded()) }
                (streams::stream(run))
            }
        }
    }
}

/// Said on paper where a further run repeats what the first ones show.
pub(super) fn folded() -> Markup {
    html! {
        span.paper.soft { (both(
            " · folded on paper; what is unfolded on the screen is printed",
            " · 打印时折叠；在屏幕上展开的才会打印",
        )) }
    }
}

fn pictures(report: &Report) -> Markup {
    let (shown, others) = beside(report);
    let figures = |run: &Run| {
        html! {
            figure {
                (ladder(run))
                figcaption { b { (say(&title(run.kind))) } (both(
                    ": who spoke, in which frames, how much. Words are what anybody can read.",
                    "：谁在说话、在哪些帧、多少字节。文字是任何人都能读到的内容。",
                )) }
            }
        }
    };
    html! {
        h2 { (both("Who spoke when: the ladder of packets", "谁在何时说话：数据包阶梯图")) }
        div.pair { @for run in &shown { (figures(run)) } }
        div.others { @for run in &others {
            details.more { summary { (say(&title(run.kind))) (folded()) } (figures(run)) }
        } }
        h2 { (both("Sizes are not encrypted", "大小并未加密")) }
        p { (both(
            "Each bar is one record of TLS (in plain: one turn), up to the server, down to the client, in order. The contents are gone, the shape is not: a login is short, a file is a wall of full records, and its length can be read off.",
            "每根竖条是一个 TLS 记录（明文则为一次发言），向上发往服务器，向下发往客户端，按顺序排列。内容看不见了，轮廓还在：登录很短，文件是一排满长的记录，其长度可以直接读出。",
        )) }
        div.pair {
            @for run in &report.runs {
                figure { (sizes(run)) }
            }
        }
    }
}

fn proofs(report: &Report) -> Markup {
    html! {
        h2 { (both("Check every claim", "逐条验证")) }
        p { (both(
            "Each command is for a shell in the folder of this report; tshark comes with Wireshark. What it prints stands below it.",
            "以下命令在本报告所在文件夹的命令行中运行；tshark 随 Wireshark 安装。其下一行为输出。",
        )) }
        @for run in &report.runs {
            details.proof {
                summary { (say(&title(run.kind))) }
                @for claim in report.claims.iter().filter(|claim| claim.run == run.kind) {
                    p {
                        (say(&claim.what))
                        @if let Some(frame) = claim.frame { " " span.soft { (both("frame", "帧")) " " (frame) } }
                    }
                    pre { "$ " (claim.command) "\n" @if claim.output.is_empty() { (both("(prints nothing)", "（没有输出）")) } @else { (claim.output) } }
                }
            }
        }
    }
}
