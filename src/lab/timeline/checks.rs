//! The checks of a certificate that was seen, in the order of the lesson: a chain to a known CA, the dates,
//! the name, the purpose, revocation, and the private key.

use time::OffsetDateTime;

use super::{Checks, Evidence, Possession};
use crate::lang::both;
use crate::pki::profile::Role;
use crate::pki::verify::{Against, Check, Outcome, Step, verify};
use crate::text;
use crate::transport::CertificateDer;
use crate::transport::tls::Sender;

/// The order in which the articles list the steps.
const ORDER: [Check; 8] = [
    Check::Issuer,
    Check::Signature,
    Check::Digest,
    Check::Form,
    Check::Dates,
    Check::Host,
    Check::Purpose,
    Check::Revocation,
];

/// A chain that was shown, and when.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) of: Sender,
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// Nanoseconds since 1970; 0 where the capture tells no time.
    pub(super) at_ns: u64,
}

/// What proves possession of the private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// A signature over the handshake, and whether it was found good.
    Signature(Option<bool>),
    /// None is needed: the secret of the connection was encrypted with the public key (RSA key exchange).
    Decrypts,
    /// There is one, in a form that is not read here (before TLS 1.2).
    Unread,
    /// None was seen.
    Unseen,
}

/// Checks a chain; `name` is what the client called the server.
pub(super) fn checks(
    shown: &Shown,
    name: Option<&str>,
    evidence: &Evidence,
    proof: Proof,
) -> Checks {
    let at = OffsetDateTime::from_unix_timestamp_nanos(shown.at_ns.into());
    let at = at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let against = Against {
        anchors: &evidence.anchors,
        lists: &evidence.lists,
        host: name,
        purpose: Some(match shown.of {
            Sender::Server => Role::Server,
            Sender::Client => Role::Client,
        }),
        now: at,
    };
    // One that cannot be read has no steps.
    let all = match shown.chain.is_empty() {
        true => Vec::new(),
        false => verify(&shown.chain, &against).map_or_else(|_damaged| Vec::new(), |all| all.steps),
    };
    let mut steps = Vec::new();
    for wanted in ORDER {
        let found = all.iter().find(|step| step.check == wanted);
        steps.extend(found.cloned());
    }
    for step in &mut steps {
        adjust(step, shown, name, evidence);
    }
    Checks {
        of: shown.of,
        name: name.map(str::to_owned),
        as_of: text::time(at),
        steps,
        possession: possession(proof),
    }
}

/// Where a step was checked against nothing, it says so in words that fit a capture.
fn adjust(step: &mut Step, shown: &Shown, name: Option<&str>, evidence: &Evidence) {
    let no_ca = evidence.anchors.is_empty();
    let without_ca = || {
        both(
            "cannot be judged without the CA (--cacert FILE)",
            "没有 CA 无法判断（用 --cacert FILE 指定）",
        )
    };
    let says = match step.check {
        Check::Revocation if evidence.lists.is_empty() => both(
            "no revocation list to look into (--crlfile FILE)",
            "没有可查的吊销列表（用 --crlfile FILE 指定）",
        ),
        Check::Issuer | Check::Revocation if no_ca => without_ca(),
        // A chain that was sent may still hold together up to its end.
        Check::Signature if no_ca && step.outcome == Outcome::Skipped => without_ca(),
        Check::Dates if shown.at_ns == 0 => {
            both("the capture does not tell the time", "捕获文件没有记录时间")
        }
        Check::Host if shown.of == Sender::Client => both(
            "a client is not called by a name: who it is stands in its subject",
            "客户端没有被称呼的主机名：其身份写在证书主题中",
        ),
        Check::Host if name.is_none() => both(
            "the client named no server (no SNI), so the capture does not tell which name it wanted",
            "客户端没有给出服务器名（无 SNI），捕获文件无法说明它要的是哪个名称",
        ),
        _ => return,
    };
    *step = Step {
        check: step.check,
        outcome: Outcome::Skipped,
        says: says.en,
        says_zh: says.zh,
        rule: None,
        cure: None,
        cure_zh: None,
    };
}

fn possession(proof: Proof) -> Possession {
    let (outcome, says) = match proof {
        Proof::Signature(Some(true)) => (
            Outcome::Passed,
            both(
                "the signature over this handshake was made with the private key of the certificate (computed again here)",
                "对本次握手的签名确由该证书的私钥作出（此处重新验算）",
            ),
        ),
        Proof::Signature(Some(false)) => (
            Outcome::Failed,
            both(
                "the signature over this handshake was not made with the private key of the certificate",
                "对本次握手的签名并非由该证书的私钥作出",
            ),
        ),
        Proof::Signature(None) => (
            Outcome::Skipped,
            both(
                "a signature is there, but not all that it signs was captured or opened",
                "有签名，但被签名的内容没有全部捕获或解开",
            ),
        ),
        Proof::Decrypts => (
            Outcome::Skipped,
            both(
                "not by a signature: in RSA key exchange only who has the private key can compute the keys, which its \
                 Finished shows",
                "不是通过签名：在 RSA 密钥交换中，只有持有私钥者才能算出密钥，由其 Finished 体现",
            ),
        ),
        Proof::Unread => (
            Outcome::Skipped,
            both(
                "the key exchange is signed, in a form that this program does not read",
                "密钥交换带有签名，但其格式本程序不解读",
            ),
        ),
        Proof::Unseen => (
            Outcome::Skipped,
            both(
                "no signature over the handshake was seen",
                "没有看到对握手的签名",
            ),
        ),
    };
    Possession { outcome, says }
}
