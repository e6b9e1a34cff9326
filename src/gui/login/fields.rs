//! Rows of a form: a label, and beside it what is typed or chosen.

use egui::{Id, Layout, Response, RichText, Role, TextEdit, Ui, Vec2, WidgetInfo};

use super::Field;
use crate::gui::action::{Action, Cx};
use crate::gui::platform::Pick;

/// Width of the labels.
const LABEL: f32 = 140.0;

/// Narrower than this, a label stands above its field.
const NARROW: f32 = 400.0;

/// Width of the button beside a file's field.
const CHOOSE: f32 = 84.0;

/// What goes on while the rows of a form are drawn.
pub(super) struct Rows {
    /// The field that is to get the focus; taken by the row that has it.
    pub(super) focus: Option<Field>,
    /// The field something is wrong with.
    pub(super) wrong: Option<Field>,
    /// Return was pressed in a field.
    pub(super) entered: bool,
}

impl Rows {
    /// A label, and what `add` draws beside it, given the label's id.
    pub(super) fn row<R>(
        ui: &mut Ui,
        label: &str,
        tip: &str,
        add: impl FnOnce(&mut Ui, Id) -> R,
    ) -> R {
        let named = |ui: &mut Ui| {
            let response = ui.label(label);
            match tip {
                "" => response.id,
                tip => response.on_hover_text(tip).id,
            }
        };
        if ui.available_width() < NARROW {
            return ui
                .vertical(|ui| {
                    let id = named(ui);
                    ui.horizontal(|ui| add(ui, id)).inner
                })
                .inner;
        }
        ui.horizontal(|ui| {
            let size = Vec2::new(LABEL, ui.spacing().interact_size.y);
            let layout = Layout::left_to_right(egui::Align::Center);
            let id = ui
                .allocate_ui_with_layout(size, layout, |ui| {
                    ui.set_min_width(LABEL);
                    named(ui)
                })
                .inner;
            add(ui, id)
        })
        .inner
    }

    /// A row with one line of text; whether it lost the focus.
    pub(super) fn text(
        &mut self,
        ui: &mut Ui,
        (field, label, tip): (Option<Field>, &str, &str),
        text: &mut String,
        hint: &str,
    ) -> Response {
        Self::row(ui, label, tip, |ui, id| {
            let response = line(ui, text, hint, ui.available_width());
            self.meet(ui, field, &response, tip);
            response.labelled_by(id)
        })
    }

    /// A row with the path of a file, typed or chosen; whether it changed.
    pub(super) fn file(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        (field, label, tip): (Field, &str, &str),
        text: &mut String,
        pick: Pick,
    ) -> bool {
        Self::row(ui, label, tip, |ui, id| {
            let width = ui.available_width() - CHOOSE - ui.spacing().item_spacing.x;
            let hint = cx.say("path of a PEM file", "PEM 文件的路径");
            let response = line(ui, text, hint, width);
            self.meet(ui, Some(field), &response, tip);
            let changed = response.labelled_by(id).changed();
            let choose = egui::Button::new(cx.say("Choose…", "选择…"));
            let size = Vec2::new(CHOOSE, ui.spacing().interact_size.y);
            let choose = ui.add_sized(size, choose);
            let name = cx.say(format!("Choose: {label}"), format!("选择：{label}"));
            let enabled = ui.is_enabled();
            choose.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, &name));
            if choose.clicked() {
                cx.act(Action::Pick(pick));
            }
            changed
        })
    }

    /// Gives a field the focus if it is its turn, marks it if it is wrong, and hears Return.
    pub(super) fn meet(&mut self, ui: &Ui, field: Option<Field>, response: &Response, tip: &str) {
        if field.is_some() && self.focus == field && ui.is_enabled() {
            self.focus = None;
            response.request_focus();
            response.scroll_to_me(None);
        }
        if field.is_some() && self.wrong == field {
            let stroke = egui::Stroke::new(1.5, crate::gui::theme::bad(ui.visuals().dark_mode));
            let radius = ui.visuals().widgets.inactive.corner_radius;
            ui.painter()
                .rect_stroke(response.rect, radius, stroke, egui::StrokeKind::Inside);
        }
        if !tip.is_empty() {
            response.clone().on_hover_text(tip);
        }
        self.entered |= response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
    }
}

fn line(ui: &mut Ui, text: &mut String, hint: &str, width: f32) -> Response {
    let hint = RichText::new(hint).italics();
    ui.add(
        TextEdit::singleline(text)
            .hint_text(hint)
            .align(egui::Align2::LEFT_CENTER)
            .desired_width(width),
    )
}
