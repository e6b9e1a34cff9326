//! Logging in: what is asked, and what it comes to. `view` draws it.

mod advanced;
mod fields;
mod recent;
mod security;
mod stop;
mod view;

use std::cell::Cell;
use std::path::{Path, PathBuf};

use zeroize::{Zeroize as _, Zeroizing};

pub use advanced::{Advanced, CONNECT_TIMEOUT, Versions};
pub use security::Security;

use super::engine::Request;
use super::engine::told::Told;
use super::platform::{Pick, Picked};
use super::secret::{self, Reveal};
use super::settings::Recent;
use crate::client::{self, Login};
use crate::config::{DEFAULT_PORT, PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN};
use crate::error::{Error, Kind};
use crate::lang::both;
use crate::pki::Passphrase;
use crate::transport::{ClientTls, Roots};

/// A field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The server.
    Server,
    /// The port.
    Port,
    /// The user.
    User,
    /// The password.
    Password,
    /// The password once more.
    Again,
    /// The CA's certificate.
    Ca,
    /// The own certificate.
    Certificate,
    /// The own key.
    Key,
    /// What opens it.
    Passphrase,
    /// The revocation list.
    List,
    /// The pinned public key.
    Pin,
    /// How long connecting may take.
    Timeout,
}

/// Why it did not come to a session.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// In words.
    pub told: Told,
    /// The field that can mend it.
    pub field: Option<Field>,
}

/// What keeps the form from being sent.
pub(super) struct Missing(Field, Error);

impl Missing {
    fn new(field: Field, what: (&str, &str), next: (&str, &str)) -> Self {
        let error = Error::new(Kind::Usage, what.0).hint(next.0);
        Self(field, error.zh(what.1, next.1))
    }
}

/// What is typed and chosen.
#[derive(Debug, Default)]
pub struct LoginForm {
    /// The server, with or without a port.
    pub host: String,
    /// The port.
    pub port: String,
    /// The user.
    pub user: String,
    /// The password; overwritten as soon as it was used.
    pub password: Zeroizing<String>,
    /// The password once more, for a new account.
    pub again: Zeroizing<String>,
    /// How it is protected.
    pub security: Security,
    /// The file of the CA.
    pub ca: String,
    /// The file of the own certificate.
    pub certificate: String,
    /// The file of its key.
    pub key: String,
    /// What opens the key; asked when it needs one.
    pub passphrase: Zeroizing<String>,
    /// The key that needs a passphrase.
    pub locked: Option<PathBuf>,
    /// Make the account first.
    pub register: bool,
    /// What few need.
    pub advanced: Advanced,
    /// Why the last attempt failed.
    pub trouble: Option<Trouble>,
    /// An attempt is being made.
    pub connecting: bool,
    /// The connection was stopped, and the certificate that was shown is shown instead of the form.
    pub stopped: bool,
    /// The field that is to have the focus.
    focus: Option<Field>,
    /// What failed is news: it is scrolled to.
    news: Cell<bool>,
    reveal_password: Reveal,
    reveal_passphrase: Reveal,
}

impl LoginForm {
    /// One that is filled with what is in `certs`, and the last connection.
    pub fn new(certs: &Path, last: Option<&Recent>) -> Self {
        let found = |name: &str| match certs.join(name) {
            path if path.exists() => path.to_string_lossy().into_owned(),
            _ => String::new(),
        };
        let mut form = Self {
            host: "127.0.0.1".to_owned(),
            port: DEFAULT_PORT.to_string(),
            password: secret::room(),
            again: secret::room(),
            passphrase: secret::room(),
            ca: found("ca.crt"),
            certificate: found("client.crt"),
            key: found("client.key"),
            ..Self::default()
        };
        if form.certificate.is_empty() {
            form.security = Security::Tls;
        }
        if let Some(last) = last {
            form.fill(last);
        }
        form.focus = Some(form.first_empty());
        form
    }

    /// Fills it as for an earlier connection.
    pub fn fill(&mut self, recent: &Recent) {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        self.host.clone_from(&recent.host);
        self.port = recent.port.to_string();
        self.user.clone_from(&recent.user);
        self.security = recent.security;
        self.ca = text(&recent.ca);
        self.certificate = text(&recent.certificate);
        self.key = text(&recent.key);
        self.advanced.clone_from(&recent.advanced);
        self.register = false;
        self.locked = None;
        self.trouble = None;
        self.forget_secrets();
        self.focus = Some(self.first_empty());
    }

