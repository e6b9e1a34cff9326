//! The reader, over files written by hand.

use super::*;
use crate::lab::pcapng::LINK_ETHERNET;

/// A big-endian capture as an old machine writes it: microseconds, a packet of each kind, a name block.
fn big_endian() -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let length = u32::try_from(body.len() + 12).unwrap().to_be_bytes();
        [&kind.to_be_bytes()[..], &length, body, &length].concat()
    };
    let section = [
        0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255,
    ];
    let interface = [0, 1, 0, 0, 0, 0, 0, 0]; // Ethernet, no options
    let one_second = [0, 0, 0, 0, 0, 0x0f, 0x42, 0x40]; // 1,000,000 ticks
    let lengths = [0, 0, 0, 3, 0, 0, 0, 9]; // 3 bytes kept of 9
    let enhanced = [&[0; 4], &one_second[..], &lengths, b"abc\0"].concat();
    let obsolete = [&[0; 4], &one_second[..], &lengths, b"def\0"].concat();
    let simple = [&[0, 0, 0, 4], &b"ghij"[..]].concat();
    [
        block(SECTION_HEADER, &section),
        block(INTERFACE, &interface),
        block(4, &[0; 4]),
        block(ENHANCED_PACKET, &enhanced),
        block(OBSOLETE_PACKET, &obsolete),
        block(SIMPLE_PACKET, &simple),
    ]
    .concat()
}

#[test]
fn both_byte_orders_and_every_kind_of_packet_are_read() {
    let file = big_endian();
    let mut reader = Reader::new(&file[..]).unwrap();
    for (frame, at_ns, data, snapped) in [
        (1, 1_000_000_000, &b"abc"[..], true),
        (2, 1_000_000_000, b"def", true),
        (3, 0, b"ghij", false),
    ] {
        let packet = Packet {
            frame,
            at_ns,
            link: LINK_ETHERNET,
            data,
            snapped,
        };
        assert_eq!(reader.packet().unwrap(), Some(packet));
    }
    assert_eq!(reader.packet().unwrap(), None);
    assert!(!reader.cut());
}

#[test]
fn classic_pcap_is_read_in_both_byte_orders_with_either_unit_of_time() {
    for (magic, unit_ns) in [(0xa1b2_c3d4_u32, 1_000), (0xa1b2_3c4d, 1)] {
        for to_bytes in [u32::to_le_bytes, u32::to_be_bytes] {
            let header = [magic, 0x0002_0004, 0, 0, 65_535, 1];
            let packet = [7, 5, 3, 9];
            let numbers = header.into_iter().chain(packet).map(to_bytes);
            let mut file: Vec<u8> = numbers.flatten().collect();
            file.extend(b"abc");
            let mut reader = Reader::new(&file[..]).unwrap();
            let expected = Packet {
                frame: 1,
                at_ns: 7_000_000_000 + 5 * unit_ns,
                link: LINK_ETHERNET,
                data: b"abc",
                snapped: true,
            };
            assert_eq!(reader.packet().unwrap(), Some(expected));
            assert_eq!(reader.packet().unwrap(), None);
            assert!(!reader.cut());
            let mut cut = Reader::new(&file[..file.len() - 1]).unwrap();
            assert_eq!(cut.packet().unwrap(), None);
            assert!(cut.cut());
        }
    }
}

#[test]
fn what_is_no_capture_is_refused_with_the_way_to_convert_it() {
    for file in [
        &b""[..],
        b"hello, world",
        &[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0],
    ] {
        let error = Reader::new(file).unwrap_err();
        assert_eq!(
            error.message(),
            "this is no capture, neither pcapng nor pcap"
        );
        assert!(error.next_step().unwrap().contains("editcap"));
    }
}

#[test]
fn a_length_that_lies_is_refused_before_it_is_believed() {
    let mut file = big_endian();
    file[28 + 4..28 + 8].copy_from_slice(&[0x7f, 0xff, 0xff, 0xfc]);
    let error = Reader::new(&file[..]).unwrap().packet().unwrap_err();
    assert_eq!(error.kind(), Kind::LocalRead);
}

#[test]
fn resolutions_of_ten_and_of_two_are_told_apart() {
    assert_eq!(ticks_per_second(9), Some(1_000_000_000));
    assert_eq!(ticks_per_second(0x8a), Some(1_024));
    assert_eq!(ticks_per_second(99), None);
}
