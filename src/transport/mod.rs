//! Byte streams with deadlines: plain TCP, or TLS by rustls around the same socket. Above this room a
//! connection is a [`Wire`] and nothing tells the two apart.
//!
//! This room owns rustls. What a connection does is the same either way; that is what makes the plain
//! and the sealed run of a transfer comparable.

mod clients;
mod clock;
mod connect;
mod failure;
mod judge;
mod keylog;
mod listen;
mod onlooker;
mod pace;
mod policy;
mod seen;
mod socket;
mod story;
mod stream;
mod tape;
pub mod tls;

pub use clients::Allow;
pub use clock::Clock;
pub use connect::{ClientTls, Connector, Roots, TlsClient, Witnesses, connect, connect_witnessed};
pub use failure::{Context, Side, Stage, explain, lost, server_speaks_tls};
pub use keylog::KeptSecrets;
pub use listen::{Accepted, Acceptor, ClientAuth, Loaded, Mode, Rejected, ServerTls};
pub use onlooker::{HangUp, Onlooker};
pub use pace::Pace;
pub use policy::{Policy, Resumption, TlsVersion, cipher_suites};
pub use rustls::pki_types::CertificateDer;
pub use socket::Socket;
pub use story::{Checks, Ending, Party, Step, Story, What};
pub use stream::{RESUMED, Session, Stream};
pub use tape::{Recorder, Way};

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

/// A byte stream that can be told how long it may take.
pub trait Wire: BufRead + Write {
    /// From here on everything must be done by `deadline`, or fail with [`std::io::ErrorKind::TimedOut`].
    fn expect_by(&mut self, deadline: Instant);

    /// From here on bytes must keep moving: some in each `window`. For bodies, whose length is unbounded.
    fn expect_progress(&mut self, window: Duration);

    /// Waits so long, or until the peer has broken off.
    fn rest(&self, time: Duration);
}
