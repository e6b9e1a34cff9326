//! What the application says: Sealpost's operations by their names, and how another protocol begins.

use serde_json::Value;

use super::{Operation, Said, SaidWhat, meaning};
use crate::lab::frames::{FrameScan, word};
use crate::text::{brief, escape};

/// Bytes of a frame, or of another protocol, that are shown.
const SHOWN_BYTES: usize = 240;

/// Operations kept of records told together.
const OPERATIONS_MAX: usize = 24;

/// Follows the application in one direction.
#[derive(Debug, Default)]
pub(super) struct Application {
    scan: FrameScan,
    /// What its first byte says: Sealpost's frames begin with a zero.
    is_sealpost: Option<bool>,
}

impl Application {
    /// Takes the next bytes and tells what they say.
    pub(super) fn feed(&mut self, frame: u64, bytes: &[u8]) -> Said {
        // A frame is a length below 65,537, and JSON; other protocols begin with a zero too (HTTP/2).
        let is_frame = |first: &u8| *first == 0 && bytes.get(4).is_none_or(|next| *next == b'{');
        let first = bytes.first().map(is_frame);
        let is_first = self.is_sealpost.is_none();
        self.is_sealpost = self.is_sealpost.or(first);
        let mut operations = Vec::new();
        let (mut begins, mut file_bytes) = (None, 0);
        if self.is_sealpost == Some(true) {
            self.scan.feed(frame, bytes);
            let found = std::mem::take(&mut self.scan.found);
            let framed: usize = found.iter().map(|(_, text)| 4 + text.len()).sum();
            file_bytes = bytes.len().saturating_sub(framed) as u64;
            operations.extend(found.iter().map(|(_, text)| operation(text)));
            operations.truncate(OPERATIONS_MAX);
        } else if is_first && !bytes.is_empty() {
            let shown = &bytes[..bytes.len().min(SHOWN_BYTES)];
            begins = Some(escape(&String::from_utf8_lossy(shown)));
        }
        let word = operations.first().map(|operation| operation.word);
        Said {
            meaning: meaning::application(word, file_bytes > 0),
            what: SaidWhat::Application {
                operations,
                file_bytes,
                begins,
            },
            bytes: bytes.len() as u64,
            proved: None,
        }
    }

    /// Bytes are missing.
    pub(super) fn gap(&mut self) {
        self.scan.gap();
    }
}

/// Joins what two records in a row say; whether they fit.
pub(super) fn join(into: &mut Said, next: &Said) -> bool {
    let SaidWhat::Application {
        operations,
        file_bytes,
        begins,
    } = &mut into.what
    else {
        return false;
    };
    let SaidWhat::Application {
        operations: more,
        file_bytes: more_bytes,
        begins: other,
    } = &next.what
    else {
        return false;
    };
    let room = OPERATIONS_MAX.saturating_sub(operations.len());
    operations.extend(more.iter().take(room).cloned());
    if begins.is_none() {
        begins.clone_from(other);
    }
    into.bytes += next.bytes;
    *file_bytes += more_bytes;
    let word = operations.first().map(|operation| operation.word);
    into.meaning = meaning::application(word, *file_bytes > 0);
    true
}

fn operation(text: &str) -> Operation {
    Operation {
        word: word(text),
        text: brief(&masked(text), SHOWN_BYTES),
    }
}

/// The frame as it stands on the wire, with dots in place of passwords. Where one is written in a way of its
/// own, the fields come in another order.
fn masked(text: &str) -> String {
    let Ok(mut frame) = serde_json::from_str::<Value>(text) else {
        return String::new();
    };
    let (mut shown, mut is_sure) = (text.to_owned(), true);
    for field in SECRETS {
        is_sure &= text.matches(&format!("\"{field}\"")).count() <= 1;
        if let Some(secret) = frame.get_mut(field).filter(|secret| secret.is_string()) {
            shown = shown.replace(&secret.to_string(), "\"…\"");
            *secret = "…".into();
        }
    }
    is_sure &= serde_json::from_str::<Value>(&shown).is_ok_and(|again| again == frame);
    if is_sure { shown } else { frame.to_string() }
}

/// The fields of a request that are passwords.
const SECRETS: [&str; 3] = ["password", "old", "new"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_shown_as_it_stands_but_for_the_password() {
        let login = r#"{"op":"login","user":"alice","password":"a\"b"}"#;
        assert_eq!(
            masked(login),
            r#"{"op":"login","user":"alice","password":"…"}"#
        );
        let list = r#"{"op":"list","prefix":"","after":"","limit":500}"#;
        assert_eq!(masked(list), list);
        assert_eq!(masked("{"), "");
    }

    #[test]
    fn no_way_of_writing_a_frame_lets_the_password_through() {
        for frame in [
            r#"{"op":"login","password":"\u0073ecret"}"#,
            r#"{"op":"login","password":"secret","password":"secret2"}"#,
            r#"{"op":"login","user":"secret","password":"secret"}"#,
            r#"{"op":"passwd","old":"secret","new":"secret"}"#,
        ] {
            let masked = masked(frame);
            let is_user = masked.matches("secret").count() == usize::from(frame.contains("user"));
            assert!(is_user && !masked.contains("ecret\","), "{masked}");
        }
    }
}
