//! What differs between two exports: by object, the fields that changed.
//!
//! The contents are compared, not the verdicts: CEL is evaluated by an API server alone. Elements of
//! a list that have a name are compared by it, plain lists as sets; params, which are lists of
//! literals in a variable, by their items.

use super::exported_object::ExportedObject;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt};

/// A longer value is not shown.
const MAX_SHOWN_CHARS: usize = 60;

/// An object that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectDiff {
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
    /// What differs.
    pub change: ObjectChange,
}

/// How an object differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectChange {
    /// Only the new export has it.
    Added,
    /// Only the old export has it.
    Removed,
    /// Both have it: the fields that differ, one a line.
    Changed(Vec<String>),
}

impl fmt::Display for ObjectDiff {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.kind, self.name)?;
        match &self.change {
            ObjectChange::Added => out.write_str(": added"),
            ObjectChange::Removed => out.write_str(": removed"),
            ObjectChange::Changed(lines) => {
                lines.iter().try_for_each(|line| write!(out, "\n  {line}"))
            }
        }
    }
}

/// Compares two exports. The differences are sorted by kind and name; of two objects with one name,
/// the last counts, as for `kubectl apply`.
#[must_use]
pub fn diff_exports(old: &[ExportedObject], new: &[ExportedObject]) -> Vec<ObjectDiff> {
    let by_name = |objects: &'_ [ExportedObject]| -> BTreeMap<(String, String), Value> {
        let entry = |object: &ExportedObject| {
            let key = (object.kind.clone(), object.name.clone());
            (key, object.body.clone())
        };
        objects.iter().map(entry).collect()
    };
    let (old, new) = (by_name(old), by_name(new));
    let mut changes = BTreeMap::new();
    for (key, before) in &old {
        let change = match new.get(key) {
            None => ObjectChange::Removed,
            Some(after) => {
                let mut lines = Vec::new();
                compare("", before, after, &mut lines);
                ObjectChange::Changed(lines)
            }
        };
        changes.insert(key, change);
    }
    for key in new.keys() {
        changes.entry(key).or_insert(ObjectChange::Added);
    }
    changes
        .into_iter()
        .filter(|(_, change)| *change != ObjectChange::Changed(Vec::new()))
        .map(|((kind, name), change)| ObjectDiff {
            kind: kind.clone(),
            name: name.clone(),
            change,
        })
        .collect()
}

/// Adds a line for each difference of two values at a path. The recursion is as deep as the values,
/// which the reader of JSON bounds.
fn compare(path: &str, old: &Value, new: &Value, lines: &mut Vec<String>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(old), Value::Object(new)) => compare_maps(path, old, new, lines),
        (Value::Array(old), Value::Array(new)) => compare_lists(path, old, new, lines),
        (Value::String(old), Value::String(new)) => {
            let lists = literal_items(old).zip(literal_items(new));
            lines.push(match lists {
                Some((old, new)) => format!("{path}: {}", item_changes(&old, &new)),
                None => format!("{path}: {}", value_change(old, new)),
            });
        }
        _ => lines.push(format!(
            "{path}: {}",
            value_change(&old.to_string(), &new.to_string())
        )),
    }
}

fn compare_maps(
    path: &str,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    lines: &mut Vec<String>,
) {
    let at = |key: &str| match path {
        "" => key.to_owned(),
        _ if key.contains(['.', '/']) => format!("{path}[{key}]"),
        _ => format!("{path}.{key}"),
    };
    for (key, before) in old {
        match new.get(key) {
            Some(after) => compare(&at(key), before, after, lines),
            None => lines.push(format!("{}: removed", at(key))),
        }
    }
    let added = new.keys().filter(|key| !old.contains_key(*key));
    lines.extend(added.map(|key| format!("{}: added", at(key))));
}

fn compare_lists(path: &str, old: &[Value], new: &[Value], lines: &mut Vec<String>) {
    if let Some((old, new)) = by_element_name(old).zip(by_element_name(new)) {
        for (name, before) in &old {
            match new.get(name) {
                Some(after) => compare(&format!("{path}[{name}]"), before, after, lines),
                None => lines.push(format!("{path}[{name}]: removed")),
            }
        }
        let added = new.keys().filter(|name| !old.contains_key(*name));
        lines.extend(added.map(|name| format!("{path}[{name}]: added")));
    } else if let Some((old, new)) = scalars(old).zip(scalars(new)) {
        lines.push(format!("{path}: {}", item_changes(&old, &new)));
    } else {
        for (index, (before, after)) in old.iter().zip(new).enumerate() {
            compare(&format!("{path}[{index}]"), before, after, lines);
        }
        let common = old.len().min(new.len());
        lines.extend((common..old.len()).map(|index| format!("{path}[{index}]: removed")));
        lines.extend((common..new.len()).map(|index| format!("{path}[{index}]: added")));
    }
}

/// The elements of a list by their names; `None` where one has none.
fn by_element_name(list: &[Value]) -> Option<BTreeMap<&str, &Value>> {
    let mut named = BTreeMap::new();
    for element in list {
        let name = element.get("name").or_else(|| element.get("key"))?;
        named.insert(name.as_str()?, element);
    }
    Some(named)
}

