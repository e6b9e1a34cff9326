//! What TLS shows without a key: its records, and the first messages of its handshake.
//!
//! Read by hand, a few fields of two messages, because a parser of a whole protocol would be a larger
//! thing to trust with a stranger's bytes. Everything is bounded and optional: a field that is not where
//! RFC 8446 puts it is absent.

use serde::Serialize;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Bytes of one direction's handshake messages that are kept to be read.
const HANDSHAKE_BYTES_MAX: usize = 64 * 1024;

/// Bytes of the largest record (RFC 5246 §6.2.3: 2^14 of content and 2,048 of expansion).
const RECORD_BYTES_MAX: u16 = (1 << 14) + 2_048;

/// Content types of records (RFC 8446 §5.1).
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// Handshake types (RFC 8446 §4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;

/// Extension types (RFC 8446 §4.2).
const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;

/// `TLS 1.3` as a version number.
const TLS13: u16 = 0x0304;

/// The random of a `ServerHello` that asks the client to begin again (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The records of one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Records {
    /// Records in all.
    pub count: u64,
    /// Records of encrypted content (type application data).
    pub application: u64,
    /// Alerts that can be told from their type: before encryption, and in TLS 1.2.
    pub alerts: u64,
    /// Bytes in the largest record, without its header.
    pub largest_bytes: u16,
    /// Bytes of encrypted content, with what encryption added.
    pub application_bytes: u64,
    /// What follows is no record.
    pub broken: bool,
}

/// Follows the records of one direction as they come.
#[derive(Debug, Default)]
pub struct RecordScan {
    /// What was counted so far.
    pub records: Records,
    /// Handshake messages that came before encryption.
    handshake: Vec<u8>,
    header: Vec<u8>,
    kind: u8,
    left: u16,
    ciphers_changed: bool,
}

impl RecordScan {
    /// Takes the next bytes; `application` is told the length of each record of encrypted content.
    pub fn feed(&mut self, mut bytes: &[u8], mut application: impl FnMut(u16)) {
        while !bytes.is_empty() && !self.records.broken {
            if self.left == 0 {
                let (head, rest) = bytes.split_at(bytes.len().min(5 - self.header.len()));
                self.header.extend(head);
                bytes = rest;
                if let &[kind, major, _, high, low] = self.header.as_slice() {
                    self.header.clear();
                    self.begin(
                        kind,
                        major,
                        u16::from_be_bytes([high, low]),
                        &mut application,
                    );
                }
                continue;
            }
            let (body, rest) = bytes.split_at(bytes.len().min(self.left.into()));
            self.left -= u16::try_from(body.len()).unwrap_or(self.left);
            bytes = rest;
            // After ChangeCipherSpec TLS 1.2 encrypts its handshake messages too.
            let readable = self.kind == HANDSHAKE && !self.ciphers_changed;
            if readable && self.handshake.len() + body.len() <= HANDSHAKE_BYTES_MAX {
                self.handshake.extend(body);
            }
        }
    }

    /// Bytes are missing: where the next record begins is unknown.
    pub fn gap(&mut self) {
        self.records.broken = true;
    }

    fn begin(&mut self, kind: u8, major: u8, length: u16, application: &mut impl FnMut(u16)) {
        if !(CHANGE_CIPHER_SPEC..=24).contains(&kind) || major != 3 || length > RECORD_BYTES_MAX {
            self.records.broken = true;
            return;
        }
        (self.kind, self.left) = (kind, length);
        let records = &mut self.records;
        records.count += 1;
        records.largest_bytes = records.largest_bytes.max(length);
        match kind {
            CHANGE_CIPHER_SPEC => self.ciphers_changed = true,
            ALERT => records.alerts += 1,
            APPLICATION_DATA => {
                records.application += 1;
                records.application_bytes += u64::from(length);
                application(length);
            }
            _ => {}
        }
    }

    /// The readable handshake messages: type and body.
    fn messages(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let mut rest = Bytes(&self.handshake);
        std::iter::from_fn(move || Some((rest.u8()?, rest.take24()?.0)))
    }
}

/// What the handshake shows to anybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Visible {
    /// The version agreed on, or, while there is no answer, the newest one offered.
    pub version: Option<&'static str>,
    /// The cipher suite agreed on, by its name or number.
    pub cipher_suite: Option<String>,
    /// The host the client asks for (SNI, RFC 6066 §3).
    pub server_name: Option<String>,
    /// The application protocols offered (ALPN, RFC 7301).
    pub alpn_offered: Vec<String>,
    /// The application protocol chosen, where the version shows it.
    pub alpn_chosen: Option<String>,
    /// Subjects of the server's certificates: TLS 1.2 shows them, 1.3 does not.
    pub server_certificates: Vec<String>,
    /// Subjects of the client's certificates: who is asking.
    pub client_certificates: Vec<String>,
    /// Whether the server asked the client to begin again.
    pub retried: bool,
    /// Bytes that encryption adds to each record of content, where the suite tells it.
    #[serde(skip)]
    pub overhead_bytes: u64,
}

