//! Bytes of files: uploads and downloads.

use std::fs::File;
use std::io::{self, Read as _};
use std::time::{Duration, Instant};

use super::access::Touch;
use super::session::{
    Next, Session, Stop, bad, changing, exists, file_name, instead, size as human,
};
use crate::config::{CHUNK_BYTES, DISCARD_BYTES, DISCARD_TIMEOUT};
use crate::protocol::{
    BodyEnd, Code, Conflict, FileName, FileReply, FrameError, GetReply, Operation, PutReply,
    Refusal, parse_body_end, parse_resume_answer, read_frame,
};
use crate::store::{
    BlobId, Change, Entry, Event, Expected, FinishError, Reservation, StoredBlob, Upload, User,
};
use crate::text;
use crate::transport::{Pace, Wire};

/// Names tried for a conflict solved by renaming.
const NUMBERS: u32 = 1_000;

/// How often a commit is tried again when the file changed under it in between.
const TRIES: usize = 16;

/// An upload that was let in.
struct Ticket {
    user: User,
    name: FileName,
    size: u64,
    conflict: Conflict,
    upload: Upload,
    /// What of the user's quota it holds until the file counts itself.
    held: Held,
}

/// A part of a user's quota, and the file whose bytes it counts on getting back.
struct Held {
    reserved: Reservation,
    replaces: Option<BlobId>,
}

