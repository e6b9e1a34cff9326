//! (a) Plain TCP: everything is read, and altered unnoticed.

use std::io::BufReader;
use std::net::TcpStream;

use super::forge::{Forgery, Loot, stand_between};
use super::victim::{self, NOTE, NOTE_NAME, Told, last_line, short};
use super::{Excerpt, Scene, Setup, Step};
use crate::error::Result;
use crate::lab::door::{Door, attack, relay};
use crate::lab::overhear;
use crate::lang::{Both, both};

/// What the attacker changes: who is paid, and how much.
pub(super) const FORGERY: Forgery = Forgery {
    from: "pay 0100.00 to Bob",
    to: "pay 9100.00 to Eve",
};

pub(super) fn steps(scene: &Scene) -> Result<Vec<Step>> {
    let server = scene.house.serve(None)?;
    let door = Door::open(server.address)?;
    let mark = overhear::mark();
    let (loot, told) = attack(
        || between(&door, scene.setup),
        || victim::transfer(scene, &scene.house.target(door.address, None)),
    )?;
    let stored = victim::truth(scene, &scene.house.target(server.address, None), NOTE_NAME)?
        .unwrap_or_default();
    let server_said = victim::server_said(mark, &server.audit, "put");
    let read = read(scene, &loot, &told, &server_said);
    let content = told.exit == 0 && told.read_back.as_deref() == Some(NOTE.as_bytes());
    let (honest, forged) = loot.digests.clone().unwrap_or_default();
    let held = last_line(&stored);
    let believed = last_line(told.read_back.as_deref().unwrap_or_default());
    let alter = Step {
        id: "a2".into(),
        name: both(
            "alter it, and its digest, both ways",
            "双向篡改文件及其摘要",
        ),
        expected: both(
            "the server keeps another file, and both ends are content",
            "服务器保存了另一个文件，而双方都很满意",
        ),
        observed: both(
            format!(
                "the server holds \"{held}\" (sha256 {}…), the client believes \"{believed}\"",
                short(&stored)
            ),
            format!(
                "服务器保存的是“{held}”（sha256 {}…），客户端以为是“{believed}”",
                short(&stored)
            ),
        ),
        client_said: told.said,
        client_exit: told.exit,
        server_said,
        bytes_excerpt: vec![
            Excerpt::text(both("sent by the client", "客户端发出"), &loot.before),
            Excerpt::text(both("passed on", "转发"), &loot.after),
            Excerpt::text(both("digest sent", "发出的摘要"), honest.as_bytes()),
            Excerpt::text(both("digest passed on", "转发的摘要"), forged.as_bytes()),
        ],
        proved: content && loot.restored > 0 && last_line(&stored) == FORGERY.to,
    };
    Ok(vec![read, alter])
}

/// The first half: what was read.
fn read(scene: &Scene, loot: &Loot, told: &Told, server_said: &Both) -> Step {
    Step {
        id: "a1".into(),
        name: both("read a plain transfer", "读取一次明文传输"),
        expected: both(
            "the attacker reads user, password and file",
            "攻击者读到用户名、密码和文件",
        ),
        observed: match &loot.password {
            Some(password) => both(
                format!("the attacker read the password {password} and the file"),
                format!("攻击者读到了密码 {password} 和文件"),
            ),
            None => both("the attacker read nothing", "攻击者什么也没读到"),
        },
        client_said: told.said.clone(),
        client_exit: told.exit,
        server_said: server_said.clone(),
        bytes_excerpt: vec![
            Excerpt::text(
                both("login", "登录"),
                loot.login.clone().unwrap_or_default().as_bytes(),
            ),
            Excerpt::text(both("file", "文件"), &loot.before),
        ],
        proved: told.exit == 0
            && loot.password.as_deref() == Some(scene.house.password.as_str())
            && loot.before == NOTE.as_bytes(),
    }
}

fn between(door: &Door, setup: Setup) -> Loot {
    let mut loot = Loot::default();
    let Ok(between) = door.between() else {
        return loot;
    };
    if setup == Setup::Idle {
        relay(&between);
        return loot;
    }
    let mut client = Buffered::new(between.client);
    let mut server = Buffered::new(between.server);
    // An end in the middle is the victim's business: it says so.
    let _ended = stand_between(&mut client, &mut server, FORGERY, &mut loot);
    loot
}

/// A socket read through a buffer and written straight.
struct Buffered(BufReader<TcpStream>);

impl Buffered {
    fn new(tcp: TcpStream) -> Self {
        Self(BufReader::new(tcp))
    }
}

impl std::io::Read for Buffered {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buf)
    }
}

impl std::io::BufRead for Buffered {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

impl std::io::Write for Buffered {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        self.0.get_mut().write(buf)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.get_mut().flush()
    }
}
