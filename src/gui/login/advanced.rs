//! What few need: the rest of what the command line has to say of a TLS connection.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Field, Missing};
use crate::lang::{Both, both};
use crate::pki::inspect;
use crate::text;
use crate::transport::{KeptSecrets, Policy, TlsVersion};

/// Bounds connecting and the handshake, when nothing else was typed.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The versions of TLS that are offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Versions {
    /// TLS 1.2 and 1.3.
    #[default]
    Both,
    /// TLS 1.2 alone.
    Old,
    /// TLS 1.3 alone.
    New,
}

impl Versions {
    /// All choices.
    pub const ALL: [Self; 3] = [Self::Both, Self::New, Self::Old];

    /// Its name.
    pub fn name(self) -> Both {
        match self {
            Self::Both => both("TLS 1.3 and 1.2", "TLS 1.3 和 1.2"),
            Self::Old => both("TLS 1.2 only", "仅 TLS 1.2"),
            Self::New => both("TLS 1.3 only", "仅 TLS 1.3"),
        }
    }
}

/// What is typed and chosen under "Advanced"; none of it is a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Advanced {
    /// The name the server's certificate must have; empty: the server's own.
    pub server_name: String,
    /// The file of the revoked; empty: none.
    pub revocation_list: String,
    /// The only public key accepted; empty: any.
    pub pin: String,
    /// Believe the CAs of the public web instead of a file's.
    pub public_roots: bool,
    /// The versions offered.
    pub versions: Versions,
    /// Keep the secrets of TLS in memory until another session begins, so that a capture can be saved with them.
    pub keep_secrets: bool,
    /// As `10s`; empty: [`CONNECT_TIMEOUT`].
    pub timeout: String,
}

impl Advanced {
    /// The versions, for the transport.
    pub fn policy(&self) -> Policy {
        let (min, max) = match self.versions {
            Versions::Both => (TlsVersion::V1_2, TlsVersion::V1_3),
            Versions::Old => (TlsVersion::V1_2, TlsVersion::V1_2),
            Versions::New => (TlsVersion::V1_3, TlsVersion::V1_3),
        };
        Policy {
            min,
            max,
            kept: self.keep_secrets.then(KeptSecrets::default),
            ..Policy::default()
        }
    }

    /// The pin, if there is one, or what is wrong with it.
    pub(super) fn pin(&self) -> Result<Option<String>, Missing> {
        match self.pin.trim() {
            "" => Ok(None),
            pin if inspect::is_pin(pin) => Ok(Some(pin.to_owned())),
            _ => Err(Missing::new(
                Field::Pin,
                ("this is no pin of a public key", "这不是公钥的固定值"),
                (
                    "a pin is sha256// and 44 characters; `sealpost pki fingerprint FILE` prints it",
                    "固定值是 sha256// 加 44 个字符；`sealpost pki fingerprint FILE` 可显示",
                ),
            )),
        }
    }

    /// How long connecting may take.
    pub(super) fn timeout(&self) -> Result<Duration, Missing> {
        let wrong = || {
            Missing::new(
                Field::Timeout,
                ("this is no duration", "这不是时长"),
                (
                    "give a number with ms, s or m, such as 10s",
                    "请输入带单位 ms、s 或 m 的数字，例如 10s",
                ),
            )
        };
        match self.timeout.trim() {
            "" => Ok(CONNECT_TIMEOUT),
            typed => match text::parse_duration(typed) {
                Ok(timeout) if !timeout.is_zero() => Ok(timeout),
                _ => Err(wrong()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_and_a_timeout_are_taken_only_when_they_make_sense() {
        let pin = format!("sha256//{}=", "A".repeat(43));
        for (pin, timeout, good) in [
            ("", "", true),
            (pin.as_str(), "500ms", true),
            ("sha256//short=", "10s", false),
            ("", "soon", false),
            ("", "0s", false),
        ] {
            let advanced = Advanced {
                pin: pin.to_owned(),
                timeout: timeout.to_owned(),
                ..Advanced::default()
            };
            let taken = advanced.pin().is_ok() && advanced.timeout().is_ok();
            assert_eq!(taken, good, "{pin} {timeout}");
        }
        assert_eq!(Advanced::default().timeout().ok(), Some(CONNECT_TIMEOUT));
    }

    #[test]
    fn the_versions_chosen_are_the_versions_offered() {
        for (versions, min, max) in [
            (Versions::Both, TlsVersion::V1_2, TlsVersion::V1_3),
            (Versions::Old, TlsVersion::V1_2, TlsVersion::V1_2),
            (Versions::New, TlsVersion::V1_3, TlsVersion::V1_3),
        ] {
            let advanced = Advanced {
                versions,
                ..Advanced::default()
            };
            let policy = advanced.policy();
            assert_eq!((policy.min, policy.max), (min, max));
        }
    }
}
