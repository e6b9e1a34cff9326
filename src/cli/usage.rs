//! What clap finds wrong with a command line, as every other error is told: one line of what is wrong, one of
//! what to do next, an object under `--json`.

use std::error::Error as _;
use std::ffi::OsString;

use clap::error::{ContextKind, ErrorKind};

use crate::error::{Error, Kind};

/// How help and errors call the value of an option that tells where a secret comes from.
const SOURCE_NAME: &str = "<SRC>";

/// The error for whoever typed the command; `None` when it is the help or the version that was asked for, which clap
/// prints itself.
pub(super) fn error(error: &clap::Error, root: &clap::Command, args: &[OsString]) -> Option<Error> {
    let shown = ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if !error.use_stderr() || error.kind() == shown {
        return None;
    }
    let text = error.to_string();
    let command = command(root, args);
    let (next, next_zh) = match paragraph(&text, "tip: ") {
        Some(tip) => (
            format!("{tip}; `{command} --help` lists all there is"),
            format!("{tip}；`{command} --help` 列出全部"),
        ),
        None => (
            format!("`{command} --help` tells how it is used"),
            format!("`{command} --help` 说明用法"),
        ),
    };
    let wrong = wrong(error);
    let wrong_zh = format!("命令行有误：{wrong}");
    Some(
        Error::new(Kind::Usage, wrong)
            .hint(next)
            .zh(wrong_zh, next_zh),
    )
}

/// What clap says in several lines, in one. What stands where the source of a secret belongs may be the secret itself:
/// it is not repeated.
pub(super) fn wrong(error: &clap::Error) -> String {
    let option = error
        .get(ContextKind::InvalidArg)
        .map(ToString::to_string)
        .unwrap_or_default();
    if let (true, Some(why)) = (option.ends_with(SOURCE_NAME), error.source()) {
        return format!("invalid value for '{option}': {why}");
    }
    let text = error.to_string();
    let wrong = text.split("\n\n").next().unwrap_or_default();
    joined(wrong.strip_prefix("error: ").unwrap_or(wrong))
}

/// Whether the arguments ask for JSON, though they are not all understood.
pub(super) fn wants_json(args: &[OsString]) -> bool {
    let mut options = args.iter().take_while(|arg| *arg != "--");
    let on = ["1", "true", "yes", "on", "y", "t"];
    let asked = std::env::var("SEALPOST_JSON").unwrap_or_default();
    options.any(|arg| arg == "--json") || on.contains(&asked.to_lowercase().as_str())
}

/// The language the arguments name, though they are not all understood.
pub(super) fn language(args: &[OsString]) -> Option<String> {
    let mut options = args.iter().take_while(|arg| *arg != "--");
    while let Some(arg) = options.next() {
        match arg.to_str() {
            Some("--lang") => return options.next()?.to_str().map(str::to_owned),
            Some(arg) => {
                if let Some(lang) = arg.strip_prefix("--lang=") {
                    return Some(lang.to_owned());
                }
            }
            None => {}
        }
    }
    std::env::var("SEALPOST_LANG").ok()
}

/// The command that was typed, as far as there is one.
fn command(root: &clap::Command, args: &[OsString]) -> String {
    let (mut command, mut path) = (root, root.get_name().to_owned());
    for arg in args.iter().skip(1).take_while(|arg| *arg != "--") {
        if let Some(inner) = command.find_subcommand(arg) {
            command = inner;
            path = format!("{path} {}", inner.get_name());
        }
    }
    path
}

/// The paragraph that begins so, as one line.
fn paragraph(text: &str, begins: &str) -> Option<String> {
    let mut paragraphs = text.split("\n\n");
    paragraphs
        .find_map(|paragraph| paragraph.trim_start().strip_prefix(begins))
        .map(joined)
}

fn joined(lines: &str) -> String {
    lines.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory as _;

    fn told(line: &str) -> Option<Error> {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let parsed = Cli::command().try_get_matches_from(&args);
        error(&parsed.unwrap_err(), &Cli::command(), &args)
    }

    #[test]
    fn what_is_wrong_is_one_line_and_the_next_step_names_the_command() {
        for (line, wrong, next) in [
            (
                "sealpost pki sign a.csr",
                "the following required arguments were not provided: --role <ROLE>",
                "`sealpost pki sign --help` tells how it is used",
            ),
            (
                "sealpost put f --conflict maybe",
                "invalid value 'maybe' for '--conflict <WHAT>' [possible values: error, overwrite, rename, resume]",
                "`sealpost put --help` tells how it is used",
            ),
            (
                "sealpost stta f",
                "unrecognized subcommand 'stta'",
                "a similar subcommand exists: 'stat'; `sealpost --help` lists all there is",
            ),
        ] {
            let told = told(line).unwrap();
            assert_eq!(told.message(), wrong);
            assert_eq!(told.next_step(), Some(next));
            assert_eq!(told.kind(), Kind::Usage);
            assert!(told.chinese().is_some());
        }
        assert!(told("sealpost put --help").is_none());
        assert!(told("sealpost").is_none());
    }

    #[test]
    fn a_secret_in_place_of_its_source_is_not_repeated_and_another_value_is() {
        for option in ["--password", "--pass"] {
            let told = told(&format!("sealpost whoami {option} hunter22")).unwrap();
            assert!(!told.message().contains("hunter22"), "{}", told.message());
            assert!(
                told.message().contains("env:VARIABLE"),
                "{}",
                told.message()
            );
        }
        let told = told("sealpost whoami --timeout hunter22").unwrap();
        assert!(told.message().contains("hunter22"), "{}", told.message());
    }

    #[test]
    fn the_form_and_the_language_are_known_before_all_is_understood() {
        let args = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert!(wants_json(&args("sealpost ls --nonsense --json")));
        assert!(!wants_json(&args("sealpost ls -- --json")));
        assert_eq!(
            language(&args("sealpost --lang zh ls")).as_deref(),
            Some("zh")
        );
        assert_eq!(
            language(&args("sealpost ls --lang=zh")).as_deref(),
            Some("zh")
        );
        assert_eq!(language(&args("sealpost put -- --lang zh")), None);
    }
}
