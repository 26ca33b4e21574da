//! What a rule's `deny` set says, as findings. A rule that breaks the agreed form is an error, never silence.

use kubevet_model::{ControlId, FieldPath, Fix, FixAction, Violation};
use regorus::Value;

/// The most findings of one control that a verdict keeps; more is an error, so that a rule cannot flood a report.
pub(super) const FINDINGS: usize = 10_000;
/// The longest message, in bytes.
pub(super) const MESSAGE_BYTES: usize = 4096;

/// The findings of one control, sorted.
///
/// # Errors
/// What is wrong with the answer, for the author of the rule.
pub(super) fn findings(control: &ControlId, deny: &Value) -> Result<Vec<Violation>, String> {
    let Value::Set(entries) = deny else {
        return Err("`deny` is no set: write `deny contains finding if { … }`".to_owned());
    };
    if entries.len() > FINDINGS {
        return Err(too_many());
    }
    let mut findings = entries
        .iter()
        .map(|it| finding(control, it))
        .collect::<Result<Vec<_>, _>>()?;
    findings.sort();
    findings.dedup();
    Ok(findings)
}

/// What is said where a control finds more than a verdict keeps.
pub(super) fn too_many() -> String {
    format!("over {FINDINGS} findings in one object")
}

fn finding(control: &ControlId, entry: &Value) -> Result<Violation, String> {
    let message = match field(entry, "message") {
        Some(Value::String(text)) => cut(text).to_owned(),
        _ => return Err("a finding without a `message` that is a text".to_owned()),
    };
    let paths = list(entry, "paths")?
        .iter()
        .map(|it| match it {
            Value::String(text) => parse(text),
            _ => Err("`paths` must be texts".to_owned()),
        })
        .collect::<Result<Vec<_>, _>>()?;
    if paths.is_empty() {
        return Err("a finding without `paths`".to_owned());
    }
    let fixes = list(entry, "fixes")?
        .into_iter()
        .map(fix)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Violation {
        control: control.clone(),
        paths,
        message,
        fixes,
    })
}

fn fix(entry: &Value) -> Result<Fix, String> {
    let Some(Value::String(path)) = field(entry, "path") else {
        return Err("a fix without a `path` that is a text".to_owned());
    };
    let action = match (field(entry, "value"), field(entry, "remove")) {
        (Some(value), None) => FixAction::Set(
            serde_json::to_string(value).map_err(|it| format!("a fix's value: {it}"))?,
        ),
        (None, Some(Value::Bool(true))) => FixAction::Remove,
        _ => return Err("a fix needs either `value` or `remove: true`".to_owned()),
    };
    Ok(Fix {
        path: parse(path)?,
        action,
    })
}

fn field<'a>(entry: &'a Value, name: &str) -> Option<&'a Value> {
    match entry {
        Value::Object(fields) => fields.get(&Value::from(name)),
        _ => None,
    }
}

fn list<'a>(entry: &'a Value, name: &str) -> Result<Vec<&'a Value>, String> {
    match field(entry, name) {
        Some(Value::Array(items)) => Ok(items.iter().collect()),
        _ => Err(format!("a finding without a list `{name}`")),
    }
}

fn parse(text: &str) -> Result<FieldPath, String> {
    text.parse().map_err(|it| format!("{it}"))
}

/// As much of a message as is kept.
pub(super) fn cut(text: &str) -> &str {
    let end = (0..=MESSAGE_BYTES.min(text.len()))
        .rev()
        .find(|it| text.is_char_boundary(*it))
        .unwrap_or(0);
    text.get(..end).unwrap_or_default()
}
