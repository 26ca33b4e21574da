//! Reads label selectors (`metav1.LabelSelector`) as Kubernetes would: what it would refuse is refused here, since a
//! selector that selects nothing is green.

use super::{
    binding::read_word,
    map_reader::{Key, Sheet, kind, shown},
};
use kubevet_document::{Node, Value};
use kubevet_k8s::matching::{LabelOperator, LabelRequirement, LabelSelector};
use kubevet_model::Position;

/// The keys of a selector.
pub(super) const SELECTOR_KEYS: &[Key] = &[
    Key::optional("matchLabels"),
    Key::optional("matchExpressions"),
];
/// The keys of an entry of `matchExpressions`.
pub(super) const REQUIREMENT_KEYS: &[Key] = &[
    Key::required("key"),
    Key::required("operator"),
    Key::optional("values"),
];

/// The words of `operator`.
pub(super) fn operator_words() -> Vec<&'static str> {
    LabelOperator::ALL.map(LabelOperator::name).to_vec()
}

/// A selector; complains of what cannot be one.
pub(super) fn read(sheet: &mut Sheet<'_>, node: Node<'_>, what: &str) -> LabelSelector {
    let mut requirements = Vec::new();
    if sheet.keys(node, what, SELECTOR_KEYS) {
        if let Some(labels) = node.get("matchLabels") {
            read_labels(sheet, labels, &mut requirements);
        }
        let expressions = node
            .get("matchExpressions")
            .and_then(|it| sheet.elements(it, "\"matchExpressions\""));
        requirements.extend(
            expressions
                .into_iter()
                .flatten()
                .filter_map(|it| read_requirement(sheet, it)),
        );
    }
    LabelSelector { requirements }
}

fn read_labels(sheet: &mut Sheet<'_>, labels: Node<'_>, requirements: &mut Vec<LabelRequirement>) {
    if !matches!(labels.value(), Value::Map(_)) {
        sheet.complain(
            labels.position(),
            format!(
                "\"matchLabels\" must be a map of labels, but is {}",
                kind(labels)
            ),
        );
        return;
    }
    sheet.repeated(labels);
    for entry in labels.entries() {
        check_key(sheet, entry.key_position(), entry.key);
        let Some(value) = sheet.string(entry.value, &format!("the label {:?}", shown(entry.key)))
        else {
            continue;
        };
        check_value(sheet, value.position, &value.value);
        requirements.push(LabelRequirement {
            key: entry.key.to_owned(),
            operator: LabelOperator::In,
            values: vec![value.value],
        });
    }
}

fn read_requirement(sheet: &mut Sheet<'_>, node: Node<'_>) -> Option<LabelRequirement> {
    if !sheet.keys(node, "an entry of \"matchExpressions\"", REQUIREMENT_KEYS) {
        return None;
    }
    let key = sheet.text(node, "key");
    if let Some(key) = &key {
        check_key(sheet, key.position, &key.value);
    }
    let operator = read_word(
        sheet,
        node,
        "operator",
        &LabelOperator::ALL.map(|it| (it.name(), it)),
    );
    let values = sheet.texts(node, "values").unwrap_or_default();
    for value in &values {
        check_value(sheet, value.position, &value.value);
    }
    let operator = operator?;
    let compares = matches!(operator, LabelOperator::In | LabelOperator::NotIn);
    if compares && values.is_empty() {
        sheet.complain(
            node.position(),
            format!("{} compares with \"values\": write some", operator.name()),
        );
    } else if !compares && !values.is_empty() {
        sheet.complain(
            node.position(),
            format!("{} looks at no \"values\": remove them", operator.name()),
        );
    }
    Some(LabelRequirement {
        key: key?.value,
        operator,
        values: values.into_iter().map(|it| it.value).collect(),
    })
}

fn check_key(sheet: &mut Sheet<'_>, at: Position, key: &str) {
    let (prefix, name) = key
        .rsplit_once('/')
        .map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if name.is_empty()
        || !is_label_value(name)
        || prefix.is_some_and(|it| !super::binding::is_subdomain(it))
    {
        sheet.complain(
            at,
            format!(
                "{:?} is no key of a label: write one like tier or example.com/tier",
                shown(key)
            ),
        );
    }
}

fn check_value(sheet: &mut Sheet<'_>, at: Position, value: &str) {
    if !is_label_value(value) {
        let message = format!(
            "{:?} is no value of a label: at most 63 letters, digits, \"-\", \"_\" and \".\"",
            shown(value)
        );
        sheet.complain(at, message);
    }
}

fn is_label_value(text: &str) -> bool {
    let alphanumeric = |it: char| it.is_ascii_alphanumeric();
    let inside = |it: char| alphanumeric(it) || matches!(it, '-' | '_' | '.');
    text.is_empty()
        || text.len() <= 63
            && text.starts_with(alphanumeric)
            && text.ends_with(alphanumeric)
            && text.chars().all(inside)
}
