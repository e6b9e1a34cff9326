//! Where the controls of the real window are: for tests that use it with a pointer and keys. Only in builds with the
//! feature `gui-tests`; it tells what a screen reader would be told.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use egui::accesskit::{Node, NodeId, Role};
use egui::{Context, FullOutput, Plugin};
use serde_json::json;

/// The variable that names the file to write.
const VARIABLE: &str = "SEALPOST_GUI_MAP";

/// Writes each picture's controls into a file: name, role, what is in it, and rectangle in pixels.
#[derive(Debug)]
struct Map {
    path: PathBuf,
    last: String,
}

/// Has the controls written, if the environment says where to.
pub fn begin(ctx: &Context) {
    if let Some(path) = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        ctx.enable_accesskit();
        ctx.add_plugin(Map {
            path: path.into(),
            last: String::new(),
        });
    }
}

impl Plugin for Map {
    fn debug_name(&self) -> &'static str {
        "map"
    }

    fn output_hook(&mut self, ctx: &Context, output: &mut FullOutput) {
        let Some(update) = &output.platform_output.accesskit_update else {
            return;
        };
        let nodes: HashMap<NodeId, &Node> =
            update.nodes.iter().map(|(id, node)| (*id, node)).collect();
        let scale = f64::from(ctx.pixels_per_point());
        let controls = update.nodes.iter().filter_map(|(id, node)| {
            let (name, bounds) = (name(node, &nodes)?, node.bounds()?);
            let [x0, y0, x1, y1] = [bounds.x0, bounds.y0, bounds.x1, bounds.y1].map(|at| at * scale);
            let enabled = !node.is_disabled();
            Some(json!({"name": name, "role": format!("{:?}", node.role()), "value": node.value(), "enabled": enabled, "focused": *id == update.focus, "at": [x0, y0, x1, y1]}))
        });
        let text = serde_json::Value::Array(controls.collect()).to_string();
        if text != self.last && write(&self.path, &text).is_some() {
            self.last = text;
        }
    }
}

/// Its name: its own, that of what labels it, or what it says.
fn name<'a>(node: &'a Node, nodes: &HashMap<NodeId, &'a Node>) -> Option<&'a str> {
    let labelled = || {
        node.labelled_by()
            .first()
            .and_then(|id| nodes.get(id)?.value())
    };
    let says = || node.value().filter(|_| node.role() == Role::Label);
    node.label().or_else(labelled).or_else(says)
}

/// Whole or not at all: the test reads meanwhile.
fn write(path: &Path, text: &str) -> Option<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent()?).ok()?;
    file.write_all(text.as_bytes()).ok()?;
    file.persist(path).ok()?;
    Some(())
}
