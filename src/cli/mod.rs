//! The command line: clap types and one file per group of commands. The only room that prints.
#![expect(
    clippy::doc_markdown,
    reason = "doc comments of clap types are help texts, read on a terminal"
)]

mod account;
mod admin;
mod audit;
mod capture;
mod connect;
mod deeds;
mod doctor;
mod experiments;
mod files;
mod gui;
mod interrupt;
mod lab;
mod listing;
mod output;
mod pki;
mod progress;
mod secret;
mod serve;
mod settings;
mod shell;
mod show_as;
mod timeline;
mod tls;
mod trail;
mod usage;
mod walk;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{
    ArgAction, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum,
};

use crate::error::{Error, Kind, Result};
use crate::lang::Lang;
use output::Output;
use settings::Settings;

/// What somebody who typed `sealpost` alone does next.
const FIRST_STEPS: &str = "\
First steps, in an empty folder:
  sealpost pki init                      a CA of your own
  sealpost pki issue server localhost    what proves the server
  sealpost pki issue client alice        what proves a client
  sealpost serve                         the server; the rest in another terminal, same folder
  sealpost register --user alice         an account with a password
  sealpost put FILE                      or many words in one session: sealpost shell

Each option can also come from the environment (SEALPOST_SERVER for --server) or a --config file;
`sealpost config` shows which it was.";

/// Carries files over plain TCP or mutual TLS, and shows what a stranger on the wire learns from each
#[derive(Debug, Parser)]
#[command(
    name = "sealpost",
    version,
    max_term_width = 100,
    propagate_version = true,
    after_help = FIRST_STEPS
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
struct Global {
    /// Take options from this TOML file
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "Take options from this TOML file (tables [serve], [client], …)"
    )]
    config: Option<std::path::PathBuf>,
    /// Print JSON: one document for a read command, one event a line for a transfer
    #[arg(long, global = true)]
    json: bool,
    /// Say nothing but results, warnings and errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say more: causes of errors, the TLS session; twice for still more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// The language of errors and warnings [default: the locale's, else en]
    #[arg(long, global = true, value_name = "LANGUAGE", ignore_case = true)]
    lang: Option<LangWord>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LangWord {
    #[value(aliases = ["english"])]
    En,
    #[value(aliases = ["zh-CN", "zh_CN", "zh-Hans", "cn"])]
    Zh,
}

