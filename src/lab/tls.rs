//! What TLS shows without a key: its records, and the first messages of its handshake.
//!
//! Everything is bounded and optional: a field that is not where RFC 8446 puts it is absent.

use serde::Serialize;

use crate::pki::inspect::CertificateInfo;
use crate::transport::tls::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, ClientHello, Cut, Cutter, HANDSHAKE, Header,
    Joiner, Message, ServerHello,
};

/// Bytes of one direction's handshake messages that are kept to be read.
const HANDSHAKE_BYTES_MAX: usize = 64 * 1024;

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
    cutter: Cutter,
    kind: u8,
    ciphers_changed: bool,
}

impl RecordScan {
    /// Takes the next bytes; `application` is told the length of each record of encrypted content.
    pub fn feed(&mut self, bytes: &[u8], mut application: impl FnMut(u16)) {
        let mut cutter = std::mem::take(&mut self.cutter);
        cutter.feed(bytes, |cut| match cut {
            Cut::Begin(header) => self.begin(header, &mut application),
            // After ChangeCipherSpec TLS 1.2 encrypts its handshake messages too.
            Cut::Body(body) if self.kind == HANDSHAKE && !self.ciphers_changed => {
                if self.handshake.len() + body.len() <= HANDSHAKE_BYTES_MAX {
                    self.handshake.extend(body);
                }
            }
            Cut::Body(_) | Cut::End(_) => {}
            Cut::Broken(_) => self.records.broken = true,
        });
        self.cutter = cutter;
    }

    /// Bytes are missing: where the next record begins is unknown.
    pub fn gap(&mut self) {
        self.records.broken = true;
        self.cutter.gap();
    }

    fn begin(&mut self, header: Header, application: &mut impl FnMut(u16)) {
        let Header { kind, length, .. } = header;
        self.kind = kind;
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

    /// The readable handshake messages.
    fn messages(&self, is_13: bool) -> impl Iterator<Item = Message> {
        let mut joiner = Joiner::default();
        joiner.feed(&self.handshake);
        let next = move || {
            let (kind, message) = joiner.take()?;
            Some(Message::read(kind, message.get(4..)?, is_13, None))
        };
        std::iter::from_fn(next)
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
        for message in to_server.messages(false) {
            match message {
                Message::ClientHello(hello) => visible.client_hello(*hello),
                Message::Certificate { chain, .. } => {
                    visible.client_certificates = subjects(chain);
                }
                _ => {}
            }
        }
        let mut is_13 = false;
        for message in to_client.messages(false) {
            match message {
                Message::HelloRetryRequest { .. } => visible.retried = true,
                Message::ServerHello(hello) => {
                    is_13 = hello.is_13();
                    visible.server_hello(hello);
                }
                Message::Certificate { chain, .. } => {
                    visible.server_certificates = subjects(chain);
                }
                _ => {}
            }
        }
        visible.overhead_bytes = overhead(is_13, visible.cipher_suite.as_deref());
        visible
    }

    fn client_hello(&mut self, hello: ClientHello) {
        self.version = hello.newest_version();
        self.server_name = hello.server_name;
        self.alpn_offered = hello.alpn;
    }

    fn server_hello(&mut self, hello: ServerHello) {
        self.version = hello.known_version();
        self.cipher_suite = Some(hello.cipher);
        self.alpn_chosen = hello.alpn;
    }
}

/// The subjects of a chain, as far as they can be read.
fn subjects(chain: Vec<CertificateInfo>) -> Vec<String> {
    chain.into_iter().map(|info| info.subject).collect()
}

/// What encryption adds to a record: 16 bytes of tag and, in TLS 1.3, the hidden content type (RFC 8446
/// §5.2), in TLS 1.2's GCM the explicit part of the nonce (RFC 5288 §3).
fn overhead(is_13: bool, suite: Option<&str>) -> u64 {
    let is_gcm = suite.is_some_and(|suite| suite.contains("GCM"));
    match (is_13, is_gcm) {
        (true, _) => 17,
        (false, true) => 24,
        (false, false) => 16,
    }
}
