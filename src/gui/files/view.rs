//! Drawing the list of files.

use egui::{Label, Response, Sense, Ui};
use egui_extras::{Column as Width, TableBuilder, TableRow};

use super::{Column, Files, Row};
use crate::gui::action::{Action, Cx, Wanted};
use crate::gui::engine::Order;
use crate::gui::platform::Pick;
use crate::gui::theme::ROW;
use crate::text::{self, escape};

impl Files {
    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        self.show_bar(ui, cx);
        self.show_table(ui, cx);
    }

    fn show_bar(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        ui.horizontal_wrapped(|ui| {
            if ui.button(cx.say("Upload files…", "上传文件…")).clicked() {
                cx.act(Action::Pick(Pick::UploadFiles(self.folder.clone())));
            }
            if ui
                .button(cx.say("Upload a folder…", "上传文件夹…"))
                .clicked()
            {
                cx.act(Action::Pick(Pick::UploadFolder(self.folder.clone())));
            }
            let selected = !self.selected.is_empty();
            let download = egui::Button::new(cx.say("Download…", "下载…"));
            if ui.add_enabled(selected, download).clicked() {
                let wanted = self.selected().into_iter().filter_map(|file| {
                    let path = file.name.last_part().parse().ok()?;
                    Some(Wanted { file, path })
                });
                cx.act(Action::Pick(Pick::DownloadTo(wanted.collect())));
            }
            if ui.button(cx.say("Refresh", "刷新")).clicked() {
                cx.act(Action::Order(Order::Refresh));
            }
            let label = ui.label(cx.say("Filter", "筛选"));
            let mut filter = self.filter.clone();
            let edit = egui::TextEdit::singleline(&mut filter).desired_width(160.0);
            if ui.add(edit).labelled_by(label.id).changed() {
                self.set_filter(&filter);
            }
        });
    }

    fn show_table(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let mut clicked = None;
        let mut sort = None;
        TableBuilder::new(ui)
            .striped(true)
            .resizable(true)
            .sense(Sense::click())
            .column(Width::remainder().at_least(160.0).clip(true))
            .column(Width::initial(100.0).at_least(60.0).clip(true))
            .column(Width::initial(90.0).at_least(60.0))
            .column(Width::initial(180.0).at_least(100.0).clip(true))
            .header(ROW, |mut header| {
                for (column, word) in [
                    (Column::Name, cx.say("Name", "名称")),
                    (Column::Owner, cx.say("Uploaded by", "上传者")),
                    (Column::Size, cx.say("Size", "大小")),
                    (Column::Time, cx.say("Time", "时间")),
                ] {
                    header.col(|ui| {
                        if ui.button(word).clicked() {
                            sort = Some(column);
                        }
                    });
                }
            })
            .body(|body| {
                body.rows(ROW, self.rows.len(), |mut row| {
                    let index = row.index();
                    if self.show_row(&mut row).clicked() {
                        clicked = Some(index);
                    }
                });
            });
        if let Some(column) = sort {
            self.sort_by(column);
        }
        if let Some(row) = clicked {
            self.click(row);
        }
    }

    fn show_row(&self, row: &mut TableRow<'_, '_>) -> Response {
        match &self.rows[row.index()] {
            Row::Folder { name, bytes, .. } => {
                row.col(|ui| {
                    cell(ui, format!("📁 {}", escape(name)));
                });
                row.col(|_ui| {});
                row.col(|ui| {
                    cell(ui, text::size(*bytes));
                });
                row.col(|_ui| {});
            }
            Row::File(index) => {
                let file = &self.all[*index];
                row.set_selected(self.selected.contains(&file.name));
                row.col(|ui| {
                    cell(ui, escape(file.name.last_part()));
                });
                row.col(|ui| {
                    cell(ui, escape(file.owner.as_str()));
                });
                row.col(|ui| {
                    cell(ui, text::size(file.size));
                });
                row.col(|ui| {
                    cell(ui, text::time(file.modified));
                });
            }
        }
        row.response()
    }

    fn click(&mut self, row: usize) {
        match self.rows.get(row) {
            Some(Row::Folder { name, .. }) => self.open(format!("{}{name}/", self.folder)),
            Some(Row::File(index)) => {
                let name = self.all[*index].name.clone();
                self.selected.clear();
                self.selected.insert(name);
            }
            None => {}
        }
    }
}

/// Text that leaves clicks to its row.
fn cell(ui: &mut Ui, text: String) {
    ui.add(Label::new(text).selectable(false).truncate());
}
