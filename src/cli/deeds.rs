//! What is done to files over a connection, and how it is told: the commands and the shell share it.

use std::process::ExitCode;

use serde_json::json;

use super::output::Output;
use super::progress::Bars;
use crate::client::{Batch, Client, Job};
use crate::error::{Error, Kind, Result};
use crate::protocol::{Conflict, FileInfo, FileName};
use crate::text::{escape, size, time};
use crate::transport::Connector;

/// Runs the jobs; the exit code is that of the first failure. `client` is used first, and then what is left of
/// it.
pub(super) fn transfer(
    batch: &Batch<'_>,
    client: &mut Option<Client<Connector>>,
    jobs: &[Job],
    bars: &Bars<'_>,
    output: Output,
) -> Result<ExitCode> {
    let mut results = batch.run(client, jobs, bars);
    bars.finish();
    let failed = results.iter().filter(|result| result.is_err()).count();
    if jobs.len() > 1 {
        output.note(format!(
            "{} of {} files transferred",
            jobs.len() - failed,
            jobs.len()
        ));
    }
    let interrupted = results
        .iter()
        .position(|result| matches!(result, Err(error) if error.kind() == Kind::Interrupted));
    if let Some(first) = interrupted {
        return results.swap_remove(first).map(|_| ExitCode::SUCCESS);
    }
    match results.iter().position(Result::is_err) {
        None => Ok(ExitCode::SUCCESS),
        // The only failure is told by whoever called; of several each has been told already.
        Some(first) if jobs.len() == 1 => results.swap_remove(first).map(|_| ExitCode::SUCCESS),
        Some(first) => {
            let code = results
                .swap_remove(first)
                .err()
                .map_or(1, |error| error.kind().exit_code());
            Ok(ExitCode::from(code))
        }
    }
}

/// Refuses a folder that is the top: an empty variable in a script must not remove everything.
pub(super) fn part_of_all(folder: &str) -> Result<()> {
    if !folder.trim_matches('/').is_empty() {
        return Ok(());
    }
    Err(
        Error::new(Kind::Usage, "that would remove everything there is")
            .hint("name the folders and files that are to go; `sealpost ls` shows them")
            .zh(
                "这会删除所有文件",
                "请逐个指明要删除的文件夹和文件；`sealpost ls` 可查看",
            ),
    )
}

/// Tells all about files.
pub(super) fn stat(
    client: &mut Client<Connector>,
    names: &[FileName],
    output: Output,
) -> Result<()> {
    let mut files = Vec::new();
    for name in names {
        files.push(client.stat(name)?);
    }
    if output.json {
        match files.as_slice() {
            [file] => output.json(&json!({ "file": file })),
            files => output.json(&json!({ "files": files })),
        }
    } else {
        for file in &files {
            tell(file, output);
        }
    }
    Ok(())
}

fn tell(file: &FileInfo, output: Output) {
    output.line(format!("name      {}", escape(file.name.as_str())));
    output.line(format!(
        "size      {} ({} bytes)",
        size(file.size),
        file.size
    ));
    output.line(format!("sha256    {}", file.sha256));
    output.line(format!("owner     {}", escape(file.owner.as_str())));
    output.line(format!("modified  {}", time(file.modified)));
}

/// Removes files, up to the first that cannot be removed.
pub(super) fn remove(
    client: &mut Client<Connector>,
    names: &[FileName],
    output: Output,
) -> Result<()> {
    for name in names {
        client.delete(name)?;
        if output.json {
            output.json(&json!({ "event": "removed", "name": name }));
        }
        output.note(format!("removed {}", escape(name.as_str())));
    }
    Ok(())
}

/// Gives a file another name.
pub(super) fn rename(
    client: &mut Client<Connector>,
    from: &FileName,
    to: &FileName,
    conflict: Conflict,
    output: Output,
) -> Result<()> {
    let file = client.rename(from, to, conflict)?;
    if output.json {
        output.json(&json!({ "event": "renamed", "from": from, "file": file }));
    }
    output.note(format!(
        "renamed {} to {}",
        escape(from.as_str()),
        escape(to.as_str())
    ));
    Ok(())
}
