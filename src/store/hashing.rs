//! Passwords: argon2id, and the gate that bounds how much of the machine strangers can spend on it.
//!
//! One hash takes 19 MiB and about 20 ms of a core. At most as many run at once as there are cores; the
//! line before them is bounded in length and by the caller's deadline. Whoever does not get through is told
//! to come back, whichever name was tried.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Instant;

use argon2::password_hash;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

use super::lock;
use crate::config;
use crate::error::{Error, Kind};
use crate::protocol::Sha256;

/// Tells whether two hashes of a user are the same one, and nothing of either: a salted hash hashed again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PasswordMark(Option<Sha256>);

impl PasswordMark {
    /// The mark of a hash; users without a password have one of their own.
    pub(super) fn of(phc: Option<&str>) -> Self {
        Self(phc.map(|phc| Sha256::of(phc.as_bytes())))
    }
}

impl fmt::Debug for PasswordMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordMark")
    }
}

/// Why a password was not hashed.
#[derive(Debug)]
pub enum HashError {
    /// The waiting line is full, or the deadline passed in it.
    Busy,
    /// The hash itself failed.
    Internal(Error),
}

/// Memory a hash read from a file may ask for, in KiB: 8 MiB is below any advice (OWASP: 7 MiB at t=5),
/// 256 MiB times a few cores is what a small server has.
const MEMORY_KIB: std::ops::RangeInclusive<u32> = 8 * 1024..=256 * 1024;

/// Passes a hash read from a file may ask for.
const PASSES: std::ops::RangeInclusive<u32> = 1..=10;

/// Lanes a hash read from a file may ask for.
const LANES: std::ops::RangeInclusive<u32> = 1..=4;

/// What is verified when there is no user, or no password to compare with: the same work with an answer
/// that is thrown away. Same parameters as `Argon2::default()`.
const STAND_IN: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2VhbHBvc3QgZHVtbXkgcw$\
                        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and verifies, a bounded number at once.
pub(super) struct Hashing {
    gate: Gate,
    /// Memory of runs that ended, for the next ones: never more pieces than run at once. Left to the
    /// allocator, each connection's thread keeps 19 MiB of its own, gigabytes for a few hundred logins.
    idle: Mutex<Vec<Vec<Block>>>,
    #[cfg(test)]
    pub(super) runs: std::sync::atomic::AtomicUsize,
}

impl Hashing {
    pub(super) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            gate: Gate::new(cores, config::HASH_QUEUE_MAX),
            idle: Mutex::default(),
            #[cfg(test)]
            runs: std::sync::atomic::AtomicUsize::new(0),
        }
    }

    /// The PHC string of `password` with a fresh salt, argon2id at the crate's default cost.
    pub(super) fn hash(&self, password: &[u8], deadline: Instant) -> Result<String, HashError> {
        let _permit = self.gate.enter(deadline)?;
        self.count();
        let (params, salt) = (Params::default(), Salt::generate());
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).map_err(|error| internal(&error))?,
            hash: Some(self.compute(password, &salt, params)?),
            salt: Some(salt),
        };
        Ok(hash.to_string())
    }

    /// Whether `password` has the hash `phc`; without one the work is done all the same, for nothing.
    pub(super) fn verify(
        &self,
        password: &[u8],
        phc: Option<&str>,
        deadline: Instant,
    ) -> Result<bool, HashError> {
        let parsed =
            PasswordHash::new(phc.unwrap_or(STAND_IN)).map_err(|error| internal(&error))?;
        let _permit = self.gate.enter(deadline)?;
        self.count();
        let (Some(salt), Some(wanted)) = (&parsed.salt, &parsed.hash) else {
            return Err(internal(&password_hash::Error::PasswordInvalid));
        };
        let params = Params::try_from(&parsed).map_err(|error| internal(&error))?;
        let computed = self.compute(password, salt, params)?;
        // `Output` compares in constant time.
        Ok(computed == *wanted && phc.is_some())
    }

    /// One run of argon2id, in memory that is kept for the next one. The caller holds a permit.
    fn compute(&self, password: &[u8], salt: &[u8], params: Params) -> Result<Output, HashError> {
        let usual = Params::default().block_count();
        let mut blocks = lock(&self.idle).pop().unwrap_or_default();
        blocks.resize(params.block_count(), Block::new());
        let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut output = [0; Output::MAX_LENGTH];
        let output = &mut output[..length.min(Output::MAX_LENGTH)];
        let done = argon2.hash_password_into_with_memory(password, salt, output, &mut blocks);
        // A hash of users.csv may have asked for more than is worth keeping.
        blocks.truncate(usual);
        blocks.shrink_to(usual);
        lock(&self.idle).push(blocks);
        done.map_err(|error| internal(&error))?;
        Output::new(output).map_err(|error| internal(&error))
    }

    #[cfg_attr(
        not(test),
        expect(clippy::unused_self, reason = "only tests count the work")
    )]
    fn count(&self) {
        #[cfg(test)]
        self.runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
}

