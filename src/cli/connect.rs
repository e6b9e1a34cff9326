//! The options of every command that talks to a server, and what they mean.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::output::Output;
use super::secret::Secret;
use super::show_as::{Shown, ShownTls};
use super::tls::TlsOptions;
use crate::client::{Client, Login, Narrator, Target, host_and_port, is_this_machine};
use crate::config::DEFAULT_ADDRESS;
use crate::doctor::Patient;
use crate::error::{Error, Kind, Result};
use crate::pki::{Passphrase, inspect, keys};
use crate::protocol::{Account, LoginMethod, Secure};
use crate::text::{escape, parse_size, parse_time_limit};
use crate::transport::{ClientTls, Connector, Roots};

/// Where the own certificates are looked for.
const CERTS: &str = "certs";

/// The server, the login and the protection.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConnectOptions {
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    security: SecurityOptions,
    #[command(flatten)]
    tls: TlsOptions,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Server and login")]
struct ServerOptions {
    /// The server
    #[arg(long, value_name = "HOST[:PORT]", default_value = DEFAULT_ADDRESS)]
    server: String,
    /// Who you are; without it the client certificate is the login
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Where the password comes from: prompt, env:VARIABLE or file:PATH, never the password itself
    #[arg(long, value_name = "SRC", default_value = "prompt")]
    password: Secret,
    /// Give up connecting after this time
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_time_limit)]
    connect_timeout: Duration,
    /// Give up when the server does not answer, or a transfer does not move, for this time
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_time_limit)]
    timeout: Duration,
    /// Move at most so many bytes a second on each connection, such as 500K or 1M
    #[arg(long, value_name = "RATE", value_parser = parse_size)]
    limit_rate: Option<u64>,
}

#[derive(Clone, Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
#[command(next_help_heading = "Protection")]
struct SecurityOptions {
    /// No TLS: everything, the password too, can be read on the way
    #[arg(long)]
    plain: bool,
    /// Believe the CA certificates in this file, PEM [default: certs/ca.crt]
    #[arg(long, value_name = "FILE", visible_alias = "CAfile")]
    cacert: Option<PathBuf>,
    /// Believe the CAs of the public web instead
    #[arg(long, conflicts_with = "cacert")]
    public_roots: bool,
    /// Show this certificate, PEM [default: certs/client.crt when it is there]
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Its private key, PEM [default: certs/client.key]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Where the passphrase of the key comes from: prompt, env:VARIABLE or file:PATH
    #[arg(long, value_name = "SRC")]
    pass: Option<Secret>,
    /// Refuse a server whose certificate is on this revocation list, PEM or DER; repeatable
    #[arg(long, value_name = "FILE")]
    crlfile: Vec<PathBuf>,
    /// The name the server's certificate must have, if not the host's
    #[arg(long, value_name = "NAME")]
    servername: Option<String>,
    /// Accept only this public key, besides all other checks (curl's form, sha256//BASE64)
    #[arg(long, value_name = "PIN", value_parser = parse_pin)]
    pinnedpubkey: Option<String>,
    /// Accept any certificate: whoever is on the way can read and change everything
    #[arg(short = 'k', long)]
    insecure: bool,
    /// Do not resume earlier TLS sessions
    #[arg(long)]
    no_resume: bool,
    /// Tell step by step how each connection comes about: every message, check, size and time
    #[arg(long)]
    explain: bool,
}

impl ConnectOptions {
    /// Connects and logs in; with `-v` says how.
    pub(crate) fn log_in(&self, output: Output) -> Result<(Target, Client<Connector>, Account)> {
        let target = self.target(self.login()?, output)?;
        let (client, account) = log_in_to(&target, output)?;
        Ok((target, client, account))
    }

    /// Whether the server's certificate is taken whatever it is.
    pub(crate) fn insecure(&self) -> bool {
        self.security.insecure
    }

    /// Connects without logging in.
    pub(crate) fn greet(&self, output: Output) -> Result<Client<Connector>> {
        connect(&self.target(Login::Certificate, output)?, output)
    }

    /// The user named, which `register` needs.
    pub(crate) fn user(&self) -> Result<&str> {
        self.server
            .user
            .as_deref()
            .ok_or_else(|| Error::new(Kind::Usage, "who is it to be?").hint("say --user NAME"))
    }

    /// The password, asked as `what`.
    pub(crate) fn password(&self, what: &str) -> Result<zeroize::Zeroizing<String>> {
        self.server.password.read(what)
    }

