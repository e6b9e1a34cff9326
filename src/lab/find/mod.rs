//! What a stranger learned: computed from captured bytes, never assumed.
//!
//! An [`Analysis`] listens to the streams of a capture and ends as a [`Finding`], a plain struct that the
//! terminal, JSON and the report render. It looks for what it was told to look for, however it may be
//! written (`writings`), and for what anybody would look at: is it TLS, which names stand in the handshake, how much went which way.

#[cfg(test)]
mod tests;
mod watch;
mod writings;

use std::net::SocketAddr;
use std::sync::Arc;

use serde::Serialize;

use super::search::{FileBlocks, Found, Patterns, Place};
use super::streams::{Walked, Witness};
use super::tap::Direction;
use super::tls::{Records, Visible};
use watch::{Watched, Way};
pub(super) use writings::json_form;
pub use writings::{Writing, writings};

/// Hits to be expected in noise from which on a find is called possibly chance.
const CHANCE_MAX: f64 = 0.01;

/// Something to look for.
#[derive(Clone, Debug)]
pub struct Sought {
    /// What to call it: `password`, `file name`.
    pub label: String,
    /// Its text.
    pub text: String,
    /// Whether the text itself must not be shown.
    pub hidden: bool,
}

/// Everything found in a capture.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Finding {
    /// Packets in the capture.
    pub packets: u64,
    /// Packets that are no TCP over IP.
    pub other_packets: u64,
    /// Blocks of decryption secrets in the capture: whoever has the file can decrypt it.
    pub secrets_embedded: u64,
    /// The capture ended inside a block.
    pub cut: bool,
    /// The file that was looked for.
    pub file: Option<FileFacts>,
    /// The TCP connections, in the order of their first packets.
    pub connections: Vec<Connection>,
}

/// The file that was looked for, by itself.
#[derive(Clone, Debug, Serialize)]
pub struct FileFacts {
    /// Bytes.
    pub bytes: u64,
    /// Blocks of 4 KiB, the last one whole or not.
    pub blocks: u64,
    /// Shannon's entropy in bits a byte: what the wire's must be compared with.
    pub entropy: f64,
}

/// One TCP connection.
#[derive(Clone, Debug, Serialize)]
pub struct Connection {
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
    /// From its first to its last packet, nanoseconds.
    pub duration_ns: u64,
    /// Plain or TLS, told from the first byte.
    pub security: Security,
    /// What the client sent.
    pub to_server: Stream,
    /// What the server sent.
    pub to_client: Stream,
    /// What was looked for, in the order given.
    pub secrets: Vec<SecretFinding>,
    /// Blocks of the file found verbatim.
    pub blocks_found: Option<u64>,
    /// What TLS shows without a key.
    pub tls: Option<TlsFinding>,
    /// What can be read as it stands: Sealpost's frames, in order.
    pub readable: Vec<Line>,
}

/// What the first byte says (the protocol is made so that it does).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Sealpost's frames in plain TCP.
    Plain,
    /// TLS.
    Tls,
    /// Neither: another protocol, or the capture began too late.
    Other,
    /// No byte was sent.
    Silent,
}

/// One direction of a connection.
#[derive(Clone, Debug, Serialize)]
pub struct Stream {
    /// Payload bytes.
    pub bytes: u64,
    /// Bytes that were sent but not captured.
    pub missing_bytes: u64,
    /// Shannon's entropy in bits a byte.
    pub entropy: f64,
    /// `fin`, `reset`, or `open` when the capture shows no end.
    pub end: &'static str,
    /// The first bytes, as hex.
    pub head: String,
    /// The TLS records, where it is TLS.
    pub records: Option<Records>,
    /// Bytes of content in the largest uninterrupted turn of encrypted records: about the size of a file
    /// when one was sent, because encryption does not hide lengths.
    pub largest_turn_bytes: Option<u64>,
    /// Blocks of the file found verbatim.
    pub blocks_found: Option<u64>,
}

