//! Which rows are shown of a listing, and in which order: pure functions of it.

use std::cmp::Ordering;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::gui::listing::Listing;
use crate::gui::natural::{self, contains};
use crate::protocol::FileInfo;

/// By what the list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Column {
    /// The name.
    #[default]
    Name,
    /// Who uploaded it.
    Owner,
    /// Its bytes.
    Size,
    /// When it was uploaded.
    Time,
}

/// How the list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sort {
    /// By this.
    pub by: Column,
    /// The greatest first.
    pub descending: bool,
}

impl Sort {
    /// The order after a click on `column`: by it, or by it the other way round.
    #[must_use]
    pub fn clicked(self, column: Column) -> Self {
        Self {
            by: column,
            descending: self.by == column && !self.descending,
        }
    }
}

/// A row that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A folder.
    Folder(Folder),
    /// The file at this place of the listing.
    File(usize),
}

/// A folder: all files whose names begin alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Its path from the top, with a `/` at the end.
    pub path: String,
    /// Files in it, at any depth.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// When the newest of them was uploaded.
    pub newest: OffsetDateTime,
}

impl Folder {
    fn of(path: &str, files: &[FileInfo]) -> Self {
        let newest = files.iter().map(|file| file.modified).max();
        Self {
            path: path.to_owned(),
            files: files.len(),
            bytes: files.iter().map(|file| file.size).sum(),
            newest: newest.unwrap_or(OffsetDateTime::UNIX_EPOCH),
        }
    }
}

/// The part of the listing `all` whose names begin with `prefix`: it is sorted, so that they stand together.
pub(super) fn within(all: &[FileInfo], prefix: &str) -> Range<usize> {
    let start = all.partition_point(|file| file.name.as_str() < prefix);
    let length = all[start..].partition_point(|file| file.name.as_str().starts_with(prefix));
    start..start + length
}

