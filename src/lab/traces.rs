//! What an experiment would leave if it were cut off: its folder, a result that is not complete, and the
//! programs it started.
//!
//! All are on a list while they are there. Who ends the process early calls [`clear`] first.

use std::fs;
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

static LIST: Mutex<List> = Mutex::new(List {
    over: false,
    folders: Vec::new(),
    programs: Vec::new(),
});

/// Attempts to remove a folder in which somebody may be making a file just now.
const ATTEMPTS: u32 = 100;

struct List {
    /// Nothing may begin any more.
    over: bool,
    folders: Vec<PathBuf>,
    programs: Vec<Arc<Mutex<Child>>>,
}

/// Ends the programs that still run and removes the folders that are still there. Whatever uses them fails
/// from now on, and nothing new begins.
pub fn clear() {
    let mut list = list();
    list.over = true;
    for program in list.programs.drain(..) {
        stop(&mut lock(&program));
    }
    for folder in list.folders.drain(..) {
        let mut name = folder.clone().into_os_string();
        name.push(".gone");
        // Under another name first: who still writes by the old one finds nothing.
        let gone = match fs::rename(&folder, &name) {
            Ok(()) => PathBuf::from(name),
            Err(_removed_already) => folder,
        };
        for _attempt in 0..ATTEMPTS {
            match fs::remove_dir_all(&gone) {
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                _ => break,
            }
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
