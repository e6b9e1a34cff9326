//! The zoo: certificates that are wrong in one way each, shown to Sealpost and to other programs.
//!
//! Each is made anew, served or presented for real, and judged by the real client or server. What Sealpost
//! should say is written beside each animal; what openssl, curl and Python say is observed only, as they
//! differ with good reason: OpenSSL and curl still take a CN where there is no alternative name, say. What is
//! a matter of time is judged by a clock put forward, and nobody waits.

mod keeper;
mod listed;
mod others;
mod own;
mod peers;
mod tell;
mod zoo;

use serde::Serialize;

use super::house::House;
use super::overhear;
use crate::error::{Error, Result};
use crate::lang::{Both, both, english, english_if_any, same};
use crate::protocol::{AGENT, Request, VERSION, encode};
use crate::text::{self, escape};
use crate::transport::{ClientAuth, ClientTls, Clock, Policy, Roots, ServerTls, connect};
use others::OldServer;
use peers::Stall;
use zoo::{Animal, Side, word};

pub use tell::{cell, closing, expected, legend, of, rows, score, surprises, tables, tell};

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// When, UTC.
    pub made: String,
    /// Every certificate, in order.
    pub animals: Vec<Judged>,
    /// What could not be made or asked, and why.
    pub skipped: Vec<String>,
    /// Whether Sealpost's client verified nothing and its server asked for nothing.
    pub careless: bool,
    /// Whether Sealpost judged all as expected, and every tool took the good ones.
    pub proved: bool,
}

/// One certificate and what everybody said of it.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    /// Its number: `s…` is shown by a server, `c…` by a client, `o…` given to its owner.
    pub id: String,
    /// Who shows it: `server` or `client`; `owner`: nobody, the program it belongs to judges it.
    pub shown_by: &'static str,
    /// What is wrong with it.
    #[serde(serialize_with = "english")]
    pub name: Both,
    /// What Sealpost should do: `accept`, or `refuse`.
    pub expected: &'static str,
    /// What its refusal should say, among other things; of several between `|`, one.
    pub expected_words: Option<&'static str>,
    /// Sealpost first.
    pub verdicts: Vec<Verdict>,
    /// Whether Sealpost did as expected; of a good one, whether all did.
    pub proved: bool,
}

/// What one program made of a certificate.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// The program.
    pub tool: String,
    /// Whether it accepted; nothing when it is not installed.
    pub accepted: Option<bool>,
    /// Its exit code, where it ends and has one to say; of Sealpost, the one the command has.
    pub exit: Option<i32>,
    /// Its own words; only Sealpost's errors are known in Chinese.
    #[serde(serialize_with = "english")]
    pub said: Both,
    /// What the other side heard of it, when that was a client.
    #[serde(serialize_with = "english_if_any")]
    pub peer_heard: Option<Both>,
}

impl Verdict {
    /// Whether this is Sealpost's own.
    pub fn is_own(&self) -> bool {
        self.tool.starts_with("sealpost")
    }

    fn missing(tool: &str) -> Self {
        Self {
            tool: tool.into(),
            accepted: None,
            exit: None,
            said: both("not installed", "未安装"),
            peer_heard: None,
        }
    }

    fn accepted() -> Self {
        Self {
            tool: "sealpost".into(),
            accepted: Some(true),
            exit: Some(0),
            said: acceptance(),
            peer_heard: None,
        }
    }

    /// A judge whose clock cannot be put forward.
    fn clockless(tool: &str) -> Self {
        Self {
            said: both("its clock cannot be put forward", "无法拨快它的时钟"),
            ..Self::missing(tool)
        }
    }

    fn refused(error: &Error) -> Self {
        Self {
            accepted: Some(false),
            exit: Some(error.kind().exit_code().into()),
            said: error.message_both().map(escape),
            ..Self::accepted()
        }
    }
}

