//! What a comparison measured: plain structs, and every figure of `report.json`.

use serde::Serialize;

use super::beside::KernelCapture;
use super::tamper::Tampered;
use super::turns::Turn;
use crate::lab::certificates::Finding as Zoo;
use crate::lab::find::Connection;
use crate::lab::tap::Direction;
use crate::lab::timeline;

/// Bits a byte from which on a file cannot be told from encrypted bytes by its entropy.
pub const ENTROPY_OF_NOISE: f64 = 7.5;

/// Bytes of the shortest file that is looked for: a shorter one turns up anywhere by chance.
pub const FILE_BYTES_MIN: u64 = 8;

/// How a file travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// Plain TCP.
    Plain,
    /// TLS 1.3, the server alone shows a certificate.
    Tls13,
    /// TLS 1.3, both show one.
    Mtls13,
    /// TLS 1.2, the server alone shows a certificate.
    Tls12,
    /// TLS 1.2, both show one.
    Mtls12,
}

impl RunKind {
    /// All of them, plain first: the others are compared with it.
    pub const ALL: [Self; 5] = [
        Self::Plain,
        Self::Tls13,
        Self::Mtls13,
        Self::Tls12,
        Self::Mtls12,
    ];

    /// The postcard and the sealed envelope.
    pub const USUAL: [Self; 2] = [Self::Plain, Self::Mtls13];

    /// Its name, and that of its files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tls13 => "tls13",
            Self::Mtls13 => "mtls13",
            Self::Tls12 => "tls12",
            Self::Mtls12 => "mtls12",
        }
    }

    /// Whether the client shows a certificate too.
    pub fn is_mutual(self) -> bool {
        matches!(self, Self::Mtls13 | Self::Mtls12)
    }

    /// Whether it is TLS 1.2.
    pub fn is_tls12(self) -> bool {
        matches!(self, Self::Tls12 | Self::Mtls12)
    }
}

/// Who captures the packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The tap; and the kernel beside it as a witness, where it can be had.
    #[default]
    Auto,
    /// The tap alone.
    Tap,
    /// The tap and the kernel, each into files of its own.
    Kernel,
}

/// A whole comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of Sealpost that made it.
    pub sealpost: &'static str,
    /// When, UTC.
    pub made: String,
    /// The user who logged in, with a random part.
    pub user: String,
    /// The password that was used, random; it opens nothing any more.
    pub password: String,
    /// The name in the server's certificate, with a random part.
    pub server_name: String,
    /// The file that travelled.
    pub file: FileSent,
    /// The runs, in the order they were made.
    pub runs: Vec<Run>,
    /// Bad certificates and what was said of them, when that was asked for.
    pub zoo: Option<Zoo>,
    /// What the figures must be read with.
    pub caveats: Vec<Caveat>,
    /// Why the kernel did not capture the runs beside the tap; none when it did.
    pub kernel_missing: Option<Text>,
    /// What is claimed, and the command that proves it.
    pub claims: Vec<Claim>,
}

/// The file that travelled.
#[derive(Clone, Debug, Serialize)]
pub struct FileSent {
    /// The name it had on the server.
    pub name: String,
    /// Whether it was made for this.
    pub generated: bool,
    /// Bytes.
    pub bytes: u64,
    /// Blocks of 4 KiB, the last one whole or not.
    pub blocks: u64,
    /// Shannon's entropy in bits a byte.
    pub entropy: f64,
    /// Its digest.
    pub sha256: String,
}

/// One run.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// How the file travelled.
    pub kind: RunKind,
    /// The capture's file name.
    pub capture: String,
    /// Packets in the capture.
    pub packets: u64,
    /// Payload bytes of TCP, both ways.
    pub wire_bytes: u64,
    /// Whether the server and the client had the file's digest in the end.
    pub digests_agree: bool,
    /// Where the file's first bytes stand readable, sent by the client.
    pub file_begins: Option<FileBegins>,
    /// Whether the user's name stands readable in the client's certificate.
    pub user_in_certificate: bool,
    /// The file's size, told from lengths alone; none for plain, which says it.
    pub size: Option<Size>,
    /// How long its parts took.
    pub times: Option<Times>,
    /// What it took more than plain.
    pub overhead: Option<Overhead>,
    /// What was found.
    pub connection: Connection,
    /// Who spoke when: everything one side sent until the other did.
    pub turns: Vec<Turn>,
    /// Turns that are not kept.
    pub turns_more: u64,
    /// The TLS records in order.
    pub records: Vec<Record>,
    /// Records that are not kept.
    pub records_more: u64,
    /// The kernel's capture of the same run, where there was one.
    pub kernel: Option<KernelCapture>,
    /// What came of one altered bit, where that was tried.
    pub tampered: Option<Tampered>,
    /// The handshake, annotated: what a stranger sees beside what the run's keys open; none for plain.
    pub timeline: Option<timeline::Connection>,
}

