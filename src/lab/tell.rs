//! A finding in words: a handful of lines a connection, for somebody who never opened Wireshark.
//!
//! Pure: the same finding always reads the same. Whatever came from the wire is escaped.

use std::fmt::Write as _;

use time::OffsetDateTime;

use super::find::{Connection, FileFacts, Finding, SecretFinding, Security, Stream};
use super::tap::Direction;
use super::tls::Visible;
use crate::text::{escape, size, time};

/// Readable lines shown of each connection.
const LINES_MAX: usize = 8;

/// Characters shown of each readable line.
const LINE_CHARS_MAX: usize = 160;

/// Bytes of hex shown in a row.
const ROW_BYTES: usize = 16;

/// The whole finding, line by line.
pub fn tell(finding: &Finding) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, connection) in finding.connections.iter().enumerate() {
        if index > 0 {
            lines.push(String::new());
        }
        lines.push(title(index + 1, connection));
        lines.push(format!("  {}", verdict(connection, finding.file.as_ref())));
        lines.extend(visible(connection).map(|text| format!("  still visible: {text}")));
        lines.push(format!("  {}", entropy(connection, finding.file.as_ref())));
        lines.extend(missing(connection).map(|text| format!("  {text}")));
        lines.extend(excerpt(connection));
    }
    lines.extend(remarks(finding));
    lines
}

/// The finding in three lines a connection: what was read, what is visible all the same, and a sample of
/// what passed (the line with a secret in it, if there is one).
pub fn brief(finding: &Finding) -> Vec<String> {
    let mut lines = Vec::new();
    for connection in &finding.connections {
        lines.push(verdict(connection, finding.file.as_ref()));
        lines.extend(visible(connection).map(|text| format!("  still visible: {text}")));
        let frames: Vec<u64> = connection
            .secrets
            .iter()
            .filter_map(|s| s.found.as_ref())
            .map(|at| at.frame)
            .collect();
        let telling = connection
            .readable
            .iter()
            .find(|line| frames.contains(&line.frame));
        let sample = match telling {
            Some(line) => format!("{}  (frame {})", shorten(&escape(&line.text)), line.frame),
            None => rows(&connection.to_server.head).next().unwrap_or_default(),
        };
        lines.push(format!("  it looks like: {sample}"));
    }
    lines.extend(remarks(finding));
    lines
}

fn title(number: usize, connection: &Connection) -> String {
    let [first, last] = connection.frames;
    format!(
        "connection {number}: {} to {}, {}, {} there and {} back in {} packets (frames {first} to {last})",
        connection.client,
        connection.server,
        when(connection),
        size(connection.to_server.bytes),
        size(connection.to_client.bytes),
        connection.packets,
    )
}

/// What was read: the sentence that matters.
fn verdict(connection: &Connection, file: Option<&FileFacts>) -> String {
    let mut text = format!("{}: ", security(connection));
    if connection.security == Security::Silent {
        text.push_str("nothing was said");
        return text;
    }
    let mut read = Vec::new();
    let mut unread = Vec::new();
    for secret in &connection.secrets {
        match secret.found {
            Some(_) => read.push(found(secret)),
            None => unread.push(format!("not the {}", escape(&secret.label))),
        }
    }
    if let (Some(file), Some(found)) = (file, connection.blocks_found) {
        let blocks = format!("{found} of {}", file.blocks);
        match share(found, file.blocks) {
            0 => unread.push(format!("{blocks} blocks of the file")),
            share => read.push(format!("{share} % of the file's blocks ({blocks})")),
        }
    }
    let what = match (read.is_empty(), unread.is_empty()) {
        (true, true) => match connection.security {
            Security::Tls => "nothing was looked for (--find, --find-file)".to_owned(),
            _ => "every byte can be read; nothing was looked for (--find, --find-file)".to_owned(),
        },
        (true, false) => format!("read nothing: {}", unread.join(", ")),
        (false, true) => format!("read {}", read.join(", ")),
        (false, false) => format!("read {}; but {}", read.join(", "), unread.join(", ")),
    };
    text + &what
}

fn found(secret: &SecretFinding) -> String {
    let mut text = format!("the {} (", escape(&secret.label));
    if let Some(shown) = &secret.text {
        let _infallible = write!(text, "{}, ", escape(shown));
    }
    if let Some(place) = secret.found {
        let _infallible = write!(text, "found in frame {}", place.frame);
        if place.may_be_chance {
            text.push_str("; so short that it may be chance");
        }
    }
    text + ")"
}

fn security(connection: &Connection) -> &'static str {
    match (connection.security, &connection.tls) {
        (Security::Plain, _) => "plain TCP",
        (Security::Tls, Some(tls)) => tls.visible.version.unwrap_or("TLS"),
        (Security::Tls, None) => "TLS",
        (Security::Other, _) => "neither TLS nor Sealpost, or begun before the capture",
        (Security::Silent, _) => "empty",
    }
}

