//! An examination as text.

use std::fmt::Write as _;

use super::{Examination, Grade};
use crate::lang::Lang;
use crate::text::escape;

/// Columns of the grade and of the check's name.
const GRADE: usize = 10;
const NAME: usize = 18;

impl Examination {
    /// One line a finding, and under it the cure; every line ends with a line feed.
    pub fn text(&self, lang: Lang) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let grade = match finding.grade {
                Grade::Ok => lang.pick("ok", "正常"),
                Grade::Warning => lang.pick("warning", "警告"),
                Grade::Wrong => lang.pick("WRONG", "错误"),
                Grade::Skipped => lang.pick("not checked", "未检查"),
            };
            let name = finding.check.name(lang);
            let says = escape(lang.pick(&finding.says.en, &finding.says.zh));
            let line = format!("{}{}{says}", padded(grade, GRADE + 2), padded(name, NAME));
            let _infallible = writeln!(text, "{}", line.trim_end());
            if let Some(cure) = &finding.cure {
                let cure = escape(lang.pick(&cure.en, &cure.zh));
                let arrow = lang.pick("cure: ", "办法：");
                let indent = GRADE + 2 + NAME;
                let _infallible = writeln!(text, "{:indent$}{arrow}{cure}", "");
            }
        }
        text
    }
}

/// Chinese characters are two columns wide.
fn padded(text: &str, width: usize) -> String {
    let columns: usize = text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    format!(
        "{text}{:gap$}",
        "",
        gap = width.saturating_sub(columns).max(1)
    )
}

#[cfg(test)]
mod tests {
    use super::super::{Check, Finding};
    use super::*;
    use crate::error::Kind;
    use crate::lang::both;

    #[test]
    fn the_first_failure_decides_and_each_has_its_cure_in_both_languages() {
        let examination = Examination {
            host: "h".into(),
            port: 1,
            findings: vec![
                Finding::ok(Check::Language, "TLS", "TLS"),
                Finding::wrong(
                    Check::Name,
                    Kind::PeerCertificate,
                    both("not for h", "不适用于 h"),
                    both("say --servername", "请加 --servername"),
                ),
                Finding::wrong(
                    Check::Hello,
                    Kind::Handshake,
                    both("no", "否"),
                    both("c", "c"),
                ),
            ],
        };
        assert_eq!(examination.failure(), Some(Kind::PeerCertificate));
        let lines = [
            "ok          language          TLS",
            "WRONG       name              not for h",
            "                              cure: say --servername",
        ];
        let text = examination.text(Lang::English);
        assert!(text.starts_with(&lines.join("\n")), "{text}");
        let text = examination.text(Lang::Chinese);
        assert!(
            text.contains("错误        名称              不适用于 h\n"),
            "{text}"
        );
        assert!(text.contains("办法：请加 --servername"), "{text}");
    }
}
