//! Loads certificates, private keys and revocation lists as people have them, and says what is wrong with a
//! file in words: which file, what it holds instead, and what to do next.
//!
//! The only owner of rustls-pemfile (no longer maintained, RUSTSEC-2025-0134: a thin layer over
//! rustls-pki-types by now, kept because the project's user named it; see `.deny.toml`).

use std::path::Path;

use rcgen::{KeyPair, PublicKeyData as _};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, X509Certificate};

use super::passphrase::{self, Passphrase};
use super::pem::{self, Wanted};
use crate::error::{Error, Kind, Result};

/// The certificates of a file in their order, the leaf first in a chain: PEM, or one in DER.
///
/// `kind` is what a failure is: [`Kind::OwnCertificate`] for the own chain, [`Kind::CaFile`] for a CA.
pub fn certificates(path: &Path, kind: Kind) -> Result<Vec<CertificateDer<'static>>> {
    let (mut contents, bytes) = pem::read(path, kind, pem::FILE_BYTES_MAX)?;
    if contents.is_der() && X509Certificate::from_der(&bytes).is_ok() {
        contents.certificates.push(bytes.to_vec().into());
    }
    if contents.certificates.is_empty() {
        return Err(contents.lacks(path, kind, Wanted::Certificate));
    }
    for (place, certificate) in contents.certificates.iter().enumerate() {
        X509Certificate::from_der(certificate).map_err(|error| {
            let (place, file) = (place + 1, path.display());
            Error::new(kind, format!("certificate {place} of {file} is damaged"))
                .hint("copy the file again, whole, or issue a new one with `sealpost pki issue`")
                .zh(
                    format!("{file} 中的第 {place} 张证书已损坏"),
                    "请完整地重新复制该文件，或用 `sealpost pki issue` 签发新证书",
                )
                .source(error.to_string())
        })?;
    }
    Ok(contents.certificates)
}

/// The private key of a file: PKCS#8, PKCS#1 or SEC 1, in PEM or DER; PKCS#8 also under a passphrase.
///
/// Refuses a key that everybody on the machine can read or change, and warns of one that a group can.
pub fn private_key(path: &Path, passphrase: Option<&Passphrase>) -> Result<PrivateKeyDer<'static>> {
    let kind = Kind::OwnCertificate;
    let (mut contents, bytes) = pem::read(path, kind, pem::FILE_BYTES_MAX)?;
    if contents.is_old_encrypted_key {
        return Err(old_encryption(path));
    }
    if contents.is_der() {
        contents
            .keys
            .extend(PrivateKeyDer::try_from(bytes.to_vec()));
    }
    let key = match (contents.keys.pop(), contents.encrypted_keys.pop()) {
        (None, None) => return Err(contents.lacks(path, kind, Wanted::Key)),
        (Some(key), None) if contents.keys.is_empty() => key,
        (None, Some(locked)) if contents.encrypted_keys.is_empty() => {
            let passphrase = passphrase.ok_or_else(|| locked_without_passphrase(path))?;
            passphrase::unlock(&locked, passphrase, path)?.into()
        }
        _ => {
            let message = format!("{} holds more than one private key", path.display());
            return Err(Error::new(kind, message)
                .hint("leave only the one to use in the file")
                .zh(
                    format!("{} 中有多个私钥", path.display()),
                    "请只在文件中保留要使用的那一个",
                ));
        }
    };
    check_mode(path)?;
    Ok(key)
}

/// The error for a key under a passphrase when there is none and nobody to ask.
pub fn locked_without_passphrase(path: &Path) -> Error {
    let file = path.display();
    Error::new(
        Kind::OwnCertificate,
        format!("the key in {file} is under a passphrase"),
    )
    .hint("add `--pass prompt`, `--pass env:VARIABLE` or `--pass file:PATH`")
    .zh(
        format!("{file} 中的密钥受口令保护"),
        "请加上 `--pass prompt`、`--pass env:VARIABLE` 或 `--pass file:PATH`",
    )
}

/// Whether the key of a file is under a passphrase, so that one can be asked for before it is needed.
pub fn needs_passphrase(path: &Path) -> Result<bool> {
    let (contents, _) = pem::read(path, Kind::OwnCertificate, pem::FILE_BYTES_MAX)?;
    if contents.is_old_encrypted_key {
        return Err(old_encryption(path));
    }
    Ok(contents.keys.is_empty() && !contents.encrypted_keys.is_empty())
}

/// The revocation lists of a file: PEM, or one in DER.
pub fn revocation_lists(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    let (mut contents, bytes) = pem::read(path, Kind::CrlFile, pem::CRL_BYTES_MAX)?;
    if contents.is_der() && CertificateRevocationList::from_der(&bytes).is_ok() {
        contents.crls.push(bytes.to_vec().into());
    }
    if contents.crls.is_empty() {
        return Err(contents.lacks(path, Kind::CrlFile, Wanted::Crl));
    }
    for crl in &contents.crls {
        CertificateRevocationList::from_der(crl).map_err(|error| {
            let message = format!("the revocation list in {} is damaged", path.display());
            Error::new(Kind::CrlFile, message)
                .hint("write it again with `sealpost pki crl`, or fetch it again from its CA")
                .zh(
                    format!("{} 中的吊销列表已损坏", path.display()),
                    "请用 `sealpost pki crl` 重新生成，或向其 CA 重新获取",
                )
                .source(error.to_string())
        })?;
    }
    Ok(contents.crls)
}

