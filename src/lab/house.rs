//! A house for an experiment: a temporary folder with a CA, certificates, a user, and real servers in it.
//!
//! Nothing of it is a model: the servers are [`Server`], the clients [`Target`], over sockets on loopback.
//! When it is dropped, the servers have stopped and the folder is gone.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::traces::Folder;
use crate::client::{Login, Target};
use crate::config::Limits;
use crate::error::{Error, Kind, Result};
use crate::lang::Both;
use crate::pki::{Authority, InitOptions, IssueRequest};
use crate::server::{Config, Handle, LoginPolicy, Registration, Server, UserFrom};
use crate::store::{Role, Store};
use crate::text::{escape, hex};
use crate::transport::{
    Allow, ClientAuth, ClientTls, Context, Mode, Policy, Resumption, Roots, ServerTls, Side, Stage,
    TlsClient, explain,
};

/// The user of every house.
pub(super) const USER: &str = "alice";

/// The name the clients know the server by. Not `localhost`: every certificate of the authority is good
/// for that, so it could not be wrong.
pub(super) const SERVER: &str = "files.example";

/// How long anything may take on loopback; only a fault takes longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The folder, and what is made in it.
#[derive(Debug)]
pub(super) struct House {
    dir: Folder,
    /// The CA both sides trust.
    pub(super) ca: Authority,
    /// The user's password, new each time.
    pub(super) password: Zeroizing<String>,
    servers: AtomicU32,
}

/// A certificate and its key.
pub(super) type Pair = (PathBuf, PathBuf);

impl House {
    /// Makes one: the CA, a server's and a client's certificate.
    pub(super) fn new() -> Result<Self> {
        let dir = Folder::make().map_err(|error| cannot("make", error))?;
        let (ca, _) = Authority::init(&dir.path().join("certs"), &InitOptions::default())?;
        ca.issue(&IssueRequest {
            out: Some("server".into()),
            ..IssueRequest::server([SERVER])
        })?;
        ca.issue(&IssueRequest {
            out: Some(USER.into()),
            ..IssueRequest::client(USER)
        })?;
        let mut random = [0; 6];
        aws_lc_rs::rand::fill(&mut random)
            .map_err(|_| Error::new(Kind::Other, "this machine gives no random bytes"))?;
        Ok(Self {
            dir,
            ca,
            password: Zeroizing::new(format!("sesame-{}", hex(&random))),
            servers: AtomicU32::new(0),
        })
    }

    /// A path in it.
    pub(super) fn path(&self, inside: &str) -> PathBuf {
        self.dir.path().join(inside)
    }

    /// A certificate the CA made, by the name of its files.
    pub(super) fn pair(&self, stem: &str) -> Pair {
        pair(self.ca.dir(), stem)
    }

    /// A file with these bytes.
    pub(super) fn file(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.path(name);
        fs::File::create(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, bytes))
            .map_err(|error| cannot("write a file in", error))?;
        Ok(path)
    }

    /// What the server's TLS is made of.
    pub(super) fn server_tls(&self, client_auth: ClientAuth) -> ServerTls {
        let (certificate, key) = self.pair("server");
        ServerTls {
            certificate,
            key,
            passphrase: None,
            client_auth,
            client_ca: self.ca.dir().join("ca.crt"),
            allow: Allow::default(),
            revocation_lists: vec![self.ca.dir().join("crl.pem")],
            accept_expired_lists: false,
            resumption: Resumption::default(),
            policy: Policy::default(),
        }
    }

    /// What a client's TLS is made of: it verifies, and shows the certificate of `user` if one is given.
    pub(super) fn client_tls(&self, user: Option<&str>) -> ClientTls {
        ClientTls {
            roots: Roots::File(self.ca.dir().join("ca.crt")),
            certificate: user.map(|user| self.pair(user)),
            passphrase: None,
            revocation_lists: Vec::new(),
            server_name: Some(SERVER.into()),
            insecure: false,
            pin: None,
            resume: false,
            policy: Policy::default(),
        }
    }

    /// The user, connecting to `address` with the password; without `tls` in plain.
    pub(super) fn target(&self, address: SocketAddr, tls: Option<TlsClient>) -> Target {
        Target {
            host: address.ip().to_string(),
            port: address.port(),
            tls,
            connect_timeout: PATIENCE,
            timeout: PATIENCE,
            rate: None,
            narrator: None,
            onlooker: None,
            login: Login::Password {
                user: USER.into(),
                password: self.password.clone(),
            },
        }
    }

    /// A running server with a data folder of its own and the user in it; without `tls` a plain one.
    pub(super) fn serve(&self, tls: Option<ServerTls>) -> Result<Running> {
        let number = self.servers.fetch_add(1, Ordering::SeqCst);
        let data = self.path(&format!("data-{number}"));
        fs::create_dir(&data).map_err(|error| cannot("make a folder in", error))?;
        let (store, _warnings) = Store::open(&data)?;
        let name = USER
            .parse()
            .map_err(|_| Error::new(Kind::Other, "the lab's user has no name"))?;
        store
            .users()
            .register(
                name,
                self.password.as_bytes(),
                Role::User,
                Instant::now() + PATIENCE,
            )
            .map_err(|error| {
                Error::new(
                    Kind::Other,
                    format!("cannot make the lab's user: {error:?}"),
                )
            })?;
        drop(store);
        Running::start(Config {
            listen: ([127, 0, 0, 1], 0).into(),
            data,
            audit_log: None,
            mode: match tls {
                None => Mode::Plain,
                Some(_) => Mode::Tls,
            },
            tls,
            register: Registration::Closed,
            login: LoginPolicy::Either,
            limits: Limits::default(),
            user_from: UserFrom::default(),
            watch: false,
        })
    }
}

/// The files of a certificate and its key.
pub(super) fn pair(dir: &Path, stem: &str) -> Pair {
    (
        dir.join(format!("{stem}.crt")),
        dir.join(format!("{stem}.key")),
    )
}

/// A TLS failure in words, as `side` sees it.
pub(super) fn words(side: Side, error: &std::io::Error) -> Both {
    let context = Context {
        tls: true,
        host: Some(SERVER.into()),
        // A client is refused after its own handshake is done.
        stage: match side {
            Side::Client => Stage::Hello,
            Side::Server => Stage::Handshake,
        },
        ..Context::default()
    };
    explain(side, error, &context).message_both().map(escape)
}

fn cannot(what: &str, error: std::io::Error) -> Error {
    Error::io(
        Kind::LocalWrite,
        format_args!("{what} the lab's temporary folder"),
        error,
    )
}

/// A server that runs; stopped when dropped.
#[derive(Debug)]
pub(super) struct Running {
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// Its audit trail.
    pub(super) audit: PathBuf,
    /// Makes it reload.
    pub(super) handle: Handle,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Running {
    fn start(config: Config) -> Result<Self> {
        let audit = config.data.join("audit.jsonl");
        let server = Server::bind(config)?;
        let (address, handle) = (server.address(), server.handle());
        let thread = thread::Builder::new()
            .name("lab-server".into())
            .spawn(move || server.run())
            .map_err(|error| Error::io(Kind::Other, "start the lab's server", error))?;
        Ok(Self {
            address,
            audit,
            handle,
            thread: Some(thread),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop_now();
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}
