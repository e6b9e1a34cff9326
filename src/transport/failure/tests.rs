//! Every failure of the catalogue, from each side, in both languages.

use std::path::PathBuf;

use rustls::{AlertDescription, CertificateError};

use super::context::Place;
use super::trust::Revocation;
use super::*;
use crate::pki::inspect;

/// Every failure there is.
fn catalogue() -> Vec<Failure> {
    let mut all = certificates();
    let refused = [
        Refused::Required,
        Refused::UnknownCa,
        Refused::Revoked,
        Refused::OutOfDate,
        Refused::WrongPurpose,
        Refused::Unacceptable,
        Refused::AccessDenied,
        Refused::Silent,
    ];
    let talk = [
        Talk::NoCommonVersion,
        Talk::NoCommonCipher,
        Talk::NothingInCommon,
        Talk::NoCommonGroup,
        Talk::PlainServer,
        Talk::PlainClient,
        Talk::TlsServer,
        Talk::NotSealpost,
        Talk::Tampered,
        Talk::Truncated,
        Talk::HungUp,
        Talk::Cut,
        Talk::TooSlow,
        Talk::Misbehaved,
        Talk::Alert(text("internal_error")),
        Talk::Network(text("no route to host")),
        Talk::Internal,
    ];
    all.extend(lists().into_iter().map(Failure::List));
    all.extend(refused.into_iter().map(Failure::Refused));
    all.extend(talk.into_iter().map(Failure::Talk));
    all
}

fn certificates() -> Vec<Failure> {
    let host = || text("files.example");
    let trust = [
        Trust::UnknownIssuer,
        Trust::SelfSigned,
        Trust::OtherKey,
        Trust::Impostor,
        Trust::PinMismatch {
            shown: text("sha256//A="),
            wanted: text("sha256//B="),
        },
        Trust::NotAllowed(text("no --allow rule names CN=alice")),
        Trust::Revoked(None),
        Trust::Revoked(Some(Revocation {
            file: "certs/crl.pem".into(),
            at: text("2026-01-01T00:00:00Z"),
            reason: Some(text("keyCompromise")),
        })),
    ];
    let terms = [
        Terms::WrongHost {
            host: host(),
            names: vec![text("localhost"), text("a.example")],
        },
        Terms::WrongHost {
            host: text("192.0.2.1"),
            names: vec![text("localhost")],
        },
        Terms::NoSubjectAltName { host: host() },
        Terms::Expired {
            at: text("2026-01-01T00:00:00Z"),
        },
        Terms::NotYetValid {
            from: text("2036-01-01T00:00:00Z"),
        },
        Terms::WrongPurpose {
            has: vec![text("clientAuth")],
        },
    ];
    let form = [
        Form::NotVersion3,
        Form::CaUsedAsLeaf {
            is_self_signed: false,
        },
        Form::CaUsedAsLeaf {
            is_self_signed: true,
        },
        Form::IssuerNotCa,
        Form::WeakDigest {
            algorithm: text("sha1WithRSAEncryption"),
        },
        Form::ShortRsa { bits: 1_024 },
        Form::OtherSignature {
            algorithm: text("1.2.3"),
        },
        Form::CriticalExtension,
        Form::Constrained,
        Form::Damaged,
        Form::Other,
    ];
    let mut all: Vec<Failure> = trust.into_iter().map(Failure::Trust).collect();
    all.extend(terms.into_iter().map(Failure::Terms));
    all.extend(form.into_iter().map(Failure::Form));
    all
}

fn lists() -> [ListFault; 5] {
    let files = || vec![PathBuf::from("certs/crl.pem")];
    [
        ListFault::Missing {
            issuer: text("CN=Other"),
        },
        ListFault::Expired {
            file: Some("certs/crl.pem".into()),
            since: text("2026-01-01T00:00:00Z"),
        },
        ListFault::Foreign {
            files: files(),
            issuers: vec![text("CN=Other")],
        },
        ListFault::Forged { files: files() },
        ListFault::Unusable { files: files() },
    ]
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// Lower case, one line, no full stop, nothing of Rust's.
fn check_english(text: &str) {
    assert!(!text.is_empty() && !text.contains('\n'), "{text}");
    assert!(!text.ends_with('.'), "{text}");
    assert!(!is_chinese(text), "{text}");
    assert!(
        !text.starts_with(|c: char| c.is_uppercase() && !text.starts_with("TLS")),
        "{text}"
    );
    for raw in [
        "(\"", "{", "}", "Context", "Some(", "Error", "rustls", "webpki", "::", "  ",
    ] {
        assert!(!text.contains(raw), "{raw} in: {text}");
    }
}

#[test]
fn each_failure_is_told_from_each_side_in_both_languages_with_a_command() {
    let own = leaf_of("client", 0);
    let info = inspect::certificate(&own).unwrap();
    let full = Context {
        tls: true,
        host: Some("files.example".into()),
        ca_file: Some("certs/ca.crt".into()),
        anchors: vec![own.clone()],
        own: Some(("certs/client.crt".into(), own)),
        asked: Some(vec!["CN=Kurs".into()]),
        local: Some((([127, 0, 0, 1], 5).into(), crate::text::now())),
        ..Context::default()
    };
    let empty = Context::default();
    for failure in catalogue() {
        for side in [Side::Client, Side::Server] {
            for (context, certificate) in [
                (&empty, None),
                (&full, Some((info.clone(), Place::Leaf))),
                (&full, Some((info.clone(), Place::Intermediate))),
                (&full, Some((info.clone(), Place::Anchor))),
            ] {
                let scene = Scene {
                    side,
                    certificate,
                    context,
                };
                let error = failure.told(&scene);
                let hint = error.next_step().unwrap();
                check_english(error.message());
                check_english(hint);
                let has_command = ["`", "--", "check the network", "try again"];
                assert!(
                    has_command.iter().any(|word| hint.contains(word)),
                    "{failure:?}: {hint}"
                );
                let (message_zh, hint_zh) = error.chinese().unwrap();
                assert!(
                    is_chinese(message_zh) && is_chinese(hint_zh),
                    "{message_zh} {hint_zh}"
                );
                assert!(
                    !message_zh.contains("the ") && !hint_zh.contains("the "),
                    "{message_zh} {hint_zh}"
                );
                for command in hint.split('`').skip(1).step_by(2) {
                    let begins = command
                        .split_whitespace()
                        .take(3)
                        .collect::<Vec<_>>()
                        .join(" ");
                    let is_there = hint_zh.contains(begins.as_str());
                    assert!(is_there, "{failure:?}: {begins} is not in: {hint_zh}");
                }
            }
        }
    }
}

fn leaf_of(name: &str, ca_index: u8) -> rustls::pki_types::CertificateDer<'static> {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.serial_number = Some(rcgen::SerialNumber::from(vec![0x40, ca_index]));
    params.self_signed(&key).unwrap().der().clone()
}