/// Whether one thing looked for was found.
#[derive(Clone, Debug, Serialize)]
pub struct SecretFinding {
    /// What it is.
    pub label: String,
    /// Its text, unless it must not be shown.
    pub text: Option<String>,
    /// Where it was found first.
    pub found: Option<Whereabouts>,
    /// Where the client sent it first.
    pub to_server: Option<Whereabouts>,
    /// Where the server sent it first.
    pub to_client: Option<Whereabouts>,
}

/// Where something was found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Whereabouts {
    /// In which direction.
    pub direction: Direction,
    /// Bytes of that stream before it.
    pub offset: u64,
    /// The frame of its first byte.
    pub frame: u64,
    /// How it is written there.
    pub written: Writing,
    /// It is so short that noise of this length would likely hold it too.
    pub may_be_chance: bool,
}

/// What TLS shows without a key.
#[derive(Clone, Debug, Serialize)]
pub struct TlsFinding {
    /// The handshake's readable fields.
    #[serde(flatten)]
    pub visible: Visible,
}

/// A line anybody can read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The frame in which it ends.
    pub frame: u64,
    /// Who said it.
    pub direction: Direction,
    /// What was said, as it stands; hidden secrets are replaced by their labels.
    pub text: String,
}

/// Listens to the streams of a capture.
#[derive(Debug)]
pub struct Analysis {
    sought: Vec<Sought>,
    /// For each pattern, which of `sought` it is, and in which writing; none for the file's last block.
    owners: Vec<Option<(usize, Writing)>>,
    patterns: Arc<Patterns>,
    file: Option<Arc<FileBlocks>>,
    connections: Vec<Watched>,
}

impl Analysis {
    /// Will look for these, and for the blocks of a file.
    pub fn new(sought: Vec<Sought>, file: Option<FileBlocks>) -> Self {
        let forms = sought.iter().enumerate().flat_map(|(index, sought)| {
            let forms = writings(&sought.text).into_iter();
            forms.map(move |(writing, form)| (Some((index, writing)), form))
        });
        let tail = file.as_ref().and_then(FileBlocks::tail_pattern);
        let tail = tail.map(|tail| (None, tail.to_vec()));
        let (owners, patterns): (Vec<_>, Vec<_>) = forms.chain(tail).unzip();
        Self {
            sought,
            owners,
            patterns: Arc::new(Patterns::new(&patterns)),
            file: file.map(Arc::new),
            connections: Vec::new(),
        }
    }

    /// What was found.
    pub fn finish(mut self, walked: Walked) -> Finding {
        let connections = std::mem::take(&mut self.connections);
        Finding {
            packets: walked.packets,
            other_packets: walked.other_packets,
            secrets_embedded: walked.secrets,
            cut: walked.cut,
            file: self.file.as_deref().map(|file| FileFacts {
                bytes: file.bytes,
                blocks: file.count(),
                entropy: file.entropy,
            }),
            connections: connections
                .into_iter()
                .map(|watched| self.conclude(watched))
                .collect(),
        }
    }

    fn conclude(&self, mut watched: Watched) -> Connection {
        watched.to_server.settle();
        watched.to_client.settle();
        let (to_server, to_client) = (&watched.to_server, &watched.to_client);
        let security = watched.security();
        let tls = (security == Security::Tls).then(|| TlsFinding {
            visible: Visible::of(&to_server.records, &to_client.records),
        });
        let overhead = tls.as_ref().map(|tls| tls.visible.overhead_bytes);
        Connection {
            client: watched.client,
            server: watched.server,
            frames: watched.frames,
            packets: watched.packets,
            start_ns: watched.start_ns,
            duration_ns: watched.last_ns.saturating_sub(watched.start_ns),
            security,
            to_server: to_server.conclude(overhead, self.blocks_found(&[to_server])),
            to_client: to_client.conclude(overhead, self.blocks_found(&[to_client])),
            secrets: self.secrets(to_server, to_client),
            blocks_found: self.blocks_found(&[to_server, to_client]),
            tls,
            readable: self.readable(to_server, to_client),
        }
    }

