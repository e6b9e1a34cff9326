//! Writes the settings down, on a thread of its own: the window never waits for a disk.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::engine::thread;
use super::settings::Settings;
use crate::error::{Error, Result};

/// Writes into one file. When it is dropped, what it was given last is there.
#[derive(Debug)]
pub struct Scribe {
    /// Closed to have the thread end.
    settings: Option<Sender<Settings>>,
    troubles: Receiver<Error>,
    thread: Option<JoinHandle<()>>,
}

impl Scribe {
    /// One that writes into the file at `path`.
    pub fn start(path: PathBuf) -> Result<Self> {
        let (settings, received) = channel::<Settings>();
        let (tell, troubles) = channel();
        let thread = thread("settings", move || {
            while let Ok(first) = received.recv() {
                // Of those that piled up meanwhile only the last counts.
                let last = received.try_iter().last().unwrap_or(first);
                if let Err(error) = last.save(&path) {
                    // Without a window nobody needs to know.
                    let _no_window = tell.send(error);
                }
            }
        })?;
        Ok(Self {
            settings: Some(settings),
            troubles,
            thread: Some(thread),
        })
    }

    /// Has these written, in place of what is there.
    pub fn write(&self, settings: &Settings) {
        if let Some(to) = &self.settings {
            let _ended = to.send(settings.clone());
        }
    }

    /// Why something could not be written, if that was not asked yet.
    pub fn trouble(&self) -> Option<Error> {
        self.troubles.try_recv().ok()
    }
}

impl Drop for Scribe {
    fn drop(&mut self) {
        self.settings = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zoomed(zoom: f32) -> Settings {
        Settings {
            zoom: Some(zoom),
            ..Settings::default()
        }
    }

    #[test]
    fn what_was_given_last_is_written_before_it_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("window.json");
        let scribe = Scribe::start(path.clone()).unwrap();
        for zoom in [1.0, 1.5, 2.0] {
            scribe.write(&zoomed(zoom));
        }
        assert!(scribe.trouble().is_none());
        drop(scribe);
        assert_eq!(Settings::load(&path), zoomed(2.0));
    }

    #[test]
    fn what_cannot_be_written_is_told_and_the_next_is_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("sealpost");
        // A file where the folder has to be.
        std::fs::File::create(&folder).unwrap();
        let path = folder.join("window.json");
        let scribe = Scribe::start(path.clone()).unwrap();
        scribe.write(&zoomed(1.5));
        let error = scribe.troubles.recv().unwrap();
        assert!(error.to_string().contains("window.json"), "{error}");
        std::fs::remove_file(&folder).unwrap();
        scribe.write(&zoomed(2.0));
        drop(scribe);
        assert_eq!(Settings::load(&path), zoomed(2.0));
    }
}
