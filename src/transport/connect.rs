//! The client's side: from a host and a port to a connection whose server is proved.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::failure::{self, Context};
use super::judge::{Judge, Own, Verifier};
use super::tape::{self, Event, Evidence, HeardKeys, Recorder};
use super::{Onlooker, Policy, Side, Socket, Stage, Stream, explain, seen};
use crate::error::{Error, Kind, Result};
use crate::pki::{Passphrase, keys, lists};
use crate::protocol::ALPN;
use crate::text;

/// A connection to a server.
pub type Connector = Stream<ClientConnection>;

/// Whose signature on a server's certificate is believed.
#[derive(Clone, Debug)]
pub enum Roots {
    /// Those in this file, PEM.
    File(PathBuf),
    /// The certification authorities of the public web (webpki-roots).
    Public,
}

/// What a TLS client is made of.
#[derive(Clone, Debug)]
pub struct ClientTls {
    /// Whose signature is believed.
    pub roots: Roots,
    /// The own certificate chain and private key, PEM, when the server is to know us.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// What opens the key.
    pub passphrase: Option<Passphrase>,
    /// The revoked ones, PEM or DER; none means that nothing is checked for revocation.
    pub revocation_lists: Vec<PathBuf>,
    /// The name the server's certificate must have; the host connected to, if not given.
    pub server_name: Option<String>,
    /// Accept any certificate. What would have failed is kept in [`TlsClient::complaint`].
    pub insecure: bool,
    /// The pin (`sha256//BASE64`) of the only public key accepted, besides all other checks.
    pub pin: Option<String>,
    /// Offer to resume an earlier session of this process.
    pub resume: bool,
    /// Versions, cipher suites, groups, key log.
    pub policy: Policy,
}

/// A TLS client ready to connect; made once, shared by all connections, so that later ones can resume.
#[derive(Clone, Debug)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    server_name: Option<String>,
    verifier: Arc<Verifier>,
    /// What words about a failure need.
    context: Arc<Context>,
}

impl ClientTls {
    /// One that believes nobody in particular, to look at a server.
    pub(crate) fn unproved() -> Self {
        Self {
            roots: Roots::Public,
            certificate: None,
            passphrase: None,
            revocation_lists: Vec::new(),
            server_name: None,
            insecure: true,
            pin: None,
            resume: false,
            policy: Policy::default(),
        }
    }

    /// Reads every file and makes the configuration.
    pub fn load(&self) -> Result<TlsClient> {
        let provider = self.policy.provider()?;
        let mut context = Context {
            tls: true,
            policy: self.policy.clone(),
            ..Context::default()
        };
        let (inner, evidence) = self.web_pki(&provider, &mut context)?;
        let verifier = Arc::new(Verifier {
            inner,
            evidence: Arc::new(evidence),
            algorithms: provider.signature_verification_algorithms,
            insecure: self.insecure,
            pin: self.pin.clone(),
            complaint: Mutex::new(None),
        });
        let own = self.own(&provider, &mut context)?;
        let builder = ClientConfig::builder_with_details(provider, Arc::new(self.policy.clock))
            .with_protocol_versions(&self.policy.versions()?)
            .map_err(|error| failure::policy(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as _);
        let mut config = builder.with_client_cert_resolver(Arc::new(Own(own)));
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.key_log = Arc::new(HeardKeys(self.policy.key_log()?));
        if !self.resume {
            config.resumption = Resumption::disabled();
        }
        Ok(TlsClient {
            config: Arc::new(config),
            server_name: self.server_name.clone(),
            verifier,
            context: Arc::new(context),
        })
    }

    /// The own certificate and key, proved to belong together.
    fn own(
        &self,
        provider: &CryptoProvider,
        context: &mut Context,
    ) -> Result<Option<Arc<CertifiedKey>>> {
        let Some((certificate, key)) = &self.certificate else {
            return Ok(None);
        };
        let chain = keys::certificates(certificate, Kind::OwnCertificate)?;
        context.own = chain
            .first()
            .map(|leaf| (certificate.clone(), leaf.clone()));
        let der = keys::private_key(key, self.passphrase.as_ref())?;
        CertifiedKey::from_der(chain, der, provider)
            .map(|own| Some(Arc::new(own)))
            .map_err(|error| failure::own_certificate(&error, certificate, key))
    }

    /// The check of RFC 5280 and RFC 9525; `None` when it is switched off and has no CA to check against.
    /// With what it judges by.
    fn web_pki(
        &self,
        provider: &Arc<CryptoProvider>,
        context: &mut Context,
    ) -> Result<(Judge, Evidence)> {
        let mut roots = RootCertStore::empty();
        let mut evidence = Evidence::default();
        match &self.roots {
            Roots::Public => {
                evidence.is_public = true;
                roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            }
            Roots::File(path) => {
                context.ca_file = Some(path.clone());
                context.anchors = match keys::certificates(path, Kind::CaFile) {
                    Err(_unreadable) if self.insecure => return Ok((None, evidence)),
                    certificates => certificates?,
                };
                evidence.anchors.clone_from(&context.anchors);
                for certificate in &context.anchors {
                    roots
                        .add(certificate.clone())
                        .map_err(|error| failure::ca_unusable(&error, path))?;
                }
            }
        }
        let (mut ders, mut infos) = (Vec::new(), Vec::new());
        for path in &self.revocation_lists {
            for der in keys::revocation_lists(path)? {
                infos.push((path.clone(), lists::revocation_list(&der)?));
                ders.push(der);
            }
        }
        evidence.lists.clone_from(&ders);
        context.lists = Arc::new(infos);
        let mut builder =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        if !ders.is_empty() {
            builder = builder.with_crls(ders).enforce_revocation_expiration();
        }
        let judge = builder
            .build()
            .map_err(|error| failure::lists_unusable(&error))?;
        Ok((Some(judge), evidence))
    }
}

impl TlsClient {
    /// With `insecure`: what was wrong with the certificate of `host` and accepted all the same.
    pub fn complaint(&self, host: &str) -> Option<Error> {
        let complaint = self.verifier.complaint.lock();
        let complaint = complaint.unwrap_or_else(PoisonError::into_inner).take()?;
        let mut context = self.context(host);
        context.shown = complaint.shown;
        Some(explain(
            Side::Client,
            &io::Error::other(complaint.error),
            &context,
        ))
    }

