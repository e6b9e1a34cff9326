//! Reading TLS as a stranger: its records, the first messages of its handshake, and that the rest is noise.

use super::block::{Block, Kind, Place};
use super::plain::Notes;
use crate::lab::tap::Direction;
use crate::lab::tls::{RecordScan, Visible};
use crate::transport::tls::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, RECORD_BYTES_MAX,
};

/// Both directions of a TLS connection.
#[derive(Debug, Default)]
pub(super) struct Sealed {
    to_server: Flow,
    to_client: Flow,
    visible: Visible,
    /// The last stretch, if it is of encrypted records, and its direction.
    run: Option<(Direction, u64)>,
}

/// One direction.
#[derive(Debug, Default)]
struct Flow {
    scan: RecordScan,
    /// The header of a record, as far as it has come.
    header: Vec<u8>,
    kind: u8,
    left: u64,
    ciphers_changed: bool,
    /// Where records begin is not known any more.
    lost: bool,
    messages: Messages,
    block: Option<u64>,
}

/// Follows handshake messages, whichever records they lie in.
#[derive(Debug, Default)]
struct Messages {
    header: Vec<u8>,
    left: usize,
}

impl Sealed {
    /// What the handshake shows.
    pub(super) fn visible(&self) -> &Visible {
        &self.visible
    }

