//! The tap's record as TCP packets, so that Wireshark can show it.
//!
//! A relay sees bytes, not packets: the payload, its order and its times are what passed; the IP and TCP
//! headers, the cuts between segments, the handshake and the acknowledgements are made here, and the file
//! says so in its comment, its interface and its first packet. The relay itself does not appear: packets go
//! from the client's address to the server's.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};

use etherparse::err::packet::BuildVecWriteError;
use etherparse::{PacketBuilder, TcpHeader, TcpOptionElement};

use super::pcapng::{About, LINK_RAW, Totals, Writer};
use super::tap::{Direction, Event, Sink, What};

/// What the file says about itself.
const ABOUT: About<'_> = About {
    application: concat!("sealpost ", env!("CARGO_PKG_VERSION")),
    comment: "Recorded by a relay between client and server (sealpost capture). Observed: the payload bytes, \
              their order and their times. Reconstructed: the IP and TCP headers, the cuts between \
              segments, the TCP handshake and the acknowledgements.",
    interface: "sealpost-tap",
    description: "A relay's byte streams; the IP and TCP headers are reconstructed",
    link: LINK_RAW,
};

const FIRST_PACKET: &str =
    "Reconstructed: a relay sees bytes, not packets. The payload from here on is real.";

/// Bytes of payload in one segment: Ethernet's 1,500 less the headers of IPv4 (RFC 9293 §3.7.1), because
/// that is what a learner meets on a real network.
const SEGMENT_BYTES_V4: u16 = 1_460;

/// The same for IPv6, whose header is 20 bytes longer.
const SEGMENT_BYTES_V6: u16 = 1_440;

/// The window that every segment offers, scaled (RFC 7323 §2): 16 MiB, so that no chunk ever fills it.
const WINDOW: u16 = u16::MAX;
const WINDOW_SCALE: u8 = 8;

/// Hops a packet may still take; Linux begins with 64.
const HOPS: u8 = 64;

/// Sequence numbers left out for bytes that were not recorded, at most: further on is further back (RFC 9293 §3.4).
const MISSING_MAX: u32 = 1 << 30;

/// Where a client's and a server's sequence numbers begin: any number serves (RFC 9293 §3.4.1).
const FIRST_SEQUENCE: [u32; 2] = [0x1000_0000, 0x2000_0000];

/// Writes a tap's events into a capture as they come: memory for one packet and 100 bytes a connection.
#[derive(Debug)]
pub struct Recorder<W: Write> {
    file: Writer<W>,
    flows: HashMap<u64, Flow>,
    last_ns: u64,
    payload_bytes: u64,
    packet: Vec<u8>,
}

/// One connection's next sequence numbers: the client's, then the server's.
#[derive(Clone, Copy, Debug)]
struct Flow {
    client: SocketAddr,
    server: SocketAddr,
    next: [u32; 2],
}

/// What a segment says beside its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Syn,
    SynAck,
    Ack,
    /// The last segment of a chunk (PSH).
    Push,
    Fin,
    Reset,
}

impl<W: Write> Recorder<W> {
    /// Begins a capture in `out`.
    pub fn new(out: W) -> io::Result<Self> {
        Ok(Self {
            file: Writer::new(out, &ABOUT)?,
            flows: HashMap::new(),
            last_ns: 0,
            payload_bytes: 0,
            packet: Vec::new(),
        })
    }

    /// Embeds a TLS key log, so that Wireshark decrypts with no setup. Only before the first event.
    pub fn secrets(&mut self, key_log: &[u8]) -> io::Result<()> {
        self.file.secrets(key_log)
    }

    /// Ends the file; returns what it was written to and what it holds.
    pub fn finish(self) -> io::Result<(W, Recorded)> {
        let (out, Totals { packets, .. }) = self.file.finish()?;
        let recorded = Recorded {
            packets,
            payload_bytes: self.payload_bytes,
        };
        Ok((out, recorded))
    }

    fn open(&mut self, event: &Event, client: SocketAddr, server: SocketAddr) -> io::Result<()> {
        let (client, server) = same_family(client, server);
        let mut flow = Flow {
            client,
            server,
            next: FIRST_SEQUENCE,
        };
        let first = (self.last_ns == 0).then_some(FIRST_PACKET);
        self.segment(event, &mut flow, Direction::ToServer, Says::Syn, &[], first)?;
        if let What::Refused { reason, .. } = &event.what {
            let comment = format!("The server did not take the connection: {reason}");
            flow.next[1] = 0; // a refusal has no sequence of its own (RFC 9293 §3.10.7.1)
            return self.segment(
                event,
                &mut flow,
                Direction::ToClient,
                Says::Reset,
                &[],
                Some(&comment),
            );
        }
        self.segment(
            event,
            &mut flow,
            Direction::ToClient,
            Says::SynAck,
            &[],
            None,
        )?;
        self.segment(event, &mut flow, Direction::ToServer, Says::Ack, &[], None)?;
        self.flows.insert(event.connection, flow);
        Ok(())
    }

