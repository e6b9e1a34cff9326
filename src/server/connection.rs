//! One connection on its own thread: taken in, told who it is, served, closed.

use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::registry::{Place, Proved};
use super::session::Session;
use super::{Peer, Shared};
use crate::config::{BUSY_TIMEOUT, DETAIL_BYTES_MAX};
use crate::error::Error;
use crate::pki::inspect;
use crate::protocol::{Code, Refusal, Reply, Secure, write_frame};
use crate::store::Event;
use crate::text::{brief, escape, hex};
use crate::transport::{Accepted, Acceptor, RESUMED, Rejected, Socket, Wire as _};

/// A connection on its own thread.
pub(super) struct Connection {
    id: String,
    address: SocketAddr,
    shared: Arc<Shared>,
    place: Place,
}

impl Connection {
    pub(super) fn new(address: SocketAddr, shared: Arc<Shared>, place: Place) -> Self {
        Self {
            id: connection_id(),
            address,
            shared,
            place,
        }
    }

    /// Its name in the log and the audit trail.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Serves it until one side says goodbye.
    pub(super) fn serve(self, tcp: Arc<TcpStream>, acceptor: &Acceptor) {
        self.survive(|| self.try_serve(tcp, acceptor));
    }

    /// Does something; a panic in it is noted and goes no further.
    fn survive(&self, deed: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(deed)).is_err() {
            tracing::error!(
                id = self.id,
                "a connection's thread panicked; the others go on"
            );
            self.record("panic", (None, "a panic; the log has it".to_owned()));
        }
    }

    fn try_serve(&self, tcp: Arc<TcpStream>, acceptor: &Acceptor) {
        if let Err(error) = tcp
            .set_nonblocking(false)
            .and_then(|()| tcp.set_nodelay(true))
        {
            tracing::debug!(id = self.id, "cannot set up a connection: {error}");
            return;
        }
        let limits = &self.shared.config.limits;
        let time = match self.place.served() {
            true => limits.handshake_timeout,
            false => BUSY_TIMEOUT.min(limits.handshake_timeout),
        };
        let generation = acceptor.generation();
        let mut stream = match acceptor.accept(Socket::new(tcp, Instant::now() + time)) {
            Ok(stream) => stream,
            Err(rejected) => return self.reject(rejected, acceptor),
        };
        let Some(peer) = self.peer(&stream) else {
            return stream.close();
        };
        if !self.still_good(&stream, acceptor, generation) {
            return stream.close();
        }
        if self.place.served() {
            Session::new(&mut stream, &peer, &self.shared, &self.place).run();
        } else {
            stream.expect_by(Instant::now() + BUSY_TIMEOUT);
            Session::new(&mut stream, &peer, &self.shared, &self.place).refuse_busy();
        }
        stream.close();
    }

    /// Tells, as far as possible, why the connection was not taken in.
    fn reject(&self, rejected: Rejected, acceptor: &Acceptor) {
        match rejected {
            Rejected::Silent => {}
            Rejected::Language(mut socket, why) => {
                tracing::info!(id = self.id, address = %self.address, "refused: wrong protocol: {why}");
                self.record("refused", (Some(Code::BadRequest), why.to_owned()));
                let refusal = Refusal::new(Code::BadRequest, why);
                let _gone = write_frame(&mut *socket, &Reply::refused(refusal));
                socket.linger();
            }
            Rejected::Handshake(error, shown) => {
                let error = acceptor.explain(&error, &shown).to_string();
                let error = brief(&error, DETAIL_BYTES_MAX);
                tracing::info!(id = self.id, address = %self.address, "handshake failed: {error}");
                let shown = shown
                    .first()
                    .and_then(|leaf| inspect::certificate(leaf).ok());
                self.shared.store.audit().record(Event {
                    address: Some(self.address.to_string()),
                    subject: shown.as_ref().map(|shown| shown.subject.clone()),
                    serial: shown.as_ref().map(|shown| shown.serial.clone()),
                    fingerprint: shown.as_ref().map(|shown| shown.fingerprint.clone()),
                    reason: Some(error),
                    ..Event::new("handshake_failed", &self.id)
                });
            }
        }
    }

    /// Who is at the other end; `None` when its certificate, though verified, names nobody.
    fn peer(&self, stream: &Accepted) -> Option<Peer> {
        let session = stream.session();
        let leaf = session
            .as_ref()
            .and_then(|session| session.certificates.first());
        let identity = match leaf.map(|leaf| inspect::identity(leaf)).transpose() {
            Ok(identity) => identity,
            Err(error) => {
                tracing::info!(id = self.id, "client certificate names nobody: {error}");
                self.record("handshake_failed", (None, error.to_string()));
                return None;
            }
        };
        if let Some(session) = &session {
            tracing::debug!(
                id = self.id,
                version = session.version,
                cipher = session.cipher,
                group = session.group,
                handshake = session.handshake,
                client = identity.as_ref().map(|identity| escape(&identity.subject)),
                "handshake done"
            );
        }
        Some(Peer {
            id: self.id.clone(),
            address: self.address,
            secure: match (&session, &identity) {
                (None, _) => Secure::Plain,
                (Some(_), None) => Secure::Tls,
                (Some(_), Some(_)) => Secure::Mtls,
            },
            identity,
        })
    }

    /// Registers who was let in, and looks once more when the configuration was replaced meanwhile: the
    /// reload may have looked for revoked clients before this one was registered. A resumed session is always
    /// looked at: resuming checks no certificate, and it, or the revocation list, may be out of date by now.
    fn still_good(&self, stream: &Accepted, acceptor: &Acceptor, generation: u64) -> bool {
        let Some(session) = stream.session() else {
            return true;
        };
        let chain = session.certificates;
        if chain.is_empty() {
            return true;
        }
        let proved = Proved {
            id: self.id.clone(),
            address: self.address,
            chain,
        };
        self.place.prove(proved.clone());
        if acceptor.generation() == generation && session.handshake != RESUMED {
            return true;
        }
        match acceptor.recheck(&proved.chain) {
            Ok(()) => true,
            Err(error) => {
                note_cut(&self.shared, &proved, &error);
                false
            }
        }
    }

    fn record(&self, event: &'static str, (code, reason): (Option<Code>, String)) {
        self.shared.store.audit().record(Event {
            address: Some(self.address.to_string()),
            code: code.map(|code| code.word().to_owned()),
            reason: Some(reason),
            ..Event::new(event, &self.id)
        });
    }
}

