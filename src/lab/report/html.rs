//! `report.html`.

use maud::{DOCTYPE, html};

use crate::lab::compare::facts::Report;

/// The whole page.
pub fn page(report: &Report) -> String {
    html! { (DOCTYPE) p { (report.file.name) } }.into_string()
}
