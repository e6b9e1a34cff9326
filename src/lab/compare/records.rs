//! TLS records as they come, and the names of the handshake messages that can be read.

use super::facts::Record;
use super::turns::{Said, Seen, Turn};
use crate::lab::tap::Direction;

/// Bytes of one direction's readable handshake kept while a message is not whole.
const HANDSHAKE_BYTES_MAX: usize = 64 * 1024;

/// Content type of encrypted records (RFC 8446 §5.1).
const APPLICATION_DATA: u8 = 23;

/// Follows one direction's TLS records, and names what is readable in them.
#[derive(Debug, Default)]
pub(super) struct Scan {
    header: Vec<u8>,
    kind: u8,
    left: usize,
    /// The readable handshake, while a message of it is not whole.
    handshake: Vec<u8>,
    ciphers_changed: bool,
}

impl Scan {
    pub(super) fn feed(
        &mut self,
        way: Direction,
        frame: u64,
        mut bytes: &[u8],
        turn: &mut Turn,
        seen: &mut Seen,
    ) {
        while !bytes.is_empty() {
            if self.left == 0 {
                let (head, rest) = bytes.split_at(bytes.len().min(5 - self.header.len()));
                self.header.extend(head);
                bytes = rest;
                if let &[kind, _, _, high, low] = self.header.as_slice() {
                    self.header.clear();
                    let bytes = u16::from_be_bytes([high, low]);
                    self.begin(frame, kind, turn);
                    seen.record(Record {
                        direction: way,
                        kind,
                        bytes,
                    });
                    if kind == APPLICATION_DATA {
                        turn.encrypted[0] += 1;
                        turn.encrypted[1] += u64::from(bytes);
                    }
                    self.left = bytes.into();
                }
                continue;
            }
            let (body, rest) = bytes.split_at(bytes.len().min(self.left));
            self.left -= body.len();
            bytes = rest;
            let room = HANDSHAKE_BYTES_MAX > self.handshake.len() + body.len();
            if self.kind == 22 && !self.ciphers_changed && room {
                self.handshake.extend(body);
                self.messages(frame, turn);
            }
        }
    }

    fn begin(&mut self, frame: u64, kind: u8, turn: &mut Turn) {
        self.kind = kind;
        let what = match kind {
            20 => {
                self.ciphers_changed = true;
                "ChangeCipherSpec"
            }
            21 => "alert",
            22 if self.ciphers_changed => "Finished (encrypted)",
            APPLICATION_DATA if turn.encrypted[0] == 0 => "encrypted",
            _ => return,
        };
        turn.says.push(Said::new(what, frame));
    }

    fn messages(&mut self, frame: u64, turn: &mut Turn) {
        while let &[kind, a, b, c, ..] = self.handshake.as_slice() {
            let length = 4 + u32::from_be_bytes([0, a, b, c]) as usize;
            if self.handshake.len() < length {
                return;
            }
            self.handshake.drain(..length);
            turn.says.push(Said::new(handshake_name(kind), frame));
        }
    }
}

/// RFC 8446 §4 and RFC 5246 §7.4.
fn handshake_name(kind: u8) -> &'static str {
    match kind {
        1 => "ClientHello",
        2 => "ServerHello",
        4 => "NewSessionTicket",
        11 => "Certificate",
        12 => "ServerKeyExchange",
        13 => "CertificateRequest",
        14 => "ServerHelloDone",
        15 => "CertificateVerify",
        16 => "ClientKeyExchange",
        22 => "CertificateStatus",
        _ => "handshake message",
    }
}
