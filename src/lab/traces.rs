//! What an experiment would leave if it were cut off: its folder, a result that is not complete, and the
//! programs it started.
//!
//! All are on a list while they are there. Who ends the process early calls [`clear`] first.

use std::fs;
use std::io;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

static LIST: Mutex<List> = Mutex::new(List {
    over: false,
    folders: Vec::new(),
    programs: Vec::new(),
});

/// Attempts to remove a folder in which somebody may be making a file just now.
const ATTEMPTS: u32 = 100;

/// How long no folder may come back until they are held to be gone: many times what a thread needs from one
/// file to the next.
const QUIET: Duration = Duration::from_millis(100);

/// How long that is waited for.
const QUIET_MAX: Duration = Duration::from_secs(2);

/// Between two looks.
const MOMENT: Duration = Duration::from_millis(5);

struct List {
    /// Nothing may begin any more.
    over: bool,
    folders: Vec<PathBuf>,
    programs: Vec<Arc<Mutex<Child>>>,
}

/// Ends the programs that still run and removes the folders that are still there. Whatever uses them fails
/// from now on, and nothing new begins.
pub fn clear() {
    let (programs, folders) = {
        let mut list = list();
        list.over = true;
        (mem::take(&mut list.programs), mem::take(&mut list.folders))
    };
    for program in programs {
        stop(&mut lock(&program));
    }
    remove(&folders);
}

/// Removes the folders, and again those that come back: a thread that is still at work makes them anew, with
/// the folder below that it wants. Without what was in them it soon fails.
fn remove(folders: &[PathBuf]) {
    let mut quiet_since = Instant::now();
    for folder in folders {
        remove_one(folder);
    }
    let until = quiet_since + QUIET_MAX;
    while quiet_since.elapsed() < QUIET && Instant::now() < until {
        thread::sleep(MOMENT);
        for folder in folders.iter().filter(|folder| folder.exists()) {
            remove_one(folder);
            quiet_since = Instant::now();
        }
    }
}

fn remove_one(folder: &Path) {
    let mut name = folder.to_owned().into_os_string();
    name.push(".gone");
    // Under another name first: who still writes by the old one finds nothing.
    let gone = match fs::rename(folder, &name) {
        Ok(()) => PathBuf::from(name),
        Err(_removed_already) => folder.to_owned(),
    };
    for _attempt in 0..ATTEMPTS {
        match fs::remove_dir_all(&gone) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            _ => break,
        }
    }
}

/// A temporary folder of the lab; gone when dropped.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Folder {
    /// Makes one, `sealpost-lab-` and some letters; fails once [`clear`] was called.
    pub fn make() -> io::Result<Self> {
        let mut list = list();
        if list.over {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let dir = TempDir::with_prefix("sealpost-lab-")?;
        list.folders.push(dir.path().to_owned());
        Ok(Self(dir))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // While it is on the list: who clears it meanwhile finishes what this began.
        let _gone_already = fs::remove_dir_all(self.0.path());
        list().folders.retain(|folder| folder != self.0.path());
    }
}

/// The folder of a result. One that was made for it is gone when dropped, unless the result is complete.
#[derive(Debug)]
pub(super) struct Draft(Option<PathBuf>);

impl Draft {
    /// Makes the folder where there is none; fails once [`clear`] was called.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        let mut list = list();
        if list.over {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let was_there = path.exists();
        fs::create_dir_all(path)?;
        if was_there {
            return Ok(Self(None));
        }
        list.folders.push(path.to_owned());
        Ok(Self(Some(path.to_owned())))
    }

    /// The result is complete.
    pub(super) fn keep(mut self) {
        if let Some(path) = self.0.take() {
            list().folders.retain(|folder| *folder != path);
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            let _gone_already = fs::remove_dir_all(&path);
            list().folders.retain(|folder| *folder != path);
        }
    }
}

/// Another program that runs beside the experiment; ended when dropped.
#[derive(Debug)]
pub(super) struct Program {
    child: Arc<Mutex<Child>>,
    pipes: Pipes,
}

/// What a program prints, where that was asked for.
#[derive(Debug)]
pub(super) struct Pipes {
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
}

impl Program {
    /// Starts it.
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        let mut list = list();
        if list.over {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let mut child = command.spawn()?;
        let pipes = Pipes {
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
        };
        let child = Arc::new(Mutex::new(child));
        list.programs.push(Arc::clone(&child));
        Ok(Self { child, pipes })
    }

    /// How it ended, if it has.
    pub(super) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        lock(&self.child).try_wait()
    }

    /// Ends it.
    pub(super) fn stop(&mut self) {
        stop(&mut lock(&self.child));
    }
}

impl Deref for Program {
    type Target = Pipes;

    fn deref(&self) -> &Pipes {
        &self.pipes
    }
}

impl DerefMut for Program {
    fn deref_mut(&mut self) -> &mut Pipes {
        &mut self.pipes
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
        list()
            .programs
            .retain(|program| !Arc::ptr_eq(program, &self.child));
    }
}

fn stop(child: &mut Child) {
    let _ended_already = child.kill();
    let _reaped = child.wait();
}

fn list() -> MutexGuard<'static, List> {
    LIST.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_folder_that_is_made_anew_while_it_is_removed_goes_too_and_its_neighbours_stay() {
        let dir = tempfile::tempdir().unwrap();
        let [folder, other] = ["folder", "other"].map(|name| dir.path().join(name));
        for made in [&folder, &other] {
            fs::create_dir_all(made.join("data")).unwrap();
        }
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            // As a store does that is opened just then: when the folder is gone, it is made again.
            scope.spawn(|| {
                for _time in 0..3 {
                    while folder.exists() {
                        if over.load(Ordering::SeqCst) {
                            return;
                        }
                        thread::yield_now();
                    }
                    fs::create_dir_all(folder.join("data")).unwrap();
                }
            });
            remove(std::slice::from_ref(&folder));
            over.store(true, Ordering::SeqCst);
        });
        assert!(!folder.exists() && other.join("data").exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
