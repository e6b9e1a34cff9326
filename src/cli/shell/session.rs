//! A session: the connection, which is made anew when it was lost, and where one is.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::line::Word;
use super::place::{Found, Place, matching};
use crate::cli::connect::{ConnectOptions, log_in_to};
use crate::cli::output::Output;
use crate::client::{Client, Stop, Target};
use crate::error::{Error, Kind, Result};
use crate::protocol::{Account, FileInfo, FileName, Secure};
use crate::text::escape;
use crate::transport::Connector;

/// How long a listing is good enough for completion: others change files too.
const LISTING_KEPT: Duration = Duration::from_secs(10);

/// A session with a server.
pub(super) struct Session {
    /// How to speak.
    pub(super) output: Output,
    /// The server, and as whom.
    pub(super) target: Target,
    /// The folder on the server.
    pub(super) place: Place,
    /// Whether bars are drawn.
    pub(super) progress: bool,
    /// What ends the deed under way.
    pub(super) stop: Arc<Stop>,
    /// Whether lines come from a script: then its stdin is not a child's.
    pub(super) scripted: bool,
    pub(super) client: Option<Client<Connector>>,
    account: Account,
    insecure: bool,
    listed: Option<Listed>,
}

/// A listing that was asked for.
struct Listed {
    prefix: String,
    files: Rc<Vec<FileInfo>>,
    at: Instant,
}

/// What a word names on the server.
pub(super) enum Source {
    /// A file.
    File(FileName),
    /// A folder, and what is in it.
    Folder(String, Vec<FileInfo>),
}

impl Session {
    /// Connects and logs in.
    pub(super) fn begin(options: &ConnectOptions, output: Output) -> Result<Self> {
        let (target, client, account) = options.log_in(output)?;
        Ok(Self {
            output,
            target,
            place: Place::default(),
            progress: true,
            stop: Arc::default(),
            scripted: true,
            client: Some(client),
            account,
            insecure: options.insecure(),
            listed: None,
        })
    }

    /// Ends the connection politely.
    pub(super) fn end(&mut self) {
        if let Some(client) = self.client.take() {
            client.quit();
        }
    }

    /// Who is logged in.
    pub(super) fn user(&self) -> &str {
        self.account.user.as_str()
    }

    /// What stands before a line: how the connection is protected, who is logged in, where.
    pub(super) fn prompt(&self) -> String {
        let host = match self.target.host.contains(':') {
            true => format!("[{}]", self.target.host),
            false => self.target.host.clone(),
        };
        let text = format!(
            "{} {}@{host}:{}{}",
            self.sign(),
            self.user(),
            self.target.port,
            self.place.shown()
        );
        format!("{}> ", escape(&text))
    }

    /// Whether anyone on the way can read along.
    pub(super) fn is_exposed(&self) -> bool {
        self.target.tls.is_none() || self.insecure
    }

