//! Asking what to do about a name that is taken, one question at a time.

use egui::{Context, Grid, Id as WidgetId, Key, Modal, Modifiers, RichText, Ui};

use super::Transfers;
use crate::client::Job;
use crate::gui::action::{Action, Cx};
use crate::gui::engine::transfers::{Choice, Clash, Id, Standing, State, Transfer, TransferOrder};
use crate::lang::Lang;
use crate::text::{self, escape};

impl Transfers {
    /// Asks, if there is something to ask. Whether there is.
    pub fn ask(&mut self, ctx: &Context, cx: &mut Cx<'_>) -> bool {
        let asking = self
            .unanswered()
            .find_map(|transfer| match &transfer.state {
                State::Asking(clash) => Some((transfer.clone(), clash.clone())),
                _ => None,
            });
        let Some((transfer, clash)) = asking else {
            self.for_all = false;
            return false;
        };
        let same = self
            .unanswered()
            .filter(|other| is_upload(other) == is_upload(&transfer));
        let same: Vec<(Id, bool)> = same.map(|other| (other.id, meets_folder(other))).collect();
        let further = same.len() - 1;
        let mut choice = None;
        Modal::new(WidgetId::unique("name taken")).show(ctx, |ui| {
            ui.set_width(460.0);
            choice = self.show_question(ui, cx, (&transfer, &clash), further);
        });
        // As in FileZilla: closing the question skips this file, and nothing is overwritten unasked.
        if ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            self.for_all = false;
            choice = Some(Choice::Skip);
        }
        if let Some(choice) = choice {
            let answer = TransferOrder::Answer(transfer.id, choice, self.for_all);
            cx.act(Action::Transfer(answer));
            // Not asked once more until the answer has arrived: a second click would be for the next file.
            match self.for_all {
                // No file replaces a folder: those are still to be asked about.
                true => self.answered.extend(same.iter().filter_map(|(id, folder)| {
                    (choice != Choice::Overwrite || !folder).then_some(*id)
                })),
                false => {
                    self.answered.insert(transfer.id);
                }
            }
        }
        true
    }

    /// Those that wait for an answer.
    fn unanswered(&self) -> impl Iterator<Item = &Transfer> {
        let asking = self.asking.difference(&self.answered);
        asking.filter_map(|id| self.all.get(id).map(|row| &row.transfer))
    }

    fn show_question(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        (transfer, clash): (&Transfer, &Clash),
        further: usize,
    ) -> Option<Choice> {
        let upload = is_upload(transfer);
        ui.heading(match upload {
            true => cx.say("The server has a file of this name", "服务器上已有同名文件"),
            false => cx.say("There is a file of this name", "本机已有同名文件"),
        });
        let place = match upload {
            true => escape(transfer.job.name().as_str()),
            false => escape(&transfer.job.path().to_string_lossy()),
        };
        ui.label(RichText::new(place).strong());
        Grid::new("clash")
            .num_columns(4)
            .spacing([16.0, 6.0])
            .show(ui, |ui| {
                let words = match upload {
                    true => (
                        cx.say("On the server", "服务器上"),
                        cx.say("To be uploaded", "要上传的"),
                    ),
                    false => (
                        cx.say("On this machine", "本机上"),
                        cx.say("To be downloaded", "要下载的"),
                    ),
                };
                show_standing(ui, cx, words.0, &clash.there);
                show_standing(ui, cx, words.1, &clash.comes);
            });
        let what = match (upload, cx.lang) {
            (true, Lang::English) => "Do this for all further uploads whose name is taken",
            (true, Lang::Chinese) => "对之后所有同名的上传都这样处理",
            (false, Lang::English) => "Do this for all further downloads whose name is taken",
            (false, Lang::Chinese) => "对之后所有同名的下载都这样处理",
        };
        ui.add_space(4.0);
        ui.checkbox(&mut self.for_all, what);
        // Always a line, so that the buttons do not move under the pointer when another one comes to wait.
        ui.label(match (further, cx.lang) {
            (0, Lang::English) => "no other is waiting for an answer".to_owned(),
            (0, Lang::Chinese) => "没有其他文件等待回答".to_owned(),
            (_, Lang::English) => format!("{further} more are waiting for an answer"),
            (_, Lang::Chinese) => format!("还有 {further} 个等待回答"),
        });
        ui.add_space(4.0);
        show_choices(ui, cx, clash.there.is_folder)
    }
}

/// The buttons of the answer.
fn show_choices(ui: &mut Ui, cx: &Cx<'_>, folder: bool) -> Option<Choice> {
    let mut choice = None;
    ui.horizontal_wrapped(|ui| {
        for (of, word, means) in [
            (
                Choice::Overwrite,
                cx.say("Overwrite", "覆盖"),
                cx.say(
                    "Replace what is there, once the new file is complete",
                    "新文件完整到达后，替换原有文件",
                ),
            ),
            (
                Choice::Rename,
                cx.say("Keep both", "两者都保留"),
                cx.say(
                    "Give the new file the next free name, such as notes (1).txt",
                    "给新文件一个空闲名称，例如 notes (1).txt",
                ),
            ),
            (
                Choice::Skip,
                cx.say("Skip", "跳过"),
                cx.say(
                    "Leave what is there as it is (Escape)",
                    "保留原有文件不变（Esc）",
                ),
            ),
        ] {
            // No file replaces a folder.
            let possible = of != Choice::Overwrite || !folder;
            let button = egui::Button::new(word).min_size([110.0, 28.0].into());
            let response = ui.add_enabled(possible, button).on_hover_text(means);
            if response.clicked() {
                choice = Some(of);
            }
        }
    });
    choice
}

fn meets_folder(transfer: &Transfer) -> bool {
    matches!(&transfer.state, State::Asking(clash) if clash.there.is_folder)
}

fn is_upload(transfer: &Transfer) -> bool {
    matches!(transfer.job, Job::Upload { .. })
}

fn show_standing(ui: &mut Ui, cx: &Cx<'_>, word: &str, standing: &Standing) {
    let unknown = || cx.say("unknown", "未知").to_owned();
    ui.label(word);
    ui.label(match standing.size {
        _ if standing.is_folder => cx.say("a folder", "文件夹").to_owned(),
        Some(size) => text::size(size),
        None => unknown(),
    });
    ui.label(standing.modified.map_or_else(unknown, text::time));
    if let Some(owner) = &standing.owner {
        let owner = escape(owner);
        ui.label(match cx.lang {
            Lang::English => format!("uploaded by {owner}"),
            Lang::Chinese => format!("上传者：{owner}"),
        });
    }
    ui.end_row();
}
