//! The folder of the result.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::beside::KernelFile;
use super::comments::Comments;
use super::facts::{Report, Run, RunKind};
use super::{BUFFER_BYTES, open};
use crate::error::{Error, Kind, Result};
use crate::lab::certificates::Finding as Zoo;
use crate::lab::pcapng::{About, LINK_ETHERNET, LINK_RAW, Writer};
use crate::lab::report::{html, readme, zoo};
use crate::lab::traces::Draft;
use crate::lang::Lang;

/// Who may read a capture or a key log: its owner.
const PRIVATE: u32 = 0o600;

/// Who may read a report.
const PUBLIC: u32 = 0o644;

/// Writes the files of a result. Those of one that is not finished go with it.
#[derive(Debug)]
pub(super) struct Out {
    dir: PathBuf,
    draft: Option<Draft>,
    files: Vec<String>,
    replaced: Vec<String>,
}

impl Out {
    /// Makes the folder, if it is not there.
    pub(super) fn open(dir: &Path) -> Result<Self> {
        let draft = Draft::make(dir).map_err(|error| {
            let what = format_args!("make the folder {}", dir.display()).to_string();
            Error::io(Kind::LocalWrite, what, error).hint("name another folder with --out")
        })?;
        Ok(Self {
            dir: dir.to_owned(),
            draft: Some(draft),
            files: Vec::new(),
            replaced: Vec::new(),
        })
    }

    /// What was written, and what of it was there before.
    pub(super) fn finish(mut self) -> (Vec<String>, Vec<String>) {
        if let Some(draft) = self.draft.take() {
            draft.keep();
        }
        (
            std::mem::take(&mut self.files),
            std::mem::take(&mut self.replaced),
        )
    }

    /// Copies a capture with comments, and with the keys in front when there are some.
    pub(super) fn capture(
        &mut self,
        run: &Run,
        from: &Path,
        keys: Option<&PathBuf>,
        comments: &Comments,
        names: &[(IpAddr, String)],
    ) -> Result<()> {
        let mut reader = open(from)?;
        let secrets = keys.map(fs::read).transpose();
        let secrets =
            secrets.map_err(|error| Error::io(Kind::LocalRead, "read the keys", error))?;
        let name = match keys {
            Some(_) => run.with_keys(),
            None => run.capture.clone(),
        };
        let about = about(run.kind, keys.is_some());
        let about = About {
            application: concat!("sealpost ", env!("CARGO_PKG_VERSION")),
            comment: &about,
            interface: "sealpost-tap",
            description: "A relay's byte streams; the IP and TCP headers are reconstructed",
            link: LINK_RAW,
        };
        let failed = failed(&self.dir, &name);
        let file = self.create(&name, PRIVATE)?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        let mut writer = Writer::new(file, &about).map_err(&failed)?;
        writer.names(names).map_err(&failed)?;
        if let Some(secrets) = secrets {
            writer.secrets(&secrets).map_err(&failed)?;
        }
        while let Some(packet) = reader.packet()? {
            let comment = comments.get(&packet.frame).map(String::as_str);
            let written = writer.packet(packet.at_ns, packet.data, comment);
            written.map_err(&failed)?;
        }
        writer.finish().map(drop).map_err(&failed)
    }

    /// Begins a file for the kernel's packets; its name and where to write.
    pub(super) fn kernel(
        &mut self,
        kind: RunKind,
        names: &[(IpAddr, String)],
    ) -> Result<(String, KernelFile)> {
        let name = format!("{}.kernel.pcapng", kind.word());
        let comment = format!(
            "sealpost lab compare, run {}. Captured by the kernel on lo (AF_PACKET), between the client and the relay. \
             TCP checksums look wrong because they are left to a network card that loopback does not have; \
             segments are larger than on a network because loopback carries 64 KiB in one packet.",
            kind.word()
        );
        let about = About {
            application: concat!("sealpost ", env!("CARGO_PKG_VERSION")),
            comment: &comment,
            interface: "lo",
            description: "Linux' loopback, received packets only, so that each is seen once",
            link: LINK_ETHERNET,
        };
        let failed = failed(&self.dir, &name);
        let file = self.create(&name, PRIVATE)?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        let mut writer = Writer::new(file, &about).map_err(&failed)?;
        writer.names(names).map_err(&failed)?;
        Ok((name, writer))
    }

    /// Copies the key log.
    pub(super) fn keys(&mut self, run: &Run, from: &Path) -> Result<()> {
        let keys =
            fs::read(from).map_err(|error| Error::io(Kind::LocalRead, "read the keys", error))?;
        self.write(&format!("{}.keys", run.kind.word()), PRIVATE, &keys)
    }

    /// Writes the reports; those for people in `lang`, or with both languages in them.
    pub(super) fn reports(&mut self, report: &Report, lang: Lang) -> Result<()> {
        let json = serde_json::to_vec_pretty(report).map_err(unwritable)?;
        self.write("report.json", PUBLIC, &json)?;
        self.write("report.html", PUBLIC, html::page(report, lang).as_bytes())?;
        self.write("sealpost.lua", PUBLIC, crate::lab::DISSECTOR.as_bytes())?;
        self.write("README.txt", PUBLIC, readme::text(report, lang).as_bytes())
    }

    /// Writes the zoo alone.
    pub(super) fn zoo(&mut self, finding: &Zoo, lang: Lang) -> Result<()> {
        let json = serde_json::to_vec_pretty(finding).map_err(unwritable)?;
        self.write("certificates.json", PUBLIC, &json)?;
        let page = zoo::page(finding, lang);
        self.write("certificates.html", PUBLIC, page.as_bytes())
    }

    fn write(&mut self, name: &str, mode: u32, bytes: &[u8]) -> Result<()> {
        let failed = failed(&self.dir, name);
        self.create(name, mode)?.write_all(bytes).map_err(failed)
    }

    /// Begins a new file in place of one that may be there. Never through what is there: it could be a
    /// link, or open to others.
    fn create(&mut self, name: &str, mode: u32) -> Result<File> {
        let path = self.dir.join(name);
        let failed = failed(&self.dir, name);
        match fs::remove_file(&path) {
            Ok(()) => self.replaced.push(name.to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(mode).open(path);
        self.files.push(name.to_owned());
        file.map_err(failed)
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        for name in &self.files {
            let _gone_already = fs::remove_file(self.dir.join(name));
        }
    }
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::new(Kind::Other, "the report cannot be written as JSON").source(error)
}

fn failed(dir: &Path, name: &str) -> impl Fn(io::Error) -> Error + use<> {
    let path = dir.join(name).display().to_string();
    move |error| Error::io(Kind::LocalWrite, format_args!("write {path}"), error)
}

fn about(kind: RunKind, with_keys: bool) -> String {
    let keys = match with_keys {
        true => " The keys of this run are embedded: whoever has this file reads everything in it.",
        false => "",
    };
    format!(
        "sealpost lab compare, run {}. Recorded by a relay (tap) between the real client and the real server. \
         Observed: the payload bytes, their order and their times. Reconstructed: the IP and TCP headers, the \
         cuts between segments, the TCP handshake and the acknowledgements.{keys}",
        kind.word()
    )
}
