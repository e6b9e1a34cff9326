//! How the words of the command line are called in the window.

use crate::lang::{Both, Lang, both};

/// What the command line says in a next step, and what the window says instead; in both languages, the longer first.
const PHRASES: [(&str, &str); 30] = [
    ("give or leave out --plain", "choose “Plain TCP” or “TLS”"),
    ("leave out --plain", "choose “TLS”"),
    ("say --plain", "choose “Plain TCP”"),
    ("if --plain is not given", "unless “Plain TCP” is chosen"),
    ("加上或去掉 --plain", "选择“明文 TCP”或“TLS”"),
    ("去掉 --plain", "选择“TLS”"),
    ("可加 --plain", "可选择“明文 TCP”"),
    ("没有加 --plain 时", "没有选择“明文 TCP”时"),
    (
        "`sealpost register --user NAME` makes an account",
        "“Make a new account” registers you",
    ),
    (
        "`sealpost register --user NAME` 可注册账户",
        "勾选“注册新账户”可注册",
    ),
    (
        "the same with --conflict resume goes on from here",
        "the next attempt goes on from here",
    ),
    (
        "an interrupted transfer goes on with --conflict resume",
        "an interrupted transfer goes on where it stopped",
    ),
    (
        "中断的传输可用 --conflict resume 继续",
        "中断的传输会从断点继续",
    ),
    (
        "say --conflict overwrite or rename, or choose another place with -o",
        "choose “Overwrite” or “Keep both” when asked, or download into another folder",
    ),
    (
        "请用 --conflict overwrite 或 rename，或用 -o 选择其他位置",
        "请在询问时选择“覆盖”或“两者都保留”，或下载到其他文件夹",
    ),
    (
        "make room with `sealpost rm`",
        "make room: delete files of yours",
    ),
    ("请用 `sealpost rm` 腾出空间", "请删除自己的文件以腾出空间"),
    (
        "; `sealpost stat` tells the owner",
        "; “Details…” tells who uploaded it",
    ),
    (
        "；`sealpost stat` 可查看所有者",
        "；“详细信息…”可查看上传者",
    ),
    (
        "`sealpost ls` shows what is there; a folder needs -r",
        "“Refresh” shows what is there",
    ),
    (
        "`sealpost ls` 可查看现有文件；文件夹需要 -r",
        "点击“刷新”可查看现有文件",
    ),
    (
        "replace what is there with --conflict overwrite",
        "choose “Overwrite” when asked",
    ),
    ("用 --conflict overwrite 覆盖", "在询问时选择“覆盖”"),
    (
        "give --crlfile FILE",
        "“Revocation list” under “Advanced” names one",
    ),
    ("用 --crlfile FILE 指定", "可在“高级”中的“吊销列表”指定"),
    (", or leave it out with --exclude", ""),
    ("，或用 --exclude 排除它", ""),
    ("; `sealpost config` shows what is set here", ""),
    ("; `sealpost config` shows what is set", ""),
    ("；`sealpost config` 可查看本端设置", ""),
];

/// A next step in the words of the window: what stands in the form is called as it is called there. Commands to be
/// typed elsewhere, between backquotes, stay.
pub(super) fn here(hint: &str, lang: Lang) -> String {
    let mut hint = hint.to_owned();
    for (theirs, ours) in PHRASES {
        hint = hint.replace(theirs, ours);
    }
    let fields = fields();
    let pieces = hint.split('`').enumerate().map(|(at, piece)| {
        let mut piece = piece.to_owned();
        // Every other piece is between backquotes.
        if at % 2 == 0 {
            for (option, place) in &fields {
                let place = lang.pick(&place.en, &place.zh);
                piece = piece.replace(&format!("{option} FILE"), option);
                piece = replace_word(&piece, option, place);
            }
        }
        piece
    });
    pieces.collect::<Vec<_>>().join("`")
}

/// Puts `place` where `option` stands as a whole word.
fn replace_word(text: &str, option: &str, place: &str) -> String {
    let mut done = String::new();
    let mut last = 0;
    for (at, _) in text.match_indices(option) {
        let end = at + option.len();
        let is_word = is_end(&text[end..]);
        done.push_str(&text[last..at]);
        done.push_str(if is_word { place } else { option });
        last = end;
    }
    done + &text[last..]
}

/// Whether no word goes on here.
fn is_end(rest: &str) -> bool {
    !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
}

/// The options that are fields of the form.
fn fields() -> [(&'static str, Both); 7] {
    let field = |en: &str, zh: &str| both(format!("“{en}”"), format!("“{zh}”"));
    [
        ("--server", field("Server", "服务器")),
        ("--user", field("User", "用户")),
        ("--password", field("Password", "密码")),
        ("--cacert", field("CA certificate", "CA 证书")),
        ("--cert", field("Your certificate", "您的证书")),
        ("--key", field("Private key", "私钥")),
        ("--pass", field("Passphrase", "私钥口令")),
    ]
}

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
    said.flat_map(|piece| piece.match_indices(option).map(move |(at, _)| (piece, at)))
        .any(|(piece, at)| is_end(&piece[at + option.len()..]))
}

/// The options that are folded away in the form, and are followed by a value.
fn options() -> [(&'static str, Both); 4] {
    let under = |en: &str, zh: &str| {
        both(
            format!("“{en}” under “Advanced”"),
            format!("“高级”中的“{zh}”"),
        )
    };
    [
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
    fn an_option_that_is_folded_away_is_explained_once_and_only_where_it_is_meant_for_the_window() {
        let hint =
            "say --servername a, or --crlfile FILE; `sealpost serve --tls-min 1.3` does it there";
        let explained = places(hint, Lang::English);
        assert_eq!(explained.len(), 2, "{explained:?}");
        assert!(explained[0].contains("“Name to expect”"));
        assert!(places("no option here", Lang::English).is_empty());
        assert!(places("--tls-minimum", Lang::Chinese).is_empty());
    }

    #[test]
    fn a_next_step_speaks_of_the_fields_of_the_form_and_leaves_commands_alone() {
        for (lang, theirs, ours) in [
            (
                Lang::English,
                "check --user and --password; `sealpost register --user NAME` makes an account",
                "check “User” and “Password”; “Make a new account” registers you",
            ),
            (
                Lang::English,
                "give the CA CN=x with --cacert FILE; `sealpost pki show --cacert FILE` tells",
                "give the CA CN=x with “CA certificate”; `sealpost pki show --cacert FILE` tells",
            ),
            (
                Lang::English,
                "leave out --plain, and give its CA with --cacert",
                "choose “TLS”, and give its CA with “CA certificate”",
            ),
            (
                Lang::Chinese,
                "请给出 --cert 和 --key；请去掉 --plain",
                "请给出 “您的证书” 和 “私钥”；请选择“TLS”",
            ),
            (
                Lang::English,
                "make room with `sealpost rm`, or ask the operator",
                "make room: delete files of yours, or ask the operator",
            ),
            (
                Lang::Chinese,
                "请换一个名称，或用 --conflict overwrite 覆盖",
                "请换一个名称，或在询问时选择“覆盖”",
            ),
            // --cacert is not --cert, nor --servername --server.
            (Lang::English, "--servername a", "--servername a"),
            (
                Lang::English,
                "`sealpost serve` without --plain",
                "`sealpost serve` without --plain",
            ),
        ] {
            assert_eq!(here(theirs, lang), ours);
        }
    }
}
