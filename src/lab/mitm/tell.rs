//! The steps in words.

use super::{Finding, Setup, Step};
use crate::lang::{Both, Lang, both};

/// What each group of steps is about, by the first letter of its numbers.
const GROUPS: [(&str, &str, &str); 6] = [
    (
        "a",
        "plain TCP: the attacker reads and alters",
        "明文 TCP：攻击者读取并篡改",
    ),
    (
        "b",
        "TLS without verification: sealed, and handed to the wrong one",
        "不做验证的 TLS：密封了，却交给了错误的人",
    ),
    (
        "c",
        "TLS with verification: the attacker has no certificate that fits",
        "做验证的 TLS：攻击者没有合适的证书",
    ),
    (
        "d",
        "mutual TLS: the attacker cannot be the client either",
        "双向 TLS：攻击者也冒充不了客户端",
    ),
    (
        "e",
        "TLS records: nothing can be changed, dropped, repeated, reordered or cut off",
        "TLS 记录：不能改动、丢弃、重复、调换或截断",
    ),
    (
        "f",
        "no way down: TLS is not stripped off",
        "没有退路：TLS 不会被剥除",
    ),
];

/// The labels of a step's lines.
struct Labels {
    expected: &'static str,
    observed: &'static str,
    attacker: &'static str,
    bytes: &'static str,
    client: &'static str,
    server: &'static str,
    exit: &'static str,
    brackets: [&'static str; 2],
}

const ENGLISH: Labels = Labels {
    expected: "expected  ",
    observed: "observed  ",
    attacker: "attacker  ",
    bytes: "bytes     ",
    client: "client    ",
    server: "server    ",
    exit: "exit",
    brackets: [" (", ")"],
};

const CHINESE: Labels = Labels {
    expected: "预期    ",
    observed: "实际    ",
    attacker: "攻击者  ",
    bytes: "字节    ",
    client: "客户端  ",
    server: "服务器  ",
    exit: "退出码",
    brackets: ["（", "）"],
};

/// The finding as lines; `all` has every byte of every step, else group (e) is a line each. What a server
/// said is its log, which is English.
pub fn tell(finding: &Finding, all: bool, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    for (letter, en, zh) in GROUPS {
        let of_group = |step: &&Step| step.id.starts_with(letter);
        let mut steps = finding.steps.iter().filter(of_group).peekable();
        if steps.peek().is_none() {
            continue;
        }
        lines.push(format!("({letter}) {}", lang.pick(en, zh)));
        let brief = letter == "e" && !all;
        for (n, step) in steps.enumerate() {
            // The first in full shows what a record is.
            if brief && n > 0 && step.proved {
                tell_briefly(step, lang, &mut lines);
            } else {
                tell_step(step, lang, &mut lines);
            }
        }
        lines.push(String::new());
    }
    let proved = finding.steps.iter().filter(|step| step.proved).count();
    let steps = finding.steps.len();
    lines.push(lang.pick(
        format!("{proved} of {steps} steps came out as expected"),
        format!("{steps} 步中有 {proved} 步符合预期"),
    ));
    lines.extend(closing(finding).map(|closing| closing.of(lang).to_owned()));
    if lang == Lang::Chinese {
        lines.push("（“服务器”一行若为英文，是其日志的原文：日志只有英文）".to_owned());
    }
    lines
}

/// What a FAIL means; none when there is none.
fn closing(finding: &Finding) -> Option<Both> {
    if finding.proved {
        return None;
    }
    Some(match finding.setup {
        Setup::Careless => both(
            "no client verified a certificate (--careless): each FAIL is an attack that verification stops, and that got through here; hence exit code 1",
            "没有任何客户端验证证书（--careless）：每个 FAIL 都是验证本可阻止、在这里却得逞的攻击；因此退出码为 1",
        ),
        Setup::Idle => both(
            "the attacker only passed everything on (--idle): each FAIL says that its step does not come out by itself, without an attack; hence exit code 1",
            "攻击者只是原样转发（--idle）：每个 FAIL 都说明，没有攻击，该步骤不会自行成立；因此退出码为 1",
        ),
        Setup::Real => both(
            "each FAIL is an attack that should have been stopped and was not, or an experiment that this machine kept from its end: see what was expected there; hence exit code 1",
            "每个 FAIL 要么是本应被阻止却没有被阻止的攻击，要么是在这台机器上没能做完的实验：见该处的“预期”；因此退出码为 1",
        ),
    })
}

fn tell_briefly(step: &Step, lang: Lang, lines: &mut Vec<String>) {
    let labels = lang.pick(ENGLISH, CHINESE);
    lines.push(format!("  ok   {:<4} {}", step.id, step.name.of(lang)));
    // Without the connection's id.
    let client = step.client_said.of(lang);
    let client = client.split(" [").next().unwrap_or_default();
    lines.push(format!(
        "{INDENT}{}{client}{}",
        labels.client,
        exit(step, &labels)
    ));
    lines.push(format!(
        "{INDENT}{}{}",
        labels.server,
        step.server_said.of(lang)
    ));
}

fn tell_step(step: &Step, lang: Lang, lines: &mut Vec<String>) {
    let labels = lang.pick(ENGLISH, CHINESE);
    let sign = if step.proved { "ok  " } else { "FAIL" };
    lines.push(format!("  {sign} {:<4} {}", step.id, step.name.of(lang)));
    let mut line = |label: &str, text: &str| lines.push(format!("{INDENT}{label}{text}"));
    if !step.proved {
        line(labels.expected, step.expected.of(lang));
    }
    line(labels.observed, step.observed.of(lang));
    for excerpt in &step.bytes_excerpt {
        let bytes = excerpt.bytes.of(lang);
        if excerpt.is_said {
            let nothing = lang.pick("nothing", "（什么也没说）");
            line(
                labels.attacker,
                if bytes.is_empty() { nothing } else { bytes },
            );
            continue;
        }
        let (what, colon) = (excerpt.what.of(lang), lang.pick(": ", "："));
        line(labels.bytes, &format!("{what}{colon}{bytes}"));
    }
    let client = step.client_said.of(lang);
    line(labels.client, &format!("{client}{}", exit(step, &labels)));
    line(labels.server, step.server_said.of(lang));
}

fn exit(step: &Step, labels: &Labels) -> String {
    let [open, close] = labels.brackets;
    format!("{open}{} {}{close}", labels.exit, step.client_exit)
}

/// In front of the lines of a step.
const INDENT: &str = "              ";

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::lab::mitm::Excerpt;
    use crate::lang::same;

