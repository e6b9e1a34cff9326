//! The same transfer, plain and sealed, recorded and compared.
//!
//! [`compare`] makes a world of its own (`world`: CA, certificates, a user, all with random names, so that
//! nothing found is found by chance), lets the real client log in, list, upload and download through a
//! [`Tap`](super::tap::Tap) to the real server (`run`), and reads the captures as a stranger would
//! (`turns`, [`super::find`]). Where it may, the kernel captures the same runs ([`beside`]), to prove that
//! the tap tells the truth. What it learned becomes `facts`, and `claims` that anybody can check
//! with `tshark`; [`super::report`] renders them. Afterwards only the files in `out` are left.

pub mod beside;
mod claims;
mod comments;
pub mod facts;
mod files;
pub mod live;
mod records;
mod run;
pub mod tamper;
pub mod turns;
mod world;

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::certificates;
use super::find::{Analysis, Finding, TlsFinding};
use super::kernel::Kernel;
use super::pcapng::Reader;
use super::search::FileBlocks;
use super::streams::walk;
use super::timeline::{self, Evidence};
use crate::error::{Error, Kind, Result};
use crate::lang::{Both, Lang, both};
use crate::pki::keys;
use crate::text;
use crate::transport::tls::KeyLog;
use beside::{Digests, KernelCapture};
use facts::{Caveat, FileSent, Overhead, Report, Run, RunKind, Size, Source, Text, Times};
use live::Listener;
use run::Beside;
use turns::Turns;
use world::World;
use zeroize::Zeroizing;

/// Bytes of a file read at once.
const BUFFER_BYTES: usize = 1024 * 1024;

/// What to compare, and where the result goes.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file to carry; a readable text is made when there is none.
    pub file: Option<PathBuf>,
    /// The folder of the result; made when it is not there.
    pub out: PathBuf,
    /// The runs, in this order.
    pub runs: Vec<RunKind>,
    /// Who captures the packets.
    pub source: Source,
    /// Whether to alter one bit of each upload too, in a run of its own.
    pub tamper: bool,
    /// Whether bad certificates are shown and judged as well.
    pub zoo: bool,
    /// The language of what people read; `report.json` is English.
    pub lang: Lang,
}

/// What was made.
#[derive(Debug)]
pub struct Compared {
    /// Every figure.
    pub report: Report,
    /// The files written, by name.
    pub files: Vec<String>,
    /// Those of them that were there before and are replaced.
    pub replaced: Vec<String>,
}

/// Carries the file in each way, looks at what passed, and writes captures and reports. `tell` hears what
/// is being done, `listener` what passes.
pub fn compare(
    options: &Options,
    tell: &mut dyn FnMut(&Both),
    listener: Option<Listener<'_>>,
) -> Result<Compared> {
    let kernel = kernel(options.source)?;
    let mut out = files::Out::open(&options.out)?;
    tell(&both(
        "making a CA, certificates, a user and a password for this comparison alone",
        "专为本次对比生成 CA、证书、用户和密码",
    ));
    let world = World::make(options.file.as_deref())?;
    let mut report = begin(&world, options)?;
    let names = world.names();
    for kind in &options.runs {
        let name = kind.word();
        tell(&both(
            format!("{name}: logging in, listing, uploading and downloading through the tap"),
            format!("{name}：经监听点登录、列目录、上传、下载"),
        ));
        let (beside, file) = match (&kernel, options.source) {
            (Some(_missing), _) => (Beside::Nobody, None),
            (None, Source::Kernel) => {
                let (name, file) = out.kernel(*kind, &names)?;
                (Beside::KernelInto(Box::new(file)), Some(name))
            }
            (None, _) => (Beside::Kernel, None),
        };
        let recorded = run::run(&world, *kind, beside, listener)?;
        let (mut run, digests) = look(&world, *kind, &recorded)?;
        let heard = recorded.kernel.as_ref();
        run.kernel = heard.map(|heard| KernelCapture::of(heard, digests, file));
        run.overhead = overhead(&run, &report.runs);
        run.timeline = timeline(&world, &recorded)?;
        let comments = comments::comments(&run);
        out.capture(&run, &recorded.capture, None, &comments, &names)?;
        if let Some(keys) = &recorded.keys {
            out.keys(&run, keys)?;
            out.capture(&run, &recorded.capture, Some(keys), &comments, &names)?;
        }
        recorded.forget();
        if options.tamper {
            tell(&both(
                format!("{name}: uploading past somebody who alters one bit"),
                format!("{name}：在有人改动一个比特的情况下上传"),
            ));
            run.tampered = Some(tamper::tamper(&world, *kind)?);
        }
        report.runs.push(run);
    }
    if options.zoo {
        tell(&both(
            "showing bad certificates to Sealpost, openssl, curl and Python",
            "向 Sealpost、openssl、curl 和 Python 出示有问题的证书",
        ));
        report.zoo = Some(certificates::run(false)?);
    }
    report.kernel_missing = kernel;
    report.caveats = caveats(&report);
    report.claims = claims::claims(&report);
    out.reports(&report, options.lang)?;
    let (files, replaced) = out.finish();
    Ok(Compared {
        report,
        files,
        replaced,
    })
}

