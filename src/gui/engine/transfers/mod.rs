//! Transfers: one thread deals them out, workers with connections of their own carry them out.
//!
//! How far a transfer is stands in its [`Gauge`], which the window reads whenever it draws; only changes of
//! [`State`] are events. A transfer goes to the server it was asked for, with the login of that session,
//! whatever became of the session meanwhile; after a new login there it goes on with that one.

mod dealer;
mod gather;
mod leash;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use time::OffsetDateTime;

use super::queue::Ended;
use super::told::Told;
use super::{Out, SharedTarget};
use crate::client::{Job, Progress};
use crate::error::Result;
use crate::protocol::Sha256;

/// Transfers at once, unless told otherwise.
pub const AT_ONCE: usize = 2;

/// Transfers at once, at most: each has a connection and two threads, one here and one on the server.
pub const AT_ONCE_MAX: usize = 8;

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

/// Files and folders to upload: what is in the folders has yet to be found.
#[derive(Clone, Debug)]
pub struct NewUploads {
    /// The files and folders.
    pub paths: Vec<PathBuf>,
    /// The folder of the server, empty or ending in `/`.
    pub folder: String,
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
    Asking(Box<Clash>),
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

    /// Something of it is still to be done: it was not given up, and is not done.
    pub fn is_unfinished(&self) -> bool {
        !self.is_over() || matches!(self, Self::Failed(_))
    }
}

/// Two files for one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clash {
    /// The one that has the name.
    pub there: Standing,
    /// The one that is to get it.
    pub comes: Standing,
}

/// What is known of a file that is there or comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its bytes.
    pub size: Option<u64>,
    /// When it was changed here, or uploaded there.
    pub modified: Option<OffsetDateTime>,
    /// Who uploaded it, if it is the server's.
    pub owner: Option<String>,
    /// It is a folder, which no file replaces.
    pub is_folder: bool,
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
    begun: AtomicBool,
}

impl Gauge {
    /// Bytes of the whole file.
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    /// Bytes that are there already, those of earlier tries too.
    pub fn done(&self) -> u64 {
        self.held() + self.moved()
    }

    /// Bytes that earlier tries had brought.
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// Bytes that moved in this try.
    pub fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// Whether this try is past connecting, and both sides know from where it goes on.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Another try begins. What is known to be there stays shown.
    fn restart(&self) {
        let done = self.done();
        self.held.store(done, Ordering::Relaxed);
        self.moved.store(0, Ordering::Relaxed);
        self.begun.store(false, Ordering::Relaxed);
    }

    pub(in crate::gui) fn note(&self, progress: Progress) {
        match progress {
            Progress::Begin { size, held } => {
                self.size.store(size, Ordering::Relaxed);
                self.held.store(held, Ordering::Relaxed);
                self.moved.store(0, Ordering::Relaxed);
                self.begun.store(true, Ordering::Relaxed);
            }
            Progress::Moved(bytes) => {
                self.moved.fetch_add(bytes, Ordering::Relaxed);
            }
        }
    }
}

impl Transfer {
    pub(in crate::gui) fn waiting(id: Id, new: NewTransfer) -> Self {
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
///
/// There is no "resume" among them: a transfer that was interrupted goes on by itself, and a file that is
/// there with the same bytes counts as done, so whoever is asked has two complete and different files before
/// them. Nothing of one could go on the other.
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
    /// Find the files of these, and upload them.
    Upload(NewUploads),
    /// Look for no more files to upload.
    StopGathering,
    /// Stop this one for now; what has arrived stays.
    Pause(Id),
    /// Stop all that wait or run.
    PauseAll,
    /// Go on with this paused, failed, skipped or cancelled one.
    Resume(Id),
    /// Go on with all that are paused.
    ResumeAll,
    /// Try again all that failed.
    RetryAll,
    /// Stop this one for good.
    Cancel(Id),
    /// Stop for good all that are not over.
    CancelAll,
    /// What to do about a name that is taken; for all to come in that direction as well, if so said.
    Answer(Id, Choice, bool),
    /// These go on with another login to the same server.
    Adopt(Vec<Id>, SharedTarget),
    /// Forget what is over.
    Clear,
    /// So many at once.
    AtOnce(usize),
}

/// What is found of what was asked to be uploaded.
#[derive(Clone, Debug, Default)]
pub struct Gathering {
    /// Files found since the last time.
    pub found: usize,
    /// Why others are left out.
    pub left_out: Vec<Told>,
    /// There is no more.
    pub over: bool,
}

/// What the dealing thread hears.
#[derive(Debug)]
pub(super) enum Mail {
    /// From the window.
    Order(TransferOrder),
    /// A worker is done with a try of a transfer.
    Ended(usize, worker::Try, Box<Ended>),
    /// The window is gone.
    Quit,
}

/// Starts the dealing thread; returns where to send it mail.
pub(super) fn start(out: Out) -> Result<Sender<Mail>> {
    dealer::start(out)
}

/// Transfers for the tests.
#[cfg(test)]
pub(in crate::gui) mod sample {
    use std::time::Duration;

    use super::*;
    use crate::client::{Login, Target};

    /// A server that nobody asks anything.
    pub(in crate::gui) fn target(host: &str, port: u16) -> SharedTarget {
        Arc::new(Target {
            host: host.into(),
            port,
            tls: None,
            connect_timeout: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            rate: None,
            login: Login::Certificate,
            narrator: None,
            onlooker: None,
        })
    }

    /// An upload of `name`.
    pub(in crate::gui) fn upload(name: &str) -> Job {
        Job::Upload {
            path: name.into(),
            name: name.parse().unwrap(),
        }
    }

    /// A download of `name`.
    pub(in crate::gui) fn download(name: &str) -> Job {
        Job::Download {
            name: name.parse().unwrap(),
            path: name.into(),
        }
    }

    /// A transfer in this state.
    pub(in crate::gui) fn transfer(
        id: Id,
        job: Job,
        target: &SharedTarget,
        state: State,
    ) -> Transfer {
        let new = NewTransfer {
            job,
            size: None,
            target: Arc::clone(target),
        };
        Transfer {
            state,
            ..Transfer::waiting(id, new)
        }
    }

    /// How a transfer ended well.
    pub(in crate::gui) fn finished() -> Finished {
        Finished {
            sha256: Sha256::of(b""),
            size: 0,
            resumed: 0,
            name: "a".into(),
            path: "a".into(),
        }
    }

    /// How one failed.
    pub(in crate::gui) fn told() -> Told {
        let error = crate::error::Error::new(crate::error::Kind::Other, "broken");
        Told::of(&error.hint("mend it").zh("坏了", "请修理"))
    }

    /// So many bytes were there, so many of all moved.
    pub(in crate::gui) fn moved(transfer: &Transfer, size: u64, held: u64, moved: u64) {
        transfer.gauge.note(Progress::Begin { size, held });
        transfer.gauge.note(Progress::Moved(moved));
    }
}

#[cfg(test)]
mod tests;
