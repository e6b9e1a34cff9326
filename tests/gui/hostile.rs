//! A server that lies: the window says so, stays, and offers a way on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::fake::{Answer, Fake, says};
use crate::stage::Stage;
use crate::support::House;

const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What a lying server answers.
type Lie = fn() -> Answer;

fn listing(name: &str, more: bool) -> Value {
    json!({"ok": true, "more": more, "files": [{
        "name": name, "size": 1, "sha256": DIGEST, "owner": "mallory", "modified": "2026-01-01T00:00:00Z"
    }]})
}

/// Logs in at a server that answers the first list with `lie`, and honestly once it was told to mend.
fn lied_to(lie: impl Fn() -> Answer + Send + Sync + 'static) -> (Stage, Arc<AtomicBool>, Fake) {
    let mended = Arc::new(AtomicBool::new(false));
    let honest = Arc::clone(&mended);
    let fake = Fake::new(move |request| match request["op"].as_str() {
        Some("list") if honest.load(Ordering::SeqCst) => says(&listing("notes.txt", false)),
        Some("list") => lie(),
        _ => Answer::Usual,
    });
    let mut stage = Stage::new(&House::new());
    stage.log_in_at(fake.at().parse().unwrap(), "Plain TCP");
    (stage, mended, fake)
}

#[test]
fn a_listing_that_lies_ends_the_session_in_words_and_an_honest_one_follows_when_asked() {
    let lies: [(&str, Lie); 5] = [
        ("cannot be understood", || {
            says(&listing("../../evil", false))
        }),
        ("cannot be understood", || says(&listing("a", true))),
        ("cannot be understood", || says(&json!({"ok": true}))),
        ("cannot be understood", || {
            Answer::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())
        }),
        ("connection", || Answer::Last(vec![0, 0])),
    ];
    for (words, lie) in lies {
        let (mut stage, mended, fake) = lied_to(lie);
        stage.wait_for("Connect again");
        assert!(stage.sees(words), "{words}");
        assert!(!stage.sees("evil"));
        mended.store(true, Ordering::SeqCst);
        stage.click("Connect again");
        stage.wait_for("notes.txt");
        stage.click("Disconnect");
        stage.wait_for("Log in");
        drop(fake);
    }
}

#[test]
fn a_server_that_ends_or_babbles_at_the_login_leaves_the_form_as_it_was() {
    for babble in [&b""[..], b"\0\0\0\x02{}", b"\x15\x03\x03\0\x02\x02\x28"] {
        let fake = Fake::new(move |request| match request["op"].as_str() {
            Some("login") => Answer::Last(babble.to_vec()),
            _ => Answer::Usual,
        });
        let mut stage = Stage::new(&House::new());
        stage.try_at(fake.at().parse().unwrap(), "Plain TCP");
        stage.wait_for("✖");
        assert!(stage.sees("Log in"), "{babble:?}");
    }
}
