//! Who the server is: its certificate, and how each check of it went.

use egui::{RichText, ScrollArea, Ui};

use super::action::Cx;
use super::theme;
use crate::pki::inspect::CertificateInfo;
use crate::text::escape;
use crate::transport::{Story, What};

/// What is known of the server's proof.
#[derive(Debug, Default)]
pub struct Trust {
    story: Option<Story>,
}

impl Trust {
    /// How a connection came about, or did not.
    pub fn hear(&mut self, story: Story) {
        self.story = Some(story);
    }

    /// Forgets: another attempt begins.
    pub fn forget(&mut self) {
        self.story = None;
    }

    /// The chain the server showed, leaf first.
    pub fn chain(&self) -> &[CertificateInfo] {
        let steps = self.story.iter().flat_map(|story| &story.steps);
        let mut chains = steps.filter_map(|step| match &step.what {
            What::Certificate { chain } => Some(chain.as_slice()),
            _ => None,
        });
        chains.next().unwrap_or_default()
    }

    /// Draws it.
    pub fn show(&self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let Some(story) = &self.story else {
            ui.label(cx.say("No connection yet", "尚无连接"));
            return;
        };
        ScrollArea::both().auto_shrink(false).show(ui, |ui| {
            for certificate in self.chain() {
                ui.label(RichText::new(escape(&certificate.subject)).strong());
            }
            if self.chain().is_empty() {
                let text = cx.say(
                    "Plain TCP: nobody has proved anything",
                    "明文 TCP：没有任何一方证明身份",
                );
                ui.label(RichText::new(text).color(theme::bad(ui.visuals().dark_mode)));
            }
            ui.label(RichText::new(story.text(cx.lang)).monospace());
        });
    }
}