impl LangWord {
    /// The language named, else the locale's.
    fn or_locale(this: Option<Self>) -> Lang {
        match this {
            Some(Self::En) => Lang::English,
            Some(Self::Zh) => Lang::Chinese,
            None => Lang::of_locale(|name| std::env::var(name).ok()),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the files in a folder, over mutual TLS unless told otherwise
    Serve(Box<serve::ServeCommand>),
    /// Upload files
    #[command(visible_alias = "upload")]
    Put(Box<files::PutCommand>),
    /// Download files
    #[command(visible_alias = "download")]
    Get(Box<files::GetCommand>),
    /// List files
    Ls(Box<files::LsCommand>),
    /// Tell all about files
    Stat(Box<files::StatCommand>),
    /// Remove files
    Rm(Box<files::RmCommand>),
    /// Give a file another name
    Mv(Box<files::MvCommand>),
    /// Make an account on the server
    Register(Box<account::RegisterCommand>),
    /// Change the own password
    Passwd(Box<account::PasswdCommand>),
    /// Tell who is logged in, and how the connection is protected
    Whoami(Box<account::WhoamiCommand>),
    /// An interactive session: the words of sftp, with history and completion
    Shell(Box<shell::ShellCommand>),
    /// Open the desktop client
    Gui(gui::GuiCommand),
    /// Print every option's effective value and where it came from
    Config(ConfigCommand),
    /// Make, change and list the accounts of a server
    User(admin::UserCommand),
    /// Set and list who may do what with which names
    Access(admin::AccessCommand),
    /// Check that what is in a data folder belongs together
    Fsck(admin::FsckCommand),
    /// Tell what happened on a server
    Audit(audit::AuditCommand),
    /// Make, look at and revoke certificates
    Pki(pki::Pki),
    /// Examine a server from outside: who answers, its TLS, its certificate, and the own one for it
    Doctor(Box<doctor::DoctorCommand>),
    /// Print the current settings as a command or script for another tool: python, curl, openssl, nginx
    ShowAs(show_as::ShowAsCommand),
    /// Stand between a client and a server and record what passes; or read such a record
    Capture(capture::CaptureCommand),
    /// See on an own transfer what a stranger learns; be the man in the middle; try bad certificates
    Lab(lab::LabCommand),
}

/// `sealpost config`
#[derive(Debug, Args)]
struct ConfigCommand {
    /// Only this command's options
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

/// Parses the command line, runs the command, and says with the exit code how it went.
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let (cli, command, settings) = match parse(&args) {
        Ok(parsed) => parsed,
        Err(stop) => return refuse(&stop, &args),
    };
    let output = Output {
        json: cli.global.json,
        quiet: cli.global.quiet,
        verbose: cli.global.verbose,
        lang: LangWord::or_locale(cli.global.lang),
        #[cfg(feature = "gui")]
        lang_named: cli.global.lang.map(|word| LangWord::or_locale(Some(word))),
    };
    match run(cli.command, &command, &settings, output) {
        Ok(code) => match output::lost() {
            Some(error) if code == ExitCode::SUCCESS => {
                Output {
                    json: false,
                    ..output
                }
                .error(&error);
                ExitCode::from(error.kind().exit_code())
            }
            _ => code,
        },
        Err(error) => {
            output.error(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

/// Says why the command line was not understood; the help that was asked for is printed and no failure.
fn refuse(stop: &Stop, args: &[OsString]) -> ExitCode {
    let understood;
    let error = match stop {
        Stop::Settings(error) => error,
        Stop::Clap(clap) => {
            let Some(error) = usage::error(clap, &Cli::command(), args) else {
                let _broken_pipe = clap.print();
                return ExitCode::from(u8::try_from(clap.exit_code()).unwrap_or(2));
            };
            understood = error;
            &understood
        }
    };
    let lang = usage::language(args).and_then(|word| LangWord::from_str(&word, true).ok());
    let output = Output {
        json: usage::wants_json(args),
        lang: LangWord::or_locale(lang),
        ..Output::default()
    };
    output.error(error);
    ExitCode::from(error.kind().exit_code())
}

enum Stop {
    Clap(clap::Error),
    Settings(Error),
}

fn parse(args: &[OsString]) -> Result<(Cli, clap::Command, Settings), Stop> {
    let settings = Settings::load(args).map_err(Stop::Settings)?;
    let command = settings.apply(Cli::command()).map_err(Stop::Settings)?;
    let matches = command
        .clone()
        .try_get_matches_from(args)
        .map_err(Stop::Clap)?;
    let cli = Cli::from_arg_matches(&matches).map_err(Stop::Clap)?;
    Ok((cli, command, settings))
}

fn run(
    command: Command,
    clap: &clap::Command,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode> {
    match command {
        Command::Serve(serve) => serve.run(output)?,
        Command::Put(put) => return put.run(output),
        Command::Get(get) => return get.run(output),
        Command::Ls(ls) => return ls.run(output),
        Command::Stat(stat) => return stat.run(output),
        Command::Rm(rm) => return rm.run(output),
        Command::Mv(mv) => return mv.run(output),
        Command::Register(register) => return register.run(output),
        Command::Passwd(passwd) => return passwd.run(output),
        Command::Whoami(whoami) => return whoami.run(output),
        Command::Shell(shell) => return shell.run(output),
        Command::Config(config) => config_run(&config, clap, settings, output)?,
        Command::User(user) => return user.run(output),
        Command::Access(access) => return access.run(output),
        Command::Fsck(fsck) => return fsck.run(output),
        Command::Audit(audit) => return audit.run(output),
        Command::Pki(pki) => return pki::run(&pki, output),
        Command::Doctor(doctor) => return doctor.run(output),
        Command::ShowAs(show) => show.run(output)?,
        Command::Gui(command) => gui::run(command, output)?,
        Command::Capture(command) => capture::run(command, output)?,
        Command::Lab(command) => return lab::run(command, output),
    }
    Ok(ExitCode::SUCCESS)
}

fn config_run(
    config: &ConfigCommand,
    clap: &clap::Command,
    settings: &Settings,
    output: Output,
) -> Result<()> {
    let wanted = config.command.as_deref();
    let mut shown = Vec::new();
    for command in clap.get_subcommands().filter(|command| match wanted {
        Some(wanted) => command.get_name() == wanted,
        None => ["serve", "ls"].contains(&command.get_name()),
    }) {
        let name = command.get_name();
        let whole = clap
            .clone()
            .ignore_errors(true)
            .try_get_matches_from(["sealpost", name]);
        let whole = whole.map_err(|error| Error::new(Kind::Usage, error.to_string()))?;
        let Some(matches) = whole.subcommand_matches(name) else {
            continue;
        };
        let values = settings.effective(command, matches);
        shown.push(serde_json::json!({ "command": name, "options": values }));
        if output.json {
            continue;
        }
        output.line(format!("sealpost {name}"));
        let rows = values.into_iter().map(|row| {
            vec![
                format!("  --{}", row.option),
                row.value.join(","),
                row.origin.to_owned(),
            ]
        });
        output.table(&["  option", "value", "from"], rows);
    }
    if shown.is_empty() {
        return Err(Error::new(
            Kind::Usage,
            format!("there is no command {}", wanted.unwrap_or_default()),
        )
        .hint("`sealpost help` lists the commands"));
    }
    match (wanted, shown.as_slice()) {
        _ if !output.json => {}
        (Some(_), [one]) => output.json(one),
        (_, all) => output.json(&all),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
