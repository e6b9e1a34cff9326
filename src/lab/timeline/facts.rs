//! What a timeline tells: plain structs.

use std::net::SocketAddr;

use rustls::pki_types::CertificateRevocationListDer;
use serde::Serialize;

use crate::lang::Both;
use crate::pki::verify::{self, Outcome};
use crate::protocol::{FIRST_BYTE_PLAIN, FIRST_BYTE_TLS};
use crate::transport::CertificateDer;
use crate::transport::tls::{Locked, Message, Sender};

/// What a capture is read with.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The CAs to judge certificates by; with none, their chains cannot be judged.
    pub anchors: Vec<CertificateDer<'static>>,
    /// The revocation lists.
    pub lists: Vec<CertificateRevocationListDer<'static>>,
    /// Only the connection of this number, from 1.
    pub only: Option<usize>,
}

/// A capture, told.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Timeline {
    /// Packets in the capture.
    pub packets: u64,
    /// Packets that are no TCP over IP.
    pub other_packets: u64,
    /// Packets of which only the beginning was kept (snap length).
    pub snapped_packets: u64,
    /// The capture ended inside a packet.
    pub cut: bool,
    /// Blocks of secrets embedded in the capture.
    pub secrets_embedded: u64,
    /// Secrets at hand, from the capture and from key logs.
    pub secrets: usize,
    /// The connections, in the order of their first packets.
    pub connections: Vec<Connection>,
    /// Connections that are not told.
    pub connections_more: u64,
}

/// One TCP connection.
#[derive(Clone, Debug, Serialize)]
pub struct Connection {
    /// Its number in the capture, from 1.
    pub number: usize,
    /// Who asked.
    pub client: SocketAddr,
    /// Who was asked.
    pub server: SocketAddr,
    /// The first and the last of its frames.
    pub frames: [u64; 2],
    /// Its packets.
    pub packets: u64,
    /// When its first packet was seen, nanoseconds since 1970.
    pub start_ns: u64,
    /// What it is.
    pub kind: ConnectionKind,
    /// What both sides agreed on, as far as it can be read.
    pub agreed: Agreed,
    /// How far the secrets opened it.
    pub opened: Opened,
    /// What the handshake took.
    pub cost: Cost,
    /// What must be said about it before anything else.
    pub remarks: Vec<Both>,
    /// What happened, in order.
    pub entries: Vec<Entry>,
    /// Entries that are not kept.
    pub entries_more: u64,
}

impl Connection {
    /// One that begins: nothing was said yet.
    pub(super) fn new(number: usize, client: SocketAddr, server: SocketAddr) -> Self {
        Self {
            number,
            client,
            server,
            frames: [0; 2],
            packets: 0,
            start_ns: 0,
            kind: ConnectionKind::Silent,
            agreed: Agreed::default(),
            opened: Opened {
                sealed: 0,
                opened: 0,
                verdict: Verdict::NotNeeded,
            },
            cost: Cost::default(),
            remarks: Vec::new(),
            entries: Vec::new(),
            entries_more: 0,
        }
    }
}

/// What a connection is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionKind {
    /// TLS from its first message on.
    Tls,
    /// TLS whose handshake was not captured.
    TlsMidstream,
    /// Sealpost's protocol in plain TCP.
    Plain,
    /// Neither.
    Other,
    /// No byte was sent.
    Silent,
}

impl ConnectionKind {
    /// What the first bytes say, and who sent them.
    pub(super) fn of(by: Sender, bytes: &[u8]) -> Self {
        match (bytes.first(), by) {
            (None, _) => Self::Silent,
            (Some(&FIRST_BYTE_TLS), _) => Self::Tls,
            (Some(20..=24), _) if bytes.get(1).is_none_or(|major| *major == 3) => {
                Self::TlsMidstream
            }
            (Some(&FIRST_BYTE_PLAIN), _) => Self::Plain,
            _ => Self::Other,
        }
    }
}

/// What both sides agreed on; what could not be read is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Agreed {
    /// The version.
    pub version: Option<String>,
    /// The cipher suite.
    pub cipher: Option<String>,
    /// The group of the key exchange.
    pub group: Option<String>,
    /// The application protocol.
    pub alpn: Option<String>,
    /// Whether a stranger reads the application protocol chosen.
    pub alpn_is_visible: bool,
    /// The name the client asked for.
    pub server_name: Option<String>,
    /// An earlier session went on.
    pub resumed: bool,
    /// The server had the client begin again.
    pub retried: bool,
    /// The server asked for a certificate; none when that cannot be read.
    pub client_asked: Option<bool>,
    /// The client showed one; none when that cannot be read.
    pub client_shown: Option<bool>,
}

/// How far the secrets opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Opened {
    /// Encrypted records.
    pub sealed: u64,
    /// Of which so many were opened.
    pub opened: u64,
    /// What that means.
    pub verdict: Verdict,
}

/// What came of the secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing was encrypted.
    NotNeeded,
    /// No secret was given: this is what a stranger sees.
    NoSecrets,
    /// Secrets were given, none of this connection.
    OfOthers,
    /// There are secrets of this connection, and they open nothing: they are wrong.
    Wrong,
    /// The cipher suite is not one that is opened here.
    Suite,
    /// The capture misses what is needed before.
    Missing,
    /// Some records were opened.
    Part,
    /// All were.
    All,
}

