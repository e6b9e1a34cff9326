//! Packets back into byte streams: what each side of each TCP connection said, in order.
//!
//! Tolerant, because captures are not perfect: retransmitted and duplicated bytes are delivered once, bytes
//! that came out of order wait for the missing ones, and what never comes is told as a gap, never skipped
//! in silence. Bytes go to a [`Witness`] as they become whole, so memory does not grow with the capture.

#[cfg(test)]
pub(super) mod tests;

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::net::SocketAddr;

use etherparse::{LaxNetSlice, LaxSlicedPacket, TcpSlice, TransportSlice};

use super::pcapng::{
    LINK_ETHERNET, LINK_IPV4, LINK_IPV6, LINK_LINUX_SLL, LINK_LINUX_SLL2, LINK_LOOP, LINK_NULL,
    LINK_RAW, Packet, Reader,
};
use super::tap::Direction;
use crate::error::Result;

/// Bytes of one direction that may wait for a missing segment; then it counts as never captured.
const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Connections followed at most in one capture.
const CONNECTIONS_MAX: usize = 65_536;

/// Is told what each connection says.
pub trait Witness {
    /// A connection begins; its number counts from 0. The client is who sent the first SYN, or the first
    /// packet where the capture began later.
    fn opened(&mut self, connection: usize, client: SocketAddr, server: SocketAddr);

    /// A packet of the connection was seen at a time (nanoseconds since 1970), with payload or without.
    fn packet(&mut self, connection: usize, frame: u64, at_ns: u64);

    /// The next bytes of a direction, from that frame.
    fn bytes(&mut self, connection: usize, way: Direction, frame: u64, bytes: &[u8]);

    /// So many bytes of a direction were not captured.
    fn gap(&mut self, connection: usize, way: Direction, bytes: u64);

    /// A direction ended, by FIN or (`reset`) by RST.
    fn ended(&mut self, connection: usize, way: Direction, reset: bool);
}

/// What a capture held beside its streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Packets in all.
    pub packets: u64,
    /// Packets that are no TCP over IP, or too damaged to tell.
    pub other_packets: u64,
    /// Packets of which the capture kept only the beginning (snap length).
    pub snapped_packets: u64,
    /// Blocks of decryption secrets.
    pub secrets: u64,
    /// The file ended inside a block.
    pub cut: bool,
}

/// Both are told everything, the first one first.
impl<A: Witness, B: Witness> Witness for (A, B) {
    fn opened(&mut self, connection: usize, client: SocketAddr, server: SocketAddr) {
        self.0.opened(connection, client, server);
        self.1.opened(connection, client, server);
    }

    fn packet(&mut self, connection: usize, frame: u64, at_ns: u64) {
        self.0.packet(connection, frame, at_ns);
        self.1.packet(connection, frame, at_ns);
    }

    fn bytes(&mut self, connection: usize, way: Direction, frame: u64, bytes: &[u8]) {
        self.0.bytes(connection, way, frame, bytes);
        self.1.bytes(connection, way, frame, bytes);
    }

    fn gap(&mut self, connection: usize, way: Direction, bytes: u64) {
        self.0.gap(connection, way, bytes);
        self.1.gap(connection, way, bytes);
    }

    fn ended(&mut self, connection: usize, way: Direction, reset: bool) {
        self.0.ended(connection, way, reset);
        self.1.ended(connection, way, reset);
    }
}

/// Reads a whole capture and tells `witness` what was said.
pub fn walk<R: Read>(reader: &mut Reader<R>, witness: &mut impl Witness) -> Result<Walked> {
    let mut walk = Walk::default();
    while let Some(packet) = reader.packet()? {
        walk.take(&packet, witness);
    }
    let mut walked = walk.finish(witness);
    walked.secrets = reader.secrets();
    walked.cut = reader.cut();
    Ok(walked)
}

/// The same, packet by packet, for a capture that is being made.
#[derive(Default)]
pub struct Walk {
    connections: Connections,
    walked: Walked,
}

impl Walk {
    /// Takes the next packet.
    pub fn take(&mut self, packet: &Packet<'_>, witness: &mut impl Witness) {
        self.walked.packets += 1;
        self.walked.snapped_packets += u64::from(packet.snapped);
        match segment(packet) {
            Some(segment) => self.connections.take(&segment, packet, witness),
            None => self.walked.other_packets += 1,
        }
    }

    /// Nothing more will come.
    pub fn finish(mut self, witness: &mut impl Witness) -> Walked {
        self.connections.finish(witness);
        self.walked
    }
}

