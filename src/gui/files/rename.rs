//! Asking for another name of a file or a folder.

use egui::text::{CCursor, CCursorRange};
use egui::{Context, Id, Key, RichText, TextEdit, Ui};

use super::Files;
use super::dialog::Dialog;
use super::notice::reason;
use crate::gui::action::{Action, Cx};
use crate::gui::engine::Order;
use crate::gui::engine::told::Told;
use crate::gui::{modal, theme};
use crate::lang::{Both, both};
use crate::protocol::{FileName, NameError};
use crate::text::escape;

/// Which name shall it have?
#[derive(Debug)]
pub(super) struct Rename {
    /// The path it has; a folder's ends in `/`.
    from: String,
    text: String,
    /// The path it gets, and the files not yet renamed.
    under_way: Option<(String, usize)>,
    trouble: Option<Both>,
    fresh: bool,
}

impl Rename {
    /// So many files are being renamed; in the end the path is this.
    pub(super) fn begin(&mut self, to: String, files: usize) {
        self.trouble = None;
        self.under_way = Some((to, files));
    }

    /// One of them was.
    pub(super) fn done(&mut self) -> bool {
        match &mut self.under_way {
            Some((_, left)) => {
                *left = left.saturating_sub(1);
                *left == 0
            }
            None => false,
        }
    }

    /// The server did not rename it, or is gone.
    pub(super) fn refused(&mut self, told: &Told) {
        if self.under_way.take().is_some() {
            self.trouble = Some(reason(told));
            self.fresh = true;
        }
    }

    /// The path that was renamed and the one it got.
    pub(super) fn renamed(&self) -> Option<(&str, &str)> {
        let (to, _) = self.under_way.as_ref()?;
        Some((&self.from, to))
    }
}

impl Files {
    /// Asks for another name of the one file or folder selected.
    pub(super) fn ask_rename(&mut self) {
        if let Some(from) = self.single().filter(|_| self.online) {
            self.dialog = Some(Dialog::Rename(Rename {
                text: self.below(from).to_owned(),
                from: from.to_owned(),
                under_way: None,
                trouble: None,
                fresh: true,
            }));
        }
    }

    /// Draws the dialog; false when it is over.
    pub(super) fn show_rename(
        &mut self,
        ctx: &Context,
        cx: &mut Cx<'_>,
        rename: &mut Rename,
    ) -> bool {
        let title = match rename.from.ends_with('/') {
            true => cx.say("Rename folder", "重命名文件夹"),
            false => cx.say("Rename file", "重命名文件"),
        };
        let (pressed, closed) = modal::show(ctx, "rename", title, 420.0, |ui| {
            let waits = rename.under_way.is_some();
            let label = ui.label(cx.say("New name", "新名称"));
            let submitted = ui
                .add_enabled_ui(!waits, |ui| name_field(ui, rename, label.id))
                .inner;
            let hint = cx.say(
                "With a / it moves into a folder; with a / in front it starts from the top",
                "含 / 则移入文件夹；以 / 开头则从最上层算起",
            );
            ui.label(RichText::new(hint).small());
            if let Some(trouble) = &rename.trouble {
                let red = theme::bad(ui.visuals().dark_mode);
                let words = escape(cx.say(&trouble.en, &trouble.zh));
                ui.label(RichText::new(words).color(red));
            }
            let (does, leaves) = modal::buttons(
                ui,
                cx.say("Rename", "重命名"),
                !waits,
                cx.say("Cancel", "取消"),
            );
            (!waits && (does.clicked() || submitted), leaves.clicked())
        });
        if pressed.0 {
            self.notice = None;
            match self.renames(&rename.from, &rename.text) {
                Ok(None) => return false,
                Ok(Some((to, pairs))) => {
                    rename.begin(to, pairs.len());
                    cx.act(Action::Order(Order::Rename(pairs)));
                }
                Err(trouble) => {
                    rename.trouble = Some(trouble);
                    rename.fresh = true;
                }
            }
        }
        !(pressed.1 || closed)
    }

