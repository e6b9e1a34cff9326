//! What a stranger on the wire sees of this very session, while it happens.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use egui::{RichText, ScrollArea, Ui};

use super::action::{Action, Cx};
use super::engine::overheard::{Connection, Overheard};
use super::platform::Pick;
use crate::error::{Error, Kind, Result};
use crate::lab::packets::Recorder;
use crate::lab::tap::Sink as _;

/// The panel.
#[derive(Debug)]
pub struct Wire {
    overheard: Arc<Overheard>,
    version: u64,
    connections: Vec<Connection>,
}

impl Wire {
    /// One that shows `overheard`.
    pub fn new(overheard: Arc<Overheard>) -> Self {
        Self {
            overheard,
            version: 0,
            connections: Vec::new(),
        }
    }

    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let version = self.overheard.version();
        if version != self.version {
            self.version = version;
            self.connections = self.overheard.connections();
        }
        if ui
            .button(cx.say("Save the capture…", "保存抓包…"))
            .clicked()
        {
            cx.act(Action::Pick(Pick::Capture));
        }
        ScrollArea::both().auto_shrink(false).show(ui, |ui| {
            for connection in &self.connections {
                for piece in &connection.pieces {
                    let text = String::from_utf8_lossy(&piece.bytes);
                    let text: String = text.chars().take(200).collect();
                    ui.label(RichText::new(crate::text::escape(&text)).monospace());
                }
            }
        });
    }
}

/// Writes what passed as a capture.
pub fn save(overheard: &Overheard, path: &Path) -> Result<()> {
    let failed = |error| {
        Error::io(
            Kind::LocalWrite,
            format_args!("write {}", path.display()),
            error,
        )
    };
    let file = File::create(path).map_err(failed)?;
    let mut recorder = Recorder::new(BufWriter::new(file)).map_err(failed)?;
    for event in overheard.events() {
        recorder.record(event).map_err(failed)?;
    }
    recorder.finish().map_err(failed)?;
    Ok(())
}
