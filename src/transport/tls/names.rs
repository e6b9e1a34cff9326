//! The numbers of TLS by their names, as IANA and the RFCs have them.

use rustls::{AlertDescription, CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

/// TLS 1.2 as a version number.
pub const TLS12: u16 = 0x0303;

/// TLS 1.3 as a version number.
pub const TLS13: u16 = 0x0304;

/// A version, such as `TLS 1.3`.
pub fn version(number: u16) -> String {
    match known_version(number) {
        Some(name) => name.to_owned(),
        None => named(number, format!("{:?}", ProtocolVersion::from(number))),
    }
}

/// The name of a version that was in use once.
pub fn known_version(number: u16) -> Option<&'static str> {
    Some(match number {
        0x0300 => "SSL 3.0",
        0x0301 => "TLS 1.0",
        0x0302 => "TLS 1.1",
        TLS12 => "TLS 1.2",
        TLS13 => "TLS 1.3",
        _ => return None,
    })
}

/// A cipher suite, such as `TLS_AES_128_GCM_SHA256`.
pub fn suite(number: u16) -> String {
    if let Some(name) = old_suite(number) {
        return name.to_owned();
    }
    // rustls marks the suites of 1.3 by a prefix the RFC does not have (RFC 8446 §B.4).
    let name = format!("{:?}", CipherSuite::from(number));
    named(number, name.replace("TLS13_", "TLS_"))
}

/// Suites of TLS 1.2 that rustls has no name for and captures have all the same (RFC 5246 §A.5, RFC 5288,
/// RFC 7905).
fn old_suite(number: u16) -> Option<&'static str> {
    Some(match number {
        0x002f => "TLS_RSA_WITH_AES_128_CBC_SHA",
        0x0033 => "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
        0x0035 => "TLS_RSA_WITH_AES_256_CBC_SHA",
        0x0039 => "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
        0x003c => "TLS_RSA_WITH_AES_128_CBC_SHA256",
        0x003d => "TLS_RSA_WITH_AES_256_CBC_SHA256",
        0x0067 => "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
        0x006b => "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
        0x009c => "TLS_RSA_WITH_AES_128_GCM_SHA256",
        0x009d => "TLS_RSA_WITH_AES_256_GCM_SHA384",
        0x009e => "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
        0x009f => "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
        0xccaa => "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        _ => return None,
    })
}

/// A group of the key exchange, such as `X25519`.
pub fn group(number: u16) -> String {
    named(number, format!("{:?}", NamedGroup::from(number)))
}

/// A signature algorithm, such as `ECDSA_NISTP256_SHA256`.
pub fn scheme(number: u16) -> String {
    named(number, format!("{:?}", SignatureScheme::from(number)))
}

/// An alert, such as `BadCertificate`.
pub fn alert(number: u8) -> String {
    format!("{:?}", AlertDescription::from(number))
}

/// The content type of a record (RFC 8446 §5.1).
pub fn content_type(number: u8) -> &'static str {
    match number {
        20 => "change_cipher_spec",
        21 => "alert",
        22 => "handshake",
        23 => "application_data",
        24 => "heartbeat",
        _ => "unknown",
    }
}

/// A handshake message (RFC 8446 §4, RFC 5246 §7.4); none for a number that names none.
pub fn message(number: u8) -> Option<&'static str> {
    Some(match number {
        0 => "HelloRequest",
        1 => "ClientHello",
        2 => "ServerHello",
        4 => "NewSessionTicket",
        5 => "EndOfEarlyData",
        8 => "EncryptedExtensions",
        11 => "Certificate",
        12 => "ServerKeyExchange",
        13 => "CertificateRequest",
        14 => "ServerHelloDone",
        15 => "CertificateVerify",
        16 => "ClientKeyExchange",
        20 => "Finished",
        21 => "CertificateURL",
        22 => "CertificateStatus",
        23 => "SupplementalData",
        24 => "KeyUpdate",
        25 => "CompressedCertificate",
        _ => return None,
    })
}

/// An extension of a hello (IANA, TLS `ExtensionType` values).
pub fn extension(number: u16) -> String {
    let name = match number {
        0 => "server_name",
        1 => "max_fragment_length",
        5 => "status_request",
        10 => "supported_groups",
        11 => "ec_point_formats",
        13 => "signature_algorithms",
        14 => "use_srtp",
        15 => "heartbeat",
        16 => "application_layer_protocol_negotiation",
        18 => "signed_certificate_timestamp",
        19 => "client_certificate_type",
        20 => "server_certificate_type",
        21 => "padding",
        22 => "encrypt_then_mac",
        23 => "extended_master_secret",
        27 => "compress_certificate",
        28 => "record_size_limit",
        35 => "session_ticket",
        41 => "pre_shared_key",
        42 => "early_data",
        43 => "supported_versions",
        44 => "cookie",
        45 => "psk_key_exchange_modes",
        47 => "certificate_authorities",
        48 => "oid_filters",
        49 => "post_handshake_auth",
        50 => "signature_algorithms_cert",
        51 => "key_share",
        0xfe0d => "encrypted_client_hello",
        0xff01 => "renegotiation_info",
        other => return named(other, format!("extension {other}")),
    };
    name.to_owned()
}

/// The name, unless the number is there only so that nobody relies on the list (RFC 8701).
fn named(number: u16, name: String) -> String {
    match is_grease(number) {
        true => format!("GREASE (0x{number:04x})"),
        false => name,
    }
}

/// Whether a number is one of those that stand for nothing (RFC 8701 §2).
pub fn is_grease(number: u16) -> bool {
    let [high, low] = number.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_rfcs_and_grease_is_told_from_the_unknown() {
        assert_eq!(suite(0x1303), "TLS_CHACHA20_POLY1305_SHA256");
        assert_eq!(suite(0x1a1a), "GREASE (0x1a1a)");
        assert_eq!(group(0x001d), "X25519");
        assert_eq!(version(0x0304), "TLS 1.3");
        assert_eq!(extension(51), "key_share");
        assert_eq!(extension(0x1234), "extension 4660");
        assert!(is_grease(0xfafa) && !is_grease(0x1a2a) && !is_grease(0x1301));
    }
}
