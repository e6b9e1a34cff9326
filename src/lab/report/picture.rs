//! Inline SVG: the ladder of turns, and the bars of sizes.

use maud::{Markup, html};

use crate::lab::compare::facts::Run;
use crate::lab::compare::turns::Turn;
use crate::lab::tap::Direction;

/// Turns drawn; a run of the lab has some twenty.
const TURNS_MAX: usize = 40;

/// Height of one rung.
const RUNG: usize = 26;

/// Width of the drawing's own units; it scales to its place.
const WIDTH: usize = 440;

/// Characters of a rung's label that fit between the two lines.
const LABEL_CHARS: usize = 40;

/// Height of the bars to either side of the axis.
const BAR_HEIGHT: u32 = 70;

/// Who spoke, from the TCP handshake to the end.
pub(super) fn ladder(run: &Run) -> Markup {
    let turns = &run.turns[..run.turns.len().min(TURNS_MAX)];
    let height = 56 + RUNG * (turns.len() + 2);
    let first = turns.first().map_or(0, |turn| turn.frames[0]);
    let last = turns.last().map_or(0, |turn| turn.frames[1]);
    let foot = height - 10;
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label="packet ladder" {
            text x="70" y="14" text-anchor="middle" { "client" }
            text x=(WIDTH - 70) y="14" text-anchor="middle" { "server" }
            line.axis x1="70" y1="22" x2="70" y2=(foot) {}
            line.axis x1=(WIDTH - 70) y1="22" x2=(WIDTH - 70) y2=(foot) {}
            (remark(40, &format!("TCP handshake, frames {}–{}", run.connection.frames[0], first.saturating_sub(1))))
            @for (index, turn) in turns.iter().enumerate() { (rung(turn, 40 + RUNG * (index + 1))) }
            (remark(40 + RUNG * (turns.len() + 1), &format!("FIN and what is left, frames {}–{}", last + 1, run.connection.frames[1])))
        }
    }
}

fn remark(y: usize, words: &str) -> Markup {
    html! { text.small x=(WIDTH / 2) y=(y) text-anchor="middle" { (words) } }
}

fn rung(turn: &Turn, y: usize) -> Markup {
    let up = turn.direction == Direction::ToServer;
    let (from, to) = if up {
        (70, WIDTH - 70)
    } else {
        (WIDTH - 70, 70)
    };
    let tip = if up { to - 7 } else { to + 7 };
    let [first, last] = turn.frames;
    let frames = match last > first {
        true => format!("{first}–{last}"),
        false => first.to_string(),
    };
    let labels: Vec<&str> = turn.marks.iter().map(|mark| mark.label.as_str()).collect();
    let words = turn.words().collect::<Vec<_>>().join(", ");
    let hot = !labels.is_empty() && !words.is_empty();
    let words = match hot {
        true => format!("{words}: {}", labels.join(", ")),
        false => words,
    };
    let near = y + 4;
    html! {
        g.up[up].down[!up] {
            line x1=(from) y1=(y) x2=(to) y2=(y) stroke-width=(width(turn.bytes)) {}
            polygon stroke="none" points=(format!("{to},{y} {tip},{} {tip},{near}", y - 4)) {}
        }
        text.hot[hot] x=(WIDTH / 2) y=(y - 5) text-anchor="middle" { (cut(&words)) }
        text.small x="62" y=(y + 3) text-anchor="end" { (frames) }
        text.small x=(WIDTH - 62) y=(y + 3) { (turn.bytes) " B" }
    }
}

fn cut(words: &str) -> String {
    match words.char_indices().nth(LABEL_CHARS) {
        Some((at, _)) => format!("{}…", &words[..at]),
        None => words.to_owned(),
    }
}

/// A thicker line carries more: one more for each factor of 16.
fn width(bytes: u64) -> u32 {
    1 + bytes.checked_ilog2().unwrap_or(0) / 5
}

/// The sizes in order: up to the server, down to the client.
pub(super) fn sizes(run: &Run) -> Markup {
    let records = run
        .records
        .iter()
        .map(|record| (record.direction, u64::from(record.bytes)));
    let turns = run.turns.iter().map(|turn| (turn.direction, turn.bytes));
    let bars: Vec<(Direction, u64)> = match run.records.is_empty() {
        true => turns.collect(),
        false => records.collect(),
    };
    let most = bars
        .iter()
        .map(|(_, bytes)| *bytes)
        .max()
        .unwrap_or(1)
        .max(1);
    let step = (WIDTH / bars.len().max(1)).clamp(1, 14);
    let bar = |index: usize, direction: Direction, bytes: u64| {
        let tall = height(bytes, most);
        let up = direction == Direction::ToServer;
        let y = if up {
            BAR_HEIGHT + 4 - tall
        } else {
            BAR_HEIGHT + 6
        };
        html! {
            rect.up[up].down[!up] stroke="none" x=(index * step) y=(y) width=(step.saturating_sub(1).max(1)) height=(tall) {
                title { (bytes) " B" }
            }
        }
    };
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {}", 2 * BAR_HEIGHT + 24)) role="img" aria-label="sizes" {
            line.axis x1="0" x2=(WIDTH) y1=(BAR_HEIGHT + 5) y2=(BAR_HEIGHT + 5) {}
            @for (index, (direction, bytes)) in bars.iter().enumerate() { (bar(index, *direction, *bytes)) }
            text.small x="0" y=(2 * BAR_HEIGHT + 20) { "n = " (bars.len()) ", max = " (most) " B" }
        }
    }
}

/// In proportion to the square root: small ones are to be seen beside large ones.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixels, between 1 and BAR_HEIGHT"
)]
fn height(bytes: u64, most: u64) -> u32 {
    let share = (bytes as f64 / most as f64).sqrt();
    ((share * f64::from(BAR_HEIGHT)) as u32).clamp(1, BAR_HEIGHT)
}
