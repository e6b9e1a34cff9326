//! A listing as people and programs read it: the commands and the shell share it.

use clap::{Args, ValueEnum};
use serde_json::json;
use time::OffsetDateTime;

use super::output::Output;
use crate::protocol::FileInfo;
use crate::text::{escape, size, time};

/// How a listing looks.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Order {
    /// Size, owner and time too
    #[arg(short = 'l', long)]
    pub(super) long: bool,
    /// In the order of
    #[arg(long, value_name = "WHAT", default_value = "name")]
    pub(super) sort: Sort,
}

/// What a listing is sorted by.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Sort {
    Name,
    Size,
    Time,
    Owner,
}

/// What is shown.
#[derive(Debug, Default)]
pub(super) struct Listing {
    rows: Vec<Row>,
}

/// A file, or a folder and what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// As it is shown.
    pub(super) name: String,
    /// Bytes; of a folder those of all its files.
    pub(super) size: u64,
    /// Empty for what has none.
    pub(super) owner: String,
    /// When it, or the youngest file in it, was changed.
    pub(super) modified: Option<OffsetDateTime>,
    /// The file, if it is one of the server's.
    pub(super) file: Option<FileInfo>,
}

impl Row {
    /// A file of the server, shown as `name`.
    pub(super) fn of(file: FileInfo, name: String) -> Self {
        Self {
            name,
            size: file.size,
            owner: file.owner.to_string(),
            modified: Some(file.modified),
            file: Some(file),
        }
    }
}

impl From<Vec<Row>> for Listing {
    fn from(rows: Vec<Row>) -> Self {
        Self { rows }
    }
}

impl Listing {
    /// Files of the server under their whole names.
    pub(super) fn of(files: Vec<FileInfo>) -> Self {
        let row = |file: FileInfo| {
            let name = file.name.to_string();
            Row::of(file, name)
        };
        Self {
            rows: files.into_iter().map(row).collect(),
        }
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Shows it. `--json` shows the server's files, and folders by their name.
    pub(super) fn show(mut self, order: Order, reverse: bool, output: Output) {
        let rows = &mut self.rows;
        match order.sort {
            Sort::Name => rows.sort_by(|a, b| a.name.cmp(&b.name)),
            Sort::Size => rows.sort_by_key(|row| row.size),
            Sort::Time => rows.sort_by_key(|row| row.modified),
            Sort::Owner => rows.sort_by(|a, b| a.owner.cmp(&b.owner)),
        }
        if reverse {
            rows.reverse();
        }
        if rows.is_empty() {
            output.note("no such files");
        }
        if output.json {
            let files: Vec<&FileInfo> = rows.iter().filter_map(|row| row.file.as_ref()).collect();
            let others = rows.iter().filter(|row| row.file.is_none());
            let folders: Vec<&String> = others.map(|row| &row.name).collect();
            match folders.is_empty() {
                true => output.json(&json!({ "files": files })),
                false => output.json(&json!({ "files": files, "folders": folders })),
            }
        } else if order.long && !rows.is_empty() {
            let rows = rows.iter().map(|row| {
                vec![
                    size(row.size),
                    escape(&row.owner),
                    row.modified.map_or_else(String::new, time),
                    escape(&row.name),
                ]
            });
            output.table(&["size", "owner", "modified", "name"], rows);
        } else {
            for row in rows {
                output.line(escape(&row.name));
            }
        }
    }
}
