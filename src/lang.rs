//! The languages of what is said to people: English, and Simplified Chinese where a text has it.
//!
//! A text stands in both languages side by side where it is made ([`Both`], [`Error::zh`](crate::error::Error::zh)),
//! so that one cannot be changed without seeing the other. What is for programs and logs is English.

use serde::Serialize;

/// A language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Lang {
    /// The language of the locale: Chinese when the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set
    /// begins with `zh` (POSIX.1-2024, XBD 8.2 has this order).
    pub fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set);
        match locale.is_some_and(|locale| locale.to_ascii_lowercase().starts_with("zh")) {
            true => Self::Chinese,
            false => Self::English,
        }
    }

    /// That one of two texts.
    pub fn pick<T>(self, english: T, chinese: T) -> T {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }
}

/// One text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Both {
    /// In English: lower case, without a full stop.
    pub en: String,
    /// In Simplified Chinese, without a full stop.
    pub zh: String,
}

impl Both {
    /// The text in a language.
    pub fn of(&self, lang: Lang) -> &str {
        lang.pick(&self.en, &self.zh)
    }
}

/// One text in both languages.
pub fn both(en: impl Into<String>, zh: impl Into<String>) -> Both {
    Both {
        en: en.into(),
        zh: zh.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides() {
        for (set, lang) in [
            (&[][..], Lang::English),
            (&[("LANG", "zh_CN.UTF-8")], Lang::Chinese),
            (&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C")], Lang::English),
            (&[("LC_ALL", ""), ("LC_MESSAGES", "zh")], Lang::Chinese),
            (&[("LANG", "de_DE.UTF-8")], Lang::English),
        ] {
            let variable = |name: &str| {
                let mut set = set.iter();
                set.find(|(this, _)| *this == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(Lang::of_locale(variable), lang, "{set:?}");
        }
    }
}
