//! What each thing on the wire means, in a sentence or two.

use crate::lang::{Both, both};
use crate::transport::tls::{Locked, Message, Sender};

/// What a message is there for.
pub(super) fn of(message: &Message, by: Sender, is_13: bool) -> Both {
    match message {
        Message::ClientHello(_) | Message::HelloRetryRequest { .. } | Message::ServerHello(_) => {
            hello(message, is_13)
        }
        Message::Certificate { .. } | Message::CertificateVerify { .. } => {
            proof(message, by, is_13)
        }
        Message::EncryptedExtensions { .. } => both(
            "The rest of the server's answer, the first message under encryption. Which application protocol was \
             chosen is hidden from here on.",
            "服务器应答的其余部分，第一条加密的消息。从此刻起，选定了哪个应用协议对旁人不可见。",
        ),
        Message::CertificateRequest { .. } => both(
            "The server wants the client to prove who it is as well: this makes the authentication mutual.",
            "服务器要求客户端也证明身份：认证由此成为双向的。",
        ),
        Message::ServerKeyExchange { .. } => both(
            "The server's half of the key exchange, new for this connection, signed with the key of its \
             certificate together with both randoms.",
            "服务器在密钥交换中的一半，专为本连接新生成，并与双方随机数一起用其证书的密钥签名。",
        ),
        Message::ServerHelloDone => both(
            "The server has said its part and waits.",
            "服务器说完了，等待客户端。",
        ),
        Message::ClientKeyExchange => both(
            "The client's half of the key exchange. From here on both sides can compute the same secret; who \
             listens cannot.",
            "客户端在密钥交换中的一半。从此双方能算出同一个秘密；旁听者不能。",
        ),
        Message::Finished => both(
            "A code over the handshake up to here, made with a key only the two ends have: had anybody on the way \
             changed a single byte of it, it would not fit.",
            "用只有两端才有的密钥对截至此处的握手计算的校验码：途中哪怕改动其中一个字节，它都对不上。",
        ),
        Message::NewSessionTicket { .. } => both(
            "A ticket for the next time: with it a later handshake needs no certificates.",
            "下一次用的票据：凭它，之后的握手不需要证书。",
        ),
        Message::KeyUpdate { .. } => both(
            "This side goes on with new keys, derived from the old ones, which can be forgotten.",
            "这一方改用由旧密钥导出的新密钥，旧密钥可以销毁。",
        ),
        Message::EndOfEarlyData => both(
            "The end of the data that was sent before the server had answered.",
            "在服务器应答之前发送的数据到此为止。",
        ),
        Message::HelloRequest => both(
            "The server asks to shake hands once more.",
            "服务器要求重新握手。",
        ),
        Message::CertificateStatus => both(
            "The server's proof that its certificate was not revoked a short while ago (OCSP).",
            "服务器提供的证明：其证书近期未被吊销（OCSP）。",
        ),
        Message::Other { .. } => both(
            "A message this program does not read.",
            "本程序不解读的消息。",
        ),
    }
}

fn hello(message: &Message, is_13: bool) -> Both {
    match message {
        Message::ClientHello(_) => both(
            "The client's offer, in the clear: which versions and algorithms it speaks, whom it wants to talk to, \
             and its half of the key exchange if it is ready for TLS 1.3.",
            "客户端的提议，明文：它支持哪些版本和算法、要找谁，若已准备用 TLS 1.3，还有它那一半密钥交换。",
        ),
        Message::HelloRetryRequest { .. } => both(
            "The server speaks TLS 1.3 but not with the key share that came; it names the group it wants. The \
             client begins again, which costs a round trip.",
            "服务器支持 TLS 1.3，但不接受送来的密钥份额；它指明想要的组。客户端重新开始，多一次往返。",
        ),
        _ if is_13 => both(
            "The server's choice and its half of the key exchange. Both sides now have a common secret, and \
             the handshake from here on is encrypted: the last handshake message a stranger reads.",
            "服务器的选择和它那一半密钥交换。双方从此拥有共同秘密，此后的握手都加密：这是陌生人能读到的最后一条握手消息。",
        ),
        _ => both(
            "The server's choice of version and algorithms, in the clear. Before TLS 1.3 there are no keys yet at this \
             point: the certificates that follow are readable by anybody.",
            "服务器选定的版本和算法，明文。在 TLS 1.3 之前的版本中，此时还没有密钥：随后的证书任何人都能读。",
        ),
    }
}

