//! Failed logins are answered ever more slowly, per address and per user, in a table with an end.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures answered without delay: people mistype.
const FREE_FAILURES: u32 = 3;

/// The first delay; each further failure doubles it.
const FIRST_DELAY: Duration = Duration::from_millis(250);

/// The longest delay: a stranger guessing at a user's password must not lock the user out.
const LONGEST_DELAY: Duration = Duration::from_secs(4);

/// How long a failure counts: each such time without another one forgives one.
const FORGIVEN_AFTER: Duration = Duration::from_secs(15);

/// Attempts of one address under way at once while it is slowed down. Without this, as many connections as an
/// address may have would guess that many times in each delay, and fill the line of passwords to be hashed
/// ([`crate::config::HASH_QUEUE_MAX`]) for everybody else.
const SLOWED_AT_ONCE: usize = 16;

/// Rows in the table; when it is full, some of the harmless make room.
const ROWS_MAX: usize = 10_000;

/// Who failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Row {
    Address(IpAddr),
    User(String),
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

/// The table of failures.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    rows: Mutex<HashMap<Row, Failures>>,
    /// Attempts under way, by network; only of those with any.
    trying: Mutex<HashMap<IpAddr, usize>>,
}

/// An attempt to log in under way; ends when dropped.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    throttle: &'a Throttle,
    network: IpAddr,
    /// How long it has to wait before it is looked at. The same for the right and the wrong password, so
    /// that the wait tells nothing.
    pub(crate) wait: Duration,
    /// Whether it is not looked at even then: its address has too many others under way.
    pub(crate) refused: bool,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let mut trying = self.throttle.trying();
        if let Some(count) = trying.get_mut(&self.network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                trying.remove(&self.network);
            }
        }
    }
}

impl Throttle {
    /// Begins an attempt from `address` as `user`.
    pub(crate) fn begin(&self, address: IpAddr, user: &str, now: Instant) -> Attempt<'_> {
        let wait = self.delay(address, user, now);
        let network = network(address);
        let slowed = !self.delay_of(&[Row::Address(network)], now).is_zero();
        let mut trying = self.trying();
        let count = trying.entry(network).or_default();
        *count += 1;
        let refused = slowed && *count > SLOWED_AT_ONCE;
        drop(trying);
        Attempt {
            throttle: self,
            network,
            wait,
            refused,
        }
    }

    fn trying(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.trying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn delay(&self, address: IpAddr, user: &str, now: Instant) -> Duration {
        self.delay_of(&keys(address, user), now)
    }

    fn delay_of(&self, keys: &[Row], now: Instant) -> Duration {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let worst = keys
            .iter()
            .filter_map(|row| rows.get(row))
            .map(|f| f.left(now));
        delay_after(worst.max().unwrap_or(0))
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, address: IpAddr, user: &str, now: Instant) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        for row in keys(address, user) {
            if rows.len() >= ROWS_MAX && !rows.contains_key(&row) {
                make_room(&mut rows, now);
            }
            let failures = rows.entry(row).or_insert(Failures {
                count: 0,
                last: now,
            });
            failures.count = failures.left(now).saturating_add(1);
            failures.last = now;
        }
    }

    /// A correct password clears its user's failures; the address keeps its own, so that an attacker with
    /// one account cannot wash away the guesses at others.
    pub(crate) fn succeeded(&self, user: &str) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.remove(&Row::User(user.to_owned()));
    }
}

impl Failures {
    /// Failures not yet forgiven.
    fn left(&self, now: Instant) -> u32 {
        let quiet = now.saturating_duration_since(self.last).as_secs() / FORGIVEN_AFTER.as_secs();
        self.count
            .saturating_sub(u32::try_from(quiet).unwrap_or(u32::MAX))
    }
}

fn keys(address: IpAddr, user: &str) -> [Row; 2] {
    [Row::Address(network(address)), Row::User(user.to_owned())]
}

