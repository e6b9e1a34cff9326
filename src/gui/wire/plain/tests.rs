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
    let text = |at: std::ops::Range<usize>| String::from_utf8_lossy(&block.bytes[at]).into_owned();
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
