//! The kernel beside the tap: the same run captured twice, and whether both hold the same bytes.

use std::fs::File;
use std::io::{self, BufWriter};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;

use serde::Serialize;

use super::facts::Text;
use crate::error::{Error, Kind, Result};
use crate::lab::kernel::{Captured, Kernel};
use crate::lab::pcapng::{Packet, Writer};
use crate::lab::streams::{Walk, Witness};
use crate::lab::tap::Direction;
use crate::protocol::Hasher;

/// Where the kernel listens: the relay must not have touched the bytes yet.
const LEG: &str = "client to relay";

/// What a reader of the kernel's file stumbles over.
const FIRST_PACKET: &str = "Captured by the kernel on lo, between the client and the relay. Wireshark may call the \
    TCP checksums wrong: they are left to the network card, and loopback has none. Segments are larger than \
    any network carries, because loopback's packets hold 64 KiB.";

/// A file of the kernel's packets, begun.
pub(super) type KernelFile = Writer<BufWriter<File>>;

/// The same run as the kernel saw it. What the tap recorded is right when both have the same two streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KernelCapture {
    /// The file's name, where one was asked for.
    pub capture: Option<String>,
    /// Where it was taken.
    pub leg: &'static str,
    /// Packets.
    pub packets: u64,
    /// Packets the kernel had no room for: then the streams are not whole.
    pub dropped: u64,
    /// What the client sent.
    pub to_server: StreamProof,
    /// What the client got.
    pub to_client: StreamProof,
    /// Whether both streams are the same in both captures.
    pub equal: bool,
}

/// One direction's bytes, put together again from the packets of both captures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StreamProof {
    /// Bytes in the tap's capture.
    pub bytes: u64,
    /// SHA-256 of the tap's stream.
    pub tap_sha256: String,
    /// SHA-256 of the kernel's stream, without what is missing in it.
    pub kernel_sha256: String,
    /// Bytes missing in the kernel's capture.
    pub missing_bytes: u64,
}

impl KernelCapture {
    /// Puts both captures of a run side by side.
    pub(super) fn of(heard: &Heard, tap: Digests, capture: Option<String>) -> Self {
        let [to_server, to_client] = tap.0.map(Half::finish);
        let proof =
            |(bytes, tap_sha256): (u64, String), (heard, digest): &(u64, String)| StreamProof {
                bytes,
                tap_sha256,
                kernel_sha256: digest.clone(),
                missing_bytes: bytes.saturating_sub(*heard),
            };
        let to_server = proof(to_server, &heard.streams[0]);
        let to_client = proof(to_client, &heard.streams[1]);
        Self {
            capture,
            leg: LEG,
            packets: heard.captured.packets,
            dropped: heard.captured.dropped,
            equal: to_server.is_equal() && to_client.is_equal(),
            to_server,
            to_client,
        }
    }

    /// Whether the two captures contradict each other: bytes are there, and are others. Bytes the kernel did
    /// not have room for prove nothing either way.
    pub fn contradicts(&self) -> bool {
        let streams = [&self.to_server, &self.to_client].into_iter();
        let mut others = streams.filter(|stream| !stream.is_equal());
        others.any(|stream| stream.missing_bytes == 0)
    }

    /// Each direction, and its stream.
    pub fn streams(&self) -> [(Direction, &StreamProof); 2] {
        [
            (Direction::ToServer, &self.to_server),
            (Direction::ToClient, &self.to_client),
        ]
    }

    /// The proof, a sentence for each direction.
    pub fn told(&self) -> [Text; 2] {
        self.streams().map(|(way, stream)| {
            let (en, zh) = match way {
                Direction::ToServer => ("client to server", "客户端到服务器"),
                Direction::ToClient => ("server to client", "服务器到客户端"),
            };
            let StreamProof {
                bytes, tap_sha256, ..
            } = stream;
            if stream.is_equal() {
                return Text {
                    en: format!("{en}: tap == kernel: sha256 {tap_sha256} ({bytes} bytes, between client and relay)"),
                    zh: format!("{zh}：监听点 == 内核：sha256 {tap_sha256}（{bytes} 字节，客户端与中继之间）"),
                };
            }
            let (missing, dropped) = (stream.missing_bytes, self.dropped);
            Text {
                en: format!(
                    "{en}: not the same in both captures: the kernel dropped {dropped} packets, {missing} bytes are missing"
                ),
                zh: format!("{zh}：两份记录不一致：内核丢弃 {dropped} 个包，缺少 {missing} 字节"),
            }
        })
    }
}

