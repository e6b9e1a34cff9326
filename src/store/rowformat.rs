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
    // Each name with what a row makes of it, in the order of the file; `None` is nothing.
    let mut rows: Vec<(FileName, Option<Row>)> = Vec::new();
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
        match line {
            Line::Put(name, row) => rows.push((name, Some(row))),
            Line::Delete(name) => rows.push((name, None)),
            Line::Rename { from, to, row } => rows.extend([(from, None), (to, Some(row))]),
        }
    }
    Ok(Loaded {
        index: Index::build(rows),
        lines,
        good_bytes,
        unended,
        bad,
    })
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(owner: &str, blob: u8) -> Row {
        Row {
            size: u64::from(blob) * 1_000,
            sha256: crate::protocol::Sha256::of(&[blob]),
            owner: Arc::new(owner.parse().unwrap()),
            modified: 1_700_000_000 + i64::from(blob),
            blob: BlobId::from_hex(text::hex(&[blob; 16]).as_bytes()).unwrap(),
        }
    }

    fn name(text: &str) -> FileName {
        text.parse().unwrap()
    }

    fn write(fill: impl FnOnce(&mut RowWriter<&mut Vec<u8>>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rows = RowWriter::new(&mut bytes);
        rows.header().unwrap();
        fill(&mut rows);
        rows.finish().unwrap();
        bytes
    }

    fn names(loaded: &Loaded) -> Vec<&str> {
        loaded.index.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn three() -> Vec<u8> {
        write(|rows| {
            rows.put(&name("a"), &row("alice", 1)).unwrap();
            rows.put(&name("b,\"b"), &row("bob", 2)).unwrap();
            rows.put(&name("c"), &row("alice", 3)).unwrap();
        })
    }

    #[test]
    fn the_last_row_of_a_name_wins() {
        let bytes = write(|rows| {
            rows.put(&name("b"), &row("alice", 1)).unwrap();
            rows.put(&name("a"), &row("alice", 2)).unwrap();
            rows.put(&name("b"), &row("bob", 3)).unwrap();
            rows.rename(&name("a"), &name("z"), &row("alice", 2))
                .unwrap();
            rows.put(&name("c"), &row("alice", 4)).unwrap();
            rows.delete(&name("c")).unwrap();
        });
        let loaded = load(&bytes).unwrap();
        assert_eq!(names(&loaded), ["b", "z"]);
        assert_eq!((loaded.lines, loaded.good_bytes), (6, bytes.len()));
        let usage = |owner: &str| loaded.index.usage(&owner.parse().unwrap());
        assert_eq!((usage("alice").bytes, usage("alice").files), (2_000, 1));
        assert_eq!((usage("bob").bytes, usage("bob").files), (3_000, 1));
    }

    #[test]
    fn a_file_cut_at_any_byte_keeps_every_whole_row_and_nothing_else() {
        let bytes = three();
        let ends: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b'\n').collect();
        for length in ends[0] + 1..=bytes.len() {
            let loaded = load(&bytes[..length]).unwrap();
            // A row that lacks nothing but its line end is whole.
            let whole = ends.iter().skip(1).filter(|end| **end <= length).count();
            assert_eq!(loaded.index.len(), whole, "{length}");
            assert!(loaded.bad.iter().all(|row| !row.followed), "{length}");
            assert_eq!(
                loaded.unended,
                ends.contains(&length) && length > ends[0] + 1
            );
        }
    }

    #[test]
    fn damage_at_the_end_is_torn_and_damage_before_good_rows_is_not() {
        for garbage in [
            &b"\0\0\0\0\0\0"[..],
            b"put,x,,7",
            b"put,\"x,,7",
            b"nonsense\n\0\0\n",
            b"put,../x,,7,,,,\n",
            b"\xff\xfe\n",
        ] {
            let good = three();
            let torn = load(&[&good, garbage].concat()).unwrap();
            assert_eq!(names(&torn), ["a", "b,\"b", "c"]);
            assert_eq!((torn.good_bytes, torn.bad[0].line), (good.len(), 5));
            assert!(torn.bad.iter().all(|row| !row.followed));

            let rows = &good[good.iter().position(|byte| *byte == b'\n').unwrap() + 1..];
            let middle = load(&[&good, garbage, b"\n", rows].concat()).unwrap();
            assert_eq!(names(&middle), ["a", "b,\"b", "c"]);
            assert_eq!(middle.lines, 6 + middle.bad.len() as u64);
            assert!(middle.bad.iter().all(|row| row.followed), "{garbage:?}");
            assert_eq!(middle.bad[0].line, 5);
        }
    }

    #[test]
    fn rows_that_say_too_much_or_too_little_are_bad() {
        let good = String::from_utf8(three()).unwrap();
        for (from, to) in [
            ("put,a,,", "put,a,b,"),
            ("put,a,,", "copy,a,,"),
            ("put,a,,", "delete,a,,"),
            ("put,a,,", "rename,a,,"),
            (",1000,", ",-1000,"),
            (",1000,", ",+1000,"),
            (",1000,", ",,"),
            (",1000,", ",99999999999999999999,"),
            (",alice,2023", ",../alice,2023"),
            ("2023-11-14T22:13:21Z", "yesterday"),
            ("01010101\n", "0101010\n"),
            ("01010101\n", "01010101\r\n"),
            ("01010101\n", "01010101,\n"),
            ("01010101\n", "0101010G\n"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            let loaded = load(bad.as_bytes()).unwrap();
            assert_eq!((loaded.bad.len(), loaded.bad[0].line), (1, 2), "{to}");
        }
    }

    #[test]
    fn a_file_with_another_header_is_not_read() {
        let good = String::from_utf8(three()).unwrap();
        for text in [
            String::new(),
            "change,name".to_owned(),
            format!("\u{feff}{good}"),
            good.replace('\n', "\r\n"),
            good.replace("change,", "what,"),
            good.replacen(",blob", ",blob,more", 1),
            good.split_once('\n').unwrap().1.to_owned(),
        ] {
            assert!(load(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_name_there_can_be_is_one_line_and_read_back_as_it_was(texts in prop::collection::vec(".{1,40}", 1..8)) {
            let names: Vec<FileName> = texts.iter().filter_map(|text| FileName::normalize(text).ok()).collect();
            let bytes = write(|rows| {
                for name in &names {
                    rows.put(name, &row("alice", 1)).unwrap();
                    rows.rename(name, name, &row("alice", 2)).unwrap();
                }
            });
            prop_assert_eq!(bytes.split(|byte| *byte == b'\n').count(), 2 * names.len() + 2);
            let loaded = load(&bytes).unwrap();
            prop_assert!(loaded.bad.is_empty());
            let mut wanted: Vec<&str> = names.iter().map(FileName::as_str).collect();
            wanted.sort_unstable();
            wanted.dedup();
            let found: Vec<&str> = loaded.index.iter().map(|(name, _)| name.as_str()).collect();
            prop_assert_eq!(found, wanted);
        }

        #[test]
        fn no_bytes_make_reading_fail_or_lose_a_good_row_before_them(tail in prop::collection::vec(any::<u8>(), 0..200)) {
            let loaded = load(&[&three()[..], &tail].concat()).unwrap();
            prop_assert!(loaded.index.len() >= 3);
            let _never_panics = load(&tail);
        }
    }
}
