//! The commands about files: `put`, `get`, `ls`, `stat`, `rm`, `mv`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::connect::ConnectOptions;
use super::output::Output;
use super::progress::Bars;
use super::walk::{self, Pattern};
use crate::client::{Batch, Job};
use crate::error::{Error, Kind, Result};
use crate::protocol::{Conflict, FileInfo, FileName};
use crate::text::{escape, size, time};

/// Upload files
#[derive(Debug, Args)]
pub(crate) struct PutCommand {
    /// The files, and with -r folders
    #[arg(required = true, value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// The name it gets; ending with / a folder for all of them
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    transfer: TransferOptions,
    /// Leave out what matches, such as '*.tmp'; repeatable
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<Pattern>,
    #[command(flatten)]
    connect: ConnectOptions,
}

/// Download files
#[derive(Debug, Args)]
pub(crate) struct GetCommand {
    /// The files, and with -r folders
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Where to: a file, or a folder that is there or ends with / [default: here]
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    #[command(flatten)]
    transfer: TransferOptions,
    #[command(flatten)]
    connect: ConnectOptions,
}

#[derive(Debug, Args)]
struct TransferOptions {
    /// Folders with all that is in them
    #[arg(short, long)]
    recursive: bool,
    /// When the name is taken: error refuses, overwrite replaces once the new file is complete, rename
    /// chooses a free name, resume goes on with an interrupted transfer of the same file
    #[arg(
        long,
        value_name = "WHAT",
        default_value = "error",
        hide_possible_values = true
    )]
    conflict: ConflictWord,
    /// So many files at once, each over its own connection
    #[arg(short = 'j', long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
}

/// List files
#[derive(Debug, Args)]
pub(crate) struct LsCommand {
    /// Only names that begin so, such as docs/
    #[arg(value_name = "PREFIX", default_value = "")]
    prefix: String,
    /// Size, owner and time too
    #[arg(short = 'l', long)]
    long: bool,
    /// In the order of
    #[arg(long, value_name = "WHAT", default_value = "name")]
    sort: Sort,
    /// In the opposite order
    #[arg(long)]
    reverse: bool,
    /// Only names that match, such as '*.pdf'
    #[arg(long = "match", value_name = "GLOB")]
    pattern: Option<Pattern>,
    #[command(flatten)]
    connect: ConnectOptions,
}

/// Tell all about files
#[derive(Debug, Args)]
pub(crate) struct StatCommand {
    /// The files
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    connect: ConnectOptions,
}

/// Remove files
#[derive(Debug, Args)]
pub(crate) struct RmCommand {
    /// The files, and with -r folders
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Folders with all that is in them
    #[arg(short, long)]
    recursive: bool,
    #[command(flatten)]
    connect: ConnectOptions,
}

