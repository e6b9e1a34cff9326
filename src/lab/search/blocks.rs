//! The blocks of a file, looked for at any offset of a stream.
//!
//! A hash that rolls from byte to byte (Rabin and Karp) tells where a block might be, a digest whether it
//! is one. Right behind a block that was found the next one is expected, so a file in one piece costs
//! hardly more than its digest.

use std::io::{self, Read};
use std::sync::Arc;

use super::{BATCH_BYTES, Histogram};
use crate::protocol::Sha256;

/// Bytes of one block of a file: large enough that none is found by chance, small enough that a part of a
/// file shows as a part.
pub const BLOCK_BYTES: usize = 4_096;

/// Bytes of the shortest last block that is looked for on its own; a shorter one counts only right behind
/// the block before it. Eight random bytes turn up by chance in one of 2^34 gigabytes.
const TAIL_BYTES_MIN: usize = 8;

/// Bytes kept of a block's digest: enough that no two blocks of any file have the same by chance.
const DIGEST_BYTES: usize = 16;

/// A file cut into blocks, known by their hashes: 46 bytes of memory for each 4 KiB, and half as much again
/// while it is read.
#[derive(Debug)]
pub struct FileBlocks {
    /// Bytes of the file.
    pub bytes: u64,
    /// Bits of entropy in each byte.
    pub entropy: f64,
    /// For each whole block, which of `distinct` it is.
    order: Vec<u32>,
    /// In the order of their hashes.
    distinct: Vec<Distinct>,
    /// Where in `distinct` the hashes with certain highest bits begin, and where they end.
    begins: Vec<u32>,
    filter: Filter,
    tail: Vec<u8>,
}

#[derive(Debug)]
struct Distinct {
    hash: u64,
    digest: [u8; DIGEST_BYTES],
    /// How many blocks of the file have these bytes.
    count: u32,
    /// The first of them.
    first: u32,
}

impl FileBlocks {
    /// Reads a file to its end.
    pub fn read(mut input: impl Read) -> io::Result<Self> {
        let mut blocks = Vec::new();
        let mut histogram = Histogram::default();
        let mut bytes = 0;
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        loop {
            block.clear();
            let length = (&mut input)
                .take(BLOCK_BYTES as u64)
                .read_to_end(&mut block)?;
            bytes += length as u64;
            histogram.feed(&block);
            if length < BLOCK_BYTES {
                break;
            }
            blocks.push((hash(&block), digest(&block)));
        }
        let (order, distinct) = distinguish(&blocks)?;
        drop(blocks);
        Ok(Self {
            bytes,
            entropy: histogram.entropy(),
            begins: begins(&distinct),
            filter: Filter::of(distinct.iter().map(|block| block.hash)),
            order,
            distinct,
            tail: block,
        })
    }

    /// How many blocks it has, the last one whole or not.
    pub fn count(&self) -> u64 {
        self.order.len() as u64 + u64::from(!self.tail.is_empty())
    }

    /// The last block, when it is not whole but long enough to be looked for on its own.
    pub fn tail_pattern(&self) -> Option<&[u8]> {
        (self.tail.len() >= TAIL_BYTES_MIN).then_some(&self.tail)
    }

    fn distinct_with(&self, hash: u64, block: &[u8]) -> Option<usize> {
        if !self.filter.may_hold(hash) {
            return None;
        }
        let bucket = bucket(hash, self.begins.len() - 1);
        let (from, to) = (
            self.begins[bucket] as usize,
            self.begins[bucket + 1] as usize,
        );
        let alike = self.distinct[from..to]
            .iter()
            .position(|one| one.hash == hash)?;
        let digest = digest(block);
        let mut candidates = self.distinct[from + alike..to].iter();
        let at = candidates.position(|one| one.hash == hash && one.digest == digest)?;
        Some(from + alike + at)
    }
}

/// Which blocks are the same: for each the number of its kind, and the kinds in the order of their hashes.
fn distinguish(blocks: &[(u64, [u8; DIGEST_BYTES])]) -> io::Result<(Vec<u32>, Vec<Distinct>)> {
    let all = u32::try_from(blocks.len()).map_err(io::Error::other)?;
    let mut sorted: Vec<u32> = (0..all).collect();
    sorted.sort_unstable_by_key(|index| (blocks[*index as usize], *index));
    let mut order = vec![0; blocks.len()];
    let mut distinct: Vec<Distinct> = Vec::new();
    for index in sorted {
        let (hash, digest) = blocks[index as usize];
        match distinct.last_mut() {
            Some(last) if (last.hash, last.digest) == (hash, digest) => last.count += 1,
            _ => distinct.push(Distinct {
                hash,
                digest,
                count: 1,
                first: index,
            }),
        }
        order[index as usize] = u32::try_from(distinct.len() - 1).unwrap_or(all);
    }
    distinct.shrink_to_fit();
    Ok((order, distinct))
}

