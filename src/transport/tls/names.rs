//! The numbers of TLS by their names, as IANA and the RFCs have them.

use rustls::{CipherSuite, NamedGroup, ProtocolVersion};

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
    let name = known(number, &name).replace("TLS13_", "TLS_");
    named(number, name)
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
        0x000a => "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
        0xc09c => "TLS_RSA_WITH_AES_128_CCM",
        0xc09d => "TLS_RSA_WITH_AES_256_CCM",
        0xc09e => "TLS_DHE_RSA_WITH_AES_128_CCM",
        0xc09f => "TLS_DHE_RSA_WITH_AES_256_CCM",
        0xc0a0 => "TLS_RSA_WITH_AES_128_CCM_8",
        0xc0a1 => "TLS_RSA_WITH_AES_256_CCM_8",
        0xc0ac => "TLS_ECDHE_ECDSA_WITH_AES_128_CCM",
        0xc0ad => "TLS_ECDHE_ECDSA_WITH_AES_256_CCM",
        0xc0ae => "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",
        0xc0af => "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8",
        0xccaa => "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        _ => return None,
    })
}

/// A group of the key exchange, such as `X25519`.
pub fn group(number: u16) -> String {
    let name = format!("{:?}", NamedGroup::from(number));
    named(number, known(number, &name))
}

/// A signature algorithm, such as `ecdsa_secp256r1_sha256` (RFC 8446 §4.2.3); before TLS 1.3 a hash and a
/// signature, a byte each, such as `sha256 dsa` (RFC 5246 §7.4.1.4.1).
pub fn scheme(number: u16) -> String {
    let name = match number {
        0x0201 => "rsa_pkcs1_sha1",
        0x0203 => "ecdsa_sha1",
        0x0401 => "rsa_pkcs1_sha256",
        0x0501 => "rsa_pkcs1_sha384",
        0x0601 => "rsa_pkcs1_sha512",
        0x0403 => "ecdsa_secp256r1_sha256",
        0x0503 => "ecdsa_secp384r1_sha384",
        0x0603 => "ecdsa_secp521r1_sha512",
        0x0804 => "rsa_pss_rsae_sha256",
        0x0805 => "rsa_pss_rsae_sha384",
        0x0806 => "rsa_pss_rsae_sha512",
        0x0807 => "ed25519",
        0x0808 => "ed448",
        0x0809 => "rsa_pss_pss_sha256",
        0x080a => "rsa_pss_pss_sha384",
        0x080b => "rsa_pss_pss_sha512",
        0x081a => "ecdsa_brainpoolP256r1tls13_sha256",
        0x081b => "ecdsa_brainpoolP384r1tls13_sha384",
        0x081c => "ecdsa_brainpoolP512r1tls13_sha512",
        0x0904 => "mldsa44",
        0x0905 => "mldsa65",
        0x0906 => "mldsa87",
        _ => return named(number, old_scheme(number)),
    };
    name.to_owned()
}

fn old_scheme(number: u16) -> String {
    let [hash, signature] = number.to_be_bytes();
    let hash = match hash {
        1 => "md5",
        2 => "sha1",
        3 => "sha224",
        4 => "sha256",
        5 => "sha384",
        6 => "sha512",
        _ => return format!("0x{number:04x}"),
    };
    match signature {
        1 => format!("{hash} rsa"),
        2 => format!("{hash} dsa"),
        3 => format!("{hash} ecdsa"),
        _ => format!("0x{number:04x}"),
    }
}

/// An alert, such as `bad_certificate` (RFC 8446 §6, RFC 5246 §7.2).
pub fn alert(number: u8) -> String {
    let name = match number {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        other => return other.to_string(),
    };
    name.to_owned()
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

/// The name rustls has for a number, or the number: rustls prints one it does not know as `CipherSuite(0x87)`.
fn known(number: u16, name: &str) -> String {
    match name.contains('(') {
        true => format!("0x{number:04x}"),
        false => name.to_owned(),
    }
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
        assert_eq!(group(0x0fff), "0x0fff");
        assert_eq!(suite(0xc0a0), "TLS_RSA_WITH_AES_128_CCM_8");
        assert_eq!(suite(0x0087), "0x0087");
        // Not rustls's own: these are looked up in the RFC and in Wireshark.
        assert_eq!(scheme(0x0403), "ecdsa_secp256r1_sha256");
        assert_eq!(scheme(0x0804), "rsa_pss_rsae_sha256");
        assert_eq!(scheme(0x0402), "sha256 dsa");
        assert_eq!(scheme(0x0a0a), "GREASE (0x0a0a)");
        assert_eq!(scheme(0xfe01), "0xfe01");
        assert_eq!(alert(0), "close_notify");
        assert_eq!(alert(48), "unknown_ca");
        assert_eq!(alert(200), "200");
        assert_eq!(version(0x0304), "TLS 1.3");
        assert_eq!(extension(51), "key_share");
        assert_eq!(extension(0x1234), "extension 4660");
        assert!(is_grease(0xfafa) && !is_grease(0x1a2a) && !is_grease(0x1301));
    }
}
