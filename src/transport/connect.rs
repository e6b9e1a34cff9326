//! The client's side: from a host and a port to a connection whose server is proved.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore,
    SignatureScheme,
};

use super::tape::{self, Event, Evidence, HeardChoice, HeardKeys, Recorder};
use super::{Policy, Side, Socket, Stream, explain};
use crate::error::{Error, Kind, Result};
use crate::pki::{Passphrase, inspect, keys};
use crate::protocol::ALPN;

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
}

impl ClientTls {
    /// Reads every file and makes the configuration.
    pub fn load(&self) -> Result<TlsClient> {
        let provider = self.policy.provider()?;
        let (inner, evidence) = self.web_pki(&provider)?;
        let verifier = Arc::new(Verifier {
            inner,
            evidence: Arc::new(evidence),
            algorithms: provider.signature_verification_algorithms,
            insecure: self.insecure,
            pin: self.pin.clone(),
            complaint: Mutex::new(None),
        });
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.policy.versions()?)
            .map_err(|error| {
                Error::new(
                    Kind::Cipher,
                    format!("these TLS versions and cipher suites do not go together: {error}"),
                )
                .hint("widen --tls-min/--tls-max, --ciphers or --curves")
            })?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as _);
        let mut config = match &self.certificate {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(
                    keys::certificates(certificate, Kind::OwnCertificate)?,
                    keys::private_key(key, self.passphrase.as_ref())?,
                )
                .map_err(|error| super::failure::own_certificate(&error, certificate, key))?,
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.key_log = Arc::new(HeardKeys(self.policy.key_log()?));
        let resolver = Arc::clone(&config.client_auth_cert_resolver);
        config.client_auth_cert_resolver = Arc::new(HeardChoice(resolver));
        if !self.resume {
            config.resumption = Resumption::disabled();
        }
        Ok(TlsClient {
            config: Arc::new(config),
            server_name: self.server_name.clone(),
            verifier,
        })
    }

    /// The check of RFC 5280 and RFC 9525; `None` when it is switched off and has no CA to check against.
    /// With what it judges by.
    fn web_pki(&self, provider: &Arc<CryptoProvider>) -> Result<(Judge, Evidence)> {
        let mut roots = RootCertStore::empty();
        let mut evidence = Evidence::default();
        match &self.roots {
            Roots::Public => {
                evidence.is_public = true;
                roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            }
            Roots::File(path) => {
                let certificates = match keys::certificates(path, Kind::CaFile) {
                    Err(_unreadable) if self.insecure => return Ok((None, evidence)),
                    certificates => certificates?,
                };
                evidence.anchors.clone_from(&certificates);
                for certificate in certificates {
                    roots.add(certificate).map_err(|error| {
                        let message = format!("{} holds no usable CA certificate", path.display());
                        Error::new(Kind::CaFile, message)
                            .hint("`sealpost pki lint` says what is wrong with it")
                            .source(error)
                    })?;
                }
            }
        }
        let mut lists = Vec::new();
        for path in &self.revocation_lists {
            lists.extend(keys::revocation_lists(path)?);
        }
        evidence.lists.clone_from(&lists);
        let mut builder =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        if !lists.is_empty() {
            builder = builder.with_crls(lists).enforce_revocation_expiration();
        }
        let judge = builder.build().map(Some).map_err(|error| {
            Error::new(
                Kind::CrlFile,
                "a certificate revocation list cannot be used",
            )
            .hint("make a new one with `sealpost pki crl`")
            .source(error)
        })?;
        Ok((judge, evidence))
    }
}

impl TlsClient {
    /// With `insecure`: what was wrong with the server's certificate and accepted all the same.
    pub fn complaint(&self) -> Option<Error> {
        let complaint = self.verifier.complaint.lock();
        let complaint = complaint.unwrap_or_else(PoisonError::into_inner).take()?;
        Some(explain(Side::Client, &io::Error::other(complaint)))
    }
}

/// Connects to `host` and `port`: resolves, tries each address, and shakes hands when `tls` is given.
///
/// `timeout` bounds the attempt at each address, and again the handshake. There is no fallback from TLS
/// to plain, whatever the server says.
pub fn connect(
    host: &str,
    port: u16,
    tls: Option<&TlsClient>,
    timeout: Duration,
) -> Result<Connector> {
    connect_recorded(host, port, tls, timeout, None)
}

