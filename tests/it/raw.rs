//! A client that says whatever it is told, well formed or not, over plain TCP or TLS.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned,
    SupportedProtocolVersion,
};
use serde_json::{Value, json};

use crate::support::{House, PASSWORD, PATIENCE, TestServer, Via, digest};

/// One connection.
pub(crate) struct Raw {
    wire: Wire,
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Raw {
    /// Connects, and under TLS shakes hands as `user`; says nothing.
    pub(crate) fn connect(server: &TestServer, via: Via, user: &str) -> Self {
        Self::connect_to(server.address, &server.house, via, user).unwrap()
    }

    /// As [`Raw::connect`], to any address; the error is that of the handshake.
    pub(crate) fn connect_to(
        address: SocketAddr,
        house: &House,
        via: Via,
        user: &str,
    ) -> io::Result<Self> {
        let tcp = tcp(address);
        match via {
            Via::Plain => Ok(Self {
                wire: Wire::Plain(tcp),
            }),
            Via::Tls => Self::shake_hands(tcp, config(house, None)),
            Via::Mtls => Self::shake_hands(tcp, config(house, Some(user))),
        }
    }

    /// Shakes hands over `tcp` under `config`.
    pub(crate) fn shake_hands(mut tcp: TcpStream, config: ClientConfig) -> io::Result<Self> {
        let name = ServerName::try_from("localhost").unwrap();
        let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut tcp)?;
        }
        let stream = StreamOwned::new(connection, tcp);
        Ok(Self {
            wire: Wire::Tls(Box::new(stream)),
        })
    }

    /// Connects and says hello.
    pub(crate) fn greeted(server: &TestServer, via: Via, user: &str) -> Self {
        let mut raw = Self::connect(server, via, user);
        let hello = raw.hello();
        assert_eq!(hello["secure"], via.word(), "{hello}");
        raw
    }

    /// Connects, says hello and logs in by password.
    pub(crate) fn logged_in(server: &TestServer, via: Via, user: &str) -> Self {
        let mut raw = Self::greeted(server, via, user);
        assert_eq!(raw.login(user)["user"], user);
        raw
    }

    /// A plain connection logged in as alice; for tests that need hundreds.
    pub(crate) fn logged_in_cheaply(server: &TestServer) -> Self {
        Self::logged_in(server, Via::Plain, "alice")
    }

    /// Logs in by password; the reply.
    pub(crate) fn login(&mut self, user: &str) -> Value {
        self.ask(&json!({"op": "login", "user": user, "password": PASSWORD}))
    }

    /// Says hello; the reply.
    pub(crate) fn hello(&mut self) -> Value {
        let hello = json!({"op": "hello", "version": 1, "agent": "test/1"});
        let reply = self.ask(&hello);
        assert_eq!(reply["ok"], true, "{reply}");
        reply
    }

    /// One request, one reply.
    #[track_caller]
    pub(crate) fn ask(&mut self, request: &Value) -> Value {
        self.say(request);
        self.hear().expect("a reply")
    }

    /// Asks, and must be refused with `code`.
    #[track_caller]
    pub(crate) fn refused(&mut self, request: &Value, code: &str) -> Value {
        let reply = self.ask(request);
        assert_eq!(reply["code"], code, "{request} got {reply}");
        assert_eq!(reply["ok"], false, "{request} got {reply}");
        reply
    }

    /// Sends a frame; the peer may have hung up.
    pub(crate) fn say(&mut self, message: &Value) {
        self.send(&frame(message.to_string().as_bytes()));
    }

    /// Sends bytes as they are; the peer may have hung up.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _gone = self.try_send(bytes);
    }

    /// Sends bytes as they are.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)?;
        self.flush()
    }

    /// The next frame; `None` when the peer hung up instead.
    pub(crate) fn hear(&mut self) -> Option<Value> {
        self.hear_bytes()
            .map(|text| serde_json::from_slice(&text).unwrap())
    }

    /// The text of the next frame.
    pub(crate) fn hear_bytes(&mut self) -> Option<Vec<u8>> {
        let mut head = [0; 4];
        match self.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if hung_up(&error) => return None,
            Err(error) => panic!("no frame and no end: {error}"),
        }
        let length = u32::from_be_bytes(head);
        assert!((1..=65_536).contains(&length), "a frame of {length} bytes");
        let mut text = vec![0; length as usize];
        self.read_exact(&mut text).unwrap();
        Some(text)
    }

    /// Whether something, or the end, is there to be read.
    pub(crate) fn is_answered(&self) -> bool {
        self.tcp().set_nonblocking(true).unwrap();
        let peeked = self.tcp().peek(&mut [0]);
        self.tcp().set_nonblocking(false).unwrap();
        !matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// The peer must hang up without another word.
    #[track_caller]
    pub(crate) fn ends(&mut self) {
        let mut more = [0; 1];
        match self.read(&mut more) {
            Ok(0) => {}
            Ok(_) => panic!("more came instead of the end"),
            Err(error) => assert!(hung_up(&error), "no end: {error}"),
        }
    }

    /// Uploads; the last reply.
    pub(crate) fn put(&mut self, name: &str, body: &[u8], conflict: &str) -> Value {
        let go = self.ask(&put(name, body.len(), conflict));
        if go["ok"] != true {
            return go;
        }
        assert_eq!(go["offset"], 0, "{go}");
        self.send(body);
        self.ask(&json!({"sha256": digest(body)}))
    }

    /// Uploads; `None` when the connection ended before the last reply.
    pub(crate) fn try_put(&mut self, name: &str, body: &[u8], conflict: &str) -> Option<Value> {
        self.say(&put(name, body.len(), conflict));
        let go = self.hear()?;
        assert_eq!(go["ok"], true, "{go}");
        self.send(body);
        self.say(&json!({"sha256": digest(body)}));
        let done = self.hear()?;
        assert_eq!(done["ok"], true, "{done}");
        Some(done)
    }

    /// Downloads; the reply and the bytes.
    pub(crate) fn get(&mut self, name: &str, offset: u64) -> (Value, Vec<u8>) {
        let reply = self.ask(&json!({"op": "get", "name": name, "offset": offset}));
        let size = reply["file"]["size"].as_u64();
        let length = size.map_or(0, |size| size - offset);
        let mut body = vec![0; usize::try_from(length).unwrap()];
        self.read_exact(&mut body).unwrap();
        (reply, body)
    }

    /// What kind of handshake it was; `None` when plain.
    pub(crate) fn handshake(&self) -> Option<HandshakeKind> {
        match &self.wire {
            Wire::Plain(_) => None,
            Wire::Tls(stream) => stream.conn.handshake_kind(),
        }
    }

    /// The socket under everything.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match &self.wire {
            Wire::Plain(tcp) => tcp,
            Wire::Tls(stream) => &stream.sock,
        }
    }

    /// Ends the own direction; under TLS `politely` says `close_notify` first.
    pub(crate) fn hang_up(&mut self, politely: bool) {
        if let (Wire::Tls(stream), true) = (&mut self.wire, politely) {
            stream.conn.send_close_notify();
            let _gone = stream.flush();
        }
        let _gone = self.tcp().shutdown(Shutdown::Write);
    }

    /// Ends the connection by a reset.
    pub(crate) fn reset(self) {
        let tcp = self.tcp().try_clone().unwrap();
        reset(&tcp);
        drop(self);
    }
}

