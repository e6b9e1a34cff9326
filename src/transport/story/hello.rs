//! The two hellos, read from their bytes.

use rustls::{CipherSuite, NamedGroup, ProtocolVersion};

use super::bytes::Bytes;
use super::{ClientHello, ServerHello, What};

/// Extension types (RFC 8446 §4.2).
const SERVER_NAME: u16 = 0;
const GROUPS: u16 = 10;
const ALPN: u16 = 16;
const SESSION_TICKET: u16 = 35;
const PRE_SHARED_KEY: u16 = 41;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;

/// A number that is no suite: it says that renegotiation is safe (RFC 5746 §3.3).
const RENEGOTIATION_INFO: u16 = 0x00ff;

const TLS12: u16 = 0x0303;
const TLS13: u16 = 0x0304;

/// The random of a `ServerHello` that asks the client to begin again (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

pub(super) fn client_hello(body: &[u8]) -> Option<ClientHello> {
    let mut rest = Bytes(body);
    let legacy = rest.u16()?;
    rest.take(32)?; // random
    let mut hello = ClientHello {
        session_id: rest.take8()?.0.to_vec(),
        ..ClientHello::default()
    };
    let suites = rest.take16()?.numbers();
    let suites = suites.filter(|suite| *suite != RENEGOTIATION_INFO);
    hello.ciphers = suites.map(suite_name).collect();
    rest.take8()?; // compression methods
    let mut is_13_offered = false;
    for (kind, mut body) in rest.take16().unwrap_or_default().extensions() {
        match kind {
            SERVER_NAME => {
                let mut names = body.take16()?;
                names.u8()?; // type: host name, the only one there is
                hello.server_name = Some(text(names.take16()?));
            }
            GROUPS => hello.groups = body.take16()?.numbers().map(group_name).collect(),
            ALPN => hello.alpn = protocols(body),
            SUPPORTED_VERSIONS => {
                let versions: Vec<u16> = body.take8()?.numbers().collect();
                is_13_offered = versions.contains(&TLS13);
                hello.versions = versions.into_iter().map(version_name).collect();
            }
            KEY_SHARE => {
                let shares = body.take16()?.extensions();
                let shares = shares.map(|(group, key)| (group_name(group), key.0.len() as u64));
                hello.key_shares = shares.collect();
            }
            PRE_SHARED_KEY => hello.resumes_by = Some("psk"),
            SESSION_TICKET if !body.is_empty() => hello.resumes_by = Some("ticket"),
            _ => {}
        }
    }
    if hello.versions.is_empty() {
        hello.versions = vec![version_name(legacy)];
    }
    // With 1.3 on offer the session id is there for old middle boxes only (RFC 8446 §4.1.2).
    if hello.resumes_by.is_none() && !is_13_offered && !hello.session_id.is_empty() {
        hello.resumes_by = Some("session id");
    }
    Some(hello)
}

/// A `ServerHello`, or what looks like one and asks to begin again.
pub(super) fn server_hello(body: &[u8], client: Option<&ClientHello>) -> Option<What> {
    let mut rest = Bytes(body);
    let mut version = rest.u16()?;
    let is_retry = rest.take(32)?.0 == RETRY;
    let session_id = rest.take8()?.0;
    let suite = rest.u16()?;
    rest.u8()?; // compression method
    let mut hello = ServerHello {
        cipher: suite_name(suite),
        suite,
        ..ServerHello::default()
    };
    for (kind, mut body) in rest.take16().unwrap_or_default().extensions() {
        match kind {
            SUPPORTED_VERSIONS => version = body.u16()?,
            KEY_SHARE => hello.group = Some(group_name(body.u16()?)),
            PRE_SHARED_KEY => hello.resumed = true,
            ALPN => hello.alpn = protocols(body).into_iter().next(),
            _ => {}
        }
    }
    if is_retry {
        return Some(What::HelloRetryRequest { group: hello.group });
    }
    // TLS 1.2 says it by giving back the client's session id (RFC 5246 §7.4.1.3).
    let is_echo = client.is_some_and(|client| client.session_id == session_id);
    if version <= TLS12 && is_echo && !session_id.is_empty() {
        hello.resumed = true;
    }
    hello.version = version_name(version);
    hello.is_13 = version == TLS13;
    Some(What::ServerHello(hello))
}

/// The application protocols of an ALPN extension.
pub(super) fn protocols(mut body: Bytes<'_>) -> Vec<String> {
    let mut names = body.take16().unwrap_or_default();
    std::iter::from_fn(move || Some(text(names.take8()?))).collect()
}

pub(super) fn alpn_of(extensions: Bytes<'_>) -> Option<String> {
    let mut extensions = extensions.extensions();
    let (_, body) = extensions.find(|(kind, _)| *kind == ALPN)?;
    protocols(body).into_iter().next()
}

fn text(bytes: Bytes<'_>) -> String {
    String::from_utf8_lossy(bytes.0).into_owned()
}

fn version_name(version: u16) -> String {
    match version {
        0x0301 => "TLS 1.0".to_owned(),
        0x0302 => "TLS 1.1".to_owned(),
        TLS12 => "TLS 1.2".to_owned(),
        TLS13 => "TLS 1.3".to_owned(),
        other => format!("{:?}", ProtocolVersion::from(other)),
    }
}

fn suite_name(suite: u16) -> String {
    // rustls marks the suites of 1.3 by a prefix the RFC does not have (RFC 8446 §B.4).
    format!("{:?}", CipherSuite::from(suite)).replace("TLS13_", "TLS_")
}

pub(super) fn group_name(group: u16) -> String {
    format!("{:?}", NamedGroup::from(group))
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
        let whole = client_hello(&body).unwrap();
        assert_eq!(whole.ciphers, ["TLS_AES_256_GCM_SHA384"]);
        assert_eq!(whole.server_name.as_deref(), Some("hello"));
        assert_eq!(whole.versions, ["TLS 1.2"]);
        for length in 0..body.len() {
            let _part = client_hello(&body[..length]);
            let _part = server_hello(&body[..length], None);
        }
    }
}
