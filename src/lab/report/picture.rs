//! Inline SVG: the ladder of turns, and the bars of sizes. Their words stand in both languages, of which the
//! style sheet shows one.

use maud::{Markup, html};

use super::html::say;
use super::table::title;
use super::words::{labels, lines, words};
use crate::lab::compare::facts::Run;
use crate::lab::compare::turns::Turn;
use crate::lab::tap::Direction;
use crate::lang::{Both, both};

/// Turns drawn; a run of the lab has some twenty.
const TURNS_MAX: usize = 40;

/// Height of one rung with one line of words.
const RUNG: usize = 26;

/// Height of each further line.
const LINE: usize = 13;

/// Width of the drawing's own units; it scales to its place.
const WIDTH: usize = 440;

/// Where the client's line stands, and as far from the other edge the server's.
const EDGE: usize = 70;

/// Columns of a rung's label that fit between the two lines.
const LABEL_COLUMNS: usize = 40;

/// Height of the bars to either side of the axis.
const BAR_HEIGHT: u32 = 70;

/// The content type of encrypted records (RFC 8446 §5.1).
const APPLICATION_DATA: u8 = 23;

/// The packets of TCP's own handshake (RFC 9293 §3.5).
const TCP_HANDSHAKE: [(&str, Direction); 3] = [
    ("SYN", Direction::ToServer),
    ("SYN, ACK", Direction::ToClient),
    ("ACK", Direction::ToServer),
];

/// One arrow, with what stands over and beside it.
struct Rung {
    direction: Direction,
    frames: [u64; 2],
    bytes: u64,
    words: Both,
    /// The same in lines.
    lines: [Vec<String>; 2],
    hot: bool,
    bare: bool,
}

/// Who spoke, from the TCP handshake to the end.
pub(super) fn ladder(run: &Run) -> Markup {
    let turns = &run.turns[..run.turns.len().min(TURNS_MAX)];
    let first = turns.first().map_or(0, |turn| turn.frames[0]);
    let last = turns.last().map_or(0, |turn| turn.frames[1]);
    let [begin, end] = run.connection.frames;
    let mut rungs: Vec<Rung> = Vec::new();
    if first == begin + TCP_HANDSHAKE.len() as u64 {
        rungs.extend(TCP_HANDSHAKE.iter().zip(begin..).map(tcp));
    }
    rungs.extend(turns.iter().map(rung));
    let mut y = 34;
    let places: Vec<usize> = rungs
        .iter()
        .map(|rung| {
            y += rung.height();
            y
        })
        .collect();
    let foot = y + RUNG + 14;
    let is_cut = run.turns.len() > turns.len();
    let rest = match is_cut {
        true => both(
            format!("and more, to frame {end}"),
            format!("其余略，至第 {end} 帧"),
        ),
        false => both(
            format!("TCP says goodbye (FIN): frames {}–{end}", last + 1),
            format!("TCP 告别（FIN）：第 {}–{end} 帧", last + 1),
        ),
    };
    html! {
        svg.ladder viewBox=(format!("0 0 {WIDTH} {foot}")) role="img" aria-label="ladder of packets 数据包阶梯图" {
            (words_at(EDGE, 14, "", &both("client", "客户端")))
            (words_at(WIDTH - EDGE, 14, "", &both("server", "服务器")))
            line.axis x1=(EDGE) y1="22" x2=(EDGE) y2=(foot - 10) {}
            line.axis x1=(WIDTH - EDGE) y1="22" x2=(WIDTH - EDGE) y2=(foot - 10) {}
            @for (rung, y) in rungs.iter().zip(&places) { (draw(rung, *y)) }
            (words_at(WIDTH / 2, y + RUNG - 6, "small", &rest))
        }
    }
}

/// Both languages at one place, centred.
fn words_at(x: usize, y: usize, class: &str, words: &Both) -> Markup {
    html! {
        text class=(format!("en {class}")) x=(x) y=(y) text-anchor="middle" { (words.en) }
        text class=(format!("zh {class}")) x=(x) y=(y) text-anchor="middle" lang="zh-Hans" { (words.zh) }
    }
}

fn tcp(((words, direction), frame): (&(&str, Direction), u64)) -> Rung {
    Rung {
        direction: *direction,
        frames: [frame, frame],
        bytes: 0,
        words: both(format!("TCP: {words}"), format!("TCP：{words}")),
        lines: [vec![format!("TCP: {words}")], vec![format!("TCP：{words}")]],
        hot: false,
        bare: true,
    }
}

fn rung(turn: &Turn) -> Rung {
    let (said, found) = (words(turn), labels(turn));
    let phrases = |told: fn(&Both) -> &String, colon: &str| {
        let mut all: Vec<String> = said.iter().map(told).cloned().collect();
        let mut found = found.iter().map(told);
        if let (Some(last), Some(first)) = (all.last_mut(), found.next()) {
            last.push_str(colon);
            last.push_str(first);
        }
        all.extend(found.cloned());
        all
    };
    let en = phrases(|text| &text.en, ": ");
    let zh = phrases(|text| &text.zh, "：");
    Rung {
        direction: turn.direction,
        frames: turn.frames,
        bytes: turn.bytes,
        words: both(en.join(", "), zh.join("、")),
        lines: [
            lines(&en, ", ", LABEL_COLUMNS),
            lines(&zh, "、", LABEL_COLUMNS),
        ],
        hot: !found.is_empty() && !said.is_empty(),
        bare: false,
    }
}

