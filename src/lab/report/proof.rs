//! What makes the tap's captures believable: the kernel's, of the same runs.

use maud::{Markup, html};

use super::html::{both, say};
use super::table::title;
use crate::lab::compare::facts::{Report, Text};
use crate::lang::both as text;

/// A line for each run and direction, or the one that says why there is no proof.
pub fn proof(report: &Report) -> Vec<Text> {
    if let Some(why) = &report.kernel_missing {
        return vec![text(
            format!("not compared with a capture by the kernel: {}", why.en),
            format!("未与内核抓包对比：{}", why.zh),
        )];
    }
    let mut lines = Vec::new();
    for run in &report.runs {
        let Some(kernel) = &run.kernel else { continue };
        let title = title(run.kind);
        lines.extend(kernel.told().map(|told| {
            text(
                format!("{}, {}", title.en, told.en),
                format!("{}，{}", title.zh, told.zh),
            )
        }));
    }
    lines
}

/// The same, folded: one line until somebody asks.
pub(super) fn section(report: &Report) -> Markup {
    let lines = proof(report);
    if report.kernel_missing.is_some() {
        return html! { @for line in &lines { p.soft { (say(line)) } } };
    }
    let mut kernels = report.runs.iter().filter_map(|run| run.kernel.as_ref());
    let summary = match kernels.all(|kernel| kernel.equal) {
        true => both(
            "Is the tap to be believed? The kernel captured the same runs, and each stream has the same SHA-256 in both captures.",
            "监听点可信吗？内核同时抓取了这些运行，两份记录中每条数据流的 SHA-256 都相同。",
        ),
        false => both(
            "The kernel captured the same runs; not every stream is the same in both captures.",
            "内核同时抓取了这些运行；并非每条数据流在两份记录中都相同。",
        ),
    };
    html! {
        details {
            summary { (summary) }
            ul { @for line in &lines { li { (say(line)) } } }
        }
    }
}
