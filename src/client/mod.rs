//! A typed client: one connection, one request at a time.
//!
//! [`Client`] speaks the protocol over any [`Wire`]; [`Target`] says where to connect and as whom. Whole
//! files are [`upload()`] and [`download()`], many of them [`Batch`]; [`Stop`] ends them from another thread.

mod address;
mod batch;
mod download;
mod stop;
mod upload;
mod walk;
mod words;

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, io};

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

pub use address::{host_and_own_port, host_and_port, is_this_machine, place};
pub use batch::{Batch, Job, Outcome, Watch};
pub use download::{Download, discard, download};
pub use stop::Stop;
pub use upload::{Upload, upload};
pub use walk::{Found, below, file, own_name, walk};

use crate::error::{Error, Kind, Result};
use crate::lang::both;
use crate::protocol::{
    AGENT, Account, Code, Conflict, FileInfo, FileName, FileReply, FrameError, HelloReply,
    ListReply, Refusal, Request, VERSION, WhoamiReply, parse_reply, read_frame, write_frame,
};
use crate::transport::{
    Connector, Context, HangUp, Onlooker, Recorder, Session, Side, Stage, Story, TlsClient, Wire,
    Witnesses, connect_witnessed, explain, server_speaks_tls,
};

/// Entries asked for in each page of a listing.
const PAGE: u64 = 500;

/// Bytes of the longest listing taken, some two million names: a server could go on forever, and the client's
/// memory with it.
const LISTING_BYTES_MAX: usize = 512 * 1024 * 1024;

/// How long a server that cut an upload short is listened to for its reason.
const REASON_TIMEOUT: Duration = Duration::from_secs(5);

/// Where to connect, and as whom.
#[derive(Clone, Debug)]
pub struct Target {
    /// The host's name or address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// TLS, or none: plain TCP, readable by anyone on the way.
    pub tls: Option<TlsClient>,
    /// Bounds connecting and the handshake.
    pub connect_timeout: Duration,
    /// Bounds waiting for a reply, and a stall in the middle of a body.
    pub timeout: Duration,
    /// Bytes a second at most, each connection.
    pub rate: Option<u64>,
    /// How to log in.
    pub login: Login,
    /// Who is told how each connection came about, with `--explain`.
    pub narrator: Option<Narrator>,
    /// Who sees every byte that passes, as a stranger on the wire does.
    pub onlooker: Option<Arc<dyn Onlooker>>,
}

/// Hears the story of every connection a [`Target`] makes, from whichever thread makes it.
#[derive(Clone)]
pub struct Narrator(Arc<dyn Fn(&Story) + Send + Sync>);

impl Narrator {
    /// One that does `tell` with each story.
    pub fn new(tell: impl Fn(&Story) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }
}

impl fmt::Debug for Narrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Narrator")
    }
}

/// How to log in.
#[derive(Clone, Debug)]
pub enum Login {
    /// By user and password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: Zeroizing<String>,
    },
    /// By the client certificate of the TLS connection.
    Certificate,
}

impl Target {
    /// Connects, says hello, and logs in.
    pub fn log_in(&self) -> Result<(Client<Connector>, Account)> {
        let mut client = self.connect()?;
        let account = match &self.login {
            Login::Password { user, password } => client.login(user, password)?,
            Login::Certificate => client.login_by_certificate()?,
        };
        Ok((client, account))
    }

    /// Connects and says hello. Only now is it true that the server let us in: in TLS 1.3 it judges the
    /// client's certificate after the client's handshake is done.
    pub fn connect(&self) -> Result<Client<Connector>> {
        let Some(narrator) = &self.narrator else {
            return self.connect_recorded(None, &mut None);
        };
        let recorder = Recorder::new();
        let mut session = None;
        let connected = self.connect_recorded(Some(&recorder), &mut session);
        let reply = match connected.as_ref().map(Client::hello) {
            Ok(Some(hello)) => Ok(hello),
            Ok(None) => return connected,
            Err(error) => Err(error),
        };
        let place = (self.host.as_str(), self.port);
        (narrator.0)(&recorder.story(place, session, self.tls.is_some(), reply));
        connected
    }

    fn connect_recorded(
        &self,
        recorder: Option<&Recorder>,
        session: &mut Option<Session>,
    ) -> Result<Client<Connector>> {
        let witnesses = Witnesses {
            recorder,
            onlooker: self.onlooker.as_ref(),
        };
        let (wire, context) = connect_witnessed(
            &self.host,
            self.port,
            self.tls.as_ref(),
            self.connect_timeout,
            witnesses,
        )?;
        *session = wire.session();
        let mut client = Client::greet(wire, self.timeout, context)?;
        client.rate = self.rate;
        Ok(client)
    }
}

/// A connection to a server that answered our hello.
#[derive(Debug)]
pub struct Client<W> {
    wire: W,
    hello: Option<HelloReply>,
    buffer: Vec<u8>,
    timeout: Duration,
    /// Bytes a second at most.
    rate: Option<u64>,
    usable: bool,
    logged_in: bool,
    /// What words about a failure need.
    context: Context,
}

