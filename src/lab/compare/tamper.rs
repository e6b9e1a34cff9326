//! One bit altered on the way: who notices, in plain and in TLS.
//!
//! Between client and server stands an attacker who passes everything on, but for one bit of what the client
//! sends as the file. It is a run of its own, apart from the one that is captured.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde::Serialize;

use super::facts::RunKind;
use super::run::{Running, config, fetch, make_user, target};
use super::world::World;
use crate::client::{Progress, Target, upload};
use crate::config::CHUNK_BYTES;
use crate::error::{Error, Kind, Result};
use crate::lab::door::{Between, Door, attack};
use crate::lab::overhear;
use crate::lang::{Both, both, english};
use crate::protocol::Conflict;
use crate::text::escape;

/// Bytes of the file's first chunk before the altered one: behind a record's header (5 bytes), and so inside
/// what is protected.
const BEFORE: usize = 13;

/// One bit was altered, and this came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tampered {
    /// Bytes the client had sent before the altered one; none when nothing could be altered.
    pub offset: Option<u64>,
    /// The byte as the client sent it, and as the server got it.
    pub byte: [u8; 2],
    /// Who noticed.
    pub noticed: Noticed,
    /// Whether the server stored a file.
    pub stored: bool,
    /// The client's words.
    #[serde(serialize_with = "english")]
    pub client_said: Both,
    /// The exit code these words have on the command line; 0 when it was content.
    pub client_exit: u8,
    /// The server's words, from its log.
    pub server_said: Vec<String>,
}

/// What noticed an altered bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Noticed {
    /// Nothing: the altered file is stored.
    Nothing,
    /// The digest that the application sends behind the file. It travels the same way, so whoever alters
    /// it too is not noticed.
    Digest,
    /// The authentication of TLS records (`bad_record_mac`), before the application saw a byte.
    RecordMac,
    /// Something else: see the words.
    Other,
}

/// Uploads the file past somebody who alters one bit of it.
pub(super) fn tamper(world: &World, kind: RunKind) -> Result<Tampered> {
    overhear::begin();
    let data = world.path(&format!("data-{}-tampered", kind.word()));
    make_user(&data, world)?;
    let server = Running::start(config(world, kind, &data))?;
    let door = Door::open(server.address)?;
    let altered = target(world, kind, door.address, None)?;
    let direct = target(world, kind, server.address, None)?;
    let flipper = Flipper {
        before: match (kind, usize::try_from(world.bytes)) {
            // In plain the digest may stand in the same chunk: the bit is to be the file's.
            (RunKind::Plain, Ok(bytes @ 1..)) => BEFORE.min(bytes - 1),
            _ => BEFORE,
        },
        ..Flipper::default()
    };
    let mark = overhear::mark();
    let ((), sent) = attack(
        || {
            if let Ok(between) = door.between() {
                flipper.stand_between(&between);
            }
        },
        || send(world, &altered, &flipper.armed),
    )?;
    let server_said = match sent {
        Ok(()) => mark.so_far(),
        Err(_) => mark.since(1),
    };
    let stored = stored(world, &direct)?;
    server.stop()?;
    let place = flipper.flipped.into_inner();
    let place = place.unwrap_or_else(PoisonError::into_inner);
    let (client_said, client_exit) = match &sent {
        Ok(()) => (both("all well", "一切正常"), 0),
        Err(error) => (error.message_both().map(escape), error.kind().exit_code()),
    };
    let by_tls = |said: &String| said.contains("bad_record_mac");
    Ok(Tampered {
        offset: place.map(|(offset, _)| offset),
        byte: place.map_or([0; 2], |(_, byte)| byte),
        noticed: match sent.map_err(|error| error.kind()) {
            Ok(()) => Noticed::Nothing,
            _ if by_tls(&client_said.en) || server_said.iter().any(by_tls) => Noticed::RecordMac,
            Err(Kind::Partial) => Noticed::Digest,
            Err(_) => Noticed::Other,
        },
        stored,
        client_said,
        client_exit,
        server_said,
    })
}

/// The upload; the attacker begins when the server has said that it may come.
fn send(world: &World, target: &Target, armed: &AtomicBool) -> Result<()> {
    let (mut client, _account) = target.log_in()?;
    upload(
        &mut client,
        &world.file,
        &world.sent_as,
        Conflict::Error,
        &mut |progress| {
            if matches!(progress, Progress::Begin { .. }) {
                armed.store(true, Ordering::SeqCst);
            }
        },
    )?;
    client.quit();
    Ok(())
}