/// The public key that belongs to `key`, as the DER of a `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7): equal
/// to the certificate's when the two belong together.
pub fn public_key(key: &PrivateKeyDer<'_>) -> Result<Vec<u8>> {
    key_pair(key).map(|pair| pair.subject_public_key_info())
}

/// The key as rcgen signs with it.
pub(super) fn key_pair(key: &PrivateKeyDer<'_>) -> Result<KeyPair> {
    KeyPair::try_from(key).map_err(|error| {
        let message = "the private key is of a kind that TLS does not use here";
        Error::new(Kind::OwnCertificate, message)
            .hint("use ECDSA P-256, P-384 or P-521, Ed25519, or RSA of 2048 to 8192 bits")
            .zh(
                "这种私钥不能用于这里的 TLS",
                "请使用 ECDSA P-256、P-384、P-521，Ed25519，或 2048 至 8192 位的 RSA",
            )
            .source(error)
    })
}

fn old_encryption(path: &Path) -> Error {
    let file = path.display();
    let message = format!("{file} is encrypted in OpenSSL's old form (Proc-Type: 4,ENCRYPTED)");
    let new = path.with_extension("new.key");
    let command = format!(
        "`openssl pkcs8 -topk8 -v2 aes256 -in {file} -out {}`",
        new.display()
    );
    Error::new(Kind::OwnCertificate, message)
        .hint(format!("convert it: {command}"))
        .zh(
            format!("{file} 用的是 OpenSSL 的旧式加密（Proc-Type: 4,ENCRYPTED）"),
            format!("请转换它：{command}"),
        )
}

/// What to say of a key file that a group can read or change, which may be meant so: a warning, or nothing.
///
/// [`private_key`] logs it; a program without a log says it itself.
pub fn mode_warning(path: &Path) -> Option<String> {
    let mode = mode(path)?;
    let file = path.display();
    (mode & 0o066 != 0 && mode & 0o006 == 0).then(|| {
        format!(
            "{file} can be read or changed by a group (mode {mode:03o}); `chmod 600 {file}` keeps it private"
        )
    })
}

/// ssh's rule, softened as people ask of other programs: what everybody can read is refused, what a group
/// can read is warned of.
fn check_mode(path: &Path) -> Result<()> {
    if let Some(warning) = mode_warning(path) {
        tracing::warn!("{warning}");
    }
    let file = path.display();
    match mode(path) {
        Some(mode) if mode & 0o006 != 0 => {
            let message = format!(
                "the private key {file} can be read or changed by everybody (mode {mode:03o})"
            );
            Err(Error::new(Kind::OwnCertificate, message)
                .hint(format!("run `chmod 600 {file}`"))
                .zh(
                    format!("任何人都能读取或修改私钥 {file}（权限 {mode:03o}）"),
                    format!("请运行 `chmod 600 {file}`"),
                ))
        }
        _ => Ok(()),
    }
}

