//! Timelines of handshakes made here, whole, altered and made up.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use proptest::prelude::*;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
};

use super::*;
use crate::lab::packets::Recorder;
use crate::lab::tap::{Direction, Event, Sink as _, What as Happened};
use crate::lang::Lang;

/// A key log in memory.
#[derive(Debug, Default)]
struct Kept(Mutex<String>);

impl rustls::KeyLog for Kept {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = crate::text::hex;
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_str(&line);
    }
}

type Turns = Vec<(Direction, Vec<u8>)>;

/// A handshake and a word each way, both sides with certificates; and its keys.
fn spoken(version: &'static SupportedProtocolVersion) -> (Turns, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(["localhost".into()]).unwrap();
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
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![certificate.clone()], key())
        .unwrap();
    let kept = Arc::new(Kept::default());
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate], key())
        .unwrap();
    client.key_log = Arc::<Kept>::clone(&kept);
    let name = "localhost".try_into().unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    let mut turns = Turns::new();
    pump(&mut client, &mut server, &mut turns);
    client.writer().write_all(b"question").unwrap();
    pump(&mut client, &mut server, &mut turns);
    server.writer().write_all(b"answer").unwrap();
    pump(&mut client, &mut server, &mut turns);
    let keys = kept.0.lock().unwrap().clone();
    (turns, keys)
}