    /// How many of the file's blocks these directions held together.
    fn blocks_found(&self, ways: &[&Way]) -> Option<u64> {
        let file = self.file.as_deref()?;
        let mut found = Found::default();
        for way in ways {
            if let Some(blocks) = &way.blocks {
                blocks.add_to(&mut found);
            }
            let last = way.patterns.found().last().copied().flatten();
            found.tail |= file.tail_pattern().is_some() && last.is_some();
        }
        Some(found.count(file))
    }

    fn secrets(&self, to_server: &Way, to_client: &Way) -> Vec<SecretFinding> {
        let find = |index: usize, direction: Direction, way: &Way| {
            let found = way.patterns.found().iter().enumerate();
            let places = found.filter_map(|(pattern, place)| {
                let Place { offset, frame } = (*place)?;
                let (owner, written) = self.owners[pattern]?;
                let length = self.patterns.length(pattern);
                (owner == index).then(|| Whereabouts {
                    direction,
                    offset,
                    frame,
                    written,
                    may_be_chance: chance(way.bytes, length, written.alphabet()) > CHANCE_MAX,
                })
            });
            places.min_by_key(|place| place.offset)
        };
        let sought = self.sought.iter().enumerate();
        let secrets = sought.map(|(index, sought)| {
            let there = find(index, Direction::ToServer, to_server);
            let back = find(index, Direction::ToClient, to_client);
            SecretFinding {
                label: sought.label.clone(),
                text: (!sought.hidden).then(|| sought.text.clone()),
                found: [there, back]
                    .into_iter()
                    .flatten()
                    .min_by_key(|place| (place.frame, place.offset)),
                to_server: there,
                to_client: back,
            }
        });
        secrets.collect()
    }

    fn readable(&self, to_server: &Way, to_client: &Way) -> Vec<Line> {
        let lines = |direction, way: &Way| {
            let lines = way.frames.found.iter().map(move |(frame, text)| Line {
                frame: *frame,
                direction,
                text: self.hide(text),
            });
            lines.collect::<Vec<_>>()
        };
        let mut all = lines(Direction::ToServer, to_server);
        all.extend(lines(Direction::ToClient, to_client));
        all.sort_by_key(|line| line.frame);
        all
    }

    /// The text with every hidden secret replaced by its label, however it is written.
    fn hide(&self, text: &str) -> String {
        let hidden = self.sought.iter().filter(|sought| sought.hidden);
        hidden.fold(text.to_owned(), |text, sought| {
            let forms = writings(&sought.text).into_iter();
            let forms = forms.filter_map(|(_, form)| String::from_utf8(form).ok());
            forms.fold(text, |text, form| {
                text.replace(&form, &format!("<{}>", sought.label))
            })
        })
    }
}

impl Witness for Analysis {
    fn opened(&mut self, _connection: usize, client: SocketAddr, server: SocketAddr) {
        let watched = Watched::new(client, server, &self.patterns, self.file.as_ref());
        self.connections.push(watched);
    }

    fn packet(&mut self, connection: usize, frame: u64, at_ns: u64) {
        if let Some(watched) = self.connections.get_mut(connection) {
            watched.packet(frame, at_ns);
        }
    }

    fn bytes(&mut self, connection: usize, way: Direction, frame: u64, bytes: &[u8]) {
        if let Some(watched) = self.connections.get_mut(connection) {
            watched.bytes(way, frame, bytes);
        }
    }

    fn gap(&mut self, connection: usize, way: Direction, bytes: u64) {
        if let Some(watched) = self.connections.get_mut(connection) {
            watched.way(way).gap(bytes);
        }
    }

    fn ended(&mut self, connection: usize, way: Direction, reset: bool) {
        if let Some(watched) = self.connections.get_mut(connection) {
            watched.way(way).ended(reset);
        }
    }
}

/// How often a pattern of `length` characters is to be expected in so many bytes of noise made of `alphabet`
/// different ones.
#[expect(
    clippy::cast_precision_loss,
    reason = "an order of magnitude is enough"
)]
fn chance(bytes: u64, length: usize, alphabet: f64) -> f64 {
    bytes as f64 / alphabet.powi(i32::try_from(length).unwrap_or(i32::MAX))
}
