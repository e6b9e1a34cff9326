//! What people type and read: sizes, durations, times, and bytes of a peer made safe for a terminal.

use std::fmt::Write as _;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// `text` with everything escaped that could move a cursor, forge a line or reorder what is read: control
/// characters (C0, DEL, C1), line and paragraph separators, bidirectional overrides, zero-width characters.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_invisible(c) {
            let _infallible = write!(safe, "\\u{{{:x}}}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe
}

/// `text`, or its beginning and `…` where it is longer than `bytes`: what a stranger sends must not fill a log.
pub(crate) fn brief(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes);
    format!("{}…", &text[..end])
}

/// The JSON text `json` with JSON escapes for everything that could move a cursor or reorder a line; in JSON text such characters
/// occur only inside strings.
pub(crate) fn escape_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    let mut units = [0; 2];
    for c in json.chars() {
        if c.is_control() || is_invisible(c) {
            for unit in c.encode_utf16(&mut units) {
                let _infallible = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Characters without a shape of their own that change how the text around them is read.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Bytes as people read them: `999 B`, `1.5 MB` (powers of ten, as disks and networks count).
#[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
pub fn size(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes as f64, "B");
    for next in ["kB", "MB", "GB", "TB", "PB"] {
        if value < 999.95 {
            break;
        }
        (value, unit) = (value / 1000.0, next);
    }
    match unit {
        "B" => format!("{bytes} B"),
        _ => format!("{value:.1} {unit}"),
    }
}

/// Reads a size such as `500`, `64K`, `10M` or `1.5G`: powers of 1024, as curl reads them; `KB`, `MB` and
/// `KiB`, `MiB` are taken too.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let wrong =
        || format!("{text} is not a size: give bytes, or a number with K, M, G or T such as 10M");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text[digits.len()..].to_ascii_lowercase();
    let shift = match unit.trim_end_matches('b').trim_end_matches('i') {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err(wrong()),
    };
    let factor = 1u64 << shift;
    if let Ok(whole) = digits.parse::<u64>() {
        return whole.checked_mul(factor).ok_or_else(wrong);
    }
    let (whole, fraction) = digits.split_once('.').ok_or_else(wrong)?;
    let places = u32::try_from(fraction.len()).map_err(|_many| wrong())?;
    let scale = 10u64.checked_pow(places).ok_or_else(wrong)?;
    let whole: u64 = whole.parse().map_err(|_nan| wrong())?;
    let fraction: u64 = fraction.parse().map_err(|_nan| wrong())?;
    let part = u128::from(fraction) * u128::from(factor) / u128::from(scale);
    whole
        .checked_mul(factor)
        .and_then(|bytes| bytes.checked_add(u64::try_from(part).ok()?))
        .ok_or_else(wrong)
}

/// The longest duration taken: 100 years. Beyond some billions of years adding it to the time of day overflows.
const DURATION_MAX: Duration = Duration::from_hours(36_500 * 24);

/// Reads a duration such as `10s`, `500ms`, `5m`, `2h` or `30d`, of at most 100 years; a bare number is seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("{text} is not a duration: give a number with ms, s, m, h or d such as 10s");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_nan| wrong())?;
    let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs);
    let duration = match &text[digits.len()..] {
        "ms" => Some(Duration::from_millis(number)),
        "" | "s" => seconds(1),
        "m" | "min" => seconds(60),
        "h" => seconds(3_600),
        "d" => seconds(86_400),
        _ => return Err(wrong()),
    };
    duration
        .filter(|duration| *duration <= DURATION_MAX)
        .ok_or_else(|| format!("{text} is too long: at most 36500d"))
}

/// Reads how long something may take, as [`parse_duration`] does; nothing can be done in no time at all.
pub fn parse_time_limit(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err(format!(
            "{text} leaves no time at all: give more, such as 10s"
        )),
        limit => Ok(limit),
    }
}

/// A duration as [`parse_duration`] reads it.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        _ if duration.subsec_millis() != 0 => format!("{}ms", duration.as_millis()),
        0 => "0s".to_owned(),
        _ if seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        _ if seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

/// A time as RFC 3339 in UTC, to the second.
pub fn time(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    let time = time.replace_nanosecond(0).unwrap_or(time);
    time.format(&Rfc3339).unwrap_or_else(|_| time.to_string())
}

/// A time in UTC to the minute, for a table whose header says that it is UTC: `2026-11-22 05:31`.
pub fn minute(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute()
    )
}

/// Now, to the second: what is stored and sent.
pub fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now)
}

/// Bytes as lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
            let _infallible = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_long_text_ends_between_two_characters() {
        assert_eq!(brief("课程", 6), "课程");
        assert_eq!(brief("课程", 5), "课…");
    }

    #[test]
    fn a_peers_bytes_cannot_move_the_cursor_or_reorder_the_line() {
        assert_eq!(escape("课程 a.txt"), "课程 a.txt");
        assert_eq!(escape("a\n\x1b[2J\u{9b}"), "a\\u{a}\\u{1b}[2J\\u{9b}");
        assert_eq!(escape("a\u{202e}fdp.exe"), "a\\u{202e}fdp.exe");
    }

    #[test]
    fn sizes_are_read_in_powers_of_1024_and_nonsense_is_refused() {
        for (text, bytes) in [
            ("0", 0),
            ("500", 500),
            ("64K", 65_536),
            ("10M", 10 << 20),
            ("1.5G", 3 << 29),
            ("2GiB", 2 << 30),
            ("7kb", 7 << 10),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in [
            "",
            "M",
            "-1",
            "1.2.3",
            "1X",
            "99999999999999999999",
            "20000000T",
            "1.",
            ".5",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_written_in_powers_of_ten() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_500, "1.5 kB"),
            (999_960, "1.0 MB"),
            (5_000_000_000, "5.0 GB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn durations_are_read_and_written_alike() {
        for text in ["500ms", "10s", "5m", "2h", "30d"] {
            assert_eq!(duration(parse_duration(text).unwrap()), text);
        }
        assert_eq!(parse_duration("7"), Ok(Duration::from_secs(7)));
        assert_eq!(parse_duration("36500d"), Ok(DURATION_MAX));
        for text in ["36501d", "99999999999d", "18446744073709551615s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert_eq!(parse_time_limit("1ms"), Ok(Duration::from_millis(1)));
        assert!(parse_time_limit("0s").is_err());
        for text in ["", "s", "-1s", "1y", "1.5s", "99999999999999999999d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_utc_to_the_second() {
        let at = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
        assert_eq!(time(at), "2023-11-14T22:13:20Z");
        let east = at.to_offset(time::UtcOffset::from_hms(8, 0, 0).unwrap());
        assert_eq!(minute(east), "2023-11-14 22:13");
        assert_eq!(now().nanosecond(), 0);
    }
}
