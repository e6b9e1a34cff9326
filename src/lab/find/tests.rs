//! The same conversation plain and under real TLS, recorded, written, read back, searched and told.

use std::io::{Read as _, Write as _};

use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

use super::*;
use crate::lab::packets::Recorder;
use crate::lab::pcapng::Reader;
use crate::lab::search::FileBlocks;
use crate::lab::streams::walk;
use crate::lab::tap::{Event, Sink as _, What};
use crate::lab::tell::{brief, tell};
use crate::lang::Lang;
use crate::protocol::ALPN;

const USER: &str = "student-7e21";
const PASSWORD: &str = "co\"rrect horse 龙";

/// The file's bytes: text enough that its entropy shows.
fn file() -> Vec<u8> {
    let line = |n: u32| format!("line {n} of a file worth sending\n");
    (0..1_000).map(line).collect::<String>().into_bytes()
}

/// Who says what, turn by turn.
fn conversation() -> Vec<(Direction, Vec<u8>)> {
    let frame = |text: String| {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&length, text.as_bytes()].concat()
    };
    let login = serde_json::json!({"op": "login", "user": USER, "password": PASSWORD});
    let put = frame(r#"{"op":"put","name":"notes.txt"}"#.into());
    let ok = || frame(r#"{"ok":true}"#.into());
    vec![
        (Direction::ToServer, frame(login.to_string())),
        (Direction::ToClient, ok()),
        (Direction::ToServer, put),
        (Direction::ToClient, ok()),
        (Direction::ToServer, file()),
        (Direction::ToClient, ok()),
    ]
}

fn recorded(turns: Vec<(Direction, Vec<u8>)>) -> Finding {
    let mut recorder = Recorder::new(Vec::new()).unwrap();
    let opened = What::Opened {
        client: "127.0.0.1:40000".parse().unwrap(),
        server: "127.0.0.1:9999".parse().unwrap(),
    };
    let said = turns
        .into_iter()
        .map(|(way, bytes)| What::Bytes(way, bytes));
    let ends = [Direction::ToServer, Direction::ToClient].map(What::Ended);
    for what in std::iter::once(opened).chain(said).chain(ends) {
        let event = Event {
            connection: 1,
            at_ns: 1_700_000_000_000_000_000,
            what,
        };
        recorder.record(event).unwrap();
    }
    let (capture, _) = recorder.finish().unwrap();
    let sought = |label: &str, text: &str, hidden| Sought {
        label: label.into(),
        text: text.into(),
        hidden,
    };
    let sought = vec![
        sought("user", USER, false),
        sought("password", PASSWORD, true),
    ];
    let mut analysis = Analysis::new(sought, Some(FileBlocks::read(&file()[..]).unwrap()));
    let walked = walk(&mut Reader::new(&capture[..]).unwrap(), &mut analysis).unwrap();
    analysis.finish(walked)
}

/// The conversation as it travels inside TLS, both sides authenticated.
fn sealed(version: &'static rustls::SupportedProtocolVersion) -> Vec<(Direction, Vec<u8>)> {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(["localhost".into()]).unwrap();
    let name = format!("CN {USER}");
    parameters
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    let certificate = parameters.self_signed(&key).unwrap().der().clone();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let roots = Arc::new(roots);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = || rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
        Arc::clone(&roots),
        Arc::clone(&provider),
    );
    let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![certificate.clone()], key())
        .unwrap();
    server.alpn_protocols = vec![ALPN.to_vec()];
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate], key())
        .unwrap();
    client.alpn_protocols = vec![ALPN.to_vec()];
    let name = "localhost".try_into().unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    let mut turns = Vec::new();
    pump(&mut client, &mut server, &mut turns);
    for (way, bytes) in conversation() {
        match way {
            Direction::ToServer => client.writer().write_all(&bytes).unwrap(),
            Direction::ToClient => server.writer().write_all(&bytes).unwrap(),
        }
        pump(&mut client, &mut server, &mut turns);
    }
    turns
}

/// Carries what each side wants to send to the other, and keeps it.
fn pump(
    client: &mut ClientConnection,
    server: &mut ServerConnection,
    turns: &mut Vec<(Direction, Vec<u8>)>,
) {
    while client.wants_write() || server.wants_write() {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets().unwrap();
            let _nothing_more = server.reader().read_to_end(&mut Vec::new());
        }
        turns.push((Direction::ToServer, bytes));
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets().unwrap();
            let _nothing_more = client.reader().read_to_end(&mut Vec::new());
        }
        turns.push((Direction::ToClient, bytes));
    }
}

