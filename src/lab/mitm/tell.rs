//! The steps in words.

use super::{Finding, Step};

/// What each group of steps is about, by the first letter of its numbers.
const GROUPS: [(&str, &str); 6] = [
    ("a", "plain TCP: the attacker reads and alters"),
    (
        "b",
        "TLS without verification: sealed, and handed to the wrong one",
    ),
    (
        "c",
        "TLS with verification: the attacker has no certificate that fits",
    ),
    ("d", "mutual TLS: the attacker cannot be the client either"),
    (
        "e",
        "TLS records: nothing can be changed, dropped, repeated, reordered or cut off",
    ),
    ("f", "no way down: TLS is not stripped off"),
];

/// The finding as lines; `all` has every byte of every step, else group (e) is a line each.
pub fn tell(finding: &Finding, all: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for (letter, about) in GROUPS {
        let of_group = |step: &&Step| step.id.starts_with(letter);
        let mut steps = finding.steps.iter().filter(of_group).peekable();
        if steps.peek().is_none() {
            continue;
        }
        lines.push(format!("({letter}) {about}"));
        let brief = letter == "e" && !all;
        for (n, step) in steps.enumerate() {
            // The first in full shows what a record is.
            if brief && n > 0 && step.proved {
                tell_briefly(step, &mut lines);
            } else {
                tell_step(step, &mut lines);
            }
        }
        lines.push(String::new());
    }
    let proved = finding.steps.iter().filter(|step| step.proved).count();
    lines.push(format!(
        "{proved} of {} steps came out as expected",
        finding.steps.len()
    ));
    lines
}

fn tell_briefly(step: &Step, lines: &mut Vec<String>) {
    lines.push(format!("  ok   {:<4} {}", step.id, step.name));
    // Without the connection's id.
    let client = step.client_said.split(" [").next().unwrap_or_default();
    let (exit, server) = (step.client_exit, &step.server_said);
    lines.push(format!("              client    {client} (exit {exit})"));
    lines.push(format!("              server    {server}"));
}

fn tell_step(step: &Step, lines: &mut Vec<String>) {
    let sign = if step.proved { "ok  " } else { "FAIL" };
    lines.push(format!("  {sign} {:<4} {}", step.id, step.name));
    let mut line = |label: &str, text: &str| {
        lines.push(format!("              {label:<10}{text}"));
    };
    if !step.proved {
        line("expected", &step.expected);
    }
    line("observed", &step.observed);
    for excerpt in &step.bytes_excerpt {
        match excerpt.what.strip_prefix("the attacker") {
            // Its own words, not bytes of the wire.
            Some("'s TLS says" | " heard") => line("attacker", &excerpt.bytes),
            _ => line("bytes", &format!("{}: {}", excerpt.what, excerpt.bytes)),
        }
    }
    line(
        "client",
        &format!("{} (exit {})", step.client_said, step.client_exit),
    );
    line("server", &step.server_said);
}
