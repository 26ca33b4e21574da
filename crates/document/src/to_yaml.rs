//! A value as YAML that people read: block style, keys in their order.
//!
//! Our own reader and kubectl read back the same value; a property test holds it. What is quoted is
//! decided by [`yaml_string`], so that no string is taken for anything else.

use kubevet_model::{PlainStart, is_hidden, yaml_string};
use serde_json::Value;

/// The layout of a YAML text. All layouts are read back as the same value.
#[derive(Debug, Clone, Copy)]
pub struct YamlStyle {
    /// A list without lists and maps is written on one line: `[a, b]`.
    pub inline_lists: bool,
    /// A string of several lines, or of more characters than this, is a literal block (`|-`) where
    /// YAML allows it. `None`: every string stays on one line.
    pub literal_over_chars: Option<usize>,
    /// The characters with which a string may begin and still need no quotes.
    pub plain_start: PlainStart,
}

impl YamlStyle {
    /// One item a line, for lists and maps alike, and no blocks.
    pub const BLOCK: Self = Self {
        inline_lists: false,
        literal_over_chars: None,
        plain_start: PlainStart::LetterOrSlash,
    };
    /// Lists of scalars on one line, and long strings as literal blocks: for objects with
    /// expressions in them.
    pub const READABLE: Self = Self {
        inline_lists: true,
        literal_over_chars: Some(100),
        plain_start: PlainStart::Letter,
    };
}

/// Returns a value as one YAML document, without `---`, with a line break at its end.
#[must_use]
pub fn to_yaml(value: &Value, style: &YamlStyle) -> String {
    let mut writer = YamlWriter {
        style,
        out: String::new(),
    };
    writer.value(value, 0);
    writer.out
}

/// Returns a JSON value as YAML on one line: `{type: RuntimeDefault}`. A string that is not JSON is
/// returned as it is.
#[must_use]
pub fn flow_yaml(json: &str) -> String {
    let Ok(value) = serde_json::from_str(json) else {
        return json.to_owned();
    };
    let mut writer = YamlWriter {
        style: &YamlStyle::READABLE,
        out: String::new(),
    };
    writer.flow_value(&value);
    writer.out
}

struct YamlWriter<'s> {
    style: &'s YamlStyle,
    out: String,
}

