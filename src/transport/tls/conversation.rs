//! Follows one connection from both sides: which record is sealed, which secret opens it, what stands in it.

use rustls::pki_types::CertificateDer;

use super::hello::{ClientHello, ServerHello};
use super::item::{Content, Item, Locked, Record, Sender};
use super::keylog::{KeyLog, label};
use super::keys::Hash;
use super::messages::Message;
use super::names;
use super::open::{self, Agreed12, Opener};
use super::proof::{self, Transcript};
use super::records::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, Cut, Cutter, HANDSHAKE, Header, Joiner,
};

/// The cipher suites of TLS 1.3: early data is of the one of an earlier session, which does not show.
const SUITES_13: [u16; 3] = [0x1301, 0x1302, 0x1303];

/// Which secret holds for a direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Epoch {
    #[default]
    Clear,
    /// TLS 1.2: everything behind the `ChangeCipherSpec`.
    Session,
    Early,
    Handshake,
    Application,
}

/// One direction.
#[derive(Default)]
struct Side {
    cutter: Cutter,
    joiner: Joiner,
    body: Vec<u8>,
    count: u32,
    epoch: Epoch,
    openers: Vec<Opener>,
    /// The first of the certificates it showed.
    leaf: Option<CertificateDer<'static>>,
    has_spoken: bool,
    has_finished: bool,
    has_gap: bool,
}

/// A connection, as far as it was heard.
pub struct Conversation<'k> {
    keys: &'k KeyLog,
    client: Side,
    server: Side,
    offer: Option<ClientHello>,
    answer: Option<ServerHello>,
    is_13: bool,
    transcript: Transcript,
}

impl<'k> Conversation<'k> {
    /// Begins to listen; what the secrets open is opened.
    pub fn new(keys: &'k KeyLog) -> Self {
        Self {
            keys,
            client: Side::default(),
            server: Side::default(),
            offer: None,
            answer: None,
            is_13: false,
            transcript: Transcript::default(),
        }
    }

    /// The client's offer; after a retry the second one.
    pub fn offer(&self) -> Option<&ClientHello> {
        self.offer.as_ref()
    }

    /// The server's choice.
    pub fn answer(&self) -> Option<&ServerHello> {
        self.answer.as_ref()
    }

    /// Takes the next bytes of one side.
    pub fn feed(&mut self, by: Sender, bytes: &[u8]) -> Vec<Item> {
        let (mut whole, mut broken) = (Vec::new(), Vec::new());
        let side = self.side(by);
        let body = &mut side.body;
        side.cutter.feed(bytes, |cut| match cut {
            Cut::Begin(_) => body.clear(),
            Cut::Body(bytes) => body.extend(bytes),
            Cut::End(header) => whole.push((header, std::mem::take(body))),
            Cut::Broken(bytes) => broken.extend(bytes),
        });
        let mut items = Vec::new();
        for (header, body) in whole {
            self.record(by, header, &body, &mut items);
        }
        if !broken.is_empty() && !self.side(by).has_gap {
            self.transcript.lose();
            let record = Record {
                number: self.side(by).count,
                kind: broken[0],
                version: 0,
                bytes: broken.len() as u64,
                sealed: false,
                opened: false,
            };
            let content = Content::NotTls(broken);
            items.push(Item { record, content });
        }
        items
    }

    /// Bytes of one side are missing: its records cannot be followed any further.
    pub fn gap(&mut self, by: Sender) {
        self.transcript.lose();
        let side = self.side(by);
        side.has_gap = true;
        side.cutter.gap();
        side.joiner.clear();
        side.body = Vec::new();
    }

    /// What came of one side and is not a whole record.
    pub fn rest(&self, by: Sender) -> Vec<u8> {
        let side = match by {
            Sender::Client => &self.client,
            Sender::Server => &self.server,
        };
        let mut rest = side.cutter.pending();
        rest.extend(&side.body);
        rest
    }

    fn side(&mut self, by: Sender) -> &mut Side {
        match by {
            Sender::Client => &mut self.client,
            Sender::Server => &mut self.server,
        }
    }

