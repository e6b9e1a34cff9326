//! What a stranger on the wire sees of this very session, while it happens.
//!
//! Everything here is read from bytes as they passed the sockets ([`Overheard`]): whether a connection is plain
//! or TLS, where the password stands, how much of a file could be read. Nothing comes from what the window knows.

mod block;
mod ear;
mod fields;
mod learned;
mod plain;
mod save;
mod sealed;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::engine::overheard::{CONNECTIONS_MAX, Connection, Overheard, Piece};
use super::platform::Keys;
use block::{Field, Transcript};
use ear::Ear;
use learned::{Learned, Outside};
use plain::Notes;
pub use save::Saved;

/// Bytes read in one drawing: a full tape is read in several, none of which is felt.
const BYTES_AT_ONCE: usize = 512 * 1024;

/// How soon it looks again after something passed.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The panel.
#[derive(Debug)]
pub struct Wire {
    overheard: Arc<Overheard>,
    seen: u64,
    /// Kept, and not read yet.
    unread: VecDeque<(u64, Piece)>,
    ears: BTreeMap<u64, Ear>,
    transcript: Transcript,
    learned: Learned,
    outside: Outside,
    forgotten: u64,
    /// The connection shown; all of them without one.
    shown: Option<u64>,
    paused: bool,
    rows: Vec<Row>,
    /// The row to be scrolled to.
    goal: Option<usize>,
    saved: (Sender<Saved>, Receiver<Saved>),
}

/// A row of the conversation: of which stretch, and what of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    block: u64,
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Title,
    Line(usize),
    More,
}

impl Wire {
    /// One that shows `overheard`.
    pub fn new(overheard: Arc<Overheard>) -> Self {
        Self {
            overheard,
            seen: 0,
            unread: VecDeque::new(),
            ears: BTreeMap::new(),
            transcript: Transcript::default(),
            learned: Learned::default(),
            outside: Outside::default(),
            forgotten: 0,
            shown: None,
            paused: false,
            rows: Vec::new(),
            goal: None,
            saved: channel(),
        }
    }

    /// Begins to write what passed into a capture; [`Wire::saved`] tells when it is done.
    pub fn save(&self, path: PathBuf, keys: Keys) {
        save::begin(&self.overheard, path, keys, self.saved.0.clone());
    }

    /// A capture that was written, or could not be, since this was asked last.
    pub fn saved(&self) -> Option<Saved> {
        self.saved.1.try_recv().ok()
    }

    /// Takes in what passed since the last look. Returns when to look again, if something may have been left.
    fn look(&mut self) -> Option<Duration> {
        let news = self.overheard.since(self.seen);
        if news.version != self.seen {
            if news.afresh {
                self.forget();
            }
            self.seen = news.version;
            self.forgotten = news.forgotten;
            for (about, pieces) in news.connections {
                let ear = self
                    .ears
                    .entry(about.number)
                    .or_insert_with(|| Ear::new(about));
                ear.about = about;
                let pieces = pieces.into_iter().map(|piece| (about.number, piece));
                self.unread.extend(pieces);
            }
            self.forget_oldest();
        } else if self.unread.is_empty() {
            return None;
        }
        self.read();
        self.outside = self.look_from_outside();
        self.arrange();
        match self.unread.is_empty() {
            true => Some(LOOK_AGAIN),
            false => Some(Duration::ZERO),
        }
    }

    fn forget(&mut self) {
        self.unread.clear();
        self.ears.clear();
        self.transcript = Transcript::default();
        self.learned = Learned::default();
        self.outside = Outside::default();
        self.shown = None;
    }

    /// Connections that are not kept any more go here too; what was learned from them stays.
    fn forget_oldest(&mut self) {
        while self.ears.len() > CONNECTIONS_MAX {
            let over = |(_, ear): &(&u64, &Ear)| ear.about.ended_ns.is_some();
            let Some((number, _)) = self.ears.iter().find(over) else {
                return;
            };
            let number = *number;
            self.ears.remove(&number);
        }
    }

    /// Reads some of what was kept, in the order of time.
    fn read(&mut self) {
        // Each connection's pieces are in order; those of several have to be merged.
        self.unread
            .make_contiguous()
            .sort_by_key(|(_, piece)| piece.at_ns);
        let mut bytes = 0;
        while bytes < BYTES_AT_ONCE
            && let Some((connection, piece)) = self.unread.pop_front()
        {
            bytes += piece.bytes.len();
            let mut notes = Notes {
                connection,
                transcript: &mut self.transcript,
                learned: &mut self.learned,
            };
            if let Some(ear) = self.ears.get_mut(&connection) {
                ear.hear(&piece, &mut notes);
            }
        }
    }

    /// Lays out the rows of what is shown.
    fn arrange(&mut self) {
        self.rows.clear();
        for (number, block) in self.transcript.blocks() {
            if self.shown.is_some_and(|shown| shown != block.connection) {
                continue;
            }
            let row = |part| Row {
                block: number,
                part,
            };
            self.rows.push(row(Part::Title));
            self.rows
                .extend((0..block.lines()).map(|line| row(Part::Line(line))));
            if block.hidden() > 0 || block.unfolded {
                self.rows.push(row(Part::More));
            }
        }
    }

    /// The row of the first stretch in which such a field stands.
    fn first_with(&self, field: Field) -> Option<usize> {
        let marked = |row: &Row| {
            let block = self.transcript.block(row.block);
            block.is_some_and(|block| block.marks.iter().any(|mark| mark.field == field))
        };
        self.rows.iter().position(marked)
    }

    /// What anybody sees of the connections.
    fn look_from_outside(&self) -> Outside {
        let mut outside = Outside::default();
        for ear in self.ears.values() {
            let Connection {
                client,
                server,
                sent,
                received,
                ..
            } = ear.about;
            if outside.connections == 0 {
                outside.who = format!("{} → {server}", client.ip());
            }
            outside.connections += 1;
            outside.plain += usize::from(ear.is_plain());
            outside.bytes += sent + received;
            outside.shown.extend(ear.shown());
        }
        outside
    }

    /// Bytes that passed and were not kept.
    fn missing(&self) -> u64 {
        self.ears.values().map(|ear| ear.about.missing).sum()
    }
}
