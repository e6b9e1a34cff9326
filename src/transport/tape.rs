//! Writes down what a client's handshake does while it does it, for `--explain`: the bytes as they pass the
//! socket, and what the checks, the choice of the own certificate and the key schedule did in between.
//!
//! The hooks in the verifier, the resolver and the key log find the recorder through the thread: a client
//! shakes hands on the thread that connects, and configurations are shared between connections (rustls
//! resumes only under the very same verifier, so each connection cannot have its own). Without a recorder a
//! hook costs one look at a thread-local.

use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::KeyLog;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use serde::Serialize;
use time::OffsetDateTime;

use super::tls;
use crate::text;

/// Bytes kept of one connection: a handshake with long chains on both sides is some 20 KiB.
const TAPE_BYTES_MAX: usize = 256 * 1024;

/// Which way bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// From this side to the server.
    Sent,
    /// From the server.
    Received,
}

/// What a server's certificate was judged by.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// The CAs believed.
    pub(super) anchors: Vec<CertificateDer<'static>>,
    /// The revocation lists.
    pub(super) lists: Vec<CertificateRevocationListDer<'static>>,
    /// The CAs are those of the public web, of which only names and keys are known.
    pub(super) is_public: bool,
}

/// One thing that happened.
#[derive(Debug)]
pub(super) enum Event {
    /// The name got its addresses.
    Resolved(Vec<SocketAddr>),
    /// TCP stands: the far end and the own.
    Tcp(SocketAddr, SocketAddr),
    /// Bytes passed the socket.
    Bytes(Way, Vec<u8>),
    /// The server's chain was judged.
    Judged {
        chain: Vec<CertificateDer<'static>>,
        name: String,
        evidence: Arc<Evidence>,
        good: bool,
        /// Accepted whatever the verdict (`--insecure`).
        anyway: bool,
    },
    /// The server's signature over the handshake was checked.
    Signature { good: bool },
    /// The server asked for a certificate; the chain it will be shown, if any.
    Asked { shown: Vec<CertificateDer<'static>> },
    /// The key schedule made a secret of this label.
    Secret(String),
}

/// All that happened, in order, with the time since the beginning.
#[derive(Default)]
pub(super) struct Tape {
    pub(super) events: Vec<(Duration, Event)>,
    pub(super) secrets: tls::KeyLog,
    bytes: usize,
}

/// Records one connection, from resolving its name to the server's first reply.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    began: Instant,
    began_at: OffsetDateTime,
    stopped: AtomicBool,
    tape: Mutex<Tape>,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Secrets are in it.
        f.write_str("Recorder")
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// Begins now.
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            began: Instant::now(),
            began_at: text::now(),
            stopped: AtomicBool::new(false),
            tape: Mutex::default(),
        }))
    }

    /// When it began.
    pub(super) fn began_at(&self) -> OffsetDateTime {
        self.0.began_at
    }

    /// The time since it began.
    pub(super) fn elapsed(&self) -> Duration {
        self.0.began.elapsed()
    }

    /// Ends the recording and gives what was recorded.
    pub(super) fn take(&self) -> Tape {
        self.0.stopped.store(true, Ordering::Relaxed);
        let mut tape = self.0.tape.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut tape)
    }

    pub(super) fn note(&self, event: Event) {
        if self.0.stopped.load(Ordering::Relaxed) {
            return;
        }
        let at = self.elapsed();
        let mut tape = self.0.tape.lock().unwrap_or_else(PoisonError::into_inner);
        if let Event::Bytes(_, bytes) = &event {
            if tape.bytes + bytes.len() > TAPE_BYTES_MAX {
                return;
            }
            tape.bytes += bytes.len();
        }
        tape.events.push((at, event));
    }

    /// Bytes passed the socket.
    pub(super) fn passed(&self, way: Way, bytes: &[u8]) {
        if !bytes.is_empty() && !self.0.stopped.load(Ordering::Relaxed) {
            self.note(Event::Bytes(way, bytes.to_vec()));
        }
    }

    fn secret(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        self.note(Event::Secret(label.to_owned()));
        let mut tape = self.0.tape.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(client_random) = client_random.try_into() {
            tape.secrets.add(label, client_random, secret);
        }
    }

    /// Lets the hooks of this thread find the recorder, until the guard is dropped.
    pub(super) fn listen(&self) -> Listening {
        let before = CURRENT.with(|current| current.borrow_mut().replace(self.clone()));
        Listening(before)
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

/// The hooks of this thread have a recorder as long as this lives.
pub(super) struct Listening(Option<Recorder>);

impl Drop for Listening {
    fn drop(&mut self) {
        let before = self.0.take();
        CURRENT.with(|current| *current.borrow_mut() = before);
    }
}

/// Notes an event, made only when this thread's connection is being recorded.
pub(super) fn note(event: impl FnOnce() -> Event) {
    CURRENT.with(|current| {
        if let Some(recorder) = &*current.borrow() {
            recorder.note(event());
        }
    });
}

/// A key log that tells the recorder too.
#[derive(Debug)]
pub(super) struct HeardKeys(pub(super) Arc<dyn KeyLog>);

impl KeyLog for HeardKeys {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        if self.0.will_log(label) {
            self.0.log(label, client_random, secret);
        }
        CURRENT.with(|current| {
            if let Some(recorder) = &*current.borrow() {
                recorder.secret(label, client_random, secret);
            }
        });
    }

    fn will_log(&self, label: &str) -> bool {
        self.0.will_log(label) || CURRENT.with(|current| current.borrow().is_some())
    }
}
