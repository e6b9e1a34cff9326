//! The zoo of certificates: who takes which, and in which words they refuse.

use maud::{Markup, html};

use super::html::{both, document, foot, languages, say};
use crate::lab::certificates::{
    Finding, Judged, Verdict, cell, expected, legend, of, score, surprises, tables,
};
use crate::lang::Lang;

/// The zoo alone, as a page of its own; `lang` is the language it opens in.
pub fn page(finding: &Finding, lang: Lang) -> String {
    let body = html! {
        header {
            (languages())
            h1 { (both("Certificates that are wrong in one way each", "各有一处错误的证书")) }
            p { (about()) }
        }
        main { (parts(finding)) }
        (foot("lab certificates", env!("CARGO_PKG_VERSION"), &finding.made))
    };
    document("certificates · 证书", lang, &body)
}

/// The zoo as a section of a report.
pub(super) fn section(finding: &Finding) -> Markup {
    html! {
        h2 { (both("Whose certificate is believed", "谁的证书被相信")) }
        p { (about()) }
        (parts(finding))
    }
}

fn about() -> Markup {
    both(
        "TLS is worth what the check of the certificate is worth. Each of these was made for this, shown for real by a server or by a client, and judged by Sealpost and by the programs that are installed here. All but the good ones are wrong in one way (the CA's own certificate, shown as a leaf, has not the server's name either). What is expected is Sealpost's verdict; where another program takes what Sealpost refuses, that is marked: it need not be a fault, but one should know why.",
        "TLS 的价值取决于对证书的检查。下列每张证书都专为本次生成，由服务器或客户端真实出示，并由 Sealpost 和本机安装的其他程序判定。除合格者外，每张都只有一处错误（当作叶证书出示的 CA 证书还缺少服务器的名称）。“预期”指 Sealpost 应有的判定；其他程序接受而 Sealpost 拒绝之处已标出：那不一定是缺陷，但应当知道原因。",
    )
}

fn parts(finding: &Finding) -> Markup {
    html! {
        p.soft { (say(&legend())) }
        @for (shown_by, title) in tables() {
            @let all: Vec<&Judged> = of(finding, shown_by).collect();
            @if !all.is_empty() {
                h3 { (say(&title)) }
                (table(&all))
            }
        }
        p { b { (say(&score(finding))) } }
        @if !finding.skipped.is_empty() {
            p.soft { (both("Left out: ", "未进行：")) (finding.skipped.join("; ")) }
        }
        details.proof {
            summary { (both("Every refusal, word for word", "每次拒绝的原话")) }
            @for judged in finding.animals.iter().filter(|judged| judged.expected != "accept" || !judged.proved) {
                (words(judged))
            }
        }
    }
}

fn table(all: &[&Judged]) -> Markup {
    let tools = all.first().map(|first| first.verdicts.as_slice());
    html! {
        div.wide.narrow tabindex="0" {
            table {
                thead { tr {
                    th scope="col" { (both("case", "案例")) }
                    th scope="col" { (both("expected", "预期")) }
                    @for verdict in tools.unwrap_or_default() { th scope="col" { (verdict.tool) } }
                } }
                tbody {
                    @for judged in all {
                        tr {
                            th scope="row" { span.soft { (judged.id) } " " (say(&judged.name)) @if !judged.proved { " " span.read { "FAIL" } } }
                            td { (say(&expected(judged))) }
                            @for verdict in &judged.verdicts { (judgement(judged, verdict)) }
                        }
                    }
                }
            }
        }
    }
}

/// Green is what is expected of Sealpost; amber, where another program takes what it refuses.
fn judgement(judged: &Judged, verdict: &Verdict) -> Markup {
    let wanted = Some(judged.expected == "accept");
    let surprising = surprises(judged, verdict);
    let good = verdict.accepted == wanted;
    let bad = verdict.accepted.is_some() && !good && !surprising;
    html! {
        td.hid[good].part[surprising].read[bad] { (say(&cell(verdict))) @if surprising { " *" } }
    }
}

fn words(judged: &Judged) -> Markup {
    html! {
        p { b { (judged.id) " " (say(&judged.name)) } }
        dl.words {
            @for verdict in &judged.verdicts {
                dt { (verdict.tool) }
                dd {
                    (say(&verdict.said))
                    @if let (Some(heard), true) = (&verdict.peer_heard, verdict.is_own()) {
                        br;
                        (both("the other side heard: ", "对方听到：")) (say(heard))
                    }
                }
            }
        }
    }
}
