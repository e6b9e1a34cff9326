//! The words of the shell: sftp's, with the options of the commands they are.

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use super::line::Word;
use crate::cli::files::{MoveConflict, TransferOptions};
use crate::cli::listing::Order;
use crate::cli::usage;
use crate::error::{Error, Kind, Result};

/// What is under the list of words.
const NOTES: &str = "\
A name with blanks goes in quotes, or a backslash before each; `*`, `?` and `[…]` match names.
A name is meant from the folder of `pwd`; with a leading / from the top, with .. from one above.
`!COMMAND` runs a command on this machine. `help WORD` tells more of a word.";

/// Words of sftp for what a server of this kind does not have, and what there is instead.
const NOT_HERE: [(&str, &str); 9] = [
    (
        "chmod",
        "a file has an owner and no mode; `sealpost access` on the server says who may do what",
    ),
    (
        "chown",
        "a file belongs to who uploaded it; `stat` tells who that is",
    ),
    ("chgrp", "there are no groups; `stat` tells a file's owner"),
    (
        "df",
        "the operator knows the room there is; `ls -l` tells what files take",
    ),
    (
        "ln",
        "`rename` gives a file another name; it has one at a time",
    ),
    (
        "symlink",
        "`rename` gives a file another name; it has one at a time",
    ),
    ("lumask", "`!umask` and `!chmod` do it on this machine"),
    ("copy", "`get` it, then `put` it under the other name"),
    (
        "rmdir",
        "a folder goes with its last file; `rm -r` removes all that is in it",
    ),
];

/// One line.
#[derive(Debug, Parser)]
#[command(
    multicall = true,
    max_term_width = 100,
    help_template = "{subcommands}\n\n{after-help}",
    after_help = NOTES
)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

/// A line that makes sense.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List files and folders
    #[command(visible_alias = "dir")]
    Ls(LsWords),
    /// Go to a folder on the server
    #[command(visible_alias = "chdir")]
    Cd(PlaceWord),
    /// Tell the folder on the server
    Pwd,
    /// Download a file, or all that match
    #[command(visible_alias = "mget")]
    Get(GetWords),
    /// Go on with a download that was interrupted
    Reget(GetWords),
    /// Upload a file, or all that match
    #[command(visible_alias = "mput")]
    Put(PutWords),
    /// Go on with an upload that was interrupted
    Reput(PutWords),
    /// Remove files
    Rm(RmWords),
    /// Give a file another name
    #[command(visible_alias = "mv")]
    Rename(RenameWords),
    /// Tell all about files
    Stat(StatWords),
    /// Make a folder: it comes with its first file, so there is nothing to do
    Mkdir(NameWord),
    /// List files and folders on this machine
    Lls(LlsWords),
    /// Go to a folder on this machine
    #[command(visible_alias = "lchdir")]
    Lcd(PlaceWord),
    /// Tell the folder on this machine
    Lpwd,
    /// Make a folder on this machine
    Lmkdir(NameWord),
    /// Show progress bars, or show them no more
    Progress,
    /// Tell who is logged in, and how the connection is protected
    Whoami,
    /// Change the own password; it is asked for
    Passwd,
    /// Tell the versions here and there
    Version,
    /// End the session
    #[command(visible_aliases = ["exit", "quit"])]
    Bye,
}

/// `ls`
#[derive(Debug, Args)]
pub(super) struct LsWords {
    /// A folder, a file, or a pattern [default: the folder of `pwd`]
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<Word>,
    #[command(flatten)]
    pub(super) order: Order,
    /// In the opposite order
    #[arg(short, long)]
    pub(super) reverse: bool,
    /// All that is in folders too
    #[arg(short = 'R', long)]
    pub(super) recursive: bool,
}

/// `lls`
#[derive(Debug, Args)]
pub(super) struct LlsWords {
    /// A folder, a file, or a pattern [default: the folder of `lpwd`]
    #[arg(value_name = "PATH")]
    pub(super) path: Option<Word>,
    #[command(flatten)]
    pub(super) order: Order,
    /// In the opposite order
    #[arg(short, long)]
    pub(super) reverse: bool,
}