/// Where each bucket of hashes begins, and at last where all end: about one hash in each.
fn begins(distinct: &[Distinct]) -> Vec<u32> {
    let buckets = distinct.len().next_power_of_two();
    let mut begins = vec![0; buckets + 1];
    for block in distinct {
        begins[bucket(block.hash, buckets) + 1] += 1;
    }
    let mut sum = 0;
    for begin in &mut begins {
        sum += *begin;
        *begin = sum;
    }
    begins
}

/// The highest bits choose; `buckets` is a power of two.
fn bucket(hash: u64, buckets: usize) -> usize {
    let place = hash.checked_shr(64 - buckets.trailing_zeros()).unwrap_or(0);
    usize::try_from(place).unwrap_or(0)
}

fn digest(block: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut digest = [0; DIGEST_BYTES];
    digest.copy_from_slice(&Sha256::of(block).as_bytes()[..DIGEST_BYTES]);
    digest
}

/// Looks for a file's blocks at any offset of a stream.
#[derive(Debug)]
pub struct BlockSearch {
    file: Arc<FileBlocks>,
    /// Which distinct blocks were found; empty until the first one is.
    found: Vec<bool>,
    found_tail: bool,
    pending: Vec<u8>,
    at: usize,
    /// The hash of the block at `at`, while rolling.
    rolling: Option<u64>,
    /// The block that should come next, right behind one that was found.
    expected: Option<usize>,
}

impl BlockSearch {
    /// Nothing is found yet.
    pub fn new(file: Arc<FileBlocks>) -> Self {
        Self {
            file,
            found: Vec::new(),
            found_tail: false,
            pending: Vec::new(),
            at: 0,
            rolling: None,
            expected: None,
        }
    }

    /// Takes the next bytes of the stream.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.pending.extend(bytes);
        while self.step() {}
        if self.at >= BATCH_BYTES {
            self.pending.drain(..self.at);
            self.at = 0;
        }
    }

    /// The next bytes do not follow the last ones; also gives the memory back at the end.
    pub fn gap(&mut self) {
        self.pending = Vec::new();
        (self.at, self.rolling, self.expected) = (0, None, None);
    }

    /// Marks in `found` what this stream held, one flag for each distinct block.
    pub fn add_to(&self, found: &mut Found) {
        found.tail |= self.found_tail;
        if !self.found.is_empty() {
            found.blocks.resize(self.found.len(), false);
            for (all, this) in found.blocks.iter_mut().zip(&self.found) {
                *all |= this;
            }
        }
    }

    /// Looks at one place; false when more bytes are needed.
    fn step(&mut self) -> bool {
        let file = Arc::clone(&self.file);
        let rest = &self.pending[self.at..];
        if let Some(index) = self.expected {
            let Some(id) = file.order.get(index).map(|id| *id as usize) else {
                return self.step_tail();
            };
            let Some(block) = rest.get(..BLOCK_BYTES) else {
                return false;
            };
            if digest(block) == file.distinct[id].digest {
                self.hit(id, index);
            } else {
                self.expected = None;
            }
            return true;
        }
        let Some((block, ahead)) = rest.split_at_checked(BLOCK_BYTES) else {
            return false;
        };
        let mut rolling = self.rolling.unwrap_or_else(|| hash(block));
        // Rolls on until the filter sees something, or the bytes end.
        let mut moved = 0;
        while !file.filter.may_hold(rolling) && moved < ahead.len() {
            rolling = roll(rolling, rest[moved], ahead[moved]);
            moved += 1;
        }
        let block = &rest[moved..moved + BLOCK_BYTES];
        if let Some(id) = file.distinct_with(rolling, block) {
            self.at += moved;
            self.hit(id, file.distinct[id].first as usize);
            return true;
        }
        if moved < ahead.len() {
            rolling = roll(rolling, rest[moved], ahead[moved]);
            moved += 1;
        }
        self.rolling = Some(rolling);
        self.at += moved;
        moved > 0
    }

    fn step_tail(&mut self) -> bool {
        let rest = &self.pending[self.at..];
        let tail = &self.file.tail;
        if rest.len() < tail.len() {
            return false;
        }
        self.found_tail |= rest.starts_with(tail);
        self.expected = None;
        true
    }

    fn hit(&mut self, id: usize, index: usize) {
        self.found.resize(self.file.distinct.len(), false);
        self.found[id] = true;
        self.at += BLOCK_BYTES;
        (self.expected, self.rolling) = (Some(index + 1), None);
    }
}