impl YamlWriter<'_> {
    /// Writes a value that begins at the current column, which is `indent`.
    fn value(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (position, (key, value)) in fields.iter().enumerate() {
                    self.begin_item(position, indent);
                    self.string(key);
                    self.out.push(':');
                    self.nested(value, indent);
                }
            }
            Value::Array(items) if !items.is_empty() && !self.is_inline(items) => {
                for (position, item) in items.iter().enumerate() {
                    self.begin_item(position, indent);
                    self.out.push('-');
                    match item {
                        // The first key of a map is on the line of the dash.
                        Value::Object(fields) if !fields.is_empty() => {
                            self.out.push(' ');
                            self.value(item, indent + 2);
                        }
                        _ => self.nested(item, indent),
                    }
                }
            }
            _ => self.flow(value, indent),
        }
    }

    /// Indents every item but the first, which begins where the value begins.
    fn begin_item(&mut self, position: usize, indent: usize) {
        if position > 0 {
            self.indent(indent);
        }
    }

    /// Writes a value after a key or a dash: a list or map on lines of its own, two columns deeper;
    /// any other on the same line.
    fn nested(&mut self, value: &Value, indent: usize) {
        let is_block = match value {
            Value::Object(fields) => !fields.is_empty(),
            Value::Array(items) => !items.is_empty() && !self.is_inline(items),
            _ => false,
        };
        if is_block {
            self.out.push('\n');
            self.indent(indent + 2);
            self.value(value, indent + 2);
        } else {
            self.out.push(' ');
            self.flow(value, indent);
        }
    }

    /// Writes a value that needs no lines of its own, and ends the line.
    fn flow(&mut self, value: &Value, indent: usize) {
        match value {
            Value::String(string) if self.is_literal(string) => {
                return self.literal(string, indent + 2);
            }
            Value::String(string) => self.string(string),
            Value::Array(items) => self.inline(items),
            Value::Object(_) => self.out.push_str("{}"),
            scalar => self.out.push_str(&scalar.to_string()),
        }
        self.out.push('\n');
    }

    fn inline(&mut self, items: &[Value]) {
        self.out.push('[');
        for (position, item) in items.iter().enumerate() {
            self.separate(position);
            self.flow_value(item);
        }
        self.out.push(']');
    }

    /// Writes any value in flow style, on the current line.
    fn flow_value(&mut self, value: &Value) {
        match value {
            Value::String(string) => self.string(string),
            Value::Array(items) => self.inline(items),
            Value::Object(fields) => {
                self.out.push('{');
                for (position, (key, value)) in fields.iter().enumerate() {
                    self.separate(position);
                    self.string(key);
                    self.out.push_str(": ");
                    self.flow_value(value);
                }
                self.out.push('}');
            }
            scalar => self.out.push_str(&scalar.to_string()),
        }
    }

    /// Writes the separator before every item of a flow collection but the first.
    fn separate(&mut self, position: usize) {
        if position > 0 {
            self.out.push_str(", ");
        }
    }

    /// Writes a string as a literal block without a line break at its end.
    fn literal(&mut self, string: &str, indent: usize) {
        self.out.push_str("|-\n");
        for line in string.split('\n') {
            // An indented empty line would end with spaces.
            if !line.is_empty() {
                self.indent(indent);
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
    }

    fn string(&mut self, string: &str) {
        self.out
            .push_str(&yaml_string(string, self.style.plain_start));
    }

    fn indent(&mut self, columns: usize) {
        self.out.extend(std::iter::repeat_n(' ', columns));
    }

    fn is_inline(&self, items: &[Value]) -> bool {
        self.style.inline_lists && !items.iter().any(|item| item.is_object() || item.is_array())
    }

    /// True if a string is written as a literal block. A block has no escapes, the first line that
    /// is not empty sets its indentation, and `|-` strips line breaks from its end.
    fn is_literal(&self, string: &str) -> bool {
        let Some(max_chars) = self.style.literal_over_chars else {
            return false;
        };
        (string.contains('\n') || string.chars().count() > max_chars)
            && !string.starts_with([' ', '\t', '\n'])
            && !string.ends_with('\n')
            && string.chars().all(|c| c == '\n' || !is_hidden(c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, read_yaml};
    use proptest::prelude::*;
    use serde_json::json;

    const STYLES: [&YamlStyle; 2] = [&YamlStyle::BLOCK, &YamlStyle::READABLE];

    /// Reads back what each style writes, and what is written on one line.
    #[track_caller]
    fn check(value: &Value) {
        let flow = flow_yaml(&value.to_string());
        assert!(!flow.contains('\n'), "{flow}");
        let blocks = STYLES.map(|style| to_yaml(value, style));
        for yaml in blocks.into_iter().chain([flow]) {
            let parsed = read_yaml(&"x.yaml".into(), yaml.as_bytes(), &Limits::default());
            assert_eq!(parsed.problems, [], "{yaml}");
            let json = parsed
                .documents
                .first()
                .map_or("null".to_owned(), |document| {
                    format!("{:?}", document.root())
                });
            let read: Value = serde_json::from_str(&json).unwrap();
            assert_eq!(read, *value, "{yaml}");
        }
    }

    #[track_caller]
    fn check_text(value: &Value, style: &YamlStyle, expected: &str) {
        assert_eq!(to_yaml(value, style), expected);
    }

    #[test]
    fn value_is_read_back_as_it_was_written() {
        check(
            &json!({"a": {"b": [{"c": "d", "e": [1, "x", true]}, {"f": {}}, {"g": []}], "h": null}}),
        );
        check(
            &json!({"l": [{"n": "x", "m": {"k": 1}}, [], [[1], {"q": "a: b"}], {}], "a b": "é\n\u{85}#"}),
        );
        check(&json!([["a"], {"b": [["c"], 1]}, -1.5, "", null]));
        for string in [
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
            "/a",
            "nan",
            ".inf",
            "<<",
            "=",
            "@x",
        ] {
            check(
                &json!({"key": string, string: "value", "list": [string], "deep": [{"x": string}]}),
            );
        }
        check(&json!({"long": "x ".repeat(200).trim_end(), "expression": "a\n&& (b: c)\n|| '#'"}));
    }

    #[test]
    fn style_decides_the_layout() {
        let value = json!({"path": "/etc", "list": ["a", 1], "items": [{"a": 1, "b": []}, [2, [3]]],
            "text": "x\ny"});
        check_text(
            &value,
            &YamlStyle::BLOCK,
            "path: /etc\nlist:\n  - a\n  - 1\nitems:\n  - a: 1\n    b: []\n  -\n    - 2\n    -\n      - 3\ntext: \"x\\ny\"\n",
        );
        check_text(
            &value,
            &YamlStyle::READABLE,
            "path: \"/etc\"\nlist: [a, 1]\nitems:\n  - a: 1\n    b: []\n  -\n    - 2\n    - [3]\ntext: |-\n  x\n  y\n",
        );
    }

    fn values() -> impl Strategy<Value = Value> {
        let string = || prop_oneof!["[a-z/~#:\\- \\n]{0,6}", any::<String>()];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            string().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((string(), inner), 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_is_read_back_as_it_was_written(value in values()) {
            check(&value);
        }
    }
}