/// Writes `certificates.html` and `certificates.json` into the folder `out`; the files written.
pub fn write_zoo(finding: &certificates::Finding, out: &Path, lang: Lang) -> Result<Vec<String>> {
    let mut out = files::Out::open(out)?;
    out.zoo(finding, lang)?;
    Ok(out.finish().0)
}

/// Why the kernel does not capture beside the tap; none when it can and is to.
fn kernel(source: Source) -> Result<Option<Text>> {
    if source == Source::Tap {
        return Ok(Some(both(
            "it was not asked to (--source tap)",
            "未要求（--source tap）",
        )));
    }
    // No packet ever goes to port 0: this only asks whether it may be done.
    match (Kernel::open(0), source) {
        (Ok(_), _) => Ok(None),
        (Err(error), Source::Kernel) => Err(error),
        (Err(error), _) => Ok(Some(error.message_both())),
    }
}

fn begin(world: &World, options: &Options) -> Result<Report> {
    let blocks = world.blocks()?;
    Ok(Report {
        sealpost: env!("CARGO_PKG_VERSION"),
        made: text::time(text::now()),
        user: world.user.clone(),
        password: world.password.clone(),
        server_name: world.server_name.clone(),
        file: FileSent {
            name: world.sent_as.to_string(),
            generated: options.file.is_none(),
            bytes: blocks.bytes,
            blocks: blocks.count(),
            entropy: blocks.entropy,
            sha256: world.sha256.to_string(),
        },
        runs: Vec::new(),
        zoo: None,
        caveats: Vec::new(),
        kernel_missing: None,
        claims: Vec::new(),
    })
}

/// Reads one capture as a stranger would: nothing of the run is used but the names to look for.
fn look(world: &World, kind: RunKind, recorded: &run::Recorded) -> Result<(Run, Digests)> {
    let (finding, digests) = find(&recorded.capture, world)?;
    let mut connections = finding.connections.into_iter();
    let connection = connections.next().ok_or_else(|| {
        Error::new(Kind::Other, "the capture holds no connection")
            .hint("this is a fault of Sealpost: please report it")
    })?;
    let mut seen = Turns::new(world.patterns(), connection.security);
    walk(&mut open(&recorded.capture)?, &mut seen)?;
    let seen = seen.finish();
    let overhead = connection
        .tls
        .as_ref()
        .map(|tls| tls.visible.overhead_bytes);
    let times = Times::of(
        &seen.turns,
        world.login_bytes(),
        overhead.unwrap_or(0),
        connection.duration_ns,
    );
    let login_frame = times.map_or(0, |times| times.login_frame);
    let size =
        overhead.and_then(|each| Size::estimate(&seen.turns, login_frame, each, world.bytes));
    let run = Run {
        kind,
        capture: format!("{}.pcapng", kind.word()),
        packets: finding.packets,
        wire_bytes: connection.to_server.bytes + connection.to_client.bytes,
        digests_agree: recorded.digests_agree,
        file_begins: seen.file_begins,
        user_in_certificate: names(connection.tls.as_ref(), &world.user),
        size,
        times,
        overhead: None,
        timeline: None,
        turns: seen.turns,
        turns_more: seen.turns_more,
        records: seen.records,
        records_more: seen.records_more,
        kernel: None,
        tampered: None,
        connection,
    };
    Ok((run, digests))
}

