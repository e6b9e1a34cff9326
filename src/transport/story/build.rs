//! From the recording to the story.

use std::time::Duration;

use super::{Ending, Party, Record, Stage, Step, Story, What, checks};
use crate::error::Error;
use crate::pki::inspect;
use crate::protocol::HelloReply;
use crate::text::escape;
use crate::transport::tape::{Event, Recorder, Tape, Way};
use crate::transport::tls::{self, Content, Conversation, Item, Message, Sender};
use crate::transport::{CertificateDer, Session};

/// Bytes of a plain message that are shown.
const EXCERPT_BYTES: usize = 320;

impl Recorder {
    /// Ends the recording and tells it: to the server's reply, or to the failure.
    pub fn story(
        &self,
        (host, port): (&str, u16),
        session: Option<Session>,
        tls: bool,
        result: Result<&HelloReply, &Error>,
    ) -> Story {
        let at_us = micros(self.elapsed());
        let tape = self.take();
        let mut build = Build::new(&tape, tls);
        for (at, event) in &tape.events {
            build.event(*at, event, self.began_at());
        }
        build.leftovers();
        Story {
            host: host.to_owned(),
            port,
            tls,
            began: self.began_at(),
            steps: build.steps,
            session,
            ending: Ending::of(result, at_us),
        }
    }
}

struct Build<'a> {
    tls: bool,
    steps: Vec<Step>,
    heard: Conversation<'a>,
    is_13: bool,
    last_us: u64,
}

impl<'a> Build<'a> {
    fn new(tape: &'a Tape, tls: bool) -> Self {
        Self {
            tls,
            steps: Vec::new(),
            heard: Conversation::new(&tape.secrets),
            is_13: false,
            last_us: 0,
        }
    }

    fn event(&mut self, at: Duration, event: &Event, began: time::OffsetDateTime) {
        self.last_us = micros(at);
        match event {
            Event::Resolved(addresses) => self.here(What::Resolved {
                addresses: addresses.clone(),
            }),
            Event::Tcp(server, client) => self.here(What::Tcp {
                server: *server,
                client: *client,
            }),
            Event::Bytes(way, bytes) if self.tls => self.bytes(*way, bytes),
            Event::Bytes(way, bytes) => self.plain(*way, bytes),
            Event::Judged {
                chain,
                name,
                evidence,
                good,
                anyway,
            } => {
                let told = checks::checks(chain, name, evidence, began, (*good, *anyway));
                let is_refused = !*good && !*anyway;
                // rustls checks in TLS 1.3 at the message itself, in TLS 1.2 when the server is done.
                let is_13 = self.is_13;
                let of_server = |what: &What| match what {
                    What::Certificate { .. } => is_13,
                    What::ServerHelloDone => !is_13,
                    _ => false,
                };
                self.after(of_server, What::Checks(told), is_refused);
            }
            Event::Signature { good } => self.signature(*good),
            Event::Asked { shown } => self.asked(shown),
            Event::Secret(label) => self.secret(label),
        }
    }

    fn here(&mut self, what: What) {
        let step = self.step(Party::Here, what);
        self.steps.push(step);
    }

    fn step(&self, by: Party, what: What) -> Step {
        Step {
            at_us: self.last_us,
            by,
            bytes: None,
            record: None,
            unread: false,
            what,
        }
    }

    /// Puts a step of this side behind the last message of the server that `is` picks; with `ends`, what
    /// the server sent behind it was not looked at any more.
    fn after(&mut self, is: impl Fn(&What) -> bool, what: What, ends: bool) {
        let of_server = |step: &Step| step.by == Party::Server && is(&step.what);
        let at = self.steps.iter().rposition(of_server);
        let at = at.map_or(self.steps.len(), |at| at + 1);
        let step = self.step(Party::Here, what);
        self.steps.insert(at, step);
        if ends {
            let behind = self.steps[at + 1..].iter_mut();
            behind.for_each(|step| step.unread = step.by == Party::Server);
        }
    }

    fn signature(&mut self, good: bool) {
        let mut steps = self.steps.iter_mut().enumerate().rev();
        let found = steps.find_map(|(at, step)| match &mut step.what {
            What::CertificateVerify { proved, .. } | What::ServerKeyExchange { proved, .. }
                if step.by == Party::Server =>
            {
                *proved = Some(good);
                Some(at)
            }
            _ => None,
        });
        if let (Some(at), false) = (found, good) {
            let behind = self.steps[at + 1..].iter_mut();
            behind.for_each(|step| step.unread = step.by == Party::Server);
        }
    }