fn pump(client: &mut ClientConnection, server: &mut ServerConnection, turns: &mut Turns) {
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

/// A capture of turns, in pieces of at most so many bytes.
fn capture(turns: &[(Direction, Vec<u8>)], piece: usize) -> Vec<u8> {
    let mut recorder = Recorder::new(Vec::new()).unwrap();
    let mut at_ns = 1_800_000_000_000_000_000;
    let mut happens = |what| {
        at_ns += 1_000_000;
        let event = Event {
            connection: 1,
            at_ns,
            what,
        };
        recorder.record(event).unwrap();
    };
    happens(Happened::Opened {
        client: "127.0.0.1:40000".parse().unwrap(),
        server: "127.0.0.1:9999".parse().unwrap(),
    });
    for (way, bytes) in turns {
        for bytes in bytes.chunks(piece) {
            happens(Happened::Bytes(*way, bytes.to_vec()));
        }
    }
    recorder.finish().unwrap().0
}

fn timeline(file: &[u8], keys: &str) -> Result<Timeline> {
    let mut log = KeyLog::default();
    log.read(keys.as_bytes());
    let mut reader = Reader::new(file)?;
    let told = of(&mut reader, &log, &Evidence::default())?;
    // Whatever was found can be told and written down.
    for lang in [Lang::English, Lang::Chinese] {
        for line in render::text(&told, lang, 100) {
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
    let connections: Vec<_> = told.connections.iter().collect();
    let _rows = beside::rows(&connections);
    serde_json::to_string(&told).unwrap();
    Ok(told)
}

fn messages(connection: &Connection) -> Vec<u8> {
    let records = connection
        .entries
        .iter()
        .filter_map(|entry| match &entry.what {
            What::Record(seen) => Some(seen),
            _ => None,
        });
    let said = records.flat_map(|seen| &seen.content);
    let numbers = said.filter_map(|said| match &said.what {
        SaidWhat::Handshake { number, .. } => Some(*number),
        _ => None,
    });
    numbers.collect()
}

#[test]
fn a_handshake_is_told_alike_however_its_bytes_are_cut() {
    for version in [&TLS13, &TLS12] {
        let (turns, keys) = spoken(version);
        let whole = timeline(&capture(&turns, usize::MAX), &keys).unwrap();
        assert_eq!(whole.connections[0].opened.verdict, Verdict::All);
        let json = serde_json::to_string(&whole).unwrap();
        assert!(!json.contains(r#""proved":false"#), "{json}");
        assert_eq!(json.matches(r#""proved":true"#).count(), 4, "{json}");
        let expected = messages(&whole.connections[0]);
        assert!(expected.len() >= 10, "{expected:?}");
        for piece in [1, 7, 300] {
            let told = timeline(&capture(&turns, piece), &keys).unwrap();
            assert_eq!(messages(&told.connections[0]), expected);
            assert_eq!(
                told.connections[0].cost.bytes,
                whole.connections[0].cost.bytes
            );
        }
        let closed = timeline(&capture(&turns, usize::MAX), "").unwrap();
        assert_eq!(closed.connections[0].opened.verdict, Verdict::NoSecrets);
        assert!(messages(&closed.connections[0]).len() < expected.len());
    }
}

#[test]
fn a_byte_altered_on_the_way_is_noticed_by_what_was_signed_or_sealed() {
    let (mut altered, keys) = spoken(&TLS13);
    // In the random of the client's hello: what is signed is not what was sent.
    let hello = &mut altered[0].1;
    hello[5 + 4 + 2 + 32 + 1 + 5] ^= 1; // the session id, by which no secret is looked up
    let told = timeline(&capture(&altered, usize::MAX), &keys).unwrap();
    let json = serde_json::to_string(&told).unwrap();
    assert!(json.contains(r#""proved":false"#), "{json}");
    assert!(!json.contains(r#""proved":true"#), "{json}");
}

#[test]
fn records_may_be_any_size_and_messages_cut_over_several() {
    let (mut turns, keys) = spoken(&TLS12);
    // The server's first flight, each record of it cut into records of 50 bytes.
    let flight = &turns[1].1;
    let (mut rest, mut cut) = (&flight[..], Vec::new());
    while let Some((header, after)) = rest.split_first_chunk::<5>() {
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        for part in after[..length].chunks(50) {
            cut.extend(&header[..3]);
            cut.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
            cut.extend(part);
        }
        rest = &after[length..];
    }
    turns[1].1 = cut;
    let told = timeline(&capture(&turns, usize::MAX), &keys).unwrap();
    assert_eq!(told.connections[0].opened.verdict, Verdict::All);
    let json = serde_json::to_string(&told).unwrap();
    assert!(json.contains(r#""says":"part""#) && !json.contains(r#""proved":false"#));
}

#[test]
fn every_single_byte_may_be_wrong_or_missing_without_a_panic() {
    let (turns, keys) = spoken(&TLS13);
    let file = capture(&turns, 400);
    for at in (0..file.len()).step_by(11) {
        let mut broken = file.clone();
        broken[at] ^= 1 << (at % 8);
        let _either = timeline(&broken, &keys);
    }
    for length in (0..file.len()).step_by(61) {
        let _either = timeline(&file[..length], &keys);
    }
}

#[test]
fn a_stream_that_is_not_tls_any_more_is_said_and_does_not_fill_memory() {
    let (mut turns, keys) = spoken(&TLS13);
    turns.push((Direction::ToClient, vec![b'x'; 300_000]));
    let told = timeline(&capture(&turns, 1_000), &keys).unwrap();
    let json = serde_json::to_string(&told).unwrap();
    assert_eq!(json.matches(r#""says":"not_tls""#).count(), 1);
    assert!(json.contains(r#""bytes":300000"#), "{}", json.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_bytes_in_either_direction_are_told_somehow(
        turns in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..400)), 0..8),
        first in prop::sample::select(vec![0u8, 20, 21, 22, 23, 80]),
    ) {
        let turns: Turns = turns.into_iter().map(|(up, mut bytes)| {
            // Often enough something that begins like a record.
            if bytes.len() > 5 && bytes[0] & 1 == 0 {
                let length = u16::try_from(bytes.len() - 5).unwrap().to_be_bytes();
                bytes[..5].copy_from_slice(&[first, 3, 3, length[0], length[1]]);
            }
            (if up { Direction::ToServer } else { Direction::ToClient }, bytes)
        }).collect();
        timeline(&capture(&turns, 100), "").unwrap();
    }

    #[test]
    fn handshakes_with_bytes_altered_dropped_and_doubled_are_told_somehow(
        changes in prop::collection::vec((0usize..6, any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6),
    ) {
        static SPOKEN: std::sync::OnceLock<[(Turns, String); 2]> = std::sync::OnceLock::new();
        for (turns, keys) in SPOKEN.get_or_init(|| [spoken(&TLS13), spoken(&TLS12)]) {
            let mut turns = turns.clone();
            for (turn, at, with, how) in &changes {
                let count = turns.len();
                let bytes = &mut turns[turn % count].1;
                if bytes.is_empty() {
                    continue;
                }
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = *with,
                    1 => _ = bytes.drain(at..(at + usize::from(*with)).min(bytes.len())),
                    _ => {
                        let again = bytes[at..].to_vec();
                        bytes.extend(again);
                    }
                }
            }
            timeline(&capture(&turns, 1_460), keys).unwrap();
        }
    }
}
