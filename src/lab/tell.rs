//! A finding in words: a handful of lines a connection, for somebody who never opened Wireshark.
//!
//! Pure: the same finding always reads the same. Whatever came from the wire is escaped.

use time::OffsetDateTime;

use super::find::{Connection, FileFacts, Finding, Line, SecretFinding, Security, Stream};
use super::tap::Direction;
use super::tls::Visible;
use crate::lang::Lang;
use crate::text::{escape, size, time};

/// Readable lines shown of each connection.
const LINES_MAX: usize = 8;

/// Characters shown of each readable line.
const LINE_CHARS_MAX: usize = 160;

/// Bytes of hex shown in a row.
const ROW_BYTES: usize = 16;

/// The whole finding, line by line.
pub fn tell(finding: &Finding, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, connection) in finding.connections.iter().enumerate() {
        if index > 0 {
            lines.push(String::new());
        }
        lines.push(title(index + 1, connection, lang));
        lines.push(format!(
            "  {}",
            verdict(connection, finding.file.as_ref(), lang)
        ));
        lines.extend(still_visible(connection, lang));
        lines.push(format!(
            "  {}",
            entropy(connection, finding.file.as_ref(), lang)
        ));
        lines.extend(missing(connection, lang).map(|text| format!("  {text}")));
        lines.extend(excerpt(connection, lang));
    }
    lines.extend(remarks(finding, lang));
    lines
}

/// The finding in three lines a connection: what was read, what is visible all the same, and a sample of
/// what passed (the line with a secret in it, if there is one).
pub fn brief(finding: &Finding, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    for connection in &finding.connections {
        lines.push(verdict(connection, finding.file.as_ref(), lang));
        lines.extend(still_visible(connection, lang));
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
            Some(line) => framed(line, lang),
            None => rows(&connection.to_server.head).next().unwrap_or_default(),
        };
        let label = lang.pick("it looks like: ", "样子：");
        lines.push(format!("  {label}{sample}"));
    }
    lines.extend(remarks(finding, lang));
    lines
}

fn title(number: usize, connection: &Connection, lang: Lang) -> String {
    let [first, last] = connection.frames;
    let Connection {
        client,
        server,
        packets,
        ..
    } = connection;
    let when = when(connection, lang);
    let (there, back) = (
        size(connection.to_server.bytes),
        size(connection.to_client.bytes),
    );
    lang.pick(
        format!("connection {number}: {client} to {server}, {when}, {there} there and {back} back in {packets} packets (frames {first} to {last})"),
        format!("连接 {number}：{client} 到 {server}，{when}，上行 {there}，下行 {back}，{packets} 个包（第 {first} 至 {last} 帧）"),
    )
}

/// What was read: the sentence that matters.
fn verdict(connection: &Connection, file: Option<&FileFacts>, lang: Lang) -> String {
    let security = security(connection, lang);
    let colon = lang.pick(": ", "：");
    if connection.security == Security::Silent {
        let nothing = lang.pick("nothing was said", "没有任何数据");
        return format!("{security}{colon}{nothing}");
    }
    let mut read = Vec::new();
    let mut unread = Vec::new();
    for secret in &connection.secrets {
        let label = escape(&secret.label);
        match secret.found {
            Some(_) => read.push(found(secret, lang)),
            None => unread.push(lang.pick(format!("not the {label}"), format!("没有 {label}"))),
        }
    }
    if let (Some(file), Some(found)) = (file, connection.blocks_found) {
        let all = file.blocks;
        match share(found, all) {
            0 => unread.push(lang.pick(
                format!("{found} of {all} blocks of the file"),
                format!("文件 {all} 块中的 {found} 块"),
            )),
            share => read.push(lang.pick(
                format!("{share} % of the file's blocks ({found} of {all})"),
                format!("文件 {share} % 的块（{all} 块中的 {found} 块）"),
            )),
        }
    }
    let comma = lang.pick(", ", "，");
    let (some, none) = (read.join(comma), unread.join(comma));
    let what = match (read.is_empty(), unread.is_empty()) {
        (true, true) => match connection.security {
            Security::Tls => lang.pick(
                "nothing was looked for (--find, --find-file)",
                "没有指定要查找的内容（--find、--find-file）",
            ),
            _ => lang.pick(
                "every byte can be read; nothing was looked for (--find, --find-file)",
                "每个字节都可读；没有指定要查找的内容（--find、--find-file）",
            ),
        }
        .to_owned(),
        (true, false) => lang.pick(
            format!("read nothing: {none}"),
            format!("什么也没读到：{none}"),
        ),
        (false, true) => lang.pick(format!("read {some}"), format!("读到了{some}")),
        (false, false) => lang.pick(
            format!("read {some}; but {none}"),
            format!("读到了{some}；但{none}"),
        ),
    };
    format!("{security}{colon}{what}")
}