/// The mode of a regular file; a pipe has none that matters, and other systems have other rules.
#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;

    let metadata = std::fs::metadata(path).ok()?;
    metadata
        .is_file()
        .then(|| metadata.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode(_path: &Path) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::super::testing::{openssl, set_mode, write};
    use super::*;

    fn refusal<T>(result: Result<T>) -> (String, String) {
        let error = result.err().expect("refused");
        let hint = error.next_step().unwrap_or_default().to_owned();
        (error.to_string(), hint)
    }

    #[test]
    fn a_key_is_read_in_each_form_and_a_passphrase_asked_for_only_where_there_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        for line in [
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256.key",
            "ecparam -name prime256v1 -genkey -out sec1.key",
            "genpkey -algorithm ED25519 -out ed25519.key",
            "genrsa -out rsa.key 2048",
            "genrsa -traditional -out pkcs1.key 2048",
            "rsa -in rsa.key -outform DER -out rsa.der.key",
        ] {
            let Some(made) = openssl(at, line) else {
                return;
            };
            made.unwrap();
        }
        for name in [
            "p256.key",
            "sec1.key",
            "ed25519.key",
            "rsa.key",
            "pkcs1.key",
            "rsa.der.key",
        ] {
            let key = private_key(&at.join(name), None).expect(name);
            public_key(&key).expect(name);
            assert!(!needs_passphrase(&at.join(name)).unwrap(), "{name}");
        }
    }

    #[test]
    fn a_locked_key_opens_with_its_passphrase_and_with_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        for (name, how) in [
            ("aes.key", "-aes256"),
            ("des3.key", "-des3"),
            ("aes128.key", "-aes128"),
        ] {
            let line = format!("genrsa {how} -passout pass:right -out {name} 2048");
            let Some(made) = openssl(at, &line) else {
                return;
            };
            made.unwrap();
            let path = at.join(name);
            assert!(needs_passphrase(&path).unwrap());
            private_key(&path, Some(&"right".into())).expect(name);
            let (message, _) = refusal(private_key(&path, Some(&"wrong".into())));
            assert!(message.ends_with("is wrong"), "{message}");
            let (message, hint) = refusal(private_key(&path, None));
            assert!(message.ends_with("is under a passphrase"), "{message}");
            assert!(hint.contains("--pass prompt"), "{hint}");
        }
    }

    #[test]
    fn a_key_locked_here_is_opened_by_openssl_and_here() {
        let dir = tempfile::tempdir().unwrap();
        let pair = KeyPair::generate().unwrap();
        let locked = passphrase::lock(pair.serialized_der(), &"right".into()).unwrap();
        let path = write(
            dir.path(),
            "k.key",
            pem::encode(pem::ENCRYPTED_KEY_LABEL, &locked).unwrap(),
        );
        let key = private_key(&path, Some(&"right".into())).unwrap();
        assert_eq!(key.secret_der(), pair.serialized_der());
        assert!(passphrase::lock(pair.serialized_der(), &"".into()).is_err());
        if let Some(read) = openssl(dir.path(), "pkey -in k.key -passin pass:right -noout") {
            read.unwrap();
        }
    }

    #[test]
    fn the_old_encrypted_form_is_answered_with_the_command_that_converts_it() {
        let dir = tempfile::tempdir().unwrap();
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                   DEK-Info: DES-EDE3-CBC,3F17F5316E2BAC89\n\nQUJD\n-----END RSA PRIVATE KEY-----\n";
        let path = write(dir.path(), "old.key", old);
        for refused in [
            refusal(private_key(&path, Some(&"x".into()))),
            refusal(needs_passphrase(&path)),
        ] {
            assert!(refused.0.contains("Proc-Type"), "{}", refused.0);
            assert!(
                refused.1.contains("openssl pkcs8 -topk8 -v2 aes256 -in"),
                "{}",
                refused.1
            );
        }
    }

    #[test]
    fn a_file_that_holds_something_else_is_said_to() {
        let dir = tempfile::tempdir().unwrap();
        let pair = KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default()
            .self_signed(&pair)
            .unwrap();
        let key = write(dir.path(), "a.key", pair.serialize_pem());
        let crt = write(dir.path(), "a.crt", certificate.pem());
        let der = write(dir.path(), "a.cer", certificate.der());
        assert_eq!(
            certificates(&crt, Kind::CaFile).unwrap(),
            certificates(&der, Kind::CaFile).unwrap()
        );
        private_key(&key, None).unwrap();

        let (message, _) = refusal(private_key(&crt, None));
        assert!(
            message.ends_with("holds a certificate, not a private key"),
            "{message}"
        );
        let (message, _) = refusal(private_key(&der, None));
        assert!(
            message.ends_with("holds other binary data, not a private key"),
            "{message}"
        );
        let (message, _) = refusal(certificates(&key, Kind::CaFile));
        assert!(
            message.ends_with("holds a private key, not a certificate"),
            "{message}"
        );
        let (message, _) = refusal(revocation_lists(&crt));
        assert!(message.contains("holds a certificate, not a certificate revocation list"));
        for (bytes, says) in [
            (&b" \n"[..], "is empty"),
            (
                b"\xff\xfe-\0",
                "is text in UTF-16, which no TLS program reads",
            ),
            (
                b"\x30\x82\x01\x02\x02\x01\x03\x30",
                "holds a PKCS#12 bundle, not a certificate",
            ),
            (b"hello", "holds nothing in PEM form, not a certificate"),
            (
                b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
                "InvalidCharacter",
            ),
            (
                b"-----BEGIN CERTIFICATE-----\nQUJD\n",
                "is damaged: section end \"CERTIFICATE\" missing",
            ),
            (
                b"-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n",
                "is damaged",
            ),
        ] {
            let path = write(dir.path(), "x", bytes);
            let error = certificates(&path, Kind::CaFile).unwrap_err();
            assert!(error.to_string().contains(says), "{error} / {says}");
            assert_eq!(error.kind(), Kind::CaFile);
        }
        let missing = private_key(&dir.path().join("none"), None).unwrap_err();
        assert_eq!(missing.kind(), Kind::OwnCertificate);
    }

    #[cfg(unix)]
    #[test]
    fn a_key_for_everybody_is_refused_and_one_for_the_group_or_the_owner_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let pair = KeyPair::generate().unwrap();
        let path = write(dir.path(), "a.key", pair.serialize_pem());
        for mode in [0o600, 0o400, 0o640] {
            set_mode(&path, mode);
            private_key(&path, None).unwrap();
            assert_eq!(mode_warning(&path).is_some(), mode == 0o640, "{mode:o}");
        }
        for mode in [0o644, 0o604, 0o666] {
            set_mode(&path, mode);
            let (message, hint) = refusal(private_key(&path, None));
            assert!(message.contains("by everybody"), "{message}");
            assert!(hint.starts_with("run `chmod 600 "), "{hint}");
        }
    }
}
