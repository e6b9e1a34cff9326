//! The handshake as it happened: a recording turned into steps, and the steps into words.
//!
//! Everything here was measured: sizes and times at the socket, contents read from the messages (those of
//! TLS 1.3 opened with the connection's own secrets), checks from the verifier's hook. What was not seen is
//! not told.

mod build;
mod checks;
mod render;
#[cfg(test)]
mod tests;
mod words;

use std::net::SocketAddr;

use serde::Serialize;
use time::OffsetDateTime;
use time::serde::rfc3339;

use crate::error::Error;
use crate::lang::Both;
use crate::pki::inspect::CertificateInfo;
use crate::pki::verify;
use crate::protocol::HelloReply;

use super::Session;
use super::tls::{ClientHello, ServerHello};

/// One connection from its beginning to the server's first reply, or to where it failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Story {
    /// The host asked for.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it was to be TLS.
    pub tls: bool,
    /// When it began.
    #[serde(with = "rfc3339")]
    pub began: OffsetDateTime,
    /// What happened, in order.
    pub steps: Vec<Step>,
    /// What the two sides agreed on; `None` when plain, or when they did not.
    pub session: Option<Session>,
    /// How it ended.
    pub ending: Ending,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Microseconds since the beginning; for a message when its last byte passed the socket.
    pub at_us: u64,
    /// Who did it.
    pub by: Party,
    /// Bytes of the message with its header; `None` for what is no message.
    pub bytes: Option<u64>,
    /// The record it travelled in; the last one of several.
    pub record: Option<Record>,
    /// It came after this side had already given up, and was not looked at.
    pub unread: bool,
    /// What it is.
    #[serde(flatten)]
    pub what: What,
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// This side, in a message.
    Client,
    /// The server, in a message.
    Server,
    /// This side, for itself.
    Here,
}

/// How a message travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Its number in its direction, from 1.
    pub number: u32,
    /// Its bytes on the wire, with its header.
    pub bytes: u64,
    /// Whether it was encrypted.
    pub sealed: bool,
}

/// What a step is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum What {
    /// The name got its addresses.
    Resolved {
        /// In the order they are tried.
        addresses: Vec<SocketAddr>,
    },
    /// TCP stands.
    Tcp {
        /// The far end.
        server: SocketAddr,
        /// The own end.
        client: SocketAddr,
    },
    /// The first message (RFC 8446 §4.1.2).
    ClientHello(Box<ClientHello>),
    /// The server wants another key share (RFC 8446 §4.1.4).
    HelloRetryRequest {
        /// Of this group.
        group: Option<String>,
    },
    /// The server's choice (RFC 8446 §4.1.3).
    ServerHello(ServerHello),
    /// Both sides have computed keys.
    Keys {
        /// For the rest of the handshake, or for everything after it.
        stage: Stage,
    },
    /// The switch to encryption in TLS 1.2; without meaning in TLS 1.3 (RFC 8446 §5).
    ChangeCipherSpec,
    /// What of the server's answer is encrypted already (RFC 8446 §4.3.1).
    EncryptedExtensions {
        /// The application protocol chosen.
        alpn: Option<String>,
    },
    /// A certificate chain (RFC 8446 §4.4.2).
    Certificate {
        /// Leaf first; empty when it has none to show.
        chain: Vec<CertificateInfo>,
    },
    /// The server's revocation proof (RFC 6066 §8), which is not looked at here.
    CertificateStatus,
    /// The checks of the server's chain.
    Checks(Checks),
    /// The server's half of the key exchange (RFC 5246 §7.4.3, RFC 8422 §5.4).
    ServerKeyExchange {
        /// The group.
        group: String,
        /// What it is signed with.
        scheme: String,
        /// Whether the signature was found good; `None` when it was not looked at.
        proved: Option<bool>,
    },
    /// The server asks for a certificate (RFC 8446 §4.3.2).
    CertificateRequest {
        /// Of these CAs; empty is any.
        authorities: Vec<String>,
        /// Signatures it understands.
        schemes: Vec<String>,
    },
    /// What of it this side will show.
    Chosen {
        /// The subject of its certificate; `None` when it has none.
        subject: Option<String>,
    },
    /// The end of the server's first flight in TLS 1.2.
    ServerHelloDone,
    /// The client's half of the key exchange in TLS 1.2.
    ClientKeyExchange,
    /// The proof of holding the private key (RFC 8446 §4.4.3).
    CertificateVerify {
        /// What it is signed with.
        scheme: String,
        /// Whether it was found good; `None` when it is our own, or was not looked at.
        proved: Option<bool>,
    },
    /// The proof that both saw the same handshake (RFC 8446 §4.4.4).
    Finished,
    /// What a later handshake can be shortened with (RFC 8446 §4.6.1).
    NewSessionTicket {
        /// Seconds it is good for.
        lifetime_s: u32,
    },
    /// An alert (RFC 8446 §6).
    Alert {
        /// Its name; `None` when it is encrypted and cannot be read.
        name: Option<String>,
    },
    /// Bytes of the application.
    Application {
        /// How many, where that can be read.
        content_bytes: Option<u64>,
        /// How they begin, where that can be read.
        text: Option<String>,
    },
    /// A handshake message without a name here.
    Other {
        /// Its number.
        kind: u8,
    },
    /// A record that could not be opened.
    Sealed,
    /// What the server sent is not TLS.
    NotTls {
        /// How it begins, escaped.
        begins: String,
    },
}

/// What keys are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The rest of the handshake.
    Handshake,
    /// Everything after it.
    Application,
}

/// How a certificate fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// The name it had to have.
    pub name: String,
    /// Each check, in the order of the lesson.
    pub steps: Vec<verify::Step>,
    /// Whether it was found good by what decides, rustls.
    pub good: bool,
    /// Not good, and accepted all the same (`--insecure`).
    pub anyway: bool,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum Ending {
    /// The server answered: only now connected.
    Connected {
        /// Its answer.
        hello: HelloReply,
        /// Microseconds since the beginning.
        at_us: u64,
    },
    /// It came no further.
    Failed {
        /// The kind, as `--json` names it.
        code: &'static str,
        /// What failed.
        message: Both,
        /// What mends it.
        cure: Both,
        /// Microseconds since the beginning.
        at_us: u64,
    },
}

impl Ending {
    pub(super) fn of(result: Result<&HelloReply, &Error>, at_us: u64) -> Self {
        match result {
            Ok(hello) => Self::Connected {
                hello: hello.clone(),
                at_us,
            },
            Err(error) => {
                let (message, cure) = words::of_error(error);
                Self::Failed {
                    code: error.kind().word(),
                    message,
                    cure,
                    at_us,
                }
            }
        }
    }
}
