//! Watching a connection from inside the process: every byte as it passes the socket, which is what a
//! stranger on the wire sees.

use std::fmt;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;

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

/// Ends a connection from another thread, whatever it is doing there.
#[derive(Clone, Debug)]
pub struct HangUp(Arc<TcpStream>);

impl HangUp {
    /// A way to end what runs over `tcp`.
    pub(super) fn new(tcp: &Arc<TcpStream>) -> Self {
        Self(Arc::clone(tcp))
    }

    /// Ends it: whoever reads or writes there fails at once.
    pub fn now(&self) {
        // It may have ended by itself: then there is nothing left to do.
        let _already_gone = self.0.shutdown(Shutdown::Both);
    }
}
