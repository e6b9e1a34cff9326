//! Reading the audit trail: what happened, who did how much of it.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::error::{Error, Kind, Result};

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
pub(super) fn each_line(path: &Path, mut visit: impl FnMut(&[u8]) -> bool) -> Result<u64> {
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
    use super::super::chain;
    use super::*;

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
        assert!(chain::verify(&path).unwrap().broken.is_none());
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
