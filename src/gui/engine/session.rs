//! One session: a thread that owns a client, carries out orders, and looks now and then what is new.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::overheard::Overheard;
use super::told::Told;
use crate::client::{Client, Login, Narrator, Target};
use crate::error::{Error, Kind, Result};
use crate::gui::listing::Listing;
use crate::pki::keys;
use crate::protocol::{Account, Conflict, FileName, HelloReply};
use crate::transport::{ClientTls, Connector, Session, Story};

/// Bounds waiting for a reply, and a stall in a transfer.
const REPLY_TIMEOUT: Duration = Duration::from_secs(30);

/// How often the list is looked at again by itself; also keeps the server from ending an idle session.
const REFRESH: Duration = Duration::from_secs(10);

/// A listing that takes long is asked for less often: at most so much of the time goes into it.
const REFRESH_SHARE: u32 = 50;

/// Where to connect, how, and as whom.
#[derive(Clone, Debug)]
pub struct Request {
    /// The host's name or address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How TLS is done; plain TCP without it.
    pub tls: Option<ClientTls>,
    /// Who logs in.
    pub login: Login,
    /// Make the account first.
    pub register: bool,
    /// Bounds connecting and the handshake.
    pub connect_timeout: Duration,
}

/// A session that came about.
#[derive(Clone, Debug)]
pub struct Connected {
    /// What the server said of itself and of the connection.
    pub hello: HelloReply,
    /// Who is logged in.
    pub account: Account,
    /// What the handshake agreed on; `None` when plain.
    pub session: Option<Session>,
    /// Where transfers go, and as whom.
    pub target: Arc<Target>,
}

/// What the session can be told to do.
#[derive(Clone, Debug)]
pub enum Order {
    /// Look at the list again.
    Refresh,
    /// Remove these files.
    Delete(Vec<FileName>),
    /// Give files other names: each from the name it has to the one it gets. The first that is refused is
    /// the last that is tried.
    Rename(Vec<(FileName, FileName)>),
    /// Change the own password.
    Passwd {
        /// The present one.
        old: Zeroizing<String>,
        /// The next one.
        new: Zeroizing<String>,
    },
}

/// What an order was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The list was looked at.
    Listed,
    /// A file was removed.
    Deleted(FileName),
    /// A file got another name.
    Renamed(FileName, FileName),
    /// The password was changed.
    PasswordChanged,
}

/// What a session tells.
#[derive(Debug)]
pub enum SessionEvent {
    /// The private key is locked: the request needs a passphrase, or another one than it had.
    Locked(PathBuf, Option<Told>),
    /// How the connection came about, or did not.
    Story(Box<Story>),
    /// Logged in.
    Connected(Box<Connected>),
    /// The session did not come about.
    Failed(Told),
    /// The session ended without being told to.
    Lost(Told),
    /// The list is another than it was.
    Listing(Arc<Listing>),
    /// Done as ordered.
    Done(Deed),
    /// The password is another: whoever connects from now on does it so.
    Target(Arc<Target>),
    /// Not done, and why; the session goes on.
    Refused(Deed, Told),
}