impl Visible {
    /// Reads both directions' handshakes.
    pub fn of(to_server: &RecordScan, to_client: &RecordScan) -> Self {
        let mut visible = Self::default();
        for (kind, body) in to_server.messages() {
            match kind {
                CLIENT_HELLO => _ = visible.client_hello(Bytes(body)),
                CERTIFICATE => visible.client_certificates = subjects(Bytes(body)),
                _ => {}
            }
        }
        let mut agreed = 0;
        for (kind, body) in to_client.messages() {
            match kind {
                SERVER_HELLO => agreed = visible.server_hello(Bytes(body)).unwrap_or(0),
                CERTIFICATE => visible.server_certificates = subjects(Bytes(body)),
                _ => {}
            }
        }
        visible.overhead_bytes = overhead(agreed, visible.cipher_suite.as_deref());
        visible
    }

    /// RFC 8446 §4.1.2.
    fn client_hello(&mut self, mut hello: Bytes<'_>) -> Option<()> {
        let mut newest = hello.u16()?;
        hello.take(32)?; // random
        hello.take8()?; // session id
        hello.take16()?; // cipher suites
        hello.take8()?; // compression methods
        let mut extensions = hello.take16().unwrap_or_default();
        while let (Some(kind), Some(mut body)) = (extensions.u16(), extensions.take16()) {
            match kind {
                SERVER_NAME => self.server_name = server_name(body),
                ALPN => self.alpn_offered = alpn(body),
                SUPPORTED_VERSIONS => {
                    let mut versions = body.take8()?;
                    while let Some(version) = versions.u16() {
                        // Others are GREASE (RFC 8701): there so that nobody relies on the list.
                        if name_of_version(version).is_some() {
                            newest = newest.max(version);
                        }
                    }
                }
                _ => {}
            }
        }
        self.version = name_of_version(newest);
        Some(())
    }

    /// RFC 8446 §4.1.3; returns the version agreed on.
    fn server_hello(&mut self, mut hello: Bytes<'_>) -> Option<u16> {
        let mut agreed = hello.u16()?;
        self.retried |= hello.take(32)?.0 == RETRY;
        hello.take8()?; // session id
        let suite = hello.u16()?;
        hello.u8()?; // compression method
        let mut extensions = hello.take16().unwrap_or_default();
        while let (Some(kind), Some(mut body)) = (extensions.u16(), extensions.take16()) {
            match kind {
                ALPN => self.alpn_chosen = alpn(body).into_iter().next(),
                SUPPORTED_VERSIONS => agreed = body.u16()?,
                _ => {}
            }
        }
        self.version = name_of_version(agreed);
        self.cipher_suite = Some(name_of_suite(suite));
        Some(agreed)
    }
}

fn server_name(mut body: Bytes<'_>) -> Option<String> {
    let mut names = body.take16()?;
    names.u8()?; // type: host name, the only one there is
    Some(text(names.take16()?.0))
}

fn alpn(mut body: Bytes<'_>) -> Vec<String> {
    let mut names = body.take16().unwrap_or_default();
    std::iter::from_fn(move || Some(text(names.take8()?.0))).collect()
}

/// The subjects of a TLS 1.2 chain (RFC 5246 §7.4.2), as far as they can be read.
fn subjects(mut body: Bytes<'_>) -> Vec<String> {
    let mut chain = body.take24().unwrap_or_default();
    let subjects = std::iter::from_fn(move || {
        let (_, certificate) = X509Certificate::from_der(chain.take24()?.0).ok()?;
        Some(certificate.subject().to_string())
    });
    subjects.collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn name_of_version(version: u16) -> Option<&'static str> {
    Some(match version {
        0x0300 => "SSL 3.0",
        0x0301 => "TLS 1.0",
        0x0302 => "TLS 1.1",
        0x0303 => "TLS 1.2",
        TLS13 => "TLS 1.3",
        _ => return None,
    })
}

/// The suites of TLS 1.3 and the good ones of TLS 1.2, by their IANA names.
fn name_of_suite(suite: u16) -> String {
    let name = match suite {
        0x1301 => "TLS_AES_128_GCM_SHA256",
        0x1302 => "TLS_AES_256_GCM_SHA384",
        0x1303 => "TLS_CHACHA20_POLY1305_SHA256",
        0xc02b => "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        0xc02c => "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        0xc02f => "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        0xc030 => "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        0xcca8 => "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        0xcca9 => "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        _ => return format!("0x{suite:04x}"),
    };
    name.to_owned()
}

/// What encryption adds to a record: 16 bytes of tag and, in TLS 1.3, the hidden content type (RFC 8446
/// §5.2), in TLS 1.2's GCM the explicit part of the nonce (RFC 5288 §3).
fn overhead(version: u16, suite: Option<&str>) -> u64 {
    let is_gcm = suite.is_some_and(|suite| suite.contains("GCM"));
    match version {
        TLS13 => 17,
        _ if is_gcm => 24,
        _ => 16,
    }
}

/// Bytes still to be read; every step can fail.
#[derive(Clone, Copy, Default)]
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take(&mut self, length: usize) -> Option<Self> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Self(taken))
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte.0[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)
            .map(|two| u16::from_be_bytes([two.0[0], two.0[1]]))
    }

    /// A list behind a length of 8, 16 or 24 bits.
    fn take8(&mut self) -> Option<Self> {
        let length = self.u8()?;
        self.take(length.into())
    }

    fn take16(&mut self) -> Option<Self> {
        let length = self.u16()?;
        self.take(length.into())
    }

    fn take24(&mut self) -> Option<Self> {
        let (high, low) = (self.u8()?, self.u16()?);
        self.take(usize::from(high) << 16 | usize::from(low))
    }
}