/// One TCP segment, taken out of its packet.
struct Segment<'a> {
    from: SocketAddr,
    to: SocketAddr,
    tcp: TcpSlice<'a>,
}

fn segment<'a>(packet: &Packet<'a>) -> Option<Segment<'a>> {
    let data = packet.data;
    let sliced = match packet.link {
        LINK_ETHERNET => LaxSlicedPacket::from_ethernet(data).ok()?,
        LINK_RAW | LINK_IPV4 | LINK_IPV6 => LaxSlicedPacket::from_ip(data).ok()?,
        LINK_NULL | LINK_LOOP => LaxSlicedPacket::from_ip(data.get(4..)?).ok()?,
        LINK_LINUX_SLL => LaxSlicedPacket::from_ip(data.get(16..)?).ok()?,
        LINK_LINUX_SLL2 => LaxSlicedPacket::from_ip(data.get(20..)?).ok()?,
        _ => return None,
    };
    let (from, to) = match sliced.net? {
        LaxNetSlice::Ipv4(ip) => (
            ip.header().source_addr().into(),
            ip.header().destination_addr().into(),
        ),
        LaxNetSlice::Ipv6(ip) => (
            ip.header().source_addr().into(),
            ip.header().destination_addr().into(),
        ),
        LaxNetSlice::Arp(_) => return None,
    };
    let Some(TransportSlice::Tcp(tcp)) = sliced.transport else {
        return None;
    };
    Some(Segment {
        from: SocketAddr::new(from, tcp.source_port()),
        to: SocketAddr::new(to, tcp.destination_port()),
        tcp,
    })
}

#[derive(Default)]
struct Connections {
    /// The newest connection of a pair of addresses, the smaller one first.
    by_pair: HashMap<(SocketAddr, SocketAddr), usize>,
    all: Vec<Connection>,
}

struct Connection {
    client: SocketAddr,
    first_syn: Option<u32>,
    to_server: Half,
    to_client: Half,
}

/// One direction, as far as it is known.
#[derive(Default)]
struct Half {
    /// The sequence number of the next byte.
    next: Option<u32>,
    waiting: BTreeMap<u32, Waiting>,
    waiting_bytes: usize,
    /// The sequence number of the FIN, once seen.
    fin: Option<u32>,
    ended: bool,
}

struct Waiting {
    frame: u64,
    bytes: Vec<u8>,
}

impl Connections {
    fn take(&mut self, segment: &Segment<'_>, packet: &Packet<'_>, witness: &mut impl Witness) {
        let pair = (segment.from.min(segment.to), segment.from.max(segment.to));
        let known = self.by_pair.get(&pair).copied();
        let known = known.filter(|index| !self.all[*index].is_over_for(segment));
        let index = match known {
            Some(index) => index,
            None if self.all.len() == CONNECTIONS_MAX => return,
            None => {
                // The answer to a SYN that was not captured still tells who asked.
                let (client, server) = if segment.tcp.syn() && segment.tcp.ack() {
                    (segment.to, segment.from)
                } else {
                    (segment.from, segment.to)
                };
                self.all.push(Connection {
                    client,
                    first_syn: None,
                    to_server: Half::default(),
                    to_client: Half::default(),
                });
                let index = self.all.len() - 1;
                self.by_pair.insert(pair, index);
                witness.opened(index, client, server);
                index
            }
        };
        witness.packet(index, packet.frame, packet.at_ns);
        self.all[index].take(index, segment, packet.frame, witness);
    }

    fn finish(&mut self, witness: &mut impl Witness) {
        for (index, connection) in self.all.iter_mut().enumerate() {
            for way in [Direction::ToServer, Direction::ToClient] {
                let mut teller = Teller {
                    index,
                    way,
                    witness,
                };
                connection.half(way).give_up_waiting(&mut teller);
            }
        }
    }
}

