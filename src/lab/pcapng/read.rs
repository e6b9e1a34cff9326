//! The reader: either byte order, several sections and interfaces, packets one by one; classic pcap too.
//!
//! A capture comes from anywhere, so every length is checked before it is believed or allocated.

#[cfg(test)]
mod tests;

use std::io::{self, Read};

use super::classic::{self, Classic};
use super::faults::{damaged, invalid, not_a_capture, not_pcapng};
use super::{
    BYTE_ORDER_MAGIC, ENHANCED_PACKET, INTERFACE, OBSOLETE_PACKET, OPTION_END, OPTION_RESOLUTION,
    OPTION_TIME_OFFSET, SECRETS, SECRETS_TLS, SECTION_HEADER, SIMPLE_PACKET,
};
use crate::error::{Error, Kind, Result};

/// Bytes of the largest block taken. Wireshark's own bound on a packet is 256 KiB; a key log may be larger.
const BLOCK_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// Interfaces of one section taken at most.
const INTERFACES_MAX: usize = 1_024;

/// Bytes of key logs kept of one capture.
const KEY_LOG_BYTES_MAX: usize = 64 * 1024 * 1024;

const NANOS: u128 = 1_000_000_000;

/// One captured packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Its number as Wireshark counts: the first is 1.
    pub frame: u64,
    /// Nanoseconds since 1970; 0 where the capture tells no time.
    pub at_ns: u64,
    /// The link type of its interface: how `data` begins.
    pub link: u16,
    /// The bytes that were kept, which may be fewer than were on the wire.
    pub data: &'a [u8],
    /// Whether they are fewer: the capture was made with a snap length.
    pub snapped: bool,
}

/// Reads the packets of a capture.
#[derive(Debug)]
pub struct Reader<R: Read> {
    input: R,
    big_endian: bool,
    interfaces: Vec<Interface>,
    body: Vec<u8>,
    frames: u64,
    secrets: u64,
    key_log: Vec<u8>,
    /// The file's first number, until it is told what it means.
    first: Option<[u8; 4]>,
    /// The file is of the older format.
    classic: Option<Classic>,
    cut: bool,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: u16,
    snap_bytes: u32,
    ticks_per_second: u128,
    offset_s: i64,
}

impl<R: Read> Reader<R> {
    /// Begins to read; wants a section header first, or the header of classic pcap. Give a buffered `input`.
    pub fn new(input: R) -> Result<Self> {
        let mut reader = Self {
            input,
            big_endian: false,
            interfaces: Vec::new(),
            body: Vec::new(),
            frames: 0,
            secrets: 0,
            key_log: Vec::new(),
            first: None,
            classic: None,
            cut: false,
        };
        let mut first = [0; 4];
        if fill(&mut reader.input, &mut first).map_err(not_pcapng)? < 4 {
            return Err(not_a_capture());
        }
        if let Some((big_endian, unit_ns)) = classic::begin(first) {
            reader.big_endian = big_endian;
            return reader.begin_classic(unit_ns);
        }
        reader.first = Some(first);
        let kind = reader.next_block().map_err(not_pcapng)?;
        match kind {
            Some(SECTION_HEADER) => Ok(reader),
            _ => Err(not_a_capture()),
        }
    }

