//! One run: the real server, the tap before it, the real client through the tap.

use std::fs::{self, File};
use std::io::BufWriter;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::BUFFER_BYTES;
use super::beside::{self, Heard, KernelFile};
use super::facts::RunKind;
use super::live::{Listener, Told};
use super::world::{self, World};
use crate::client::{Client, Login, Target, download, upload};
use crate::config::Limits;
use crate::error::{Error, Kind, Result};
use crate::lab::kernel::Kernel;
use crate::lab::packets::Recorder;
use crate::lab::tap::Tap;
use crate::protocol::{Conflict, Sha256};
use crate::server::{Config, Handle, LoginPolicy, Registration, Server, UserFrom};
use crate::store::{Role, Store};
use crate::transport::{
    Allow, ClientAuth, ClientTls, Connector, Mode, Policy, Resumption, Roots, ServerTls, TlsVersion,
};

/// How long anything may take; everything happens on this machine.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Where the client's connections come from.
pub(super) const CLIENT_IP: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// What a run left in the temporary folder.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) capture: PathBuf,
    pub(super) keys: Option<PathBuf>,
    pub(super) digests_agree: bool,
    /// What the kernel saw of it, when it listened.
    pub(super) kernel: Option<Heard>,
}

/// Whether the kernel listens beside the tap.
pub(super) enum Beside {
    /// It does not.
    Nobody,
    /// It does.
    Kernel,
    /// It does, and its packets go into a file.
    KernelInto(Box<KernelFile>),
}

impl Recorded {
    /// Makes room for the next one. The folder goes at the end anyway.
    pub(super) fn forget(&self) {
        let _gone_later = fs::remove_file(&self.capture);
    }
}

/// Where the server and the relay before it listen. All of 127.0.0.0/8 is this machine on Linux: the two
/// ends get an address each, as they have in any real capture.
pub(super) fn server_ip() -> Ipv4Addr {
    let own = Ipv4Addr::new(127, 0, 0, 2);
    let there = cfg!(target_os = "linux") && TcpListener::bind((own, 0)).is_ok();
    if there { own } else { CLIENT_IP }
}

/// Logs in, lists, uploads, lists, downloads and says goodbye, on one connection through the tap.
/// `live` hears what passes.
pub(super) fn run(
    world: &World,
    kind: RunKind,
    beside: Beside,
    live: Option<Listener<'_>>,
) -> Result<Recorded> {
    let data = world.path(&format!("data-{}", kind.word()));
    make_user(&data, world)?;
    let server = Running::start(config(world, kind, &data))?;
    let tap = Tap::bind(
        &format!("{}:0", world.server_ip),
        &server.address.to_string(),
    )?;
    let capture = world.path(&format!("{}.pcapng", kind.word()));
    let written = |error| Error::io(Kind::LocalWrite, "write the capture", error);
    let file = File::create(&capture).map_err(written)?;
    let file = BufWriter::with_capacity(BUFFER_BYTES, file);
    let recorder = Recorder::new(file).map_err(written)?;
    let mut told = Told::new(recorder, kind, live);
    let (address, stop) = (tap.address(), tap.stop());
    let (alive, listened) =
        UnixStream::pair().map_err(|error| Error::io(Kind::Other, "make a socket pair", error))?;
    let keys = (kind != RunKind::Plain).then(|| world.path(&format!("{}.keys", kind.word())));
    let (digests_agree, kernel) = thread::scope(|scope| -> Result<_> {
        let kernel = match beside {
            Beside::Nobody => None,
            Beside::Kernel => Some((Kernel::open(address.port())?, None)),
            Beside::KernelInto(file) => Some((Kernel::open(address.port())?, Some(*file))),
        };
        let kernel = kernel.map(|(kernel, file)| {
            let listen = move || beside::listen(kernel, &listened, file);
            begin("lab-kernel").spawn_scoped(scope, listen)
        });
        let kernel = kernel.transpose().map_err(no_thread)?;
        let relay = move || tap.run(Some(1), &mut told).map(|_| told.finish());
        let relay = begin("lab-tap")
            .spawn_scoped(scope, relay)
            .map_err(no_thread)?;
        let came = target(world, kind, address, keys.clone()).and_then(|target| {
            let came = talk(world, &target);
            came.inspect_err(|_| stop.stop())
        });
        if came.is_err() {
            stop.stop();
        }
        let recorder = relay.join().map_err(panicked)?;
        // Closed when all is said: then the kernel hands over what it still has.
        drop(alive);
        let heard = kernel.map(|kernel| kernel.join().map_err(panicked)?);
        recorder?.finish().map_err(written)?;
        Ok((came?, heard.transpose()?))
    })?;
    server.stop()?;
    let _gone_later = fs::remove_dir_all(&data);
    Ok(Recorded {
        capture,
        keys,
        digests_agree,
        kernel,
    })
}

fn begin(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.into())
}

