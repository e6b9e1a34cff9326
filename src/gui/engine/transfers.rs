//! Transfers: one thread deals them out, workers with connections of their own carry them out.
//!
//! How far a transfer is stands in its [`Gauge`], which the window reads whenever it draws; only changes of
//! [`State`] are events. A transfer goes to the server it was asked for, with the login of that session,
//! whatever became of the session meanwhile.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::queue::{Ended, Queue};
use super::told::Told;
use super::{Out, Post, SharedTarget, thread};
use crate::client::{Client, Job, Outcome, Progress, download, upload};
use crate::error::Result;
use crate::protocol::{Conflict, Sha256};
use crate::transport::{Connector, HangUp};

/// Transfers at once, unless told otherwise.
pub const AT_ONCE: usize = 2;

/// How long a worker keeps its connection without work.
const KEEP_CONNECTION: Duration = Duration::from_secs(5);

/// A transfer's number.
pub type Id = u64;

/// A transfer to be.
#[derive(Clone, Debug)]
pub struct NewTransfer {
    /// What moves, and where to.
    pub job: Job,
    /// Its bytes, where that is known.
    pub size: Option<u64>,
    /// The server and the login.
    pub target: SharedTarget,
}

/// A transfer as it stands.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Its number.
    pub id: Id,
    /// What moves, and where to.
    pub job: Job,
    /// What became of it.
    pub state: State,
    /// How far it is.
    pub gauge: Arc<Gauge>,
    /// The server and the login.
    pub target: SharedTarget,
}

/// What became of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It will run.
    Waiting,
    /// It runs.
    Running,
    /// It was stopped for now.
    Paused,
    /// Its name is taken: somebody has to choose.
    Asking(Told),
    /// It is done.
    Done(Finished),
    /// It failed; what arrived is kept where it can be.
    Failed(Told),
    /// Its name is taken, and that was left so.
    Skipped,
    /// It was stopped for good.
    Cancelled,
    /// It is in the list no more.
    Forgotten,
}

impl State {
    /// Nothing will become of it by itself any more.
    pub fn is_over(&self) -> bool {
        matches!(
            self,
            Self::Done(_) | Self::Failed(_) | Self::Skipped | Self::Cancelled | Self::Forgotten
        )
    }
}

/// How a transfer ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The digest, the same on both sides.
    pub sha256: Sha256,
    /// Its bytes.
    pub size: u64,
    /// Bytes that did not need to travel.
    pub resumed: u64,
    /// The name on the server.
    pub name: String,
    /// The local file.
    pub path: PathBuf,
}

/// How far a transfer is; written by its worker, read by the window.
#[derive(Debug, Default)]
pub struct Gauge {
    size: AtomicU64,
    held: AtomicU64,
    moved: AtomicU64,
}

impl Gauge {
    /// Bytes of the whole file.
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    /// Bytes that are there already, those of earlier tries too.
    pub fn done(&self) -> u64 {
        self.held.load(Ordering::Relaxed) + self.moved.load(Ordering::Relaxed)
    }

    /// Bytes that moved in this try.
    pub fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    fn note(&self, progress: Progress) {
        match progress {
            Progress::Begin { size, held } => {
                self.size.store(size, Ordering::Relaxed);
                self.held.store(held, Ordering::Relaxed);
                self.moved.store(0, Ordering::Relaxed);
            }
            Progress::Moved(bytes) => {
                self.moved.fetch_add(bytes, Ordering::Relaxed);
            }
        }
    }
}

impl Transfer {
    pub(super) fn waiting(id: Id, new: NewTransfer) -> Self {
        let gauge = Gauge::default();
        gauge.size.store(new.size.unwrap_or(0), Ordering::Relaxed);
        Self {
            id,
            job: new.job,
            state: State::Waiting,
            gauge: Arc::new(gauge),
            target: new.target,
        }
    }
}

/// What to do about a name that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Replace what is there.
    Overwrite,
    /// Take the next free name.
    Rename,
    /// Leave what is there, and this one undone.
    Skip,
}

/// What transfers can be told.
#[derive(Clone, Debug)]
pub enum TransferOrder {
    /// Do these.
    Add(Vec<NewTransfer>),
    /// Stop this one for now; what has arrived stays.
    Pause(Id),
    /// Go on with this paused, failed or cancelled one.
    Resume(Id),
    /// Stop this one for good.
    Cancel(Id),
    /// What to do about a name that is taken; for all to come as well, if so said.
    Answer(Id, Choice, bool),
    /// Forget what is over.
    Clear,
    /// So many at once.
    AtOnce(usize),
}

/// What the dealing thread hears.
#[derive(Debug)]
pub(super) enum Mail {
    /// From the window.
    Order(TransferOrder),
    /// A worker has a connection for this transfer.
    Connected(Id, HangUp),
    /// A worker is done with this transfer.
    Ended(usize, Id, Box<Ended>),
}

/// Starts the dealing thread; returns where to send it mail.
pub(super) fn start(out: Out) -> Result<Sender<Mail>> {
    let (mail, received) = channel();
    let dealer = Dealer {
        queue: Queue::new(AT_ONCE),
        out,
        mail: mail.clone(),
        workers: Vec::new(),
        idle: Vec::new(),
        running: HashMap::new(),
    };
    thread("transfers", move || dealer.run(&received))?;
    Ok(mail)
}

/// Work for a worker.
struct Work {
    transfer: Transfer,
    conflict: Conflict,
}