/// Makes every animal and has it judged; with `careless` Sealpost's client verifies nothing, and its server
/// asks for no certificate.
pub fn run(careless: bool) -> Result<Finding> {
    overhear::begin();
    let house = House::new()?;
    let zoo = zoo::zoo(&house)?;
    // Where it is does not matter, and it is gone when this is read.
    let folder = house.path("").to_string_lossy().into_owned();
    let (mut judged, mut skipped) = (Vec::new(), zoo.skipped);
    for animal in &zoo.animals {
        let count = judged
            .iter()
            .filter(|other: &&Judged| other.shown_by == word(animal.side));
        let id = format!("{}{}", &word(animal.side)[..1], count.count() + 1);
        let verdicts = match animal.side {
            Side::Server => of_server(&house, animal, careless),
            Side::Client => of_client(&house, animal, careless),
            Side::Owner => own::judged(&house, animal),
        };
        if verdicts.is_empty() {
            skipped.push(format!(
                "{} {}: nobody can serve it",
                word(animal.side),
                animal.name.en
            ));
            continue;
        }
        let verdicts = verdicts.into_iter().map(|verdict| Verdict {
            said: verdict.said.map(|said| said.replace(&folder, "")),
            ..verdict
        });
        judged.push(judge(id, animal, verdicts.collect()));
    }
    for verdict in judged.first().into_iter().flat_map(|first| &first.verdicts) {
        if verdict.accepted.is_none() {
            skipped.push(format!("{}: not installed", verdict.tool));
        }
    }
    Ok(Finding {
        made: text::time(text::now()),
        proved: judged.iter().all(|judged| judged.proved),
        animals: judged,
        skipped,
        careless,
    })
}

fn judge(id: String, animal: &Animal, verdicts: Vec<Verdict>) -> Judged {
    let mut own = verdicts.iter().filter(|one| one.is_own());
    let proved = match animal.refusal {
        None => verdicts
            .iter()
            .all(|verdict| verdict.accepted != Some(false)),
        Some(words) => own.all(|own| {
            let said = own.said.en.to_lowercase();
            let mut words = words.split('|').map(str::to_lowercase);
            own.accepted == Some(false) && words.any(|word| said.contains(&word))
        }),
    };
    Judged {
        id,
        shown_by: word(animal.side),
        name: animal.name.clone(),
        expected: match animal.refusal {
            None => "accept",
            Some(_) => "refuse",
        },
        expected_words: animal.refusal,
        verdicts,
        proved,
    }
}

/// By which clock it is judged.
fn judging(animal: &Animal) -> Policy {
    Policy {
        clock: Clock::ahead(animal.ahead),
        ..Policy::default()
    }
}

fn acceptance() -> Both {
    both("accepted", "接受")
}

/// A server shows it.
fn of_server(house: &House, animal: &Animal, careless: bool) -> Vec<Verdict> {
    let Some(shown) = &animal.shown else {
        return Vec::new();
    };
    let (stall, old) = match Stall::open(shown, animal.version) {
        Ok(stall) => (Some(stall), None),
        Err(_no_signer) => (None, OldServer::open(shown)),
    };
    let address = stall.as_ref().map(|stall| stall.address);
    let Some(address) = address.or_else(|| old.as_ref().map(|old| old.address)) else {
        return Vec::new();
    };
    let tls = ClientTls {
        roots: Roots::File(animal.trusted.clone()),
        revocation_lists: animal.list.clone().into_iter().collect(),
        insecure: careless,
        policy: judging(animal),
        ..house.client_tls(None)
    };
    let judged = tls.load().and_then(|tls| {
        let patience = super::house::PATIENCE;
        connect("127.0.0.1", address.port(), Some(&tls), patience)
    });
    let mut verdicts = vec![match judged {
        Ok((stream, _context)) => {
            stream.close();
            Verdict::accepted()
        }
        Err(error) => Verdict::refused(&error),
    }];
    verdicts.extend(others::CLIENTS.map(|judge| judge(animal, address)));
    verdicts
}

/// A client shows it.
fn of_client(house: &House, animal: &Animal, careless: bool) -> Vec<Verdict> {
    let tls = ServerTls {
        client_ca: animal.trusted.clone(),
        revocation_lists: animal.list.clone().into_iter().collect(),
        policy: judging(animal),
        ..house.server_tls(match careless {
            true => ClientAuth::None,
            false => ClientAuth::Required,
        })
    };
    let own = match house.serve(Some(tls)) {
        // It does not even start.
        Err(error) => Verdict::refused(&error),
        Ok(server) => {
            let hello = Request::Hello {
                version: VERSION,
                agent: AGENT.to_owned(),
            };
            let hello = encode(&hello).unwrap_or_default();
            let mark = overhear::mark();
            let ca = house.ca.dir().join("ca.crt");
            match peers::show(animal, server.address, &ca, &hello) {
                Ok(()) => Verdict::accepted(),
                Err(heard) => {
                    let said = mark.since(1).join("; ");
                    let said = said.strip_prefix("handshake failed: ").unwrap_or(&said);
                    Verdict {
                        accepted: Some(false),
                        exit: None,
                        said: same(escape(said)),
                        peer_heard: Some(heard),
                        ..Verdict::accepted()
                    }
                }
            }
        }
    };
    let server = house.pair("server");
    let mut verdicts = vec![own];
    verdicts.extend(others::SERVERS.map(|judge| judge(animal, &server)));
    verdicts
}