    fn record(&mut self, by: Sender, header: Header, body: &[u8], items: &mut Vec<Item>) {
        let is_13 = self.is_13;
        let side = self.side(by);
        side.count += 1;
        let mut record = Record {
            number: side.count,
            kind: header.kind,
            version: header.version,
            bytes: 5 + body.len() as u64,
            sealed: header.kind == APPLICATION_DATA || side.epoch == Epoch::Session && !is_13,
            opened: false,
        };
        let mut tell = |record, content| items.push(Item { record, content });
        let (kind, content) = if record.sealed {
            match self.open(by, header, body) {
                Ok(opened) => {
                    record.opened = true;
                    opened
                }
                Err(locked) => {
                    if !(self.client.has_finished && self.server.has_finished) {
                        self.transcript.lose();
                    }
                    return tell(record, Content::Sealed(locked));
                }
            }
        } else {
            (header.kind, body.to_vec())
        };
        match kind {
            CHANGE_CIPHER_SPEC => {
                self.change_cipher(by);
                tell(record, Content::ChangeCipherSpec);
            }
            ALERT => tell(record, alert(&content)),
            HANDSHAKE => self.messages(by, record, &content, items),
            APPLICATION_DATA => tell(record, Content::Application(content)),
            _ => tell(record, Content::Unreadable),
        }
    }

    fn messages(&mut self, by: Sender, record: Record, content: &[u8], items: &mut Vec<Item>) {
        let side = self.side(by);
        if !side.has_spoken && !is_a_beginning(by, content) {
            // The capture began later, so what looks like a message may be an encrypted one.
            let content = Content::Sealed(Locked::Missing);
            items.push(Item { record, content });
            return;
        }
        side.has_spoken = true;
        side.joiner.feed(content);
        let before = items.len();
        while let Some((kind, message)) = self.side(by).joiner.take() {
            let content = self.message(by, kind, &message);
            items.push(Item { record, content });
        }
        if items.len() == before {
            let content = match self.side(by).joiner.is_broken() {
                true => Content::Unreadable,
                false => Content::Part,
            };
            items.push(Item { record, content });
        }
    }

    fn message(&mut self, by: Sender, kind: u8, whole: &[u8]) -> Content {
        let body = whole.get(4..).unwrap_or_default();
        let message = Message::read(kind, body, self.is_13, self.offer.as_ref());
        let proved = self.proof(by, &message, body);
        match &message {
            Message::ClientHello(hello) => {
                // Shaking hands once more, inside the connection (RFC 5246 §7.4.1.2).
                if self.answer.take().is_some() {
                    self.transcript = Transcript::default();
                }
                self.offer = Some((**hello).clone());
            }
            Message::HelloRetryRequest { suite, .. } => {
                self.choose_13();
                self.transcript.retry(Hash::of(*suite));
            }
            Message::ServerHello(hello) => {
                self.answer = Some(hello.clone());
                if hello.is_13 {
                    self.choose_13();
                }
            }
            Message::Certificate { der, .. } => self.side(by).leaf = der.first().cloned(),
            Message::EndOfEarlyData => self.enter(by, Epoch::Handshake),
            Message::Finished => {
                self.side(by).has_finished = true;
                if self.is_13 {
                    self.enter(by, Epoch::Application);
                }
            }
            Message::KeyUpdate { .. } => {
                let openers = &mut self.side(by).openers;
                *openers = openers.iter().filter_map(Opener::next).collect();
            }
            _ => {}
        }
        // Tickets and what else comes behind is not part of what Finished speaks for.
        if kind != 0 && kind != 24 && !(self.is_13 && kind == 4) {
            self.transcript.add(whole);
        }
        Content::Message {
            message,
            bytes: whole.len() as u64,
            proved,
        }
    }

    fn choose_13(&mut self) {
        self.is_13 = true;
        for side in [&mut self.client, &mut self.server] {
            // A client may say ChangeCipherSpec before it knows the version (RFC 8446 §D.4).
            if side.epoch == Epoch::Session {
                side.epoch = Epoch::Clear;
                side.openers.clear();
            }
        }
    }

    /// TLS 1.2: everything of this side is sealed from here on.
    fn change_cipher(&mut self, by: Sender) {
        // A client that sends early data says it before it knows the version (RFC 8446 §D.4).
        let is_early = self.answer.is_none() && self.offer.as_ref().is_some_and(|it| it.early_data);
        if self.is_13 || is_early {
            return;
        }
        let mut openers = Vec::new();
        if let (Some(offer), Some(answer)) = (&self.offer, &self.answer) {
            let agreed = Agreed12 {
                suite: answer.suite,
                client_random: &offer.random,
                server_random: &answer.random,
            };
            let masters = self.keys.secrets(&offer.random, label::MASTER);
            openers.extend(masters.filter_map(|master| Opener::new_12(&agreed, master, by)));
        }
        let side = self.side(by);
        (side.epoch, side.openers) = (Epoch::Session, openers);
    }

