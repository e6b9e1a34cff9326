//! Stretches of bytes that belong together, as the panel shows them: a frame, a file's content, records.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::ops::Range;

use crate::lab::tap::Direction;
use crate::lang::{Both, both};
use crate::text::{brief, escape, size};
use crate::transport::tls::names::message;

/// Bytes of a stretch that can be shown; the others are in the capture.
pub(super) const SHOWN_BYTES: usize = 4 * 1024;

/// Bytes in a line.
pub(super) const LINE_BYTES: usize = 16;

/// Lines of a stretch that stands folded.
const FOLDED_LINES: usize = 6;

/// Stretches kept; the oldest go first.
const BLOCKS_MAX: usize = 10_000;

/// Bytes of a value that are shown in a title.
const VALUE_BYTES: usize = 60;

/// What a reader of plain bytes is after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Field {
    Password,
    User,
    Name,
}

impl Field {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Password, Self::User, Self::Name];

    /// In words.
    pub(super) fn word(self) -> Both {
        match self {
            Self::Password => both("password, readable", "密码，可读"),
            Self::User => both("user name", "用户名"),
            Self::Name => both("file name", "文件名"),
        }
    }
}

/// Where one stands in the bytes of a stretch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) field: Field,
    pub(super) at: Range<usize>,
}

/// What a stretch is, as read from its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A request, a reply, or what the client says of a file.
    Frame(Both),
    /// Bytes of a file of this name.
    Content(String),
    /// A record of the handshake: the messages that can be read in it.
    Handshake(Vec<u8>),
    /// A record of TLS 1.2's handshake that is encrypted.
    SealedHandshake,
    /// The switch to encryption.
    ChangeCipherSpec,
    /// An alert that can be told from its type.
    Alert,
    /// Encrypted records in a row.
    Application(u64),
    /// Nothing this program knows.
    Unknown,
}

/// A stretch.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) connection: u64,
    pub(super) way: Direction,
    pub(super) at_ns: u64,
    /// Bytes that passed this way before it.
    pub(super) offset: u64,
    pub(super) kind: Kind,
    /// Its first bytes.
    pub(super) bytes: Vec<u8>,
    /// Its bytes, kept or not.
    pub(super) total: u64,
    /// Those that were not kept.
    pub(super) missing: u64,
    pub(super) marks: Vec<Mark>,
    pub(super) unfolded: bool,
}

impl Block {
    /// An empty one.
    pub(super) fn new(connection: u64, (way, at_ns, offset): Place, kind: Kind) -> Self {
        Self {
            connection,
            way,
            at_ns,
            offset,
            kind,
            bytes: Vec::new(),
            total: 0,
            missing: 0,
            marks: Vec::new(),
            unfolded: false,
        }
    }

    /// The next bytes.
    pub(super) fn grow(&mut self, bytes: &[u8]) {
        // Behind a gap the offsets of the lines would be wrong.
        if self.missing == 0 {
            let room = SHOWN_BYTES - self.bytes.len();
            self.bytes.extend(&bytes[..bytes.len().min(room)]);
        }
        self.total += bytes.len() as u64;
    }

    /// The next bytes are missing.
    pub(super) fn skip(&mut self, missing: u64) {
        self.total += missing;
        self.missing += missing;
    }

    /// Lines shown now.
    pub(super) fn lines(&self) -> usize {
        let all = self.bytes.len().div_ceil(LINE_BYTES);
        // A password is never folded away.
        match self.unfolded || self.marks.iter().any(|mark| mark.field == Field::Password) {
            true => all,
            false => all.min(FOLDED_LINES),
        }
    }

    /// Bytes that the lines do not show.
    pub(super) fn hidden(&self) -> u64 {
        let shown = self.bytes.len().min(self.lines() * LINE_BYTES);
        self.total - shown as u64
    }

    /// Whether there are lines to unfold.
    pub(super) fn folds(&self) -> bool {
        self.bytes.len().div_ceil(LINE_BYTES) > FOLDED_LINES
    }

    /// What it is, in a line.
    pub(super) fn title(&self) -> Both {
        let what = match &self.kind {
            Kind::Frame(what) => what.clone(),
            Kind::Content(name) => {
                let name = brief(&escape(name), VALUE_BYTES);
                both(
                    format!("content of {name}, readable"),
                    format!("{name} 的内容，可读"),
                )
            }
            Kind::Handshake(types) => handshake(types),
            Kind::SealedHandshake => both("handshake, encrypted", "握手消息，已加密"),
            Kind::ChangeCipherSpec => both("ChangeCipherSpec", "ChangeCipherSpec"),
            Kind::Alert => both("alert", "警报"),
            Kind::Application(1) => both(
                "application data, 1 record: noise without the key",
                "应用数据，1 条记录：没有密钥只是噪声",
            ),
            Kind::Application(records) => both(
                format!("application data, {records} records: noise without the key"),
                format!("应用数据，{records} 条记录：没有密钥只是噪声"),
            ),
            Kind::Unknown => both("other bytes", "其他字节"),
        };
        let mut title = both(
            format!("{}, {}", what.en, size(self.total)),
            format!("{}，{}", what.zh, size(self.total)),
        );
        for mark in self.marks.iter().take(3) {
            let Some(value) = self.bytes.get(mark.at.clone()) else {
                continue;
            };
            let value = brief(&escape(&String::from_utf8_lossy(value)), VALUE_BYTES);
            let word = mark.field.word();
            let _infallible = write!(title.en, " · {}: {value}", word.en);
            let _infallible = write!(title.zh, " · {}：{value}", word.zh);
        }
        if self.missing > 0 {
            let missing = size(self.missing);
            let _infallible = write!(title.en, " · {missing} of it not kept");
            let _infallible = write!(title.zh, " · 其中 {missing} 未保留");
        }
        title
    }

