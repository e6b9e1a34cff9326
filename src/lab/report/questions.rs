//! Questions to ask oneself, with their answers, filled with this comparison's figures.

use super::table::{milliseconds, title};
use crate::lab::compare::facts::{Report, Run, RunKind, Text};
use crate::lang::both as text;

/// A question and its answer.
type Question = (Text, Text);

/// All of them; `sealed` is the run that is set beside the plain one.
pub(super) fn list(report: &Report, sealed: Option<&Run>) -> Vec<Question> {
    let plain = report.runs.iter().find(|run| run.kind == RunKind::Plain);
    let mut list = Vec::new();
    list.extend(plain.map(login));
    list.push(disguise());
    list.extend(sealed.map(handshakes));
    list.push(last_readable());
    list.extend(sealed.map(|run| leaks(run, report)));
    list.push(entropy(report));
    list.extend(sealed.and_then(size));
    list.extend(sealed.and_then(times));
    if report.runs.iter().any(|run| run.kind.is_tls12()) {
        list.push(older());
    }
    list.extend(principles());
    list
}

fn login(plain: &Run) -> Question {
    let found = plain.secret("password").and_then(|secret| secret.found);
    let frame = found.map_or(0, |place| place.frame);
    (
        text(
            "Why must a login never travel in plain TCP?",
            "为什么登录绝不能走明文 TCP？",
        ),
        text(
            format!(
                "Frame {frame} of plain.pcapng holds it, word for word. Whoever carries that frame has it: the router, each provider in between, and on an open Wi-Fi everybody in range. No cleverness is needed, and nobody notices. Whoever has the password is that user, here and wherever else it is used."
            ),
            format!(
                "plain.pcapng 第 {frame} 帧中逐字写着它。经手这一帧的人都能得到它：路由器、沿途的每家运营商，在开放的 Wi-Fi 上还有信号范围内的每个人。不需要任何技巧，也没有人会察觉。谁有密码，谁就是那个用户，在这里如此，在使用同一密码的任何地方也如此。"
            ),
        ),
    )
}

fn disguise() -> Question {
    (
        text(
            "Would it help to send the password in Base64, or as a hash, over plain TCP?",
            "如果在明文 TCP 上发送 Base64 编码或散列后的密码，会有帮助吗？",
        ),
        text(
            "No. Base64 is spelling, not encryption: anybody turns it back. A hash that the server takes in place of the password is as good as the password: the listener sends the same hash. Even a clever login that reveals nothing would leave the file readable, and the connection, once logged in, open to whoever can change packets.",
            "没有。Base64 只是一种写法，不是加密，任何人都能还原。如果服务器接受散列值代替密码，那么散列值就等于密码：窃听者把同一个散列值发过去即可。即使登录方式巧妙到什么都不泄露，文件仍然可读，登录之后的连接也会被能改动数据包的人利用。",
        ),
    )
}

fn handshakes(sealed: &Run) -> Question {
    let [first, _] = sealed.connection.frames;
    let (second, third) = (first + 1, first + 2);
    let hello = sealed.frame_of("ClientHello").unwrap_or(0);
    let capture = &sealed.capture;
    (
        text(
            "What starts the handshake of TCP, and what that of TLS? Which frames are they?",
            "TCP 握手由什么触发，TLS 握手又由什么触发？各是哪些帧？",
        ),
        text(
            format!(
                "The client program asks its system to connect: SYN in frame {first} of {capture}, SYN and ACK from the server in frame {second}, ACK in frame {third}. No key and no name is agreed on there. Then the client's TLS writes the first bytes into that connection, the ClientHello in frame {hello}; for TCP these are bytes like any others."
            ),
            format!(
                "客户端程序请求系统建立连接：{capture} 第 {first} 帧 SYN，第 {second} 帧服务器的 SYN 与 ACK，第 {third} 帧 ACK。其中既不协商密钥，也不涉及名称。随后客户端的 TLS 在这条连接中写入最初的字节，即第 {hello} 帧的 ClientHello；对 TCP 来说，这与其他字节没有区别。"
            ),
        ),
    )
}

fn last_readable() -> Question {
    (
        text(
            "Where does a TLS 1.3 handshake stop being readable, and what is the last thing seen?",
            "TLS 1.3 握手从哪里开始不可读？最后能看到的是什么？",
        ),
        text(
            "Behind the ServerHello. Its key share and that of the ClientHello let both ends compute keys that no listener has; certificates, the Finished messages and everything after are encrypted (RFC 8446 §1.2). The ChangeCipherSpec records are still readable and mean nothing: they are there for old devices on the way (RFC 8446 §D.4).",
            "从 ServerHello 之后开始。它和 ClientHello 中的密钥份额使双方算出窃听者没有的密钥；证书、Finished 消息及其后的一切都已加密（RFC 8446 §1.2）。其后的 ChangeCipherSpec 记录虽可读却毫无意义，只是为了兼容沿途的旧设备（RFC 8446 §D.4）。",
        ),
    )
}

