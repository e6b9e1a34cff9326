//! Where settings are kept: read once, written when they change, beside other windows that do the same.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use super::Settings;
use crate::error::{Error, Kind, Result};
use crate::gui::engine::told::Told;
use crate::text::escape;

/// The file of the settings.
#[derive(Debug, Default)]
pub struct Keep {
    path: Option<PathBuf>,
    /// What this window had when it read or wrote the file last.
    base: Settings,
    /// What the file had then: the same, but for what other windows wrote.
    there: Settings,
    /// What the file was like then: another window has written it since when it is another.
    stamp: Option<Stamp>,
    /// What went wrong last, told once.
    trouble: Option<Told>,
}

type Stamp = (SystemTime, u64);

impl Keep {
    /// Reads the file, if there is one. What cannot be understood is set aside and not written over; the second
    /// tells of it.
    pub fn open(path: Option<&Path>) -> (Self, Settings, Option<Told>) {
        let Some(path) = path else {
            return Self::default().with(Settings::default(), None);
        };
        let keep = Self {
            path: Some(path.to_owned()),
            stamp: stamp(path),
            ..Self::default()
        };
        let (settings, told) = match Settings::read(path) {
            Ok(settings) => (settings, None),
            Err(error) => (Settings::default(), Some(Told::of(&set_aside(path, error)))),
        };
        keep.with(settings, told)
    }

    fn with(mut self, settings: Settings, told: Option<Told>) -> (Self, Settings, Option<Told>) {
        self.base = settings.clone();
        self.there = settings.clone();
        (self, settings, told)
    }

    /// Writes them, with what other windows wrote meanwhile; the same trouble is told once.
    pub fn save(&mut self, settings: &Settings) -> Option<Told> {
        let path = self.path.clone()?;
        if stamp(&path) != self.stamp
            && let Ok(there) = Settings::read(&path)
        {
            self.there = there;
        }
        let merged = settings.merged(&self.base, &self.there);
        let trouble = match merged.save(&path) {
            Ok(()) => {
                self.base = settings.clone();
                self.there = merged;
                self.stamp = stamp(&path);
                None
            }
            Err(error) => Some(Told::of(&error)),
        };
        let news = trouble != self.trouble;
        self.trouble.clone_from(&trouble);
        trouble.filter(|_| news)
    }
}

impl Settings {
    /// These, changed since `base`, and what another window made of `base` meanwhile: of each the changes.
    fn merged(&self, base: &Self, there: &Self) -> Self {
        fn pick<T: PartialEq + Clone>(ours: &T, base: &T, theirs: &T) -> T {
            match ours == base {
                true => theirs.clone(),
                false => ours.clone(),
            }
        }
        if base == there {
            return self.clone();
        }
        let mut recent = both(&self.recent, &base.recent, &there.recent);
        recent.truncate(super::RECENT_MAX);
        Self {
            language: pick(&self.language, &base.language, &there.language),
            recent,
            window: pick(&self.window, &base.window, &there.window),
            look: pick(&self.look, &base.look, &there.look),
            zoom: pick(&self.zoom, &base.zoom, &there.zoom),
            download_folder: pick(
                &self.download_folder,
                &base.download_folder,
                &there.download_folder,
            ),
            unfinished: both(&self.unfinished, &base.unfinished, &there.unfinished),
            columns: pick(&self.columns, &base.columns, &there.columns),
            sort: pick(&self.sort, &base.sort, &there.sort),
        }
    }
}

/// What both lists have that came of `base`: what we added first, then theirs without what we removed.
fn both<T: Serialize + Clone>(ours: &[T], base: &[T], theirs: &[T]) -> Vec<T> {
    let key = |one: &T| serde_json::to_string(one).unwrap_or_default();
    let all = |list: &[T]| list.iter().map(key).collect::<HashSet<String>>();
    let (had, have, they) = (all(base), all(ours), all(theirs));
    let added = ours.iter().filter(|one| {
        let key = key(one);
        !had.contains(&key) && !they.contains(&key)
    });
    let kept = theirs.iter().filter(|one| {
        let key = key(one);
        have.contains(&key) || !had.contains(&key)
    });
    added.chain(kept).cloned().collect()
}

