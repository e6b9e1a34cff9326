use super::*;
use crate::lab::pcapng::{About, LINK_RAW, Writer};
use etherparse::{PacketBuilder, TcpHeader};

/// All that was said, kept.
#[derive(Default)]
pub(in crate::lab) struct Heard {
    pub(in crate::lab) connections: Vec<Said>,
    pub(in crate::lab) walked: Walked,
}

pub(in crate::lab) struct Said {
    pub(in crate::lab) client: SocketAddr,
    pub(in crate::lab) to_server: Vec<u8>,
    pub(in crate::lab) to_client: Vec<u8>,
    pub(in crate::lab) ends: Vec<(Direction, bool)>,
    pub(in crate::lab) gaps: u64,
}

impl Witness for Heard {
    fn opened(&mut self, connection: usize, client: SocketAddr, _server: SocketAddr) {
        assert_eq!(connection, self.connections.len());
        self.connections.push(Said {
            client,
            to_server: Vec::new(),
            to_client: Vec::new(),
            ends: Vec::new(),
            gaps: 0,
        });
    }
    fn packet(&mut self, _connection: usize, _frame: u64, _at_ns: u64) {}
    fn bytes(&mut self, connection: usize, way: Direction, _frame: u64, bytes: &[u8]) {
        match way {
            Direction::ToServer => self.connections[connection].to_server.extend(bytes),
            Direction::ToClient => self.connections[connection].to_client.extend(bytes),
        }
    }
    fn gap(&mut self, connection: usize, _way: Direction, bytes: u64) {
        self.connections[connection].gaps += bytes;
    }
    fn ended(&mut self, connection: usize, way: Direction, reset: bool) {
        self.connections[connection].ends.push((way, reset));
    }
}

pub(in crate::lab) fn heard(file: &[u8]) -> Heard {
    let mut heard = Heard::default();
    heard.walked = walk(&mut Reader::new(file).unwrap(), &mut heard).unwrap();
    heard
}

/// A capture of segments from a client, each its sequence number, its payload, and S or F.
fn capture(segments: &[(u32, &str, &str)]) -> Vec<u8> {
    let about = About {
        application: "",
        comment: "",
        interface: "",
        description: "",
        link: LINK_RAW,
    };
    let mut writer = Writer::new(Vec::new(), &about).unwrap();
    for (sequence, payload, flags) in segments {
        let header = TcpHeader {
            syn: flags.contains('S'),
            fin: flags.contains('F'),
            ..TcpHeader::new(1, 2, *sequence, 100)
        };
        let mut packet = Vec::new();
        let builder = PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 1).tcp_header(header);
        builder
            .write_to_vec(&mut packet, payload.as_bytes())
            .unwrap();
        writer.packet(1, &packet, None).unwrap();
    }
    writer.finish().unwrap().0
}

#[test]
fn bytes_out_of_order_repeated_and_overlapping_come_out_once_in_order() {
    // The numbers wrap around in the middle.
    let base = u32::MAX - 3;
    let at = |offset: u32| base.wrapping_add(1).wrapping_add(offset);
    let file = capture(&[
        (base, "", "S"),
        (at(0), "abc", ""),
        (at(0), "abc", ""),
        (at(6), "ghi", ""),
        (at(9), "", "F"),
        (at(2), "cdefgh", ""),
        (at(6), "ghi", ""),
    ]);
    let heard = heard(&file);
    assert_eq!(heard.connections.len(), 1);
    assert_eq!(heard.connections[0].to_server, b"abcdefghi");
    assert_eq!(heard.connections[0].gaps, 0);
    assert_eq!(heard.connections[0].ends, [(Direction::ToServer, false)]);
}

#[test]
fn bytes_that_were_not_captured_are_told_as_a_gap() {
    let heard = heard(&capture(&[(0, "", "S"), (1, "abc", ""), (9, "xyz", "")]));
    assert_eq!(heard.connections[0].to_server, b"abcxyz");
    assert_eq!(heard.connections[0].gaps, 5);
}

#[test]
fn a_port_used_again_is_another_connection_and_a_repeated_syn_is_not() {
    let heard = heard(&capture(&[
        (0, "", "S"),
        (0, "", "S"),
        (1, "one", "F"),
        (7_000, "", "S"),
        (7_001, "two", ""),
    ]));
    let said: Vec<_> = heard
        .connections
        .iter()
        .map(|said| &said.to_server[..])
        .collect();
    assert_eq!(said, [b"one", b"two"]);
}

#[test]
fn a_capture_cut_anywhere_is_read_as_far_as_it_goes() {
    let whole = capture(&[(0, "", "S"), (1, "abcdef", "")]);
    for length in 0..whole.len() {
        let Ok(mut reader) = Reader::new(&whole[..length]) else {
            continue;
        };
        let mut heard = Heard::default();
        let walked = walk(&mut reader, &mut heard).unwrap();
        assert!(walked.packets <= 2);
    }
}

#[test]
fn a_capture_with_any_byte_wrong_is_an_error_or_a_reading_never_a_panic() {
    let whole = capture(&[(0, "", "S"), (1, "abcdef", ""), (7, "", "F")]);
    for at in 0..whole.len() {
        for bit in [0x01, 0x80, 0xff] {
            let mut broken = whole.clone();
            broken[at] ^= bit;
            if let Ok(mut reader) = Reader::new(&broken[..]) {
                let _either = walk(&mut reader, &mut Heard::default());
            }
        }
    }
}
