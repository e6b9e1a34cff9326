//! What is said of transfers, in both languages.

use std::time::Duration;

use super::rate::time_left;
use super::{Row, Totals};
use crate::gui::engine::told::Told;
use crate::gui::engine::transfers::{Finished, State};
use crate::lang::Lang;
use crate::text::{self, escape};

/// When nothing has moved for so many seconds, that is said.
const STILL_S: f64 = 3.0;

/// How a state is meant.
pub(super) enum Tone {
    Plain,
    Good,
    Warning,
    Bad,
}

impl Row {
    /// The state in a few words.
    pub(super) fn state(&self, lang: Lang) -> (String, Tone) {
        let gauge = &self.transfer.gauge;
        let (words, tone) = match &self.transfer.state {
            State::Waiting => (("waiting", "等待中"), Tone::Plain),
            State::Running if !gauge.has_begun() => (("starting…", "正在开始…"), Tone::Plain),
            State::Running if gauge.done() >= gauge.size() => {
                (("finishing…", "正在完成…"), Tone::Plain)
            }
            State::Running if self.rate.still_s() >= STILL_S => {
                let still = duration(Duration::from_secs_f64(self.rate.still_s()), lang);
                let words = lang.pick(
                    format!("no answer for {still}"),
                    format!("已有 {still}没有回应"),
                );
                return (words, Tone::Warning);
            }
            State::Running => (("running", "传输中"), Tone::Plain),
            State::Paused => (("paused", "已暂停"), Tone::Warning),
            State::Asking(_) => (("name taken", "名称已存在"), Tone::Warning),
            State::Done(finished) => return (finished.words(lang), Tone::Good),
            State::Failed(told) => {
                let word = lang.pick("failed: ", "失败：");
                return (format!("{word}{}", told.message(lang)), Tone::Bad);
            }
            State::Skipped => (("skipped", "已跳过"), Tone::Plain),
            State::Cancelled | State::Forgotten => (("cancelled", "已取消"), Tone::Plain),
        };
        (lang.pick(words.0, words.1).to_owned(), tone)
    }

    /// All there is to say of it, in lines.
    pub(super) fn tell(&self, lang: Lang) -> Vec<String> {
        match &self.transfer.state {
            State::Failed(told) => {
                let mut lines = vec![told.message(lang), told.hint(lang)];
                lines.retain(|line| !line.is_empty());
                lines
            }
            State::Done(finished) => {
                let mut lines = vec![
                    format!("SHA-256 {}", finished.sha256),
                    escape(&finished.name),
                    escape(&finished.path.to_string_lossy()),
                ];
                if finished.resumed > 0 {
                    lines.push(finished.already_there(lang));
                }
                lines
            }
            _ => vec![
                escape(self.transfer.job.name().as_str()),
                escape(&self.transfer.job.path().to_string_lossy()),
            ],
        }
    }
}

impl Finished {
    fn words(&self, lang: Lang) -> String {
        let size = text::size(self.size);
        match (lang, self.resumed) {
            (Lang::English, 0) => format!("done, {size}"),
            (Lang::Chinese, 0) => format!("完成，{size}"),
            (lang, _) => self.already_there(lang),
        }
    }

    fn already_there(&self, lang: Lang) -> String {
        let resumed = text::size(self.resumed);
        match (lang, self.resumed == self.size) {
            (Lang::English, true) => "done, all of it was there already".to_owned(),
            (Lang::Chinese, true) => "完成，全部内容早已存在".to_owned(),
            (Lang::English, false) => format!("done, {resumed} were there already"),
            (Lang::Chinese, false) => format!("完成，其中 {resumed} 早已存在"),
        }
    }
}

impl Told {
    pub(super) fn message(&self, lang: Lang) -> String {
        escape(lang.pick(&self.message.en, &self.message.zh))
    }

    fn hint(&self, lang: Lang) -> String {
        escape(lang.pick(&self.hint.en, &self.hint.zh))
    }

    /// What is wrong and what to do, in a line.
    pub(super) fn text(&self, lang: Lang) -> String {
        let (message, hint) = (self.message(lang), self.hint(lang));
        match hint.is_empty() {
            true => message,
            false => format!("{message}{}{hint}", lang.pick("; ", "；")),
        }
    }
}

impl Totals {
    /// `3 of 10 done · 1.2 GB of 4.0 GB · 35.0 MB/s · 1 min 20 s`.
    pub(super) fn tell(&self, lang: Lang) -> String {
        if self.count == 0 {
            return String::new();
        }
        let (over, count) = (self.over, self.count);
        let (done, bytes) = (text::size(self.done), text::size(self.bytes));
        let mut parts = match lang {
            Lang::English => vec![
                format!("{over} of {count} done"),
                format!("{done} of {bytes}"),
            ],
            Lang::Chinese => vec![
                format!("{over}/{count} 已完成"),
                format!("{done} / {bytes}"),
            ],
        };
        if self.failed > 0 {
            let failed = self.failed;
            parts.push(lang.pick(format!("{failed} failed"), format!("{failed} 个失败")));
        }
        if self.running > 0 && self.bytes_per_s > 0.0 {
            parts.push(speed_text(self.bytes_per_s));
            let left = self.bytes.saturating_sub(self.done);
            parts.extend(time_left(left, self.bytes_per_s).map(|left| duration(left, lang)));
        }
        parts.join(" · ")
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a speed is not negative, and fits"
)]
pub(super) fn speed_text(bytes_per_s: f64) -> String {
    format!("{}/s", text::size(bytes_per_s as u64))
}

/// A duration as it is said: `45 s`, `3 min 20 s`, `2 h 5 min`.
pub(super) fn duration(duration: Duration, lang: Lang) -> String {
    let seconds = duration.as_secs();
    let (h, min, s) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (lang, h, min) {
        (Lang::English, 0, 0) => format!("{s} s"),
        (Lang::English, 0, _) => format!("{min} min {s} s"),
        (Lang::English, ..) => format!("{h} h {min} min"),
        (Lang::Chinese, 0, 0) => format!("{s} 秒"),
        (Lang::Chinese, 0, _) => format!("{min} 分 {s} 秒"),
        (Lang::Chinese, ..) => format!("{h} 小时 {min} 分"),
    }
}
