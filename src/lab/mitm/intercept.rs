//! The attacker ends the victim's TLS itself, and begins another to the server.

use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

use super::forge::{self, Loot, stand_between};
use super::plain::FORGERY;
use super::victim::{self, Told};
use super::{Scene, Setup};
use crate::error::Result;
use crate::lab::door::{Between, Door, attack, relay};
use crate::lab::house::{self, PATIENCE, Pair, Running};
use crate::lang::{Both, both};
use crate::text::escape;
use crate::transport::{
    Acceptor, ClientAuth, ClientTls, Mode, Rejected, ServerTls, Side, Socket, TlsClient, connect,
};

/// What came of an interception.
#[derive(Default)]
pub(super) struct Catch {
    pub(super) loot: Loot,
    /// The attacker's own trouble, in words.
    pub(super) said: Both,
}

/// Lures the victim to an attacker who shows `disguise`.
pub(super) fn intercept(
    scene: &Scene,
    server: &Running,
    disguise: &Pair,
    victim: &TlsClient,
) -> Result<(Catch, Told)> {
    let door = Door::open(server.address)?;
    let target = scene.house.target(door.address, Some(victim.clone()));
    let onward = ClientTls {
        insecure: true,
        ..scene.house.client_tls(None)
    };
    let onward = onward.load()?;
    let acceptor = acceptor(disguise)?;
    attack(
        || match scene.setup {
            Setup::Idle => {
                let _missed = door.between().map(|between: Between| relay(&between));
                Catch::default()
            }
            _ => terminate(&door, &acceptor, server.address, &onward),
        },
        || victim::transfer(scene, &target),
    )
}

/// Ends the victim's TLS here, and begins another to the server.
fn terminate(door: &Door, acceptor: &Acceptor, to: SocketAddr, tls: &TlsClient) -> Catch {
    let mut caught = Catch::default();
    let mut client = match take_in(door, acceptor) {
        Ok(client) => client,
        Err(error) => {
            caught.said = house::words(Side::Server, &error);
            return caught;
        }
    };
    match connect(&to.ip().to_string(), to.port(), Some(tls), PATIENCE) {
        Err(error) => caught.said = error.message_both().map(escape),
        Ok((mut server, _context)) => {
            let stood = stand_between(&mut client, &mut server, FORGERY, &mut caught.loot);
            caught.said = match stood {
                Ok(()) => both("nothing amiss", "没有异常"),
                Err(error) => house::words(Side::Client, &error),
            };
            server.close();
        }
    }
    client.close();
    caught
}

/// Plays the server until the victim has given its password away; the request it came in.
pub(super) fn phish(door: &Door, disguise: &Pair) -> io::Result<Option<String>> {
    let acceptor = acceptor(disguise).map_err(io::Error::other)?;
    let mut client = take_in(door, &acceptor)?;
    let login = lie(&mut client);
    client.close();
    login.map(Some)
}

fn lie<C: BufRead + Write>(client: &mut C) -> io::Result<String> {
    let mut buffer = Vec::new();
    let _hello = forge::read(client, &mut buffer)?;
    let welcome = json!({
        "ok": true, "version": 1, "agent": "sealpost", "secure": "tls", "identity": null,
        "login": ["password"], "register": false, "id": "0",
    });
    forge::send(client, welcome.to_string().as_bytes())?;
    let login = forge::read(client, &mut buffer)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&login).into_owned())
}

fn take_in(door: &Door, acceptor: &Acceptor) -> io::Result<crate::transport::Accepted> {
    let tcp = door.victim()?;
    let socket = Socket::new(Arc::new(tcp), Instant::now() + PATIENCE);
    acceptor.accept(socket).map_err(|rejected| match rejected {
        Rejected::Handshake(error, _) => error,
        Rejected::Silent | Rejected::Language(..) => io::ErrorKind::UnexpectedEof.into(),
    })
}

/// A TLS server that shows `disguise` and asks for nothing.
fn acceptor((certificate, key): &Pair) -> Result<Acceptor> {
    let tls = ServerTls {
        certificate: certificate.clone(),
        key: key.clone(),
        passphrase: None,
        client_auth: ClientAuth::None,
        client_ca: certificate.clone(),
        allow: crate::transport::Allow::default(),
        revocation_lists: Vec::new(),
        accept_expired_lists: false,
        resumption: crate::transport::Resumption::Off,
        policy: crate::transport::Policy::default(),
    };
    Ok(Acceptor::new(Mode::Tls, Some(tls.load()?)))
}
