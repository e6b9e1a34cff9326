//! The ways in which one text may be written in a stream. Each is undone without a key, so none of them
//! hides anything: a stranger looks for all of them.

use std::fmt::Write as _;

use serde::Serialize;

use crate::lang::{Both, both};
use crate::pki::base64;
use crate::text::hex;

/// Bytes of the shortest text that is looked for in Base64, hex and UTF-16 too: of a shorter one these turn
/// up by chance in any text or noise.
const ENCODED_BYTES_MIN: usize = 4;

/// Bytes that may stand before a text in its group of three (RFC 4648 §4), and the digits they have a part in.
const ALIGNMENTS: [(usize, usize); 3] = [(0, 0), (1, 2), (2, 3)];

/// Who writes percent signs, by what stays as it is besides letters and digits (space: `+` or `%20`):
/// RFC 3986 §2.3, browsers' `encodeURIComponent`, and forms (`application/x-www-form-urlencoded`).
const UNESCAPED: [(&str, bool); 3] = [("-._~", false), ("-._~!'()*", false), ("-._*", true)];

/// A way of writing a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Writing {
    /// As it stands.
    AsIs,
    /// Between the quotes of JSON, with or without `\u` escapes for what is not ASCII (RFC 8259 §7).
    Json,
    /// In Base64 or its form for addresses, whatever stands before and behind it (RFC 4648 §4, §5).
    Base64,
    /// In hexadecimal digits, small or large (RFC 4648 §8).
    Hex,
    /// With percent signs, as addresses and forms have it (RFC 3986 §2.1).
    Percent,
    /// In UTF-16, either byte first (RFC 2781).
    Utf16,
}

impl Writing {
    /// How many different characters noise of this kind is made of.
    pub(super) fn alphabet(self) -> f64 {
        match self {
            Self::Base64 => 64.0,
            Self::Hex => 16.0,
            Self::AsIs | Self::Json | Self::Percent | Self::Utf16 => 256.0,
        }
    }

    /// What it is called where it must be said: a stranger undoes it, but has to see through it first.
    pub fn disguise(self) -> Option<Both> {
        Some(match self {
            Self::AsIs | Self::Json => return None,
            Self::Base64 => both("in Base64", "Base64 编码"),
            Self::Hex => both("in hex", "十六进制"),
            Self::Percent => both("percent-encoded", "百分号编码"),
            Self::Utf16 => both("in UTF-16", "UTF-16"),
        })
    }
}

/// How a text may be written, each form once; none of an empty text.
pub fn writings(text: &str) -> Vec<(Writing, Vec<u8>)> {
    if text.is_empty() {
        return Vec::new();
    }
    let json = json_form(text);
    let mut all = vec![
        (Writing::AsIs, text.as_bytes().to_vec()),
        (Writing::Json, ascii(&json).into_bytes()),
        (Writing::Json, json.into_bytes()),
    ];
    let percent = UNESCAPED.iter().flat_map(|form| percent(text, *form));
    all.extend(percent.map(|form| (Writing::Percent, form)));
    if text.len() >= ENCODED_BYTES_MIN {
        all.extend(base64_forms(text).map(|form| (Writing::Base64, form)));
        let hex = hex(text.as_bytes());
        all.push((Writing::Hex, hex.to_ascii_uppercase().into_bytes()));
        all.push((Writing::Hex, hex.into_bytes()));
        let little = text.encode_utf16().flat_map(u16::to_le_bytes);
        all.push((Writing::Utf16, little.collect()));
        let big = text.encode_utf16().flat_map(u16::to_be_bytes);
        all.push((Writing::Utf16, big.collect()));
    }
    let mut each: Vec<(Writing, Vec<u8>)> = Vec::new();
    for (writing, form) in all {
        if each.iter().all(|(_, other)| *other != form) {
            each.push((writing, form));
        }
    }
    each
}

