//! What the form comes to, or what keeps it from being sent.

use std::path::PathBuf;

use super::{Field, LoginForm, Security};
use crate::client::{self, Login};
use crate::config::{DEFAULT_PORT, PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN};
use crate::error::{Error, Kind};
use crate::gui::engine::Request;
use crate::pki::Passphrase;
use crate::transport::{ClientTls, Roots};

/// What keeps the form from being sent.
pub(super) struct Missing(pub(super) Field, pub(super) Error);

impl Missing {
    pub(super) fn new(field: Field, what: (&str, &str), next: (&str, &str)) -> Self {
        let error = Error::new(Kind::Usage, what.0).hint(next.0);
        Self(field, error.zh(what.1, next.1))
    }
}

impl LoginForm {
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

    pub(super) fn place(&self) -> Result<(String, u16), Missing> {
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
}
