//! Watching a connection from inside the process: every byte as it passes the socket, which is what a
//! stranger on the wire sees.

use std::fmt;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Weak};
use std::time::Duration;

use socket2::SockRef;

use super::tape::Way;

/// Sees what passes on the connections of a client, on the threads that use them. It must be quick: the
/// connection waits for it.
pub trait Onlooker: fmt::Debug + Send + Sync {
    /// A connection stands between these addresses. Returns the number by which it is told of again.
    fn opened(&self, client: SocketAddr, server: SocketAddr) -> u64;

    /// Bytes passed the socket of a connection.
    fn passed(&self, connection: u64, way: Way, bytes: &[u8]);

    /// A connection is over.
    fn closed(&self, connection: u64);
}

/// One connection while it is watched.
#[derive(Debug)]
pub(super) struct Watched {
    onlooker: Arc<dyn Onlooker>,
    number: u64,
}

impl Watched {
    /// A connection over `tcp` begins; `None` when it is gone already.
    pub(super) fn begin(onlooker: &Arc<dyn Onlooker>, tcp: &TcpStream) -> Option<Self> {
        let (client, server) = (tcp.local_addr().ok()?, tcp.peer_addr().ok()?);
        Some(Self {
            number: onlooker.opened(client, server),
            onlooker: Arc::clone(onlooker),
        })
    }

    pub(super) fn passed(&self, way: Way, bytes: &[u8]) {
        self.onlooker.passed(self.number, way, bytes);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.onlooker.closed(self.number);
    }
}

/// Ends a connection from another thread, whatever it is doing there. It does not keep the connection open.
#[derive(Clone, Debug)]
pub struct HangUp(Weak<TcpStream>);

impl HangUp {
    /// A way to end what runs over `tcp`.
    pub(super) fn new(tcp: &Arc<TcpStream>) -> Self {
        Self(Arc::downgrade(tcp))
    }

    /// Ends it: whoever reads or writes there fails at once. What was not sent yet never will be: the peer
    /// learns by a reset that no more comes (RFC 9293 §3.6.1), as soon as the connection is dropped.
    pub fn now(&self) {
        // It may have ended by itself: then there is nothing left to do.
        if let Some(tcp) = self.0.upgrade() {
            let _already_gone = SockRef::from(&*tcp).set_linger(Some(Duration::ZERO));
            let _already_gone = tcp.shutdown(Shutdown::Both);
        }
    }
}