/// Connects, and serves `orders` until nobody can give any.
pub(super) fn run(
    request: &Request,
    orders: &Receiver<Order>,
    overheard: Arc<Overheard>,
    send: &(impl Fn(SessionEvent) + Clone + Send + Sync + 'static),
) {
    if let Some(path) = locked(request) {
        return send(SessionEvent::Locked(path, None));
    }
    let secrets = request.tls.as_ref();
    overheard.begin(secrets.and_then(|tls| tls.policy.kept.clone()));
    match connect(request, overheard, send) {
        Ok((client, connected)) => {
            let target = Arc::clone(&connected.target);
            send(SessionEvent::Connected(Box::new(connected)));
            serve(client, target, orders, send);
        }
        Err(error) => send(match opened_by_none(request, &error) {
            Some(path) => SessionEvent::Locked(path, Some(Told::of(&error))),
            None => SessionEvent::Failed(Told::of(&error)),
        }),
    }
}

/// The private key that cannot be opened for want of a passphrase.
fn locked(request: &Request) -> Option<PathBuf> {
    let tls = request.tls.as_ref()?;
    let (_, key) = tls.certificate.as_ref()?;
    let locked = tls.passphrase.is_none() && keys::needs_passphrase(key).unwrap_or(false);
    locked.then(|| key.clone())
}

/// The private key that the passphrase given does not open, if that is the error.
fn opened_by_none(request: &Request, error: &Error) -> Option<PathBuf> {
    let tls = request.tls.as_ref()?;
    let (_, key) = tls.certificate.as_ref()?;
    let given = tls.passphrase.as_ref()?;
    let wrong = error.kind() == Kind::OwnCertificate
        && keys::needs_passphrase(key).unwrap_or(false)
        && keys::private_key(key, Some(given)).is_err();
    wrong.then(|| key.clone())
}

fn connect(
    request: &Request,
    overheard: Arc<Overheard>,
    send: &(impl Fn(SessionEvent) + Clone + Send + Sync + 'static),
) -> Result<(Client<Connector>, Connected)> {
    let mut target = Target {
        host: request.host.clone(),
        port: request.port,
        tls: request.tls.as_ref().map(ClientTls::load).transpose()?,
        connect_timeout: request.connect_timeout,
        timeout: REPLY_TIMEOUT,
        rate: None,
        login: request.login.clone(),
        narrator: None,
        onlooker: Some(overheard),
    };
    let narrate = send.clone();
    let narrator =
        Narrator::new(move |story| narrate(SessionEvent::Story(Box::new(story.clone()))));
    target.narrator = Some(narrator);
    let mut client = target.connect()?;
    let account = match &target.login {
        Login::Password { user, password } if request.register => {
            client.register(user, password)?
        }
        Login::Password { user, password } => client.login(user, password)?,
        Login::Certificate => client.login_by_certificate()?,
    };
    // The story of each transfer's connection would be the same once more.
    target.narrator = None;
    let hello = client.hello().cloned();
    let connected = Connected {
        hello: hello.ok_or_else(|| Error::new(Kind::Protocol, "the server did not say hello"))?,
        account,
        session: client.session(),
        target: Arc::new(target),
    };
    Ok((client, connected))
}

fn serve(
    client: Client<Connector>,
    target: Arc<Target>,
    orders: &Receiver<Order>,
    send: &impl Fn(SessionEvent),
) {
    let mut session = Serving {
        client,
        target,
        listed: None,
        before: None,
    };
    let mut order = Some(Order::Refresh);
    let mut pause = REFRESH;
    loop {
        if let Some(order) = order.take() {
            let began = Instant::now();
            session.carry_out(order, send);
            pause = REFRESH.max(began.elapsed() * REFRESH_SHARE);
        }
        if !session.client.usable() {
            return;
        }
        order = match orders.recv_timeout(pause) {
            Ok(order) => Some(order),
            Err(RecvTimeoutError::Timeout) => Some(Order::Refresh),
            Err(RecvTimeoutError::Disconnected) => return session.client.quit(),
        };
    }
}

/// A session that carries out orders.
struct Serving {
    client: Client<Connector>,
    /// Where transfers go, and as whom.
    target: Arc<Target>,
    /// What was told of the list last.
    listed: Option<Arc<Listing>>,
    /// And before: freeing many names takes its time, which is to be this thread's and not the window's.
    before: Option<Arc<Listing>>,
}

impl Serving {
    /// Does it, and tells how it went; afterwards the list is looked at again.
    fn carry_out(&mut self, order: Order, send: &impl Fn(SessionEvent)) {
        let asked = matches!(order, Order::Refresh);
        match order {
            Order::Refresh => {}
            Order::Delete(names) => {
                for name in names {
                    let done = self.client.delete(&name);
                    if !self.tell(Deed::Deleted(name), done, send) {
                        return;
                    }
                }
            }
            Order::Rename(pairs) => {
                for (from, to) in pairs {
                    let done = self.client.rename(&from, &to, Conflict::Error);
                    let refused = done.is_err();
                    if !self.tell(Deed::Renamed(from, to), done.map(drop), send) {
                        return;
                    }
                    if refused {
                        break;
                    }
                }
            }
            Order::Passwd { old, new } => {
                let done = self.client.passwd(&old, &new);
                if done.is_ok() {
                    self.log_in_with(new, send);
                }
                if !self.tell(Deed::PasswordChanged, done, send) {
                    return;
                }
            }
        }
        self.list(asked, send);
    }

    fn list(&mut self, asked: bool, send: &impl Fn(SessionEvent)) {
        match self.client.list("") {
            Ok(files) => {
                if self.listed.as_deref().map(|listed| &listed[..]) != Some(&files[..]) {
                    let files = Arc::new(Listing::of(files));
                    self.before = self.listed.replace(Arc::clone(&files));
                    send(SessionEvent::Listing(files));
                }
                if asked {
                    send(SessionEvent::Done(Deed::Listed));
                }
            }
            failed => {
                self.tell(Deed::Listed, failed.map(drop), send);
            }
        }
    }

    /// What connects from now on logs in with this password, where passwords are the login.
    fn log_in_with(&mut self, new: Zeroizing<String>, send: &impl Fn(SessionEvent)) {
        let mut target = Target::clone(&self.target);
        if let Login::Password { password, .. } = &mut target.login {
            *password = new;
            self.target = Arc::new(target);
            send(SessionEvent::Target(Arc::clone(&self.target)));
        }
    }

    /// Tells how a deed went; whether the session goes on.
    fn tell(&self, deed: Deed, done: Result<()>, send: &impl Fn(SessionEvent)) -> bool {
        let usable = self.client.usable();
        match done {
            Ok(()) => send(SessionEvent::Done(deed)),
            Err(error) if usable => send(SessionEvent::Refused(deed, Told::of(&error))),
            Err(error) => send(SessionEvent::Lost(Told::of(&error))),
        }
        usable
    }
}

/// Sessions for the tests.
#[cfg(test)]
pub(in crate::gui) mod sample {
    use serde_json::json;

    use super::*;

    /// What a server says of itself.
    pub(in crate::gui) fn hello() -> HelloReply {
        let hello = json!({
            "version": 1, "agent": "test", "secure": "plain", "identity": null,
            "login": ["password"], "register": false, "id": "c1",
        });
        serde_json::from_value(hello).unwrap()
    }

    /// A session of `user`.
    pub(in crate::gui) fn connected(target: &Arc<Target>, user: &str) -> Connected {
        let account = json!({"user": user, "role": "user"});
        Connected {
            hello: hello(),
            account: serde_json::from_value(account).unwrap(),
            session: None,
            target: Arc::clone(target),
        }
    }
}
