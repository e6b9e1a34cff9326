//! TLS as bytes: records, handshake messages, and the keys of a key log that open them.
//!
//! One reading serves all who look at a handshake: the client's own story (`--explain`), what a stranger
//! sees in a capture, and the lab's annotated timeline. It follows a conversation from both sides, opens
//! what the secrets it is given open (TLS 1.3, and the AEAD suites of TLS 1.2), and checks the signatures
//! and the Finished messages it can read. It makes no connection and decides nothing; that is for rustls.
//!
//! The bytes may be a stranger's: every field is optional, every length is bounded, nothing panics.

mod bytes;
mod conversation;
pub mod facts;
mod hello;
mod item;
mod keylog;
mod keys;
mod messages;
pub mod names;
mod open;
mod proof;
mod records;

pub use conversation::Conversation;
pub use hello::{ClientHello, ServerHello};
pub use item::{Content, Item, Locked, Record, Sender};
pub use keylog::{KeyLog, label};
pub use messages::Message;
pub use records::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, Cut, Cutter, HANDSHAKE, Header, Joiner,
    RECORD_BYTES_MAX,
};
