//! What the window remembers: the language, the connections, sizes. Never a secret.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::Sort;
use super::login::Security;
use crate::error::{Error, Kind, Result};

/// Connections remembered; the oldest go first.
const RECENT_MAX: usize = 10;

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// `en` or `zh`; the system's language when nothing was chosen.
    pub language: Option<String>,
    /// The last connections, the latest first.
    pub recent: Vec<Recent>,
    /// Width and height of the window, in points.
    pub window: Option<[f32; 2]>,
    /// Where downloads went last.
    pub download_folder: Option<PathBuf>,
    /// Widths of the columns beside the names, in points.
    pub columns: Option<[f32; 3]>,
    /// How the list is sorted.
    pub sort: Sort,
}

/// A connection there was; how to make it again, without what it takes to log in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recent {
    /// The host's name or address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Who logged in; empty when the certificate was the login.
    pub user: String,
    /// How it was protected.
    pub security: Security,
    /// The file of the CA.
    pub ca: PathBuf,
    /// The file of the own certificate.
    pub certificate: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
}

impl Settings {
    /// Where they are kept: `sealpost/window.json` in the user's folder for settings.
    pub fn path() -> Option<PathBuf> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let folder = match set("XDG_CONFIG_HOME") {
            Some(folder) => PathBuf::from(folder),
            None if cfg!(target_os = "macos") => {
                Path::new(&set("HOME")?).join("Library/Application Support")
            }
            None => Path::new(&set("HOME")?).join(".config"),
        };
        Some(folder.join("sealpost").join("window.json"))
    }

    /// Reads them; what is missing or cannot be read is as if nothing had been remembered.
    pub fn load(path: &Path) -> Self {
        let read = fs::read(path).ok();
        let settings = read.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        settings.unwrap_or_default()
    }

    /// Writes them, whole or not at all.
    pub fn save(&self, path: &Path) -> Result<()> {
        let failed = |error| {
            Error::io(
                Kind::LocalWrite,
                format_args!("write {}", path.display()),
                error,
            )
        };
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        serde_json::to_writer_pretty(&mut file, self).map_err(|error| failed(error.into()))?;
        file.flush().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Puts a connection in front.
    pub fn remember(&mut self, recent: Recent) {
        let same = |other: &Recent| {
            (&other.host, other.port, &other.user, other.security)
                == (&recent.host, recent.port, &recent.user, recent.security)
        };
        self.recent.retain(|other| !same(other));
        self.recent.insert(0, recent);
        self.recent.truncate(RECENT_MAX);
    }
}
