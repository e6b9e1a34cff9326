//! Drawing the form.

use egui::{Button, Key, Ui, Vec2};

use super::fields::Rows;
use super::pieces::{centred, show_choice, show_told};
use super::{Field, LoginForm, Missing, Security, Trouble, recent, stop};
use crate::gui::action::{Action, Cx};
use crate::gui::engine::told::Told;
use crate::gui::platform::Pick;
use crate::gui::settings::Recent;
use crate::gui::trust::Trust;
use crate::gui::{secret, theme};
use crate::text::escape;

/// Width of the form.
const FORM: f32 = 560.0;

/// Width of the list of recent connections, where there is room for it beside the form.
const SIDE: f32 = 250.0;

/// Space around the form.
const AIR: f32 = 24.0;

impl LoginForm {
    /// Draws it, or what stopped the last attempt.
    pub fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, all: &[Recent], trust: &Trust) {
        egui::ScrollArea::vertical()
            .auto_shrink(false)
            .show(ui, |ui| {
                let wide = FORM + AIR + SIDE + 2.0 * AIR;
                if self.stopped && !self.connecting && self.trouble.is_some() {
                    return centred(ui, FORM + SIDE, |ui| self.show_stop(ui, cx, trust));
                }
                if all.is_empty() || ui.available_width() < wide {
                    return centred(ui, FORM, |ui| {
                        self.show_form(ui, cx);
                        if !all.is_empty() {
                            ui.add_space(AIR);
                            self.show_recent(ui, cx, all);
                        }
                    });
                }
                centred(ui, FORM + AIR + SIDE, |ui| {
                    ui.horizontal_top(|ui| {
                        ui.vertical(|ui| {
                            ui.set_width(FORM);
                            self.show_form(ui, cx);
                        });
                        ui.add_space(AIR - ui.spacing().item_spacing.x);
                        ui.vertical(|ui| {
                            ui.set_width(SIDE);
                            self.show_recent(ui, cx, all);
                        });
                    });
                });
            });
    }

    fn show_recent(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, all: &[Recent]) {
        let filled = ui
            .add_enabled_ui(!self.connecting, |ui| recent::show(ui, cx, all))
            .inner;
        if let Some(recent) = filled {
            self.fill(recent);
        }
    }

    fn show_stop(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, trust: &Trust) {
        let Some(trouble) = &self.trouble else {
            return;
        };
        match stop::show(ui, cx, &trouble.told, trust) {
            Some(stop::Choice::Again) => self.submit(cx),
            Some(stop::Choice::Change) => self.stopped = false,
            None => {}
        }
    }

    fn show_form(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        ui.heading(cx.say("Connect to a server", "连接服务器"));
        ui.add_space(theme::GAP);
        let mut rows = Rows {
            focus: self.focus.take(),
            wrong: self.trouble.as_ref().and_then(|trouble| trouble.field),
            entered: false,
        };
        ui.add_enabled_ui(!self.connecting, |ui| {
            self.show_server(ui, cx, &mut rows);
            ui.add_space(theme::GAP);
            self.show_choices(ui, cx);
            ui.add_space(theme::GAP);
            self.show_user(ui, cx, &mut rows);
            self.show_files(ui, cx, &mut rows);
            ui.add_space(theme::GAP);
            self.show_advanced(ui, cx, &mut rows);
        });
        self.focus = rows.focus;
        ui.add_space(theme::GAP);
        if rows.wrong.is_none() {
            self.show_trouble(ui, cx, None);
        }
        self.show_end(ui, cx, rows.entered);
    }

    fn show_server(&mut self, ui: &mut Ui, cx: &Cx<'_>, rows: &mut Rows) {
        let server = cx.say("Server", "服务器");
        let tip = cx.say(
            "Name or address of the server; a port may follow, as in example.org:9999",
            "服务器的名称或地址；后面可带端口，例如 example.org:9999",
        );
        let text = (Some(Field::Server), server, tip);
        let response = rows.text(ui, text, &mut self.host, "127.0.0.1");
        if response.lost_focus() {
            self.part_port();
        }
        self.show_trouble(ui, cx, Some(Field::Server));
        let port = (Some(Field::Port), cx.say("Port", "端口"), "");
        rows.text(ui, port, &mut self.port, "9999");
        self.show_trouble(ui, cx, Some(Field::Port));
    }

    fn show_choices(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        ui.label(cx.say("Protection", "连接的保护方式"));
        for security in Security::ALL {
            if show_choice(ui, cx, security, self.security == security) {
                self.security = security;
            }
        }
    }

    fn show_user(&mut self, ui: &mut Ui, cx: &Cx<'_>, rows: &mut Rows) {
        let by_certificate = self.security == Security::Mutual && !self.register;
        let hint = match by_certificate {
            true => cx.say("empty: log in with the certificate", "留空：用证书登录"),
            false => "",
        };
        let user = (Some(Field::User), cx.say("User", "用户"), "");
        rows.text(ui, user, &mut self.user, hint);
        self.show_trouble(ui, cx, Some(Field::User));
        let needed = !self.logs_in_by_certificate();
        let hint = match (needed, self.register) {
            (false, _) => cx.say(
                "not needed: the certificate says who you are",
                "不需要：证书说明您是谁",
            ),
            (true, true) => cx.say("8 to 1,024 bytes", "8 到 1,024 字节"),
            (true, false) => "",
        };
        ui.add_enabled_ui(needed, |ui| {
            self.show_password(ui, cx, rows, (Field::Password, hint));
        });
        self.show_trouble(ui, cx, Some(Field::Password));
        if self.register {
            self.show_password(ui, cx, rows, (Field::Again, ""));
            self.show_trouble(ui, cx, Some(Field::Again));
        }
        Rows::row(ui, "", "", |ui, _id| {
            ui.checkbox(
                &mut self.register,
                cx.say("Make a new account", "注册新账户"),
            )
            .on_hover_text(cx.say(
                "Registers this user with this password, where the server allows it",
                "以此用户名和密码注册（若服务器允许）",
            ));
        });
    }

    fn show_password(&mut self, ui: &mut Ui, cx: &Cx<'_>, rows: &mut Rows, of: (Field, &str)) {
        let (field, hint) = of;
        let (label, text, reveal) = match field {
            Field::Passphrase => (
                cx.say("Passphrase", "私钥口令"),
                &mut self.passphrase,
                &mut self.reveal_passphrase,
            ),
            Field::Again => (
                cx.say("Password again", "再次输入密码"),
                &mut self.again,
                &mut self.reveal_password,
            ),
            _ => (
                cx.say("Password", "密码"),
                &mut self.password,
                &mut self.reveal_password,
            ),
        };
        Rows::row(ui, label, "", |ui, id| {
            // The eye takes as much as it is wide; beside the second password stands none.
            let eye = 34.0 + ui.spacing().item_spacing.x;
            let width = ui.available_width() - eye;
            let response = secret::field(ui, text, hint, width, *reveal).labelled_by(id);
            rows.meet(ui, Some(field), &response, "");
            if field != Field::Again {
                secret::eye(ui, cx, label, reveal);
            }
        });
    }

    fn show_files(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, rows: &mut Rows) {
        if self.security == Security::Plain {
            return;
        }
        if !self.advanced.public_roots {
            let tip = cx.say(
                "The certificate of the CA that vouches for the server; its operator has it",
                "为服务器作证的 CA 的证书；可向服务器管理员索取",
            );
            let ca = (Field::Ca, cx.say("CA certificate", "CA 证书"), tip);
            rows.file(ui, cx, ca, &mut self.ca, Pick::CaFile);
            self.show_trouble(ui, cx, Some(Field::Ca));
        }
        if self.security != Security::Mutual {
            return;
        }
        let tip = cx.say(
            "Your own certificate, issued by the CA of the server",
            "您自己的证书，由服务器的 CA 签发",
        );
        let own = (
            Field::Certificate,
            cx.say("Your certificate", "您的证书"),
            tip,
        );
        rows.file(ui, cx, own, &mut self.certificate, Pick::Certificate);
        self.show_trouble(ui, cx, Some(Field::Certificate));
        let tip = cx.say(
            "The private key of your certificate; it never leaves this computer",
            "您证书的私钥；它不会离开本机",
        );
        let key = (Field::Key, cx.say("Private key", "私钥"), tip);
        if rows.file(ui, cx, key, &mut self.key, Pick::Key) {
            self.unlock();
        }
        self.show_trouble(ui, cx, Some(Field::Key));
        if self.locked.is_some() {
            self.show_password(ui, cx, rows, (Field::Passphrase, ""));
            self.show_trouble(ui, cx, Some(Field::Passphrase));
        }
    }

    /// Why the last attempt failed, if that is to be told at this place.
    pub(super) fn show_trouble(&self, ui: &mut Ui, cx: &Cx<'_>, place: Option<Field>) {
        match &self.trouble {
            Some(Trouble { told, field }) if *field == place && !self.connecting => {
                let shown = show_told(ui, cx, told);
                if self.news.take() {
                    shown.scroll_to_me(None);
                }
            }
            _ => {}
        }
    }

    fn show_end(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, entered: bool) {
        let tall = Vec2::new(120.0, 32.0);
        ui.horizontal(|ui| {
            ui.set_min_height(tall.y);
            if self.connecting {
                let cancel = Button::new(cx.say("Cancel", "取消")).min_size(tall);
                let escape_key = ui.input(|i| i.key_pressed(Key::Escape));
                if ui.add(cancel).clicked() || escape_key {
                    cx.act(Action::Disconnect);
                }
                ui.spinner();
                let to = escape(&self.host);
                ui.label(cx.say(format!("Connecting to {to}…"), format!("正在连接 {to}…")));
                return;
            }
            let word = match self.register {
                true => cx.say("Register and log in", "注册并登录"),
                false => cx.say("Log in", "登录"),
            };
            let log_in = theme::primary(ui, word).min_size(tall);
            if ui.add(log_in).clicked() || entered {
                self.submit(cx);
            }
        });
    }

    fn submit(&mut self, cx: &mut Cx<'_>) {
        match self.request() {
            Ok(request) => {
                self.trouble = None;
                cx.act(Action::Connect(Box::new(request)));
            }
            Err(Missing(field, error)) => {
                self.stopped = false;
                self.tell(Told::of(&error), Some(field));
            }
        }
    }
}
