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
            || self.event.ends_with("_cut")
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::audit::{Audit, Event};
    use super::super::replace::replace;
    use super::*;

    fn event(event: &'static str, id: &str, user: Option<&str>) -> Event {
        Event {
            user: user.map(str::to_owned),
            ..Event::new(event, id)
        }
    }

    fn trail() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        for round in 0..2 {
            let audit = Audit::open(&path).unwrap();
            audit.record(event("start", "", None));
            for n in 0..3 {
                audit.record(event("put", &format!("{round}{n}"), Some("alice")));
            }
        }
        (dir, path)
    }

    #[test]
    fn an_untouched_trail_is_whole_over_restarts() {
        let (_dir, path) = trail();
        let report = verify(&path).unwrap();
        assert_eq!((report.lines, report.cut, report.broken), (8, 0, None));
        let text = fs::read_to_string(&path).unwrap();
        let last = Sha256::of(text.lines().last().unwrap().as_bytes());
        assert_eq!(report.last, last.to_string());
    }

    #[test]
    fn a_line_changed_removed_or_added_is_found() {
        let (_dir, path) = trail();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let changed = lines[2].replace("alice", "malice");
        let cases: [(Vec<&str>, u64); 6] = [
            ([&lines[..2], &[changed.as_str()], &lines[3..]].concat(), 4),
            ([&lines[..2], &lines[3..]].concat(), 3),
            ([&lines[..3], &lines[2..]].concat(), 4),
            (lines[1..].to_vec(), 1),
            ([&lines[..2], &["{}"], &lines[3..]].concat(), 4),
            ([&lines[..7], &["nonsense"]].concat(), 8),
        ];
        for (lines, line) in cases {
            replace(&path, 0o600, format!("{}\n", lines.join("\n")).as_bytes()).unwrap();
            let broken = verify(&path).unwrap().broken.unwrap();
            assert_eq!(broken.line, line, "{}", broken.what);
        }
    }

    #[test]
    fn a_line_cut_by_a_crash_is_said_to_be_so_and_the_chain_goes_on() {
        let (_dir, path) = trail();
        let text = fs::read(&path).unwrap();
        replace(&path, 0o600, &text[..text.len() - 20]).unwrap();
        assert!(verify(&path).unwrap().unended_bytes > 0);
        Audit::open(&path).unwrap().record(event("start", "", None));
        let report = verify(&path).unwrap();
        assert_eq!((report.lines, report.cut, report.broken), (10, 1, None));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.lines().nth(8).unwrap().contains("cut short after"));
    }

    #[test]
    fn hostile_text_is_one_line_of_plain_characters() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let agent =
            "x\n{\"event\":\"login\"}\r\u{1b}[2J\u{7f}\u{9b}\u{202e}\u{2028}\u{e0041}\"\\课";
        let audit = Audit::open(&path).unwrap();
        let agent_said = Some(agent.to_owned());
        audit.record(Event {
            agent: agent_said,
            ..Event::new("hello", "1")
        });
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 1);
        assert_eq!(text, format!("{}\n", crate::text::escape(text.trim_end())));
        let mut seen = Vec::new();
        each_record(&path, |record| seen.push(record)).unwrap();
        assert_eq!(seen[0].text("agent"), Some(agent));
    }

    #[test]
    fn what_a_stranger_sends_at_length_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let audit = Audit::open(&path).unwrap();
        let long = || Some("\u{1b}课".repeat(20_000));
        audit.record(Event {
            subject: long(),
            serial: long(),
            reason: long(),
            name: Some("n".repeat(1_024)),
            ..Event::new("handshake_failed", "1")
        });
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.len() < 24_000, "{}", text.len());
        assert!(text.contains(&"n".repeat(1_024)));
        assert!(verify(&path).unwrap().broken.is_none());
    }

    #[test]
    fn a_trail_belongs_to_one_server_and_to_this_user() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let audit = Audit::open(&path).unwrap();
        let error = Audit::open(&path).err().unwrap();
        assert!(error.message().contains("in use"), "{error}");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        drop(audit);
        assert!(Audit::open(&path).is_ok());
    }

    fn record(event: &str, id: &str, time: i64, details: serde_json::Value) -> Record {
        let serde_json::Value::Object(details) = details else {
            panic!("not an object")
        };
        Record {
            time: OffsetDateTime::from_unix_timestamp(time).unwrap(),
            event: event.to_owned(),
            id: id.to_owned(),
            details,
        }
    }

    fn day() -> Vec<Record> {
        let j = |text: &str| serde_json::from_str(text).unwrap();
        vec![
            record(
                "connect",
                "1",
                0,
                j(r#"{"address":"10.0.0.1:5000","identity":"Alice","serial":"0a"}"#),
            ),
            record("login_failed", "1", 10, j(r#"{"user":"root"}"#)),
            record("login", "1", 20, j(r#"{"user":"alice"}"#)),
            record("put", "1", 30, j(r#"{"name":"a","size":100}"#)),
            record("get", "1", 40, j(r#"{"name":"a","size":100,"bytes":7}"#)),
            record("refused", "1", 50, j(r#"{"code":"forbidden"}"#)),
            record("connect", "2", 86_400, j(r#"{"address":"[::1]:7"}"#)),
        ]
    }

    fn tallied(by: By, filter: Filter) -> Vec<(String, u64, u64, u64)> {
        let mut tallies = Tallies::new(by);
        for record in day() {
            tallies.add(&record, filter.wants(&record));
        }
        let tallies = tallies.finish().into_iter();
        tallies
            .map(|t| (t.key, t.events, t.failures, t.bytes))
            .collect()
    }

    #[test]
    fn events_are_counted_by_whom_the_connection_belongs_to() {
        let all = Filter::default();
        let of = |key: &str, events, failures, bytes| (key.to_owned(), events, failures, bytes);
        assert_eq!(
            tallied(By::User, all),
            [
                of("alice", 4, 1, 107),
                of("-", 2, 0, 0),
                of("root", 1, 1, 0)
            ]
        );
        assert_eq!(
            tallied(By::Ip, all),
            [of("10.0.0.1", 6, 2, 107), of("::1", 1, 0, 0)]
        );
        assert_eq!(
            tallied(By::Certificate, all),
            [of("Alice (0a)", 6, 2, 107), of("-", 1, 0, 0)]
        );
        assert_eq!(
            tallied(By::Day, all),
            [of("1970-01-01", 6, 2, 107), of("1970-01-02", 1, 0, 0)]
        );
    }

    #[test]
    fn only_what_is_wanted_is_counted_but_all_is_learned_from() {
        let failures = Filter {
            failures: true,
            since: None,
        };
        let of = |key: &str, events| (key.to_owned(), events, events, 0);
        assert_eq!(tallied(By::User, failures), [of("alice", 1), of("root", 1)]);
        let since = OffsetDateTime::from_unix_timestamp(45).unwrap();
        let late = Filter {
            failures: false,
            since: Some(since),
        };
        assert_eq!(tallied(By::Ip, late).len(), 2);
    }
}
