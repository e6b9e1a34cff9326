//! Listings in pages: in order, whole, and each within a frame.

use serde_json::{Value, json};

use crate::raw::Raw;
use crate::support::{TestServer, Via};

fn page(raw: &mut Raw, prefix: &str, after: &str, limit: u64) -> (Vec<String>, bool) {
    let reply = raw.ask(&json!({"op": "list", "prefix": prefix, "after": after, "limit": limit}));
    let files = reply["files"].as_array().unwrap();
    let names = files
        .iter()
        .map(|file| file["name"].as_str().unwrap().to_owned());
    (names.collect(), reply["more"].as_bool().unwrap())
}

#[test]
fn pages_follow_each_other_in_the_order_of_the_bytes_and_say_when_there_is_no_more() {
    let server = TestServer::via(Via::Plain);
    let mut raw = Raw::logged_in_cheaply(&server);
    let mut names = ["d/b", "d/a", "d-", "é", "Z", "a", "d"];
    for name in names {
        assert_eq!(raw.put(name, b"", "error")["ok"], true);
    }
    names.sort_unstable_by_key(|name| name.as_bytes());
    let (mut seen, mut more) = (Vec::<String>::new(), true);
    while more {
        let after = seen.last().cloned().unwrap_or_default();
        let (names, again) = page(&mut raw, "", &after, 3);
        assert!(names.len() == 3 || !again, "{names:?}");
        seen.extend(names);
        more = again;
    }
    assert_eq!(seen, names);
    // A page that is just full is the last; a prefix is any beginning; nothing is behind the last.
    assert_eq!(page(&mut raw, "", "", 7), (seen.clone(), false));
    assert_eq!(page(&mut raw, "d", "", 9).0, ["d", "d-", "d/a", "d/b"]);
    assert_eq!(
        page(&mut raw, "d/", "d/a", 9),
        (vec!["d/b".to_owned()], false)
    );
    assert_eq!(page(&mut raw, "", "\u{10ffff}", 9), (Vec::new(), false));
    for limit in [json!(0), json!(-1), json!(1.5), Value::Null] {
        let mut raw = Raw::logged_in_cheaply(&server);
        let list = json!({"op": "list", "prefix": "", "after": "", "limit": limit});
        raw.refused(&list, "bad_request");
    }
}

#[test]
fn a_page_that_would_not_fit_a_frame_ends_early_and_nothing_is_left_out() {
    let server = TestServer::via(Via::Plain);
    let mut raw = Raw::logged_in_cheaply(&server);
    // 1,020 bytes a name: some 50 to a frame of 64 KiB.
    let folder = ["x".repeat(255), "y".repeat(255), "z".repeat(255)].join("/");
    let names: Vec<String> = (0..120).map(|n| format!("{folder}/{n:0>251}")).collect();
    for name in &names {
        assert_eq!(raw.put(name, b"", "error")["ok"], true);
    }
    let (first, more) = page(&mut raw, "", "", 500);
    assert!(more && first.len() < names.len(), "{}", first.len());
    let mut seen = first;
    let mut more = true;
    while more {
        let after = seen.last().unwrap().clone();
        let (names, again) = page(&mut raw, "", &after, 500);
        seen.extend(names);
        more = again;
    }
    assert_eq!(seen, names);
}
