//! Why a request was refused, as the peer is told.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The code of a refusal; PROTOCOL's whole list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The bytes are not a request of this protocol; ends the connection.
    BadRequest,
    /// `hello` asked for a version this server does not speak; ends the connection.
    UnsupportedVersion,
    /// The operation needs a login first.
    LoginRequired,
    /// User, password or certificate is wrong; never says which.
    LoginFailed,
    /// This server takes no new users.
    RegisterClosed,
    /// The user name is taken.
    NameTaken,
    /// Logged in, but not allowed.
    Forbidden,
    /// No such file.
    NotFound,
    /// The name is taken by another file.
    Exists,
    /// Larger than the server takes.
    TooLarge,
    /// The user's quota would be exceeded.
    QuotaExceeded,
    /// The server's disk is full.
    NoSpace,
    /// The bytes received do not have the digest announced.
    ChecksumMismatch,
    /// Too many connections or logins at once.
    Busy,
    /// Too many failures from this address or for this user.
    RateLimited,
    /// A deadline passed; ends the connection.
    Timeout,
    /// The server is stopping; ends the connection.
    ShuttingDown,
    /// Something broke inside the server; its log says what.
    Internal,
    /// A code of a later version of the protocol; never sent.
    #[serde(other)]
    Unknown,
}

impl Code {
    /// Whether the connection ends after this refusal, wherever it was said.
    pub fn ends_connection(self) -> bool {
        matches!(
            self,
            Self::BadRequest | Self::UnsupportedVersion | Self::Timeout | Self::ShuttingDown
        )
    }

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::UnsupportedVersion => "unsupported_version",
            Self::LoginRequired => "login_required",
            Self::LoginFailed => "login_failed",
            Self::RegisterClosed => "register_closed",
            Self::NameTaken => "name_taken",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Exists => "exists",
            Self::TooLarge => "too_large",
            Self::QuotaExceeded => "quota_exceeded",
            Self::NoSpace => "no_space",
            Self::ChecksumMismatch => "checksum_mismatch",
            Self::Busy => "busy",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::ShuttingDown => "shutting_down",
            Self::Internal => "internal",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A refusal: the code for programs, the message for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why, for programs.
    pub code: Code,
    /// Why, for people; may change.
    pub message: String,
}

impl Refusal {
    /// A refusal with `code`; `message` is lower case and without a full stop.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_what_travels_and_later_codes_are_read() {
        let json = serde_json::to_string(&Code::ChecksumMismatch).unwrap();
        assert_eq!(json, "\"checksum_mismatch\"");
        assert_eq!(Code::ChecksumMismatch.word(), "checksum_mismatch");
        let later: Code = serde_json::from_str("\"of_version_9\"").unwrap();
        assert_eq!(later, Code::Unknown);
    }
}