/// Whether a PHC string read from a file may be verified at all: one that asks for 4 GiB parses just as well.
pub(super) fn check_phc(phc: &str) -> Result<(), String> {
    let hash = PasswordHash::new(phc).map_err(|error| format!("is not a PHC string ({error})"))?;
    if hash.algorithm.as_str() != "argon2id" || hash.version != Some(19) {
        return Err("is not argon2id, version 19".to_owned());
    }
    for (parameter, unit, bounds) in [
        ("m", " KiB", MEMORY_KIB),
        ("t", "", PASSES),
        ("p", "", LANES),
    ] {
        let value = hash.params.get_decimal(parameter);
        if !value.is_some_and(|value| bounds.contains(&value)) {
            let (low, high) = bounds.into_inner();
            return Err(format!("needs {parameter} of {low} to {high}{unit}"));
        }
    }
    // Verification does no work at all without these two.
    if hash.salt.is_none() || hash.hash.is_none_or(|output| output.len() < 16) {
        return Err("lacks its salt or its hash".to_owned());
    }
    Ok(())
}

fn internal(error: &dyn fmt::Display) -> HashError {
    HashError::Internal(Error::new(
        Kind::Other,
        format!("cannot hash the password: {error}"),
    ))
}

/// Lets a bounded number through at once, in the order of arrival.
struct Gate {
    line: Mutex<Line>,
    moved: Condvar,
    at_once: usize,
    waiting_max: usize,
}

#[derive(Default)]
struct Line {
    inside: usize,
    waiting: VecDeque<u64>,
    next_ticket: u64,
}

/// The right to be inside; ends when dropped, also by a panic.
struct Permit<'a>(&'a Gate);

impl Gate {
    fn new(at_once: usize, waiting_max: usize) -> Self {
        Self {
            line: Mutex::default(),
            moved: Condvar::new(),
            at_once,
            waiting_max,
        }
    }

