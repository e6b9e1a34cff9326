//! The two hellos, read from their bytes.

use serde::{Serialize, Serializer};

use super::bytes::Bytes;
use super::messages::Message;
use super::names::{self, TLS12, TLS13};

/// Extension types (RFC 8446 §4.2).
const SERVER_NAME: u16 = 0;
const GROUPS: u16 = 10;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const EXTENDED_MASTER_SECRET: u16 = 23;
const SESSION_TICKET: u16 = 35;
const PRE_SHARED_KEY: u16 = 41;
const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;

/// A number that is no suite: it says that renegotiation is safe (RFC 5746 §3.3).
const RENEGOTIATION_INFO: u16 = 0x00ff;

/// The random of a `ServerHello` that asks the client to begin again (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The client's offer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClientHello {
    /// Versions, the best liked first.
    pub versions: Vec<String>,
    /// The client's random number, under which a key log lists its secrets.
    #[serde(serialize_with = "as_hex")]
    pub random: [u8; 32],
    /// Bytes of the session id.
    pub session_id_bytes: u64,
    /// Cipher suites.
    pub ciphers: Vec<String>,
    /// Groups for the key exchange.
    pub groups: Vec<String>,
    /// The groups for which a key share came along, and its bytes.
    pub key_shares: Vec<(String, u64)>,
    /// Signatures it understands.
    pub schemes: Vec<String>,
    /// The name asked for, readable by anyone on the way (RFC 6066 §3).
    pub server_name: Option<String>,
    /// Application protocols (RFC 7301).
    pub alpn: Vec<String>,
    /// How an earlier session is to be resumed: `psk`, `ticket` or `session id`.
    pub resumes_by: Option<&'static str>,
    /// Whether data is sent before the server has answered (RFC 8446 §2.3).
    pub early_data: bool,
    /// All extensions by their names, in order.
    pub extensions: Vec<String>,
    /// Whether it would bind the master secret of TLS 1.2 to the handshake (RFC 7627).
    #[serde(skip)]
    pub(super) extended_master_secret: bool,
    #[serde(skip)]
    pub(super) session_id: Vec<u8>,
    /// The number of the newest version offered.
    #[serde(skip)]
    newest: u16,
}

/// The server's choice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServerHello {
    /// The version.
    pub version: String,
    /// The server's random number.
    #[serde(serialize_with = "as_hex")]
    pub random: [u8; 32],
    /// The cipher suite.
    pub cipher: String,
    /// The group of the key exchange, in TLS 1.3.
    pub group: Option<String>,
    /// Bytes of the server's key share, in TLS 1.3.
    pub key_share_bytes: Option<u64>,
    /// The application protocol, in TLS 1.2.
    pub alpn: Option<String>,
    /// Whether an earlier session goes on.
    pub resumed: bool,
    /// Whether the master secret of TLS 1.2 is bound to the handshake (RFC 7627).
    pub extended_master_secret: bool,
    /// All extensions by their names, in order.
    pub extensions: Vec<String>,
    #[serde(skip)]
    pub(in crate::transport) suite: u16,
    #[serde(skip)]
    pub(in crate::transport) is_13: bool,
    #[serde(skip)]
    pub(in crate::transport) number: u16,
}

impl ServerHello {
    /// Whether TLS 1.3 was chosen.
    pub fn is_13(&self) -> bool {
        self.is_13
    }

    /// The version, where it has a name.
    pub fn known_version(&self) -> Option<&'static str> {
        names::known_version(self.number)
    }
}

fn as_hex<S: Serializer>(random: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&crate::text::hex(random))
}

