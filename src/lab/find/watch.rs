//! One connection while it is listened to: what is counted and kept, in the same memory however long it is.

use std::net::SocketAddr;
use std::sync::Arc;

use super::{Security, Stream};
use crate::lab::frames::FrameScan;
use crate::lab::search::{BlockSearch, FileBlocks, Histogram, PatternSearch, Patterns};
use crate::lab::tap::Direction;
use crate::lab::tls::RecordScan;
use crate::protocol::{FIRST_BYTE_PLAIN, FIRST_BYTE_TLS};

/// Bytes of the beginning of each direction that are kept to be shown.
const HEAD_BYTES: usize = 48;

/// One connection, while it is listened to.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
    pub(super) frames: [u64; 2],
    pub(super) packets: u64,
    pub(super) start_ns: u64,
    pub(super) last_ns: u64,
    pub(super) to_server: Way,
    pub(super) to_client: Way,
    /// Who sent encrypted content last.
    pub(super) speaker: Option<Direction>,
}

impl Watched {
    /// A connection that begins, and what to look for in it.
    pub(super) fn new(
        client: SocketAddr,
        server: SocketAddr,
        patterns: &Arc<Patterns>,
        file: Option<&Arc<FileBlocks>>,
    ) -> Self {
        Self {
            client,
            server,
            frames: [0; 2],
            packets: 0,
            start_ns: 0,
            last_ns: 0,
            to_server: Way::new(patterns, file),
            to_client: Way::new(patterns, file),
            speaker: None,
        }
    }

    /// Counts a packet.
    pub(super) fn packet(&mut self, frame: u64, at_ns: u64) {
        if self.packets == 0 {
            (self.frames[0], self.start_ns) = (frame, at_ns);
        }
        self.packets += 1;
        (self.frames[1], self.last_ns) = (frame, at_ns);
    }

    pub(super) fn way(&mut self, way: Direction) -> &mut Way {
        match way {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    pub(super) fn bytes(&mut self, direction: Direction, frame: u64, bytes: &[u8]) {
        let goes_on = self.speaker == Some(direction);
        let way = self.way(direction);
        let turns = way.turn.records;
        if !goes_on {
            way.turn = Turn::default();
        }
        way.feed(frame, bytes);
        if way.turn.records > if goes_on { turns } else { 0 } {
            self.speaker = Some(direction);
        }
    }

    /// The client speaks first, in Sealpost's protocol and in TLS; a server that does is another protocol.
    pub(super) fn security(&self) -> Security {
        let first = [&self.to_server, &self.to_client].map(|way| way.head.first().copied());
        match first {
            [None, None] => Security::Silent,
            [Some(FIRST_BYTE_TLS), _] | [None, Some(FIRST_BYTE_TLS)] => Security::Tls,
            [Some(FIRST_BYTE_PLAIN), _] => Security::Plain,
            _ => Security::Other,
        }
    }
}

/// One direction, while it is listened to.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) bytes: u64,
    pub(super) missing: u64,
    pub(super) histogram: Histogram,
    pub(super) head: Vec<u8>,
    pub(super) end: &'static str,
    pub(super) patterns: PatternSearch,
    pub(super) blocks: Option<BlockSearch>,
    pub(super) records: RecordScan,
    pub(super) frames: FrameScan,
    turn: Turn,
    largest_turn: Turn,
}

/// Encrypted records of one side in a row.
#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    bytes: u64,
    records: u64,
}

impl Way {
    fn new(patterns: &Arc<Patterns>, file: Option<&Arc<FileBlocks>>) -> Self {
        Self {
            bytes: 0,
            missing: 0,
            histogram: Histogram::default(),
            head: Vec::new(),
            end: "open",
            patterns: PatternSearch::new(Arc::clone(patterns)),
            blocks: file.map(|file| BlockSearch::new(Arc::clone(file))),
            records: RecordScan::default(),
            frames: FrameScan::default(),
            turn: Turn::default(),
            largest_turn: Turn::default(),
        }
    }

    fn feed(&mut self, frame: u64, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.histogram.feed(bytes);
        let wanted = HEAD_BYTES - self.head.len();
        self.head.extend(&bytes[..bytes.len().min(wanted)]);
        self.patterns.feed(frame, bytes);
        if let Some(blocks) = &mut self.blocks {
            blocks.feed(bytes);
        }
        let turn = &mut self.turn;
        match self.head.first() {
            Some(&FIRST_BYTE_TLS) => self.records.feed(bytes, |length| {
                turn.bytes += u64::from(length);
                turn.records += 1;
            }),
            _ => self.frames.feed(frame, bytes),
        }
        if turn.bytes > self.largest_turn.bytes {
            self.largest_turn = *turn;
        }
    }

    pub(super) fn gap(&mut self, bytes: u64) {
        self.missing += bytes;
        self.patterns.gap(bytes);
        self.records.gap();
        self.frames.gap();
        if let Some(blocks) = &mut self.blocks {
            blocks.gap();
        }
    }

    /// No more bytes will come.
    pub(super) fn ended(&mut self, reset: bool) {
        self.end = if reset { "reset" } else { "fin" };
        self.settle();
    }

    /// Searches what is left, and gives the memory back; more bytes may still come.
    pub(super) fn settle(&mut self) {
        self.patterns.finish();
        self.frames.gap();
        if let Some(blocks) = &mut self.blocks {
            blocks.gap();
        }
    }

    pub(super) fn conclude(&self, overhead: Option<u64>, blocks_found: Option<u64>) -> Stream {
        Stream {
            bytes: self.bytes,
            missing_bytes: self.missing,
            entropy: self.histogram.entropy(),
            end: self.end,
            head: crate::text::hex(&self.head),
            records: overhead.map(|_| self.records.records.clone()),
            largest_turn_bytes: overhead.map(|overhead| {
                let Turn { bytes, records } = self.largest_turn;
                bytes.saturating_sub(records * overhead)
            }),
            blocks_found,
        }
    }
}
