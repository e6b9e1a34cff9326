//! Shown when a connection was stopped over who is at the other end: why, and what was shown. There is no way on
//! from here but to mend it.

use egui::{Button, RichText, Ui, Vec2};

use super::pieces::show_told;
use crate::gui::action::Cx;
use crate::gui::engine::told::Told;
use crate::gui::theme;
use crate::gui::trust::Trust;

/// What somebody chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Try the same once more.
    Again,
    /// Back to the form.
    Change,
}

/// Draws it.
pub(super) fn show(ui: &mut Ui, cx: &mut Cx<'_>, told: &Told, trust: &Trust) -> Option<Choice> {
    let mut choice = None;
    let bad = theme::bad(ui.visuals().dark_mode);
    let title = cx.say("The connection was stopped", "连接已中止");
    ui.heading(RichText::new(title).color(bad));
    ui.label(cx.say(
        "Nothing was sent: neither your password nor a file.",
        "没有发送任何内容：密码和文件都没有发出。",
    ));
    ui.add_space(theme::GAP);
    show_told(ui, cx, told);
    ui.add_space(theme::GAP);
    ui.horizontal(|ui| {
        let size = Vec2::new(140.0, 32.0);
        let change = theme::primary(ui, cx.say("Change settings", "更改设置")).min_size(size);
        if ui.add(change).clicked() {
            choice = Some(Choice::Change);
        }
        let again = Button::new(cx.say("Try again", "重试")).min_size(size);
        if ui.add(again).clicked() {
            choice = Some(Choice::Again);
        }
    });
    ui.add_space(theme::GAP);
    ui.separator();
    trust.show_shown(ui, cx);
    choice
}
