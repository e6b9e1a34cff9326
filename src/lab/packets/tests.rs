use std::path::Path;
use std::process::Command;

use super::*;
use crate::lab::streams::tests::{Heard, heard};

fn record(events: impl IntoIterator<Item = (u64, What)>) -> Vec<u8> {
    let mut recorder = Recorder::new(Vec::new()).unwrap();
    for (connection, what) in events {
        let event = Event {
            connection,
            at_ns: 1_700_000_000_000_000_000,
            what,
        };
        recorder.record(event).unwrap();
    }
    recorder.finish().unwrap().0
}

fn opened(client: &str, server: &str) -> What {
    What::Opened {
        client: client.parse().unwrap(),
        server: server.parse().unwrap(),
    }
}

/// Two connections at once, IPv4 and IPv6, chunks of every size, each kind of end.
fn a_busy_capture() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    use Direction::{ToClient, ToServer};
    let big: Vec<u8> = (0..262_144u32).map(|n| n.to_le_bytes()[1]).collect();
    let events = [
        (1, opened("127.0.0.1:40000", "127.0.0.1:9999")),
        (2, opened("127.0.0.1:40001", "[::1]:9999")),
        (1, What::Bytes(ToServer, b"question".to_vec())),
        (2, What::Bytes(ToServer, big.clone())),
        (1, What::Bytes(ToClient, b"answer".to_vec())),
        (2, What::Bytes(ToServer, big.clone())),
        (1, What::Ended(ToServer)),
        (1, What::Bytes(ToClient, b", late".to_vec())),
        (1, What::Ended(ToClient)),
        (1, What::Closed),
        (2, What::Reset(ToClient)),
        (2, What::Closed),
    ];
    (
        record(events),
        [&big[..], &big].concat(),
        b"answer, late".to_vec(),
    )
}

#[test]
fn what_was_recorded_is_what_is_read_back() {
    let (file, big, answer) = a_busy_capture();
    let Heard {
        connections,
        walked,
    } = heard(&file);
    assert_eq!((connections.len(), walked.other_packets), (2, 0));
    let first = &connections[0];
    assert_eq!(first.client, "127.0.0.1:40000".parse().unwrap());
    assert_eq!(first.to_server, b"question");
    assert_eq!(first.to_client, answer);
    assert_eq!(
        first.ends,
        [(Direction::ToServer, false), (Direction::ToClient, false)]
    );
    let second = &connections[1];
    assert_eq!(second.client, "[::ffff:127.0.0.1]:40001".parse().unwrap());
    assert!(second.to_server == big);
    assert_eq!(second.ends, [(Direction::ToClient, true)]);
    assert_eq!(first.gaps + second.gaps, 0);
}

/// A connection of which the middle was not recorded, in both directions; one gap is longer than sequence numbers are.
fn a_capture_with_holes() -> Vec<u8> {
    use Direction::{ToClient, ToServer};
    record([
        (1, opened("127.0.0.1:40000", "127.0.0.1:9999")),
        (1, What::Bytes(ToServer, b"question".to_vec())),
        (1, What::Missing(ToServer, 5_000_000_000)),
        (1, What::Bytes(ToServer, b"the end".to_vec())),
        (1, What::Missing(ToClient, 100)),
        (1, What::Bytes(ToClient, b"answer".to_vec())),
        (1, What::Ended(ToServer)),
        (1, What::Ended(ToClient)),
        (1, What::Closed),
    ])
}

#[test]
fn what_was_not_recorded_is_a_gap_and_what_follows_is_there() {
    let heard = heard(&a_capture_with_holes());
    assert_eq!(heard.connections[0].gaps, (1 << 30) + 100);
    assert_eq!(heard.connections[0].to_server, b"questionthe end");
    assert_eq!(heard.connections[0].to_client, b"answer");
}

#[test]
fn wireshark_sees_segments_that_were_not_captured_and_no_other_fault() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.pcapng");
    std::fs::File::create(&path)
        .unwrap()
        .write_all(&a_capture_with_holes())
        .unwrap();
    let lost = [
        "-Y",
        "tcp.analysis.lost_segment",
        "-T",
        "fields",
        "-e",
        "frame.comment",
    ];
    let Some(lost) = tshark(&path, &lost) else {
        return;
    };
    let comment =
        |bytes| format!("{bytes} bytes that passed here, in this direction, were not kept\n");
    assert_eq!(lost, [comment(5_000_000_000_u64), comment(100)].concat());
    // The other side acknowledges what was not captured, as it does in any capture with losses.
    let faults = "_ws.malformed || (tcp.analysis.flags && !tcp.analysis.lost_segment && !tcp.analysis.ack_lost_segment)";
    assert_eq!(tshark(&path, &["-Y", faults]).unwrap(), "");
}

#[test]
fn a_refused_connection_is_a_syn_and_a_reset() {
    let file = record([(
        1,
        What::Refused {
            client: "10.0.0.1:1".parse().unwrap(),
            server: "10.0.0.2:2".parse().unwrap(),
            reason: "connection refused".into(),
        },
    )]);
    let heard = heard(&file);
    assert_eq!(heard.walked.packets, 2);
    assert_eq!(heard.connections[0].ends, [(Direction::ToClient, true)]);
}

/// Wireshark finds nothing to complain about: the same fields as acceptance check A2 of the lab.
#[test]
fn wireshark_finds_no_fault_where_it_is_installed() {
    let (file, big, answer) = a_busy_capture();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.pcapng");
    std::fs::File::create(&path)
        .unwrap()
        .write_all(&file)
        .unwrap();
    let faults = "_ws.malformed || tcp.analysis.flags || \
                  tcp.checksum.status!=1 || ip.checksum.status==0";
    let checks = [
        "-o",
        "tcp.check_checksum:TRUE",
        "-o",
        "ip.check_checksum:TRUE",
        "-Y",
        faults,
    ];
    let Some(found) = tshark(&path, &checks) else {
        return;
    };
    assert_eq!(found, "");
    let first = tshark(&path, &["-q", "-z", "follow,tcp,raw,0"]).unwrap();
    assert!(first.contains(&crate::text::hex(b"question")));
    assert!(first.contains(&format!("\t{}", crate::text::hex(&answer[..6]))));
    let second = tshark(&path, &["-q", "-z", "follow,tcp,raw,1"]).unwrap();
    let hex: String = second
        .lines()
        .filter(|line| !line.contains([' ', '=', ':']))
        .collect();
    assert!(hex == crate::text::hex(&big));
}

fn tshark(path: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(path)
        .args(arguments)
        .output()
        .ok()?;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap())
}
