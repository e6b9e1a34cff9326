//! The real window on a display of its own: typing, clicking, a dropped file, a server that goes, a window that is closed.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use crate::desk::{Desk, Looks, Shown};
use crate::support::{TestServer, Via, noise, until};

/// A file that takes two minutes at the rate of the slow server.
const BIG_BYTES: usize = 6_000_000;

#[test]
fn typed_and_clicked_it_logs_in_takes_a_dropped_file_and_brings_it_back() {
    let Some(desk) = Desk::new() else { return };
    let server = TestServer::start(&["--client-auth", "none"]);
    let mut window = desk.open(
        &server.house,
        server.address.port(),
        "tls",
        Looks::default(),
    );
    window.log_in("Log in", "User", "Password");
    window.wait_for("TLS: server proved");
    let bytes = noise(100_000, 7);
    server.house.write("讲义 notes.bin", &bytes);
    window.drop_file(&server.house.path("work/讲义 notes.bin"));
    until("file on the server", || {
        server
            .listed(Via::Tls)
            .contains(&"讲义 notes.bin".to_owned())
    });
    window.click_text("讲义 notes.bin");
    let down = server.house.path("work/down");
    fs::create_dir_all(&down).unwrap();
    window.answer(std::slice::from_ref(&down));
    window.click("Download…");
    let there = down.join("讲义 notes.bin");
    until("downloaded file", || there.exists());
    assert!(fs::read(there).unwrap() == bytes);
    assert!(window.is_alive());
}

#[test]
fn when_the_server_goes_the_window_says_so_and_lives() {
    let Some(desk) = Desk::new() else { return };
    let mut server = TestServer::start(&["--client-auth", "none"]);
    let mut window = desk.open(
        &server.house,
        server.address.port(),
        "tls",
        Looks::default(),
    );
    window.log_in("Log in", "User", "Password");
    window.wait_for("TLS: server proved");
    server.kill();
    window.wait_for("Connect again");
    window.click("Connect again");
    // What was shown stays, and the window answers: it speaks the other language at once.
    window.click("中文");
    window.wait_for("重新连接");
    assert!(window.is_alive());
}

/// A house whose server has `big.bin`, and the server: so slow that nobody comes too late to stop the download.
fn slow(bytes: &[u8]) -> TestServer {
    let fast = TestServer::start(&["--client-auth", "none"]);
    fast.house.write("big.bin", bytes);
    fast.run(Via::Tls, "alice", &["put", "big.bin"]).ok();
    let house = Arc::clone(&fast.house);
    drop(fast);
    TestServer::start_in(&house, &["--client-auth", "none", "--limit-rate", "50K"])
}

/// The window in the middle of a download, and the part of it that is there.
fn downloading<'a>(desk: &'a Desk, server: &TestServer) -> (Shown<'a>, PathBuf) {
    let window = desk.open(
        &server.house,
        server.address.port(),
        "tls",
        Looks::default(),
    );
    window.log_in("Log in", "User", "Password");
    window.click_text("big.bin");
    let down = server.house.path("work/down");
    fs::create_dir_all(&down).unwrap();
    window.answer(std::slice::from_ref(&down));
    window.click("Download…");
    let part = down.join("big.bin.part");
    until("part", || {
        fs::metadata(&part).is_ok_and(|part| part.len() > 0)
    });
    (window, part)
}

#[test]
fn closed_in_the_middle_of_a_download_it_leaves_a_part_that_can_be_gone_on_with() {
    let Some(desk) = Desk::new() else { return };
    let bytes = noise(BIG_BYTES, 3);
    let server = slow(&bytes);
    let (mut window, part) = downloading(&desk, &server);
    window.ask_to_close();
    window.click("Close anyway");
    assert_eq!(window.ended(), Some(0));
    let kept = fs::metadata(&part).unwrap().len();
    assert!(kept < BIG_BYTES as u64, "{kept}");
    let house = Arc::clone(&server.house);
    drop(server);
    let fast = TestServer::start_in(&house, &["--client-auth", "none"]);
    let get = [
        "get",
        "big.bin",
        "-o",
        "down/big.bin",
        "--conflict",
        "resume",
    ];
    fast.run(Via::Tls, "alice", &get).ok();
    assert!(house.read("down/big.bin") == bytes);
    assert!(!part.exists());
}

#[test]
fn a_window_that_is_covered_asks_too_before_it_closes() {
    let Some(desk) = Desk::new() else { return };
    let server = slow(&noise(BIG_BYTES, 4));
    let (mut window, _) = downloading(&desk, &server);
    window.ask_to_close_covered();
    window.click("Stay");
    assert!(window.is_alive());
}
