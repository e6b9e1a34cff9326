//! Follows one connection: its bytes become entries.

mod agree;
mod tally;

use std::net::SocketAddr;

use self::tally::Tally;
use super::checks::{Proof, Shown, checks};
use super::keys::{AtHand, Derived};
use super::operations::{self, Application};
use super::{
    Connection, ConnectionKind, Entry, Evidence, Party, Said, SaidWhat, Seen, What, meaning,
};
use crate::text::escape;
use crate::transport::tls::{
    APPLICATION_DATA, Content, Conversation, Item, KeyLog, Locked, Message, Record, Sender,
    ServerHello, names,
};

/// Entries kept of one connection; a handshake has some thirty.
const ENTRIES_MAX: usize = 400;

/// Sealed records of one side that are each told by themselves before those in a row are told together.
const ALONE_MAX: u32 = 8;

/// Bytes shown of what is no TLS.
const SHOWN_BYTES: usize = 120;

/// One connection, while it is followed.
pub(super) struct Follow<'a> {
    heard: Conversation<'a>,
    keys: &'a KeyLog,
    evidence: &'a Evidence,
    told: Connection,
    now_ns: u64,
    /// What the client's side and the server's side say.
    applications: [Application; 2],
    /// Chains that were shown and not judged yet.
    shown: [Option<Shown>; 2],
    /// What both sides do once the record that is being read is at its end.
    after: Vec<Entry>,
    /// Why records stayed closed, each reason once.
    reasons: Vec<Locked>,
    tally: Tally,
}

impl<'a> Follow<'a> {
    pub(super) fn new(
        number: usize,
        client: SocketAddr,
        server: SocketAddr,
        keys: &'a KeyLog,
        evidence: &'a Evidence,
    ) -> Self {
        Self {
            heard: Conversation::new(keys),
            keys,
            evidence,
            told: Connection::new(number, client, server),
            now_ns: 0,
            applications: Default::default(),
            shown: Default::default(),
            after: Vec::new(),
            reasons: Vec::new(),
            tally: Tally::default(),
        }
    }

    pub(super) fn packet(&mut self, frame: u64, at_ns: u64) {
        if self.told.packets == 0 {
            (self.told.frames[0], self.told.start_ns) = (frame, at_ns);
        }
        self.told.packets += 1;
        self.told.frames[1] = frame;
        self.now_ns = at_ns;
    }

    pub(super) fn bytes(&mut self, by: Sender, frame: u64, bytes: &[u8]) {
        if self.told.kind == ConnectionKind::Silent {
            self.told.kind = ConnectionKind::of(by, bytes);
        }
        match self.told.kind {
            ConnectionKind::Tls | ConnectionKind::TlsMidstream => {
                for item in self.heard.feed(by, bytes) {
                    self.item(by, frame, item);
                }
            }
            _ => {
                let content = self.applications[side(by)].feed(frame, bytes);
                let bytes = bytes.len() as u64;
                self.tell(frame, Party::of(by), What::Bytes { bytes, content });
            }
        }
    }

    pub(super) fn gap(&mut self, by: Sender, bytes: u64) {
        self.heard.gap(by);
        self.applications[side(by)].gap();
        self.tally.missing_bytes += bytes;
        let frame = self.told.frames[1];
        self.tell(frame, Party::of(by), What::Gap { bytes });
    }

    pub(super) fn ended(&mut self, by: Sender, reset: bool) {
        self.tally.reset |= reset;
        let frame = self.told.frames[1];
        self.tell(frame, Party::of(by), What::Ended { reset });
    }

    /// What was heard, told.
    pub(super) fn finish(mut self) -> Connection {
        for by in [Sender::Server, Sender::Client] {
            self.judge(by, self.told.frames[1], Proof::Unseen);
        }
        self.flush();
        if self.told.kind == ConnectionKind::Tls && self.heard.offer().is_none() {
            self.told.kind = ConnectionKind::TlsMidstream;
        }
        let client_random = self.heard.offer().map(|offer| offer.random);
        self.tally
            .conclude(&mut self.told, self.keys, client_random, &self.reasons);
        self.told
    }

