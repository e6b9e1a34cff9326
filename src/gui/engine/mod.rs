//! What the window has done for it, on threads of their own, so that nothing ever blocks the window.
//!
//! [`Engine`] takes orders and gives [`Event`]s back through a channel; it knows nothing of drawing. Each
//! session has a thread that owns its client; transfers have a thread that deals out work, and workers with
//! connections of their own ([`transfers`]). [`overheard`] keeps what passed, as a stranger would.

pub mod overheard;
mod queue;
pub(in crate::gui) mod session;
pub mod told;
pub mod transfers;

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::client::Target;
use crate::error::{Error, Kind, Result};
use overheard::Overheard;
pub use session::{Connected, Deed, Order, Request, SessionEvent};
use transfers::{Gathering, Transfer, TransferOrder};

/// How soon the window shows what became of a transfer: many small files end in a moment.
const SHOWN_WITHIN: Duration = Duration::from_millis(50);

/// Asks the window to look at its events, within this time.
#[derive(Clone)]
pub struct Wake(Arc<dyn Fn(Duration) + Send + Sync>);

impl Wake {
    /// One that does `wake`.
    pub fn new(wake: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        Self(Arc::new(wake))
    }
}

impl fmt::Debug for Wake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wake")
    }
}

/// Something the window should know.
#[derive(Debug)]
pub enum Event {
    /// Of the session that is the present one.
    Session(SessionEvent),
    /// How a transfer stands now.
    Transfer(Box<Transfer>),
    /// What was found of what is to be uploaded.
    Gathering(Gathering),
}

/// An event, and which session it is of.
#[derive(Debug)]
enum Post {
    Session(u64, SessionEvent),
    Transfer(Box<Transfer>),
    Gathering(Gathering),
}

/// Where threads send their events.
#[derive(Clone, Debug)]
struct Out {
    posts: Sender<Post>,
    wake: Wake,
}

impl Out {
    fn send(&self, post: Post) {
        let within = match &post {
            Post::Session(..) => Duration::ZERO,
            Post::Transfer(_) | Post::Gathering(_) => SHOWN_WITHIN,
        };
        // Without a window nobody needs to know.
        let _no_window = self.posts.send(post);
        (self.wake.0)(within);
    }
}

/// The threads behind a window.
#[derive(Debug)]
pub struct Engine {
    posts: Receiver<Post>,
    out: Out,
    session: Option<Sender<Order>>,
    /// What the present session was made of, its secrets too: in memory only, until it is ended.
    request: Option<Request>,
    /// The number of the present session; events of earlier ones are nobody's business any more.
    number: u64,
    transfers: Sender<transfers::Mail>,
    overheard: Arc<Overheard>,
}

impl Engine {
    /// One that calls `wake` when there is an event.
    pub fn start(wake: Wake) -> Result<Self> {
        let (posts, received) = channel();
        let out = Out { posts, wake };
        let overheard = Arc::new(Overheard::new(out.wake.clone()));
        Ok(Self {
            posts: received,
            transfers: transfers::start(out.clone())?,
            out,
            session: None,
            request: None,
            number: 0,
            overheard,
        })
    }

    /// Connects and logs in; an earlier session ends.
    pub fn connect(&mut self, request: Request) -> Result<()> {
        self.disconnect();
        self.request = Some(request.clone());
        let (orders, received) = channel();
        let (out, number) = (self.out.clone(), self.number);
        let overheard = Arc::clone(&self.overheard);
        let send = move |event| out.send(Post::Session(number, event));
        thread("session", move || {
            session::run(&request, &received, overheard, &send);
        })?;
        self.session = Some(orders);
        Ok(())
    }

    /// Connects and logs in as the last time; nothing happens when there was none, or it was ended.
    pub fn reconnect(&mut self) -> Result<()> {
        match self.request.take() {
            // The account is made by now.
            Some(request) => self.connect(Request {
                register: false,
                ..request
            }),
            None => Ok(()),
        }
    }

