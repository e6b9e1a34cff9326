//! What is written into the pictures and streams, in both languages: what a turn says, and what was found in
//! it. Names of the protocols stay as they are: they are what one looks up.

use crate::lab::compare::turns::Turn;
use crate::lang::{Both, both, same};

/// One word of a turn ([`Turn::words`]).
pub(super) fn word(word: &str) -> Both {
    let zh = match word {
        "encrypted" => "密文",
        "Finished (encrypted)" => "Finished（密文）",
        "file" => "文件内容",
        "ok" => "成功",
        "refused" => "被拒绝",
        "request" => "请求",
        "frame" => "消息",
        "handshake message" => "握手消息",
        "alert" => "告警",
        other => return same(other),
    };
    both(word, zh)
}

/// What was found, by its label.
pub(super) fn label(label: &str) -> Both {
    let (en, zh) = match label {
        "user" => ("user name", "用户名"),
        "password" => ("password", "密码"),
        "file name" => ("file name", "文件名"),
        "file" => ("the file", "文件"),
        other => return same(other),
    };
    both(en, zh)
}

/// All a turn says, a word each.
pub(super) fn words(turn: &Turn) -> Vec<Both> {
    turn.words().map(word).collect()
}

/// What was found in a turn, each once.
pub(super) fn labels(turn: &Turn) -> Vec<Both> {
    let mut labels: Vec<&str> = Vec::new();
    for mark in &turn.marks {
        if !labels.contains(&mark.label.as_str()) {
            labels.push(&mark.label);
        }
    }
    labels.into_iter().map(label).collect()
}

/// Columns a text takes: a Chinese character is as wide as two letters.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

/// Words in lines of at most `most` columns; a word that is longer has a line of its own.
pub(super) fn lines(words: &[String], between: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if columns(line) + columns(between) + columns(word) <= most => {
                line.push_str(between);
                line.push_str(word);
            }
            _ => lines.push(word.clone()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_filled_and_none_is_cut() {
        let words = ["ServerHello", "Certificate", "密文"].map(str::to_owned);
        assert_eq!(
            lines(&words, ", ", 24),
            ["ServerHello, Certificate", "密文"]
        );
        assert_eq!(lines(&words, ", ", 30), ["ServerHello, Certificate, 密文"]);
        assert_eq!(lines(&words, ", ", 5).len(), 3);
        assert_eq!(lines(&[], ", ", 5), Vec::<String>::new());
    }
}
