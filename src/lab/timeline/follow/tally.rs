//! Counts what a handshake took, and concludes what the secrets were good for.

use super::super::{Agreed, Connection, ConnectionKind, Cost, Opened, Verdict};
use crate::lang::{Both, both};
use crate::transport::tls::{
    APPLICATION_DATA, Content, HANDSHAKE, KeyLog, Locked, Message, Record, Sender,
};

/// What is counted while a connection is followed.
#[derive(Default)]
pub(super) struct Tally {
    messages: [u64; 2],
    bytes: [u64; 2],
    finished: [bool; 2],
    last_number: [u32; 2],
    sealed: u64,
    opened: u64,
    /// Handshake that could not be read: the counts are not whole.
    is_part: bool,
    speaker: Option<Sender>,
    waits: u32,
    first_data: Option<(u32, u64)>,
    pub(super) missing_bytes: u64,
    pub(super) reset: bool,
}

impl Tally {
    /// Counts a record, or one more thing that stands in it.
    pub(super) fn record(&mut self, by: Sender, record: &Record, content: &Content, at_us: u64) {
        let side = super::side(by);
        let is_new = record.number != self.last_number[side];
        self.last_number[side] = record.number;
        if is_new {
            self.sealed += u64::from(record.sealed);
            self.opened += u64::from(record.opened);
            if by == Sender::Server && self.speaker == Some(Sender::Client) {
                self.waits += u32::from(self.first_data.is_none());
            }
            self.speaker = Some(by);
            if by == Sender::Client && record.kind == APPLICATION_DATA {
                self.first_data.get_or_insert((self.waits, at_us));
            }
        }
        if self.finished[side] {
            return;
        }
        let is_application = matches!(content, Content::Application(_));
        if is_new && !is_application {
            self.bytes[side] += record.bytes;
        }
        match content {
            Content::Message { message, .. } => {
                self.messages[side] += 1;
                self.finished[side] = matches!(message, Message::Finished);
            }
            // In TLS 1.2 the type still shows, and it is the one message that is encrypted.
            Content::Sealed(_) if record.kind == HANDSHAKE => {
                self.messages[side] += 1;
                self.finished[side] = true;
            }
            Content::Sealed(_) => self.is_part = true,
            _ => {}
        }
    }

    /// Writes down what came of it.
    pub(super) fn conclude(
        &self,
        told: &mut Connection,
        keys: &KeyLog,
        client_random: Option<[u8; 32]>,
        reasons: &[Locked],
    ) {
        let is_whole = self.finished == [true; 2] && !self.is_part && self.missing_bytes == 0;
        told.cost = Cost {
            messages: is_whole.then_some(self.messages),
            bytes: is_whole.then_some(self.bytes),
            round_trips: self
                .first_data
                .filter(|_| told.kind == ConnectionKind::Tls)
                .map(|(waits, _)| waits),
            first_data_us: self.first_data.map(|(_, at_us)| at_us),
        };
        let verdict = match (self.sealed, self.opened) {
            (0, _) => Verdict::NotNeeded,
            (sealed, opened) if sealed == opened => Verdict::All,
            (_, 1..) => Verdict::Part,
            _ if reasons.contains(&Locked::Suite) => Verdict::Suite,
            _ if reasons.contains(&Locked::WrongKey) => Verdict::Wrong,
            _ if keys.is_empty() => Verdict::NoSecrets,
            _ if client_random.is_some_and(|random| !keys.knows(&random)) => Verdict::OfOthers,
            _ if reasons.contains(&Locked::Missing) => Verdict::Missing,
            _ => Verdict::OfOthers,
        };
        told.opened = Opened {
            sealed: self.sealed,
            opened: self.opened,
            verdict,
        };
        told.remarks.extend(kind_remark(told.kind));
        told.remarks
            .extend(verdict_remark(&told.opened, told.kind, &told.agreed));
        if self.missing_bytes > 0 {
            let n = self.missing_bytes;
            told.remarks.push(both(
                format!(
                    "{n} bytes of this connection were not captured; what follows them cannot be followed"
                ),
                format!("本连接有 {n} 字节未被捕获；其后的内容无法继续解读"),
            ));
        }
        if self.reset {
            told.remarks.push(both(
                "it ended with a reset (RST), not in order",
                "连接以复位（RST）结束，而非正常关闭",
            ));
        }
    }
}

fn kind_remark(kind: ConnectionKind) -> Option<Both> {
    Some(match kind {
        ConnectionKind::Tls => return None,
        ConnectionKind::TlsMidstream => both(
            "the handshake of this connection is not in the capture, or not whole: it began earlier, or bytes are \
             missing. So nothing can be opened, with or without secrets",
            "本连接的握手不在捕获文件中，或不完整：它开始得更早，或缺少字节。因此无论有没有密钥都无法解开",
        ),
        ConnectionKind::Plain => both(
            "plain TCP, no TLS: there is no handshake, and everything below is readable by anybody on the way",
            "明文 TCP，没有 TLS：没有握手，下面的一切途中任何人都能读到",
        ),
        ConnectionKind::Other => both(
            "no TLS: another protocol, or one that was under way when the capture began",
            "不是 TLS：其他协议，或捕获开始时已在进行中",
        ),
        ConnectionKind::Silent => both("no byte was sent", "没有发送任何字节"),
    })
}

fn verdict_remark(opened: &Opened, kind: ConnectionKind, agreed: &Agreed) -> Option<Both> {
    let Opened {
        sealed, opened: n, ..
    } = opened;
    Some(match opened.verdict {
        Verdict::NotNeeded => return None,
        _ if kind != ConnectionKind::Tls => return None,
        Verdict::NoSecrets => both(
            "no secrets are at hand: this is all that a stranger sees",
            "手头没有密钥：这就是陌生人能看到的全部",
        ),
        Verdict::OfOthers => both(
            "the secrets at hand are of other connections: none has this client random",
            "手头的密钥属于其他连接：没有一条对应本连接的客户端随机数",
        ),
        Verdict::Wrong => both(
            "the secrets at hand name this connection but open none of its records: they are wrong, or the \
             capture was altered",
            "手头的密钥标明属于本连接，却打不开任何记录：密钥是错的，或者捕获文件被改动过",
        ),
        Verdict::Suite => {
            let named = |agreed: &Option<String>| agreed.as_deref().unwrap_or("?").to_owned();
            let (suite, version) = (named(&agreed.cipher), named(&agreed.version));
            both(
                format!(
                    "{suite} of {version} is not opened here, with or without its keys: the suites of TLS 1.3 are, and those of TLS 1.2 with GCM or ChaCha20-Poly1305; Wireshark opens more"
                ),
                format!(
                    "无论有没有密钥，本程序都不能解开 {version} 的 {suite}：能解开的是 TLS 1.3 的套件，以及 TLS 1.2 中使用 GCM 或 ChaCha20-Poly1305 的套件；Wireshark 能解开更多套件"
                ),
            )
        }
        Verdict::Missing => both(
            "what is needed to open it was not captured",
            "解密所需的前文未被捕获",
        ),
        Verdict::Part => both(
            format!("the secrets at hand opened {n} of {sealed} encrypted records"),
            format!("手头的密钥解开了 {sealed} 条加密记录中的 {n} 条"),
        ),
        Verdict::All => both(
            format!("the secrets at hand opened all {sealed} encrypted records"),
            format!("手头的密钥解开了全部 {sealed} 条加密记录"),
        ),
    })
}
