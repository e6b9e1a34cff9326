//! Reading the audit trail: is the chain whole, what happened, who did how much of it.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::audit::{CUT, FIRST_PREV};
use crate::error::{Error, Kind, Result};
use crate::protocol::Sha256;

/// Whether the chain of a trail is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Complete lines read.
    pub lines: u64,
    /// Lines a crash cut short, each followed by an event that says so.
    pub cut: u64,
    /// The digest of the last complete line: noted elsewhere, it later proves that nothing was cut off.
    pub last: String,
    /// Bytes after the last line end: a line being written, or cut by a crash since the last start.
    pub unended_bytes: u64,
    /// The first line that does not fit.
    pub broken: Option<Broken>,
}

/// A line that does not fit the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub what: String,
}

/// Follows the chain of the trail at `path` up to the first line that does not fit.
pub fn verify(path: &Path) -> Result<VerifyReport> {
    #[derive(Deserialize)]
    struct Link {
        event: String,
        prev: String,
    }
    let mut report = VerifyReport {
        lines: 0,
        cut: 0,
        last: FIRST_PREV.to_owned(),
        unended_bytes: 0,
        broken: None,
    };
    let mut unreadable = false;
    let broken = |line, what: &str| {
        let what = what.to_owned();
        Some(Broken { line, what })
    };
    report.unended_bytes = each_line(path, |line| {
        report.lines += 1;
        match serde_json::from_slice::<Link>(line) {
            Ok(link) if link.prev != report.last => {
                let what = "the line before it was changed, removed or added";
                report.broken = broken(report.lines, what);
            }
            Ok(link) if unreadable && link.event != CUT => {
                report.broken = broken(report.lines - 1, "the line is not an event");
            }
            Ok(_) => {
                report.cut += u64::from(unreadable);
                unreadable = false;
            }
            Err(_) if unreadable => {
                report.broken = broken(report.lines - 1, "the line is not an event");
            }
            Err(_) => unreadable = true,
        }
        report.last = Sha256::of(line).to_string();
        report.broken.is_none()
    })?;
    if report.broken.is_none() && unreadable {
        report.broken = broken(report.lines, "the line is not an event");
    }
    Ok(report)
}

/// An event as it was recorded.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Record {
    /// When, to the second.
    #[serde(with = "time::serde::rfc3339")]
    pub time: OffsetDateTime,
    /// What happened.
    pub event: String,
    /// The connection it happened on; empty for the server itself.
    #[serde(default)]
    pub id: String,
    /// Everything else that was recorded.
    #[serde(flatten)]
    pub details: serde_json::Map<String, serde_json::Value>,
}

impl Record {
    /// A detail that is text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.details.get(key)?.as_str()
    }

    /// A detail that is a number.
    pub fn number(&self, key: &str) -> Option<u64> {
        self.details.get(key)?.as_u64()
    }

    /// Whether somebody was refused, or something went wrong.
    pub fn is_failure(&self) -> bool {
        self.details.contains_key("code")
            || self.event.ends_with("failed")
            || matches!(self.event.as_str(), "refused" | "panic")
    }
}

/// Which events are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only those at or after this time.
    pub since: Option<OffsetDateTime>,
    /// Only failures.
    pub failures: bool,
}

impl Filter {
    /// Whether this one is wanted.
    pub fn wants(&self, record: &Record) -> bool {
        self.since.is_none_or(|since| record.time >= since)
            && (!self.failures || record.is_failure())
    }
}

/// Visits every event of the trail at `path` in order; lines that are no event are skipped (`verify` names
/// them).
pub fn each_record(path: &Path, mut visit: impl FnMut(Record)) -> Result<()> {
    each_line(path, |line| {
        if let Ok(record) = serde_json::from_slice(line) {
            visit(record);
        }
        true
    })
    .map(drop)
}

/// What events are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The user logged in.
    User,
    /// The address without the port.
    Ip,
    /// The verified client certificate: common name and serial number.
    Certificate,
    /// The day, in UTC.
    Day,
}

