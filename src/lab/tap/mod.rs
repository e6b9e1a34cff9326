//! The tap: a relay between a client and a server that records every byte and alters none.
//!
//! It needs no privilege, and works where a kernel capture does not. It cannot see the packets
//! themselves: where one began, its headers and checksums belong to the connections on either side.
//!
//! A chunk is recorded before it is passed on, so that the record is in causal order: no answer stands
//! before its question. The record goes through a queue of bounded length to a [`Sink`] on the caller's
//! own thread: a transfer of any size takes the memory of [`QUEUE_EVENTS`] chunks.

mod relay;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Serialize;

use relay::{Link, relay};

use crate::config::{ACCEPT_REST, STACK_BYTES};
use crate::error::{Error, Kind, Result, chinese_io, plain};

/// Events that may wait for the sink; each holds at most `CHUNK_BYTES`, so 16 MiB in all.
pub const QUEUE_EVENTS: usize = 64;

/// Connections relayed at once; more wait in the listener's backlog. Each takes two threads and two chunks.
pub const CONNECTIONS_MAX: usize = 256;

/// How soon a told stop is noticed at the latest while nobody connects.
const STOP_CHECK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// Which way bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub fn back(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }
}

/// Something that happened on a relayed connection.
#[derive(Debug, PartialEq, Eq)]
pub struct Event {
    /// The connection's number: the first is 1.
    pub connection: u64,
    /// Nanoseconds since 1970.
    pub at_ns: u64,
    /// What happened.
    pub what: What,
}

/// What can happen on a relayed connection.
#[derive(Debug, PartialEq, Eq)]
pub enum What {
    /// The server took the connection. The addresses are those of the two real ends.
    Opened {
        /// The client's address.
        client: SocketAddr,
        /// The server's address.
        server: SocketAddr,
    },
    /// The server did not take the connection.
    Refused {
        /// The client's address.
        client: SocketAddr,
        /// The server's address.
        server: SocketAddr,
        /// Why.
        reason: String,
    },
    /// Bytes passed.
    Bytes(Direction, Vec<u8>),
    /// So many bytes passed that nobody recorded. (A tap records all; one that looks on from inside may not.)
    Missing(Direction, u64),
    /// The sender of this direction said that it will send no more (FIN).
    Ended(Direction),
    /// The sender of this direction broke the connection off (RST).
    Reset(Direction),
    /// Both directions are over, or the tap was told to stop.
    Closed,
}

/// Takes the record.
pub trait Sink {
    /// Takes one event; an error ends the tap.
    fn record(&mut self, event: Event) -> io::Result<()>;

