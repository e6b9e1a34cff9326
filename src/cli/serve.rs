//! `sealpost serve`

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::{Args, ValueEnum};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tracing_subscriber::filter::LevelFilter;

use super::connect::passphrase;
use super::output::Output;
use super::secret::Secret;
use super::show_as::ShownServer;
use super::tls::TlsOptions;
use crate::config::{CONNECTIONS_CEILING, DEFAULT_ADDRESS, Limits};
use crate::error::{Error, Kind, Result};
use crate::pki::{inspect, keys};
use crate::server::{Config, Handle, LoginPolicy, Registration, Server, UserFrom};
use crate::text::{escape, parse_size, parse_time_limit, time};
use crate::transport::{Allow, ClientAuth, Mode, Resumption, ServerTls};

/// Serve the files in a folder, over mutual TLS unless told otherwise
#[derive(Debug, Args)]
#[command(
    after_help = "SIGHUP reloads certificate, key, CA, revocation lists, users and access rules; \
    SIGTERM and ctrl-c let running transfers finish, a second one cuts them."
)]
pub(crate) struct ServeCommand {
    #[command(flatten)]
    listen: ListenOptions,
    #[command(flatten)]
    certificates: CertificateOptions,
    #[command(flatten)]
    tls: TlsOptions,
    #[command(flatten)]
    users: UserOptions,
    #[command(flatten)]
    limits: LimitOptions,
}

#[derive(Debug, Args)]
struct ListenOptions {
    /// Where to listen; port 0 picks a free one and prints it
    #[arg(long, value_name = "ADDR:PORT", default_value = DEFAULT_ADDRESS)]
    listen: String,
    /// The folder of users, files and the audit trail
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Write the audit trail here [default: audit.jsonl in the data folder]
    #[arg(long, value_name = "FILE")]
    audit_log: Option<PathBuf>,
    /// Serve plain TCP only: everything, passwords too, can be read on the way
    #[arg(long, conflicts_with = "allow_plain")]
    plain: bool,
    /// Serve plain TCP beside TLS, on the same port
    #[arg(long)]
    allow_plain: bool,
    /// Serve plain TCP on an address other machines can reach
    #[arg(long)]
    unsafe_listen: bool,
    /// How the log on stderr is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Certificates")]
struct CertificateOptions {
    /// The server's certificate, PEM, with its chain
    #[arg(long, value_name = "FILE", default_value = "certs/server.crt")]
    cert: PathBuf,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", default_value = "certs/server.key")]
    key: PathBuf,
    /// Where the passphrase of the key comes from: prompt, env:VARIABLE or file:PATH
    #[arg(long, value_name = "SRC")]
    pass: Option<Secret>,
    /// Whether clients must show a certificate; also CERT_REQUIRED, CERT_OPTIONAL, CERT_NONE, on, off
    #[arg(
        long,
        value_name = "WHETHER",
        default_value = "required",
        ignore_case = true
    )]
    client_auth: ClientAuthWord,
    /// The CA that signs clients' certificates, PEM
    #[arg(long, value_name = "FILE", default_value = "certs/ca.crt")]
    client_ca: PathBuf,
    /// Refuse clients whose certificate is on this list, PEM or DER; repeatable
    /// [default: certs/crl.pem when it is there]
    #[arg(long, value_name = "FILE")]
    crlfile: Vec<PathBuf>,
    /// What a list past its nextUpdate means
    #[arg(long, value_name = "WHAT", default_value = "deny")]
    crl_expired: CrlExpired,
    /// Let in only clients whose certificate has this common name; repeatable, any --allow suffices
    #[arg(long, value_name = "NAME")]
    allow_cn: Vec<String>,
    /// Let in only clients whose certificate has this organizational unit; repeatable
    #[arg(long, value_name = "UNIT")]
    allow_ou: Vec<String>,
    /// Let in only clients whose certificate has this DNS name; repeatable
    #[arg(long, value_name = "NAME")]
    allow_dns: Vec<String>,
    /// Which name of a client certificate is the user: its common name, or its first mail address
    #[arg(long, value_name = "WHICH", default_value = "cn")]
    user_from_cert: UserFromCert,
    /// Reload when certificate, key, CA, revocation lists, users or access rules change on disk
    #[arg(long)]
    watch: bool,
    /// What is remembered for resuming TLS sessions
    #[arg(long, value_name = "HOW", default_value = "cache")]
    resumption: ResumptionWord,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Users")]
