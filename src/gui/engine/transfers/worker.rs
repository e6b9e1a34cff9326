//! Carries out transfers, one after another, over one connection where it can.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use time::OffsetDateTime;

use super::leash::Leash;
use super::{Clash, Finished, Id, Mail, Standing, Transfer};
use crate::client::{Client, Job, Outcome, download, upload};
use crate::error::{Error, Kind, Result};
use crate::gui::engine::SharedTarget;
use crate::gui::engine::queue::Ended;
use crate::gui::engine::told::Told;
use crate::protocol::{Conflict, FileInfo};
use crate::transport::Connector;

/// How long a worker keeps its connection without work.
const KEEP_CONNECTION: Duration = Duration::from_secs(5);

/// Which try of which transfer: what a try says that was given up already is of no interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Try {
    pub(super) transfer: Id,
    pub(super) number: u64,
}

/// Work for a worker.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) this: Try,
    pub(super) transfer: Transfer,
    pub(super) conflict: Conflict,
    pub(super) leash: Arc<Leash>,
}

#[derive(Debug)]
pub(super) struct Worker {
    number: usize,
    mail: Sender<Mail>,
    connection: Option<(SharedTarget, Client<Connector>)>,
}

impl Worker {
    pub(super) fn new(number: usize, mail: Sender<Mail>) -> Self {
        Self {
            number,
            mail,
            connection: None,
        }
    }

    /// Works until nobody can give it work.
    pub(super) fn run(mut self, received: &Receiver<Work>) {
        loop {
            let work = match received.recv_timeout(KEEP_CONNECTION) {
                Ok(work) => work,
                Err(_nothing) => {
                    if let Some((_, client)) = self.connection.take() {
                        client.quit();
                    }
                    match received.recv() {
                        Ok(work) => work,
                        Err(_ended) => return,
                    }
                }
            };
            let ended = Box::new(self.end_of(&work));
            let mail = Mail::Ended(self.number, work.this, ended);
            if self.mail.send(mail).is_err() {
                return;
            }
        }
    }

    /// How `work` ended; a panic is a failure like any other, not a transfer that never ends.
    fn end_of(&mut self, work: &Work) -> Ended {
        let done = catch_unwind(AssertUnwindSafe(|| self.carry_out(work)));
        let done = done.unwrap_or_else(|_panic| {
            // Nobody knows what state it is in.
            self.connection = None;
            Err(broken())
        });
        match done {
            Ok(finished) => Ended::Well(finished),
            Err(error) if error.kind() == Kind::Exists && work.conflict == Conflict::Resume => {
                let told = Told::of(&error);
                let clash = catch_unwind(AssertUnwindSafe(|| self.clash(&work.transfer)));
                Ended::Taken(told, Box::new(clash.unwrap_or_default()))
            }
            Err(error) => Ended::Badly(Told::of(&error)),
        }
    }

    fn carry_out(&mut self, work: &Work) -> Result<Finished> {
        let transfer = &work.transfer;
        let fits = |(target, client): &(SharedTarget, Client<Connector>)| {
            Arc::ptr_eq(target, &transfer.target) && client.usable()
        };
        if let Some((target, mut client)) = self.connection.take().filter(fits) {
            let done = carry_out_over(&mut client, work);
            // A server that ended the resting connection meanwhile may be there all the same.
            let rested_too_long = done.is_err()
                && !client.usable()
                && !transfer.gauge.has_begun()
                && !work.leash.is_stopped();
            if !rested_too_long {
                self.keep(target, client);
                return done;
            }
            work.leash.untie();
        }
        let (mut client, _account) = transfer.target.log_in()?;
        let done = carry_out_over(&mut client, work);
        self.keep(Arc::clone(&transfer.target), client);
        done
    }

    /// Keeps a connection for what comes next. One that was cut is dropped now: only then does the server learn
    /// that it is over.
    fn keep(&mut self, target: SharedTarget, client: Client<Connector>) {
        self.connection = client.usable().then_some((target, client));
    }

    /// The two files that want one name, as far as they can be known.
    fn clash(&mut self, transfer: &Transfer) -> Clash {
        let (name, path) = (transfer.job.name(), transfer.job.path());
        let client = self.connection.as_mut().map(|(_, client)| client);
        let remote = client
            .filter(|client| client.usable())
            .and_then(|client| client.stat(name).ok())
            .map_or_else(Standing::default, |file| Standing::remote(&file));
        let local = Standing::local(path);
        match transfer.job {
            Job::Upload { .. } => Clash {
                there: remote,
                comes: local,
            },
            Job::Download { .. } => Clash {
                there: local,
                comes: remote,
            },
        }
    }
}

fn carry_out_over(client: &mut Client<Connector>, work: &Work) -> Result<Finished> {
    work.leash.tie(client.hang_up())?;
    let transfer = &work.transfer;
    let mut watch = |progress| transfer.gauge.note(progress);
    let outcome = match &transfer.job {
        Job::Upload { path, name } => {
            upload(client, path, name, work.conflict, &mut watch).map(Outcome::Uploaded)
        }
        Job::Download { name, path } => {
            download(client, name, path, work.conflict, &mut watch).map(Outcome::Downloaded)
        }
    }?;
    Ok(Finished::of(&transfer.job, outcome))
}

fn broken() -> Error {
    Error::new(Kind::Other, "this transfer hit a mistake in the program")
        .hint("try again; the log of the program on the terminal has more of it")
        .zh("此传输遇到了程序错误", "请重试；终端上的程序日志有更多信息")
}

impl Standing {
    fn remote(file: &FileInfo) -> Self {
        Self {
            size: Some(file.size),
            modified: Some(file.modified),
            owner: Some(file.owner.to_string()),
            is_folder: false,
        }
    }

    fn local(path: &Path) -> Self {
        let metadata = fs::symlink_metadata(path).ok();
        Self {
            size: metadata.as_ref().map(fs::Metadata::len),
            modified: metadata
                .as_ref()
                .and_then(|metadata| metadata.modified().ok())
                .map(OffsetDateTime::from),
            owner: None,
            is_folder: metadata.is_some_and(|metadata| metadata.is_dir()),
        }
    }
}

impl Finished {
    fn of(job: &Job, outcome: Outcome) -> Self {
        let (file, resumed, path) = match outcome {
            Outcome::Uploaded(upload) => (upload.file, upload.resumed, job.path().to_owned()),
            Outcome::Downloaded(download) => (download.file, download.resumed, download.path),
        };
        Self {
            sha256: file.sha256,
            size: file.size,
            resumed,
            name: file.name.to_string(),
            path,
        }
    }
}