    /// Nothing waits: a good moment to flush.
    fn idle(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A relay that listens already.
#[derive(Debug)]
pub struct Tap {
    listener: TcpListener,
    address: SocketAddr,
    to: Vec<SocketAddr>,
    shared: Arc<Shared>,
}

/// Stops a running [`Tap`], from any thread.
#[derive(Clone, Debug)]
pub struct Stop(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    stopping: AtomicBool,
    live: Mutex<HashMap<u64, Arc<Link>>>,
    clock: Clock,
}

impl Tap {
    /// Listens on `listen` (port 0 picks one) for connections to `to`; both are `HOST:PORT`.
    pub fn bind(listen: &str, to: &str) -> Result<Self> {
        let to = resolve(to)?;
        let listener = TcpListener::bind(resolve(listen)?.as_slice()).map_err(|error| {
            let message = format!("cannot listen on {listen}: {}", plain(&error));
            Error::new(Kind::Other, message)
                .hint("choose another port, or 0 for any free one")
                .zh(
                    format!("无法在 {listen} 上监听：{}", chinese_io(&error)),
                    "请换一个端口，或用 0 自动选择空闲端口",
                )
                .source(error)
        })?;
        let address = listener
            .local_addr()
            .and_then(|address| listener.set_nonblocking(true).map(|()| address))
            .map_err(|error| {
                Error::new(Kind::Other, format!("cannot listen on {listen}")).source(error)
            })?;
        let shared = Shared {
            stopping: AtomicBool::new(false),
            live: Mutex::default(),
            clock: Clock::new(),
        };
        Ok(Self {
            listener,
            address,
            to,
            shared: Arc::new(shared),
        })
    }

    /// Where it listens, with the port that was picked.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A handle that stops it.
    pub fn stop(&self) -> Stop {
        Stop(Arc::clone(&self.shared))
    }

    /// Relays until stopped, or until `connections` of them were taken and all are closed; every event goes
    /// to `sink`, on this thread. Returns how many connections there were.
    pub fn run(self, connections: Option<u64>, sink: &mut impl Sink) -> Result<u64> {
        let (events, record) = sync_channel(QUEUE_EVENTS);
        let shared = Arc::clone(&self.shared);
        let acceptor = thread::Builder::new()
            .name("tap-accept".into())
            .stack_size(STACK_BYTES)
            .spawn(move || self.accept(connections, &events))
            .map_err(|error| {
                Error::new(Kind::Other, "cannot start the tap's thread").source(error)
            })?;
        let written = drain(&record, sink);
        if written.is_err() {
            Stop(shared).stop();
        }
        // Whoever still wants to record finds the door closed, and ends too.
        drop(record);
        let count = acceptor
            .join()
            .map_err(|_| Error::new(Kind::Other, "the tap's thread panicked"))?;
        written.map_err(|error| Error::io(Kind::LocalWrite, "write the capture", error))?;
        Ok(count)
    }

    /// Takes connections; returns how many. The listener closes with it, so that clients past the last
    /// wanted one are refused rather than left hanging.
    fn accept(self, wanted: Option<u64>, events: &SyncSender<Event>) -> u64 {
        let mut count = 0;
        while wanted.is_none_or(|wanted| count < wanted) && !self.shared.is_stopping() {
            if self.shared.live().len() >= CONNECTIONS_MAX {
                thread::sleep(ACCEPT_REST);
                continue;
            }
            let mut ready = [PollFd::from_borrowed_fd(
                self.listener.as_fd(),
                PollFlags::IN,
            )];
            if !matches!(poll(&mut ready, Some(&STOP_CHECK)), Ok(1..)) {
                continue;
            }
            match self.listener.accept() {
                Ok((client, address)) => {
                    count += 1;
                    self.relay(count, client, address, events);
                }
                // Out of descriptors, or the client left before it was taken: rest, never spin.
                Err(error) => {
                    tracing::debug!(%error, "accept");
                    thread::sleep(ACCEPT_REST);
                }
            }
        }
        count
    }

    fn relay(
        &self,
        number: u64,
        client: TcpStream,
        address: SocketAddr,
        events: &SyncSender<Event>,
    ) {
        let (to, shared, events) = (self.to.clone(), Arc::clone(&self.shared), events.clone());
        let relayed = thread::Builder::new()
            .name(format!("tap-{number}"))
            .stack_size(STACK_BYTES)
            .spawn(move || relay(number, client, address, &to, &shared, &events));
        if let Err(error) = relayed {
            tracing::warn!(%error, number, "no thread for a connection: it is dropped");
        }
    }
}

impl Stop {
    /// Takes no more connections and cuts those that are open. Returns at once; [`Tap::run`] soon does too.
    pub fn stop(&self) {
        self.0.stopping.store(true, Ordering::SeqCst);
        // The order of closing is nobody's business.
        let live: Vec<_> = self.0.live().drain().map(|(_, link)| link).collect();
        for link in live {
            link.cut();
        }
    }
}

impl Shared {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn live(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Link>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time of day that never runs backwards, as packets in one file must not.
#[derive(Debug)]
struct Clock {
    start: Instant,
    start_ns: u64,
}

impl Clock {
    fn new() -> Self {
        let since_1970 = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            start: Instant::now(),
            start_ns: nanos(since_1970),
        }
    }

    fn now_ns(&self) -> u64 {
        self.start_ns.saturating_add(nanos(self.start.elapsed()))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn drain(record: &Receiver<Event>, sink: &mut impl Sink) -> io::Result<()> {
    loop {
        let event = match record.try_recv() {
            Ok(event) => event,
            Err(TryRecvError::Disconnected) => return Ok(()),
            Err(TryRecvError::Empty) => {
                sink.idle()?;
                match record.recv() {
                    Ok(event) => event,
                    Err(_ended) => return Ok(()),
                }
            }
        };
        sink.record(event)?;
    }
}

fn resolve(address: &str) -> Result<Vec<SocketAddr>> {
    let (hint, hint_zh) = (
        "give HOST:PORT, such as 127.0.0.1:9999",
        "请给出 HOST:PORT，例如 127.0.0.1:9999",
    );
    let found = address.to_socket_addrs().map_err(|error| {
        let kind = match error.kind() {
            io::ErrorKind::InvalidInput => Kind::Usage,
            _ => Kind::Resolve,
        };
        Error::new(kind, format!("{address} is no address"))
            .hint(hint)
            .zh(format!("{address} 不是地址"), hint_zh)
            .source(error)
    })?;
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        return Err(
            Error::new(Kind::Resolve, format!("{address} has no address"))
                .hint(hint)
                .zh(format!("{address} 没有对应的地址"), hint_zh),
        );
    }
    Ok(found)
}
