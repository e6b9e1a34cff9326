//! The text of `data/files.csv`: one row a change, the last row of a name wins.
//!
//! A rename is one row with both names, so that a torn write can lose the rename but never the file. Names
//! hold no control characters, so a row is always exactly one line: that is what lets a torn end be told
//! from damage in the middle.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::blobs::BlobId;
use super::rows::{Index, Row};
use crate::protocol::{FileName, UserName};
use crate::text;

/// The header row.
pub(super) const COLUMNS: [&str; 8] = [
    "change", "name", "from", "size", "sha256", "owner", "modified", "blob",
];

/// One change as a row.
pub(super) enum Line {
    Put(FileName, Row),
    Delete(FileName),
    Rename {
        from: FileName,
        to: FileName,
        row: Row,
    },
}

/// Writes rows into any writer.
pub(super) struct RowWriter<W: io::Write>(csv::Writer<W>);

impl<W: io::Write> RowWriter<W> {
    pub(super) fn new(to: W) -> Self {
        Self(csv::WriterBuilder::new().from_writer(to))
    }

    pub(super) fn header(&mut self) -> io::Result<()> {
        Ok(self.0.write_record(COLUMNS)?)
    }

    pub(super) fn put(&mut self, name: &FileName, row: &Row) -> io::Result<()> {
        self.row("put", name.as_str(), "", row)
    }

    pub(super) fn rename(&mut self, from: &FileName, to: &FileName, row: &Row) -> io::Result<()> {
        self.row("rename", to.as_str(), from.as_str(), row)
    }

    pub(super) fn delete(&mut self, name: &FileName) -> io::Result<()> {
        let row = ["delete", name.as_str(), "", "", "", "", "", ""];
        Ok(self.0.write_record(row)?)
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }

    fn row(&mut self, change: &str, name: &str, from: &str, row: &Row) -> io::Result<()> {
        let modified =
            OffsetDateTime::from_unix_timestamp(row.modified).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Ok(self.0.write_record([
            change,
            name,
            from,
            &row.size.to_string(),
            &row.sha256.to_string(),
            row.owner.as_str(),
            &text::time(modified),
            &row.blob.to_string(),
        ])?)
    }
}

/// What the file says.
pub(super) struct Loaded {
    pub(super) index: Index,
    /// Rows in the file, the header not counted.
    pub(super) lines: u64,
    /// Where the last good row ends.
    pub(super) good_bytes: usize,
    /// Whether the last good row lacks its line end: it is complete, but must be ended before going on.
    pub(super) unended: bool,
    /// Rows that cannot be read.
    pub(super) bad: Vec<BadRow>,
}

/// A row that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadRow {
    /// Counted from 1, the header included.
    pub(super) line: u64,
    /// Where the row begins and ends in the file, its line end included.
    pub(super) bytes: std::ops::Range<usize>,
    /// What is wrong with it.
    pub(super) what: String,
    /// Whether good rows follow it.
    pub(super) followed: bool,
}

/// Reads the text of the index; the error is about the header.
pub(super) fn load(bytes: &[u8]) -> Result<Loaded, String> {
    let body = check_header(bytes)?;
    let mut reader = LineReader {
        owners: HashMap::new(),
    };
    let mut bad: Vec<BadRow> = Vec::new();
    let mut rows: Vec<(FileName, Row)> = Vec::new();
    // Built at once while there are only new names in order, as after every compaction; row by row after.
    let mut index: Option<Index> = None;
    let (mut lines, mut good_bytes, mut unended) = (0, body, false);
    // The last line whose number was needed, and where it begins.
    let mut counted: (u64, usize) = (1, 0);
    let mut records = Records::new(bytes, body);
    while let Some(record) = records.next() {
        lines += 1;
        let parsed = record.fields.and_then(|fields| reader.line(fields));
        let line = match parsed {
            Ok(line) => line,
            Err(what) => {
                let newlines = bytes[counted.1..record.bytes.start]
                    .iter()
                    .filter(|b| **b == b'\n');
                counted = (counted.0 + newlines.count() as u64, record.bytes.start);
                let (line, bytes) = (counted.0, record.bytes);
                bad.push(BadRow {
                    line,
                    bytes,
                    what,
                    followed: false,
                });
                continue;
            }
        };
        for row in bad.iter_mut().rev().take_while(|row| !row.followed) {
            row.followed = true;
        }
        unended = bytes.get(record.bytes.end - 1) != Some(&b'\n');
        good_bytes = record.bytes.end;
        match (line, &mut index) {
            (Line::Put(name, row), None) if rows.last().is_none_or(|(last, _)| *last < name) => {
                rows.push((name, row));
            }
            (line, None) => {
                let mut built = Index::build(std::mem::take(&mut rows));
                apply(&mut built, line);
                index = Some(built);
            }
            (line, Some(index)) => apply(index, line),
        }
    }
    let index = index.unwrap_or_else(|| Index::build(rows));
    Ok(Loaded {
        index,
        lines,
        good_bytes,
        unended,
        bad,
    })
}

fn apply(index: &mut Index, line: Line) {
    match line {
        Line::Put(name, row) => drop(index.put(name, row)),
        Line::Delete(name) => drop(index.delete(&name)),
        Line::Rename { from, to, row } => {
            index.delete(&from);
            index.put(to, row);
        }
    }
}

