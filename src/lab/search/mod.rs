//! Searching a stream that comes in pieces: for short patterns, and for the blocks of a file.
//!
//! Both keep only what could still become a match, so a stream of any length takes the same memory.

mod blocks;

use std::collections::VecDeque;
use std::sync::Arc;

use memchr::memmem::Finder;

pub use blocks::{BLOCK_BYTES, BlockSearch, FileBlocks, Found};

/// Bytes collected before a search: one search a packet would copy and begin too often.
const BATCH_BYTES: usize = 64 * 1024;

/// Where a pattern begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Bytes of the stream before it.
    pub offset: u64,
    /// The frame that holds its first byte.
    pub frame: u64,
}

/// What is looked for, made ready once for all streams.
#[derive(Clone, Debug)]
pub struct Patterns {
    finders: Vec<Finder<'static>>,
    longest: usize,
}

impl Patterns {
    /// Makes them ready.
    pub fn new(patterns: &[Vec<u8>]) -> Self {
        let finders = patterns
            .iter()
            .map(|pattern| Finder::new(pattern).into_owned());
        Self {
            finders: finders.collect(),
            longest: patterns.iter().map(Vec::len).max().unwrap_or(0),
        }
    }

    /// Bytes of the pattern at this place; 0 behind the last.
    pub fn length(&self, index: usize) -> usize {
        self.finders
            .get(index)
            .map_or(0, |finder| finder.needle().len())
    }
}

/// Looks for the first place of each of several patterns.
#[derive(Debug)]
pub struct PatternSearch {
    patterns: Arc<Patterns>,
    found: Vec<Option<Place>>,
    pending: Vec<u8>,
    /// Where in the stream `pending` begins.
    begin: u64,
    /// Which frame brought the bytes from which offset on.
    frames: VecDeque<(u64, u64)>,
}

impl PatternSearch {
    /// Nothing is found yet; an empty pattern never is.
    pub fn new(patterns: Arc<Patterns>) -> Self {
        Self {
            found: vec![None; patterns.finders.len()],
            patterns,
            pending: Vec::new(),
            begin: 0,
            frames: VecDeque::new(),
        }
    }

    /// Takes the next bytes of the stream.
    pub fn feed(&mut self, frame: u64, bytes: &[u8]) {
        self.frames
            .push_back((self.begin + self.pending.len() as u64, frame));
        self.pending.extend(bytes);
        if self.pending.len() >= BATCH_BYTES + self.patterns.longest {
            self.search();
            self.drop_all_but(self.patterns.longest.saturating_sub(1));
        }
    }

    /// The next bytes do not follow the last ones: so many are missing.
    pub fn gap(&mut self, missing: u64) {
        self.search();
        self.drop_all_but(0);
        self.begin += missing;
    }

    /// Searches what is left, and gives the memory back.
    pub fn finish(&mut self) {
        self.search();
        self.drop_all_but(0);
        self.pending.shrink_to_fit();
    }

    /// The first place of each pattern, in their order.
    pub fn found(&self) -> &[Option<Place>] {
        &self.found
    }

    fn search(&mut self) {
        for (finder, found) in self.patterns.finders.iter().zip(&mut self.found) {
            if found.is_some() || finder.needle().is_empty() {
                continue;
            }
            if let Some(at) = finder.find(&self.pending) {
                let offset = self.begin + at as u64;
                let behind = self.frames.partition_point(|(from, _)| *from <= offset);
                let frame = behind
                    .checked_sub(1)
                    .and_then(|index| self.frames.get(index));
                let frame = frame.map_or(0, |(_, frame)| *frame);
                *found = Some(Place { offset, frame });
            }
        }
    }

    fn drop_all_but(&mut self, kept: usize) {
        let dropped = self.pending.len().saturating_sub(kept);
        self.pending.drain(..dropped);
        self.begin += dropped as u64;
        while self
            .frames
            .get(1)
            .is_some_and(|(from, _)| *from <= self.begin)
        {
            self.frames.pop_front();
        }
    }
}

/// How often each byte came.
#[derive(Clone, Debug)]
pub struct Histogram([u64; 256]);

impl Default for Histogram {
    fn default() -> Self {
        Self([0; 256])
    }
}

impl Histogram {
    /// Counts more bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0[usize::from(*byte)] += 1;
        }
    }

    /// Shannon's entropy in bits a byte: 8 for noise, about 4.5 for text, 0 for one byte repeated or nothing.
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    pub fn entropy(&self) -> f64 {
        let total: u64 = self.0.iter().sum();
        let shares = self.0.iter().filter(|count| **count > 0);
        let shares = shares.map(|count| *count as f64 / total as f64);
        let bits = shares.map(|share| share * (1.0 / share).log2());
        bits.fold(0.0, |sum, bits| sum + bits) // `sum()` of nothing is a negative zero
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that repeat nowhere and look like noise.
    pub(super) fn noise(length: usize, seed: u32) -> Vec<u8> {
        let mut state = seed;
        let next = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        });
        next.take(length).collect()
    }

    #[test]
    fn a_pattern_is_found_across_pieces_with_its_offset_and_frame() {
        let patterns = Patterns::new(&[b"secret".to_vec(), b"absent".to_vec(), Vec::new()]);
        let mut search = PatternSearch::new(Arc::new(patterns));
        let filler = noise(100_000, 3);
        search.feed(1, &filler);
        search.feed(2, b"..sec");
        search.feed(3, b"ret..");
        search.feed(4, &filler);
        search.finish();
        let place = Place {
            offset: 100_002,
            frame: 2,
        };
        assert_eq!(search.found(), [Some(place), None, None]);
    }

    #[test]
    fn a_pattern_is_not_put_together_across_a_gap() {
        let mut search = PatternSearch::new(Arc::new(Patterns::new(&[b"secret".to_vec()])));
        search.feed(1, b"sec");
        search.gap(10);
        search.feed(2, b"ret");
        search.feed(2, b"secret");
        search.finish();
        let place = Place {
            offset: 16,
            frame: 2,
        };
        assert_eq!(search.found(), [Some(place)]);
    }

    #[test]
    fn entropy_is_eight_for_every_byte_once_and_nothing_for_one_byte() {
        let entropy = |bytes: &[u8]| {
            let mut histogram = Histogram::default();
            histogram.feed(bytes);
            histogram.entropy()
        };
        let every: Vec<u8> = (0..=255).collect();
        assert!((entropy(&every) - 8.0).abs() < 1e-9);
        assert!(entropy(b"aaaa").abs() < 1e-9 && entropy(b"").is_sign_positive());
    }
}
