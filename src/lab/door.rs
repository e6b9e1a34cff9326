//! Where the attacker waits for its victim, and the simplest thing it can do: relay.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, Builder};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::error::{Error, Kind, Result};
use crate::lab::house::PATIENCE;

/// How long the attacker waits for its victim's next connection.
const WAIT: Timespec = Timespec {
    tv_sec: 3,
    tv_nsec: 0,
};

/// How long a look at the door takes when nobody is there.
const MOMENT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// A listener between the victim and its server.
pub(super) struct Door {
    listener: TcpListener,
    /// Where the victim is lured to.
    pub(super) address: SocketAddr,
    server: SocketAddr,
}

/// A victim's connection and the attacker's own to the server.
pub(super) struct Between {
    pub(super) client: TcpStream,
    pub(super) server: TcpStream,
}

impl Door {
    /// Listens, in front of `server`.
    pub(super) fn open(server: SocketAddr) -> Result<Self> {
        let opened = TcpListener::bind((server.ip(), 0))
            .and_then(|listener| listener.local_addr().map(|address| (listener, address)));
        let (listener, address) =
            opened.map_err(|error| Error::io(Kind::Other, "listen for the victim", error))?;
        Ok(Self {
            listener,
            address,
            server,
        })
    }

    /// Whether the victim knocks (again) soon after it has said what it made of the attack.
    pub(super) fn knocks(&self) -> bool {
        let mut ready = [PollFd::new(&self.listener, PollFlags::IN)];
        matches!(poll(&mut ready, Some(&MOMENT)), Ok(1..))
    }

    /// The victim's next connection.
    pub(super) fn victim(&self) -> io::Result<TcpStream> {
        let mut ready = [PollFd::new(&self.listener, PollFlags::IN)];
        if poll(&mut ready, Some(&WAIT))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let (client, _) = self.listener.accept()?;
        bounded(client)
    }

    /// A connection to the server.
    pub(super) fn server(&self) -> io::Result<TcpStream> {
        TcpStream::connect_timeout(&self.server, PATIENCE).and_then(bounded)
    }

    /// Both.
    pub(super) fn between(&self) -> io::Result<Between> {
        Ok(Between {
            client: self.victim()?,
            server: self.server()?,
        })
    }
}

fn bounded(socket: TcpStream) -> io::Result<TcpStream> {
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// Runs the attacker beside its victim; what each of them made of it.
pub(super) fn attack<A: Send, V>(
    attacker: impl FnOnce() -> A + Send,
    victim: impl FnOnce() -> V,
) -> Result<(A, V)> {
    thread::scope(|scope| {
        let attacking = Builder::new()
            .name("lab-attacker".into())
            .spawn_scoped(scope, attacker)
            .map_err(|error| Error::io(Kind::Other, "start the attacker", error))?;
        let victim = victim();
        let attacker = attacking
            .join()
            .map_err(|_| Error::new(Kind::Other, "the attacker panicked"))?;
        Ok((attacker, victim))
    })
}

/// Passes everything on and changes nothing, until both directions are over.
pub(super) fn relay(between: &Between) {
    thread::scope(|scope| {
        let up = || pump(&between.client, &between.server);
        let _none = Builder::new()
            .name("lab-relay".into())
            .spawn_scoped(scope, up);
        pump(&between.server, &between.client);
    });
}

fn pump(mut from: &TcpStream, mut to: &TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _gone = to.shutdown(Shutdown::Write);
}
