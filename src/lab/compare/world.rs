//! Everything a comparison needs, made for it alone and gone with it: a folder, a CA, certificates, a user.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use super::BUFFER_BYTES;
use super::run::{self, CLIENT_IP};
use super::turns::Patterns;
use crate::error::{Error, Kind, Result};
use crate::lab::find::Sought;
use crate::lab::search::FileBlocks;
use crate::lab::traces::Folder;
use crate::pki::{Authority, InitOptions, IssueRequest};
use crate::protocol::{FileName, Hasher, Request, Sha256, encode};
use crate::text::hex;

/// Lines of the text that is made when no file is given: about 200 kB, a dozen of the largest TLS records.
const LINES: u32 = 2_600;

/// Bytes of a file's beginning that are looked for to tell where it begins.
const BEGINNING_BYTES: u64 = 32;

/// A folder with a CA, certificates and the file, and the names used.
#[derive(Debug)]
pub(super) struct World {
    dir: Folder,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) server_name: String,
    pub(super) server_ip: Ipv4Addr,
    /// The local file.
    pub(super) file: PathBuf,
    /// Its name on the server.
    pub(super) sent_as: FileName,
    pub(super) bytes: u64,
    pub(super) sha256: Sha256,
    beginning: Vec<u8>,
}

impl World {
    /// Makes it; `file` is carried, or a text that is made.
    pub(super) fn make(file: Option<&Path>) -> Result<Self> {
        let dir = Folder::make()
            .map_err(|error| Error::io(Kind::LocalWrite, "make a temporary folder", error))?;
        let user = format!("student-{}", token(4)?);
        // Long enough that no noise of any length a disk can hold has it by chance.
        let password = format!("Postcard-{}", token(8)?);
        let server_name = format!("files-{}.example", token(4)?);
        let (file, base) = match file {
            Some(file) => {
                let name = file.file_name().map(|name| name.to_string_lossy());
                (file.to_owned(), name.unwrap_or_default().into_owned())
            }
            None => (letter(dir.path(), &user)?, "letter.txt".to_owned()),
        };
        let (bytes, sha256, beginning) = read(&file)?;
        let made = Self {
            sent_as: sent_as(&base, &token(4)?)?,
            dir,
            user,
            password,
            server_name,
            server_ip: run::server_ip(),
            file,
            bytes,
            sha256,
            beginning,
        };
        made.certify()?;
        Ok(made)
    }

    /// A path below the folder.
    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// Names for the addresses in a capture; none where both ends have the same.
    pub(super) fn names(&self) -> Vec<(IpAddr, String)> {
        if self.server_ip == CLIENT_IP {
            return Vec::new();
        }
        vec![
            (CLIENT_IP.into(), "client".to_owned()),
            (self.server_ip.into(), self.server_name.clone()),
        ]
    }

    /// What a stranger would love to find.
    pub(super) fn sought(&self) -> Vec<Sought> {
        let sought = |label: &str, text: &str| Sought {
            label: label.to_owned(),
            text: text.to_owned(),
            hidden: false,
        };
        vec![
            sought("user", &self.user),
            sought("password", &self.password),
            sought("file name", self.sent_as.as_str()),
        ]
    }

    /// The same, as bytes to be marked where they stand.
    pub(super) fn patterns(&self) -> Patterns {
        Patterns {
            texts: self.sought(),
            beginning: self.beginning.clone(),
            file_bytes: self.bytes,
        }
    }

    /// The file in blocks.
    pub(super) fn blocks(&self) -> Result<FileBlocks> {
        super::blocks(&self.file)
    }

    /// Bytes of the frame that logs in.
    pub(super) fn login_bytes(&self) -> u64 {
        let login = Request::Login {
            user: Some(self.user.clone()),
            password: Some(self.password.clone()),
        };
        encode(&login).map_or(0, |frame| frame.len() as u64)
    }

    fn certify(&self) -> Result<()> {
        let options = InitOptions {
            name: Some("Sealpost lab CA".to_owned()),
            ..InitOptions::default()
        };
        let (authority, _root) = Authority::init(&self.path("certs"), &options)?;
        authority.issue(&IssueRequest {
            out: Some("server".to_owned()),
            ..IssueRequest::server([self.server_name.as_str()])
        })?;
        authority.issue(&IssueRequest {
            out: Some("client".to_owned()),
            ..IssueRequest::client(&self.user)
        })?;
        Ok(())
    }
}

/// So many random bytes, in hex.
fn token(bytes: usize) -> Result<String> {
    let mut random = vec![0; bytes];
    aws_lc_rs::rand::fill(&mut random)
        .map_err(|_| Error::new(Kind::Other, "the random number generator failed"))?;
    Ok(hex(&random))
}

/// The file's own name with a random part before its ending, so that finding it is no chance.
fn sent_as(base: &str, token: &str) -> Result<FileName> {
    let (stem, ending) = match base.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
        _ => (base, String::new()),
    };
    // Whatever cannot be a name on a server is carried under another one.
    FileName::normalize(&format!("{stem}-{token}{ending}"))
        .or_else(|_| FileName::normalize(&format!("file-{token}")))
        .map_err(|error| Error::new(Kind::Usage, format!("{base} cannot be sent: {error}")))
}

/// A text anybody can read, different each time.
fn letter(dir: &Path, user: &str) -> Result<PathBuf> {
    let mut text = format!("Dear reader, this letter was written for {user} alone.\n");
    text.extend((1..=LINES).map(|n| {
        format!("Line {n:05}. Whoever stands between us may read this line, if it is not sealed.\n")
    }));
    let path = dir.join("letter.txt");
    let file = File::create_new(&path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Error::io(Kind::LocalWrite, "write the letter", error))?;
    Ok(path)
}

fn read(path: &Path) -> Result<(u64, Sha256, Vec<u8>)> {
    digest(path).map_err(|error| {
        Error::io(
            Kind::LocalRead,
            format_args!("read {}", path.display()),
            error,
        )
    })
}

/// Length, digest and first bytes of a file.
pub(super) fn digest(path: &Path) -> io::Result<(u64, Sha256, Vec<u8>)> {
    let mut file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a file",
        ));
    }
    let mut beginning = Vec::new();
    (&mut file)
        .take(BEGINNING_BYTES)
        .read_to_end(&mut beginning)?;
    let mut hasher = Hasher::default();
    hasher.update(&beginning);
    let mut bytes = beginning.len() as u64;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((bytes, hasher.finish(), beginning)),
            length => {
                hasher.update(&buffer[..length]);
                bytes += length as u64;
            }
        }
    }
}
