//! Drawing it, as a person can read it.

use egui::{AsIdSalt, Color32, Frame, Grid, Margin, RichText, ScrollArea, Stroke, Ui};

use super::{Trust, Validity, grouped};
use crate::gui::action::{Action, Cx};
use crate::gui::{theme, words};
use crate::lang::Lang;
use crate::pki::inspect::CertificateInfo;
use crate::pki::verify::{Outcome, Step};
use crate::text::{self, escape};
use crate::transport::{Checks, Ending, Story};

/// Width of the names beside what they name.
const NAME: f32 = 110.0;

/// Height of a line.
const LINE: f32 = 18.0;

impl Trust {
    /// Draws all that is known.
    pub fn show(&self, ui: &mut Ui, cx: &mut Cx<'_>) {
        ScrollArea::both().auto_shrink(false).show(ui, |ui| {
            let Some(story) = &self.story else {
                ui.label(cx.say("There was no connection yet.", "尚无连接。"));
                return;
            };
            self.show_shown(ui, cx);
            ui.add_space(theme::GAP);
            show_story(ui, cx, story);
        });
    }

    /// Draws what was shown, and how the checks went.
    pub fn show_shown(&self, ui: &mut Ui, cx: &mut Cx<'_>) {
        // Lines of text, not rows of buttons.
        ui.spacing_mut().interact_size.y = LINE;
        self.show_verdict(ui, cx);
        let chain = self.chain();
        if let Some(leaf) = chain.first() {
            title(ui, cx.say("Certificate of the server", "服务器的证书"));
            show_certificate(ui, cx, leaf);
            title(ui, cx.say("Who vouches for it", "由谁作证"));
            self.show_path(ui, cx);
        }
        if let Some(checks) = self.checks().filter(|checks| !checks.steps.is_empty()) {
            title(ui, cx.say("Checks", "检查"));
            show_checks(ui, cx, checks);
        }
        if let Some(own) = self.own().first() {
            title(
                ui,
                cx.say(
                    "Your certificate, shown to the server",
                    "向服务器出示的您的证书",
                ),
            );
            show_own(ui, cx, own);
        }
        if let Some(id) = &self.connection {
            ui.add_space(theme::GAP);
            let id = escape(id);
            ui.label(
                RichText::new(cx.say(format!("Connection {id}"), format!("连接编号 {id}"))).weak(),
            );
        }
    }

    /// In one sentence.
    fn show_verdict(&self, ui: &mut Ui, cx: &Cx<'_>) {
        let Some(story) = &self.story else {
            return;
        };
        let dark = ui.visuals().dark_mode;
        let is_up = matches!(story.ending, Ending::Connected { .. });
        let (sign, colour, text) = match self.checks() {
            Some(checks) if checks.good => {
                let name = escape(&checks.name);
                let text = cx.say(
                    format!("The server has proved that it is {name}."),
                    format!("服务器已证明自己是 {name}。"),
                );
                ("✔", theme::good(dark), text)
            }
            Some(checks) => {
                let name = escape(&checks.name);
                let text = cx.say(
                    format!("What was shown does not prove that this is {name}: the connection was stopped."),
                    format!("出示的证书不能证明这是 {name}：连接已中止。"),
                );
                ("✖", theme::bad(dark), text)
            }
            None if !story.tls && is_up => {
                let text = cx.say(
                    "Plain TCP: nobody has proved anything. Whoever answered may be anyone, and everyone on the way reads along.",
                    "明文 TCP：没有任何一方证明身份。应答者可能是任何人，途中人人都能读到内容。",
                );
                ("⚠", theme::bad(dark), text.to_owned())
            }
            None if is_up => {
                let text = cx.say(
                    "An earlier session was resumed: its proof still counts, and no certificate was shown again.",
                    "恢复了先前的会话：先前的证明仍然有效，没有再次出示证书。",
                );
                ("✔", theme::good(dark), text.to_owned())
            }
            None => {
                let text = cx.say(
                    "The last attempt ended before the server had shown a certificate.",
                    "最近一次尝试在服务器出示证书之前就结束了。",
                );
                ("✖", theme::bad(dark), text.to_owned())
            }
        };
        ui.label(
            RichText::new(format!("{sign} {text}"))
                .color(colour)
                .strong(),
        );
    }

