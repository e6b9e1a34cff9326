//! What the lab's servers write into their logs: the cause, which their peers are never told.

use std::fmt::{self, Write as _};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Subscriber};

/// How long a server may take to write down what happened.
const SOON: Duration = Duration::from_secs(2);

/// Lines kept at most, so that a server that says too much does not fill memory.
const LINES_MAX: usize = 10_000;

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Listens to the logs of this process from now on.
pub(super) fn begin() {
    static ONCE: Once = Once::new();
    // A process that has a log already keeps it; then the audit trail alone speaks for the server.
    ONCE.call_once(|| {
        let _other = tracing::subscriber::set_global_default(Listener);
    });
}

/// A place in the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(usize);

/// Where the log ends now.
pub(super) fn mark() -> Mark {
    Mark(lines().len())
}

impl Mark {
    /// What was written since; waits a moment for so many lines.
    pub(super) fn since(self, wanted: usize) -> Vec<String> {
        let until = Instant::now() + SOON;
        while lines().len() < self.0 + wanted && Instant::now() < until {
            thread::sleep(Duration::from_millis(2));
        }
        self.so_far()
    }

    /// What was written since, without waiting.
    pub(super) fn so_far(self) -> Vec<String> {
        lines().get(self.0..).unwrap_or_default().to_vec()
    }
}

fn lines() -> MutexGuard<'static, Vec<String>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes what is worth an operator's attention.
struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO && metadata.target().starts_with("sealpost::server")
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut message = Message::default();
        event.record(&mut message);
        let mut lines = lines();
        if lines.len() < LINES_MAX && !message.0.starts_with("stopping") {
            lines.push(message.0);
        }
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _infallible = write!(self.0, "{value:?}");
        }
    }
}
