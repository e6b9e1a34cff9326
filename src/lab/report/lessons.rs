//! What to look for in Wireshark, what to ask oneself, and what the figures must be read with.

use maud::{Markup, html};

use super::html::{both, say};
use super::questions;
use crate::lab::compare::facts::{Caveat, Report, Run, RunKind, Text};
use crate::lang::both as text;

/// Display filters to try.
pub(super) fn wireshark(report: &Report) -> Markup {
    let sealed = report.runs.iter().find(|run| run.kind != RunKind::Plain);
    let secret = format!("tcp contains \"{}\"", report.password);
    let opened = format!("data contains \"{}\"", report.password);
    let capture = sealed.map_or_else(String::new, |run| run.capture.clone());
    let with_keys = sealed.map_or_else(String::new, Run::with_keys);
    let filters = [
        (
            "frame.comment".to_owned(),
            text(
                "the packets this lab has commented, in each capture",
                "本实验加了注释的数据包，每个捕获文件中都有",
            ),
        ),
        (
            secret,
            text(
                format!("plain.pcapng: the packet with the password. {capture}: no packet"),
                format!("plain.pcapng：含密码的数据包。{capture}：没有"),
            ),
        ),
        (
            "tcp.stream == 0".to_owned(),
            text(
                "the one connection; then right-click, Follow, TCP Stream",
                "那一条连接；然后右键，追踪流，TCP 流",
            ),
        ),
        (
            "tls.handshake.type == 1".to_owned(),
            text(
                "the ClientHello: look for server_name, ALPN, supported_versions, key_share",
                "ClientHello：看 server_name、ALPN、supported_versions、key_share",
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
            "tls.record.opaque_type == 23".to_owned(),
            text(
                "encrypted records of TLS 1.3: their lengths are all one sees",
                "TLS 1.3 的加密记录：能看到的只有长度",
            ),
        ),
        (
            opened,
            text(
                format!("{with_keys}: the same password, after decryption"),
                format!("{with_keys}：解密之后的同一个密码"),
            ),
        ),
    ];
    html! {
        h2 { (both("Look for yourself in Wireshark", "用 Wireshark 亲自看看")) }
        p { (both(
            "Open a capture of this folder and type a display filter. The files “with-keys” hold the session secrets: Wireshark decrypts them at once, and so does whoever gets hold of them.",
            "打开本文件夹中的捕获文件，输入显示过滤器。带 with-keys 的文件内含会话密钥：Wireshark 直接解密，任何拿到文件的人也一样。",
        )) }
        dl { @for (filter, what) in &filters { dt { code { (filter) } } dd { (say(what)) } } }
    }
}

/// Questions, answers folded.
pub(super) fn questions(report: &Report) -> Markup {
    html! {
        h2 { (both("Ask yourself", "问问自己")) }
        p.soft { (both("Answer first, then unfold.", "先回答，再展开。")) }
        @for (question, answer) in questions::list(report) {
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
            "The file itself looks like noise (it is compressed or encrypted), so the entropy of the plain stream says nothing. The search for its blocks does.",
            "文件本身就像噪声（已压缩或加密），因此明文流的熵不能说明问题；对文件块的查找才能。",
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