/// Which blocks of a file were found, in one stream or several.
#[derive(Clone, Debug, Default)]
pub struct Found {
    blocks: Vec<bool>,
    /// The last block, when it is not whole.
    pub tail: bool,
}

impl Found {
    /// How many blocks of the file these are; equal blocks are found together.
    pub fn count(&self, file: &FileBlocks) -> u64 {
        let found = self.blocks.iter().zip(&file.distinct);
        let whole: u64 = found
            .map(|(found, block)| u64::from(*found) * u64::from(block.count))
            .sum();
        whole + u64::from(self.tail && !file.tail.is_empty())
    }
}

/// Tells quickly that a hash is certainly not among the known ones: one bit of 16 is set.
#[derive(Debug, Default)]
struct Filter {
    bits: Vec<u64>,
    shift: u32,
}

impl Filter {
    fn of(hashes: impl ExactSizeIterator<Item = u64>) -> Self {
        let size = (hashes.len() * 16).next_power_of_two().max(64);
        let mut filter = Self {
            bits: vec![0; size / 64],
            shift: 64 - size.trailing_zeros(),
        };
        for hash in hashes {
            let (word, bit) = filter.place(hash);
            filter.bits[word] |= bit;
        }
        filter
    }

    fn may_hold(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.bits.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// The highest bits choose: the low ones of a polynomial hash depend on the last bytes only.
    fn place(&self, hash: u64) -> (usize, u64) {
        let place = hash.checked_shr(self.shift).unwrap_or(0);
        ((place / 64) as usize, 1 << (place % 64))
    }
}

/// The base of the rolling polynomial hash: odd, and large enough that one step fills 64 bits.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// `BASE` to the power of [`BLOCK_BYTES`]: the weight of the byte that leaves the window.
const LEAVING: u64 = {
    let (mut power, mut n) = (BASE, BLOCK_BYTES);
    while n > 1 {
        power = power.wrapping_mul(power); // BLOCK_BYTES is a power of two
        n /= 2;
    }
    power
};

fn hash(block: &[u8]) -> u64 {
    block.iter().fold(0, |hash: u64, byte| {
        hash.wrapping_mul(BASE).wrapping_add(u64::from(*byte))
    })
}

fn roll(hash: u64, leaves: u8, enters: u8) -> u64 {
    hash.wrapping_mul(BASE)
        .wrapping_add(u64::from(enters))
        .wrapping_sub(LEAVING.wrapping_mul(u64::from(leaves)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::noise;
    use super::*;

    /// How many blocks of `file` are found in `stream`, whatever the pieces it comes in.
    fn found(file: &[u8], stream: &[u8]) -> (u64, u64) {
        let file = Arc::new(FileBlocks::read(file).unwrap());
        let counts = [1, 7, 1_460, 100_000].map(|piece| {
            let mut search = BlockSearch::new(Arc::clone(&file));
            stream.chunks(piece).for_each(|bytes| search.feed(bytes));
            let mut found = Found::default();
            search.add_to(&mut found);
            found.count(&file)
        });
        assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
        (counts[0], file.count())
    }

    #[test]
    fn a_file_is_found_at_any_offset_and_nothing_of_it_in_noise() {
        let file = noise(5 * BLOCK_BYTES + 100, 1);
        let sent = [&b"a head of odd length"[..], &file, b"more"].concat();
        assert_eq!(found(&file, &sent), (6, 6));
        assert_eq!(found(&file, &noise(40_000, 2)), (0, 6));
        assert_eq!(found(&file, &file[..2 * BLOCK_BYTES + 9]), (2, 6));
        assert_eq!(found(&file, &file[BLOCK_BYTES - 1..]), (5, 6));
    }

    #[test]
    fn a_file_of_one_byte_repeated_takes_no_longer_and_counts_every_block() {
        let file = vec![0; 50 * BLOCK_BYTES];
        assert_eq!(found(&file, &[&[1; 9], &file[..]].concat()), (50, 50));
        assert_eq!(found(&file, &vec![1; 50 * BLOCK_BYTES]), (0, 50));
        assert_eq!(found(b"", b"anything"), (0, 0));
    }
}