    /// From the CA down to the certificate.
    fn show_path(&self, ui: &mut Ui, cx: &Cx<'_>) {
        let path = self.path();
        let proved = self.is_path_proved();
        for (depth, name) in path.iter().enumerate() {
            let what = match (depth, depth + 1 == path.len()) {
                (_, true) => cx.say("the server", "服务器"),
                (0, _) if proved => cx.say("CA, believed here", "CA，在此受信任"),
                (0, _) => cx.say("named as the issuer, not proved", "自称的签发者，未经证实"),
                _ => cx.say("intermediate CA", "中间 CA"),
            };
            ui.horizontal(|ui| {
                // The sign is drawn for the eye alone; the order says the same.
                ui.add_space(18.0 * f32::from(u8::try_from(depth).unwrap_or(u8::MAX)));
                let branch = if depth == 0 { "" } else { "└ " };
                ui.label(format!("{branch}{}", escape(name)));
                ui.label(RichText::new(what).weak());
            });
        }
    }
}

fn title(ui: &mut Ui, text: &str) {
    ui.add_space(theme::GAP);
    ui.label(RichText::new(text).strong().size(15.0));
}

fn show_certificate(ui: &mut Ui, cx: &mut Cx<'_>, info: &CertificateInfo) {
    let names = info
        .common_names
        .iter()
        .map(|cn| format!("CN={}", escape(cn)));
    let names = names.chain(info.dns_names.iter().map(|name| escape(name)));
    let names = names.chain(info.ip_addresses.iter().map(ToString::to_string));
    let names: Vec<_> = names.collect();
    let key = match info.key_algorithm.as_str() {
        "RSA" => format!("RSA {}", info.key_bits),
        other => other.to_owned(),
    };
    let mut copied = None;
    facts(("certificate", &info.fingerprint)).show(ui, |ui| {
        line(ui, cx.say("Names", "名称"), &names.join(", "));
        line(ui, cx.say("Issued by", "签发者"), &escape(&info.issuer));
        show_validity(ui, cx, info);
        line(
            ui,
            cx.say("Key, signature", "密钥、签名"),
            &format!("{key}, {}", info.signature_algorithm),
        );
        ui.label(RichText::new(cx.say("Serial number", "序列号")).weak());
        ui.label(RichText::new(&info.serial).monospace());
        ui.end_row();
        ui.label(RichText::new(cx.say("SHA-256", "SHA-256 指纹")).weak());
        ui.horizontal_top(|ui| {
            ui.label(RichText::new(grouped(&info.fingerprint)).monospace());
            let copy = ui.button(cx.say("Copy fingerprint", "复制指纹"));
            if copy.clicked() {
                copied = Some(info.fingerprint.clone());
            }
        });
        ui.end_row();
    });
    if let Some(fingerprint) = copied {
        cx.act(Action::Copy(fingerprint));
    }
}

fn line(ui: &mut Ui, name: &str, value: &str) {
    ui.label(RichText::new(name).weak());
    ui.label(value);
    ui.end_row();
}

/// Two columns: what it is called, and what it is.
fn facts(id: impl AsIdSalt) -> Grid {
    Grid::new(id)
        .num_columns(2)
        .min_col_width(NAME)
        .spacing([theme::GAP, 4.0])
        .striped(false)
}

/// From when until when it is valid, as a line of [`facts`].
fn show_validity(ui: &mut Ui, cx: &Cx<'_>, info: &CertificateInfo) {
    let (dates, colour) = validity(info, cx.lang, ui.visuals().dark_mode);
    ui.label(RichText::new(cx.say("Valid", "有效期")).weak());
    let dates = RichText::new(dates);
    ui.label(match colour {
        Some(colour) => dates.color(colour),
        None => dates,
    });
    ui.end_row();
}

