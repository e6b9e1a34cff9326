//! Accepting: a thread for each connection, and a way to stop and reload from outside.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Resource, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Type};

use super::connection::{self, Connection};
use super::registry::Proved;
use super::{Config, Shared, watch};
use crate::config::{ACCEPT_REST, LISTEN_BACKLOG, STACK_BYTES};
use crate::error::{Error, Kind, Result};
use crate::store::Event;
use crate::transport::{Acceptor, Mode};

/// Requests to a running server, as bits.
const STOP: u8 = 1;
const STOP_NOW: u8 = 2;
const RELOAD: u8 = 4;

/// How long without a connection before old partial uploads are swept.
const SWEEP_EVERY: Timespec = Timespec {
    tv_sec: 15 * 60,
    tv_nsec: 0,
};

/// A server that listens but does not accept yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Arc<Acceptor>,
    control: Arc<Control>,
    wake: UnixStream,
    warnings: Vec<String>,
}

/// Tells a running server to stop or to reload, from any thread.
#[derive(Clone, Debug)]
pub struct Handle {
    control: Arc<Control>,
}

#[derive(Debug)]
struct Control {
    wanted: AtomicU8,
    wake: UnixStream,
}

impl Handle {
    /// No new connections; running transfers may finish for the drain time; then [`Server::run`] returns.
    pub fn stop(&self) {
        self.want(STOP);
    }

    /// As [`Handle::stop`], and running transfers are cut at once.
    pub fn stop_now(&self) {
        self.want(STOP | STOP_NOW);
    }

    /// Reads certificate, key, CA, revocation lists, users and access rules anew. What is bad is reported
    /// in the log, and the old kept.
    pub fn reload(&self) {
        self.want(RELOAD);
    }

    fn want(&self, what: u8) {
        self.control.wanted.fetch_or(what, Ordering::SeqCst);
        // A full pipe means that the server has enough to wake up for.
        let _full = (&self.control.wake).write(&[0]);
    }
}

impl Server {
    /// Opens the store, reads the certificates, and listens.
    pub fn bind(config: Config) -> Result<Self> {
        let tls = config
            .tls
            .as_ref()
            .map(super::ServerTls::load)
            .transpose()?;
        if tls.is_none() && config.mode != Mode::Plain {
            return Err(Error::new(Kind::Usage, "TLS needs a certificate and a key")
                .hint("give --cert and --key, or serve with --plain"));
        }
        let mut warnings = tls
            .as_ref()
            .map_or_else(Vec::new, |tls| tls.warnings.clone());
        let acceptor = Arc::new(Acceptor::new(config.mode, tls));
        raise_file_limit();
        let listener = listen(config.listen).map_err(|error| {
            let what = format!("cannot listen on {}: {}", config.listen, crate::error::plain(&error));
            Error::new(Kind::Connect, what)
                .hint("is another server running there? choose another port with --listen HOST:PORT, or port 0")
                .source(error)
        })?;
        let internal = |error: io::Error| Error::io(Kind::Other, "set up the listener", error);
        let address = listener.local_addr().map_err(internal)?;
        let (wake, woken) = UnixStream::pair().map_err(internal)?;
        for end in [&wake, &woken] {
            end.set_nonblocking(true).map_err(internal)?;
        }
        let (shared, found) = Shared::open(config)?;
        warnings.extend(found);
        Ok(Self {
            listener,
            address,
            shared: Arc::new(shared),
            acceptor,
            control: Arc::new(Control {
                wanted: AtomicU8::new(0),
                wake,
            }),
            wake: woken,
            warnings,
        })
    }

    /// Where it listens, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What opening the store found worth saying.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The way to stop it and to make it reload.
    pub fn handle(&self) -> Handle {
        Handle {
            control: Arc::clone(&self.control),
        }
    }

    /// Serves until told to stop. Blocks.
    pub fn run(self) -> Result<()> {
        let audit = self.shared.store.audit();
        audit.record(Event {
            address: Some(self.address.to_string()),
            ..Event::new("start", "server")
        });
        if self.shared.config.watch {
            watch::start(&self.shared.config, self.handle())?;
        }
        loop {
            let wanted = self.control.wanted.swap(0, Ordering::SeqCst);
            if wanted & RELOAD != 0 {
                self.reload();
            }
            if wanted & STOP != 0 {
                self.control
                    .wanted
                    .fetch_or(wanted & STOP_NOW, Ordering::SeqCst);
                break;
            }
            self.accept_waiting()?;
        }
        let Self {
            listener,
            shared,
            control,
            ..
        } = self;
        drop(listener);
        tracing::info!("stopping: no new connections");
        let cut = drain(&shared, &control)?;
        shared.store.audit().record(Event {
            reason: (cut > 0).then(|| format!("{cut} connections cut")),
            ..Event::new("stop", "server")
        });
        Ok(())
    }