/// Whether the server has the file, asked past the attacker; what it has must not be the file that was meant.
fn stored(world: &World, target: &Target) -> Result<bool> {
    let (mut client, _account) = target.log_in()?;
    let files = client.list("")?;
    let stored = files.iter().any(|file| file.name == world.sent_as);
    if stored && fetch(world, &mut client)? == world.sha256 {
        let message = "the bit that was to be altered was not";
        return Err(Error::new(Kind::Other, message).hint("this is a fault of Sealpost: report it"));
    }
    client.quit();
    Ok(stored)
}

/// Passes everything on, and alters one bit once it is armed.
#[derive(Default)]
struct Flipper {
    /// Bytes of the chunk before the one that is altered.
    before: usize,
    armed: AtomicBool,
    /// How many bytes the client had sent before, and the byte before and after.
    flipped: Mutex<Option<(u64, [u8; 2])>>,
}

impl Flipper {
    fn stand_between(&self, between: &Between) {
        // One side is silent for as long as the other sends a file; both end when one of them hangs up.
        for socket in [&between.client, &between.server] {
            let _as_it_was = socket.set_read_timeout(None);
            let _as_it_was = socket.set_write_timeout(None);
        }
        thread::scope(|scope| {
            let up = || self.pump(&between.client, &between.server, true);
            let _none = thread::Builder::new()
                .name("lab-flipper".into())
                .spawn_scoped(scope, up);
            self.pump(&between.server, &between.client, false);
        });
    }

    fn pump(&self, mut from: &TcpStream, mut to: &TcpStream, up: bool) {
        let mut buffer = vec![0; CHUNK_BYTES];
        let (mut passed, mut heard) = (0, true);
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let chunk = &mut buffer[..length];
            if up && self.armed.swap(false, Ordering::SeqCst) {
                self.flip(chunk, passed);
            }
            // Who is not listened to any more is still read from: it hears the alert when it has said its say,
            // where a reset would overtake it.
            heard = heard && to.write_all(chunk).is_ok();
            passed += length as u64;
        }
        let _gone = to.shutdown(Shutdown::Write);
    }

    fn flip(&self, chunk: &mut [u8], passed: u64) {
        let at = self.before.min(chunk.len() - 1);
        let before = chunk[at];
        chunk[at] ^= 1;
        let flipped = Some((passed + at as u64, [before, chunk[at]]));
        *self.flipped.lock().unwrap_or_else(PoisonError::into_inner) = flipped;
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Both ends of a connection on this machine.
    fn pair() -> [TcpStream; 2] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        [client, listener.accept().unwrap().0]
    }

    /// What arrives when the client says `first`, the attacker is armed or not, and it says `second`.
    fn arrives(flipper: &Flipper, first: &[u8], second: &[u8], armed: bool) -> Vec<u8> {
        let ([mut said, client], [server, mut heard]) = (pair(), pair());
        let between = Between { client, server };
        thread::scope(|scope| {
            scope.spawn(|| flipper.stand_between(&between));
            let mut all = vec![0; first.len()];
            said.write_all(first).unwrap();
            heard.read_exact(&mut all).unwrap();
            flipper.armed.store(armed, Ordering::SeqCst);
            said.write_all(second).unwrap();
            said.shutdown(Shutdown::Write).unwrap();
            heard.read_to_end(&mut all).unwrap();
            heard.shutdown(Shutdown::Write).unwrap();
            all
        })
    }

    #[test]
    fn the_byte_that_is_told_is_the_one_that_arrives_altered_and_no_other_is() {
        let (first, second) = (b"what came before", b"the file, byte for byte");
        let flipper = Flipper {
            before: BEFORE,
            ..Flipper::default()
        };
        let came = arrives(&flipper, first, second, true);
        let sent = [&first[..], second].concat();
        assert_eq!(came.len(), sent.len());
        let differ: Vec<usize> = (0..sent.len())
            .filter(|at| came[*at] != sent[*at])
            .collect();
        let at = first.len() + BEFORE;
        assert_eq!(differ, [at]);
        let told = flipper.flipped.into_inner().unwrap();
        assert_eq!(told, Some((at as u64, [sent[at], came[at]])));
        assert_eq!((sent[at] ^ came[at]).count_ones(), 1);
    }

    #[test]
    fn who_is_not_armed_alters_nothing() {
        let flipper = Flipper::default();
        let came = arrives(&flipper, b"before", b" and after", false);
        assert_eq!(came, b"before and after");
        assert_eq!(flipper.flipped.into_inner().unwrap(), None);
    }
}
