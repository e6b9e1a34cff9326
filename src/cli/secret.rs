//! Where a secret comes from: never the command line itself, which every user of the machine can read.

use std::fs::File;
use std::path::PathBuf;
use std::str::FromStr;
use std::{fs, io};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};

/// `prompt`, `env:VAR` or `file:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Secret {
    /// Asked on the terminal, without echo.
    Prompt,
    /// The value of an environment variable.
    Env(String),
    /// The first line of a file.
    File(PathBuf),
}

impl FromStr for Secret {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "prompt" => Ok(Self::Prompt),
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            // The text itself may be the secret somebody typed: it is not repeated.
            _ => Err("give prompt, env:VARIABLE or file:PATH, never the secret itself".to_owned()),
        }
    }
}

impl Secret {
    /// Reads the secret; `what` names it in the prompt and in errors, such as `password of alice`.
    pub(crate) fn read(&self, what: &str) -> Result<Zeroizing<String>> {
        let secret = match self {
            Self::Prompt => ask(what).map_err(|error| {
                if error.kind() == io::ErrorKind::Interrupted {
                    return Error::new(Kind::Interrupted, "interrupted")
                        .hint("nothing was changed")
                        .zh("已中断", "什么都没有改变");
                }
                Error::new(
                    Kind::Usage,
                    format!("cannot ask for the {what}: no terminal"),
                )
                .hint("give env:VARIABLE or file:PATH instead")
                .zh(
                    format!("无法询问口令（{what}）：没有终端"),
                    "请改用 env:VARIABLE 或 file:PATH",
                )
                .source(error)
            })?,
            Self::Env(name) => std::env::var(name).map_err(|error| {
                let message = format!("the environment variable {name} has no {what}");
                Error::new(Kind::Usage, message)
                    .hint(format!("export {name} first"))
                    .zh(
                        format!("环境变量 {name} 中没有口令（{what}）"),
                        format!("请先 export {name}"),
                    )
                    .source(error)
            })?,
            Self::File(path) => {
                let mut text = fs::read_to_string(path).map_err(|error| {
                    let reading = format!("read the {what} from {}", path.display());
                    Error::io(Kind::LocalRead, reading, error)
                })?;
                text.truncate(text.find(['\r', '\n']).unwrap_or(text.len()));
                text
            }
        };
        Ok(Zeroizing::new(secret))
    }
}

/// Asks on the terminal. It is silent and raw before the prompt is there: who types, pastes or presses ctrl-c as soon
/// as it is seen, is neither read over the shoulder nor unheard (`rpassword` alone prompts first).
fn ask(what: &str) -> io::Result<String> {
    let _raw = Raw::begin();
    rpassword::prompt_password(format!("{what}: "))
}

/// The terminal without echo, lines and signals, as `rpassword` reads from it; until this is dropped.
struct Raw {
    terminal: File,
    before: Termios,
}

impl Raw {
    /// `None` without a terminal, which the prompt itself then reports.
    fn begin() -> Option<Self> {
        let terminal = File::open("/dev/tty").ok()?;
        let before = tcgetattr(&terminal).ok()?;
        let mut raw = before.clone();
        let modes = LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        raw.local_modes.remove(modes);
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&terminal, OptionalActions::Now, &raw).ok()?;
        Some(Self { terminal, before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone has no echo to bring back.
        tcsetattr(&self.terminal, OptionalActions::Now, &self.before).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_and_a_bare_secret_is_refused_without_repeating_it() {
        assert_eq!("prompt".parse(), Ok(Secret::Prompt));
        assert_eq!("env:PW".parse(), Ok(Secret::Env("PW".into())));
        assert_eq!("file:/x:y".parse(), Ok(Secret::File("/x:y".into())));
        for text in ["hunter2", "env:", "file:", "pass:hunter2", ""] {
            let error = text.parse::<Secret>().unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_first_line_of_a_file_is_the_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pw");
        #[expect(clippy::disallowed_methods, reason = "a fixture")]
        fs::write(&path, "correct horse\r\nbattery\n").unwrap();
        assert_eq!(
            *Secret::File(path).read("password").unwrap(),
            "correct horse"
        );
        let missing = Secret::File(dir.path().join("none")).read("password");
        assert_eq!(missing.unwrap_err().kind(), Kind::LocalRead);
    }
}
