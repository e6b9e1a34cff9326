//! The order in which a person expects names: digits as numbers, letters whatever their case.

use std::cmp::Ordering;

/// Compares two names; equal only when they are the same.
pub(in crate::gui) fn compare(a: &str, b: &str) -> Ordering {
    loosely(a, b).then_with(|| a.cmp(b))
}

/// Whether `text` has `folded` in it, whatever the case; `folded` is what [`fold`] made.
pub(in crate::gui) fn contains(text: &str, folded: &str) -> bool {
    if text.is_ascii() {
        let mut windows = text.as_bytes().windows(folded.len());
        return windows.any(|window| window.eq_ignore_ascii_case(folded.as_bytes()));
    }
    fold(text).contains(folded)
}

/// `text` without the difference between upper and lower case.
pub(in crate::gui) fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Whether `text` begins with `folded`, whatever the case.
pub(in crate::gui) fn begins_with(text: &str, folded: &str) -> bool {
    let begin = text.char_indices().nth(folded.chars().count());
    let begin = begin.map_or(text, |(end, _)| &text[..end]);
    fold(begin) == folded
}

fn loosely(mut left: &str, mut right: &str) -> Ordering {
    loop {
        let (x, y) = match (left.chars().next(), right.chars().next()) {
            (Some(x), Some(y)) => (x, y),
            (x, y) => return x.is_some().cmp(&y.is_some()),
        };
        let by;
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (one, other);
            (one, left) = number(left);
            (other, right) = number(right);
            by = one.len().cmp(&other.len()).then_with(|| one.cmp(other));
        } else {
            by = lower(x).cmp(&lower(y));
            left = &left[x.len_utf8()..];
            right = &right[y.len_utf8()..];
        }
        if by.is_ne() {
            return by;
        }
    }
}

/// The digits `text` begins with, without leading zeros, and the rest.
fn number(text: &str) -> (&str, &str) {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(end);
    (digits.trim_start_matches('0'), rest)
}

fn lower(c: char) -> char {
    match c.is_ascii() {
        true => c.to_ascii_lowercase(),
        false => c.to_lowercase().next().unwrap_or(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_count_as_numbers_and_case_does_not_count() {
        let mut names = [
            "b", "a10", "A9", "a", "a010", "C", "课2", "课10", "a9", "10", "9",
        ];
        names.sort_by(|a, b| compare(a, b));
        assert_eq!(
            names,
            [
                "9", "10", "a", "A9", "a9", "a010", "a10", "b", "C", "课2", "课10"
            ]
        );
    }

    #[test]
    fn numbers_of_any_length_compare() {
        let (big, bigger) = ("99999999999999999999998", "99999999999999999999999");
        assert_eq!(compare(big, bigger), Ordering::Less);
        assert_eq!(compare("0", "00"), Ordering::Less);
    }

    #[test]
    fn only_the_same_names_are_equal() {
        assert_eq!(compare("a", "A"), Ordering::Greater);
        assert_eq!(compare("a1", "a01"), Ordering::Greater);
        assert_eq!(compare("课", "课"), Ordering::Equal);
    }

    #[test]
    fn parts_and_beginnings_are_found_whatever_the_case() {
        for (text, part) in [
            ("Notes.TXT", "txt"),
            ("ÄRGER.txt", "ärger"),
            ("课程.txt", "程"),
        ] {
            assert!(contains(text, &fold(part)), "{text}");
        }
        assert!(!contains("notes", "notes.txt"));
        assert!(begins_with("Ärger", "är") && begins_with("课程", "课"));
        assert!(!begins_with("notes", "otes") && !begins_with("no", "not"));
    }
}
