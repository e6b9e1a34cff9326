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

/// An upload of ten bytes of which the server held four.
fn resumed(resume: bool) -> Vec<Said> {
    let put = r#"{"op":"put","name":"a.txt","size":10,"conflict":"resume"}"#;
    let held = r#"{"ok":true,"name":"a.txt","offset":4,"prefix_sha256":"00"}"#;
    vec![
        Client(frame(put)),
        Server(frame(held)),
        Client(frame(&format!(r#"{{"resume":{resume}}}"#))),
        Client(vec![0; if resume { 6 } else { 10 }]),
        Client(frame(r#"{"sha256":"00"}"#)),
        login(),
    ]
}

#[test]
fn the_rest_of_a_file_is_read_as_such_and_is_not_called_the_whole() {
    for (resume, told_of) in [
        (true, "content of files, 6 B in all"),
        (false, "the whole content of 1 file"),
    ] {
        let (blocks, told) = read(&resumed(resume), 1_000);
        assert_eq!(blocks.len(), 6, "resume: {resume}");
        assert_eq!(blocks[3].kind, Kind::Content("a.txt".into()));
        assert_eq!(marked(&blocks[5], Field::User), ["alice"]);
        assert!(told.contains(told_of), "{told}");
    }
    let get = r#"{"op":"get","name":"b","offset":7}"#;
    let sends = r#"{"ok":true,"file":{"name":"b","size":9},"offset":7}"#;
    let said = [Client(frame(get)), Server(frame(sends)), Server(vec![1; 2])];
    let (_, told) = read(&said, 1_000);
    assert!(told.ends_with("content of files, 2 B in all"), "{told}");
}

#[test]
fn behind_a_gap_a_reply_is_not_taken_for_that_to_an_older_request() {
    let get = r#"{"op":"get","name":"b","offset":0}"#;
    // What the second request was has not been kept.
    let reply = r#"{"ok":true,"file":{"name":"c","size":30},"offset":0}"#;
    let (blocks, _) = read(
        &[
            Client(frame(get)),
            Missing(Direction::ToServer, 500),
            Server(frame(reply)),
            Server(frame(r#"{"ok":true}"#)),
        ],
        1_000,
    );
    assert_eq!(blocks[3].kind, Kind::Frame(both("reply", "回复")));
}

#[test]
fn only_who_logs_in_is_a_user_and_every_password_there_is_counts() {
    let (blocks, told) = read(
        &[
            login(),
            Server(frame(r#"{"ok":true,"user":"somebody else"}"#)),
            Client(frame(
                r#"{"op":"passwd","old":"hunter2 \"x\"","new":"hunter3"}"#,
            )),
        ],
        1_000,
    );
    assert!(told.ends_with("your user name, 2 passwords"), "{told}");
    assert_eq!(
        marked(&blocks[2], Field::Password),
        [r#"hunter2 \"x\""#, "hunter3"]
    );
}
