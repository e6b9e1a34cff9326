//! What passed on the connections of a window, kept as a stranger on the wire would keep it.
//!
//! Of each connection the beginning is kept, so that a capture made of it shows the handshake, the login and the
//! first of a file, and the end, so that the last reply is there too. What lies between is counted. Whoever
//! reads the pieces sees by their offsets where something is missing.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use super::Wake;
use crate::lab::tap::{Direction, Event, What};
use crate::transport::{KeptSecrets, Onlooker, Way};

/// Bytes kept of the beginning of each connection.
pub const HEAD_BYTES_MAX: usize = 1024 * 1024;

/// Bytes kept of its end, at least, once the beginning is full: the last record of a file under TLS (16 KiB), and
/// the replies behind it.
pub const TAIL_BYTES_MAX: usize = 32 * 1024;

/// Bytes kept of all connections together; the oldest that are over make room.
pub const ALL_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Connections kept; the oldest that are over make room.
pub const CONNECTIONS_MAX: usize = 1_000;

/// How soon the window shows what passed: it need not follow every packet.
const SHOWN_WITHIN: Duration = Duration::from_millis(100);

/// What passed since the session began.
#[derive(Debug)]
pub struct Overheard {
    tape: Mutex<Tape>,
    wake: Wake,
}

/// Everything kept.
#[derive(Debug, Default)]
struct Tape {
    connections: BTreeMap<u64, Kept>,
    kept: usize,
    last_ns: u64,
    version: u64,
    /// The version at which the session began.
    began: u64,
    /// Connections there ever were: a number is never used twice.
    count: u64,
    forgotten: u64,
    /// Where the session's secrets are, if they are kept at all.
    secrets: Option<KeptSecrets>,
    /// Somebody looked, and has not been told since that there is more.
    looked: bool,
}

/// One connection and what is kept of it.
#[derive(Clone, Debug)]
struct Kept {
    about: Connection,
    changed: u64,
    head: Vec<Piece>,
    head_bytes: usize,
    tail: VecDeque<Piece>,
    tail_bytes: usize,
}

/// One connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its number, from 1.
    pub number: u64,
    /// The own address.
    pub client: SocketAddr,
    /// The server's.
    pub server: SocketAddr,
    /// When it began, in nanoseconds since 1970.
    pub began_ns: u64,
    /// Bytes that passed to the server, kept or not.
    pub sent: u64,
    /// Bytes that passed from the server, kept or not.
    pub received: u64,
    /// Bytes of both ways that were not kept.
    pub missing: u64,
    /// When it ended, in nanoseconds since 1970.
    pub ended_ns: Option<u64>,
}

/// Bytes that passed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// When, in nanoseconds since 1970.
    pub at_ns: u64,
    /// Which way.
    pub way: Direction,
    /// Bytes that passed this way before it, kept or not.
    pub offset: u64,
    /// What.
    pub bytes: Arc<[u8]>,
    version: u64,
}

/// What passed since somebody last looked.
#[derive(Clone, Debug, Default)]
pub struct News {
    /// To be given with the next look.
    pub version: u64,
    /// Another session began since then: what was seen before is of no account any more.
    pub afresh: bool,
    /// The connections that changed, by number, and what was kept of what passed on them.
    pub connections: Vec<(Connection, Vec<Piece>)>,
    /// Connections of this session that are not kept any more.
    pub forgotten: u64,
}

impl Overheard {
    /// Nothing yet.
    pub(in crate::gui) fn new(wake: Wake) -> Self {
        Self {
            tape: Mutex::default(),
            wake,
        }
    }

    /// Forgets what passed: another session begins, whose secrets are kept there, or not at all.
    pub fn begin(&self, secrets: Option<KeptSecrets>) {
        let mut tape = self.tape();
        *tape = Tape {
            version: tape.version + 1,
            began: tape.version + 1,
            count: tape.count,
            last_ns: tape.last_ns,
            looked: tape.looked,
            secrets,
            ..Tape::default()
        };
    }

