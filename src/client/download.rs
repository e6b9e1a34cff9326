//! Downloading one file: to `NAME.part` first, under its own name only when the digest agrees.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Client, Progress};
use crate::config::CHUNK_BYTES;
use crate::error::{Error, Kind, Result};
use crate::protocol::{Conflict, FileInfo, FileName, GetReply, Hasher, Request, Sha256};
use crate::transport::{Pace, Wire};

/// Names tried for a conflict solved by renaming.
const NUMBERS: u32 = 1_000;

/// A download that is done.
#[derive(Clone, Debug, Serialize)]
pub struct Download {
    /// The file as the server told it; the bytes on disk have this digest.
    pub file: FileInfo,
    /// Where it is.
    pub path: PathBuf,
    /// Bytes that did not need to travel, because an earlier try had brought them.
    pub resumed: u64,
}

/// Downloads `name` to `target`. Until the digest agrees nothing appears there.
pub fn download<W: Wire>(
    client: &mut Client<W>,
    name: &FileName,
    target: &Path,
    conflict: Conflict,
    watch: &mut dyn FnMut(Progress),
) -> Result<Download> {
    let there = target.symlink_metadata();
    if there.as_ref().is_ok_and(fs::Metadata::is_dir) && conflict != Conflict::Rename {
        return Err(
            Error::new(Kind::Exists, format!("{} is a folder", target.display()))
                .hint("choose another place with -o; to download a folder give -r")
                .zh(
                    format!("{} 是文件夹", target.display()),
                    "请用 -o 选择其他位置；下载文件夹请加 -r",
                ),
        );
    }
    match (there, conflict) {
        (Ok(_), Conflict::Error) => return Err(exists(target)),
        (Ok(there), Conflict::Resume) => {
            // An earlier try may have ended well: then nothing is left to do.
            let file = client.stat(name)?;
            if !there.is_file() || there.len() != file.size || digest_of(target)? != file.sha256 {
                return Err(exists(target));
            }
            watch(Progress::Begin {
                size: file.size,
                held: file.size,
            });
            return Ok(Download {
                path: target.to_owned(),
                resumed: file.size,
                file,
            });
        }
        _ => {}
    }
    let mut part = Part::open(target)?;
    // What is at the target's own name does not matter here: the part is another file until it is complete.
    let begun = match conflict {
        Conflict::Error => None,
        Conflict::Overwrite | Conflict::Rename | Conflict::Resume => part.begun(),
    };
    let offset = match begun {
        // Appended only to a beginning of the very same file.
        Some(begun) if begun == Begun::of(&client.stat(name)?) => part.digest()?,
        _ => part.restart()?,
    };
    let reply: GetReply = client.ask(&Request::Get {
        name: name.to_string(),
        offset,
    })?;
    let changed = offset > 0 && part.begun() != Some(Begun::of(&reply.file));
    if reply.file.name != *name || reply.offset != offset || reply.offset > reply.file.size {
        return Err(client.weird("it sends another file than was asked for"));
    }
    if changed {
        client.usable = false;
        return Err(Error::new(
            Kind::Partial,
            format!("{name} changed on the server meanwhile"),
        )
        .hint("try again: it will begin anew")
        .zh(format!("{name} 在服务器上已被改动"), "请重试：将从头开始"));
    }
    if offset == 0 {
        part.begin(&Begun::of(&reply.file))
            .inspect_err(|_| client.usable = false)?;
    }
    let size = reply.file.size;
    watch(Progress::Begin { size, held: offset });
    part.receive(client, size - offset, watch)?;
    let path = part.publish(&reply.file, target, conflict)?;
    Ok(Download {
        file: reply.file,
        path,
        resumed: offset,
    })
}

/// Removes what an interrupted download of `name` to `target` has left; not what another download is writing
/// now, nor a file that no download of `name` made.
pub fn discard(name: &FileName, target: &Path) {
    let (path, note) = (
        with_suffix(target, ".part"),
        with_suffix(target, ".part.json"),
    );
    let Ok(file) = File::open(&path) else {
        return;
    };
    let begun = fs::read(&note)
        .ok()
        .and_then(|note| serde_json::from_slice::<Begun>(&note).ok());
    let ours = begun.is_some_and(|begun| begun.name == *name);
    if ours && file.try_lock().is_ok() && is_at(&path, &file) {
        for path in [path, note] {
            let _gone = fs::remove_file(path);
        }
    }
}