    fn bytes(
        &mut self,
        event: &Event,
        flow: &mut Flow,
        way: Direction,
        bytes: &[u8],
    ) -> io::Result<()> {
        let most = usize::from(segment_bytes(flow.client));
        let last = bytes.len().div_ceil(most).saturating_sub(1);
        for (index, payload) in bytes.chunks(most).enumerate() {
            let says = if index == last { Says::Push } else { Says::Ack };
            self.segment(event, flow, way, says, payload, None)?;
        }
        self.payload_bytes += bytes.len() as u64;
        self.segment(event, flow, way.back(), Says::Ack, &[], None)
    }

    /// Leaves out so many sequence numbers, as where a capture has lost packets: Wireshark says "previous segment not
    /// captured". An empty segment carries how many they were.
    fn missing(
        &mut self,
        event: &Event,
        flow: &mut Flow,
        way: Direction,
        bytes: u64,
    ) -> io::Result<()> {
        let me = usize::from(way == Direction::ToClient);
        let left_out = u32::try_from(bytes).unwrap_or(u32::MAX).min(MISSING_MAX);
        flow.next[me] = flow.next[me].wrapping_add(left_out);
        let comment = format!("{bytes} bytes that passed here, in this direction, were not kept");
        self.segment(event, flow, way, Says::Ack, &[], Some(&comment))
    }

    /// Writes one segment from the sender of `way` and counts its sequence on.
    fn segment(
        &mut self,
        event: &Event,
        flow: &mut Flow,
        way: Direction,
        says: Says,
        payload: &[u8],
        comment: Option<&str>,
    ) -> io::Result<()> {
        let (me, from, to) = match way {
            Direction::ToServer => (0, flow.client, flow.server),
            Direction::ToClient => (1, flow.server, flow.client),
        };
        let ack = says != Says::Syn;
        let header = TcpHeader {
            acknowledgment_number: if ack { flow.next[1 - me] } else { 0 },
            syn: matches!(says, Says::Syn | Says::SynAck),
            ack,
            fin: says == Says::Fin,
            rst: says == Says::Reset,
            psh: says == Says::Push,
            ..TcpHeader::new(from.port(), to.port(), flow.next[me], WINDOW)
        };
        let taken = payload.len() + usize::from(header.syn || header.fin);
        self.packet.clear();
        build(&mut self.packet, from, to, header, payload)?;
        // Two packets of one moment would have no order: Wireshark and `capinfos` want strictly rising times.
        self.last_ns = event.at_ns.max(self.last_ns + 1);
        self.file.packet(self.last_ns, &self.packet, comment)?;
        // SYN and FIN take a number each (RFC 9293 §3.4); the payload is at most 1,460 bytes.
        flow.next[me] = flow.next[me].wrapping_add(u32::try_from(taken).unwrap_or(0));
        Ok(())
    }
}

/// What a capture holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Packets.
    pub packets: u64,
    /// Bytes that passed, both ways.
    pub payload_bytes: u64,
}

impl<W: Write> Sink for Recorder<W> {
    fn record(&mut self, event: Event) -> io::Result<()> {
        if let What::Opened { client, server } | What::Refused { client, server, .. } = event.what {
            return self.open(&event, client, server);
        }
        let Some(mut flow) = self.flows.remove(&event.connection) else {
            return Ok(()); // closed already
        };
        match &event.what {
            What::Bytes(way, bytes) => self.bytes(&event, &mut flow, *way, bytes)?,
            What::Missing(way, bytes) => self.missing(&event, &mut flow, *way, *bytes)?,
            What::Ended(way) => {
                self.segment(&event, &mut flow, *way, Says::Fin, &[], None)?;
                self.segment(&event, &mut flow, way.back(), Says::Ack, &[], None)?;
            }
            What::Reset(way) => {
                self.segment(&event, &mut flow, *way, Says::Reset, &[], None)?;
            }
            What::Closed => return Ok(()),
            What::Opened { .. } | What::Refused { .. } => {}
        }
        self.flows.insert(event.connection, flow);
        Ok(())
    }

    fn idle(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Both addresses in one family, as one packet needs: IPv4 becomes IPv4-mapped (RFC 4291 §2.5.5.2) where
/// the relay joined the two.
fn same_family(client: SocketAddr, server: SocketAddr) -> (SocketAddr, SocketAddr) {
    let mapped = |address: SocketAddr| match address.ip() {
        IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    };
    if client.is_ipv4() == server.is_ipv4() {
        (client, server)
    } else {
        (mapped(client), mapped(server))
    }
}

fn segment_bytes(address: SocketAddr) -> u16 {
    if address.is_ipv4() {
        SEGMENT_BYTES_V4
    } else {
        SEGMENT_BYTES_V6
    }
}

fn build(
    packet: &mut Vec<u8>,
    from: SocketAddr,
    to: SocketAddr,
    mut header: TcpHeader,
    payload: &[u8],
) -> io::Result<()> {
    if header.syn {
        let options = [
            TcpOptionElement::MaximumSegmentSize(segment_bytes(from)),
            TcpOptionElement::WindowScale(WINDOW_SCALE),
        ];
        header.set_options(&options).map_err(io::Error::other)?;
    }
    let builder = match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => PacketBuilder::ipv4(from.octets(), to.octets(), HOPS),
        (from, to) => PacketBuilder::ipv6(octets(from), octets(to), HOPS),
    };
    builder
        .tcp_header(header)
        .write_to_vec(packet, payload)
        .map_err(|error: BuildVecWriteError| io::Error::other(error))
}

fn octets(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}
