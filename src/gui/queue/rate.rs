//! How fast a transfer is, smoothed, and how long it will take.

use std::time::Duration;

/// A speed is looked at no more often than so, in seconds: chunks come in bursts.
const LOOK_EVERY_S: f64 = 0.25;

/// The time after which a change of speed is shown by two thirds, in seconds.
const SMOOTH_OVER_S: f64 = 3.0;

/// Speeds below this many bytes a second are none: the time left would be a guess.
const STANDSTILL: f64 = 1.0;

/// A time left beyond this says nothing.
const FORESEEABLE: Duration = Duration::from_hours(100);

/// The speed of one transfer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rate {
    /// When it was looked at, in seconds, and how many bytes had moved.
    last: Option<(f64, u64)>,
    bytes_per_s: Option<f64>,
    /// When the last bytes moved.
    moved_s: f64,
}

impl Rate {
    /// So many bytes have moved by `now_s`.
    #[expect(clippy::cast_precision_loss, reason = "a speed of three digits")]
    pub fn look(&mut self, now_s: f64, moved: u64) {
        let Some((then_s, before)) = self.last else {
            self.last = Some((now_s, moved));
            self.moved_s = now_s;
            return;
        };
        if moved != before {
            self.moved_s = now_s;
        }
        let passed_s = now_s - then_s;
        if moved < before || passed_s < 0.0 {
            // Another try began.
            *self = Self {
                last: Some((now_s, moved)),
                bytes_per_s: None,
                moved_s: now_s,
            };
        } else if passed_s >= LOOK_EVERY_S {
            let speed = (moved - before) as f64 / passed_s;
            let weight = 1.0 - (-passed_s / SMOOTH_OVER_S).exp();
            let smooth = |old: f64| old + (speed - old) * weight;
            self.bytes_per_s = match self.bytes_per_s {
                // The file is only being opened: that is no speed yet.
                None if moved == 0 => None,
                old => Some(old.map_or(speed, smooth)),
            };
            self.last = Some((now_s, moved));
        }
    }

    /// For how many seconds nothing has moved.
    pub fn still_s(&self) -> f64 {
        self.last.map_or(0.0, |(now_s, _)| now_s - self.moved_s)
    }

    /// Bytes a second, once it is known.
    pub fn bytes_per_s(&self) -> Option<f64> {
        self.bytes_per_s
    }
}

/// How long `bytes` take at this speed; `None` when nobody can tell.
#[expect(clippy::cast_precision_loss, reason = "seconds are shown")]
pub fn time_left(bytes: u64, bytes_per_s: f64) -> Option<Duration> {
    if bytes_per_s < STANDSTILL {
        return None;
    }
    let left = Duration::try_from_secs_f64(bytes as f64 / bytes_per_s).ok()?;
    (left <= FORESEEABLE).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(looks: &[(f64, u64)]) -> Rate {
        let mut rate = Rate::default();
        for (now, moved) in looks {
            rate.look(*now, *moved);
        }
        rate
    }

    fn close(rate: Rate, expected: f64) {
        let told = rate.bytes_per_s().unwrap();
        assert!((told - expected).abs() < expected * 0.01, "{told}");
    }

    #[test]
    fn a_speed_is_told_from_the_second_look_on() {
        assert!(after(&[(10.0, 0)]).bytes_per_s().is_none());
        assert!(after(&[(10.0, 0), (10.1, 900)]).bytes_per_s().is_none());
        close(after(&[(10.0, 0), (10.5, 500)]), 1000.0);
    }

    #[test]
    fn a_burst_is_smoothed_and_a_lasting_change_is_followed() {
        let steady = after(&[(0.0, 0), (1.0, 1_000), (2.0, 2_000)]);
        close(steady, 1_000.0);
        let mut burst = steady;
        burst.look(2.25, 4_250);
        let told = burst.bytes_per_s().unwrap();
        assert!(told > 1_000.0 && told < 2_000.0, "{told}");
        let mut lasting = steady;
        for second in 3..40_u32 {
            lasting.look(f64::from(second), 2_000 + u64::from(second - 2) * 9_000);
        }
        close(lasting, 9_000.0);
    }

    #[test]
    fn looking_often_or_seldom_comes_to_the_same() {
        let (mut often, mut seldom) = (Rate::default(), Rate::default());
        for tick in 0..=200_u32 {
            let (now, moved) = (f64::from(tick) * 0.1, u64::from(tick) * 100);
            often.look(now, moved);
            if tick % 50 == 0 {
                seldom.look(now, moved);
            }
        }
        close(often, 1_000.0);
        close(seldom, 1_000.0);
    }

    #[test]
    fn a_stall_fades_out_and_another_try_begins_anew() {
        let mut rate = after(&[(0.0, 0), (1.0, 1_000)]);
        for second in 2..60_u32 {
            rate.look(f64::from(second), 1_000);
        }
        assert!(rate.bytes_per_s().unwrap() < STANDSTILL);
        assert!(time_left(1_000, rate.bytes_per_s().unwrap()).is_none());
        assert!((rate.still_s() - 58.0).abs() < 0.01, "{rate:?}");
        rate.look(61.0, 0);
        assert!(rate.bytes_per_s().is_none());
        assert!(rate.still_s().abs() < 0.01, "{rate:?}");
        rate.look(62.0, 0);
        rate.look(63.0, 5);
        assert!(rate.still_s().abs() < 0.01, "{rate:?}");
    }

    #[test]
    fn the_time_left_is_told_where_it_can_be_foreseen() {
        assert_eq!(time_left(3_000, 1_000.0), Some(Duration::from_secs(3)));
        assert_eq!(time_left(0, 1_000.0), Some(Duration::ZERO));
        assert_eq!(time_left(u64::MAX, 1.0), None);
        assert_eq!(time_left(1, 0.0), None);
    }
}
