//! The TLS options both sides have.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::transport::{Policy, TlsVersion};

/// Versions, cipher suites, groups, key log.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsOptions {
    /// The oldest TLS version allowed
    #[arg(long, value_name = "VERSION", default_value = "1.2")]
    tls_min: Version,
    /// The newest TLS version allowed
    #[arg(long, value_name = "VERSION", default_value = "1.3")]
    tls_max: Version,
    /// Cipher suites allowed, by IANA name, separated by commas or colons; a wrong one prints the list
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    ciphers: Vec<String>,
    /// Key exchange groups allowed, in order, such as X25519MLKEM768,X25519
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    curves: Vec<String>,
    /// Append the session secrets to this file, so that Wireshark can decrypt; a client
    /// also takes SSLKEYLOGFILE
    #[arg(long, value_name = "FILE")]
    keylog: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Version {
    #[value(name = "1.2", alias = "TLSv1.2")]
    V1_2,
    #[value(name = "1.3", alias = "TLSv1.3")]
    V1_3,
}

impl From<Version> for TlsVersion {
    fn from(version: Version) -> Self {
        match version {
            Version::V1_2 => Self::V1_2,
            Version::V1_3 => Self::V1_3,
        }
    }
}

impl TlsOptions {
    /// A client's policy: a browser's `SSLKEYLOGFILE` counts as `--keylog`.
    pub(crate) fn policy(&self) -> Policy {
        let from_environment = || std::env::var_os("SSLKEYLOGFILE").map(PathBuf::from);
        Policy {
            keylog: self.keylog.clone().or_else(from_environment),
            ..self.server_policy()
        }
    }

    /// A server's policy: its secrets are everybody's, so only the flag counts.
    pub(crate) fn server_policy(&self) -> Policy {
        let split = |list: &[String]| {
            let words = list.iter().flat_map(|item| item.split(':'));
            words
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        };
        Policy {
            min: self.tls_min.into(),
            max: self.tls_max.into(),
            ciphers: split(&self.ciphers),
            curves: split(&self.curves),
            keylog: self.keylog.clone(),
            ..Policy::default()
        }
    }
}
