//! Where a session is among the server's names. The server has no folders: one is the beginning that some
//! names share, so this is arithmetic on names and nothing is asked.

use super::line::plain;
use crate::cli::files::file_name;
use crate::cli::walk;
use crate::error::Result;
use crate::protocol::{FileInfo, FileName};

/// A folder on the server, as the parts of its name; none is the top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place(Vec<String>);

impl Place {
    /// What `text` means here: from the top with a leading slash, `..` one up, and at the top nowhere.
    pub(super) fn of(&self, text: &str) -> Self {
        let mut parts = match text.starts_with('/') {
            true => Vec::new(),
            false => self.0.clone(),
        };
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part.to_owned()),
            }
        }
        Self(parts)
    }

    /// The same for a pattern; what is before it is meant as it stands.
    pub(super) fn pattern(&self, glob: &str) -> Self {
        let here = self.0.iter().map(|part| glob::Pattern::escape(part));
        Self(here.collect()).of(glob)
    }

    /// Its name without a slash at the end; empty at the top.
    pub(super) fn name(&self) -> String {
        self.0.join("/")
    }

    /// What the names in it begin with.
    pub(super) fn prefix(&self) -> Result<String> {
        walk::prefix(&self.name())
    }

    /// The file of this name.
    pub(super) fn file(&self) -> Result<FileName> {
        file_name(&self.name())
    }

    /// As people see it.
    pub(super) fn shown(&self) -> String {
        format!("/{}", self.name())
    }

    /// Whether it is the top.
    pub(super) fn is_top(&self) -> bool {
        self.0.is_empty()
    }

    /// `name` as it is typed here: the rest of it when it is below this folder, else all of it.
    pub(super) fn relative(&self, name: &str) -> String {
        let below = match self.0.is_empty() {
            true => Some(name),
            false => name
                .strip_prefix(&self.name())
                .and_then(|rest| rest.strip_prefix('/'))
                .filter(|rest| !rest.is_empty()),
        };
        below.map_or_else(|| format!("/{name}"), str::to_owned)
    }

    /// The longest folder that surely holds all that this pattern matches.
    pub(super) fn base(&self) -> Self {
        let above = self.0.iter().take(self.0.len().saturating_sub(1));
        Self(above.map_while(|part| plain(part)).collect())
    }
}

/// What a word names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// One file.
    File(FileInfo),
    /// A folder, by its name without a slash at the end.
    Folder(String),
}

/// What in `files` the pattern `wanted` matches, part by part: `*` stops at a slash, and a leading dot is
/// matched by a dot only.
pub(super) fn matching(wanted: &Place, files: &[FileInfo]) -> Vec<Found> {
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let Ok(pattern) = glob::Pattern::new(&wanted.name()) else {
        return Vec::new(); // It was checked when it was read.
    };
    let mut found: Vec<Found> = Vec::new();
    for file in files {
        let name = file.name.as_str();
        let end = name
            .match_indices('/')
            .nth(wanted.0.len().saturating_sub(1));
        let above = end.map(|(end, _)| &name[..end]);
        if !pattern.matches_with(above.unwrap_or(name), options) {
            continue;
        }
        let this = match above {
            Some(folder) => Found::Folder(folder.to_owned()),
            None => Found::File(file.clone()),
        };
        // Names are in order, so the files of a folder follow each other.
        if found.last() != Some(&this) {
            found.push(this);
        }
    }
    found
}

/// What is directly in `folder`, whose names begin with `prefix`.
pub(super) fn entries<'a>(prefix: &str, files: &'a [FileInfo]) -> Vec<(&'a str, &'a [FileInfo])> {
    let groups = files.chunk_by(|a, b| {
        let part = first_part(prefix, a);
        part.ends_with('/') && part == first_part(prefix, b)
    });
    let named = groups.filter_map(|group| Some((first_part(prefix, group.first()?), group)));
    named.collect()
}

/// What follows `prefix` in a name, up to the next slash and with it.
fn first_part<'a>(prefix: &str, file: &'a FileInfo) -> &'a str {
    let rest = file.name.as_str().get(prefix.len()..).unwrap_or_default();
    match rest.find('/') {
        Some(end) => &rest[..=end],
        None => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Vec<FileInfo> {
        let file = |name: &&str| FileInfo {
            name: name.parse().unwrap(),
            size: 1,
            sha256: crate::protocol::Sha256::of(b""),
            owner: "alice".parse().unwrap(),
            modified: crate::text::now(),
        };
        names.iter().map(file).collect()
    }

    fn shown(found: &[Found]) -> Vec<String> {
        let text = |found: &Found| match found {
            Found::File(file) => file.name.to_string(),
            Found::Folder(name) => format!("{name}/"),
        };
        found.iter().map(text).collect()
    }

    #[test]
    fn a_place_is_reached_from_here_or_from_the_top_and_nothing_is_above_the_top() {
        let docs = Place::default().of("docs/a");
        for (text, name) in [
            ("b", "docs/a/b"),
            ("b/", "docs/a/b"),
            ("..", "docs"),
            ("../..", ""),
            ("../../..", ""),
            ("/x", "x"),
            ("/", ""),
            (".", "docs/a"),
            ("./b/../c", "docs/a/c"),
        ] {
            assert_eq!(docs.of(text).name(), name, "{text}");
        }
        assert_eq!(docs.relative("docs/a/b"), "b");
        assert_eq!(docs.relative("docs/ab"), "/docs/ab");
        assert_eq!(docs.relative("docs/a"), "/docs/a");
        assert_eq!(Place::default().relative("x"), "x");
        assert!(docs.of("..").of("..").is_top());
    }

    #[test]
    fn a_pattern_matches_part_by_part() {
        let files = files(&[
            ".hidden",
            "a",
            "a.pdf",
            "a/b.pdf",
            "a/c/d.pdf",
            "a/e/f",
            "b.pdf",
            "x*y",
        ]);
        let top = Place::default();
        for (glob, names) in [
            ("*.pdf", &["a.pdf", "b.pdf"][..]),
            ("a*", &["a", "a.pdf", "a/"]),
            ("*/*.pdf", &["a/b.pdf"]),
            ("a/*", &["a/b.pdf", "a/c/", "a/e/"]),
            (".*", &[".hidden"]),
            ("x[*]*", &["x*y"]),
            ("z*", &[]),
        ] {
            assert_eq!(
                shown(&matching(&top.pattern(glob), &files)),
                names,
                "{glob}"
            );
        }
        assert_eq!(top.pattern("a/c/*").base().name(), "a/c");
        assert_eq!(top.of("x[y").pattern("*").name(), "x[[]y/*");
        assert_eq!(top.of("x[y").pattern("*").base().name(), "x[y");
        assert_eq!(top.pattern("*/a").base().name(), "");
    }

    #[test]
    fn a_folder_is_shown_once_whatever_is_in_it() {
        let files = files(&["d/a", "d/b", "d/b/c", "d/b/d", "e"]);
        let names = |prefix: &str, files: &[FileInfo]| -> Vec<(String, usize)> {
            let entries = entries(prefix, files);
            entries
                .iter()
                .map(|(name, files)| ((*name).to_owned(), files.len()))
                .collect()
        };
        let pair = |name: &str, n| (name.to_owned(), n);
        assert_eq!(names("", &files), [pair("d/", 4), pair("e", 1)]);
        assert_eq!(
            names("d/", &files[..4]),
            [pair("a", 1), pair("b", 1), pair("b/", 2)]
        );
    }
}