    /// The next bytes.
    pub(super) fn feed(&mut self, place: Place, bytes: &[u8], notes: &mut Notes<'_>) {
        let (way, at_ns, mut offset) = place;
        let flow = self.flow(way);
        let before = flow.scan.records.count - flow.scan.records.application;
        flow.scan.feed(bytes, |_length| {});
        let handshake = flow.scan.records.count - flow.scan.records.application != before
            || flow.kind == HANDSHAKE;
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = self.step((way, at_ns, offset), rest, notes);
            rest = &rest[count..];
            offset += count as u64;
        }
        if handshake {
            self.visible = Visible::of(&self.to_server.scan, &self.to_client.scan);
        }
    }

    /// The next bytes are missing.
    pub(super) fn gap(&mut self, place: Place, missing: u64, notes: &mut Notes<'_>) {
        let flow = self.flow(place.0);
        flow.scan.gap();
        if missing <= flow.left {
            flow.left -= missing;
        } else {
            (flow.left, flow.lost) = (0, true);
            flow.header.clear();
        }
        let number = match self.flow(place.0).block {
            Some(number) => number,
            None => self.begin(place, Kind::Application(0), notes),
        };
        if let Some(block) = notes.transcript.block_mut(number) {
            block.skip(missing);
        }
    }

    fn flow(&mut self, way: Direction) -> &mut Flow {
        match way {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    /// Reads a header, a body, or a part of one; returns how many bytes that was.
    fn step(&mut self, place: Place, rest: &[u8], notes: &mut Notes<'_>) -> usize {
        let flow = self.flow(place.0);
        if flow.lost {
            return self.find_again(place, rest, notes);
        }
        if flow.left > 0 {
            let count = usize::try_from(flow.left).map_or(rest.len(), |left| left.min(rest.len()));
            flow.left -= count as u64;
            return self.body(place.0, &rest[..count], notes);
        }
        let count = rest.len().min(5 - flow.header.len());
        flow.header.extend(&rest[..count]);
        if let &[kind, major, _, high, low] = flow.header.as_slice() {
            let length = u16::from_be_bytes([high, low]);
            let begins = place.2 + count as u64 - 5;
            let header = std::mem::take(&mut flow.header);
            if (CHANGE_CIPHER_SPEC..=24).contains(&kind) && major == 3 && length <= RECORD_BYTES_MAX
            {
                self.record((place.0, place.1, begins), &header, length, notes);
            } else {
                flow.lost = true;
                let number = self.begin((place.0, place.1, begins), Kind::Unknown, notes);
                if let Some(block) = notes.transcript.block_mut(number) {
                    block.grow(&header);
                }
            }
        }
        count
    }

    fn record(&mut self, place: Place, header: &[u8], length: u16, notes: &mut Notes<'_>) {
        let run = self.run.filter(|(way, _)| *way == place.0);
        let flow = self.flow(place.0);
        (flow.kind, flow.left) = (header[0], length.into());
        let kind = match flow.kind {
            CHANGE_CIPHER_SPEC => {
                flow.ciphers_changed = true;
                Kind::ChangeCipherSpec
            }
            ALERT => Kind::Alert,
            // After ChangeCipherSpec TLS 1.2 encrypts its handshake too.
            HANDSHAKE if flow.ciphers_changed => Kind::SealedHandshake,
            HANDSHAKE => Kind::Handshake(Vec::new()),
            APPLICATION_DATA => Kind::Application(1),
            _ => Kind::Unknown,
        };
        if let (Kind::Application(_), Some((_, number))) = (&kind, run)
            && let Some(block) = notes.transcript.block_mut(number)
        {
            if let Kind::Application(records) = &mut block.kind {
                *records += 1;
            }
            block.grow(header);
            flow.block = Some(number);
            return;
        }
        let number = self.begin(place, kind, notes);
        if let Some(block) = notes.transcript.block_mut(number) {
            block.grow(header);
        }
    }

    fn begin(&mut self, place: Place, kind: Kind, notes: &mut Notes<'_>) -> u64 {
        let runs = matches!(kind, Kind::Application(_));
        let block = Block::new(notes.connection, place, kind);
        let number = notes.transcript.push(block);
        self.run = runs.then_some((place.0, number));
        self.flow(place.0).block = Some(number);
        number
    }

    fn body(&mut self, way: Direction, body: &[u8], notes: &mut Notes<'_>) -> usize {
        let flow = self.flow(way);
        if let Some(block) = flow
            .block
            .and_then(|number| notes.transcript.block_mut(number))
        {
            block.grow(body);
            if let Kind::Handshake(types) = &mut block.kind {
                flow.messages.feed(body, types);
            }
        }
        body.len()
    }

    /// Behind a gap: the next thing that looks like the header of an encrypted record.
    fn find_again(&mut self, place: Place, rest: &[u8], notes: &mut Notes<'_>) -> usize {
        let header = |five: &[u8]| {
            let length = u16::from_be_bytes([five[3], five[4]]);
            five[..3] == [APPLICATION_DATA, 3, 3] && (17..=RECORD_BYTES_MAX).contains(&length)
        };
        let found = rest.windows(5).position(header);
        let count = found.unwrap_or(rest.len());
        self.flow(place.0).lost = found.is_none();
        if count > 0 {
            self.body(place.0, &rest[..count], notes);
        }
        count
    }
}

impl Messages {
    /// Adds the types of the messages that begin in these bytes.
    fn feed(&mut self, mut bytes: &[u8], types: &mut Vec<u8>) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let count = bytes.len().min(self.left);
                self.left -= count;
                bytes = &bytes[count..];
                continue;
            }
            let (head, rest) = bytes.split_at(bytes.len().min(4 - self.header.len()));
            self.header.extend(head);
            bytes = rest;
            if let &[kind, high, middle, low] = self.header.as_slice() {
                self.left = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
                self.header.clear();
                types.push(kind);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::wire::block::Transcript;
    use crate::gui::wire::learned::Learned;

    fn record(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind, 3, 3][..], &length, body].concat()
    }

    /// Reads pieces: which way, bytes, or the number of those that are missing.
    fn read(said: &[(Direction, Result<Vec<u8>, u64>)], piece: usize) -> Vec<Block> {
        let (mut transcript, mut learned) = (Transcript::default(), Learned::default());
        let mut notes = Notes {
            connection: 1,
            transcript: &mut transcript,
            learned: &mut learned,
        };
        let mut sealed = Sealed::default();
        for (way, said) in said {
            match said {
                Ok(bytes) => bytes
                    .chunks(piece)
                    .for_each(|bytes| sealed.feed((*way, 0, 5), bytes, &mut notes)),
                Err(missing) => sealed.gap((*way, 0, 0), *missing, &mut notes),
            }
        }
        assert!(learned.is_nothing());
        transcript
            .blocks()
            .map(|(_, block)| block.clone())
            .collect()
    }

    const UP: Direction = Direction::ToServer;
    const DOWN: Direction = Direction::ToClient;

    #[test]
    fn handshake_messages_are_named_and_what_follows_is_noise_in_turns() {
        let two = record(22, &[2, 0, 0, 1, 9, 11, 0, 0, 2, 9, 9]);
        let noise = [record(23, &[5; 30]), record(23, &[6; 30])].concat();
        for piece in [1, 4, 1_000] {
            let blocks = read(
                &[
                    (UP, Ok(record(22, &[1, 0, 0, 2, 7, 7]))),
                    (DOWN, Ok(two.clone())),
                    (DOWN, Ok(record(20, &[1]))),
                    (UP, Ok(noise.clone())),
                    (DOWN, Ok(noise.clone())),
                    (UP, Ok(record(23, &[8; 30]))),
                ],
                piece,
            );
            let kinds: Vec<Kind> = blocks.iter().map(|block| block.kind.clone()).collect();
            assert_eq!(
                kinds,
                [
                    Kind::Handshake(vec![1]),
                    Kind::Handshake(vec![2, 11]),
                    Kind::ChangeCipherSpec,
                    Kind::Application(2),
                    Kind::Application(2),
                    Kind::Application(1),
                ]
            );
            assert_eq!(blocks[3].total, 70);
        }
    }

    #[test]
    fn behind_a_gap_records_are_found_again() {
        let blocks = read(
            &[
                (UP, Ok(record(23, &[5; 30]))),
                (UP, Err(1_000)),
                (UP, Ok(vec![9; 12])),
                (UP, Ok(record(23, &[6; 30]))),
                (DOWN, Ok(record(23, &[7; 20]))),
            ],
            1_000,
        );
        assert_eq!(blocks.len(), 2);
        assert_eq!(blocks[0].kind, Kind::Application(2));
        assert_eq!(
            (blocks[0].total, blocks[0].missing),
            (35 + 1_000 + 12 + 35, 1_000)
        );
    }

    #[test]
    fn what_is_left_of_a_record_behind_a_gap_is_not_read_as_records() {
        let trap = record(23, &[1; 20]);
        let whole = record(23, &[[0; 100].to_vec(), trap.clone()].concat());
        let blocks = read(
            &[
                (UP, Ok(whole[..50].to_vec())),
                (UP, Err(55)),
                (UP, Ok(trap)),
                (UP, Ok(record(23, &[6; 30]))),
            ],
            1_000,
        );
        assert_eq!(blocks[0].kind, Kind::Application(2));
    }

    #[test]
    fn the_handshake_of_tls_1_2_is_sealed_once_the_ciphers_have_changed() {
        let blocks = read(
            &[
                (UP, Ok(record(22, &[16, 0, 0, 1, 7]))),
                (UP, Ok(record(20, &[1]))),
                (UP, Ok(record(22, &[1; 40]))),
            ],
            1_000,
        );
        let kinds: Vec<Kind> = blocks.into_iter().map(|block| block.kind).collect();
        let expected = [
            Kind::Handshake(vec![16]),
            Kind::ChangeCipherSpec,
            Kind::SealedHandshake,
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn what_is_no_record_is_called_so() {
        let blocks = read(&[(UP, Ok(b"GET / HTTP/1.1".to_vec()))], 3);
        assert_eq!(blocks[0].kind, Kind::Unknown);
        assert_eq!(blocks[0].total, 14);
    }
}
