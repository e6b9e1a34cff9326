//! What happens, as it happens: who did what, and in which words.

use std::time::Instant;

use super::Event;
use crate::client::{Client, Target};
use crate::error::Result;
use crate::lab::house::USER;
use crate::lab::resumption;
use crate::lang::{Both, both};
use crate::text::escape;
use crate::transport::Connector;

/// The events so far.
pub(super) struct Story {
    pub(super) began: Instant,
    pub(super) events: Vec<Event>,
}

impl Story {
    pub(super) fn tell(&mut self, who: &'static str, what: Both, said: Both) {
        self.events.push(Event {
            at_ms: self.began.elapsed().as_secs_f64() * 1000.0,
            who,
            what,
            said,
        });
    }

    /// Whether a connection is let in.
    pub(super) fn attempt(&mut self, what: &Both, target: &Target) -> bool {
        match connect(target) {
            Ok((client, handshake)) => {
                let let_in = both(format!("{}: let in", what.en), format!("{}：放行", what.zh));
                self.tell(USER, let_in, how(handshake));
                client.quit();
                true
            }
            Err(error) => {
                let refused = both(
                    format!("{}: refused", what.en),
                    format!("{}：被拒绝", what.zh),
                );
                self.tell(USER, refused, error.message_both().map(escape));
                false
            }
        }
    }

    /// Whether a session that is open goes on.
    pub(super) fn still_there(
        &mut self,
        who: &'static str,
        client: &mut Client<Connector>,
    ) -> bool {
        match client.whoami() {
            Ok(_) => {
                let answered = both(
                    "asks something on the open session: answered",
                    "在已打开的会话中提问：得到应答",
                );
                self.tell(who, answered, Both::default());
                true
            }
            Err(error) => {
                let cut = both(
                    "asks something on the open session: cut off",
                    "在已打开的会话中提问：被切断",
                );
                self.tell(who, cut, error.message_both().map(escape));
                false
            }
        }
    }
}

/// What a user does who comes and does not go.
pub(super) fn stays() -> Both {
    both("connects and stays", "连接并保持")
}

/// How a handshake was.
pub(super) fn how(handshake: &str) -> Both {
    let kind = resumption::kind(handshake);
    both(
        format!("handshake {}", kind.en),
        format!("握手：{}", kind.zh),
    )
}

/// A connection that is let in and, if there is such an account, logged in; and how its handshake was.
pub(super) fn connect(target: &Target) -> Result<(Client<Connector>, &'static str)> {
    let mut client = target.connect()?;
    let handshake = client.session().map_or("none", |session| session.handshake);
    // In TLS 1.3 the tickets come with the first answers.
    let _no_account = client.login_by_certificate();
    Ok((client, handshake))
}