/// The unit that is counted: one IPv4 address, one /64 of IPv6, since each host has a whole one.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn delay_after(failures: u32) -> Duration {
    match failures.checked_sub(FREE_FAILURES) {
        None | Some(0) => Duration::ZERO,
        Some(over) => FIRST_DELAY
            .saturating_mul(1 << (over - 1).min(16))
            .min(LONGEST_DELAY),
    }
}

/// Drops what is forgiven; if that is nothing, a tenth of the table: those with the fewest failures, of these
/// the ones idle longest, so that a flood of strangers does not wash a guesser out.
fn make_room(rows: &mut HashMap<Row, Failures>, now: Instant) {
    rows.retain(|_, failures| failures.left(now) > 0);
    if rows.len() < ROWS_MAX {
        return;
    }
    let mut order: Vec<_> = rows
        .iter()
        .map(|(row, f)| (f.left(now), f.last, row.clone()))
        .collect();
    order.sort_by_key(|(left, last, _)| (*left, *last));
    for (_, _, row) in order.into_iter().take(ROWS_MAX / 10) {
        rows.remove(&row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn other(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    #[test]
    fn failures_slow_the_address_and_the_user_down_and_nobody_else() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let mut delays = Vec::new();
        for _ in 0..12 {
            delays.push(throttle.delay(HOME, "alice", now));
            throttle.failed(HOME, "alice", now);
        }
        assert!(delays[..=3].iter().all(Duration::is_zero));
        assert!(delays.is_sorted() && delays[4] > Duration::ZERO);
        assert_eq!(delays[11], LONGEST_DELAY);
        assert_eq!(throttle.delay(HOME, "bob", now), LONGEST_DELAY);
        assert_eq!(throttle.delay(other(7), "alice", now), LONGEST_DELAY);
        assert_eq!(throttle.delay(other(7), "bob", now), Duration::ZERO);
    }

    #[test]
    fn an_address_that_failed_tries_a_few_at_once_and_a_class_behind_another_all() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..9 {
            throttle.failed(HOME, "alice", now);
        }
        let tries = |address, n| {
            let tries: Vec<_> = (0..n)
                .map(|n| throttle.begin(address, &format!("user{n}"), now))
                .collect();
            tries.iter().filter(|attempt| attempt.refused).count()
        };
        assert_eq!(tries(HOME, SLOWED_AT_ONCE), 0);
        assert_eq!(tries(HOME, 200), 200 - SLOWED_AT_ONCE);
        // Somebody guesses at one user from there: that slows the address down, and nobody elsewhere.
        assert_eq!(tries(other(7), 200), 0);
        assert!(throttle.trying().is_empty());
    }

    #[test]
    fn time_forgives_and_a_correct_password_clears_the_user_only() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..5 {
            throttle.failed(HOME, "alice", now);
        }
        throttle.succeeded("alice");
        assert_eq!(throttle.delay(other(7), "alice", now), Duration::ZERO);
        assert!(throttle.delay(HOME, "alice", now) > Duration::ZERO);
        let later = now + FORGIVEN_AFTER * 5;
        assert_eq!(throttle.delay(HOME, "alice", later), Duration::ZERO);
    }

    #[test]
    fn a_hundred_thousand_addresses_do_not_grow_the_table_or_hide_a_guesser() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..9 {
            throttle.failed(HOME, "alice", now + Duration::from_secs(1));
        }
        for n in 0..100_000 {
            throttle.failed(other(n), "alice", now + Duration::from_secs(1));
        }
        assert!(throttle.rows.lock().unwrap().len() <= ROWS_MAX);
        assert!(throttle.delay(other(5), "alice", now + Duration::from_secs(1)) > Duration::ZERO);
    }

    #[test]
    fn a_host_cannot_hide_in_its_own_ipv6_network() {
        let a: IpAddr = "2001:db8::1".parse().unwrap();
        let b: IpAddr = "2001:db8::ffff".parse().unwrap();
        let c: IpAddr = "2001:db8:0:1::1".parse().unwrap();
        assert_eq!(network(a), network(b));
        assert_ne!(network(a), network(c));
        assert_eq!(
            network("::ffff:1.2.3.4".parse().unwrap()),
            other(0x0102_0304)
        );
    }
}
