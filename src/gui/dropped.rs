//! Files and folders that are dropped on the window.

use std::path::PathBuf;

use egui::{Color32, Context, Id, Order, RichText, Stroke, StrokeKind, Ui};

use super::action::{Action, Cx};
use super::theme;
use crate::lang::Lang;
use crate::text::escape;

/// What was dropped while there was no session to upload it in: kept until there is one, or it is given up.
#[derive(Debug, Default)]
pub struct Dropped {
    waiting: Vec<PathBuf>,
}

impl Dropped {
    /// Takes what is dropped and uploads it into `folder`, the one shown of a session; without a session it is
    /// kept.
    pub fn take(&mut self, ctx: &Context, cx: &mut Cx<'_>, folder: Option<&str>) {
        let dropped = ctx.input(|input| {
            let files = input.raw.dropped_files.iter();
            files.map(|file| file.path().to_owned()).collect::<Vec<_>>()
        });
        if dropped.is_empty() {
            return;
        }
        match folder {
            Some(folder) => cx.act(Action::Upload(dropped, folder.to_owned())),
            None => {
                for path in dropped {
                    if !self.waiting.contains(&path) {
                        self.waiting.push(path);
                    }
                }
            }
        }
    }

    /// What is kept, and what can be done with it; draws nothing when nothing is kept.
    pub fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, folder: Option<&str>) {
        if self.waiting.is_empty() {
            return;
        }
        let count = self.waiting.len();
        let warning = theme::warning(ui.visuals().dark_mode);
        ui.horizontal_wrapped(|ui| match folder {
            None => {
                let words = match cx.lang {
                    Lang::English => format!(
                        "Log in first: {} dropped here will then be offered for upload",
                        things(count)
                    ),
                    Lang::Chinese => format!("请先登录：之后可以上传拖放的 {count} 项"),
                };
                ui.label(RichText::new(words).color(warning));
                if ui.button(cx.say("Forget them", "放弃")).clicked() {
                    self.waiting.clear();
                }
            }
            Some(folder) => {
                ui.label(match cx.lang {
                    Lang::English => format!("{} dropped before the login", things(count)),
                    Lang::Chinese => format!("登录前拖放了 {count} 项"),
                });
                let into = shown(folder);
                let word = match cx.lang {
                    Lang::English => format!("Upload into {into}"),
                    Lang::Chinese => format!("上传到 {into}"),
                };
                if ui.button(word).clicked() {
                    let paths = std::mem::take(&mut self.waiting);
                    cx.act(Action::Upload(paths, folder.to_owned()));
                }
                if ui.button(cx.say("Forget them", "放弃")).clicked() {
                    self.waiting.clear();
                }
            }
        });
    }
}

/// While something hovers over the window: says what dropping it would do.
pub fn show_hover(ctx: &Context, cx: &Cx<'_>, folder: Option<&str>) {
    if ctx.input(|input| input.raw.hovered_files.is_empty()) {
        return;
    }
    let words = match (folder, cx.lang) {
        (Some(folder), Lang::English) => format!("Drop to upload into {}", shown(folder)),
        (Some(folder), Lang::Chinese) => format!("松开即上传到 {}", shown(folder)),
        (None, Lang::English) => "Log in first, then upload what you drop".to_owned(),
        (None, Lang::Chinese) => "请先登录，再上传拖放的内容".to_owned(),
    };
    egui::Area::new(Id::unique("drop"))
        .order(Order::Tooltip)
        .interactable(false)
        .fixed_pos(ctx.content_rect().min)
        .show(ctx, |ui| {
            let rect = ctx.content_rect();
            let painter = ui.painter();
            painter.rect_filled(rect, 0.0, Color32::from_black_alpha(200));
            let frame = Stroke::new(3.0, Color32::from_rgb(0x6a, 0xb0, 0xff));
            painter.rect_stroke(rect.shrink(12.0), 8.0, frame, StrokeKind::Inside);
            let words = RichText::new(words).size(24.0).color(Color32::WHITE);
            ui.put(rect, egui::Label::new(words));
        });
}

/// A folder of the server as a person reads it: `/`, `/docs/`.
fn shown(folder: &str) -> String {
    escape(&format!("/{folder}"))
}

fn things(count: usize) -> String {
    match count {
        1 => "1 file or folder".to_owned(),
        count => format!("{count} files or folders"),
    }
}
