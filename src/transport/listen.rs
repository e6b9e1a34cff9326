//! The server's side: which connections are accepted as what.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, ServerConnection};

use super::{Policy, Resumption, Socket, Stream};
use crate::error::{Error, Kind, Result};
use crate::pki::{Passphrase, keys};
use crate::protocol::{ALPN, FIRST_BYTE_PLAIN, FIRST_BYTE_TLS};

/// Sessions a server remembers for resumption; each is about 1 KiB.
const CACHED_SESSIONS: usize = 4_096;

/// What a port speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Plain TCP only.
    Plain,
    /// TLS only.
    Tls,
    /// Both, told apart by the first byte.
    Both,
}

/// Whether a client must show a certificate: Python's `CERT_REQUIRED`, `CERT_OPTIONAL`, `CERT_NONE`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// It must, and a good one.
    #[default]
    Required,
    /// It may; a bad one is still refused.
    Optional,
    /// It is not asked.
    None,
}

/// What a TLS server is made of.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// The own certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// What opens the key.
    pub passphrase: Option<Passphrase>,
    /// Whether clients must show a certificate.
    pub client_auth: ClientAuth,
    /// Who signs the clients' certificates, PEM.
    pub client_ca: PathBuf,
    /// The revoked ones, PEM or DER; none means that nothing is checked for revocation.
    pub revocation_lists: Vec<PathBuf>,
    /// Whether a list past its `nextUpdate` still counts, with a warning.
    pub accept_expired_lists: bool,
    /// What is remembered for resumption.
    pub resumption: Resumption,
    /// Versions, cipher suites, groups, key log.
    pub policy: Policy,
}

impl ServerTls {
    /// Reads every file and makes the configuration. Always a new one, with fresh storage and tickets:
    /// resuming skips the revocation lists, so a session must never outlive the lists it was made under.
    pub fn load(&self) -> Result<Arc<ServerConfig>> {
        let provider = self.policy.provider()?;
        let chain = keys::certificates(&self.certificate, Kind::OwnCertificate)?;
        let key = keys::private_key(&self.key, self.passphrase.as_ref())?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.policy.versions()?)
            .map_err(|error| policy_error(&error))?;
        let builder = match self.client_auth {
            ClientAuth::None => builder.with_no_client_auth(),
            ClientAuth::Required | ClientAuth::Optional => {
                builder.with_client_cert_verifier(self.verifier(provider)?)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| {
            super::failure::own_certificate(&error, &self.certificate, &self.key)
        })?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.key_log = self.policy.key_log()?;
        // A client's own order of preference serves phones without AES in hardware best.
        config.ignore_client_order = !self.policy.ciphers.is_empty();
        match self.resumption {
            Resumption::Cache => {
                config.session_storage = ServerSessionMemoryCache::new(CACHED_SESSIONS);
            }
            Resumption::Tickets => {
                config.session_storage = Arc::new(NoServerSessionStorage {});
                config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()
                    .map_err(|error| policy_error(&error))?;
            }
            Resumption::Off => {
                config.session_storage = Arc::new(NoServerSessionStorage {});
                config.send_tls13_tickets = 0;
            }
        }
        Ok(Arc::new(config))
    }

    fn verifier(
        &self,
        provider: Arc<rustls::crypto::CryptoProvider>,
    ) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>> {
        let mut roots = RootCertStore::empty();
        for certificate in keys::certificates(&self.client_ca, Kind::CaFile)? {
            roots.add(certificate).map_err(|error| {
                let message = format!(
                    "{} holds no usable CA certificate",
                    self.client_ca.display()
                );
                Error::new(Kind::CaFile, message)
                    .hint("`sealpost pki lint` says what is wrong with it")
                    .source(error)
            })?;
        }
        let mut lists = Vec::new();
        for path in &self.revocation_lists {
            lists.extend(keys::revocation_lists(path)?);
        }
        let checks_revocation = !lists.is_empty();
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        if checks_revocation {
            builder = builder.with_crls(lists);
            if !self.accept_expired_lists {
                builder = builder.enforce_revocation_expiration();
            }
        }
        if self.client_auth == ClientAuth::Optional {
            builder = builder.allow_unauthenticated();
        }
        builder.build().map_err(|error| {
            Error::new(
                Kind::CrlFile,
                "a certificate revocation list cannot be used",
            )
            .hint("make a new one with `sealpost pki crl`")
            .source(error)
        })
    }
}

fn policy_error(error: &rustls::Error) -> Error {
    Error::new(
        Kind::Cipher,
        format!("these TLS versions and cipher suites do not go together: {error}"),
    )
    .hint("widen --tls-min/--tls-max, --ciphers or --curves")
}

/// Takes connections in: plain, TLS or both.
#[derive(Debug)]
pub struct Acceptor {
    mode: Mode,
    config: Option<RwLock<Arc<ServerConfig>>>,
}

/// A connection taken in.
pub type Accepted = Stream<ServerConnection>;

/// Why a connection was not taken in.
#[derive(Debug)]
pub enum Rejected {
    /// The peer hung up before it said anything.
    Silent,
    /// The first byte is of neither protocol, or of the one this port does not speak. The socket is given
    /// back, so that the peer can be told in a plain frame, the only language it may understand.
    Language(Box<Socket>, &'static str),
    /// The handshake, or the socket, failed; the peer has been told by an alert.
    Handshake(io::Error),
}

impl Acceptor {
    /// A door that speaks `mode`; `config` is needed unless that is plain.
    pub fn new(mode: Mode, config: Option<Arc<ServerConfig>>) -> Self {
        Self {
            mode,
            config: config.map(RwLock::new),
        }
    }

    /// What it speaks.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// From now on new connections are taken in under `config`.
    pub fn replace(&self, config: Arc<ServerConfig>) {
        if let Some(current) = &self.config {
            *current.write().unwrap_or_else(PoisonError::into_inner) = config;
        }
    }

    /// Takes in the connection of `socket`, by its deadline.
    pub fn accept(&self, mut socket: Socket) -> Result<Accepted, Rejected> {
        let first = match socket.peek() {
            Ok(Some(first)) => first,
            Ok(None) => return Err(Rejected::Silent),
            Err(error) => return Err(Rejected::Handshake(error)),
        };
        match (first, self.mode, &self.config) {
            (FIRST_BYTE_PLAIN, Mode::Plain | Mode::Both, _) => Ok(Stream::Plain(socket)),
            (FIRST_BYTE_TLS, Mode::Tls | Mode::Both, Some(config)) => {
                let config = config
                    .read()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone();
                let connection = ServerConnection::new(config)
                    .map_err(|error| Rejected::Handshake(io::Error::other(error)))?;
                Stream::shake_hands(connection, socket).map_err(Rejected::Handshake)
            }
            (FIRST_BYTE_PLAIN, ..) => Err(Rejected::Language(
                Box::new(socket),
                "this server speaks TLS only: connect without --plain",
            )),
            (FIRST_BYTE_TLS, ..) => Err(Rejected::Language(
                Box::new(socket),
                "this server speaks plain TCP only: connect with --plain",
            )),
            _ => Err(Rejected::Language(
                Box::new(socket),
                "this is a Sealpost server",
            )),
        }
    }
}
