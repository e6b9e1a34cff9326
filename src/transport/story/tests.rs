//! The renderer, over a story written by hand.

use super::{Ending, Party, Record, Stage, Step, Story, What};
use crate::lang::{Lang, both};
use crate::transport::tls::ServerHello;

fn step(by: Party, what: What) -> Step {
    Step {
        at_us: 1_234,
        by,
        bytes: None,
        record: None,
        unread: false,
        what,
    }
}

fn story() -> Story {
    let finished = Step {
        bytes: Some(52),
        record: Some(Record {
            number: 3,
            bytes: 730,
            sealed: true,
        }),
        unread: true,
        ..step(Party::Server, What::Finished)
    };
    let hello = ServerHello {
        version: "TLS 1.3".into(),
        cipher: "TLS_AES_128_GCM_SHA256".into(),
        group: Some("X25519".into()),
        is_13: true,
        ..ServerHello::default()
    };
    Story {
        host: "h\u{1b}[2J".into(),
        port: 9,
        tls: true,
        began: time::OffsetDateTime::UNIX_EPOCH,
        steps: vec![
            step(Party::Server, What::ServerHello(hello)),
            step(
                Party::Here,
                What::Keys {
                    stage: Stage::Handshake,
                },
            ),
            finished,
        ],
        session: None,
        ending: Ending::Failed {
            code: "peer_certificate",
            message: both("not for h", "不适用于 h"),
            cure: both("say --servername", "请加 --servername"),
            at_us: 5_000,
        },
    }
}

#[test]
fn a_story_is_told_in_english() {
    let text = story().text(Lang::English);
    let told: Vec<_> = text.lines().skip(2).map(str::trim).collect();
    assert_eq!(
        told,
        [
            "1.23  ←  ServerHello",
            "version chosen      TLS 1.3",
            "cipher chosen       TLS_AES_128_GCM_SHA256",
            "group chosen        X25519",
            "1.23  ·  keys of the handshake computed",
            "from both key shares; nobody who only listens can do the same",
            "--- from here on encrypted: others see records of these sizes, and nothing in them ---",
            "1.23  ←  Finished  52 bytes, in encrypted record 3 (730) (no longer looked at)",
            "5.00  ·  failed: not for h",
            "next: say --servername",
        ]
    );
}

#[test]
fn a_story_is_told_in_chinese_and_a_hosts_name_moves_no_cursor() {
    let text = story().text(Lang::Chinese);
    for line in [
        "选定版本            TLS 1.3",
        "·  算出握手密钥",
        "--- 从这里开始加密：旁人只能看到这些记录的大小，看不到内容 ---",
        "Finished  52 字节，在第 3 条加密记录中（730）（已不再处理）",
        "失败：不适用于 h",
        "下一步：请加 --servername",
    ] {
        assert!(text.contains(line), "no {line} in: {text}");
    }
    assert!(!text.contains('\u{1b}'), "{text}");
}