    fn asked(&mut self, shown: &[CertificateDer<'static>]) {
        let subject = shown
            .first()
            .and_then(|leaf| inspect::certificate(leaf).ok());
        let what = What::Chosen {
            subject: subject.map(|info| info.subject),
        };
        let is_request = |what: &What| matches!(what, What::CertificateRequest { .. });
        self.after(is_request, what, false);
    }

    fn secret(&mut self, label: &str) {
        let (is, stage): (fn(&What) -> bool, _) = match label {
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET" => (
                |what| matches!(what, What::ServerHello(_)),
                Stage::Handshake,
            ),
            "CLIENT_TRAFFIC_SECRET_0" => {
                (|what| matches!(what, What::Finished), Stage::Application)
            }
            "CLIENT_RANDOM" => {
                return self.here(What::Keys {
                    stage: Stage::Application,
                });
            }
            _ => return,
        };
        self.after(is, What::Keys { stage }, false);
    }

    fn bytes(&mut self, way: Way, bytes: &[u8]) {
        let by = match way {
            Way::Sent => Sender::Client,
            Way::Received => Sender::Server,
        };
        for item in self.heard.feed(by, bytes) {
            self.item(way, item);
        }
    }

    fn item(&mut self, way: Way, item: Item) {
        let Item { record, content } = item;
        let mut bytes = None;
        let what = match content {
            Content::Message {
                message,
                bytes: length,
                ..
            } => {
                bytes = Some(length);
                self.is_13 |= matches!(&message, Message::ServerHello(hello) if hello.is_13());
                what(message)
            }
            Content::ChangeCipherSpec => What::ChangeCipherSpec,
            Content::Alert { name, .. } => What::Alert { name: Some(name) },
            Content::Application(content) => What::Application {
                content_bytes: Some(content.len() as u64),
                text: Some(excerpt(&content)),
            },
            Content::NotTls(begins) => What::NotTls {
                begins: excerpt(&begins),
            },
            Content::Sealed(_) => self.sealed(record.kind),
            Content::Unreadable => What::Sealed,
            Content::Part => return,
        };
        let mut step = self.step(party(way), what);
        step.bytes = bytes;
        step.record = Some(Record {
            number: record.number,
            bytes: record.bytes,
            sealed: record.sealed,
        });
        self.steps.push(step);
    }

    /// A record without its keys: in TLS 1.2 its type still shows.
    fn sealed(&self, kind: u8) -> What {
        match kind {
            tls::ALERT => What::Alert { name: None },
            tls::HANDSHAKE => What::Finished,
            tls::APPLICATION_DATA if !self.is_13 => What::Application {
                content_bytes: None,
                text: None,
            },
            _ => What::Sealed,
        }
    }

    fn plain(&mut self, way: Way, bytes: &[u8]) {
        let mut step = self.step(
            party(way),
            What::Application {
                content_bytes: Some(bytes.len() as u64),
                text: Some(excerpt(bytes)),
            },
        );
        step.bytes = Some(bytes.len() as u64);
        self.steps.push(step);
    }

    /// What a server that does not speak TLS sent and is shorter than a record.
    fn leftovers(&mut self) {
        let rest = self.heard.rest(Sender::Server);
        if !rest.is_empty() {
            let what = What::NotTls {
                begins: excerpt(&rest),
            };
            let mut step = self.step(Party::Server, what);
            step.bytes = Some(rest.len() as u64);
            self.steps.push(step);
        }
    }
}

/// A message as a step of the story.
fn what(message: Message) -> What {
    match message {
        Message::ClientHello(hello) => What::ClientHello(hello),
        Message::HelloRetryRequest { group, .. } => What::HelloRetryRequest { group },
        Message::ServerHello(hello) => What::ServerHello(hello),
        Message::NewSessionTicket { lifetime_s } => What::NewSessionTicket { lifetime_s },
        Message::EncryptedExtensions { alpn, .. } => What::EncryptedExtensions { alpn },
        Message::Certificate { chain, .. } => What::Certificate { chain },
        Message::CertificateStatus => What::CertificateStatus,
        Message::ServerKeyExchange { group, scheme, .. } => What::ServerKeyExchange {
            group,
            scheme,
            proved: None,
        },
        Message::CertificateRequest {
            authorities,
            schemes,
        } => What::CertificateRequest {
            authorities,
            schemes,
        },
        Message::ServerHelloDone => What::ServerHelloDone,
        Message::CertificateVerify { scheme } => What::CertificateVerify {
            scheme,
            proved: None,
        },
        Message::ClientKeyExchange => What::ClientKeyExchange,
        Message::Finished => What::Finished,
        Message::HelloRequest
        | Message::EndOfEarlyData
        | Message::KeyUpdate { .. }
        | Message::Other { .. } => What::Other {
            kind: message.kind(),
        },
    }
}

fn party(way: Way) -> Party {
    match way {
        Way::Sent => Party::Client,
        Way::Received => Party::Server,
    }
}

/// The beginning of bytes, safe for a terminal.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(EXCERPT_BYTES)];
    escape(&String::from_utf8_lossy(bytes))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