    /// What to remember of it: everything but secrets. Nothing when it could not be sent.
    pub fn recent(&self) -> Option<Recent> {
        let (host, port) = self.place().ok()?;
        Some(Recent {
            host,
            port,
            user: self.user.trim().to_owned(),
            security: self.security,
            ca: self.ca.clone().into(),
            certificate: self.certificate.clone().into(),
            key: self.key.clone().into(),
            advanced: self.advanced.clone(),
        })
    }

    /// The first field there is something missing in.
    fn first_empty(&self) -> Field {
        match () {
            () if self.host.trim().is_empty() => Field::Server,
            () if self.logs_in_by_certificate() && self.certificate.is_empty() => {
                Field::Certificate
            }
            () if self.user.trim().is_empty() => Field::User,
            () => Field::Password,
        }
    }

    /// Whether the certificate is the login: nobody is named.
    fn logs_in_by_certificate(&self) -> bool {
        self.security == Security::Mutual && !self.register && self.user.trim().is_empty()
    }

    /// What it comes to, or what is missing.
    pub(super) fn request(&self) -> Result<Request, Missing> {
        let (host, port) = self.place()?;
        Ok(Request {
            host,
            port,
            login: self.login()?,
            tls: self.tls()?,
            register: self.register,
            connect_timeout: self.advanced.timeout()?,
        })
    }

    fn login(&self) -> Result<Login, Missing> {
        if self.logs_in_by_certificate() {
            return Ok(Login::Certificate);
        }
        let user = self.user.trim();
        if user.is_empty() {
            return Err(Missing::new(
                Field::User,
                ("who are you?", "请输入用户名"),
                ("type the user's name", "在“用户”一栏输入名称"),
            ));
        }
        if self.password.is_empty() {
            return Err(Missing::new(
                Field::Password,
                ("the password is missing", "请输入密码"),
                ("type the password of this user", "输入该用户的密码"),
            ));
        }
        if self.register {
            self.new_password()?;
        }
        Ok(Login::Password {
            user: user.to_owned(),
            password: self.password.clone(),
        })
    }

    fn new_password(&self) -> Result<(), Missing> {
        let sizes = PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX;
        if !sizes.contains(&self.password.len()) {
            return Err(Missing::new(
                Field::Password,
                ("the password is too short or too long", "密码太短或太长"),
                (
                    "a password is 8 to 1,024 bytes: several words are good",
                    "密码为 8 到 1,024 字节：最好由几个词组成",
                ),
            ));
        }
        if *self.password != *self.again {
            return Err(Missing::new(
                Field::Again,
                ("the two passwords differ", "两次输入的密码不同"),
                ("type the same password twice", "请两次输入同一密码"),
            ));
        }
        Ok(())
    }

    fn place(&self) -> Result<(String, u16), Missing> {
        let host = self.host.trim();
        if host.is_empty() {
            return Err(Missing::new(
                Field::Server,
                ("which server?", "请输入服务器"),
                (
                    "type its name or address, such as 127.0.0.1",
                    "输入其名称或地址，例如 127.0.0.1",
                ),
            ));
        }
        let (host, own) =
            client::host_and_own_port(host).map_err(|error| Missing(Field::Server, error))?;
        let port = match (own, self.port.trim()) {
            (Some(port), _) => Some(port),
            (None, "") => Some(DEFAULT_PORT),
            (None, port) => port.parse().ok(),
        };
        let port = port.filter(|port| *port != 0).ok_or_else(|| {
            Missing::new(
                Field::Port,
                ("the port is no number", "端口不是数字"),
                (
                    "a port is 1 to 65535, such as 9999",
                    "端口为 1 到 65535，例如 9999",
                ),
            )
        })?;
        Ok((host, port))
    }

    /// Moves a port that was typed with the server into its own field.
    fn part_port(&mut self) {
        if let Ok((host, Some(port))) = client::host_and_own_port(self.host.trim()) {
            self.host = host;
            self.port = port.to_string();
        }
    }

