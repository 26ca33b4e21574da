//! A ValidatingAdmissionPolicy that people read: one control, a validation for each body of its
//! rule, and nothing about the old object or about who asks.
//!
//! `policy` makes what the API server evaluates fastest and what exempts findings as the webhook
//! does. A readable policy exempts one thing, since a cluster would get stuck without it: an object
//! that is being deleted. What its ControlBinding excludes is excluded in every style.

use super::{
    exclusions::MatchCondition, exported_object::CONTROLS_ANNOTATION, match_constraints,
    naming::MANAGED_BY, params,
};
use kubevet_cel::{Expr, ReadableControl};
use kubevet_k8s::workload::custom::CustomWorkload;
use kubevet_model::{Control, Kind, one_line};
use serde_json::{Map, Value, json};

/// Characters of a line of an annotation.
const MAX_TEXT_COLUMNS: usize = 90;
/// Characters of a control's name in a message.
const MAX_NAME_CHARS: usize = 80;
/// How a readable policy differs from the webhook.
const HELD_TO_ALL: &str = "Every CREATE and UPDATE is checked as a whole, also Pods of old owners (onUpdate: All, onOwned: Deny).";
/// How one with a bound on the object differs, too.
const TOO_LARGE: &str = "An object that is too large to be searched is not checked: the audit annotation `unjudged` records it.";
/// What a reader should know of the shared variables.
const VARIABLE_COMMENTS: &[(&str, &str)] = &[
    (
        "pods",
        "The pods of the object, wherever its kind has them.",
    ),
    ("podSpec", "The pod spec, wherever this kind has it."),
    (
        "podMetadata",
        "The metadata of the pods, wherever this kind has it.",
    ),
    (
        "containers",
        "A template may hold null, and only a Pod has ephemeral containers.",
    ),
    (
        "resourceContainers",
        "The containers that take resources: all but ephemeral ones.",
    ),
    (
        "probeContainers",
        "The containers that take probes: main ones and sidecars.",
    ),
    (
        "entries",
        "What is searched, and the sentence for each entry that is found.",
    ),
    (
        "tooLarge",
        "Searching a larger object could exceed the cost limit of the API server.",
    ),
];

/// The parts of a readable policy.
pub(super) struct ReadableSpec<'s> {
    pub(super) name: &'s str,
    pub(super) kinds: &'s [Kind],
    /// Where the kinds keep their pods, if they are kinds of other software.
    pub(super) custom: &'s [CustomWorkload],
    pub(super) cel: &'s ReadableControl,
    /// The requests that the ControlBinding excludes.
    pub(super) exclusions: &'s [MatchCondition],
    /// The name of the ControlBinding, empty without one.
    pub(super) binding: &'s str,
    /// Namespaces that the policy ignores.
    pub(super) exempt_namespaces: &'s [String],
}

/// The policy as an object.
pub(super) fn readable_policy(spec: &ReadableSpec<'_>) -> Value {
    let mut fields = Map::new();
    let mut add = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    add("failurePolicy", json!("Fail"));
    if spec.cel.reads_params {
        add("paramKind", params::kind());
    }
    add("matchConstraints", match_constraints(spec));
    let conditions = match_conditions(spec);
    if !conditions.is_empty() {
        add("matchConditions", Value::Array(conditions));
    }
    let (variables, validations) = readable_checks(spec.cel);
    if !variables.is_empty() {
        add("variables", Value::Array(variables));
    }
    add("validations", Value::Array(validations));
    if let Some(skip) = &spec.cel.skipped {
        let message = Expr::string(skip.message.as_str());
        let value = Expr::conditional(skip.condition.clone(), message, Expr::string(""));
        add(
            "auditAnnotations",
            json!([{"key": "unjudged", "valueExpression": value.to_lines()}]),
        );
    }
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": metadata(spec),
        "spec": fields,
    })
}

fn match_conditions(spec: &ReadableSpec<'_>) -> Vec<Value> {
    let exclusions = spec.exclusions.iter();
    let mut conditions: Vec<Value> = exclusions
        .map(|exclusion| {
            json!({"name": exclusion.name, "expression": exclusion.expression.to_lines()})
        })
        .collect();
    if !spec.kinds.iter().all(kubevet_k8s::matching::is_connection) {
        conditions.push(json!({
            "name": "not-being-deleted",
            "expression": "!has(object.metadata.deletionTimestamp)",
        }));
    }
    conditions
}

