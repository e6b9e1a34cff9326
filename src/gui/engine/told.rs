//! An error as a window tells it: in both languages, and more than once.

use std::error::Error as _;

use crate::error::{Error, Kind};
use crate::gui::words;
use crate::lang::{Both, Lang, both};

/// What an [`Error`] says, free of the error itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What kind of error it is.
    pub kind: Kind,
    /// What is wrong.
    pub message: Both,
    /// What to do next, in the words of the window; may be empty.
    pub hint: Both,
    /// The chain of causes, the nearest first.
    pub causes: Vec<String>,
}

impl Told {
    /// What `error` says.
    pub fn of(error: &Error) -> Self {
        let (message, hint) = error.told_in(Lang::English);
        let (message_zh, hint_zh) = error.told_in(Lang::Chinese);
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(this) = cause {
            causes.push(this.to_string());
            cause = this.source();
        }
        Self {
            kind: error.kind(),
            message: both(message, message_zh),
            hint: both(
                words::here(hint.unwrap_or_default(), Lang::English),
                words::here(hint_zh.unwrap_or_default(), Lang::Chinese),
            ),
            causes,
        }
    }
}

impl From<&Error> for Told {
    fn from(error: &Error) -> Self {
        Self::of(error)
    }
}
