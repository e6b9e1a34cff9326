//! What stands in a record, as far as it was opened.

use serde::Serialize;

use super::messages::Message;

/// Who sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sender {
    /// The client.
    Client,
    /// The server.
    Server,
}

/// A record, as it is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Its number in its direction, from 1.
    pub number: u32,
    /// Its content type, as far as it shows (RFC 8446 §5.1).
    pub kind: u8,
    /// The version it is said to be of.
    pub version: u16,
    /// Its bytes, with its header.
    pub bytes: u64,
    /// Whether it is encrypted.
    pub sealed: bool,
    /// Whether it is encrypted and was opened with the keys.
    pub opened: bool,
}

/// What a record turned out to hold; one record may give several.
#[derive(Clone, Debug)]
pub struct Item {
    /// The record; of a message cut over several, the last.
    pub record: Record,
    /// What stands in it.
    pub content: Content,
}

/// Something that stands in a record.
#[derive(Clone, Debug)]
pub enum Content {
    /// A handshake message.
    Message {
        /// What it says.
        message: Message,
        /// Its bytes, with its header.
        bytes: u64,
        /// Whether what it proves was found true: a signature, a Finished. None when it proves nothing, or
        /// that cannot be told.
        proved: Option<bool>,
    },
    /// A part of a message that ends in a later record.
    Part,
    /// The switch to encryption in TLS 1.2; without meaning in TLS 1.3 (RFC 8446 §5).
    ChangeCipherSpec,
    /// An alert (RFC 8446 §6).
    Alert {
        /// Whether it ends the connection, by its level.
        fatal: bool,
        /// Its name.
        name: String,
    },
    /// Bytes of the application.
    Application(Vec<u8>),
    /// It could not be opened.
    Sealed(Locked),
    /// It does not keep to its form.
    Unreadable,
    /// What follows is no record of TLS.
    NotTls(Vec<u8>),
}

/// Why a record could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Locked {
    /// There is no secret for it.
    NoKey,
    /// There are secrets, and they do not fit.
    WrongKey,
    /// Its cipher suite is not one that is opened here.
    Suite,
    /// Records or the handshake before it are missing.
    Missing,
}
