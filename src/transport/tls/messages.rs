//! The handshake messages, read from their bytes.

use rustls::pki_types::CertificateDer;
use serde::Serialize;

use super::bytes::Bytes;
use super::hello::{self, ClientHello, ServerHello};
use super::names;
use crate::pki::inspect::{self, CertificateInfo};

/// Extension types (RFC 8446 §4.2).
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const CERTIFICATE_AUTHORITIES: u16 = 47;

/// What a handshake message says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub enum Message {
    /// The server wants to shake hands again (RFC 5246 §7.4.1.1).
    HelloRequest,
    /// The client's offer (RFC 8446 §4.1.2).
    ClientHello(Box<ClientHello>),
    /// The server wants another key share (RFC 8446 §4.1.4).
    HelloRetryRequest {
        /// Of this group.
        group: Option<String>,
        /// The cipher suite it will choose.
        cipher: String,
        /// Its number.
        #[serde(skip)]
        suite: u16,
    },
    /// The server's choice (RFC 8446 §4.1.3).
    ServerHello(ServerHello),
    /// What a later handshake can be shortened with (RFC 8446 §4.6.1).
    NewSessionTicket {
        /// Seconds it is good for.
        lifetime_s: u32,
    },
    /// Nothing more comes before the handshake is done (RFC 8446 §4.5).
    EndOfEarlyData,
    /// What of the server's answer is encrypted already (RFC 8446 §4.3.1).
    EncryptedExtensions {
        /// The application protocol chosen.
        alpn: Option<String>,
        /// All extensions by their names, in order.
        extensions: Vec<String>,
    },
    /// A certificate chain (RFC 8446 §4.4.2).
    Certificate {
        /// Leaf first; empty when it has none to show.
        chain: Vec<CertificateInfo>,
        /// The same as it was sent.
        #[serde(skip)]
        der: Vec<CertificateDer<'static>>,
    },
    /// The server's revocation proof (RFC 6066 §8), which is not looked at here.
    CertificateStatus,
    /// The server's half of the key exchange (RFC 5246 §7.4.3, RFC 8422 §5.4).
    ServerKeyExchange {
        /// The group.
        group: String,
        /// Bytes of the server's public value.
        public_bytes: u64,
        /// What it is signed with.
        scheme: String,
    },
    /// The server asks for a certificate (RFC 8446 §4.3.2).
    CertificateRequest {
        /// Of these CAs; empty is any.
        authorities: Vec<String>,
        /// Signatures it understands.
        schemes: Vec<String>,
    },
    /// The end of the server's first flight in TLS 1.2.
    ServerHelloDone,
    /// The proof of holding the private key (RFC 8446 §4.4.3).
    CertificateVerify {
        /// What it is signed with.
        scheme: String,
    },
    /// The client's half of the key exchange in TLS 1.2.
    ClientKeyExchange,
    /// The proof that both saw the same handshake (RFC 8446 §4.4.4).
    Finished,
    /// The sender goes on with new keys (RFC 8446 §4.6.3).
    KeyUpdate {
        /// Whether the other side is asked to do the same.
        requested: bool,
    },
    /// A message that is not read here, or does not keep to its form.
    Other {
        /// Its number.
        kind: u8,
    },
}

impl Message {
    /// The number of the message (RFC 8446 §4).
    pub fn kind(&self) -> u8 {
        match self {
            Self::HelloRequest => 0,
            Self::ClientHello(_) => 1,
            Self::ServerHello(_) | Self::HelloRetryRequest { .. } => 2,
            Self::NewSessionTicket { .. } => 4,
            Self::EndOfEarlyData => 5,
            Self::EncryptedExtensions { .. } => 8,
            Self::Certificate { .. } => 11,
            Self::ServerKeyExchange { .. } => 12,
            Self::CertificateRequest { .. } => 13,
            Self::ServerHelloDone => 14,
            Self::CertificateVerify { .. } => 15,
            Self::ClientKeyExchange => 16,
            Self::Finished => 20,
            Self::CertificateStatus => 22,
            Self::KeyUpdate { .. } => 24,
            Self::Other { kind } => *kind,
        }
    }

    /// Its name, as the RFCs write it.
    pub fn name(&self) -> String {
        match self {
            Self::HelloRetryRequest { .. } => "HelloRetryRequest".to_owned(),
            other => match names::message(other.kind()) {
                Some(name) => name.to_owned(),
                None => format!("handshake message {}", other.kind()),
            },
        }
    }

    /// Reads the body of a message; one that does not keep to its form is told by its number only.
    /// `client` is the offer it may be an answer to.
    pub fn read(kind: u8, body: &[u8], is_13: bool, client: Option<&ClientHello>) -> Self {
        let read = match kind {
            0 => Some(Self::HelloRequest),
            1 => ClientHello::read(body).map(|hello| Self::ClientHello(Box::new(hello))),
            2 => hello::server_hello(body, client),
            4 => ticket(Bytes(body)),
            5 => Some(Self::EndOfEarlyData),
            8 => encrypted_extensions(Bytes(body)),
            11 => certificate(Bytes(body), is_13),
            12 => server_key_exchange(Bytes(body)),
            13 if is_13 => certificate_request(Bytes(body)),
            13 => certificate_request_12(Bytes(body)),
            14 => Some(Self::ServerHelloDone),
            15 => certificate_verify(Bytes(body)),
            16 => Some(Self::ClientKeyExchange),
            20 => Some(Self::Finished),
            22 => Some(Self::CertificateStatus),
            24 => key_update(Bytes(body)),
            _ => None,
        };
        read.unwrap_or(Self::Other { kind })
    }
}