    /// Waits for connections or a request of the handle, and takes in all connections that are there.
    fn accept_waiting(&self) -> Result<()> {
        let mut ready = [
            PollFd::new(&self.listener, PollFlags::IN),
            PollFd::new(&self.wake, PollFlags::IN),
        ];
        match poll(&mut ready, Some(&SWEEP_EVERY)) {
            // Nothing for a long while: a good time to throw away uploads nobody resumed.
            Ok(0) => {
                self.shared.store.uploads().sweep();
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Error::io(Kind::Other, "wait for connections", error.into())),
        }
        let _drained = (&self.wake).read(&mut [0; 64]);
        while self.control.wanted.load(Ordering::SeqCst) == 0 {
            match self.listener.accept() {
                Ok((tcp, address)) => self.take_in(tcp, address),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // Out of descriptors, or a client that is gone again. The listener stays readable, so
                    // going on at once would spin.
                    tracing::warn!(
                        "cannot accept a connection: {}",
                        crate::error::plain(&error)
                    );
                    thread::sleep(ACCEPT_REST);
                    break;
                }
            }
        }
        Ok(())
    }

    fn take_in(&self, tcp: TcpStream, address: SocketAddr) {
        let tcp = Arc::new(tcp);
        let shared = Arc::clone(&self.shared);
        let Some(place) = shared
            .registry
            .admit(&tcp, address.ip(), &shared.config.limits)
        else {
            tracing::warn!("closed a connection from {address}: too many");
            return;
        };
        let acceptor = Arc::clone(&self.acceptor);
        let connection = Connection::new(address, shared, place);
        let spawned = thread::Builder::new()
            .name(format!("conn-{}", connection.id()))
            .stack_size(STACK_BYTES)
            .spawn(move || connection.serve(tcp, &acceptor));
        if let Err(error) = spawned {
            tracing::warn!(
                "no thread for a connection: {}",
                crate::error::plain(&error)
            );
            thread::sleep(ACCEPT_REST);
        }
    }

    fn reload(&self) {
        let mut wrong = Vec::new();
        if let Some(tls) = &self.shared.config.tls {
            match tls.load() {
                Ok(loaded) => {
                    for warning in &loaded.warnings {
                        tracing::warn!("{warning}");
                    }
                    match self.acceptor.replace(loaded) {
                        Ok(()) => self.cut_revoked(),
                        Err(error) => wrong.push(error),
                    }
                }
                Err(error) => wrong.push(error),
            }
        }
        if let Err(error) = self.shared.store.reload() {
            wrong.push(error);
        }
        for error in &wrong {
            let hint = error.next_step().unwrap_or_default();
            tracing::error!("reload: {error}; the old one stays; next: {hint}");
        }
        if wrong.is_empty() {
            tracing::info!("reloaded certificates, revocation lists, users and access rules");
        }
        let reason = wrong
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ");
        self.shared.store.audit().record(Event {
            reason: (!reason.is_empty()).then_some(reason),
            ..Event::new("reload", "server")
        });
    }

    /// Ends the sessions of certificates that would not be let in any more.
    fn cut_revoked(&self) {
        let recheck = |proved: &Proved| self.acceptor.recheck(&proved.chain);
        for (proved, error) in self.shared.registry.cut(&recheck) {
            connection::note_cut(&self.shared, &proved, &error);
        }
    }
}

/// Lets the connections end, on a thread of its own so that a second request can cut them short.
fn drain(shared: &Arc<Shared>, control: &Arc<Control>) -> Result<usize> {
    let limit = shared.config.limits.drain_timeout;
    let deadline = Instant::now() + limit;
    let for_thread = Arc::clone(shared);
    let draining = thread::Builder::new()
        .name("drain".into())
        .spawn(move || for_thread.registry.stop(limit))
        .map_err(|error| Error::io(Kind::Other, "end the connections", error))?;
    while !draining.is_finished() {
        if control.wanted.load(Ordering::SeqCst) & (STOP | STOP_NOW) != 0 {
            return Ok(shared.registry.stop(Duration::ZERO));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        thread::sleep(left.clamp(Duration::from_millis(1), Duration::from_millis(20)));
    }
    Ok(draining.join().unwrap_or(0))
}

/// A listener with a long waiting line; std's is 128, and each connection over it waits a second.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(LISTEN_BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Each connection is a descriptor; the usual soft limit of 1,024 is only there for select(2).
fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!("cannot raise the limit of open files: {error}");
    }
}