    /// Whether there are secrets to decrypt some of it with.
    pub fn keeps_secrets(&self) -> bool {
        let tape = self.tape();
        tape.secrets.as_ref().is_some_and(|kept| !kept.is_empty())
    }

    /// The session's secrets so far as the text of a key log; `None` when none are kept, or there are none yet.
    pub fn key_log(&self) -> Option<Zeroizing<Vec<u8>>> {
        let secrets = self.tape().secrets.clone()?;
        Some(secrets.text()).filter(|text| !text.is_empty())
    }

    /// Changes whenever something passes.
    pub fn version(&self) -> u64 {
        self.tape().version
    }

    /// What passed since the look that gave `version`; from the beginning with 0. Bytes are shared, not copied.
    /// The next that passes wakes the window once: who does not look is not woken.
    pub fn since(&self, version: u64) -> News {
        let mut tape = self.tape();
        tape.looked = true;
        let changed = tape
            .connections
            .values()
            .filter(|kept| kept.changed > version);
        News {
            version: tape.version,
            afresh: version < tape.began,
            connections: changed
                .map(|kept| (kept.about, kept.since(version)))
                .collect(),
            forgotten: tape.forgotten,
        }
    }

    /// What is kept as the events of a tap, in the order of time; where bytes are missing, they say so.
    pub fn events(&self) -> Vec<Event> {
        let news = self.since(0);
        let mut events = Vec::new();
        for (connection, pieces) in &news.connections {
            connection.tell(pieces, &mut events);
        }
        events.sort_by_key(|event| event.at_ns);
        events
    }

    /// Has the window look, at once.
    pub(in crate::gui) fn wake(&self) {
        (self.wake.0)(Duration::ZERO);
    }

    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Bytes that passed this way, kept or not.
    pub fn passed(&self, way: Direction) -> u64 {
        match way {
            Direction::ToServer => self.sent,
            Direction::ToClient => self.received,
        }
    }

    fn tell(&self, pieces: &[Piece], events: &mut Vec<Event>) {
        let mut say = |at_ns, what| {
            events.push(Event {
                connection: self.number,
                at_ns,
                what,
            });
        };
        let (client, server) = (self.client, self.server);
        say(self.began_ns, What::Opened { client, server });
        let mut told = [0; 2];
        let mut last_ns = self.began_ns;
        for piece in pieces {
            let told = &mut told[usize::from(piece.way == Direction::ToClient)];
            last_ns = piece.at_ns;
            if piece.offset > *told {
                say(last_ns, What::Missing(piece.way, piece.offset - *told));
            }
            *told = piece.offset + piece.bytes.len() as u64;
            say(last_ns, What::Bytes(piece.way, piece.bytes.to_vec()));
        }
        for (way, told) in [Direction::ToServer, Direction::ToClient]
            .into_iter()
            .zip(told)
        {
            if self.passed(way) > told {
                say(last_ns, What::Missing(way, self.passed(way) - told));
            }
        }
        if let Some(at_ns) = self.ended_ns {
            say(at_ns, What::Ended(Direction::ToServer));
            say(at_ns, What::Ended(Direction::ToClient));
            say(at_ns, What::Closed);
        }
    }
}

impl Kept {
    /// What was kept since that version, in order.
    fn since(&self, version: u64) -> Vec<Piece> {
        let from = self.head.partition_point(|piece| piece.version <= version);
        let tail = self.tail.partition_point(|piece| piece.version <= version);
        let pieces = self.head[from..].iter().chain(self.tail.range(tail..));
        pieces.cloned().collect()
    }

    fn bytes(&self) -> usize {
        self.head_bytes + self.tail_bytes
    }