    fn item(&mut self, by: Sender, frame: u64, item: Item) {
        let Item { record, content } = item;
        let at_us = self.at_us();
        self.tally.record(by, &record, &content, at_us);
        let is_13 = self.heard.answer().is_some_and(ServerHello::is_13);
        let (locked, said) = match content {
            Content::Sealed(locked) => {
                if !self.reasons.contains(&locked) {
                    self.reasons.push(locked);
                }
                (Some(locked), None)
            }
            content => (None, Some(self.said(by, frame, content, is_13))),
        };
        let mut seen = Seen {
            number: record.number,
            records: 1,
            last_frame: frame,
            content_type: names::content_type(record.kind),
            version: names::version(record.version),
            bytes: record.bytes,
            sealed: record.sealed,
            locked,
            content: Vec::new(),
        };
        let message = said.as_ref().and_then(handshake).cloned();
        let proved = said.as_ref().and_then(|said| said.proved);
        seen.content.extend(said);
        self.record(by, frame, &record, seen);
        if let Some(message) = message {
            self.told.agreed.take(&message, by, &record);
            self.derive(&message, by, frame, is_13);
            self.watch_certificates(message, by, frame, proved);
        }
    }

    /// Puts a record behind the last entry, or into it where they belong together.
    fn record(&mut self, by: Sender, frame: u64, record: &Record, seen: Seen) {
        if let Some(last) = self.told.entries.last_mut()
            && last.by == Party::of(by)
            && let What::Record(before) = &mut last.what
        {
            // What stands in one record stands in one entry.
            if before.number == seen.number && before.records == 1 {
                add(&mut before.content, seen.content);
                return;
            }
            if self.after.is_empty() && is_alike(before, &seen, record) {
                let joined = match (before.content.as_mut_slice(), seen.content.as_slice()) {
                    ([into], [next]) => operations::join(into, next),
                    ([], []) => true,
                    _ => false,
                };
                if joined {
                    before.records += 1;
                    before.bytes += seen.bytes;
                    before.last_frame = frame;
                    return;
                }
            }
        }
        self.tell(frame, Party::of(by), What::Record(Box::new(seen)));
    }

    /// Something passed the wire.
    fn tell(&mut self, frame: u64, by: Party, what: What) {
        self.flush();
        // Bytes that are no TLS are told together, turn by turn.
        if let (What::Bytes { bytes, content }, Some(last)) = (&what, self.told.entries.last_mut())
            && last.by == by
            && let What::Bytes {
                bytes: sum,
                content: into,
            } = &mut last.what
            && operations::join(into, content)
        {
            *sum += bytes;
            return;
        }
        let entry = self.entry(frame, by, what);
        self.keep(entry);
    }

    /// What the two sides did for themselves stands behind the record that made them do it.
    fn flush(&mut self) {
        for entry in std::mem::take(&mut self.after) {
            self.keep(entry);
        }
    }

    fn keep(&mut self, entry: Entry) {
        if self.told.entries.len() < ENTRIES_MAX {
            self.told.entries.push(entry);
        } else {
            self.told.entries_more += 1;
        }
    }

    fn entry(&self, frame: u64, by: Party, what: What) -> Entry {
        Entry {
            at_us: self.at_us(),
            frame,
            by,
            what,
        }
    }

    fn at_us(&self) -> u64 {
        self.now_ns.saturating_sub(self.told.start_ns) / 1_000
    }

    fn said(&mut self, by: Sender, frame: u64, content: Content, is_13: bool) -> Said {
        let (what, bytes, proved, meaning) = match content {
            Content::Message {
                message,
                bytes,
                proved,
            } => {
                let meaning = meaning::of(&message, by, is_13);
                let number = message.kind();
                let what = SaidWhat::Handshake { number, message };
                (what, bytes, proved, meaning)
            }
            Content::Application(content) => {
                return self.applications[side(by)].feed(frame, &content);
            }
            Content::Part => (SaidWhat::Part, 0, None, meaning::part()),
            Content::ChangeCipherSpec => {
                let meaning = meaning::change_cipher_spec(is_13);
                (SaidWhat::ChangeCipherSpec, 1, None, meaning)
            }
            Content::Alert { fatal, name } => {
                let meaning = meaning::alert(&name);
                (SaidWhat::Alert { name, fatal }, 2, None, meaning)
            }
            Content::NotTls(bytes) => {
                let shown = &bytes[..bytes.len().min(SHOWN_BYTES)];
                let begins = escape(&String::from_utf8_lossy(shown));
                let what = SaidWhat::NotTls { begins };
                (what, bytes.len() as u64, None, meaning::not_tls())
            }
            Content::Unreadable | Content::Sealed(_) => {
                (SaidWhat::Unreadable, 0, None, meaning::unreadable())
            }
        };
        Said {
            what,
            bytes,
            proved,
            meaning,
        }
    }

