//! The zoo in words: a table for the overview, and every program's exact words.

use super::{Finding, Judged, Verdict};

/// Headings and rows of the overview of those that `shown_by` shows.
pub fn rows(finding: &Finding, shown_by: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let of_side: Vec<&Judged> = finding
        .animals
        .iter()
        .filter(|judged| judged.shown_by == shown_by)
        .collect();
    let mut headings: Vec<String> = ["", "", "expected"].map(str::to_owned).into();
    if let Some(first) = of_side.first() {
        headings.extend(first.verdicts.iter().map(|verdict| verdict.tool.clone()));
    }
    let row = |judged: &&Judged| {
        let sign = if judged.proved { "ok" } else { "FAIL" };
        let mut row = vec![
            format!("{sign:<4} {}", judged.id),
            judged.name.to_owned(),
            judged.expected.to_owned(),
        ];
        row.extend(judged.verdicts.iter().map(cell));
        // The others are not expected to agree: where they take what Sealpost refuses is what to look at.
        if judged.expected == "refuse" {
            for cell in row.iter_mut().skip(4).filter(|cell| *cell == "accepts") {
                cell.push_str(" *");
            }
        }
        row
    };
    (headings, of_side.iter().map(row).collect())
}

fn cell(verdict: &Verdict) -> String {
    match (verdict.accepted, verdict.exit) {
        (None, _) => "-".into(),
        (Some(true), _) => "accepts".into(),
        (Some(false), Some(exit @ 1..)) => format!("refuses ({exit})"),
        (Some(false), _) => "refuses".into(),
    }
}

/// Every refusal, and what was not as expected, in the exact words.
pub fn tell(finding: &Finding) -> Vec<String> {
    let mut lines = vec!["* takes what Sealpost refuses".to_owned(), String::new()];
    for judged in &finding.animals {
        if judged.expected == "accept" && judged.proved {
            continue;
        }
        lines.push(format!(
            "{:<4} {}, shown by a {}",
            judged.id, judged.name, judged.shown_by
        ));
        if let (false, Some(words)) = (judged.proved, judged.expected_words) {
            lines.push(format!(
                "       FAIL: should be refused, and say \"{words}\""
            ));
        }
        for verdict in &judged.verdicts {
            let said = format!("       {:<10}{}", verdict.tool, verdict.said);
            lines.push(said);
            if let Some(heard) = verdict
                .peer_heard
                .as_ref()
                .filter(|_| verdict.tool == "sealpost")
            {
                lines.push(format!("       {:<10}{heard}", "  peer"));
            }
        }
    }
    lines
}
