//! From a line to its words: blanks part them, quotes and backslashes make characters mean themselves.
//!
//! Words are kept in the form of a glob pattern in which what was quoted is in brackets (`"*"` is `[*]`), so that
//! the pattern characters that were typed bare can still be told from the others.

use std::str::FromStr;

use crate::error::{Error, Kind, Result};

/// What a pattern gives a meaning of its own.
const GLOB: [char; 4] = ['?', '*', '[', ']'];

/// A word that names files: one as it stands, or all that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// This very name.
    Plain(String),
    /// A pattern.
    Glob(String),
}

impl FromStr for Word {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match plain(text) {
            Some(plain) => Ok(Self::Plain(plain)),
            None => match glob::Pattern::new(text) {
                Ok(_) => Ok(Self::Glob(text.to_owned())),
                Err(error) => Err(format!("not a pattern: {}", error.msg)),
            },
        }
    }
}

impl Word {
    /// The word where only one name makes sense: then a pattern means itself.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Glob(text) => text,
        }
    }
}

/// The text a pattern stands for, if it stands for one only.
pub(super) fn plain(pattern: &str) -> Option<String> {
    let mut text = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '[' => {
                let mut rest = chars.clone();
                let (Some(c), Some(']')) = (rest.next(), rest.next()) else {
                    return None;
                };
                if !GLOB.contains(&c) {
                    return None;
                }
                text.push(c);
                chars = rest;
            }
            '*' | '?' => return None,
            c => text.push(c),
        }
    }
    Some(text)
}

/// The words of a whole line, as patterns.
pub(super) fn split(line: &str) -> Result<Vec<String>> {
    let scan = scan(line);
    match scan.open {
        Some(quote) => Err(
            Error::new(Kind::Usage, format!("a quote {quote} is not closed"))
                .hint(format!("close it, or write \\{quote} for the sign itself")),
        ),
        None => Ok(scan.pieces.into_iter().map(|piece| piece.glob).collect()),
    }
}

/// A line as far as it is typed: the words before, and the one that is being typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Typed {
    /// The words before it, as patterns.
    pub(super) before: Vec<String>,
    /// Where the word begins, in bytes.
    pub(super) start: usize,
    /// What it is so far.
    pub(super) word: String,
    /// The quote it began with.
    pub(super) quote: Option<char>,
}

/// Reads a line up to the cursor.
pub(super) fn typed(line: &str) -> Typed {
    let mut scan = scan(line);
    let last = match scan.ended {
        true => None,
        false => scan.pieces.pop(),
    };
    let (start, word, quote) = last.map_or((line.len(), String::new(), None), |piece| {
        (piece.start, piece.text, piece.quote)
    });
    Typed {
        before: scan.pieces.into_iter().map(|piece| piece.glob).collect(),
        start,
        word,
        quote,
    }
}

/// `text` as it has to be typed to mean itself: inside `quote`, left open, or with backslashes.
pub(super) fn quoted(text: &str, quote: Option<char>) -> String {
    let mut typed: String = quote.into_iter().collect();
    for c in text.chars() {
        let special = match quote {
            Some(quote) => c == quote || c == '\\',
            None => c.is_whitespace() || GLOB.contains(&c) || ['"', '\'', '\\'].contains(&c),
        };
        if special {
            typed.push('\\');
        }
        typed.push(c);
    }
    typed
}

struct Scan {
    pieces: Vec<Piece>,
    /// The quote that is open at the end.
    open: Option<char>,
    /// Whether the last word is over.
    ended: bool,
}

#[derive(Default)]
struct Piece {
    start: usize,
    text: String,
    glob: String,
    quote: Option<char>,
}

impl Piece {
    fn push(&mut self, c: char, bare: bool) {
        // A quoted dash begins a name, never an option.
        if c == '-' && !bare && self.text.is_empty() {
            self.glob.push_str("./");
        }
        self.text.push(c);
        match !bare && GLOB.contains(&c) {
            true => self.glob.extend(['[', c, ']']),
            false => self.glob.push(c),
        }
    }
}

