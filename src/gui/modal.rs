//! A question in front of the window, which waits behind it.

use egui::{Button, Context, Id, Modal, Response, RichText, Ui, Vec2, Widget as _};

use super::theme::GAP;

/// Least width of a button, in points, so that those of a dialog are equally wide.
const BUTTON: f32 = 88.0;

/// Draws a dialog with a title; returns what `content` returned, and whether it was closed with Escape or by
/// a click beside it.
pub fn show<T>(
    ctx: &Context,
    id: &str,
    title: &str,
    width: f32,
    content: impl FnOnce(&mut Ui) -> T,
) -> (T, bool) {
    let response = Modal::new(Id::unique(id)).show(ctx, |ui| {
        let room = ui.ctx().content_rect().width() - 8.0 * GAP;
        ui.set_width(width.min(room));
        ui.add_space(GAP);
        ui.label(RichText::new(title).heading());
        ui.add_space(GAP);
        let content = content(ui);
        ui.add_space(GAP);
        content
    });
    let closed = response.should_close();
    (response.inner, closed)
}

/// The buttons at the end of a dialog: the one that does it, then the one that does not. Returns both.
pub fn buttons(ui: &mut Ui, does: &str, enabled: bool, leaves: &str) -> (Response, Response) {
    ui.add_space(GAP);
    ui.horizontal(|ui| {
        let size = Vec2::new(BUTTON, 0.0);
        let does = ui.add_enabled(enabled, Button::new(does).min_size(size));
        let leaves = Button::new(leaves).min_size(size).ui(ui);
        (does, leaves)
    })
    .inner
}