impl<W: Wire> Session<'_, W> {
    pub(super) fn get(&mut self, name: &str, offset: u64) -> Result<Next, Stop> {
        let (entry, mut file) = self.open(name, offset)?;
        self.reply(GetReply {
            file: entry.info(),
            offset,
        })?;
        self.wire
            .expect_progress(self.shared.config.limits.stall_timeout);
        let began = Instant::now();
        let pace = Pace::new(self.shared.config.limits.bytes_per_s);
        let sent = send(self.wire, &mut file, entry.size - offset, pace);
        self.record(Event {
            name: Some(entry.name.to_string()),
            size: Some(entry.size),
            sha256: Some(entry.sha256.to_string()),
            reason: sent.as_ref().err().map(crate::error::plain),
            duration_ms: Some(millis(began.elapsed())),
            ..self.event(if sent.is_ok() { "get" } else { "get_cut" })
        });
        // Once the body has begun there is no way to say what went wrong but to end the connection.
        sent?;
        Ok(Next::Request)
    }

    /// A file and its bytes from `offset` on.
    fn open(&self, name: &str, offset: u64) -> Result<(Entry, File), Stop> {
        for _ in 0..TRIES {
            let entry = self.find(Operation::Get, name)?;
            if offset > entry.size {
                return Err(bad(format!("the file ends at byte {}", entry.size)).into());
            }
            let opened = self
                .shared
                .store
                .uploads()
                .open_blob(&entry.blob)
                .and_then(|mut file| {
                    let length = file.metadata()?.len();
                    io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
                    Ok((file, length))
                });
            let broken = match opened {
                Ok((file, length)) if length == entry.size => return Ok((entry, file)),
                Ok((_, length)) => format!("has {length} bytes instead of {}", entry.size),
                // Removed or replaced between the look into the index and the opening.
                Err(error) if error.kind() == io::ErrorKind::NotFound && self.is_stale(&entry) => {
                    continue;
                }
                Err(error) => format!("cannot be opened: {error}"),
            };
            return Err(self.internal(&format_args!(
                "blob {} of {} {broken}: run `sealpost fsck`",
                entry.blob,
                text::escape(entry.name.as_str())
            )));
        }
        Err(changing().into())
    }

    /// Whether the index does not say this of the file any more.
    fn is_stale(&self, entry: &Entry) -> bool {
        let now = self.shared.store.files().find(&entry.name);
        now.is_none_or(|now| now.blob != entry.blob)
    }

    pub(super) fn put(&mut self, name: &str, size: u64, conflict: Conflict) -> Result<Next, Stop> {
        let mut ticket = self.let_in(name, size, conflict)?;
        let began = Instant::now();
        self.go_ahead(&mut ticket)?;
        self.wire
            .expect_progress(self.shared.config.limits.stall_timeout);
        if let Err(error) = self.receive(&mut ticket.upload, size) {
            if matches!(error, BodyError::Disk(..)) {
                // A part kept would only hold the room that is missing.
                ticket.upload.abandon();
            }
            let (BodyError::Wire(cause) | BodyError::Disk(cause, _)) = &error;
            self.record(Event {
                name: Some(ticket.name.to_string()),
                size: Some(size),
                reason: Some(crate::error::plain(cause)),
                duration_ms: Some(millis(began.elapsed())),
                ..self.event("put_cut")
            });
            return Err(self.body_failed(error));
        }
        let digest = self.body_end()?;
        self.wire
            .expect_by(Instant::now() + self.shared.config.limits.stall_timeout);
        let name = ticket.name.clone();
        // The body may have taken hours: who was disabled or given a new password meanwhile puts nothing there any more.
        let over = self.refresh_user();
        let entry = match self.finish(ticket, digest) {
            Ok(entry) => entry,
            Err(stop) => {
                let stop = match stop {
                    Stop::Refused(refusal) => Stop::Refused(instead(over, refusal)),
                    other => other,
                };
                self.record(Event {
                    name: Some(name.to_string()),
                    size: Some(size),
                    ..self.event("put_failed")
                });
                return Err(stop);
            }
        };
        self.record(Event {
            name: Some(entry.name.to_string()),
            size: Some(entry.size),
            sha256: Some(entry.sha256.to_string()),
            duration_ms: Some(millis(began.elapsed())),
            ..self.event("put")
        });
        self.reply(FileReply { file: entry.info() })
    }

    /// Everything that can be refused before a byte of the file has travelled.
    fn let_in(&self, name: &str, size: u64, conflict: Conflict) -> Result<Ticket, Stop> {
        let user = self.logged_in()?;
        let wanted = file_name(name)?;
        let limits = &self.shared.config.limits;
        if size > limits.file_bytes {
            let text = format!("the largest file taken is {}", human(limits.file_bytes));
            return Err(Refusal::new(Code::TooLarge, text).into());
        }
        let (name, there) = self.target(&wanted, conflict)?;
        let store = &self.shared.store;
        let held = self.reserve(&user, size, there.as_ref())?;
        // Part of a resumed upload is on the disk already; its writes will tell.
        let free = store.uploads().free_bytes().unwrap_or(u64::MAX);
        if size > free && conflict != Conflict::Resume {
            return Err(no_space().into());
        }
        let part = match conflict {
            Conflict::Resume => store.uploads().resume(&user.name, &name, size),
            _ => Ok(None),
        };
        let upload = match part {
            Ok(Some(upload)) => Ok(upload),
            Ok(None) => store.uploads().begin(&user.name, &name, size),
            Err(error) => Err(error),
        };
        Ok(Ticket {
            upload: upload.map_err(|error| self.disk_refuses(&error))?,
            user,
            name,
            size,
            conflict,
            held,
        })
    }

    /// Takes `size` bytes of the user's quota, less what replacing `there` gives back.
    fn reserve(&self, user: &User, size: u64, there: Option<&Entry>) -> Result<Held, Refusal> {
        let quota = self.shared.config.limits.quota_bytes;
        let frees = there
            .filter(|there| there.owner == user.name)
            .map_or(0, |there| there.size);
        let reserved = self
            .shared
            .store
            .files()
            .reserve(&user.name, size, frees, quota);
        let replaces = there.map(|there| there.blob);
        let held = reserved.map(|reserved| Held { reserved, replaces });
        held.ok_or_else(|| {
            let text = format!(
                "that would exceed your quota of {}",
                human(quota.unwrap_or(0))
            );
            Refusal::new(Code::QuotaExceeded, text)
        })
    }

    /// The name an upload will have, and what is there now, as far as the gate permits.
    fn target(
        &self,
        wanted: &FileName,
        conflict: Conflict,
    ) -> Result<(FileName, Option<Entry>), Stop> {
        let files = self.shared.store.files();
        let there = files.find(wanted);
        match (&there, conflict) {
            (None, _) | (Some(_), Conflict::Overwrite) => {
                let owner = there.as_ref().map(|there| &there.owner);
                self.permit(
                    Operation::Put,
                    &[Touch {
                        name: wanted,
                        owner,
                    }],
                )?;
                Ok((wanted.clone(), there))
            }
            (Some(_), Conflict::Error | Conflict::Resume) => {
                // Who may put nothing there does not learn that something is.
                let nothing = Touch {
                    name: wanted,
                    owner: None,
                };
                self.permit(Operation::Put, &[nothing])?;
                Err(exists(wanted).into())
            }
            (Some(_), Conflict::Rename) => {
                let mut numbered = (1..=NUMBERS).filter_map(|n| wanted.numbered(n).ok());
                let free = numbered.find(|name| files.find(name).is_none());
                let free = free.ok_or_else(|| exists(wanted))?;
                let nothing = Touch {
                    name: &free,
                    owner: None,
                };
                self.permit(Operation::Put, &[nothing])?;
                Ok((free, None))
            }
        }
    }

    /// Says from which byte on the upload goes, and agrees on a held part.
    fn go_ahead(&mut self, ticket: &mut Ticket) -> Result<(), Stop> {
        let held = ticket.upload.held();
        self.reply(PutReply {
            name: ticket.name.clone(),
            offset: held,
            prefix_sha256: (held > 0).then(|| ticket.upload.prefix_sha256()),
        })?;
        if held == 0 {
            return Ok(());
        }
        // The client digests its own first bytes before it answers, which takes a while for a large file.
        self.wire
            .expect_by(Instant::now() + self.shared.config.limits.idle_timeout);
        let answer = parse_resume_answer(&self.frame()?).map_err(Stop::RefusedForGood)?;
        if !answer.resume {
            ticket
                .upload
                .discard_held()
                .map_err(|error| self.disk_refuses(&error))?;
        }
        Ok(())
    }

    /// Moves the body from the wire into the upload.
    fn receive(&mut self, upload: &mut Upload, size: u64) -> Result<(), BodyError> {
        let mut pace = Pace::new(self.shared.config.limits.bytes_per_s);
        let most = pace.chunk(CHUNK_BYTES);
        while upload.received() < size {
            let left = size - upload.received();
            let chunk = match self.wire.fill_buf() {
                Ok([]) => return Err(BodyError::Wire(io::ErrorKind::UnexpectedEof.into())),
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(BodyError::Wire(error)),
            };
            let n = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(chunk.len())
                .min(most);
            let appended = upload.append(&chunk[..n]);
            self.wire.consume(n);
            if let Err(error) = appended {
                return Err(BodyError::Disk(error, left - n as u64));
            }
            // What a peer that is gone has left behind is taken at once: it may be back for it already.
            self.wire.rest(pace.owed(n));
        }
        Ok(())
    }

    fn body_failed(&mut self, error: BodyError) -> Stop {
        match error {
            BodyError::Wire(error) if error.kind() == io::ErrorKind::TimedOut => {
                Stop::RefusedForGood(Refusal::new(Code::Timeout, "the body stalled"))
            }
            BodyError::Wire(error) => Stop::Gone(error),
            BodyError::Disk(error, left) => {
                let Stop::Refused(refusal) = self.disk_refuses(&error) else {
                    return Stop::Gone(error);
                };
                match self.discard(left) {
                    true => Stop::Refused(refusal),
                    false => Stop::RefusedForGood(refusal),
                }
            }
        }
    }

    /// Reads the rest of a refused body and its end, within a bound; whether it came to the end.
    fn discard(&mut self, mut left: u64) -> bool {
        if left > DISCARD_BYTES {
            left = DISCARD_BYTES + 1;
        }
        self.wire.expect_by(Instant::now() + DISCARD_TIMEOUT);
        let thrown = io::copy(&mut io::Read::by_ref(self.wire).take(left), &mut io::sink());
        matches!(thrown, Ok(n) if n == left && left <= DISCARD_BYTES) && self.frame().is_ok()
    }

    /// What the client says after the last byte.
    fn body_end(&mut self) -> Result<BodyEnd, Stop> {
        self.wire
            .expect_by(Instant::now() + self.shared.config.limits.stall_timeout);
        Ok(parse_body_end(&self.frame()?)?)
    }

    /// A frame in the middle of an upload.
    fn frame(&mut self) -> Result<Vec<u8>, Stop> {
        let mut buffer = Vec::new();
        match read_frame(self.wire, &mut buffer) {
            Ok(Some(_)) => Ok(buffer),
            Ok(None) | Err(FrameError::Truncated) => {
                Err(Stop::Gone(io::ErrorKind::UnexpectedEof.into()))
            }
            Err(FrameError::Io(error)) if error.kind() == io::ErrorKind::TimedOut => {
                Err(Refusal::new(Code::Timeout, "the upload stalled").into())
            }
            Err(FrameError::Io(error)) => Err(Stop::Gone(error)),
            Err(error) => Err(bad(error.to_string()).into()),
        }
    }

    /// Checks, stores and publishes what was received.
    fn finish(&self, ticket: Ticket, end: BodyEnd) -> Result<Entry, Stop> {
        let stored = ticket
            .upload
            .finish(end.sha256)
            .map_err(|error| match error {
                FinishError::Digest => {
                    let text =
                        "the bytes that arrived do not have the digest announced; nothing was kept";
                    Refusal::new(Code::ChecksumMismatch, text).into()
                }
                FinishError::Length { .. } => bad("the body is not as long as announced").into(),
                FinishError::Io(error) => self.disk_refuses(&error),
            })?;
        let published = self.publish(
            &ticket.user,
            &ticket.name,
            ticket.conflict,
            &stored,
            ticket.held,
        );
        if published.is_err() {
            // Its row is in no index, so nobody can reach it; a leftover would be swept at the next start.
            self.shared.store.uploads().remove(&stored.blob);
        }
        debug_assert_eq!(stored.size, ticket.size, "the upload counts what it writes");
        published
    }

    fn publish(
        &self,
        user: &User,
        wanted: &FileName,
        conflict: Conflict,
        stored: &StoredBlob,
        mut held: Held,
    ) -> Result<Entry, Stop> {
        for _ in 0..TRIES {
            // The gate and the names are asked again: minutes may have passed since the go-ahead.
            let (name, there) = self.target(wanted, conflict)?;
            if held.replaces != there.as_ref().map(|there| there.blob) {
                // What was to be replaced is gone, or another file now, perhaps moved away to keep it: the
                // quota has to be asked again as well.
                drop(held.reserved);
                held = self.reserve(user, stored.size, there.as_ref())?;
            }
            let entry = Entry {
                name,
                size: stored.size,
                sha256: stored.sha256,
                owner: user.name.clone(),
                modified: text::now(),
                blob: stored.blob,
            };
            let expected = Expected::target(there.as_ref());
            if self.commit(Change::Put(entry.clone()), expected)? {
                return Ok(entry);
            }
        }
        Err(changing().into())
    }

    fn disk_refuses(&self, error: &io::Error) -> Stop {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => {
                tracing::error!(id = self.peer.id, "the disk is full: {error}");
                no_space().into()
            }
            _ => self.internal(&format_args!("cannot store an upload: {error}")),
        }
    }
}

/// Why a body did not arrive.
enum BodyError {
    /// The connection failed.
    Wire(io::Error),
    /// The disk failed, with so many bytes still to come.
    Disk(io::Error, u64),
}

fn no_space() -> Refusal {
    Refusal::new(Code::NoSpace, "the server's disk is full")
}

/// Moves exactly `left` bytes from disk to wire.
fn send(
    wire: &mut (impl Wire + ?Sized),
    file: &mut File,
    mut left: u64,
    mut pace: Pace,
) -> io::Result<()> {
    let most = pace.chunk(CHUNK_BYTES);
    let mut buffer = vec![0; usize::try_from(left).map_or(most, |left| left.min(most))];
    while left > 0 {
        let n = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        file.read_exact(&mut buffer[..n])?;
        wire.write_all(&buffer[..n])?;
        pace.moved(n);
        left -= n as u64;
    }
    wire.flush()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
