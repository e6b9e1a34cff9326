//! Cuts one direction's bytes into records, opens those that can be opened, and joins the handshake messages
//! in them (RFC 8446 §5.1).

use super::open::Opener;
use super::{Record, What, hello};

/// Content types.
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// The handshake messages after which other keys hold.
const SERVER_HELLO: u8 = 2;
const FINISHED: u8 = 20;

/// What a record turned out to hold.
#[derive(Debug)]
pub(super) enum Item {
    Message {
        kind: u8,
        body: Vec<u8>,
    },
    ChangeCipherSpec,
    /// Level and description; `None` when it cannot be read.
    Alert(Option<[u8; 2]>),
    /// Content of the application, where it can be read.
    Application(Option<Vec<u8>>),
    /// The one handshake message of TLS 1.2 after the switch to encryption is Finished.
    SealedFinished,
    Sealed,
    NotTls(Vec<u8>),
}

/// What opens the records of an epoch under a cipher suite of TLS 1.3, where that is known.
pub(super) type Keys<'a> = &'a dyn Fn(u16, u8) -> Option<Opener>;

/// The records of one direction.
#[derive(Default)]
pub(super) struct Reader {
    unread: Vec<u8>,
    handshake: Vec<u8>,
    opener: Option<Opener>,
    /// Which keys hold: 0 none, 1 those of the handshake, 2 those of the application.
    epoch: u8,
    is_12_sealed: bool,
    /// The cipher suite of TLS 1.3, once it is chosen.
    suite_13: Option<u16>,
    count: u32,
    broken: bool,
}

impl Reader {
    /// The server chose TLS 1.3 with this suite: from here on records of application data are to be opened.
    pub(super) fn choose_13(&mut self, suite: u16) {
        self.suite_13 = Some(suite);
    }

    /// Takes the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8], keys: Keys<'_>) -> Vec<(Record, Item)> {
        let mut items = Vec::new();
        self.unread.extend(bytes);
        while !self.broken {
            let Some(header) = self.unread.first_chunk::<5>().copied() else {
                break;
            };
            let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
            if !(CHANGE_CIPHER_SPEC..=24).contains(&header[0]) || header[1] != 3 {
                self.broken = true;
                break;
            }
            if self.unread.len() < 5 + length {
                break;
            }
            let body: Vec<u8> = self.unread.drain(..5 + length).skip(5).collect();
            self.count += 1;
            self.record(header, &body, keys, &mut items);
        }
        if self.broken && !self.unread.is_empty() {
            let rest = std::mem::take(&mut self.unread);
            items.push((self.place(rest.len(), false), Item::NotTls(rest)));
        }
        items
    }

    /// What came and is not a whole record: of a peer that does not speak TLS and hung up.
    pub(super) fn rest(&self) -> &[u8] {
        &self.unread
    }

    fn place(&self, bytes: usize, sealed: bool) -> Record {
        Record {
            number: self.count,
            bytes: bytes as u64,
            sealed,
        }
    }

    fn record(
        &mut self,
        header: [u8; 5],
        body: &[u8],
        keys: Keys<'_>,
        items: &mut Vec<(Record, Item)>,
    ) {
        let suite = self.suite_13.filter(|_| header[0] == APPLICATION_DATA);
        let sealed = suite.is_some() || self.is_12_sealed && header[0] != CHANGE_CIPHER_SPEC;
        let place = self.place(5 + body.len(), sealed);
        let (kind, content) = if let Some(suite) = suite {
            if self.epoch == 0 {
                self.epoch = 1;
                self.opener = keys(suite, 1);
            }
            let opened = self
                .opener
                .as_mut()
                .and_then(|keys| keys.open(header, body));
            let Some(opened) = opened else {
                items.push((place, Item::Sealed));
                return;
            };
            opened
        } else {
            (header[0], body.to_vec())
        };
        let item = match kind {
            CHANGE_CIPHER_SPEC => {
                self.is_12_sealed = self.suite_13.is_none();
                Item::ChangeCipherSpec
            }
            ALERT if self.is_12_sealed => Item::Alert(None),
            ALERT => Item::Alert(content.first_chunk().copied()),
            HANDSHAKE if self.is_12_sealed => Item::SealedFinished,
            HANDSHAKE => {
                self.messages(place, &content, keys, items);
                return;
            }
            APPLICATION_DATA => Item::Application((!self.is_12_sealed).then_some(content)),
            _ => Item::Sealed,
        };
        items.push((place, item));
    }

    fn messages(
        &mut self,
        place: Record,
        content: &[u8],
        keys: Keys<'_>,
        items: &mut Vec<(Record, Item)>,
    ) {
        self.handshake.extend(content);
        while let Some([kind, a, b, c]) = self.handshake.first_chunk().copied() {
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            if self.handshake.len() < 4 + length {
                return;
            }
            let body: Vec<u8> = self.handshake.drain(..4 + length).skip(4).collect();
            match (kind, self.suite_13) {
                (SERVER_HELLO, _) => match hello::server_hello(&body, None) {
                    // Asking to begin again is a thing of 1.3 too, before there are keys.
                    Some(What::HelloRetryRequest { .. }) => self.choose_13(0),
                    Some(What::ServerHello(hello)) if hello.is_13 => self.choose_13(hello.suite),
                    _ => {}
                },
                (FINISHED, Some(suite)) if self.epoch == 1 => {
                    self.epoch = 2;
                    self.opener = keys(suite, 2);
                }
                _ => {}
            }
            items.push((place, Item::Message { kind, body }));
        }
    }
}
