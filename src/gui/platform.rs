//! What only the desktop can do: dialogs that choose files, and opening a folder. Tests have their own.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::time::Instant;

use super::action::Wanted;

/// What a dialog is to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The file of the CA's certificate.
    CaFile,
    /// The file of the own certificate.
    Certificate,
    /// The file of the own private key.
    Key,
    /// The file of the revoked.
    RevocationList,
    /// Files to upload into this folder of the server.
    UploadFiles(String),
    /// A folder to upload into this folder of the server.
    UploadFolder(String),
    /// The local folder for these downloads.
    DownloadTo(Vec<Wanted>),
    /// The file to save the capture in.
    Capture(Keys),
}

/// Whether a capture holds what decrypts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// What passed, and no more.
    Without,
    /// The session's secrets too: whoever has the file reads everything.
    Embedded,
}

impl Keys {
    /// What such a capture is called, unless it is given another name.
    pub(super) fn file_name(self) -> &'static str {
        match self {
            Self::Without => "sealpost.pcapng",
            Self::Embedded => "sealpost.with-keys.pcapng",
        }
    }
}

/// What was chosen; nothing when the dialog was closed, or there is none on this system.
#[derive(Clone, Debug)]
pub struct Picked {
    /// What was asked.
    pub pick: Pick,
    /// What was chosen.
    pub paths: Vec<PathBuf>,
    /// When; it may be looked at much later.
    pub answered: Instant,
}

/// The desktop.
pub trait Platform: fmt::Debug {
    /// Opens a dialog and returns at once; the answer comes through `answer`. It shows the folder `begins` first,
    /// if that is there.
    fn pick(&mut self, pick: Pick, begins: Option<&Path>, answer: Sender<Picked>);

    /// Shows a folder in the file manager.
    fn open_folder(&mut self, folder: &Path);
}
