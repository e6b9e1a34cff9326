//! What passed on the connections of a window, kept as a stranger on the wire would keep it.
//!
//! The beginning of each connection is kept whole, so that a capture made of it shows the handshake, the login
//! and the first of a file; of what follows only the count.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::Wake;
use crate::lab::tap::{Direction, Event, What};
use crate::transport::{Onlooker, Way};

/// Bytes kept of each connection.
pub const CONNECTION_BYTES_MAX: usize = 1024 * 1024;

/// Bytes kept of all connections together.
pub const ALL_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How soon the window may show what passed: it need not follow every packet.
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
    connections: Vec<Connection>,
    kept: usize,
    last_ns: u64,
    version: u64,
    /// Connections there ever were: a number is never used twice.
    count: u64,
}

/// One connection.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its number, from 1.
    pub number: u64,
    /// The own address.
    pub client: SocketAddr,
    /// The server's.
    pub server: SocketAddr,
    /// When it began, in nanoseconds since 1970.
    pub began_ns: u64,
    /// What was kept, in order.
    pub pieces: Vec<Piece>,
    /// Bytes that passed to the server, kept or not.
    pub sent: u64,
    /// Bytes that passed from the server, kept or not.
    pub received: u64,
    /// When it ended, in nanoseconds since 1970.
    pub ended_ns: Option<u64>,
    kept: usize,
}

/// Bytes that passed together.
#[derive(Clone, Debug)]
pub struct Piece {
    /// When, in nanoseconds since 1970.
    pub at_ns: u64,
    /// Which way.
    pub way: Direction,
    /// What.
    pub bytes: Vec<u8>,
}

impl Overheard {
    /// Nothing yet.
    pub(super) fn new(wake: Wake) -> Self {
        Self {
            tape: Mutex::default(),
            wake,
        }
    }

    /// Forgets what passed: another session begins.
    pub fn begin(&self) {
        let mut tape = self.tape();
        *tape = Tape {
            version: tape.version + 1,
            count: tape.count,
            ..Tape::default()
        };
    }

    /// Changes whenever something passes.
    pub fn version(&self) -> u64 {
        self.tape().version
    }

    /// What was kept of all connections.
    pub fn connections(&self) -> Vec<Connection> {
        self.tape().connections.clone()
    }

    /// The same as the events of a tap, in the order of time.
    pub fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for connection in &self.tape().connections {
            connection.tell(&mut events);
        }
        events.sort_by_key(|event| event.at_ns);
        events
    }

    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    fn tell(&self, events: &mut Vec<Event>) {
        let event = |at_ns, what| Event {
            connection: self.number,
            at_ns,
            what,
        };
        events.push(event(
            self.began_ns,
            What::Opened {
                client: self.client,
                server: self.server,
            },
        ));
        for piece in &self.pieces {
            events.push(event(
                piece.at_ns,
                What::Bytes(piece.way, piece.bytes.clone()),
            ));
        }
        if let Some(at_ns) = self.ended_ns {
            events.push(event(at_ns, What::Ended(Direction::ToServer)));
            events.push(event(at_ns, What::Ended(Direction::ToClient)));
            events.push(event(at_ns, What::Closed));
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

    fn connection(&mut self, number: u64) -> Option<&mut Connection> {
        self.connections
            .iter_mut()
            .find(|connection| connection.number == number)
    }

    fn passed(&mut self, number: u64, way: Direction, bytes: &[u8]) {
        let at_ns = self.now_ns();
        let room = ALL_BYTES_MAX - self.kept;
        let Some(connection) = self.connection(number) else {
            return;
        };
        let count = bytes.len() as u64;
        match way {
            Direction::ToServer => connection.sent += count,
            Direction::ToClient => connection.received += count,
        }
        let room = room.min(CONNECTION_BYTES_MAX - connection.kept);
        let keep = bytes.len().min(room);
        // After a gap nothing more: a capture with holes misleads.
        let whole = connection.kept as u64 + count == connection.sent + connection.received;
        if keep > 0 && whole {
            connection.kept += keep;
            connection.pieces.push(Piece {
                at_ns,
                way,
                bytes: bytes[..keep].to_vec(),
            });
            self.kept += keep;
        }
    }
}

impl Onlooker for Overheard {
    fn opened(&self, client: SocketAddr, server: SocketAddr) -> u64 {
        let mut tape = self.tape();
        let began_ns = tape.now_ns();
        tape.count += 1;
        let number = tape.count;
        tape.version += 1;
        tape.connections.push(Connection {
            number,
            client,
            server,
            began_ns,
            pieces: Vec::new(),
            sent: 0,
            received: 0,
            ended_ns: None,
            kept: 0,
        });
        number
    }

    fn passed(&self, connection: u64, way: Way, bytes: &[u8]) {
        let way = match way {
            Way::Sent => Direction::ToServer,
            Way::Received => Direction::ToClient,
        };
        {
            let mut tape = self.tape();
            tape.passed(connection, way, bytes);
            tape.version += 1;
        }
        (self.wake.0)(SHOWN_WITHIN);
    }

    fn closed(&self, connection: u64) {
        let mut tape = self.tape();
        let now = tape.now_ns();
        if let Some(connection) = tape.connection(connection) {
            connection.ended_ns = Some(now);
        }
        tape.version += 1;
    }
}