/// The elements of a list as text; `None` where one is a list or a map.
fn scalars(list: &[Value]) -> Option<Vec<String>> {
    let text = |element: &Value| match element {
        Value::Array(_) | Value::Object(_) => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    list.iter().map(text).collect()
}

/// The items of a list of CEL's string literals, as they are written; `None` for any other
/// expression.
fn literal_items(expression: &str) -> Option<Vec<String>> {
    let mut rest = expression.trim().strip_prefix('[')?.trim_start();
    let mut items = Vec::new();
    while !rest.starts_with(']') {
        let end = literal_end(rest)?;
        let (item, after) = rest.split_at_checked(end)?;
        items.push(item.to_owned());
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None if after.starts_with(']') => after,
            None => return None,
        };
    }
    (rest == "]").then_some(items)
}

/// The number of bytes of the string literal at the beginning; `None` where there is none.
fn literal_end(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    let mut chars = text.char_indices();
    chars.next().filter(|(_, quote)| *quote == '\'')?;
    for (index, c) in chars {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '\'' => return Some(index + 1),
            _ => {}
        }
    }
    None
}

/// `+ added, - removed`.
fn item_changes(old: &[String], new: &[String]) -> String {
    let added = new.iter().filter(|item| !old.contains(item));
    let removed = old.iter().filter(|item| !new.contains(item));
    let changes: Vec<String> = added
        .map(|item| format!("+ {item}"))
        .chain(removed.map(|item| format!("- {item}")))
        .collect();
    if changes.is_empty() {
        "in another order".to_owned()
    } else {
        changes.join(", ")
    }
}

fn value_change(old: &str, new: &str) -> String {
    let is_short = |value: &str| value.chars().count() <= MAX_SHOWN_CHARS && !value.contains('\n');
    if is_short(old) && is_short(new) {
        format!("{old} -> {new}")
    } else {
        "changed".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(old: &Value, new: &Value, expected: &[&str]) {
        let object = |spec: &Value| {
            let body = json!({"kind": "Policy", "metadata": {"name": "p"}, "spec": spec});
            [ExportedObject::new(body)]
        };
        let changes = diff_exports(&object(old), &object(new));
        let lines: Vec<String> = changes
            .iter()
            .flat_map(|diff| match &diff.change {
                ObjectChange::Changed(lines) => lines.clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn equal_objects_differ_in_nothing() {
        check(
            &json!({"a": [1, {"b": null}]}),
            &json!({"a": [1, {"b": null}]}),
            &[],
        );
    }

    #[test]
    fn field_is_named_by_its_path() {
        check(
            &json!({"a": {"b": "x", "gone": 1}, "c": 1}),
            &json!({"a": {"b": "y", "d.e/f": 1}, "c": "1"}),
            &[
                "spec.a.b: x -> y",
                "spec.a.gone: removed",
                "spec.a[d.e/f]: added",
                "spec.c: 1 -> \"1\"",
            ],
        );
        let long = "x".repeat(100);
        check(
            &json!({"a": long}),
            &json!({"a": "y"}),
            &["spec.a: changed"],
        );
        check(
            &json!({"a": "x\nz"}),
            &json!({"a": "y"}),
            &["spec.a: changed"],
        );
    }

    #[test]
    fn elements_with_names_are_compared_by_them() {
        check(
            &json!({"variables": [{"name": "a", "expression": "1"}, {"name": "b", "expression": "2"}]}),
            &json!({"variables": [{"name": "b", "expression": "3"}, {"name": "c", "expression": "4"}]}),
            &[
                "spec.variables[a]: removed",
                "spec.variables[b].expression: 2 -> 3",
                "spec.variables[c]: added",
            ],
        );
        check(
            &json!({"validations": [{"expression": "a"}]}),
            &json!({"validations": [{"expression": "b"}, {"expression": "c"}]}),
            &[
                "spec.validations[0].expression: a -> b",
                "spec.validations[1]: added",
            ],
        );
    }

    #[test]
    fn plain_lists_and_params_are_compared_by_their_items() {
        for (old, new, expected) in [
            (
                json!(["Warn", "Audit"]),
                json!(["Deny", "Audit"]),
                "+ Deny, - Warn",
            ),
            (json!(["a", "b"]), json!(["b", "a"]), "in another order"),
            (
                json!("['A', 'B']"),
                json!("[\n  'A',\n  'C',\n]"),
                "+ 'C', - 'B'",
            ),
            (json!(r"['it\'s']"), json!("[]"), r"- 'it\'s'"),
            (
                json!("['a'].size()"),
                json!("['b'].size()"),
                "['a'].size() -> ['b'].size()",
            ),
        ] {
            check(
                &json!({"a": old}),
                &json!({"a": new}),
                &[&format!("spec.a: {expected}")],
            );
        }
    }

    #[test]
    fn object_of_one_export_is_added_or_removed() {
        let object =
            |name: &str| ExportedObject::new(json!({"kind": "Policy", "metadata": {"name": name}}));
        let changes = diff_exports(&[object("a"), object("b")], &[object("b"), object("c")]);
        let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["Policy a: removed", "Policy c: added"]);
    }
}
