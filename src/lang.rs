//! The languages of what is said to people: English, and Simplified Chinese where a text has it.
//!
//! A text stands in both languages side by side where it is made ([`Both`], [`Error::zh`](crate::error::Error::zh)),
//! so that one cannot be changed without seeing the other. What is for programs and logs is English.

use serde::{Serialize, Serializer};

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

/// One text in both languages. Errors and remarks are lower case and without a full stop; a report has
/// sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Both {
    /// In English.
    pub en: String,
    /// In Simplified Chinese.
    pub zh: String,
}

impl Both {
    /// The text in a language.
    pub fn of(&self, lang: Lang) -> &str {
        lang.pick(&self.en, &self.zh)
    }

    /// Both changed in the same way.
    #[must_use]
    pub fn map(&self, change: impl Fn(&str) -> String) -> Self {
        both(change(&self.en), change(&self.zh))
    }
}

/// One text in both languages.
pub fn both(en: impl Into<String>, zh: impl Into<String>) -> Both {
    Both {
        en: en.into(),
        zh: zh.into(),
    }
}

/// What reads the same in both: a name, a figure, bytes, the words of another program.
pub fn same(text: impl Into<String>) -> Both {
    let text = text.into();
    both(text.clone(), text)
}

/// Texts one behind the other.
pub fn join(texts: impl IntoIterator<Item = Both>, en: &str, zh: &str) -> Both {
    let (all_en, all_zh): (Vec<_>, Vec<_>) =
        texts.into_iter().map(|text| (text.en, text.zh)).unzip();
    both(all_en.join(en), all_zh.join(zh))
}

/// For JSON that programs read, which is English: `#[serde(serialize_with = "english")]`.
pub fn english<S: Serializer>(text: &Both, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text.en)
}

/// As [`english`], of a text that may be none.
pub fn english_if_any<S: Serializer>(
    text: &Option<Both>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    text.as_ref().map(|text| &text.en).serialize(serializer)
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