/// The variables and the validations of a readable policy.
#[must_use]
pub fn readable_checks(cel: &ReadableControl) -> (Vec<Value>, Vec<Value>) {
    let variables = cel.variables.iter().map(|variable| {
        let comment = VARIABLE_COMMENTS
            .iter()
            .find(|(name, _)| *name == variable.name);
        let comment = comment.map(|(_, comment)| format!("// {comment}\n"));
        let expression = variable.expression.to_item_lines();
        json!({
            "name": variable.name,
            "expression": format!("{}{expression}", comment.unwrap_or_default()),
        })
    });
    let title = title(&cel.control);
    let validations = cel.checks.iter().map(|check| {
        let mut validation = Map::new();
        validation.insert("expression".to_owned(), json!(check.passes.to_lines()));
        let message = if let Expr::String(message) = &check.message {
            message.clone()
        } else {
            let expression = json!(check.message.to_lines());
            validation.insert("messageExpression".to_owned(), expression);
            // The API server takes it where the message is too long.
            title.clone()
        };
        validation.insert("message".to_owned(), json!(message));
        validation.insert("reason".to_owned(), json!("Forbidden"));
        Value::Object(validation)
    });
    (variables.collect(), validations.collect())
}

/// What stands over a readable policy in YAML: what it is, and how it differs from the webhook.
pub(super) fn comment(cel: &ReadableControl, rule: Option<&str>) -> String {
    let control = &cel.control;
    let mut lines = vec![format!("{} ({})", title(control), control.severity)];
    lines.extend(rule.map(|rule| format!("Rule: {rule}")));
    lines.push(String::new());
    lines.push(HELD_TO_ALL.to_owned());
    if cel.skipped.is_some() {
        lines.push(TOO_LARGE.to_owned());
    }
    lines.join("\n")
}

fn match_constraints(spec: &ReadableSpec<'_>) -> Value {
    let mut constraints =
        json!({"resourceRules": match_constraints::policy_rules(spec.kinds, spec.custom)});
    let selector = match_constraints::namespace_selector(spec.exempt_namespaces);
    if let (Some(selector), Some(fields)) = (selector, constraints.as_object_mut()) {
        fields.insert("namespaceSelector".to_owned(), selector);
    }
    constraints
}

fn metadata(spec: &ReadableSpec<'_>) -> Value {
    let control = &spec.cel.control;
    let mut annotations = Map::new();
    let mut add = |key: &str, value: String| annotations.insert(key.to_owned(), json!(value));
    add(CONTROLS_ANNOTATION, control.id.to_string());
    add("kubevet.io/severity", control.severity.name().to_owned());
    if !spec.binding.is_empty() {
        add("kubevet.io/binding", spec.binding.to_owned());
    }
    let description = [control.check.trim(), control.risk.trim()];
    let description = description.join("\n");
    for (key, text) in [
        ("kubevet.io/description", description.as_str()),
        ("kubevet.io/remediation", &control.remediation),
    ] {
        if !text.trim().is_empty() {
            add(key, wrapped(text));
        }
    }
    json!({
        "name": spec.name,
        "labels": {MANAGED_BY.0: MANAGED_BY.1, "controlId": control.id.as_str()},
        "annotations": annotations,
    })
}

/// The id and the name on one line.
fn title(control: &Control) -> String {
    format!("{} {}", control.id, one_line(&control.name, MAX_NAME_CHARS))
}

/// A text with lines of a readable length. Lines that are indented, such as YAML, stay as they are.
fn wrapped(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.trim().lines() {
        if line.starts_with(' ') {
            lines.push(line.to_owned());
            continue;
        }
        let mut current = String::new();
        for word in line.split_whitespace() {
            let is_full = current.chars().count() + 1 + word.chars().count() > MAX_TEXT_COLUMNS;
            if !current.is_empty() && is_full {
                lines.push(std::mem::take(&mut current));
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        lines.push(current);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_and_yaml_is_kept() {
        let word = "abcdefghi";
        let long = [word; 10].join(" ");
        for (text, expected) in [
            ("a b\n", "a b".to_owned()),
            ("a:\n\n  b:   c\n", "a:\n\n  b:   c".to_owned()),
            (&long, format!("{}\n{word}", [word; 9].join(" "))),
        ] {
            assert_eq!(wrapped(text), expected);
        }
    }
}
