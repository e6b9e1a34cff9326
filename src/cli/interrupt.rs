//! Ctrl-C: what an experiment made is cleared away before the process ends; a transfer tells how it goes on.

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;

use crate::client::Stop;
use crate::error::{Error, Kind, Result};
use crate::lab::traces;

/// Does `work` on a thread of its own, until it is done or until SIGINT or SIGTERM comes. Then it is cut off
/// where it is, and nothing of it is left.
pub(super) fn unless_interrupted(
    work: impl FnOnce() -> Result<ExitCode> + Send + 'static,
) -> Result<ExitCode> {
    let mut signals = Signals::new([SIGINT, SIGTERM])
        .map_err(|error| Error::new(Kind::Other, "cannot wait for ctrl-c").source(error))?;
    let over = Over(signals.handle());
    let working = thread::Builder::new()
        .name("lab".into())
        .spawn(move || {
            let _over = over;
            work()
        })
        .map_err(|error| Error::new(Kind::Other, "cannot start the lab").source(error))?;
    if signals.forever().next().is_some() {
        traces::clear();
        return Err(Error::new(Kind::Interrupted, "interrupted")
            .hint("its servers, programs and temporary folder are gone; run it again")
            .zh("已中断", "其服务器、程序和临时文件夹均已清除；可重新运行"));
    }
    let panicked = |_| Error::new(Kind::Other, "the lab panicked");
    working.join().map_err(panicked)?
}

/// Has ctrl-c stop the transfers, which then tell how they go on; a second one ends the process as ever.
pub(super) fn stop_on_ctrl_c(stop: &Arc<Stop>) {
    let Ok(mut signals) = Signals::new([SIGINT]) else {
        return; // Then the first one ends it, without a word.
    };
    let stop = Arc::clone(stop);
    let wait = move || {
        for signal in signals.forever() {
            if stop.asked() {
                let _ended = emulate_default_handler(signal);
            }
            stop.now();
        }
    };
    let _no_thread = thread::Builder::new().name("signals".into()).spawn(wait);
}

/// Ends the wait for signals when the work ends, however it does.
struct Over(Handle);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.close();
    }
}