/// What the handshake took. Numbers of the client first, then of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Handshake messages, each side up to its Finished; none when that cannot be read.
    pub messages: Option<[u64; 2]>,
    /// Bytes of the records that carried them.
    pub bytes: Option<[u64; 2]>,
    /// Times the client waited for the server before it could send application data; TCP's own not counted.
    pub round_trips: Option<u32>,
    /// Microseconds from the connection's first packet to the client's first record of application data, which
    /// in TLS 1.3 is its part of the handshake: encrypted, that cannot be told from outside.
    pub first_data_us: Option<u64>,
}

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Microseconds since the connection's first packet.
    pub at_us: u64,
    /// The frame in which it was whole.
    pub frame: u64,
    /// Who did it.
    pub by: Party,
    /// What it is.
    #[serde(flatten)]
    pub what: What,
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// The client, by sending.
    Client,
    /// The server, by sending.
    Server,
    /// Both, each for itself: nothing of it passes the wire.
    Both,
}

impl Party {
    /// Who sent it.
    pub(super) fn of(sender: Sender) -> Self {
        match sender {
            Sender::Client => Self::Client,
            Sender::Server => Self::Server,
        }
    }
}

/// What an entry is.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// A record of TLS, or several of the application in a row.
    Record(Box<Seen>),
    /// Secrets that both sides derive here.
    Keys {
        /// Which.
        secrets: Vec<Secret>,
        /// Where they come from.
        from: Both,
    },
    /// The steps of checking a certificate.
    Checks(Checks),
    /// Bytes that are no TLS.
    Bytes {
        /// How many.
        bytes: u64,
        /// What they say.
        content: Said,
    },
    /// Bytes that were not captured.
    Gap {
        /// How many.
        bytes: u64,
    },
    /// The end of what one side says.
    Ended {
        /// By RST, not FIN.
        reset: bool,
    },
}

/// What a stranger sees of a record, and what is in it.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// Its number in its direction, from 1; the first of several.
    pub number: u32,
    /// How many records in a row are told together.
    pub records: u64,
    /// The last of their frames.
    pub last_frame: u64,
    /// Its content type, as far as it shows.
    pub content_type: &'static str,
    /// The version it is said to be of.
    pub version: String,
    /// Bytes on the wire, with headers.
    pub bytes: u64,
    /// Whether it is encrypted: then a stranger sees only what stands above.
    pub sealed: bool,
    /// Why it was not opened, where it was not.
    pub locked: Option<Locked>,
    /// What is in it; of a sealed one only what the secrets opened.
    pub content: Vec<Said>,
}

/// Something said in a record.
#[derive(Clone, Debug, Serialize)]
pub struct Said {
    /// What.
    #[serde(flatten)]
    pub what: SaidWhat,
    /// Its bytes, without what the record adds.
    pub bytes: u64,
    /// Whether what it proves was found true: a signature, a Finished.
    pub proved: Option<bool>,
    /// What it means.
    pub meaning: Both,
}

/// What is said in a record.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "says", rename_all = "snake_case")]
pub enum SaidWhat {
    /// A handshake message.
    Handshake {
        /// Its number (RFC 8446 §4).
        number: u8,
        /// What it says.
        #[serde(flatten)]
        message: Message,
    },
    /// A part of a message that ends in a later record.
    Part,
    /// The switch to encryption.
    ChangeCipherSpec,
    /// An alert.
    Alert {
        /// Its name.
        name: String,
        /// Whether it ends the connection, by its level.
        fatal: bool,
    },
    /// Bytes of the application.
    Application {
        /// Sealpost's operations in them.
        operations: Vec<Operation>,
        /// Bytes of a file, which stand between Sealpost's frames.
        file_bytes: u64,
        /// How they begin, where they are of another protocol; escaped.
        begins: Option<String>,
    },
    /// What does not keep to its form.
    Unreadable,
    /// What follows is no TLS.
    NotTls {
        /// How it begins, escaped.
        begins: String,
    },
}

/// A frame of Sealpost's protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Operation {
    /// The request's `op`, or what the reply is.
    pub word: &'static str,
    /// The frame, with the passwords left out.
    pub text: String,
}

/// A secret of the key schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Secret {
    /// Its name in the RFC.
    pub name: &'static str,
    /// The label it is derived with.
    pub label: Option<&'static str>,
    /// What it protects.
    pub protects: Both,
    /// Whether the secrets at hand have it.
    pub at_hand: bool,
}

/// How a certificate fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// Whose it is.
    pub of: Sender,
    /// The name it must have, for a server's.
    pub name: Option<String>,
    /// The moment that counts: when it was sent.
    pub as_of: String,
    /// Each step but the last, in the order of the lesson.
    pub steps: Vec<verify::Step>,
    /// The last: whether its holder has the private key.
    pub possession: Possession,
}

/// Whether the holder of a certificate has its private key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Possession {
    /// How the check went.
    pub outcome: Outcome,
    /// What was found.
    pub says: Both,
}
