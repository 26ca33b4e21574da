//! Fixes as YAML to paste: all fixes of a place merged, keys nested under the list element that they belong to. Values
//! come from rules and through them from objects, so every scalar is quoted unless it is plainly a word or a number.

use crate::{
    json,
    page::{Ink, Page},
};
use kubevet_model::{FieldPath, FixAction, LocatedFinding, Segment};
use serde_json::Value;
use std::io;

/// The most lines of one snippet, and the deepest path drawn as nested keys; beyond both is only hostile input.
const LINES: usize = 40;
const DEPTH: usize = 64;

/// Maps whose keys look like list indices when they are digits.
const MAPS: &[&str] = &[
    "labels",
    "annotations",
    "data",
    "stringData",
    "binaryData",
    "matchLabels",
    "nodeSelector",
];

/// Writes the fixes of findings that share a place.
pub(super) fn write(group: &[&LocatedFinding], page: &mut Page<'_>) -> io::Result<()> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut removals: Vec<String> = Vec::new();
    for it in group {
        for fix in &it.finding.fixes {
            match &fix.action {
                FixAction::Set(json) => {
                    for (path, value) in leaves(&fix.path, json::value(json)) {
                        add(&mut blocks, &path, value, it.container.as_deref());
                    }
                }
                FixAction::Remove => {
                    let path = fix.path.to_string();
                    if !removals.contains(&path) {
                        removals.push(path);
                    }
                }
            }
        }
    }
    let mut label = "fix:";
    for block in &blocks {
        block.write(label, page)?;
        label = "";
    }
    for path in removals {
        let lead = format!("       {}", page.cell(Ink::Faint, label, 5));
        page.line(&format!(
            "{lead}{} {}",
            page.ink(Ink::Edit, "remove"),
            page.ink(Ink::Plain, &path)
        ))?;
        label = "";
    }
    Ok(())
}

/// Edits under one list element (or in the object itself).
struct Block {
    anchor: FieldPath,
    container: Option<String>,
    root: Vec<(String, Tree)>,
}

enum Tree {
    Keys(Vec<(String, Tree)>),
    Elements(Vec<Value>),
    Leaf(Value),
}

/// A map is set by setting what is in it, so that two fixes that say one thing in two ways become one.
fn leaves(path: &FieldPath, value: Value) -> Vec<(FieldPath, Value)> {
    let mut found = Vec::new();
    let mut todo = vec![(path.clone(), value)];
    while let Some((path, value)) = todo.pop() {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                todo.extend(
                    fields
                        .into_iter()
                        .rev()
                        .map(|(key, value)| (path.clone().key(&key), value)),
                );
            }
            value => found.push((path, value)),
        }
    }
    found
}

/// Puts a fix into the first block that has room for it: the same anchor, and no other value at its place.
fn add(blocks: &mut Vec<Block>, path: &FieldPath, value: Value, container: Option<&str>) {
    let segments = path.segments();
    if segments.len() > DEPTH {
        let root = vec![(path.to_string(), Tree::Leaf(value))];
        blocks.push(Block {
            anchor: FieldPath::default(),
            container: None,
            root,
        });
        return;
    }
    let split = anchor(segments);
    let (anchor, keys) = (
        path.prefix(split),
        segments.get(split..).unwrap_or_default(),
    );
    let element = ends_in_index(segments);
    for block in blocks.iter_mut().filter(|it| it.anchor == anchor) {
        if insert(&mut block.root, keys, element, &value) {
            return;
        }
    }
    let container = if split == 0 {
        None
    } else {
        container.map(str::to_owned)
    };
    let mut block = Block {
        anchor,
        container,
        root: Vec::new(),
    };
    insert(&mut block.root, keys, element, &value);
    blocks.push(block);
}

/// How many steps lead to the innermost list element that holds the field; an index at the very end is the field itself.
fn anchor(segments: &[Segment]) -> usize {
    let holders = segments.len().saturating_sub(1);
    (0..holders)
        .rev()
        .find(|it| is_index(segments, *it))
        .map_or(0, |it| it + 1)
}

fn ends_in_index(segments: &[Segment]) -> bool {
    segments
        .len()
        .checked_sub(1)
        .is_some_and(|last| last > anchor(segments) && is_index(segments, last))
}

