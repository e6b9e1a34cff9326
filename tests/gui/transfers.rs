//! Uploads and downloads.

use crate::stage::Stage;
use crate::support::TestServer;

#[test]
fn a_file_goes_up_and_comes_back_the_same() {
    let server = TestServer::start(&["--client-auth", "none"]);
    server.house.write("notes.txt", b"hello");
    let mut stage = Stage::new(&server.house);
    stage.log_in(&server, "TLS");
    *stage.desktop.answer.lock().unwrap() = vec![server.house.path("work/notes.txt")];
    stage.click("Upload files…");
    stage.wait_for("done, 5 B");
    stage.click("notes.txt");
    let back = server.house.path("work/back");
    *stage.desktop.answer.lock().unwrap() = vec![back.clone()];
    stage.click("Download…");
    stage.until("downloaded file", |_| back.join("notes.txt").exists());
    assert_eq!(std::fs::read(back.join("notes.txt")).unwrap(), b"hello");
    stage.click("Disconnect");
    stage.wait_gone("notes.txt");
}
