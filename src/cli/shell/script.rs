//! Lines that nobody types: from a file or a pipe, up to the first that fails.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;

use super::session::Session;
use super::{Next, carry_out};
use crate::error::{Error, Kind, Result};

/// Lines, and where they come from.
pub(super) struct Script {
    lines: Box<dyn BufRead>,
    name: String,
}

/// The file `path`; `-` is the standard input, as for sftp.
pub(super) fn open(path: &Path) -> Result<Script> {
    if path.as_os_str() == "-" {
        return Ok(standard_input());
    }
    let file = File::open(path).map_err(|error| unreadable(&path.to_string_lossy(), error))?;
    Ok(Script {
        lines: Box::new(BufReader::new(file)),
        name: path.to_string_lossy().into_owned(),
    })
}

/// What is piped in.
pub(super) fn standard_input() -> Script {
    Script {
        lines: Box::new(BufReader::new(io::stdin())),
        name: "standard input".to_owned(),
    }
}

/// Carries the lines out. The first that fails ends it, unless the line begins with a dash.
pub(super) fn run(session: &mut Session, script: Script) -> Result<ExitCode> {
    let Script { lines, name } = script;
    for (number, line) in (1..).zip(lines.lines()) {
        let line = line.map_err(|error| unreadable(&name, error))?;
        let line = line.trim_start();
        // sftp's prefixes: a dash for a line that may fail, an at sign for one that is not echoed; none is here.
        let bare = line.trim_start_matches(['-', '@']);
        let may_fail = line[..line.len() - bare.len()].contains('-');
        let about = format!("{name}, line {number}");
        match carry_out(session, bare).map_err(|error| error.about(&about)) {
            Ok(Next::Line) => {}
            Ok(Next::End) => break,
            Ok(Next::Failed(_)) if may_fail => {}
            Ok(Next::Failed(code)) => {
                session.output.note(format!("stopped at {about}"));
                return Ok(code);
            }
            Err(error) if may_fail => session.output.error(&error),
            Err(error) => return Err(error),
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn unreadable(name: &str, error: io::Error) -> Error {
    Error::io(Kind::LocalRead, format_args!("read {name}"), error)
}