fn is_index(segments: &[Segment], at: usize) -> bool {
    let digits = |it: &Segment| matches!(it, Segment::Bracket(key) if key.bytes().all(|c| c.is_ascii_digit()));
    let in_map = at
        .checked_sub(1)
        .and_then(|it| segments.get(it))
        .is_some_and(|it| MAPS.contains(&it.text()));
    segments.get(at).is_some_and(digits) && !in_map
}

/// Whether the value found room; the depth is that of `keys`, at most `DEPTH`.
fn insert(tree: &mut Vec<(String, Tree)>, keys: &[Segment], element: bool, value: &Value) -> bool {
    let Some((key, rest)) = keys.split_first() else {
        return false;
    };
    let found = tree.iter().position(|(it, _)| it == key.text());
    let leaf = rest.is_empty() || (element && rest.len() == 1);
    match found.and_then(|it| tree.get_mut(it)) {
        Some((_, Tree::Keys(inner))) if !leaf => insert(inner, rest, element, value),
        Some((_, Tree::Elements(list))) if leaf && element => {
            if !list.contains(value) {
                list.push(value.clone());
            }
            true
        }
        Some((_, Tree::Leaf(old))) => leaf && old == value,
        Some(_) => false,
        None if !leaf => {
            let mut inner = Vec::new();
            let done = insert(&mut inner, rest, element, value);
            tree.push((key.text().to_owned(), Tree::Keys(inner)));
            done
        }
        None => {
            let leaf = if rest.is_empty() {
                Tree::Leaf(value.clone())
            } else {
                Tree::Elements(vec![value.clone()])
            };
            tree.push((key.text().to_owned(), leaf));
            true
        }
    }
}

impl Block {
    fn write(&self, label: &str, page: &mut Page<'_>) -> io::Result<()> {
        let mut lines = Vec::new();
        keys(&self.root, 0, &mut lines);
        let mut start = format!("       {}", page.cell(Ink::Faint, label, 5));
        if self.anchor != FieldPath::default() {
            let place = match &self.container {
                Some(name) => format!("# in {} ({name})", self.anchor),
                None => format!("# in {}", self.anchor),
            };
            page.line(&format!("{start}{}", page.ink(Ink::Faint, &place)))?;
            start = format!("{:12}", "");
        }
        for line in lines.iter().take(LINES) {
            page.line(&format!("{start}{}", page.ink(Ink::Edit, line)))?;
            start = format!("{:12}", "");
        }
        if let Some(more) = lines.len().checked_sub(LINES + 1) {
            let line = page.ink(
                Ink::Faint,
                &format!("# … {} lines more: see --format json", more + 1),
            );
            page.line(&format!("{start}{line}"))?;
        }
        Ok(())
    }
}

fn keys(tree: &[(String, Tree)], indent: usize, lines: &mut Vec<String>) {
    for (key, inner) in tree {
        let key = string(key);
        match inner {
            Tree::Keys(inner) => {
                lines.push(format!("{:indent$}{key}:", ""));
                keys(inner, indent + 2, lines);
            }
            Tree::Elements(list) => {
                lines.push(format!("{:indent$}{key}:", ""));
                list.iter().for_each(|it| element(it, indent + 2, lines));
            }
            Tree::Leaf(value) => field(&key, value, indent, lines),
        }
    }
}

/// `key: value`; a value's depth is bounded by the JSON parser.
fn field(key: &str, value: &Value, indent: usize, lines: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            lines.push(format!("{:indent$}{key}:", ""));
            map.iter()
                .for_each(|(key, value)| field(&string(key), value, indent + 2, lines));
        }
        Value::Array(list) if !list.is_empty() => {
            lines.push(format!("{:indent$}{key}:", ""));
            list.iter().for_each(|it| element(it, indent + 2, lines));
        }
        _ => lines.push(format!("{:indent$}{key}: {}", "", scalar(value))),
    }
}

/// `- value`, a map's first key beside the dash.
fn element(value: &Value, indent: usize, lines: &mut Vec<String>) {
    let start = lines.len();
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter()
                .for_each(|(key, value)| field(&string(key), value, indent + 2, lines));
        }
        Value::Array(list) if !list.is_empty() => {
            list.iter().for_each(|it| element(it, indent + 2, lines))
        }
        _ => lines.push(format!("{:1$}{2}", "", indent + 2, scalar(value))),
    }
    if let Some(line) = lines.get_mut(start) {
        line.replace_range(indent..=indent, "-");
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        other => other.to_string(),
    }
}