/// A text as Sealpost's frames have it: between the quotes of JSON, with no more escaped than must be.
pub(in crate::lab) fn json_form(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// With `\u` escapes for what is not ASCII.
fn ascii(json: &str) -> String {
    let mut ascii = String::new();
    for c in json.chars() {
        if c.is_ascii() {
            ascii.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _infallible = write!(ascii, "\\u{unit:04x}");
        }
    }
    ascii
}

/// Small and large digits.
fn percent(text: &str, (unescaped, is_form): (&str, bool)) -> [Vec<u8>; 2] {
    let mut forms = [String::new(), String::new()];
    for byte in text.bytes() {
        let stays = byte.is_ascii_alphanumeric() || unescaped.as_bytes().contains(&byte);
        let [small, large] = match byte {
            _ if stays => [char::from(byte).to_string(), char::from(byte).to_string()],
            b' ' if is_form => ["+".to_owned(), "+".to_owned()],
            _ => [format!("%{byte:02x}"), format!("%{byte:02X}")],
        };
        forms[0].push_str(&small);
        forms[1].push_str(&large);
    }
    forms.map(String::into_bytes)
}

/// The digits that are the text's alone, with nothing, one or two bytes before it in its group of three, in
/// both alphabets. What differs only in the few bits that share a digit with a neighbour, four at most of the
/// first and the last byte, is taken for the same.
fn base64_forms(text: &str) -> impl Iterator<Item = Vec<u8>> {
    let alphabets: [fn(u8) -> u8; 2] = [
        |digit| digit,
        |digit| match digit {
            b'+' => b'-',
            b'/' => b'_',
            other => other,
        },
    ];
    ALIGNMENTS.into_iter().flat_map(move |(before, shared)| {
        let bytes = [&[0; 2][..before], text.as_bytes()].concat();
        // Six bits a digit: the last one is the text's own only if it has all of them.
        let digits = bytes.len() * 8 / 6;
        let text = base64(&bytes).into_bytes();
        let own = text.get(shared..digits).unwrap_or_default().to_vec();
        alphabets.map(|alphabet| own.iter().copied().map(alphabet).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "p?ss>wört 龙";

    /// In which way `text` is found to be written in `wire`.
    fn found(text: &str, wire: impl AsRef<[u8]>) -> Option<Writing> {
        let wire = wire.as_ref();
        let mut all = writings(text).into_iter();
        let at = all.find(|(_, form)| wire.windows(form.len()).any(|window| window == form));
        at.map(|(writing, _)| writing)
    }

    #[test]
    fn a_text_is_known_as_it_stands_and_as_json_writes_it() {
        assert_eq!(found(TEXT, format!("x{TEXT}x")), Some(Writing::AsIs));
        assert_eq!(found("a\"龙", r#""a\"龙""#), Some(Writing::Json));
        assert_eq!(found("a\"龙", r#""a\"\u9f99""#), Some(Writing::Json));
        assert_eq!(found(TEXT, "p?ss>wört"), None);
    }

    #[test]
    fn a_text_is_known_in_base64_wherever_it_stands_in_its_group() {
        // Made by coreutils' base64, with "", "a:" and "a" before and "" and "!!" behind the text.
        for wire in [
            "cD9zcz53w7ZydCDpvpk=",
            "YTpwP3NzPnfDtnJ0IOm+mSEh",
            "YTpwP3NzPnfDtnJ0IOm-mSEh",
            "YXA/c3M+d8O2cnQg6b6ZISE=",
            "YXA_c3M-d8O2cnQg6b6ZISE=",
        ] {
            assert_eq!(found(TEXT, wire), Some(Writing::Base64), "{wire}");
        }
        assert_eq!(found(TEXT, "YTpwP3NzPnfDtnJ0IOm+iCEh"), None);
        // HTTP's Basic: user and password in one (RFC 7617 §2).
        let basic = "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
        assert_eq!(found("open sesame", basic), Some(Writing::Base64));
        assert_eq!(found("Aladdin", basic), Some(Writing::Base64));
        assert_eq!(found("open sesam!", basic), None);
    }

    #[test]
    fn a_text_is_known_in_hex_of_both_cases_with_percent_signs_and_in_utf_16() {
        let hex = "703f73733e77c3b6727420e9be99";
        assert_eq!(found(TEXT, hex), Some(Writing::Hex));
        assert_eq!(found(TEXT, hex.to_uppercase()), Some(Writing::Hex));
        assert_eq!(found(TEXT, &hex[..hex.len() - 1]), None);
        for wire in [
            "p%3Fss%3Ew%C3%B6rt%20%E9%BE%99",
            "p%3fss%3ew%c3%b6rt%20%e9%be%99",
            "p%3Fss%3Ew%C3%B6rt+%E9%BE%99",
        ] {
            assert_eq!(found(TEXT, wire), Some(Writing::Percent), "{wire}");
        }
        assert_eq!(found("it's", "it%27s"), Some(Writing::Percent));
        assert_eq!(found("it's on!", "it's%20on!"), Some(Writing::Percent));
        assert_eq!(found(TEXT, "p%3Fss%3Ew%C3%B6rt%20%E9%BE%98"), None);
        let units = || TEXT.encode_utf16();
        let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
        assert_eq!(found(TEXT, little), Some(Writing::Utf16));
        assert_eq!(found(TEXT, &big), Some(Writing::Utf16));
        assert_eq!(found(TEXT, &big[..big.len() - 1]), None);
    }

    #[test]
    fn each_form_is_looked_for_once_and_a_short_text_only_as_it_stands() {
        let plain = |text: &str| writings(text).into_iter().map(|(writing, _)| writing);
        assert!(plain("bob").eq([Writing::AsIs]));
        assert!(plain("").next().is_none());
        let forms: Vec<Vec<u8>> = writings("carol")
            .into_iter()
            .map(|(_, form)| form)
            .collect();
        assert_eq!(forms.len(), 1 + 3 + 2 + 2, "{forms:?}");
    }
}
