//! Many transfers over several connections.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::{Client, Download, Progress, Stop, Target, Upload, download, upload};
use crate::error::{Error, Kind, Result};
use crate::protocol::{Conflict, FileName};
use crate::transport::Connector;

/// One file to move.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Job {
    /// From here to there.
    Upload {
        /// The local file.
        path: PathBuf,
        /// The name it will have.
        name: FileName,
    },
    /// From there to here.
    Download {
        /// The name it has.
        name: FileName,
        /// The local file to be.
        path: PathBuf,
    },
}

impl Job {
    /// The local file.
    pub fn path(&self) -> &Path {
        match self {
            Self::Upload { path, .. } | Self::Download { path, .. } => path,
        }
    }

    /// The name on the server.
    pub fn name(&self) -> &FileName {
        match self {
            Self::Upload { name, .. } | Self::Download { name, .. } => name,
        }
    }
}

/// How a job ended well.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The server has it.
    Uploaded(Upload),
    /// It is here.
    Downloaded(Download),
}

/// Jobs, and how to do them.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Where, and as whom.
    pub target: &'a Target,
    /// Connections at once; at least one.
    pub connections: usize,
    /// What to do when a name is taken.
    pub conflict: Conflict,
    /// What ends the transfers under way, and keeps the others from beginning.
    pub stop: Option<&'a Stop>,
}

/// Hears of the progress of jobs, from several threads at once.
pub trait Watch: Sync {
    /// Something moved in job number `job`.
    fn progress(&self, job: usize, progress: Progress);

    /// Job number `job` ended.
    fn ended(&self, job: usize, result: &Result<Outcome>);
}

impl Batch<'_> {
    /// Does all `jobs`; `first` is a connection that is logged in already, and afterwards the one in its
    /// place, if there still is one. Returns the results in the order of the jobs. One job's failure does not
    /// stop the others; a connection that breaks is made anew.
    pub fn run(
        &self,
        first: &mut Option<Client<Connector>>,
        jobs: &[Job],
        watch: &dyn Watch,
    ) -> Vec<Result<Outcome>> {
        let queue = Mutex::new((0..jobs.len()).collect::<VecDeque<usize>>());
        let results = Mutex::new(Vec::new());
        let workers = self.connections.clamp(1, jobs.len().max(1));
        thread::scope(|scope| {
            for number in 1..workers {
                let worker = || {
                    let mut own = None;
                    self.work(&mut own, jobs, &queue, &results, watch);
                    if let Some(client) = own {
                        client.quit();
                    }
                };
                let name = format!("transfer-{number}");
                // Without another thread the ones there are do the work.
                let _fewer = thread::Builder::new()
                    .name(name)
                    .spawn_scoped(scope, worker);
            }
            self.work(first, jobs, &queue, &results, watch);
        });
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_by_key(|(job, _)| *job);
        results.into_iter().map(|(_, result)| result).collect()
    }

    fn work(
        &self,
        client: &mut Option<Client<Connector>>,
        jobs: &[Job],
        queue: &Mutex<VecDeque<usize>>,
        results: &Mutex<Vec<(usize, Result<Outcome>)>>,
        watch: &dyn Watch,
    ) {
        loop {
            let next = queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front();
            let Some(number) = next else {
                break;
            };
            let result = jobs
                .get(number)
                .ok_or_else(|| Error::new(Kind::Other, "no such job"))
                .and_then(|job| self.one(client, job, &mut |moved| watch.progress(number, moved)));
            watch.ended(number, &result);
            results
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((number, result));
        }
    }

    fn one(
        &self,
        slot: &mut Option<Client<Connector>>,
        job: &Job,
        watch: &mut dyn FnMut(Progress),
    ) -> Result<Outcome> {
        if let Some(stop) = self.stop.filter(|stop| stop.asked()) {
            return stop.judge(Err(Error::new(Kind::Interrupted, "not begun")));
        }
        let client = match slot {
            Some(client) if client.usable() => client,
            _ => slot.insert(self.target.log_in()?.0),
        };
        if let Some(stop) = self.stop {
            stop.add(client);
        }
        let result = match job {
            Job::Upload { path, name } => {
                upload(client, path, name, self.conflict, watch).map(Outcome::Uploaded)
            }
            Job::Download { name, path } => {
                download(client, name, path, self.conflict, watch).map(Outcome::Downloaded)
            }
        };
        match self.stop {
            Some(stop) => stop.judge(result),
            None => result,
        }
    }
}
