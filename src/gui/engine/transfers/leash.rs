//! How a try of a transfer is stopped from another thread, at whatever point it is.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Kind, Result};
use crate::transport::HangUp;

/// One for each try.
#[derive(Debug, Default)]
pub(super) struct Leash(Mutex<Hold>);

#[derive(Debug, Default)]
struct Hold {
    stopped: bool,
    hang_up: Option<HangUp>,
}

/// What stopping a try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// It had not touched a file, and never will: it can be taken as ended.
    BeforeItBegan,
    /// Its connection is cut: it will end at once, and say so.
    Cut,
}

impl Leash {
    /// Stops it.
    pub(super) fn stop(&self) -> Stopped {
        let mut hold = self.hold();
        hold.stopped = true;
        match &hold.hang_up {
            None => Stopped::BeforeItBegan,
            Some(hang_up) => {
                hang_up.now();
                Stopped::Cut
            }
        }
    }

    /// It has a connection, which `hang_up` ends; an error when it is not to begin any more.
    pub(super) fn tie(&self, hang_up: HangUp) -> Result<()> {
        let mut hold = self.hold();
        if hold.stopped {
            return Err(Error::new(Kind::Interrupted, "stopped"));
        }
        hold.hang_up = Some(hang_up);
        Ok(())
    }

    /// It has lost its connection before it began, and will get another.
    pub(super) fn untie(&self) {
        self.hold().hang_up = None;
    }

    /// Whether it was stopped.
    pub(super) fn is_stopped(&self) -> bool {
        self.hold().stopped
    }

    fn hold(&self) -> MutexGuard<'_, Hold> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
