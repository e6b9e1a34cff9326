//! The writer: one section, one interface, times in nanoseconds, little-endian.

use std::io::{self, Write};
use std::net::IpAddr;

use super::{
    BYTE_ORDER_MAGIC, ENHANCED_PACKET, INTERFACE, NAMES, NAMES_END, NAMES_IPV4, NAMES_IPV6,
    OPTION_APPLICATION, OPTION_COMMENT, OPTION_END, OPTION_INTERFACE_DESCRIPTION,
    OPTION_INTERFACE_NAME, OPTION_RESOLUTION, OPTION_STATISTICS_DROPPED, OPTION_STATISTICS_END,
    OPTION_STATISTICS_PACKETS, OPTION_STATISTICS_START, SECRETS, SECRETS_TLS, SECTION_HEADER,
    STATISTICS,
};

/// What a capture says about itself.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The program that wrote it.
    pub application: &'a str,
    /// How it came about; whoever opens the file sees it first.
    pub comment: &'a str,
    /// The interface's name, as Wireshark lists it.
    pub interface: &'a str,
    /// One sentence about the interface.
    pub description: &'a str,
    /// How its packets begin, such as [`LINK_RAW`](super::LINK_RAW).
    pub link: u16,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Packets, which is also the last frame's number.
    pub packets: u64,
    /// Bytes of the whole file.
    pub file_bytes: u64,
}

/// Writes a capture block by block: memory for one packet, and every prefix of whole blocks is readable.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    block: Vec<u8>,
    totals: Totals,
    first_ns: u64,
    last_ns: u64,
    dropped: Option<u64>,
}

impl<W: Write> Writer<W> {
    /// Begins the file: section header and interface description.
    pub fn new(out: W, about: &About<'_>) -> io::Result<Self> {
        let mut writer = Self {
            out,
            block: Vec::new(),
            totals: Totals::default(),
            first_ns: 0,
            last_ns: 0,
            dropped: None,
        };
        writer.write(SECTION_HEADER, |block| {
            block.extend(BYTE_ORDER_MAGIC.to_le_bytes());
            block.extend(1u16.to_le_bytes()); // version 1.0
            block.extend(0u16.to_le_bytes());
            block.extend(u64::MAX.to_le_bytes()); // section length: not known in advance
            option(block, OPTION_APPLICATION, about.application.as_bytes());
            option(block, OPTION_COMMENT, about.comment.as_bytes());
            option(block, OPTION_END, &[]);
        })?;
        writer.write(INTERFACE, |block| {
            block.extend(about.link.to_le_bytes());
            block.extend(0u16.to_le_bytes());
            block.extend(0u32.to_le_bytes()); // snap length: whole packets
            option(block, OPTION_INTERFACE_NAME, about.interface.as_bytes());
            option(
                block,
                OPTION_INTERFACE_DESCRIPTION,
                about.description.as_bytes(),
            );
            option(block, OPTION_RESOLUTION, &[9]); // 10^-9 s
            option(block, OPTION_END, &[]);
        })?;
        Ok(writer)
    }

