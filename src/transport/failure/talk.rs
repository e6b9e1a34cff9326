//! The two sides do not understand each other, or something comes between them.

use super::Side;
use super::context::{Scene, Stage};
use crate::error::Kind;
use crate::lang::{Both, both};

/// Why the two sides do not talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Talk {
    /// No TLS version in common.
    NoCommonVersion,
    /// No cipher suite in common.
    NoCommonCipher,
    /// No cipher suite or no group: the peer's alert does not tell which.
    NothingInCommon,
    /// No key exchange group, or no signature algorithm, in common.
    NoCommonGroup,
    /// The server does not answer in TLS.
    PlainServer,
    /// The client does not speak TLS.
    PlainClient,
    /// The server wants TLS, and it was spoken to in plain.
    TlsServer,
    /// It speaks TLS, but is no Sealpost.
    NotSealpost,
    /// A record was changed on the way, or dropped, repeated or put into another order.
    Tampered,
    /// The bytes ended early.
    Truncated,
    /// The peer hung up before it had answered.
    HungUp,
    /// The peer, or something on the way, cut the connection.
    Cut,
    /// The time is over.
    TooSlow,
    /// The peer breaks the rules of TLS.
    Misbehaved,
    /// The peer ended it by an alert about none of the above.
    Alert(String),
    /// The network says no, in its words.
    Network(String),
    /// This side failed.
    Internal,
}