    /// The secrets that exist once this message is there.
    fn derive(&mut self, message: &Message, by: Sender, frame: u64, is_13: bool) {
        let offer = self.heard.offer();
        let at_hand = AtHand {
            keys: self.keys,
            client_random: offer.map(|offer| offer.random),
        };
        let derived: Derived = match (message, by) {
            (Message::ClientHello(hello), _) if hello.early_data => at_hand.early(),
            (Message::ServerHello(hello), _) if hello.is_13() => {
                at_hand.handshake_13(hello.resumed)
            }
            (Message::ServerHello(hello), _) if hello.resumed => at_hand.session_12(hello),
            (Message::Finished, Sender::Server) if is_13 => at_hand.application_13(),
            (Message::Finished, Sender::Client) if is_13 => at_hand.resumption_13(),
            (Message::KeyUpdate { .. }, _) => at_hand.updated_13(),
            (Message::ClientKeyExchange, _) => match self.heard.answer() {
                Some(answer) => at_hand.session_12(answer),
                None => return,
            },
            _ => return,
        };
        let (secrets, from) = derived;
        let entry = self.entry(frame, Party::Both, What::Keys { secrets, from });
        self.after.push(entry);
    }

    /// A chain is judged when its holder has signed the handshake.
    fn watch_certificates(
        &mut self,
        message: Message,
        by: Sender,
        frame: u64,
        proved: Option<bool>,
    ) {
        match message {
            Message::Certificate { der, .. } if !der.is_empty() => {
                self.shown[side(by)] = Some(Shown {
                    of: by,
                    chain: der,
                    at_ns: self.now_ns,
                });
            }
            Message::CertificateVerify { .. } | Message::ServerKeyExchange { .. } => {
                self.judge(by, frame, Proof::Signature(proved));
            }
            Message::ServerHelloDone => {
                let answer = self.heard.answer();
                let is_rsa = answer.is_some_and(|answer| answer.cipher.starts_with("TLS_RSA_"));
                let proof = if is_rsa {
                    Proof::Decrypts
                } else {
                    Proof::Unread
                };
                self.judge(by, frame, proof);
            }
            _ => {}
        }
    }

    fn judge(&mut self, of: Sender, frame: u64, proof: Proof) {
        let Some(shown) = self.shown[side(of)].take() else {
            return;
        };
        let offer = self.heard.offer();
        let name = offer.and_then(|offer| offer.server_name.as_deref());
        let name = name.filter(|_| of == Sender::Server);
        let checks = checks(&shown, name, self.evidence, proof);
        let by = match of {
            Sender::Server => Party::Client,
            Sender::Client => Party::Server,
        };
        let entry = self.entry(frame, by, What::Checks(checks));
        self.after.push(entry);
    }
}

/// Adds what else stands in a record; bytes that are no TLS become one.
fn add(into: &mut Vec<Said>, more: Vec<Said>) {
    for said in more {
        match into.last_mut() {
            Some(last)
                if matches!(last.what, SaidWhat::NotTls { .. })
                    && matches!(said.what, SaidWhat::NotTls { .. }) =>
            {
                last.bytes += said.bytes;
            }
            _ => into.push(said),
        }
    }
}

/// Whether a record belongs to the run of application data before it.
fn is_alike(before: &Seen, next: &Seen, record: &Record) -> bool {
    let is_closed = next.locked.is_some();
    record.kind == APPLICATION_DATA
        && before.content_type == next.content_type
        && before.locked == next.locked
        && (!is_closed || record.number > ALONE_MAX)
}

fn handshake(said: &Said) -> Option<&Message> {
    match &said.what {
        SaidWhat::Handshake { message, .. } => Some(message),
        _ => None,
    }
}

fn side(of: Sender) -> usize {
    usize::from(of == Sender::Server)
}
