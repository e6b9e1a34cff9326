//! A field for a secret: masked, shown only while the eye is open, and without copies left behind.
//!
//! egui keeps what was typed for its undo, and reads it to screen readers when it is not masked. Here the undo is
//! emptied after every frame, and what the open eye shows is painted over the mask: for everything but the eyes
//! of the person in front of it the field stays masked.

use egui::text_edit::TextEditOutput;
use egui::{Color32, Response, TextEdit, TextStyle, Ui};
use zeroize::Zeroizing;

use super::action::Cx;
use crate::config::PASSWORD_BYTES_MAX;

/// Whether a secret is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reveal(bool);

/// Room for a secret, so that it never has to move while it is typed: what is moved leaves a copy.
pub fn room() -> Zeroizing<String> {
    // A character is up to four bytes.
    Zeroizing::new(String::with_capacity(4 * (PASSWORD_BYTES_MAX + 1)))
}

/// Draws the field, `width` points wide, with `hint` in it while it is empty.
pub fn field(
    ui: &mut Ui,
    text: &mut Zeroizing<String>,
    hint: &str,
    width: f32,
    reveal: Reveal,
) -> Response {
    let edit = TextEdit::singleline(&mut **text)
        .password(true)
        .char_limit(PASSWORD_BYTES_MAX)
        .font(TextStyle::Monospace)
        .hint_text(hint)
        .align(egui::Align2::LEFT_CENTER)
        .desired_width(width);
    let edit = match reveal.0 {
        true => edit.text_color(Color32::TRANSPARENT),
        false => edit,
    };
    let TextEditOutput {
        response,
        mut state,
        galley_pos,
        text_clip_rect,
        ..
    } = edit.show(ui);
    state.clear_undoer();
    state.store(ui.ctx(), response.response.id);
    if reveal.0 && !text.is_empty() {
        let font = TextStyle::Monospace.resolve(ui.style());
        let colour = ui.visuals().widgets.inactive.text_color();
        let painter = ui.painter_at(text_clip_rect);
        let galley = painter.layout_no_wrap(text.to_string(), font, colour);
        painter.galley(galley_pos, galley, colour);
    }
    response.response
}

/// The eye beside it; `what` names the secret.
pub fn eye(ui: &mut Ui, cx: &Cx<'_>, what: &str, reveal: &mut Reveal) {
    let name = match reveal.0 {
        true => cx.say(format!("Hide: {what}"), format!("隐藏：{what}")),
        false => cx.say(format!("Show: {what}"), format!("显示：{what}")),
    };
    let button = egui::Button::selectable(reveal.0, "👁").frame_when_inactive(true);
    let response = ui.add(button).on_hover_text(&name);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    if response.clicked() {
        reveal.0 = !reveal.0;
    }
}
