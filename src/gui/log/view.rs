//! Drawing the log.

use egui::{Button, Key, Label, RichText, ScrollArea, Sense, TextEdit, TextStyle, Ui};

use super::{Log, Tone};
use crate::gui::action::{Action, Cx};
use crate::gui::theme;

/// Space between two lines: they belong together.
const LINE_GAP: f32 = 3.0;

impl Log {
    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        self.show_bar(ui, cx);
        self.sift(cx.lang);
        if self.shown.numbers.is_empty() {
            ui.weak(match self.lines.is_empty() {
                true => cx.say("Nothing was done yet", "尚无记录"),
                false => cx.say("No line has these words", "没有符合条件的行"),
            });
            return;
        }
        self.show_lines(ui, cx);
    }

    fn show_bar(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        ui.horizontal_wrapped(|ui| {
            if ui.button(cx.say("Copy the log", "复制日志")).clicked() {
                let text = self.text(cx.lang);
                cx.act(Action::Copy(text));
            }
            let line = self.selected.and_then(|number| self.line(number));
            let copy = Button::new(cx.say("Copy the line", "复制此行"));
            let copy = ui.add_enabled(line.is_some(), copy);
            let hint = cx.say("Click on a line first", "请先点击一行");
            if copy.on_disabled_hover_text(hint).clicked()
                && let Some(line) = line
            {
                let text = line.tell(cx.lang);
                cx.act(Action::Copy(text));
            }
            ui.separator();
            let label = ui.label(cx.say("Lines with", "只看含有"));
            let edit = TextEdit::singleline(&mut self.filter).desired_width(160.0);
            let edit = ui.add(edit).labelled_by(label.id);
            if edit.has_focus() && ui.input(|input| input.key_pressed(Key::Escape)) {
                self.filter.clear();
            }
            let only = cx.say("Failures only", "仅显示失败");
            ui.checkbox(&mut self.only_trouble, only);
        });
    }

    fn show_lines(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let trouble = theme::bad(ui.visuals().dark_mode);
        let height = ui.text_style_height(&TextStyle::Monospace);
        let mut selected = self.selected;
        ui.spacing_mut().item_spacing.y = LINE_GAP;
        ScrollArea::both()
            .id_salt("log lines")
            .auto_shrink(false)
            .stick_to_bottom(true)
            .show_rows(ui, height, self.shown.numbers.len(), |ui, rows| {
                for number in &self.shown.numbers[rows] {
                    let Some(line) = self.line(*number) else {
                        continue;
                    };
                    let mut text = RichText::new(line.tell(cx.lang)).monospace();
                    if line.tone == Tone::Trouble {
                        text = text.color(trouble);
                    }
                    if selected == Some(*number) {
                        text = text.background_color(ui.visuals().selection.bg_fill);
                    }
                    let label = Label::new(text).extend().selectable(false);
                    if ui.add(label.sense(Sense::click())).clicked() {
                        selected = Some(*number);
                    }
                }
            });
        self.selected = selected;
    }
}
