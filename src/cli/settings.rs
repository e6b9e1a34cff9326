//! Where a value comes from: the flag, else the environment, else the `--config` file, else the default.
//!
//! One mechanism serves every option of every command: each long option gets the environment variable
//! `SEALPOST_` plus its name, and a value of the file becomes the option's default, so that clap itself
//! keeps the order. The file is TOML; a key is an option's long name, at the top for every command that
//! has it or in a table named after the command (`[serve]`, `[pki]`; `[client]` is all commands that
//! talk to a server).

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command, parser::ValueSource};
use serde::Serialize;
use toml::{Table, Value};

use crate::error::{Error, Kind, Result};

/// The table of the commands that talk to a server.
const CLIENT_TABLE: &str = "client";

/// An option that only those commands have.
const CLIENT_MARK: &str = "server";

/// The table of the server, and an option that only it has: `show-as nginx` reads it too.
const SERVER_TABLE: &str = "serve";
const SERVER_MARK: &str = "client-auth";

/// The file's values.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    path: PathBuf,
    table: Table,
}

/// One effective value and where it came from, as `sealpost config` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct Effective {
    /// The option's long name.
    pub(crate) option: String,
    /// Its values; empty when it has none.
    pub(crate) value: Vec<String>,
    /// `flag`, `environment`, `file` or `default`.
    pub(crate) origin: &'static str,
}

impl Settings {
    /// Finds `--config FILE` or `SEALPOST_CONFIG` and reads that file; no file is no error.
    pub(crate) fn load(args: &[OsString]) -> Result<Self> {
        let Some(path) = config_path(args) else {
            return Ok(Self::default());
        };
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Error::io(Kind::Usage, format_args!("read {}", path.display()), error)
        })?;
        let table = text.parse().map_err(|error: toml::de::Error| {
            let message = format!("{} is not TOML: {}", path.display(), error.message());
            Error::new(Kind::Usage, message)
                .hint(
                    "write one `option = \"value\"` a line, in tables such as [serve] and [client]",
                )
                .source(error)
        })?;
        Ok(Self { path, table })
    }

    /// `command` with the environment and the file behind every option.
    pub(crate) fn apply(&self, command: Command) -> Result<Command> {
        let mut known = BTreeSet::new();
        let command = self.apply_to(command, &[], &mut known);
        for (key, value) in &self.table {
            let keys = match value {
                Value::Table(inner) => inner.keys().map(|k| format!("{key}.{k}")).collect(),
                _ => vec![key.clone()],
            };
            for key in keys {
                if !known.contains(&key) {
                    let message = format!("{}: there is no option {key}", self.path.display());
                    return Err(Error::new(Kind::Usage, message)
                        .hint("`sealpost config` lists every option; check the spelling"));
                }
            }
        }
        Ok(command)
    }

    fn apply_to(&self, command: Command, tables: &[&str], known: &mut BTreeSet<String>) -> Command {
        let is_client = command
            .get_arguments()
            .any(|arg| arg.get_long() == Some(CLIENT_MARK));
        let name = command.get_name().to_owned();
        let mut tables = tables.to_vec();
        let is_server = command
            .get_arguments()
            .any(|arg| arg.get_long() == Some(SERVER_MARK));
        match () {
            () if is_server => tables.push(SERVER_TABLE),
            () if is_client => tables.push(CLIENT_TABLE),
            () if !command.is_set_up_as_root() => tables.push(&name),
            () => {}
        }
        let command = command.mut_args(|arg| self.apply_to_option(arg, &tables, known));
        command.mut_subcommands(|inner| self.apply_to(inner, &tables, known))
    }

    fn apply_to_option(&self, arg: Arg, tables: &[&str], known: &mut BTreeSet<String>) -> Arg {
        let Some(long) = arg.get_long().map(str::to_owned) else {
            return arg;
        };
        if ["help", "version"].contains(&long.as_str()) {
            return arg;
        }
        known.insert(long.clone());
        known.extend(tables.iter().map(|table| format!("{table}.{long}")));
        let variable = format!("SEALPOST_{}", long.replace('-', "_").to_uppercase());
        // Set to nothing is not set, as usual in scripts.
        let arg = match std::env::var_os(&variable).is_some_and(|value| !value.is_empty()) {
            true => arg.env(variable).hide_env(true),
            false => arg,
        };
        let arg = match arg.get_action() {
            // A flag is switched on by 1, yes and on too.
            ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()),
            _ => arg,
        };
        match self.find(tables, &long) {
            // clap lets only options with a value hide their default.
            Some(value) if arg.get_action().takes_values() => {
                arg.default_values(texts(value)).hide_default_value(true)
            }
            Some(value) => arg.default_values(texts(value)),
            None => arg,
        }
    }

    /// The file's value of an option: the innermost table that has it wins.
    fn find(&self, tables: &[&str], long: &str) -> Option<&Value> {
        let in_tables = tables
            .iter()
            .rev()
            .find_map(|table| self.table.get(*table)?.get(long));
        in_tables.or_else(|| self.table.get(long).filter(|value| !value.is_table()))
    }

    /// The effective values of `command`, whose matches are `matches`.
    pub(crate) fn effective(&self, command: &Command, matches: &ArgMatches) -> Vec<Effective> {
        let is_client = command
            .get_arguments()
            .any(|arg| arg.get_long() == Some(CLIENT_MARK));
        let table = if is_client {
            CLIENT_TABLE
        } else {
            command.get_name()
        };
        let options = command.get_arguments().filter_map(|arg| {
            let long = arg
                .get_long()
                .filter(|long| !["help", "version"].contains(long))?;
            let origin = match matches.value_source(arg.get_id().as_str()) {
                Some(ValueSource::CommandLine) => "flag",
                Some(ValueSource::EnvVariable) => "environment",
                Some(_) if self.find(&[table], long).is_some() => "file",
                _ => "default",
            };
            let raw = matches.get_raw(arg.get_id().as_str()).into_iter().flatten();
            Some(Effective {
                option: long.to_owned(),
                value: raw
                    .map(|value| value.to_string_lossy().into_owned())
                    .collect(),
                origin,
            })
        });
        options.collect()
    }
}

/// Tells the root of the command tree, whose name is no table.
trait Root {
    fn is_set_up_as_root(&self) -> bool;
}

impl Root for Command {
    fn is_set_up_as_root(&self) -> bool {
        self.get_name() == env!("CARGO_PKG_NAME")
    }
}

fn config_path(args: &[OsString]) -> Option<PathBuf> {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--" {
            break;
        }
        if arg == "--config" {
            return args.next().map(PathBuf::from);
        }
        if let Some(path) = arg.to_str().and_then(|arg| arg.strip_prefix("--config=")) {
            return Some(Path::new(path).to_owned());
        }
    }
    std::env::var_os("SEALPOST_CONFIG")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}