/// From when until when, how many days are left, and a colour where they are few.
fn validity(info: &CertificateInfo, lang: Lang, dark: bool) -> (String, Option<Color32>) {
    let left = match (Validity::of(info, text::now()), lang) {
        (Validity::NotYet, _) => lang.pick("✖ not valid yet", "✖ 尚未生效").to_owned(),
        (Validity::Over, _) => lang.pick("✖ expired", "✖ 已过期").to_owned(),
        (Validity::Days(days), Lang::English) => format!("{days} days left"),
        (Validity::Days(days), Lang::Chinese) => format!("还有 {days} 天"),
        (Validity::Few(days), Lang::English) => format!("⚠ only {days} days left"),
        (Validity::Few(days), Lang::Chinese) => format!("⚠ 仅剩 {days} 天"),
    };
    let colour = match Validity::of(info, text::now()) {
        Validity::Days(_) => None,
        Validity::Few(_) => Some(theme::warning(dark)),
        Validity::NotYet | Validity::Over => Some(theme::bad(dark)),
    };
    let (from, until) = (text::time(info.not_before), text::time(info.not_after));
    let dates = match lang {
        Lang::English => format!("{from} until {until}, {left}"),
        Lang::Chinese => format!("{from} 至 {until}，{left}"),
    };
    (dates, colour)
}

fn show_checks(ui: &mut Ui, cx: &Cx<'_>, checks: &Checks) {
    for step in &checks.steps {
        show_check(ui, cx, step);
    }
}

fn show_check(ui: &mut Ui, cx: &Cx<'_>, step: &Step) {
    let dark = ui.visuals().dark_mode;
    let name = step.check.name(cx.lang);
    let here = |en, zh| escape(&words::here(cx.say(en, zh), cx.lang));
    let says = here(&step.says, &step.says_zh);
    let (sign, colour) = match step.outcome {
        Outcome::Passed => ("✔", Some(theme::good(dark))),
        Outcome::Failed => ("✖", Some(theme::bad(dark))),
        Outcome::Skipped => ("–", None),
    };
    let colon = cx.say(": ", "：");
    let text = match step.outcome {
        Outcome::Skipped => cx.say(
            format!("{sign} {name}: not checked: {says}"),
            format!("{sign} {name}：未检查：{says}"),
        ),
        _ => format!("{sign} {name}{colon}{says}"),
    };
    let text = RichText::new(text);
    if step.outcome != Outcome::Failed {
        ui.label(match colour {
            Some(colour) => text.color(colour),
            None => text.weak(),
        });
        return;
    }
    let bad = theme::bad(dark);
    let frame = Frame::new()
        .stroke(Stroke::new(1.0, bad))
        .corner_radius(4)
        .inner_margin(Margin::symmetric(6, 4));
    frame.show(ui, |ui| {
        ui.label(text.color(bad).strong());
        if let Some(rule) = step.rule {
            ui.label(RichText::new(rule).weak());
        }
        let cure = (step.cure.as_deref()).zip(step.cure_zh.as_deref());
        if let Some((en, zh)) = cure {
            ui.label(here(en, zh));
        }
    });
}

fn show_own(ui: &mut Ui, cx: &Cx<'_>, info: &CertificateInfo) {
    facts("own certificate").show(ui, |ui| {
        line(ui, cx.say("Name", "名称"), &escape(&info.subject));
        line(ui, cx.say("Issued by", "签发者"), &escape(&info.issuer));
        show_validity(ui, cx, info);
    });
}

fn show_story(ui: &mut Ui, cx: &Cx<'_>, story: &Story) {
    let word = cx.say("The handshake, step by step", "握手的每一步");
    egui::CollapsingHeader::new(word)
        .id_salt("story")
        .show(ui, |ui| {
            let text = RichText::new(story.text(cx.lang)).monospace();
            ui.add(egui::Label::new(text).extend());
        });
}
