//! A server as it is easily written: it reads the new list, and forgets one thing.

use std::io::{self, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::server::{ServerSessionMemoryCache, StoresServerSessions, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use super::Forget;
use crate::error::{Error, Kind, Result};
use crate::lab::house::PATIENCE;
use crate::pki::keys;
use crate::protocol::{read_frame, write_frame};
use crate::transport::ServerTls;

/// Sessions remembered.
const SESSIONS: usize = 64;

/// A server that forgets; ended when dropped.
pub(super) struct Naive {
    pub(super) address: SocketAddr,
    tls: ServerTls,
    forgets: Forget,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    config: Mutex<Arc<ServerConfig>>,
    sessions: Arc<dyn StoresServerSessions>,
    live: Mutex<Vec<TcpStream>>,
    stopping: AtomicBool,
}

impl Naive {
    pub(super) fn start(tls: ServerTls, forgets: Forget) -> Result<Self> {
        let sessions = ServerSessionMemoryCache::new(SESSIONS);
        let config = configuration(&tls, Arc::clone(&sessions) as _)?;
        let listener = TcpListener::bind("127.0.0.1:0").map_err(internal)?;
        let address = listener.local_addr().map_err(internal)?;
        listener.set_nonblocking(true).map_err(internal)?;
        let shared = Arc::new(Shared {
            config: Mutex::new(config),
            sessions,
            live: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let here = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("lab-naive".into())
            .spawn(move || accept(&listener, &here))
            .map_err(internal)?;
        Ok(Self {
            address,
            tls,
            forgets,
            shared,
            thread: Some(thread),
        })
    }

    /// Reads the list anew, and forgets the rest.
    pub(super) fn reload(&self) -> Result<()> {
        let sessions = match self.forgets {
            Forget::Tickets => Arc::clone(&self.shared.sessions),
            _ => ServerSessionMemoryCache::new(SESSIONS),
        };
        *lock(&self.shared.config) = configuration(&self.tls, sessions)?;
        if self.forgets != Forget::Sessions {
            // It does not look whose they are; the newest is the other user's, by the order of the story.
            self.cut(1);
        }
        Ok(())
    }

    /// Cuts sessions, but the last `spared`: the one of the other user.
    fn cut(&self, spared: usize) {
        let mut live = lock(&self.shared.live);
        let cut = live.len().saturating_sub(spared);
        for session in live.drain(..cut) {
            let _gone = session.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Naive {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.cut(0);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

/// A new configuration under the list as it is now, with these sessions.
fn configuration(
    tls: &ServerTls,
    sessions: Arc<dyn StoresServerSessions>,
) -> Result<Arc<ServerConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in keys::certificates(&tls.client_ca, Kind::CaFile)? {
        roots.add(certificate).map_err(internal)?;
    }
    let mut lists = Vec::new();
    for path in &tls.revocation_lists {
        lists.extend(keys::revocation_lists(path)?);
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .with_crls(lists)
            .build()
            .map_err(internal)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(internal)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            keys::certificates(&tls.certificate, Kind::OwnCertificate)?,
            keys::private_key(&tls.key, None)?,
        )
        .map_err(internal)?;
    config.session_storage = sessions;
    Ok(Arc::new(config))
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut serving = Vec::new();
    while !shared.stopping.load(Ordering::SeqCst) {
        let Ok((tcp, _)) = listener.accept() else {
            thread::sleep(Duration::from_millis(2));
            continue;
        };
        let here = Arc::clone(shared);
        let served = thread::Builder::new()
            .name("lab-naive-conn".into())
            // An end is an end, whatever the reason.
            .spawn(move || drop(serve(tcp, &here)));
        serving.extend(served);
    }
    for thread in serving {
        let _ended = thread.join();
    }
}

fn serve(tcp: TcpStream, shared: &Shared) -> io::Result<()> {
    tcp.set_nonblocking(false)?;
    tcp.set_nodelay(true)?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    let closer = tcp.try_clone()?;
    lock(&shared.live).push(tcp.try_clone()?);
    let config = Arc::clone(&lock(&shared.config));
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(connection, tcp);
    let mut buffer = Vec::new();
    // Every request is answered with all fields any reply has.
    while let Ok(Some(_request)) = read_frame(&mut stream, &mut buffer) {
        write_frame(
            &mut stream,
            &json!({
                "ok": true, "version": 1, "agent": "naive", "secure": "mtls", "identity": null,
                "login": ["certificate"], "register": false, "id": "naive",
                "user": "alice", "role": "user",
            }),
        )?;
    }
    stream.conn.send_close_notify();
    let said = stream.flush();
    // The list of live ones still holds it open.
    let _gone = closer.shutdown(Shutdown::Both);
    said
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Other, "cannot set up the lab's naive server").source(error)
}
