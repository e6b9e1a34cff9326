//! Two columns of text, whatever the width of their characters.

/// Columns a character takes on a terminal: two for those of East Asia (UAX #11, wide and fullwidth).
pub(super) fn columns(c: char) -> usize {
    match u32::from(c) {
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// Columns a text takes.
pub(in crate::lab) fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// Breaks a text into lines of at most so many columns: at spaces, or before a wide character, or where
/// nothing else is possible. What is broken is indented by `hang`.
pub(in crate::lab) fn wrap(text: &str, most: usize, hang: usize) -> Vec<String> {
    let most = most.max(hang + 8);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for piece in pieces(text) {
        let wide = width(piece);
        if used + width(piece.trim_end()) > most && used > hang {
            lines.push(line.trim_end().to_owned());
            line = " ".repeat(hang);
            used = hang;
        }
        let begins = if used == hang && !lines.is_empty() {
            piece.trim_start()
        } else {
            piece
        };
        if used + wide <= most + 1 {
            line.push_str(begins);
            used += width(begins);
            continue;
        }
        for c in begins.chars() {
            if used + columns(c) > most {
                lines.push(std::mem::take(&mut line));
                line = " ".repeat(hang);
                used = hang;
            }
            line.push(c);
            used += columns(c);
        }
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// Where a text may be broken: behind spaces, and around wide characters.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut chars = rest.char_indices();
        let (_, first) = chars.next()?;
        let mut before = first;
        let end = chars.find_map(|(at, c)| {
            let breaks = before == ' ' && c != ' ' || columns(c) == 2 && !is_closing(c);
            let breaks = breaks || columns(before) == 2 && !is_closing(c) && c != ' ';
            before = c;
            breaks.then_some(at)
        });
        let (piece, left) = rest.split_at(end.unwrap_or(rest.len()));
        rest = left;
        Some(piece)
    })
}

/// What never begins a line in Chinese.
fn is_closing(c: char) -> bool {
    "，。：；？！）》、」』”’%,.:;?!)".contains(c)
}

/// Two texts beside each other.
pub(super) fn beside(
    left: &[String],
    right: &[String],
    left_columns: usize,
    indent: usize,
) -> Vec<String> {
    let rows = left.len().max(right.len());
    let row = |at: usize| {
        let (left, right) = (left.get(at), right.get(at));
        let left = left.map_or("", String::as_str);
        let right = right.map_or("", String::as_str);
        let gap = left_columns.saturating_sub(width(left));
        let line = format!("{:indent$}{left}{:gap$} │ {right}", "", "");
        line.trim_end().to_owned()
    };
    (0..rows).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_spaces_or_between_wide_characters_and_never_too_long() {
        assert_eq!(wrap("one two three", 16, 2), ["one two three"]);
        assert_eq!(
            wrap("one two three four", 12, 2),
            ["one two", "  three four"]
        );
        let chinese = wrap("服务器的选择和它那一半密钥交换。双方", 16, 0);
        assert!(chinese.iter().all(|line| width(line) <= 18), "{chinese:?}");
        assert!(!chinese.iter().any(|line| line.starts_with('。')));
        assert_eq!(chinese.concat(), "服务器的选择和它那一半密钥交换。双方");
        let long = wrap(&"x".repeat(40), 16, 2);
        assert!(long.iter().all(|line| line.len() <= 16), "{long:?}");
    }

    #[test]
    fn columns_stand_beside_each_other_whatever_their_length() {
        let left = ["一二".to_owned()];
        let right = ["a".to_owned(), "b".to_owned()];
        assert_eq!(beside(&left, &right, 6, 1), [" 一二   │ a", "        │ b"]);
    }
}