fn ticket(mut body: Bytes<'_>) -> Option<Message> {
    Some(Message::NewSessionTicket {
        lifetime_s: body.u32()?,
    })
}

fn key_update(mut body: Bytes<'_>) -> Option<Message> {
    Some(Message::KeyUpdate {
        requested: body.u8()? == 1,
    })
}

fn encrypted_extensions(mut body: Bytes<'_>) -> Option<Message> {
    let (mut alpn, mut extensions) = (None, Vec::new());
    for (kind, body) in body.take16()?.extensions() {
        extensions.push(names::extension(kind));
        if kind == ALPN {
            alpn = hello::protocols(body).into_iter().next();
        }
    }
    Some(Message::EncryptedExtensions { alpn, extensions })
}

fn certificate(mut body: Bytes<'_>, is_13: bool) -> Option<Message> {
    if is_13 {
        body.take8()?; // request context
    }
    let mut list = body.take24()?;
    let (mut chain, mut ders) = (Vec::new(), Vec::new());
    while !list.is_empty() {
        let der = list.take24()?;
        if is_13 {
            list.take16()?; // extensions
        }
        // One that cannot be read is the verifier's business; it says so.
        chain.extend(inspect::certificate(der.0));
        ders.push(CertificateDer::from(der.0.to_vec()));
    }
    Some(Message::Certificate { chain, der: ders })
}

fn server_key_exchange(body: Bytes<'_>) -> Option<Message> {
    let exchange = KeyExchange::read(body.0)?;
    Some(Message::ServerKeyExchange {
        group: exchange.group,
        public_bytes: exchange.public.len() as u64,
        scheme: names::scheme(exchange.scheme),
    })
}

/// The parts of a `ServerKeyExchange`.
pub(super) struct KeyExchange<'a> {
    group: String,
    public: &'a [u8],
    /// What is signed, beside both randoms.
    pub(super) params: &'a [u8],
    pub(super) scheme: u16,
    pub(super) signature: &'a [u8],
}

/// The one curve type there is (RFC 8422 §5.4).
const NAMED_CURVE: u8 = 3;

impl<'a> KeyExchange<'a> {
    /// Reads it: of elliptic curves (RFC 8422 §5.4), or else of numbers modulo a prime (RFC 5246 §7.4.3);
    /// which of them it is does not stand in the message, but only one of them fits its length.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let curve = |mut rest: Bytes<'a>| {
            rest.u8().filter(|kind| *kind == NAMED_CURVE)?;
            let group = names::group(rest.u16()?);
            let public = rest.take8()?;
            Some((rest, group, public))
        };
        let prime = |mut rest: Bytes<'a>| {
            let prime = rest.take16()?;
            rest.take16()?; // generator
            let public = rest.take16()?;
            let group = format!("DHE of {} bits", 8 * prime.0.len());
            Some((rest, group, public))
        };
        let signed = |(mut rest, group, public): (Bytes<'a>, String, Bytes<'a>)| {
            let params = body.get(..body.len() - rest.0.len())?;
            let (scheme, signature) = (rest.u16()?, rest.take16()?.0);
            rest.is_empty().then_some(Self {
                group,
                public: public.0,
                params,
                scheme,
                signature,
            })
        };
        let whole = Bytes(body);
        curve(whole)
            .and_then(signed)
            .or_else(|| prime(whole).and_then(signed))
    }
}

fn certificate_request(mut body: Bytes<'_>) -> Option<Message> {
    body.take8()?; // request context
    let (mut authorities, mut schemes) = (Vec::new(), Vec::new());
    for (kind, mut extension) in body.take16()?.extensions() {
        match kind {
            SIGNATURE_ALGORITHMS => schemes = schemes_of(extension.take16()?),
            CERTIFICATE_AUTHORITIES => authorities = subjects(extension.take16()?),
            _ => {}
        }
    }
    Some(Message::CertificateRequest {
        authorities,
        schemes,
    })
}

fn certificate_request_12(mut body: Bytes<'_>) -> Option<Message> {
    body.take8()?; // certificate types
    let schemes = schemes_of(body.take16()?);
    Some(Message::CertificateRequest {
        authorities: subjects(body.take16()?),
        schemes,
    })
}

fn certificate_verify(mut body: Bytes<'_>) -> Option<Message> {
    Some(Message::CertificateVerify {
        scheme: names::scheme(body.u16()?),
    })
}

fn schemes_of(schemes: Bytes<'_>) -> Vec<String> {
    schemes.numbers().map(names::scheme).collect()
}

fn subjects(mut names: Bytes<'_>) -> Vec<String> {
    let next = move || Some(inspect::name_of(names.take16()?.0).unwrap_or_else(|| "?".to_owned()));
    std::iter::from_fn(next).collect()
}