fn proof(message: &Message, by: Sender, is_13: bool) -> Both {
    let is_empty = matches!(message, Message::Certificate { der, .. } if der.is_empty());
    match (message, by) {
        (Message::Certificate { .. }, Sender::Client) if is_empty => both(
            "The client was asked for a certificate and has none to show. Whether it may go on is for the server \
             to say.",
            "服务器要求证书，而客户端没有可出示的。能否继续由服务器决定。",
        ),
        (Message::Certificate { .. }, Sender::Server) if is_13 => both(
            "The server shows who it is, encrypted in TLS 1.3. A certificate is public: showing it proves nothing \
             yet.",
            "服务器出示身份，在 TLS 1.3 中是加密的。证书是公开的：出示它还不能证明什么。",
        ),
        (Message::Certificate { .. }, Sender::Server) => both(
            "The server shows who it is, in the clear: only TLS 1.3 encrypts it. A certificate is public: showing it \
             proves nothing yet.",
            "服务器出示身份，是明文：只有 TLS 1.3 对它加密。证书是公开的：出示它还不能证明什么。",
        ),
        (Message::Certificate { .. }, Sender::Client) if is_13 => both(
            "The client shows who it is, encrypted in TLS 1.3.",
            "客户端出示身份，在 TLS 1.3 中是加密的。",
        ),
        (Message::Certificate { .. }, Sender::Client) => both(
            "The client shows who it is, in the clear: only TLS 1.3 encrypts it. Anybody on the way reads who is asking.",
            "客户端出示身份，是明文：只有 TLS 1.3 对它加密。途中任何人都能看到是谁在访问。",
        ),
        (_, Sender::Server) => both(
            "The server signs the handshake so far: it holds the private key of the certificate it showed, now, \
             and for this connection.",
            "服务器对截至此处的握手签名：证明此刻、在本连接上，它确实持有所示证书的私钥。",
        ),
        (_, Sender::Client) => both(
            "The client signs the handshake so far: it holds the private key of the certificate it showed.",
            "客户端对截至此处的握手签名：证明它确实持有所示证书的私钥。",
        ),
    }
}

/// `ChangeCipherSpec`.
pub(super) fn change_cipher_spec(is_13: bool) -> Both {
    match is_13 {
        true => both(
            "Means nothing in TLS 1.3: it is sent so that old boxes on the way take this for TLS 1.2 and let it \
             pass.",
            "在 TLS 1.3 中没有意义：只为让途中的旧设备把它当作 TLS 1.2 放行。",
        ),
        false => both(
            "Everything this side sends after it is encrypted.",
            "这一方此后发送的一切都加密。",
        ),
    }
}

/// An alert.
pub(super) fn alert(name: &str) -> Both {
    match name {
        "close_notify" => both(
            "The orderly end: nothing more will come from this side, and nobody cut anything off.",
            "正常结束：这一方不再发送，数据也没有被人截断。",
        ),
        _ => both(
            "This side gives up, and says why as far as the peer is to know.",
            "这一方中止连接，并告知对方可以知道的原因。",
        ),
    }
}

/// Content of the application: the first of Sealpost's operations in it, and whether a file is.
pub(super) fn application(word: Option<&str>, has_file: bool) -> Both {
    match (word, has_file) {
        (Some("ok"), true) => both(
            "The server's reply, and the file behind it.",
            "服务器的答复，其后是文件内容。",
        ),
        (_, true) => both("The bytes of a file.", "文件的内容。"),
        (Some("hello"), _) => both(
            "Sealpost's first request. Only its answer makes the client say \"connected\": until then the server \
             may still refuse the client's certificate.",
            "Sealpost 的第一个请求。收到答复，客户端才说“已连接”：在此之前，服务器仍可能拒绝客户端证书。",
        ),
        (Some("login" | "register" | "passwd"), _) => both(
            "User and password: the reason why all this is encrypted.",
            "用户名和密码：加密正是为此。",
        ),
        (Some("put"), _) => both("An upload is announced.", "预告上传。"),
        (Some("get"), _) => both("A file is asked for.", "请求下载文件。"),
        (Some("list" | "stat" | "whoami"), _) => both("A question.", "查询。"),
        (Some("sha256"), _) => both(
            "The digest of the file that was sent: the server compares.",
            "已发送文件的摘要，供服务器核对。",
        ),
        (Some("quit"), _) => both("Goodbye.", "告别。"),
        (Some("ok"), _) => both("The server's reply.", "服务器的答复。"),
        (Some("refused"), _) => both("The server refuses.", "服务器拒绝。"),
        _ => both(
            "What the two programs have to say to each other.",
            "两个程序之间真正要说的内容。",
        ),
    }
}

/// A part of a message.
pub(super) fn part() -> Both {
    both(
        "Part of a message that ends in a later record.",
        "一条消息的一部分，该消息在后面的记录中结束。",
    )
}

/// What does not keep to its form.
pub(super) fn unreadable() -> Both {
    both(
        "This does not keep to the form that the RFC has for it.",
        "这不符合 RFC 规定的格式。",
    )
}

/// What is no TLS.
pub(super) fn not_tls() -> Both {
    both(
        "What comes here is no record of TLS; nothing behind it can be read as one.",
        "这里不是 TLS 记录；其后的内容无法按 TLS 解读。",
    )
}

/// A record that stays closed.
pub(super) fn locked(locked: Locked) -> Both {
    match locked {
        Locked::NoKey => both(
            "encrypted: without the secret there is nothing to be read",
            "已加密：没有密钥，什么也读不到",
        ),
        Locked::WrongKey => both(
            "encrypted: the secret at hand does not open it",
            "已加密：手头的密钥打不开",
        ),
        Locked::Suite => both(
            "encrypted with a cipher suite that is not opened here",
            "以本程序不支持解密的密码套件加密",
        ),
        Locked::Missing => both(
            "encrypted, and what is needed to open it was not captured",
            "已加密，而解密所需的前文未被捕获",
        ),
    }
}