impl Client<Connector> {
    /// What the TLS handshake agreed on; `None` when plain.
    pub fn session(&self) -> Option<Session> {
        self.wire.session()
    }

    /// What ends the connection from another thread, in the middle of a transfer too.
    pub fn hang_up(&self) -> HangUp {
        self.wire.hang_up()
    }

    /// Whether the server ended the connection while nothing was asked of it: it was idle for too long, or the
    /// server stopped. Does not wait.
    pub fn is_over(&self) -> bool {
        !self.usable || self.wire.is_over()
    }

    /// Says goodbye and ends the connection politely.
    pub fn quit(mut self) {
        if self.usable {
            let _gone = self.ask::<Done>(&Request::Quit {});
        }
        self.wire.close();
    }
}

/// The fields of a reply that has none.
#[derive(serde::Deserialize)]
struct Done {}

impl<W: Wire> Client<W> {
    /// Says hello over `wire`; every reply must come within `timeout`. `context` is what is known of the
    /// connection, for the words of a failure.
    pub fn greet(wire: W, timeout: Duration, context: Context) -> Result<Self> {
        let mut client = Self {
            wire,
            hello: None,
            buffer: Vec::new(),
            timeout,
            rate: None,
            usable: true,
            logged_in: false,
            context,
        };
        let hello = Request::Hello {
            version: VERSION,
            agent: AGENT.to_owned(),
        };
        client.hello = Some(client.ask(&hello)?);
        client.context.stage = Stage::Talk;
        Ok(client)
    }

    /// What the server said of itself and of this connection.
    pub fn hello(&self) -> Option<&HelloReply> {
        self.hello.as_ref()
    }

    /// Whether another request can be made on this connection.
    pub fn usable(&self) -> bool {
        self.usable
    }

