//! (e) A sealed connection: not one record can be changed, dropped, repeated, reordered or cut off unnoticed.
//!
//! The attacker lets the handshake and the login pass, and then meddles with application data only.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Builder};

use super::victim::{self, Told};
use super::{Excerpt, Scene, Setup, Step};
use crate::client::{Login, Target, download, upload};
use crate::error::Result;
use crate::lab::door::{Between, Door, attack, relay};
use crate::lab::house::{Running, USER};
use crate::lab::overhear;
use crate::lab::tap::Direction;
use crate::lang::{Both, both, same};
use crate::protocol::Conflict;
use crate::transport::{ClientAuth, ClientTls, Policy, TlsVersion};

/// Bytes of the file: many records, as one holds 16 KiB at most (RFC 8446 §5.1).
const FILE_BYTES: usize = 256 * 1024;

/// Which record of application data is meddled with; the first is the request or the reply.
const RECORD: usize = 3;

/// Bytes in front of each record: type, version, length.
const HEAD_BYTES: usize = 5;

/// What is done to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meddling {
    Flip,
    Drop,
    Replay,
    Swap,
    Truncate,
}

const MEDDLINGS: [(Meddling, &str, &str); 5] = [
    (
        Meddling::Flip,
        "flip one bit of a record",
        "翻转记录中的一位",
    ),
    (Meddling::Drop, "drop a record", "丢弃一个记录"),
    (Meddling::Replay, "send a record twice", "把一个记录发两遍"),
    (Meddling::Swap, "swap two records", "交换两个记录"),
    (
        Meddling::Truncate,
        "end the connection in the middle of the file",
        "在文件中途断开连接",
    ),
];

pub(super) fn steps(scene: &Scene) -> Result<Vec<Step>> {
    let server = scene
        .house
        .serve(Some(scene.house.server_tls(ClientAuth::Required)))?;
    let file = scene.house.file("data.bin", &noise(FILE_BYTES))?;
    let mut steps = Vec::new();
    for version in [TlsVersion::V1_3, TlsVersion::V1_2] {
        let theatre = Theatre {
            scene,
            server: &server,
            file: &file,
            version,
        };
        theatre.provide_download()?;
        for (meddling, en, zh) in MEDDLINGS {
            for way in [Direction::ToServer, Direction::ToClient] {
                let id = format!("e{}", steps.len() + 1);
                steps.push(theatre.step(id, &both(en, zh), meddling, way)?);
            }
        }
    }
    Ok(steps)
}

struct Theatre<'a> {
    scene: &'a Scene,
    server: &'a Running,
    file: &'a Path,
    version: TlsVersion,
}

impl Theatre<'_> {
    /// The user, through `address`, by certificate: mutual TLS.
    fn target(&self, address: std::net::SocketAddr) -> Result<Target> {
        let tls = ClientTls {
            insecure: self.scene.setup == Setup::Careless,
            policy: Policy {
                min: self.version,
                max: self.version,
                ..Policy::default()
            },
            ..self.scene.house.client_tls(Some(USER))
        };
        Ok(Target {
            login: Login::Certificate,
            ..self.scene.house.target(address, Some(tls.load()?))
        })
    }

    /// Puts the file for the downloads there, past the attacker.
    fn provide_download(&self) -> Result<()> {
        let (mut client, _) = self.target(self.server.address)?.log_in()?;
        let name = victim::name("there.bin")?;
        upload(
            &mut client,
            self.file,
            &name,
            Conflict::Overwrite,
            &mut |_| {},
        )?;
        client.quit();
        Ok(())
    }

    fn step(&self, id: String, name: &Both, meddling: Meddling, way: Direction) -> Result<Step> {
        let stored = format!("{id}.bin");
        let kept = self.scene.house.path(&stored);
        let door = Door::open(self.server.address)?;
        let target = self.target(door.address)?;
        let meddler = Meddler {
            meddling,
            way,
            armed: AtomicBool::new(false),
            seen: Mutex::default(),
        };
        let mark = overhear::mark();
        let ((), told) = attack(
            || match (door.between(), self.scene.setup) {
                (Ok(between), Setup::Idle) => relay(&between),
                (Ok(between), _) => meddler.stand_between(&between),
                (Err(_never_came), _) => {}
            },
            || self.carry(&target, way, &stored, &kept, &meddler.armed),
        )?;
        // What was cut off had left the server already: it cannot know, but the client does.
        let blind = (meddling, way) == (Meddling::Truncate, Direction::ToClient);
        let log = match told.exit {
            1.. if !blind => mark.since(1),
            _ => mark.so_far(),
        };
        let arrived = match way {
            Direction::ToServer => {
                let direct = self.target(self.server.address)?;
                victim::truth(self.scene, &direct, &stored)?.is_some()
            }
            Direction::ToClient => kept.exists(),
        };
        let bytes_excerpt = meddler.excerpts();
        let version = match self.version {
            TlsVersion::V1_3 => "TLS 1.3",
            TlsVersion::V1_2 => "TLS 1.2",
        };
        let what = match way {
            Direction::ToServer => both("upload", "上传"),
            Direction::ToClient => both("download", "下载"),
        };
        Ok(Step {
            id,
            name: both(
                format!("{version}, {}: {}", what.en, name.en),
                format!("{version}，{}：{}", what.zh, name.zh),
            ),
            expected: expected(blind),
            observed: observed(&told, arrived, &what),
            proved: told.exit != 0
                && !arrived
                && (blind || !log.is_empty())
                && !bytes_excerpt.is_empty(),
            client_said: told.said,
            client_exit: told.exit,
            server_said: match log.is_empty() {
                true => victim::silence(),
                false => same(log.join("; ")),
            },
            bytes_excerpt,
        })
    }

    /// The transfer; the attacker begins when the login is done.
    fn carry(
        &self,
        target: &Target,
        way: Direction,
        stored: &str,
        kept: &PathBuf,
        armed: &AtomicBool,
    ) -> Told {
        let carried = || -> Result<()> {
            let (mut client, _) = target.log_in()?;
            armed.store(true, Ordering::SeqCst);
            if way == Direction::ToServer {
                let name = victim::name(stored)?;
                upload(&mut client, self.file, &name, Conflict::Error, &mut |_| {})?;
            } else {
                let name = victim::name("there.bin")?;
                let _nothing_there = fs::remove_file(kept);
                download(&mut client, &name, kept, Conflict::Error, &mut |_| {})?;
            }
            client.quit();
            Ok(())
        };
        match carried() {
            Ok(()) => Told {
                said: both("all well", "一切正常"),
                exit: 0,
                read_back: None,
            },
            Err(error) => Told::failure(&error),
        }
    }
}

