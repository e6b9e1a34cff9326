//! A stream as an eavesdropper reads it: text and hex, with what was found marked.

use maud::{Markup, html};

use super::html::{both, say};
use super::table::title;
use super::words::{labels, words};
use crate::lab::compare::facts::Run;
use crate::lab::compare::turns::{Mark, Turn};
use crate::lab::tap::Direction;
use crate::lang::join;

/// Bytes of each turn shown as text where something was found; the rest shows fewer.
const TEXT_BYTES: usize = 232;

/// Bytes shown as text where nothing is to be read, and in every hex.
const FEW_BYTES: usize = 48;

/// Lines of a text shown as lines.
const LINES_MAX: usize = 8;

/// One run's turns.
pub(super) fn stream(run: &Run) -> Markup {
    html! {
        div {
            h3 { (say(&title(run.kind))) }
            div.turns { @for turn in &run.turns { (one(turn)) } }
            @if run.turns_more > 0 { p.soft { (both("Turns not shown: ", "未显示的发言：")) (run.turns_more) } }
        }
    }
}

/// One turn: who, what, where, and its first bytes.
pub(super) fn one(turn: &Turn) -> Markup {
    let up = turn.direction == Direction::ToServer;
    let bytes = bytes(&turn.head);
    let is_readable = turn.encrypted[0] == 0 && !bytes.starts_with(&[22]);
    let text_bytes = if is_readable { TEXT_BYTES } else { FEW_BYTES };
    let show: &dyn Fn(&[u8]) -> String = if is_readable { &as_text } else { &as_ascii };
    let [first, last] = turn.frames;
    let (said, found) = (words(turn), labels(turn));
    html! {
        div.turn.up[up].down[!up] {
            div.head {
                span {
                    (if up { "↑ " } else { "↓ " })
                    b { (say(&join(said, ", ", "、"))) }
                    @if !found.is_empty() { " " span.read { "● " (say(&join(found, ", ", "、"))) } }
                }
                span {
                    (both("frame ", "帧 ")) (first) @if last > first { "–" (last) }
                    " · " (turn.bytes) " B"
                }
            }
            div.text { (pieces(&bytes, &turn.marks, text_bytes, show)) @if turn.bytes > text_bytes as u64 { span.dim { "…" } } }
            div.hex { (pieces(&bytes, &turn.marks, FEW_BYTES, &as_hex)) @if turn.bytes > FEW_BYTES as u64 { span.dim { "…" } } }
        }
    }
}

/// The first bytes, cut where marks begin and end.
fn pieces(bytes: &[u8], marks: &[Mark], most: usize, show: &dyn Fn(&[u8]) -> String) -> Markup {
    let end = bytes.len().min(most);
    let mut at = 0;
    let mut pieces = Vec::new();
    for mark in marks {
        let (from, to) = (mark.from.min(end), mark.to.min(end));
        if from >= to || from < at {
            continue;
        }
        pieces.push((&bytes[at..from], None));
        pieces.push((&bytes[from..to], Some(mark.label.as_str())));
        at = to;
    }
    pieces.push((&bytes[at..end], None));
    html! {
        @for (piece, label) in pieces {
            @match label {
                Some(label) => mark title=(label) { (show(piece)) },
                None => (show(piece)),
            }
        }
    }
}

/// Letters as they are; what is none is a dot. Bytes above ASCII are shown when they are UTF-8. Lines are
/// kept apart while they are few: a file of short lines is not to fill pages.
fn as_text(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut lines = 0;
    for chunk in bytes.utf8_chunks() {
        let shown = chunk.valid().chars().map(|c| match c {
            '\n' => {
                lines += 1;
                if lines < LINES_MAX { '\n' } else { '·' }
            }
            c if c.is_control() || crate::text::is_invisible(c) => '·',
            c => c,
        });
        text.extend(shown);
        text.extend(chunk.invalid().iter().map(|_| '·'));
    }
    text
}

/// Letters of ASCII: in encrypted bytes everything else is there by chance.
fn as_ascii(bytes: &[u8]) -> String {
    let shown = bytes.iter().map(|byte| match byte {
        0x20..=0x7e => char::from(*byte),
        _ => '·',
    });
    shown.collect()
}

fn as_hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x} ")).collect();
    pairs.concat()
}

fn bytes(hex: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok();
    (0..hex.len() / 2).filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_as_it_stands_but_for_what_nobody_sees() {
        let shown = as_text("a\u{7}é 密\u{202e}\n".as_bytes());
        assert_eq!(shown, "a·é 密·\n");
        assert_eq!(as_text(b"\xff\xfeb"), "··b");
        assert_eq!(as_ascii("é b".as_bytes()), "·· b");
    }

    #[test]
    fn short_lines_do_not_fill_pages() {
        let lines = "1\n".repeat(100);
        assert_eq!(as_text(lines.as_bytes()).lines().count(), LINES_MAX);
        assert_eq!(as_text(b"1\n2\n3").lines().count(), 3);
    }
}
