//! The one error type: what went wrong, what to do next, and which exit code says so.
//!
//! Three audiences get three texts. A peer is told a [`Code`] of the protocol and a short sentence; the
//! log gets the cause; the user gets [`Error`]: one line of what is wrong, one line of what to do next,
//! and, on request, the chain of causes.
//!
//! Every function of the library that can fail returns this type, so "Errors" is documented here once:
//! [`Kind`] lists when each kind happens.

use std::error::Error as StdError;
use std::{fmt, io};

use crate::lang::{Both, Lang, both};
use crate::protocol::Code;

/// The result of anything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, for the person at the keyboard.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: Kind,
    message: String,
    hint: Option<String>,
    chinese: Option<(String, String)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A new error of `kind`; `message` is lower case and without a full stop.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                hint: None,
                chinese: None,
                source: None,
            }),
        }
    }

    /// Adds what to do next: one sentence, naming the command where there is one.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.inner.hint = Some(hint.into());
        self
    }

    /// Adds what is wrong and what to do next in Simplified Chinese.
    #[must_use]
    pub fn zh(mut self, message: impl Into<String>, hint: impl Into<String>) -> Self {
        self.inner.chinese = Some((message.into(), hint.into()));
        self
    }

    /// Adds the cause, shown with `-v`.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Adds what it is about, in brackets: a connection's id, a file's name.
    #[must_use]
    pub fn about(mut self, what: impl fmt::Display) -> Self {
        self.inner.message = format!("{} [{what}]", self.inner.message);
        if let Some((message, _)) = &mut self.inner.chinese {
            *message = format!("{message} [{what}]");
        }
        self
    }

    /// As [`Error::about`], in both languages.
    #[must_use]
    pub fn about_both(mut self, what: &Both) -> Self {
        self.inner.message = format!("{} [{}]", self.inner.message, what.en);
        if let Some((message, _)) = &mut self.inner.chinese {
            *message = format!("{message} [{}]", what.zh);
        }
        self
    }

    /// Which kind it is; decides the exit code.
    pub fn kind(&self) -> Kind {
        self.inner.kind
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// What to do next.
    pub fn next_step(&self) -> Option<&str> {
        self.inner.hint.as_deref()
    }

    /// What is wrong and what to do next in Simplified Chinese, where it is known so.
    pub fn chinese(&self) -> Option<(&str, &str)> {
        let (message, hint) = self.inner.chinese.as_ref()?;
        Some((message, hint))
    }

    /// What is wrong and what to do next, in `lang` or else in English.
    pub fn told_in(&self, lang: Lang) -> (&str, Option<&str>) {
        match (lang, self.chinese()) {
            (Lang::Chinese, Some((message, hint))) => (message, Some(hint)),
            _ => (self.message(), self.next_step()),
        }
    }

    /// What is wrong, in both languages; where it is not known in Chinese, in English twice.
    pub fn message_both(&self) -> Both {
        let (chinese, _) = self.told_in(Lang::Chinese);
        both(self.message(), chinese)
    }

    /// An error about reading or writing a local file: `what` is a verb phrase such as `read data/users.csv`.
    pub fn io(kind: Kind, what: impl fmt::Display, error: io::Error) -> Self {
        let (hint, hint_zh) = match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::NotADirectory => ("check the path", "请检查路径"),
            io::ErrorKind::PermissionDenied => (
                "check the owner and the mode of the file and its folder",
                "请检查文件及其文件夹的所有者和权限",
            ),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (
                "free some room on that disk, then try again",
                "请在该磁盘上腾出空间，然后重试",
            ),
            io::ErrorKind::FileTooLarge => (
                "the file system or `ulimit -f` allows no larger file there: choose another place",
                "文件系统或 `ulimit -f` 不允许更大的文件：请选择其他位置",
            ),
            io::ErrorKind::ReadOnlyFilesystem => (
                "choose a folder that can be written to",
                "请选择可以写入的文件夹",
            ),
            // Every error has a next step (COMMANDS, "Output"), the rare ones too.
            _ => (
                "check the disk and the path, then try again",
                "请检查磁盘和路径，然后重试",
            ),
        };
        let what = what.to_string();
        let message_zh = format!("无法{}：{}", chinese_verb(&what), chinese_io(&error));
        Self::new(kind, format!("cannot {what}: {}", plain(&error)))
            .hint(hint)
            .zh(message_zh, hint_zh)
            .source(error)
    }
}

/// A phrase such as `read data/users.csv`, its verb in Chinese where it is one of the usual.
fn chinese_verb(what: &str) -> String {
    let Some((verb, rest)) = what.split_once(' ') else {
        return what.to_owned();
    };
    let verb = match verb {
        "read" => "读取",
        "write" => "写入",
        "create" => "创建",
        "open" => "打开",
        "remove" => "删除",
        "rename" => "重命名",
        _ => return format!(" {what}"),
    };
    format!("{verb} {rest}")
}

/// What went wrong, in Chinese where it is usual.
pub(crate) fn chinese_io(error: &io::Error) -> String {
    let text = match error.kind() {
        io::ErrorKind::NotFound => "没有这个文件或文件夹",
        io::ErrorKind::PermissionDenied => "没有权限",
        io::ErrorKind::AlreadyExists => "已存在",
        io::ErrorKind::IsADirectory => "是文件夹",
        io::ErrorKind::NotADirectory => "不是文件夹",
        io::ErrorKind::StorageFull => "磁盘已满",
        io::ErrorKind::QuotaExceeded => "超出配额",
        io::ErrorKind::FileTooLarge => "文件太大",
        io::ErrorKind::ReadOnlyFilesystem => "文件系统只读",
        _ => return plain(error),
    };
    text.to_owned()
}