    fn step(id: &str, proved: bool) -> Step {
        Step {
            id: id.into(),
            name: both("a try", "一次尝试"),
            expected: both("the client refuses", "客户端拒绝"),
            observed: both("the client hung up", "客户端挂断"),
            client_said: both("not signed by a CA [id 1]", "不是由 CA 签发的 [连接 1]"),
            client_exit: 60,
            server_said: same("handshake failed"),
            bytes_excerpt: vec![
                Excerpt::hex(both("record", "记录"), &[0x17, 3, 3]),
                Excerpt::attacker(both("refused", "被拒绝")),
            ],
            proved,
        }
    }

    fn whole(lang: Lang) -> String {
        let finding = Finding {
            setup: Setup::Careless,
            steps: vec![step("c1", false), step("e1", true), step("e2", true)],
            proved: false,
        };
        tell(&finding, false, lang).join("\n")
    }

    #[test]
    fn a_closing_sentence_says_what_a_fail_means_in_each_setup_and_nothing_without_one() {
        let closing = |setup, proved| {
            let finding = Finding {
                setup,
                steps: vec![step("c1", proved)],
                proved,
            };
            closing(&finding).map(|closing| closing.en)
        };
        assert_eq!(closing(Setup::Real, true), None);
        let said = [Setup::Real, Setup::Careless, Setup::Idle].map(|setup| closing(setup, false));
        assert!(said[0] != said[1] && said[1] != said[2], "{said:?}");
        for said in said {
            assert!(said.is_some_and(|said| said.contains("each FAIL")));
        }
    }

    #[test]
    fn steps_in_english() {
        assert_snapshot!(whole(Lang::English), @r#"
        (c) TLS with verification: the attacker has no certificate that fits
          FAIL c1   a try
                      expected  the client refuses
                      observed  the client hung up
                      bytes     record: 17 03 03
                      attacker  refused
                      client    not signed by a CA [id 1] (exit 60)
                      server    handshake failed

        (e) TLS records: nothing can be changed, dropped, repeated, reordered or cut off
          ok   e1   a try
                      observed  the client hung up
                      bytes     record: 17 03 03
                      attacker  refused
                      client    not signed by a CA [id 1] (exit 60)
                      server    handshake failed
          ok   e2   a try
                      client    not signed by a CA (exit 60)
                      server    handshake failed

        2 of 3 steps came out as expected
        no client verified a certificate (--careless): each FAIL is an attack that verification stops, and that got through here; hence exit code 1
        "#);
    }

    #[test]
    fn steps_in_chinese() {
        assert_snapshot!(whole(Lang::Chinese), @r#"
        (c) 做验证的 TLS：攻击者没有合适的证书
          FAIL c1   一次尝试
                      预期    客户端拒绝
                      实际    客户端挂断
                      字节    记录：17 03 03
                      攻击者  被拒绝
                      客户端  不是由 CA 签发的 [连接 1]（退出码 60）
                      服务器  handshake failed

        (e) TLS 记录：不能改动、丢弃、重复、调换或截断
          ok   e1   一次尝试
                      实际    客户端挂断
                      字节    记录：17 03 03
                      攻击者  被拒绝
                      客户端  不是由 CA 签发的 [连接 1]（退出码 60）
                      服务器  handshake failed
          ok   e2   一次尝试
                      客户端  不是由 CA 签发的（退出码 60）
                      服务器  handshake failed

        3 步中有 2 步符合预期
        没有任何客户端验证证书（--careless）：每个 FAIL 都是验证本可阻止、在这里却得逞的攻击；因此退出码为 1
        （“服务器”一行若为英文，是其日志的原文：日志只有英文）
        "#);
    }
}
