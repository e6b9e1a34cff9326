//! The client in the attacker's hands: logs in, uploads a file, reads it back, as any user does.

use std::fs;

use super::Scene;
use crate::client::{Client, Target, download, upload};
use crate::error::{Error, Result};
use crate::lab::overhear::Mark;
use crate::lang::{Both, both, same};
use crate::protocol::{Conflict, FileName, Sha256};
use crate::store::trail;
use crate::text::escape;
use crate::transport::Connector;

/// The file of the plain and the sealed steps.
pub(super) const NOTE: &str = "transfer order 7\npay 0100.00 to Bob\n";

/// Its name on the server.
pub(super) const NOTE_NAME: &str = "order.txt";

/// How it went for the victim.
#[derive(Debug)]
pub(super) struct Told {
    /// Its words.
    pub(super) said: Both,
    /// Its exit code.
    pub(super) exit: u8,
    /// What it read back, if it came so far.
    pub(super) read_back: Option<Vec<u8>>,
}

impl Told {
    /// Of a failure.
    pub(super) fn failure(error: &Error) -> Self {
        Self {
            said: error.message_both().map(escape),
            exit: error.kind().exit_code(),
            read_back: None,
        }
    }

    /// Whether the client refused, with one of these exit codes.
    pub(super) fn refused_by(&self, codes: &[u8]) -> bool {
        codes.contains(&self.exit)
    }
}

/// Uploads the note and reads it back.
pub(super) fn transfer(scene: &Scene, target: &Target) -> Told {
    match try_transfer(scene, target) {
        Ok(told) => told,
        Err(error) => Told::failure(&error),
    }
}

fn try_transfer(scene: &Scene, target: &Target) -> Result<Told> {
    let note = scene.house.file("order.txt", NOTE.as_bytes())?;
    let name = name(NOTE_NAME)?;
    let back = scene.house.path("read-back.txt");
    let _none_yet = fs::remove_file(&back);
    let (mut client, _) = target.log_in()?;
    upload(&mut client, &note, &name, Conflict::Overwrite, &mut |_| {})?;
    download(&mut client, &name, &back, Conflict::Overwrite, &mut |_| {})?;
    client.quit();
    let bytes = fs::read(&back).unwrap_or_default();
    Ok(Told {
        said: both(
            format!(
                "uploaded {name} and read it back: \"{}\", sha256 {}…, all well",
                last_line(&bytes),
                short(&bytes)
            ),
            format!(
                "上传了 {name} 并读回：“{}”，sha256 {}…，一切正常",
                last_line(&bytes),
                short(&bytes)
            ),
        ),
        exit: 0,
        read_back: Some(bytes),
    })
}

/// A file as the server really has it, read past the attacker; none when it has none.
pub(super) fn truth(scene: &Scene, target: &Target, file: &str) -> Result<Option<Vec<u8>>> {
    let (mut client, _) = target.log_in()?;
    let name = name(file)?;
    let back = scene.house.path("truth");
    let _none_yet = fs::remove_file(&back);
    let found = fetch(&mut client, &name, &back);
    client.quit();
    Ok(found)
}

fn fetch(client: &mut Client<Connector>, name: &FileName, to: &std::path::Path) -> Option<Vec<u8>> {
    client.stat(name).ok()?;
    download(client, name, to, Conflict::Overwrite, &mut |_| {}).ok()?;
    fs::read(to).ok()
}

/// The lab's own names are names.
pub(super) fn name(text: &str) -> Result<FileName> {
    text.parse().map_err(|_| {
        Error::new(
            crate::error::Kind::Other,
            format!("{text} is no name of a file"),
        )
    })
}

/// The line of a note that matters.
pub(super) fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    escape(text.lines().last().unwrap_or_default())
}

/// The beginning of a digest, enough to tell two apart.
pub(super) fn short(bytes: &[u8]) -> String {
    Sha256::of(bytes).to_string().chars().take(8).collect()
}

/// What a server says that noticed nothing.
pub(super) fn silence() -> Both {
    both("nothing", "（什么也没说）")
}

/// What the server said since `mark`: its log, else what its audit trail has of this kind of event.
pub(super) fn server_said(mark: Mark, audit: &std::path::Path, event: &str) -> Both {
    let log = mark.so_far();
    if !log.is_empty() {
        return same(log.join("; "));
    }
    let mut said = silence();
    let visited = trail::each_record(audit, |record| {
        if record.event == event {
            let detail = |key| record.text(key).unwrap_or_default().to_owned();
            let digest: String = detail("sha256").chars().take(8).collect();
            let (name, user) = (detail("name"), detail("user"));
            said = both(
                format!("audit: {event} {name} by {user}, sha256 {digest}…"),
                format!("审计：{event} {name}，用户 {user}，sha256 {digest}…"),
            );
        }
    });
    match visited {
        Ok(()) => said,
        Err(error) => error.message_both(),
    }
}
