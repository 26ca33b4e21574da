//! Documents and params as values of the interpreter. Numbers stay exact: one that fits no machine
//! type keeps its digits.

use super::bounded_builtins::MAX_NUMBER_DIGITS;
use kubevet_document::{Document, Node, Number, Value as NodeValue};
use kubevet_model::EvalRequest;
use kubevet_policy::{ParamValue, Params};
use regorus::Value;
use std::collections::BTreeMap;

/// Returns the `input` of rules: `{"object": …, "params": …, "request": {"operation": …}}`.
pub(super) fn input_value(document: &Document, request: &EvalRequest, params: &Value) -> Value {
    let operation = Value::from(request.operation.name());
    object_value([
        ("object", node_value(document.root())),
        ("params", params.clone()),
        ("request", object_value([("operation", operation)])),
    ])
}

/// Returns `input.params`: for each name a string or a list of strings.
pub(super) fn params_value(params: &Params) -> Value {
    let value = |param: &ParamValue| match param {
        ParamValue::String(string) => Value::from(string.as_str()),
        ParamValue::List(strings) => {
            let strings = strings.iter().map(|string| Value::from(string.as_str()));
            Value::from(strings.collect::<Vec<_>>())
        }
    };
    object_value(params.iter().map(|(name, param)| (name, value(param))))
}

fn object_value<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let entries = entries.into_iter();
    let entries = entries.map(|(key, value)| (Value::from(key), value));
    Value::from(entries.collect::<BTreeMap<_, _>>())
}

/// Converts a node. The reader bounds the depth of documents, and with it this recursion.
fn node_value(node: Node<'_>) -> Value {
    match node.value() {
        NodeValue::Null => Value::Null,
        NodeValue::Bool(boolean) => Value::from(boolean),
        NodeValue::String(string) => Value::from(string),
        NodeValue::Number(number) => number_value(number),
        NodeValue::List => Value::from(node.elements().map(node_value).collect::<Vec<_>>()),
        NodeValue::Map => object_value(
            node.entries()
                .map(|entry| (entry.key, node_value(entry.value))),
        ),
    }
}

fn number_value(number: Number<'_>) -> Value {
    match number {
        Number::Int(number) => Value::from(number),
        Number::Float(number) => Value::from(number),
        // A number beyond every type of Kubernetes. With more digits than any use has it becomes a
        // string, since exact arithmetic on it could take any time.
        Number::Big(digits) if digits.len() as u64 > MAX_NUMBER_DIGITS => Value::from(digits),
        Number::Big(digits) => {
            Value::from_numeric_string(digits).unwrap_or_else(|_| Value::from(digits))
        }
    }
}
