//! Paths that are typed: on a system without a file dialog nobody is left without a way to choose a file.

use std::path::{Path, PathBuf};
use std::time::Instant;

use egui::{Context, Key, RichText, TextEdit, Ui};

use super::action::{Action, Cx};
use super::modal;
use super::platform::{Pick, Picked};
use crate::lang::{Both, both};

/// Width of the question, in points.
const WIDTH: f32 = 480.0;

/// The question that is open.
#[derive(Debug, Default)]
pub struct Typed {
    asks: Option<Question>,
}

#[derive(Debug)]
struct Question {
    pick: Pick,
    text: String,
    fresh: bool,
}

impl Typed {
    /// Asks for what `pick` was to choose, `folder` being where downloads went last. Whether it does: the files of
    /// the login form have fields of their own.
    pub fn ask(&mut self, pick: Pick, folder: Option<&Path>) -> bool {
        let text = match &pick {
            Pick::CaFile | Pick::Certificate | Pick::Key | Pick::RevocationList => return false,
            Pick::UploadFiles(_) | Pick::UploadFolder(_) => String::new(),
            Pick::DownloadTo(_) => shown(folder.unwrap_or_else(|| Path::new("."))),
            Pick::Capture(keys) => shown(Path::new(keys.file_name())),
        };
        self.asks = Some(Question {
            pick,
            text,
            fresh: true,
        });
        true
    }

    /// Draws it.
    pub fn show(&mut self, ctx: &Context, cx: &mut Cx<'_>) {
        let Some(mut question) = self.asks.take() else {
            return;
        };
        let words = Words::of(&question.pick);
        let title = cx.say(words.title.en, words.title.zh);
        let (pressed, closed) = modal::show(ctx, "typed path", &title, WIDTH, |ui| {
            let label = ui.label(cx.say(words.label.en, words.label.zh));
            let submitted = question.show_field(ui, label.id);
            ui.label(
                RichText::new(cx.say(
                    "No file dialog came up; zenity or xdg-desktop-portal brings one.",
                    "未能打开文件对话框；安装 zenity 或 xdg-desktop-portal 后即可使用。",
                ))
                .weak(),
            );
            let some = !question.text.trim().is_empty();
            let does = cx.say(words.does.en, words.does.zh);
            let (does, leaves) = modal::buttons(ui, &does, some, cx.say("Cancel", "取消"));
            (does.clicked() || (submitted && some), leaves.clicked())
        });
        if pressed.0 {
            question.answer(cx);
        } else if !(pressed.1 || closed) {
            self.asks = Some(question);
        }
    }
}

impl Question {
    /// Draws the field; whether Return was pressed in it.
    fn show_field(&mut self, ui: &mut Ui, label: egui::Id) -> bool {
        let many = matches!(self.pick, Pick::UploadFiles(_));
        let edit = match many {
            true => TextEdit::multiline(&mut self.text).desired_rows(3),
            false => TextEdit::singleline(&mut self.text),
        };
        let field = ui.add(edit.desired_width(f32::INFINITY).hint_text("~/…"));
        let field = field.labelled_by(label);
        if std::mem::take(&mut self.fresh) {
            field.request_focus();
        }
        !many && field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
    }

    fn answer(self, cx: &mut Cx<'_>) {
        let home = std::env::home_dir();
        let lines = self.text.lines().filter(|line| !line.trim().is_empty());
        let paths: Vec<PathBuf> = lines.map(|line| path(line, home.as_deref())).collect();
        cx.act(Action::Chosen(Picked {
            pick: self.pick,
            paths,
            answered: Instant::now(),
        }));
    }
}

/// How a question is put.
struct Words {
    title: Both,
    label: Both,
    does: Both,
}

impl Words {
    fn of(pick: &Pick) -> Self {
        let (title, label, does) = match pick {
            Pick::UploadFiles(_) => (
                both("Upload files", "上传文件"),
                both("Paths of the files, one a line", "文件路径，每行一个"),
                both("Upload", "上传"),
            ),
            Pick::UploadFolder(_) => (
                both("Upload a folder", "上传文件夹"),
                both("Path of the folder", "文件夹路径"),
                both("Upload", "上传"),
            ),
            Pick::DownloadTo(_) => (
                both("Download", "下载"),
                both("Folder to download into", "下载到的文件夹"),
                both("Download", "下载"),
            ),
            _ => (
                both("Save the capture", "保存抓包"),
                both(
                    "File to save it in; one that is there is replaced",
                    "保存到的文件；已有的会被替换",
                ),
                both("Save", "保存"),
            ),
        };
        Self { title, label, does }
    }
}

/// In full, so that it can be seen where a file would go.
fn shown(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let path: PathBuf = path.components().collect();
    path.to_string_lossy().into_owned()
}

/// The path that is meant: `~` is the home folder, and what was pasted may stand between quotation marks.
fn path(line: &str, home: Option<&Path>) -> PathBuf {
    let line = line.trim();
    let bare = ['"', '\''].into_iter().find_map(|mark| {
        let inside = line.strip_prefix(mark)?.strip_suffix(mark)?;
        (!inside.is_empty()).then_some(inside)
    });
    let line = bare.unwrap_or(line);
    match (line.strip_prefix('~'), home) {
        (Some(""), Some(home)) => home.to_owned(),
        (Some(rest), Some(home)) if rest.starts_with('/') => home.join(&rest[1..]),
        _ => line.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_path_may_begin_at_home_and_stand_between_quotation_marks() {
        let home = Some(Path::new("/home/alice"));
        for (typed, meant) in [
            ("~/notes.txt", "/home/alice/notes.txt"),
            (" ~ ", "/home/alice"),
            ("'/tmp/my notes.txt'", "/tmp/my notes.txt"),
            ("\"~/a\"", "/home/alice/a"),
            ("~bob/a", "~bob/a"),
            ("'", "'"),
            ("a b", "a b"),
        ] {
            assert_eq!(path(typed, home), PathBuf::from(meant), "{typed}");
        }
        assert_eq!(path("~/a", None), PathBuf::from("~/a"));
    }

    #[test]
    fn the_files_of_the_form_are_not_asked_for_again() {
        let mut typed = Typed::default();
        assert!(!typed.ask(Pick::CaFile, None));
        assert!(typed.ask(Pick::UploadFiles(String::new()), None));
    }
}