    /// Keeps the first of it while the beginning has room, and the last of it. `piece` makes one that begins so far in.
    fn keep(&mut self, piece: impl Fn(usize, &[u8]) -> Piece, bytes: &[u8], room: usize) {
        let in_order = self.tail.is_empty();
        let head = match in_order {
            true => bytes.len().min(HEAD_BYTES_MAX - self.head_bytes).min(room),
            false => 0,
        };
        if head > 0 {
            self.head_bytes += head;
            self.head.push(piece(0, &bytes[..head]));
        }
        let from = head.max(bytes.len().saturating_sub(TAIL_BYTES_MAX));
        self.about.missing += (from - head) as u64;
        if from < bytes.len() {
            self.tail_bytes += bytes.len() - from;
            self.tail.push_back(piece(from, &bytes[from..]));
        }
        while let Some(first) = self.tail.front() {
            let gone = first.bytes.len();
            if self.tail_bytes - gone < TAIL_BYTES_MAX {
                return;
            }
            self.tail.pop_front();
            self.tail_bytes -= gone;
            self.about.missing += gone as u64;
        }
    }
}

impl Tape {
    /// Now; never earlier than before, whatever the clock of the machine does.
    fn now_ns(&mut self) -> u64 {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.last_ns = self.last_ns.max(now);
        self.last_ns
    }

    fn passed(&mut self, number: u64, way: Direction, bytes: &[u8]) {
        let at_ns = self.now_ns();
        if self.kept + bytes.len() > ALL_BYTES_MAX {
            self.forget_oldest();
        }
        let room = ALL_BYTES_MAX.saturating_sub(self.kept);
        let version = self.version + 1;
        let Some(kept) = self.connections.get_mut(&number) else {
            return;
        };
        let before = kept.bytes();
        let passed = match way {
            Direction::ToServer => &mut kept.about.sent,
            Direction::ToClient => &mut kept.about.received,
        };
        let offset = *passed;
        *passed += bytes.len() as u64;
        let piece = |from: usize, bytes: &[u8]| Piece {
            at_ns,
            way,
            offset: offset + from as u64,
            bytes: bytes.into(),
            version,
        };
        kept.keep(piece, bytes, room);
        kept.changed = version;
        self.kept = self.kept + kept.bytes() - before;
        self.version = version;
    }

    /// Makes room: the oldest connection that is over is forgotten. One that goes on stays.
    fn forget_oldest(&mut self) {
        let mut over = self.connections.values();
        let Some(oldest) = over.find(|kept| kept.about.ended_ns.is_some()) else {
            return;
        };
        let number = oldest.about.number;
        if let Some(kept) = self.connections.remove(&number) {
            self.kept -= kept.bytes();
            self.forgotten += 1;
        }
    }
}

impl Onlooker for Overheard {
    fn opened(&self, client: SocketAddr, server: SocketAddr) -> u64 {
        let mut tape = self.tape();
        let began_ns = tape.now_ns();
        tape.count += 1;
        tape.version += 1;
        let (number, changed) = (tape.count, tape.version);
        if tape.connections.len() >= CONNECTIONS_MAX {
            tape.forget_oldest();
        }
        let about = Connection {
            number,
            client,
            server,
            began_ns,
            sent: 0,
            received: 0,
            missing: 0,
            ended_ns: None,
        };
        let kept = Kept {
            about,
            changed,
            head: Vec::new(),
            head_bytes: 0,
            tail: VecDeque::new(),
            tail_bytes: 0,
        };
        tape.connections.insert(number, kept);
        number
    }

    fn passed(&self, connection: u64, way: Way, bytes: &[u8]) {
        let way = match way {
            Way::Sent => Direction::ToServer,
            Way::Received => Direction::ToClient,
        };
        let looked = {
            let mut tape = self.tape();
            tape.passed(connection, way, bytes);
            std::mem::take(&mut tape.looked)
        };
        if looked {
            (self.wake.0)(SHOWN_WITHIN);
        }
    }

    fn closed(&self, connection: u64) {
        let looked = {
            let mut tape = self.tape();
            let now = tape.now_ns();
            tape.version += 1;
            let version = tape.version;
            if let Some(kept) = tape.connections.get_mut(&connection) {
                kept.about.ended_ns = Some(now);
                kept.changed = version;
            }
            std::mem::take(&mut tape.looked)
        };
        if looked {
            (self.wake.0)(SHOWN_WITHIN);
        }
    }
}