    /// The offset of a line, its bytes as hex, and as text.
    pub(super) fn line(&self, line: usize) -> Line {
        let from = (line * LINE_BYTES).min(self.bytes.len());
        let bytes = &self.bytes[from..self.bytes.len().min(from + LINE_BYTES)];
        Line {
            offset: self.offset + from as u64,
            cells: bytes
                .iter()
                .enumerate()
                .map(|(at, byte)| (*byte, self.field_at(from + at)))
                .collect(),
        }
    }

    fn field_at(&self, at: usize) -> Option<Field> {
        let mark = self.marks.iter().find(|mark| mark.at.contains(&at));
        mark.map(|mark| mark.field)
    }
}

/// A line of a stretch: each byte, and what it belongs to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) offset: u64,
    pub(super) cells: Vec<(u8, Option<Field>)>,
}

/// Which way, when in nanoseconds since 1970, and after how many bytes that way.
pub(super) type Place = (Direction, u64, u64);

fn handshake(types: &[u8]) -> Both {
    let names: Vec<_> = types
        .iter()
        .map(|kind| message(*kind).unwrap_or("?"))
        .collect();
    let names = match names.is_empty() {
        true => "…".to_owned(),
        false => names.join(", "),
    };
    both(format!("handshake: {names}"), format!("握手：{names}"))
}

/// All stretches, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    blocks: VecDeque<Block>,
    /// How many went before the first of them.
    gone: u64,
}

impl Transcript {
    /// Adds one; returns by which number it is asked for.
    pub(super) fn push(&mut self, block: Block) -> u64 {
        if self.blocks.len() == BLOCKS_MAX {
            self.blocks.pop_front();
            self.gone += 1;
        }
        self.blocks.push_back(block);
        self.gone + self.blocks.len() as u64 - 1
    }

    /// The one of this number, unless it went.
    pub(super) fn block(&self, number: u64) -> Option<&Block> {
        let index = usize::try_from(number.checked_sub(self.gone)?).ok()?;
        self.blocks.get(index)
    }

    /// The same, to be changed.
    pub(super) fn block_mut(&mut self, number: u64) -> Option<&mut Block> {
        let index = usize::try_from(number.checked_sub(self.gone)?).ok()?;
        self.blocks.get_mut(index)
    }

    /// Their numbers and themselves.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (u64, &Block)> {
        (self.gone..).zip(&self.blocks)
    }

    /// How many went.
    pub(super) fn gone(&self) -> u64 {
        self.gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(bytes: &[u8]) -> Block {
        let mut block = Block::new(1, (Direction::ToServer, 0, 32), Kind::Unknown);
        block.grow(bytes);
        block
    }

    #[test]
    fn a_long_stretch_stands_folded_and_says_how_much_there_is_more() {
        let mut block = block(&vec![7; 1_000_000]);
        assert_eq!((block.lines(), block.hidden()), (6, 1_000_000 - 96));
        block.unfolded = true;
        assert_eq!((block.lines(), block.hidden()), (256, 1_000_000 - 4_096));
        assert_eq!(block.line(1).offset, 48);
    }

    #[test]
    fn a_password_is_not_folded_away_and_is_marked_byte_by_byte() {
        let mut block = block(&[b'x'; 160]);
        assert_eq!(block.lines(), 6);
        block.marks.push(Mark {
            field: Field::Password,
            at: 15..17,
        });
        assert_eq!(block.lines(), 10);
        assert_eq!(block.line(0).cells[15], (b'x', Some(Field::Password)));
        assert_eq!(block.line(1).cells[0], (b'x', Some(Field::Password)));
        assert_eq!(block.line(1).cells[1], (b'x', None));
    }

    #[test]
    fn what_comes_behind_a_gap_is_counted_and_not_shown() {
        let mut block = block(b"abc");
        block.skip(10);
        block.grow(b"xyz");
        assert_eq!(block.bytes, b"abc");
        assert_eq!((block.total, block.missing, block.hidden()), (16, 10, 13));
    }

    #[test]
    fn the_oldest_stretches_go_first_and_numbers_stay() {
        let mut transcript = Transcript::default();
        let numbers: Vec<u64> = (0..BLOCKS_MAX + 2)
            .map(|_| transcript.push(block(b"")))
            .collect();
        assert_eq!(transcript.gone(), 2);
        assert!(transcript.block(numbers[1]).is_none());
        assert!(transcript.block(numbers[2]).is_some());
        assert_eq!(
            transcript.blocks().next().map(|(number, _)| number),
            Some(2)
        );
    }
}
