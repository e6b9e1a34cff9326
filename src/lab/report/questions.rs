//! Questions to ask oneself, with their answers, filled with this comparison's figures.

use crate::lab::compare::facts::{Report, RunKind, Text};
use crate::lang::both as text;

/// A question and its answer.
type Question = (Text, Text);

/// All of them.
pub(super) fn list(report: &Report) -> Vec<Question> {
    let plain = report.runs.iter().find(|run| run.kind == RunKind::Plain);
    let login = plain
        .and_then(|run| run.secret("password"))
        .and_then(|secret| secret.found);
    let frame = login.map_or(0, |place| place.frame);
    let sealed = report.runs.iter().find(|run| run.size.is_some());
    let each = sealed
        .and_then(|run| run.size)
        .map_or(17, |size| size.each_bytes);
    let entropy = report.file.entropy;
    let mut list = vec![
        (
            text(
                "Why must a login never travel in plain TCP?",
                "为什么登录绝不能走明文 TCP？",
            ),
            text(
                format!(
                    "Frame {frame} of plain.pcapng holds it, word for word. Everybody on the way has that frame: the same Wi-Fi, the router, each provider in between. No cleverness is needed, and nobody notices."
                ),
                format!(
                    "plain.pcapng 第 {frame} 帧中逐字写着它。沿途每个人都有这一帧：同一 Wi-Fi 的人、路由器、沿途的每家运营商。不需要任何技巧，也没有人会察觉。"
                ),
            ),
        ),
        (
            text(
                "The sealed stream has almost 8 bits of entropy in each byte. Does that prove encryption?",
                "密封的数据流每字节熵接近 8 比特。这能证明它被加密了吗？",
            ),
            text(
                format!(
                    "No. A zip file or a photograph comes close to 8 as well. The figure is telling only beside that of what was sent: here {entropy:.2}."
                ),
                format!(
                    "不能。zip 文件或照片也接近 8。只有与所发送内容自身的熵（此处为 {entropy:.2}）对比才有意义。"
                ),
            ),
        ),
        (
            text(
                "How could the file's size be guessed without a key? How could one hide it?",
                "没有密钥，怎么能推算出文件大小？怎样才能隐藏？",
            ),
            text(
                format!(
                    "The length of each record stands before it in the clear. Encryption adds a fixed {each} bytes to each record of this run, and the protocol a fixed number behind the file. Padding would hide it (RFC 8446 §5.4); it costs bytes, and hardly anybody switches it on."
                ),
                format!(
                    "每个记录的长度以明文写在其前。本次运行中加密给每个记录固定增加 {each} 字节，协议在文件之后也只增加固定的字节数。填充可以隐藏大小（RFC 8446 §5.4），但要多花字节，几乎没有人启用。"
                ),
            ),
        ),
    ];
    list.extend(principles());
    if report.runs.iter().any(|run| run.kind.is_tls12()) {
        list.push((
            text("What does TLS 1.2 tell a stranger that 1.3 does not?", "TLS 1.2 比 1.3 多告诉陌生人什么？"),
            text(
                "Who is who: the certificates travel before encryption begins. With mutual TLS 1.2 the user's name is readable although the password is not. It also shows the protocol that was chosen, and which messages are alerts.",
                "双方是谁：证书在加密开始之前传输。双向 TLS 1.2 中密码不可读，用户名却可读。它还暴露最终选定的应用协议，以及哪些消息是告警。",
            ),
        ));
    }
    list
}

/// What holds in every run.
fn principles() -> Vec<Question> {
    vec![
        (
            text(
                "Where does a TLS 1.3 handshake stop being readable, and what is the last thing seen?",
                "TLS 1.3 握手从哪里开始不可读？最后能看到的是什么？",
            ),
            text(
                "Behind the ServerHello. Its key share lets both ends compute keys that no listener has; certificates, the finished messages and everything after are encrypted.",
                "从 ServerHello 之后开始。其中的密钥份额使双方算出窃听者没有的密钥；证书、Finished 消息及其后的一切都已加密。",
            ),
        ),
        (
            text(
                "A file “with-keys” opens at once. Is TLS broken, then?",
                "with-keys 文件一打开就解密了，那么 TLS 被攻破了吗？",
            ),
            text(
                "No: one end gave its session keys away on purpose. The server's private key alone would not open these captures, not even years later, because the keys came from an ephemeral exchange (forward secrecy).",
                "没有：是其中一端有意交出了会话密钥。仅有服务器私钥打不开这些捕获文件，多年以后也不行，因为密钥来自临时密钥交换（前向保密）。",
            ),
        ),
        (
            text(
                "The password is hidden with a server certificate alone. What does the client's certificate add?",
                "只有服务器证书时密码已经隐藏了，客户端证书又增加了什么？",
            ),
            text(
                "Not secrecy but certainty about who asks. Without a certificate of the right CA nobody gets as far as the login: a guessed or stolen password is useless by itself.",
                "增加的不是保密，而是对来访者身份的确认。没有正确 CA 签发的证书，连登录这一步都到不了：单凭猜到或偷来的密码毫无用处。",
            ),
        ),
        (
            text(
                "The plain upload ends with a SHA-256 of the file. Does that keep an attacker from changing it?",
                "明文上传以文件的 SHA-256 结尾。这能阻止攻击者篡改吗？",
            ),
            text(
                "No. Whoever can change the file on the way can change the digest beside it. It finds accidents. TLS authenticates each record with a key the attacker does not have.",
                "不能。能在途中改文件的人也能改旁边的摘要。它只能发现意外损坏。TLS 用攻击者没有的密钥对每个记录做认证。",
            ),
        ),
    ]
}
