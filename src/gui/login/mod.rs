//! Logging in: what is asked, and what it comes to. `view` draws it.

mod advanced;
mod check;
mod fields;
mod more;
mod pieces;
mod recent;
mod security;
mod stop;
mod view;

use std::cell::Cell;
use std::path::{Path, PathBuf};

use zeroize::{Zeroize as _, Zeroizing};

pub use advanced::{Advanced, CONNECT_TIMEOUT, Versions};
use check::Missing;
pub use security::Security;

use super::engine::told::Told;
use super::platform::{Pick, Picked};
use super::secret::{self, Reveal};
use super::settings::Recent;
use crate::client;
use crate::config::DEFAULT_PORT;
use crate::error::Kind;
use crate::lang::both;

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

    /// Moves a port that was typed with the server into its own field.
    fn part_port(&mut self) {
        if let Ok((host, Some(port))) = client::host_and_own_port(self.host.trim()) {
            self.host = host;
            self.port = port.to_string();
        }
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