/// The last part of a path: `b` of `a/b` and of `a/b/`.
pub(super) fn last_part(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

/// The rows of `folder` (empty, or a path that ends in `/`), folders first.
///
/// Without a filter: what is in the folder itself. With one: every file and folder below it whose own name
/// contains the filter, at any depth; a filter with a `/` is looked for in the path below the folder.
pub(super) fn rows(all: &Listing, folder: &str, filter: &str, sort: Sort) -> Vec<Row> {
    let shown = within(all, folder);
    let (mut folders, files) = match filter {
        "" => direct(all, folder, shown),
        filter => matching(all, folder, shown, &natural::fold(filter)),
    };
    folders.sort_by(|a, b| turned(sort, a, b));
    let folders = folders.into_iter().map(Row::Folder);
    let files = in_order(all, files, sort).into_iter().map(Row::File);
    folders.chain(files).collect()
}

/// How many folders and files the rows are, and their bytes.
pub(super) fn sums(all: &[FileInfo], rows: &[Row]) -> (usize, usize, u64) {
    let (mut folders, mut files, mut bytes) = (0, 0, 0);
    for row in rows {
        match row {
            Row::Folder(folder) => {
                folders += 1;
                bytes += folder.bytes;
            }
            Row::File(index) => {
                files += 1;
                bytes += all[*index].size;
            }
        }
    }
    (folders, files, bytes)
}

fn direct(all: &[FileInfo], folder: &str, shown: Range<usize>) -> (Vec<Folder>, Vec<usize>) {
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    let mut at = shown.start;
    while at < shown.end {
        let name = all[at].name.as_str();
        if let Some(slash) = name[folder.len()..].find('/') {
            let path = &name[..=folder.len() + slash];
            let inside = within(&all[at..shown.end], path).len();
            folders.push(Folder::of(path, &all[at..at + inside]));
            at += inside;
        } else {
            files.push(at);
            at += 1;
        }
    }
    (folders, files)
}

fn matching(
    all: &[FileInfo],
    folder: &str,
    shown: Range<usize>,
    filter: &str,
) -> (Vec<Folder>, Vec<usize>) {
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    let whole = filter.contains('/');
    let fits = |path: &str| match whole {
        true => contains(&path[folder.len()..], filter),
        false => contains(last_part(path), filter),
    };
    let mut before = "";
    for at in shown.clone() {
        let name = all[at].name.as_str();
        for (slash, _) in name[folder.len()..].match_indices('/') {
            let path = &name[..=folder.len() + slash];
            if !before.starts_with(path) && fits(path) {
                let inside = within(&all[at..shown.end], path).len();
                folders.push(Folder::of(path, &all[at..at + inside]));
            }
        }
        if fits(name) {
            files.push(at);
        }
        before = name;
    }
    (folders, files)
}

/// Files in the order that is asked for; between equals the names decide, always upwards unless the names are what
/// is sorted by. By numbers alone, which the listing brought: this runs while drawing.
fn in_order(all: &Listing, files: Vec<usize>, sort: Sort) -> Vec<usize> {
    let keyed = files.into_iter().map(|place| {
        let (file, rank) = (&all[place], all.rank(place));
        let by = match sort.by {
            Column::Name => 0,
            Column::Owner => i128::from(rank.owner),
            Column::Size => i128::from(file.size),
            Column::Time => file.modified.unix_timestamp_nanos(),
        };
        (if sort.descending { -by } else { by }, rank.name, place)
    });
    let mut keyed: Vec<(i128, u32, usize)> = keyed.collect();
    keyed.sort_unstable();
    if sort.by == Column::Name && sort.descending {
        keyed.reverse();
    }
    keyed.into_iter().map(|(.., place)| place).collect()
}

/// The same for two folders.
fn turned(sort: Sort, a: &Folder, b: &Folder) -> Ordering {
    let by = match sort.by {
        Column::Name | Column::Owner => Ordering::Equal,
        Column::Size => a.bytes.cmp(&b.bytes),
        Column::Time => a.newest.cmp(&b.newest),
    };
    let names = || {
        let (a, b) = (a.path.trim_end_matches('/'), b.path.trim_end_matches('/'));
        natural::compare(a, b)
    };
    match (sort.by, sort.descending) {
        (Column::Name, true) => names().reverse(),
        (_, true) => by.reverse().then_with(names),
        (_, false) => by.then_with(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::files::sample::{listing, shown};

    fn by(by: Column, descending: bool) -> Sort {
        Sort { by, descending }
    }

    #[test]
    fn a_folder_shows_its_folders_with_count_size_and_newest_and_then_its_files() {
        let all = listing(&[
            ("a.txt", "alice", 1, 10),
            ("docs/b.txt", "alice", 2, 20),
            ("docs/deep/c.txt", "bob", 3, 30),
            ("docs-2/x", "bob", 4, 5),
            ("docs0/x", "bob", 4, 5),
        ]);
        let rows = rows(&all, "", "", Sort::default());
        assert_eq!(shown(&all, &rows), ["docs/", "docs-2/", "docs0/", "a.txt"]);
        let Row::Folder(docs) = &rows[0] else {
            panic!("no folder")
        };
        assert_eq!((docs.files, docs.bytes), (2, 5));
        assert_eq!(docs.newest.unix_timestamp(), 30);
        let inside = super::rows(&all, "docs/", "", Sort::default());
        assert_eq!(shown(&all, &inside), ["docs/deep/", "docs/b.txt"]);
        assert!(super::rows(&all, "gone/", "", Sort::default()).is_empty());
    }

    #[test]
    fn each_column_sorts_both_ways_and_names_decide_between_equals() {
        let all = listing(&[
            ("f10", "bob", 1, 30),
            ("f9", "alice", 1, 10),
            ("g/x", "bob", 7, 1),
            ("h/x", "bob", 2, 2),
        ]);
        for (sort, order) in [
            (by(Column::Name, false), ["g/", "h/", "f9", "f10"]),
            (by(Column::Name, true), ["h/", "g/", "f10", "f9"]),
            (by(Column::Owner, false), ["g/", "h/", "f9", "f10"]),
            (by(Column::Owner, true), ["g/", "h/", "f10", "f9"]),
            (by(Column::Size, false), ["h/", "g/", "f9", "f10"]),
            (by(Column::Size, true), ["g/", "h/", "f9", "f10"]),
            (by(Column::Time, false), ["g/", "h/", "f9", "f10"]),
            (by(Column::Time, true), ["h/", "g/", "f10", "f9"]),
        ] {
            assert_eq!(shown(&all, &rows(&all, "", "", sort)), order, "by {sort:?}");
        }
    }

    #[test]
    fn a_click_on_a_column_sorts_by_it_and_another_turns_it_round() {
        let sort = Sort::default().clicked(Column::Size);
        assert_eq!(sort, by(Column::Size, false));
        assert_eq!(sort.clicked(Column::Size), by(Column::Size, true));
        let back = sort.clicked(Column::Size).clicked(Column::Name);
        assert_eq!(back, by(Column::Name, false));
    }

    #[test]
    fn a_filter_finds_files_and_folders_at_any_depth_below_the_folder_shown() {
        let all = listing(&[
            ("NOTES.txt", "a", 1, 1),
            ("docs/notes/old.txt", "a", 2, 1),
            ("docs/notes/my-notes", "a", 3, 1),
            ("other", "a", 4, 1),
        ]);
        let find = |folder, filter| {
            let rows = rows(&all, folder, filter, Sort::default());
            shown(&all, &rows)
        };
        assert_eq!(
            find("", "notes"),
            ["docs/notes/", "docs/notes/my-notes", "NOTES.txt"]
        );
        assert_eq!(
            find("docs/", "NOTES"),
            ["docs/notes/", "docs/notes/my-notes"]
        );
        assert_eq!(
            find("docs/", "docs"),
            [""; 0],
            "the folder shown is not below itself"
        );
        assert_eq!(find("", "notes/o"), ["docs/notes/old.txt"]);
        assert_eq!(find("docs/", "docs/n"), [""; 0], "nor is its own name");
        assert_eq!(find("", "nothing"), [""; 0]);
    }
}