    /// Makes an account, and is logged in as it.
    pub fn register(&mut self, user: &str, password: &str) -> Result<Account> {
        self.log_in(&Request::Register {
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }

    /// Logs in by user and password.
    pub fn login(&mut self, user: &str, password: &str) -> Result<Account> {
        self.log_in(&Request::Login {
            user: Some(user.to_owned()),
            password: Some(password.to_owned()),
        })
    }

    /// Logs in by the client certificate.
    pub fn login_by_certificate(&mut self) -> Result<Account> {
        self.log_in(&Request::Login {
            user: None,
            password: None,
        })
    }

    fn log_in(&mut self, how: &Request) -> Result<Account> {
        let account = self.ask(how)?;
        self.logged_in = true;
        Ok(account)
    }

    /// Changes the own password.
    pub fn passwd(&mut self, old: &str, new: &str) -> Result<()> {
        let request = Request::Passwd {
            old: old.to_owned(),
            new: new.to_owned(),
        };
        self.ask::<Done>(&request).map(|_done| ())
    }

    /// Asks who is logged in.
    pub fn whoami(&mut self) -> Result<WhoamiReply> {
        self.ask(&Request::Whoami {})
    }

    /// Every file whose name begins with `prefix`, in the order of names.
    pub fn list(&mut self, prefix: &str) -> Result<Vec<FileInfo>> {
        let mut files: Vec<FileInfo> = Vec::new();
        let mut bytes = 0;
        loop {
            let after = files
                .last()
                .map_or_else(String::new, |last| last.name.to_string());
            let page: ListReply = self.ask(&Request::List {
                prefix: prefix.to_owned(),
                after: after.clone(),
                limit: PAGE,
            })?;
            // A listing that does not go forward would never end.
            let forward = page
                .files
                .iter()
                .all(|file| file.name.as_str() > after.as_str());
            let begins = page
                .files
                .iter()
                .all(|file| file.name.as_str().starts_with(prefix));
            let ends = page.files.is_empty() && page.more;
            if !forward || !begins || ends || !page.files.is_sorted_by(|a, b| a.name < b.name) {
                return Err(self.weird("its listing is not in order"));
            }
            bytes += self.buffer.len();
            if bytes > LISTING_BYTES_MAX {
                return Err(self.weird("its listing does not end"));
            }
            files.extend(page.files);
            if !page.more {
                return Ok(files);
            }
        }
    }

    /// Asks about one file.
    pub fn stat(&mut self, name: &FileName) -> Result<FileInfo> {
        let reply: FileReply = self.ask(&Request::Stat {
            name: name.to_string(),
        })?;
        self.expect_name(name, reply.file)
    }

    /// Removes a file.
    pub fn delete(&mut self, name: &FileName) -> Result<()> {
        let request = Request::Delete {
            name: name.to_string(),
        };
        self.ask::<Done>(&request).map(|_done| ())
    }

    /// Gives a file another name.
    pub fn rename(
        &mut self,
        from: &FileName,
        to: &FileName,
        conflict: Conflict,
    ) -> Result<FileInfo> {
        let reply: FileReply = self.ask(&Request::Rename {
            from: from.to_string(),
            to: to.to_string(),
            conflict,
        })?;
        self.expect_name(to, reply.file)
    }

    fn expect_name(&mut self, asked: &FileName, told: FileInfo) -> Result<FileInfo> {
        if told.name == *asked {
            return Ok(told);
        }
        Err(self.weird("it answered for another file"))
    }

    /// One request, one reply.
    fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T> {
        self.say(request)?;
        self.hear()
    }

    fn say(&mut self, message: &impl Serialize) -> Result<()> {
        self.wire.expect_by(Instant::now() + self.timeout);
        write_frame(&mut self.wire, message).map_err(|error| self.write_failed(&error))
    }

    fn hear<T: DeserializeOwned>(&mut self) -> Result<T> {
        self.wire.expect_by(Instant::now() + self.timeout);
        let mut buffer = std::mem::take(&mut self.buffer);
        let reply = match read_frame(&mut self.wire, &mut buffer) {
            Ok(Some(frame)) => match parse_reply(frame) {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(refusal)) => Err(self.refused(refusal)),
                Err(error) => Err(self.weird("its reply makes no sense").source(error)),
            },
            Ok(None) => Err(self.wire_failed(&io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(self.frame_failed(error)),
        };
        self.buffer = buffer;
        reply
    }

    /// A write failed: the server may have said why before it stopped reading.
    fn write_failed(&mut self, error: &io::Error) -> Error {
        self.usable = false;
        self.wire.expect_by(Instant::now() + REASON_TIMEOUT);
        match read_frame(&mut self.wire, &mut self.buffer) {
            Ok(Some(frame)) => match parse_reply::<Done>(frame) {
                Ok(Err(refusal)) => self.refused(refusal),
                _ => self.wire_failed(error),
            },
            Err(FrameError::Io(reason)) if reason.kind() == io::ErrorKind::InvalidData => {
                // An alert: the reason in TLS's own words.
                self.wire_failed(&reason)
            }
            _ => self.wire_failed(error),
        }
    }

    fn wire_failed(&mut self, error: &io::Error) -> Error {
        self.usable = false;
        let told = explain(Side::Client, error, &self.context);
        self.with_id(told)
    }

    fn frame_failed(&mut self, error: FrameError) -> Error {
        match error {
            FrameError::Io(error) => self.wire_failed(&error),
            FrameError::Truncated => self.wire_failed(&io::ErrorKind::UnexpectedEof.into()),
            // An alert of TLS read as a frame's length: 0x15, version 3.
            FrameError::TooLong(n) if n >> 16 == 0x1503 => {
                self.usable = false;
                server_speaks_tls(&self.context)
            }
            error => self
                .weird("what it sends is not the protocol of Sealpost")
                .source(error),
        }
    }

    /// The server does not keep to the protocol.
    fn weird(&mut self, what: &str) -> Error {
        self.usable = false;
        let error = Error::new(
            Kind::Protocol,
            format!("the server cannot be understood: {what}"),
        )
        .hint("is it a Sealpost server of this version?")
        .zh(
            format!("无法理解服务器：{what}"),
            "它是这一版本的 Sealpost 服务器吗？",
        );
        self.with_id(error)
    }

    fn refused(&mut self, refusal: Refusal) -> Error {
        // A login that is over leaves a connection that nothing can be asked on: the next one logs in anew.
        let login_is_over = self.logged_in && refusal.code == Code::LoginRequired;
        if refusal.code.ends_connection() || login_is_over {
            self.usable = false;
        }
        let (hint, hint_zh) = match (&self.hello, refusal.code) {
            // Refused before anything was asked: the two speak different languages.
            (None, Code::BadRequest) if !self.context.tls => {
                return server_speaks_tls(&self.context).source(refusal);
            }
            (None, Code::BadRequest) => (
                "give or leave out --plain as the server wants it; is this its port?",
                "按服务器的要求加上或去掉 --plain；端口对吗？",
            ),
            (_, code) => words::next_step(code),
        };
        let error = Error::new(refusal.code.into(), refusal.message.clone())
            .hint(hint)
            .zh(words::meaning_zh(refusal.code), hint_zh)
            .source(refusal);
        self.with_id(error)
    }

    /// Adds the connection's id, under which the server's log has the cause.
    fn with_id(&self, error: Error) -> Error {
        match &self.hello {
            Some(hello) => error.about_both(&both(
                format!("connection {}", hello.id),
                format!("连接 {}", hello.id),
            )),
            None => error,
        }
    }
}

/// What a transfer tells while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It begins: so many bytes in all, so many of them already there.
    Begin {
        /// Bytes of the whole file.
        size: u64,
        /// Bytes that need not travel again.
        held: u64,
    },
    /// So many more bytes moved.
    Moved(u64),
}
