//! Which values of a frame tell a stranger something, and where they stand.

use serde_json::Value;

use super::block::{Field, Mark};
use super::learned::Learned;

/// Values marked in one frame: a page of a listing has hundreds.
const MARKS_MAX: usize = 200;

/// What the value of this key is.
fn field(key: &str) -> Option<Field> {
    match key {
        "password" | "old" | "new" => Some(Field::Password),
        "user" | "owner" => Some(Field::User),
        "name" | "from" | "to" => Some(Field::Name),
        _ => None,
    }
}

/// Notes what a frame tells.
pub(super) fn learn(frame: &Value, learned: &mut Learned) {
    let request = frame.get("op").is_some();
    let Value::Object(values) = frame else {
        return;
    };
    for (key, value) in values {
        match (field(key), value) {
            (Some(Field::Password), Value::String(password)) => learned.password(password),
            (Some(Field::User), Value::String(user)) if request => learned.user(user),
            (Some(Field::Name), Value::String(name)) => learned.name(name),
            _ => {}
        }
    }
    let listed = frame.get("files").and_then(Value::as_array);
    let listed = listed.into_iter().flatten().chain(frame.get("file"));
    for name in listed.filter_map(|file| file.get("name")?.as_str()) {
        learned.name(name);
    }
}

/// Where such values stand in the JSON text, which begins so many bytes into its stretch; they are without quotes.
pub(super) fn marks(json: &[u8], begins: usize) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut key = None;
    let mut at = 0;
    while let Some(opens) = find(json, at, b'"') {
        let from = opens + 1;
        let Some(to) = closing(json, from) else {
            break;
        };
        at = to + 1;
        let next = json[at..].iter().find(|byte| !byte.is_ascii_whitespace());
        if next == Some(&b':') {
            let word = std::str::from_utf8(&json[from..to]).unwrap_or_default();
            key = field(word);
            // Only a string that follows at once is its value.
            let value = json[at..].iter().skip_while(|byte| **byte != b':').nth(1);
            if value != Some(&b'"') {
                key = None;
            }
        } else if let Some(field) = key.take()
            && marks.len() < MARKS_MAX
        {
            let at = from + begins..to + begins;
            marks.push(Mark { field, at });
        }
    }
    marks
}

fn find(json: &[u8], from: usize, byte: u8) -> Option<usize> {
    let rest = json.get(from..)?;
    Some(from + rest.iter().position(|this| *this == byte)?)
}

/// The quote that ends the string that begins at `from`.
fn closing(json: &[u8], from: usize) -> Option<usize> {
    let mut escaped = false;
    let ends = |byte: &u8| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    };
    Some(from + json.get(from..)?.iter().position(ends)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(json: &str) -> Vec<(Field, &str)> {
        let marks = marks(json.as_bytes(), 0);
        marks
            .into_iter()
            .map(|mark| (mark.field, &json[mark.at]))
            .collect()
    }

    #[test]
    fn values_are_marked_and_keys_and_other_values_are_not() {
        use Field::{Name, Password, User};
        let json =
            r#"{"op":"password","user":"a\"b","password":"c\\","size":5,"x":{"name":"讲义"}}"#;
        let expected = [(User, r#"a\"b"#), (Password, r"c\\"), (Name, "讲义")];
        assert_eq!(found(json), expected);
        assert_eq!(found(r#"{"password":null,"op":"name"}"#), []);
        assert_eq!(found(r#"{"to":7,"a":["b"]}"#), []);
    }

    #[test]
    fn what_is_no_whole_json_is_no_trouble() {
        for json in [
            "",
            "{",
            "\"",
            r#"{"user":"#,
            r#"{"user":"x"#,
            r#"{"user":"\"#,
        ] {
            assert_eq!(found(json), [], "{json}");
        }
    }
}