/// A string as YAML: bare where no reader could take it for anything else, else in double quotes.
fn string(text: &str) -> String {
    let plain = text
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '/')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
        && !["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text.to_owned();
    }
    let mut quoted = String::new();
    Value::from(text)
        .to_string()
        .chars()
        .for_each(|c| kubevet_model::escape_json_char(c, &mut quoted));
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Style, View};
    use kubevet_model::{ControlId, Finding, Fix, Position, Source};

    fn check(fixes: &[(&str, Option<&str>)], expected: &str) {
        let fix = |(path, json): &(&str, Option<&str>)| Fix {
            path: path.parse().unwrap(),
            action: json.map_or(FixAction::Remove, |it| FixAction::Set(it.to_owned())),
        };
        let located = LocatedFinding {
            finding: Finding {
                control: ControlId::from("C-1"),
                paths: Vec::new(),
                message: String::new(),
                fixes: fixes.iter().map(fix).collect(),
            },
            source: Source {
                file: "f".into(),
                position: Position::START,
            },
            container: Some("app".to_owned()),
            excerpt: Vec::new(),
        };
        let mut out = Vec::new();
        let style = Style {
            view: View::Resource,
            color: false,
            width: 80,
        };
        write(&[&located], &mut Page::new(&style, &mut out)).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert_eq!(
            out.lines().map(str::trim_end).collect::<Vec<_>>(),
            expected.lines().collect::<Vec<_>>()
        );
    }

    #[test]
    fn fixes_of_one_element_are_merged() {
        check(
            &[
                (
                    "spec.containers[0].securityContext.runAsNonRoot",
                    Some("true"),
                ),
                (
                    "spec.containers[0].securityContext.capabilities.drop[0]",
                    Some("\"ALL\""),
                ),
                (
                    "spec.containers[0].securityContext.runAsNonRoot",
                    Some("true"),
                ),
                ("spec.hostNetwork", Some("false")),
            ],
            "       fix: # in spec.containers[0] (app)
            securityContext:
              runAsNonRoot: true
              capabilities:
                drop:
                  - ALL
            spec:
              hostNetwork: false",
        );
    }

    #[test]
    fn values_that_exclude_each_other_stand_apart() {
        check(
            &[("spec.a", Some("1")), ("spec.a", Some("2"))],
            "       fix: spec:\n              a: 1\n            spec:\n              a: 2",
        );
        check(
            &[("a.b", Some("1")), ("a", Some("2"))],
            "       fix: a:\n              b: 1\n            a: 2",
        );
    }

    #[test]
    fn removals_name_the_path() {
        check(
            &[("spec.caps.add[0]", None), ("spec.caps.add[0]", None)],
            "       fix: remove spec.caps.add[0]",
        );
    }

    #[test]
    fn what_is_no_plain_word_is_quoted() {
        check(
            &[("metadata.labels[8080]", Some("\"yes\""))],
            "       fix: metadata:\n              labels:\n                \"8080\": \"yes\"",
        );
        check(
            &[("a", Some("\"x\\u001b[0m: \\u009b\""))],
            "       fix: a: \"x\\u001b[0m: \\u009b\"",
        );
        check(&[("a", Some("\"100m\""))], "       fix: a: \"100m\"");
        check(&[("a", Some("not json"))], "       fix: a: \"not json\"");
        check(&[("a", Some("{}"))], "       fix: a: {}");
    }

    #[test]
    fn nested_values_are_nested() {
        check(
            &[(
                "a",
                Some("{\"b\":[{\"c\":1,\"d\":[2,[3]]}],\"e\":{\"f\":null}}"),
            )],
            "       fix: a:
              b:
                - c: 1
                  d:
                    - 2
                    - - 3
              e:
                f: null",
        );
    }

    #[test]
    fn a_path_of_a_million_steps_is_written_flat() {
        let path = format!("a{}", ".a".repeat(1_000_000));
        let path: FieldPath = path.parse().unwrap();
        let mut blocks = Vec::new();
        add(&mut blocks, &path, Value::from(1), None);
        assert!(matches!(blocks.first().map(|it| it.root.len()), Some(1)));
    }
}
