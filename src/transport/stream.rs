//! One connection, plain or TLS.

use std::io::{self, BufRead, Read, Write};
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use rustls::{ConnectionCommon, HandshakeKind, ProtocolVersion, SideData, StreamOwned};
use serde::Serialize;

use super::{HangUp, Socket, Wire};

/// Bytes rustls may hold of what is being sent: one chunk of a body and its records' overhead.
const SEND_BUFFER_BYTES: usize = 1024 * 1024;

/// A connection; `C` is rustls' client or server connection.
#[derive(Debug)]
pub enum Stream<C> {
    /// Anyone on the way reads everything.
    Plain(Socket),
    /// Sealed. Boxed: a TLS connection is some 1,200 bytes, a plain one a tenth.
    Tls(Box<StreamOwned<C, Socket>>),
}

/// How [`Session::handshake`] calls a handshake that went on from an earlier session, in which neither side
/// shows a certificate.
pub const RESUMED: &str = "resumed";

/// What the two sides agreed on in the TLS handshake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Session {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// The cipher suite by its IANA name.
    pub cipher: String,
    /// The key exchange group.
    pub group: String,
    /// `full`, `full with retry` or `resumed`.
    pub handshake: &'static str,
    /// The peer's certificate chain, leaf first, in DER; empty when it showed none.
    #[serde(skip)]
    pub certificates: Vec<CertificateDer<'static>>,
}

impl<C, S> Stream<C>
where
    C: DerefMut + Deref<Target = ConnectionCommon<S>>,
    S: SideData,
{
    /// Shakes hands over `socket`, by its deadline. A failure tells the peer with an alert, and closes.
    pub(super) fn shake_hands(mut connection: C, mut socket: Socket) -> io::Result<Self> {
        while connection.is_handshaking() {
            if let Err(error) = connection.complete_io(&mut socket) {
                say_goodbye(&mut connection, &mut socket);
                return Err(error);
            }
        }
        connection.set_buffer_limit(Some(SEND_BUFFER_BYTES));
        Ok(Self::Tls(Box::new(StreamOwned::new(connection, socket))))
    }

    /// What was agreed on; `None` when plain.
    pub fn session(&self) -> Option<Session> {
        let Self::Tls(stream) = self else {
            return None;
        };
        let connection = &stream.conn;
        let group = connection.negotiated_key_exchange_group();
        let suite = connection.negotiated_cipher_suite();
        Some(Session {
            version: match connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
                Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
                _ => "unknown",
            },
            cipher: suite.map_or_else(String::new, |suite| {
                // rustls marks the suites of 1.3 by a prefix the RFC does not have (RFC 8446 §B.4).
                format!("{:?}", suite.suite()).replace("TLS13_", "TLS_")
            }),
            group: group.map_or_else(String::new, |group| format!("{:?}", group.name())),
            handshake: match connection.handshake_kind() {
                Some(HandshakeKind::Resumed) => RESUMED,
                Some(HandshakeKind::FullWithHelloRetryRequest) => "full with retry",
                _ => "full",
            },
            certificates: connection
                .peer_certificates()
                .map_or_else(Vec::new, <[_]>::to_vec),
        })
    }

    /// What ends the connection from another thread.
    pub fn hang_up(&self) -> HangUp {
        match self {
            Self::Plain(socket) => socket.hang_up(),
            Self::Tls(stream) => stream.sock.hang_up(),
        }
    }

    /// Whether the peer spoke or hung up while nothing was asked of it: then the connection is no good any
    /// more. Does not wait.
    pub fn is_over(&self) -> bool {
        match self {
            Self::Plain(socket) => socket.is_over(),
            Self::Tls(stream) => stream.sock.is_over(),
        }
    }

    /// Ends the connection politely: `close_notify` under TLS (RFC 8446 §6.1), then as [`Socket::linger`].
    pub fn close(mut self) {
        match &mut self {
            Self::Plain(socket) => socket.linger(),
            Self::Tls(stream) => {
                stream.conn.send_close_notify();
                let StreamOwned { conn, sock } = &mut **stream;
                say_goodbye(conn, sock);
            }
        }
    }
}

/// Sends what is pending (an alert) and lingers. Never `flush`: it would read, and wait.
fn say_goodbye<C, S>(connection: &mut C, socket: &mut Socket)
where
    C: DerefMut + Deref<Target = ConnectionCommon<S>>,
{
    while connection.wants_write() {
        match connection.write_tls(socket) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    socket.linger();
}

impl<C, S> Wire for Stream<C>
where
    C: DerefMut + Deref<Target = ConnectionCommon<S>>,
    S: SideData + 'static,
{
    fn expect_by(&mut self, deadline: Instant) {
        match self {
            Self::Plain(socket) => socket.expect_by(deadline),
            Self::Tls(stream) => stream.sock.expect_by(deadline),
        }
    }

    fn expect_progress(&mut self, window: Duration) {
        match self {
            Self::Plain(socket) => socket.expect_progress(window),
            Self::Tls(stream) => stream.sock.expect_progress(window),
        }
    }

    fn rest(&self, time: Duration) {
        match self {
            Self::Plain(socket) => socket.rest(time),
            Self::Tls(stream) => stream.sock.rest(time),
        }
    }
}

impl<C, S> Read for Stream<C>
where
    C: DerefMut + Deref<Target = ConnectionCommon<S>>,
    S: SideData,
{
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buf),
            Self::Tls(stream) => stream.read(buf),
        }
    }
}

impl<C, S> BufRead for Stream<C>
where
    C: DerefMut + Deref<Target = ConnectionCommon<S>>,
    S: SideData + 'static,
{
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Plain(socket) => socket.fill_buf(),
            Self::Tls(stream) => stream.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self {
            Self::Plain(socket) => socket.consume(amount),
            Self::Tls(stream) => stream.consume(amount),
        }
    }
}

impl<C, S> Write for Stream<C>
where
    C: DerefMut + Deref<Target = ConnectionCommon<S>>,
    S: SideData,
{
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(buf),
            Self::Tls(stream) => stream.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
