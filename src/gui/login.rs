//! Logging in: what is asked, and what it comes to.

use std::path::{Path, PathBuf};

use egui::{RichText, TextEdit, Ui};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::action::{Action, Cx};
use super::engine::Request;
use super::engine::told::Told;
use super::platform::{Pick, Picked};
use super::settings::Recent;
use super::theme;
use crate::client::{Login, host_and_port};
use crate::error::{Error, Kind, Result};
use crate::lang::{Both, both};
use crate::pki::Passphrase;
use crate::text::escape;
use crate::transport::{ClientTls, Policy, Roots};

/// How a connection is protected: the three plain choices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// Not at all.
    Plain,
    /// The server is proved.
    Tls,
    /// Both are proved.
    #[default]
    Mutual,
}

impl Security {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Tls, Self::Mutual];

    /// Its name.
    pub fn name(self) -> Both {
        match self {
            Self::Plain => both("Plain TCP", "明文 TCP"),
            Self::Tls => both("TLS", "TLS"),
            Self::Mutual => both("Mutual TLS", "双向 TLS"),
        }
    }

    /// What it means, in a sentence.
    pub fn meaning(self) -> Both {
        match self {
            Self::Plain => both(
                "A postcard: everything can be read on the way, the password too",
                "明信片：途中一切都能被读到，包括密码",
            ),
            Self::Tls => both(
                "A sealed letter: the server proves who it is; you log in by password",
                "密封的信：服务器证明自己的身份；您用密码登录",
            ),
            Self::Mutual => both(
                "A sealed letter between two who know each other: you prove yourself with a certificate too",
                "双方相识的密封信：您也用证书证明自己的身份",
            ),
        }
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
    /// Why the last attempt failed.
    pub trouble: Option<Told>,
    /// An attempt is being made.
    pub connecting: bool,
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
            port: crate::config::DEFAULT_PORT.to_string(),
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
    }

    /// What to remember of it: everything but secrets.
    pub fn recent(&self) -> Result<Recent> {
        let (host, port) = self.place()?;
        Ok(Recent {
            host,
            port,
            user: self.user.trim().to_owned(),
            security: self.security,
            ca: self.ca.clone().into(),
            certificate: self.certificate.clone().into(),
            key: self.key.clone().into(),
        })
    }

    /// What it comes to, or what is missing.
    pub fn request(&self) -> Result<Request> {
        let (host, port) = self.place()?;
        let user = self.user.trim();
        let login = match (user.is_empty(), self.security) {
            (true, Security::Mutual) if !self.register => Login::Certificate,
            (true, _) => {
                return Err(missing(
                    ("who are you?", "请输入用户名"),
                    ("type the user's name", "在“用户”一栏输入名称"),
                ));
            }
            (false, _) => Login::Password {
                user: user.to_owned(),
                password: self.password.clone(),
            },
        };
        Ok(Request {
            host,
            port,
            tls: self.tls()?,
            login,
            register: self.register,
        })
    }

    fn place(&self) -> Result<(String, u16)> {
        let host = self.host.trim();
        match self.port.trim() {
            "" => host_and_port(host),
            port => {
                let port = port.parse().map_err(|_nan| {
                    missing(
                        ("the port is no number", "端口不是数字"),
                        (
                            "a port is 1 to 65535, such as 9999",
                            "端口为 1 到 65535，例如 9999",
                        ),
                    )
                })?;
                if host.is_empty() {
                    return Err(missing(
                        ("which server?", "请输入服务器"),
                        (
                            "type its name or address, such as 127.0.0.1",
                            "输入其名称或地址，例如 127.0.0.1",
                        ),
                    ));
                }
                Ok((host.to_owned(), port))
            }
        }
    }

    fn tls(&self) -> Result<Option<ClientTls>> {
        if self.security == Security::Plain {
            return Ok(None);
        }
        if self.ca.is_empty() {
            return Err(missing(
                (
                    "no CA to check the server against",
                    "没有用来验证服务器的 CA",
                ),
                (
                    "choose the CA's certificate, usually certs/ca.crt",
                    "请选择 CA 证书，通常是 certs/ca.crt",
                ),
            ));
        }
        let mutual = self.security == Security::Mutual;
        if mutual && (self.certificate.is_empty() || self.key.is_empty()) {
            return Err(missing(
                ("no certificate of your own", "没有您自己的证书"),
                (
                    "choose your certificate and its key, usually certs/client.crt and client.key",
                    "请选择您的证书和私钥，通常是 certs/client.crt 和 client.key",
                ),
            ));
        }
        Ok(Some(ClientTls {
            roots: Roots::File(self.ca.clone().into()),
            certificate: mutual.then(|| (self.certificate.clone().into(), self.key.clone().into())),
            passphrase: (!self.passphrase.is_empty())
                .then(|| Passphrase::from(self.passphrase.clone())),
            revocation_lists: Vec::new(),
            server_name: None,
            insecure: false,
            pin: None,
            resume: true,
            policy: Policy::default(),
        }))
    }

    /// Overwrites what is secret.
    pub fn forget_secrets(&mut self) {
        self.password.zeroize();
        self.passphrase.zeroize();
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
            Pick::Key => self.key = text,
            _ => {}
        }
    }

    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, recent: &[Recent]) {
        egui::ScrollArea::vertical()
            .auto_shrink(false)
            .show(ui, |ui| {
                ui.vertical_centered(|ui| {
                    ui.set_max_width(520.0);
                    ui.heading(cx.say("Connect to a server", "连接服务器"));
                    self.show_fields(ui, cx, recent);
                });
            });
    }

    fn show_fields(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, recent: &[Recent]) {
        if !recent.is_empty() {
            ui.horizontal_wrapped(|ui| {
                ui.label(cx.say("Recent", "最近"));
                for recent in recent {
                    let word = format!("{}@{}:{}", recent.user, recent.host, recent.port);
                    if ui.button(escape(&word)).clicked() {
                        self.fill(recent);
                    }
                }
            });
        }
        field(ui, cx.say("Server", "服务器"), &mut self.host, false);
        field(ui, cx.say("Port", "端口"), &mut self.port, false);
        for security in Security::ALL {
            let (name, meaning) = (security.name(), security.meaning());
            ui.radio_value(&mut self.security, security, cx.say(name.en, name.zh));
            ui.label(RichText::new(cx.say(meaning.en, meaning.zh)).weak());
        }
        field(ui, cx.say("User", "用户"), &mut self.user, false);
        field(ui, cx.say("Password", "密码"), &mut self.password, true);
        if self.security != Security::Plain {
            file(
                ui,
                cx,
                cx.say("CA certificate", "CA 证书"),
                &mut self.ca,
                Pick::CaFile,
            );
        }
        if self.security == Security::Mutual {
            file(
                ui,
                cx,
                cx.say("Your certificate", "您的证书"),
                &mut self.certificate,
                Pick::Certificate,
            );
            file(
                ui,
                cx,
                cx.say("Private key", "私钥"),
                &mut self.key,
                Pick::Key,
            );
        }
        if self.locked.is_some() {
            field(
                ui,
                cx.say("Passphrase of the key", "私钥口令"),
                &mut self.passphrase,
                true,
            );
        }
        ui.checkbox(
            &mut self.register,
            cx.say("Make a new account", "注册新账户"),
        );
        self.show_end(ui, cx);
    }

    fn show_end(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if let Some(told) = &self.trouble {
            let red = theme::bad(ui.visuals().dark_mode);
            ui.label(RichText::new(escape(cx.say(&told.message.en, &told.message.zh))).color(red));
            ui.label(escape(cx.say(&told.hint.en, &told.hint.zh)));
        }
        ui.horizontal(|ui| {
            if self.connecting {
                ui.spinner();
                if ui.button(cx.say("Cancel", "取消")).clicked() {
                    cx.act(Action::Disconnect);
                }
            } else if ui.button(cx.say("Log in", "登录")).clicked() {
                self.submit(cx);
            }
        });
    }

    fn submit(&mut self, cx: &mut Cx<'_>) {
        match self.request() {
            Ok(request) => {
                self.trouble = None;
                cx.act(Action::Connect(Box::new(request)));
            }
            Err(error) => self.trouble = Some(Told::of(&error)),
        }
    }
}

fn field(ui: &mut Ui, label: &str, text: &mut String, secret: bool) {
    ui.horizontal(|ui| {
        let label = ui.label(label);
        let edit = TextEdit::singleline(text).password(secret);
        ui.add(edit).labelled_by(label.id);
    });
}

fn file(ui: &mut Ui, cx: &mut Cx<'_>, label: &str, text: &mut String, pick: Pick) {
    ui.horizontal(|ui| {
        let name = ui.label(label);
        ui.add(TextEdit::singleline(text)).labelled_by(name.id);
        if ui.button(cx.say("Choose…", "选择…")).clicked() {
            cx.act(Action::Pick(pick));
        }
    });
}

fn missing((text, text_zh): (&str, &str), (hint, hint_zh): (&str, &str)) -> Error {
    Error::new(Kind::Usage, text)
        .hint(hint)
        .zh(text_zh, hint_zh)
}
