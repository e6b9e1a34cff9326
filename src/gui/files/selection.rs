//! What is selected, and where the cursor is: by name, so that both outlive a new listing.

use std::collections::BTreeSet;

use super::{Files, Row};

/// How a click or a move changes what is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// This one, and nothing else.
    Only,
    /// This one too, or no longer.
    Toggle,
    /// All from the last one clicked alone to this one.
    Range,
    /// The same, beside what is selected already.
    MoreRange,
    /// Only the cursor moves.
    Not,
}

impl How {
    /// How a click with these modifiers selects.
    pub(super) fn of(modifiers: egui::Modifiers) -> Self {
        match (modifiers.command, modifiers.shift) {
            (false, false) => Self::Only,
            (true, false) => Self::Toggle,
            (false, true) => Self::Range,
            (true, true) => Self::MoreRange,
        }
    }
}

/// A move of the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the row above.
    Up,
    /// To the row below.
    Down,
    /// So many rows up.
    PageUp,
    /// So many rows down.
    PageDown,
    /// To the first row.
    Home,
    /// To the last row.
    End,
}

/// What is selected.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Paths; those of folders end in `/`.
    paths: BTreeSet<String>,
    /// Files and bytes of them, once they were counted.
    pub(super) tally: Option<(usize, u64)>,
    /// The row of the cursor, and its path.
    pub(super) cursor: Option<(usize, String)>,
    /// Where a range begins.
    pub(super) anchor: Option<String>,
}

impl Selection {
    /// The paths that are selected.
    pub(super) fn paths(&self) -> &BTreeSet<String> {
        &self.paths
    }

    /// The same, to be changed.
    pub(super) fn paths_mut(&mut self) -> &mut BTreeSet<String> {
        self.tally = None;
        &mut self.paths
    }
}

impl Files {
    /// Selects a row.
    pub fn select(&mut self, row: usize, how: How) {
        let Some(path) = self.path(row).map(str::to_owned) else {
            return;
        };
        match how {
            How::Only => {
                self.selection.paths_mut().clear();
                self.selection.paths_mut().insert(path.clone());
            }
            How::Toggle => {
                if !self.selection.paths_mut().remove(&path) {
                    self.selection.paths_mut().insert(path.clone());
                }
            }
            How::Range | How::MoreRange => self.select_range(row, how),
            How::Not => {}
        }
        if matches!(how, How::Only | How::Toggle) || self.selection.anchor.is_none() {
            self.selection.anchor = Some(path.clone());
        }
        self.selection.cursor = Some((row, path));
    }

    fn select_range(&mut self, row: usize, how: How) {
        let anchor = self.selection.anchor.as_deref();
        let anchor = anchor.and_then(|path| self.row_of(path)).unwrap_or(row);
        let range = anchor.min(row)..=anchor.max(row);
        let paths = range.filter_map(|row| self.path(row).map(str::to_owned));
        let paths: Vec<String> = paths.collect();
        if how == How::Range {
            self.selection.paths_mut().clear();
        }
        self.selection.paths_mut().extend(paths);
    }

    /// Selects all rows.
    pub fn select_all(&mut self) {
        let paths = (0..self.rows.len()).filter_map(|row| self.path(row).map(str::to_owned));
        *self.selection.paths_mut() = paths.collect();
    }

    /// Selects nothing.
    pub fn select_none(&mut self) {
        self.selection.paths_mut().clear();
    }

    /// Whether a row is selected.
    pub fn is_selected(&self, row: usize) -> bool {
        self.path(row)
            .is_some_and(|path| self.selection.paths.contains(path))
    }

    /// Moves the cursor, `page` rows being a page, and selects as said.
    pub fn step(&mut self, step: Step, page: usize, how: How) {
        let Some(last) = self.rows.len().checked_sub(1) else {
            return;
        };
        let at = self.cursor();
        let to = match (step, at) {
            (Step::Home | Step::Down | Step::PageDown, None) | (Step::Home, _) => 0,
            (Step::End | Step::Up | Step::PageUp, None) | (Step::End, _) => last,
            (Step::Up, Some(at)) => at.saturating_sub(1),
            (Step::Down, Some(at)) => (at + 1).min(last),
            (Step::PageUp, Some(at)) => at.saturating_sub(page.max(1)),
            (Step::PageDown, Some(at)) => (at + page.max(1)).min(last),
        };
        self.select(to, how);
        self.reveal(to);
    }

    /// The row of the cursor.
    pub fn cursor(&self) -> Option<usize> {
        self.selection.cursor.as_ref().map(|(row, _)| *row)
    }

    /// The row of a path, if it is shown.
    pub(super) fn row_of(&self, path: &str) -> Option<usize> {
        if path.ends_with('/') {
            return self
                .rows
                .iter()
                .position(|row| matches!(row, Row::Folder(folder) if folder.path == path));
        }
        let place = self.places(path).next()?;
        self.rows.iter().position(|row| *row == Row::File(place))
    }

    /// After the rows changed: only what is shown is selected, so that nothing is done to what nobody sees;
    /// the cursor stays on its name, or where it was.
    pub(super) fn settle(&mut self) {
        self.selection.tally = None;
        if !self.selection.paths.is_empty() {
            let mut selected = std::mem::take(self.selection.paths_mut());
            let rows = 0..self.rows.len();
            let kept = rows.filter_map(|row| selected.take(self.path(row)?));
            *self.selection.paths_mut() = kept.collect();
        }
        if let Some((row, path)) = self.selection.cursor.take() {
            let row = self.row_of(&path).or_else(|| {
                let last = self.rows.len().checked_sub(1)?;
                Some(row.min(last))
            });
            let path = row.and_then(|row| self.path(row)).map(str::to_owned);
            self.selection.cursor = row.zip(path);
        }
    }
}
