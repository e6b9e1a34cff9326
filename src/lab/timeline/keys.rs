//! The key schedule: which secrets exist from which point on, by the names of the RFCs.

use super::Secret;
use crate::lang::{Both, both};
use crate::transport::tls::{KeyLog, ServerHello, label};

/// Secrets, and where they come from.
pub(super) type Derived = (Vec<Secret>, Both);

/// Which of them the secrets at hand have.
pub(super) struct AtHand<'a> {
    pub(super) keys: &'a KeyLog,
    pub(super) client_random: Option<[u8; 32]>,
}

impl AtHand<'_> {
    fn has(&self, label: &str) -> bool {
        let of = |random| self.keys.secrets(random, label).next().is_some();
        self.client_random.as_ref().is_some_and(of)
    }

    fn secret(
        &self,
        name: &'static str,
        label: &'static str,
        in_log: Option<&str>,
        protects: Both,
    ) -> Secret {
        Secret {
            name,
            label: Some(label),
            protects,
            at_hand: in_log.is_some_and(|in_log| self.has(in_log)),
        }
    }

    /// With the `ClientHello`, when data goes along before any answer (RFC 8446 §7.1).
    pub(super) fn early(&self) -> Derived {
        let protects = both(
            "data the client sends before the server has answered (0-RTT)",
            "客户端在服务器应答之前发送的数据（0-RTT）",
        );
        let secret = self.secret(
            "client_early_traffic_secret",
            "c e traffic",
            Some(label::EARLY),
            protects,
        );
        let from = both(
            "from the pre-shared key of an earlier session alone",
            "只由先前会话的预共享密钥导出",
        );
        (vec![secret], from)
    }

    /// After the `ServerHello` of TLS 1.3.
    pub(super) fn handshake_13(&self, resumed: bool) -> Derived {
        let secrets = vec![
            self.secret(
                "client_handshake_traffic_secret",
                "c hs traffic",
                Some(label::CLIENT_HANDSHAKE),
                both(
                    "the client's remaining handshake messages: its certificate, its Finished",
                    "客户端其余的握手消息：证书、Finished",
                ),
            ),
            self.secret(
                "server_handshake_traffic_secret",
                "s hs traffic",
                Some(label::SERVER_HANDSHAKE),
                both(
                    "the server's remaining handshake messages, from EncryptedExtensions to Finished",
                    "服务器其余的握手消息，从 EncryptedExtensions 到 Finished",
                ),
            ),
        ];
        let from = match resumed {
            false => both(
                "by HKDF from the shared secret of both key shares, and a hash of both hellos (RFC 8446 §7.1); \
                 who only listens lacks both private keys",
                "由双方密钥份额算出的共享秘密和两个 Hello 的哈希，经 HKDF 导出（RFC 8446 §7.1）；只旁听的人没有任何一方的私钥",
            ),
            true => both(
                "by HKDF from the pre-shared key of the earlier session, the shared secret of the key shares if \
                 there are any, and a hash of both hellos (RFC 8446 §7.1)",
                "由先前会话的预共享密钥、（若有）密钥份额的共享秘密和两个 Hello 的哈希，经 HKDF 导出（RFC 8446 §7.1）",
            ),
        };
        (secrets, from)
    }

    /// After the server's Finished of TLS 1.3.
    pub(super) fn application_13(&self) -> Derived {
        let secrets = vec![
            self.secret(
                "client_application_traffic_secret_0",
                "c ap traffic",
                Some(label::CLIENT_TRAFFIC),
                both(
                    "everything the client says after its Finished",
                    "客户端在其 Finished 之后所说的一切",
                ),
            ),
            self.secret(
                "server_application_traffic_secret_0",
                "s ap traffic",
                Some(label::SERVER_TRAFFIC),
                both(
                    "everything the server says after its Finished",
                    "服务器在其 Finished 之后所说的一切",
                ),
            ),
            self.secret(
                "exporter_master_secret",
                "exp master",
                Some(label::EXPORTER),
                both(
                    "no record: keys for other uses may be derived from it (RFC 8446 §7.5)",
                    "不保护任何记录：可由它导出其他用途的密钥（RFC 8446 §7.5）",
                ),
            ),
        ];
        let from = both(
            "by HKDF from the master secret and a hash of the handshake up to the server's Finished",
            "由主秘密和截至服务器 Finished 的握手哈希经 HKDF 导出",
        );
        (secrets, from)
    }

    /// After the client's Finished of TLS 1.3.
    pub(super) fn resumption_13(&self) -> Derived {
        let secret = self.secret(
            "resumption_master_secret",
            "res master",
            None,
            both(
                "no record: a later handshake may be shortened by it, through tickets (a key log never has it)",
                "不保护任何记录：之后的握手可凭票据由它缩短（密钥日志中不会有它）",
            ),
        );
        let from = both(
            "by HKDF from the master secret and a hash of the whole handshake",
            "由主秘密和整个握手的哈希经 HKDF 导出",
        );
        (vec![secret], from)
    }

    /// After a `KeyUpdate` (RFC 8446 §7.2).
    pub(super) fn updated_13(&self) -> Derived {
        let secret = Secret {
            name: "application_traffic_secret_N+1",
            label: Some("traffic upd"),
            protects: both(
                "what this side says from here on; the secret before it can be forgotten",
                "这一方此后所说的一切；之前的秘密可以销毁",
            ),
            at_hand: self.has(label::CLIENT_TRAFFIC) || self.has(label::SERVER_TRAFFIC),
        };
        let from = both(
            "by HKDF from the secret before it",
            "由前一个秘密经 HKDF 导出",
        );
        (vec![secret], from)
    }

    /// TLS 1.2, once both halves of the key exchange are there.
    pub(super) fn session_12(&self, answer: &ServerHello) -> Derived {
        let (label, from) = match (answer.resumed, answer.extended_master_secret) {
            (true, _) => (
                "master secret",
                both(
                    "the master secret is that of the earlier session; the new randoms make new keys of it \
                     (RFC 5246 §6.3)",
                    "主秘密沿用先前会话的；由新的随机数导出新的密钥（RFC 5246 §6.3）",
                ),
            ),
            (false, true) => (
                "extended master secret",
                both(
                    "by the PRF from the pre-master secret, which the key exchange gave both sides, and a hash of \
                     the handshake so far (RFC 7627 §4)",
                    "由密钥交换得到的预主秘密和截至此处的握手哈希，经 PRF 导出（RFC 7627 §4）",
                ),
            ),
            (false, false) => (
                "master secret",
                both(
                    "by the PRF from the pre-master secret, which the key exchange gave both sides, and both \
                     randoms (RFC 5246 §8.1)",
                    "由密钥交换得到的预主秘密和双方的随机数，经 PRF 导出（RFC 5246 §8.1）",
                ),
            ),
        };
        let at_hand = self.has(label::MASTER);
        let secrets = vec![
            self.secret(
                "master_secret",
                label,
                Some(label::MASTER),
                both(
                    "everything: both Finished messages are computed with it, all keys come from it",
                    "一切：两个 Finished 都由它计算，所有密钥都来自它",
                ),
            ),
            Secret {
                name: "client_write_key, client_write_IV",
                label: Some("key expansion"),
                protects: both(
                    "what the client says after its ChangeCipherSpec",
                    "客户端在其 ChangeCipherSpec 之后所说的一切",
                ),
                at_hand,
            },
            Secret {
                name: "server_write_key, server_write_IV",
                label: Some("key expansion"),
                protects: both(
                    "what the server says after its ChangeCipherSpec",
                    "服务器在其 ChangeCipherSpec 之后所说的一切",
                ),
                at_hand,
            },
        ];
        (secrets, from)
    }
}
