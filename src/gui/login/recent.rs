//! The list of recent connections.

use egui::{Align, Align2, AtomExt as _, Button, Layout, RichText, Role, Ui, Vec2, WidgetInfo};

use crate::client;
use crate::gui::action::{Action, Cx};
use crate::gui::login::Security;
use crate::gui::settings::Recent;
use crate::gui::theme;
use crate::text::escape;

/// Width of the button that forgets one.
const FORGET: f32 = 26.0;

/// Height of a row.
const HEIGHT: f32 = 30.0;

/// Draws it; the one that is to fill the form.
pub(super) fn show<'a>(ui: &mut Ui, cx: &mut Cx<'_>, all: &'a [Recent]) -> Option<&'a Recent> {
    let mut chosen = None;
    ui.heading(cx.say("Recent", "最近"));
    ui.add_space(theme::GAP);
    for recent in all {
        let name = name(recent, cx);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            let place = escape(&client::place(&recent.host, recent.port));
            let colour = match recent.security {
                Security::Plain => theme::bad(ui.visuals().dark_mode),
                Security::Tls | Security::Mutual => theme::good(ui.visuals().dark_mode),
            };
            let sign = RichText::new(recent.security.sign()).color(colour);
            let width = ui.available_width() - FORGET - ui.spacing().item_spacing.x;
            let size = Vec2::new(width, HEIGHT);
            let text = RichText::new(format!("{} @ {place}", who(recent, cx)));
            // The sign stays whole, the name is cut.
            let text = text.atom_shrink(true).atom_grow(true);
            let text = text.atom_align(Align2::LEFT_CENTER);
            let button = Button::new((sign, text))
                .min_size(size)
                .wrap_mode(egui::TextWrapMode::Truncate)
                .fill(theme::card(ui.visuals().dark_mode));
            let layout = Layout::left_to_right(Align::Center);
            let fill = ui
                .allocate_ui_with_layout(size, layout, |ui| ui.add(button))
                .inner
                .on_hover_text(&name);
            fill.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
            if fill.clicked() {
                chosen = Some(recent);
            }
            let forget = ui.add_sized(Vec2::new(FORGET, HEIGHT), Button::new("✖").frame(false));
            let word = cx.say(format!("Forget {name}"), format!("忘记 {name}"));
            let forget = forget.on_hover_text(&word);
            forget.widget_info(|| WidgetInfo::labeled(Role::Button, true, &word));
            if forget.clicked() {
                cx.act(Action::Forget(Box::new(recent.clone())));
            }
        });
    }
    chosen
}

fn who(recent: &Recent, cx: &Cx<'_>) -> String {
    match recent.user.as_str() {
        "" => cx.say("by certificate", "证书登录").to_owned(),
        user => escape(user),
    }
}

fn name(recent: &Recent, cx: &Cx<'_>) -> String {
    let security = recent.security.name();
    format!(
        "{} @ {}, {}",
        who(recent, cx),
        escape(&client::place(&recent.host, recent.port)),
        cx.say(security.en, security.zh)
    )
}
