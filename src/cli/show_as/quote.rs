//! How values stand in other languages.

use std::path::{Path, PathBuf, absolute};

use crate::transport::{Policy, TlsVersion};

/// A word of a POSIX shell.
pub(super) fn shell(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+".contains(c);
    match !text.is_empty() && text.chars().all(safe) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// A string literal of JSON, which is one of Python too.
pub(super) fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A path that holds wherever the script is run.
pub(super) fn path(path: &Path) -> String {
    let path = absolute(path).unwrap_or_else(|_| PathBuf::from(path));
    path.display().to_string()
}

/// A host as it stands before a port: an address of IPv6 in brackets.
pub(super) fn host(host: &str) -> String {
    match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    }
}

/// The suites allowed, apart for TLS 1.2 in OpenSSL's own names and for TLS 1.3; none is "as it comes".
pub(super) fn ciphers(policy: &Policy) -> (Vec<String>, Vec<String>) {
    let all = policy.ciphers.iter().map(|name| name.to_ascii_uppercase());
    let (older, newer): (Vec<_>, Vec<_>) = all.partition(|name| name.contains("_WITH_"));
    let older = older.iter().map(|name| {
        let name = name.trim_start_matches("TLS_").replace("_WITH_", "_");
        let name = name.replace("AES_", "AES").replace('_', "-");
        name.replace("CHACHA20-POLY1305-SHA256", "CHACHA20-POLY1305")
    });
    (older.collect(), newer)
}

/// The groups allowed, in OpenSSL's names.
pub(super) fn groups(policy: &Policy) -> Vec<String> {
    let name = |group: &String| match group.to_ascii_lowercase().as_str() {
        "secp256r1" | "prime256v1" => "P-256".to_owned(),
        "secp384r1" => "P-384".to_owned(),
        "secp521r1" => "P-521".to_owned(),
        "x25519" => "X25519".to_owned(),
        "x25519mlkem768" => "X25519MLKEM768".to_owned(),
        _ => group.clone(),
    };
    policy.curves.iter().map(name).collect()
}

/// A version, with this between the two numbers: `1.2`, `1_2`.
pub(super) fn version(version: TlsVersion, between: char) -> String {
    match version {
        TlsVersion::V1_2 => format!("1{between}2"),
        TlsVersion::V1_3 => format!("1{between}3"),
    }
}

/// A comment, each of its lines behind a `#`.
pub(super) fn comment(text: &str) -> String {
    let mut comment = String::new();
    for line in text.lines() {
        comment.extend(["# ", line, "\n"]);
    }
    comment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_get_their_openssl_names_and_words_their_quotes() {
        let policy = Policy {
            ciphers: [
                "TLS_AES_128_GCM_SHA256",
                "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                "tls_ecdhe_rsa_with_chacha20_poly1305_sha256",
            ]
            .map(str::to_owned)
            .into(),
            ..Policy::default()
        };
        let (older, newer) = ciphers(&policy);
        let names = [
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            "ECDHE-RSA-CHACHA20-POLY1305",
        ];
        assert_eq!(older, names);
        assert_eq!(newer, ["TLS_AES_128_GCM_SHA256"]);
        assert_eq!(shell("a b'c"), r"'a b'\''c'");
        assert_eq!(shell("certs/ca.crt"), "certs/ca.crt");
        assert_eq!(host("::1"), "[::1]");
    }
}
