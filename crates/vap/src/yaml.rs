//! Objects as YAML that people read: block style, expressions line by line.
//!
//! Whatever YAML might take for something else is quoted, so that what is read back is what was written.

use serde_json::Value;

/// One-line texts up to this length stand on the line of their key.
const LINE: usize = 100;

/// An object as a document, without `---`.
pub(super) fn document(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text
}

fn write(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(map) => {
            for (place, (key, value)) in map.iter().enumerate() {
                if place > 0 {
                    pad(indent, text);
                }
                text.push_str(&plain_or_quoted(key));
                text.push(':');
                under(value, indent, text);
            }
        }
        Value::Array(list) => {
            for (place, value) in list.iter().enumerate() {
                if place > 0 {
                    pad(indent, text);
                }
                text.push('-');
                match value {
                    Value::Object(map) if !map.is_empty() => {
                        text.push(' ');
                        write(value, indent + 2, text);
                    }
                    _ => under(value, indent, text),
                }
            }
        }
        _ => scalar(value, indent, text),
    }
}

/// A value under a key or a dash.
fn under(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            text.push('\n');
            pad(indent + 2, text);
            write(value, indent + 2, text);
        }
        Value::Array(list) if list.iter().any(|it| it.is_object() || it.is_array()) => {
            text.push('\n');
            pad(indent + 2, text);
            write(value, indent + 2, text);
        }
        // A list of scalars is short enough for a line, and read as one.
        Value::Array(list) => {
            let items: Vec<String> = list.iter().map(flow).collect();
            text.push_str(&format!(" [{}]\n", items.join(", ")));
        }
        _ => {
            text.push(' ');
            scalar(value, indent, text);
        }
    }
}

fn scalar(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::String(it) if is_block(it) => {
            text.push_str("|-\n");
            for line in it.split('\n') {
                if !line.is_empty() {
                    pad(indent + 2, text);
                    text.push_str(line);
                }
                text.push('\n');
            }
            return;
        }
        Value::String(it) => text.push_str(&plain_or_quoted(it)),
        Value::Object(_) => text.push_str("{}"),
        other => text.push_str(&other.to_string()),
    }
    text.push('\n');
}

fn pad(indent: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', indent));
}

/// Whether a text is written as a literal block. One that begins with a space would set the block's indentation.
fn is_block(text: &str) -> bool {
    (text.contains('\n') || text.chars().count() > LINE)
        && !text.starts_with([' ', '\t', '\n'])
        && !text.ends_with('\n')
        && text.chars().all(|it| it == '\n' || is_printable(it))
}

/// What YAML takes unescaped, and a terminal does not obey.
fn is_printable(letter: char) -> bool {
    !kubevet_model::is_hidden(letter) && letter != '\u{feff}'
}

fn flow(value: &Value) -> String {
    match value {
        Value::String(it) => plain_or_quoted(it),
        other => other.to_string(),
    }
}

/// A word that nothing can take for anything else stands as it is.
fn plain_or_quoted(text: &str) -> String {
    let word = |it: char| it.is_ascii_alphanumeric() || "-_./".contains(it);
    let opens = text.starts_with(|it: char| it.is_ascii_alphabetic());
    let taken = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if opens && text.chars().all(word) && !taken.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    // JSON's escapes are YAML's, but for what is hidden and not a control.
    let json = Value::from(text).to_string();
    json.chars()
        .map(|it| match it {
            it if is_printable(it) => it.to_string(),
            it if u32::from(it) > 0xffff => format!("\\U{:08x}", u32::from(it)),
            it => format!("\\u{:04x}", u32::from(it)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_document::{self as document, Limits};
    use serde_json::json;
    use std::sync::Arc;

    /// What is read back is what was written.
    #[track_caller]
    fn check(value: &Value) {
        let text = document(value);
        let reading = document::read(&Arc::from("test.yaml"), text.as_bytes(), &Limits::default());
        assert!(
            reading.problems.is_empty(),
            "{:?}\n{text}",
            reading.problems
        );
        let mut back = String::new();
        reading.documents[0].root().write_json(&mut back);
        assert_eq!(
            serde_json::from_str::<Value>(&back).unwrap(),
            *value,
            "{text}"
        );
    }

    #[test]
    fn what_is_read_back_is_what_was_written() {
        check(
            &json!({"a": {"b": [{"c": "d", "e": [1, "x", true]}, {"f": {}}, {"g": []}], "h": null}}),
        );
        for text in [
            "",
            "true",
            "1",
            "1e3",
            "v1",
            "*",
            "a: b",
            "- x",
            "# no",
            "'q'",
            "\"q\"",
            "a\nb",
            "a\n\n  b && c",
            " a\nb",
            "a\n",
            "~",
            "é\u{200b}\u{e0001}",
            "it's",
            "0x1",
            "a\tb",
            "x\u{7}y",
            "|-",
            "a #b",
            "null",
            "2026-01-01",
        ] {
            check(&json!({"key": text, text: "value", "list": [text], "deep": [{"x": text}]}));
        }
        check(&json!({"long": "x ".repeat(200).trim_end(), "expression": "a\n&& (b: c)\n|| '#'"}));
    }
}