fn found(secret: &SecretFinding, lang: Lang) -> String {
    let label = escape(&secret.label);
    let mut about = Vec::new();
    about.extend(secret.text.as_deref().map(escape));
    if let Some(place) = secret.found {
        let frame = place.frame;
        let mut at = lang.pick(
            format!("found in frame {frame}"),
            format!("位于第 {frame} 帧"),
        );
        if let Some(disguise) = place.written.disguise() {
            let disguise = disguise.of(lang);
            at.push_str(&lang.pick(format!(", {disguise}"), format!("，{disguise}")));
        }
        if place.may_be_chance {
            at.push_str(lang.pick("; so short that it may be chance", "；太短，可能是巧合"));
        }
        about.push(at);
    }
    lang.pick(
        format!("the {label} ({})", about.join(", ")),
        format!(" {label}（{}）", about.join("，")),
    )
}

fn security(connection: &Connection, lang: Lang) -> &'static str {
    match (connection.security, &connection.tls) {
        (Security::Plain, _) => lang.pick("plain TCP", "明文 TCP"),
        (Security::Tls, Some(tls)) => tls.visible.version.unwrap_or("TLS"),
        (Security::Tls, None) => "TLS",
        (Security::Other, _) => lang.pick(
            "neither TLS nor Sealpost, or begun before the capture",
            "既不是 TLS 也不是 Sealpost，或在捕获之前就已开始",
        ),
        (Security::Silent, _) => lang.pick("empty", "空"),
    }
}

/// What TLS does not hide: who, when, how much, and the names in the handshake.
fn still_visible(connection: &Connection, lang: Lang) -> Option<String> {
    let Visible {
        server_name,
        alpn_offered,
        cipher_suite,
        server_certificates,
        client_certificates,
        ..
    } = &connection.tls.as_ref()?.visible;
    let mut parts = lang
        .pick(["who", "when"], ["何人", "何时"])
        .map(str::to_owned)
        .to_vec();
    parts.push(how_much(connection, lang));
    if let Some(name) = server_name {
        let label = lang.pick("server name", "服务器名称");
        parts.push(format!("{label} {}", escape(name)));
    }
    if !alpn_offered.is_empty() {
        parts.push(format!("ALPN {}", escape(&alpn_offered.join(" "))));
    }
    if let Some(suite) = cipher_suite {
        let label = lang.pick("cipher suite", "密码套件");
        parts.push(format!("{label} {suite}"));
    }
    for (whose, chain) in [
        (
            lang.pick("the server's certificate", "服务器证书"),
            server_certificates,
        ),
        (
            lang.pick("the client's certificate", "客户端证书"),
            client_certificates,
        ),
    ] {
        if let Some(subject) = chain.first() {
            let subject = escape(subject);
            parts.push(lang.pick(
                format!("{whose} ({subject})"),
                format!("{whose}（{subject}）"),
            ));
        }
    }
    Some(lang.pick(
        format!("  still visible: {}", parts.join(", ")),
        format!("  仍然可见：{}", parts.join("，")),
    ))
}

/// Lengths are not encrypted: the largest turn is about a file, when one was sent.
fn how_much(connection: &Connection, lang: Lang) -> String {
    let turn = |stream: &Stream| stream.largest_turn_bytes.unwrap_or(0);
    let (there, back) = (turn(&connection.to_server), turn(&connection.to_client));
    let (bytes, way) = match there >= back {
        true => (there, lang.pick("to the server", "发往服务器")),
        false => (back, lang.pick("to the client", "发往客户端")),
    };
    let bytes = size(bytes);
    lang.pick(
        format!("how much (about {bytes} {way} at once)"),
        format!("多少（一次连续{way}约 {bytes}）"),
    )
}

