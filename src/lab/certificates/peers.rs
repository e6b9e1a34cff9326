//! Peers that show any certificate, whatever is wrong with it: no proper program would load these.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::client::ResolvesClientCert;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, ServerConfig, ServerConnection,
    SignatureScheme, StreamOwned, SupportedProtocolVersion,
};

use super::others;
use super::zoo::Animal;
use crate::error::{Error, Kind, Result};
use crate::lab::house::{self, PATIENCE, Pair, SERVER};
use crate::lang::{Both, same};
use crate::pki::keys;
use crate::transport::TlsVersion;

/// What the server answers every request with: enough for curl.
const ANSWER: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n";

/// How often a server looks whether it is to end.
const LOOK: Duration = Duration::from_millis(5);

/// A certificate with a key that may not be its own.
fn certified((certificate, key): &Pair) -> Result<Arc<CertifiedKey>> {
    let chain = keys::certificates(certificate, Kind::OwnCertificate)?;
    let key = keys::private_key(key, None)?;
    let key = aws_lc_rs::sign::any_supported_type(&key).map_err(|error| {
        Error::new(Kind::OwnCertificate, "nobody signs with this key any more").source(error)
    })?;
    Ok(Arc::new(CertifiedKey::new(chain, key)))
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Other, "cannot set up the lab's peer").source(error)
}

/// A TLS server that shows a certificate; ended when dropped.
pub(super) struct Stall {
    pub(super) address: SocketAddr,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Stall {
    /// Serves `shown` on a free port, in one version of TLS or in all.
    pub(super) fn open(shown: &Pair, version: Option<TlsVersion>) -> Result<Self> {
        let resolver: Arc<dyn ResolvesServerCert> =
            Arc::new(SingleCertAndKey::from(certified(shown)?));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions(version))
            .map_err(internal)?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").map_err(internal)?;
        let address = listener.local_addr().map_err(internal)?;
        listener.set_nonblocking(true).map_err(internal)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stopping);
        let serve = move || {
            while !told.load(Ordering::SeqCst) {
                match listener.accept() {
                    // A refusal is the judge's to tell.
                    Ok((tcp, _)) => drop(answer(tcp, &config)),
                    Err(_nobody) => thread::sleep(LOOK),
                }
            }
        };
        let thread = thread::Builder::new()
            .name("lab-stall".into())
            .spawn(serve)
            .map_err(internal)?;
        Ok(Self {
            address,
            stopping,
            thread: Some(thread),
        })
    }
}

impl Drop for Stall {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn answer(tcp: TcpStream, config: &Arc<ServerConfig>) -> io::Result<()> {
    bound(&tcp)?;
    let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(connection, tcp);
    let _request = stream.read(&mut [0; 4096])?;
    stream.write_all(ANSWER)?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn bound(tcp: &TcpStream) -> io::Result<()> {
    tcp.set_nonblocking(false)?;
    tcp.set_nodelay(true)?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    tcp.set_write_timeout(Some(PATIENCE))
}

/// The versions spoken.
fn versions(only: Option<TlsVersion>) -> Vec<&'static SupportedProtocolVersion> {
    let all = rustls::ALL_VERSIONS.iter().copied();
    let wanted = only.map(|only| match only {
        TlsVersion::V1_2 => ProtocolVersion::TLSv1_2,
        TlsVersion::V1_3 => ProtocolVersion::TLSv1_3,
    });
    all.filter(|version| wanted.is_none_or(|wanted| wanted == version.version))
        .collect()
}

/// Shows an animal, or nothing, to the server at `address`, says `words`, and waits for the first byte of an
/// answer: in TLS 1.3 a client hears only then whether its certificate was accepted.
fn present(
    animal: &Animal,
    address: SocketAddr,
    ca: &std::path::Path,
    words: &[u8],
) -> Result<io::Result<()>> {
    let mut roots = RootCertStore::empty();
    for certificate in keys::certificates(ca, Kind::CaFile)? {
        roots.add(certificate).map_err(internal)?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(animal.version))
        .map_err(internal)?
        .with_root_certificates(roots);
    let config = match &animal.shown {
        None => builder.with_no_client_auth(),
        Some(shown) => builder.with_client_cert_resolver(Arc::new(Show(certified(shown)?))),
    };
    let name = ServerName::try_from(SERVER).map_err(internal)?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(internal)?;
    Ok(ask(connection, address, words))
}

fn ask(connection: ClientConnection, address: SocketAddr, words: &[u8]) -> io::Result<()> {
    let tcp = TcpStream::connect_timeout(&address, PATIENCE)?;
    bound(&tcp)?;
    let mut stream = StreamOwned::new(connection, tcp);
    let said = stream.write_all(words).and_then(|()| stream.flush());
    // A write into a connection the server has ended fails too; its alert says why.
    let heard = stream.read(&mut [0; 256]);
    match (heard, said) {
        (Ok(1..), _) => Ok(()),
        (Ok(0), Ok(())) => Err(io::ErrorKind::UnexpectedEof.into()),
        (Ok(0), Err(error)) | (Err(error), _) => Err(error),
    }
}

/// Shows its certificate whatever the server asks for.
#[derive(Debug)]
struct Show(Arc<CertifiedKey>);

impl ResolvesClientCert for Show {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// As [`present`], and by openssl where nobody else signs with the key; what the client heard, in words.
pub(super) fn show(
    animal: &Animal,
    address: SocketAddr,
    ca: &std::path::Path,
    words: &[u8],
) -> Result<(), Both> {
    match (present(animal, address, ca, words), &animal.shown) {
        (Ok(Ok(())), _) => Ok(()),
        (Ok(Err(error)), _) => Err(house::words(crate::transport::Side::Client, &error)),
        (Err(_no_signer), Some(shown)) => {
            others::old_client(shown, address, ca, words).map_err(same)
        }
        (Err(error), None) => Err(error.message_both()),
    }
}
