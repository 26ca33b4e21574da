//! A tree as the shortest YAML that our reader and kubectl read back as the same tree.

use serde_json::Value;
use std::fmt::Write as _;

/// Words that YAML 1.1 does not take for texts.
const WORDS: [&str; 11] = [
    "true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf",
];

/// Block style, lists at the depth of their key plus one step.
pub(super) fn write(value: &Value) -> String {
    let mut text = String::new();
    block(value, 0, &mut text);
    text.trim_start_matches('\n').to_owned()
}

/// Begins where a value is wanted: after `key:` or `-`, or at the start.
fn block(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            out.push('\n');
            entries(fields, depth, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            for item in items {
                indent(depth, out);
                out.push('-');
                element(item, depth, out);
            }
        }
        other => {
            out.push(if out.is_empty() { '\n' } else { ' ' });
            out.push_str(&scalar(other));
            out.push('\n');
        }
    }
}

fn entries(fields: &serde_json::Map<String, Value>, depth: usize, out: &mut String) {
    for (key, value) in fields {
        indent(depth, out);
        let _ = write!(out, "{}:", text(key));
        block(value, depth + 1, out);
    }
}

/// A map begins on the line of its dash.
fn element(item: &Value, depth: usize, out: &mut String) {
    let Value::Object(fields) = item else {
        return block(item, depth + 1, out);
    };
    if fields.is_empty() {
        return block(item, depth + 1, out);
    }
    let mut inner = String::new();
    entries(fields, depth + 1, &mut inner);
    let _ = write!(out, " {}", inner.trim_start_matches(' '));
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(it) => text(it),
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
        other => other.to_string(),
    }
}

fn text(text: &str) -> String {
    let plain = text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '/')
        && text
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || "_./-".contains(it))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text.to_owned();
    }
    // A quoted text is written as in JSON; what YAML takes for no printable letter is escaped besides.
    let mut quoted = String::new();
    for letter in Value::from(text).to_string().chars() {
        match letter {
            '\u{7f}'..='\u{a0}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            other => quoted.push(other),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test fails by panicking"
    )]

    use super::write;
    use kubevet_document::{self as document, Limits};
    use serde_json::{Value, json};

    fn check(value: &Value) {
        let yaml = write(value);
        let reading = document::read_yaml(&"x.yaml".into(), yaml.as_bytes(), &Limits::default());
        assert!(
            reading.problems.is_empty(),
            "{yaml}\n{:?}",
            reading.problems
        );
        let mut text = String::new();
        reading.documents[0].root().write_json(&mut text);
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            *value,
            "{yaml}"
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        check(
            &json!({"kind": "Pod", "a": {"b": [1, "1", "yes", null, true, -1.5, ""]}, "c": {}, "d": []}),
        );
        check(
            &json!({"l": [{"n": "x", "m": {"k": 1}}, [], [[1], {"q": "a: b"}], {}], "a b": "é\n\u{85}\u{7f}#"}),
        );
        check(&json!({"": "~", "1e3": "0x1", "-": "- a", "a:": "@x", "null": "a #b"}));
    }
}