struct UserOptions {
    /// What a login needs: password, certificate, both, or either
    #[arg(long, value_name = "WHAT", default_value = "either")]
    login: LoginWord,
    /// Whether strangers may register: any free name, only the name in their client certificate, or not at all
    #[arg(long, value_name = "WHETHER", default_value = "open")]
    register: Register,
    /// Bytes one user may own, such as 10G
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    quota: Option<u64>,
    /// The largest file taken, such as 4G
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    max_file_size: Option<u64>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
struct LimitOptions {
    /// Connections at once
    #[arg(long, value_name = "N", default_value_t = Limits::default().connections)]
    max_connections: usize,
    /// Connections at once from one address
    #[arg(long, value_name = "N", default_value_t = Limits::default().connections_per_address)]
    max_connections_per_ip: usize,
    /// Bytes a second at most on each connection, such as 10M
    #[arg(long, value_name = "RATE", value_parser = parse_size)]
    limit_rate: Option<u64>,
    /// From accepting to the end of the TLS handshake
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_time_limit)]
    handshake_timeout: Duration,
    /// From there to a finished login
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_time_limit)]
    login_timeout: Duration,
    /// Between two requests
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = parse_time_limit)]
    idle_timeout: Duration,
    /// Without progress in the middle of a file
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_time_limit)]
    stall_timeout: Duration,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ClientAuthWord {
    #[value(aliases = ["CERT_REQUIRED", "on"])]
    Required,
    #[value(aliases = ["CERT_OPTIONAL"])]
    Optional,
    #[value(aliases = ["CERT_NONE", "off"])]
    None,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum UserFromCert {
    Cn,
    Email,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CrlExpired {
    Deny,
    Warn,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ResumptionWord {
    Off,
    Cache,
    Tickets,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LoginWord {
    Password,
    #[value(alias = "certificate")]
    Cert,
    Both,
    Either,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Register {
    Open,
    #[value(alias = "cert")]
    Certificate,
    Closed,
}

impl ServeCommand {
    /// Serves until a signal says stop.
    pub(crate) fn run(self, output: Output) -> Result<()> {
        start_log(self.listen.log_format, output);
        let config = self.config()?;
        let security = self.security_in_words(output)?;
        self.warn_where_nobody_can_log_in(output);
        let server = Server::bind(config)?;
        for warning in server.warnings() {
            output.warn(escape(warning));
        }
        watch_signals(server.handle())?;
        output.line(format!("listening on {}: {security}", server.address()));
        server.run()
    }

    fn config(&self) -> Result<Config> {
        let listen = resolve(&self.listen.listen)?;
        let mode = match (self.listen.plain, self.listen.allow_plain) {
            (true, _) => Mode::Plain,
            (false, true) => Mode::Both,
            (false, false) => Mode::Tls,
        };
        if mode != Mode::Tls && !listen.ip().is_loopback() && !self.listen.unsafe_listen {
            let text =
                format!("plain TCP on {listen} would let anyone on the network read passwords");
            return Err(Error::new(Kind::Usage, text).hint(
                "listen on 127.0.0.1, leave plain out, or say --unsafe-listen if you mean it",
            ));
        }
        Ok(Config {
            listen,
            data: self.listen.data.clone(),
            audit_log: self.listen.audit_log.clone(),
            mode,
            tls: match mode {
                Mode::Plain => None,
                Mode::Tls | Mode::Both => Some(self.server_tls(true)?),
            },
            register: match self.users.register {
                Register::Open => Registration::Open,
                Register::Certificate => Registration::Certificate,
                Register::Closed => Registration::Closed,
            },
            login: match self.users.login {
                LoginWord::Password => LoginPolicy::Password,
                LoginWord::Cert => LoginPolicy::Certificate,
                LoginWord::Both => LoginPolicy::Both,
                LoginWord::Either => LoginPolicy::Either,
            },
            limits: self.limits()?,
            user_from: match self.certificates.user_from_cert {
                UserFromCert::Cn => UserFrom::CommonName,
                UserFromCert::Email => UserFrom::Email,
            },
            watch: self.certificates.watch,
        })
    }

    fn limits(&self) -> Result<Limits> {
        let limits = &self.limits;
        if !(1..=CONNECTIONS_CEILING).contains(&limits.max_connections) {
            let text = format!("--max-connections is 1 to {CONNECTIONS_CEILING}");
            return Err(Error::new(Kind::Usage, text).hint(
                "each connection is a thread, and past some 16,000 the system ends the process",
            ));
        }
        if limits.max_connections_per_ip == 0 {
            return Err(
                Error::new(Kind::Usage, "--max-connections-per-ip is at least 1")
                    .hint("with 0 nobody could connect"),
            );
        }
        let default = Limits::default();
        Ok(Limits {
            connections: limits.max_connections,
            connections_per_address: limits.max_connections_per_ip,
            bytes_per_s: limits.limit_rate,
            handshake_timeout: limits.handshake_timeout,
            login_timeout: limits.login_timeout,
            idle_timeout: limits.idle_timeout,
            stall_timeout: limits.stall_timeout,
            file_bytes: self.users.max_file_size.unwrap_or(default.file_bytes),
            quota_bytes: self.users.quota,
            ..default
        })
    }

    fn server_tls(&self, opens_key: bool) -> Result<ServerTls> {
        let options = &self.certificates;
        for path in [&options.cert, &options.key] {
            if !path.exists() {
                let text = format!("there is no {}", path.display());
                return Err(Error::new(Kind::OwnCertificate, text).hint(
                    "make certificates with `sealpost pki init` and `sealpost pki issue server localhost`, or serve with --plain",
                ).zh(
                    format!("没有文件 {}", path.display()),
                    "请用 `sealpost pki init` 和 `sealpost pki issue server localhost` 生成证书，或用 --plain 提供明文服务",
                ));
            }
        }
        let allows = [&options.allow_cn, &options.allow_ou, &options.allow_dns];
        if options.client_auth != ClientAuthWord::Required
            && allows.iter().any(|rule| !rule.is_empty())
        {
            let text = "--allow-cn, --allow-ou and --allow-dns need --client-auth required";
            return Err(Error::new(Kind::Usage, text)
                .hint("else a client would only have to show no certificate at all"));
        }
        let default_list = Path::new("certs/crl.pem");
        Ok(ServerTls {
            certificate: options.cert.clone(),
            key: options.key.clone(),
            passphrase: match opens_key {
                true => passphrase(options.pass.as_ref(), &options.key)?,
                false => None,
            },
            client_auth: match options.client_auth {
                ClientAuthWord::Required => ClientAuth::Required,
                ClientAuthWord::Optional => ClientAuth::Optional,
                ClientAuthWord::None => ClientAuth::None,
            },
            client_ca: options.client_ca.clone(),
            allow: Allow {
                cn: options.allow_cn.clone(),
                ou: options.allow_ou.clone(),
                dns: options.allow_dns.clone(),
            },
            revocation_lists: match options.crlfile.is_empty() {
                // The list beside the CA that is used, not one of another CA.
                true if options.client_ca == Path::new("certs/ca.crt") && default_list.exists() => {
                    vec![default_list.to_owned()]
                }
                _ => options.crlfile.clone(),
            },
            accept_expired_lists: options.crl_expired == CrlExpired::Warn,
            resumption: match options.resumption {
                ResumptionWord::Off => Resumption::Off,
                ResumptionWord::Cache => Resumption::Cache,
                ResumptionWord::Tickets => Resumption::Tickets,
            },
            policy: self.tls.server_policy(),
        })
    }

    /// The settings, for other tools; the key is not opened.
    pub(crate) fn shown(&self) -> Result<ShownServer> {
        Ok(ShownServer {
            listen: self.listen.listen.clone(),
            tls: self.server_tls(false)?,
            pass: self.certificates.pass.clone(),
        })
    }

    /// A login that needs a certificate where none is asked for is a mistake that only shows when somebody tries.
    fn warn_where_nobody_can_log_in(&self, output: Output) {
        let asked = !self.listen.plain && self.certificates.client_auth != ClientAuthWord::None;
        let needed = matches!(self.users.login, LoginWord::Cert | LoginWord::Both);
        if needed && !asked {
            output.warn(output.lang.pick(
                "--login needs a client certificate and none is asked for: nobody can log in; \
                 serve with TLS and --client-auth, or choose another --login",
                "--login 需要客户端证书，但服务器不要求出示：没有人能登录；请用 TLS 和 --client-auth，或改用其他 --login",
            ));
        }
    }

    /// Which security and which certificate, for the line printed at the start.
    fn security_in_words(&self, output: Output) -> Result<String> {
        if self.listen.plain {
            output.warn("--plain: everything, passwords too, can be read on the way");
            return Ok("plain TCP, no TLS".to_owned());
        }
        let clients = match self.certificates.client_auth {
            ClientAuthWord::Required => "client certificates required",
            ClientAuthWord::Optional => "client certificates optional",
            ClientAuthWord::None => "no client certificates",
        };
        let beside = if self.listen.allow_plain {
            output.warn("--allow-plain: what comes in plain can be read on the way, passwords too");
            ", and plain TCP on the same port"
        } else {
            ""
        };
        let chain = keys::certificates(&self.certificates.cert, Kind::OwnCertificate)?;
        let leaf = chain
            .first()
            .map(|leaf| inspect::certificate(leaf))
            .transpose()?;
        let certificate = leaf.map_or_else(String::new, |leaf| {
            format!(
                ", certificate of {} until {}",
                escape(&leaf.subject),
                time(leaf.not_after)
            )
        });
        Ok(format!("TLS, {clients}{beside}{certificate}"))
    }
}

fn resolve(text: &str) -> Result<SocketAddr> {
    let resolved = text
        .to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next());
    resolved.ok_or_else(|| {
        Error::new(
            Kind::Usage,
            format!("cannot listen on {text}: not ADDRESS:PORT"),
        )
        .hint("such as --listen 127.0.0.1:9999")
    })
}

/// SIGTERM and ctrl-c stop, a second one at once; SIGHUP reloads.
fn watch_signals(handle: Handle) -> Result<()> {
    let failed = |error| Error::io(Kind::Other, "watch for signals", error);
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).map_err(failed)?;
    let watching = move || {
        let mut stopping = false;
        for signal in signals.forever() {
            match signal {
                SIGHUP => handle.reload(),
                _ if stopping => handle.stop_now(),
                _ => {
                    stopping = true;
                    handle.stop();
                }
            }
        }
    };
    let spawned = thread::Builder::new()
        .name("signals".into())
        .spawn(watching);
    spawned.map(|_running| ()).map_err(failed)
}

fn start_log(format: LogFormat, output: Output) {
    let level = match (output.quiet, output.verbose) {
        (true, _) => LevelFilter::WARN,
        (false, 0) => LevelFilter::INFO,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        // A line that cannot be written is lost. The default tells of it by `eprintln!`, which panics where
        // the log is: a full disk, or a reader that went away, would end every connection and the server.
        .log_internal_errors(false)
        .with_ansi(false)
        .with_target(false);
    // A second start in one process (tests) keeps the first log.
    let _already = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        serve: ServeCommand,
    }

    fn limits(flags: &[&str]) -> Result<Limits> {
        let args = [&["serve"], flags].concat();
        Alone::try_parse_from(args).unwrap().serve.limits()
    }

    #[test]
    fn the_defaults_of_the_options_are_the_limits_defaults() {
        let told = format!("{:?}", limits(&[]).unwrap());
        assert_eq!(told, format!("{:?}", Limits::default()));
    }

    #[test]
    fn as_many_connections_as_the_system_bears_are_taken_and_no_more() {
        assert_eq!(
            limits(&["--max-connections", "10000"]).unwrap().connections,
            10_000
        );
        for wrong in ["0", "10001"] {
            let refused = limits(&["--max-connections", wrong]).unwrap_err();
            assert_eq!(refused.kind(), Kind::Usage);
        }
    }
}
