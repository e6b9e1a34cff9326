//! TLS records as they come, and the names of the handshake messages that can be read.

use super::facts::Record;
use super::turns::{Said, Seen, Turn};
use crate::lab::tap::Direction;
use crate::transport::tls::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, Cut, Cutter, HANDSHAKE, Header, Joiner, names,
};

/// Follows one direction's TLS records, and names what is readable in them.
#[derive(Debug, Default)]
pub(super) struct Scan {
    cutter: Cutter,
    kind: u8,
    /// The readable handshake, while a message of it is not whole.
    handshake: Joiner,
    ciphers_changed: bool,
}

impl Scan {
    pub(super) fn feed(
        &mut self,
        way: Direction,
        frame: u64,
        bytes: &[u8],
        turn: &mut Turn,
        seen: &mut Seen,
    ) {
        let mut cutter = std::mem::take(&mut self.cutter);
        cutter.feed(bytes, |cut| match cut {
            Cut::Begin(Header { kind, length, .. }) => {
                self.begin(frame, kind, turn);
                seen.record(Record {
                    direction: way,
                    kind,
                    bytes: length,
                });
                if kind == APPLICATION_DATA {
                    turn.encrypted[0] += 1;
                    turn.encrypted[1] += u64::from(length);
                }
            }
            Cut::Body(body) if self.kind == HANDSHAKE && !self.ciphers_changed => {
                self.handshake.feed(body);
                while let Some((kind, _)) = self.handshake.take() {
                    let name = names::message(kind).unwrap_or("handshake message");
                    turn.says.push(Said::new(name, frame));
                }
            }
            Cut::Body(_) | Cut::End(_) | Cut::Broken(_) => {}
        });
        self.cutter = cutter;
    }

    fn begin(&mut self, frame: u64, kind: u8, turn: &mut Turn) {
        self.kind = kind;
        let what = match kind {
            CHANGE_CIPHER_SPEC => {
                self.ciphers_changed = true;
                "ChangeCipherSpec"
            }
            ALERT => "alert",
            HANDSHAKE if self.ciphers_changed => "Finished (encrypted)",
            APPLICATION_DATA if turn.encrypted[0] == 0 => "encrypted",
            _ => return,
        };
        turn.says.push(Said::new(what, frame));
    }
}
