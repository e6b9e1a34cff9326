//! The server: listens, gives each connection a thread, and serves it until one side says goodbye.
//!
//! [`Server::run`] accepts and never does more than that: the TLS handshake, the login and everything
//! after happen on the connection's own thread, under deadlines, so one slow or silent client delays
//! nobody. A panic in one connection ends that connection only.

mod access;
mod connection;
mod listen;
mod login;
mod registry;
mod session;
mod throttle;
mod transfer;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

pub use listen::{Handle, Server};

use crate::config::Limits;
use crate::error::Result;
use crate::pki::inspect::Identity;
use crate::protocol::{LoginMethod, Secure};
use crate::store::Store;
use crate::transport::{Mode, ServerTls};
use registry::Registry;
use throttle::Throttle;

/// What a server is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The folder of users, files and the audit trail.
    pub data: PathBuf,
    /// Where the audit trail goes, if not into `data`.
    pub audit_log: Option<PathBuf>,
    /// What the port speaks.
    pub mode: Mode,
    /// What TLS is made of; needed unless `mode` is plain.
    pub tls: Option<ServerTls>,
    /// Whether strangers may register.
    pub register: Registration,
    /// What a login needs.
    pub login: LoginPolicy,
    /// Every number that bounds something.
    pub limits: Limits,
    /// Which name of a client certificate is the user.
    pub user_from: UserFrom,
    /// Whether a change of a file that [`Handle::reload`] reads is noticed by itself.
    pub watch: bool,
}

/// Which name of a client certificate is the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserFrom {
    /// Its one common name.
    #[default]
    CommonName,
    /// Its first mail address.
    Email,
}

impl UserFrom {
    fn name(self, identity: &Identity) -> Option<&str> {
        match self {
            Self::CommonName => identity.cn.as_deref(),
            Self::Email => identity.emails.first().map(String::as_str),
        }
    }
}

/// Whether strangers may register.
///
/// Accounts and client certificates share their names: where both log in, whoever registers `alice` with a password
/// shares the account with the holder of a certificate of that name. `Certificate` excludes that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Anyone, under any name that is free.
    Open,
    /// Only who shows a client certificate, and only under the name in it.
    Certificate,
    /// Nobody.
    Closed,
}

/// What a login needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoginPolicy {
    /// User and password.
    Password,
    /// The verified client certificate, which names the user.
    Certificate,
    /// User and password, and a client certificate of that very user.
    Both,
    /// User and password, or the client certificate.
    #[default]
    Either,
}

impl LoginPolicy {
    /// What a connection may log in with.
    fn methods(self, identity: Option<&Identity>) -> Vec<LoginMethod> {
        let mut methods = Vec::new();
        if self != Self::Certificate {
            methods.push(LoginMethod::Password);
        }
        if identity.is_some() && matches!(self, Self::Certificate | Self::Either) {
            methods.push(LoginMethod::Certificate);
        }
        methods
    }
}

/// Who is at the other end, as far as the transport proved it. A session knows no more of its connection.
#[derive(Clone, Debug)]
struct Peer {
    /// The connection's id in the audit trail; told to the client.
    id: String,
    /// The address.
    address: SocketAddr,
    /// How the connection is protected.
    secure: Secure,
    /// Who the verified client certificate names.
    identity: Option<Identity>,
}

/// What all connections share.
struct Shared {
    store: Store,
    config: Config,
    throttle: Throttle,
    registry: Arc<Registry>,
}

impl Shared {
    fn open(config: Config) -> Result<(Self, Vec<String>)> {
        let (store, warnings) = match &config.audit_log {
            Some(path) => Store::open_with_audit(&config.data, path)?,
            None => Store::open(&config.data)?,
        };
        if let Some(quota) = config.limits.quota_bytes {
            store.uploads().set_held_bytes_max(quota);
        }
        let shared = Self {
            store,
            throttle: Throttle::default(),
            registry: Arc::default(),
            config,
        };
        Ok((shared, warnings))
    }
}