    fn tls(&self) -> Result<Option<ClientTls>, Missing> {
        if self.security == Security::Plain {
            return Ok(None);
        }
        let advanced = &self.advanced;
        if self.ca.trim().is_empty() && !advanced.public_roots {
            return Err(Missing::new(
                Field::Ca,
                (
                    "no CA to check the server against",
                    "没有用来验证服务器的 CA",
                ),
                (
                    "choose the CA's certificate, usually certs/ca.crt; the operator of the server has it",
                    "请选择 CA 证书，通常是 certs/ca.crt；可向服务器管理员索取",
                ),
            ));
        }
        let path = |text: &str| PathBuf::from(text.trim());
        let list =
            Some(path(&advanced.revocation_list)).filter(|list| !list.as_os_str().is_empty());
        let name = Some(advanced.server_name.trim()).filter(|name| !name.is_empty());
        Ok(Some(ClientTls {
            roots: match advanced.public_roots {
                true => Roots::Public,
                false => Roots::File(path(&self.ca)),
            },
            certificate: self.own_certificate()?,
            passphrase: (!self.passphrase.is_empty())
                .then(|| Passphrase::from(self.passphrase.clone())),
            revocation_lists: list.into_iter().collect(),
            server_name: name.map(str::to_owned),
            insecure: false,
            pin: advanced.pin()?,
            resume: true,
            policy: advanced.policy(),
        }))
    }

    fn own_certificate(&self) -> Result<Option<(PathBuf, PathBuf)>, Missing> {
        if self.security != Security::Mutual {
            return Ok(None);
        }
        let (certificate, key) = (self.certificate.trim(), self.key.trim());
        let field = match (certificate, key) {
            ("", _) => Field::Certificate,
            (_, "") => Field::Key,
            _ => return Ok(Some((certificate.into(), key.into()))),
        };
        Err(Missing::new(
            field,
            ("no certificate of your own", "没有您自己的证书"),
            (
                "choose your certificate and its key, usually certs/client.crt and client.key; `sealpost pki issue client USER` makes them where the CA is",
                "请选择您的证书和私钥，通常是 certs/client.crt 和 client.key；在 CA 处用 `sealpost pki issue client USER` 签发",
            ),
        ))
    }

    /// The key needs a passphrase; `wrong` tells that the one given was not it.
    pub fn lock(&mut self, key: PathBuf, wrong: Option<Told>) {
        self.connecting = false;
        self.passphrase.zeroize();
        let file = key.display();
        let told = wrong.unwrap_or_else(|| Told {
            kind: Kind::OwnCertificate,
            message: both(
                format!("the key {file} is under a passphrase"),
                format!("私钥 {file} 受口令保护"),
            ),
            hint: both("type it, then log in", "请输入口令，然后登录"),
            causes: Vec::new(),
        });
        self.locked = Some(key);
        self.tell(told, Some(Field::Passphrase));
    }

    /// An attempt failed; `stopped` when it failed over a certificate that can be shown.
    pub fn fail(&mut self, told: Told, stopped: bool) {
        self.connecting = false;
        self.stopped = stopped;
        let field = match told.kind {
            Kind::LoginRefused => {
                self.password.zeroize();
                Some(Field::Password)
            }
            Kind::Exists if self.register => Some(Field::User),
            Kind::Resolve | Kind::Connect | Kind::Timeout => Some(Field::Server),
            Kind::CaFile => Some(Field::Ca),
            Kind::CrlFile => Some(Field::List),
            _ => None,
        };
        self.tell(told, field);
    }

    fn tell(&mut self, told: Told, field: Option<Field>) {
        self.focus = field;
        self.trouble = Some(Trouble { told, field });
        self.news.set(true);
    }

    /// Overwrites what is secret.
    pub fn forget_secrets(&mut self) {
        for secret in [&mut self.password, &mut self.again, &mut self.passphrase] {
            secret.zeroize();
        }
        self.reveal_password = Reveal::default();
        self.reveal_passphrase = Reveal::default();
    }

    /// It came to a session: what was only for this once is forgotten.
    pub fn succeed(&mut self) {
        self.connecting = false;
        self.stopped = false;
        self.register = false;
        self.locked = None;
        self.trouble = None;
        self.forget_secrets();
        self.part_port();
        self.focus = Some(self.first_empty());
    }

    /// A file was chosen.
    pub fn picked(&mut self, picked: &Picked) {
        let Some(path) = picked.paths.first() else {
            return;
        };
        let text = path.to_string_lossy().into_owned();
        match picked.pick {
            Pick::CaFile => self.ca = text,
            Pick::Certificate => self.certificate = text,
            Pick::Key => {
                self.key = text;
                self.unlock();
            }
            Pick::RevocationList => self.advanced.revocation_list = text,
            _ => {}
        }
    }

    /// Another key: what opened the last one does not open it.
    fn unlock(&mut self) {
        self.locked = None;
        self.passphrase.zeroize();
    }
}

#[cfg(test)]
mod tests;
