//! Writing what passed into a capture, on a thread of its own: whole or not at all, and for the owner's eyes only.

use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;

use crate::error::{Error, Kind, Result};
use crate::gui::engine::overheard::Overheard;
use crate::gui::platform::Keys;
use crate::lab::packets::{Recorded, Recorder};
use crate::lab::tap::Sink as _;

/// How it went.
#[derive(Debug)]
pub struct Saved {
    /// Where to.
    pub path: PathBuf,
    /// Whether it was to hold the keys.
    pub keys: Keys,
    /// What was written, or why nothing was.
    pub outcome: Result<Recorded>,
}

/// Begins to write what passed so far into `path`; `tell` hears how it went.
pub(super) fn begin(overheard: &Arc<Overheard>, path: PathBuf, keys: Keys, tell: Sender<Saved>) {
    let heard = Arc::clone(overheard);
    let (to, failed) = (path.clone(), tell.clone());
    let work = move || {
        let outcome = write(&heard, &to, keys);
        // Without a window nobody needs to know.
        let _no_window = tell.send(Saved {
            path: to,
            keys,
            outcome,
        });
        heard.wake();
    };
    if let Err(error) = thread::Builder::new().name("capture".into()).spawn(work) {
        let outcome = Err(cannot(&path)(error));
        let _no_window = failed.send(Saved {
            path,
            keys,
            outcome,
        });
    }
}

/// A temporary file beside `path`, with mode 0600 from its first byte, that gets its name when it is complete.
pub(super) fn write(overheard: &Overheard, path: &Path, keys: Keys) -> Result<Recorded> {
    let failed = cannot(path);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(&failed)?;
    let mut recorder = Recorder::new(BufWriter::new(&mut file)).map_err(&failed)?;
    if keys == Keys::Embedded
        && let Some(key_log) = overheard.key_log()
    {
        recorder.secrets(&key_log).map_err(&failed)?;
    }
    for event in overheard.events() {
        recorder.record(event).map_err(&failed)?;
    }
    let (_, totals) = recorder.finish().map_err(&failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(totals)
}

fn cannot(path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |error| {
        Error::io(
            Kind::LocalWrite,
            format_args!("write {}", path.display()),
            error,
        )
    }
}
