//! What time it is, for whoever judges a certificate: the system's, or for a trial another one.

use rustls::pki_types::UnixTime;
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use time::{Duration, OffsetDateTime};

use crate::text;

/// The system's clock, put forward or back by a fixed time; by default by none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    ahead: Duration,
}

impl Clock {
    /// One that is ahead of the system's, or behind it when `ahead` is negative: what expires tomorrow can
    /// be seen to expire without waiting.
    pub fn ahead(ahead: Duration) -> Self {
        Self { ahead }
    }

    /// What time it is by this clock.
    pub fn now(self) -> OffsetDateTime {
        text::now() + self.ahead
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let system = DefaultTimeProvider.current_time()?;
        let now = i64::try_from(system.as_secs()).ok()?;
        let shown = now.checked_add(self.ahead.whole_seconds())?;
        let shown = u64::try_from(shown).ok()?;
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            shown,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_as_far_ahead_as_it_was_put() {
        let system = Clock::default().current_time().unwrap().as_secs();
        for days in [-3, 0, 8] {
            let clock = Clock::ahead(Duration::days(days));
            let shown = clock.current_time().unwrap().as_secs();
            let off = i64::try_from(shown).unwrap() - i64::try_from(system).unwrap();
            assert!((off - days * 86_400).abs() <= 1, "{days}: {off}");
            let now = clock.now().unix_timestamp() - i64::try_from(shown).unwrap();
            assert!(now.abs() <= 1, "{now}");
        }
    }
}
