//! What the words do on this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

use serde_json::json;

use super::line::Word;
use super::words::LlsWords;
use crate::cli::listing::{Listing, Row};
use crate::cli::output::Output;
use crate::error::{Error, Kind, Result};
use crate::text::escape;

/// The shell when `SHELL` names none (POSIX.1-2024, `sh`).
const SHELL: &str = "/bin/sh";

/// `lls`
pub(super) fn lls(words: &LlsWords, output: Output) -> Result<()> {
    let path = match &words.path {
        Some(Word::Plain(text)) => PathBuf::from(text),
        Some(Word::Glob(_)) | None => PathBuf::from("."),
    };
    let shown: Vec<(PathBuf, String)> = match &words.path {
        Some(Word::Glob(glob)) => paths(glob)?.into_iter().map(as_typed).collect(),
        _ if !path.is_dir() => vec![as_typed(path)],
        _ => fs::read_dir(&path)
            .and_then(|entries| {
                entries
                    .map(|entry| entry.map(|entry| by_name(&entry)))
                    .collect()
            })
            .map_err(|error| unreadable(&path, error))?,
    };
    let rows = shown.into_iter().map(|(path, name)| row(&path, name));
    let rows = rows.collect::<Result<Vec<Row>>>()?;
    if output.json {
        let names: Vec<&String> = rows.iter().map(|row| &row.name).collect();
        output.json(&json!({ "local": names }));
        return Ok(());
    }
    Listing::from(rows).show(words.order, words.reverse, output);
    Ok(())
}

fn as_typed(path: PathBuf) -> (PathBuf, String) {
    let name = path.to_string_lossy().into_owned();
    (path, name)
}

fn by_name(entry: &fs::DirEntry) -> (PathBuf, String) {
    let name = entry.file_name().to_string_lossy().into_owned();
    (entry.path(), name)
}

/// A link that leads nowhere is shown as itself.
fn row(path: &Path, name: String) -> Result<Row> {
    let metadata = fs::metadata(path)
        .or_else(|_| fs::symlink_metadata(path))
        .map_err(|error| unreadable(path, error))?;
    Ok(Row {
        name: match metadata.is_dir() {
            true => format!("{name}/"),
            false => name,
        },
        size: match metadata.is_dir() {
            true => 0,
            false => metadata.len(),
        },
        owner: String::new(),
        modified: metadata.modified().ok().map(Into::into),
        file: None,
    })
}

/// `lcd`; without a folder to the own one.
pub(super) fn lcd(folder: Option<&Word>) -> Result<()> {
    let path = match folder {
        Some(word) => PathBuf::from(word.text()),
        None => env::home_dir().ok_or_else(|| {
            Error::new(Kind::Usage, "there is no own folder").hint("name one: `lcd FOLDER`")
        })?,
    };
    env::set_current_dir(&path).map_err(|error| {
        Error::io(
            Kind::LocalRead,
            format_args!("go to {}", path.display()),
            error,
        )
    })
}

/// `lpwd`
pub(super) fn lpwd(output: Output) -> Result<()> {
    let path = env::current_dir()
        .map_err(|error| Error::io(Kind::LocalRead, "tell the folder on this machine", error))?;
    output.line(escape(&path.to_string_lossy()));
    Ok(())
}

/// `lmkdir`
pub(super) fn lmkdir(folder: &Word) -> Result<()> {
    let path = Path::new(folder.text());
    fs::create_dir(path).map_err(|error| {
        Error::io(
            Kind::LocalWrite,
            format_args!("make the folder {}", path.display()),
            error,
        )
    })
}

/// `!command`, or a shell without one. In a script the child cannot read the lines that are not its own.
pub(super) fn shell(command: &str, scripted: bool) -> Result<()> {
    let shell = env::var_os("SHELL").filter(|shell| !shell.is_empty());
    let mut child = Command::new(shell.as_deref().unwrap_or_else(|| SHELL.as_ref()));
    if !command.is_empty() {
        child.args(["-c", command]);
    }
    if scripted {
        child.stdin(Stdio::null());
    }
    let status = child
        .status()
        .map_err(|error| Error::io(Kind::Other, "run a shell", error))?;
    match status.success() {
        true => Ok(()),
        false => Err(
            Error::new(Kind::Other, format!("the command ended with {status}"))
                .hint("its own words above say why"),
        ),
    }
}

/// The local files a word names; folders that match a pattern only with `recursive`.
pub(super) fn sources(word: &Word, recursive: bool, output: Output) -> Result<Vec<PathBuf>> {
    let glob = match word {
        Word::Plain(text) => return Ok(vec![PathBuf::from(text)]),
        Word::Glob(glob) => glob,
    };
    let (folders, mut found): (Vec<_>, Vec<_>) = paths(glob)?
        .into_iter()
        .partition(|path| path.is_dir() && !recursive);
    for folder in &folders {
        let shown = escape(&folder.to_string_lossy());
        output.note(format!("left out the folder {shown}"));
    }
    if found.is_empty() {
        // The one folder that matches fails with its own words.
        found.extend(folders.into_iter().take(1));
    }
    Ok(found)
}

/// The paths that match, or the one that is called so.
fn paths(glob: &str) -> Result<Vec<PathBuf>> {
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let matching = glob::glob_with(glob, options).map_err(|error| {
        Error::new(
            Kind::Usage,
            format!("{glob} is not a pattern: {}", error.msg),
        )
        .hint("put it in quotes if it is a name")
    })?;
    let mut found: Vec<PathBuf> = matching.collect::<Result<_, _>>().map_err(|error| {
        let path = error.path().to_owned();
        unreadable(&path, error.into())
    })?;
    if found.is_empty() && Path::new(glob).exists() {
        found.push(glob.into());
    }
    match found.is_empty() {
        false => Ok(found),
        true => Err(
            Error::new(Kind::LocalRead, format!("nothing here matches {glob}"))
                .hint("`lls` shows what is here; in quotes a * is only a *"),
        ),
    }
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::io(
        Kind::LocalRead,
        format_args!("read {}", path.display()),
        error,
    )
}
