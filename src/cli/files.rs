//! The commands about files: `put`, `get`, `ls`, `stat`, `rm`, `mv`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::connect::ConnectOptions;
use super::deeds;
use super::interrupt::stop_on_ctrl_c;
use super::listing::{Listing, Order};
use super::output::Output;
use super::progress::Bars;
use super::walk::{self, Pattern};
use crate::client::{Batch, Client, Job, Stop, Target};
use crate::error::{Error, Kind, Result};
use crate::protocol::{Conflict, FileName};
use crate::text::escape;
use crate::transport::Connector;

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

/// How files are moved.
#[derive(Debug, Args)]
pub(super) struct TransferOptions {
    /// Folders with all that is in them
    #[arg(short, long, short_alias = 'R')]
    pub(super) recursive: bool,
    /// When the name is taken: error refuses, overwrite replaces once the new file is complete, rename
    /// chooses a free name, resume goes on with an interrupted transfer of the same file
    #[arg(
        long,
        value_name = "WHAT",
        default_value = "error",
        hide_possible_values = true
    )]
    pub(super) conflict: ConflictWord,
    /// So many files at once, each over its own connection
    #[arg(short = 'j', long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(super) jobs: u16,
}

/// List files
#[derive(Debug, Args)]
pub(crate) struct LsCommand {
    /// Only names that begin so, such as docs/
    #[arg(value_name = "PREFIX", default_value = "")]
    prefix: String,
    #[command(flatten)]
    order: Order,
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

/// What to do when a name is taken.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ConflictWord {
    /// Refuse
    Error,
    /// Replace what is there, once the new is complete
    Overwrite,
    /// Choose a free name
    Rename,
    /// Go on with an interrupted transfer of the same file
    Resume,
}

/// What to do when the new name is taken.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum MoveConflict {
    /// Refuse
    Error,
    /// Replace what is there
    Overwrite,
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

impl From<MoveConflict> for Conflict {
    fn from(word: MoveConflict) -> Self {
        match word {
            MoveConflict::Error => Self::Error,
            MoveConflict::Overwrite => Self::Overwrite,
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
        let batch = self.transfer.batch(&target);
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
                jobs.extend(walk::downloads_into(found, into));
            }
        }
        let batch = self.transfer.batch(&target);
        transfer(&batch, client, &jobs, output)
    }
}

impl TransferOptions {
    /// Transfers as these options say.
    fn batch<'a>(&self, target: &'a Target) -> Batch<'a> {
        Batch {
            target,
            connections: self.jobs.into(),
            conflict: self.conflict.into(),
            stop: None,
        }
    }
}

/// Runs the jobs over `client` and ends it; ctrl-c stops them.
fn transfer(
    batch: &Batch<'_>,
    client: Client<Connector>,
    jobs: &[Job],
    output: Output,
) -> Result<ExitCode> {
    let bars = Bars::new(jobs, output);
    let stop = Arc::new(Stop::default());
    stop_on_ctrl_c(&stop);
    let batch = Batch {
        stop: Some(&stop),
        ..*batch
    };
    let mut client = Some(client);
    let done = deeds::transfer(&batch, &mut client, jobs, &bars, output);
    if let Some(client) = client {
        client.quit();
    }
    done.map_err(|error| match (error.kind(), batch.conflict) {
        // Resuming would find the name taken.
        (Kind::Interrupted, Conflict::Overwrite | Conflict::Rename) => error
            .hint("what was there is as it was; give the command again")
            .zh("已中断", "原有文件没有改变；可重新运行该命令"),
        _ => error,
    })
}

impl LsCommand {
    pub(crate) fn run(self, output: Output) -> Result<ExitCode> {
        let (_target, mut client, _account) = self.connect.log_in(output)?;
        let mut files = client.list(&self.prefix)?;
        client.quit();
        if let Some(pattern) = &self.pattern {
            files.retain(|file| pattern.matches(file.name.as_str()));
        }
        Listing::of(files).show(self.order, self.reverse, output);
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
        deeds::stat(&mut client, &names, output)?;
        client.quit();
        Ok(ExitCode::SUCCESS)
    }
}

impl RmCommand {
    pub(crate) fn run(self, output: Output) -> Result<ExitCode> {
        for text in &self.names {
            match self.recursive {
                true => deeds::part_of_all(&walk::prefix(text)?)?,
                false => drop(file_name(text)?),
            }
        }
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
            deeds::remove(&mut client, &names, output)?;
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
        let (_target, mut client, _account) = self.connect.log_in(output)?;
        deeds::rename(&mut client, &from, &to, self.conflict.into(), output)?;
        client.quit();
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
