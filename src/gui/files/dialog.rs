//! What the list asks and tells in dialogs.

use std::collections::BTreeSet;

use egui::{Context, Grid, Label, RichText, ScrollArea};

use super::rename::Rename;
use super::table::take_focus;
use super::{Files, last_part};
use crate::gui::action::{Action, Cx};
use crate::gui::engine::told::Told;
use crate::gui::engine::{Deed, Order};
use crate::gui::{modal, theme};
use crate::protocol::{FileInfo, FileName};
use crate::text::{self, escape};

/// Names of files to be deleted that are shown; the rest is counted.
const NAMES_SHOWN: usize = 8;

/// A dialog that is open.
#[derive(Debug)]
pub(super) enum Dialog {
    Delete(Delete),
    Rename(Rename),
    Details,
}

/// Shall these be deleted?
#[derive(Debug)]
pub(super) struct Delete {
    pub(super) names: Vec<FileName>,
    bytes: u64,
    fresh: bool,
}

impl Dialog {
    /// An order was carried out; true when that was all the dialog waited for.
    pub(super) fn done(&mut self, deed: &Deed) -> bool {
        match (self, deed) {
            (Self::Rename(rename), Deed::Renamed(..)) => rename.done(),
            _ => false,
        }
    }

    /// What was ordered was refused.
    pub(super) fn refused(&mut self, told: &Told) {
        if let Self::Rename(rename) = self {
            rename.refused(told);
        }
    }

    /// The path that was renamed and the one it got.
    pub(super) fn renamed(&self) -> Option<(&str, &str)> {
        match self {
            Self::Rename(rename) => rename.renamed(),
            _ => None,
        }
    }
}

impl Files {
    /// Asks whether to delete what is selected.
    pub(super) fn ask_delete(&mut self) {
        let files = self.chosen();
        if self.online && !files.is_empty() {
            self.dialog = Some(Dialog::Delete(Delete {
                bytes: files.iter().map(|file| file.size).sum(),
                names: files.into_iter().map(|file| file.name.clone()).collect(),
                fresh: true,
            }));
        }
    }

    /// Shows everything that is known of what is selected.
    pub(super) fn ask_details(&mut self) {
        if !self.selection.paths().is_empty() {
            self.dialog = Some(Dialog::Details);
        }
    }

    /// Draws the dialog that is open.
    pub(super) fn show_dialog(&mut self, ctx: &Context, cx: &mut Cx<'_>) {
        let Some(mut dialog) = self.dialog.take() else {
            return;
        };
        let stays = match &mut dialog {
            Dialog::Delete(delete) => self.show_delete(ctx, cx, delete),
            Dialog::Rename(rename) => self.show_rename(ctx, cx, rename),
            Dialog::Details => self.show_details(ctx, cx),
        };
        if stays {
            self.dialog = Some(dialog);
        } else {
            take_focus(ctx);
        }
    }

    fn show_delete(&mut self, ctx: &Context, cx: &mut Cx<'_>, delete: &mut Delete) -> bool {
        let count = delete.names.len();
        let title = match delete.names.as_slice() {
            [_] => cx.say("Delete 1 file?", "删除 1 个文件？").to_owned(),
            _ => cx.say(
                format!("Delete {count} files?"),
                format!("删除 {count} 个文件？"),
            ),
        };
        let (pressed, closed) = modal::show(ctx, "delete", &title, 420.0, |ui| {
            for name in delete.names.iter().take(NAMES_SHOWN) {
                let name = escape(self.below(name.as_str()));
                ui.add(Label::new(format!("• {name}")).truncate());
            }
            if let Some(more) = count.checked_sub(NAMES_SHOWN).filter(|more| *more > 0) {
                ui.label(cx.say(format!("and {more} more"), format!("以及另外 {more} 个")));
            }
            ui.add_space(theme::GAP);
            let size = text::size(delete.bytes);
            ui.label(cx.say(
                format!("{size} in all. This cannot be undone."),
                format!("共 {size}。此操作无法撤销。"),
            ));
            let (does, leaves) =
                modal::buttons(ui, cx.say("Delete", "删除"), true, cx.say("Cancel", "取消"));
            if std::mem::take(&mut delete.fresh) {
                does.request_focus();
            }
            (does.clicked(), leaves.clicked())
        });
        if pressed.0 {
            self.notice = None;
            let names = std::mem::take(&mut delete.names);
            self.deleting += names.len();
            cx.act(Action::Order(Order::Delete(names)));
        }
        !(pressed.0 || pressed.1 || closed)
    }

