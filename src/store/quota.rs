//! Quota set aside for uploads under way, so that ten at once cannot each be told there is room for one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::lock;
use crate::protocol::UserName;

/// What is set aside, by owner.
#[derive(Default)]
pub(super) struct Reservations {
    bytes: Mutex<HashMap<UserName, u64>>,
}

impl Reservations {
    /// `used` is asked under the lock: a reservation is dropped after its commit, so each byte is counted
    /// there, here, or for a moment in both, which errs on the strict side.
    pub(super) fn reserve(
        self: &Arc<Self>,
        owner: &UserName,
        used: impl FnOnce() -> u64,
        bytes: u64,
        frees: u64,
        quota: Option<u64>,
    ) -> Option<Reservation> {
        let needs = bytes.saturating_sub(frees);
        let mut reserved = lock(&self.bytes);
        let before = reserved.get(owner).copied().unwrap_or(0);
        let after = before.checked_add(needs)?;
        // A file that does not grow is let through even when the quota was lowered below what is used.
        let fits = quota.is_none_or(|quota| {
            needs == 0 || used().checked_add(after).is_some_and(|sum| sum <= quota)
        });
        if !fits {
            return None;
        }
        if needs > 0 {
            reserved.insert(owner.clone(), after);
        }
        Some(Reservation {
            of: Arc::clone(self),
            owner: owner.clone(),
            bytes: needs,
        })
    }
}

/// A part of an owner's quota, given back when dropped.
#[must_use = "dropped at once, it reserves nothing"]
pub struct Reservation {
    of: Arc<Reservations>,
    owner: UserName,
    bytes: u64,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut reserved = lock(&self.of.bytes);
        if let Some(bytes) = reserved.get_mut(&self.owner) {
            *bytes = bytes.saturating_sub(self.bytes);
            if *bytes == 0 {
                reserved.remove(&self.owner);
            }
        }
    }
}
