//! What an attacker tried that once worked, or nearly did: each test is one way in that is closed.

use std::thread;

use crate::raw::Raw;
use crate::support::{TestServer, Via};

#[test]
fn logins_on_many_connections_share_the_memory_of_a_few() {
    let server = TestServer::start(&["--plain"]);
    let mut raws: Vec<Raw> = (0..64)
        .map(|_| Raw::greeted(&server, Via::Plain, ""))
        .collect();
    let before = server.memory_kib("VmRSS");
    thread::scope(|scope| {
        for raw in &mut raws {
            scope.spawn(|| assert_eq!(raw.login("alice")["ok"], true));
        }
    });
    let cores = thread::available_parallelism().unwrap().get() as u64;
    let grown = server.memory_kib("VmHWM") - before;
    // 19 MiB each for as many as run at once; without the sharing it is 19 MiB for each of the 64.
    assert!(
        grown < cores * 20 * 1024 + 40 * 1024,
        "{grown} KiB for {cores} cores"
    );
}