fn scan(line: &str) -> Scan {
    let mut pieces = Vec::new();
    let mut current: Option<Piece> = None;
    let mut open = None;
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if open.is_none() && c.is_whitespace() {
            pieces.extend(current.take());
            continue;
        }
        let piece = current.get_or_insert_with(|| Piece {
            start: at,
            ..Piece::default()
        });
        match (open, c) {
            (Some(quote), c) if c == quote => open = None,
            (None, '"' | '\'') => {
                if piece.start == at {
                    piece.quote = Some(c);
                }
                open = Some(c);
            }
            (quote, '\\') => {
                // Inside quotes a backslash before anything else is one itself.
                let escaped = |next: &(usize, char)| match quote {
                    Some(quote) => next.1 == quote || next.1 == '\\',
                    None => true,
                };
                let (_, c) = chars.next_if(escaped).unwrap_or((at, '\\'));
                piece.push(c, false);
            }
            (quote, c) => piece.push(c, quote.is_none()),
        }
    }
    let ended = current.is_none();
    pieces.extend(current);
    Scan {
        pieces,
        open,
        ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Word> {
        let words = split(line).unwrap();
        words.iter().map(|word| word.parse().unwrap()).collect()
    }

    fn name(text: &str) -> Word {
        Word::Plain(text.to_owned())
    }

    #[test]
    fn quotes_and_backslashes_keep_a_name_together_and_take_its_meaning_from_a_star() {
        for (line, word) in [
            ("a", name("a")),
            ("\"a b\"", name("a b")),
            ("'a b'", name("a b")),
            ("a\\ b", name("a b")),
            ("a\" \"b", name("a b")),
            ("'a\"b'", name("a\"b")),
            ("\"a\\\"b\\\\c\\d\"", name("a\"b\\c\\d")),
            ("'a\\'b'", name("a'b")),
            ("\"*.pdf\"", name("*.pdf")),
            ("\\*\\?\\[", name("*?[")),
            ("'[a]'", name("[a]")),
            ("a]", name("a]")),
            ("\"\"", name("")),
            ("课程\\ 1", name("课程 1")),
            ("*.pdf", Word::Glob("*.pdf".to_owned())),
            ("[ab]", Word::Glob("[ab]".to_owned())),
            ("'*'*", Word::Glob("[*]*".to_owned())),
            ("'-r'", name("./-r")),
            ("\\-r", name("./-r")),
        ] {
            assert_eq!(words(line), [word], "{line}");
        }
        assert_eq!(words("  get  a   b "), [name("get"), name("a"), name("b")]);
        assert!(words("   ").is_empty());
        assert!("a[".parse::<Word>().is_err());
    }

    #[test]
    fn a_quote_left_open_is_told_in_a_whole_line_and_fine_in_one_being_typed() {
        for line in ["get \"a b", "get 'a b"] {
            assert_eq!(split(line).unwrap_err().kind(), Kind::Usage, "{line}");
            let typed = typed(line);
            assert_eq!(typed.word, "a b");
            assert_eq!((typed.start, typed.quote), (4, line.chars().nth(4)));
        }
        assert_eq!(typed("get a").word, "a");
        assert_eq!(
            (typed("get a ").word.as_str(), typed("get a ").start),
            ("", 6)
        );
        assert_eq!(typed("get a ").before, ["get", "a"]);
        assert_eq!(typed("").start, 0);
    }

    #[test]
    fn what_is_quoted_is_read_back_as_it_was() {
        for text in ["a", "a b", "it's", "\"x\"", "a\\b", "*[?]", "课程 1"] {
            for quote in [None, Some('"'), Some('\'')] {
                let typed = quoted(text, quote) + &quote.map_or_else(String::new, String::from);
                assert_eq!(words(&typed), [name(text)], "{typed}");
            }
        }
    }
}
