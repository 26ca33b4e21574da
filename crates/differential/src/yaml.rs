//! A JSON tree as the shortest YAML that the document reader and kubectl read back as the same tree.

use serde_json::Value;
use std::fmt::Write as _;

/// Plain scalars that YAML 1.1 does not read as strings.
const NON_STRINGS: [&str; 11] = [
    "true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf",
];

/// Writes a tree in block style, with lists indented below their key.
pub(super) fn write(value: &Value) -> String {
    let mut yaml = String::new();
    write_block(value, 0, &mut yaml);
    yaml.trim_start_matches('\n').to_owned()
}

/// Writes a value after `key:` or `-`, or at the start.
fn write_block(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            out.push('\n');
            write_entries(fields, depth, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            for item in items {
                write_indent(depth, out);
                out.push('-');
                write_item(item, depth, out);
            }
        }
        other => {
            out.push(if out.is_empty() { '\n' } else { ' ' });
            out.push_str(&scalar(other));
            out.push('\n');
        }
    }
}

fn write_entries(fields: &serde_json::Map<String, Value>, depth: usize, out: &mut String) {
    for (key, value) in fields {
        write_indent(depth, out);
        let _ = write!(out, "{}:", scalar_string(key));
        write_block(value, depth + 1, out);
    }
}

/// Writes an item of a list after its dash. A map begins on the same line.
fn write_item(item: &Value, depth: usize, out: &mut String) {
    let Value::Object(fields) = item else {
        return write_block(item, depth + 1, out);
    };
    if fields.is_empty() {
        return write_block(item, depth + 1, out);
    }
    let mut inner = String::new();
    write_entries(fields, depth + 1, &mut inner);
    let _ = write!(out, " {}", inner.trim_start_matches(' '));
}

fn write_indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(string) => scalar_string(string),
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
        other => other.to_string(),
    }
}

/// Returns a string as a plain scalar if YAML reads that as the same string, and quoted if not.
fn scalar_string(string: &str) -> String {
    let is_plain = string.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && string
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_./-".contains(c))
        && !NON_STRINGS.contains(&string.to_ascii_lowercase().as_str());
    if is_plain {
        return string.to_owned();
    }
    // A quoted string is written as in JSON. Characters that are not printable in YAML are escaped
    // besides.
    let mut quoted = String::new();
    for c in Value::from(string).to_string().chars() {
        match c {
            '\u{7f}'..='\u{a0}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
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
        let parsed = document::read_yaml(&"x.yaml".into(), yaml.as_bytes(), &Limits::default());
        assert!(parsed.problems.is_empty(), "{yaml}\n{:?}", parsed.problems);
        let mut json = String::new();
        parsed.documents[0].root().write_json(&mut json);
        assert_eq!(
            serde_json::from_str::<Value>(&json).unwrap(),
            *value,
            "{yaml}"
        );
    }

    #[test]
    fn written_yaml_is_read_back_as_same_tree() {
        check(
            &json!({"kind": "Pod", "a": {"b": [1, "1", "yes", null, true, -1.5, ""]}, "c": {}, "d": []}),
        );
        check(
            &json!({"l": [{"n": "x", "m": {"k": 1}}, [], [[1], {"q": "a: b"}], {}], "a b": "é\n\u{85}\u{7f}#"}),
        );
        check(&json!({"": "~", "1e3": "0x1", "-": "- a", "a:": "@x", "null": "a #b"}));
    }
}
