//! The zoo in words: a table for the overview, and every program's exact words.

use super::{Finding, Judged, Verdict};
use crate::lang::{Both, Lang, both};

/// The tables: who shows the certificates of each, as in [`Judged::shown_by`], and its title.
pub fn tables() -> [(&'static str, Both); 3] {
    [
        (
            "server",
            both(
                "shown by a server, judged by clients",
                "由服务器出示，由客户端判定",
            ),
        ),
        (
            "client",
            both(
                "shown by a client, judged by servers",
                "由客户端出示，由服务器判定",
            ),
        ),
        (
            "owner",
            both(
                "given to a program as its own, judged before any connection",
                "作为自己的证书交给程序，在任何连接之前判定",
            ),
        ),
    ]
}

/// Those of one table.
pub fn of<'a>(finding: &'a Finding, shown_by: &'a str) -> impl Iterator<Item = &'a Judged> {
    let all = finding.animals.iter();
    all.filter(move |judged| judged.shown_by == shown_by)
}

/// Headings and rows of the overview of those that `shown_by` shows.
pub fn rows(finding: &Finding, shown_by: &str, lang: Lang) -> (Vec<String>, Vec<Vec<String>>) {
    let mut headings: Vec<String> = ["", "", lang.pick("expected", "预期")]
        .map(str::to_owned)
        .into();
    if let Some(first) = of(finding, shown_by).next() {
        headings.extend(first.verdicts.iter().map(|verdict| verdict.tool.clone()));
    }
    let row = |judged: &Judged| {
        let sign = if judged.proved { "ok" } else { "FAIL" };
        let mut row = vec![
            format!("{sign:<4} {}", judged.id),
            judged.name.of(lang).to_owned(),
            expected(judged).of(lang).to_owned(),
        ];
        row.extend(judged.verdicts.iter().map(|verdict| {
            let star = if surprises(judged, verdict) { " *" } else { "" };
            format!("{}{star}", cell(verdict).of(lang))
        }));
        row
    };
    (headings, of(finding, shown_by).map(row).collect())
}

/// What Sealpost should do.
pub fn expected(judged: &Judged) -> Both {
    match judged.expected {
        "accept" => both("accept", "接受"),
        _ => both("refuse", "拒绝"),
    }
}

/// The others are not expected to agree: where they take what Sealpost refuses is what to look at.
pub fn surprises(judged: &Judged, verdict: &Verdict) -> bool {
    judged.expected == "refuse" && verdict.accepted == Some(true) && !verdict.is_own()
}

/// A verdict in a word, with the exit code of a refusal.
pub fn cell(verdict: &Verdict) -> Both {
    match (verdict.accepted, verdict.exit) {
        (None, _) => both("-", "-"),
        (Some(true), _) => both("accepts", "接受"),
        (Some(false), Some(exit @ 1..)) => {
            both(format!("refuses ({exit})"), format!("拒绝 ({exit})"))
        }
        (Some(false), _) => both("refuses", "拒绝"),
    }
}

/// What the signs in the tables mean.
pub fn legend() -> Both {
    both(
        "* takes what Sealpost refuses; - not installed, or its clock cannot be put forward; in brackets the exit code",
        "* 接受了 Sealpost 拒绝的证书；- 未安装，或无法拨快其时钟；括号内为退出码；程序所说照录其原文",
    )
}

/// How many came out as expected.
pub fn score(finding: &Finding) -> Both {
    let proved = finding.animals.iter().filter(|one| one.proved).count();
    let all = finding.animals.len();
    both(
        format!("{proved} of {all} came out as expected"),
        format!("{all} 例中有 {proved} 例符合预期"),
    )
}

/// What a FAIL means; none when there is none.
pub fn closing(finding: &Finding) -> Option<Both> {
    if finding.proved {
        return None;
    }
    Some(match finding.careless {
        true => both(
            "Sealpost verified nothing (--careless): each FAIL is a certificate that verification keeps out, and that got in here; hence exit code 1",
            "Sealpost 什么都不验证（--careless）：每个 FAIL 都是验证本可拒之门外、在这里却放行的证书；因此退出码为 1",
        ),
        false => both(
            "each FAIL was judged otherwise than it should be: what should have come stands beside it; hence exit code 1",
            "每个 FAIL 的判断都与应有的不同：应有的结果写在旁边；因此退出码为 1",
        ),
    })
}

/// Every refusal, and what was not as expected, in the exact words.
pub fn tell(finding: &Finding, lang: Lang) -> Vec<String> {
    let mut lines = vec![legend().of(lang).to_owned(), String::new()];
    for judged in &finding.animals {
        if judged.expected == "accept" && judged.proved {
            continue;
        }
        lines.push(format!("{:<4} {}", judged.id, title(judged, lang)));
        if let (false, Some(words)) = (judged.proved, judged.expected_words) {
            lines.push(lang.pick(
                format!("       FAIL: should be refused, and say \"{words}\""),
                format!("       FAIL：应当被拒绝，并说明“{words}”"),
            ));
        }
        let width = judged.verdicts.iter().map(|verdict| verdict.tool.len());
        let width = width.max().unwrap_or(0).max(8) + 2;
        for verdict in &judged.verdicts {
            let said = verdict.said.of(lang);
            lines.push(format!("       {:<width$}{said}", verdict.tool));
            if let (Some(heard), true) = (&verdict.peer_heard, verdict.is_own()) {
                let heard = heard.of(lang);
                lines.push(match lang {
                    Lang::English => format!("       {:<width$}{heard}", "  peer"),
                    // A Chinese character is as wide as two letters.
                    Lang::Chinese => format!("       {:<1$}{heard}", "  对方", width - 2),
                });
            }
        }
    }
    lines
}

fn title(judged: &Judged, lang: Lang) -> String {
    let name = judged.name.of(lang);
    match judged.shown_by {
        "server" => lang.pick(
            format!("{name}, shown by a server"),
            format!("{name}（服务器出示）"),
        ),
        "client" => lang.pick(
            format!("{name}, shown by a client"),
            format!("{name}（客户端出示）"),
        ),
        _ => lang.pick(
            format!("{name}, given to its owner"),
            format!("{name}（交给所有者）"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::lang::same;

    fn verdict(tool: &str, accepted: Option<bool>, exit: Option<i32>, said: Both) -> Verdict {
        Verdict {
            tool: tool.into(),
            accepted,
            exit,
            said,
            peer_heard: None,
        }
    }

    fn finding() -> Finding {
        let expired = Judged {
            id: "c1".into(),
            shown_by: "client",
            name: both("expired", "已过期"),
            expected: "refuse",
            expected_words: Some("expired"),
            verdicts: vec![
                Verdict {
                    peer_heard: Some(both("it is out of its dates", "它不在有效期内")),
                    ..verdict(
                        "sealpost",
                        Some(false),
                        None,
                        both("it expired", "它已过期"),
                    )
                },
                verdict(
                    "openssl",
                    Some(false),
                    Some(1),
                    same("certificate has expired"),
                ),
                verdict("python", None, None, both("not installed", "未安装")),
            ],
            proved: true,
        };
        let old = Judged {
            id: "c2".into(),
            name: same("X.509 v1"),
            expected_words: Some("version 3"),
            verdicts: vec![
                verdict("sealpost", Some(true), Some(0), both("accepted", "接受")),
                verdict("openssl", Some(true), Some(0), both("accepted", "接受")),
                verdict("python", None, None, both("not installed", "未安装")),
            ],
            proved: false,
            shown_by: "client",
            expected: "refuse",
        };
        Finding {
            made: "2026-01-02T03:04:05Z".into(),
            animals: vec![expired, old],
            skipped: Vec::new(),
            careless: false,
            proved: false,
        }
    }

    #[test]
    fn a_fail_is_explained_and_nothing_is_where_there_is_none() {
        let mut finding = finding();
        let real = closing(&finding);
        finding.careless = true;
        let careless = closing(&finding);
        assert!(real != careless && real.is_some() && careless.is_some());
        finding.proved = true;
        assert_eq!(closing(&finding), None);
    }

    fn whole(lang: Lang) -> String {
        let (headings, rows) = rows(&finding(), "client", lang);
        let rows = std::iter::once(headings).chain(rows);
        let rows = rows.map(|row| row.join(" | "));
        let all = rows.chain(tell(&finding(), lang));
        all.collect::<Vec<_>>().join("\n") + "\n" + score(&finding()).of(lang)
    }

    #[test]
    fn a_zoo_in_english() {
        assert_snapshot!(whole(Lang::English), @r#"
         |  | expected | sealpost | openssl | python
        ok   c1 | expired | refuse | refuses | refuses (1) | -
        FAIL c2 | X.509 v1 | refuse | accepts | accepts * | -
        * takes what Sealpost refuses; - not installed, or its clock cannot be put forward; in brackets the exit code

        c1   expired, shown by a client
               sealpost  it expired
                 peer    it is out of its dates
               openssl   certificate has expired
               python    not installed
        c2   X.509 v1, shown by a client
               FAIL: should be refused, and say "version 3"
               sealpost  accepted
               openssl   accepted
               python    not installed
        1 of 2 came out as expected
        "#);
    }

    #[test]
    fn a_zoo_in_chinese() {
        assert_snapshot!(whole(Lang::Chinese), @r#"
         |  | 预期 | sealpost | openssl | python
        ok   c1 | 已过期 | 拒绝 | 拒绝 | 拒绝 (1) | -
        FAIL c2 | X.509 v1 | 拒绝 | 接受 | 接受 * | -
        * 接受了 Sealpost 拒绝的证书；- 未安装，或无法拨快其时钟；括号内为退出码；程序所说照录其原文

        c1   已过期（客户端出示）
               sealpost  它已过期
                 对方    它不在有效期内
               openssl   certificate has expired
               python    未安装
        c2   X.509 v1（客户端出示）
               FAIL：应当被拒绝，并说明“version 3”
               sealpost  接受
               openssl   接受
               python    未安装
        2 例中有 1 例符合预期
        "#);
    }
}
