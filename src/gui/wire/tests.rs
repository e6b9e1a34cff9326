//! What the panel makes of several connections.

use serde_json::json;

use super::*;
use crate::gui::engine::Wake;
use crate::protocol::encode;
use crate::transport::{Onlooker as _, Way};

fn wire() -> (Arc<Overheard>, Wire) {
    let overheard = Arc::new(Overheard::new(Wake::new(|_within| {})));
    (Arc::clone(&overheard), Wire::new(overheard))
}

fn open(overheard: &Overheard) -> u64 {
    let address = "127.0.0.1:1".parse().unwrap();
    overheard.opened(address, address)
}

/// A request for a list.
fn request() -> Vec<u8> {
    encode(&json!({"op": "list", "after": null})).unwrap()
}

/// Of which connections the stretches shown are, from top to bottom.
fn shown(wire: &Wire) -> Vec<u64> {
    let titles = wire.rows.iter().filter(|row| row.part == Part::Title);
    let blocks = titles.filter_map(|row| wire.transcript.block(row.block));
    blocks.map(|block| block.connection).collect()
}

#[test]
fn connections_are_told_together_in_the_order_of_time_or_one_alone() {
    let (overheard, mut wire) = wire();
    let (one, two) = (open(&overheard), open(&overheard));
    for number in [two, one, two] {
        overheard.passed(number, Way::Sent, &request());
    }
    assert_eq!(wire.look(), Some(LOOK_AGAIN));
    assert_eq!(shown(&wire), [two, one, two]);
    wire.shown = Some(two);
    wire.arrange();
    assert_eq!(shown(&wire), [two, two]);
    assert_eq!(wire.look(), None, "there is no news");
    overheard.begin(None);
    overheard.passed(open(&overheard), Way::Sent, &request());
    wire.look();
    assert_eq!(shown(&wire), [3], "another session, and no other choice");
}

#[test]
fn a_full_tape_is_read_in_turns_and_what_was_not_kept_is_counted() {
    let (overheard, mut wire) = wire();
    let number = open(&overheard);
    overheard.passed(number, Way::Sent, b"\0");
    for _ in 0..40 {
        overheard.passed(number, Way::Sent, &vec![7; 64 * 1024]);
    }
    overheard.closed(number);
    assert_eq!(wire.look(), Some(Duration::ZERO), "there is more to read");
    while wire.look() == Some(Duration::ZERO) {}
    let kept: u64 = wire
        .transcript
        .blocks()
        .map(|(_, block)| block.total - block.missing)
        .sum();
    assert_eq!(wire.missing(), 1 + 40 * 64 * 1024 - kept);
    assert!(wire.missing() > 1_000_000);
}

#[test]
fn what_is_no_tls_is_readable_whatever_it_is() {
    let (overheard, mut wire) = wire();
    for (first, plain) in [
        (b"GET /", 1),
        (b"\x16\x03\x03\0\x05", 1),
        (b"\0\0\0\x02{", 2),
    ] {
        overheard.passed(open(&overheard), Way::Sent, first);
        wire.look();
        assert_eq!(wire.outside.plain, plain, "{first:?}");
    }
    assert_eq!(wire.outside.connections, 3);
}

#[test]
fn of_many_connections_the_oldest_that_are_over_go_and_one_that_goes_on_stays() {
    let (overheard, mut wire) = wire();
    let session = open(&overheard);
    for _ in 0..2 {
        for _ in 0..CONNECTIONS_MAX - 1 {
            overheard.closed(open(&overheard));
        }
        wire.look();
    }
    assert_eq!(wire.ears.len(), CONNECTIONS_MAX);
    assert!(wire.ears.contains_key(&session));
}
