//! What to look for in Wireshark, what to ask oneself, what the figures must be read with, and what the
//! words mean.

use maud::{Markup, html};

use super::html::{both, say};
use super::questions;
use crate::lab::compare::facts::{Caveat, Report, Run, RunKind, Text};
use crate::lang::both as text;

/// A display filter, and what it shows.
type Filter = (String, Text);

/// Display filters to try, file by file.
pub(super) fn wireshark(report: &Report, sealed: Option<&Run>) -> Markup {
    let plain = report.runs.iter().find(|run| run.kind == RunKind::Plain);
    html! {
        h2 { (both("Look for yourself in Wireshark", "用 Wireshark 亲自看看")) }
        p { (both(
            "Open a capture of this folder (File, Open) and type a display filter into the line above the packets. Click a packet: its layers unfold below, and its bytes beside them. A file “with-keys” holds the session's secrets: Wireshark decrypts it at once, and so does whoever gets hold of it.",
            "打开本文件夹中的捕获文件（文件 → 打开），在数据包列表上方输入显示过滤器。点击一个数据包，下方会逐层展开，旁边是它的字节。文件名含 with-keys 的文件内含会话密钥：Wireshark 直接解密，任何拿到文件的人也一样。",
        )) }
        @if let Some(run) = plain {
            h3 { code { (run.capture) } }
            (filters(&in_plain(run, report)))
        }
        @if let Some(run) = sealed {
            h3 { code { (run.capture) } }
            (filters(&in_sealed(run, report)))
            h3 { code { (run.with_keys()) } }
            (filters(&with_keys(report)))
        }
        p { (both(
            "For Sealpost's own protocol, put sealpost.lua into the folder “Personal Lua Plugins” (Help, About Wireshark, Folders) and start Wireshark anew: then sealpost.password finds the login, in the plain capture and in those with keys. “data contains” finds it no longer, for the bytes are then Sealpost's and no unknown data.",
            "如需解析 Sealpost 自己的协议，请把 sealpost.lua 放入 Personal Lua Plugins 文件夹（帮助 → 关于 Wireshark → 文件夹）并重启 Wireshark。之后用 sealpost.password 就能找到登录，明文捕获和带密钥的捕获都行；data contains 则不再有结果，因为这些字节已按 Sealpost 协议解析，不再是未知数据。",
        )) }
    }
}

fn filters(filters: &[Filter]) -> Markup {
    html! {
        dl { @for (filter, what) in filters { dt { code { (filter) } } dd { (say(what)) } } }
    }
}

fn in_plain(run: &Run, report: &Report) -> Vec<Filter> {
    let found = run.secret("password").and_then(|secret| secret.found);
    let frame = found.map_or(0, |place| place.frame);
    let [first, _] = run.connection.frames;
    vec![
        (
            "tcp.flags.syn == 1".to_owned(),
            text(
                format!(
                    "frames {first} and {}: TCP's handshake begins (SYN, then SYN and ACK); the ACK in frame {} ends it",
                    first + 1,
                    first + 2
                ),
                format!(
                    "第 {first} 和 {} 帧：TCP 握手开始（SYN，然后 SYN 与 ACK）；第 {} 帧的 ACK 完成握手",
                    first + 1,
                    first + 2
                ),
            ),
        ),
        (
            format!("tcp contains \"{}\"", report.password),
            text(
                format!("frame {frame}, the login: look at the bytes at the bottom"),
                format!("第 {frame} 帧，即登录：看最下方的字节"),
            ),
        ),
        (
            "tcp.stream == 0".to_owned(),
            text(
                "the one connection; then right-click a packet, Follow, TCP Stream: the whole conversation, the file in it",
                "那一条连接；然后右键一个数据包 → 追踪流 → TCP 流：整段对话，文件也在其中",
            ),
        ),
        (
            "frame.comment".to_owned(),
            text(
                "the packets this lab has commented, in each capture",
                "本实验加了注释的数据包，每个捕获文件中都有",
            ),
        ),
    ]
}

