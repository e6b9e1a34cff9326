//! (b), (c), (d) TLS: everything depends on who verifies whom.

use serde_json::Value;

use super::forge::Loot;
use super::intercept::{intercept, phish};
use super::plain::FORGERY;
use super::victim::{self, NOTE, NOTE_NAME};
use super::{Excerpt, Scene, Setup, Step};
use crate::error::{Error, Kind, Result};
use crate::lab::door::{Door, attack, relay};
use crate::lab::house::{self, Pair, Running, SERVER, USER};
use crate::lab::overhear;
use crate::lang::{Both, both, join, same};
use crate::pki::{Authority, InitOptions, IssueRequest, inspect, keys};
use crate::text::escape;
use crate::transport::{ClientAuth, ClientTls};

pub(super) fn steps(scene: &Scene) -> Result<Vec<Step>> {
    let mallory = Mallory::new(scene)?;
    let server = scene
        .house
        .serve(Some(scene.house.server_tls(ClientAuth::None)))?;
    let mut steps = vec![mallory.trusted_blindly(scene, &server)?];
    steps.extend(mallory.verified(scene, &server)?);
    drop(server);
    let server = scene
        .house
        .serve(Some(scene.house.server_tls(ClientAuth::Required)))?;
    steps.push(mallory.without_certificate(scene, &server)?);
    steps.push(mallory.with_the_password_alone(scene, &server)?);
    Ok(steps)
}

/// The attacker, its own CA, and what it could lay hands on.
struct Mallory {
    own: Pair,
    twin: Pair,
    own_client: Pair,
    other_host: Pair,
    right_host: Pair,
}

/// A step's number, what is shown, its files, the client's pin and its exit code.
type Disguise<'a> = (&'static str, Both, &'a Pair, Option<String>, u8);

impl Mallory {
    fn new(scene: &Scene) -> Result<Self> {
        let dir = scene.house.path("mallory");
        let named = InitOptions {
            name: Some("Mallory's CA".into()),
            ..InitOptions::default()
        };
        let (own, _) = Authority::init(&dir, &named)?;
        let twin_dir = scene.house.path("twin");
        let (twin, _) = Authority::init(&twin_dir, &InitOptions::default())?;
        let issue = |ca: &Authority, request: IssueRequest, out: &str| {
            ca.issue(&IssueRequest {
                out: Some(out.into()),
                ..request
            })
        };
        issue(&own, IssueRequest::server([SERVER]), "server")?;
        issue(&own, IssueRequest::client(USER), USER)?;
        issue(&twin, IssueRequest::server([SERVER]), "server")?;
        issue(
            &scene.house.ca,
            IssueRequest::server(["mallory.example"]),
            "mallory",
        )?;
        issue(&scene.house.ca, IssueRequest::server([SERVER]), "fraud")?;
        Ok(Self {
            own: house::pair(&dir, "server"),
            twin: house::pair(&twin_dir, "server"),
            own_client: house::pair(&dir, USER),
            other_host: scene.house.pair("mallory"),
            right_host: scene.house.pair("fraud"),
        })
    }

