//! A server that takes uploads and sends downloads, as far as the workers need one.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use serde_json::{Value, json};

use super::PATIENCE;
use crate::client::{Login, Target};
use crate::gui::engine::transfers::sample;
use crate::gui::engine::{SharedTarget, thread};
use crate::protocol::{FrameError, Sha256, read_frame, write_frame};

/// A server that takes uploads, and ends each connection after so many. What is called `altered` it alters, both
/// ways. Tells who logs in, and of each `quit`.
pub(super) fn taker(uploads: usize) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (users, logged_in) = channel();
    let serve = move || {
        for stream in listener.incoming() {
            let users = users.clone();
            let serve = move || take(&stream.unwrap(), uploads, &users).unwrap();
            thread("taker", serve).unwrap();
        }
    };
    thread("takers", serve).unwrap();
    (port, logged_in)
}

fn take(mut stream: &TcpStream, uploads: usize, users: &Sender<String>) -> Result<(), FrameError> {
    let (mut buffer, mut taken, mut file) = (Vec::new(), 0, json!({}));
    while taken < uploads
        && let Some(request) = read_frame(&mut stream, &mut buffer)?
    {
        let request: Value = serde_json::from_slice(request).unwrap();
        let reply = match request["op"].as_str() {
            Some("hello") => json!({"ok": true, "version": 1, "agent": "t/1", "secure": "plain",
                "identity": null, "login": ["password"], "register": false, "id": "c"}),
            Some("login") => {
                let user = request["user"].as_str().unwrap().to_owned();
                users.send(user).unwrap();
                json!({"ok": true, "user": request["user"], "role": "user"})
            }
            Some("put") => {
                file = json!({"name": request["name"], "size": 0, "owner": "a",
                    "modified": "2026-01-01T00:00:00Z"});
                json!({"ok": true, "name": request["name"], "offset": 0})
            }
            Some("get") => {
                let file = json!({"name": request["name"], "size": 5, "owner": "a",
                    "sha256": Sha256::of(b"hello"), "modified": "2026-01-01T00:00:00Z"});
                let sends = json!({"ok": true, "file": file, "offset": 0});
                write_frame(&mut stream, &sends)?;
                let altered = request["name"] == "altered";
                stream.write_all(if altered { b"jello" } else { b"hello" })?;
                continue;
            }
            Some("quit") => {
                users.send("quit".to_owned()).unwrap();
                json!({"ok": true})
            }
            // The end of an empty file.
            None => {
                taken += 1;
                file["sha256"] = match file["name"] == "altered" {
                    true => json!(Sha256::of(b"altered")),
                    false => request["sha256"].clone(),
                };
                json!({"ok": true, "file": file})
            }
            Some(other) => panic!("{other}"),
        };
        write_frame(&mut stream, &reply)?;
    }
    Ok(())
}

/// As this user, there.
pub(super) fn login(port: u16, user: &str) -> SharedTarget {
    let target = sample::target("127.0.0.1", port);
    Arc::new(Target {
        login: Login::Password {
            user: user.into(),
            password: zeroize::Zeroizing::new("correct horse".into()),
        },
        timeout: PATIENCE,
        ..Target::clone(&target)
    })
}