/// What should come of it.
fn expected(blind: bool) -> Both {
    match blind {
        true => both(
            "the client notices, and no file appears",
            "客户端察觉，文件不会出现",
        ),
        false => both(
            "both sides notice, and no file appears",
            "双方都察觉，文件不会出现",
        ),
    }
}

/// What came of it.
fn observed(told: &Told, arrived: bool, what: &Both) -> Both {
    match (told.exit, arrived) {
        (0, _) => both(
            "nobody noticed: the transfer ended well",
            "无人察觉：传输顺利完成",
        ),
        (_, true) => both(
            "the client failed, and yet there is a file",
            "客户端失败，文件却出现了",
        ),
        (_, false) => both(
            format!("the {} failed; no file appeared", what.en),
            format!("{}失败，没有文件出现", what.zh),
        ),
    }
}

/// Reads records, not bytes.
struct Meddler {
    meddling: Meddling,
    way: Direction,
    armed: AtomicBool,
    /// The record before and after.
    seen: Mutex<Option<(Vec<u8>, Vec<u8>)>>,
}

impl Meddler {
    fn stand_between(&self, between: &Between) {
        thread::scope(|scope| {
            let up = || self.pump(&between.client, &between.server, Direction::ToServer);
            let _none = Builder::new()
                .name("lab-meddler".into())
                .spawn_scoped(scope, up);
            self.pump(&between.server, &between.client, Direction::ToClient);
        });
    }

    fn pump(&self, from: &TcpStream, to: &TcpStream, way: Direction) {
        let mut count = 0;
        let mut held = None;
        while let Ok(record) = record(from) {
            count += usize::from(self.armed.load(Ordering::SeqCst));
            let passed = match held.take() {
                // The one held back follows the one it should have come before.
                Some(held) => [record, held].concat(),
                None if count == RECORD && way == self.way => match self.meddle(record, to) {
                    Meddled::Pass(passed) => passed,
                    Meddled::Hold(record) => {
                        held = Some(record);
                        continue;
                    }
                    Meddled::End => {
                        let _gone = from.shutdown(Shutdown::Both);
                        return;
                    }
                },
                None => record,
            };
            let mut to = to;
            if to.write_all(&passed).is_err() {
                break;
            }
        }
        let _gone = to.shutdown(Shutdown::Write);
    }

    fn meddle(&self, record: Vec<u8>, to: &TcpStream) -> Meddled {
        let mut after = record.clone();
        let meddled = match self.meddling {
            Meddling::Flip => {
                // In the first bytes after the head, so that the excerpt shows it.
                if let Some(byte) = after.get_mut(HEAD_BYTES + 8) {
                    *byte ^= 1;
                }
                Meddled::Pass(after.clone())
            }
            Meddling::Drop => {
                after.clear();
                Meddled::Pass(Vec::new())
            }
            Meddling::Replay => Meddled::Pass([record.clone(), record.clone()].concat()),
            Meddling::Swap => Meddled::Hold(record.clone()),
            Meddling::Truncate => {
                after.clear();
                let _gone = to.shutdown(Shutdown::Both);
                Meddled::End
            }
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((record, after));
        meddled
    }

    fn excerpts(&self) -> Vec<Excerpt> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((before, after)) = &*seen else {
            return Vec::new();
        };
        let length = before.len();
        let on = both("passed on", "转发");
        let words = |en: &str, zh: &str| Excerpt::words(on.clone(), both(en, zh));
        let passed = match self.meddling {
            Meddling::Flip => Excerpt::hex(on.clone(), after),
            Meddling::Drop => words(
                "(nothing; the next record follows)",
                "（无；接着是下一个记录）",
            ),
            Meddling::Replay => words("(the same twice)", "（同一记录两遍）"),
            Meddling::Swap => words(
                "(the next record first, then this one)",
                "（先是下一个记录，再是这一个）",
            ),
            Meddling::Truncate => words("(FIN: the connection ends here)", "（FIN：连接到此为止）"),
        };
        let record = both(format!("record, {length} B"), format!("记录，{length} B"));
        vec![Excerpt::hex(record, before), passed]
    }
}

/// What becomes of a record.
enum Meddled {
    Pass(Vec<u8>),
    Hold(Vec<u8>),
    End,
}

/// The next record, with its head.
fn record(mut from: &TcpStream) -> io::Result<Vec<u8>> {
    let mut record = vec![0; HEAD_BYTES];
    from.read_exact(&mut record)?;
    let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
    record.resize(HEAD_BYTES + length, 0);
    from.read_exact(&mut record[HEAD_BYTES..])?;
    Ok(record)
}

/// Bytes without a pattern, the same each time: what they are does not matter, only that they are many.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
