//! Who spoke when: a capture as turns, each with its first bytes, what is readable in them, and its records.

use std::net::SocketAddr;

use serde::Serialize;

use super::facts::{FILE_BYTES_MIN, FileBegins, Record, Size, Times};
use super::records::Scan;
use crate::lab::find::{Security, Sought, writings};
use crate::lab::frames::{FrameScan, word};
use crate::lab::streams::Witness;
use crate::lab::tap::Direction;
use crate::protocol::{BodyEnd, Sha256, encode};
use crate::text::hex;

/// Bytes kept of each turn.
const HEAD_BYTES: usize = 256;

/// Turns kept; a run of the lab has some twenty.
const TURNS_MAX: usize = 200;

/// Records kept in order; further ones are counted.
const RECORDS_MAX: usize = 400;

/// Everything one side sent until the other did.
#[derive(Clone, Debug, Serialize)]
pub struct Turn {
    /// Who spoke.
    pub direction: Direction,
    /// The first and the last frame with its bytes.
    pub frames: [u64; 2],
    /// Packets with bytes of it.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
    /// Nanoseconds from the connection's first packet to the turn's.
    pub at_ns: u64,
    /// What it is, as far as a stranger can tell: frames by their `op`, TLS messages by their name.
    pub says: Vec<Said>,
    /// Records of encrypted content, and their lengths in all.
    pub encrypted: [u64; 2],
    /// The first bytes, in hex.
    pub head: String,
    /// What was found in those first bytes.
    pub marks: Vec<Mark>,
}

impl Turn {
    /// What it says, word by word.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.says.iter().map(|said| said.what.as_str())
    }
}

/// One thing a turn says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// What.
    pub what: String,
    /// The frame in which that is whole; for encrypted records the first one's beginning.
    pub frame: u64,
}

impl Said {
    pub(super) fn new(what: &str, frame: u64) -> Self {
        Self {
            what: what.to_owned(),
            frame,
        }
    }
}

/// Something found in the first bytes of a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// Bytes before it.
    pub from: usize,
    /// The byte behind it.
    pub to: usize,
    /// `user`, `password`, `file name` or `file`.
    pub label: String,
}

/// What is marked where it stands.
#[derive(Clone, Debug)]
pub(super) struct Patterns {
    pub(super) texts: Vec<Sought>,
    /// The file's first bytes.
    pub(super) beginning: Vec<u8>,
    pub(super) file_bytes: u64,
}

/// Listens to a capture; only its first connection counts.
#[derive(Debug)]
pub(super) struct Turns {
    patterns: Patterns,
    security: Security,
    start_ns: Option<u64>,
    now_ns: u64,
    seen: Seen,
    open: Option<Open>,
    scans: [Scan; 2],
    sent: [u64; 2],
}

/// What was heard.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) turns: Vec<Turn>,
    pub(super) turns_more: u64,
    pub(super) records: Vec<Record>,
    pub(super) records_more: u64,
    pub(super) file_begins: Option<FileBegins>,
}

/// The turn that goes on.
#[derive(Debug)]
struct Open {
    turn: Turn,
    head: Vec<u8>,
    frames: FrameScan,
    /// Bytes of the stream before it.
    offset: u64,
}

impl Turns {
    pub(super) fn new(patterns: Patterns, security: Security) -> Self {
        Self {
            patterns,
            security,
            start_ns: None,
            now_ns: 0,
            seen: Seen::default(),
            open: None,
            scans: [Scan::default(), Scan::default()],
            sent: [0; 2],
        }
    }

    pub(super) fn finish(mut self) -> Seen {
        self.close();
        self.seen
    }

    fn close(&mut self) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        if self.security == Security::Plain {
            let framed: usize = open
                .frames
                .found
                .iter()
                .map(|(_, text)| text.len() + 4)
                .sum();
            let said = open.frames.found.iter();
            let said = said.map(|(frame, text)| Said::new(word(text), *frame));
            open.turn.says = said.collect();
            if open.turn.bytes > framed as u64 {
                // A file stands before the digest that ends an upload, and behind the reply of a download.
                let digest = open.turn.words().position(|says| says == "sha256");
                let at = digest.unwrap_or(open.turn.says.len());
                let file = Said::new("file", open.turn.frames[0]);
                open.turn.says.insert(at, file);
            }
        }
        open.turn.head = hex(&open.head);
        open.turn.marks = self.patterns.marks(&open.head);
        if self.seen.file_begins.is_none() && open.turn.direction == Direction::ToServer {
            let begins = open.turn.marks.iter().find(|mark| mark.label == "file");
            self.seen.file_begins = begins.map(|mark| FileBegins {
                offset: open.offset + mark.from as u64,
                frame: open.turn.frames[0],
            });
        }
        if self.seen.turns.len() < TURNS_MAX {
            self.seen.turns.push(open.turn);
        } else {
            self.seen.turns_more += 1;
        }
    }
}

impl Witness for Turns {
    fn opened(&mut self, _connection: usize, _client: SocketAddr, _server: SocketAddr) {}

    fn packet(&mut self, _connection: usize, _frame: u64, at_ns: u64) {
        self.start_ns.get_or_insert(at_ns);
        self.now_ns = at_ns;
    }

