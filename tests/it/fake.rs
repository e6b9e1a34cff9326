//! A server that lies: answers as its script says, over plain TCP.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use crate::raw::frame;
use crate::support::PATIENCE;

/// What a script says to a request.
pub(crate) enum Answer {
    /// As an honest server without files would.
    Usual,
    /// Exactly these bytes.
    Bytes(Vec<u8>),
    /// These bytes, and the end.
    Last(Vec<u8>),
}

/// An answer that is one frame.
pub(crate) fn says(reply: &Value) -> Answer {
    Answer::Bytes(frame(reply.to_string().as_bytes()))
}

type Script = dyn Fn(&Value) -> Answer + Send + Sync;

/// A running one; ended when dropped.
pub(crate) struct Fake {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    serving: Option<JoinHandle<()>>,
}

impl Fake {
    /// One that answers as `script` says. An upload's end is asked for as `{"op":"end","sha256":…}`.
    pub(crate) fn new(script: impl Fn(&Value) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let serve = move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let _client_left = converse(&stream, &script);
                let _gone = stream.shutdown(Shutdown::Both);
            }
        };
        let serving = thread::Builder::new().spawn(serve).unwrap();
        Self {
            address,
            stopping,
            serving: Some(serving),
        }
    }

    /// The address as an argument.
    pub(crate) fn at(&self) -> String {
        self.address.to_string()
    }
}

fn converse(mut stream: &TcpStream, script: &Script) -> std::io::Result<()> {
    loop {
        let request = read_frame(stream)?;
        if !answer(stream, script, &request)? {
            return Ok(());
        }
        if request["op"] == "put" {
            let size = request["size"].as_u64().unwrap();
            std::io::copy(&mut (&mut stream).take(size), &mut std::io::sink())?;
            let mut end = read_frame(stream)?;
            end["op"] = "end".into();
            if !answer(stream, script, &end)? {
                return Ok(());
            }
        }
    }
}

/// False at the end.
fn answer(mut stream: &TcpStream, script: &Script, request: &Value) -> std::io::Result<bool> {
    let (bytes, more) = match script(request) {
        Answer::Bytes(bytes) => (bytes, true),
        Answer::Last(bytes) => (bytes, false),
        Answer::Usual => (frame(usual(request).to_string().as_bytes()), true),
    };
    stream.write_all(&bytes)?;
    Ok(more)
}

fn usual(request: &Value) -> Value {
    match request["op"].as_str().unwrap() {
        "hello" => {
            json!({"ok": true, "version": 1, "agent": "fake/1", "secure": "plain", "identity": null,
            "login": ["password"], "register": true, "id": "abc"})
        }
        "login" => json!({"ok": true, "user": request["user"], "role": "user"}),
        "put" => json!({"ok": true, "name": request["name"], "offset": 0}),
        "list" => json!({"ok": true, "files": [], "more": false}),
        "quit" => json!({"ok": true}),
        _ => json!({"ok": false, "code": "not_found", "message": "nothing here"}),
    }
}

fn read_frame(mut stream: &TcpStream) -> std::io::Result<Value> {
    let mut head = [0; 4];
    stream.read_exact(&mut head)?;
    let mut text = vec![0; u32::from_be_bytes(head) as usize];
    stream.read_exact(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        let _wakes_it = TcpStream::connect(self.address);
        if let Some(serving) = self.serving.take() {
            let _ended = serving.join();
        }
    }
}
