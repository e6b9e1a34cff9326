//! What the parts of the window ask to have done, and what they need to draw.

use std::path::PathBuf;

use super::engine::transfers::TransferOrder;
use super::engine::{Order, Request};
use super::files::Sort;
use super::platform::{Pick, Picked};
use super::settings::{Look, Recent};
use super::window::Tab;
use crate::lang::Lang;
use crate::protocol::{FileInfo, FileName};

/// A file to be downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The file.
    pub file: FileInfo,
    /// Its path below the folder that is chosen for it: what follows the folder shown, so that what is in
    /// folders comes in folders.
    pub path: FileName,
}

/// Something to be done after drawing.
#[derive(Debug)]
pub enum Action {
    /// Connect and log in.
    Connect(Box<Request>),
    /// Connect and log in as before.
    Reconnect,
    /// End the session, or the attempt at one.
    Disconnect,
    /// Have the session do something.
    Order(Order),
    /// Have the transfers do something.
    Transfer(TransferOrder),
    /// Upload these files and folders into a folder of the server (`""` or `a/b/`).
    Upload(Vec<PathBuf>, String),
    /// Download these into a local folder.
    Download(Vec<Wanted>, PathBuf),
    /// Go on with the transfers that were not finished when the window was closed.
    ResumeUnfinished,
    /// Do not offer them again.
    ForgetUnfinished,
    /// Close the window, whatever runs.
    Close,
    /// These paths were typed, for want of a dialog.
    Chosen(Picked),
    /// Ask with a dialog for files.
    Pick(Pick),
    /// Put this text on the clipboard.
    Copy(String),
    /// Show this folder in the desktop's file manager.
    OpenFolder(PathBuf),
    /// Speak this language from now on.
    Speak(Lang),
    /// Remember the widths of columns and the order of the list.
    Columns([f32; 3], Sort),
    /// Ask for another password.
    AskPassword,
    /// Look like this from now on.
    Look(Look),
    /// Show this panel.
    Open(Tab),
    /// Remember this connection no longer.
    Forget(Box<Recent>),
}

/// What a part of the window needs to draw itself.
#[derive(Debug)]
pub struct Cx<'a> {
    /// The language spoken.
    pub lang: Lang,
    /// What is to be done afterwards.
    pub actions: &'a mut Vec<Action>,
}

impl Cx<'_> {
    /// That one of two texts.
    pub fn say<T>(&self, english: T, chinese: T) -> T {
        self.lang.pick(english, chinese)
    }

    /// Has something done.
    pub fn act(&mut self, action: Action) {
        self.actions.push(action);
    }
}
