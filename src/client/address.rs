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
    host_and_own_port(text).map(|(host, port)| (host, port.unwrap_or(DEFAULT_PORT)))
}

/// As [`host_and_port`]; no port when none was written.
pub fn host_and_own_port(text: &str) -> Result<(String, Option<u16>)> {
    let wrong = || {
        Error::new(Kind::Usage, format!("{text} is not HOST or HOST:PORT"))
            .hint("such as 127.0.0.1:9999 or [::1]:9999")
            .zh(
                format!("{text} 不是 HOST 或 HOST:PORT 的形式"),
                "例如 127.0.0.1:9999 或 [::1]:9999",
            )
    };
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or_else(wrong)?;
        let port = match port.strip_prefix(':') {
            Some(port) => Some(port.parse().map_err(|_nan| wrong())?),
            None if port.is_empty() => None,
            None => return Err(wrong()),
        };
        return Ok((host.to_owned(), port));
    }
    match text.rsplit_once(':') {
        Some((host, _)) if host.contains(':') => Ok((text.to_owned(), None)),
        Some((host, port)) if !host.is_empty() => {
            Ok((host.to_owned(), Some(port.parse().map_err(|_nan| wrong())?)))
        }
        None if !text.is_empty() => Ok((text.to_owned(), None)),
        _ => Err(wrong()),
    }
}

/// Writes host and port so that [`host_and_port`] reads them again.
pub fn place(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
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
            let read = host_and_port(text).unwrap();
            assert_eq!(read, (host.to_owned(), port));
            assert_eq!(host_and_port(&place(host, port)).unwrap(), read);
            let own = host_and_own_port(text).unwrap().1;
            assert_eq!(own.is_some(), text.ends_with(&format!(":{port}")), "{text}");
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