    fn bytes(&mut self, connection: usize, way: Direction, frame: u64, bytes: &[u8]) {
        if connection > 0 {
            return;
        }
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.turn.direction != way)
        {
            self.close();
        }
        let side = usize::from(way == Direction::ToClient);
        let start_ns = self.start_ns.unwrap_or(self.now_ns);
        let (offset, at_ns) = (self.sent[side], self.now_ns.saturating_sub(start_ns));
        let open = self
            .open
            .get_or_insert_with(|| Open::begin(way, frame, at_ns, offset));
        open.turn.frames[1] = frame;
        open.turn.packets += 1;
        open.turn.bytes += bytes.len() as u64;
        let wanted = HEAD_BYTES - open.head.len();
        open.head.extend(&bytes[..bytes.len().min(wanted)]);
        self.sent[side] += bytes.len() as u64;
        match self.security {
            Security::Tls => {
                self.scans[side].feed(way, frame, bytes, &mut open.turn, &mut self.seen);
            }
            _ => open.frames.feed(frame, bytes),
        }
    }

    fn gap(&mut self, _connection: usize, _way: Direction, _bytes: u64) {}

    fn ended(&mut self, _connection: usize, _way: Direction, _reset: bool) {}
}

impl Open {
    fn begin(direction: Direction, frame: u64, at_ns: u64, offset: u64) -> Self {
        Self {
            turn: Turn {
                direction,
                frames: [frame; 2],
                packets: 0,
                bytes: 0,
                at_ns,
                says: Vec::new(),
                encrypted: [0; 2],
                head: String::new(),
                marks: Vec::new(),
            },
            head: Vec::new(),
            frames: FrameScan::default(),
            offset,
        }
    }
}

impl Patterns {
    /// Where they stand in `head`, in order and without overlap.
    fn marks(&self, head: &[u8]) -> Vec<Mark> {
        let mut marks: Vec<Mark> = Vec::new();
        for sought in &self.texts {
            for (_, form) in writings(&sought.text) {
                let places = head.windows(form.len()).enumerate();
                let places = places.filter(|(_, window)| *window == form);
                marks.extend(places.map(|(from, _)| Mark {
                    from,
                    to: from + form.len(),
                    label: sought.label.clone(),
                }));
            }
        }
        let file = (self.file_bytes >= FILE_BYTES_MIN).then(|| {
            let mut windows = head.windows(self.beginning.len());
            windows.position(|window| window == self.beginning)
        });
        if let Some(from) = file.flatten() {
            let length = usize::try_from(self.file_bytes).unwrap_or(usize::MAX);
            let to = from.saturating_add(length).min(head.len());
            // What is found inside the file is the file.
            marks.retain(|mark| mark.from < from || mark.from >= to);
            marks.push(Mark {
                from,
                to,
                label: "file".to_owned(),
            });
        }
        marks.sort_by_key(|mark| (mark.from, mark.to));
        marks.dedup_by(|next, before| next.from < before.to);
        marks
    }
}

impl Seen {
    pub(super) fn record(&mut self, record: Record) {
        if self.records.len() < RECORDS_MAX {
            self.records.push(record);
        } else {
            self.records_more += 1;
        }
    }
}

impl Times {
    /// Tells the login by its length: the observer knows the protocol, and lengths are not hidden.
    pub(super) fn of(
        turns: &[Turn],
        login_bytes: u64,
        each_bytes: u64,
        whole_ns: u64,
    ) -> Option<Self> {
        let is_login = |turn: &Turn| {
            let sealed = turn.encrypted == [1, login_bytes + each_bytes];
            let plain = turn.encrypted == [0, 0] && turn.bytes == login_bytes;
            turn.direction == Direction::ToServer && (sealed || plain)
        };
        let at = turns.iter().position(is_login)?;
        let (login, answer) = (&turns[at], turns.get(at + 1)?);
        Some(Self {
            login_frame: login.frames[1],
            before_ns: login.at_ns,
            login_ns: answer.at_ns.saturating_sub(login.at_ns),
            after_ns: whole_ns.saturating_sub(answer.at_ns),
        })
    }
}

impl Size {
    /// Guesses from the client's largest turn behind the login: what is in it is the file and the frame
    /// behind it. What comes before is the handshake, with certificates longer than a small file.
    pub(super) fn estimate(
        turns: &[Turn],
        login_frame: u64,
        each_bytes: u64,
        truth: u64,
    ) -> Option<Self> {
        let from_client = turns
            .iter()
            .filter(|turn| turn.direction == Direction::ToServer && turn.frames[0] > login_frame);
        let turn = from_client.max_by_key(|turn| turn.encrypted[1])?;
        let [records, record_bytes] = turn.encrypted;
        let end = BodyEnd {
            sha256: Sha256::of(b""),
        };
        let frame_bytes = encode(&end).map_or(0, |frame| frame.len() as u64);
        Some(Self {
            frames: turn.frames,
            records,
            record_bytes,
            each_bytes,
            frame_bytes,
            estimate: record_bytes.saturating_sub(records * each_bytes + frame_bytes),
            truth,
        })
    }
}