    fn sign(&self) -> &'static str {
        let hello = self.client.as_ref().and_then(Client::hello);
        match hello.map(|hello| hello.secure) {
            _ if self.target.tls.is_none() => "PLAIN",
            _ if self.insecure => "UNVERIFIED",
            Some(Secure::Mtls) => "mtls",
            _ => "tls",
        }
    }

    /// Asks the server something, over a new connection if the old one was lost meanwhile. Nothing is asked
    /// twice: what it was may have been done.
    pub(super) fn ask<T>(
        &mut self,
        deed: impl FnOnce(&mut Client<Connector>) -> Result<T>,
    ) -> Result<T> {
        self.connect()?;
        let stop = Arc::clone(&self.stop);
        let Some(client) = &mut self.client else {
            return Err(Error::new(Kind::Connect, "there is no connection")
                .hint("is the server running? the next command tries again"));
        };
        stop.add(client);
        stop.judge(deed(client))
    }

    /// Makes sure that there is a connection.
    pub(super) fn connect(&mut self) -> Result<()> {
        if self.client.as_ref().is_some_and(|client| !client.is_over()) {
            return Ok(());
        }
        self.client = None;
        let (client, account) = log_in_to(&self.target, self.output)?;
        self.output.note(format!(
            "the connection was lost; connected anew as {}",
            escape(account.user.as_str())
        ));
        self.client = Some(client);
        self.account = account;
        self.listed = None;
        Ok(())
    }

    /// The files whose names begin with `prefix`, as they are now.
    pub(super) fn list(&mut self, prefix: &str) -> Result<Rc<Vec<FileInfo>>> {
        let files = Rc::new(self.ask(|client| client.list(prefix))?);
        self.listed = Some(Listed {
            prefix: prefix.to_owned(),
            files: Rc::clone(&files),
            at: Instant::now(),
        });
        Ok(files)
    }

    /// The same as they were a moment ago, for completion: silent, and nothing when they cannot be had.
    pub(super) fn remembered(&mut self, prefix: &str) -> Vec<FileInfo> {
        let fresh = |listed: &&Listed| {
            listed.at.elapsed() < LISTING_KEPT && prefix.starts_with(&listed.prefix)
        };
        let files = match self.listed.as_ref().filter(fresh) {
            Some(listed) => Rc::clone(&listed.files),
            None if self.client.as_ref().is_none_or(Client::is_over) => return Vec::new(),
            None => self.list(prefix).unwrap_or_default(),
        };
        files_in(prefix, &files)
    }

    /// Something changed there.
    pub(super) fn forget_listing(&mut self) {
        self.listed = None;
    }

    /// Whether there is a folder at `place`.
    pub(super) fn is_folder(&mut self, place: &Place) -> Result<bool> {
        Ok(place.is_top() || !self.list(&place.prefix()?)?.is_empty())
    }

    /// What matches a pattern, and the listing it was found in; a name that looks like one is found too.
    pub(super) fn matching(&mut self, glob: &str) -> Result<(Vec<Found>, Rc<Vec<FileInfo>>)> {
        let wanted = self.place.pattern(glob);
        let files = self.list(&wanted.base().prefix()?)?;
        let mut found = matching(&wanted, &files);
        if found.is_empty() {
            let name = self.place.of(glob).name();
            let named = files.iter().find(|file| file.name.as_str() == name);
            found.extend(named.cloned().map(Found::File));
        }
        if found.is_empty() {
            return Err(
                Error::new(Kind::NotFound, format!("nothing matches {glob}"))
                    .hint("`ls` shows what is there; in quotes a * is only a *"),
            );
        }
        Ok((found, files))
    }

    /// What a word names; folders only with `recursive`.
    pub(super) fn sources(&mut self, word: &Word, recursive: bool) -> Result<Vec<Source>> {
        let glob = match word {
            Word::Glob(glob) => glob,
            Word::Plain(text) => {
                let place = self.place.of(text);
                let files = match recursive {
                    true => self.list(&place.prefix()?)?,
                    false => Rc::default(),
                };
                return Ok(vec![match files.is_empty() {
                    true => Source::File(place.file()?),
                    false => Source::Folder(place.name(), files.to_vec()),
                }]);
            }
        };
        let mut sources = Vec::new();
        let mut left_out = Vec::new();
        let (found, files) = self.matching(glob)?;
        for found in found {
            match found {
                Found::File(file) => sources.push(Source::File(file.name)),
                Found::Folder(name) if recursive => {
                    let inside = files_in(&format!("{name}/"), &files);
                    sources.push(Source::Folder(name, inside));
                }
                Found::Folder(name) => left_out.push(name),
            }
        }
        match left_out.as_slice() {
            [first, ..] if sources.is_empty() => {
                return Err(Error::new(
                    Kind::NotFound,
                    format!("only folders match, such as {first}"),
                )
                .hint("give -r for a folder with all that is in it"));
            }
            left_out => {
                for name in left_out {
                    self.output
                        .note(format!("left out the folder {}", escape(name)));
                }
            }
        }
        Ok(sources)
    }
}

/// Those of `files` whose names begin with `prefix`.
pub(super) fn files_in(prefix: &str, files: &[FileInfo]) -> Vec<FileInfo> {
    let inside = files
        .iter()
        .filter(|file| file.name.as_str().starts_with(prefix));
    inside.cloned().collect()
}
