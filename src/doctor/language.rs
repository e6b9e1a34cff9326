//! Who answers on a port: Sealpost in plain, TLS, or something else.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::text::escape;

/// How long a server that speaks first is waited for: SSH, FTP and SMTP greet at once.
const GREETING_WAIT: Duration = Duration::from_millis(300);

/// Bytes of an answer that are looked at.
const ANSWER_BYTES: usize = 200;

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// TLS.
    Tls,
    /// Sealpost without TLS.
    Plain,
    /// A web server without TLS.
    Http,
    /// SSH, by its greeting.
    Ssh(String),
    /// Another one, by how its answer begins.
    Other(String),
    /// It says nothing that could be understood.
    Silent,
}

impl Language {
    /// By the first bytes of an answer.
    pub(super) fn of(answer: &str) -> Self {
        let begins = answer.trim_start();
        match () {
            () if begins.is_empty() => Self::Silent,
            () if begins.contains("{\"ok\":") => Self::Plain,
            () if begins.starts_with("HTTP/") || begins.starts_with("<!DOCTYPE") => Self::Http,
            () if begins.starts_with("SSH-") => Self::Ssh(begins.to_owned()),
            () => Self::Other(begins.to_owned()),
        }
    }
}

/// What the server says of its own accord.
pub(super) fn greeting(address: SocketAddr, timeout: Duration) -> Option<Language> {
    let answer = ask(address, timeout, b"", GREETING_WAIT)?;
    (!answer.is_empty()).then(|| Language::of(&answer))
}

/// Whether it is a web server.
pub(super) fn web(address: SocketAddr, timeout: Duration) -> Language {
    let request = b"GET / HTTP/1.0\r\n\r\n";
    ask(address, timeout, request, timeout).map_or(Language::Silent, |answer| Language::of(&answer))
}

fn ask(address: SocketAddr, timeout: Duration, request: &[u8], wait: Duration) -> Option<String> {
    let mut tcp = TcpStream::connect_timeout(&address, timeout).ok()?;
    tcp.set_read_timeout(Some(wait.max(GREETING_WAIT))).ok()?;
    tcp.set_write_timeout(Some(timeout)).ok()?;
    tcp.write_all(request).ok()?;
    let mut answer = [0; ANSWER_BYTES];
    let length = tcp.read(&mut answer).unwrap_or(0);
    let answer = String::from_utf8_lossy(&answer[..length]);
    Some(escape(answer.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_who_answers() {
        for (answer, language) in [
            ("", Language::Silent),
            ("HTTP/1.1 400 Bad Request", Language::Http),
            ("\\u{0}\\u{0}\\u{0}]{\"ok\":false", Language::Plain),
            (
                "SSH-2.0-OpenSSH_9.2",
                Language::Ssh("SSH-2.0-OpenSSH_9.2".into()),
            ),
            ("220 mail", Language::Other("220 mail".into())),
        ] {
            assert_eq!(Language::of(answer), language);
        }
    }
}
