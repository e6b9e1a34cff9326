//! What the form is made of beside its fields.

use egui::{Align, Frame, Layout, Margin, Response, RichText, Sense, Stroke, Ui, UiBuilder};

use super::Security;
use crate::gui::action::Cx;
use crate::gui::engine::told::Told;
use crate::gui::{theme, words};
use crate::text::escape;

/// What went wrong: the words, the cure, and where the window has it.
pub(super) fn show_told(ui: &mut Ui, cx: &Cx<'_>, told: &Told) -> Response {
    let bad = theme::bad(ui.visuals().dark_mode);
    let frame = Frame::new()
        .stroke(Stroke::new(1.0, bad))
        .corner_radius(6)
        .inner_margin(Margin::symmetric(10, 8));
    let shown = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let message = escape(cx.say(&told.message.en, &told.message.zh));
        ui.label(RichText::new(format!("✖ {message}")).color(bad).strong());
        let hint = cx.say(&told.hint.en, &told.hint.zh);
        if !hint.is_empty() {
            ui.label(escape(hint));
        }
        for place in words::places(hint, cx.lang) {
            ui.label(RichText::new(place).weak());
        }
    });
    shown.response
}

/// One of the three choices; whether it was chosen now.
pub(super) fn show_choice(ui: &mut Ui, cx: &Cx<'_>, security: Security, chosen: bool) -> bool {
    let dark = ui.visuals().dark_mode;
    let dangerous = security == Security::Plain;
    let colour = match dangerous {
        true => theme::bad(dark),
        false => theme::accent(dark),
    };
    // Equally wide, so that nothing moves when another is chosen.
    let edge = ui.visuals().widgets.noninteractive.bg_stroke.color;
    let stroke = Stroke::new(1.5, if chosen { colour } else { edge });
    let (name, meaning) = (security.name(), security.meaning());
    let mut clicked = false;
    // The whole card can be clicked; for the keyboard and for screen readers it is one control.
    let card = UiBuilder::new().sense(Sense::CLICK);
    let card = ui.scope_builder(card, |ui| {
        let frame = Frame::new()
            .fill(theme::card(dark))
            .stroke(stroke)
            .corner_radius(6)
            .inner_margin(Margin::symmetric(10, 6));
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.horizontal(|ui| {
                let name = RichText::new(cx.say(name.en, name.zh)).strong();
                clicked = ui.radio(chosen, name).clicked();
                if dangerous {
                    let word = cx.say("⚠ dangerous", "⚠ 危险");
                    ui.label(RichText::new(word).color(theme::bad(dark)));
                }
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.label(RichText::new(security.sign()).color(match dangerous {
                        true => theme::bad(dark),
                        false => theme::good(dark),
                    }));
                });
            });
            let text = RichText::new(cx.say(meaning.en, meaning.zh)).weak();
            let label = egui::Label::new(text).selectable(false);
            ui.horizontal(|ui| {
                ui.add_space(ui.spacing().icon_width + ui.spacing().icon_spacing);
                ui.vertical(|ui| ui.add(label));
            });
        });
    });
    clicked || card.response.clicked()
}

/// Draws in the middle, so many points wide if there is room.
pub(super) fn centred(ui: &mut Ui, width: f32, add: impl FnOnce(&mut Ui)) {
    let room = ui.available_width();
    let width = width.min(room);
    ui.add_space(theme::GAP);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.add_space((room - width) / 2.0);
        ui.spacing_mut().item_spacing.x = theme::GAP;
        ui.vertical(|ui| {
            ui.set_width(width);
            add(ui);
        });
    });
}
