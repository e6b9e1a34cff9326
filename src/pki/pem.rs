//! What is in a file: its PEM sections, or the reason why there are none, in words.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use pkcs8::LineEnding;
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, CertificateSigningRequestDer, PrivateKeyDer,
};
use rustls_pemfile::Item;
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::lang::{Both, both};

/// Bytes in the largest file of certificates or keys: a chain is a few thousand, and a wrong path may name
/// a film.
pub(super) const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Bytes in the largest revocation list; the largest public ones have tens of millions.
pub(super) const CRL_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A file read once, its sections sorted.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) keys: Vec<PrivateKeyDer<'static>>,
    pub(super) encrypted_keys: Vec<Vec<u8>>,
    pub(super) crls: Vec<CertificateRevocationListDer<'static>>,
    pub(super) requests: Vec<CertificateSigningRequestDer<'static>>,
    /// A key in the form of OpenSSL before 1.0 (`Proc-Type: 4,ENCRYPTED`).
    pub(super) is_old_encrypted_key: bool,
    /// The labels in the file, in order.
    labels: Vec<String>,
    /// What the bytes look like when they are no PEM.
    shape: Shape,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Shape {
    #[default]
    Text,
    Empty,
    Utf16,
    Der,
    Pkcs12,
}

/// Reads the file; DER is left to the caller in the second value, as only it knows what it wants.
pub(super) fn read(path: &Path, kind: Kind, most: u64) -> Result<(Contents, Zeroizing<Vec<u8>>)> {
    let bytes = bytes(path, kind, most)?;
    let contents = parse(&bytes).map_err(|error| {
        let message = format!("{} is damaged: {error}", path.display());
        Error::new(kind, message)
            .hint("copy the file again, whole, from -----BEGIN to -----END")
            .zh(
                format!("{} 已损坏", path.display()),
                "请完整地重新复制该文件，从 -----BEGIN 到 -----END",
            )
            .source(error)
    })?;
    Ok((contents, bytes))
}

fn bytes(path: &Path, kind: Kind, most: u64) -> Result<Zeroizing<Vec<u8>>> {
    let reading = |error: io::Error| {
        let file = path.display();
        let (why, hint) = match error.kind() {
            io::ErrorKind::NotFound => ("没有这个文件", "请检查路径"),
            io::ErrorKind::PermissionDenied => ("没有权限", "请检查文件及其目录的属主和权限"),
            _ => ("读取出错", "请检查磁盘和路径后重试"),
        };
        Error::io(kind, format_args!("read {file}"), error)
            .zh(format!("无法读取 {file}：{why}"), hint)
    };
    let file = File::open(path).map_err(reading)?;
    if file.metadata().map_err(reading)?.is_dir() {
        let message = format!("{} is a folder, not a file", path.display());
        return Err(Error::new(kind, message).hint("name a file in it").zh(
            format!("{} 是目录，不是文件", path.display()),
            "请指定其中的文件",
        ));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let mut bounded = file.take(most + 1);
    bounded.read_to_end(&mut bytes).map_err(reading)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= most) {
        return Ok(bytes);
    }
    let most = crate::text::size(most);
    let message = format!("{} is larger than {most}", path.display());
    Err(Error::new(kind, message)
        .hint("check the path: this is no certificate and no key")
        .zh(
            format!("{} 大于 {most}", path.display()),
            "请检查路径：这不是证书，也不是密钥",
        ))
}

/// Sorts the sections of PEM `bytes`; anything else yields no section and a shape.
pub(super) fn parse(bytes: &[u8]) -> io::Result<Contents> {
    let mut contents = Contents {
        shape: shape(bytes),
        ..Contents::default()
    };
    if contents.shape != Shape::Text {
        return Ok(contents);
    }
    // Line by line and lossy: comments before a section may be in any encoding.
    for line in bytes.split(|byte| matches!(byte, b'\n' | b'\r')) {
        if let Some(rest) = line.strip_prefix(b"-----BEGIN ") {
            let label = rest.split(|byte| *byte == b'-').next().unwrap_or(rest);
            let label = String::from_utf8_lossy(label).into_owned();
            contents.labels.push(label);
        }
        contents.is_old_encrypted_key |= line.starts_with(b"Proc-Type: 4,ENCRYPTED");
    }
    if contents.is_old_encrypted_key {
        return Ok(contents);
    }
    if contents
        .labels
        .iter()
        .any(|label| label == ENCRYPTED_KEY_LABEL)
    {
        contents.encrypted_keys = sections(bytes, ENCRYPTED_KEY_LABEL)?;
    }
    for item in rustls_pemfile::read_all(&mut &*bytes) {
        match item? {
            Item::X509Certificate(certificate) => contents.certificates.push(certificate),
            Item::Pkcs1Key(key) => contents.keys.push(key.into()),
            Item::Pkcs8Key(key) => contents.keys.push(key.into()),
            Item::Sec1Key(key) => contents.keys.push(key.into()),
            Item::Crl(crl) => contents.crls.push(crl),
            Item::Csr(request) => contents.requests.push(request),
            _ => {}
        }
    }
    // Old programs label a request so (RFC 7468 §7).
    let old_requests = sections(bytes, "NEW CERTIFICATE REQUEST")?;
    let old_requests = old_requests.into_iter().map(Into::into);
    contents.requests.extend(old_requests);
    Ok(contents)
}

