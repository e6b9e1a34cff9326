//! The small menu of what is set once: light or dark, sizes, the language.

use egui::containers::menu::MenuButton;
use egui::{RichText, Role, Ui, WidgetInfo};

use super::action::{Action, Cx};
use super::settings::Look;
use crate::lang::Lang;

/// A character that every font with Simplified Chinese has.
pub(super) const CHINESE: &str = "连";

/// Whether an installed font has Chinese characters.
pub fn has_chinese(ui: &Ui) -> bool {
    let font = egui::TextStyle::Body.resolve(ui.style());
    ui.fonts_mut(|fonts| fonts.has_glyphs(&font, CHINESE))
}

/// Draws the button that opens the menu, and the one that changes the language. `online`: somebody is logged in.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, look: Look, online: bool) {
    show_language(ui, cx);
    let name = cx.say("Settings", "设置");
    let (response, _) = MenuButton::new("⚙").ui(ui, |ui| show_menu(ui, cx, look, online));
    let response = response.on_hover_text(name);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
}

fn show_language(ui: &mut Ui, cx: &mut Cx<'_>) {
    let (name, other) = match cx.lang {
        Lang::English => ("中文", Lang::Chinese),
        Lang::Chinese => ("English", Lang::English),
    };
    // In boxes nobody would find it.
    let word = match has_chinese(ui) || other == Lang::English {
        true => name,
        false => "Chinese",
    };
    let response = ui.button(word);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    if response.clicked() {
        cx.act(Action::Speak(other));
    }
}

fn show_menu(ui: &mut Ui, cx: &mut Cx<'_>, look: Look, online: bool) {
    ui.label(RichText::new(cx.say("Colours", "颜色")).weak());
    for this in Look::ALL {
        let name = this.name();
        if ui.radio(look == this, cx.say(name.en, name.zh)).clicked() {
            cx.act(Action::Look(this));
        }
    }
    ui.separator();
    let percent = (ui.ctx().zoom_factor() * 100.0).round();
    ui.label(
        RichText::new(cx.say(format!("Size: {percent} %"), format!("大小：{percent} %"))).weak(),
    );
    let zoom = |ui: &mut Ui, word: &str, keys: &str| {
        ui.add(egui::Button::new(word).shortcut_text(keys))
            .clicked()
    };
    if zoom(ui, cx.say("Larger", "放大"), "Ctrl +") {
        egui::gui_zoom::zoom_in(ui.ctx());
    }
    if zoom(ui, cx.say("Smaller", "缩小"), "Ctrl -") {
        egui::gui_zoom::zoom_out(ui.ctx());
    }
    if zoom(ui, cx.say("Usual size", "原始大小"), "Ctrl 0") {
        ui.ctx().set_zoom_factor(1.0);
    }
    if online {
        ui.separator();
        if ui.button(cx.say("Change password…", "更改密码…")).clicked() {
            cx.act(Action::AskPassword);
        }
    }
}

/// Says, in words that do render, that the words do not.
pub fn show_missing_font(ui: &mut Ui, cx: &Cx<'_>) {
    if cx.lang != Lang::Chinese || has_chinese(ui) {
        return;
    }
    let text = "No installed font has Chinese characters, so they appear as boxes. Install one, for example with \
        `apt-get install fonts-noto-cjk` or `apt-get install fonts-wqy-microhei`, then open this window again.";
    let colour = super::theme::warning(ui.visuals().dark_mode);
    ui.label(RichText::new(text).color(colour));
}
