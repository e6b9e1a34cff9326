//! One connection as a stranger follows it: plain or TLS is told from the first byte, not from what we know.

use crate::gui::engine::overheard::{Connection, Piece};
use crate::lab::search::Histogram;
use crate::lab::tap::Direction;
use crate::lang::{Both, both};
use crate::protocol::{FIRST_BYTE_PLAIN, FIRST_BYTE_TLS};

use super::plain::{Notes, Plain};
use super::sealed::Sealed;

/// A connection, and what was made of its bytes.
#[derive(Debug)]
pub(super) struct Ear {
    pub(super) about: Connection,
    speech: Speech,
    /// The next byte of each direction.
    next: [u64; 2],
    histogram: Histogram,
}

#[derive(Debug)]
enum Speech {
    Silent,
    Plain(Box<Plain>),
    Tls(Box<Sealed>),
    Other,
}

impl Ear {
    /// One that has heard nothing.
    pub(super) fn new(about: Connection) -> Self {
        Self {
            about,
            speech: Speech::Silent,
            next: [0; 2],
            histogram: Histogram::default(),
        }
    }

    /// The next bytes that were kept.
    pub(super) fn hear(&mut self, piece: &Piece, notes: &mut Notes<'_>) {
        let next = &mut self.next[usize::from(piece.way == Direction::ToClient)];
        let missing = piece.offset.saturating_sub(*next);
        *next = piece.offset + piece.bytes.len() as u64;
        self.histogram.feed(&piece.bytes);
        if let (Speech::Silent, Some(first)) = (&self.speech, piece.bytes.first()) {
            self.speech = match *first {
                FIRST_BYTE_PLAIN => Speech::Plain(Box::default()),
                FIRST_BYTE_TLS => Speech::Tls(Box::default()),
                _ => Speech::Other,
            };
        }
        let place = (piece.way, piece.at_ns, piece.offset);
        let gap = (piece.way, piece.at_ns, piece.offset - missing);
        match &mut self.speech {
            Speech::Plain(plain) => {
                if missing > 0 {
                    plain.gap(gap, missing, notes);
                }
                plain.feed(place, &piece.bytes, notes);
            }
            Speech::Tls(sealed) => {
                if missing > 0 {
                    sealed.gap(gap, missing, notes);
                }
                sealed.feed(place, &piece.bytes, notes);
            }
            Speech::Silent | Speech::Other => {}
        }
    }

    /// What the bytes are.
    pub(super) fn kind(&self) -> Both {
        match &self.speech {
            Speech::Silent => both("silent", "无数据"),
            Speech::Plain(_) => both("plain TCP", "明文 TCP"),
            Speech::Tls(sealed) => {
                let version = sealed.visible().version.unwrap_or("TLS");
                both(version, version)
            }
            Speech::Other => both("another protocol", "其他协议"),
        }
    }

    /// Whether anybody can read it.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.speech, Speech::Plain(_) | Speech::Other)
    }

    /// What a TLS handshake shows to anybody, in words.
    pub(super) fn shown(&self) -> Vec<String> {
        let Speech::Tls(sealed) = &self.speech else {
            return Vec::new();
        };
        let visible = sealed.visible();
        let subjects = visible.server_certificates.iter().take(1);
        let mut shown: Vec<String> = visible.server_name.iter().cloned().collect();
        shown.extend(
            subjects
                .chain(visible.client_certificates.iter().take(1))
                .cloned(),
        );
        shown
    }

    /// How much each byte kept could tell at most: 8 bits is noise.
    pub(super) fn entropy(&self) -> f64 {
        self.histogram.entropy()
    }
}
