//! A question in front of the window, which waits behind it.

use egui::{Button, Context, Frame, Id, Modal, Response, Ui, Vec2, Widget as _};

use super::theme::{self, GAP};

/// Least size of a button, in points, so that those of a dialog are equally wide.
const BUTTON: Vec2 = Vec2::new(110.0, 28.0);

/// Draws a dialog with a title; returns what `content` returned, and whether it was closed with Escape or by
/// a click beside it.
pub fn show<T>(
    ctx: &Context,
    id: &str,
    title: &str,
    width: f32,
    content: impl FnOnce(&mut Ui) -> T,
) -> (T, bool) {
    let frame = Frame::popup(&ctx.global_style()).inner_margin(2.0 * GAP);
    let modal = Modal::new(Id::unique(id)).frame(frame);
    let response = modal.show(ctx, |ui| {
        let room = ui.ctx().content_rect().width() - 8.0 * GAP;
        ui.set_width(width.min(room));
        ui.heading(title);
        ui.add_space(GAP);
        content(ui)
    });
    let closed = response.should_close();
    (response.inner, closed)
}

/// The buttons at the end of a dialog: the one that does it, then the one that does not. Returns both.
pub fn buttons(ui: &mut Ui, does: &str, enabled: bool, leaves: &str) -> (Response, Response) {
    ui.add_space(GAP);
    ui.horizontal(|ui| {
        let does = theme::primary(ui, does).min_size(BUTTON);
        let does = ui.add_enabled(enabled, does);
        let leaves = Button::new(leaves).min_size(BUTTON).ui(ui);
        (does, leaves)
    })
    .inner
}
