//! What passes, told while it passes, as a stranger sees it.

use std::io;

use super::facts::RunKind;
use crate::lab::tap::{Direction, Event, Sink, What};
use crate::lab::timeline::layout::{width, wrap};
use crate::lang::Lang;
use crate::text::{escape, hex};

/// Bytes kept of each turn: several lines of any terminal.
const HEAD_BYTES: usize = 1024;

/// Lines of a readable turn: a whole login, and of a file its beginning.
const LINES_MAX: usize = 3;

/// Hears each turn. It is called on the thread that writes the capture, which waits for it.
pub type Listener<'a> = &'a (dyn Fn(&Passed) + Sync);

/// Everything one side sent until the other did.
#[derive(Clone, Debug)]
pub struct Passed {
    /// In which run.
    pub run: RunKind,
    /// Which way.
    pub way: Direction,
    /// Bytes.
    pub bytes: u64,
    head: Vec<u8>,
}

impl Passed {
    /// Lines of so many columns at most: the run, the way, how many bytes, and what can be read, or the first
    /// bytes in hex where that is nothing. Nothing in it can move a cursor.
    pub fn tell(&self, columns: usize, lang: Lang) -> Vec<String> {
        let way = match self.way {
            Direction::ToServer => lang.pick("→ server", "→ 服务器"),
            Direction::ToClient => lang.pick("← server", "← 服务器"),
        };
        let bytes = lang.pick(
            format!("{} bytes", self.bytes),
            format!("{} 字节", self.bytes),
        );
        let gap = 13_usize.saturating_sub(width(&bytes));
        let about = format!("{:<7}{way}{:gap$} {bytes}  ", self.run.word(), "");
        let room = columns.saturating_sub(width(&about)).max(16);
        let Some(text) = readable(&self.head) else {
            // The last column is the ellipsis.
            let most = (room - 1) / 2;
            let more = self.bytes > most as u64;
            let shown = hex(&self.head[..self.head.len().min(most)]);
            return vec![format!("{about}{shown}{}", if more { "…" } else { "" })];
        };
        let all = wrap(&text, room, 0);
        let cut = all.len() > LINES_MAX || self.bytes > self.head.len() as u64;
        let mut lines: Vec<String> = all.into_iter().take(LINES_MAX).collect();
        if let (true, Some(last)) = (cut, lines.last_mut()) {
            while width(last) >= room {
                last.pop();
            }
            last.push('…');
        }
        let hang = " ".repeat(width(&about));
        let begin = |(at, line)| format!("{}{line}", if at == 0 { &about } else { &hang });
        lines.into_iter().enumerate().map(begin).collect()
    }
}

/// What can be read in bytes, with a dot for each that cannot; `None` where that is less than two thirds:
/// of noise three bytes in eight are letters by chance.
fn readable(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let is_sign = |c: char| !c.is_control() && c != char::REPLACEMENT_CHARACTER;
    let (all, signs) = text.chars().fold((0, 0), |(all, signs), c| {
        (all + 1, signs + usize::from(is_sign(c) || c == '\n'))
    });
    let dotted = |c: char| if is_sign(c) { c } else { '·' };
    (signs * 3 >= all * 2).then(|| escape(&text.chars().map(dotted).collect::<String>()))
}

/// Gives the events on to the sink that records them, and tells of them.
pub(super) struct Told<'a, S> {
    sink: S,
    run: RunKind,
    listener: Option<Listener<'a>>,
    now: Option<Passed>,
}

impl<'a, S: Sink> Told<'a, S> {
    pub(super) fn new(sink: S, run: RunKind, listener: Option<Listener<'a>>) -> Self {
        Self {
            sink,
            run,
            listener,
            now: None,
        }
    }

    /// The sink, after everything was told.
    pub(super) fn finish(mut self) -> S {
        self.end_turn();
        self.sink
    }

    fn hear(&mut self, way: Direction, bytes: &[u8]) {
        if self.now.as_ref().is_some_and(|now| now.way != way) {
            self.end_turn();
        }
        let run = self.run;
        let now = self.now.get_or_insert_with(|| Passed {
            run,
            way,
            bytes: 0,
            head: Vec::new(),
        });
        now.bytes += bytes.len() as u64;
        let wanted = HEAD_BYTES - now.head.len();
        now.head.extend(&bytes[..bytes.len().min(wanted)]);
    }

    fn end_turn(&mut self) {
        if let (Some(listener), Some(passed)) = (self.listener, self.now.take()) {
            listener(&passed);
        }
    }
}

impl<S: Sink> Sink for Told<'_, S> {
    fn record(&mut self, event: Event) -> io::Result<()> {
        if let (Some(_), What::Bytes(way, bytes)) = (self.listener, &event.what) {
            self.hear(*way, bytes);
        }
        self.sink.record(event)
    }

    fn idle(&mut self) -> io::Result<()> {
        self.sink.idle()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(bytes: &[u8]) -> Passed {
        Passed {
            run: RunKind::Plain,
            way: Direction::ToServer,
            bytes: bytes.len() as u64,
            head: bytes.to_vec(),
        }
    }

    #[test]
    fn text_is_read_and_noise_is_hex_and_neither_is_wider_than_the_terminal() {
        let text = b"\0\0\0\x10{\"password\":\"\x1b[2J secret\"}";
        let told = passed(text).tell(60, Lang::English).concat();
        assert!(told.contains("secret"), "{told}");
        assert!(!told.contains('\x1b'), "{told}");
        let noise: Vec<u8> = (0..=255).collect();
        let told = passed(&noise).tell(60, Lang::English);
        assert_eq!(told.len(), 1);
        assert!(
            told[0].contains("00010203") && told[0].ends_with('…'),
            "{told:?}"
        );
        for lang in [Lang::English, Lang::Chinese] {
            for bytes in [noise.clone(), "读得到的文字 ".repeat(40).into_bytes()] {
                let lines = passed(&bytes).tell(60, lang);
                assert!(lines.len() <= LINES_MAX, "{lines:?}");
                assert!(lines.iter().all(|line| width(line) <= 60), "{lines:?}");
            }
        }
    }
}