fn entropy(connection: &Connection, file: Option<&FileFacts>, lang: Lang) -> String {
    let (there, back) = (connection.to_server.entropy, connection.to_client.entropy);
    let mut text = lang.pick(
        format!("entropy: {there:.2} bits a byte there, {back:.2} back"),
        format!("熵（比特/字节）：上行 {there:.2}，下行 {back:.2}"),
    );
    if let Some(file) = file {
        let own = file.entropy;
        text.push_str(&lang.pick(
            format!(", {own:.2} in the file itself"),
            format!("，文件自身 {own:.2}"),
        ));
    }
    text
}

fn missing(connection: &Connection, lang: Lang) -> Option<String> {
    let missing = connection.to_server.missing_bytes + connection.to_client.missing_bytes;
    let bytes = size(missing);
    (missing > 0).then(|| {
        lang.pick(
            format!("not captured: {bytes}; what was in them is unknown"),
            format!("未被捕获：{bytes}；其中有什么不得而知"),
        )
    })
}

/// How the bytes look: the frames as they stand, or the first bytes in hex.
fn excerpt(connection: &Connection, lang: Lang) -> Vec<String> {
    if connection.security == Security::Silent {
        return Vec::new();
    }
    let heading = lang.pick("  as a stranger reads it:", "  陌生人读到的样子：");
    let mut lines = vec![heading.to_owned()];
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
        lines.push(format!("    {arrow} {}", framed(line, lang)));
    }
    let more = connection.readable.len().saturating_sub(LINES_MAX);
    if more > 0 {
        lines.push(lang.pick(
            format!("    and {more} more"),
            format!("    另有 {more} 条"),
        ));
    }
    lines
}

/// A readable line, and the frame it stands in.
fn framed(line: &Line, lang: Lang) -> String {
    let (text, frame) = (shorten(&escape(&line.text)), line.frame);
    lang.pick(
        format!("{text}  (frame {frame})"),
        format!("{text}  （第 {frame} 帧）"),
    )
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

fn remarks(finding: &Finding, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    if finding.connections.is_empty() {
        let none = lang.pick(
            "no TCP connection in this capture",
            "此捕获文件中没有 TCP 连接",
        );
        lines.push(none.to_owned());
    }
    let others = finding.other_packets;
    if others > 0 {
        lines.push(lang.pick(
            format!("{others} packets are no TCP over IP"),
            format!("{others} 个包不是 IP 上的 TCP"),
        ));
    }
    if finding.secrets_embedded > 0 {
        let secrets = lang.pick(
            "the capture holds decryption secrets: whoever has it can decrypt it",
            "此捕获文件内含解密密钥：谁拿到它，谁就能解密",
        );
        lines.push(secrets.to_owned());
    }
    if finding.cut {
        let cut = lang.pick(
            "the capture ends inside a packet: its writer was stopped",
            "此捕获文件在一个包的中间结束：写入程序被中断",
        );
        lines.push(cut.to_owned());
    }
    lines
}

fn when(connection: &Connection, lang: Lang) -> String {
    let unknown = lang.pick("no time told", "时间未知");
    if connection.start_ns == 0 {
        return unknown.to_owned();
    }
    let start = OffsetDateTime::from_unix_timestamp_nanos(connection.start_ns.into());
    let start = start.map_or_else(|_| unknown.to_owned(), time);
    let tenths = connection.duration_ns / 100_000_000;
    let (seconds, tenths) = (tenths / 10, tenths % 10);
    lang.pick(
        format!("{start}, {seconds}.{tenths} s"),
        format!("{start}，{seconds}.{tenths} 秒"),
    )
}

/// Percent, never rounded up to 100 nor down to 0.
fn share(found: u64, all: u64) -> u64 {
    let percent = found.saturating_mul(100) / all.max(1);
    percent.max(u64::from(found > 0))
}