/// The handshake, opened with the keys of the run and judged by its CA.
fn timeline(world: &World, recorded: &run::Recorded) -> Result<Option<timeline::Connection>> {
    let Some(path) = &recorded.keys else {
        return Ok(None);
    };
    let read = fs::read(path).map(Zeroizing::new);
    let text = read.map_err(|error| Error::io(Kind::LocalRead, "read the keys", error))?;
    let mut log = KeyLog::default();
    log.read(&text);
    let evidence = Evidence {
        anchors: keys::certificates(&world.path("certs/ca.crt"), Kind::CaFile)?,
        lists: keys::revocation_lists(&world.path("certs/crl.pem"))?,
        only: Some(1),
    };
    let told = timeline::read(&recorded.capture, log, &evidence)?;
    Ok(told.connections.into_iter().next())
}

/// Whether `user` stands in a certificate that the client showed for all to read.
fn names(tls: Option<&TlsFinding>, user: &str) -> bool {
    let shown = tls.map(|tls| tls.visible.client_certificates.as_slice());
    let mut shown = shown.unwrap_or_default().iter();
    shown.any(|subject| subject.contains(user))
}

fn find(path: &Path, world: &World) -> Result<(Finding, Digests)> {
    let analysis = Analysis::new(world.sought(), Some(world.blocks()?));
    let mut witnesses = (analysis, Digests::default());
    let walked = walk(&mut open(path)?, &mut witnesses)?;
    let (analysis, digests) = witnesses;
    Ok((analysis.finish(walked), digests))
}

fn open(path: &Path) -> Result<Reader<BufReader<File>>> {
    let file = File::open(path).map_err(|error| {
        Error::io(
            Kind::LocalRead,
            "read the capture that was just made",
            error,
        )
    })?;
    Reader::new(BufReader::with_capacity(BUFFER_BYTES, file))
}

/// What this run took more than the plain one, when there is one.
fn overhead(run: &Run, before: &[Run]) -> Option<Overhead> {
    let plain = before.iter().find(|run| run.kind == RunKind::Plain)?;
    let signed = |a: u64, b: u64| i64::try_from(i128::from(a) - i128::from(b)).unwrap_or(0);
    Some(Overhead {
        bytes: signed(run.wire_bytes, plain.wire_bytes),
        percent: percent(run.wire_bytes, plain.wire_bytes),
        ns: signed(
            run.times.as_ref().map_or(0, Times::without_login_ns),
            plain.times.as_ref().map_or(0, Times::without_login_ns),
        ),
    })
}

#[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
fn percent(this: u64, plain: u64) -> f64 {
    (this as f64 / plain.max(1) as f64 - 1.0) * 100.0
}

fn caveats(report: &Report) -> Vec<Caveat> {
    let mut caveats = vec![Caveat::Reconstructed, Caveat::OneRun, Caveat::Throwaway];
    if report.file.entropy > facts::ENTROPY_OF_NOISE {
        caveats.push(Caveat::FileLooksRandom);
    }
    let estimates = report.runs.iter().filter_map(|run| run.size.as_ref());
    if estimates
        .into_iter()
        .any(|size| size.estimate != size.truth)
    {
        caveats.push(Caveat::SizeNotExact);
    }
    if !report.file.generated {
        caveats.push(Caveat::RepeatsYourFile);
    }
    caveats
}

/// The file in blocks.
fn blocks(path: &Path) -> Result<FileBlocks> {
    let read = File::open(path)
        .and_then(|file| FileBlocks::read(BufReader::with_capacity(BUFFER_BYTES, file)));
    read.map_err(|error| {
        Error::io(
            Kind::LocalRead,
            format_args!("read {}", path.display()),
            error,
        )
    })
}
