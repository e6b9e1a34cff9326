//! What both sides agree on, message by message.

use super::super::Agreed;
use crate::transport::tls::{Message, Record, Sender};

impl Agreed {
    /// Takes what a message says of it; `record` is the one it came in.
    pub(super) fn take(&mut self, message: &Message, by: Sender, record: &Record) {
        match message {
            Message::ClientHello(hello) => self.server_name.clone_from(&hello.server_name),
            Message::HelloRetryRequest { .. } => self.retried = true,
            Message::ServerHello(hello) => {
                self.version = Some(hello.version.clone());
                self.cipher = Some(hello.cipher.clone());
                self.group.clone_from(&hello.group);
                self.resumed = hello.resumed;
                if !hello.is_13() {
                    self.alpn.clone_from(&hello.alpn);
                    self.alpn_is_visible = hello.alpn.is_some();
                }
            }
            Message::ServerKeyExchange { group, .. } => self.group = Some(group.clone()),
            Message::EncryptedExtensions { alpn, .. } => {
                self.alpn.clone_from(alpn);
                self.alpn_is_visible = !record.sealed;
            }
            Message::CertificateRequest { .. } => self.client_asked = Some(true),
            Message::Certificate { der, .. } if by == Sender::Client => {
                self.client_shown = Some(!der.is_empty());
            }
            // The end of the server's part: what it did not ask for by now it does not ask for.
            Message::ServerHelloDone | Message::Finished if by == Sender::Server => {
                self.client_asked.get_or_insert(false);
            }
            Message::Finished => _ = self.client_shown.get_or_insert(false),
            _ => {}
        }
    }
}
