//! A certificate is revoked while its holder is connected: what the server has to do, and what happens when
//! a part of it is forgotten.
//!
//! The holder has a session that is open and a ticket from an earlier one. Revoking takes four things: the
//! list is written, the server reads it, open sessions are cut, old tickets count no more. Sealpost's server
//! does the last two with every reload and has no switch for it: where these are forgotten, a naive server
//! of the lab's own stands in its place.

mod events;
mod naive;
mod tell;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::house::{House, PATIENCE, Running, USER};
use crate::client::{Login, Target};
use crate::error::{Error, Kind, Result};
use crate::lang::{Both, both, english};
use crate::pki::IssueRequest;
use crate::pki::authority::CRL_DAYS;
use crate::pki::index::Reason;
use crate::store::trail;
use crate::text::escape;
use crate::transport::{
    ClientAuth, ClientTls, Policy, Resumption, ServerTls, TlsClient, TlsVersion,
};
use events::{Story, connect, how, stays};
use naive::Naive;

pub use tell::tell;

/// The part that is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Forget {
    /// The list is not written.
    Crl,
    /// The server is not told to read it.
    Reload,
    /// Open sessions are not looked at.
    Sessions,
    /// Old tickets go on counting.
    Tickets,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What was forgotten.
    pub forgotten: Option<Forget>,
    /// Once with TLS 1.3, once with 1.2.
    pub runs: Vec<Run>,
    /// Whether nothing of the revoked certificate got in or stayed in.
    pub safe: bool,
    /// Whether all came out as expected: safe, or with the hole that what was forgotten leaves.
    pub proved: bool,
}

/// The story with one version.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: String,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// The server's audit trail of it; the naive server keeps none.
    pub audit: Vec<String>,
    /// How the revoked certificate fared.
    pub fared: Fared,
    /// How it should.
    pub expected: Fared,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// Milliseconds since the operator began to revoke; before that, negative.
    pub at_ms: f64,
    /// Who did it, or whom it happened to.
    pub who: &'static str,
    /// What.
    #[serde(serialize_with = "english")]
    pub what: Both,
    /// In whose words, if in words.
    #[serde(serialize_with = "english")]
    pub said: Both,
}

/// What is open to the revoked certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four doors, each open or shut by itself"
)]
pub struct Fared {
    /// The session that was open goes on.
    pub session_lives: bool,
    /// A new handshake is let in.
    pub handshake_accepted: bool,
    /// A handshake with the old ticket is let in.
    pub ticket_accepted: bool,
    /// Another user's session goes on, as it must.
    pub other_lives: bool,
}

impl Fared {
    fn expected(forgotten: Option<Forget>) -> Self {
        let nothing_reached = matches!(forgotten, Some(Forget::Crl | Forget::Reload));
        Self {
            session_lives: nothing_reached || forgotten == Some(Forget::Sessions),
            handshake_accepted: nothing_reached,
            ticket_accepted: nothing_reached || forgotten == Some(Forget::Tickets),
            other_lives: true,
        }
    }

    fn is_safe(self) -> bool {
        !self.session_lives && !self.handshake_accepted && !self.ticket_accepted
    }
}

/// Tells the story with both versions.
pub fn run(forgotten: Option<Forget>) -> Result<Finding> {
    let runs = [TlsVersion::V1_3, TlsVersion::V1_2].map(|version| story(version, forgotten));
    let runs = runs.into_iter().collect::<Result<Vec<_>>>()?;
    Ok(Finding {
        forgotten,
        safe: runs.iter().all(|run| run.fared.is_safe()),
        proved: runs.iter().all(|run| run.fared == run.expected),
        runs,
    })
}

/// The server of the story.
enum Server {
    Sealpost(Running),
    Naive(Box<Naive>),
}

impl Server {
    fn start(house: &House, tls: ServerTls, forgotten: Option<Forget>) -> Result<Self> {
        Ok(match forgotten {
            Some(forgotten @ (Forget::Sessions | Forget::Tickets)) => {
                Self::Naive(Box::new(Naive::start(tls, forgotten)?))
            }
            _ => Self::Sealpost(house.serve(Some(tls))?),
        })
    }

    fn address(&self) -> SocketAddr {
        match self {
            Self::Sealpost(running) => running.address,
            Self::Naive(naive) => naive.address,
        }
    }

    /// Reads the list anew; done when this returns.
    fn reload(&self) -> Result<()> {
        match self {
            Self::Naive(naive) => naive.reload(),
            Self::Sealpost(running) => {
                running.handle.reload();
                audit_with(running, "reload", 1).map(drop)
            }
        }
    }
}

