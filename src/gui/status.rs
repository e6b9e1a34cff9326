//! The bar at the top: with whom, as whom, and how safely.

use egui::{Color32, RichText, Ui};

use super::action::{Action, Cx};
use super::engine::Connected;
use super::engine::told::Told;
use super::settings::Look;
use super::window::Tab;
use super::{preferences, theme};
use crate::client;
use crate::lang::{Both, Lang, both};
use crate::protocol::Secure;
use crate::text::escape;
use crate::transport::Session;

/// Narrower than this, the bar wraps.
const ONE_ROW: f32 = 640.0;

/// In a window lower than this, in points, what the handshake agreed on stands in the panel of the certificate alone.
const LOW: f32 = 300.0;

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

/// What the bar tells of.
#[derive(Debug)]
pub struct Standing<'a> {
    /// The session there is, or was until it was lost.
    pub connected: Option<&'a Connected>,
    /// Why it was lost.
    pub lost: Option<&'a Told>,
    /// An attempt is being made.
    pub connecting: bool,
    /// Light or dark.
    pub look: Look,
}

/// Draws the bar.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, standing: &Standing<'_>) {
    let high = ui.input(|input| input.content_rect().height()) >= LOW;
    ui.add_space(2.0);
    let row = |ui: &mut Ui, cx: &mut Cx<'_>| {
        match standing.connected {
            None => show_nobody(ui, cx, standing.connecting),
            Some(connected) => show_session(ui, cx, connected, standing.lost.is_some()),
        }
        let menus = |ui: &mut Ui, cx: &mut Cx<'_>| {
            let online = standing.connected.is_some() && standing.lost.is_none();
            preferences::show(ui, cx, standing.look, online);
            if online {
                let word = cx.say("Disconnect", "断开连接");
                if ui.button(word).clicked() {
                    cx.act(Action::Disconnect);
                }
            }
        };
        // In a narrow window these stand in the row as everything does.
        if ui.layout().main_wrap() {
            return menus(ui, cx);
        }
        let layout = egui::Layout::right_to_left(egui::Align::Center);
        ui.with_layout(layout, |ui| menus(ui, cx));
    };
    if ui.available_width() < ONE_ROW {
        ui.horizontal_wrapped(|ui| row(ui, cx));
    } else {
        ui.horizontal(|ui| row(ui, cx));
    }
    if let (Some(connected), None, true) = (standing.connected, standing.lost, high) {
        show_agreed(ui, cx, connected);
    }
    if let (Some(_), Some(told)) = (standing.connected, standing.lost) {
        show_lost(ui, cx, told, standing.connecting);
    }
    preferences::show_missing_font(ui, cx);
    ui.add_space(2.0);
}

fn show_nobody(ui: &mut Ui, cx: &Cx<'_>, connecting: bool) {
    ui.label(RichText::new("Sealpost").strong());
    let word = match connecting {
        true => cx.say("connecting…", "正在连接…"),
        false => cx.say("not connected", "未连接"),
    };
    ui.label(RichText::new(word).weak());
}

/// How safe it is, and with whom; once lost it is neither safe nor unsafe.
fn show_session(ui: &mut Ui, cx: &Cx<'_>, connected: &Connected, lost: bool) {
    let dark = ui.visuals().dark_mode;
    if lost {
        let word = cx.say("✖ connection lost", "✖ 连接已断开");
        ui.label(RichText::new(word).color(theme::bad(dark)).strong());
        return show_whom(ui, cx, connected);
    }
    let secure = connected.hello.secure;
    let safety = safety(secure);
    let word = cx.say(&safety.word.en, &safety.word.zh);
    ui.label(
        RichText::new(format!("{} {word}", safety.sign))
            .color(colour(secure, dark))
            .strong(),
    )
    .on_hover_text(cx.say(&safety.sentence.en, &safety.sentence.zh));
    show_whom(ui, cx, connected);
}

/// What the handshake agreed on; of a plain connection, what that means.
fn show_agreed(ui: &mut Ui, cx: &mut Cx<'_>, connected: &Connected) {
    ui.horizontal_wrapped(|ui| {
        let sentence = safety(connected.hello.secure).sentence;
        let session = connected.session.as_ref();
        let text = session.map_or_else(
            || cx.say(sentence.en, sentence.zh),
            |session| agreed(session, cx.lang),
        );
        ui.label(RichText::new(text).weak());
        let tip = cx.say(
            "Who the server is, and how it was checked",
            "服务器是谁，以及如何检查",
        );
        let word = cx.say("Certificate…", "证书…");
        if ui.button(word).on_hover_text(tip).clicked() {
            cx.act(Action::Open(Tab::Trust));
        }
    });
}

fn show_whom(ui: &mut Ui, cx: &Cx<'_>, connected: &Connected) {
    let target = &connected.target;
    let user = escape(connected.account.user.as_str());
    let place = escape(&client::place(&target.host, target.port));
    let id = escape(&connected.hello.id);
    ui.label(RichText::new(format!("{user} @ {place}")).strong())
        .on_hover_text(cx.say(
            format!("connection {id}: the server's log has it under this number"),
            format!("连接编号 {id}：服务器日志中以此编号记录"),
        ));
}

/// Why, and the ways on; the list stays.
fn show_lost(ui: &mut Ui, cx: &mut Cx<'_>, told: &Told, connecting: bool) {
    ui.horizontal_wrapped(|ui| {
        if connecting {
            ui.spinner();
            ui.label(cx.say("Connecting again…", "正在重新连接…"));
        } else {
            let colour = theme::bad(ui.visuals().dark_mode);
            let message = escape(cx.say(&told.message.en, &told.message.zh));
            ui.label(RichText::new(message).color(colour));
            let hint = escape(cx.say(&told.hint.en, &told.hint.zh));
            ui.label(RichText::new(hint).weak());
        }
    });
    ui.horizontal_wrapped(|ui| {
        let again = theme::primary(ui, cx.say("Connect again", "重新连接"));
        if ui.add_enabled(!connecting, again).clicked() {
            cx.act(Action::Reconnect);
        }
        if ui.button(cx.say("Log out", "退出登录")).clicked() {
            cx.act(Action::Disconnect);
        }
        let certificate = ui.button(cx.say("Certificate…", "证书…"));
        if certificate.clicked() {
            cx.act(Action::Open(Tab::Trust));
        }
    });
}
