//! A handshake as a timeline: what a stranger sees of each record, beside what is inside.
//!
//! Computed from captured bytes and, where they are given, the secrets of a key log: whatever is told of an
//! encrypted message was opened and read here. Without keys only the outside is told. The certificates are
//! checked as of the moment they were sent, in the order the lesson has; the signatures and the Finished
//! messages are computed again from the messages themselves.
//!
//! [`Timeline`] is a plain struct; [`text`](render::text), the report and JSON are pure functions of it.

pub mod beside;
mod checks;
mod facts;
mod follow;
mod keys;
pub(super) mod layout;
mod meaning;
mod operations;
pub mod render;
#[cfg(test)]
mod tests;
mod watch;
pub mod words;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::pcapng::Reader;
use super::streams::walk;
use crate::error::{Error, Kind, Result};
use crate::transport::tls::KeyLog;
pub use facts::{
    Agreed, Checks, Connection, ConnectionKind, Cost, Entry, Evidence, Opened, Operation, Party,
    Possession, Said, SaidWhat, Secret, Seen, Timeline, Verdict, What,
};

/// Bytes of a capture read at once.
const BUFFER_BYTES: usize = 1024 * 1024;

/// Connections told of one capture; further ones are counted.
const CONNECTIONS_MAX: usize = 256;

/// Reads a capture with the secrets at hand and those embedded in it.
pub fn read(path: &Path, mut keys: KeyLog, evidence: &Evidence) -> Result<Timeline> {
    // Twice: secrets that stand behind the packets open them too.
    let mut reader = open(path)?;
    while reader.packet()?.is_some() {}
    keys.read(reader.key_log());
    of(&mut open(path)?, &keys, evidence)
}

/// Reads a capture with just these secrets.
pub fn of<R: Read>(reader: &mut Reader<R>, keys: &KeyLog, evidence: &Evidence) -> Result<Timeline> {
    let mut watch = watch::Watch::new(keys, evidence);
    let walked = walk(reader, &mut watch)?;
    let (connections, connections_more) = watch.finish(&walked);
    if let (Some(number), true) = (evidence.only, connections.is_empty()) {
        let message = format!("the capture has no connection {number}");
        return Err(Error::new(Kind::Usage, message)
            .hint("leave --connection out to see how many there are")
            .zh(
                format!("捕获文件中没有第 {number} 条连接"),
                "去掉 --connection 即可看到一共有几条",
            ));
    }
    Ok(Timeline {
        packets: walked.packets,
        other_packets: walked.other_packets,
        snapped_packets: walked.snapped_packets,
        cut: walked.cut,
        secrets_embedded: walked.secrets,
        secrets: keys.len(),
        connections,
        connections_more,
    })
}

fn open(path: &Path) -> Result<Reader<BufReader<File>>> {
    let file = File::open(path).map_err(|error| {
        let what = format!("read {}", path.display());
        Error::io(Kind::LocalRead, what, error)
    })?;
    Reader::new(BufReader::with_capacity(BUFFER_BYTES, file))
}