    fn context(&self, host: &str) -> Context {
        let mut context = self.context.at(Stage::Handshake);
        context.host = Some(self.server_name.as_deref().unwrap_or(host).to_owned());
        context
    }
}

/// Connects to `host` and `port`: resolves, tries each address, and shakes hands when `tls` is given. With
/// what is to be known should the connection fail later.
///
/// `timeout` bounds the attempt at each address, and again the handshake. There is no fallback from TLS
/// to plain, whatever the server says.
pub fn connect(
    host: &str,
    port: u16,
    tls: Option<&TlsClient>,
    timeout: Duration,
) -> Result<(Connector, Context)> {
    connect_witnessed(host, port, tls, timeout, Witnesses::default())
}

/// Who else learns what happens on a connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Witnesses<'a> {
    /// Is told all that happens, until its story is asked for.
    pub recorder: Option<&'a Recorder>,
    /// Sees every byte that passes.
    pub onlooker: Option<&'a Arc<dyn Onlooker>>,
}

/// As [`connect`], before witnesses.
pub fn connect_witnessed(
    host: &str,
    port: u16,
    tls: Option<&TlsClient>,
    timeout: Duration,
    witnesses: Witnesses<'_>,
) -> Result<(Connector, Context)> {
    let _listening = witnesses.recorder.map(Recorder::listen);
    let tcp = connect_tcp(host, port, timeout)?;
    // A request is one small write and waits for its reply: Nagle's algorithm would only delay it.
    tcp.set_nodelay(true)
        .map_err(|error| connect_error(host, port, error))?;
    let mut socket = Socket::new(Arc::new(tcp), Instant::now() + timeout);
    if let Some(recorder) = witnesses.recorder {
        socket.record(recorder.clone());
    }
    if let Some(onlooker) = witnesses.onlooker {
        socket.watch(onlooker);
    }
    let mut context = tls.map_or_else(Context::default, |tls| tls.context(host));
    context.local = socket.local_address().map(|address| (address, text::now()));
    let Some(tls) = tls else {
        return Ok((Stream::Plain(socket), context.at(Stage::Hello)));
    };
    let name = tls.server_name.as_deref().unwrap_or(host);
    let name = ServerName::try_from(name.to_owned()).map_err(|error| {
        let text = format!("{name} is neither a host name nor an IP address");
        Error::new(Kind::Usage, text)
            .hint("give the name the server's certificate has with --servername")
            .zh(
                format!("{name} 既不是主机名，也不是 IP 地址"),
                "请用 --servername 给出服务器证书中的名称",
            )
            .source(error)
    })?;
    seen::forget();
    let shaken = ClientConnection::new(Arc::clone(&tls.config), name)
        .map_err(io::Error::other)
        .and_then(|connection| Stream::shake_hands(connection, socket));
    let seen = seen::seen();
    (context.shown, context.asked) = (seen.shown, seen.asked);
    match shaken {
        Ok(wire) => Ok((wire, context.at(Stage::Hello))),
        Err(error) => Err(explain(Side::Client, &error, &context)),
    }
}

fn connect_tcp(host: &str, port: u16, timeout: Duration) -> Result<TcpStream> {
    let resolved: io::Result<Vec<SocketAddr>> =
        (host, port).to_socket_addrs().map(Iterator::collect);
    let addresses = resolved.map_err(|error| {
        Error::new(Kind::Resolve, format!("the host {host} has no address"))
            .hint("check the spelling of --server HOST[:PORT]")
            .zh(
                format!("找不到主机 {host} 的地址"),
                "请检查 --server HOST[:PORT] 的拼写",
            )
            .source(error)
    })?;
    tape::note(|| Event::Resolved(addresses.clone()));
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(tcp) => {
                if let Ok(own) = tcp.local_addr() {
                    tape::note(|| Event::Tcp(address, own));
                }
                return Ok(tcp);
            }
            Err(error) => last = error,
        }
    }
    Err(connect_error(host, port, last))
}

fn connect_error(host: &str, port: u16, error: io::Error) -> Error {
    let refused = ("nothing listens there", "那里没有程序在监听");
    let (kind, (why, why_zh)) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (Kind::Connect, refused),
        io::ErrorKind::TimedOut => (Kind::Timeout, ("no answer in time", "没有及时应答")),
        _ => {
            let plain = crate::error::plain(&error);
            return connect_failed(Kind::Connect, host, port, (&plain, &plain)).source(error);
        }
    };
    connect_failed(kind, host, port, (why, why_zh)).source(error)
}

fn connect_failed(kind: Kind, host: &str, port: u16, (why, why_zh): (&str, &str)) -> Error {
    Error::new(kind, format!("cannot connect to {host}:{port}: {why}"))
        .hint("start the server with `sealpost serve`, or name another one with --server HOST:PORT")
        .zh(
            format!("无法连接 {host}:{port}：{why_zh}"),
            "请用 `sealpost serve` 启动服务器，或用 --server HOST:PORT 指定另一台",
        )
}