struct Dealer {
    queue: Queue,
    out: Out,
    mail: Sender<Mail>,
    workers: Vec<Sender<Work>>,
    idle: Vec<usize>,
    /// How to interrupt those that run; `None` until they are connected.
    running: HashMap<Id, Running>,
}

#[derive(Default)]
struct Running {
    hang_up: Option<HangUp>,
    stop: bool,
}

impl Dealer {
    fn run(mut self, received: &Receiver<Mail>) {
        // The window's end of the channel closes last of all with the program: workers hold the others.
        for mail in received {
            match mail {
                Mail::Order(order) => self.order(order),
                Mail::Connected(id, hang_up) => {
                    if let Some(running) = self.running.get_mut(&id) {
                        if running.stop {
                            hang_up.now();
                        }
                        running.hang_up = Some(hang_up);
                    }
                }
                Mail::Ended(worker, id, ended) => {
                    self.idle.push(worker);
                    self.running.remove(&id);
                    if let Some(transfer) = self.queue.ended(id, *ended) {
                        self.tell(transfer);
                    }
                }
            }
            self.deal();
        }
    }

    fn order(&mut self, order: TransferOrder) {
        match order {
            TransferOrder::Add(new) => {
                for new in new {
                    let transfer = self.queue.add(new);
                    self.tell(transfer);
                }
            }
            TransferOrder::Pause(id) => {
                let stopped = self.queue.pause(id);
                self.stopped(stopped);
            }
            TransferOrder::Cancel(id) => {
                let stopped = self.queue.cancel(id);
                self.stopped(stopped);
            }
            TransferOrder::Resume(id) => {
                if let Some(transfer) = self.queue.again(id) {
                    self.tell(transfer);
                }
            }
            TransferOrder::Answer(id, choice, for_all) => {
                for transfer in self.queue.answer(id, choice, for_all) {
                    self.tell(transfer);
                }
            }
            TransferOrder::Clear => {
                for transfer in self.queue.clear() {
                    self.tell(transfer);
                }
            }
            TransferOrder::AtOnce(count) => self.queue.at_once = count.max(1),
        }
    }

    /// Interrupts what was told to stop, where it runs.
    fn stopped(&mut self, stopped: Option<(Transfer, bool)>) {
        let Some((transfer, runs)) = stopped else {
            return;
        };
        if !runs {
            self.tell(transfer);
        } else if let Some(running) = self.running.get_mut(&transfer.id) {
            running.stop = true;
            if let Some(hang_up) = &running.hang_up {
                hang_up.now();
            }
        }
    }

    /// Gives work to workers while there is some.
    fn deal(&mut self) {
        while let Some((transfer, conflict)) = self.queue.start_next() {
            let id = transfer.id;
            self.tell(transfer.clone());
            self.running.insert(id, Running::default());
            if let Err(error) = self.hand_out(Work { transfer, conflict }) {
                self.running.remove(&id);
                if let Some(transfer) = self.queue.ended(id, Ended::Badly(Told::of(&error))) {
                    self.tell(transfer);
                }
            }
        }
    }

    fn hand_out(&mut self, work: Work) -> Result<()> {
        let number = match self.idle.pop() {
            Some(number) => number,
            None => self.hire()?,
        };
        if let Some(worker) = self.workers.get(number) {
            // A worker ends only with its channel.
            let _ended = worker.send(work);
        }
        Ok(())
    }

    fn hire(&mut self) -> Result<usize> {
        let (work, received) = channel();
        let number = self.workers.len();
        let mail = self.mail.clone();
        thread(&format!("transfer-{number}"), move || {
            Worker {
                number,
                mail,
                connection: None,
            }
            .run(&received);
        })?;
        self.workers.push(work);
        Ok(number)
    }

    fn tell(&self, transfer: Transfer) {
        if transfer.state == State::Cancelled {
            discard(&transfer.job);
        }
        self.out.send(Post::Transfer(Box::new(transfer)));
    }
}

/// Removes what a download that will not go on has left.
fn discard(job: &Job) {
    if let Job::Download { path, .. } = job {
        for suffix in [".part", ".part.json"] {
            let mut part = path.as_os_str().to_owned();
            part.push(suffix);
            let _not_there = fs::remove_file(Path::new(&part));
        }
    }
}

/// Carries out one transfer after another, over one connection where it can.
struct Worker {
    number: usize,
    mail: Sender<Mail>,
    connection: Option<(SharedTarget, Client<Connector>)>,
}

impl Worker {
    fn run(mut self, received: &Receiver<Work>) {
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
            let id = work.transfer.id;
            let ended = match self.carry_out(&work) {
                Ok(finished) => Ended::Well(finished),
                Err(error) => Ended::Badly(Told::of(&error)),
            };
            if self
                .mail
                .send(Mail::Ended(self.number, id, Box::new(ended)))
                .is_err()
            {
                return;
            }
        }
    }

    fn carry_out(&mut self, work: &Work) -> Result<Finished> {
        let transfer = &work.transfer;
        let client = self.client(transfer)?;
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

    /// A connection for this transfer: the one there is, or a new one.
    fn client(&mut self, transfer: &Transfer) -> Result<&mut Client<Connector>> {
        let fits = |(target, client): &(SharedTarget, Client<Connector>)| {
            Arc::ptr_eq(target, &transfer.target) && client.usable()
        };
        let connection = match self.connection.take().filter(fits) {
            Some(connection) => connection,
            None => (Arc::clone(&transfer.target), transfer.target.log_in()?.0),
        };
        let (_, client) = self.connection.insert(connection);
        let _no_dealer = self
            .mail
            .send(Mail::Connected(transfer.id, client.hang_up()));
        Ok(client)
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
