//! The audit trail: `data/audit.jsonl`, one event a line, each line chained to the one before.
//!
//! Every line carries `prev`, the SHA-256 of the line before it without its line end; the first carries 64
//! zeros. Changing or removing a line breaks the chain at the next one. Cutting lines off the end does not:
//! whoever must exclude that notes the last digest elsewhere from time to time.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::Serialize;

use super::lock;
use super::replace::open_append;
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::protocol::Sha256;
use crate::text;

/// What the first line of a trail names as the line before.
pub(super) const FIRST_PREV: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// The event that says that the line before it is incomplete.
pub(super) const CUT: &str = "cut";

/// Something that happened. Fill in what is known: `Event { user, ..Event::new("login", id) }`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Event {
    /// What happened, as one word: `connect`, `login`, `login_failed`, `put`, `refused`, `start`, …
    pub event: &'static str,
    /// The connection it happened on; empty for the server itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Address and port of the peer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The user logged in, or tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// `plain`, `tls` or `mtls`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secure: Option<&'static str>,
    /// TLS version, cipher suite and key exchange group, as one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// The common name of the verified client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The whole subject of the client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Its serial number in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The SHA-256 of its DER in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The name of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The new name of a file renamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Bytes of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Bytes that really moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// The digest of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The operation that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'static str>,
    /// The code the peer was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The cause, which the peer was not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The program at the other end, by its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

impl Event {
    /// An event on the connection `id`, with nothing else known.
    pub fn new(event: &'static str, id: impl Into<String>) -> Self {
        Self {
            event,
            id: id.into(),
            ..Self::default()
        }
    }

    /// Bounds what a peer can make of a line: those of the details that come from it.
    fn shorten(&mut self) {
        let details = [
            &mut self.user,
            &mut self.identity,
            &mut self.subject,
            &mut self.serial,
            &mut self.name,
            &mut self.to,
            &mut self.reason,
            &mut self.agent,
        ];
        for detail in details.into_iter().flatten() {
            if detail.len() > config::DETAIL_BYTES_MAX {
                *detail = text::brief(detail, config::DETAIL_BYTES_MAX);
            }
        }
    }
}

/// The open trail.
pub struct Audit {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    file: File,
    /// Bytes of complete lines.
    bytes: u64,
    prev: String,
    /// Whether the last write failed: said once, not for each event.
    failing: bool,
}

impl Audit {
    /// Opens or creates (0600) the trail at `path` and goes on from its last line. A last line cut short is
    /// ended and said to be so. One process at a time.
    pub fn open(path: &Path) -> Result<Self> {
        let cannot = |error| Error::io(Kind::LocalWrite, format!("open {}", path.display()), error);
        let file = open_append(path).map_err(cannot)?;
        if file.try_lock().is_err() {
            let what = format!("{} is in use by another server", path.display());
            return Err(Error::new(Kind::LocalWrite, what)
                .hint("stop that server, or choose another file with --audit-log"));
        }
        let (state, cut_bytes) = resume(file).map_err(cannot)?;
        let audit = Self {
            path: path.to_owned(),
            state: Mutex::new(state),
        };
        if let Some(bytes) = cut_bytes {
            let reason = format!("the line before was cut short after {bytes} bytes");
            audit.record(Event {
                reason: Some(reason),
                ..Event::new(CUT, "")
            });
        }
        Ok(audit)
    }

    /// Writes one event. A failure is logged, once until the next success, and harms nobody.
    pub fn record(&self, mut event: Event) {
        event.shorten();
        let mut state = lock(&self.state);
        match state.write(&event) {
            Ok(()) => state.failing = false,
            Err(error) => {
                if !std::mem::replace(&mut state.failing, true) {
                    tracing::error!(path = %self.path.display(), %error, "events are not recorded");
                }
            }
        }
    }
}

impl State {
    fn write(&mut self, event: &Event) -> io::Result<()> {
        #[derive(Serialize)]
        struct Line<'a> {
            time: String,
            #[serde(flatten)]
            event: &'a Event,
            prev: &'a str,
        }
        let line = Line {
            time: text::time(text::now()),
            event,
            prev: &self.prev,
        };
        let mut line = text::escape_json(&serde_json::to_string(&line)?);
        let prev = Sha256::of(line.as_bytes()).to_string();
        line.push('\n');
        // Half a line of an earlier failure is cut before the next one.
        if self.failing {
            self.file.set_len(self.bytes)?;
        }
        self.file.write_all(line.as_bytes())?;
        self.bytes += line.len() as u64;
        self.prev = prev;
        Ok(())
    }
}

/// Finds where to go on; ends a line that was cut short and says how long it is.
fn resume(mut file: File) -> io::Result<(State, Option<usize>)> {
    let bytes = file.metadata()?.len();
    let tail = last_line(&file, bytes)?;
    let cut = tail.last().is_some_and(|byte| *byte != b'\n');
    if cut {
        file.write_all(b"\n")?;
    }
    let line = tail.strip_suffix(b"\n").unwrap_or(&tail);
    let state = State {
        prev: if bytes == 0 {
            FIRST_PREV.to_owned()
        } else {
            Sha256::of(line).to_string()
        },
        bytes: bytes + u64::from(cut),
        failing: false,
        file,
    };
    Ok((state, cut.then_some(tail.len())))
}

/// The last line with its end, if it has one, read from the back.
fn last_line(file: &File, bytes: u64) -> io::Result<Vec<u8>> {
    const STEP: u64 = 64 * 1024;
    let mut tail: Vec<u8> = Vec::new();
    let mut start = bytes;
    while start > 0 {
        let from = start.saturating_sub(STEP);
        let mut block = vec![0; usize::try_from(start - from).unwrap_or(0)];
        file.read_exact_at(&mut block, from)?;
        block.extend_from_slice(&tail);
        tail = block;
        start = from;
        let body = tail.strip_suffix(b"\n").unwrap_or(&tail);
        if let Some(at) = body.iter().rposition(|byte| *byte == b'\n') {
            return Ok(tail.split_off(at + 1));
        }
    }
    Ok(tail)
}