/// The text of an I/O error without Rust's "(os error 2)" tail.
pub fn plain(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        // rustls would explain close_notify here, with a link.
        return "the stream ended in the middle, without a goodbye".to_owned();
    }
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_lowercase(),
        None => text,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("message", &self.inner.message)
            .field("hint", &self.inner.hint)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as _)
    }
}

/// When an error happens, and which exit code says so: curl's numbers where one fits
/// (<https://curl.se/libcurl/c/libcurl-errors.html>), so that they can be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Anything without a number of its own.
    Other,
    /// The command line or a configuration value makes no sense.
    Usage,
    /// A host name has no address.
    Resolve,
    /// No connection: refused, unreachable, or the server is full or stopping.
    Connect,
    /// The peer does not keep to the protocol.
    Protocol,
    /// Logged in, but not allowed.
    Forbidden,
    /// The bytes ended early or are not the promised ones.
    Partial,
    /// A local file cannot be written.
    LocalWrite,
    /// A local file cannot be read.
    LocalRead,
    /// A deadline passed.
    Timeout,
    /// The TLS handshake failed for a reason without a number of its own.
    Handshake,
    /// The own certificate or private key cannot be used.
    OwnCertificate,
    /// The two sides have no TLS version or cipher suite in common, or the list given is wrong.
    Cipher,
    /// The peer's certificate is not trusted.
    PeerCertificate,
    /// The file is too large, or the quota is used up.
    TooLarge,
    /// Login refused.
    LoginRefused,
    /// The disk of the server is full.
    ServerFull,
    /// A file or a name exists already.
    Exists,
    /// The CA file cannot be used.
    CaFile,
    /// No such file.
    NotFound,
    /// TLS ended without its goodbye.
    TlsClose,
    /// A certificate revocation list cannot be used.
    CrlFile,
    /// The peer's public key is not the pinned one.
    Pin,
    /// The server wants a client certificate.
    ClientCertificateRequired,
    /// Interrupted from the keyboard.
    Interrupted,
}

impl Kind {
    /// The exit code of the program.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::Usage => 2,
            Self::Resolve => 6,
            Self::Connect => 7,
            Self::Protocol => 8,
            Self::Forbidden => 9,
            Self::Partial => 18,
            Self::LocalWrite => 23,
            Self::LocalRead => 26,
            Self::Timeout => 28,
            Self::Handshake => 35,
            Self::OwnCertificate => 58,
            Self::Cipher => 59,
            Self::PeerCertificate => 60,
            Self::TooLarge => 63,
            Self::LoginRefused => 67,
            Self::ServerFull => 70,
            Self::Exists => 73,
            Self::CaFile => 77,
            Self::NotFound => 78,
            Self::TlsClose => 80,
            Self::CrlFile => 82,
            Self::Pin => 90,
            Self::ClientCertificateRequired => 98,
            Self::Interrupted => 130,
        }
    }

    /// The word for programs, as `--json` prints it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Usage => "usage",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Protocol => "protocol",
            Self::Forbidden => "forbidden",
            Self::Partial => "partial",
            Self::LocalWrite => "local_write",
            Self::LocalRead => "local_read",
            Self::Timeout => "timeout",
            Self::Handshake => "handshake",
            Self::OwnCertificate => "own_certificate",
            Self::Cipher => "cipher",
            Self::PeerCertificate => "peer_certificate",
            Self::TooLarge => "too_large",
            Self::LoginRefused => "login_refused",
            Self::ServerFull => "server_full",
            Self::Exists => "exists",
            Self::CaFile => "ca_file",
            Self::NotFound => "not_found",
            Self::TlsClose => "tls_close",
            Self::CrlFile => "crl_file",
            Self::Pin => "pin",
            Self::ClientCertificateRequired => "client_certificate_required",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<Code> for Kind {
    fn from(code: Code) -> Self {
        match code {
            Code::BadRequest | Code::UnsupportedVersion => Self::Protocol,
            Code::LoginRequired | Code::LoginFailed | Code::RateLimited => Self::LoginRefused,
            Code::RegisterClosed | Code::Forbidden => Self::Forbidden,
            Code::NameTaken | Code::Exists => Self::Exists,
            Code::NotFound => Self::NotFound,
            Code::TooLarge | Code::QuotaExceeded => Self::TooLarge,
            Code::NoSpace => Self::ServerFull,
            Code::ChecksumMismatch => Self::Partial,
            Code::Busy | Code::ShuttingDown => Self::Connect,
            Code::Timeout => Self::Timeout,
            Code::Internal | Code::Unknown => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_told_without_the_number_and_with_a_next_step() {
        let error = Error::io(
            Kind::LocalRead,
            "read a.txt",
            io::Error::from_raw_os_error(2),
        );
        assert_eq!(
            error.to_string(),
            "cannot read a.txt: no such file or directory"
        );
        assert_eq!(error.next_step(), Some("check the path"));
        assert_eq!(error.kind().exit_code(), 26);
    }
}
