//! Reads maps of policy files, and reports all their errors at once.
//!
//! A [`FieldSpec`] table names the keys of a map; the JSON Schemas in `schemas/` are tested against
//! the same tables. The meaning of the values is left to the file of each format.

use super::did_you_mean::did_you_mean;
use kubevet_document::{self as document, Document, Limits, Node, Number, Value};
use kubevet_model::{Position, Problem, ProblemCode};
use std::sync::Arc;

/// The maximum length of a string.
const MAX_STRING_BYTES: usize = 20_000;
/// The maximum length of a list.
const MAX_LIST_ITEMS: usize = 10_000;

/// A key of a map.
#[derive(Debug, Clone, Copy)]
pub(super) struct FieldSpec {
    pub(super) name: &'static str,
    pub(super) required: bool,
}

impl FieldSpec {
    pub(super) const fn required(name: &'static str) -> Self {
        Self {
            name,
            required: true,
        }
    }

    pub(super) const fn optional(name: &'static str) -> Self {
        Self {
            name,
            required: false,
        }
    }
}

/// A value and its position.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spanned<T> {
    pub(super) value: T,
    pub(super) position: Position,
}

/// The values without their positions.
pub(super) fn values(texts: Vec<Spanned<String>>) -> Vec<String> {
    texts.into_iter().map(|text| text.value).collect()
}

/// A file that is read, and its errors so far.
pub(super) struct MapReader<'f> {
    pub(super) file: &'f Arc<str>,
    problems: &'f mut Vec<Problem>,
}

impl<'f> MapReader<'f> {
    pub(super) fn new(file: &'f Arc<str>, problems: &'f mut Vec<Problem>) -> Self {
        Self { file, problems }
    }

    /// Parses the one YAML or JSON document of the file; `None` if there is not exactly one, or it
    /// has an error.
    pub(super) fn document(&mut self, text: &str, what: &str) -> Option<Document> {
        self.document_of(text.as_bytes(), what, document::read_yaml)
    }

    /// As [`MapReader::document`], with a given parser.
    pub(super) fn document_of(
        &mut self,
        bytes: &[u8],
        what: &str,
        read: fn(&Arc<str>, &[u8], &Limits) -> document::ParsedFile,
    ) -> Option<Document> {
        let limits = Limits {
            bytes: 8 << 20,
            depth: 64,
            nodes: 500_000,
            expansion: 10_000,
        };
        let mut reading = read(self.file, bytes, &limits);
        if !reading.problems.is_empty() {
            self.problems.append(&mut reading.problems);
            return None;
        }
        let mut documents = reading.documents.into_iter();
        match (documents.next(), documents.next()) {
            (Some(document), None) => Some(document),
            (Some(_), Some(second)) => {
                self.error(
                    second.position(),
                    format!("a second document begins here: one {what} a file"),
                );
                None
            }
            (None, _) => {
                self.error(
                    Position::START,
                    format!("the file is empty: it must hold one {what}"),
                );
                None
            }
        }
    }

    pub(super) fn error(&mut self, at: Position, message: impl Into<String>) {
        self.problems.push(Problem::at(
            ProblemCode::PolicyInvalidField,
            self.file.as_ref(),
            at,
            message,
        ));
    }

