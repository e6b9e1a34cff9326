//! A key under a passphrase: PKCS#8 with PBES2 (RFC 8018), as `openssl genpkey -aes256` and `-des3` make it.

use std::fmt;
use std::path::Path;

use aws_lc_rs::rand;
use pkcs8::der::Encode as _;
use pkcs8::der::asn1::{AnyRef, Null, OctetString, OctetStringRef};
use pkcs8::pkcs5::{self, pbes2};
use pkcs8::{
    AlgorithmIdentifierRef, EncryptedPrivateKeyInfoOwned, EncryptedPrivateKeyInfoRef,
    ObjectIdentifier, PrivateKeyInfoRef,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::keys::key_pair;
use crate::error::{Error, Kind, Result};

/// PBKDF2 rounds for keys locked here (OWASP's figure for HMAC-SHA-256). OpenSSL's own default is 2,048.
const PBKDF2_ROUNDS: u32 = 600_000;

/// PBKDF2 rounds believed when a file asks for them: more would let a file hang the program.
const PBKDF2_ROUNDS_MAX: u32 = 10_000_000;

/// A passphrase; wiped from memory when dropped, never printed.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl From<Zeroizing<String>> for Passphrase {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

impl From<&str> for Passphrase {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

impl Passphrase {
    /// Whether there is nothing in it; an empty passphrase protects nothing and is refused when set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The key in `encrypted`, the DER of an `EncryptedPrivateKeyInfo` (RFC 5958 §3) read from `path`.
pub(super) fn unlock(
    encrypted: &[u8],
    passphrase: &Passphrase,
    path: &Path,
) -> Result<PrivatePkcs8KeyDer<'static>> {
    let file = path.display();
    let info = EncryptedPrivateKeyInfoRef::try_from(encrypted).map_err(|error| {
        Error::new(
            Kind::OwnCertificate,
            format!("the encrypted key in {file} is damaged"),
        )
        .hint("copy the file again, whole")
        .zh(
            format!("{file} 中的加密密钥已损坏"),
            "请完整地重新复制该文件",
        )
        .source(error.to_string())
    })?;
    refuse_unusable(&info, path)?;
    let wrong = || {
        Error::new(
            Kind::OwnCertificate,
            format!("the passphrase of {file} is wrong"),
        )
        .hint("try again: `--pass` (for a CA's key `--ca-pass`) takes prompt, env:VARIABLE or file:PATH")
        .zh(
            format!("{file} 的口令不正确"),
            "请重试：`--pass`（CA 的密钥用 `--ca-pass`）可取 prompt、env:VARIABLE 或 file:PATH",
        )
    };
    let plain = info.decrypt(passphrase.0.as_bytes()).map_err(|error| {
        use pkcs5::Error as Cause;
        match error {
            pkcs8::Error::EncryptedPrivateKey(
                Cause::UnsupportedAlgorithm { .. } | Cause::AlgorithmParametersInvalid { .. },
            ) => other_encryption(path).source(error.to_string()),
            _ => wrong().source(error.to_string()),
        }
    })?;
    // One wrong passphrase in 256 leaves a padding that looks right: the bytes must also be a key.
    PrivateKeyInfoRef::try_from(plain.as_bytes())
        .map_err(|error| wrong().source(error.to_string()))?;
    Ok(plain.as_bytes().to_vec().into())
}

fn refuse_unusable(info: &EncryptedPrivateKeyInfoRef<'_>, path: &Path) -> Result<()> {
    let Some(parameters) = info.encryption_algorithm.pbes2() else {
        return Err(other_encryption(path));
    };
    let rounds = parameters.kdf.pbkdf2().map(|kdf| kdf.iteration_count);
    if rounds.is_some_and(|rounds| rounds > PBKDF2_ROUNDS_MAX) {
        let message = format!("{} asks for more work than any key needs", path.display());
        return Err(Error::new(Kind::OwnCertificate, message)
            .hint("do not use this file; make a new key with `sealpost pki issue`")
            .zh(
                format!("{} 要求的运算量超出任何密钥所需", path.display()),
                "不要使用该文件；请用 `sealpost pki issue` 生成新密钥",
            ));
    }
    Ok(())
}

fn other_encryption(path: &Path) -> Error {
    let file = path.display();
    let message = format!("{file} is encrypted in a way that is no longer safe or not known");
    let command = format!("`openssl pkcs8 -topk8 -v2 aes256 -in {file} -out NEW`");
    Error::new(Kind::OwnCertificate, message)
        .hint(format!(
            "convert it: {command} (for the oldest ones add `-provider legacy -provider default`)"
        ))
        .zh(
            format!("{file} 的加密方式已不安全或无法识别"),
            format!("请转换它：{command}（最旧的还要加 `-provider legacy -provider default`）"),
        )
}

/// `key` (PKCS#8 in DER) under `passphrase`, as the DER of an `EncryptedPrivateKeyInfo`.
///
/// PBKDF2-HMAC-SHA-256 and AES-256-CBC, which OpenSSL, `LibreSSL`, Java and Python all read.
pub(super) fn lock(key: &[u8], passphrase: &Passphrase) -> Result<Vec<u8>> {
    if passphrase.is_empty() {
        return Err(
            Error::new(Kind::Usage, "an empty passphrase protects nothing")
                .hint("give a passphrase, or `--remove` for a key without one"),
        );
    }
    let failed = |error: &dyn fmt::Display| {
        Error::new(Kind::OwnCertificate, "the key cannot be encrypted").source(error.to_string())
    };
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    rand::fill(&mut salt).map_err(|error| failed(&error))?;
    rand::fill(&mut iv).map_err(|error| failed(&error))?;
    let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(PBKDF2_ROUNDS, &salt, iv)
        .map_err(|error| failed(&error))?;
    let encrypted = parameters
        .encrypt(passphrase.0.as_bytes(), key)
        .map_err(|error| failed(&error))?;
    let info = EncryptedPrivateKeyInfoOwned {
        encryption_algorithm: parameters.into(),
        encrypted_data: OctetString::new(encrypted).map_err(|error| failed(&error))?,
    };
    info.to_der().map_err(|error| failed(&error))
}

/// The key in PKCS#8 (RFC 5958), whatever form it came in.
pub(super) fn to_pkcs8(key: &PrivateKeyDer<'_>) -> Result<Zeroizing<Vec<u8>>> {
    let (oid, parameters) = match key {
        PrivateKeyDer::Pkcs1(_) => (OID_RSA, Some(AnyRef::from(Null))),
        PrivateKeyDer::Sec1(_) => {
            // The curve may be left out of the key itself: ask the one that works.
            let pair = key_pair(key)?;
            let mut curves = CURVES.iter();
            let curve = curves.find(|(algorithm, _)| pair.is_compatible(algorithm));
            (OID_EC, curve.map(|(_, curve)| AnyRef::from(curve)))
        }
        _ => return Ok(Zeroizing::new(key.secret_der().to_vec())),
    };
    let algorithm = AlgorithmIdentifierRef { oid, parameters };
    let whole = OctetStringRef::new(key.secret_der())
        .and_then(|inner| PrivateKeyInfoRef::new(algorithm, inner).to_der());
    whole.map(Zeroizing::new).map_err(|error| {
        Error::new(Kind::OwnCertificate, "the key cannot be written as PKCS#8")
            .source(error.to_string())
    })
}

const OID_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const OID_EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
static CURVES: [(&rcgen::SignatureAlgorithm, ObjectIdentifier); 3] = [
    (
        &rcgen::PKCS_ECDSA_P256_SHA256,
        ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
    ),
    (
        &rcgen::PKCS_ECDSA_P384_SHA384,
        ObjectIdentifier::new_unwrap("1.3.132.0.34"),
    ),
    (
        &rcgen::PKCS_ECDSA_P521_SHA512,
        ObjectIdentifier::new_unwrap("1.3.132.0.35"),
    ),
];