    /// TLS 1.3: another secret holds for this side from here on.
    fn enter(&mut self, by: Sender, epoch: Epoch) {
        let label = match (by, epoch) {
            (_, Epoch::Clear | Epoch::Session) => return,
            (_, Epoch::Early) => label::EARLY,
            (Sender::Client, Epoch::Handshake) => label::CLIENT_HANDSHAKE,
            (Sender::Server, Epoch::Handshake) => label::SERVER_HANDSHAKE,
            (Sender::Client, Epoch::Application) => label::CLIENT_TRAFFIC,
            (Sender::Server, Epoch::Application) => label::SERVER_TRAFFIC,
        };
        let suites = match &self.answer {
            Some(answer) if epoch != Epoch::Early => vec![answer.suite],
            _ => SUITES_13.to_vec(),
        };
        let mut openers = Vec::new();
        if let Some(offer) = &self.offer {
            for secret in self.keys.secrets(&offer.random, label) {
                let with = suites.iter();
                openers.extend(with.filter_map(|suite| Opener::new(*suite, secret)));
            }
        }
        let side = self.side(by);
        (side.epoch, side.openers) = (epoch, openers);
    }

    fn open(&mut self, by: Sender, header: Header, body: &[u8]) -> Result<(u8, Vec<u8>), Locked> {
        let is_answered = self.answer.is_some();
        if self.side(by).epoch == Epoch::Clear {
            let is_early = self.offer.as_ref().is_some_and(|offer| offer.early_data);
            match (self.is_13 && is_answered, by) {
                (true, _) => self.enter(by, Epoch::Handshake),
                (false, Sender::Client) if is_early => self.enter(by, Epoch::Early),
                _ => return Err(Locked::Missing),
            }
        }
        if let Some(opened) = self.side(by).try_open(header, body) {
            return Ok(opened);
        }
        // The server did not take the early data: the client goes on with the handshake.
        if self.side(by).epoch == Epoch::Early && is_answered {
            let early = std::mem::take(&mut self.side(by).openers);
            self.enter(by, Epoch::Handshake);
            if let Some(opened) = self.side(by).try_open(header, body) {
                return Ok(opened);
            }
            (self.side(by).epoch, self.side(by).openers) = (Epoch::Early, early);
        }
        Err(self.why_locked(by))
    }

    fn why_locked(&mut self, by: Sender) -> Locked {
        let Some(answer) = &self.answer else {
            return Locked::Missing;
        };
        let is_known = open::is_known(answer.suite, answer.is_13);
        match (is_known, self.side(by).openers.is_empty()) {
            (false, _) => Locked::Suite,
            (true, true) => Locked::NoKey,
            (true, false) => Locked::WrongKey,
        }
    }

    /// Whether what a message proves is true.
    fn proof(&self, by: Sender, message: &Message, body: &[u8]) -> Option<bool> {
        let (offer, answer) = (self.offer.as_ref()?, self.answer.as_ref()?);
        let side = match by {
            Sender::Client => &self.client,
            Sender::Server => &self.server,
        };
        let hash = Hash::of(answer.suite);
        match message {
            Message::ServerKeyExchange { .. } => {
                let randoms = [&offer.random, &answer.random];
                proof::server_key_exchange(body, side.leaf.as_ref()?, randoms)
            }
            Message::CertificateVerify { .. } => {
                let of_13 = self.is_13.then_some((hash, by));
                let transcript = self.transcript.bytes()?;
                proof::certificate_verify(body, side.leaf.as_ref()?, transcript, of_13)
            }
            Message::Finished => {
                let secret = side.openers.first()?.secret();
                let transcript = self.transcript.bytes()?;
                match self.is_13 {
                    true => proof::finished_13(body, hash, secret, transcript),
                    false => Some(proof::finished_12(body, hash, secret, transcript, by)),
                }
            }
            _ => None,
        }
    }
}

impl Side {
    /// Tries the keys; the first that fits is the one.
    fn try_open(&mut self, header: Header, body: &[u8]) -> Option<(u8, Vec<u8>)> {
        let mut openers = self.openers.iter_mut().enumerate();
        let (at, opened) = openers
            .find_map(|(at, opener)| opener.open(header, body).map(|opened| (at, opened)))?;
        self.openers.swap(0, at);
        self.openers.truncate(1);
        Some(opened)
    }
}

fn alert(content: &[u8]) -> Content {
    match content {
        [level, description] => Content::Alert {
            fatal: *level == 2,
            name: names::alert(*description),
        },
        _ => Content::Unreadable,
    }
}

/// Whether a side's first handshake record can be its first in the clear.
fn is_a_beginning(by: Sender, content: &[u8]) -> bool {
    let Some([kind, high, ..]) = content.first_chunk::<4>() else {
        return !content.is_empty();
    };
    let is_known = match by {
        Sender::Client => *kind != 0 && names::message(*kind).is_some(),
        // One that is encrypted often begins with zeros, as a HelloRequest would.
        Sender::Server => names::message(*kind).is_some() && (*kind != 0 || content.len() == 4),
    };
    is_known && *high == 0
}