impl FromStr for By {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "user" => Ok(Self::User),
            "ip" => Ok(Self::Ip),
            "certificate" => Ok(Self::Certificate),
            "day" => Ok(Self::Day),
            _ => Err("events are counted by user, ip, certificate or day".to_owned()),
        }
    }
}

/// What one user, address, certificate or day did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Who or when; `-` when it is not known.
    pub key: String,
    /// Events of any kind.
    pub events: u64,
    /// Of these, failures.
    pub failures: u64,
    /// Logins that succeeded.
    pub logins: u64,
    /// Files received.
    pub uploads: u64,
    /// Files sent.
    pub downloads: u64,
    /// Bytes of files in both directions.
    pub bytes: u64,
    /// The time of the last event, RFC 3339.
    pub last: String,
}

/// Counts events. Every event must be shown to it, wanted or not: who a connection belongs to is learned
/// from events that need not be wanted themselves.
pub struct Tallies {
    by: By,
    keys: HashMap<String, String>,
    counted: BTreeMap<String, Tally>,
}

impl Tallies {
    /// Nothing counted yet.
    pub fn new(by: By) -> Self {
        Self {
            by,
            keys: HashMap::new(),
            counted: BTreeMap::new(),
        }
    }

    /// Learns from a record, and counts it when `wanted`.
    pub fn add(&mut self, record: &Record, wanted: bool) {
        let key = self.key(record);
        if !wanted {
            return;
        }
        let tally = self.counted.entry(key.clone()).or_default();
        let failed = record.is_failure();
        tally.key = key;
        tally.events += 1;
        tally.failures += u64::from(failed);
        if !failed {
            let moved = record.number("bytes").or_else(|| record.number("size"));
            match record.event.as_str() {
                "login" | "register" => tally.logins += 1,
                "put" => tally.uploads += 1,
                "get" => tally.downloads += 1,
                _ => {}
            }
            if matches!(record.event.as_str(), "put" | "get") {
                tally.bytes = tally.bytes.saturating_add(moved.unwrap_or(0));
            }
        }
        tally.last = crate::text::time(record.time);
    }

    /// The counts, those with the most events first; days in order.
    pub fn finish(self) -> Vec<Tally> {
        let mut tallies: Vec<Tally> = self.counted.into_values().collect();
        if self.by != By::Day {
            tallies.sort_by_key(|tally| std::cmp::Reverse(tally.events));
        }
        tallies
    }

    fn key(&mut self, record: &Record) -> String {
        let said = match self.by {
            By::Day => return record.time.date().to_string(),
            By::User => record.text("user").map(str::to_owned),
            By::Ip => record.text("address").map(without_port),
            By::Certificate => certificate(record),
        };
        match said {
            Some(key) => {
                // A failed login names a user the connection does not belong to.
                if !record.id.is_empty() && !record.is_failure() {
                    self.keys.insert(record.id.clone(), key.clone());
                }
                key
            }
            None => match self.keys.get(&record.id) {
                Some(key) => key.clone(),
                None => "-".to_owned(),
            },
        }
    }
}

fn certificate(record: &Record) -> Option<String> {
    let name = record.text("identity").or_else(|| record.text("subject"));
    match (name, record.text("serial")) {
        (Some(name), Some(serial)) => Some(format!("{name} ({serial})")),
        (Some(only), None) | (None, Some(only)) => Some(only.to_owned()),
        (None, None) => None,
    }
}

fn without_port(address: &str) -> String {
    match address.parse::<std::net::SocketAddr>() {
        Ok(address) => address.ip().to_string(),
        Err(_) => address.to_owned(),
    }
}

/// Visits complete lines without their end until told to stop (`false`); returns the bytes after the last.
fn each_line(path: &Path, mut visit: impl FnMut(&[u8]) -> bool) -> Result<u64> {
    let cannot = |error| Error::io(Kind::LocalRead, format!("read {}", path.display()), error);
    let mut reader = BufReader::with_capacity(256 * 1024, File::open(path).map_err(cannot)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).map_err(cannot)?;
        match line.strip_suffix(b"\n") {
            Some(line) if visit(line) => {}
            Some(_) => return Ok(0),
            None => return Ok(line.len() as u64),
        }
    }
}