impl ClientHello {
    /// The newest of the versions offered that has a name; others are GREASE (RFC 8701).
    pub fn newest_version(&self) -> Option<&'static str> {
        names::known_version(self.newest)
    }

    /// Reads the body of a `ClientHello` (RFC 8446 §4.1.2), as far as it goes.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut rest = Bytes(body);
        let legacy = rest.u16()?;
        let random = rest.take(32)?.0.try_into().ok()?;
        let session_id = rest.take8()?.0.to_vec();
        let mut hello = Self {
            random,
            session_id_bytes: session_id.len() as u64,
            session_id,
            newest: legacy,
            ..Self::default()
        };
        let suites = rest.take16()?.numbers();
        let suites = suites.filter(|suite| *suite != RENEGOTIATION_INFO);
        hello.ciphers = suites.map(names::suite).collect();
        rest.take8()?; // compression methods
        for (kind, body) in rest.take16().unwrap_or_default().extensions() {
            hello.extensions.push(names::extension(kind));
            hello.extension(kind, body)?;
        }
        let is_13_offered = hello.versions.contains(&names::version(TLS13));
        if hello.versions.is_empty() {
            hello.versions = vec![names::version(legacy)];
        }
        // With 1.3 on offer the session id is there for old middle boxes only (RFC 8446 §4.1.2).
        if hello.resumes_by.is_none() && !is_13_offered && !hello.session_id.is_empty() {
            hello.resumes_by = Some("session id");
        }
        Some(hello)
    }

    fn extension(&mut self, kind: u16, mut body: Bytes<'_>) -> Option<()> {
        match kind {
            SERVER_NAME => {
                let mut names = body.take16()?;
                names.u8()?; // type: host name, the only one there is
                self.server_name = Some(text(names.take16()?));
            }
            GROUPS => self.groups = body.take16()?.numbers().map(names::group).collect(),
            SIGNATURE_ALGORITHMS => {
                self.schemes = body.take16()?.numbers().map(names::scheme).collect();
            }
            ALPN => self.alpn = protocols(body),
            SUPPORTED_VERSIONS => {
                let versions = body.take8()?;
                let known = versions
                    .numbers()
                    .filter(|version| names::known_version(*version).is_some());
                self.newest = known.fold(self.newest, u16::max);
                self.versions = versions.numbers().map(names::version).collect();
            }
            KEY_SHARE => {
                let shares = body.take16()?.extensions();
                let shares = shares.map(|(group, key)| (names::group(group), key.0.len() as u64));
                self.key_shares = shares.collect();
            }
            PRE_SHARED_KEY => self.resumes_by = Some("psk"),
            SESSION_TICKET if !body.is_empty() => self.resumes_by = Some("ticket"),
            EARLY_DATA => self.early_data = true,
            EXTENDED_MASTER_SECRET => self.extended_master_secret = true,
            _ => {}
        }
        Some(())
    }
}

/// A `ServerHello`, or what looks like one and asks to begin again.
pub(super) fn server_hello(body: &[u8], client: Option<&ClientHello>) -> Option<Message> {
    let mut rest = Bytes(body);
    let mut version = rest.u16()?;
    let random: [u8; 32] = rest.take(32)?.0.try_into().ok()?;
    let session_id = rest.take8()?.0;
    let suite = rest.u16()?;
    rest.u8()?; // compression method
    let mut hello = ServerHello {
        cipher: names::suite(suite),
        suite,
        random,
        ..ServerHello::default()
    };
    for (kind, mut body) in rest.take16().unwrap_or_default().extensions() {
        hello.extensions.push(names::extension(kind));
        match kind {
            SUPPORTED_VERSIONS => version = body.u16()?,
            KEY_SHARE => {
                hello.group = Some(names::group(body.u16()?));
                hello.key_share_bytes = body.take16().map(|share| share.0.len() as u64);
            }
            PRE_SHARED_KEY => hello.resumed = true,
            ALPN => hello.alpn = protocols(body).into_iter().next(),
            EXTENDED_MASTER_SECRET => {
                let offered = client.is_none_or(|client| client.extended_master_secret);
                hello.extended_master_secret = offered;
            }
            _ => {}
        }
    }
    if random == RETRY {
        return Some(Message::HelloRetryRequest {
            group: hello.group,
            cipher: hello.cipher,
            suite,
        });
    }
    // TLS 1.2 says it by giving back the client's session id (RFC 5246 §7.4.1.3).
    let is_echo = client.is_some_and(|client| client.session_id == session_id);
    if version <= TLS12 && is_echo && !session_id.is_empty() {
        hello.resumed = true;
    }
    hello.version = names::version(version);
    (hello.number, hello.is_13) = (version, version == TLS13);
    Some(Message::ServerHello(hello))
}

/// The application protocols of an ALPN extension.
pub(super) fn protocols(mut body: Bytes<'_>) -> Vec<String> {
    let mut names = body.take16().unwrap_or_default();
    std::iter::from_fn(move || Some(text(names.take8()?))).collect()
}

fn text(bytes: Bytes<'_>) -> String {
    String::from_utf8_lossy(bytes.0).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_cut_anywhere_is_read_as_far_as_it_goes_and_never_panics() {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 4, 0x13, 0x02, 0x00, 0xff, 1, 0, 0, 14]);
        body.extend([0, 0, 0, 10, 0, 8, 0, 0, 5, b'h', b'e', b'l', b'l', b'o']);
        let whole = ClientHello::read(&body).unwrap();
        assert_eq!(whole.ciphers, ["TLS_AES_256_GCM_SHA384"]);
        assert_eq!(whole.server_name.as_deref(), Some("hello"));
        assert_eq!(whole.versions, ["TLS 1.2"]);
        for length in 0..body.len() {
            let _part = ClientHello::read(&body[..length]);
            let _part = server_hello(&body[..length], None);
        }
    }
}