    /// (b)
    fn trusted_blindly(&self, scene: &Scene, server: &Running) -> Result<Step> {
        let tls = ClientTls {
            insecure: true,
            ..scene.house.client_tls(None)
        };
        let mark = overhear::mark();
        let (caught, told) = intercept(scene, server, &self.own, &tls.load()?)?;
        let direct = scene.house.client_tls(None).load()?;
        let direct = scene.house.target(server.address, Some(direct));
        let stored = victim::truth(scene, &direct, NOTE_NAME)?.unwrap_or_default();
        let stole = caught.loot.password.as_deref() == Some(scene.house.password.as_str());
        let (read, held) = (stolen(&caught.loot), victim::last_line(&stored));
        let believed = victim::last_line(told.read_back.as_deref().unwrap_or_default());
        Ok(Step {
            id: "b1".into(),
            name: both(
                "TLS, the client told --insecure: the attacker's own certificate",
                "TLS，客户端使用 --insecure：攻击者自己的证书",
            ),
            expected: both(
                "the attacker reads and alters everything, TLS on both sides of it",
                "攻击者读取并篡改一切，两侧都是 TLS",
            ),
            observed: both(
                format!(
                    "the attacker read {}; the server holds \"{held}\", the client believes \"{believed}\"",
                    read.en
                ),
                format!(
                    "攻击者读到了{}；服务器保存的是“{held}”，客户端以为是“{believed}”",
                    read.zh
                ),
            ),
            server_said: victim::server_said(mark, &server.audit, "put"),
            bytes_excerpt: vec![Excerpt::text(
                both("decrypted by the attacker", "被攻击者解密"),
                caught.loot.login.unwrap_or_default().as_bytes(),
            )],
            proved: stole
                && told.exit == 0
                && told.read_back.as_deref() == Some(NOTE.as_bytes())
                && victim::last_line(&stored) == FORGERY.to,
            client_said: told.said,
            client_exit: told.exit,
        })
    }

    /// What it shows, and how a client that verifies, perhaps with a pin, is to refuse it.
    fn disguises(&self, pin: String) -> [Disguise<'_>; 4] {
        [
            (
                "c1",
                both("an unknown CA's certificate", "未知 CA 的证书"),
                &self.own,
                None,
                60,
            ),
            (
                "c2",
                both(
                    "the certificate of a CA with the right name and another key",
                    "名称相同、密钥不同的 CA 的证书",
                ),
                &self.twin,
                None,
                60,
            ),
            (
                "c3",
                both(
                    "a good certificate, for another host",
                    "合格的证书，但属于另一台主机",
                ),
                &self.other_host,
                None,
                60,
            ),
            (
                "c4",
                both(
                    "the CA deceived: a good certificate for this host; the client has a pin",
                    "CA 被骗：本主机的合格证书；客户端固定了公钥（pin）",
                ),
                &self.right_host,
                Some(pin),
                90,
            ),
        ]
    }

    /// (c)
    fn verified(&self, scene: &Scene, server: &Running) -> Result<Vec<Step>> {
        let pin = pin_of(&scene.house.pair("server"))?;
        let mut steps = Vec::new();
        for (id, disguise, pair, pin, exit) in self.disguises(pin) {
            let careless = scene.setup == Setup::Careless;
            let tls = ClientTls {
                insecure: careless,
                pin: pin.filter(|_| !careless),
                ..scene.house.client_tls(None)
            };
            let mark = overhear::mark();
            let (caught, told) = intercept(scene, server, pair, &tls.load()?)?;
            let refused = told.refused_by(&[exit]) && caught.loot.login.is_none();
            steps.push(Step {
                id: id.into(),
                name: both(
                    format!("TLS, the client verifies: {}", disguise.en),
                    format!("TLS，客户端验证：{}", disguise.zh),
                ),
                expected: both(
                    format!("the client refuses (exit {exit}) before it says a word"),
                    format!("客户端在开口之前就拒绝（退出码 {exit}）"),
                ),
                observed: match refused {
                    true => both(
                        "the client hung up in the handshake; the attacker read nothing",
                        "客户端在握手中挂断；攻击者什么也没读到",
                    ),
                    false => both(
                        format!("the attacker read {}", stolen(&caught.loot).en),
                        format!("攻击者读到了{}", stolen(&caught.loot).zh),
                    ),
                },
                server_said: victim::server_said(mark, &server.audit, "-"),
                bytes_excerpt: vec![Excerpt::attacker(caught.said)],
                proved: refused,
                client_said: told.said,
                client_exit: told.exit,
            });
        }
        Ok(steps)
    }