/// What TLS does not hide: who, when, how much, and the names in the handshake.
fn visible(connection: &Connection) -> Option<String> {
    let Visible {
        server_name,
        alpn_offered,
        cipher_suite,
        server_certificates,
        client_certificates,
        ..
    } = &connection.tls.as_ref()?.visible;
    let mut parts = vec!["who".to_owned(), "when".to_owned(), how_much(connection)];
    if let Some(name) = server_name {
        parts.push(format!("server name {}", escape(name)));
    }
    if !alpn_offered.is_empty() {
        parts.push(format!("ALPN {}", escape(&alpn_offered.join(" "))));
    }
    if let Some(suite) = cipher_suite {
        parts.push(format!("cipher suite {suite}"));
    }
    for (whose, subjects) in [
        ("server", server_certificates),
        ("client", client_certificates),
    ] {
        if let Some(subject) = subjects.first() {
            parts.push(format!("the {whose}'s certificate ({})", escape(subject)));
        }
    }
    Some(parts.join(", "))
}

/// Lengths are not encrypted: the largest turn is about a file, when one was sent.
fn how_much(connection: &Connection) -> String {
    let turn = |stream: &Stream| stream.largest_turn_bytes.unwrap_or(0);
    let (there, back) = (turn(&connection.to_server), turn(&connection.to_client));
    let (bytes, way) = if there >= back {
        (there, "to the server")
    } else {
        (back, "to the client")
    };
    format!("how much (about {} {way} at once)", size(bytes))
}

fn entropy(connection: &Connection, file: Option<&FileFacts>) -> String {
    let mut text = format!(
        "entropy: {:.2} bits a byte there, {:.2} back",
        connection.to_server.entropy, connection.to_client.entropy
    );
    if let Some(file) = file {
        let _infallible = write!(text, ", {:.2} in the file itself", file.entropy);
    }
    text
}

fn missing(connection: &Connection) -> Option<String> {
    let missing = connection.to_server.missing_bytes + connection.to_client.missing_bytes;
    (missing > 0).then(|| {
        format!(
            "not captured: {}; what was in them is unknown",
            size(missing)
        )
    })
}

/// How the bytes look: the frames as they stand, or the first bytes in hex.
fn excerpt(connection: &Connection) -> Vec<String> {
    if connection.security == Security::Silent {
        return Vec::new();
    }
    let mut lines = vec!["  as a stranger reads it:".to_owned()];
    if connection.readable.is_empty() {
        for (arrow, stream) in [(">", &connection.to_server), ("<", &connection.to_client)] {
            let rows = rows(&stream.head);
            lines.extend(rows.map(|row| format!("    {arrow} {row}")));
        }
        return lines;
    }
    for line in connection.readable.iter().take(LINES_MAX) {
        let arrow = match line.direction {
            Direction::ToServer => ">",
            Direction::ToClient => "<",
        };
        let text = shorten(&escape(&line.text));
        lines.push(format!("    {arrow} {text}  (frame {})", line.frame));
    }
    let more = connection.readable.len().saturating_sub(LINES_MAX);
    if more > 0 {
        lines.push(format!("    and {more} more"));
    }
    lines
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(LINE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Hex digits as rows of hex and text.
fn rows(hex: &str) -> impl Iterator<Item = String> {
    let bytes: Vec<u8> = (0..hex.len() / 2)
        .filter_map(|index| u8::from_str_radix(hex.get(index * 2..index * 2 + 2)?, 16).ok())
        .collect();
    let rows: Vec<String> = bytes.chunks(ROW_BYTES).map(row).collect();
    rows.into_iter()
}

fn row(bytes: &[u8]) -> String {
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let text: String = bytes
        .iter()
        .map(|byte| match byte {
            0x20..=0x7e => char::from(*byte),
            _ => '.',
        })
        .collect();
    format!("{:<width$} {text}", hex.join(" "), width = ROW_BYTES * 3)
}

fn remarks(finding: &Finding) -> Vec<String> {
    let mut lines = Vec::new();
    if finding.connections.is_empty() {
        lines.push("no TCP connection in this capture".to_owned());
    }
    if finding.other_packets > 0 {
        lines.push(format!(
            "{} packets are no TCP over IP",
            finding.other_packets
        ));
    }
    if finding.secrets_embedded > 0 {
        lines
            .push("the capture holds decryption secrets: whoever has it can decrypt it".to_owned());
    }
    if finding.cut {
        lines.push("the capture ends inside a packet: its writer was stopped".to_owned());
    }
    lines
}

fn when(connection: &Connection) -> String {
    if connection.start_ns == 0 {
        return "no time told".to_owned();
    }
    let start = OffsetDateTime::from_unix_timestamp_nanos(connection.start_ns.into());
    let start = start.map_or_else(|_| "no time told".to_owned(), time);
    let tenths = connection.duration_ns / 100_000_000;
    format!("{start}, {}.{} s", tenths / 10, tenths % 10)
}

/// Percent, never rounded up to 100 nor down to 0.
fn share(found: u64, all: u64) -> u64 {
    let percent = found.saturating_mul(100) / all.max(1);
    percent.max(u64::from(found > 0))
}
