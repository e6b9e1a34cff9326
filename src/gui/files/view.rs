//! Drawing the list of files: what is above the rows, and what is there instead of them.

use egui::{Align, Button, Key, Layout, Rect, RichText, ScrollArea, TextEdit, Ui, UiBuilder, vec2};

use super::table::{filter_id, take_focus};
use super::{Files, last_part};
use crate::gui::action::{Action, Cx};
use crate::gui::engine::Order;
use crate::gui::platform::Pick;
use crate::gui::theme::GAP;
use crate::lang::Lang;
use crate::text::{self, escape};

/// Width of the filter's field, in points.
const FILTER: f32 = 150.0;

/// In a window narrower than this, in points, only the buttons that are needed most are shown; the menu of the
/// rows has the others.
const WIDE: f32 = 640.0;

/// Height of the line below the rows, in points.
const FOOTER: f32 = 24.0;

/// Where less is left than this, in points, rows are shown instead of that line.
const FOOTER_FROM: f32 = 120.0;

/// Room for the filter with its words, in points.
const FILTER_ROOM: f32 = 260.0;

impl Files {
    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        self.obey_keys(ui, cx);
        self.show_buttons(ui, cx);
        if self
            .notice
            .as_ref()
            .is_some_and(|notice| notice.show(ui, cx))
        {
            self.notice = None;
        }
        self.show_path(ui, cx);
        let (mut table, mut footer) = (ui.available_rect_before_wrap(), ui.max_rect());
        let high = table.height() >= FOOTER_FROM;
        if high {
            table.max.y -= FOOTER;
        }
        footer.min.y = table.max.y;
        ui.scope_builder(UiBuilder::new().max_rect(table), |ui| {
            self.show_table(ui, cx);
        });
        let layout = Layout::left_to_right(Align::Center);
        if high {
            ui.scope_builder(UiBuilder::new().max_rect(footer).layout(layout), |ui| {
                self.show_footer(ui, cx);
            });
        }
        self.show_dialog(&ui.ctx().clone(), cx);
        let settled = self.layout.changed && !ui.input(|input| input.pointer.any_down());
        if settled {
            self.layout.changed = false;
            cx.act(Action::Columns(self.layout.widths, self.sort));
        }
    }

    fn show_buttons(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        ui.horizontal_wrapped(|ui| {
            let online = self.online;
            let some = online && !self.selection.paths().is_empty();
            let one = some && self.single().is_some();
            let wide = ui.available_width() >= WIDE;
            let button = |ui: &mut Ui, enabled, word: &str| {
                ui.add_enabled(enabled, Button::new(word)).clicked()
            };
            if button(ui, online, cx.say("Upload files…", "上传文件…")) {
                cx.act(Action::Pick(Pick::UploadFiles(self.folder.clone())));
            }
            if button(ui, online, cx.say("Upload a folder…", "上传文件夹…")) {
                cx.act(Action::Pick(Pick::UploadFolder(self.folder.clone())));
            }
            if wide {
                ui.separator();
            }
            if button(ui, some, cx.say("Download…", "下载…")) {
                self.download(cx);
            }
            if wide && button(ui, one, cx.say("Rename…", "重命名…")) {
                self.ask_rename();
            }
            if button(ui, some, cx.say("Delete…", "删除…")) {
                self.ask_delete();
            }
            if wide && button(ui, one, cx.say("Details…", "详细信息…")) {
                self.ask_details();
            }
            if wide {
                ui.separator();
            }
            if wide && button(ui, online, cx.say("Refresh", "刷新")) {
                cx.act(Action::Order(Order::Refresh));
            }
        });
    }

    /// Draws the path to the folder shown, and the filter beside it.
    fn show_path(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let height = ui.spacing().interact_size.y;
        let (row, _) =
            ui.allocate_exact_size(vec2(ui.available_width(), height), egui::Sense::hover());
        let (mut path, mut filter) = (row, row);
        path.max.x = (row.max.x - FILTER_ROOM).max(row.center().x);
        filter.min.x = path.max.x + GAP;
        let layout = Layout::left_to_right(Align::Center);
        ui.scope_builder(UiBuilder::new().max_rect(path).layout(layout), |ui| {
            self.show_crumbs(ui, cx);
        });
        let layout = Layout::right_to_left(Align::Center);
        ui.scope_builder(UiBuilder::new().max_rect(filter).layout(layout), |ui| {
            self.show_filter(ui, cx, filter);
        });
    }

    fn show_crumbs(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let top = self.folder.is_empty();
        if ui
            .add_enabled(!top, Button::new(cx.say("Up", "上一级")))
            .on_hover_text(cx.say("Backspace", "退格键"))
            .clicked()
        {
            self.up();
        }
        let mut open = None;
        ScrollArea::horizontal()
            .id_salt("path")
            .stick_to_right(true)
            .scroll_bar_visibility(egui::scroll_area::ScrollBarVisibility::AlwaysHidden)
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                if crumb(ui, cx.say("All files", "全部文件"), top) {
                    open = Some(String::new());
                }
                for (slash, _) in self.folder.match_indices('/') {
                    let path = &self.folder[..=slash];
                    ui.weak("/");
                    if crumb(ui, &escape(last_part(path)), path == self.folder) {
                        open = Some(path.to_owned());
                    }
                }
            });
        if let Some(folder) = open {
            self.open(folder);
        }
    }

    fn show_filter(&mut self, ui: &mut Ui, cx: &Cx<'_>, room: Rect) {
        let clear = Button::new("✖").frame(false);
        let clear = ui
            .add_enabled(!self.filter.is_empty(), clear)
            .accessible_name(cx.say("Clear the filter", "清除筛选"));
        let mut filter = self.filter.clone();
        let width = FILTER.min(room.width() - 80.0);
        let edit = TextEdit::singleline(&mut filter).id(filter_id());
        let edit = ui.add(edit.desired_width(width)).on_hover_text(cx.say(
            "Ctrl+F; names, in folders too",
            "Ctrl+F；也在子文件夹中查找",
        ));
        let label = ui.label(cx.say("Filter", "筛选"));
        let edit = edit.labelled_by(label.id);
        if edit.changed() {
            self.set_filter(&filter);
        }
        if edit.lost_focus() {
            let (left, entered) = ui.input(|input| {
                (
                    input.key_pressed(Key::Escape),
                    input.key_pressed(Key::Enter),
                )
            });
            if left {
                self.set_filter("");
            }
            if left || entered {
                take_focus(ui.ctx());
            }
        }
        if clear.clicked() {
            self.set_filter("");
            take_focus(ui.ctx());
        }
    }

    /// Says how much is shown, and how much of it is selected.
    fn show_footer(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        if self.rows.is_empty() {
            return;
        }
        let (folders, files, bytes) = self.shown;
        let mut shown = count(folders, files, cx.lang);
        // What a filter finds can be in folders that it finds as well.
        if self.filter.is_empty() {
            shown.push_str(cx.say(", ", "，"));
            shown.push_str(&text::size(bytes));
        }
        ui.label(shown);
        if self.deleting > 0 {
            let left = self.deleting;
            ui.separator();
            ui.label(cx.say(
                format!("deleting: {} to go", plural(left, "file")),
                format!("正在删除：还剩 {left} 个文件"),
            ));
        }
        let count = self.selection.paths().len();
        if count > 0 {
            let (files, bytes) = self.tally();
            let size = text::size(bytes);
            ui.separator();
            ui.label(cx.say(
                format!("{count} selected: {}, {size}", plural(files, "file")),
                format!("已选择 {count} 项：{files} 个文件，{size}"),
            ));
        }
    }

    /// Says why there are no rows, and what to do.
    pub(super) fn show_nothing(&self, ui: &mut Ui, cx: &Cx<'_>, room: Rect) {
        let (what, next) = if !self.listed {
            (cx.say("Fetching the list…", "正在获取列表…"), String::new())
        } else if !self.filter.is_empty() {
            let filter = escape(&self.filter);
            (
                cx.say("Nothing matches the filter", "没有符合筛选条件的文件"),
                cx.say(
                    format!("No name has “{filter}” in it. Escape clears the filter."),
                    format!("没有名称包含“{filter}”。按 Esc 清除筛选。"),
                ),
            )
        } else {
            let next = cx.say(
                "Drop files here or press Upload",
                "将文件拖到此处，或点击“上传文件…”",
            );
            let what = match self.folder.is_empty() {
                true => cx.say("No files yet", "还没有文件"),
                false => cx.say("This folder is empty", "此文件夹为空"),
            };
            (what, next.to_owned())
        };
        let layout = Layout::top_down(Align::Center);
        ui.scope_builder(UiBuilder::new().max_rect(room).layout(layout), |ui| {
            ui.add_space(room.height() * 0.3);
            ui.label(RichText::new(what).heading());
            ui.label(next);
        });
    }
}

/// How many folders and files, of what there is.
fn count(folders: usize, files: usize, lang: Lang) -> String {
    let kinds = [(folders, "folder", "个文件夹"), (files, "file", "个文件")];
    let some = kinds.into_iter().filter(|(count, ..)| *count > 0);
    let some = some.map(|(count, en, zh)| lang.pick(plural(count, en), format!("{count} {zh}")));
    some.collect::<Vec<_>>().join(lang.pick(", ", "，"))
}

fn plural(count: usize, word: &str) -> String {
    match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    }
}

fn crumb(ui: &mut Ui, word: &str, here: bool) -> bool {
    let text = match here {
        true => RichText::new(word).strong(),
        false => RichText::new(word),
    };
    ui.add(Button::new(text).frame_when_inactive(false))
        .clicked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_there_is_not_the_line_below_the_rows_does_not_speak() {
        for (folders, files, en, zh) in [
            (0, 1, "1 file", "1 个文件"),
            (2, 0, "2 folders", "2 个文件夹"),
            (1, 3, "1 folder, 3 files", "1 个文件夹，3 个文件"),
        ] {
            assert_eq!(count(folders, files, Lang::English), en);
            assert_eq!(count(folders, files, Lang::Chinese), zh);
        }
    }
}
