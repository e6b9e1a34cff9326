//! The panels below the list, one at a time behind its tab.

use egui::{Align, Button, Layout, Panel, Ui};

use super::Window;
use crate::gui::action::Cx;

/// What the panels leave to the list however small the window is, in points: its buttons, path, header and some rows.
const LIST_HEIGHT_MIN: f32 = 190.0;

/// How high the panels below the list are at first, in points.
const PANEL_HEIGHT: f32 = 250.0;

/// And at most so much of what they share with the list.
const PANEL_SHARE: f32 = 0.5;

/// How high their tabs are alone, in points.
const FOLDED_HEIGHT: f32 = 36.0;

/// The panels below the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Transfers.
    #[default]
    Transfers,
    /// What a stranger sees.
    Wire,
    /// The server's certificate.
    Trust,
    /// What was done.
    Log,
}

impl Window {
    /// Draws the panels below the list, or their tabs alone.
    pub(super) fn show_panels(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if self.folded {
            let tabs = Panel::bottom("folded panels").resizable(false);
            let tabs = tabs.exact_size(FOLDED_HEIGHT);
            tabs.show(ui, |ui| self.show_tabs(ui, cx));
            return;
        }
        let height = ui.available_height();
        let room = (height - LIST_HEIGHT_MIN).max(90.0);
        // One of its own for a low window: the height it had comes back with the room.
        let low = height * PANEL_SHARE < PANEL_HEIGHT;
        Panel::bottom(["panels", "panels of a low window"][usize::from(low)])
            .resizable(true)
            .default_size(PANEL_HEIGHT.min(height * PANEL_SHARE))
            .max_size(room)
            .show(ui, |ui| {
                self.show_tabs(ui, cx);
                match self.tab {
                    Tab::Transfers => self.transfers.show(ui, cx),
                    Tab::Wire => self.wire.show(ui, cx),
                    Tab::Trust => self.trust.show(ui, cx),
                    Tab::Log => self.log.show(ui, cx),
                }
            });
    }

    fn show_tabs(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        ui.horizontal(|ui| {
            for (this, word) in [
                (Tab::Transfers, cx.say("Transfers", "传输")),
                (Tab::Wire, cx.say("The wire", "线路上")),
                (Tab::Trust, cx.say("Certificate", "证书")),
                (Tab::Log, cx.say("Log", "日志")),
            ] {
                let chosen = self.tab == this && !self.folded;
                if ui.selectable_label(chosen, word).clicked() {
                    (self.tab, self.folded) = (this, false);
                }
            }
            let (sign, word) = match self.folded {
                false => ("⏷", cx.say("Fold the panels away", "收起面板")),
                true => ("⏶", cx.say("Unfold the panels", "展开面板")),
            };
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let fold = ui.add(Button::new(sign).frame_when_inactive(false));
                if fold.accessible_name(word).on_hover_text(word).clicked() {
                    self.folded = !self.folded;
                }
            });
        });
    }
}
