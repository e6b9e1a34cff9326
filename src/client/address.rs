//! Where a server is, as people write it.

use crate::config::DEFAULT_PORT;
use crate::error::{Error, Kind, Result};

/// Whether bytes to `host` never leave this machine.
pub fn is_this_machine(host: &str) -> bool {
    let address: Option<std::net::IpAddr> = host.parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

/// Reads `host`, `host:port`, `1.2.3.4:port`, `::1`, `[::1]:port`.
pub fn host_and_port(text: &str) -> Result<(String, u16)> {
    let wrong = || {
        Error::new(Kind::Usage, format!("{text} is not HOST or HOST:PORT"))
            .hint("such as 127.0.0.1:9999 or [::1]:9999")
    };
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or_else(wrong)?;
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().map_err(|_nan| wrong())?,
            None if port.is_empty() => DEFAULT_PORT,
            None => return Err(wrong()),
        };
        return Ok((host.to_owned(), port));
    }
    match text.rsplit_once(':') {
        Some((host, _)) if host.contains(':') => Ok((text.to_owned(), DEFAULT_PORT)),
        Some((host, port)) if !host.is_empty() => {
            Ok((host.to_owned(), port.parse().map_err(|_nan| wrong())?))
        }
        None if !text.is_empty() => Ok((text.to_owned(), DEFAULT_PORT)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_this_machine() {
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "::1"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["10.0.0.1", "example.org", "::2", "localhost.example.org"] {
            assert!(!is_this_machine(host), "{host}");
        }
    }

    #[test]
    fn a_host_may_have_a_port_and_may_be_an_address_of_either_kind() {
        for (text, host, port) in [
            ("localhost", "localhost", 9999),
            ("localhost:1", "localhost", 1),
            ("127.0.0.1:80", "127.0.0.1", 80),
            ("::1", "::1", 9999),
            ("[::1]", "::1", 9999),
            ("[::1]:5", "::1", 5),
        ] {
            assert_eq!(host_and_port(text).unwrap(), (host.to_owned(), port));
        }
        for text in ["", ":1", "a:b", "a:99999", "[::1", "[::1]x"] {
            assert_eq!(
                host_and_port(text).unwrap_err().kind(),
                Kind::Usage,
                "{text}"
            );
        }
    }
}