impl Run {
    /// The file name of the capture with its keys.
    pub fn with_keys(&self) -> String {
        format!("{}.with-keys.pcapng", self.kind.word())
    }

    /// The frame in which a turn first says this, such as `ClientHello`.
    pub fn frame_of(&self, word: &str) -> Option<u64> {
        let mut turns = self.turns.iter();
        let said = turns.find_map(|turn| turn.says.iter().find(|said| said.what == word))?;
        Some(said.frame)
    }

    /// Whether this was found, one of `user`, `password`, `file name`.
    pub fn secret(&self, label: &str) -> Option<&crate::lab::find::SecretFinding> {
        let mut secrets = self.connection.secrets.iter();
        secrets.find(|secret| secret.label == label)
    }
}

/// Where a file's first bytes stand readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FileBegins {
    /// Bytes the client sent before it.
    pub offset: u64,
    /// The frame.
    pub frame: u64,
}

/// One TLS record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Who sent it.
    pub direction: Direction,
    /// Its content type (RFC 8446 §5.1).
    pub kind: u8,
    /// Bytes, without its header.
    pub bytes: u16,
}

/// A file's size, told from the lengths of encrypted records by somebody who knows the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Size {
    /// The frames of the client's largest turn behind the login.
    pub frames: [u64; 2],
    /// Encrypted records in it.
    pub records: u64,
    /// Their lengths in all.
    pub record_bytes: u64,
    /// What encryption adds to each record.
    pub each_bytes: u64,
    /// What the protocol says behind a file: the digest's frame, of fixed length.
    pub frame_bytes: u64,
    /// What is left: the guess.
    pub estimate: u64,
    /// How large the file was.
    pub truth: u64,
}

/// How long the parts of a run took, told from the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Times {
    /// The frame of the login, known by its length where it cannot be read.
    pub login_frame: u64,
    /// Nanoseconds from the first packet to the login: connecting, the handshake, hello.
    pub before_ns: u64,
    /// Nanoseconds from the login to its answer: the server hashes the password, which is slow on purpose.
    pub login_ns: u64,
    /// Nanoseconds from there to the last packet: listing, upload, download.
    pub after_ns: u64,
}

impl Times {
    /// All but the login, in nanoseconds: what can be compared.
    pub fn without_login_ns(&self) -> u64 {
        self.before_ns + self.after_ns
    }
}

/// What a run took more than the plain one; less than none is possible, for times vary.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Overhead {
    /// Payload bytes.
    pub bytes: i64,
    /// The same in percent of plain.
    pub percent: f64,
    /// Nanoseconds, without the login, whose hashing varies.
    pub ns: i64,
}

/// What the figures must be read with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Caveat {
    /// The tap records bytes; headers are reconstructed.
    Reconstructed,
    /// Times are of one run on one machine.
    OneRun,
    /// User, password, CA and certificates were made for this and are gone.
    Throwaway,
    /// The file itself looks like noise: entropy tells nothing.
    FileLooksRandom,
    /// The largest turn was not the file.
    SizeNotExact,
    /// The report and the plain capture repeat bytes of the user's file.
    RepeatsYourFile,
}

/// A sentence in the report's two languages.
pub type Text = crate::lang::Both;

/// Something the report says, and how to check it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// The run it is about.
    pub run: RunKind,
    /// What is claimed.
    pub what: Text,
    /// The frame to look at.
    pub frame: Option<u64>,
    /// The command for a shell in the folder of the result.
    pub command: String,
    /// What it prints.
    pub output: String,
}