fn in_sealed(run: &Run, report: &Report) -> Vec<Filter> {
    let records = match run.kind.is_tls12() {
        true => "tls.record.content_type == 23",
        false => "tls.record.opaque_type == 23",
    };
    let frame = |word| run.frame_of(word).unwrap_or(0);
    let (hello, answer) = (frame("ClientHello"), frame("ServerHello"));
    vec![
        (
            format!("tcp contains \"{}\"", report.password),
            text("no packet at all", "一个数据包也没有"),
        ),
        (
            "tls.handshake.type == 1".to_owned(),
            text(
                format!(
                    "frame {hello}, the ClientHello: look for server_name, application_layer_protocol_negotiation, supported_versions, key_share"
                ),
                format!(
                    "第 {hello} 帧，ClientHello：看 server_name、application_layer_protocol_negotiation、supported_versions、key_share"
                ),
            ),
        ),
        (
            "tls.handshake.type == 2".to_owned(),
            text(
                format!("frame {answer}, the ServerHello: the cipher suite that was chosen"),
                format!("第 {answer} 帧，ServerHello：最终选定的密码套件"),
            ),
        ),
        (
            "tls.handshake.type == 11".to_owned(),
            text(
                "certificates: readable in TLS 1.2, in TLS 1.3 only with the keys",
                "证书：TLS 1.2 可读，TLS 1.3 只有有密钥时可读",
            ),
        ),
        (
            records.to_owned(),
            text(
                "encrypted records: their lengths are all that is to be seen",
                "加密的记录：能看到的只有长度",
            ),
        ),
    ]
}

fn with_keys(report: &Report) -> Vec<Filter> {
    vec![
        (
            format!("data contains \"{}\"", report.password),
            text(
                "the same password, after decryption: a tab “Decrypted TLS” stands below the bytes",
                "解密之后的同一个密码：字节下方多出一个 Decrypted TLS 标签",
            ),
        ),
        (
            "tls.handshake.type == 20".to_owned(),
            text(
                "Finished, once from each side: it proves that nobody changed the handshake on the way",
                "双方各一条 Finished：证明握手在途中未被任何人改动",
            ),
        ),
    ]
}

/// Questions, answers folded.
pub(super) fn questions(report: &Report, sealed: Option<&Run>) -> Markup {
    html! {
        h2 { (both("Ask yourself", "问问自己")) }
        p.soft { (both("Answer first, then unfold.", "先回答，再展开。")) }
        @for (question, answer) in questions::list(report, sealed) {
            details { summary { (say(&question)) } p { (say(&answer)) } }
        }
    }
}

/// What the figures must be read with.
pub(super) fn caveats(report: &Report) -> Markup {
    html! {
        h2 { (both("How to read the figures", "如何看待这些数字")) }
        ul { @for caveat in &report.caveats { li { (say(&words(*caveat))) } } }
    }
}

/// The field's own terms, for somebody new to it.
pub(super) fn glossary() -> Markup {
    html! {
        h2 { (both("The words used here", "本页用到的术语")) }
        dl.words { @for (term, what) in terms() { dt { (say(&term)) } dd { (say(&what)) } } }
    }
}

