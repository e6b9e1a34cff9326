//! Drawing one transfer.

use std::path::Path;

use egui::{Align, Label, Layout, ProgressBar, RichText, Ui};
use egui_extras::TableRow;

use super::Row;
use super::rate::time_left;
use super::words::{Tone, duration, speed_text};
use crate::client::Job;
use crate::gui::action::{Action, Cx};
use crate::gui::engine::transfers::{State, TransferOrder};
use crate::gui::theme;
use crate::text::{self, escape};

impl Row {
    /// Draws it; whether its details are asked for.
    pub(super) fn show(&self, row: &mut TableRow<'_, '_>, cx: &mut Cx<'_>, selected: bool) -> bool {
        let transfer = &self.transfer;
        let gauge = &transfer.gauge;
        row.set_selected(selected);
        row.col(|ui| {
            let (arrow, way) = match transfer.job {
                Job::Upload { .. } => ("⬆", cx.say("upload", "上传")),
                Job::Download { .. } => ("⬇", cx.say("download", "下载")),
            };
            let name = escape(transfer.job.name().as_str());
            let path = escape(&transfer.job.path().to_string_lossy());
            ui.add(label(RichText::new(format!("{arrow} {name}"))))
                .on_hover_text(format!("{way}: {name}\n{path}"));
        });
        let running = transfer.state == State::Running;
        let size = match &transfer.state {
            State::Done(finished) => finished.size,
            _ => gauge.size(),
        };
        row.col(|ui| cell(ui, RichText::new(text::size(size)), true));
        row.col(|ui| {
            if transfer.state.is_unfinished() && (gauge.done() > 0 || running) {
                ui.add(ProgressBar::new(self.fraction()).show_percentage());
            }
        });
        let speed = self.rate.bytes_per_s().filter(|_| running);
        row.col(|ui| {
            if let Some(speed) = speed {
                cell(ui, RichText::new(speed_text(speed)), true);
            }
        });
        row.col(|ui| {
            let left = gauge.size().saturating_sub(gauge.done());
            if let Some(left) = speed.and_then(|speed| time_left(left, speed)) {
                cell(ui, RichText::new(duration(left, cx.lang)), true);
            }
        });
        row.col(|ui| self.show_state(ui, cx, selected));
        let mut asked = false;
        row.col(|ui| asked = self.show_buttons(ui, cx));
        asked || row.response().clicked()
    }

    fn show_state(&self, ui: &mut Ui, cx: &Cx<'_>, selected: bool) {
        let dark = ui.visuals().dark_mode;
        let (word, colour) = self.state(cx.lang);
        let mut text = RichText::new(&word);
        text = match colour {
            // A row that is selected has its own colours.
            _ if selected => text,
            Tone::Plain => text,
            Tone::Good => text.color(theme::good(dark)),
            Tone::Warning => text.color(theme::warning(dark)),
            Tone::Bad => text.color(theme::bad(dark)),
        };
        let response = ui.add(label(text));
        let lines = self.tell(cx.lang);
        if !lines.is_empty() {
            response.on_hover_text(lines.join("\n"));
        }
    }

    /// Whether its details are asked for.
    fn show_buttons(&self, ui: &mut Ui, cx: &mut Cx<'_>) -> bool {
        let id = self.transfer.id;
        let order = |ui: &mut Ui, cx: &mut Cx<'_>, word: &str, order: TransferOrder| {
            if ui.small_button(word).clicked() {
                cx.act(Action::Transfer(order));
            }
        };
        let (pause, resume) = (cx.say("Pause", "暂停"), cx.say("Resume", "继续"));
        let (cancel, retry) = (cx.say("Cancel", "取消"), cx.say("Retry", "重试"));
        match &self.transfer.state {
            State::Waiting | State::Running => {
                order(ui, cx, pause, TransferOrder::Pause(id));
                order(ui, cx, cancel, TransferOrder::Cancel(id));
            }
            State::Paused => {
                order(ui, cx, resume, TransferOrder::Resume(id));
                order(ui, cx, cancel, TransferOrder::Cancel(id));
            }
            State::Failed(_) => {
                order(ui, cx, retry, TransferOrder::Resume(id));
                order(ui, cx, cancel, TransferOrder::Cancel(id));
                return ui
                    .small_button(cx.say("Show details", "显示详情"))
                    .clicked();
            }
            State::Skipped | State::Cancelled => {
                order(ui, cx, retry, TransferOrder::Resume(id));
            }
            State::Done(finished) => {
                if let Job::Download { .. } = self.transfer.job
                    && ui
                        .small_button(cx.say("Open folder", "打开文件夹"))
                        .clicked()
                {
                    let folder = finished.path.parent().unwrap_or_else(|| Path::new("."));
                    cx.act(Action::OpenFolder(folder.to_owned()));
                }
                return ui
                    .small_button(cx.say("Show details", "显示详情"))
                    .clicked();
            }
            State::Asking(_) | State::Forgotten => {}
        }
        false
    }

    #[expect(clippy::cast_precision_loss, reason = "a bar of some hundred pixels")]
    fn fraction(&self) -> f32 {
        let (done, size) = (self.transfer.gauge.done(), self.transfer.gauge.size());
        match size {
            0 => 0.0,
            size => (done as f32 / size as f32).min(1.0),
        }
    }
}

fn label(text: RichText) -> Label {
    Label::new(text).selectable(false).truncate()
}

/// Text that leaves clicks to its row.
pub(super) fn cell(ui: &mut Ui, text: RichText, right: bool) {
    match right {
        true => ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add(label(text));
        }),
        false => ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(label(text));
        }),
    };
}