fn leaks(sealed: &Run, report: &Report) -> Question {
    let name = title(sealed.kind);
    let (client, server) = (sealed.connection.client, sealed.connection.server);
    let packets = sealed.packets;
    let host = &report.server_name;
    (
        text(
            format!(
                "What does a stranger still learn from the sealed run ({})?",
                name.en
            ),
            format!("陌生人从密封的那次运行（{}）中仍能得知什么？", name.zh),
        ),
        text(
            format!(
                "Who talks to whom ({client} and {server}), when and for how long, in {packets} packets, each of a known length; the name {host} that the client asks for (SNI), the protocol it offers (ALPN), the TLS version and the cipher suite; and so, by the pattern of lengths, that a file went there and another one back. That is metadata, and it is often enough to know who does what."
            ),
            format!(
                "谁与谁通信（{client} 与 {server}）、何时、多久，共 {packets} 个数据包，每个的长度都可见；客户端请求的名称 {host}（SNI）、所提供的应用协议（ALPN）、TLS 版本和密码套件；由长度的规律还能看出一个文件过去、一个文件回来。这些是元数据，往往足以知道谁在做什么。"
            ),
        ),
    )
}

fn entropy(report: &Report) -> Question {
    let entropy = report.file.entropy;
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
    )
}

fn size(sealed: &Run) -> Option<Question> {
    let each = sealed.size?.each_bytes;
    Some((
        text(
            "How could the file's size be guessed without a key? How could one hide it?",
            "没有密钥，怎么能推算出文件大小？怎样才能隐藏？",
        ),
        text(
            format!(
                "The length of each record stands before it in the clear. Encryption adds a fixed {each} bytes to each record of this run, and the protocol a fixed number behind the file. TLS 1.3 allows padding, which blurs the lengths (RFC 8446 §5.4); it costs bytes, and hardly anybody switches it on."
            ),
            format!(
                "每个记录的长度以明文写在其前。本次运行中加密给每个记录固定增加 {each} 字节，协议在文件之后也只增加固定的字节数。TLS 1.3 允许填充，使长度变得模糊（RFC 8446 §5.4），但要多花字节，几乎没有人启用。"
            ),
        ),
    ))
}

fn times(sealed: &Run) -> Option<Question> {
    let times = sealed.times?;
    let (frame, took) = (times.login_frame, milliseconds(times.login_ns));
    Some((
        text(
            "Times are not encrypted either. What do they give away here?",
            "时间同样没有加密。这里它泄露了什么？",
        ),
        text(
            format!(
                "Between frame {frame} and its answer {took} passed: the server hashed a password, which is slow on purpose. A stranger who knows the server can tell a login by password from one by certificate, and in other programs the rhythm of typing from that of a machine."
            ),
            format!(
                "第 {frame} 帧与其应答之间经过了 {took}：服务器在计算密码散列，这是故意做得慢的。了解该服务器的陌生人可以由此区分密码登录与证书登录；在其他程序中，还能区分人的打字节奏与机器的节奏。"
            ),
        ),
    ))
}

fn older() -> Question {
    (
        text(
            "What does TLS 1.2 tell a stranger that 1.3 does not?",
            "TLS 1.2 比 1.3 多告诉陌生人什么？",
        ),
        text(
            "Who is who: the certificates travel before encryption begins (RFC 5246 §7.3). With mutual TLS 1.2 the user's name is readable although the password is not. It also shows the protocol that was chosen, and which records are handshake, alert or data.",
            "双方是谁：证书在加密开始之前传输（RFC 5246 §7.3）。双向 TLS 1.2 中密码不可读，用户名却可读。它还暴露最终选定的应用协议，以及哪些记录是握手、告警或数据。",
        ),
    )
}

/// What holds in every run.
fn principles() -> Vec<Question> {
    vec![
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
                "What is encryption worth if the client does not check the server's certificate?",
                "如果客户端不检查服务器证书，加密还有什么用？",
            ),
            text(
                "Against a mere listener, something; against somebody who can take the server's place, nothing: then the login is sealed for the wrong one, who opens it, reads it and passes it on. `sealpost lab mitm --careless` does just that.",
                "对只会旁听的人还有些用；对能冒充服务器的人毫无用处：登录信息被密封后交给了错误的人，他打开、阅读，再转发出去。`sealpost lab mitm --careless` 演示的正是这一点。",
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
                "Could a stranger send recorded packets once more and so log in?",
                "陌生人能把录下的数据包再发一遍来登录吗？",
            ),
            text(
                "In plain, yes: the recorded login, said again on a connection of one's own, is a login. In TLS, no: each connection has new keys, and within it each record is numbered, so that an old one does not decrypt (RFC 8446 §5.3). The exception is early data (RFC 8446 §8), which Sealpost does not use.",
                "明文可以：把录下的登录内容在自己的连接上再说一遍，就是一次登录。TLS 不行：每条连接都有新的密钥，连接内每个记录都有序号，旧记录无法解密（RFC 8446 §5.3）。例外是早期数据（RFC 8446 §8），Sealpost 不使用它。",
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