/// Gives a file that cannot be understood another name, so that it is not written over.
fn set_aside(path: &Path, error: Error) -> Error {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".broken");
    let aside = PathBuf::from(aside);
    let (name, other) = (
        escape(&path.to_string_lossy()),
        escape(&aside.to_string_lossy()),
    );
    let kept = path.is_file() && fs::rename(path, &aside).is_ok();
    let told = Error::new(
        Kind::Other,
        format!("the settings in {name} cannot be read"),
    );
    match kept {
        true => told
            .hint(format!(
                "the window begins without them; they are kept as {other}"
            ))
            .zh(
                format!("无法读取设置 {name}"),
                format!("窗口以默认设置启动；原文件保留为 {other}"),
            ),
        false => told
            .hint("the window begins without them; check the path and who may read it")
            .zh(
                format!("无法读取设置 {name}"),
                "窗口以默认设置启动；请检查路径和读取权限",
            ),
    }
    .source(error)
}

fn stamp(path: &Path) -> Option<Stamp> {
    let of = |metadata: Metadata| Some((metadata.modified().ok()?, metadata.len()));
    fs::metadata(path).ok().and_then(of)
}

/// Reads a file of settings; none is as if nothing had been remembered.
pub(super) fn read(path: &Path) -> Result<Settings> {
    let failed = |error| {
        let path = path.display();
        Error::io(Kind::LocalRead, format_args!("read {path}"), error)
    };
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| failed(error.into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Settings::default()),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::recent;
    use super::*;
    use crate::gui::settings::{Look, Unfinished};

    fn unfinished(name: &str) -> Unfinished {
        Unfinished {
            host: "example.org".into(),
            port: 9999,
            user: "alice".into(),
            upload: true,
            path: name.into(),
            name: name.parse().unwrap(),
        }
    }

    fn put(path: &Path, text: &str) {
        let mut file = fs::File::create(path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    }

    fn names(settings: &Settings) -> Vec<&str> {
        let all = settings.unfinished.iter();
        all.map(|unfinished| unfinished.name.as_str()).collect()
    }

    #[test]
    fn two_windows_with_one_file_lose_nothing_of_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("window.json");
        let first = Settings {
            unfinished: vec![unfinished("old"), unfinished("older")],
            ..Settings::default()
        };
        first.save(&path).unwrap();
        let (mut keep, mut ours, _) = Keep::open(Some(&path));
        let (mut other_keep, mut theirs, _) = Keep::open(Some(&path));
        theirs.remember(recent("bob"));
        theirs.look = Look::Dark;
        theirs.unfinished = vec![unfinished("theirs"), unfinished("older")];
        assert!(other_keep.save(&theirs).is_none());
        ours.remember(recent("alice"));
        ours.language = Some("zh".into());
        ours.unfinished.push(unfinished("ours"));
        assert!(keep.save(&ours).is_none());
        let saved = Settings::load(&path);
        let users: Vec<&str> = saved.recent.iter().map(|one| one.user.as_str()).collect();
        assert_eq!(users, ["alice", "bob"]);
        assert_eq!(
            (saved.look, saved.language.as_deref()),
            (Look::Dark, Some("zh"))
        );
        assert_eq!(names(&saved), ["ours", "theirs", "older"]);
        // And what one has done since goes.
        ours.unfinished.clear();
        keep.save(&ours);
        assert_eq!(names(&Settings::load(&path)), ["theirs"]);
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_set_aside_and_told_of() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("window.json");
        put(&path, "{ my notes");
        let (mut keep, settings, told) = Keep::open(Some(&path));
        assert_eq!(settings, Settings::default());
        assert!(told.unwrap().hint.en.contains("window.json.broken"));
        keep.save(&settings);
        let aside = dir.path().join("window.json.broken");
        assert_eq!(fs::read_to_string(aside).unwrap(), "{ my notes");
        let (_, _, told) = Keep::open(Some(&dir.path().join("none.json")));
        assert!(told.is_none());
    }

    #[test]
    fn a_file_that_cannot_be_written_is_told_of_once() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        put(&file, "");
        let (mut keep, settings, _) = Keep::open(Some(&file.join("window.json")));
        assert!(keep.save(&settings).is_some());
        assert!(keep.save(&settings).is_none());
    }
}