fn story(version: TlsVersion, forgotten: Option<Forget>) -> Result<Run> {
    let house = House::new()?;
    house.ca.issue(&IssueRequest {
        out: Some("bob".into()),
        ..IssueRequest::client("bob")
    })?;
    let tls = ServerTls {
        resumption: Resumption::Cache,
        ..house.server_tls(ClientAuth::Required)
    };
    let server = Server::start(&house, tls, forgotten)?;
    let target = |user: &str, resume| -> Result<Target> {
        let tls = client(&house, version, user, resume)?;
        Ok(Target {
            login: Login::Certificate,
            ..house.target(server.address(), Some(tls))
        })
    };
    let mut story = Story {
        began: Instant::now(),
        events: Vec::new(),
    };
    let (holder, newcomer) = (target(USER, true)?, target(USER, false)?);
    let (mut session, handshake) = connect(&holder)?;
    session.whoami()?;
    story.tell(USER, stays(), how(handshake));
    let again = both("connects once more, with a ticket", "凭会话票据再次连接");
    story.attempt(&again, &holder);
    // Bob has no account here: his certificate lets him connect, and that is what counts.
    let (mut other, _) = connect(&target("bob", false)?)?;
    story.tell("bob", stays(), bystander());
    revoke(&house, &mut story, forgotten)?;
    reload(&server, &mut story, forgotten)?;
    let fared = Fared {
        session_lives: story.still_there(USER, &mut session),
        handshake_accepted: story.attempt(&both("connects anew", "重新连接"), &newcomer),
        ticket_accepted: story.attempt(
            &both("connects with the old ticket", "凭旧票据连接"),
            &holder,
        ),
        // A refusal for want of a login is an answer too: the connection is not cut.
        other_lives: other
            .whoami()
            .map_or_else(|error| error.kind() == Kind::LoginRefused, |_account| true),
    };
    story.tell(
        "bob",
        match fared.other_lives {
            true => both("is not disturbed", "未受影响"),
            false => both("is cut off too", "也被切断"),
        },
        Both::default(),
    );
    let audit = match &server {
        Server::Sealpost(running) => {
            let refused = [fared.handshake_accepted, fared.ticket_accepted];
            let refused = refused.iter().filter(|accepted| !**accepted).count();
            audit_with(running, "handshake_failed", refused)?
        }
        Server::Naive(_) => Vec::new(),
    };
    let audit = without_folder(&house, &mut story, &audit);
    Ok(Run {
        version: match version {
            TlsVersion::V1_3 => "TLSv1.3".into(),
            TlsVersion::V1_2 => "TLSv1.2".into(),
        },
        events: story.events,
        audit,
        fared,
        expected: Fared::expected(forgotten),
    })
}

/// Why the audit trail has a refused login of his.
fn bystander() -> Both {
    both(
        "his certificate is good; that he has no account here does not matter",
        "他的证书有效；这里没有他的账户，但不影响实验",
    )
}

fn reload(server: &Server, story: &mut Story, forgotten: Option<Forget>) -> Result<()> {
    if forgotten == Some(Forget::Reload) {
        let forgets = both("forgets to make the server reload", "忘记让服务器重新加载");
        story.tell("operator", forgets, Both::default());
    } else {
        server.reload()?;
        let read = both("the server has read the list", "服务器已读入列表");
        story.tell("operator", read, Both::default());
    }
    Ok(())
}

/// The audit trail without the folder's name, and the story too: it does not matter where that was, and it is
/// gone when this is read.
fn without_folder(house: &House, story: &mut Story, audit: &[String]) -> Vec<String> {
    let folder = house.path("").to_string_lossy().into_owned();
    for event in &mut story.events {
        event.said = event.said.map(|said| said.replace(&folder, ""));
    }
    audit.iter().map(|line| line.replace(&folder, "")).collect()
}

/// Revokes the user's certificate; from here on the clock counts.
fn revoke(house: &House, story: &mut Story, forgotten: Option<Forget>) -> Result<()> {
    let list = house.ca.dir().join("crl.pem");
    let before = std::fs::read(&list);
    let revocation = story.began.elapsed();
    for event in &mut story.events {
        event.at_ms -= revocation.as_secs_f64() * 1000.0;
    }
    story.began += revocation;
    let which = house.pair(USER).0.to_string_lossy().into_owned();
    let revoked = house.ca.revoke(&which, Reason::KeyCompromise, CRL_DAYS)?;
    if forgotten != Some(Forget::Crl) {
        let (number, count) = (revoked.list.number, revoked.list.revoked);
        story.tell(
            "operator",
            both(
                format!("revokes the certificate of {USER}"),
                format!("吊销 {USER} 的证书"),
            ),
            both(
                format!("list number {number}, {count} on it"),
                format!("列表编号 {number}，其中 {count} 张"),
            ),
        );
        return Ok(());
    }
    // The CA's own index has it; the list the server reads is the old one.
    let failed = |error| Error::io(Kind::LocalWrite, "put back the old list", error);
    let old = house.file("old-crl.pem", &before.map_err(failed)?)?;
    std::fs::rename(old, list).map_err(failed)?;
    let what = both(
        format!("revokes the certificate of {USER}, and forgets the list"),
        format!("吊销 {USER} 的证书，但忘了发布列表"),
    );
    story.tell("operator", what, Both::default());
    Ok(())
}

fn client(house: &House, version: TlsVersion, user: &str, resume: bool) -> Result<TlsClient> {
    let tls = ClientTls {
        resume,
        policy: Policy::only(version),
        ..house.client_tls(Some(user))
    };
    tls.load()
}

/// The audit trail, when it has so many events of this kind: they are written a little after they happen.
fn audit_with(running: &Running, event: &str, times: usize) -> Result<Vec<String>> {
    let until = Instant::now() + PATIENCE;
    loop {
        let lines = audit(running)?;
        let such = lines.iter().filter(|line| line.contains(event)).count();
        if such >= times {
            return Ok(lines);
        }
        if Instant::now() > until {
            let message = format!("the audit trail has no {event}");
            return Err(Error::new(Kind::Timeout, message));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn audit(running: &Running) -> Result<Vec<String>> {
    let path: &PathBuf = &running.audit;
    let mut lines = Vec::new();
    trail::each_record(path, |record| {
        let detail = |key| record.text(key).map(escape);
        let words = [detail("user"), detail("subject"), detail("reason")];
        let words: Vec<String> = words.into_iter().flatten().collect();
        let id: String = record.id.chars().take(8).collect();
        let line = format!("{id:<9} {}  {}", record.event, words.join("  "));
        lines.push(line.trim_end().to_owned());
    })?;
    Ok(lines)
}
