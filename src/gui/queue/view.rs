//! Drawing the transfers.

use std::time::Duration;

use egui::{Align, Button, DragValue, Layout, RichText, Sense, Ui, UiBuilder};
use egui_extras::{Column, TableBuilder};

use super::row::cell;
use super::{Totals, Transfers};
use crate::gui::action::{Action, Cx};
use crate::gui::engine::transfers::{AT_ONCE_MAX, Id, State, TransferOrder};
use crate::gui::theme;
use crate::lang::Lang;
use crate::text::escape;

/// How often running transfers are drawn.
const REDRAW: Duration = Duration::from_millis(100);

/// Height of the lines below the table that tell of the selected transfer.
const DETAILS: f32 = 64.0;

/// Width below which the table is scrolled sideways.
const WIDTH_MIN: f32 = 940.0;

/// Width of the buttons of one transfer: three words, in either language.
const BUTTONS: f32 = 236.0;

impl Transfers {
    /// Draws them.
    pub fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        // In a place as large as there is: the panel keeps its height, whatever is in it.
        let rect = ui.available_rect_before_wrap();
        let mut inner = ui.new_child(UiBuilder::new().max_rect(rect));
        inner.shrink_clip_rect(rect);
        self.show_inside(&mut inner, cx);
        ui.advance_cursor_after_rect(rect);
    }

    fn show_inside(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let totals = self.totals();
        if totals.running > 0 {
            ui.ctx().request_repaint_after(REDRAW);
        }
        self.look(self.since.elapsed().as_secs_f64());
        self.arrange();
        self.show_bar(ui, cx, &totals);
        self.show_left_out(ui, cx);
        if self.order.is_empty() {
            ui.label(
                RichText::new(cx.say(
                    "No transfers yet. Drop files or folders on the window, or press Upload files.",
                    "还没有传输。请将文件或文件夹拖到窗口上，或点击“上传文件”。",
                ))
                .weak(),
            );
            return;
        }
        let details = match self.selected {
            Some(_) => DETAILS + ui.spacing().item_spacing.y,
            None => 0.0,
        };
        let header = theme::ROW + ui.spacing().item_spacing.y;
        let height = (ui.available_height() - details - header).max(theme::ROW);
        self.show_table(ui, cx, height);
        self.show_details(ui, cx);
    }

    fn show_bar(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, totals: &Totals) {
        ui.horizontal_wrapped(|ui| {
            let any = |count: usize| count > 0;
            for (enabled, word, order) in [
                (
                    any(totals.running + totals.waiting),
                    cx.say("Pause all", "全部暂停"),
                    TransferOrder::PauseAll,
                ),
                (
                    any(totals.paused),
                    cx.say("Resume all", "全部继续"),
                    TransferOrder::ResumeAll,
                ),
                (
                    any(totals.failed),
                    cx.say("Retry failed", "重试失败项"),
                    TransferOrder::RetryAll,
                ),
                (
                    any(self.busy() + self.gathering),
                    cx.say("Cancel all", "全部取消"),
                    TransferOrder::CancelAll,
                ),
                (
                    any(totals.over + totals.failed),
                    cx.say("Clear finished", "清除已完成"),
                    TransferOrder::Clear,
                ),
            ] {
                if ui.add_enabled(enabled, Button::new(word)).clicked() {
                    cx.act(Action::Transfer(order));
                }
            }
            let label = ui.label(cx.say("At once", "同时传输"));
            let many = DragValue::new(&mut self.at_once).range(1..=AT_ONCE_MAX);
            if ui.add(many).labelled_by(label.id).changed() {
                cx.act(Action::Transfer(TransferOrder::AtOnce(self.at_once)));
            }
            ui.label(totals.tell(cx.lang));
            if self.gathering > 0 {
                ui.spinner();
                let found = self.found;
                ui.label(match cx.lang {
                    Lang::English => format!("looking through folders, {found} files so far"),
                    Lang::Chinese => format!("正在查看文件夹，已找到 {found} 个文件"),
                });
                if ui.button(cx.say("Stop", "停止")).clicked() {
                    cx.act(Action::Transfer(TransferOrder::StopGathering));
                }
            }
        });
    }

    fn show_left_out(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let count = self.left_out_count;
        if count == 0 {
            return;
        }
        let lang = cx.lang;
        let lines: Vec<String> = self.left_out.iter().map(|told| told.text(lang)).collect();
        let warning = theme::warning(ui.visuals().dark_mode);
        let mut read = false;
        ui.horizontal_wrapped(|ui| {
            let word = match lang {
                Lang::English => format!("⚠ {count} left out"),
                Lang::Chinese => format!("⚠ {count} 项未上传"),
            };
            ui.label(RichText::new(word).color(warning));
            if ui.button(cx.say("Copy the reasons", "复制原因")).clicked() {
                cx.act(Action::Copy(lines.join("\n")));
            }
            read = ui.button(cx.say("OK", "知道了")).clicked();
        });
        egui::ScrollArea::vertical()
            .id_salt("left out")
            .max_height(54.0)
            .show(ui, |ui| {
                for line in &lines {
                    ui.label(line);
                }
            });
        if read {
            self.left_out.clear();
            self.left_out_count = 0;
        }
    }

    fn show_table(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, height: f32) {
        let mut clicked = None;
        let width = ui.available_width().max(WIDTH_MIN);
        egui::ScrollArea::horizontal()
            .id_salt("transfers, sideways")
            .show(ui, |ui| {
                // Else the column that takes the rest would take all there is: no end.
                ui.set_max_width(width);
                let centre = Layout::left_to_right(Align::Center);
                TableBuilder::new(ui)
                    .id_salt("transfers")
                    .striped(true)
                    .resizable(true)
                    .sense(Sense::click())
                    .cell_layout(centre)
                    .auto_shrink([false, false])
                    .min_scrolled_height(0.0)
                    .max_scroll_height(height)
                    .column(Column::remainder().at_least(140.0).clip(true))
                    .column(Column::initial(76.0).at_least(60.0).clip(true))
                    .column(Column::initial(130.0).at_least(80.0))
                    .column(Column::initial(86.0).at_least(60.0).clip(true))
                    .column(Column::initial(86.0).at_least(60.0).clip(true))
                    .column(Column::initial(160.0).at_least(80.0).clip(true))
                    .column(Column::exact(BUTTONS))
                    .header(theme::ROW, |mut header| {
                        for (word, right) in [
                            (cx.say("Name", "名称"), false),
                            (cx.say("Size", "大小"), true),
                            (cx.say("Progress", "进度"), false),
                            (cx.say("Speed", "速度"), true),
                            (cx.say("Time left", "剩余时间"), true),
                            (cx.say("State", "状态"), false),
                            ("", false),
                        ] {
                            header.col(|ui| cell(ui, RichText::new(word).strong(), right));
                        }
                    })
                    .body(|body| {
                        body.rows(theme::ROW, self.order.len(), |mut table_row| {
                            let id = self.order[table_row.index()];
                            if let Some(row) = self.all.get(&id)
                                && row.show(&mut table_row, cx, self.selected == Some(id))
                            {
                                clicked = Some(id);
                            }
                        });
                    });
            });
        if let Some(id) = clicked {
            self.select(id);
        }
    }

    /// Shows the details of this one, or no more.
    fn select(&mut self, id: Id) {
        self.selected = match self.selected == Some(id) {
            true => None,
            false => Some(id),
        };
    }

    /// What there is to say of the selected one, in full.
    fn show_details(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let Some(row) = self.selected.and_then(|id| self.all.get(&id)) else {
            return;
        };
        let dark = ui.visuals().dark_mode;
        let text = row.tell(cx.lang);
        let causes = match &row.transfer.state {
            State::Failed(told) => told.causes.as_slice(),
            _ => &[],
        };
        let mut close = false;
        egui::ScrollArea::vertical()
            .id_salt("details")
            .max_height(DETAILS)
            .auto_shrink(false)
            .show(ui, |ui| {
                ui.horizontal_wrapped(|ui| {
                    if let State::Done(finished) = &row.transfer.state
                        && ui.button(cx.say("Copy digest", "复制摘要")).clicked()
                    {
                        cx.act(Action::Copy(finished.sha256.to_string()));
                    }
                    if ui.button(cx.say("Copy details", "复制详情")).clicked() {
                        let causes = causes.iter().map(|cause| escape(cause));
                        let all: Vec<String> = text.iter().cloned().chain(causes).collect();
                        cx.act(Action::Copy(all.join("\n")));
                    }
                    close = ui.button(cx.say("Hide details", "隐藏详情")).clicked();
                    for (place, line) in text.iter().enumerate() {
                        let mut line = RichText::new(line);
                        if place == 0 && matches!(row.transfer.state, State::Failed(_)) {
                            line = line.color(theme::bad(dark));
                        }
                        ui.label(line);
                    }
                });
            });
        if close {
            self.selected = None;
        }
    }
}
