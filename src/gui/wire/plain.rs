//! Reading plain bytes as a stranger who knows the public protocol: its frames, and the files between them.

use serde_json::Value;

use super::block::{Block, Kind, Place, Transcript};
use super::fields::{learn, marks};
use super::learned::Learned;
use crate::lab::frames::{Look, look};
use crate::lab::tap::Direction;
use crate::lang::{Both, both};
use crate::protocol::{Request, parse_request};
use crate::text::escape;

/// Both directions of a plain connection.
#[derive(Debug, Default)]
pub(super) struct Plain {
    to_server: Flow,
    to_client: Flow,
    asked: Option<Request>,
    /// What the server holds of the file that is to come: the client says whether it goes on from there.
    held: Option<u64>,
}

/// One direction.
#[derive(Debug, Default)]
struct Flow {
    /// Bytes that were not read yet.
    pending: Vec<u8>,
    /// Bytes before them, and when the first of them passed.
    offset: u64,
    at_ns: u64,
    /// The file whose bytes come next.
    body: Option<Body>,
    /// The stretch of bytes that say nothing to us.
    unknown: Option<u64>,
}

/// A file that passes.
#[derive(Debug)]
struct Body {
    name: String,
    left: u64,
    /// It passes from its first byte on, and nothing of it is missing.
    whole: bool,
    block: Option<u64>,
}

/// Where what is read goes.
#[derive(Debug)]
pub(super) struct Notes<'a> {
    pub(super) connection: u64,
    pub(super) transcript: &'a mut Transcript,
    pub(super) learned: &'a mut Learned,
}

impl Plain {
    /// The next bytes.
    pub(super) fn feed(&mut self, place: Place, bytes: &[u8], notes: &mut Notes<'_>) {
        let (way, at_ns, offset) = place;
        let flow = self.flow(way);
        if flow.pending.is_empty() {
            (flow.offset, flow.at_ns) = (offset, at_ns);
        }
        flow.pending.extend(bytes);
        let pending = std::mem::take(&mut flow.pending);
        let read = self.read(way, at_ns, &pending, notes);
        let flow = self.flow(way);
        flow.pending = pending;
        flow.pending.drain(..read);
    }

    /// The next bytes are missing.
    pub(super) fn gap(&mut self, place: Place, missing: u64, notes: &mut Notes<'_>) {
        let (way, at_ns, _) = place;
        let flow = self.flow(way);
        let pending = std::mem::take(&mut flow.pending);
        flow.pass_over(way, &pending, notes);
        flow.at_ns = at_ns;
        let inside = flow.body.as_ref().map_or(0, |body| body.left.min(missing));
        if inside > 0 {
            flow.skip_body(way, inside, notes);
        }
        if missing > inside {
            flow.skip_unknown(way, missing - inside, notes);
            self.asked = None;
            self.held = None;
        }
    }

