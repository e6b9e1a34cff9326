//! The older format, pcap (draft-ietf-opsawg-pcap), as `tcpdump -w` writes it: one header for the whole
//! file, one before each packet, and no room for keys or comments.

/// Bytes of the file's header behind its first number.
pub(super) const HEADER_BYTES: usize = 20;

/// Bytes before each packet.
pub(super) const PACKET_HEADER_BYTES: usize = 16;

/// Bytes of the largest packet taken: libpcap's own bound.
pub(super) const PACKET_BYTES_MAX: u32 = 256 * 1024;

/// What the header of a file says about all its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Classic {
    /// The link type of every packet.
    pub(super) link: u16,
    /// Nanoseconds in one unit of the fraction of a second.
    pub(super) unit_ns: u64,
}

/// What the first number of a file tells: whether it is big-endian, and the unit of its times in
/// nanoseconds. None for another format.
pub(super) fn begin(magic: [u8; 4]) -> Option<(bool, u64)> {
    const MICROS: u32 = 0xa1b2_c3d4;
    const NANOS: u32 = 0xa1b2_3c4d;
    let (little, big) = (u32::from_le_bytes(magic), u32::from_be_bytes(magic));
    Some(match (little, big) {
        (MICROS, _) => (false, 1_000),
        (NANOS, _) => (false, 1),
        (_, MICROS) => (true, 1_000),
        (_, NANOS) => (true, 1),
        _ => return None,
    })
}

/// The time of a packet in nanoseconds since 1970.
pub(super) fn at_ns(seconds: u32, fraction: u32, unit_ns: u64) -> u64 {
    u64::from(seconds) * 1_000_000_000 + u64::from(fraction).saturating_mul(unit_ns)
}
