//! The list of files: what is shown of it, in which order, and what is selected.
//!
//! The server knows no folders, only names with `/` in them: a folder is all files whose names begin alike.
//! What is shown is worked out when something changes, never while drawing (`arrange`); what is selected
//! is known by name (`selection`). `view` draws, with `table` for the rows.

mod arrange;
mod dialog;
mod keys;
mod layout;
mod menu;
mod notice;
mod rename;
mod selection;
mod sign;
mod table;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use arrange::{Column, Folder, Row, Sort};
pub use selection::{How, Step};

use super::action::Wanted;
use super::engine::Deed;
use super::engine::told::Told;
use super::listing::Listing;
use super::settings::Settings;
use crate::protocol::{FileInfo, FileName};
use arrange::{last_part, within};
use dialog::Dialog;
use layout::Layout;
use notice::Notice;
use selection::Selection;

/// The list.
#[derive(Debug, Default)]
pub struct Files {
    all: Arc<Listing>,
    /// A listing has come.
    listed: bool,
    /// There is a session that can be asked for something.
    online: bool,
    /// The folder shown: empty, or a path that ends in `/`.
    folder: String,
    filter: String,
    sort: Sort,
    rows: Vec<Row>,
    /// Folders, files and bytes in the rows.
    shown: (usize, usize, u64),
    selection: Selection,
    layout: Layout,
    dialog: Option<Dialog>,
    /// Files that are being deleted.
    deleting: usize,
    notice: Option<Notice>,
    /// What had the keyboard's focus when keys were looked at last.
    focused: Option<egui::Id>,
    /// Shown for the first time: the form that had the focus until now is gone.
    arrived: bool,
    /// What was typed to jump to a name, and when, in seconds.
    typed: (String, f64),
}

impl Files {
    /// An empty one, its columns as they are remembered.
    pub fn new(settings: &Settings) -> Self {
        Self {
            sort: settings.sort,
            layout: Layout::of(settings.columns),
            ..Self::default()
        }
    }

    /// A session began: there will be a listing.
    pub fn enter(&mut self) {
        self.online = true;
        // Not when connecting again: somebody may be typing into the filter.
        self.arrived = !self.listed;
    }

    /// The session ended by itself: what is shown stays, but nothing can be done to it.
    pub fn lost(&mut self, told: &Told) {
        self.online = false;
        self.deleting = 0;
        if let Some(dialog) = &mut self.dialog {
            dialog.refused(told);
        }
    }

    /// Takes a new listing. What is selected stays so as long as it is there, and what is
    /// seen stays where it is.
    pub fn update(&mut self, files: Arc<Listing>) {
        let top = self.layout.top_row();
        let top = top.and_then(|row| Some((row, self.path(row)?.to_owned())));
        self.all = files;
        self.listed = true;
        self.arrange();
        if let Some((was, path)) = top
            && let Some(is) = self.row_of(&path)
        {
            self.layout.shift(was, is);
        }
    }

    /// An order was carried out.
    pub fn done(&mut self, deed: &Deed) {
        self.deleted(deed);
        let over = |dialog: &mut Dialog| dialog.done(deed);
        if let Some(dialog) = self.dialog.take_if(over)
            && let Some((from, to)) = dialog.renamed()
        {
            self.follow(from, to);
        }
    }

    /// An order was refused: its dialog says so, or a line above the list.
    pub fn refused(&mut self, deed: &Deed, told: &Told) {
        self.deleted(deed);
        match (&mut self.dialog, deed) {
            (Some(dialog @ Dialog::Rename(_)), Deed::Renamed(..)) => dialog.refused(told),
            _ => Notice::add(&mut self.notice, deed, told),
        }
    }

    fn deleted(&mut self, deed: &Deed) {
        if matches!(deed, Deed::Deleted(_)) {
            self.deleting = self.deleting.saturating_sub(1);
        }
    }

    /// What is shown, in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The path of a row: a file's name, or a folder's with a `/` at the end.
    pub fn path(&self, row: usize) -> Option<&str> {
        Some(match self.rows.get(row)? {
            Row::Folder(folder) => &folder.path,
            Row::File(index) => self.all.get(*index)?.name.as_str(),
        })
    }

    /// The folder shown.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// Shows another folder, whole.
    pub fn open(&mut self, folder: String) {
        self.folder = folder;
        self.filter.clear();
        self.selection = Selection::default();
        self.arrange();
    }

