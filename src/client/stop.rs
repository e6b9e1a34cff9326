//! Stopping what a client does from another thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Client;
use crate::error::{Error, Kind, Result};
use crate::transport::{Connector, HangUp};

/// Ends what runs over the connections it was told of. What has arrived of a transfer stays where it is.
#[derive(Debug, Default)]
pub struct Stop {
    asked: AtomicBool,
    connections: Mutex<Vec<HangUp>>,
}

impl Stop {
    /// Hangs up every connection it was told of, and those it will be told of before [`Stop::forget`].
    pub fn now(&self) {
        let connections = self.connections();
        self.asked.store(true, Ordering::SeqCst);
        connections.iter().for_each(HangUp::now);
    }

    /// Whether it was told to stop.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Tells it of a connection that is about to be used.
    pub fn add(&self, client: &Client<Connector>) {
        let mut connections = self.connections();
        let hang_up = client.hang_up();
        if self.asked() {
            hang_up.now();
        }
        connections.push(hang_up);
    }

    /// Forgets all it was told: something new begins.
    pub fn forget(&self) {
        let mut connections = self.connections();
        connections.clear();
        self.asked.store(false, Ordering::SeqCst);
    }

    /// `result`, or that it was interrupted, if it failed because of this.
    pub fn judge<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| match self.asked() {
            true => interrupted().source(error),
            false => error,
        })
    }

    fn connections(&self) -> std::sync::MutexGuard<'_, Vec<HangUp>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody wanted it to end.
fn interrupted() -> Error {
    Error::new(Kind::Interrupted, "interrupted")
        .hint(
            "what arrived of a transfer is kept: the same with --conflict resume goes on from here",
        )
        .zh(
            "已中断",
            "已传输的部分会保留：同一命令加上 --conflict resume 即可继续",
        )
}
