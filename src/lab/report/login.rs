//! The lesson in one picture: the login as it passes by, in plain and sealed.

use maud::{Markup, html};

use super::html::{both, say};
use super::streams;
use super::table::title;
use crate::lab::compare::facts::{Report, Run};
use crate::lab::compare::turns::Turn;
use crate::lang::both as text;

/// The same message in `shown`, each as anybody on the way sees it.
pub(super) fn login(shown: &[&Run], report: &Report) -> Markup {
    let logins = shown
        .iter()
        .filter_map(|run| login_of(run).map(|turn| (*run, turn)));
    let logins: Vec<(&Run, &Turn)> = logins.collect();
    if logins.is_empty() {
        return html! {};
    }
    html! {
        h2 { (both("The login, as it passes by", "登录消息经过时的样子")) }
        p { (both(
            "What a computer sends passes through many hands: the router, the provider, every network on the way, and on an open Wi-Fi everybody in range. Each of them can keep a copy. This is the copy of one message, the login, in each way of sending it:",
            "电脑发出的数据要经过许多人的手：路由器、运营商、沿途的每个网络，在开放的 Wi-Fi 上还有信号范围内的每个人。每一方都可以留一份副本。下面是同一条消息（登录）在不同传输方式下的副本：",
        )) }
        div.pair.login {
            @for (run, turn) in logins {
                div {
                    h3 { (say(&title(run.kind))) }
                    (streams::one(turn))
                    p { (said(run, turn, report)) }
                }
            }
        }
    }
}

/// The turn with the login; where it cannot be read it is known by its length.
fn login_of(run: &Run) -> Option<&Turn> {
    let frame = run.times?.login_frame;
    let mut turns = run.turns.iter();
    turns.find(|turn| (turn.frames[0]..=turn.frames[1]).contains(&frame))
}

/// What is to be seen in it.
fn said(run: &Run, turn: &Turn, report: &Report) -> Markup {
    let is_open = turn.marks.iter().any(|mark| mark.label == "password");
    let told = match (is_open, run.connection.tls.is_some()) {
        (true, _) => text(
            format!(
                "The password {} stands there in letters. Nothing was broken, guessed or decrypted to read it, and nobody can tell that it was read. A copy kept today can be used tomorrow.",
                report.password
            ),
            format!(
                "密码 {} 就以文字写在那里。读取它不需要破解、猜测或解密，也没有人能察觉它被读过。今天留下的副本，明天就能使用。",
                report.password
            ),
        ),
        (false, true) => text(
            "The same message. What can be read off is that something was sent, when, and how long it is; by its length somebody who knows the protocol takes it for a login. What it says can be read with the keys of this session alone, and these never travelled.",
            "同一条消息。能看出的只有：有东西发出、何时发出、有多长；熟悉协议的人可由长度猜到这是登录。内容只有用本次会话的密钥才能读出，而密钥从未在网络上传输。",
        ),
        (false, false) => text("The password was not found in it.", "其中没有找到密码。"),
    };
    say(&told)
}
