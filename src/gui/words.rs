//! How the words of the command line are called in the window.

use crate::lang::{Both, Lang, both};

/// Where the window has what an error's next step calls by its option: a line for each option in `hint`.
pub(super) fn places(hint: &str, lang: Lang) -> Vec<String> {
    let all = options();
    let found = all.iter().filter(|(option, _)| mentions(hint, option));
    found
        .map(|(option, place)| match lang {
            Lang::English => format!("{option} is here: {}", place.en),
            Lang::Chinese => format!("{option} 即此处的{}", place.zh),
        })
        .collect()
}

/// Whether `option` stands in `hint` as a whole word, and not inside a command to be typed elsewhere.
fn mentions(hint: &str, option: &str) -> bool {
    // Every other piece is between backquotes.
    let said = hint.split('`').step_by(2);
    let is_word = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
    said.flat_map(|piece| piece.match_indices(option).map(move |(at, _)| (piece, at)))
        .any(|(piece, at)| is_word(&piece[at + option.len()..]))
}

fn options() -> [(&'static str, Both); 12] {
    let under = |en: &str, zh: &str| {
        both(
            format!("“{en}” under “Advanced”"),
            format!("“高级”中的“{zh}”"),
        )
    };
    let field = |en: &str, zh: &str| both(format!("“{en}”"), format!("“{zh}”"));
    [
        ("--server", field("Server", "服务器")),
        ("--user", field("User", "用户")),
        ("--password", field("Password", "密码")),
        ("--plain", field("Plain TCP", "明文 TCP")),
        ("--cacert", field("CA certificate", "CA 证书")),
        ("--cert", field("Your certificate", "您的证书")),
        ("--key", field("Private key", "私钥")),
        ("--pass", field("Passphrase", "私钥口令")),
        ("--servername", under("Name to expect", "期望的名称")),
        ("--crlfile", under("Revocation list", "吊销列表")),
        ("--pinnedpubkey", under("Pinned public key", "固定公钥")),
        ("--tls-min", under("TLS versions", "TLS 版本")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_explained_once_and_only_where_it_is_meant_for_the_window() {
        let hint = "give --cert and --key; `sealpost serve --plain` does it there";
        let places = places(hint, Lang::English);
        assert_eq!(places.len(), 2, "{places:?}");
        assert!(places[0].contains("“Your certificate”"));
        assert!(super::places("no option here", Lang::English).is_empty());
        // --cacert is not --cert, nor --password --pass.
        let places = super::places("check --password, --cacert", Lang::Chinese);
        assert_eq!(places.len(), 2, "{places:?}");
        assert!(places[0].contains("密码") && places[1].contains("CA 证书"));
    }
}
