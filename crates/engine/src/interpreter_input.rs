//! Documents and params as the interpreter's values. Numbers stay exact: one that fits no evaluator type keeps its text.

use kubevet_document::{Document, Node, Number, Value as Field};
use kubevet_model::EvalRequest;
use kubevet_policy::{ParamValue, Params};
use kubevet_rego::builtins::NUMBER_DIGITS;
use regorus::Value;
use std::collections::BTreeMap;

/// What rules see as `input`.
pub(super) fn input(document: &Document, request: &EvalRequest, params: &Value) -> Value {
    map([
        ("object", node(document.root())),
        ("params", params.clone()),
        (
            "request",
            map([("operation", Value::from(request.operation.name()))]),
        ),
    ])
}

/// Params as rules see them: a list or a text by name.
pub(super) fn params(params: &Params) -> Value {
    let value = |it: &ParamValue| match it {
        ParamValue::String(text) => Value::from(text.as_str()),
        ParamValue::List(texts) => Value::from(
            texts
                .iter()
                .map(|it| Value::from(it.as_str()))
                .collect::<Vec<_>>(),
        ),
    };
    map(params.iter().map(|(name, it)| (name, value(it))))
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::from(
        entries
            .into_iter()
            .map(|(key, value)| (Value::from(key), value))
            .collect::<BTreeMap<_, _>>(),
    )
}

/// The reader bounds the depth of documents, so the recursion is bounded too.
fn node(node: Node<'_>) -> Value {
    match node.value() {
        Field::Null => Value::Null,
        Field::Bool(it) => Value::from(it),
        Field::String(it) => Value::from(it),
        Field::Number(it) => number(it),
        Field::List(_) => Value::from(node.elements().map(self::node).collect::<Vec<_>>()),
        Field::Map(_) => map(node
            .entries()
            .map(|entry| (entry.key, self::node(entry.value)))),
    }
}

fn number(number: Number<'_>) -> Value {
    match number {
        Number::Int(it) => Value::from(it),
        Number::Float(it) => Value::from(it),
        // A number beyond every type that Kubernetes knows. With more digits than any of use it stays a text, since
        // exact arithmetic on it would be work without end.
        Number::Big(text) if text.len() as u64 > NUMBER_DIGITS => Value::from(text),
        Number::Big(text) => Value::from_numeric_string(text).unwrap_or_else(|_| Value::from(text)),
    }
}