/// Returns where the rows begin.
fn check_header(bytes: &[u8]) -> Result<usize, String> {
    let wanted = COLUMNS.join(",");
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err("the file begins with a byte order mark".to_owned());
    }
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let header = &bytes[..end.unwrap_or(bytes.len())];
    if header.ends_with(b"\r") {
        return Err("the file has Windows line ends".to_owned());
    }
    match end {
        Some(end) if header == wanted.as_bytes() => Ok(end + 1),
        _ => Err(format!("the header is not {wanted}")),
    }
}

/// The records of the file, each one line: a stray quote must not swallow the good rows after it.
struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    reader: csv::Reader<&'a [u8]>,
    /// Where `reader` began.
    base: usize,
    record: csv::ByteRecord,
}

struct Record<'a> {
    bytes: std::ops::Range<usize>,
    fields: Result<&'a csv::ByteRecord, String>,
}

impl<'a> Records<'a> {
    fn new(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            reader: reader(&bytes[at..]),
            base: at,
            record: csv::ByteRecord::new(),
        }
    }

    fn next(&mut self) -> Option<Record<'_>> {
        // Blank lines are skipped here, so that the record's place is known exactly.
        while self.bytes.get(self.at) == Some(&b'\n') {
            self.at += 1;
        }
        if self.at >= self.bytes.len() {
            return None;
        }
        let start = self.at;
        let read = self.reader.read_byte_record(&mut self.record);
        let end = self.base + usize::try_from(self.reader.position().byte()).unwrap_or(usize::MAX);
        let line = &self.bytes[start..end.min(self.bytes.len())];
        let one_line =
            matches!(read, Ok(true)) && !line[..line.len().saturating_sub(1)].contains(&b'\n');
        if one_line {
            self.at = end;
            let bytes = start..end;
            return Some(Record {
                bytes,
                fields: Ok(&self.record),
            });
        }
        let rest = &self.bytes[start..];
        let length = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(rest.len(), |at| at + 1);
        self.at = start + length;
        self.base = self.at;
        self.reader = reader(&self.bytes[self.at..]);
        let what = "a quote is opened and not closed".to_owned();
        Some(Record {
            bytes: start..self.at,
            fields: Err(what),
        })
    }
}

fn reader(bytes: &[u8]) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .terminator(csv::Terminator::Any(b'\n'))
        .buffer_capacity(256 * 1024)
        .from_reader(bytes)
}

/// Reads single rows; one copy of each owner's name is kept.
struct LineReader {
    owners: HashMap<String, Arc<UserName>>,
}

impl LineReader {
    fn line(&mut self, record: &csv::ByteRecord) -> Result<Line, String> {
        if record.len() != COLUMNS.len() {
            return Err(format!(
                "{} fields instead of {}",
                record.len(),
                COLUMNS.len()
            ));
        }
        let name = file_name(&record[1])?;
        match &record[0] {
            b"put" if record[2].is_empty() => Ok(Line::Put(name, self.row(record)?)),
            b"rename" => Ok(Line::Rename {
                from: file_name(&record[2])?,
                to: name,
                row: self.row(record)?,
            }),
            b"delete" if record.iter().skip(2).all(<[u8]>::is_empty) => Ok(Line::Delete(name)),
            b"put" | b"delete" => {
                Err("a field is filled that this change does not have".to_owned())
            }
            _ => Err("change is none of put, delete, rename".to_owned()),
        }
    }

    fn row(&mut self, record: &csv::ByteRecord) -> Result<Row, String> {
        Ok(Row {
            size: digits(&record[3]).ok_or("size is not a number of bytes")?,
            sha256: str_field(&record[4])?
                .parse()
                .map_err(|error| format!("sha256: {error}"))?,
            owner: self.owner(&record[5])?,
            modified: modified(&record[6])?,
            blob: BlobId::from_hex(&record[7]).ok_or("blob is not 32 hex digits")?,
        })
    }

    fn owner(&mut self, field: &[u8]) -> Result<Arc<UserName>, String> {
        let text = str_field(field)?;
        if let Some(owner) = self.owners.get(text) {
            return Ok(Arc::clone(owner));
        }
        let owner: UserName = text.parse().map_err(|error| format!("owner: {error}"))?;
        let owner = Arc::new(owner);
        self.owners.insert(text.to_owned(), Arc::clone(&owner));
        Ok(owner)
    }
}

fn modified(field: &[u8]) -> Result<i64, String> {
    let time = OffsetDateTime::parse(str_field(field)?, &Rfc3339)
        .map_err(|_| "modified is not a time such as 2026-01-31T12:00:00Z".to_owned())?;
    Ok(time.unix_timestamp())
}

fn file_name(field: &[u8]) -> Result<FileName, String> {
    str_field(field)?
        .parse()
        .map_err(|error| format!("{error}"))
}

fn str_field(field: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(field).map_err(|_| "the text is not UTF-8".to_owned())
}

fn digits(field: &[u8]) -> Option<u64> {
    if field.is_empty() || !field.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(field).ok()?.parse().ok()
}
