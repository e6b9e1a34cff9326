//! Completion with the tab key: words, names on the server, paths here.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fs;
use std::rc::Rc;

use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use super::line::{Typed, quoted, typed};
use super::place::entries;
use super::session::Session;
use super::words::{self, Side};
use crate::text::escape;

/// Bold red, and back again (ECMA-48, SGR).
const WARNING: [&str; 2] = ["\x1b[1;31m", "\x1b[0m"];

/// What helps with typing a line.
pub(super) struct Assistant {
    session: Rc<RefCell<Session>>,
}

impl Assistant {
    /// For lines of this session.
    pub(super) fn new(session: Rc<RefCell<Session>>) -> Self {
        Self { session }
    }

    fn candidates(&self, typed: &Typed) -> Vec<String> {
        let Some(word) = typed.before.first() else {
            return words::all();
        };
        let names = typed.before.iter().skip(1);
        let n = names.filter(|word| !word.starts_with('-')).count();
        match words::completes(word, n) {
            Some(Side::Words) => words::all(),
            Some(Side::Remote) => self.remote(&typed.word),
            Some(Side::Local) => local(&typed.word),
            None => Vec::new(),
        }
    }

    fn remote(&self, word: &str) -> Vec<String> {
        let Ok(mut session) = self.session.try_borrow_mut() else {
            return Vec::new();
        };
        let folder = folder_of(word);
        let Ok(prefix) = session.place.of(folder).prefix() else {
            return Vec::new();
        };
        let files = session.remembered(&prefix);
        let entries = entries(&prefix, &files);
        entries
            .iter()
            .map(|(name, _)| format!("{folder}{name}"))
            .collect()
    }
}

/// The part of a word up to its last slash.
fn folder_of(word: &str) -> &str {
    word.rfind('/').map_or("", |end| &word[..=end])
}

fn local(word: &str) -> Vec<String> {
    let folder = folder_of(word);
    let place = if folder.is_empty() { "." } else { folder };
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let hidden = word[folder.len()..].starts_with('.');
    let path = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let end = if entry.path().is_dir() { "/" } else { "" };
        (hidden || !name.starts_with('.')).then(|| format!("{folder}{name}{end}"))
    };
    entries.filter_map(path).collect()
}

/// Those candidates that go on from what was typed, as they have to be typed.
fn fitting(typed: &Typed, mut candidates: Vec<String>) -> Vec<Pair> {
    // A name that could move the cursor or reverse a line is not put into one.
    candidates.retain(|text| text.starts_with(&typed.word) && escape(text) == *text);
    candidates.sort();
    candidates.dedup();
    let only = candidates.len() == 1;
    let pair = |text: String| {
        let mut replacement = quoted(&text, typed.quote);
        if only && !text.ends_with('/') {
            replacement.extend(typed.quote);
            replacement.push(' ');
        }
        let folder = folder_of(text.strip_suffix('/').unwrap_or(&text));
        Pair {
            display: text[folder.len()..].to_owned(),
            replacement,
        }
    };
    candidates.into_iter().map(pair).collect()
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = typed(&line[..pos]);
        let candidates = self.candidates(&typed);
        Ok((typed.start, fitting(&typed, candidates)))
    }
}

impl Highlighter for Assistant {
    /// A prompt that has to warn stands out.
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(
        &'s self,
        prompt: &'p str,
        _default: bool,
    ) -> Cow<'b, str> {
        let exposed = self
            .session
            .try_borrow()
            .is_ok_and(|session| session.is_exposed());
        match prompt.split_once(' ') {
            Some((sign, rest)) if exposed => {
                let [red, plain] = WARNING;
                Cow::Owned(format!("{red}{sign}{plain} {rest}"))
            }
            _ => Cow::Borrowed(prompt),
        }
    }
}

impl Hinter for Assistant {
    type Hint = String;
}

impl Validator for Assistant {}

impl Helper for Assistant {}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(line: &str, candidates: &[&str]) -> Vec<String> {
        let candidates = candidates.iter().map(|text| (*text).to_owned()).collect();
        let pairs = fitting(&typed(line), candidates);
        pairs.into_iter().map(|pair| pair.replacement).collect()
    }

    #[test]
    fn a_name_is_completed_as_it_has_to_be_typed() {
        let names = ["a b.txt", "docs/", "\u{202e}x"];
        assert_eq!(replaced("get a", &names), ["a\\ b.txt "]);
        assert_eq!(replaced("get \"a", &names), ["\"a b.txt\" "]);
        assert_eq!(replaced("get 'a b", &names), ["'a b.txt' "]);
        assert_eq!(replaced("get d", &names), ["docs/"]);
        assert_eq!(replaced("get ", &names), ["a\\ b.txt", "docs/"]);
        assert!(replaced("get z", &names).is_empty());
    }

    #[test]
    fn only_the_last_part_is_shown() {
        let candidates = vec!["docs/a/".to_owned(), "docs/b".to_owned()];
        let pairs = fitting(&typed("get docs/"), candidates);
        let shown: Vec<&str> = pairs.iter().map(|pair| pair.display.as_str()).collect();
        assert_eq!(shown, ["a/", "b"]);
    }
}
