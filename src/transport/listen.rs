//! The server's side: which connections are accepted as what.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider as _;
use rustls::{RootCertStore, ServerConfig, ServerConnection};

use super::clients::{self, Allow, ClientVerifier};
use super::failure::{self, Context};
use super::{Policy, Resumption, Side, Socket, Stage, Stream, explain, seen};
use crate::error::{Error, Kind, Result};
use crate::pki::lists::{self, RevocationListInfo};
use crate::pki::{Passphrase, inspect, keys};
use crate::protocol::{ALPN, FIRST_BYTE_PLAIN, FIRST_BYTE_TLS};
use crate::text;

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
    /// Which of the valid ones are let in.
    pub allow: Allow,
    /// The revoked ones, PEM or DER; none means that nothing is checked for revocation.
    pub revocation_lists: Vec<PathBuf>,
    /// Whether a list past its `nextUpdate` still counts, with a warning.
    pub accept_expired_lists: bool,
    /// What is remembered for resumption.
    pub resumption: Resumption,
    /// Versions, cipher suites, groups, key log.
    pub policy: Policy,
}

/// What the files of a [`ServerTls`] hold, ready to serve.
#[derive(Clone, Debug)]
pub struct Loaded {
    config: Arc<ServerConfig>,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    /// What words about a failure need.
    context: Arc<Context>,
    /// What the operator should know, though it does not keep the server from serving.
    pub warnings: Vec<String>,
}

impl ServerTls {
    /// Reads every file and makes the configuration. Always a new one, with fresh storage and tickets:
    /// resuming skips the revocation lists, so a session must never outlive the lists it was made under.
    pub fn load(&self) -> Result<Loaded> {
        let provider = self.policy.provider()?;
        let chain = keys::certificates(&self.certificate, Kind::OwnCertificate)?;
        let key = keys::private_key(&self.key, self.passphrase.as_ref())?;
        let builder =
            ServerConfig::builder_with_details(Arc::clone(&provider), Arc::new(self.policy.clock))
                .with_protocol_versions(&self.policy.versions()?)
                .map_err(|error| failure::policy(&error))?;
        let mut context = Context {
            tls: true,
            ca_file: Some(self.client_ca.clone()),
            own: chain
                .first()
                .map(|leaf| (self.certificate.clone(), leaf.clone())),
            policy: self.policy.clone(),
            ..Context::default()
        };
        let mut warnings: Vec<String> = self.out_of_time(&chain)?.into_iter().collect();
        let verifier = match self.client_auth {
            ClientAuth::None => None,
            ClientAuth::Required | ClientAuth::Optional => {
                context.anchors = keys::certificates(&self.client_ca, Kind::CaFile)?;
                let checked = self.revocation(&context.anchors, &mut warnings)?;
                let (ders, infos): (Vec<_>, Vec<_>) = checked.into_iter().unzip();
                context.lists = Arc::new(infos);
                Some(self.verifier(provider, &context.anchors, ders)?)
            }
        };
        let builder = match &verifier {
            None => builder.with_no_client_auth(),
            Some(verifier) => builder.with_client_cert_verifier(Arc::clone(verifier)),
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|error| failure::own_certificate(&error, &self.certificate, &self.key))?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.key_log = self.policy.key_log()?;
        // A client's own order of preference serves phones without AES in hardware best.
        config.ignore_client_order = !self.policy.ciphers.is_empty();
        self.set_resumption(&mut config)?;
        Ok(Loaded {
            config: Arc::new(config),
            verifier,
            context: Arc::new(context),
            warnings,
        })
    }

    fn set_resumption(&self, config: &mut ServerConfig) -> Result<()> {
        match self.resumption {
            Resumption::Cache => {
                config.session_storage = ServerSessionMemoryCache::new(CACHED_SESSIONS);
            }
            Resumption::Tickets => {
                config.session_storage = Arc::new(NoServerSessionStorage {});
                config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()
                    .map_err(|error| failure::policy(&error))?;
            }
            Resumption::Off => {
                config.session_storage = Arc::new(NoServerSessionStorage {});
                config.send_tls13_tickets = 0;
            }
        }
        Ok(())
    }