impl StreamProof {
    fn is_equal(&self) -> bool {
        self.missing_bytes == 0 && self.tap_sha256 == self.kernel_sha256
    }
}

/// What the kernel's capture held.
#[derive(Debug)]
pub(super) struct Heard {
    captured: Captured,
    /// Bytes of each direction, and their digest.
    streams: [(u64, String); 2],
}

/// Captures until the other end of `alive` is closed, into `file` if there is one.
pub(super) fn listen(
    kernel: Kernel,
    alive: &UnixStream,
    mut file: Option<KernelFile>,
) -> Result<Heard> {
    let failed = |error: io::Error| {
        Error::new(Kind::LocalWrite, "the kernel's capture ended early")
            .hint("use --source tap, or a smaller file")
            .source(error)
    };
    let (mut walk, mut digests) = (Walk::default(), Digests::default());
    let captured = kernel.run(alive, &mut |packet: &Packet<'_>| {
        walk.take(packet, &mut digests);
        let comment = (packet.frame == 1).then_some(FIRST_PACKET);
        match &mut file {
            Some(file) => file.packet(packet.at_ns, packet.data, comment),
            None => Ok(()),
        }
    });
    let captured = captured.map_err(failed)?;
    walk.finish(&mut digests);
    if let Some(mut file) = file {
        file.dropped(captured.dropped);
        file.finish().map_err(failed)?;
    }
    Ok(Heard {
        captured,
        streams: digests.0.map(Half::finish),
    })
}

/// The digest of each direction of a capture's first connection.
#[derive(Default)]
pub(super) struct Digests([Half; 2]);

#[derive(Default)]
struct Half {
    hasher: Hasher,
    bytes: u64,
}

impl Half {
    fn finish(self) -> (u64, String) {
        (self.bytes, self.hasher.finish().to_string())
    }
}

impl Digests {
    fn half(&mut self, way: Direction) -> &mut Half {
        &mut self.0[usize::from(way == Direction::ToClient)]
    }
}

impl Witness for Digests {
    fn opened(&mut self, _connection: usize, _client: SocketAddr, _server: SocketAddr) {}

    fn packet(&mut self, _connection: usize, _frame: u64, _at_ns: u64) {}

    fn bytes(&mut self, connection: usize, way: Direction, _frame: u64, bytes: &[u8]) {
        if connection == 0 {
            let half = self.half(way);
            half.hasher.update(bytes);
            half.bytes += bytes.len() as u64;
        }
    }

    /// What is missing shows in the count.
    fn gap(&mut self, _connection: usize, _way: Direction, _bytes: u64) {}

    fn ended(&mut self, _connection: usize, _way: Direction, _reset: bool) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both directions of a connection, told in pieces.
    fn digests(up: &[&str], down: &[&str]) -> Digests {
        let mut digests = Digests::default();
        for (way, pieces) in [(Direction::ToServer, up), (Direction::ToClient, down)] {
            for piece in pieces {
                digests.bytes(0, way, 1, piece.as_bytes());
                digests.bytes(1, way, 1, b"another connection");
            }
        }
        digests
    }

    fn beside(up: &[&str], down: &[&str], dropped: u64) -> KernelCapture {
        let captured = Captured {
            packets: 9,
            dropped,
        };
        let heard = Heard {
            captured,
            streams: digests(up, down).0.map(Half::finish),
        };
        KernelCapture::of(&heard, digests(&["ab", "c"], &["answer"]), None)
    }

    #[test]
    fn the_same_bytes_are_the_same_however_they_were_cut() {
        let same = beside(&["a", "bc"], &["answer"], 0);
        assert!(same.equal && !same.contradicts());
        assert_eq!((same.to_server.bytes, same.to_client.bytes), (3, 6));
        assert!(
            same.told()[0]
                .en
                .starts_with("client to server: tap == kernel: sha256 ba7816bf")
        );
    }

    #[test]
    fn other_bytes_contradict_and_missing_ones_prove_nothing() {
        let other = beside(&["abd"], &["answer"], 0);
        assert!(!other.equal && other.contradicts());
        let swapped = beside(&["answer"], &["abc"], 0);
        assert!(!swapped.equal && swapped.contradicts());
        let missing = beside(&["ab"], &["answer"], 3);
        assert!(!missing.equal && !missing.contradicts());
        let told = &missing.told()[0].en;
        assert!(
            told.ends_with("the kernel dropped 3 packets, 1 bytes are missing"),
            "{told}"
        );
    }
}