    /// Whether the password is typed.
    pub(crate) fn asks_for_password(&self) -> bool {
        self.server.password == Secret::Prompt
    }

    fn login(&self) -> Result<Login> {
        let Some(user) = &self.server.user else {
            return Ok(Login::Certificate);
        };
        Ok(Login::Password {
            user: user.clone(),
            password: self.password(&format!("password of {user}"))?,
        })
    }

    fn target(&self, login: Login, output: Output) -> Result<Target> {
        let (host, port) = host_and_port(&self.server.server)?;
        if self.security.insecure && !self.security.plain {
            output.warn(output.lang.pick(
                "--insecure: the server is not verified; whoever is on the way can read and change everything",
                "--insecure：没有验证服务器；途中任何人都能读取和篡改一切",
            ));
        }
        Ok(Target {
            host,
            port,
            tls: match self.security.plain {
                true => None,
                false => Some(self.client_tls()?.load()?),
            },
            connect_timeout: self.server.connect_timeout,
            timeout: self.server.timeout,
            rate: self.server.limit_rate,
            login,
            onlooker: None,
            narrator: self
                .security
                .explain
                .then(|| Narrator::new(move |story| output.story(story))),
        })
    }

    /// The server (or `host`), for an examination. What of the own files is missing is a finding of that.
    pub(crate) fn patient(&self, host: Option<&str>) -> Result<Patient> {
        let (host, port) = host_and_port(host.unwrap_or(&self.server.server))?;
        let security = &self.security;
        let certificate = self.certificate()?;
        let tls = ClientTls {
            roots: match (security.public_roots, &security.cacert) {
                (true, _) => Roots::Public,
                (false, Some(file)) => Roots::File(file.clone()),
                (false, None) => Roots::File(Path::new(CERTS).join("ca.crt")),
            },
            passphrase: match &certificate {
                Some((_, key)) if key.exists() => passphrase(security.pass.as_ref(), key)?,
                _ => None,
            },
            certificate,
            revocation_lists: security.crlfile.clone(),
            server_name: security.servername.clone(),
            insecure: security.insecure,
            pin: security.pinnedpubkey.clone(),
            resume: false,
            policy: self.tls.policy(),
        };
        Ok(Patient {
            host,
            port,
            tls: (!security.plain).then_some(tls),
            connect_timeout: self.server.connect_timeout,
            timeout: self.server.timeout,
        })
    }

    /// The settings, for other tools.
    pub(crate) fn shown(&self) -> Result<Shown> {
        let (host, port) = host_and_port(&self.server.server)?;
        let security = &self.security;
        let ca = match security.public_roots {
            true => None,
            false if security.plain => None,
            false => Some(self.ca_file()?),
        };
        let own = self.certificate()?;
        let tls = ShownTls {
            ca,
            has_chain: own.as_ref().is_some_and(|(cert, _)| {
                keys::certificates(cert, Kind::OwnCertificate).is_ok_and(|chain| chain.len() > 1)
            }),
            own,
            pass: security.pass.clone(),
            lists: security.crlfile.clone(),
            insecure: security.insecure,
            pin: security.pinnedpubkey.clone(),
            policy: self.tls.policy(),
        };
        Ok(Shown {
            name: security.servername.clone().unwrap_or_else(|| host.clone()),
            host,
            port,
            user: self.server.user.clone(),
            password: self.server.password.clone(),
            timeout: self.server.connect_timeout,
            tls: (!security.plain).then_some(tls),
        })
    }

    fn client_tls(&self) -> Result<ClientTls> {
        let security = &self.security;
        let certificate = self.certificate()?;
        Ok(ClientTls {
            roots: match security.public_roots {
                true => Roots::Public,
                false => Roots::File(self.ca_file()?),
            },
            passphrase: match &certificate {
                Some((_, key)) => passphrase(security.pass.as_ref(), key)?,
                None => None,
            },
            certificate,
            revocation_lists: security.crlfile.clone(),
            server_name: security.servername.clone(),
            insecure: security.insecure,
            pin: security.pinnedpubkey.clone(),
            resume: !security.no_resume,
            policy: self.tls.policy(),
        })
    }