    /// The next packet, or none at the end.
    pub fn packet(&mut self) -> Result<Option<Packet<'_>>> {
        if let Some(classic) = self.classic {
            return self.classic_packet(classic);
        }
        loop {
            let kind = self.next_block().map_err(|error| {
                Error::io(Kind::LocalRead, "read the capture", error)
                    .hint("the file is damaged; capture again")
            })?;
            let Some(kind) = kind else { return Ok(None) };
            match kind {
                INTERFACE => self.interface()?,
                SECRETS => self.keep_secrets(),
                ENHANCED_PACKET | OBSOLETE_PACKET | SIMPLE_PACKET => {
                    let place = self.place(kind).ok_or_else(damaged)?;
                    self.frames += 1;
                    return Ok(Some(Packet {
                        frame: self.frames,
                        at_ns: place.at_ns,
                        link: place.link,
                        data: &self.body[place.from..place.to],
                        snapped: place.snapped,
                    }));
                }
                _ => {} // names, statistics, what is not invented yet: skipped, as the draft asks
            }
        }
    }

    /// How many blocks of decryption secrets were passed: whoever has the file can read its TLS.
    pub fn secrets(&self) -> u64 {
        self.secrets
    }

    /// The key logs of the blocks that were passed, one behind the other.
    pub fn key_log(&self) -> &[u8] {
        &self.key_log
    }

    /// Whether the file ended inside a block: whoever wrote it was stopped.
    pub fn cut(&self) -> bool {
        self.cut
    }

    fn begin_classic(mut self, unit_ns: u64) -> Result<Self> {
        self.body.resize(classic::HEADER_BYTES, 0);
        if fill(&mut self.input, &mut self.body).map_err(not_pcapng)? < self.body.len() {
            return Err(not_a_capture());
        }
        // The upper half of the number tells of checksums behind the packets (FCS).
        let link = self.u32_at(16).ok_or_else(damaged)? & 0xffff;
        self.classic = Some(Classic {
            link: u16::try_from(link).unwrap_or(u16::MAX),
            unit_ns,
        });
        Ok(self)
    }

    fn classic_packet(&mut self, about: Classic) -> Result<Option<Packet<'_>>> {
        let failed = |error| Error::io(Kind::LocalRead, "read the capture", error);
        self.body.resize(classic::PACKET_HEADER_BYTES, 0);
        let got = fill(&mut self.input, &mut self.body).map_err(failed)?;
        if got < self.body.len() {
            self.cut = got > 0;
            return Ok(None);
        }
        let number = |at| self.u32_at(at).ok_or_else(damaged);
        let (seconds, fraction) = (number(0)?, number(4)?);
        let (kept, whole) = (number(8)?, number(12)?);
        if kept > classic::PACKET_BYTES_MAX {
            return Err(damaged());
        }
        self.body.resize(kept as usize, 0);
        if fill(&mut self.input, &mut self.body).map_err(failed)? < self.body.len() {
            self.cut = true;
            return Ok(None);
        }
        self.frames += 1;
        Ok(Some(Packet {
            frame: self.frames,
            at_ns: classic::at_ns(seconds, fraction, about.unit_ns),
            link: about.link,
            data: &self.body,
            snapped: kept < whole,
        }))
    }

    /// Counts the block, and keeps it when it is a key log of TLS.
    fn keep_secrets(&mut self) {
        self.secrets += 1;
        let (Some(SECRETS_TLS), Some(length)) = (self.u32_at(0), self.u32_at(4)) else {
            return;
        };
        let log = self.body.get(8..).unwrap_or_default();
        let log = &log[..log.len().min(length as usize)];
        if self.key_log.len() + log.len() < KEY_LOG_BYTES_MAX {
            self.key_log.extend(log);
            self.key_log.push(b'\n');
        }
    }

    /// Reads one block into `body` and returns its type.
    fn next_block(&mut self) -> io::Result<Option<u32>> {
        let (mut kind, mut length) = ([0; 4], [0; 4]);
        let got = match self.first.take() {
            Some(first) => {
                kind = first;
                4
            }
            None => fill(&mut self.input, &mut kind)?,
        };
        match got {
            0 => return Ok(None),
            4 if fill(&mut self.input, &mut length)? == 4 => {}
            _ => return Ok(self.end_early()),
        }
        // A section header reads the same in both byte orders; the number behind it tells which one it is.
        let mut magic = [0; 4];
        let is_section = u32::from_le_bytes(kind) == SECTION_HEADER;
        if is_section {
            if fill(&mut self.input, &mut magic)? < 4 {
                return Ok(self.end_early());
            }
            self.big_endian = match u32::from_le_bytes(magic) {
                BYTE_ORDER_MAGIC => false,
                other if other.swap_bytes() == BYTE_ORDER_MAGIC => true,
                _ => return Err(invalid("the byte-order mark is wrong")),
            };
            self.interfaces.clear();
        }
        let (kind, length) = (self.u32(kind), self.u32(length));
        let skipped = if is_section { 16 } else { 12 };
        if length % 4 != 0 || !(skipped..=BLOCK_BYTES_MAX).contains(&length) {
            return Err(invalid("the length of a block is impossible"));
        }
        self.body.resize((length - skipped) as usize, 0);
        let mut tail = [0; 4];
        if fill(&mut self.input, &mut self.body)? < self.body.len()
            || fill(&mut self.input, &mut tail)? < 4
        {
            return Ok(self.end_early());
        }
        if self.u32(tail) != length {
            return Err(invalid("the two lengths of a block differ"));
        }
        Ok(Some(kind))
    }

    fn end_early(&mut self) -> Option<u32> {
        self.cut = true;
        None
    }

    fn interface(&mut self) -> Result<()> {
        let read = || {
            let mut interface = Interface {
                link: self.u16_at(0)?,
                snap_bytes: self.u32_at(4)?,
                ticks_per_second: 1_000_000,
                offset_s: 0,
            };
            let mut at = 8;
            while let (Some(code), Some(length)) = (self.u16_at(at), self.u16_at(at + 2)) {
                let value = self.body.get(at + 4..at + 4 + usize::from(length))?;
                match (code, value) {
                    (OPTION_END, _) => break,
                    (OPTION_RESOLUTION, &[resolution]) => {
                        interface.ticks_per_second = ticks_per_second(resolution)?;
                    }
                    (OPTION_TIME_OFFSET, value) => {
                        let value = value.try_into().ok()?;
                        interface.offset_s = if self.big_endian {
                            i64::from_be_bytes(value)
                        } else {
                            i64::from_le_bytes(value)
                        };
                    }
                    _ => {}
                }
                at += 4 + usize::from(length).next_multiple_of(4);
            }
            Some(interface)
        };
        let interface = read().ok_or_else(damaged)?;
        if self.interfaces.len() == INTERFACES_MAX {
            return Err(damaged());
        }
        self.interfaces.push(interface);
        Ok(())
    }

    /// Where in the block the packet's bytes are, and when it was seen.
    fn place(&self, kind: u32) -> Option<Place> {
        if kind == SIMPLE_PACKET {
            let interface = self.interfaces.first()?;
            let kept = match interface.snap_bytes {
                0 => self.u32_at(0)?,
                snap => self.u32_at(0)?.min(snap),
            };
            return self.place_at(interface, 0, 4, [kept, self.u32_at(0)?]);
        }
        let interface = match kind {
            OBSOLETE_PACKET => u32::from(self.u16_at(0)?),
            _ => self.u32_at(0)?,
        };
        let interface = self.interfaces.get(interface as usize)?;
        let ticks = u64::from(self.u32_at(4)?) << 32 | u64::from(self.u32_at(8)?);
        let lengths = [self.u32_at(12)?, self.u32_at(16)?];
        self.place_at(interface, interface.nanos(ticks), 20, lengths)
    }

    fn place_at(
        &self,
        interface: &Interface,
        at_ns: u64,
        from: usize,
        [kept, whole]: [u32; 2],
    ) -> Option<Place> {
        let to = from.checked_add(kept as usize)?;
        (to <= self.body.len()).then_some(Place {
            at_ns,
            link: interface.link,
            from,
            to,
            snapped: kept < whole,
        })
    }

    fn u16_at(&self, at: usize) -> Option<u16> {
        let bytes = self.body.get(at..at + 2)?.try_into().ok()?;
        Some(if self.big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        })
    }

    fn u32_at(&self, at: usize) -> Option<u32> {
        Some(self.u32(self.body.get(at..at + 4)?.try_into().ok()?))
    }

    fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }
}

struct Place {
    at_ns: u64,
    link: u16,
    from: usize,
    to: usize,
    snapped: bool,
}

impl Interface {
    fn nanos(&self, ticks: u64) -> u64 {
        let ns = u128::from(ticks) * NANOS / self.ticks_per_second;
        let offset = i128::from(self.offset_s).saturating_mul(NANOS.cast_signed());
        u64::try_from(ns.cast_signed().saturating_add(offset)).unwrap_or(0)
    }
}

/// `if_tsresol`: a power of ten, or of two when the highest bit is set.
fn ticks_per_second(resolution: u8) -> Option<u128> {
    let power = u32::from(resolution & 0x7f);
    let base: u128 = if resolution & 0x80 == 0 { 10 } else { 2 };
    // Beyond 64 bits a tick count of 64 bits would always be the year 1970.
    base.checked_pow(power)
        .filter(|ticks| *ticks <= u128::from(u64::MAX))
}

/// Reads until `buffer` is full or the input ends; returns how much it got.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match input.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