fn no_thread(error: std::io::Error) -> Error {
    Error::new(Kind::Other, "cannot start a thread of the lab").source(error)
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Error {
    Error::new(Kind::Other, "a thread of the lab panicked")
}

/// What the client does, the same in every run; whether both ends had the file's digest in the end.
fn talk(world: &World, target: &Target) -> Result<bool> {
    let (mut client, _account) = target.log_in()?;
    client.list("")?;
    let quiet = &mut |_progress| {};
    let sent = upload(
        &mut client,
        &world.file,
        &world.sent_as,
        Conflict::Error,
        quiet,
    )?;
    client.list("")?;
    let came = fetch(world, &mut client)?;
    client.quit();
    Ok(sent.file.sha256 == world.sha256 && came == world.sha256)
}

/// Downloads the file; the digest of what came.
pub(super) fn fetch(world: &World, client: &mut Client<Connector>) -> Result<Sha256> {
    let back = world.path("back");
    let quiet = &mut |_progress| {};
    download(client, &world.sent_as, &back, Conflict::Overwrite, quiet)?;
    let read = |error| Error::io(Kind::LocalRead, "read what came back", error);
    let (_, came, _) = world::digest(&back).map_err(read)?;
    let _gone_later = fs::remove_file(&back);
    Ok(came)
}

pub(super) fn target(
    world: &World,
    kind: RunKind,
    address: SocketAddr,
    keylog: Option<PathBuf>,
) -> Result<Target> {
    let tls = ClientTls {
        roots: Roots::File(world.path("certs/ca.crt")),
        certificate: kind.is_mutual().then(|| {
            (
                world.path("certs/client.crt"),
                world.path("certs/client.key"),
            )
        }),
        passphrase: None,
        revocation_lists: vec![world.path("certs/crl.pem")],
        server_name: Some(world.server_name.clone()),
        insecure: false,
        pin: None,
        // Each capture is to show a whole handshake.
        resume: false,
        policy: Policy {
            keylog,
            ..policy(kind)
        },
    };
    Ok(Target {
        host: address.ip().to_string(),
        port: address.port(),
        tls: match kind {
            RunKind::Plain => None,
            _ => Some(tls.load()?),
        },
        connect_timeout: TIMEOUT,
        timeout: TIMEOUT,
        rate: None,
        narrator: None,
        onlooker: None,
        login: Login::Password {
            user: world.user.clone(),
            password: Zeroizing::new(world.password.clone()),
        },
    })
}

pub(super) fn config(world: &World, kind: RunKind, data: &Path) -> Config {
    let tls = ServerTls {
        certificate: world.path("certs/server.crt"),
        key: world.path("certs/server.key"),
        passphrase: None,
        client_auth: if kind.is_mutual() {
            ClientAuth::Required
        } else {
            ClientAuth::None
        },
        client_ca: world.path("certs/ca.crt"),
        allow: Allow::default(),
        revocation_lists: vec![world.path("certs/crl.pem")],
        accept_expired_lists: false,
        resumption: Resumption::Off,
        policy: policy(kind),
    };
    Config {
        listen: (world.server_ip, 0).into(),
        data: data.to_owned(),
        audit_log: None,
        mode: match kind {
            RunKind::Plain => Mode::Plain,
            _ => Mode::Tls,
        },
        tls: (kind != RunKind::Plain).then_some(tls),
        register: Registration::Closed,
        // The password travels in every run: that is what is compared.
        login: LoginPolicy::Password,
        limits: Limits::default(),
        user_from: UserFrom::CommonName,
        watch: false,
    }
}

/// The one version the run is about.
fn policy(kind: RunKind) -> Policy {
    let version = match kind.is_tls12() {
        true => TlsVersion::V1_2,
        false => TlsVersion::V1_3,
    };
    Policy::only(version)
}

pub(super) fn make_user(data: &Path, world: &World) -> Result<()> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(Kind::Other, "cannot make the lab's user").source(error)
    };
    fs::create_dir(data).map_err(|error| failed(error.into()))?;
    let (store, _warnings) = Store::open(data)?;
    let name = world
        .user
        .parse()
        .map_err(|error| failed(format!("{error}").into()).hint("this is a fault of Sealpost"))?;
    let deadline = Instant::now() + TIMEOUT;
    let made = store
        .users()
        .register(name, world.password.as_bytes(), Role::User, deadline);
    made.map(drop)
        .map_err(|error| failed(format!("{error:?}").into()))
}

/// A server on a thread of its own; stopped when dropped.
#[derive(Debug)]
pub(super) struct Running {
    /// Where it listens.
    pub(super) address: SocketAddr,
    handle: Handle,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Running {
    pub(super) fn start(config: Config) -> Result<Self> {
        let server = Server::bind(config)?;
        let (address, handle) = (server.address(), server.handle());
        let thread = thread::Builder::new()
            .name("lab-server".into())
            .spawn(move || server.run())
            .map_err(|error| Error::new(Kind::Other, "cannot start the server").source(error))?;
        Ok(Self {
            address,
            handle,
            thread: Some(thread),
        })
    }

    pub(super) fn stop(mut self) -> Result<()> {
        self.handle.stop();
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(Error::new(Kind::Other, "the lab's server panicked")),
            None => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop_now();
        if let Some(thread) = self.thread.take() {
            let _its_error_comes_second = thread.join();
        }
    }
}
