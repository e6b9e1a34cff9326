//! Sealpost's own frames in a plain stream, as a stranger reads them: JSON, nothing hidden.
//!
//! A file's bytes stand between frames, and how many is for the protocol to know. A stranger needs no
//! protocol: wherever a length is followed by just that much JSON, there is a frame.

use serde::de::IgnoredAny;

use crate::protocol::MAX_FRAME_BYTES;

/// Frames kept of one direction.
const FRAMES_MAX: usize = 16;

/// Finds frames in a stream that comes in pieces.
#[derive(Debug, Default)]
pub struct FrameScan {
    /// What was found: the capture's frame in which it ends, and the JSON text.
    pub found: Vec<(u64, String)>,
    pending: Vec<u8>,
}

impl FrameScan {
    /// Takes the next bytes, which arrived in that frame of the capture.
    pub fn feed(&mut self, frame: u64, bytes: &[u8]) {
        if self.found.len() == FRAMES_MAX {
            return;
        }
        self.pending.extend(bytes);
        let mut at = 0;
        while self.found.len() < FRAMES_MAX {
            let rest = &self.pending[at..];
            match look(rest) {
                Look::Frame(text) => {
                    at += 4 + text.len();
                    self.found.push((frame, text));
                }
                Look::Other => {
                    // On to the next byte that could be a length's first.
                    let zero = rest[1..].iter().position(|byte| *byte == 0);
                    at += zero.map_or(rest.len(), |zero| zero + 1);
                }
                Look::Short => break,
            }
        }
        self.pending.drain(..at);
    }

    /// The next bytes do not follow the last ones; also gives the memory back at the end.
    pub fn gap(&mut self) {
        self.pending = Vec::new();
    }
}

/// What bytes begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// A frame with this text, behind the four bytes of its length.
    Frame(String),
    /// Something else.
    Other,
    /// Perhaps a frame: there is too little of it to tell.
    Short,
}

/// Looks whether a frame stands at the beginning of `bytes`.
pub fn look(bytes: &[u8]) -> Look {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
        let possible = bytes.first().is_none_or(|byte| *byte == 0);
        return if possible { Look::Short } else { Look::Other };
    };
    let length = u32::from_be_bytes(*length) as usize;
    if !(1..=MAX_FRAME_BYTES).contains(&length) || rest.first().is_some_and(|byte| *byte != b'{') {
        return Look::Other;
    }
    let Some(text) = rest.get(..length) else {
        return Look::Short;
    };
    match serde_json::from_slice::<IgnoredAny>(text) {
        Ok(_) => Look::Frame(String::from_utf8_lossy(text).into_owned()),
        Err(_) => Look::Other,
    }
}

/// A frame of the protocol in one word: the request's `op`, or what the reply is.
pub fn word(json: &str) -> &'static str {
    const OPERATIONS: [&str; 12] = [
        "hello", "login", "list", "put", "get", "quit", "register", "passwd", "whoami", "stat",
        "delete", "rename",
    ];
    let value: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    match (value.get("op"), value.get("ok"), value.get("sha256")) {
        (Some(op), _, _) => {
            let known = OPERATIONS.iter().find(|known| op == **known);
            known.copied().unwrap_or("request")
        }
        (_, Some(ok), _) if ok == true => "ok",
        (_, Some(_), _) => "refused",
        (_, _, Some(_)) => "sha256",
        _ => "frame",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&length, text.as_bytes()].concat()
    }

    fn texts(stream: &[u8], piece: usize) -> Vec<String> {
        let mut scan = FrameScan::default();
        stream.chunks(piece).for_each(|bytes| scan.feed(1, bytes));
        scan.found.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn frames_are_found_again_behind_a_files_bytes() {
        let (put, end) = (r#"{"op":"put"}"#, r#"{"sha256":"00"}"#);
        let body: Vec<u8> = (0..9_999u32).map(|n| n.to_le_bytes()[0] & 0x7c).collect();
        let stream = [&frame(put)[..], &body, &frame(end)].concat();
        for piece in [1, 3, 1_460, stream.len()] {
            assert_eq!(texts(&stream, piece), [put, end]);
        }
    }

    #[test]
    fn what_only_looks_like_a_frame_is_none() {
        let long = [&[0, 1, 0, 1][..], b"{"].concat();
        let broken = frame("{\"op\"");
        let array = frame("[1]");
        for stream in [long, broken, array, vec![0; 4_000], vec![9; 4_000]] {
            assert!(texts(&stream, 7).is_empty());
        }
    }
}