/// Give a file another name
#[derive(Debug, Args)]
pub(crate) struct MvCommand {
    /// The name it has
    from: String,
    /// The name it gets; ending with / a folder
    to: String,
    /// When that name is taken: error refuses, overwrite replaces what is there
    #[arg(
        long,
        value_name = "WHAT",
        default_value = "error",
        hide_possible_values = true
    )]
    conflict: MoveConflict,
    #[command(flatten)]
    connect: ConnectOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ConflictWord {
    /// Refuse
    Error,
    /// Replace what is there, once the new is complete
    Overwrite,
    /// Choose a free name
    Rename,
    /// Go on with an interrupted transfer of the same file
    Resume,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum MoveConflict {
    /// Refuse
    Error,
    /// Replace what is there
    Overwrite,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sort {
    Name,
    Size,
    Time,
    Owner,
}

impl From<ConflictWord> for Conflict {
    fn from(word: ConflictWord) -> Self {
        match word {
            ConflictWord::Error => Self::Error,
            ConflictWord::Overwrite => Self::Overwrite,
            ConflictWord::Rename => Self::Rename,
            ConflictWord::Resume => Self::Resume,
        }
    }
}

impl PutCommand {
    pub(crate) fn run(self, output: Output) -> Result<ExitCode> {
        let jobs = walk::uploads(
            &self.paths,
            self.name.as_deref(),
            self.transfer.recursive,
            &self.exclude,
        )?;
        let (target, client, _account) = self.connect.log_in(output)?;
        let batch = Batch {
            target: &target,
            connections: self.transfer.jobs.into(),
            conflict: self.transfer.conflict.into(),
        };
        transfer(&batch, client, &jobs, output)
    }
}

impl GetCommand {
    pub(crate) fn run(self, output: Output) -> Result<ExitCode> {
        let (target, mut client, _account) = self.connect.log_in(output)?;
        let mut jobs: Vec<Job> = Vec::new();
        let into = self.output.as_deref();
        for text in &self.names {
            let found = match self.transfer.recursive {
                true => walk::folder(text, &client.list(&walk::prefix(text)?)?),
                false => Vec::new(),
            };
            if found.is_empty() {
                let name = file_name(text)?;
                let several = self.names.len() > 1;
                jobs.push(walk::download(name, into, several));
            } else {
                jobs.extend(
                    found
                        .into_iter()
                        .map(|(name, parts)| walk::download_into(name, &parts, into)),
                );
            }
        }
        let batch = Batch {
            target: &target,
            connections: self.transfer.jobs.into(),
            conflict: self.transfer.conflict.into(),
        };
        transfer(&batch, client, &jobs, output)
    }
}

/// Runs the jobs; the exit code is that of the first failure.
fn transfer(
    batch: &Batch<'_>,
    client: crate::client::Client<crate::transport::Connector>,
    jobs: &[Job],
    output: Output,
) -> Result<ExitCode> {
    let bars = Bars::new(jobs, output);
    if matches!(batch.conflict, Conflict::Error | Conflict::Resume) {
        bars.tell_when_stopped();
    }
    let mut results = batch.run(client, jobs, &bars);
    bars.finish();
    let failed = results.iter().filter(|result| result.is_err()).count();
    if jobs.len() > 1 {
        output.note(format!(
            "{} of {} files transferred",
            jobs.len() - failed,
            jobs.len()
        ));
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

impl LsCommand {
    pub(crate) fn run(self, output: Output) -> Result<ExitCode> {
        let (_target, mut client, _account) = self.connect.log_in(output)?;
        let mut files = client.list(&self.prefix)?;
        client.quit();
        if let Some(pattern) = &self.pattern {
            files.retain(|file| pattern.matches(file.name.as_str()));
        }
        match self.sort {
            Sort::Name => {}
            Sort::Size => files.sort_by_key(|file| file.size),
            Sort::Time => files.sort_by_key(|file| file.modified),
            Sort::Owner => files.sort_by(|a, b| a.owner.cmp(&b.owner)),
        }
        if self.reverse {
            files.reverse();
        }
        if files.is_empty() {
            output.note("no such files");
        }
        if output.json {
            output.json(&json!({ "files": files }));
        } else if self.long && !files.is_empty() {
            let rows = files.iter().map(|file| {
                vec![
                    size(file.size),
                    escape(file.owner.as_str()),
                    time(file.modified),
                    escape(file.name.as_str()),
                ]
            });
            output.table(&["size", "owner", "modified", "name"], rows);
        } else {
            for file in &files {
                output.line(escape(file.name.as_str()));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl StatCommand {
    pub(crate) fn run(self, output: Output) -> Result<ExitCode> {
        let names = self
            .names
            .iter()
            .map(|name| file_name(name))
            .collect::<Result<Vec<_>>>()?;
        let (_target, mut client, _account) = self.connect.log_in(output)?;
        let mut files = Vec::new();
        for name in &names {
            files.push(client.stat(name)?);
        }
        client.quit();
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
        Ok(ExitCode::SUCCESS)
    }
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

impl RmCommand {
    pub(crate) fn run(self, output: Output) -> Result<ExitCode> {
        let (_target, mut client, _account) = self.connect.log_in(output)?;
        for text in &self.names {
            let mut names = Vec::new();
            if self.recursive {
                names.extend(
                    client
                        .list(&walk::prefix(text)?)?
                        .into_iter()
                        .map(|file| file.name),
                );
            }
            if names.is_empty() {
                names.push(file_name(text)?);
            }
            for name in names {
                client.delete(&name)?;
                if output.json {
                    output.json(&json!({ "event": "removed", "name": name }));
                }
                output.note(format!("removed {}", escape(name.as_str())));
            }
        }
        client.quit();
        Ok(ExitCode::SUCCESS)
    }
}

impl MvCommand {
    pub(crate) fn run(self, output: Output) -> Result<ExitCode> {
        let from = file_name(&self.from)?;
        let to = match self.to.ends_with('/') {
            true => file_name(&format!("{}{}", self.to, from.last_part()))?,
            false => file_name(&self.to)?,
        };
        let conflict = match self.conflict {
            MoveConflict::Error => Conflict::Error,
            MoveConflict::Overwrite => Conflict::Overwrite,
        };
        let (_target, mut client, _account) = self.connect.log_in(output)?;
        let file = client.rename(&from, &to, conflict)?;
        client.quit();
        if output.json {
            output.json(&json!({ "event": "renamed", "from": from, "file": file }));
        }
        output.note(format!(
            "renamed {} to {}",
            escape(from.as_str()),
            escape(to.as_str())
        ));
        Ok(ExitCode::SUCCESS)
    }
}

/// A name typed by the user, in the form the protocol wants.
pub(crate) fn file_name(text: &str) -> Result<FileName> {
    FileName::normalize(text).map_err(|error| {
        Error::new(
            Kind::Usage,
            format!("{} is no name for a file: {error}", escape(text)),
        )
        .hint("a name is a relative path with / such as docs/report.pdf")
    })
}

/// The folder a path names on this machine.
pub(crate) fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().to_string_lossy().ends_with('/')
}