/// What a part is a part of; kept beside it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Begun {
    name: FileName,
    size: u64,
    sha256: Sha256,
}

impl Begun {
    fn of(file: &FileInfo) -> Self {
        Self {
            name: file.name.clone(),
            size: file.size,
            sha256: file.sha256,
        }
    }
}

/// The bytes so far, in `NAME.part`, locked against a second download of the same.
struct Part {
    path: PathBuf,
    note: PathBuf,
    file: File,
    hasher: Hasher,
}

impl Part {
    fn open(target: &Path) -> Result<Self> {
        let (path, note) = (
            with_suffix(target, ".part"),
            with_suffix(target, ".part.json"),
        );
        let writing = |error| {
            Error::io(
                Kind::LocalWrite,
                format_args!("write {}", path.display()),
                error,
            )
        };
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(writing)?;
        }
        let file = no_link().read(true).open(&path).map_err(writing)?;
        // The other download may have given the file its final name between our opening and locking it.
        if file.try_lock().is_err() || !is_at(&path, &file) {
            let text = format!("another download is writing {}", path.display());
            return Err(Error::new(Kind::LocalWrite, text)
                .hint("wait for it, or choose another place with -o")
                .zh(
                    format!("另一个下载正在写入 {}", path.display()),
                    "请等它完成，或用 -o 选择其他位置",
                ));
        }
        Ok(Self {
            path,
            note,
            file,
            hasher: Hasher::default(),
        })
    }

    /// What the bytes here are a part of, if that is known and they are not too many.
    fn begun(&self) -> Option<Begun> {
        let begun: Begun = serde_json::from_slice(&fs::read(&self.note).ok()?).ok()?;
        let held = self.file.metadata().ok()?.len();
        (held > 0 && held <= begun.size).then_some(begun)
    }

    /// Digests the bytes here; how many they are.
    fn digest(&mut self) -> Result<u64> {
        digest(&mut self.file, &mut self.hasher).map_err(|error| unreadable(&self.path, error))
    }

    /// Forgets the bytes here.
    fn restart(&mut self) -> Result<u64> {
        self.hasher = Hasher::default();
        let emptied = self
            .file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(|error| self.unwritable(error))
    }

    fn begin(&self, begun: &Begun) -> Result<()> {
        let written = no_link()
            .truncate(true)
            .open(&self.note)
            .and_then(|mut note| note.write_all(serde_json::to_string(begun)?.as_bytes()));
        written.map_err(|error| self.unwritable(error))
    }

    /// Moves the body from the wire into the part.
    fn receive<W: Wire>(
        &mut self,
        client: &mut Client<W>,
        mut left: u64,
        watch: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        client.wire.expect_progress(client.timeout);
        let mut pace = Pace::new(client.rate);
        let most = pace.chunk(CHUNK_BYTES);
        while left > 0 {
            let chunk = match client.wire.fill_buf() {
                Ok([]) => return Err(client.wire_failed(&io::ErrorKind::UnexpectedEof.into())),
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(client.wire_failed(&error)),
            };
            let n = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(chunk.len())
                .min(most);
            self.hasher.update(&chunk[..n]);
            let written = self.file.write_all(&chunk[..n]);
            client.wire.consume(n);
            if let Err(error) = written {
                client.usable = false;
                return Err(self.unwritable(error));
            }
            watch(Progress::Moved(n as u64));
            pace.moved(n);
            left -= n as u64;
        }
        Ok(())
    }

    /// Gives the part its name, if it is what it should be.
    fn publish(self, file: &FileInfo, target: &Path, conflict: Conflict) -> Result<PathBuf> {
        if self.hasher.clone().finish() != file.sha256 {
            let _gone = fs::remove_file(&self.path);
            let _gone = fs::remove_file(&self.note);
            let text = format!(
                "the bytes of {} that arrived do not have its digest; nothing was kept",
                file.name
            );
            return Err(Error::new(Kind::Partial, text)
                .hint("they were altered on the way or on the server's disk; try again, and run `sealpost fsck` there")
                .zh(
                    format!("收到的 {} 与其摘要不符；没有保留任何内容", file.name),
                    "内容在途中或在服务器磁盘上被改动；请重试，并在服务器上运行 `sealpost fsck`",
                ));
        }
        self.file
            .sync_data()
            .map_err(|error| self.unwritable(error))?;
        // What was digested is the open file: only that one may get the name.
        if !is_at(&self.path, &self.file) {
            let text = format!("{} was replaced while it was written", self.path.display());
            return Err(Error::new(Kind::LocalWrite, text)
                .hint("something else uses that name; choose another place with -o")
                .zh(
                    format!("{} 在写入时被替换", self.path.display()),
                    "有别的程序在使用该名称；请用 -o 选择其他位置",
                ));
        }
        let path = self.give_name(target, conflict)?;
        let _gone = fs::remove_file(&self.note);
        Ok(path)
    }

    fn give_name(&self, target: &Path, conflict: Conflict) -> Result<PathBuf> {
        match conflict {
            Conflict::Overwrite => {
                fs::rename(&self.path, target).map_err(|error| self.unwritable(error))?;
                Ok(target.to_owned())
            }
            Conflict::Error | Conflict::Resume => match self.link(target)? {
                true => Ok(target.to_owned()),
                false => Err(exists(target)),
            },
            Conflict::Rename => {
                for n in 0..NUMBERS {
                    let path = numbered(target, n);
                    if self.link(&path)? {
                        return Ok(path);
                    }
                }
                Err(exists(target))
            }
        }
    }

    /// Renames without ever replacing: a hard link fails where something is. False when it did.
    fn link(&self, to: &Path) -> Result<bool> {
        match fs::hard_link(&self.path, to) {
            Ok(()) => {
                fs::remove_file(&self.path).map_err(|error| self.unwritable(error))?;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            // A file system without hard links (FAT): look, then rename.
            Err(_) if to.symlink_metadata().is_ok() => Ok(false),
            Err(_) => {
                fs::rename(&self.path, to).map_err(|error| self.unwritable(error))?;
                Ok(true)
            }
        }
    }

    fn unwritable(&self, error: io::Error) -> Error {
        Error::io(
            Kind::LocalWrite,
            format_args!("write {}", self.path.display()),
            error,
        )
    }
}

