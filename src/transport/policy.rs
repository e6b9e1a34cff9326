//! What TLS is allowed: versions, cipher suites, key exchange groups, key log. The same for both sides.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{KeyLog, SupportedProtocolVersion};

use super::Clock;
use super::keylog::{KeptSecrets, KeyLogFile};
use crate::error::{Error, Kind, Result};

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// RFC 5246, with its AEAD cipher suites only.
    V1_2,
    /// RFC 8446.
    V1_3,
}

/// What a server remembers of earlier sessions (RFC 8446 §2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resumption {
    /// Nothing: every handshake is a full one.
    Off,
    /// Sessions in memory; the client gets a reference.
    #[default]
    Cache,
    /// Nothing; the client keeps the session, encrypted for the server.
    Tickets,
}

/// What TLS is allowed.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The oldest version.
    pub min: TlsVersion,
    /// The newest version.
    pub max: TlsVersion,
    /// Cipher suites by IANA name, in order; empty is all that rustls offers.
    pub ciphers: Vec<String>,
    /// Key exchange groups, in order; empty is all, X25519MLKEM768 first.
    pub curves: Vec<String>,
    /// Where to append the session secrets, for Wireshark.
    pub keylog: Option<PathBuf>,
    /// Where to keep the session secrets in memory, when there is no such file.
    pub kept: Option<KeptSecrets>,
    /// By which certificates and revocation lists are judged.
    pub clock: Clock,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            min: TlsVersion::V1_2,
            max: TlsVersion::V1_3,
            ciphers: Vec::new(),
            curves: Vec::new(),
            keylog: None,
            kept: None,
            clock: Clock::default(),
        }
    }
}

impl Policy {
    /// This version alone; all else as usual.
    pub fn only(version: TlsVersion) -> Self {
        Self {
            min: version,
            max: version,
            ..Self::default()
        }
    }

    /// The versions allowed, for rustls.
    pub(super) fn versions(&self) -> Result<Vec<&'static SupportedProtocolVersion>> {
        if self.min > self.max {
            return Err(Error::new(
                Kind::Usage,
                "the oldest TLS version allowed is newer than the newest",
            )
            .hint("give --tls-min at most --tls-max")
            .zh(
                "允许的最低 TLS 版本高于最高版本",
                "--tls-min 不能高于 --tls-max",
            ));
        }
        let all = [
            (TlsVersion::V1_3, &rustls::version::TLS13),
            (TlsVersion::V1_2, &rustls::version::TLS12),
        ];
        let allowed = all
            .into_iter()
            .filter(|(v, _)| (self.min..=self.max).contains(v));
        Ok(allowed.map(|(_, version)| version).collect())
    }

    /// aws-lc-rs, cut down to the cipher suites and groups allowed. Always passed explicitly: which
    /// provider runs must not depend on what else a build switches on.
    pub(super) fn provider(&self) -> Result<Arc<CryptoProvider>> {
        let mut provider = aws_lc_rs::default_provider();
        if !self.ciphers.is_empty() {
            let all = std::mem::take(&mut provider.cipher_suites);
            provider.cipher_suites = choose(
                &self.ciphers,
                &all,
                suite_name,
                ("cipher suite", "密码套件"),
            )?;
        }
        if !self.curves.is_empty() {
            let all = aws_lc_rs::ALL_KX_GROUPS.to_vec();
            let name =
                |group: &&dyn rustls::crypto::SupportedKxGroup| format!("{:?}", group.name());
            provider.kx_groups = choose(
                &self.curves,
                &all,
                name,
                ("key exchange group", "密钥交换组"),
            )?;
        }
        Ok(Arc::new(provider))
    }

    /// The key log, or nothing.
    pub(super) fn key_log(&self) -> Result<Arc<dyn KeyLog>> {
        match (&self.keylog, &self.kept) {
            (Some(path), _) => Ok(Arc::new(KeyLogFile::open(path)?)),
            (None, Some(kept)) => Ok(Arc::new(kept.clone())),
            (None, None) => Ok(Arc::new(rustls::NoKeyLog)),
        }
    }
}

/// The IANA name: rustls marks the suites of 1.3 by a prefix the RFC does not have (RFC 8446 §B.4).
fn suite_name(suite: &rustls::SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite()).replace("TLS13_", "TLS_")
}

/// Every cipher suite there is, by IANA name, with its version.
pub fn cipher_suites() -> Vec<(TlsVersion, String)> {
    let suites = aws_lc_rs::default_provider().cipher_suites;
    let named = suites.iter().map(|suite| {
        let version = match suite.tls13() {
            Some(_) => TlsVersion::V1_3,
            None => TlsVersion::V1_2,
        };
        (version, suite_name(suite))
    });
    named.collect()
}

/// Those of `all` that `wanted` names, in its order; an unknown name is answered with the valid ones.
fn choose<T: Clone>(
    wanted: &[String],
    all: &[T],
    name: impl Fn(&T) -> String,
    (what, what_zh): (&str, &str),
) -> Result<Vec<T>> {
    let find = |word: &String| {
        let found = all.iter().find(|each| same(&name(each), word));
        found.cloned().ok_or_else(|| {
            let valid: Vec<String> = all.iter().map(&name).collect();
            Error::new(Kind::Cipher, format!("there is no {what} {word}"))
                .hint(format!("valid are: {}", valid.join(", ")))
                .zh(
                    format!("没有名为 {word} 的{what_zh}"),
                    format!("可用的有：{}", valid.join("、")),
                )
        })
    };
    wanted.iter().map(find).collect()
}

/// `secp256r1`, `SECP256R1` and OpenSSL's `P-256` are one.
fn same(name: &str, word: &str) -> bool {
    let word = match word.to_ascii_lowercase().as_str() {
        "p-256" | "prime256v1" => "secp256r1".to_owned(),
        "p-384" => "secp384r1".to_owned(),
        "p-521" => "secp521r1".to_owned(),
        other => other.to_owned(),
    };
    name.eq_ignore_ascii_case(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_suite_or_group_is_answered_with_the_valid_ones() {
        let policy = Policy {
            ciphers: vec!["RC4-MD5".into()],
            ..Policy::default()
        };
        let error = policy.provider().unwrap_err();
        assert_eq!(error.kind(), Kind::Cipher);
        assert!(
            error
                .next_step()
                .unwrap()
                .contains("TLS_AES_256_GCM_SHA384")
        );

        let policy = Policy {
            curves: vec!["x25519".into(), "P-256".into()],
            ciphers: vec!["tls_aes_128_gcm_sha256".into()],
            ..Policy::default()
        };
        let provider = policy.provider().unwrap();
        assert_eq!(provider.kx_groups.len(), 2);
        assert_eq!(provider.cipher_suites.len(), 1);
    }

    #[test]
    fn versions_are_a_range_and_an_empty_one_is_refused() {
        let policy = |min, max| Policy {
            min,
            max,
            ..Policy::default()
        };
        let (old, new) = (TlsVersion::V1_2, TlsVersion::V1_3);
        assert_eq!(policy(old, new).versions().unwrap().len(), 2);
        assert_eq!(policy(new, new).versions().unwrap().len(), 1);
        assert_eq!(policy(new, old).versions().unwrap_err().kind(), Kind::Usage);
    }
}
