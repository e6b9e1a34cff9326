//! Names from a peer, parsed once at the border: what is not a [`FileName`] or [`UserName`] gets no further.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// Bytes in the longest file name.
pub const NAME_BYTES_MAX: usize = 1024;

/// Bytes in the longest part of a file name: what common file systems hold in one folder entry.
pub const PART_BYTES_MAX: usize = 255;

/// Bytes in the longest user name.
pub(super) const USER_BYTES_MAX: usize = 64;

/// A file's name: a relative path with `/` that can be written to a folder without leaving it.
///
/// UTF-8 in NFC, 1 ..= 1024 bytes, each part 1 ..= 255 bytes; no empty part, no `.` or `..`, no control
/// character, no backslash, no leading or trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct FileName(String);

/// A user's name: NFC letters and digits of any script and `.` `_` `-` `@` `+`, beginning with a letter or
/// a digit, 1 ..= 64 bytes. Upper and lower case are different names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct UserName(String);

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Nothing there.
    Empty,
    /// Longer than a name may be.
    TooLong,
    /// A part between two slashes is longer than 255 bytes.
    PartTooLong,
    /// An empty part: a leading, trailing or doubled slash.
    EmptyPart,
    /// A part is `.` or `..`.
    DotPart,
    /// A control character (U+0000 ..= U+001F, U+007F ..= U+009F).
    Control,
    /// A backslash.
    Backslash,
    /// Not in Unicode normalization form C.
    NotNormal,
    /// A character a user name cannot have.
    UserCharacter,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a name cannot be empty",
            Self::TooLong => "the name is too long",
            Self::PartTooLong => "a part of the name is longer than 255 bytes",
            Self::EmptyPart => "a name has no leading, trailing or doubled slash",
            Self::DotPart => "no part of a name is . or ..",
            Self::Control => "a name has no control characters",
            Self::Backslash => "a name has no backslash",
            Self::NotNormal => "the name is not in Unicode NFC",
            Self::UserCharacter => {
                "a user name is letters, digits and . _ - @ +, beginning with a letter or digit"
            }
        })
    }
}

impl std::error::Error for NameError {}

impl FileName {
    /// Puts a local name into NFC, as the protocol wants it, and parses it.
    pub fn normalize(text: &str) -> Result<Self, NameError> {
        text.nfc().collect::<String>().parse()
    }

    /// The parts between the slashes; none of them is empty, `.` or `..`.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The last part.
    pub fn last_part(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The same name with ` (n)` before the extension of its last part, for a conflict solved by renaming.
    pub fn numbered(&self, n: u32) -> Result<Self, NameError> {
        let (folder, last) = match self.0.rfind('/') {
            Some(at) => self.0.split_at(at + 1),
            None => ("", self.0.as_str()),
        };
        let (stem, extension) = match last.rfind('.') {
            Some(at) if at > 0 => last.split_at(at),
            _ => (last, ""),
        };
        format!("{folder}{stem} ({n}){extension}").parse()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FileName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > NAME_BYTES_MAX {
            return Err(NameError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(NameError::Control);
        }
        if text.contains('\\') {
            return Err(NameError::Backslash);
        }
        for part in text.split('/') {
            match part {
                "" => return Err(NameError::EmptyPart),
                "." | ".." => return Err(NameError::DotPart),
                _ if part.len() > PART_BYTES_MAX => return Err(NameError::PartTooLong),
                _ => {}
            }
        }
        if !is_nfc(text) {
            return Err(NameError::NotNormal);
        }
        Ok(Self(text.to_owned()))
    }
}

impl UserName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > USER_BYTES_MAX {
            return Err(NameError::TooLong);
        }
        let mut characters = text.chars();
        let begins_well = characters.next().is_some_and(char::is_alphanumeric);
        if !begins_well || !characters.all(|c| c.is_alphanumeric() || "._-@+".contains(c)) {
            return Err(NameError::UserCharacter);
        }
        if !is_nfc(text) {
            return Err(NameError::NotNormal);
        }
        Ok(Self(text.to_owned()))
    }
}

macro_rules! text_newtype {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(de::Error::custom)
            }
        }
    };
}

text_newtype!(FileName);
text_newtype!(UserName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_of_any_script_are_names() {
        let long_part = "é".repeat(127);
        for text in [
            "a",
            "report.pdf",
            "课程/第 一 章.txt",
            " leading and trailing ",
            "%2e%2e%2fx",
            "=cmd|'/c calc'!A1",
            "a,b\"c",
            "-rf",
            "...",
            "users.csv",
            "．．／",
            "😀.bin",
            &long_part,
        ] {
            assert_eq!(text.parse::<FileName>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn names_that_could_leave_a_folder_or_forge_a_line_are_refused() {
        let cases = [
            ("", NameError::Empty),
            ("/etc/passwd", NameError::EmptyPart),
            ("a//b", NameError::EmptyPart),
            ("a/", NameError::EmptyPart),
            (".", NameError::DotPart),
            ("..", NameError::DotPart),
            ("../x", NameError::DotPart),
            ("a/../../x", NameError::DotPart),
            ("a/./b", NameError::DotPart),
            ("..\\x", NameError::Backslash),
            ("C:\\x", NameError::Backslash),
            ("a\0b", NameError::Control),
            ("a\nb", NameError::Control),
            ("\u{1b}[2J", NameError::Control),
            ("\u{9b}2J", NameError::Control),
            ("e\u{301}", NameError::NotNormal),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<FileName>(), Err(error), "{text:?}");
        }
        assert_eq!(
            "é".repeat(128).parse::<FileName>(),
            Err(NameError::PartTooLong)
        );
        assert_eq!(
            "a/".repeat(512).parse::<FileName>(),
            Err(NameError::EmptyPart)
        );
        assert_eq!(
            "a/".repeat(513).parse::<FileName>(),
            Err(NameError::TooLong)
        );
    }

    #[test]
    fn a_local_name_is_normalized_once_and_stays_so() {
        let name = FileName::normalize("e\u{301}.txt").unwrap();
        assert_eq!(name.as_str(), "é.txt");
        assert_eq!(FileName::normalize(name.as_str()).unwrap(), name);
    }

    #[test]
    fn a_number_goes_before_the_extension_of_the_last_part() {
        let cases = [
            ("a.txt", "a (2).txt"),
            ("v1.2/notes", "v1.2/notes (2)"),
            (".profile", ".profile (2)"),
            ("x/a.tar.gz", "x/a.tar (2).gz"),
        ];
        for (from, to) in cases {
            let name: FileName = from.parse().unwrap();
            assert_eq!(name.numbered(2).unwrap().as_str(), to);
        }
    }

    #[test]
    fn user_names_are_letters_and_digits_and_never_paths_or_sql() {
        for text in ["alice", "Alice", "a.b_c-d", "张三", "x@y.z", "7"] {
            assert!(text.parse::<UserName>().is_ok(), "{text}");
        }
        let long = "a".repeat(65);
        for text in [
            "",
            "../x",
            "a/b",
            "' OR 1=1 --",
            "a b",
            "a,b",
            "a\n",
            "-x",
            ".x",
            &long,
        ] {
            assert!(text.parse::<UserName>().is_err(), "{text}");
        }
    }
}