fn told(side: Side, error: rustls::Error, context: &Context) -> (Kind, String) {
    let error = explain(
        side,
        &io::Error::new(io::ErrorKind::InvalidData, error),
        context,
    );
    (error.kind(), error.to_string())
}

#[test]
fn the_same_error_means_another_thing_by_what_the_peer_showed() {
    let unknown = || rustls::Error::from(CertificateError::UnknownIssuer);
    let (kind, text) = told(Side::Client, unknown(), &Context::default());
    assert_eq!(kind, Kind::PeerCertificate);
    assert!(
        text.starts_with("the server's certificate is not signed"),
        "{text}"
    );
    let shown = Context {
        shown: vec![leaf_of("a.example", 7)],
        ..Context::default()
    };
    let (_, text) = told(Side::Server, unknown(), &shown);
    assert!(
        text.contains("is self-signed") && text.contains("serial 4007"),
        "{text}"
    );
    let bad = || rustls::Error::from(CertificateError::BadSignature);
    assert!(
        told(Side::Client, bad(), &shown)
            .1
            .contains("does not hold the private key")
    );
    assert!(
        told(Side::Client, bad(), &Context::default())
            .1
            .contains("another key")
    );
}

#[test]
fn a_refusal_after_the_handshake_is_told_as_one_and_never_as_a_reset() {
    let asked = Context {
        tls: true,
        stage: Stage::Hello,
        asked: Some(vec!["CN=Kurs".into()]),
        local: Some((([127, 0, 0, 1], 5).into(), crate::text::now())),
        ..Context::default()
    };
    for kind in [
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::BrokenPipe,
        io::ErrorKind::UnexpectedEof,
    ] {
        let error = explain(Side::Client, &kind.into(), &asked);
        assert!(
            error.message().contains("asked for a client certificate"),
            "{error}"
        );
        assert!(error.message().contains("none was shown"), "{error}");
        assert!(
            error.message().contains("[connection from 127.0.0.1:5 at "),
            "{error}"
        );
        assert!(
            error
                .chinese()
                .unwrap()
                .0
                .contains("来自 127.0.0.1:5 的连接")
        );
    }
    let alert = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
    let (kind, text) = told(Side::Client, alert, &asked);
    assert_eq!(kind.exit_code(), 98);
    assert!(text.contains("none was shown"), "{text}");
}

#[test]
fn names_are_for_people_and_causes_are_plain_phrases() {
    let error = CertificateError::NotValidForNameContext {
        expected: "example.org".try_into().unwrap(),
        presented: vec![
            "DnsName(\"localhost\")".into(),
            "IpAddress(127.0.0.1)".into(),
        ],
    };
    let context = Context {
        host: Some("example.org".into()),
        ..Context::default()
    };
    let (_, text) = told(Side::Client, error.into(), &context);
    assert_eq!(
        text,
        "the server's certificate is not for example.org but for localhost, 127.0.0.1 (RFC 9525 §6.3)"
    );
    for (error, phrase) in [
        (
            rustls::Error::from(CertificateError::UnknownRevocationStatus),
            "invalid certificate: unknown revocation status",
        ),
        (
            rustls::Error::AlertReceived(AlertDescription::UnknownCA),
            "received the TLS alert unknown_ca, number 48 of RFC 8446 §6",
        ),
        (
            rustls::Error::PeerIncompatible(rustls::PeerIncompatible::NoCipherSuitesInCommon),
            "peer incompatible: no cipher suites in common",
        ),
    ] {
        assert_eq!(find::phrase(&error), phrase);
    }
}

#[test]
fn another_key_than_the_pinned_one_has_its_own_exit_code() {
    let error = pin_mismatch("sha256//A=".into(), "sha256//B=".into());
    let (kind, text) = told(Side::Client, error, &Context::default());
    assert_eq!(kind.exit_code(), 90);
    assert!(
        text.contains("sha256//A=") && text.contains("sha256//B="),
        "{text}"
    );
}
