//! One connection's life: hello, login, then request and reply until one side says goodbye.
//!
//! A session never names TLS or sockets. It has a [`Wire`] and a [`Peer`]; the plain and the sealed run of
//! a transfer execute the same code here, which is what makes them comparable.

use std::io;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::access::{self, Touch, Who};
use super::registry::Place;
use super::{Peer, Shared};
use crate::config::AGENT_BYTES_MAX;
use crate::protocol::{
    AGENT, Code, Conflict, FileName, FileReply, FrameError, HelloReply, LIST_LIMIT_MAX, ListReply,
    MAX_FRAME_BYTES, NameError, Operation, Refusal, Reply, Request, VERSION, WhoamiReply,
    parse_request, read_frame, write_frame,
};
use crate::store::{Change, CommitError, Entry, Event, Expected, Rights, Subject, User};
use crate::text::{self, escape};
use crate::transport::{Wire, lost};

/// Bytes of a page of a listing around its entries.
const LIST_FRAME_BYTES: usize = 64;

/// How often a change is tried again when the file changed under it in between.
const TRIES: usize = 16;

/// How long saying goodbye may take.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// One connection.
pub(super) struct Session<'a, W: Wire> {
    pub(super) wire: &'a mut W,
    pub(super) peer: &'a Peer,
    pub(super) shared: &'a Shared,
    pub(super) user: Option<User>,
    pub(super) login_deadline: Instant,
    place: &'a Place,
    greeted: bool,
}

/// What follows a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next request.
    Request,
    /// Nothing: close.
    Close,
}