impl Drop for Part {
    /// Nothing arrived: nothing stays.
    fn drop(&mut self) {
        if self
            .file
            .metadata()
            .is_ok_and(|metadata| metadata.len() == 0)
        {
            let _gone = fs::remove_file(&self.path);
            let _gone = fs::remove_file(&self.note);
        }
    }
}

/// Digests the rest of `file`; how many bytes that were.
fn digest(file: &mut File, hasher: &mut Hasher) -> io::Result<u64> {
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut held = 0;
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok(held);
        }
        hasher.update(&buffer[..n]);
        held += n as u64;
    }
}

fn digest_of(path: &Path) -> Result<Sha256> {
    let mut hasher = Hasher::default();
    File::open(path)
        .and_then(|mut file| digest(&mut file, &mut hasher))
        .map_err(|error| unreadable(path, error))?;
    Ok(hasher.finish())
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::io(
        Kind::LocalRead,
        format_args!("read {}", path.display()),
        error,
    )
}

/// Opens for writing, creating what is missing; never through a symbolic link, which would write elsewhere.
fn no_link() -> OpenOptions {
    let flags = rustix::fs::OFlags::NOFOLLOW.bits();
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    options.custom_flags(i32::from_ne_bytes(flags.to_ne_bytes()));
    options
}

/// Whether the open file is the one that is at `path`.
fn is_at(path: &Path, file: &File) -> bool {
    let here = path.symlink_metadata();
    let open = file.metadata();
    matches!((here, open), (Ok(here), Ok(open)) if (here.dev(), here.ino()) == (open.dev(), open.ino()))
}

fn exists(target: &Path) -> Error {
    Error::new(Kind::Exists, format!("{} exists already", target.display()))
        .hint("say --conflict overwrite or rename, or choose another place with -o")
        .zh(
            format!("{} 已存在", target.display()),
            "请用 --conflict overwrite 或 rename，或用 -o 选择其他位置",
        )
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(suffix);
    text.into()
}

/// `a.txt`, then `a (1).txt`, `a (2).txt` …
fn numbered(path: &Path, n: u32) -> PathBuf {
    if n == 0 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path
        .extension()
        .map(|e| format!(".{}", e.to_string_lossy()));
    path.with_file_name(format!("{stem} ({n}){}", extension.unwrap_or_default()))
}