    /// Adds errors that something else found in the file.
    pub(super) fn problems(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems);
    }

    /// True if the node is a map. Reports unknown, repeated and missing keys.
    pub(super) fn keys(&mut self, node: Node<'_>, what: &str, keys: &[FieldSpec]) -> bool {
        if !node.is_map() {
            self.error(
                node.position(),
                format!(
                    "{what} must be a map with {}, but is {}",
                    list_keys(keys),
                    type_name(node)
                ),
            );
            return false;
        }
        self.check_repeated(node);
        for entry in node.entries() {
            if keys.iter().all(|spec| spec.name != entry.key) {
                let hint = did_you_mean(entry.key, keys.iter().map(|spec| spec.name));
                let hint = if hint.is_empty() {
                    format!(": it has {}", list_keys(keys))
                } else {
                    hint
                };
                self.error(
                    entry.key_position(),
                    format!("{what} has no key {:?}{hint}", abbreviate(entry.key)),
                );
            }
        }
        for key in keys
            .iter()
            .filter(|spec| spec.required && node.get(spec.name).is_none())
        {
            self.error(
                node.position(),
                format!("{what} lacks the key {:?}", key.name),
            );
        }
        true
    }

    /// Reports keys that a map has twice.
    pub(super) fn check_repeated(&mut self, node: Node<'_>) {
        for (key, position) in node.repeated() {
            self.error(
                position,
                format!("duplicate key {:?}: keep one", abbreviate(key)),
            );
        }
    }

    /// Reads the string of a key, which must not be blank; `None` if the key is missing or its
    /// value is wrong.
    pub(super) fn string(&mut self, node: Node<'_>, key: &str) -> Option<Spanned<String>> {
        let text = self.optional_string(node, key)?;
        if text.value.trim().is_empty() {
            self.error(
                text.position,
                format!("{key:?} is empty: write something or leave the key out"),
            );
            return None;
        }
        Some(text)
    }

    /// Reads the string of a key, trimmed at its end; `None` if the key is missing or its value is
    /// wrong.
    pub(super) fn optional_string(&mut self, node: Node<'_>, key: &str) -> Option<Spanned<String>> {
        let value = node.get(key)?;
        self.string_value(value, &format!("{key:?}"))
    }

    /// As [`MapReader::optional_string`]; empty if there is none.
    pub(super) fn string_or_empty(&mut self, node: Node<'_>, key: &str) -> String {
        self.optional_string(node, key)
            .map_or_else(String::new, |text| text.value)
    }

    /// Reads a string, trimmed at its end. `what` names it in messages.
    pub(super) fn string_value(&mut self, node: Node<'_>, what: &str) -> Option<Spanned<String>> {
        let Some(text) = node.as_str() else {
            let quote = if matches!(node.value(), Value::Number(_) | Value::Bool(_)) {
                ": put it in quotes"
            } else {
                ""
            };
            self.error(
                node.position(),
                format!("{what} must be a string, but is {}{quote}", type_name(node)),
            );
            return None;
        };
        if text.len() > MAX_STRING_BYTES {
            self.error(
                node.position(),
                format!("{what} is longer than {MAX_STRING_BYTES} bytes: shorten it"),
            );
            return None;
        }
        if text
            .chars()
            .any(|c| c.is_control() && c != '\n' && c != '\t')
        {
            self.error(
                node.position(),
                format!("{what} has a control character: remove it"),
            );
            return None;
        }
        Some(Spanned {
            value: text.trim_end().to_owned(),
            position: node.position(),
        })
    }

    /// Reads the number of a key; `None` if the key is missing or its value is wrong.
    pub(super) fn number(&mut self, node: Node<'_>, key: &str) -> Option<Spanned<f64>> {
        let value = node.get(key)?;
        let number = match value.value() {
            Value::Number(Number::Float(number)) => Some(number),
            Value::Number(Number::Int(number)) => i32::try_from(number).ok().map(f64::from),
            _ => None,
        };
        if number.is_none() {
            self.error(
                value.position(),
                format!("{key:?} must be a number, but is {}", type_name(value)),
            );
        }
        Some(Spanned {
            value: number?,
            position: value.position(),
        })
    }

    /// Reads the boolean of a key; `None` if the key is missing or its value is wrong.
    pub(super) fn boolean(&mut self, node: Node<'_>, key: &str) -> Option<bool> {
        let value = node.get(key)?;
        let boolean = value.as_bool();
        if boolean.is_none() {
            self.error(
                value.position(),
                format!("{key:?} must be true or false, but is {}", type_name(value)),
            );
        }
        boolean
    }

    /// Reads the list of strings of a key, without duplicates; `None` if the key is missing or no
    /// list. Elements that are no strings are left out.
    pub(super) fn strings(&mut self, node: Node<'_>, key: &str) -> Option<Vec<Spanned<String>>> {
        let value = node.get(key)?;
        let mut texts: Vec<Spanned<String>> = Vec::new();
        for (i, element) in self
            .elements(value, &format!("{key:?}"))?
            .into_iter()
            .enumerate()
        {
            let Some(text) = self.string_value(element, &format!("entry {} of {key:?}", i + 1))
            else {
                continue;
            };
            if texts.iter().any(|other| other.value == text.value) {
                self.error(
                    text.position,
                    format!(
                        "{key:?} lists {:?} twice: keep one",
                        abbreviate(&text.value)
                    ),
                );
            } else {
                texts.push(text);
            }
        }
        Some(texts)
    }

    /// Returns the elements of a list of bounded length.
    pub(super) fn elements<'a>(&mut self, node: Node<'a>, what: &str) -> Option<Vec<Node<'a>>> {
        if !node.is_list() {
            let hint = if matches!(node.value(), Value::String(_)) {
                ": write [ ] around it"
            } else {
                ""
            };
            self.error(
                node.position(),
                format!("{what} must be a list, but is {}{hint}", type_name(node)),
            );
            return None;
        }
        if node.child_count() > MAX_LIST_ITEMS {
            self.error(
                node.position(),
                format!("{what} has more than {MAX_LIST_ITEMS} entries: shorten it"),
            );
            return None;
        }
        Some(node.elements().collect())
    }

    /// Returns the elements of the list of a key; none if the key is missing or its value no list.
    pub(super) fn elements_of<'a>(&mut self, node: Node<'a>, key: &str) -> Vec<Node<'a>> {
        node.get(key)
            .and_then(|list| self.elements(list, &format!("{key:?}")))
            .unwrap_or_default()
    }

    /// Reads the value of a key that holds one of the known names; `None` if the key is missing or
    /// its name unknown.
    pub(super) fn read_enum<T: Copy>(
        &mut self,
        node: Node<'_>,
        key: &str,
        known: &[(&str, T)],
    ) -> Option<T> {
        let name = self.string(node, key)?;
        self.parse_enum(&name, key, known)
    }

    /// Returns the value of one of the known names. An unknown name is an error.
    pub(super) fn parse_enum<T: Copy>(
        &mut self,
        name: &Spanned<String>,
        key: &str,
        known: &[(&str, T)],
    ) -> Option<T> {
        let found = known
            .iter()
            .find(|(known, _)| *known == name.value)
            .map(|(_, meaning)| *meaning);
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|(known, _)| *known).collect();
            let hint = did_you_mean(&name.value, names.iter().copied());
            let message = format!(
                "{key:?} has no value {:?}: write one of {}{hint}",
                abbreviate(&name.value),
                names.join(", ")
            );
            self.error(name.position, message);
        }
        found
    }
}

/// Returns a string of a user's file, truncated for a message.
pub(super) fn abbreviate(word: &str) -> String {
    const MAX_SHOWN_CHARS: usize = 60;
    if word.chars().count() <= MAX_SHOWN_CHARS {
        word.to_owned()
    } else {
        word.chars().take(MAX_SHOWN_CHARS).chain(['…']).collect()
    }
}

/// Returns the type of a node, for messages.
pub(super) fn type_name(node: Node<'_>) -> &'static str {
    match node.value() {
        Value::Null => "empty",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::List => "a list",
        Value::Map => "a map",
    }
}

fn list_keys(keys: &[FieldSpec]) -> String {
    let names: Vec<&str> = keys.iter().map(|spec| spec.name).collect();
    format!("the keys {}", names.join(", "))
}