    /// Shows the folder around the one shown, the one shown selected in it.
    pub fn up(&mut self) {
        let inner = std::mem::take(&mut self.folder);
        let outer = inner.trim_end_matches('/').rfind('/');
        let outer = outer.map_or("", |slash| &inner[..=slash]).to_owned();
        self.open(outer);
        if let Some(row) = self.row_of(&inner) {
            self.select(row, How::Only);
            self.reveal(row);
        }
    }

    /// Shows only what contains `filter`, whatever the case, in folders too.
    pub fn set_filter(&mut self, filter: &str) {
        filter.clone_into(&mut self.filter);
        self.arrange();
        self.layout.scroll = Some(0.0);
    }

    /// Sorts by a column; by the same once more: the other way round.
    pub fn sort_by(&mut self, column: Column) {
        self.sort = self.sort.clicked(column);
        self.arrange();
    }

    /// The selected files, those in selected folders too, each with its path below the folder shown.
    pub fn selected(&self) -> Vec<Wanted> {
        let below = |file: &FileInfo| {
            let path = file.name.as_str().get(self.folder.len()..)?;
            path.parse::<FileName>().ok()
        };
        let chosen = self.chosen();
        let wanted = chosen.into_iter().filter_map(|file| {
            Some(Wanted {
                path: below(file)?,
                file: file.clone(),
            })
        });
        wanted.collect()
    }

    /// The selected files, those in selected folders too.
    fn chosen(&self) -> Vec<&FileInfo> {
        let paths = self.selection.paths().iter();
        let places: BTreeSet<usize> = paths.flat_map(|path| self.places(path)).collect();
        let files = places.into_iter().filter_map(|place| self.all.get(place));
        files.collect()
    }

    /// How many files are selected, and their bytes; counted once after each change.
    fn tally(&mut self) -> (usize, u64) {
        if let Some(tally) = self.selection.tally {
            return tally;
        }
        let files = self.chosen();
        let tally = (files.len(), files.iter().map(|file| file.size).sum());
        self.selection.tally = Some(tally);
        tally
    }

    /// Where in the listing the file of this path is, or the files of this folder are.
    fn places(&self, path: &str) -> std::ops::Range<usize> {
        if path.ends_with('/') {
            return within(&self.all, path);
        }
        let place = self
            .all
            .binary_search_by(|file| file.name.as_str().cmp(path));
        place.map_or(0..0, |place| place..place + 1)
    }

    /// The path selected, if it is one alone.
    fn single(&self) -> Option<&str> {
        let mut paths = self.selection.paths().iter();
        paths
            .next()
            .filter(|_| paths.next().is_none())
            .map(String::as_str)
    }

    /// The path of a row below the folder shown: what its row says.
    fn below<'a>(&self, path: &'a str) -> &'a str {
        path.get(self.folder.len()..)
            .unwrap_or(path)
            .trim_end_matches('/')
    }

    /// Shows this row when drawing the next time.
    fn reveal(&mut self, row: usize) {
        self.layout.reveal = Some(row);
    }

    /// What had a name has another: it stays selected.
    fn follow(&mut self, from: &str, to: &str) {
        if self.selection.paths_mut().remove(from) {
            self.selection.paths_mut().insert(to.to_owned());
        }
        for path in [
            self.selection.cursor.as_mut().map(|(_, path)| path),
            self.selection.anchor.as_mut(),
        ]
        .into_iter()
        .flatten()
        {
            if path == from {
                to.clone_into(path);
            }
        }
    }

    fn arrange(&mut self) {
        self.rows = arrange::rows(&self.all, &self.folder, &self.filter, self.sort);
        self.shown = arrange::sums(&self.all, &self.rows);
        self.settle();
    }
}

/// Listings for the tests.
#[cfg(test)]
pub(in crate::gui) mod sample {
    use super::*;
    use crate::protocol::Sha256;

    /// A listing of names with uploader, size and time in seconds; sorted.
    pub(crate) fn listing(files: &[(&str, &str, u64, i64)]) -> Listing {
        let files = files.iter().map(|(name, owner, size, time)| FileInfo {
            name: name.parse().unwrap(),
            size: *size,
            sha256: Sha256::of(b""),
            owner: owner.parse().unwrap(),
            modified: time::OffsetDateTime::from_unix_timestamp(*time).unwrap(),
        });
        let mut files: Vec<FileInfo> = files.collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Listing::of(files)
    }

    /// The paths of rows.
    pub(crate) fn shown(all: &[FileInfo], rows: &[Row]) -> Vec<String> {
        let rows = rows.iter().map(|row| match row {
            Row::Folder(folder) => folder.path.clone(),
            Row::File(index) => all[*index].name.to_string(),
        });
        rows.collect()
    }
}
