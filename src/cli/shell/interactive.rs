//! Lines that somebody types: a prompt, history, completion, and ctrl-c that ends the deed and not the program.

use std::cell::RefCell;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::{env, fs, thread};

use rustyline::config::{Behavior, Configurer as _};
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{ColorMode, CompletionType, Config, Editor};
use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;

use super::complete::Assistant;
use super::session::Session;
use super::{Next, carry_out};
use crate::cli::output::Output;
use crate::client::Stop;
use crate::error::{Error, Kind, Result};
use crate::text::escape;

/// Lines of history kept: some months of use, in less than 100 KB.
const HISTORY_LINES: usize = 1_000;

/// Reads and carries out lines until `bye` or ctrl-d.
pub(super) fn run(mut session: Session) -> Result<ExitCode> {
    let output = session.output;
    session.scripted = false;
    stop_on_interrupt(&session.stop)?;
    greet(&session);
    let history = history_file();
    let session = Rc::new(RefCell::new(session));
    let mut editor = editor(&session, history.as_deref(), output)?;
    loop {
        let prompt = session.borrow().prompt();
        let line = match editor.readline(&prompt) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(no_terminal(error)),
        };
        remember(&mut editor, &line, history.as_deref());
        match carry_out(&mut session.borrow_mut(), &line) {
            Ok(Next::Line | Next::Failed(_)) => {}
            Ok(Next::End) => break,
            Err(error) => output.error(&error),
        }
    }
    session.borrow_mut().end();
    Ok(ExitCode::SUCCESS)
}

fn greet(session: &Session) {
    let exposed = match session.is_exposed() {
        true => "; whoever is on the way can read and change everything",
        false => "",
    };
    session.output.note(format!(
        "logged in as {}{exposed}; `help` lists the words",
        escape(session.user())
    ));
}

/// From here on ctrl-c ends what is under way. At the prompt it is a key like others and ends the line.
fn stop_on_interrupt(stop: &Arc<Stop>) -> Result<()> {
    let failed = |error| Error::io(Kind::Other, "wait for ctrl-c", error);
    let mut signals = Signals::new([SIGINT]).map_err(failed)?;
    let stop = Arc::clone(stop);
    let wait = move || {
        for _interrupt in signals.forever() {
            stop.now();
        }
    };
    let thread = thread::Builder::new().name("signals".into()).spawn(wait);
    thread.map(drop).map_err(failed)
}

fn editor(
    session: &Rc<RefCell<Session>>,
    history: Option<&Path>,
    output: Output,
) -> Result<Editor<Assistant, DefaultHistory>> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .history_ignore_space(true)
        .max_history_size(HISTORY_LINES)
        .and_then(|builder| builder.history_ignore_dups(true))
        .map_err(no_terminal)?
        // Results alone go to stdout, which may be a file.
        .behavior(Behavior::PreferTerm)
        .build();
    let mut editor: Editor<Assistant, DefaultHistory> =
        Editor::with_config(config).map_err(no_terminal)?;
    // https://no-color.org
    if env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        editor.set_color_mode(ColorMode::Disabled);
    }
    editor.set_helper(Some(Assistant::new(Rc::clone(session))));
    if let Some(path) = history {
        let folder = path.parent().unwrap_or_else(|| Path::new("/"));
        // For nobody else (XDG Base Directory Specification, "Referencing this specification").
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder);
        if let Err(error) = made {
            output.detail(format!("no history: {}", crate::error::plain(&error)));
        }
        // The first time there is none.
        let _none = editor.load_history(path);
    }
    Ok(editor)
}

/// Where the history is: in the folder of the user for what programs remember.
fn history_file() -> Option<PathBuf> {
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let state = state
        .filter(|path| path.is_absolute())
        .or_else(|| Some(env::home_dir()?.join(".local/state")))?;
    Some(state.join("sealpost/history"))
}

/// Adds a line to the history, now: the program may not end well. A command of another program may have a
/// secret in it, and who types a password behind `passwd` should not find it there.
fn remember(editor: &mut Editor<Assistant, DefaultHistory>, line: &str, history: Option<&Path>) {
    let bare = line.trim_start();
    if bare.is_empty() || bare.starts_with('!') || bare.starts_with("passwd") {
        return;
    }
    let added = editor.add_history_entry(line).unwrap_or(false);
    if let Some(path) = history.filter(|_| added) {
        // Its mode is 0600, whatever the umask is. Without a disk to write to, the session goes on.
        let _unwritable = editor.append_history(path);
    }
}

fn no_terminal(error: ReadlineError) -> Error {
    Error::new(Kind::Other, "cannot read from the terminal")
        .hint("give the lines in a file with --batch")
        .source(error)
}
