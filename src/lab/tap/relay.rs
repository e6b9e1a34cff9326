//! One relayed connection: two threads, two sockets, and how an end on one side becomes one on the other.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use super::{Direction, Event, Shared, What};
use crate::config::{CHUNK_BYTES, STACK_BYTES};
use crate::error::plain;

/// How long the server may take to answer the relay's connection attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The two sockets of one connection.
#[derive(Debug)]
pub(super) struct Link {
    number: u64,
    client: TcpStream,
    server: TcpStream,
    reset: AtomicBool,
}

/// One connection: this thread carries the client's bytes, a second one the server's.
pub(super) fn relay(
    number: u64,
    client: TcpStream,
    address: SocketAddr,
    to: &[SocketAddr],
    shared: &Arc<Shared>,
    events: &SyncSender<Event>,
) {
    let record = Record {
        connection: number,
        shared,
        events,
    };
    let server = match connect(to) {
        Ok(server) => server,
        Err((server, error)) => {
            let reason = plain(&error);
            tracing::warn!(%server, reason, "the server did not take a connection");
            record.event(What::Refused {
                client: address,
                server,
                reason,
            });
            record.event(What::Closed);
            reset_on_close(&client);
            return;
        }
    };
    if let Err(error) = ready(&client, &server) {
        tracing::debug!(%error, number, "a connection ended before it began");
        return;
    }
    record.event(What::Opened {
        client: address,
        server: server.peer_addr().unwrap_or(to[0]),
    });
    let link = Arc::new(Link {
        number,
        client,
        server,
        reset: AtomicBool::new(false),
    });
    shared.live().insert(number, Arc::clone(&link));
    if shared.is_stopping() {
        link.cut(); // the stop came between accept and here
    }
    let back = thread::Builder::new()
        .name(format!("tap-{number}-back"))
        .stack_size(STACK_BYTES);
    thread::scope(|scope| {
        let link = &link;
        match back.spawn_scoped(scope, || copy(link, Direction::ToClient, record)) {
            Ok(_joined_by_the_scope) => copy(link, Direction::ToServer, record),
            Err(error) => {
                tracing::warn!(%error, number, "no thread for a connection: it is dropped");
                link.cut();
            }
        }
    });
    shared.live().remove(&number);
    record.event(What::Closed);
}

/// Copies one direction until its end, then passes the end on.
fn copy(link: &Link, direction: Direction, record: Record<'_>) {
    let (mut from, mut to) = match direction {
        Direction::ToServer => (&link.client, &link.server),
        Direction::ToClient => (&link.server, &link.client),
    };
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        match from.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The end that this relay made itself is not recorded as the peer's.
            _ if link.reset.load(Ordering::SeqCst) || record.shared.is_stopping() => return,
            Ok(0) => {
                record.event(What::Ended(direction));
                let _gone_already = to.shutdown(Shutdown::Write);
                return;
            }
            Ok(length) => {
                let chunk = buffer[..length].to_vec();
                if !record.event(What::Bytes(direction, chunk)) {
                    return link.cut();
                }
                if let Err(error) = to.write_all(&buffer[..length]) {
                    tracing::debug!(%error, link.number, "a receiver broke off");
                    return break_off(link, direction.back(), record);
                }
            }
            Err(error) => {
                tracing::debug!(%error, link.number, "a sender broke off");
                return break_off(link, direction, record);
            }
        }
    }
}

/// The peer that sends in `direction` is gone: record it once, and give the other peer the same end.
fn break_off(link: &Link, direction: Direction, record: Record<'_>) {
    if link.reset.swap(true, Ordering::SeqCst) || record.shared.is_stopping() {
        return;
    }
    record.event(What::Reset(direction));
    let other = match direction {
        Direction::ToServer => &link.server,
        Direction::ToClient => &link.client,
    };
    reset_on_close(other);
    // Wakes the other direction's thread where it reads, without saying FIN before the RST.
    let _gone_already = other.shutdown(Shutdown::Read);
    let _gone_already = match direction {
        Direction::ToServer => link.client.shutdown(Shutdown::Both),
        Direction::ToClient => link.server.shutdown(Shutdown::Both),
    };
}

impl Link {
    /// Ends both connections at once.
    pub(super) fn cut(&self) {
        let _gone_already = self.client.shutdown(Shutdown::Both);
        let _gone_already = self.server.shutdown(Shutdown::Both);
    }
}

/// Where one connection's events go.
#[derive(Clone, Copy)]
struct Record<'a> {
    connection: u64,
    shared: &'a Shared,
    events: &'a SyncSender<Event>,
}

impl Record<'_> {
    /// Records an event; false when nobody takes the record any more.
    fn event(self, what: What) -> bool {
        let event = Event {
            connection: self.connection,
            at_ns: self.shared.clock.now_ns(),
            what,
        };
        self.events.send(event).is_ok()
    }
}

/// Connects to the first address that answers, else tells the last that did not.
fn connect(to: &[SocketAddr]) -> Result<TcpStream, (SocketAddr, io::Error)> {
    let mut failed = (to[0], io::ErrorKind::NotFound.into());
    for address in to {
        match TcpStream::connect_timeout(address, CONNECT_TIMEOUT) {
            Ok(server) => return Ok(server),
            Err(error) => failed = (*address, error),
        }
    }
    Err(failed)
}

fn ready(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    // Accepted sockets inherit the listener's mode on some systems (BSD, macOS).
    client.set_nonblocking(false)?;
    // Small messages go on at once: the relay must not add Nagle's wait to the peers' own.
    client.set_nodelay(true)?;
    server.set_nodelay(true)
}

/// Lets the close of this socket be an RST.
fn reset_on_close(socket: &TcpStream) {
    let _as_it_was = SockRef::from(socket).set_linger(Some(Duration::ZERO));
}