/// As [`connect`], and `recorder` is told all that happens, until its story is asked for.
pub fn connect_recorded(
    host: &str,
    port: u16,
    tls: Option<&TlsClient>,
    timeout: Duration,
    recorder: Option<&Recorder>,
) -> Result<Connector> {
    let _listening = recorder.map(Recorder::listen);
    let tcp = connect_tcp(host, port, timeout)?;
    // A request is one small write and waits for its reply: Nagle's algorithm would only delay it.
    tcp.set_nodelay(true)
        .map_err(|error| connect_error(host, port, error))?;
    let mut socket = Socket::new(Arc::new(tcp), Instant::now() + timeout);
    if let Some(recorder) = recorder {
        socket.record(recorder.clone());
    }
    let Some(tls) = tls else {
        return Ok(Stream::Plain(socket));
    };
    let name = tls.server_name.as_deref().unwrap_or(host);
    let name = ServerName::try_from(name.to_owned()).map_err(|error| {
        Error::new(
            Kind::Usage,
            format!("{name} is neither a host name nor an IP address"),
        )
        .hint("give the name the server's certificate has with --servername")
        .source(error)
    })?;
    let connection = ClientConnection::new(Arc::clone(&tls.config), name)
        .map_err(|error| explain(Side::Client, &io::Error::other(error)))?;
    Stream::shake_hands(connection, socket).map_err(|error| explain(Side::Client, &error))
}

fn connect_tcp(host: &str, port: u16, timeout: Duration) -> Result<TcpStream> {
    let resolved: io::Result<Vec<SocketAddr>> =
        (host, port).to_socket_addrs().map(Iterator::collect);
    let addresses = resolved.map_err(|error| {
        Error::new(Kind::Resolve, format!("the host {host} has no address"))
            .hint("check the spelling of --server HOST[:PORT]")
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
    let (kind, why) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (Kind::Connect, "nothing listens there".to_owned()),
        io::ErrorKind::TimedOut => (Kind::Timeout, "no answer in time".to_owned()),
        _ => (Kind::Connect, crate::error::plain(&error)),
    };
    Error::new(kind, format!("cannot connect to {host}:{port}: {why}"))
        .hint("start the server with `sealpost serve`, or name another one with --server HOST:PORT")
        .source(error)
}

/// What checks a certificate by RFC 5280 and RFC 9525, where there is a CA to check it against.
type Judge = Option<Arc<WebPkiServerVerifier>>;

/// The usual check, and around it the pin and the switch that turns it off.
#[derive(Debug)]
struct Verifier {
    inner: Judge,
    evidence: Arc<Evidence>,
    algorithms: WebPkiSupportedAlgorithms,
    insecure: bool,
    pin: Option<String>,
    complaint: Mutex<Option<rustls::Error>>,
}

type Checked<T = ()> = Result<T, rustls::Error>;

fn heard_signature(checked: Checked<HandshakeSignatureValid>) -> Checked<HandshakeSignatureValid> {
    let good = checked.is_ok();
    tape::note(|| Event::Signature { good });
    checked
}

impl Verifier {
    /// The pin, then the usual check.
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Checked {
        if let Some(pin) = &self.pin {
            let parsed = rustls::server::ParsedCertificate::try_from(leaf)?;
            if inspect::pin(&parsed.subject_public_key_info()) != *pin {
                return Err(super::failure::pin_mismatch());
            }
        }
        self.check(leaf, intermediates, name, now)
    }

    /// What is told of it with `--explain`.
    fn heard(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        verdict: Option<&rustls::Error>,
    ) -> Event {
        let chain = std::iter::once(leaf).chain(intermediates);
        Event::Judged {
            chain: chain.map(|der| der.clone().into_owned()).collect(),
            name: name.to_str().into_owned(),
            evidence: Arc::clone(&self.evidence),
            verdict: verdict.cloned(),
            anyway: self.insecure && !verdict.is_some_and(super::failure::is_pin),
        }
    }

    fn check(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Checked {
        match &self.inner {
            Some(inner) => inner.verify_server_cert(leaf, intermediates, name, &[], now)?,
            None => return Err(CertificateError::UnknownIssuer.into()),
        };
        Ok(())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let judged = self.judge(leaf, intermediates, name, now);
        tape::note(|| self.heard(leaf, intermediates, name, judged.as_ref().err()));
        match judged {
            Err(error) if self.insecure && !super::failure::is_pin(&error) => {
                let complaint = self.complaint.lock();
                *complaint.unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
            result => result?,
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.algorithms;
        heard_signature(rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signed,
            algorithms,
        ))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.algorithms;
        heard_signature(rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signed,
            algorithms,
        ))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
