//! The own account: another password.

use egui::{Context, RichText, Ui};
use zeroize::{Zeroize as _, Zeroizing};

use super::action::{Action, Cx};
use super::engine::Order;
use super::engine::told::Told;
use super::secret::{self, Reveal};
use super::{modal, theme};
use crate::config::{PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN};
use crate::error::Kind;
use crate::lang::{Both, both};
use crate::text::escape;

/// The dialog for another password.
#[derive(Debug, Default)]
pub struct PasswordForm {
    stage: Stage,
    old: Zeroizing<String>,
    new: Zeroizing<String>,
    again: Zeroizing<String>,
    trouble: Option<Both>,
    fresh: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Closed,
    Typing,
    Waiting,
    Done,
}

/// Width of the dialog, in points.
const WIDTH: f32 = 380.0;

impl PasswordForm {
    /// Shows it, empty.
    pub fn open(&mut self) {
        *self = Self {
            stage: Stage::Typing,
            old: secret::room(),
            new: secret::room(),
            again: secret::room(),
            trouble: None,
            fresh: true,
        };
    }

    /// The server has taken the new password.
    pub fn done(&mut self) {
        if self.stage == Stage::Waiting {
            self.stage = Stage::Done;
            self.fresh = true;
        }
    }

    /// The server has refused, or is gone.
    pub fn refused(&mut self, told: &Told) {
        if self.stage == Stage::Waiting {
            self.stage = Stage::Typing;
            self.fresh = true;
            self.trouble = Some(match told.kind {
                Kind::LoginRefused => both("the old password is not right", "旧密码不正确"),
                _ => told.message.clone(),
            });
        }
    }

    /// What is wrong with what is typed.
    fn flaw(&self) -> Option<Both> {
        let (least, most) = (PASSWORD_BYTES_MIN, PASSWORD_BYTES_MAX);
        if self.old.is_empty() {
            Some(both("the old password is missing", "请输入旧密码"))
        } else if !(least..=most).contains(&self.new.len()) {
            Some(both(
                format!("the new password must have {least} to {most} bytes"),
                format!("新密码须为 {least} 到 {most} 字节"),
            ))
        } else if self.new != self.again {
            Some(both(
                "the new password was typed in two ways",
                "两次输入的新密码不一致",
            ))
        } else {
            None
        }
    }

    /// Draws it, if it is open.
    pub fn show(&mut self, ctx: &Context, cx: &mut Cx<'_>) {
        if self.stage == Stage::Closed {
            return;
        }
        let title = cx.say("Change password", "更改密码");
        let (pressed, closed) = modal::show(ctx, "password", title, WIDTH, |ui| {
            if self.stage == Stage::Done {
                return self.show_done(ui, cx);
            }
            let entered = self.show_fields(ui, cx);
            let (does, leaves) = modal::buttons(
                ui,
                cx.say("Change", "更改"),
                self.stage == Stage::Typing,
                cx.say("Cancel", "取消"),
            );
            (does.clicked() || entered, leaves.clicked())
        });
        if pressed.1 || closed {
            // What was typed is overwritten when it is dropped.
            *self = Self::default();
            return;
        }
        if pressed.0 && self.stage == Stage::Typing {
            self.submit(cx);
        }
    }

    fn show_done(&mut self, ui: &mut Ui, cx: &Cx<'_>) -> (bool, bool) {
        ui.label(cx.say("Your password was changed", "您的密码已更改"));
        ui.add_space(theme::GAP);
        let close = ui.button(cx.say("Close", "关闭"));
        if std::mem::take(&mut self.fresh) {
            close.request_focus();
        }
        (false, close.clicked())
    }

    /// Draws the fields; true when Enter was pressed in one.
    fn show_fields(&mut self, ui: &mut Ui, cx: &Cx<'_>) -> bool {
        let words = [
            cx.say("Old password", "旧密码"),
            cx.say("New password", "新密码"),
            cx.say("New password again", "再次输入新密码"),
        ];
        let texts = [&mut self.old, &mut self.new, &mut self.again];
        let typing = self.stage == Stage::Typing;
        let mut entered = false;
        for (word, text) in words.into_iter().zip(texts) {
            let label = ui.label(word);
            let field = |ui: &mut Ui| secret::field(ui, text, "", f32::INFINITY, Reveal::default());
            let response = ui.add_enabled_ui(typing, field).inner;
            let response = response.labelled_by(label.id);
            if std::mem::take(&mut self.fresh) {
                response.request_focus();
            }
            let enter = ui.input(|input| input.key_pressed(egui::Key::Enter));
            entered |= response.lost_focus() && enter;
        }
        if let Some(trouble) = &self.trouble {
            let red = theme::bad(ui.visuals().dark_mode);
            let words = escape(cx.say(&trouble.en, &trouble.zh));
            ui.label(RichText::new(words).color(red));
        }
        entered
    }

    fn submit(&mut self, cx: &mut Cx<'_>) {
        self.trouble = self.flaw();
        if self.trouble.is_none() {
            cx.act(Action::Order(Order::Passwd {
                old: self.old.clone(),
                new: self.new.clone(),
            }));
            self.stage = Stage::Waiting;
            for text in [&mut self.old, &mut self.new, &mut self.again] {
                text.zeroize();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(old: &str, new: &str, again: &str) -> PasswordForm {
        let text = |text: &str| Zeroizing::new(text.to_owned());
        PasswordForm {
            stage: Stage::Typing,
            old: text(old),
            new: text(new),
            again: text(again),
            ..PasswordForm::default()
        }
    }

    #[test]
    fn a_password_is_sent_only_when_it_can_be_one_and_was_typed_twice_alike() {
        assert_eq!(form("old", "12345678", "12345678").flaw(), None);
        for (old, new, again, why) in [
            ("", "12345678", "12345678", "missing"),
            ("old", "1234567", "1234567", "8 to 1024 bytes"),
            ("old", "12345678", "12345679", "two ways"),
        ] {
            let flaw = form(old, new, again).flaw().unwrap();
            assert!(flaw.en.contains(why), "{flaw:?}");
        }
    }

    #[test]
    fn nothing_secret_stays_once_it_was_sent_or_the_dialog_closed() {
        let mut form = form("old-secret", "new-secret", "new-secret");
        let mut actions = Vec::new();
        let mut cx = Cx {
            lang: crate::lang::Lang::English,
            actions: &mut actions,
        };
        form.submit(&mut cx);
        assert_eq!(form.stage, Stage::Waiting);
        assert!(form.old.is_empty() && form.new.is_empty() && form.again.is_empty());
        let Some(Action::Order(Order::Passwd { old, new })) = actions.first() else {
            panic!("no order: {actions:?}")
        };
        assert_eq!((old.as_str(), new.as_str()), ("old-secret", "new-secret"));
    }
}
