//! Reads label selectors (`metav1.LabelSelector`). Whatever Kubernetes would reject is rejected
//! here: a selector that selects nothing finds nothing.

use super::map_reader::{FieldSpec, MapReader, abbreviate, type_name};
use kubevet_document::Node;
use kubevet_k8s::matching::{LabelOperator, LabelRequirement, LabelSelector};
use kubevet_model::{Position, names};

/// The keys of a selector.
pub(super) const SELECTOR_KEYS: &[FieldSpec] = &[
    FieldSpec::optional("matchLabels"),
    FieldSpec::optional("matchExpressions"),
];
/// The keys of an entry of `matchExpressions`.
pub(super) const REQUIREMENT_KEYS: &[FieldSpec] = &[
    FieldSpec::required("key"),
    FieldSpec::required("operator"),
    FieldSpec::optional("values"),
];

/// The names of `operator`.
pub(super) fn operator_names() -> Vec<&'static str> {
    LabelOperator::ALL
        .iter()
        .map(|value| value.name())
        .collect()
}

/// Reads a selector and reports its errors.
pub(super) fn read(reader: &mut MapReader<'_>, node: Node<'_>, what: &str) -> LabelSelector {
    let mut requirements = Vec::new();
    if reader.keys(node, what, SELECTOR_KEYS) {
        if let Some(labels) = node.get("matchLabels") {
            read_labels(reader, labels, &mut requirements);
        }
        let expressions = reader.elements_of(node, "matchExpressions");
        requirements.extend(
            expressions
                .into_iter()
                .filter_map(|node| read_requirement(reader, node)),
        );
    }
    LabelSelector { requirements }
}

fn read_labels(
    reader: &mut MapReader<'_>,
    labels: Node<'_>,
    requirements: &mut Vec<LabelRequirement>,
) {
    if !labels.is_map() {
        reader.error(
            labels.position(),
            format!(
                "\"matchLabels\" must be a map of labels, but is {}",
                type_name(labels)
            ),
        );
        return;
    }
    reader.check_repeated(labels);
    for entry in labels.entries() {
        check_key(reader, entry.key_position(), entry.key);
        let Some(value) = reader.string_value(
            entry.value,
            &format!("the label {:?}", abbreviate(entry.key)),
        ) else {
            continue;
        };
        check_value(reader, value.position, &value.value);
        requirements.push(LabelRequirement {
            key: entry.key.to_owned(),
            operator: LabelOperator::In,
            values: vec![value.value],
        });
    }
}

fn read_requirement(reader: &mut MapReader<'_>, node: Node<'_>) -> Option<LabelRequirement> {
    if !reader.keys(node, "an entry of \"matchExpressions\"", REQUIREMENT_KEYS) {
        return None;
    }
    let key = reader.string(node, "key");
    if let Some(key) = &key {
        check_key(reader, key.position, &key.value);
    }
    let operators: Vec<(&str, LabelOperator)> = LabelOperator::ALL
        .iter()
        .map(|operator| (operator.name(), *operator))
        .collect();
    let operator = reader.read_enum(node, "operator", &operators);
    let values = reader.strings(node, "values").unwrap_or_default();
    for value in &values {
        check_value(reader, value.position, &value.value);
    }
    let operator = operator?;
    let compares = matches!(operator, LabelOperator::In | LabelOperator::NotIn);
    if compares && values.is_empty() {
        reader.error(
            node.position(),
            format!("{} compares with \"values\": write some", operator.name()),
        );
    } else if !compares && !values.is_empty() {
        reader.error(
            node.position(),
            format!("{} takes no \"values\": remove them", operator.name()),
        );
    }
    Some(LabelRequirement {
        key: key?.value,
        operator,
        values: values.into_iter().map(|value| value.value).collect(),
    })
}

fn check_key(reader: &mut MapReader<'_>, at: Position, key: &str) {
    let (prefix, name) = key
        .rsplit_once('/')
        .map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if name.is_empty()
        || !is_label_value(name)
        || prefix.is_some_and(|prefix| !names::is_dns_subdomain(prefix))
    {
        reader.error(
            at,
            format!(
                "{:?} is not a valid label key: write one like tier or example.com/tier",
                abbreviate(key)
            ),
        );
    }
}

fn check_value(reader: &mut MapReader<'_>, at: Position, value: &str) {
    if !is_label_value(value) {
        let message = format!(
            "{:?} is not a valid label value: at most 63 letters, digits, \"-\", \"_\" and \".\"",
            abbreviate(value)
        );
        reader.error(at, message);
    }
}

fn is_label_value(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_alphanumeric();
    let inside = |c: char| alphanumeric(c) || matches!(c, '-' | '_' | '.');
    text.is_empty()
        || text.len() <= 63
            && text.starts_with(alphanumeric)
            && text.ends_with(alphanumeric)
            && text.chars().all(inside)
}
