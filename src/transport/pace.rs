//! A bound on how fast bytes move.

use std::thread;
use std::time::{Duration, Instant};

/// Keeps one transfer at or under a rate by sleeping.
#[derive(Debug)]
pub struct Pace {
    bytes_per_s: Option<u64>,
    began: Instant,
    moved: u64,
}

impl Pace {
    /// At most `bytes_per_s`; `None` is as fast as it goes.
    pub fn new(bytes_per_s: Option<u64>) -> Self {
        Self {
            bytes_per_s: bytes_per_s.filter(|rate| *rate > 0),
            began: Instant::now(),
            moved: 0,
        }
    }

    /// How many bytes to move at once, so that a slow rate is not one burst a minute.
    pub fn chunk(&self, at_most: usize) -> usize {
        let tenth = self
            .bytes_per_s
            .map(|rate| usize::try_from(rate / 10).unwrap_or(usize::MAX));
        tenth.map_or(at_most, |tenth| tenth.clamp(1, at_most))
    }

    /// Says that `bytes` moved, and sleeps as long as they were too many.
    pub fn moved(&mut self, bytes: usize) {
        thread::sleep(self.owed(bytes));
    }

    /// Says that `bytes` moved; how long nothing should, because they were too many.
    pub fn owed(&mut self, bytes: usize) -> Duration {
        let Some(rate) = self.bytes_per_s else {
            return Duration::ZERO;
        };
        self.moved = self.moved.saturating_add(bytes as u64);
        let millis = u128::from(self.moved) * 1_000 / u128::from(rate);
        let due = Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX));
        due.saturating_sub(self.began.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_holds_bytes_back_and_none_does_not() {
        let mut paced = Pace::new(Some(1_000));
        assert_eq!(paced.chunk(65_536), 100);
        let began = Instant::now();
        paced.moved(100);
        assert!(began.elapsed() >= Duration::from_millis(90));
        assert_eq!(Pace::new(None).chunk(65_536), 65_536);
        assert_eq!(Pace::new(Some(0)).chunk(7), 7);
    }
}
