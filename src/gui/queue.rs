//! The transfers: how far each is, and what can be done about it.

use std::collections::BTreeMap;
use std::time::Duration;

use egui::{ProgressBar, RichText, ScrollArea, Ui};

use super::action::{Action, Cx};
use super::engine::transfers::{Choice, Id, State, Transfer, TransferOrder};
use super::theme;
use crate::client::Job;
use crate::text::{self, escape};

/// How often a running transfer is drawn.
const REDRAW: Duration = Duration::from_millis(100);

/// The transfers as the window knows them.
#[derive(Debug, Default)]
pub struct Transfers {
    all: BTreeMap<Id, Transfer>,
}

impl Transfers {
    /// A transfer changed.
    pub fn update(&mut self, transfer: Transfer) {
        match transfer.state {
            State::Forgotten => self.all.remove(&transfer.id),
            _ => self.all.insert(transfer.id, transfer),
        };
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Transfer> {
        self.all.values()
    }

    /// How many are not over.
    pub fn busy(&self) -> usize {
        self.all()
            .filter(|transfer| !transfer.state.is_over())
            .count()
    }

    /// Draws it.
    pub fn show(&self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if self.all().any(|transfer| transfer.state == State::Running) {
            ui.ctx().request_repaint_after(REDRAW);
        }
        if ui.button(cx.say("Clear finished", "清除已完成")).clicked() {
            cx.act(Action::Transfer(TransferOrder::Clear));
        }
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for transfer in self.all() {
                show_one(ui, cx, transfer);
            }
        });
    }
}

fn show_one(ui: &mut Ui, cx: &mut Cx<'_>, transfer: &Transfer) {
    let id = transfer.id;
    let dark = ui.visuals().dark_mode;
    ui.horizontal_wrapped(|ui| {
        let arrow = match transfer.job {
            Job::Upload { .. } => "⬆",
            Job::Download { .. } => "⬇",
        };
        ui.label(format!("{arrow} {}", escape(transfer.job.name().as_str())));
        match &transfer.state {
            State::Running => {
                ui.add(
                    ProgressBar::new(fraction(transfer))
                        .desired_width(160.0)
                        .show_percentage(),
                );
                if ui.button(cx.say("Pause", "暂停")).clicked() {
                    cx.act(Action::Transfer(TransferOrder::Pause(id)));
                }
            }
            State::Done(finished) => {
                let done = cx.say("done", "完成");
                let digest = finished.sha256.to_string();
                ui.label(
                    RichText::new(format!("{done}, {}", text::size(finished.size)))
                        .color(theme::good(dark)),
                )
                .on_hover_text(format!("SHA-256 {digest}"));
            }
            State::Failed(told) => {
                let text = cx.say(&told.message.en, &told.message.zh);
                ui.label(RichText::new(escape(text)).color(theme::bad(dark)));
            }
            State::Asking(_) => {
                for (choice, word) in [
                    (Choice::Overwrite, cx.say("Overwrite", "覆盖")),
                    (Choice::Rename, cx.say("Rename", "重命名")),
                    (Choice::Skip, cx.say("Skip", "跳过")),
                ] {
                    if ui.button(word).clicked() {
                        cx.act(Action::Transfer(TransferOrder::Answer(id, choice, false)));
                    }
                }
            }
            State::Waiting => drop(ui.label(cx.say("waiting", "等待中"))),
            State::Paused => drop(ui.label(cx.say("paused", "已暂停"))),
            State::Skipped => drop(ui.label(cx.say("skipped", "已跳过"))),
            State::Cancelled | State::Forgotten => drop(ui.label(cx.say("cancelled", "已取消"))),
        }
    });
}

#[expect(clippy::cast_precision_loss, reason = "a bar of some hundred pixels")]
fn fraction(transfer: &Transfer) -> f32 {
    let (done, size) = (transfer.gauge.done(), transfer.gauge.size());
    if size == 0 {
        0.0
    } else {
        done as f32 / size as f32
    }
}
