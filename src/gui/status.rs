//! The bar at the top: with whom, as whom, and how safely.

use egui::{Color32, RichText, Ui};

use super::action::{Action, Cx};
use super::engine::Connected;
use super::theme;
use crate::lang::{Both, Lang, both};
use crate::protocol::Secure;
use crate::text::escape;
use crate::transport::Session;

/// How safe the connection is, in a word, a sentence, and a colour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Safety {
    /// A lock, open or closed.
    pub sign: &'static str,
    /// In a word or two.
    pub word: Both,
    /// In a sentence.
    pub sentence: Both,
}

/// How safe a connection of this kind is.
pub fn safety(secure: Secure) -> Safety {
    match secure {
        Secure::Plain => Safety {
            sign: "🔓",
            word: both("Plain TCP: readable by anyone", "明文 TCP：任何人都能读"),
            sentence: both(
                "A postcard: whoever is on the way reads everything, the password too, and can change it",
                "如同明信片：途中任何人都能读到一切，包括密码，还能篡改",
            ),
        },
        Secure::Tls => Safety {
            sign: "🔒",
            word: both("TLS: server proved", "TLS：已验证服务器"),
            sentence: both(
                "Sealed; the server has proved with a certificate who it is, you log in by password",
                "已加密；服务器已用证书证明身份，您用密码登录",
            ),
        },
        Secure::Mtls => Safety {
            sign: "🔒",
            word: both("Mutual TLS: both proved", "双向 TLS：双方均已验证"),
            sentence: both(
                "Sealed; server and client have both proved with certificates who they are",
                "已加密；服务器和客户端都已用证书证明身份",
            ),
        },
    }
}

fn colour(secure: Secure, dark: bool) -> Color32 {
    match secure {
        Secure::Plain => theme::bad(dark),
        Secure::Tls | Secure::Mtls => theme::good(dark),
    }
}

/// What the handshake agreed on, in a line.
pub fn agreed(session: &Session, lang: Lang) -> String {
    let handshake = match (session.handshake, lang) {
        (word, Lang::English) => format!("{word} handshake"),
        (crate::transport::RESUMED, Lang::Chinese) => "会话恢复".to_owned(),
        ("full with retry", Lang::Chinese) => "完整握手（重试一次）".to_owned(),
        (_, Lang::Chinese) => "完整握手".to_owned(),
    };
    let Session {
        version,
        cipher,
        group,
        ..
    } = session;
    let version = version.replace("TLSv", "TLS ");
    format!("{version} · {cipher} · {group} · {handshake}")
}

/// Draws the bar; `None` while there is no session.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, connected: Option<&Connected>) {
    ui.horizontal_wrapped(|ui| {
        if let Some(connected) = connected {
            show_session(ui, cx, connected);
        } else {
            ui.label(RichText::new("Sealpost").strong());
            ui.label(cx.say("not connected", "未连接"));
        }
        show_language(ui, cx);
    });
}

fn show_session(ui: &mut Ui, cx: &mut Cx<'_>, connected: &Connected) {
    let secure = connected.hello.secure;
    let safety = safety(secure);
    let colour = colour(secure, ui.visuals().dark_mode);
    let word = cx.say(&safety.word.en, &safety.word.zh);
    ui.label(
        RichText::new(format!("{} {word}", safety.sign))
            .color(colour)
            .strong(),
    )
    .on_hover_text(cx.say(&safety.sentence.en, &safety.sentence.zh));
    if let Some(session) = &connected.session {
        ui.label(agreed(session, cx.lang));
    }
    ui.separator();
    let target = &connected.target;
    let user = escape(connected.account.user.as_str());
    ui.label(format!("{user} @ {}:{}", target.host, target.port));
    if ui.button(cx.say("Disconnect", "断开连接")).clicked() {
        cx.act(Action::Disconnect);
    }
}

fn show_language(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        let (word, other) = match cx.lang {
            Lang::English => ("中文", Lang::Chinese),
            Lang::Chinese => ("English", Lang::English),
        };
        if ui.button(word).clicked() {
            cx.act(Action::Speak(other));
        }
    });
}
