//! Uploading one file.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde::Serialize;

use super::{Client, Progress};
use crate::config::CHUNK_BYTES;
use crate::error::{Error, Kind, Result};
use crate::protocol::{
    BodyEnd, Conflict, FileInfo, FileName, FileReply, Hasher, PutReply, Request, ResumeAnswer,
};
use crate::transport::{Pace, Wire};

/// An upload that is done: the server has the bytes on its disk.
#[derive(Clone, Debug, Serialize)]
pub struct Upload {
    /// The file as the server has it; its name may be another one after a conflict.
    pub file: FileInfo,
    /// Bytes that did not need to travel, because the server held them from an earlier try.
    pub resumed: u64,
}

/// Uploads the file at `path` as `name`. Returns only after the server said that it is durable.
pub fn upload<W: Wire>(
    client: &mut Client<W>,
    path: &Path,
    name: &FileName,
    conflict: Conflict,
    watch: &mut dyn FnMut(Progress),
) -> Result<Upload> {
    let failed = |error| {
        Error::io(
            Kind::LocalRead,
            format_args!("read {}", path.display()),
            error,
        )
    };
    let mut file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(
            Error::new(Kind::LocalRead, format!("{} is not a file", path.display()))
                .hint("give -r to upload a folder with all that is in it")
                .zh(
                    format!("{} 不是文件", path.display()),
                    "上传整个文件夹请加 -r",
                ),
        );
    }
    let size = metadata.len();
    let mut source = Source {
        file: &mut file,
        path,
        hasher: Hasher::default(),
    };
    let put = Request::Put {
        name: name.to_string(),
        size,
        conflict,
    };
    let go: PutReply = match client.ask(&put) {
        Err(error) if error.kind() == Kind::Exists && conflict == Conflict::Resume => {
            let file = source.already_there(client, name, size)?.ok_or(error)?;
            watch(Progress::Begin { size, held: size });
            return Ok(Upload {
                file,
                resumed: size,
            });
        }
        answer => answer?,
    };
    let resumed = source.agree(client, &go, size)?;
    watch(Progress::Begin {
        size,
        held: resumed,
    });
    source.send(client, size - resumed, watch)?;
    let end = BodyEnd {
        sha256: source.hasher.finish(),
    };
    client.say(&end)?;
    let reply: FileReply = client.hear()?;
    if reply.file.sha256 != end.sha256 || reply.file.size != size {
        return Err(client.weird("it stored other bytes than were sent"));
    }
    if reply.file.name != *name && conflict != Conflict::Rename {
        return Err(client.weird("it stored the file under another name"));
    }
    Ok(Upload {
        file: reply.file,
        resumed,
    })
}

/// The local file, digested as it is read.
struct Source<'a> {
    file: &'a mut File,
    path: &'a Path,
    hasher: Hasher,
}

impl Source<'_> {
    /// The server's file of this name, when it has these very bytes: an earlier try ended well.
    fn already_there<W: Wire>(
        &mut self,
        client: &mut Client<W>,
        name: &FileName,
        size: u64,
    ) -> Result<Option<FileInfo>> {
        let there = client.stat(name)?;
        if there.size != size {
            return Ok(None);
        }
        self.digest(client, size)?;
        Ok((self.hasher.clone().finish() == there.sha256).then_some(there))
    }

    /// Proves, or not, that what the server holds is a beginning of this file; how many bytes it holds.
    fn agree<W: Wire>(&mut self, client: &mut Client<W>, go: &PutReply, size: u64) -> Result<u64> {
        if go.offset == 0 {
            return Ok(0);
        }
        if go.offset > size {
            return Err(client.weird("it holds more than the whole file"));
        }
        self.digest(client, go.offset)?;
        let resume = Some(self.hasher.clone().finish()) == go.prefix_sha256;
        if !resume {
            self.hasher = Hasher::default();
            self.file
                .seek(SeekFrom::Start(0))
                .map_err(|error| self.unreadable(client, error))?;
        }
        client.say(&ResumeAnswer { resume })?;
        Ok(if resume { go.offset } else { 0 })
    }

    /// Digests the first `left` bytes.
    fn digest<W: Wire>(&mut self, client: &mut Client<W>, mut left: u64) -> Result<()> {
        let mut buffer = vec![0; CHUNK_BYTES];
        while left > 0 {
            let n = usize::try_from(left).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES));
            let read = self.file.read_exact(&mut buffer[..n]);
            read.map_err(|error| self.unreadable(client, error))?;
            self.hasher.update(&buffer[..n]);
            left -= n as u64;
        }
        Ok(())
    }

    fn send<W: Wire>(
        &mut self,
        client: &mut Client<W>,
        mut left: u64,
        watch: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        client.wire.expect_progress(client.timeout);
        let mut pace = Pace::new(client.rate);
        let most = pace.chunk(CHUNK_BYTES);
        let mut buffer = vec![0; usize::try_from(left).map_or(most, |left| left.min(most))];
        while left > 0 {
            let n = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            let chunk = &mut buffer[..n];
            self.file
                .read_exact(chunk)
                .map_err(|error| self.unreadable(client, error))?;
            self.hasher.update(chunk);
            client
                .wire
                .write_all(chunk)
                .map_err(|error| client.write_failed(&error))?;
            watch(Progress::Moved(n as u64));
            pace.moved(n);
            left -= n as u64;
        }
        Ok(())
    }

    /// The file cannot be read on in the middle of its body: the connection is of no more use either.
    fn unreadable<W: Wire>(&self, client: &mut Client<W>, error: std::io::Error) -> Error {
        client.usable = false;
        if error.kind() == std::io::ErrorKind::UnexpectedEof {
            let text = format!("{} became shorter while it was sent", self.path.display());
            return Error::new(Kind::LocalRead, text)
                .hint("try again when nobody writes to it")
                .zh(
                    format!("{} 在发送时变短了", self.path.display()),
                    "请在没有程序写入它时重试",
                );
        }
        Error::io(
            Kind::LocalRead,
            format_args!("read {}", self.path.display()),
            error,
        )
    }
}