/// `get`, `reget`
#[derive(Debug, Args)]
pub(super) struct GetWords {
    /// The file, with -r a folder too, or a pattern
    #[arg(value_name = "NAME")]
    pub(super) name: Word,
    /// Where to: a file, or a folder that is there or ends with / [default: here]
    #[arg(value_name = "PATH")]
    pub(super) path: Option<Word>,
    /// The same as PATH
    #[arg(short, long, value_name = "PATH", conflicts_with = "path")]
    pub(super) output: Option<Word>,
    #[command(flatten)]
    pub(super) how: HowWords,
}

/// `put`, `reput`
#[derive(Debug, Args)]
pub(super) struct PutWords {
    /// The file, with -r a folder too, or a pattern
    #[arg(value_name = "FILE")]
    pub(super) file: Word,
    /// The name it gets; a folder that is there or ends with / takes it in
    #[arg(value_name = "NAME")]
    pub(super) name: Option<Word>,
    #[command(flatten)]
    pub(super) how: HowWords,
}

/// How files are moved.
#[derive(Debug, Args)]
pub(super) struct HowWords {
    #[command(flatten)]
    pub(super) transfer: TransferOptions,
    /// Go on with an interrupted transfer, as `reget` and `reput` do
    #[arg(short = 'a', long, conflicts_with = "conflict")]
    pub(super) resume: bool,
}

/// `rm`
#[derive(Debug, Args)]
pub(super) struct RmWords {
    /// The files, with -r folders too, or patterns
    #[arg(required = true, value_name = "NAME")]
    pub(super) names: Vec<Word>,
    /// Folders with all that is in them
    #[arg(short, long)]
    pub(super) recursive: bool,
}

/// `rename`
#[derive(Debug, Args)]
pub(super) struct RenameWords {
    /// The name it has
    pub(super) old: Word,
    /// The name it gets; a folder that is there or ends with / takes it in
    pub(super) new: Word,
    /// When that name is taken: error refuses, overwrite replaces what is there
    #[arg(
        long,
        value_name = "WHAT",
        default_value = "error",
        hide_possible_values = true
    )]
    pub(super) conflict: MoveConflict,
}

/// `stat`
#[derive(Debug, Args)]
pub(super) struct StatWords {
    /// The files, or patterns
    #[arg(required = true, value_name = "NAME")]
    pub(super) names: Vec<Word>,
}

/// A folder, or none.
#[derive(Debug, Args)]
pub(super) struct PlaceWord {
    /// The folder [default: the top, or here the own one]
    #[arg(value_name = "FOLDER")]
    pub(super) folder: Option<Word>,
}

/// A folder.
#[derive(Debug, Args)]
pub(super) struct NameWord {
    /// The folder
    #[arg(value_name = "FOLDER")]
    pub(super) folder: Word,
}

/// What a line asks for.
#[derive(Debug)]
pub(super) enum Asked {
    /// To do something.
    Command(Box<Command>),
    /// For this help.
    Help(String),
}

/// Reads the words of a line, of which there is one at least.
pub(super) fn read(words: &[String]) -> Result<Asked> {
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.first_mut() {
        Some(first) if *first == "?" => *first = "help",
        Some(first) if *first != "help" && canonical(first).is_none() => {
            return Err(unknown(first));
        }
        _ => {}
    }
    match Line::try_parse_from(&words) {
        Ok(line) => Ok(Asked::Command(Box::new(line.command))),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            Ok(Asked::Help(error.to_string().trim_end().to_owned()))
        }
        Err(error) => Err(misused(&error, words.first().copied().unwrap_or_default())),
    }
}

/// All words.
pub(super) fn all() -> Vec<String> {
    let line = Line::command();
    let mut words = vec!["help".to_owned()];
    for word in line.get_subcommands() {
        words.push(word.get_name().to_owned());
        words.extend(word.get_visible_aliases().map(str::to_owned));
    }
    words.sort();
    words
}

