//! Drawing the transfers.

use std::path::Path;
use std::time::Duration;

use egui::{Align, Button, DragValue, Label, Layout, ProgressBar, RichText, Sense, Ui, UiBuilder};
use egui_extras::{Column, TableBuilder, TableRow};

use super::rate::time_left;
use super::{Row, Totals, Transfers};
use crate::client::Job;
use crate::gui::action::{Action, Cx};
use crate::gui::engine::told::Told;
use crate::gui::engine::transfers::{AT_ONCE_MAX, Finished, Id, State, TransferOrder};
use crate::gui::theme;
use crate::lang::Lang;
use crate::text::{self, escape};

/// How often running transfers are drawn.
const REDRAW: Duration = Duration::from_millis(100);

/// Height of the lines below the table that tell of the selected transfer.
const DETAILS: f32 = 64.0;

/// Width below which the table is scrolled sideways.
const WIDTH_MIN: f32 = 920.0;

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
        let height = (ui.available_height() - details).max(3.0 * theme::ROW);
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
                    .column(Column::exact(216.0))
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

impl Row {
    /// Draws it; whether its details are asked for.
    fn show(&self, row: &mut TableRow<'_, '_>, cx: &mut Cx<'_>, selected: bool) -> bool {
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

    /// The state in a few words.
    fn state(&self, lang: Lang) -> (String, Tone) {
        let gauge = &self.transfer.gauge;
        let (words, tone) = match &self.transfer.state {
            State::Waiting => (("waiting", "等待中"), Tone::Plain),
            State::Running if !gauge.has_begun() => (("starting…", "正在开始…"), Tone::Plain),
            State::Running if gauge.done() >= gauge.size() => {
                (("finishing…", "正在完成…"), Tone::Plain)
            }
            State::Running => (("running", "传输中"), Tone::Plain),
            State::Paused => (("paused", "已暂停"), Tone::Warning),
            State::Asking(_) => (("name taken", "名称已存在"), Tone::Warning),
            State::Done(finished) => return (finished.words(lang), Tone::Good),
            State::Failed(told) => {
                let word = lang.pick("failed: ", "失败：");
                return (format!("{word}{}", told.message(lang)), Tone::Bad);
            }
            State::Skipped => (("skipped", "已跳过"), Tone::Plain),
            State::Cancelled | State::Forgotten => (("cancelled", "已取消"), Tone::Plain),
        };
        (lang.pick(words.0, words.1).to_owned(), tone)
    }

    /// All there is to say of it, in lines.
    fn tell(&self, lang: Lang) -> Vec<String> {
        match &self.transfer.state {
            State::Failed(told) => {
                let mut lines = vec![told.message(lang), told.hint(lang)];
                lines.retain(|line| !line.is_empty());
                lines
            }
            State::Done(finished) => {
                let mut lines = vec![
                    format!("SHA-256 {}", finished.sha256),
                    escape(&finished.name),
                    escape(&finished.path.to_string_lossy()),
                ];
                if finished.resumed > 0 {
                    lines.push(finished.already_there(lang));
                }
                lines
            }
            _ => vec![
                escape(self.transfer.job.name().as_str()),
                escape(&self.transfer.job.path().to_string_lossy()),
            ],
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

/// How a state is meant.
enum Tone {
    Plain,
    Good,
    Warning,
    Bad,
}

impl Finished {
    fn words(&self, lang: Lang) -> String {
        let size = text::size(self.size);
        match (lang, self.resumed) {
            (Lang::English, 0) => format!("done, {size}"),
            (Lang::Chinese, 0) => format!("完成，{size}"),
            (lang, _) => self.already_there(lang),
        }
    }

    fn already_there(&self, lang: Lang) -> String {
        let resumed = text::size(self.resumed);
        match (lang, self.resumed == self.size) {
            (Lang::English, true) => "done, all of it was there already".to_owned(),
            (Lang::Chinese, true) => "完成，全部内容早已存在".to_owned(),
            (Lang::English, false) => format!("done, {resumed} were there already"),
            (Lang::Chinese, false) => format!("完成，其中 {resumed} 早已存在"),
        }
    }
}

impl Told {
    fn message(&self, lang: Lang) -> String {
        escape(lang.pick(&self.message.en, &self.message.zh))
    }

    fn hint(&self, lang: Lang) -> String {
        escape(lang.pick(&self.hint.en, &self.hint.zh))
    }

    /// What is wrong and what to do, in a line.
    fn text(&self, lang: Lang) -> String {
        let (message, hint) = (self.message(lang), self.hint(lang));
        match hint.is_empty() {
            true => message,
            false => format!("{message}{}{hint}", lang.pick("; ", "；")),
        }
    }
}

impl Totals {
    /// `3 of 10 done · 1.2 GB of 4.0 GB · 35.0 MB/s · 1 min 20 s`.
    fn tell(&self, lang: Lang) -> String {
        if self.count == 0 {
            return String::new();
        }
        let (over, count) = (self.over, self.count);
        let (done, bytes) = (text::size(self.done), text::size(self.bytes));
        let mut parts = match lang {
            Lang::English => vec![
                format!("{over} of {count} done"),
                format!("{done} of {bytes}"),
            ],
            Lang::Chinese => vec![
                format!("{over}/{count} 已完成"),
                format!("{done} / {bytes}"),
            ],
        };
        if self.failed > 0 {
            let failed = self.failed;
            parts.push(lang.pick(format!("{failed} failed"), format!("{failed} 个失败")));
        }
        if self.running > 0 && self.bytes_per_s > 0.0 {
            parts.push(speed_text(self.bytes_per_s));
            let left = self.bytes.saturating_sub(self.done);
            parts.extend(time_left(left, self.bytes_per_s).map(|left| duration(left, lang)));
        }
        parts.join(" · ")
    }
}

fn label(text: RichText) -> Label {
    Label::new(text).selectable(false).truncate()
}

/// Text that leaves clicks to its row.
fn cell(ui: &mut Ui, text: RichText, right: bool) {
    match right {
        true => ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add(label(text));
        }),
        false => ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(label(text));
        }),
    };
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a speed is not negative, and fits"
)]
fn speed_text(bytes_per_s: f64) -> String {
    format!("{}/s", text::size(bytes_per_s as u64))
}

/// A duration as it is said: `45 s`, `3 min 20 s`, `2 h 5 min`.
fn duration(duration: Duration, lang: Lang) -> String {
    let seconds = duration.as_secs();
    let (h, min, s) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (lang, h, min) {
        (Lang::English, 0, 0) => format!("{s} s"),
        (Lang::English, 0, _) => format!("{min} min {s} s"),
        (Lang::English, ..) => format!("{h} h {min} min"),
        (Lang::Chinese, 0, 0) => format!("{s} 秒"),
        (Lang::Chinese, 0, _) => format!("{min} 分 {s} 秒"),
        (Lang::Chinese, ..) => format!("{h} 小时 {min} 分"),
    }
}
