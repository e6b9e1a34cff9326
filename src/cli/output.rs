//! The only place that speaks: results on stdout, everything else on stderr.
//!
//! Messages are lower case, without a full stop, and begin with the program's name where they are not a
//! result. Bytes that came from a peer or a file are escaped by whoever builds the line
//! ([`crate::text::escape`]), because only they know which bytes those are.

use std::error::Error as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::OnceLock;

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::json;

use crate::error::{Error, Kind};
use crate::lang::Lang;
use crate::text::{escape, escape_json};
use crate::transport::Story;

/// Why a line of the result could not be written, the first time.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// How to speak; made once from the global flags.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Output {
    /// One JSON document for a read command, one JSON event a line for a transfer.
    pub(crate) json: bool,
    /// No notes.
    pub(crate) quiet: bool,
    /// 0, or how often `-v` was given.
    pub(crate) verbose: u8,
    /// The language of what is said to people.
    pub(crate) lang: Lang,
    /// The same, if it was named and not taken from the locale; the window has a memory of its own.
    #[cfg(feature = "gui")]
    pub(crate) lang_named: Option<Lang>,
}

impl Output {
    /// A line of the result.
    #[expect(
        clippy::unused_self,
        reason = "speaking is a method, whatever it needs"
    )]
    pub(crate) fn line(self, text: impl AsRef<str>) {
        if let Err(error) = writeln!(io::stdout().lock(), "{}", text.as_ref()) {
            // A reader that went away (`| head`) is no error of ours.
            if error.kind() != io::ErrorKind::BrokenPipe {
                let _known = LOST.set(error);
            }
        }
    }

    /// A value as one line of JSON on stdout.
    pub(crate) fn json(self, value: &impl Serialize) {
        if let Ok(text) = serde_json::to_string(value) {
            // On a terminal too: the names in it are a peer's.
            self.line(escape_json(&text));
        }
    }

    /// A remark for the person watching; silent with `-q` and with `--json`.
    pub(crate) fn note(self, text: impl AsRef<str>) {
        if !self.quiet && !self.json {
            say(text.as_ref());
        }
    }

    /// A remark for those who asked for more with `-v`.
    pub(crate) fn detail(self, text: impl AsRef<str>) {
        if self.verbose > 0 {
            say(text.as_ref());
        }
    }

    /// A warning: never silent.
    pub(crate) fn warn(self, text: impl AsRef<str>) {
        let label = self.lang.pick("warning: ", "警告：");
        say(&format!("{label}{}", text.as_ref()));
    }

    /// A failure: what is wrong, what to do next, and with `-v` the chain of causes.
    pub(crate) fn error(self, error: &Error) {
        if self.json {
            self.json(&error_json(error));
            return;
        }
        let [wrong, next, cause] = self.lang.pick(
            ["error: ", "  next: ", "  cause: "],
            ["错误：", "  下一步：", "  原因："],
        );
        let (message, hint) = error.told_in(self.lang);
        say(&format!("{wrong}{}", escape(message)));
        if let Some(hint) = hint {
            say(&format!("{next}{}", escape(hint)));
        }
        let mut source = error.source();
        while let (Some(this), true) = (source, self.verbose > 0) {
            say(&format!("{cause}{}", escape(&this.to_string())));
            source = this.source();
        }
    }

    /// How a connection came about. On stderr, in JSON too: results alone go to stdout.
    pub(crate) fn story(self, story: &Story) {
        let text = match self.json {
            true => serde_json::to_string(story).map_or_else(
                |_| String::new(),
                |json| {
                    escape_json(&json)
                        + "
"
                },
            ),
            false => story.text(self.lang),
        };
        let _broken_pipe = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Rows under headings, aligned (wide characters counted as two columns), without lines.
    pub(crate) fn table(self, headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_header(headings.iter());
        table.add_rows(rows);
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        for line in table.lines() {
            self.line(line.trim_end());
        }
    }

    /// The same, folded into a page of so many columns.
    pub(crate) fn folded_table(
        self,
        headings: &[&str],
        rows: impl IntoIterator<Item = Vec<String>>,
        columns: usize,
    ) {
        let mut table = Table::new();
        table
            .load_style(presets::ASCII_HORIZONTAL_ONLY)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(columns).unwrap_or(u16::MAX))
            .set_header(headings.iter());
        table.add_rows(rows);
        for line in table.lines() {
            self.line(line.trim_end());
        }
    }
}

/// An error as `--json` prints it: in English whatever the language, and in Chinese too where it is known so.
pub(crate) fn error_json(error: &Error) -> serde_json::Value {
    let mut value = json!({
        "event": "error",
        "code": error.kind().word(),
        "message": error.message(),
        "hint": error.next_step(),
    });
    if let Some((message, hint)) = error.chinese() {
        value["message_zh"] = message.into();
        value["hint_zh"] = hint.into();
    }
    value
}

/// What is left to say when a result could not be written, to a full disk say: half of it must not look like all.
pub(crate) fn lost() -> Option<Error> {
    let error = LOST.get()?;
    let told = io::Error::new(error.kind(), error.to_string());
    Some(Error::io(Kind::LocalWrite, "write the result", told))
}

/// Whether a person is watching stderr, so that progress bars make sense.
pub(crate) fn watched() -> bool {
    io::stderr().is_terminal()
}

fn say(text: &str) {
    let _broken_pipe = writeln!(io::stderr().lock(), "sealpost: {text}");
}
