//! What a stranger has learned, in a sentence: counted from what was read, never from what this side knows.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};

use crate::lang::{Both, both};
use crate::text::{brief, escape, size};

/// File names counted one by one; beyond that it is "more than".
const NAMES_MAX: usize = 10_000;

/// Everything that was read on all connections.
#[derive(Debug, Default)]
pub(super) struct Learned {
    users: BTreeSet<String>,
    /// Hashes: there is no need for one more copy of a password.
    passwords: BTreeSet<u64>,
    hash: RandomState,
    names: BTreeSet<String>,
    whole: BTreeSet<String>,
    parts: BTreeSet<String>,
    /// Bytes of files.
    content_bytes: u64,
}

/// What everybody sees of connections whatever they say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outside {
    /// Between whom; of the first connection.
    pub(super) who: String,
    /// What the handshakes show: the server's name, certificates of TLS 1.2.
    pub(super) shown: BTreeSet<String>,
    /// Bytes both ways.
    pub(super) bytes: u64,
    /// Connections whose bytes are plain.
    pub(super) plain: usize,
    /// All of them.
    pub(super) connections: usize,
}

impl Learned {
    /// Somebody logged in, or made an account.
    pub(super) fn user(&mut self, user: &str) {
        self.users.insert(user.to_owned());
    }

    /// A password.
    pub(super) fn password(&mut self, password: &str) {
        self.passwords.insert(self.hash.hash_one(password));
    }

    /// A file's name.
    pub(super) fn name(&mut self, name: &str) {
        if self.names.len() <= NAMES_MAX && !self.names.contains(name) {
            self.names.insert(name.to_owned());
        }
    }

    /// Bytes of a file.
    pub(super) fn content(&mut self, bytes: u64) {
        self.content_bytes += bytes;
    }

    /// A file's bytes are over: all of them were read, or not.
    pub(super) fn file(&mut self, name: &str, whole: bool) {
        if whole {
            self.parts.remove(name);
            self.whole.insert(name.to_owned());
        } else if !self.whole.contains(name) {
            self.parts.insert(name.to_owned());
        }
    }

    /// Nothing was.
    pub(super) fn is_nothing(&self) -> bool {
        self.users.is_empty()
            && self.passwords.is_empty()
            && self.names.is_empty()
            && self.content_bytes == 0
    }

    /// The sentence.
    pub(super) fn sentence(&self, outside: &Outside) -> Both {
        if outside.connections == 0 {
            return both(
                "Nothing has passed yet: connect, and see what a stranger sees",
                "尚无数据经过：连接后即可看到陌生人看到的内容",
            );
        }
        let (en, zh) = match self.is_nothing() {
            true => Self::nothing(outside),
            false => self.something(),
        };
        both(
            format!("A stranger has read so far: {en}"),
            format!("到目前为止，陌生人已读到：{zh}"),
        )
    }

    fn something(&self) -> (String, String) {
        let mut en = Vec::new();
        let mut zh = Vec::new();
        let mut say = |english: String, chinese: String| {
            en.push(english);
            zh.push(chinese);
        };
        match self.users.len() {
            0 => {}
            1 => say("your user name".into(), "您的用户名".into()),
            n => say(format!("{n} user names"), format!("{n} 个用户名")),
        }
        match self.passwords.len() {
            0 => {}
            1 => say("your password".into(), "您的密码".into()),
            n => say(format!("{n} passwords"), format!("{n} 个密码")),
        }
        match self.names.len() {
            0 => {}
            1 => say("1 file name".into(), "1 个文件名".into()),
            n if n > NAMES_MAX => say(
                format!("more than {NAMES_MAX} file names"),
                format!("超过 {NAMES_MAX} 个文件名"),
            ),
            n => say(format!("{n} file names"), format!("{n} 个文件名")),
        }
        match self.whole.len() {
            0 => {}
            1 => say(
                "the whole content of 1 file".into(),
                "1 个文件的全部内容".into(),
            ),
            n => say(
                format!("the whole content of {n} files"),
                format!("{n} 个文件的全部内容"),
            ),
        }
        if self.whole.is_empty() && self.content_bytes > 0 || !self.parts.is_empty() {
            let bytes = size(self.content_bytes);
            say(
                format!("content of files, {bytes} in all"),
                format!("文件内容共 {bytes}"),
            );
        }
        (en.join(", "), zh.join("、"))
    }

    fn nothing(outside: &Outside) -> (String, String) {
        let mut who = escape(&outside.who);
        for shown in &outside.shown {
            who.push_str(", ");
            who.push_str(&escape(shown));
        }
        let (who, bytes) = (brief(&who, 200), size(outside.bytes));
        let (en, zh) = match outside.plain {
            // Nothing that tells anything has passed in the clear.
            0 => ("nothing but", "除下列信息外一无所获："),
            _ => (
                "nothing yet, though all is plain; but",
                "暂无（但一切都是明文）；只有：",
            ),
        };
        (
            format!("{en} who ({who}), when, and how much ({bytes})"),
            format!("{zh}谁（{who}）、何时、多少（{bytes}）"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outside(plain: usize) -> Outside {
        Outside {
            who: "a → b".into(),
            bytes: 1_500,
            plain,
            connections: 1,
            ..Outside::default()
        }
    }

    #[test]
    fn what_was_read_is_counted_once_and_told_in_both_languages() {
        let mut learned = Learned::default();
        for _ in 0..2 {
            learned.user("alice");
            learned.password("hunter2");
            learned.name("a");
            learned.name("b");
        }
        learned.content(5);
        learned.file("a", true);
        let told = learned.sentence(&outside(1));
        assert_eq!(
            told.en,
            "A stranger has read so far: your user name, your password, 2 file names, \
             the whole content of 1 file"
        );
        assert!(told.zh.contains("您的用户名、您的密码、2 个文件名"));
    }

    #[test]
    fn a_part_of_a_file_is_not_called_the_whole() {
        let mut learned = Learned::default();
        learned.content(1_500);
        learned.file("a", false);
        let told = learned.sentence(&outside(1)).en;
        assert!(told.ends_with("content of files, 1.5 kB in all"), "{told}");
        learned.file("a", true);
        let told = learned.sentence(&outside(1)).en;
        assert!(told.ends_with("the whole content of 1 file"), "{told}");
    }

    #[test]
    fn names_are_counted_up_to_a_bound() {
        let mut learned = Learned::default();
        for name in 0..NAMES_MAX + 10 {
            learned.name(&name.to_string());
        }
        assert_eq!(learned.names.len(), NAMES_MAX + 1);
        let told = learned.sentence(&outside(1)).en;
        assert!(told.ends_with("more than 10000 file names"), "{told}");
    }

    #[test]
    fn where_nothing_was_read_that_is_said_with_what_remains() {
        let told = Learned::default().sentence(&outside(0)).en;
        assert_eq!(
            told,
            "A stranger has read so far: nothing but who (a → b), when, and how much (1.5 kB)"
        );
    }
}