    fn show_details(&mut self, ctx: &Context, cx: &mut Cx<'_>) -> bool {
        let chosen = self.chosen();
        if chosen.is_empty() {
            // What it told of has vanished.
            return false;
        }
        let count = self.selection.paths().len();
        let title = match self.single() {
            Some(path) => escape(last_part(path)),
            None => cx.say(format!("{count} selected"), format!("已选择 {count} 项")),
        };
        let (left, closed) = modal::show(ctx, "details", &title, 600.0, |ui| {
            let height = ui.ctx().content_rect().height() * 0.6;
            ScrollArea::vertical().max_height(height).show(ui, |ui| {
                Grid::new("facts").num_columns(2).show(ui, |ui| {
                    for (name, value) in facts(&chosen, cx) {
                        ui.label(RichText::new(name).strong());
                        ui.add(Label::new(value).wrap());
                        ui.end_row();
                    }
                });
            });
            let word = cx.say("Copy digest", "复制摘要");
            let (copies, leaves) = modal::buttons(ui, word, true, cx.say("Close", "关闭"));
            if copies.clicked() {
                cx.act(Action::Copy(self.digests()));
            }
            leaves.clicked()
        });
        !(left || closed)
    }
}

/// What there is to know of files, name by name.
fn facts(files: &[&FileInfo], cx: &Cx<'_>) -> Vec<(&'static str, RichText)> {
    let bytes: u64 = files.iter().map(|file| file.size).sum();
    let size = match bytes {
        0..1000 => text::size(bytes),
        _ => cx.say(
            format!("{} ({bytes} bytes)", text::size(bytes)),
            format!("{}（{bytes} 字节）", text::size(bytes)),
        ),
    };
    let mut facts = Vec::new();
    let mut fact = |name, value: String| facts.push((name, RichText::new(escape(&value))));
    let owners: BTreeSet<&str> = files.iter().map(|file| file.owner.as_str()).collect();
    let owners = owners.into_iter().collect::<Vec<_>>().join(", ");
    if let [file] = files {
        fact(cx.say("Name", "名称"), file.name.to_string());
    } else {
        fact(cx.say("Files", "文件数"), files.len().to_string());
    }
    fact(cx.say("Size", "大小"), size);
    fact(cx.say("Uploaded by", "上传者"), owners);
    let newest = files.iter().map(|file| file.modified).max();
    if let Some(newest) = newest {
        let time = text::time(newest).replace('T', " ").replace('Z', " UTC");
        let word = match files {
            [_] => cx.say("Uploaded", "上传时间"),
            _ => cx.say("Newest", "最新"),
        };
        fact(word, time);
    }
    if let [file] = files {
        let digest = RichText::new(file.sha256.to_string()).monospace();
        facts.push(("SHA-256", digest));
    }
    facts
}

#[cfg(test)]
mod tests {
    use egui::{Event, Key, Modifiers, RawInput};

    use super::super::selection::How;
    use super::super::tests::{files, list};
    use super::*;
    use crate::lang::Lang;

    /// Draws the list, with these events.
    fn draw(files: &mut Files, ctx: &Context, events: Vec<Event>) -> Vec<Action> {
        let input = RawInput {
            events,
            ..RawInput::default()
        };
        let mut actions = Vec::new();
        let mut drawn = ctx.run_ui(input, |ui| {
            let mut cx = Cx {
                lang: Lang::English,
                actions: &mut actions,
            };
            files.show(ui, &mut cx);
        });
        drawn.textures_delta.clear();
        actions
    }

    fn press(key: Key) -> Event {
        Event::Key {
            key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: Modifiers::NONE,
        }
    }

    #[test]
    fn enter_answers_the_question_and_all_that_is_deleted_is_counted() {
        let mut files = files(&["a", "b", "c"]);
        files.select_all();
        files.ask_delete();
        let ctx = Context::default();
        draw(&mut files, &ctx, Vec::new());
        let actions = draw(&mut files, &ctx, vec![press(Key::Enter)]);
        let [Action::Order(Order::Delete(names))] = &actions[..] else {
            panic!("{actions:?}")
        };
        assert_eq!((names.len(), files.deleting), (3, 3));
        assert!(files.dialog.is_none());
    }

    #[test]
    fn behind_details_keys_do_nothing_and_those_of_what_has_vanished_are_closed() {
        let mut files = files(&["a", "b"]);
        files.select(0, How::Only);
        files.ask_details();
        let ctx = Context::default();
        draw(&mut files, &ctx, Vec::new());
        draw(&mut files, &ctx, vec![press(Key::ArrowDown)]);
        assert_eq!(files.cursor(), Some(0));
        assert!(files.dialog.is_some());
        files.update(list(&["b"]));
        draw(&mut files, &ctx, Vec::new());
        assert!(files.dialog.is_none());
    }
}
