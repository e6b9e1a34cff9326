//! The audit trail: `data/audit.jsonl`, one event a line, each line chained to the one before.
//!
//! Every line carries `prev`, the SHA-256 of the line before it without its line end; the first carries 64
//! zeros. Changing or removing a line breaks the chain at the next one. Cutting lines off the end does not:
//! whoever must exclude that notes the last digest elsewhere from time to time.
//!
//! A server and the commands of its operator write the same trail: each line is written under a lock, after what
//! others wrote. A file that was moved away (`sealpost audit rotate`, or logrotate) is followed by a new one, whose
//! first line, [`CONTINUED`], carries the chain over.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Gid, Uid};
use serde::Serialize;

use super::replace::{UNFINISHED_PREFIX, open_append, parent, sync_dir};
use super::{AUDIT_NAME, lock};
use crate::config;
use crate::error::{Error, Kind, Result};
use crate::protocol::Sha256;
use crate::text;

/// What the first line of a trail names as the line before.
pub(super) const FIRST_PREV: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// The event that says that the line before it is incomplete.
pub(super) const CUT: &str = "cut";

/// The event that begins a trail that goes on from another file, named in it if it is known.
pub(super) const CONTINUED: &str = "continued";

/// How long to wait while another process writes; it needs microseconds, unless it was stopped in the middle.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to rest before the lock is tried again.
const LOCK_REST: Duration = Duration::from_millis(1);

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
    /// Bytes of the file after the last line known.
    bytes: u64,
    prev: String,
    /// Whether the last write failed: said once, not for each event.
    failing: bool,
}

impl Audit {
    /// Opens or creates (0600) the trail at `path` and goes on from its last line. A last line cut short is
    /// ended and said to be so.
    pub fn open(path: &Path) -> Result<Self> {
        let cannot = |error| Error::io(Kind::LocalWrite, format!("open {}", path.display()), error);
        let mut state = State {
            file: open_append(path).map_err(cannot)?,
            bytes: 0,
            prev: FIRST_PREV.to_owned(),
            failing: false,
        };
        state.alone(path, State::catch_up).map_err(cannot)?;
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(state),
        })
    }

    /// Writes one event. A failure is logged, once until the next success, and harms nobody.
    pub fn record(&self, event: Event) {
        let failed = self.try_record(event).err();
        let mut state = lock(&self.state);
        let failed_before = std::mem::replace(&mut state.failing, failed.is_some());
        if let (Some(error), false) = (failed, failed_before) {
            tracing::error!(path = %self.path.display(), %error, "events are not recorded");
        }
    }

    /// Writes one event, or says why not.
    pub fn try_record(&self, mut event: Event) -> io::Result<()> {
        event.shorten();
        lock(&self.state).alone(&self.path, |state| {
            state.catch_up()?;
            state.write(&event)
        })
    }

    /// Gives the trail's file the name `older`, which must be free and in the same folder, and goes on in a new one.
    /// Whatever fails or crashes, there is a trail at its path.
    pub fn rotate(&self, older: &Path) -> io::Result<()> {
        lock(&self.state).alone(&self.path, |state| {
            state.catch_up()?;
            let unfinished = older.with_file_name(format!("{UNFINISHED_PREFIX}{AUDIT_NAME}"));
            let placed = state.next_in(&unfinished, older).and_then(|next| {
                fs::hard_link(&self.path, older)?;
                fs::rename(&unfinished, &self.path)?;
                sync_dir(parent(&self.path))?;
                Ok(next)
            });
            if placed.is_err() {
                let _gone = fs::remove_file(&unfinished);
            }
            *state = placed?;
            Ok(())
        })
    }
}

impl State {
    /// Does something while no other process writes the trail at `path`.
    fn alone<T>(
        &mut self,
        path: &Path,
        deed: impl FnOnce(&mut Self) -> io::Result<T>,
    ) -> io::Result<T> {
        wait_for(&self.file)?;
        let done = self.follow(path).and_then(|()| deed(self));
        self.file.unlock()?;
        done
    }

    /// Goes on in the file at `path` when this one was moved away: no line is added to it any more.
    fn follow(&mut self, path: &Path) -> io::Result<()> {
        while !is_at(path, &self.file)? {
            self.catch_up()?;
            let new = open_append(path)?;
            wait_for(&new)?;
            let empty = new.metadata()?.len() == 0;
            self.file = new;
            self.bytes = 0;
            if empty && self.prev != FIRST_PREV {
                self.write(&Event::new(CONTINUED, ""))?;
            }
        }
        Ok(())
    }

    /// What comes after this file when it is called `older`: a new one at `path`, locked, with its first line.
    fn next_in(&self, path: &Path, older: &Path) -> io::Result<Self> {
        let file = open_append(path)?;
        wait_for(&file)?;
        file.set_len(0)?;
        // For a server that runs as another user than this command.
        let owner = self.file.metadata()?;
        let (uid, gid) = (Uid::from_raw(owner.uid()), Gid::from_raw(owner.gid()));
        let _not_permitted = rustix::fs::fchown(&file, Some(uid), Some(gid));
        let mut next = Self {
            file,
            bytes: 0,
            prev: self.prev.clone(),
            failing: false,
        };
        let name = older.file_name().map(|name| name.to_string_lossy().into());
        next.write(&Event {
            name,
            ..Event::new(CONTINUED, "")
        })?;
        next.file.sync_all()?;
        Ok(next)
    }

    /// Goes on after what other processes wrote.
    fn catch_up(&mut self) -> io::Result<()> {
        let there = self.file.metadata()?;
        if !there.is_file() || there.len() == self.bytes {
            return Ok(());
        }
        if there.len() < self.bytes {
            // Lines are missing. The chain goes on from the one that was written last, which shows it.
            self.bytes = there.len();
            return match there.len() {
                0 => self.write(&Event::new(CONTINUED, "")),
                _ => Ok(()),
            };
        }
        let tail = last_line(&self.file, there.len())?;
        self.bytes = there.len();
        self.prev = Sha256::of(tail.strip_suffix(b"\n").unwrap_or(&tail)).to_string();
        if tail.ends_with(b"\n") {
            return Ok(());
        }
        self.file.write_all(b"\n")?;
        self.bytes += 1;
        let reason = format!("the line before was cut short after {} bytes", tail.len());
        self.write(&Event {
            reason: Some(reason),
            ..Event::new(CUT, "")
        })
    }

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
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // Half a line is cut off again; where that fails too it is found before the next one.
            let _left = self.file.set_len(self.bytes);
            return Err(error);
        }
        self.bytes += line.len() as u64;
        self.prev = prev;
        Ok(())
    }
}

/// Waits for the lock, which ends with the process that has it.
fn wait_for(file: &File) -> io::Result<()> {
    let until = Instant::now() + LOCK_TIMEOUT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_REST),
        }
    }
}

/// Whether `file` is what `path` names.
fn is_at(path: &Path, file: &File) -> io::Result<bool> {
    let own = file.metadata()?;
    match path.symlink_metadata() {
        Ok(there) => Ok((there.dev(), there.ino()) == (own.dev(), own.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
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
