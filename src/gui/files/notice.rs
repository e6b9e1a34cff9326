//! What could not be done, in a line above the list that stays until it is dismissed.

use egui::{Frame, RichText, Ui};

use crate::error::Kind;
use crate::gui::action::Cx;
use crate::gui::engine::Deed;
use crate::gui::engine::told::Told;
use crate::gui::theme;
use crate::lang::{Both, both};
use crate::text::escape;

/// Orders that were refused for the same reason.
#[derive(Debug)]
pub(super) struct Notice {
    deed: Deed,
    told: Told,
    count: usize,
}

impl Notice {
    /// Tells of another refusal; the same of another file is counted, anything else takes its place.
    pub(super) fn add(notice: &mut Option<Self>, deed: &Deed, told: &Told) {
        let same = |other: &Self| {
            let kinds = (&other.deed, deed);
            let both_deleted = matches!(kinds, (Deed::Deleted(_), Deed::Deleted(_)));
            both_deleted && other.told.kind == told.kind
        };
        match notice {
            Some(other) if same(other) => other.count += 1,
            _ => {
                *notice = Some(Self {
                    deed: deed.clone(),
                    told: told.clone(),
                    count: 1,
                });
            }
        }
    }

    /// What it says.
    pub(super) fn text(&self) -> Both {
        let Both { en, zh } = reason(&self.told);
        match (&self.deed, self.count) {
            (Deed::Deleted(name), 1) => both(
                format!("{name} was not deleted: {en}"),
                format!("{name} 未删除：{zh}"),
            ),
            (Deed::Deleted(_), count) => both(
                format!("{count} files were not deleted: {en}"),
                format!("{count} 个文件未删除：{zh}"),
            ),
            (Deed::Renamed(from, _), _) => both(
                format!("{from} was not renamed: {en}"),
                format!("{from} 未重命名：{zh}"),
            ),
            (Deed::Listed, _) => both(
                format!("the list could not be fetched: {en}"),
                format!("无法获取列表：{zh}"),
            ),
            (Deed::PasswordChanged, _) => both(
                format!("the password was not changed: {en}"),
                format!("密码未更改：{zh}"),
            ),
        }
    }

    /// Draws it; true once it is dismissed.
    pub(super) fn show(&self, ui: &mut Ui, cx: &Cx<'_>) -> bool {
        let red = theme::bad(ui.visuals().dark_mode);
        let frame = Frame::group(ui.style()).stroke((1.0, red));
        frame
            .show(ui, |ui| {
                ui.horizontal_wrapped(|ui| {
                    let text = self.text();
                    ui.label(RichText::new("⚠").color(red));
                    ui.label(escape(cx.say(&text.en, &text.zh)));
                    ui.button(cx.say("Dismiss", "知道了")).clicked()
                })
                .inner
            })
            .inner
    }
}

/// Why, as somebody at the window can understand it: hints of the command line do not help there.
pub(super) fn reason(told: &Told) -> Both {
    match told.kind {
        Kind::Forbidden => both(
            "only who uploaded it or an admin may do that",
            "只有上传者或管理员才能这样做",
        ),
        Kind::NotFound => both("it is not there any more", "文件已不存在"),
        Kind::Exists => both("there is a file of that name already", "已有同名文件"),
        _ => told.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(kind: Kind) -> Told {
        Told {
            kind,
            message: both("oh", "哦"),
            hint: both("", ""),
            causes: Vec::new(),
        }
    }

    fn deleted(name: &str) -> Deed {
        Deed::Deleted(name.parse().unwrap())
    }

    #[test]
    fn the_same_refusal_of_more_files_is_counted_and_another_takes_its_place() {
        let mut notice = None;
        Notice::add(&mut notice, &deleted("a"), &refusal(Kind::Forbidden));
        let text = notice.as_ref().unwrap().text();
        assert!(text.en.starts_with("a was not deleted: only"), "{text:?}");
        Notice::add(&mut notice, &deleted("b"), &refusal(Kind::Forbidden));
        let text = notice.as_ref().unwrap().text();
        assert!(text.en.starts_with("2 files were not deleted"), "{text:?}");
        assert!(text.zh.starts_with("2 个文件未删除"), "{text:?}");
        Notice::add(&mut notice, &deleted("c"), &refusal(Kind::Other));
        assert_eq!(notice.unwrap().text().en, "c was not deleted: oh");
    }

    #[test]
    fn what_can_be_known_is_told_in_the_words_of_the_window() {
        for (kind, why) in [
            (Kind::Forbidden, "only who uploaded it"),
            (Kind::NotFound, "not there any more"),
            (Kind::Exists, "that name already"),
            (Kind::Other, "oh"),
        ] {
            assert!(reason(&refusal(kind)).en.contains(why), "{kind:?}");
        }
    }
}