/// Where the names are that complete a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// On the server.
    Remote,
    /// On this machine.
    Local,
    /// They are words of the shell.
    Words,
}

/// What stands after `word` and `n` names.
pub(super) fn completes(word: &str, n: usize) -> Option<Side> {
    match (canonical(word)?.as_str(), n) {
        ("ls" | "cd" | "rm" | "rename" | "stat" | "mkdir", _)
        | ("get" | "reget", 0)
        | ("put" | "reput", 1) => Some(Side::Remote),
        ("lls" | "lcd" | "lmkdir", _) | ("get" | "reget", 1) | ("put" | "reput", 0) => {
            Some(Side::Local)
        }
        ("help", 0) => Some(Side::Words),
        _ => None,
    }
}

/// The word an alias stands for.
fn canonical(word: &str) -> Option<String> {
    if word == "help" {
        return Some(word.to_owned());
    }
    let line = Line::command();
    line.find_subcommand(word)
        .map(|word| word.get_name().to_owned())
}

fn unknown(word: &str) -> Error {
    let asked = if word == "cp" { "copy" } else { word };
    match NOT_HERE.iter().find(|(word, _)| *word == asked) {
        Some((_, instead)) => {
            Error::new(Kind::Usage, format!("{word} is not a thing on this server")).hint(*instead)
        }
        None => Error::new(Kind::Usage, format!("there is no word {word} here"))
            .hint("`help` lists the words"),
    }
}

/// What is wrong with a line, and where its word is explained.
fn misused(error: &clap::Error, word: &str) -> Error {
    Error::new(Kind::Usage, usage::wrong(error)).hint(format!("`help {word}` tells how it is used"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(line: &[&str]) -> Error {
        let words: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
        read(&words).unwrap_err()
    }

    #[test]
    fn the_words_are_well_formed() {
        Line::command().debug_assert();
    }

    #[test]
    fn every_word_of_sftp_is_here_or_has_an_answer_of_its_own() {
        let here = all();
        // sftp(1), "INTERACTIVE COMMANDS", and the aliases OpenSSH has beside them.
        for word in "bye cd chdir chgrp chmod chown copy cp df exit get help lcd lchdir lls lmkdir ln lpwd \
                     ls dir lumask mkdir mget mput progress put pwd quit reget rename reput rm rmdir \
                     symlink version"
            .split_whitespace()
        {
            let answered = || unknown(word).message().contains("not a thing");
            assert!(here.iter().any(|this| this == word) || answered(), "{word}");
        }
        assert!(!unknown("frobnicate").message().contains("not a thing"));
    }

    #[test]
    fn a_wrong_use_is_told_in_one_line_and_a_hint() {
        for line in [
            &["get"][..],
            &["get", "a", "b", "c"],
            &["ls", "--nonsense"],
            &["put", "a", "--conflict", "maybe"],
            &["reget", "a", "-j", "0"],
            &["rename", "a"],
            &["get", "a["],
            &["frobnicate"],
            &["chmod", "700", "a"],
            &["passwd", "hunter2-hunter2"],
        ] {
            let error = wrong(line);
            assert_eq!(error.kind(), Kind::Usage, "{line:?}");
            assert!(!error.message().contains('\n'), "{line:?}: {error}");
            assert!(error.next_step().is_some(), "{line:?}");
        }
    }

    #[test]
    fn help_lists_the_words_and_tells_each() {
        for (line, has) in [
            (&["help"][..], "reput"),
            (&["?"], "!COMMAND"),
            (&["help", "get"], "--conflict"),
            (&["?", "mv"], "OLD"),
            (&["ls", "--help"], "--sort"),
        ] {
            let words: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
            let Asked::Help(text) = read(&words).unwrap() else {
                panic!("{line:?} is no help");
            };
            assert!(text.contains(has), "{line:?}: {text}");
        }
    }
}