impl Read for Raw {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.wire {
            Wire::Plain(tcp) => tcp.read(buf),
            Wire::Tls(stream) => stream.read(buf),
        }
    }
}

impl Write for Raw {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.wire {
            Wire::Plain(tcp) => tcp.write(buf),
            Wire::Tls(stream) => stream.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.wire {
            Wire::Plain(tcp) => tcp.flush(),
            Wire::Tls(stream) => stream.flush(),
        }
    }
}

/// A connection of its own, with a bound on every wait.
pub(crate) fn tcp(address: SocketAddr) -> TcpStream {
    let tcp = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    tcp.set_nodelay(true).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    tcp.set_write_timeout(Some(PATIENCE)).unwrap();
    tcp
}

/// Makes the next close of this socket a reset.
pub(crate) fn reset(tcp: &TcpStream) {
    let socket = socket2::SockRef::from(tcp);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
}

/// A request to upload.
pub(crate) fn put(name: &str, size: usize, conflict: &str) -> Value {
    json!({"op": "put", "name": name, "size": size, "conflict": conflict})
}

/// Bytes as a frame.
pub(crate) fn frame(text: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    frame.extend(text);
    frame
}

/// A TLS client that believes the house's CA and shows `user`'s certificate.
pub(crate) fn config(house: &House, user: Option<&str>) -> ClientConfig {
    config_of(&house.path("certs"), user)
}

/// A TLS client that believes the CA in `certs` and shows the certificate of `user` from there.
pub(crate) fn config_of(certs: &Path, user: Option<&str>) -> ClientConfig {
    config_with(certs, user, rustls::DEFAULT_VERSIONS)
}

/// The same for these versions of TLS.
pub(crate) fn config_with(
    certs: &Path,
    user: Option<&str>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let chain = |path: &Path| -> Vec<CertificateDer<'static>> {
        let found = CertificateDer::pem_file_iter(path).unwrap();
        found.map(Result::unwrap).collect()
    };
    let mut roots = RootCertStore::empty();
    for certificate in chain(&certs.join("ca.crt")) {
        roots.add(certificate).unwrap();
    }
    let builder =
        ClientConfig::builder_with_protocol_versions(versions).with_root_certificates(roots);
    let mut config = match user {
        None => builder.with_no_client_auth(),
        Some(user) => {
            let key = PrivateKeyDer::from_pem_file(certs.join(format!("{user}.key"))).unwrap();
            let chain = chain(&certs.join(format!("{user}.crt")));
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = vec![b"sealpost/1".to_vec()];
    config
}

/// Whether the peer hung up, in whatever way.
pub(crate) fn hung_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}
