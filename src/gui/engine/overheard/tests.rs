use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

const CHUNK: usize = 64 * 1024;

fn overheard() -> (Overheard, Arc<AtomicU64>) {
    let woken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&woken);
    let wake = Wake::new(move |_within| _ = count.fetch_add(1, Ordering::Relaxed));
    (Overheard::new(wake), woken)
}

fn open(overheard: &Overheard) -> u64 {
    let address = "127.0.0.1:1".parse().unwrap();
    overheard.opened(address, address)
}

#[test]
fn the_beginning_and_the_end_are_kept_and_the_middle_is_counted() {
    let (overheard, _) = overheard();
    let number = open(&overheard);
    overheard.passed(number, Way::Sent, b"hello");
    for _ in 0..40 {
        overheard.passed(number, Way::Sent, &vec![7; CHUNK]);
    }
    overheard.passed(number, Way::Received, b"done");
    let news = overheard.since(0);
    let (about, pieces) = &news.connections[0];
    assert_eq!(about.sent, 5 + 40 * CHUNK as u64);
    assert_eq!(&*pieces[0].bytes, b"hello");
    let last = pieces.last().unwrap();
    assert_eq!((last.offset, &*last.bytes), (0, &b"done"[..]));
    let before = &pieces[pieces.len() - 2];
    assert_eq!(before.offset + before.bytes.len() as u64, about.sent);
    let kept: usize = pieces.iter().map(|piece| piece.bytes.len()).sum();
    assert_eq!(kept as u64 + about.missing, about.sent + about.received);
    assert!((HEAD_BYTES_MAX + TAIL_BYTES_MAX..HEAD_BYTES_MAX + 2 * TAIL_BYTES_MAX).contains(&kept));
    let gap = |event: &Event| matches!(event.what, What::Missing(Direction::ToServer, missing) if missing == about.missing);
    assert!(overheard.events().iter().any(gap));
}

#[test]
fn a_look_brings_what_is_new_and_nothing_twice() {
    let (overheard, _) = overheard();
    let (one, two) = (open(&overheard), open(&overheard));
    overheard.passed(one, Way::Sent, b"a");
    let news = overheard.since(0);
    assert_eq!(news.connections.len(), 2);
    overheard.passed(two, Way::Sent, b"b");
    let mut news = overheard.since(news.version);
    for new in [b"b", b"c"] {
        assert_eq!(news.connections.len(), 1);
        let (_, pieces) = &news.connections[0];
        assert_eq!((pieces.len(), &*pieces[0].bytes), (1, &new[..]));
        overheard.passed(two, Way::Sent, b"c");
        news = overheard.since(news.version);
    }
    assert!(!news.afresh);
    assert!(overheard.since(news.version).connections.is_empty());
    overheard.begin(None);
    assert!(overheard.since(news.version).afresh);
}

#[test]
fn room_that_comes_back_later_does_not_put_the_end_before_the_beginning() {
    let (overheard, _) = overheard();
    let busy: Vec<u64> = (0..ALL_BYTES_MAX / HEAD_BYTES_MAX)
        .map(|_| {
            let number = open(&overheard);
            overheard.passed(number, Way::Sent, &vec![1; HEAD_BYTES_MAX]);
            number
        })
        .collect();
    let number = open(&overheard);
    overheard.passed(number, Way::Sent, b"early");
    overheard.closed(busy[0]);
    overheard.passed(number, Way::Sent, b"late");
    let news = overheard.since(0);
    let (_, pieces) = news.connections.last().unwrap();
    let offsets: Vec<u64> = pieces.iter().map(|piece| piece.offset).collect();
    assert_eq!(offsets, [0, 5]);
}

#[test]
fn the_window_is_woken_once_for_each_look_and_never_when_nobody_looks() {
    let (overheard, woken) = overheard();
    let number = open(&overheard);
    for _ in 0..100 {
        overheard.passed(number, Way::Sent, b"a");
    }
    assert_eq!(woken.load(Ordering::Relaxed), 0);
    overheard.since(0);
    for _ in 0..100 {
        overheard.passed(number, Way::Sent, b"a");
    }
    assert_eq!(woken.load(Ordering::Relaxed), 1);
}

#[test]
fn of_many_connections_the_oldest_that_are_over_are_forgotten_and_one_that_goes_on_stays() {
    let (overheard, _) = overheard();
    let session = open(&overheard);
    for _ in 0..CONNECTIONS_MAX + 9 {
        let number = open(&overheard);
        overheard.passed(number, Way::Sent, b"a");
        overheard.closed(number);
    }
    overheard.passed(session, Way::Sent, b"still here");
    let news = overheard.since(0);
    assert_eq!(news.connections.len(), CONNECTIONS_MAX);
    assert_eq!(news.forgotten, 10);
    assert_eq!(news.connections[0].0.number, session);
    assert_eq!(&*news.connections[0].1[0].bytes, b"still here");
}

#[test]
fn all_connections_together_keep_a_bounded_number_of_bytes() {
    let (overheard, _) = overheard();
    for _ in 0..40 {
        let number = open(&overheard);
        for _ in 0..32 {
            overheard.passed(number, Way::Received, &vec![1; CHUNK]);
        }
        overheard.closed(number);
    }
    let news = overheard.since(0);
    let pieces = news.connections.iter().flat_map(|(_, pieces)| pieces);
    let kept: usize = pieces.map(|piece| piece.bytes.len()).sum();
    assert!(kept <= ALL_BYTES_MAX, "{kept}");
    assert!(news.forgotten > 0);
}