    /// Gives addresses names, which Wireshark shows in their place. Only before secrets and packets.
    pub fn names(&mut self, names: &[(IpAddr, String)]) -> io::Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        self.write(NAMES, |block| {
            for (address, name) in names {
                let (kind, octets) = match address {
                    IpAddr::V4(ip) => (NAMES_IPV4, ip.octets().to_vec()),
                    IpAddr::V6(ip) => (NAMES_IPV6, ip.octets().to_vec()),
                };
                // A record is an address and its names, each ended by a zero: laid out as an option is.
                let record = [&octets, name.as_bytes(), &[0]].concat();
                option(block, kind, &record);
            }
            option(block, NAMES_END, &[]);
        })
    }

    /// Embeds a TLS key log (`SSLKEYLOGFILE` lines), so that Wireshark decrypts with no setup. Only before
    /// the first packet: behind it, the packets before it would stay encrypted (`InvalidInput`).
    pub fn secrets(&mut self, key_log: &[u8]) -> io::Result<()> {
        if self.totals.packets > 0 {
            let message = "secrets must be written before the first packet";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let length = length(key_log.len())?;
        self.write(SECRETS, |block| {
            block.extend(SECRETS_TLS.to_le_bytes());
            block.extend(length.to_le_bytes());
            padded(block, key_log);
        })
    }

    /// Writes one packet, seen `at_ns` nanoseconds after 1970, with a comment for Wireshark's reader or none.
    pub fn packet(&mut self, at_ns: u64, packet: &[u8], comment: Option<&str>) -> io::Result<()> {
        let length = length(packet.len())?;
        self.write(ENHANCED_PACKET, |block| {
            block.extend(0u32.to_le_bytes()); // the one interface
            block.extend(time(at_ns));
            block.extend(length.to_le_bytes()); // captured
            block.extend(length.to_le_bytes()); // on the wire
            padded(block, packet);
            if let Some(comment) = comment {
                option(block, OPTION_COMMENT, comment.as_bytes());
                option(block, OPTION_END, &[]);
            }
        })?;
        if self.totals.packets == 0 {
            self.first_ns = at_ns;
        }
        self.last_ns = at_ns;
        self.totals.packets += 1;
        Ok(())
    }

    /// Hands what was written so far to whoever watches the file grow.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Says how many packets the interface lost; the statistics at the file's end have it.
    pub fn dropped(&mut self, packets: u64) {
        self.dropped = Some(packets);
    }

    /// Ends the file with the interface's statistics.
    pub fn finish(mut self) -> io::Result<(W, Totals)> {
        let (first, last, packets) = (self.first_ns, self.last_ns, self.totals.packets);
        let dropped = self.dropped;
        self.write(STATISTICS, |block| {
            block.extend(0u32.to_le_bytes()); // the one interface
            block.extend(time(last));
            option(block, OPTION_STATISTICS_START, &time(first));
            option(block, OPTION_STATISTICS_END, &time(last));
            option(block, OPTION_STATISTICS_PACKETS, &packets.to_le_bytes());
            if let Some(dropped) = dropped {
                option(block, OPTION_STATISTICS_DROPPED, &dropped.to_le_bytes());
            }
            option(block, OPTION_END, &[]);
        })?;
        self.out.flush()?;
        Ok((self.out, self.totals))
    }

    /// A block is its type, its length, its body and its length again.
    fn write(&mut self, kind: u32, body: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        self.block.clear();
        self.block.extend(kind.to_le_bytes());
        self.block.extend([0; 4]);
        body(&mut self.block);
        let length = length(self.block.len() + 4)?.to_le_bytes();
        self.block.extend(length);
        self.block[4..8].copy_from_slice(&length);
        self.totals.file_bytes += self.block.len() as u64;
        self.out.write_all(&self.block)
    }
}

/// A time as two halves, the high one first whatever the byte order.
fn time(ns: u64) -> [u8; 8] {
    ns.rotate_left(32).to_le_bytes()
}

/// Appends an option; a text too long for its 16-bit length is cut.
fn option(block: &mut Vec<u8>, code: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    block.extend(code.to_le_bytes());
    block.extend(length.to_le_bytes());
    padded(block, &value[..length.into()]);
}

fn padded(block: &mut Vec<u8>, bytes: &[u8]) {
    block.extend(bytes);
    block.resize(block.len().next_multiple_of(4), 0);
}

fn length(bytes: usize) -> io::Result<u32> {
    u32::try_from(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "block too large"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::pcapng::{LINK_RAW, Reader};

    const ABOUT: About<'_> = About {
        application: "a",
        comment: "three 字",
        interface: "i",
        description: "",
        link: LINK_RAW,
    };

    /// The types of the blocks, in order.
    fn kinds(mut file: &[u8]) -> Vec<u32> {
        let mut kinds = Vec::new();
        while let Some((head, _)) = file.split_first_chunk::<8>() {
            let [kind, length] = [0, 4]
                .map(|at| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]));
            kinds.push(kind);
            file = &file[length as usize..];
        }
        kinds
    }

    #[test]
    fn secrets_stand_in_front_of_the_packets_and_are_refused_behind_one() {
        let mut writer = Writer::new(Vec::new(), &ABOUT).unwrap();
        let named = ("127.0.0.1".parse().unwrap(), "client".to_owned());
        writer.names(&[named]).unwrap();
        writer.secrets(b"CLIENT_RANDOM 00 00\n").unwrap();
        writer
            .packet(u64::MAX, b"abcde", Some("a comment"))
            .unwrap();
        let error = writer.secrets(b"too late").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let (file, totals) = writer.finish().unwrap();
        assert_eq!((totals.packets, totals.file_bytes), (1, file.len() as u64));
        assert_eq!(
            kinds(&file),
            [
                SECTION_HEADER,
                INTERFACE,
                NAMES,
                SECRETS,
                ENHANCED_PACKET,
                STATISTICS
            ]
        );
        let mut reader = Reader::new(&file[..]).unwrap();
        let packet = reader.packet().unwrap().unwrap();
        assert_eq!((packet.at_ns, packet.data), (u64::MAX, &b"abcde"[..]));
        assert_eq!(reader.packet().unwrap(), None);
        assert_eq!((reader.secrets(), reader.cut()), (1, false));
        assert_eq!(reader.key_log(), b"CLIENT_RANDOM 00 00\n\n");
    }
}