    fn ca_file(&self) -> Result<PathBuf> {
        if let Some(path) = &self.security.cacert {
            return Ok(path.clone());
        }
        let path = Path::new(CERTS).join("ca.crt");
        if path.exists() || self.security.insecure {
            return Ok(path);
        }
        Err(Error::new(Kind::CaFile, "there is no CA to check the server against")
            .hint("name its file with --cacert; `sealpost pki init` makes one; --plain does without TLS")
            .zh(
                "没有用来验证服务器的 CA",
                "请用 --cacert 指定 CA 文件；`sealpost pki init` 可创建；--plain 则不使用 TLS",
            ))
    }

    /// The own certificate and key: as given, else those in certs/ when they are there.
    fn certificate(&self) -> Result<Option<(PathBuf, PathBuf)>> {
        let default = |name: &str| Path::new(CERTS).join(name);
        match (&self.security.cert, &self.security.key) {
            (Some(cert), Some(key)) => Ok(Some((cert.clone(), key.clone()))),
            (Some(cert), None) => Ok(Some((cert.clone(), cert.with_extension("key")))),
            (None, Some(_)) => {
                Err(Error::new(Kind::Usage, "--key needs its certificate")
                    .hint("give --cert as well"))
            }
            (None, None) => {
                let pair = (default("client.crt"), default("client.key"));
                Ok((pair.0.exists() && pair.1.exists()).then_some(pair))
            }
        }
    }
}

/// Connects to `target` and logs in; with `-v` says how.
pub(crate) fn log_in_to(target: &Target, output: Output) -> Result<(Client<Connector>, Account)> {
    let mut client = connect(target, output)?;
    let account = match &target.login {
        Login::Password { user, password } => client.login(user, password)?,
        Login::Certificate => log_in_by_certificate(&mut client)?,
    };
    output.detail(format!(
        "logged in as {} ({})",
        escape(account.user.as_str()),
        escape(&account.role)
    ));
    Ok((client, account))
}

fn connect(target: &Target, output: Output) -> Result<Client<Connector>> {
    let connected = target.connect();
    if let Some(complaint) = target
        .tls
        .as_ref()
        .and_then(|tls| tls.complaint(&target.host))
    {
        let (message, _) = complaint.told_in(output.lang);
        let label = output.lang.pick("--insecure: ", "--insecure：");
        output.warn(format!("{label}{}", escape(message)));
    }
    let client = connected?;
    if target.tls.is_none() && !is_this_machine(&target.host) {
        output.warn(format!(
            "--plain: everything, the password too, can be read on the way to {}",
            escape(&target.host)
        ));
    }
    if let Some(hello) = client.hello() {
        let secure = match hello.secure {
            Secure::Plain => "plain TCP: anyone on the way reads everything",
            Secure::Tls => "TLS, the server proved",
            Secure::Mtls => "mutual TLS, both sides proved",
        };
        let session = client.session().map_or_else(String::new, |session| {
            let resumed = session.handshake;
            format!(
                ", {} {} {}, {resumed} handshake",
                session.version, session.cipher, session.group
            )
        });
        output.detail(format!(
            "connected to {}:{} ({}), connection {}: {secure}{session}",
            target.host,
            target.port,
            escape(&hello.agent),
            escape(&hello.id)
        ));
    }
    Ok(client)
}

fn log_in_by_certificate(client: &mut Client<Connector>) -> Result<Account> {
    let methods = client
        .hello()
        .map(|hello| hello.login.clone())
        .unwrap_or_default();
    if !methods.contains(&LoginMethod::Certificate) {
        return Err(Error::new(Kind::LoginRefused, "there is nothing to log in with")
            .hint("say who you are with --user NAME; `sealpost register --user NAME` makes an account"));
    }
    client.login_by_certificate()
}

/// The passphrase of an encrypted key: from where it was said to come, else asked.
pub(crate) fn passphrase(source: Option<&Secret>, key: &Path) -> Result<Option<Passphrase>> {
    let what = format!("passphrase of {}", key.display());
    match source {
        Some(source) => Ok(Some(Passphrase::from(source.read(&what)?))),
        None if keys::needs_passphrase(key)? => match Secret::Prompt.read(&what) {
            Ok(typed) => Ok(Some(Passphrase::from(typed))),
            Err(error) => Err(keys::locked_without_passphrase(key).source(error)),
        },
        None => Ok(None),
    }
}

/// A pin, or what one looks like.
fn parse_pin(text: &str) -> Result<String, String> {
    match inspect::is_pin(text) {
        true => Ok(text.to_owned()),
        false => Err("a pin is sha256// and 44 characters of base64; `sealpost pki fingerprint FILE` prints it".to_owned()),
    }
}
