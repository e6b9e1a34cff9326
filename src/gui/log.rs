//! What was done in this session, and when.

use egui::{RichText, ScrollArea, Ui};
use time::OffsetDateTime;

use super::action::{Action, Cx};
use super::theme;
use crate::lang::{Both, Lang};
use crate::text;

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
    lines: Vec<Line>,
    /// The connection that lines are of.
    pub connection: Option<String>,
}

impl Log {
    /// Adds a line.
    pub fn say(&mut self, tone: Tone, text: Both) {
        if self.lines.len() == LINES_MAX {
            self.lines.remove(0);
        }
        self.lines.push(Line {
            at: text::now(),
            tone,
            connection: self.connection.clone(),
            text,
        });
    }

    /// The lines.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// All lines as text.
    pub fn text(&self, lang: Lang) -> String {
        let lines = self.lines.iter().map(|line| line.tell(lang) + "\n");
        lines.collect()
    }

    /// Draws it.
    pub fn show(&self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if ui.button(cx.say("Copy the log", "复制日志")).clicked() {
            let text = self.text(cx.lang);
            cx.act(Action::Copy(text));
        }
        let dark = ui.visuals().dark_mode;
        let height = ui.text_style_height(&egui::TextStyle::Monospace);
        ScrollArea::both()
            .auto_shrink(false)
            .stick_to_bottom(true)
            .show_rows(ui, height, self.lines.len(), |ui, rows| {
                for line in &self.lines[rows] {
                    let text = RichText::new(line.tell(cx.lang)).monospace();
                    ui.label(match line.tone {
                        Tone::Note => text,
                        Tone::Trouble => text.color(theme::bad(dark)),
                    });
                }
            });
    }
}

impl Line {
    fn tell(&self, lang: Lang) -> String {
        let connection = self.connection.as_deref().unwrap_or("-");
        let what = lang.pick(&self.text.en, &self.text.zh);
        format!(
            "{}  {connection}  {}",
            text::time(self.at),
            text::escape(what)
        )
    }
}