impl Talk {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::NoCommonVersion
            | Self::NoCommonCipher
            | Self::NothingInCommon
            | Self::NoCommonGroup => Kind::Cipher,
            Self::Truncated => Kind::Partial,
            Self::TooSlow => Kind::Timeout,
            Self::Cut | Self::Network(_) => Kind::Connect,
            _ => Kind::Handshake,
        }
    }

    /// Whether the peer decided, and its log has the cause.
    pub(super) fn is_told_by_the_peer(&self) -> bool {
        matches!(self, Self::HungUp | Self::Cut | Self::Alert(_))
    }

    pub(super) fn message(&self, scene: &Scene<'_>) -> Both {
        let (en, zh) = (scene.side.peer().en, scene.side.peer().zh);
        match self {
            Self::NoCommonVersion => both(
                format!(
                    "the {en} and this side have no TLS version in common: allowed here: {} (RFC 8446 §4.2.1)",
                    scene.context.versions()
                ),
                format!(
                    "与{zh}没有共同的 TLS 版本：本端允许 {}（RFC 8446 §4.2.1）",
                    scene.context.versions()
                ),
            ),
            Self::NoCommonCipher => both(
                format!(
                    "the {en} and this side have no cipher suite in common{} (RFC 8446 §4.1.1)",
                    allowed(scene).en
                ),
                format!(
                    "与{zh}没有共同的密码套件{}（RFC 8446 §4.1.1）",
                    allowed(scene).zh
                ),
            ),
            Self::NothingInCommon => both(
                format!(
                    "the {en} and this side have no cipher suite or group in common{} (RFC 8446 §4.1.1)",
                    allowed(scene).en
                ),
                format!(
                    "与{zh}没有共同的密码套件或密钥交换组{}（RFC 8446 §4.1.1）",
                    allowed(scene).zh
                ),
            ),
            Self::NoCommonGroup => both(
                format!(
                    "the {en} and this side have no key exchange group or signature algorithm in common (RFC 8446 §4.2.7, §4.2.3)"
                ),
                format!("与{zh}没有共同的密钥交换组或签名算法（RFC 8446 §4.2.7、§4.2.3）"),
            ),
            Self::PlainServer => both(
                "what the server sends is not TLS: it speaks plain TCP, or another protocol",
                "服务器没有用 TLS 应答：它使用明文 TCP，或是别的协议",
            ),
            Self::PlainClient => both("the client does not speak TLS", "客户端没有使用 TLS"),
            Self::TlsServer => both(
                "the server speaks TLS, not plain TCP",
                "服务器使用 TLS，不接受明文 TCP",
            ),
            Self::NotSealpost => both(
                format!("the {en} speaks TLS, but not sealpost/1 (ALPN, RFC 7301 §3.2)"),
                format!("{zh}使用 TLS，但不支持 sealpost/1 协议（ALPN，RFC 7301 §3.2）"),
            ),
            _ => self.cut_message(scene),
        }
    }

    /// What came between the two, once they understood each other.
    fn cut_message(&self, scene: &Scene<'_>) -> Both {
        let (en, zh) = (scene.side.peer().en, scene.side.peer().zh);
        match self {
            Self::Tampered => both(
                "a record does not decrypt: it, or the order of the records, was changed on the way (bad_record_mac: RFC 8446 §6.2, RFC 5246 §7.2.2)",
                "有一条记录无法解密：它或记录的顺序在途中被改动过（bad_record_mac：RFC 8446 §6.2、RFC 5246 §7.2.2）",
            ),
            Self::Truncated if scene.context.tls => both(
                format!(
                    "the connection to the {en} was cut: TLS ended without its goodbye, close_notify, so more should have come (RFC 8446 §6.1)"
                ),
                format!(
                    "与{zh}的连接被截断：TLS 没有以 close_notify 正常结束，后面本应还有数据（RFC 8446 §6.1）"
                ),
            ),
            Self::Truncated => both(
                format!("the connection ended before the {en} had answered"),
                format!("{zh}还没有应答，连接就断开了"),
            ),
            Self::HungUp if scene.context.tls && scene.context.stage == Stage::Handshake => both(
                format!("the {en} hung up in the middle of the TLS handshake"),
                format!("{zh}在 TLS 握手中途挂断了连接"),
            ),
            Self::HungUp => both(
                format!("the {en} hung up before it had answered"),
                format!("{zh}没有应答就挂断了连接"),
            ),
            Self::Cut => both(
                format!("the {en} cut the connection"),
                format!("{zh}切断了连接"),
            ),
            Self::TooSlow => both(
                format!("the {en} did not answer in time"),
                format!("{zh}没有及时应答"),
            ),
            Self::Misbehaved => both(
                format!("what the {en} sends breaks the rules of TLS (RFC 8446)"),
                format!("{zh}发来的数据违反了 TLS 的规则（RFC 8446）"),
            ),
            Self::Alert(name) => both(
                format!("the {en} ended the connection with the TLS alert {name} (RFC 8446 §6.2)"),
                format!("{zh}以 TLS 警报 {name} 结束了连接（RFC 8446 §6.2）"),
            ),
            Self::Network(why) => both(
                format!("the connection to the {en} failed: {why}"),
                format!("与{zh}的连接失败：{why}"),
            ),
            _ => both("TLS failed on this side", "本端的 TLS 出错"),
        }
    }

    pub(super) fn hint(&self, scene: &Scene<'_>) -> Both {
        match self {
            Self::NoCommonVersion => both(
                "widen --tls-min and --tls-max on one side; `sealpost config` shows what is set here",
                "请在一端放宽 --tls-min 和 --tls-max；`sealpost config` 可查看本端设置",
            ),
            Self::NoCommonCipher => both(
                "widen --ciphers on one side, or --tls-min and --tls-max, for each suite is of one version; `sealpost config` shows what is set here",
                "请在一端放宽 --ciphers，或 --tls-min 和 --tls-max（每个套件只属于一个版本）；`sealpost config` 可查看本端设置",
            ),
            Self::NothingInCommon => both(
                "widen --ciphers or --curves on one side; `sealpost config` shows what is set here, the log of the other side tells which it is",
                "请在一端放宽 --ciphers 或 --curves；`sealpost config` 可查看本端设置，究竟是哪一种见对方日志",
            ),
            Self::NoCommonGroup => both(
                "widen --curves on one side; `sealpost config` shows what is set here",
                "请在一端放宽 --curves；`sealpost config` 可查看本端设置",
            ),
            Self::PlainServer => both(
                "check the port; if that server is plain on purpose, say --plain: everything can then be read on the way; `sealpost serve` without --plain speaks TLS",
                "请检查端口；如果对方确实有意使用明文，可加 --plain，但途中一切都可被读取；不带 --plain 的 `sealpost serve` 使用 TLS",
            ),
            Self::PlainClient => both(
                "the client is to leave out --plain; `sealpost serve --allow-plain` takes both",
                "客户端应去掉 --plain；`sealpost serve --allow-plain` 两者都接受",
            ),
            Self::TlsServer => both(
                "leave out --plain, and give its CA with --cacert",
                "请去掉 --plain，并用 --cacert 指定其 CA",
            ),
            Self::NotSealpost => both(
                "is this the right port? `sealpost serve` prints the one it listens on",
                "端口对吗？`sealpost serve` 启动时会显示监听的端口",
            ),
            Self::Tampered => both(
                "something between the two sides changes the bytes; try another way or network; `sealpost capture` records what arrives",
                "两端之间有东西在改动数据；请换一条路径或网络；`sealpost capture` 可记录收到的内容",
            ),
            Self::Truncated => both(
                "try again; an interrupted transfer goes on with --conflict resume",
                "请重试；中断的传输可用 --conflict resume 继续",
            ),
            Self::HungUp | Self::Cut => cut_hint(scene),
            Self::TooSlow => both(
                "try again; if it persists, the network or the other side is too slow or stuck",
                "请重试；若仍如此，则网络或对方太慢或卡住了",
            ),
            Self::Misbehaved => both(
                "is it a current TLS program? `-v` shows what was wrong; `sealpost capture` records it",
                "对方是较新的 TLS 程序吗？`-v` 显示错误所在；`sealpost capture` 可记录下来",
            ),
            Self::Alert(_) => both(
                "the log of the other side says why; `-v` there shows more",
                "原因见对方的日志；在那里加 `-v` 可看到更多",
            ),
            Self::Network(_) => both("check the network, then try again", "请检查网络后重试"),
            Self::Internal => both(
                "`-v` shows the cause; `sealpost config` shows what is set",
                "`-v` 显示原因；`sealpost config` 显示当前设置",
            ),
        }
    }
}

/// What to do about a peer that says nothing.
fn cut_hint(scene: &Scene<'_>) -> Both {
    match scene.side {
        Side::Server => both(
            "the client has the cause: `-v` there shows it",
            "原因在客户端一侧：在那里加 `-v` 可查看",
        ),
        Side::Client if !scene.context.tls => both(
            "if the server wants TLS, leave out --plain; else its log says why",
            "如果服务器要求 TLS，请去掉 --plain；否则原因见其日志",
        ),
        Side::Client => both(
            "the log of the server says why; is it a Sealpost server, and with TLS if --plain is not given?",
            "原因见服务器日志；对方是 Sealpost 服务器吗？没有加 --plain 时，对方应使用 TLS",
        ),
    }
}

/// The own cipher suites, where a list was given.
fn allowed(scene: &Scene<'_>) -> Both {
    match scene.context.policy.ciphers.as_slice() {
        [] => both("", ""),
        ciphers => both(
            format!(": allowed here: {}", ciphers.join(", ")),
            format!("：本端允许 {}", ciphers.join("、")),
        ),
    }
}
