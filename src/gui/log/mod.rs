//! What was done in this session, and when.

mod view;
mod words;

use std::collections::{HashMap, VecDeque};
use std::mem::{Discriminant, discriminant};

use time::OffsetDateTime;

use super::engine::transfers::{Id, State, Transfer};
use super::engine::{Request, SessionEvent};
use super::wire::Saved;
use crate::lang::{Both, Lang, both};
use crate::text;

/// Letters of a connection's number: lines without one leave as much room.
const CONNECTION: usize = 12;

/// Lines kept; the oldest go first.
const LINES_MAX: usize = 5_000;

/// How a line is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It went as it should.
    Note,
    /// It did not.
    Trouble,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Line {
    /// When.
    pub at: OffsetDateTime,
    /// How it is meant.
    pub tone: Tone,
    /// The server's number of the connection, under which its log has the cause.
    pub connection: Option<String>,
    /// What.
    pub text: Both,
}

/// The lines of a session.
#[derive(Debug, Default)]
pub struct Log {
    lines: VecDeque<Line>,
    /// Lines that went.
    gone: u64,
    /// The connection that lines are of.
    pub connection: Option<String>,
    /// What was told of each transfer last.
    transfers: HashMap<Id, Discriminant<State>>,
    filter: String,
    only_trouble: bool,
    /// The number of the selected line, counted from the first there ever was.
    selected: Option<u64>,
    shown: Shown,
}

/// The lines that the filter lets through, as long as nothing changes.
#[derive(Debug, Default)]
struct Shown {
    of: Option<(u64, String, bool, Lang)>,
    numbers: Vec<u64>,
}

impl Log {
    /// Adds a line.
    pub fn say(&mut self, tone: Tone, text: Both) {
        self.add(tone, self.connection.clone(), text);
    }

    /// An attempt at a session begins.
    pub fn connecting(&mut self, request: &Request) {
        self.connection = None;
        self.say(Tone::Note, words::connecting(request));
    }

    /// The session was ended from this side.
    pub fn disconnected(&mut self) {
        self.say(Tone::Note, both("disconnected", "已断开连接"));
        self.connection = None;
    }

    /// Adds what an event tells.
    pub fn hear(&mut self, event: &SessionEvent) {
        if let SessionEvent::Connected(connected) = event {
            self.connection = Some(connected.hello.id.clone());
        }
        for (tone, text) in words::session(event) {
            self.say(tone, text);
        }
    }

    /// Adds what became of a transfer, if that is news. It has a connection of its own.
    pub fn transfer(&mut self, transfer: &Transfer) {
        if transfer.state == State::Forgotten {
            self.transfers.remove(&transfer.id);
            return;
        }
        let state = discriminant(&transfer.state);
        if self.transfers.insert(transfer.id, state) != Some(state)
            && let Some((tone, text)) = words::transfer(transfer)
        {
            self.add(tone, None, text);
        }
    }

    /// Adds how saving a capture went.
    pub fn saved(&mut self, saved: &Saved) {
        let (tone, text) = words::saved(saved);
        self.add(tone, None, text);
    }

    /// The lines, the oldest first.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &Line> {
        self.lines.iter()
    }

    /// All lines as text.
    pub fn text(&self, lang: Lang) -> String {
        let lines = self.lines.iter().map(|line| line.tell(lang) + "\n");
        lines.collect()
    }

    fn add(&mut self, tone: Tone, connection: Option<String>, text: Both) {
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
            self.gone += 1;
        }
        self.lines.push_back(Line {
            at: text::now(),
            tone,
            connection,
            text,
        });
    }

    fn line(&self, number: u64) -> Option<&Line> {
        let index = usize::try_from(number.checked_sub(self.gone)?).ok()?;
        self.lines.get(index)
    }

    /// Finds the lines to show; nothing to do while nothing changed.
    fn sift(&mut self, lang: Lang) {
        let count = self.gone + self.lines.len() as u64;
        let of = (count, self.filter.clone(), self.only_trouble, lang);
        if self.shown.of.as_ref() == Some(&of) {
            return;
        }
        let filter = self.filter.to_lowercase();
        let fits = |line: &Line| {
            (!self.only_trouble || line.tone == Tone::Trouble)
                && (filter.is_empty() || line.tell(lang).to_lowercase().contains(&filter))
        };
        let numbered = (self.gone..).zip(&self.lines);
        let numbers = numbered.filter(|(_, line)| fits(line));
        self.shown.numbers = numbers.map(|(number, _)| number).collect();
        self.shown.of = Some(of);
    }
}

impl Line {
    /// When, on which connection, and what; failures begin with a cross.
    fn tell(&self, lang: Lang) -> String {
        let connection = self.connection.as_deref().unwrap_or("-");
        let what = lang.pick(&self.text.en, &self.text.zh);
        let mark = match self.tone {
            Tone::Note => "",
            Tone::Trouble => "✖ ",
        };
        format!(
            "{}  {connection:<CONNECTION$}  {mark}{}",
            text::time(self.at),
            text::escape(what)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[(Tone, &str, &str)]) -> Log {
        let mut log = Log::default();
        for (tone, en, zh) in lines {
            log.say(*tone, both(*en, *zh));
        }
        log
    }

    #[test]
    fn a_line_is_told_in_either_language_and_trouble_has_a_mark_of_its_own() {
        let mut log = log(&[(Tone::Note, "logged in", "已登录")]);
        log.connection = Some("c7".into());
        log.say(Tone::Trouble, both("lost\nforged line", "断开"));
        let english = log.text(Lang::English);
        assert!(
            english.contains("Z  -             logged in\n"),
            "{english}"
        );
        assert!(
            english.contains("Z  c7            ✖ lost\\u{a}forged line\n"),
            "{english}"
        );
        assert!(log.text(Lang::Chinese).contains("c7            ✖ 断开\n"));
    }

    #[test]
    fn the_filter_looks_at_what_is_shown_and_follows_the_language() {
        let mut log = log(&[
            (Tone::Note, "uploaded A", "已上传 A"),
            (Tone::Trouble, "lost", "断开"),
        ]);
        log.filter = "UPLOADED".into();
        log.sift(Lang::English);
        assert_eq!(log.shown.numbers, [0]);
        log.sift(Lang::Chinese);
        assert_eq!(log.shown.numbers, [0; 0]);
        log.filter.clear();
        log.only_trouble = true;
        log.sift(Lang::Chinese);
        assert_eq!(log.shown.numbers, [1]);
    }

    #[test]
    fn the_oldest_lines_go_first_and_the_others_keep_their_numbers() {
        let mut log = Log::default();
        for number in 0..LINES_MAX + 3 {
            log.say(Tone::Note, both(number.to_string(), ""));
        }
        log.sift(Lang::English);
        assert_eq!(log.shown.numbers.len(), LINES_MAX);
        assert_eq!(log.line(3).map(|line| line.text.en.as_str()), Some("3"));
        assert!(log.line(2).is_none());
    }
}
