//! Captures in the pcapng format (draft-ietf-opsawg-pcapng), as Wireshark writes and reads them.
//!
//! The blocks come in an order that was measured, not guessed: section header, interface description,
//! names, decryption secrets, packets, interface statistics. Secrets behind the first encrypted packet decrypt
//! nothing, and secrets before the interface description make a file that `editcap` cannot copy.
//!
//! The reader takes classic pcap as well, as `tcpdump -w` writes it.

mod classic;
mod faults;
mod read;
mod write;

pub use read::{Packet, Reader};
pub use write::{About, Totals, Writer};

/// Section Header Block; reads the same in both byte orders.
const SECTION_HEADER: u32 = 0x0a0d_0d0a;
/// Interface Description Block.
const INTERFACE: u32 = 1;
/// Packet Block, obsolete (no longer written): only read.
const OBSOLETE_PACKET: u32 = 2;
/// Simple Packet Block: only read.
const SIMPLE_PACKET: u32 = 3;
/// Name Resolution Block.
const NAMES: u32 = 4;
/// Interface Statistics Block.
const STATISTICS: u32 = 5;
/// Enhanced Packet Block.
const ENHANCED_PACKET: u32 = 6;
/// Decryption Secrets Block.
const SECRETS: u32 = 10;

/// The number behind the section header that tells the byte order.
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

/// A TLS key log inside a Decryption Secrets Block: `TLSK`.
const SECRETS_TLS: u32 = 0x544c_534b;

const OPTION_END: u16 = 0;
const OPTION_COMMENT: u16 = 1;
const OPTION_INTERFACE_NAME: u16 = 2;
const OPTION_INTERFACE_DESCRIPTION: u16 = 3;
const OPTION_APPLICATION: u16 = 4;
const OPTION_RESOLUTION: u16 = 9;
const OPTION_TIME_OFFSET: u16 = 14;
const OPTION_STATISTICS_START: u16 = 2;
const OPTION_STATISTICS_END: u16 = 3;
const OPTION_STATISTICS_PACKETS: u16 = 4;
const OPTION_STATISTICS_DROPPED: u16 = 5;

const NAMES_END: u16 = 0;
const NAMES_IPV4: u16 = 1;
const NAMES_IPV6: u16 = 2;

/// `LINKTYPE_RAW`: a packet begins with its IP header, so that no Ethernet address has to be invented.
pub const LINK_RAW: u16 = 101;
/// `LINKTYPE_NULL`: BSD loopback, four bytes of address family in the byte order of the capturing machine.
pub const LINK_NULL: u16 = 0;
/// `LINKTYPE_ETHERNET`, which Linux also uses for its loopback.
pub const LINK_ETHERNET: u16 = 1;
/// `LINKTYPE_LOOP`: OpenBSD loopback, four bytes of address family in network order.
pub const LINK_LOOP: u16 = 108;
/// `LINKTYPE_LINUX_SLL`: Linux' `any` device, 16 bytes before the packet.
pub const LINK_LINUX_SLL: u16 = 113;
/// `LINKTYPE_IPV4`.
pub const LINK_IPV4: u16 = 228;
/// `LINKTYPE_IPV6`.
pub const LINK_IPV6: u16 = 229;
/// `LINKTYPE_LINUX_SLL2`: the newer form of Linux' `any` device, 20 bytes before the packet.
pub const LINK_LINUX_SLL2: u16 = 276;
