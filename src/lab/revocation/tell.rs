//! The story in words.

use super::{Event, Fared, Finding, Forget};
use crate::lang::Lang;

/// The finding as lines. The audit trail is shown as it is: English, like every log.
pub fn tell(finding: &Finding, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    for run in &finding.runs {
        let version = &run.version;
        lines.push(lang.pick(
            format!("{version}, milliseconds since the operator began to revoke"),
            format!("{version}，自管理员开始吊销起的毫秒数"),
        ));
        lines.extend(run.events.iter().map(|event| line(event, lang)));
        let audit = lang.pick(
            "the audit trail of the server",
            "服务器的审计记录（英文原文）",
        );
        lines.push(format!("  {audit}"));
        if run.audit.is_empty() {
            let none = lang.pick("(the naive server keeps none)", "（简陋的服务器不作记录）");
            lines.push(format!("            {none}"));
        }
        lines.extend(run.audit.iter().map(|line| format!("            {line}")));
        let sign = match (run.fared == run.expected, run.fared.is_safe()) {
            (true, true) => "ok  ",
            // What was forgotten left it open, as it should in this lesson.
            (true, false) => "HOLE",
            (false, _) => "FAIL",
        };
        lines.push(format!("  {sign} {}", verdict(run.fared, lang)));
        lines.push(String::new());
    }
    let lesson = finding.forgotten.map(|forgotten| lesson(forgotten, lang));
    lines.extend(lesson.map(str::to_owned));
    lines
}

fn line(event: &Event, lang: Lang) -> String {
    let said = match event.said.of(lang) {
        "" => String::new(),
        said => lang.pick(format!(" ({said})"), format!("（{said}）")),
    };
    // Nothing is zero before or after: without the sum `-0.0` would be printed.
    let at = (event.at_ms * 10.0).round() / 10.0 + 0.0;
    let what = event.what.of(lang);
    match (lang, event.who) {
        // As wide as the names.
        (Lang::Chinese, "operator") => format!("  {at:>8.1}  管理员    {what}{said}"),
        (_, who) => format!("  {at:>8.1}  {who:<9} {what}{said}"),
    }
}

fn verdict(fared: Fared, lang: Lang) -> String {
    let word = |open| match open {
        true => lang.pick("OPEN", "敞开"),
        false => lang.pick("shut", "关闭"),
    };
    let [session, handshake, ticket] = [
        fared.session_lives,
        fared.handshake_accepted,
        fared.ticket_accepted,
    ]
    .map(word);
    lang.pick(
        format!(
            "for the revoked certificate: open session {session}, new handshake {handshake}, old ticket {ticket}"
        ),
        format!("对被吊销的证书：已打开的会话 {session}，新的握手 {handshake}，旧票据 {ticket}"),
    )
}

fn lesson(forgotten: Forget, lang: Lang) -> &'static str {
    match forgotten {
        Forget::Crl => lang.pick(
            "without the list nobody but the CA knows: write it with `sealpost pki revoke` or `pki crl`, and carry it to the server",
            "没有列表，除 CA 外谁也不知道：用 `sealpost pki revoke` 或 `pki crl` 生成，并送到服务器",
        ),
        Forget::Reload => lang.pick(
            "a list on the disk of the server does nothing until it is read: SIGHUP, or `serve --watch`",
            "服务器磁盘上的列表在读入之前不起作用：发 SIGHUP，或用 `serve --watch`",
        ),
        Forget::Sessions => lang.pick(
            "TLS checks a certificate once, in the handshake: who is in stays in, until the server looks again (Sealpost does, with every reload)",
            "TLS 只在握手时检查一次证书：已进来的会一直留着，直到服务器再次检查（Sealpost 每次重新加载都会检查）",
        ),
        Forget::Tickets => lang.pick(
            "resuming skips the certificate and the list: sessions remembered from before must be dropped (Sealpost does, with every reload)",
            "会话恢复跳过证书和列表：以前记住的会话必须丢弃（Sealpost 每次重新加载都会丢弃）",
        ),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::lab::revocation::Run;
    use crate::lang::{Both, both};

    fn finding() -> Finding {
        let event = |at_ms, who, what: Both, said: Both| Event {
            at_ms,
            who,
            what,
            said,
        };
        let fared = Fared::expected(Some(Forget::Tickets));
        let revokes = both("revokes the certificate of alice", "吊销 alice 的证书");
        Finding {
            forgotten: Some(Forget::Tickets),
            safe: false,
            proved: true,
            runs: vec![Run {
                version: "TLSv1.3".into(),
                events: vec![
                    event(-0.5, "alice", both("connects", "连接"), Both::default()),
                    event(
                        1.25,
                        "operator",
                        revokes,
                        both("list number 2", "列表编号 2"),
                    ),
                ],
                audit: vec!["0123abcd  hello  CN=alice".into()],
                fared,
                expected: fared,
            }],
        }
    }

    #[test]
    fn a_story_in_english() {
        assert_snapshot!(tell(&finding(), Lang::English).join("\n"), @r#"
        TLSv1.3, milliseconds since the operator began to revoke
              -0.5  alice     connects
               1.3  operator  revokes the certificate of alice (list number 2)
          the audit trail of the server
                    0123abcd  hello  CN=alice
          HOLE for the revoked certificate: open session shut, new handshake shut, old ticket OPEN

        resuming skips the certificate and the list: sessions remembered from before must be dropped (Sealpost does, with every reload)
        "#);
    }

    #[test]
    fn a_story_in_chinese() {
        assert_snapshot!(tell(&finding(), Lang::Chinese).join("\n"), @r#"
        TLSv1.3，自管理员开始吊销起的毫秒数
              -0.5  alice     连接
               1.3  管理员    吊销 alice 的证书（列表编号 2）
          服务器的审计记录（英文原文）
                    0123abcd  hello  CN=alice
          HOLE 对被吊销的证书：已打开的会话 关闭，新的握手 关闭，旧票据 敞开

        会话恢复跳过证书和列表：以前记住的会话必须丢弃（Sealpost 每次重新加载都会丢弃）
        "#);
    }

    #[test]
    fn nothing_happens_at_minus_zero() {
        for (at_ms, shown) in [(-0.04, " 0.0"), (-0.06, "-0.1")] {
            let event = Event {
                at_ms,
                who: "bob",
                what: both("connects", "连接"),
                said: Both::default(),
            };
            let line = line(&event, Lang::English);
            assert!(line.contains(shown), "{line}");
        }
    }
}