fn shape(bytes: &[u8]) -> Shape {
    match bytes {
        _ if bytes.iter().all(u8::is_ascii_whitespace) => Shape::Empty,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Shape::Utf16,
        // SEQUENCE { INTEGER 3, …: the version of PKCS#12 (RFC 7292 §4), which no key or certificate has.
        [0x30, 0x82, _, _, 2, 1, 3, ..] | [0x30, 0x80, 2, 1, 3, ..] => Shape::Pkcs12,
        [0x30, ..] => Shape::Der,
        _ => Shape::Text,
    }
}

/// The sections of a label that rustls-pemfile passes over, because rustls has no use for it.
fn sections(bytes: &[u8], label: &str) -> io::Result<Vec<Vec<u8>>> {
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let begin = format!("-----BEGIN {label}-----");
    let text = String::from_utf8_lossy(bytes);
    let mut all = Vec::new();
    for (at, _) in text.match_indices(&begin) {
        let section = text[at..].as_bytes();
        let (_, pem) = x509_parser::pem::parse_x509_pem(section)
            .map_err(|error| invalid(format!("a section is no base64: {error}")))?;
        all.push(pem.contents);
    }
    Ok(all)
}

impl Contents {
    /// Whether the file is not text but one DER value.
    pub(super) fn is_der(&self) -> bool {
        self.shape == Shape::Der
    }

    /// The error for a file that does not hold `wanted`: what it holds instead, and what to do next.
    pub(super) fn lacks(&self, path: &Path, kind: Kind, wanted: Wanted) -> Error {
        let file = path.display();
        let (found, hint) = self.found(path, wanted);
        let noun = wanted.noun();
        let (message, zh) = match self.shape {
            Shape::Empty => (format!("{file} is empty"), format!("{file} 是空的")),
            Shape::Utf16 => (
                format!("{file} is text in UTF-16, which no TLS program reads"),
                format!("{file} 是 UTF-16 文本，没有 TLS 程序能读"),
            ),
            _ => (
                format!("{file} {}, not {}", found.en, noun.en),
                format!("{file} {}，而不是{}", found.zh, noun.zh),
            ),
        };
        Error::new(kind, message).hint(hint.en).zh(zh, hint.zh)
    }

    fn found(&self, path: &Path, wanted: Wanted) -> (Both, Both) {
        let file = path.display().to_string();
        match self.shape {
            Shape::Empty => (
                both("is empty", "是空的"),
                both("make or copy the file again", "请重新生成或复制该文件"),
            ),
            Shape::Utf16 => (
                both("is text in UTF-16", "是 UTF-16 文本"),
                both(
                    "save it as ASCII or UTF-8; PowerShell's > writes UTF-16",
                    "请另存为 ASCII 或 UTF-8；PowerShell 的 > 写出的是 UTF-16",
                ),
            ),
            Shape::Pkcs12 => {
                let command = format!("`openssl pkcs12 -in {file} -nodes -out bundle.pem`");
                (
                    both("holds a PKCS#12 bundle", "是 PKCS#12 包"),
                    both(
                        format!("take it apart: {command}"),
                        format!("请拆开它：{command}"),
                    ),
                )
            }
            Shape::Der => (
                both("holds other binary data", "是别的二进制数据"),
                wanted.again(),
            ),
            Shape::Text => match self.labels.iter().find_map(|label| words(label)) {
                Some((en, zh, Some((hint, hint_zh)))) => (
                    both(en, zh),
                    both(hint.replace("FILE", &file), hint_zh.replace("FILE", &file)),
                ),
                Some((en, zh, None)) => (both(en, zh), wanted.again()),
                None => (
                    both("holds nothing in PEM form", "中没有 PEM 格式的内容"),
                    wanted.again(),
                ),
            },
        }
    }
}