    /// (d), the attacker between.
    fn without_certificate(&self, scene: &Scene, server: &Running) -> Result<Step> {
        let tls = ClientTls {
            insecure: true,
            ..scene.house.client_tls(Some(USER))
        };
        let mark = overhear::mark();
        let (caught, told) = intercept(scene, server, &self.own, &tls.load()?)?;
        let server_said = mark.since(1).join("; ");
        let refused = told.exit != 0 && server_said.contains("handshake failed");
        Ok(Step {
            id: "d1".into(),
            name: both(
                "mutual TLS, the client careless: the attacker shows no certificate",
                "双向 TLS，客户端大意：攻击者不出示证书",
            ),
            expected: both(
                "the server refuses the attacker; nothing gets through",
                "服务器拒绝攻击者；什么也通不过",
            ),
            observed: match refused {
                true => both(
                    "the server refused the attacker, and the client got no answer",
                    "服务器拒绝了攻击者，客户端没有得到应答",
                ),
                false => both("the transfer went through", "传输通过了"),
            },
            client_said: told.said,
            client_exit: told.exit,
            server_said: same(server_said),
            bytes_excerpt: vec![Excerpt::attacker(caught.said)],
            proved: refused && caught.loot.after.is_empty(),
        })
    }

    /// (d), the attacker playing the server to get the password, and then the user.
    fn with_the_password_alone(&self, scene: &Scene, server: &Running) -> Result<Step> {
        let tls = ClientTls {
            insecure: true,
            ..scene.house.client_tls(None)
        };
        let door = Door::open(server.address)?;
        let target = scene.house.target(door.address, Some(tls.load()?));
        let (login, told) = attack(
            || match scene.setup {
                Setup::Idle => door.between().map(|between| relay(&between)).map(|()| None),
                _ => phish(&door, &self.own),
            },
            || victim::transfer(scene, &target),
        )?;
        let login = login.unwrap_or_default().unwrap_or_default();
        let stolen: Value = serde_json::from_str(&login).unwrap_or_default();
        let stole = stolen["password"].as_str() == Some(scene.house.password.as_str());
        let mark = overhear::mark();
        let mut refusals = Vec::new();
        for certificate in [None, Some(self.own_client.clone())] {
            let tls = ClientTls {
                certificate,
                ..scene.house.client_tls(None)
            };
            let tried = scene
                .house
                .target(server.address, Some(tls.load()?))
                .log_in();
            refusals.extend(tried.err().map(|error| error.message_both()));
        }
        let (server_said, count) = (mark.since(2), refusals.len());
        Ok(Step {
            id: "d2".into(),
            name: both(
                "mutual TLS: a stolen password, and a certificate the attacker made itself",
                "双向 TLS：偷来的密码，加上攻击者自制的证书",
            ),
            expected: both(
                "the password is lost, and still nobody gets in with it",
                "密码丢了，但凭它仍然谁也进不来",
            ),
            observed: both(
                format!(
                    "the attacker {} the password; the server refused {count} of 2 logins with it",
                    if stole { "has" } else { "has not" }
                ),
                format!(
                    "攻击者{}密码；服务器拒绝了 2 次登录中的 {count} 次",
                    if stole { "拿到了" } else { "没有拿到" }
                ),
            ),
            client_said: told.said,
            client_exit: told.exit,
            server_said: same(server_said.join("; ")),
            bytes_excerpt: vec![
                Excerpt::text(
                    both("decrypted by the attacker", "被攻击者解密"),
                    login.as_bytes(),
                ),
                Excerpt {
                    what: both("the attacker heard", "攻击者听到"),
                    ..Excerpt::attacker(join(refusals, "; ", "；").map(escape))
                },
            ],
            proved: stole && count == 2 && server_said.len() == 2,
        })
    }
}

fn pin_of((certificate, _): &Pair) -> Result<String> {
    let chain = keys::certificates(certificate, Kind::OwnCertificate)?;
    let leaf = chain
        .first()
        .ok_or_else(|| Error::new(Kind::OwnCertificate, "the server has no certificate"))?;
    Ok(inspect::certificate(leaf)?.pin)
}

fn stolen(loot: &Loot) -> Both {
    match &loot.password {
        Some(password) => both(
            format!("the password {password}"),
            format!("密码 {password}"),
        ),
        None => both("nothing", "空无一物"),
    }
}