#[test]
fn in_plain_tcp_everything_is_read_and_the_hidden_password_is_not_repeated() {
    let finding = recorded(conversation());
    let connection = &finding.connections[0];
    assert_eq!(connection.security, Security::Plain);
    assert!(
        connection
            .secrets
            .iter()
            .all(|secret| secret.found.is_some())
    );
    assert_eq!(
        connection.blocks_found,
        finding.file.as_ref().map(|file| file.blocks)
    );
    let text = tell(&finding, Lang::English).join("\n");
    assert!(text.contains("plain TCP: read the user (student-7e21, found in frame 4), the password (found in frame 4), 100 % of the file's blocks (9 of 9)"), "{text}");
    assert!(text.contains(r#""password":"<password>""#), "{text}");
    let json = serde_json::to_string(&finding).unwrap();
    assert!(!text.contains("horse") && !json.contains("horse"));
}

#[test]
fn under_tls_13_nothing_is_read_but_names_and_sizes_are_visible() {
    let finding = recorded(sealed(&TLS13));
    let connection = &finding.connections[0];
    assert!(
        connection
            .secrets
            .iter()
            .all(|secret| secret.found.is_none())
    );
    assert_eq!(connection.blocks_found, Some(0));
    let tls = connection.tls.as_ref().unwrap();
    assert_eq!(tls.visible.version, Some("TLS 1.3"));
    assert_eq!(tls.visible.server_name.as_deref(), Some("localhost"));
    assert_eq!(tls.visible.alpn_offered, ["sealpost/1"]);
    assert_eq!(tls.visible.alpn_chosen, None);
    assert!(tls.visible.client_certificates.is_empty());
    // The size of the file, to the byte, from the lengths of encrypted records alone.
    let size = file().len() as u64;
    assert_eq!(connection.to_server.largest_turn_bytes, Some(size));
    let text = tell(&finding, Lang::English).join("\n");
    assert!(
        text.contains(
            "TLS 1.3: read nothing: not the user, not the password, 0 of 9 blocks of the file"
        ),
        "{text}"
    );
    assert!(text.contains("> 16 03 01"), "{text}");
}

#[test]
fn a_finding_is_told_in_chinese_too() {
    for (finding, told) in [
        (
            recorded(conversation()),
            "明文 TCP：读到了 user（student-7e21，位于第 4 帧）",
        ),
        (
            recorded(sealed(&TLS13)),
            "TLS 1.3：什么也没读到：没有 user，没有 password，文件 9 块中的 0 块",
        ),
    ] {
        for text in [
            tell(&finding, Lang::Chinese),
            brief(&finding, Lang::Chinese),
        ] {
            let text = text.join("\n");
            assert!(text.contains(told), "{text}");
            for english in ["read", "visible", "there", "frame"] {
                assert!(!text.contains(english), "{english}: {text}");
            }
        }
    }
}

#[test]
fn a_password_in_a_disguise_is_found_named_and_not_repeated() {
    let http = |line: &str| {
        let request = format!("GET / HTTP/1.1\r\n{line}\r\n\r\n");
        recorded(vec![(Direction::ToServer, request.into_bytes())])
    };
    let joined = format!("{USER}:{PASSWORD}");
    let basic = http(&format!(
        "Authorization: Basic {}",
        crate::pki::base64(joined.as_bytes())
    ));
    let form = http("Cookie: p=co%22rrect+horse+%E9%BE%99");
    for (finding, written, said) in [
        (&basic, Writing::Base64, "in Base64"),
        (&form, Writing::Percent, "percent-encoded"),
    ] {
        let found = finding.connections[0].secrets[1].found.unwrap();
        assert_eq!((found.written, found.frame), (written, 4));
        let text = tell(finding, Lang::English).join("\n");
        assert!(
            text.contains(&format!("the password (found in frame 4, {said})")),
            "{text}"
        );
    }
    let other = http("Authorization: Basic c3R1ZGVudC03ZTIxOm90aGVy");
    assert_eq!(other.connections[0].secrets[1].found, None);
    assert!(other.connections[0].secrets[0].found.is_some());
}

#[test]
fn under_tls_12_the_certificates_tell_who_is_asking() {
    let finding = recorded(sealed(&TLS12));
    let connection = &finding.connections[0];
    let visible = &connection.tls.as_ref().unwrap().visible;
    assert_eq!(visible.version, Some("TLS 1.2"));
    assert_eq!(visible.alpn_chosen.as_deref(), Some("sealpost/1"));
    assert_eq!(visible.client_certificates, [format!("CN=CN {USER}")]);
    assert_eq!(
        connection.to_server.largest_turn_bytes,
        Some(file().len() as u64)
    );
    let [user, password] = &connection.secrets[..] else {
        panic!("two were looked for")
    };
    assert!(user.found.is_some() && password.found.is_none());
}

#[test]
fn a_short_secret_in_noise_is_told_as_possibly_chance() {
    assert!(chance(5_000_000, 2, 256.0) > CHANCE_MAX && chance(5_000_000, 8, 256.0) < CHANCE_MAX);
    // Eight digits of hex are four bytes.
    assert!(chance(1_000_000_000, 8, 16.0) > CHANCE_MAX);
}