/// What a caller looks for in a file.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    Certificate,
    Key,
    Crl,
    Request,
}

impl Wanted {
    fn noun(self) -> Both {
        match self {
            Self::Certificate => both("a certificate", "证书"),
            Self::Key => both("a private key", "私钥"),
            Self::Crl => both("a certificate revocation list", "证书吊销列表"),
            Self::Request => both("a certificate request", "证书请求"),
        }
    }

    /// What to give instead.
    fn again(self) -> Both {
        match self {
            Self::Key => both(
                "give the key file that was made with it, such as certs/server.key",
                "请给出与之配套的密钥文件，例如 certs/server.key",
            ),
            Self::Certificate => both(
                "give the certificate file, such as certs/server.crt",
                "请给出证书文件，例如 certs/server.crt",
            ),
            Self::Crl => both(
                "give the revocation list, such as certs/crl.pem",
                "请给出吊销列表，例如 certs/crl.pem",
            ),
            Self::Request => both(
                "make a request with `sealpost pki csr NAME`, or `openssl req -new`",
                "请用 `sealpost pki csr NAME` 或 `openssl req -new` 生成请求",
            ),
        }
    }
}

/// One section of PEM (RFC 7468 §3).
pub(super) fn encode(label: &str, der: &[u8]) -> Result<Zeroizing<String>> {
    match pkcs8::der::pem::encode_string(label, LineEnding::LF, der) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            Err(Error::new(Kind::Other, format!("cannot write a {label}"))
                .source(error.to_string()))
        }
    }
}

/// A chain as its file holds it, the leaf first.
pub(super) fn chain(chain: &[&CertificateDer<'static>]) -> Result<String> {
    let mut all = String::new();
    for certificate in chain {
        all.push_str(&encode("CERTIFICATE", certificate)?);
    }
    Ok(all)
}

/// Bytes in base64, as a pin is written (RFC 7469 §2.4): what PEM has between its two lines.
pub(crate) fn base64(bytes: &[u8]) -> String {
    let text = encode("PIN", bytes).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    lines.collect()
}

/// The label of PKCS#8 under a passphrase (RFC 7468 §11).
pub(super) const ENCRYPTED_KEY_LABEL: &str = "ENCRYPTED PRIVATE KEY";

/// What a label says in both languages, and the way out where the thing itself cannot be used.
type Label = (
    &'static str,
    &'static str,
    Option<(&'static str, &'static str)>,
);

fn words(label: &str) -> Option<Label> {
    Some(match label {
        "CERTIFICATE" => ("holds a certificate", "中是证书", None),
        "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" | ENCRYPTED_KEY_LABEL => {
            ("holds a private key", "中是私钥", None)
        }
        "X509 CRL" => (
            "holds a certificate revocation list",
            "中是证书吊销列表",
            None,
        ),
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => (
            "holds a certificate request",
            "中是证书请求",
            Some((
                "have a CA sign it: `sealpost pki sign FILE --role server`",
                "请由 CA 签发：`sealpost pki sign FILE --role server`",
            )),
        ),
        "PUBLIC KEY" => ("holds a public key", "中是公钥", None),
        "TRUSTED CERTIFICATE" | "X509 CERTIFICATE" => (
            "holds a certificate with OpenSSL's trust settings",
            "中是带有 OpenSSL 信任设置的证书",
            Some((
                "take them off: `openssl x509 -in FILE -out NEW`",
                "请去掉这些设置：`openssl x509 -in FILE -out NEW`",
            )),
        ),
        "PKCS7" => (
            "holds a PKCS#7 bundle",
            "中是 PKCS#7 包",
            Some((
                "take it apart: `openssl pkcs7 -in FILE -print_certs -out NEW`",
                "请拆开它：`openssl pkcs7 -in FILE -print_certs -out NEW`",
            )),
        ),
        "OPENSSH PRIVATE KEY" => (
            "holds a key in OpenSSH's form",
            "中是 OpenSSH 格式的密钥",
            Some((
                "convert a copy of it: `ssh-keygen -p -m PKCS8 -f FILE`",
                "请转换它的一份副本：`ssh-keygen -p -m PKCS8 -f FILE`",
            )),
        ),
        "DSA PRIVATE KEY" => (
            "holds a DSA key, which TLS 1.3 does not know",
            "中是 DSA 密钥，TLS 1.3 不支持",
            Some((
                "make a new one: `sealpost pki issue server localhost`",
                "请生成新密钥：`sealpost pki issue server localhost`",
            )),
        ),
        _ => return None,
    })
}