fn terms() -> [(Text, Text); 8] {
    [
        (
            text("packet, frame", "数据包（packet）、帧（frame）"),
            text(
                "what travels at once; Wireshark numbers the frames of a capture from 1",
                "一次传送的一段数据；Wireshark 从 1 开始给捕获文件中的帧编号",
            ),
        ),
        (
            text("capture", "捕获文件（capture）"),
            text(
                "a file with every packet that passed a place, and when (here of the format pcapng)",
                "记录经过某处的每个数据包及其时间的文件（此处为 pcapng 格式）",
            ),
        ),
        (
            text("TCP", "TCP"),
            text(
                "carries bytes in order from one program to another; it neither hides them nor proves whose they are (RFC 9293)",
                "把字节按顺序从一个程序送到另一个程序；既不隐藏内容，也不证明来源（RFC 9293）",
            ),
        ),
        (
            text("TLS, record", "TLS、记录（record）"),
            text(
                "TLS seals bytes before TCP carries them, in records of at most 16,384 bytes of content; type and length of a record stand before it in the clear (RFC 8446 §5.1)",
                "TLS 在交给 TCP 之前先把字节密封成记录，每个记录最多含 16,384 字节内容；记录的类型和长度以明文写在前面（RFC 8446 §5.1）",
            ),
        ),
        (
            text("handshake", "握手（handshake）"),
            text(
                "the first messages: TCP's agree on where to begin counting bytes, those of TLS on keys, and they show who is who",
                "最初的几条消息：TCP 的握手约定字节从哪里开始计数，TLS 的握手协商密钥并表明双方身份",
            ),
        ),
        (
            text("certificate, CA", "证书、CA"),
            text(
                "a certificate says whose a public key is, signed by a certification authority (CA) that the reader trusts; in mutual TLS the client shows one as well",
                "证书说明一个公钥属于谁，由读者信任的证书颁发机构（CA）签名；双向 TLS 中客户端也要出示证书",
            ),
        ),
        (
            text("SNI, ALPN", "SNI、ALPN"),
            text(
                "what the ClientHello says in the clear: the name of the server that is wanted (RFC 6066 §3), and the protocols that are offered (RFC 7301)",
                "ClientHello 中的明文内容：要找的服务器名称（RFC 6066 §3）和所提供的应用协议（RFC 7301）",
            ),
        ),
        (
            text("entropy", "熵（entropy）"),
            text(
                "how evenly the 256 values of a byte are spread, in bits a byte: near 8 for encrypted or compressed bytes, 4 to 5 for plain English",
                "字节的 256 种取值分布得多均匀，单位为比特/字节：加密或压缩的数据接近 8，英文文本约为 4 到 5",
            ),
        ),
    ]
}

/// A caveat in words.
fn words(caveat: Caveat) -> Text {
    match caveat {
        Caveat::Reconstructed => text(
            "A relay between client and server observed the payload bytes, their order and their times. The IP and TCP headers, the cuts between segments and the acknowledgements are reconstructed, and the captures say so.",
            "客户端与服务器之间的中继记录了载荷字节、顺序和时间。IP/TCP 头、分段与确认是重建的，捕获文件中已注明。",
        ),
        Caveat::OneRun => text(
            "Times are of one run on one machine, through a relay. They show an order of magnitude and no more. The login is left out of the times: hashing a password is slow on purpose.",
            "时间取自一台机器上经中继的一次运行，只说明数量级。时间不含登录：口令散列是故意做得慢的。",
        ),
        Caveat::Throwaway => text(
            "User, password, CA and certificates have random names and were made for this; the server is gone. The keys are written because this is a lab: outside it Sealpost writes none unless told to.",
            "用户、密码、CA 与证书均为本次随机生成，服务器已不存在。写出密钥只因这是实验：在实验之外，除非明确要求，Sealpost 不写密钥。",
        ),
        Caveat::FileLooksRandom => text(
            "The file itself looks like noise (as what is compressed or encrypted does), so the entropy of the plain stream says nothing. The search for its blocks does.",
            "文件本身就像噪声（压缩或加密过的数据就是这样），因此明文流的熵不能说明问题；对文件块的查找才能。",
        ),
        Caveat::SizeNotExact => text(
            "The file is so small that another message was longer, so the guess of its size is off.",
            "文件太小，另有更长的消息，因此大小推算有偏差。",
        ),
        Caveat::RepeatsYourFile => text(
            "This report and the plain capture repeat bytes of your file. Think before you hand them on.",
            "本报告和明文捕获文件中含有你的文件内容，转交前请三思。",
        ),
    }
}