impl Connection {
    fn half(&mut self, way: Direction) -> &mut Half {
        match way {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    /// Whether this segment begins another connection between the same two ports: a SYN with a new number.
    fn is_over_for(&self, segment: &Segment<'_>) -> bool {
        let is_first = segment.tcp.syn() && !segment.tcp.ack();
        let begun = self.to_server.next.is_some() || self.to_client.next.is_some();
        is_first && begun && self.first_syn != Some(segment.tcp.sequence_number())
    }

    fn take(
        &mut self,
        index: usize,
        segment: &Segment<'_>,
        frame: u64,
        witness: &mut impl Witness,
    ) {
        let way = if segment.from == self.client {
            Direction::ToServer
        } else {
            Direction::ToClient
        };
        if segment.tcp.syn() && !segment.tcp.ack() {
            self.first_syn = Some(segment.tcp.sequence_number());
        }
        let mut teller = Teller {
            index,
            way,
            witness,
        };
        let half = self.half(way);
        // The SYN takes a number of its own, before the payload.
        let at = segment
            .tcp
            .sequence_number()
            .wrapping_add(u32::from(u8::from(segment.tcp.syn())));
        if segment.tcp.rst() {
            half.give_up_waiting(&mut teller);
            return half.end(true, &mut teller);
        }
        half.next.get_or_insert(at);
        half.take(at, frame, segment.tcp.payload(), &mut teller);
        if segment.tcp.fin() {
            let length = u32::try_from(segment.tcp.payload().len()).unwrap_or(0);
            half.fin = Some(at.wrapping_add(length));
        }
        if half.fin.is_some() && half.fin == half.next {
            half.end(false, &mut teller);
        }
    }
}

impl Half {
    fn take(&mut self, at: u32, frame: u64, bytes: &[u8], teller: &mut Teller<'_, impl Witness>) {
        if bytes.is_empty() {
            return;
        }
        self.deliver(at, frame, bytes, teller);
        self.deliver_waiting(teller);
        while self.waiting_bytes > WAITING_BYTES_MAX {
            self.skip_gap(teller);
            self.deliver_waiting(teller);
        }
    }

    /// Delivers what is new of `bytes`, or keeps them while something before them is missing.
    fn deliver(
        &mut self,
        at: u32,
        frame: u64,
        bytes: &[u8],
        teller: &mut Teller<'_, impl Witness>,
    ) {
        let next = *self.next.get_or_insert(at);
        // Sequence numbers wrap around (RFC 9293 §3.4): the signed distance tells before from behind.
        let ahead = at.wrapping_sub(next).cast_signed();
        if ahead > 0 {
            let waiting = self.waiting.entry(at).or_insert_with(|| Waiting {
                frame,
                bytes: Vec::new(),
            });
            if bytes.len() > waiting.bytes.len() {
                self.waiting_bytes += bytes.len() - waiting.bytes.len();
                waiting.bytes = bytes.to_vec();
                waiting.frame = frame;
            }
            return;
        }
        let known = ahead.unsigned_abs() as usize;
        if let Some(new) = bytes.get(known..).filter(|new| !new.is_empty()) {
            let length = u32::try_from(new.len()).unwrap_or(0);
            self.next = Some(next.wrapping_add(length));
            teller.witness.bytes(teller.index, teller.way, frame, new);
        }
    }

    fn deliver_waiting(&mut self, teller: &mut Teller<'_, impl Witness>) {
        while let Some((at, distance)) = self.nearest() {
            if distance > 0 {
                return;
            }
            if let Some(Waiting { frame, bytes }) = self.waiting.remove(&at) {
                self.waiting_bytes -= bytes.len();
                self.deliver(at, frame, &bytes, teller);
            }
        }
    }

    /// The waiting segment that comes next, and how many bytes are missing before it (none or less than
    /// none: it can be delivered).
    fn nearest(&self) -> Option<(u32, i32)> {
        let next = self.next?;
        let distance = |(at, _): (&u32, &Waiting)| (*at, at.wrapping_sub(next).cast_signed());
        // Neighbours on a circle, as the numbers wrap around.
        let behind = self.waiting.range(..next).next_back();
        let behind = behind.or_else(|| self.waiting.last_key_value());
        let ahead = self.waiting.range(next..).next();
        let ahead = ahead.or_else(|| self.waiting.first_key_value());
        match behind.map(distance) {
            Some((at, distance)) if distance <= 0 => Some((at, distance)),
            _ => ahead.map(distance),
        }
    }

    fn skip_gap(&mut self, teller: &mut Teller<'_, impl Witness>) {
        if let Some((at, distance)) = self.nearest() {
            let missing = u64::from(distance.unsigned_abs());
            teller.witness.gap(teller.index, teller.way, missing);
            self.next = Some(at);
        }
    }

    /// Nothing more will come: what still waits is delivered, with its gaps.
    fn give_up_waiting(&mut self, teller: &mut Teller<'_, impl Witness>) {
        while !self.waiting.is_empty() {
            self.skip_gap(teller);
            self.deliver_waiting(teller);
        }
    }

    fn end(&mut self, reset: bool, teller: &mut Teller<'_, impl Witness>) {
        if !self.ended {
            self.ended = true;
            teller.witness.ended(teller.index, teller.way, reset);
        }
    }
}

/// Whom a half speaks for.
struct Teller<'a, W: Witness> {
    index: usize,
    way: Direction,
    witness: &'a mut W,
}
