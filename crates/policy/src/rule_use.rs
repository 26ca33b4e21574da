//! The use of a shared rule, as control.yaml states it: its name, and the value of each argument.

use super::map_reader::{FieldSpec, MapReader, Spanned, type_name};
use kubevet_document::{Node, Number, Value};
use kubevet_model::Position;
use serde::{Deserialize, Serialize};

/// The keys of `rule` in control.yaml.
pub(super) const RULE_KEYS: &[FieldSpec] = &[
    FieldSpec::required("name"),
    FieldSpec::optional("arguments"),
];
/// The type of an argument.
#[derive(Debug, Serialize, Deserialize, Clone, Copy, PartialEq, Eq)]
pub(super) enum ArgumentType {
    String,
    Strings,
    Number,
    Boolean,
}

impl ArgumentType {
    pub(super) const NAMES: &[(&str, Self)] = &[
        ("string", Self::String),
        ("strings", Self::Strings),
        ("number", Self::Number),
        ("boolean", Self::Boolean),
    ];

    pub(super) fn description(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Strings => "a list of strings with an entry",
            Self::Number => "a whole number",
            Self::Boolean => "true or false",
        }
    }
}

/// The use of a shared rule, as control.yaml states it.
pub(super) struct RuleUse {
    pub(super) name: Spanned<String>,
    pub(super) arguments: Vec<GivenArgument>,
}

/// An argument that a control gives.
pub(super) struct GivenArgument {
    pub(super) name: Spanned<String>,
    /// The value, and its literal of Rego; `None` for a value that no argument can have.
    pub(super) literal: Option<(ArgumentType, String)>,
    pub(super) position: Position,
    pub(super) found: &'static str,
}

impl RuleUse {
    /// The position of the rule's name.
    pub(super) fn position(&self) -> Position {
        self.name.position
    }

    pub(super) fn into_name(self) -> String {
        self.name.value
    }

    /// Reads `rule` of control.yaml; `None` if it is missing or wrong.
    pub(super) fn read(reader: &mut MapReader<'_>, control: Node<'_>) -> Option<Self> {
        let node = control.get("rule")?;
        if !reader.keys(node, "\"rule\"", RULE_KEYS) {
            return None;
        }
        let name = reader.string(node, "name")?;
        let mut arguments = Vec::new();
        if let Some(given) = node.get("arguments") {
            if !given.is_map() {
                let message = format!("\"arguments\" must be a map, but is {}", type_name(given));
                reader.error(given.position(), message);
                return None;
            }
            reader.check_repeated(given);
            for entry in given.entries() {
                arguments.push(GivenArgument {
                    name: Spanned {
                        value: entry.key.to_owned(),
                        position: entry.key_position(),
                    },
                    literal: literal(entry.value),
                    position: entry.value.position(),
                    found: type_name(entry.value),
                });
            }
        }
        Some(Self { name, arguments })
    }
}

/// The literal of a value in JSON, which is Rego too.
fn literal(value: Node<'_>) -> Option<(ArgumentType, String)> {
    let argument_type = if value.is_list() {
        let mut elements = value.elements();
        let are_strings =
            elements.next().is_some_and(Node::is_string) && elements.all(Node::is_string);
        are_strings.then_some(ArgumentType::Strings)?
    } else if value.is_string() {
        ArgumentType::String
    } else if value.as_bool().is_some() {
        ArgumentType::Boolean
    } else {
        matches!(value.value(), Value::Number(Number::Int(_))).then_some(ArgumentType::Number)?
    };
    let mut text = String::new();
    value.write_json(&mut text);
    Some((argument_type, text))
}