/// Says in log and audit trail that a connection was ended because its certificate does not count any more.
pub(super) fn note_cut(shared: &Shared, proved: &Proved, error: &Error) {
    tracing::warn!(id = proved.id, address = %proved.address, "session cut: {error}");
    let leaf = proved
        .chain
        .first()
        .and_then(|leaf| inspect::certificate(leaf).ok());
    shared.store.audit().record(Event {
        address: Some(proved.address.to_string()),
        subject: leaf.as_ref().map(|leaf| leaf.subject.clone()),
        serial: leaf.as_ref().map(|leaf| leaf.serial.clone()),
        fingerprint: leaf.as_ref().map(|leaf| leaf.fingerprint.clone()),
        reason: Some(error.to_string()),
        ..Event::new("session_cut", &proved.id)
    });
}

fn connection_id() -> String {
    let mut bytes = [0; 6];
    // Without randomness TLS could not work either; an id of zeros is then the least of the problems.
    let _random = aws_lc_rs::rand::fill(&mut bytes);
    hex(&bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::TcpListener;

    use super::*;
    use crate::config::Limits;
    use crate::server::{Config, LoginPolicy, Registration, UserFrom};
    use crate::transport::Mode;

    #[test]
    fn a_panic_ends_its_connection_only_and_is_in_the_audit_trail() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            data: dir.path().to_owned(),
            audit_log: None,
            mode: Mode::Plain,
            tls: None,
            register: Registration::Closed,
            login: LoginPolicy::Either,
            limits: Limits {
                connections: 1,
                ..Limits::default()
            },
            user_from: UserFrom::CommonName,
            watch: false,
        };
        let (shared, _warnings) = Shared::open(config).unwrap();
        let shared = Arc::new(shared);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let tcp = Arc::new(TcpStream::connect(address).unwrap());
        let admit = || {
            let limits = &shared.config.limits;
            shared.registry.admit(&tcp, address.ip(), limits).unwrap()
        };
        let connection = Connection::new(address, Arc::clone(&shared), admit());
        let id = connection.id().to_owned();
        assert!(!admit().served(), "there is room for one");
        connection.survive(|| panic!("of a test"));
        drop(connection);
        assert!(admit().served(), "its place is given back");
        let trail = fs::read_to_string(dir.path().join("audit.jsonl")).unwrap();
        assert!(
            trail.contains("\"panic\"") && trail.contains(&id),
            "{trail}"
        );
    }

    #[test]
    fn a_release_can_survive_a_panic() {
        let manifest: toml::Table = include_str!("../../Cargo.toml").parse().unwrap();
        assert_eq!(
            manifest["profile"]["release"]["panic"].as_str(),
            Some("unwind")
        );
    }
}
