//! Comments in the captures, for Wireshark's reader.

use std::collections::BTreeMap;

use super::facts::{Run, RunKind};
use super::turns::Turn;
use crate::lab::tap::Direction;

/// Comments by frame.
pub(super) type Comments = BTreeMap<u64, String>;

/// What Wireshark's reader is told, by frame: each turn's first one says what happens.
pub(super) fn comments(run: &Run) -> Comments {
    let mut comments = Comments::new();
    let first = run.connection.frames[0];
    comments.insert(
        first,
        "Reconstructed: a relay sees bytes, not packets. The payload from here on is real.".into(),
    );
    for turn in &run.turns {
        let who = match turn.direction {
            Direction::ToServer => "client to server",
            Direction::ToClient => "server to client",
        };
        let mut text = format!("{who}: {}", turn.words().collect::<Vec<_>>().join(", "));
        let labels: Vec<&str> = turn.marks.iter().map(|mark| mark.label.as_str()).collect();
        if !labels.is_empty() {
            text = format!("{text}. Readable by anybody: {}", labels.join(", "));
        }
        if let Some(lesson) = lesson(run.kind, turn) {
            text = format!("{text}. {lesson}");
        }
        comments.insert(turn.frames[0], text);
    }
    comments
}

fn lesson(kind: RunKind, turn: &Turn) -> Option<&'static str> {
    let says = |word: &str| turn.words().any(|says| says == word);
    if says("ClientHello") {
        return Some("The server's name and the protocol asked for stand here for all to read");
    }
    if says("ServerHello") {
        return Some(match kind.is_tls12() {
            true => "TLS 1.2 shows the server's certificate",
            false => {
                "The last readable handshake message of TLS 1.3: the certificates are encrypted"
            }
        });
    }
    (kind.is_tls12() && says("Certificate"))
        .then_some("TLS 1.2 shows the client's certificate: who is asking")
}
