//! The list of files: what is shown of it, in which order, and what is selected.

mod view;

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::protocol::{FileInfo, FileName};

/// By what the list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// A row that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A folder of this name inside the present one, with its files and bytes.
    Folder {
        /// The name, without the path.
        name: String,
        /// Files in it, at any depth.
        files: usize,
        /// Their bytes.
        bytes: u64,
    },
    /// The file at this place of the listing.
    File(usize),
}

/// The list.
#[derive(Debug, Default)]
pub struct Files {
    all: Vec<FileInfo>,
    /// The folder shown: empty, or a path that ends in `/`.
    folder: String,
    filter: String,
    sort: Column,
    descending: bool,
    rows: Vec<Row>,
    selected: BTreeSet<FileName>,
}

impl Files {
    /// Takes a new listing; what is selected stays so as long as it is there.
    pub fn update(&mut self, files: Vec<FileInfo>) {
        self.all = files;
        let there = |name: &FileName| {
            self.all
                .binary_search_by(|file| file.name.cmp(name))
                .is_ok()
        };
        let selected = std::mem::take(&mut self.selected);
        self.selected = selected.into_iter().filter(there).collect();
        self.arrange();
    }

    /// What is shown, in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The file of a row.
    pub fn file(&self, index: usize) -> Option<&FileInfo> {
        self.all.get(index)
    }

    /// The folder shown.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// Shows another folder.
    pub fn open(&mut self, folder: String) {
        self.folder = folder;
        self.selected.clear();
        self.arrange();
    }

    /// Shows only what contains `filter`, whatever the case.
    pub fn set_filter(&mut self, filter: &str) {
        filter.clone_into(&mut self.filter);
        self.arrange();
    }

    /// Sorts by a column; by the same once more: the other way round.
    pub fn sort_by(&mut self, column: Column) {
        self.descending = self.sort == column && !self.descending;
        self.sort = column;
        self.arrange();
    }

    /// The selected files.
    pub fn selected(&self) -> Vec<FileInfo> {
        let selected = self
            .all
            .iter()
            .filter(|file| self.selected.contains(&file.name));
        selected.cloned().collect()
    }

    fn arrange(&mut self) {
        let mut folders: Vec<Row> = Vec::new();
        let mut files = Vec::new();
        let filter = self.filter.to_lowercase();
        for (index, file) in self.all.iter().enumerate() {
            let Some(rest) = file.name.as_str().strip_prefix(self.folder.as_str()) else {
                continue;
            };
            if !filter.is_empty() && !rest.to_lowercase().contains(&filter) {
                continue;
            }
            match rest.split_once('/') {
                Some((folder, _)) => match folders.last_mut() {
                    Some(Row::Folder { name, files, bytes }) if name == folder => {
                        *files += 1;
                        *bytes += file.size;
                    }
                    _ => folders.push(Row::Folder {
                        name: folder.to_owned(),
                        files: 1,
                        bytes: file.size,
                    }),
                },
                None => files.push(index),
            }
        }
        files.sort_by(|a, b| self.compare(&self.all[*a], &self.all[*b]));
        if self.descending {
            files.reverse();
        }
        folders.extend(files.into_iter().map(Row::File));
        self.rows = folders;
    }

    fn compare(&self, a: &FileInfo, b: &FileInfo) -> Ordering {
        let by = match self.sort {
            Column::Name => Ordering::Equal,
            Column::Owner => a.owner.cmp(&b.owner),
            Column::Size => a.size.cmp(&b.size),
            Column::Time => a.modified.cmp(&b.modified),
        };
        by.then_with(|| a.name.cmp(&b.name))
    }
}
