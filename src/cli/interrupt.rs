//! Ctrl-C during an experiment: what it made is cleared away before the process ends.

use std::process::ExitCode;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

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

/// Ends the wait for signals when the work ends, however it does.
struct Over(Handle);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.close();
    }
}
