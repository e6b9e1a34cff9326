//! A run in a few sentences: what was read, and what is visible all the same.

use crate::lab::compare::facts::{FILE_BYTES_MIN, Report, Run, Text};
use crate::lab::tls::Visible;
use crate::lang::both as text;
use crate::text::{escape, size};

/// A run, told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// What a stranger read.
    pub read: Text,
    /// What it sees whatever is encrypted.
    pub visible: Vec<Text>,
    /// Whether the password or the file was read.
    pub open: bool,
}

/// Tells a run.
pub fn story(run: &Run, report: &Report) -> Story {
    let labels = [
        ("user", "the user name", "用户名"),
        ("password", "the password", "密码"),
        ("file name", "the file name", "文件名"),
    ];
    let is_read = |label: &str| {
        run.secret(label)
            .is_some_and(|secret| secret.found.is_some())
    };
    let (mut en, mut zh) = (Vec::new(), Vec::new());
    for (label, english, chinese) in labels {
        if is_read(label) {
            let in_certificate = label == "user" && run.user_in_certificate;
            en.push(match in_certificate {
                true => "the user name (in the client's certificate)".to_owned(),
                false => english.to_owned(),
            });
            zh.push(match in_certificate {
                true => "用户名（在客户端证书中）".to_owned(),
                false => chinese.to_owned(),
            });
        }
    }
    let (blocks, all) = (run.connection.blocks_found.unwrap_or(0), report.file.blocks);
    if blocks > 0 {
        en.push(format!("{blocks} of {all} blocks of the file"));
        zh.push(format!("文件 {all} 块中的 {blocks} 块"));
    }
    let others_hidden = !en.is_empty() && blocks == 0 && !is_read("password");
    // A file too short to be looked for is neither read nor unread.
    let looked_for = report.file.bytes >= FILE_BYTES_MIN;
    let read = match en.is_empty() {
        true if !looked_for => text(
            "A stranger read neither user, password nor file name. The file is too short to be looked for.",
            "陌生人既没有读到用户名、密码，也没有读到文件名。文件太短，无法查找。",
        ),
        true => text(
            "A stranger read neither user, password, file name nor one block of the file.",
            "陌生人既没有读到用户名、密码、文件名，也没有读到文件的任何一块。",
        ),
        false if others_hidden && !looked_for => text(
            format!("A stranger read {}, but no password.", en.join(", ")),
            format!("陌生人读到了{}，但没有读到密码。", zh.join("、")),
        ),
        false if others_hidden => text(
            format!(
                "A stranger read {}, but no password and not one block of the file.",
                en.join(", ")
            ),
            format!(
                "陌生人读到了{}，但没有读到密码，也没有读到文件的任何一块。",
                zh.join("、")
            ),
        ),
        false => text(
            format!("A stranger read {}.", en.join(", ")),
            format!("陌生人读到了{}。", zh.join("、")),
        ),
    };
    Story {
        read,
        visible: visible(run, report),
        open: blocks > 0 || is_read("password"),
    }
}

fn visible(run: &Run, report: &Report) -> Vec<Text> {
    let connection = &run.connection;
    let (up, down) = (
        size(connection.to_server.bytes),
        size(connection.to_client.bytes),
    );
    let mut visible = vec![text(
        format!(
            "Who and when: {} to {}, {up} up and {down} down in {} packets",
            connection.client, connection.server, run.packets
        ),
        format!(
            "何人何时：{} 到 {}，{} 个包，上行 {up}，下行 {down}",
            connection.client, connection.server, run.packets
        ),
    )];
    let Some(tls) = &connection.tls else {
        visible.push(text(
            "Everything else: what was asked, what was answered, every byte of the file",
            "其余一切：问了什么、答了什么、文件的每个字节",
        ));
        return visible;
    };
    let tls = &tls.visible;
    if let Some(name) = &tls.server_name {
        let name = escape(name);
        visible.push(text(
            format!("The name asked for (SNI): {name}"),
            format!("所请求的名称（SNI）：{name}"),
        ));
    }
    if !tls.alpn_offered.is_empty() {
        let alpn = escape(&tls.alpn_offered.join(" "));
        visible.push(text(
            format!("Which protocol it is (ALPN): {alpn}"),
            format!("所用应用协议（ALPN）：{alpn}"),
        ));
    }
    if let (Some(version), Some(suite)) = (tls.version, &tls.cipher_suite) {
        visible.push(text(
            format!("Version and cipher suite: {version}, {suite}"),
            format!("版本与密码套件：{version}，{suite}"),
        ));
    }
    visible.extend(certificates(tls));
    if let Some(guess) = &run.size {
        visible.push(text(
            format!(
                "How large the file is: {} bytes by the records' lengths; in truth {}",
                guess.estimate, report.file.bytes
            ),
            format!(
                "文件有多大：由记录长度推算为 {} 字节；实际 {} 字节",
                guess.estimate, report.file.bytes
            ),
        ));
    }
    visible
}

/// Who is named in the certificates, where they are readable.
fn certificates(tls: &Visible) -> Vec<Text> {
    let mut told = Vec::new();
    for (en, zh, chain) in [
        (
            "The server's certificate",
            "服务器证书",
            &tls.server_certificates,
        ),
        (
            "The client's certificate, which names the user",
            "写有用户名的客户端证书",
            &tls.client_certificates,
        ),
    ] {
        if let Some(subject) = chain.first() {
            let subject = escape(subject);
            told.push(text(format!("{en}: {subject}"), format!("{zh}：{subject}")));
        }
    }
    told
}