    /// A warning when every client will refuse the own certificate for its dates.
    fn out_of_time(&self, chain: &[CertificateDer<'_>]) -> Result<Option<String>> {
        let Some(leaf) = chain.first() else {
            return Ok(None);
        };
        let info = inspect::certificate(leaf)?;
        let now = self.policy.clock.now();
        let (file, refused) = (self.certificate.display(), "every client refuses it");
        Ok(if info.not_after < now {
            let since = text::time(info.not_after);
            Some(format!(
                "the certificate {file} expired at {since}: {refused}; `sealpost pki renew {file}` makes a new one"
            ))
        } else if info.not_before > now {
            let from = text::time(info.not_before);
            Some(format!(
                "the certificate {file} is not valid before {from}: {refused} until then; check the clock of this machine"
            ))
        } else {
            None
        })
    }

    /// The revocation lists, each proved to be of one of the CAs. A list of another CA would be worse than
    /// none: it looks like a check, and checks nothing.
    fn revocation(
        &self,
        authorities: &[CertificateDer<'static>],
        warnings: &mut Vec<String>,
    ) -> Result<Vec<CheckedList>> {
        let mut checked = Vec::new();
        for path in &self.revocation_lists {
            for der in keys::revocation_lists(path)? {
                let info = lists::revocation_list(&der)?;
                let mut signers = authorities.iter();
                if !signers.any(|ca| lists::is_signed_by(&der, ca).unwrap_or(false)) {
                    return Err(failure::foreign_list(path, &info.issuer, &self.client_ca));
                }
                if let Some(next) = info
                    .next_update
                    .filter(|next| *next < self.policy.clock.now())
                {
                    warnings.push(format!(
                        "the revocation list in {} is out of date since {}, so {}: `sealpost pki crl` writes a new one",
                        path.display(),
                        text::time(next),
                        match self.accept_expired_lists {
                            true => "certificates revoked since are let in",
                            false => "every client certificate is refused",
                        }
                    ));
                }
                checked.push((der, (path.clone(), info)));
            }
        }
        if self.revocation_lists.is_empty() {
            warnings.push(
                "no revocation list: revoked client certificates are let in; give one with --crlfile".to_owned(),
            );
        }
        Ok(checked)
    }

    fn verifier(
        &self,
        provider: Arc<CryptoProvider>,
        authorities: &[CertificateDer<'static>],
        lists: Vec<CertificateRevocationListDer<'static>>,
    ) -> Result<Arc<dyn ClientCertVerifier>> {
        let mut roots = RootCertStore::empty();
        for certificate in authorities {
            roots
                .add(certificate.clone())
                .map_err(|error| failure::ca_unusable(&error, &self.client_ca))?;
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
        let inner = builder
            .build()
            .map_err(|error| failure::lists_unusable(&error))?;
        Ok(Arc::new(ClientVerifier {
            inner,
            allow: self.allow.clone(),
        }))
    }
}

type CheckedList = (
    CertificateRevocationListDer<'static>,
    (PathBuf, RevocationListInfo),
);

/// Takes connections in: plain, TLS or both.
#[derive(Debug)]
pub struct Acceptor {
    mode: Mode,
    current: Option<RwLock<Loaded>>,
    /// Counts replacements, so that a connection can tell whether its own configuration is still the one.
    generation: AtomicU64,
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
    /// The handshake, or the socket, failed; the peer has been told by an alert. With the certificates the
    /// client showed, leaf first.
    Handshake(io::Error, Vec<CertificateDer<'static>>),
}

impl Acceptor {
    /// A door that speaks `mode`; `loaded` is needed unless that is plain.
    pub fn new(mode: Mode, loaded: Option<Loaded>) -> Self {
        Self {
            mode,
            current: loaded.map(RwLock::new),
            generation: AtomicU64::new(0),
        }
    }

    /// What it speaks.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// How often it was replaced.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// From now on connections are taken in under `loaded`. Refused when one of its revocation lists is
    /// older than the one in use: somebody who can put back an old file must not undo a revocation.
    pub fn replace(&self, loaded: Loaded) -> Result<()> {
        let Some(current) = &self.current else {
            return Ok(());
        };
        let mut current = current.write().unwrap_or_else(PoisonError::into_inner);
        for (_, old) in current.context.lists.iter() {
            let mut new = loaded.context.lists.iter().map(|(_, new)| new);
            let Some(new) = new.find(|new| new.issuer == old.issuer) else {
                let text = format!("there is no revocation list of {} any more", old.issuer);
                return Err(Error::new(Kind::CrlFile, text)
                    .hint("put it back: `sealpost pki crl` writes it; or start the server anew"));
            };
            if number(new) < number(old) {
                let text = format!(
                    "the revocation list of {} is older than the one in use",
                    old.issuer
                );
                return Err(Error::new(Kind::CrlFile, text)
                    .hint("write a new one with `sealpost pki crl`; its number has to grow (RFC 5280 §5.2.3)"));
            }
        }
        *current = loaded;
        self.generation.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// Whether a client that was let in with `chain` would be let in now; else why not.
    pub fn recheck(&self, chain: &[CertificateDer<'static>]) -> Result<()> {
        let Some(current) = &self.current else {
            return Ok(());
        };
        let current = current.read().unwrap_or_else(PoisonError::into_inner);
        let verifier = current.verifier.clone();
        let now = current.context.policy.clock.current_time();
        drop(current);
        let (Some(verifier), Some((leaf, intermediates))) = (verifier, chain.split_first()) else {
            return Ok(());
        };
        let checked =
            verifier.verify_client_cert(leaf, intermediates, now.unwrap_or_else(UnixTime::now));
        checked
            .map(|_verified| ())
            .map_err(|error| self.explain(&clients::with_reason(io::Error::other(error)), chain))
    }

    /// What `error` means, of a client that showed `shown`.
    pub fn explain(&self, error: &io::Error, shown: &[CertificateDer<'static>]) -> Error {
        let current = self.current.as_ref();
        let context = current.map(|current| {
            let current = current.read().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(&current.context)
        });
        let mut context =
            context.map_or_else(Context::default, |context| context.at(Stage::Handshake));
        context.shown = shown.to_vec();
        explain(Side::Server, error, &context)
    }

    /// Takes in the connection of `socket`, by its deadline.
    pub fn accept(&self, mut socket: Socket) -> Result<Accepted, Rejected> {
        let first = match socket.peek() {
            Ok(Some(first)) => first,
            Ok(None) => return Err(Rejected::Silent),
            Err(error) => return Err(Rejected::Handshake(error, Vec::new())),
        };
        match (first, self.mode, &self.current) {
            (FIRST_BYTE_PLAIN, Mode::Plain | Mode::Both, _) => Ok(Stream::Plain(socket)),
            (FIRST_BYTE_TLS, Mode::Tls | Mode::Both, Some(current)) => {
                let current = current.read().unwrap_or_else(PoisonError::into_inner);
                let config = Arc::clone(&current.config);
                drop(current);
                seen::forget();
                ServerConnection::new(config)
                    .map_err(io::Error::other)
                    .and_then(|connection| Stream::shake_hands(connection, socket))
                    .map_err(|error| {
                        Rejected::Handshake(clients::with_reason(error), seen::seen().shown)
                    })
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

/// The number of a list; one without a number is older than any.
fn number(list: &RevocationListInfo) -> Option<(usize, &str)> {
    // Decimal digits without leading zeros: the longer is the larger.
    list.number.as_deref().map(|digits| (digits.len(), digits))
}
