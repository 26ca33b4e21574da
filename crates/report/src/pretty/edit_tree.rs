//! A tree of values to set, merged from several paths, and its YAML.
//!
//! It stands apart from `snippet` because it knows neither findings nor a terminal. Its depth is
//! bounded by the paths that its caller inserts and by the JSON parser, so recursion is safe.

use kubevet_model::{PlainStart, yaml_string};
use serde_json::Value;

/// Keys with the values to set below them, in the order of insertion.
#[derive(Default)]
pub(super) struct EditTree(Vec<(String, Node)>);

enum Node {
    /// A map whose keys are set one by one.
    Keys(EditTree),
    /// Elements to add to a list.
    Elements(Vec<Value>),
    /// A value to set as a whole.
    Leaf(Value),
}

impl EditTree {
    /// Creates a tree of one key and its value.
    pub(super) fn leaf(key: String, value: Value) -> Self {
        Self(vec![(key, Node::Leaf(value))])
    }

    /// Inserts a value at the path `keys`. If `is_element`, the last key is an index, and the value
    /// is an element of the list before it. Returns false if the tree has another value at the
    /// path.
    pub(super) fn insert(&mut self, keys: &[&str], is_element: bool, value: &Value) -> bool {
        let Some((key, deeper)) = keys.split_first() else {
            return false;
        };
        let is_last = deeper.is_empty() || (is_element && deeper.len() == 1);
        match self.0.iter_mut().find(|(known, _)| known == key) {
            Some((_, Node::Keys(tree))) if !is_last => tree.insert(deeper, is_element, value),
            Some((_, Node::Elements(elements))) if is_last && is_element => {
                if !elements.contains(value) {
                    elements.push(value.clone());
                }
                true
            }
            Some((_, Node::Leaf(known))) => is_last && known == value,
            Some(_) => false,
            None => {
                let (node, is_inserted) = Node::of_path(deeper, is_last, is_element, value);
                self.0.push(((*key).to_owned(), node));
                is_inserted
            }
        }
    }

    /// Returns the lines of the tree as block-style YAML.
    pub(super) fn yaml_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        self.write(0, &mut lines);
        lines
    }

    fn write(&self, indent: usize, lines: &mut Vec<String>) {
        for (key, node) in &self.0 {
            let key = quote_string(key);
            match node {
                Node::Keys(tree) => {
                    lines.push(format!("{:indent$}{key}:", ""));
                    tree.write(indent + 2, lines);
                }
                Node::Elements(elements) => {
                    lines.push(format!("{:indent$}{key}:", ""));
                    for element in elements {
                        write_element(element, indent + 2, lines);
                    }
                }
                Node::Leaf(value) => write_field(&key, value, indent, lines),
            }
        }
    }
}

impl Node {
    /// Creates the node of a key that the tree does not have yet.
    fn of_path(deeper: &[&str], is_last: bool, is_element: bool, value: &Value) -> (Self, bool) {
        if !is_last {
            let mut tree = EditTree::default();
            let is_inserted = tree.insert(deeper, is_element, value);
            (Self::Keys(tree), is_inserted)
        } else if deeper.is_empty() {
            (Self::Leaf(value.clone()), true)
        } else {
            (Self::Elements(vec![value.clone()]), true)
        }
    }
}

/// Writes `key: value`; the key is quoted already.
fn write_field(key: &str, value: &Value, indent: usize, lines: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            lines.push(format!("{:indent$}{key}:", ""));
            for (key, value) in fields {
                write_field(&quote_string(key), value, indent + 2, lines);
            }
        }
        Value::Array(elements) if !elements.is_empty() => {
            lines.push(format!("{:indent$}{key}:", ""));
            for element in elements {
                write_element(element, indent + 2, lines);
            }
        }
        _ => lines.push(format!("{:indent$}{key}: {}", "", scalar(value))),
    }
}

/// Writes `- value`; the first key of a map is on the line of the dash.
fn write_element(value: &Value, indent: usize, lines: &mut Vec<String>) {
    let first_line = lines.len();
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                write_field(&quote_string(key), value, indent + 2, lines);
            }
        }
        Value::Array(elements) if !elements.is_empty() => {
            for element in elements {
                write_element(element, indent + 2, lines);
            }
        }
        _ => lines.push(format!("{:1$}{2}", "", indent + 2, scalar(value))),
    }
    // Everything was written two columns deeper, which leaves room for the dash.
    if let Some(line) = lines.get_mut(first_line) {
        line.replace_range(indent..=indent, "-");
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(string) => quote_string(string),
        other => other.to_string(),
    }
}

/// Returns a string as a YAML scalar; a file path needs no quotes.
fn quote_string(string: &str) -> String {
    yaml_string(string, PlainStart::LetterOrSlash)
}
