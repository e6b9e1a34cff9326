//! What the window remembers: the language, the connections, sizes. Never a secret.

mod keep;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::Sort;
use super::login::{Advanced, Security};
use crate::error::{Error, Kind, Result};
use crate::lang::{Both, Lang, both};
use crate::protocol::FileName;
pub use keep::Keep;

/// Connections remembered; the oldest go first.
const RECENT_MAX: usize = 10;

/// The least and the most a remembered window may measure, in points; whatever a file says.
const WINDOW: [(f32, f32); 2] = [(480.0, 7_680.0), (360.0, 4_320.0)];

/// The least and the most everything can be zoomed.
const ZOOM: (f32, f32) = (0.5, 3.0);

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// `en` or `zh`; the system's language when nothing was chosen.
    pub language: Option<String>,
    /// The last connections, the latest first.
    pub recent: Vec<Recent>,
    /// Width and height of the window, in points before zooming.
    pub window: Option<[f32; 2]>,
    /// Light or dark.
    pub look: Look,
    /// How much larger than usual everything is; 1 when never chosen.
    pub zoom: Option<f32>,
    /// Where downloads went last.
    pub download_folder: Option<PathBuf>,
    /// Transfers that were not finished when the window was closed.
    pub unfinished: Vec<Unfinished>,
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
    /// What few need.
    #[serde(default, skip_serializing_if = "is_default")]
    pub advanced: Advanced,
}

fn is_default(advanced: &Advanced) -> bool {
    *advanced == Advanced::default()
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Look {
    /// As the system.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Look {
    /// All three.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Its name.
    pub fn name(self) -> Both {
        match self {
            Self::System => both("As the system", "跟随系统"),
            Self::Light => both("Light", "浅色"),
            Self::Dark => both("Dark", "深色"),
        }
    }
}

/// A transfer that was not finished: what it takes to go on with it, but for the login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whose transfer it is.
    pub user: String,
    /// From here to there, or from there to here.
    pub upload: bool,
    /// The local file.
    pub path: PathBuf,
    /// The name on the server.
    pub name: FileName,
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
        Self::read(path).unwrap_or_default()
    }

    fn read(path: &Path) -> Result<Self> {
        keep::read(path)
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
        // At once: written piece by piece, ten thousand unfinished transfers would take long.
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        file.write_all(&text).map_err(failed)?;
        // Not even a power failure shall leave an empty file under the name.
        file.as_file().sync_data().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// The language chosen, if there was one.
    pub fn lang(&self) -> Option<Lang> {
        self.language.as_deref().map(|word| match word {
            "zh" => Lang::Chinese,
            _ => Lang::English,
        })
    }

    /// Width and height of the window, within bounds.
    pub fn window(&self) -> Option<[f32; 2]> {
        let [wide, high] = self.window?;
        let sane = |size: f32, (least, most): (f32, f32)| {
            size.is_finite().then(|| size.clamp(least, most))
        };
        Some([sane(wide, WINDOW[0])?, sane(high, WINDOW[1])?])
    }

    /// How much larger than usual everything is, within bounds.
    pub fn zoom(&self) -> f32 {
        let zoom = self.zoom.filter(|zoom| zoom.is_finite());
        zoom.map_or(1.0, |zoom| zoom.clamp(ZOOM.0, ZOOM.1))
    }

    /// Forgets a connection.
    pub fn forget(&mut self, recent: &Recent) {
        self.recent.retain(|other| other != recent);
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

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn recent(user: &str) -> Recent {
        Recent {
            host: "example.org".into(),
            port: 9999,
            user: user.into(),
            security: Security::Tls,
            ca: "ca.crt".into(),
            certificate: PathBuf::new(),
            key: PathBuf::new(),
            advanced: Advanced::default(),
        }
    }

    #[test]
    fn what_is_saved_is_loaded_and_what_cannot_be_read_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sealpost/window.json");
        let mut settings = Settings {
            language: Some("zh".into()),
            look: Look::Dark,
            zoom: Some(1.5),
            window: Some([900.0, 600.0]),
            ..Settings::default()
        };
        settings.remember(recent("alice"));
        settings.save(&path).unwrap();
        assert_eq!(Settings::load(&path), settings);
        assert_eq!(settings.lang(), Some(Lang::Chinese));
        for broken in ["", "{", r#"{"recent":[{"host":1}]}"#] {
            let mut file = fs::File::create(&path).unwrap();
            file.write_all(broken.as_bytes()).unwrap();
            assert_eq!(Settings::load(&path), Settings::default(), "{broken}");
        }
        assert_eq!(Settings::load(dir.path()), Settings::default());
    }

    #[test]
    fn whoever_reads_while_it_is_written_reads_the_whole_of_the_old() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("window.json");
        Settings::default().save(&path).unwrap();
        let before = fs::read_to_string(&path).unwrap();
        let file = fs::File::open(&path).unwrap();
        let mut settings = Settings::default();
        settings.remember(recent("alice"));
        settings.save(&path).unwrap();
        assert_eq!(std::io::read_to_string(file).unwrap(), before);
        assert_eq!(dir.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn a_window_is_never_remembered_too_small_to_be_used_or_larger_than_any_screen() {
        let window = |window| {
            let settings = Settings {
                window: Some(window),
                ..Settings::default()
            };
            settings.window()
        };
        assert_eq!(window([900.0, 600.0]), Some([900.0, 600.0]));
        assert_eq!(window([1.0, -5.0]), Some([480.0, 360.0]));
        assert_eq!(window([1e9, 1e9]), Some([7_680.0, 4_320.0]));
        assert_eq!(window([f32::NAN, 600.0]), None);
        for (zoom, sane) in [
            (None, 1.0),
            (Some(2.0), 2.0),
            (Some(90.0), 3.0),
            (Some(0.0), 0.5),
        ] {
            let settings = Settings {
                zoom,
                ..Settings::default()
            };
            assert!((settings.zoom() - sane).abs() < f32::EPSILON);
        }
    }

    #[test]
    fn the_same_connection_is_remembered_once_and_forgotten_when_told() {
        let mut settings = Settings::default();
        for user in ["alice", "bob", "alice"] {
            settings.remember(recent(user));
        }
        let users = |settings: &Settings| -> Vec<String> {
            let all = settings.recent.iter();
            all.map(|recent| recent.user.clone()).collect()
        };
        assert_eq!(users(&settings), ["alice", "bob"]);
        settings.forget(&recent("alice"));
        assert_eq!(users(&settings), ["bob"]);
        for number in 0..20 {
            settings.remember(recent(&number.to_string()));
        }
        assert_eq!(settings.recent.len(), RECENT_MAX);
    }
}