    fn enter(&self, deadline: Instant) -> Result<Permit<'_>, HashError> {
        let mut line = lock(&self.line);
        if line.inside < self.at_once && line.waiting.is_empty() {
            line.inside += 1;
            return Ok(Permit(self));
        }
        if line.waiting.len() >= self.waiting_max {
            return Err(HashError::Busy);
        }
        let ticket = line.next_ticket;
        line.next_ticket += 1;
        line.waiting.push_back(ticket);
        loop {
            if line.inside < self.at_once && line.waiting.front() == Some(&ticket) {
                line.waiting.pop_front();
                line.inside += 1;
                // There may be room for the next one as well.
                self.moved.notify_all();
                return Ok(Permit(self));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                line.waiting.retain(|waiting| *waiting != ticket);
                self.moved.notify_all();
                return Err(HashError::Busy);
            }
            line = match self.moved.wait_timeout(line, left) {
                Ok((line, _timed_out)) => line,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        lock(&self.0.line).inside -= 1;
        self.0.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    const GOOD: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    #[test]
    fn a_password_has_its_own_hash_and_no_other() {
        let hashing = Hashing::new();
        let phc = hashing.hash(b"correct horse", soon()).unwrap();
        assert_eq!(check_phc(&phc), Ok(()));
        assert!(
            hashing
                .verify(b"correct horse", Some(&phc), soon())
                .unwrap()
        );
        assert!(
            !hashing
                .verify(b"correct horsf", Some(&phc), soon())
                .unwrap()
        );
        assert!(!hashing.verify(b"correct horse", None, soon()).unwrap());
        assert_eq!(hashing.runs.load(Ordering::SeqCst), 4);
    }

    #[test]
    fn memory_is_used_again_and_hashes_as_fresh_memory_does() {
        use argon2::password_hash::PasswordVerifier as _;
        let hashing = Hashing::new();
        let phc = hashing.hash(b"correct horse", soon()).unwrap();
        for _ in 0..3 {
            assert!(
                hashing
                    .verify(b"correct horse", Some(&phc), soon())
                    .unwrap()
            );
        }
        assert_eq!(lock(&hashing.idle).len(), 1);
        let fresh = Argon2::default();
        assert!(fresh.verify_password(b"correct horse", &*phc).is_ok());
        // Other bounds, as an administrator may choose: more memory is not kept.
        let large = GOOD.replace("m=19456", "m=65536");
        assert!(
            !hashing
                .verify(b"correct horse", Some(&large), soon())
                .unwrap()
        );
        let kept = lock(&hashing.idle)[0].capacity();
        assert!(kept <= Params::default().block_count() * 2, "{kept}");
    }

    #[test]
    fn the_stand_in_costs_what_a_fresh_hash_costs() {
        assert_eq!(check_phc(STAND_IN), Ok(()));
        let params = |phc: &str| phc.split('$').take(4).collect::<Vec<_>>().join("$");
        let fresh = Hashing::new().hash(b"password", soon()).unwrap();
        assert_eq!(params(STAND_IN), params(&fresh));
        assert_eq!(STAND_IN.len(), fresh.len());
    }

    #[test]
    fn hashes_within_bounds_are_taken_and_hostile_ones_refused() {
        assert_eq!(check_phc(GOOD), Ok(()));
        for (from, to) in [
            ("m=19456", "m=4194304"),
            ("m=19456", "m=8"),
            ("m=19456,", ""),
            ("t=2", "t=4294967295"),
            ("t=2", "t=0"),
            ("p=1", "p=64"),
            ("argon2id", "argon2d"),
            ("argon2id", "scrypt"),
            ("v=19", "v=16"),
            ("$v=19", ""),
            ("$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", ""),
            (
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "AAAAAAAAAAAAAAAA",
            ),
            (GOOD, "secret"),
            (GOOD, "*"),
        ] {
            assert!(GOOD.contains(from));
            let phc = GOOD.replace(from, to);
            assert!(check_phc(&phc).is_err(), "{phc}");
        }
    }

    #[test]
    fn no_more_than_the_bound_are_inside_and_all_get_their_turn() {
        let gate = Gate::new(2, 64);
        let (inside, most, done) = (
            AtomicUsize::new(0),
            AtomicUsize::new(0),
            AtomicUsize::new(0),
        );
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let permit = gate.enter(soon()).unwrap();
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(2));
                    inside.fetch_sub(1, Ordering::SeqCst);
                    done.fetch_add(1, Ordering::SeqCst);
                    drop(permit);
                });
            }
        });
        assert_eq!((most.into_inner(), done.into_inner()), (2, 16));
    }

    #[test]
    fn a_full_line_and_a_passed_deadline_are_busy_and_leave_the_line() {
        let full = Gate::new(1, 0);
        let permit = full.enter(soon()).unwrap();
        assert!(matches!(full.enter(soon()), Err(HashError::Busy)));
        drop(permit);
        assert!(full.enter(soon()).is_ok());

        let slow = Gate::new(1, 1);
        let permit = slow.enter(soon()).unwrap();
        let just_now = Instant::now() + Duration::from_millis(10);
        assert!(matches!(slow.enter(just_now), Err(HashError::Busy)));
        assert!(lock(&slow.line).waiting.is_empty());
        drop(permit);
        assert!(slow.enter(soon()).is_ok());
    }
}