/// Why a request was not done.
#[derive(Debug)]
pub(super) enum Stop {
    /// Refused; the connection goes on unless the code ends it.
    Refused(Refusal),
    /// Refused in the middle of a body; the connection ends.
    RefusedForGood(Refusal),
    /// The wire broke.
    Gone(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The reply that says no more than "done".
#[derive(Serialize)]
struct Done {}

impl<'a, W: Wire> Session<'a, W> {
    pub(super) fn new(
        wire: &'a mut W,
        peer: &'a Peer,
        shared: &'a Shared,
        place: &'a Place,
    ) -> Self {
        Self {
            wire,
            peer,
            shared,
            user: None,
            login_deadline: Instant::now() + shared.config.limits.login_timeout,
            place,
            greeted: false,
        }
    }

    /// Serves requests until one side says goodbye.
    pub(super) fn run(mut self) {
        let mut buffer = Vec::new();
        while self.turn(&mut buffer) == Next::Request {}
        tracing::debug!(id = self.peer.id, "connection ends");
    }

    /// Reads one request and says that there are too many connections.
    pub(super) fn refuse_busy(mut self) {
        if let Ok(Some(_hello)) = read_frame(self.wire, &mut Vec::new()) {
            tracing::info!(id = self.peer.id, address = %self.peer.address, "refused: busy");
            self.say_last(Refusal::new(
                Code::Busy,
                "too many connections; try again later",
            ));
        }
    }

    fn turn(&mut self, buffer: &mut Vec<u8>) -> Next {
        self.wire.expect_by(match &self.user {
            None => self.login_deadline,
            Some(_) => Instant::now() + self.shared.config.limits.idle_timeout,
        });
        if !self.place.wait() {
            return self.say_stopping();
        }
        let read = read_frame(self.wire, buffer);
        self.place.work();
        let frame = match read {
            Ok(Some(frame)) => frame,
            Ok(None) | Err(FrameError::Truncated) if self.place.stopping() => {
                return self.say_stopping();
            }
            Ok(None) => return Next::Close,
            Err(error) => return self.frame_failed(error),
        };
        let handled = parse_request(frame).map_err(Stop::from);
        // A reply must leave even when the request used up its own time; a peer that does not read is
        // ended by this.
        self.wire
            .expect_by(Instant::now() + self.shared.config.limits.stall_timeout);
        let handled = handled.and_then(|request| self.handle(request));
        self.conclude(handled)
    }

    /// Answers what was not done.
    fn conclude(&mut self, handled: Result<Next, Stop>) -> Next {
        match handled {
            Ok(next) => next,
            Err(Stop::Refused(refusal)) if !refusal.code.ends_connection() => {
                self.note_refusal(&refusal);
                match write_frame(self.wire, &Reply::refused(refusal)) {
                    Ok(()) => Next::Request,
                    Err(_gone) => Next::Close,
                }
            }
            Err(Stop::Refused(refusal) | Stop::RefusedForGood(refusal)) => {
                self.note_refusal(&refusal);
                self.say_last(refusal)
            }
            Err(Stop::Gone(error)) => {
                tracing::info!(id = self.peer.id, "connection lost: {}", lost(&error));
                Next::Close
            }
        }
    }

    fn frame_failed(&mut self, error: FrameError) -> Next {
        let refusal = match error {
            FrameError::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
                Refusal::new(Code::Timeout, "no request in time")
            }
            FrameError::Empty | FrameError::TooLong(_) => {
                Refusal::new(Code::BadRequest, error.to_string())
            }
            FrameError::Io(error) => {
                tracing::info!(id = self.peer.id, "connection lost: {}", lost(&error));
                return Next::Close;
            }
            FrameError::Truncated => {
                tracing::info!(id = self.peer.id, "connection lost: {error}");
                return Next::Close;
            }
        };
        self.note_refusal(&refusal);
        self.say_last(refusal)
    }

    fn say_stopping(&mut self) -> Next {
        self.say_last(Refusal::new(Code::ShuttingDown, "the server is stopping"))
    }

    fn say_last(&mut self, refusal: Refusal) -> Next {
        self.wire.expect_by(Instant::now() + LAST_WORDS);
        let _gone = write_frame(self.wire, &Reply::refused(refusal));
        Next::Close
    }

    fn note_refusal(&self, refusal: &Refusal) {
        tracing::info!(
            id = self.peer.id,
            code = refusal.code.word(),
            "refused: {}",
            escape(&refusal.message)
        );
        // A failed login has an event of its own, with its reason.
        let told = [
            Code::LoginFailed,
            Code::NotFound,
            Code::Exists,
            Code::LoginRequired,
        ];
        if !told.contains(&refusal.code) {
            self.record(Event {
                code: Some(refusal.code.word().to_owned()),
                reason: Some(refusal.message.clone()),
                ..self.event("refused")
            });
        }
    }

    fn handle(&mut self, request: Request) -> Result<Next, Stop> {
        let operation = request.operation();
        match (operation, self.greeted) {
            (Operation::Hello, true) => return Err(bad("hello is said once").into()),
            (Operation::Hello, false) | (_, true) => {}
            (_, false) => return Err(bad("hello comes first").into()),
        }
        let over = self.refresh_user();
        self.permit(operation, &[])
            .map_err(|refusal| instead(over, refusal))?;
        match request {
            Request::Hello { version, agent } => self.hello(version, &agent),
            Request::Register { user, password } => self.register(&user, password),
            Request::Login { user, password } => self.login(user, password),
            Request::Passwd { old, new } => self.passwd(old, new),
            Request::Whoami {} => self.whoami(),
            Request::Quit {} => {
                self.reply(Done {})?;
                Ok(Next::Close)
            }
            Request::List {
                prefix,
                after,
                limit,
            } => self.list(&prefix, &after, limit),
            Request::Stat { name } => {
                let entry = self.find(operation, &name)?;
                self.reply(FileReply { file: entry.info() })
            }
            Request::Get { name, offset } => self.get(&name, offset),
            Request::Put {
                name,
                size,
                conflict,
            } => self.put(&name, size, conflict),
            Request::Delete { name } => self.delete(&name),
            Request::Rename { from, to, conflict } => self.rename(&from, &to, conflict),
        }
    }

    fn hello(&mut self, version: u64, agent: &str) -> Result<Next, Stop> {
        if version != VERSION {
            let text = format!("this server speaks version {VERSION}");
            return Err(Refusal::new(Code::UnsupportedVersion, text).into());
        }
        if agent.is_empty() || agent.len() > AGENT_BYTES_MAX {
            return Err(bad(format!("agent is 1 to {AGENT_BYTES_MAX} bytes")).into());
        }
        self.greeted = true;
        self.record(Event {
            agent: Some(agent.to_owned()),
            ..self.event("hello")
        });
        let config = &self.shared.config;
        let identity = self.peer.identity.as_ref();
        self.reply(HelloReply {
            version: VERSION,
            agent: AGENT.to_owned(),
            secure: self.peer.secure,
            identity: identity.and_then(|identity| identity.cn.clone()),
            login: config.login.methods(identity),
            register: self.may_register(),
            id: self.peer.id.clone(),
        })
    }

    fn whoami(&mut self) -> Result<Next, Stop> {
        let user = self.logged_in()?;
        let reply = WhoamiReply {
            role: user.role.word().to_owned(),
            user: user.name,
            identity: self
                .peer
                .identity
                .as_ref()
                .and_then(|identity| identity.cn.clone()),
            secure: self.peer.secure,
        };
        self.reply(reply)
    }

    fn list(&mut self, prefix: &str, after: &str, limit: u64) -> Result<Next, Stop> {
        if limit == 0 {
            return Err(bad("limit is at least 1").into());
        }
        let limit = usize::try_from(limit.min(LIST_LIMIT_MAX)).unwrap_or(usize::MAX);
        let mut room = MAX_FRAME_BYTES - LIST_FRAME_BYTES;
        let (mut files, mut more) = (Vec::new(), false);
        self.shared.store.files().page(prefix, after, &mut |entry| {
            if self.permit(Operation::List, &[touch(entry)]).is_err() {
                return ControlFlow::Continue(());
            }
            let info = entry.info();
            // What does not serialize cannot have been stored; it would count as too large.
            let bytes = serde_json::to_string(&info).map_or(usize::MAX, |text| text.len() + 1);
            if files.len() == limit || bytes > room {
                more = true;
                return ControlFlow::Break(());
            }
            room -= bytes;
            files.push(info);
            ControlFlow::Continue(())
        });
        self.reply(ListReply { files, more })
    }

    fn delete(&mut self, name: &str) -> Result<Next, Stop> {
        let name = file_name(name)?;
        for _ in 0..TRIES {
            let entry = self.entry(&name)?;
            self.permit(Operation::Delete, &[touch(&entry)])?;
            let expected = Expected::target(Some(&entry));
            if self.commit(Change::Delete(name.clone()), expected)? {
                self.record(Event {
                    name: Some(name.to_string()),
                    ..self.event("delete")
                });
                return self.reply(Done {});
            }
        }
        Err(changing().into())
    }

    fn rename(&mut self, from: &str, to: &str, conflict: Conflict) -> Result<Next, Stop> {
        let (from, to) = (file_name(from)?, file_name(to)?);
        if !matches!(conflict, Conflict::Error | Conflict::Overwrite) {
            return Err(bad("rename takes the conflicts error and overwrite").into());
        }
        if from == to {
            return Err(Refusal::new(Code::Exists, "the two names are the same").into());
        }
        for _ in 0..TRIES {
            let entry = self.entry(&from)?;
            let there = self.shared.store.files().find(&to);
            let target = Touch {
                name: &to,
                owner: there.as_ref().map(|there| &there.owner),
            };
            self.permit(Operation::Rename, &[touch(&entry), target])?;
            if there.is_some() && conflict == Conflict::Error {
                return Err(exists(&to).into());
            }
            let change = Change::Rename {
                from: from.clone(),
                to: to.clone(),
                modified: entry.modified,
            };
            let expected = Expected::rename(&entry, there.as_ref());
            if self.commit(change, expected)? {
                self.record(Event {
                    name: Some(from.to_string()),
                    to: Some(to.to_string()),
                    ..self.event("rename")
                });
                let file = Entry { name: to, ..entry };
                return self.reply(FileReply { file: file.info() });
            }
        }
        Err(changing().into())
    }

    /// Makes a change durable; false when somebody else changed the file first, so that the gate has to be
    /// asked again.
    pub(super) fn commit(&self, change: Change, expected: Expected) -> Result<bool, Stop> {
        match self.shared.store.files().commit(change, expected) {
            Ok(()) => Ok(true),
            Err(CommitError::Changed) => Ok(false),
            Err(CommitError::NoSpace) => {
                Err(Refusal::new(Code::NoSpace, "the server's disk is full").into())
            }
            Err(CommitError::Io(error)) => Err(self.internal(&error)),
        }
    }

    /// Tells the log what broke, and the peer only that something did.
    pub(super) fn internal(&self, error: &dyn std::fmt::Display) -> Stop {
        tracing::error!(id = self.peer.id, "{error}");
        let message = format!(
            "something broke in the server; its log says what, under {}",
            self.peer.id
        );
        Refusal::new(Code::Internal, message).into()
    }

    /// The file of a name somebody wants to look at.
    pub(super) fn find(&self, operation: Operation, name: &str) -> Result<Entry, Stop> {
        let name = file_name(name)?;
        // Asked before it is looked for: who may not read a folder does not learn what is in it.
        let nothing = Touch {
            name: &name,
            owner: None,
        };
        self.permit(operation, &[nothing])?;
        Ok(self.entry(&name)?)
    }

    fn entry(&self, name: &FileName) -> Result<Entry, Refusal> {
        if let Some(entry) = self.shared.store.files().find(name) {
            return Ok(entry);
        }
        // That a name is free is something only those may learn who may read there.
        let nothing = Touch { name, owner: None };
        self.permit(Operation::Stat, &[nothing])?;
        let text = format!("there is no file {name}");
        Err(Refusal::new(Code::NotFound, text))
    }

    /// Asks the gate.
    pub(super) fn permit(
        &self,
        operation: Operation,
        touches: &[Touch<'_>],
    ) -> Result<(), Refusal> {
        let who = self.user.as_ref().map(|user| Who {
            user: &user.name,
            role: user.role,
        });
        access::permit(operation, who, touches, &|name| self.rule(name))
    }

    fn rule(&self, name: &FileName) -> Option<Rights> {
        let user = self.user.as_ref()?;
        let identity = self.peer.identity.as_ref();
        let subject = Subject {
            user: &user.name,
            role: user.role,
            cn: identity.and_then(|identity| identity.cn.as_deref()),
            ou: identity.map(|identity| identity.ous.as_slice()),
        };
        self.shared.store.access().rights(&subject, name.as_str())
    }

    pub(super) fn logged_in(&self) -> Result<User, Refusal> {
        let missing = || Refusal::new(Code::LoginRequired, "log in first");
        self.user.clone().ok_or_else(missing)
    }

    /// Who was removed or disabled meanwhile, or was given a new password by anything but this session, is no longer
    /// logged in, which the refusal tells; a new role counts at once.
    pub(super) fn refresh_user(&mut self) -> Option<Refusal> {
        let before = self.user.take()?;
        let now = self.shared.store.users().find(before.name.as_str());
        let why = match now {
            Some(now) if now.enabled && now.password == before.password => {
                self.user = Some(now);
                return None;
            }
            Some(now) if now.enabled => "the password was changed since this login; log in again",
            Some(_) => "the account was disabled since this login",
            None => "the account was removed since this login",
        };
        self.login_deadline = Instant::now() + self.shared.config.limits.login_timeout;
        self.record(Event {
            user: Some(before.name.to_string()),
            reason: Some(why.to_owned()),
            ..self.event("logged_out")
        });
        Some(Refusal::new(Code::LoginRequired, why))
    }

    pub(super) fn reply(&mut self, value: impl Serialize) -> Result<Next, Stop> {
        write_frame(self.wire, &Reply::ok(value))?;
        Ok(Next::Request)
    }

    pub(super) fn done(&mut self) -> Result<Next, Stop> {
        self.reply(Done {})
    }

    /// An event for the audit trail, with who and from where in it.
    pub(super) fn event(&self, word: &'static str) -> Event {
        let identity = self.peer.identity.as_ref();
        Event {
            address: Some(self.peer.address.to_string()),
            secure: Some(self.peer.secure.word()),
            user: self.user.as_ref().map(|user| user.name.to_string()),
            identity: identity.and_then(|identity| identity.cn.clone()),
            subject: identity.map(|identity| identity.subject.clone()),
            serial: identity.map(|identity| identity.serial.clone()),
            fingerprint: identity.map(|identity| identity.fingerprint.clone()),
            ..Event::new(word, &self.peer.id)
        }
    }

    /// Writes into the audit trail.
    pub(super) fn record(&self, event: Event) {
        self.shared.store.audit().record(event);
    }
}

pub(super) fn touch(entry: &Entry) -> Touch<'_> {
    Touch {
        name: &entry.name,
        owner: Some(&entry.owner),
    }
}

/// A name from the peer, or the refusal of it.
pub(super) fn file_name(text: &str) -> Result<FileName, Refusal> {
    text.parse()
        .map_err(|error: NameError| bad(error.to_string()))
}

/// Why nobody is logged in any more says more than that nobody is.
pub(super) fn instead(over: Option<Refusal>, refusal: Refusal) -> Refusal {
    match over {
        Some(why) if refusal.code == Code::LoginRequired => why,
        _ => refusal,
    }
}

pub(super) fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::BadRequest, message)
}

pub(super) fn exists(name: &FileName) -> Refusal {
    Refusal::new(Code::Exists, format!("there is already a file {name}"))
}

/// The file changed under every try.
pub(super) fn changing() -> Refusal {
    Refusal::new(Code::Busy, "others keep changing that file; try again")
}

/// For messages: a size as people read it.
pub(super) fn size(bytes: u64) -> String {
    text::size(bytes)
}