    /// Ends the session, or the attempt at one; its events come no more. Transfers go on.
    pub fn disconnect(&mut self) {
        self.number += 1;
        self.session = None;
        self.request = None;
    }

    /// Whoever connects again logs in as this target does.
    pub fn log_in_as(&mut self, target: &Target) {
        if let Some(request) = &mut self.request {
            request.login = target.login.clone();
        }
    }

    /// Gives the session an order. Without one nothing happens.
    pub fn order(&self, order: Order) {
        if let Some(session) = &self.session {
            let _ended = session.send(order);
        }
    }

    /// Gives the transfers an order.
    pub fn transfer(&self, order: TransferOrder) {
        let _ended = self.transfers.send(transfers::Mail::Order(order));
    }

    /// The next event, if there is one.
    pub fn event(&self) -> Option<Event> {
        loop {
            match self.posts.try_recv().ok()? {
                Post::Session(number, event) if number == self.number => {
                    return Some(Event::Session(event));
                }
                Post::Session(..) => {}
                Post::Transfer(transfer) => return Some(Event::Transfer(transfer)),
                Post::Gathering(news) => return Some(Event::Gathering(news)),
            }
        }
    }

    /// Has the window look at its events once more.
    pub fn wake(&self) {
        (self.out.wake.0)(Duration::ZERO);
    }

    /// What passed on the wire.
    pub fn overheard(&self) -> &Arc<Overheard> {
        &self.overheard
    }
}

impl Drop for Engine {
    /// Nobody is left to hear of anything: what runs is cut, and goes on another time from where it was.
    fn drop(&mut self) {
        let _ended = self.transfers.send(transfers::Mail::Quit);
    }
}

/// Where transfers of a session go, and as whom; shared by all of them.
pub type SharedTarget = Arc<Target>;

/// Starts a thread of this name.
pub(super) fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let builder = std::thread::Builder::new().name(name.to_owned());
    builder.spawn(work).map_err(|error| {
        Error::new(Kind::Other, format!("cannot start a thread ({name})"))
            .hint("close other programs, then try again")
            .zh(format!("无法启动线程（{name}）"), "请关闭其他程序后重试")
            .source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Login;
    use crate::gui::engine::transfers::sample::{target, told};

    fn engine() -> Engine {
        Engine::start(Wake::new(|_within| {})).unwrap()
    }

    /// A request for an account at a place where nothing listens.
    fn request() -> Request {
        Request {
            host: "127.0.0.1".into(),
            port: 1,
            tls: None,
            login: Login::Certificate,
            register: true,
            connect_timeout: Duration::from_secs(1),
        }
    }

    #[test]
    fn of_an_ended_session_nothing_is_heard_any_more() {
        let mut engine = engine();
        let failed = |engine: &Engine| {
            let event = SessionEvent::Failed(told());
            engine.out.send(Post::Session(engine.number, event));
        };
        failed(&engine);
        assert!(engine.event().is_some());
        failed(&engine);
        engine.disconnect();
        assert!(engine.event().is_none());
        failed(&engine);
        assert!(engine.event().is_some(), "this is of the next one");
    }

    #[test]
    fn connecting_again_logs_in_with_what_holds_by_now_and_ending_forgets_it() {
        let mut engine = engine();
        engine.connect(request()).unwrap();
        let password = || Login::Password {
            user: "alice".into(),
            password: zeroize::Zeroizing::new("another battery".into()),
        };
        engine.log_in_as(&Target {
            login: password(),
            ..Target::clone(&target("127.0.0.1", 1))
        });
        engine.reconnect().unwrap();
        let request = engine.request.as_ref().unwrap();
        assert!(!request.register, "the account is made by now");
        assert!(matches!(&request.login, Login::Password { user, .. } if user == "alice"));
        engine.disconnect();
        assert!(engine.request.is_none() && engine.session.is_none());
        engine.reconnect().unwrap();
        assert!(engine.session.is_none(), "there is nothing to do again");
    }
}
