//! `sealpost shell`: an interactive session in the words of sftp, or a script of them.

mod complete;
mod interactive;
mod line;
mod local;
mod place;
mod remote;
mod script;
mod session;
mod words;

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::connect::ConnectOptions;
use super::output::Output;
use crate::error::Result;
use crate::text::escape;
use session::Session;
use words::{Asked, Command};

/// What `sealpost shell --help` ends with.
const NOTES: &str = "\
`help` lists the words. Lines that do not come from a terminal are a script: it ends at the first error with
that error's exit code, unless the line begins with a dash (-rm old.txt). A line that begins with # is a
remark. The history is in $XDG_STATE_HOME/sealpost/history (~/.local/state without it); lines that begin with
a blank, with `!` or with passwd are not in it.";

/// An interactive session: the words of sftp, with history and completion
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct ShellCommand {
    /// Take the lines from this file; - is the standard input
    #[arg(short, long, value_name = "FILE")]
    batch: Option<PathBuf>,
    #[command(flatten)]
    connect: ConnectOptions,
}

impl ShellCommand {
    pub(crate) fn run(self, output: Output) -> Result<ExitCode> {
        let script = match &self.batch {
            Some(path) => Some(script::open(path)?),
            None if io::stdin().is_terminal() => None,
            None => Some(script::standard_input()),
        };
        let mut session = Session::begin(&self.connect, output)?;
        match script {
            Some(script) => {
                let ended = script::run(&mut session, script);
                session.end();
                ended
            }
            None => interactive::run(session),
        }
    }
}

/// How a line ended.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// Well; another may follow.
    Line,
    /// It failed with this exit code, and that was told already.
    Failed(ExitCode),
    /// The session is over.
    End,
}

impl Next {
    /// After a transfer.
    fn of(code: ExitCode) -> Self {
        match code == ExitCode::SUCCESS {
            true => Self::Line,
            false => Self::Failed(code),
        }
    }
}

/// Does what one line asks for.
fn carry_out(session: &mut Session, line: &str) -> Result<Next> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(Next::Line);
    }
    session.stop.forget();
    if let Some(command) = line.strip_prefix('!') {
        return local::shell(command.trim(), session.scripted).map(|()| Next::Line);
    }
    let words = line::split(line)?;
    if words.is_empty() {
        return Ok(Next::Line);
    }
    match words::read(&words)? {
        Asked::Help(text) => {
            session.output.line(text);
            Ok(Next::Line)
        }
        Asked::Command(command) => obey(session, *command),
    }
}

fn obey(session: &mut Session, command: Command) -> Result<Next> {
    let output = session.output;
    match command {
        Command::Get(words) => return session.get(&words, false).map(Next::of),
        Command::Reget(words) => return session.get(&words, true).map(Next::of),
        Command::Put(words) => return session.put(&words, false).map(Next::of),
        Command::Reput(words) => return session.put(&words, true).map(Next::of),
        Command::Bye => return Ok(Next::End),
        Command::Ls(words) => session.ls(&words)?,
        Command::Cd(word) => session.cd(word.folder.as_ref())?,
        Command::Pwd => output.line(escape(&session.place.shown())),
        Command::Rm(words) => session.rm(&words)?,
        Command::Rename(words) => session.rename(&words)?,
        Command::Stat(words) => session.stat(&words)?,
        Command::Mkdir(word) => session.mkdir(&word.folder)?,
        Command::Lls(words) => local::lls(&words, output)?,
        Command::Lcd(word) => local::lcd(word.folder.as_ref())?,
        Command::Lpwd => local::lpwd(output)?,
        Command::Lmkdir(word) => local::lmkdir(&word.folder)?,
        Command::Progress => {
            session.progress = !session.progress;
            let now = if session.progress { "on" } else { "off" };
            output.note(format!("progress bars are {now}"));
        }
        Command::Whoami => session.whoami()?,
        Command::Passwd => session.passwd()?,
        Command::Version => session.version()?,
    }
    Ok(Next::Line)
}
