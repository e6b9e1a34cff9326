//! (f) TLS cannot be stripped off, nor talked down.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::forge;
use super::victim::{self, Told};
use super::{Excerpt, Scene, Setup, Step};
use crate::error::Result;
use crate::lab::door::{Between, Door, attack, relay};
use crate::lab::house::Running;
use crate::lab::overhear;
use crate::lang::{Both, both, same};
use crate::protocol::FIRST_BYTE_TLS;
use crate::transport::{ClientAuth, ClientTls};

/// Bytes of the longest first flight taken.
const FLIGHT_BYTES: usize = 16 * 1024;

pub(super) fn steps(scene: &Scene) -> Result<Vec<Step>> {
    let server = scene
        .house
        .serve(Some(scene.house.server_tls(ClientAuth::None)))?;
    let welcome = json!({
        "ok": true, "version": 1, "agent": "sealpost", "secure": "plain", "identity": null,
        "login": ["password"], "register": false, "id": "0",
    });
    let refusal = json!({
        "ok": false, "code": "bad_request",
        "message": "this server speaks plain TCP only: connect with --plain",
    });
    Ok(vec![
        answered_in_plain(
            scene,
            &server,
            "f1",
            &both("answer the client's TLS in plain", "用明文应答客户端的 TLS"),
            &welcome,
        )?,
        answered_in_plain(
            scene,
            &server,
            "f2",
            &both(
                "tell the client that the server speaks plain only",
                "告诉客户端服务器只会明文",
            ),
            &refusal,
        )?,
        talked_down(scene, &server)?,
    ])
}

fn answered_in_plain(
    scene: &Scene,
    server: &Running,
    id: &str,
    name: &Both,
    answer: &serde_json::Value,
) -> Result<Step> {
    let door = Door::open(server.address)?;
    let done = AtomicBool::new(false);
    let mark = overhear::mark();
    let (heard, told) = attack(
        || answer_all(&door, answer, scene.setup, &done),
        || {
            let told = victim_told(scene, &door);
            done.store(true, Ordering::SeqCst);
            told
        },
    )?;
    let told = told?;
    let all_tls = heard
        .iter()
        .all(|bytes| bytes.first() == Some(&FIRST_BYTE_TLS));
    let count = heard.len();
    let plain = heard
        .iter()
        .filter(|bytes| bytes.first() != Some(&FIRST_BYTE_TLS));
    let plain = plain.count();
    let refused = told.exit != 0 && all_tls && heard.len() == 1;
    let first = heard.first().map(Vec::as_slice);
    Ok(Step {
        id: id.into(),
        name: name.clone(),
        expected: both(
            "the client gives up; it never falls back to plain",
            "客户端放弃，绝不退回明文",
        ),
        observed: both(
            match count {
                0 => "the attacker passed everything on".to_owned(),
                _ => format!(
                    "{count} connection{}, {plain} in plain; the client said nothing but its TLS hello",
                    if count == 1 { "" } else { "s" },
                ),
            },
            match count {
                0 => "攻击者原样转发了一切".to_owned(),
                _ => {
                    format!("{count} 条连接，其中明文 {plain} 条；客户端除 TLS hello 外什么也没说")
                }
            },
        ),
        client_said: told.said,
        client_exit: told.exit,
        server_said: victim::server_said(mark, &server.audit, "-"),
        bytes_excerpt: first.map_or_else(Vec::new, |first| {
            let said = both("the attacker's answer", "攻击者的应答");
            vec![
                Excerpt::hex(both("from the client", "来自客户端"), first),
                Excerpt::text(said, answer.to_string().as_bytes()),
            ]
        }),
        proved: refused,
    })
}

/// What the client said first on each connection it made; each is answered so, in plain.
fn answer_all(
    door: &Door,
    answer: &serde_json::Value,
    setup: Setup,
    done: &AtomicBool,
) -> Vec<Vec<u8>> {
    let mut heard = Vec::new();
    if setup == Setup::Idle {
        let _missed = door.between().map(|between| relay(&between));
        return heard;
    }
    // A fallback would be the second connection.
    loop {
        let over = done.load(Ordering::SeqCst);
        if !door.knocks() {
            match over {
                true => return heard,
                false => continue,
            }
        }
        let Ok(mut client) = door.victim() else {
            return heard;
        };
        heard.extend(flight(&client));
        let _gone = forge::send(&mut client, answer.to_string().as_bytes());
        let _rest = io::copy(&mut (&client).take(1 << 20), &mut io::sink());
    }
}