    /// What `text` typed as the new name of `from` comes to: the new path, and which files get which names.
    /// Nothing when it is the name it has.
    #[expect(
        clippy::type_complexity,
        reason = "pairs of names, as the order takes them"
    )]
    pub(super) fn renames(
        &self,
        from: &str,
        text: &str,
    ) -> Result<Option<(String, Vec<(FileName, FileName)>)>, Both> {
        let text = text.trim();
        let path = match text.strip_prefix('/') {
            Some(path) => path.to_owned(),
            None => format!("{}{text}", self.folder),
        };
        let folder = from.ends_with('/');
        let path = match folder {
            true => path.trim_end_matches('/'),
            false => &path,
        };
        let words = |error| name_trouble(error);
        let to = FileName::normalize(path).map_err(words)?;
        let to = format!("{to}{}", if folder { "/" } else { "" });
        if to == from {
            return Ok(None);
        }
        if folder && to.starts_with(from) {
            return Err(both(
                "a folder cannot move into itself",
                "文件夹不能移入自身",
            ));
        }
        let mut pairs = Vec::new();
        for file in &self.all[self.places(from)] {
            let name = format!("{to}{}", &file.name.as_str()[from.len()..]);
            let name: FileName = name.parse().map_err(words)?;
            if self
                .all
                .binary_search_by(|other| other.name.cmp(&name))
                .is_ok()
            {
                return Err(both(
                    format!("there is a file of that name already: {name}"),
                    format!("已有同名文件：{name}"),
                ));
            }
            pairs.push((file.name.clone(), name));
        }
        if pairs.is_empty() {
            return Err(both("it is not there any more", "文件已不存在"));
        }
        Ok(Some((to, pairs)))
    }
}

/// The field of the name, its last part selected when it appears; true when Enter was pressed in it.
fn name_field(ui: &mut Ui, rename: &mut Rename, label: Id) -> bool {
    let edit = TextEdit::singleline(&mut rename.text).desired_width(f32::INFINITY);
    let mut output = edit.show(ui);
    let response = output.response.response.labelled_by(label);
    if std::mem::take(&mut rename.fresh) {
        response.request_focus();
        let range = stem(&rename.text);
        let range = CCursorRange::two(CCursor::new(range.0), CCursor::new(range.1));
        output.state.cursor.set_char_range(Some(range));
        output.state.store(ui.ctx(), response.id);
    }
    response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}

/// Which characters of a path somebody renames first: its last part without the extension.
fn stem(path: &str) -> (usize, usize) {
    let start = path.rfind('/').map_or(0, |slash| slash + 1);
    let end = match path[start..].rfind('.') {
        None | Some(0) => path.len(),
        Some(dot) => start + dot,
    };
    let chars = |end: usize| path[..end].chars().count();
    (chars(start), chars(end))
}

/// Why a text is not a name, in both languages.
fn name_trouble(error: NameError) -> Both {
    let zh = match error {
        NameError::Empty => "名称不能为空",
        NameError::TooLong => "名称太长",
        NameError::PartTooLong => "名称的一部分超过 255 字节",
        NameError::EmptyPart => "名称开头、结尾不能有 /，也不能有连续的 /",
        NameError::DotPart => "名称的任何部分都不能是 . 或 ..",
        NameError::Control => "名称不能含控制字符",
        NameError::Backslash => "名称不能含反斜杠",
        NameError::NotNormal => "名称不是 Unicode NFC 形式",
        NameError::UserCharacter => "名称含有不允许的字符",
    };
    both(error.to_string(), zh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_without_its_extension_is_what_is_renamed_first() {
        assert_eq!(stem("notes.txt"), (0, 5));
        assert_eq!(stem("docs.d/课程.tar.gz"), (7, 13));
        assert_eq!(stem(".hidden"), (0, 7));
        assert_eq!(stem("folder"), (0, 6));
    }
}