    fn flow(&mut self, way: Direction) -> &mut Flow {
        match way {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    /// Reads what can be; returns how many bytes that were.
    fn read(&mut self, way: Direction, at_ns: u64, pending: &[u8], notes: &mut Notes<'_>) -> usize {
        let mut at = 0;
        while at < pending.len() {
            let rest = &pending[at..];
            let flow = self.flow(way);
            let in_body = flow.take_body(way, rest, notes);
            if in_body > 0 {
                at += in_body;
                continue;
            }
            match look(rest) {
                Look::Short => break,
                Look::Other => {
                    // On to the next byte that could be a length's first.
                    let zero = rest[1..].iter().position(|byte| *byte == 0);
                    let count = zero.map_or(rest.len(), |zero| zero + 1);
                    flow.pass_over(way, &rest[..count], notes);
                    at += count;
                }
                Look::Frame(text) => {
                    let count = 4 + text.len();
                    let place = (way, flow.at_ns, flow.offset);
                    flow.offset += count as u64;
                    flow.unknown = None;
                    self.frame(place, &rest[..count], notes);
                    at += count;
                }
            }
            self.flow(way).at_ns = at_ns;
        }
        at
    }

    fn frame(&mut self, place: Place, bytes: &[u8], notes: &mut Notes<'_>) {
        let json = &bytes[4..];
        let value: Value = serde_json::from_slice(json).unwrap_or_default();
        learn(&value, notes.learned);
        let request = parse_request(json).ok();
        let what = match (&request, place.0) {
            (Some(request), Direction::ToServer) => {
                let word = request.operation().word();
                both(format!("request {word}"), format!("请求 {word}"))
            }
            (None, Direction::ToServer) => both("about the file", "关于文件"),
            (_, Direction::ToClient) => reply(&value),
        };
        let mut block = Block::new(notes.connection, place, Kind::Frame(what));
        block.grow(bytes);
        block.marks = marks(json, 4);
        notes.transcript.push(block);
        match place.0 {
            Direction::ToServer if request.is_some() => self.asked = request,
            Direction::ToServer => self.client_said(&value, notes.learned),
            Direction::ToClient => self.server_said(&value, notes.learned),
        }
    }

    /// Behind a reply to `get` stands the file; after one to `put` the client sends it.
    fn server_said(&mut self, said: &Value, learned: &mut Learned) {
        let granted = said.get("ok") == Some(&Value::Bool(true));
        let offset = said.get("offset").and_then(Value::as_u64);
        let Some(offset) = offset.filter(|_| granted) else {
            return;
        };
        match &self.asked {
            Some(Request::Get { name, .. }) => {
                let size = said.pointer("/file/size").and_then(Value::as_u64);
                self.to_client
                    .begin_body(name, size.unwrap_or(0), offset, learned);
            }
            Some(Request::Put { name, size, .. }) => {
                if offset > 0 && said.get("prefix_sha256").is_some() {
                    self.held = Some(offset);
                } else {
                    self.to_server.begin_body(name, *size, offset, learned);
                }
            }
            _ => {}
        }
    }

    fn client_said(&mut self, said: &Value, learned: &mut Learned) {
        let resumes = said.get("resume").and_then(Value::as_bool);
        if let (Some(resumes), Some(held), Some(Request::Put { name, size, .. })) =
            (resumes, self.held.take(), &self.asked)
        {
            let from = if resumes { held } else { 0 };
            self.to_server.begin_body(name, *size, from, learned);
        }
    }
}

impl Flow {
    fn begin_body(&mut self, name: &str, size: u64, from: u64, learned: &mut Learned) {
        let body = Body {
            name: name.to_owned(),
            left: size.saturating_sub(from),
            whole: from == 0,
            block: None,
        };
        match body.left {
            0 => learned.file(name, body.whole),
            _ => self.body = Some(body),
        }
    }

    /// Takes what belongs to a file; returns how many bytes that are.
    fn take_body(&mut self, way: Direction, bytes: &[u8], notes: &mut Notes<'_>) -> usize {
        let Some(body) = &mut self.body else {
            return 0;
        };
        let count = usize::try_from(body.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let block = body.block((way, self.at_ns, self.offset), notes);
        if let Some(block) = notes.transcript.block_mut(block) {
            block.grow(&bytes[..count]);
        }
        notes.learned.content(count as u64);
        self.offset += count as u64;
        self.over(count as u64, notes.learned);
        count
    }

    fn skip_body(&mut self, way: Direction, missing: u64, notes: &mut Notes<'_>) {
        if let Some(body) = &mut self.body {
            body.whole = false;
            let block = body.block((way, self.at_ns, self.offset), notes);
            if let Some(block) = notes.transcript.block_mut(block) {
                block.skip(missing);
            }
            self.offset += missing;
            self.over(missing, notes.learned);
        }
    }

    /// So many bytes of the file less are to come.
    fn over(&mut self, count: u64, learned: &mut Learned) {
        let Some(body) = &mut self.body else {
            return;
        };
        body.left -= count;
        if body.left == 0 || !body.whole {
            learned.file(&body.name, body.whole);
        }
        if body.left == 0 {
            self.body = None;
        }
    }

    fn pass_over(&mut self, way: Direction, bytes: &[u8], notes: &mut Notes<'_>) {
        if bytes.is_empty() {
            return;
        }
        let number = self.unknown(way, notes);
        if let Some(block) = notes.transcript.block_mut(number) {
            block.grow(bytes);
        }
        self.offset += bytes.len() as u64;
    }

    fn skip_unknown(&mut self, way: Direction, missing: u64, notes: &mut Notes<'_>) {
        let number = self.unknown(way, notes);
        if let Some(block) = notes.transcript.block_mut(number) {
            block.skip(missing);
        }
        self.offset += missing;
    }

    fn unknown(&mut self, way: Direction, notes: &mut Notes<'_>) -> u64 {
        let place = (way, self.at_ns, self.offset);
        *self.unknown.get_or_insert_with(|| {
            let block = Block::new(notes.connection, place, Kind::Unknown);
            notes.transcript.push(block)
        })
    }
}

impl Body {
    fn block(&mut self, place: Place, notes: &mut Notes<'_>) -> u64 {
        *self.block.get_or_insert_with(|| {
            let kind = Kind::Content(self.name.clone());
            notes
                .transcript
                .push(Block::new(notes.connection, place, kind))
        })
    }
}

fn reply(said: &Value) -> Both {
    match said.get("code").and_then(Value::as_str) {
        Some(code) => {
            let code = escape(code);
            both(format!("refusal {code}"), format!("拒绝 {code}"))
        }
        None => both("reply", "回复"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::wire::block::Field;
    use crate::gui::wire::learned::Outside;

    const OUTSIDE: Outside = Outside {
        who: String::new(),
        shown: std::collections::BTreeSet::new(),
        bytes: 0,
        plain: 1,
        connections: 1,
    };

    enum Said {
        Client(Vec<u8>),
        Server(Vec<u8>),
        Missing(Direction, u64),
    }
    use Said::{Client, Missing, Server};

    fn frame(text: &str) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&length, text.as_bytes()].concat()
    }

    /// What was read of a conversation that came in pieces of this size: the stretches, and the sentence.
    fn read(said: &[Said], piece: usize) -> (Vec<Block>, String) {
        let (mut transcript, mut learned) = (Transcript::default(), Learned::default());
        let mut notes = Notes {
            connection: 1,
            transcript: &mut transcript,
            learned: &mut learned,
        };
        let (mut plain, mut offsets) = (Plain::default(), [0; 2]);
        for said in said {
            let (way, bytes) = match said {
                Client(bytes) => (Direction::ToServer, bytes),
                Server(bytes) => (Direction::ToClient, bytes),
                Missing(way, missing) => {
                    let offset = &mut offsets[usize::from(*way == Direction::ToClient)];
                    plain.gap((*way, 0, *offset), *missing, &mut notes);
                    *offset += missing;
                    continue;
                }
            };
            let offset = &mut offsets[usize::from(way == Direction::ToClient)];
            for bytes in bytes.chunks(piece) {
                plain.feed((way, 0, *offset), bytes, &mut notes);
                *offset += bytes.len() as u64;
            }
        }
        let blocks = transcript.blocks().map(|(_, block)| block.clone());
        (blocks.collect(), learned.sentence(&OUTSIDE).en)
    }

    fn login() -> Said {
        Client(frame(
            r#"{"op":"login","user":"alice","password":"hunter2 \"x\""}"#,
        ))
    }

    fn marked(block: &Block, field: Field) -> Vec<String> {
        let marks = block.marks.iter().filter(|mark| mark.field == field);
        let text =
            |at: std::ops::Range<usize>| String::from_utf8_lossy(&block.bytes[at]).into_owned();
        marks.map(|mark| text(mark.at.clone())).collect()
    }

    #[test]
    fn user_and_password_are_found_wherever_the_pieces_are_cut() {
        for piece in [1, 5, 1_000] {
            let (blocks, told) = read(
                &[login(), Server(frame(r#"{"ok":true,"user":"alice"}"#))],
                piece,
            );
            assert_eq!(blocks.len(), 2);
            assert_eq!(marked(&blocks[0], Field::Password), [r#"hunter2 \"x\""#]);
            assert_eq!(marked(&blocks[0], Field::User), ["alice"]);
            assert!(told.ends_with("your user name, your password"), "{told}");
        }
    }

    #[test]
    fn a_file_is_read_whole_and_what_looks_like_a_login_in_it_is_content() {
        let Client(trap) = login() else {
            unreachable!()
        };
        let put = format!(
            r#"{{"op":"put","name":"a.txt","size":{},"conflict":"error"}}"#,
            trap.len()
        );
        for piece in [1, 7, 1_000] {
            let (blocks, told) = read(
                &[
                    Client(frame(&put)),
                    Server(frame(r#"{"ok":true,"name":"a.txt","offset":0}"#)),
                    Client(trap.clone()),
                    Client(frame(r#"{"sha256":"00"}"#)),
                    Server(frame(r#"{"ok":true,"file":{"name":"a.txt","size":1}}"#)),
                ],
                piece,
            );
            assert_eq!(blocks.len(), 5);
            assert_eq!(blocks[2].kind, Kind::Content("a.txt".into()));
            assert_eq!(blocks[2].bytes, trap);
            assert!(
                told.ends_with(": 1 file name, the whole content of 1 file"),
                "{told}"
            );
        }
    }

    #[test]
    fn after_a_gap_in_a_file_the_replies_are_read_again_and_the_file_is_not_called_whole() {
        let (blocks, told) = read(
            &[
                Client(frame(r#"{"op":"get","name":"b","offset":0}"#)),
                Server(frame(
                    r#"{"ok":true,"file":{"name":"b","size":1000},"offset":0}"#,
                )),
                Server(vec![1; 100]),
                Missing(Direction::ToClient, 800),
                Server(vec![2; 100]),
                Server(frame(r#"{"ok":true}"#)),
            ],
            1_000,
        );
        assert_eq!(blocks.len(), 4);
        assert_eq!((blocks[2].total, blocks[2].missing), (1_000, 800));
        assert_eq!(blocks[3].kind, Kind::Frame(both("reply", "回复")));
        assert!(
            told.ends_with("1 file name, content of files, 200 B in all"),
            "{told}"
        );
    }

    #[test]
    fn after_a_gap_between_frames_the_next_frame_is_found() {
        let (blocks, told) = read(
            &[
                Client(vec![0, 0]),
                Missing(Direction::ToServer, 70_000),
                Client(b"tail of something".to_vec()),
                login(),
            ],
            9,
        );
        assert_eq!(blocks.len(), 2);
        assert_eq!((blocks[0].total, blocks[0].missing), (70_019, 70_000));
        assert!(told.contains("your password"));
    }
}