impl Rung {
    fn height(&self) -> usize {
        let [en, zh] = &self.lines;
        RUNG + LINE * en.len().max(zh.len()).saturating_sub(1)
    }
}

fn draw(rung: &Rung, y: usize) -> Markup {
    let up = rung.direction == Direction::ToServer;
    let (from, to) = match up {
        true => (EDGE, WIDTH - EDGE),
        false => (WIDTH - EDGE, EDGE),
    };
    let tip = if up { to - 7 } else { to + 7 };
    let [first, last] = rung.frames;
    let frames = match last > first {
        true => format!("{first}–{last}"),
        false => first.to_string(),
    };
    let class = match (rung.hot, rung.bare) {
        (true, _) => "hot",
        (_, true) => "small",
        _ => "",
    };
    let near = y + 4;
    html! {
        g.up[up].down[!up].bare[rung.bare] {
            title { (rung.words.en) " · " (rung.words.zh) }
            line x1=(from) y1=(y) x2=(to) y2=(y) stroke-width=(width(rung.bytes)) {}
            polygon stroke="none" points=(format!("{to},{y} {tip},{} {tip},{near}", y - 4)) {}
        }
        @for (lang, lines) in ["en", "zh"].iter().zip(&rung.lines) {
            @for (line, above) in lines.iter().zip((0..lines.len()).rev()) {
                text class=(format!("{lang} {class}")) x=(WIDTH / 2) y=(y - 5 - LINE * above) text-anchor="middle" { (line) }
            }
        }
        text.small x=(EDGE - 8) y=(y + 3) text-anchor="end" { (frames) }
        text.small x=(WIDTH - EDGE + 8) y=(y + 3) { (rung.bytes) " B" }
    }
}

/// A thicker line carries more: one more for each factor of 32.
fn width(bytes: u64) -> u32 {
    1 + bytes.checked_ilog2().unwrap_or(0) / 5
}

/// One bar: who sent it, how long it is, and whether it is a record of another type than application data.
type Bar = (Direction, u64, bool);

/// The sizes in order: up to the server, down to the client.
pub(super) fn sizes(run: &Run) -> Markup {
    let is_tls = !run.records.is_empty();
    let bars: Vec<Bar> = match is_tls {
        false => run
            .turns
            .iter()
            .map(|turn| (turn.direction, turn.bytes, false))
            .collect(),
        true => run
            .records
            .iter()
            .map(|record| {
                let other = record.kind != APPLICATION_DATA;
                (record.direction, u64::from(record.bytes), other)
            })
            .collect(),
    };
    let all = bars.iter().map(|(_, bytes, _)| *bytes);
    let most = all.max().unwrap_or(1).max(1);
    let step = (WIDTH / bars.len().max(1)).clamp(1, 14);
    let count = bars.len();
    let legend = match is_tls {
        true => both(
            format!(
                ": {count} records, the longest of {most} bytes without its header; pale: not of type 23, application data. Height is the square root of the length."
            ),
            format!(
                "：{count} 个记录，最长 {most} 字节（不含记录头）；浅色：类型不是 23（应用数据）。高度为长度的平方根。"
            ),
        ),
        false => both(
            format!(
                ": {count} turns, the longest of {most} bytes. Height is the square root of the length."
            ),
            format!("：{count} 次发言，最长 {most} 字节。高度为长度的平方根。"),
        ),
    };
    let foot = 2 * BAR_HEIGHT as usize + 11;
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {foot}")) role="img" aria-label="sizes 大小" {
            line.axis x1="0" x2=(WIDTH) y1=(BAR_HEIGHT + 5) y2=(BAR_HEIGHT + 5) {}
            @for (index, one) in bars.iter().enumerate() { (bar(index * step, step, one, most)) }
        }
        figcaption {
            b { (say(&title(run.kind))) } (say(&legend))
            @if run.records_more > 0 { " " (super::html::both("Not drawn: ", "未画出：")) (run.records_more) }
        }
    }
}

fn bar(x: usize, step: usize, (direction, bytes, other): &Bar, most: u64) -> Markup {
    let tall = height(*bytes, most);
    let up = *direction == Direction::ToServer;
    let y = match up {
        true => BAR_HEIGHT + 4 - tall,
        false => BAR_HEIGHT + 6,
    };
    html! {
        rect.up[up].down[!up].pale[*other] stroke="none" x=(x) y=(y) width=(step.saturating_sub(1).max(1)) height=(tall) {
            title { (bytes) " B" }
        }
    }
}

/// In proportion to the square root: small ones are to be seen beside large ones.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixels, between 1 and BAR_HEIGHT"
)]
fn height(bytes: u64, most: u64) -> u32 {
    let share = (bytes as f64 / most as f64).sqrt();
    ((share * f64::from(BAR_HEIGHT)) as u32).clamp(1, BAR_HEIGHT)
}