/// The `supported_versions` of the hello names 1.3 no more (RFC 8446 §4.1.3 has what gives it away).
fn talked_down(scene: &Scene, server: &Running) -> Result<Step> {
    let door = Door::open(server.address)?;
    let mark = overhear::mark();
    let (changed, told) = attack(
        || match (door.between(), scene.setup) {
            (Ok(between), Setup::Idle) => {
                relay(&between);
                None
            }
            (Ok(between), _) => talk_down(&between).ok().flatten(),
            (Err(_never_came), _) => None,
        },
        || victim_told(scene, &door),
    )?;
    let told = told?;
    let server_said = match told.exit {
        0 => victim::server_said(mark, &server.audit, "put"),
        _ => same(mark.since(1).join("; ")),
    };
    Ok(Step {
        id: "f3".into(),
        name: both(
            "strike TLS 1.3 from the client's offer",
            "从客户端的提议中划掉 TLS 1.3",
        ),
        expected: both(
            "the client notices that it was talked down to TLS 1.2",
            "客户端察觉自己被压低到 TLS 1.2",
        ),
        observed: match (told.exit, changed.is_some()) {
            (0, _) => both("the transfer ended well", "传输顺利完成"),
            (_, true) => both(
                "the server agreed to TLS 1.2, and the client hung up",
                "服务器同意了 TLS 1.2，客户端挂断",
            ),
            (_, false) => both(
                "the client failed, and nothing was changed",
                "客户端失败，而什么也没有被改动",
            ),
        },
        client_said: told.said,
        client_exit: told.exit,
        server_said,
        proved: told.exit != 0 && changed.is_some(),
        bytes_excerpt: changed.into_iter().flatten().collect(),
    })
}

fn talk_down(between: &Between) -> io::Result<Option<Vec<Excerpt>>> {
    let mut hello = flight(&between.client)?;
    let at = hello
        .windows(OFFER.len())
        .position(|window| window == OFFER);
    let excerpts = at.map(|at| {
        let offer = &mut hello[at..at + OFFER.len()];
        let before = Excerpt::hex(
            both("supported_versions, offered", "提议的 supported_versions"),
            offer,
        );
        offer.copy_from_slice(&LOWERED);
        vec![before, Excerpt::hex(both("passed on", "转发"), offer)]
    });
    (&between.server).write_all(&hello)?;
    let answer = flight(&between.server)?;
    (&between.client).write_all(&answer)?;
    relay(between);
    let sign = answer.get(SIGN).filter(|sign| sign.starts_with(b"DOWNGRD"));
    let sign = sign.map(|sign| {
        let what = both(
            "the last bytes of the server's random, DOWNGRD (RFC 8446 §4.1.3)",
            "服务器随机数的最后几个字节，即 DOWNGRD（RFC 8446 §4.1.3）",
        );
        Excerpt::hex(what, sign)
    });
    Ok(excerpts.map(|excerpts| excerpts.into_iter().chain(sign).collect()))
}

/// Where the last eight bytes of the random stand in a record with a `ServerHello`: a server of TLS 1.3 that
/// agrees to less says so there, and signs it.
const SIGN: Range<usize> = 35..43;

/// The extension `supported_versions`, with TLS 1.3 and 1.2 in it.
const OFFER: [u8; 9] = [0x00, 0x2b, 0x00, 0x05, 0x04, 0x03, 0x04, 0x03, 0x03];

/// The same with TLS 1.2 twice: no length changes.
const LOWERED: [u8; 9] = [0x00, 0x2b, 0x00, 0x05, 0x04, 0x03, 0x03, 0x03, 0x03];

/// The client's first record.
fn flight(mut client: &TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 5];
    client.read_exact(&mut bytes)?;
    let length = usize::from(u16::from_be_bytes([bytes[3], bytes[4]])).min(FLIGHT_BYTES);
    bytes.resize(5 + length, 0);
    client.read_exact(&mut bytes[5..])?;
    Ok(bytes)
}

fn victim_told(scene: &Scene, door: &Door) -> Result<Told> {
    let tls = ClientTls {
        insecure: scene.setup == Setup::Careless,
        ..scene.house.client_tls(None)
    };
    let target = scene.house.target(door.address, Some(tls.load()?));
    Ok(victim::transfer(scene, &target))
}
