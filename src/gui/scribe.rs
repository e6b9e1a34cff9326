//! Writes the settings down, on a thread of its own: the window never waits for a disk.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::engine::thread;
use super::engine::told::Told;
use super::settings::Settings;
use crate::error::Result;

/// Has settings written. When it is dropped, what it was given last is there.
#[derive(Debug)]
pub struct Scribe {
    /// Closed to have the thread end.
    settings: Option<Sender<Settings>>,
    troubles: Receiver<Told>,
    thread: Option<JoinHandle<()>>,
}

impl Scribe {
    /// One that writes by `write`, which tells what went wrong.
    pub fn start(
        mut write: impl FnMut(&Settings) -> Option<Told> + Send + 'static,
    ) -> Result<Self> {
        let (settings, received) = channel::<Settings>();
        let (tell, troubles) = channel();
        let thread = thread("settings", move || {
            while let Ok(first) = received.recv() {
                // Of those that piled up meanwhile only the last counts.
                let last = received.try_iter().last().unwrap_or(first);
                if let Some(trouble) = write(&last) {
                    // Without a window nobody needs to know.
                    let _no_window = tell.send(trouble);
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
    pub fn trouble(&self) -> Option<Told> {
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
    use crate::gui::engine::transfers::sample::told;

    fn zoomed(zoom: f32) -> Settings {
        Settings {
            zoom: Some(zoom),
            ..Settings::default()
        }
    }

    #[test]
    fn what_was_given_last_is_written_before_it_is_gone() {
        let (written, all) = channel();
        let write = move |settings: &Settings| {
            written.send(settings.clone()).unwrap();
            None
        };
        let scribe = Scribe::start(write).unwrap();
        for zoom in [1.0, 1.5, 2.0] {
            scribe.write(&zoomed(zoom));
        }
        assert!(scribe.trouble().is_none());
        drop(scribe);
        assert_eq!(all.try_iter().last(), Some(zoomed(2.0)));
    }

    #[test]
    fn what_cannot_be_written_is_told_and_the_next_is_tried_again() {
        let (written, all) = channel();
        let mut full = true;
        let write = move |settings: &Settings| {
            if std::mem::take(&mut full) {
                return Some(told());
            }
            written.send(settings.clone()).unwrap();
            None
        };
        let scribe = Scribe::start(write).unwrap();
        scribe.write(&zoomed(1.5));
        assert_eq!(scribe.troubles.recv(), Ok(told()));
        scribe.write(&zoomed(2.0));
        drop(scribe);
        assert_eq!(all.try_iter().last(), Some(zoomed(2.0)));
    }
}
