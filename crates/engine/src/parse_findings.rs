//! Reads the findings of an interpreted rule from the value of its `deny` set.
//!
//! A value that does not have the documented form is an error. It is never ignored, since the rule
//! may have meant to report something.

use kubevet_model::{ControlId, EvalError, FieldPath, Fix, FixAction, PathError, Violation};
use regorus::Value;

/// The most findings of one control on one object. More is an error, so that a rule cannot flood a
/// report.
pub(super) const MAX_FINDINGS: usize = 10_000;
/// The most findings of all compiled controls on one object, which bounds the memory of a verdict:
/// the library has hundreds of controls. A control whose findings go beyond it is an error.
pub(super) const MAX_OBJECT_FINDINGS: usize = 100_000;
/// The longest message of a finding in bytes. Longer messages are truncated.
pub(super) const MAX_MESSAGE_BYTES: usize = 4096;

/// Returns the findings of one control, unsorted. Truncated messages can make two of them equal.
///
/// # Errors
/// [`EvalError::RuleFailed`] says what is wrong with the value, for the rule's author.
pub(super) fn parse_findings(
    control: &ControlId,
    deny: &Value,
) -> Result<Vec<Violation>, EvalError> {
    let Value::Set(entries) = deny else {
        return failed("`deny` is not a set: write `deny contains finding if { … }`");
    };
    if entries.len() > MAX_FINDINGS {
        return Err(too_many_findings());
    }
    entries
        .iter()
        .map(|entry| parse_finding(control, entry))
        .collect()
}

/// Returns the error of a control that has more than [`MAX_FINDINGS`] findings on one object.
pub(super) fn too_many_findings() -> EvalError {
    EvalError::RuleFailed(format!("over {MAX_FINDINGS} findings in one object"))
}

/// Returns the error of a control whose findings do not fit beside those of others.
pub(super) fn too_many_findings_of_all() -> EvalError {
    EvalError::RuleFailed(format!(
        "over {MAX_OBJECT_FINDINGS} findings of all controls in one object"
    ))
}

/// Returns the message without what exceeds [`MAX_MESSAGE_BYTES`].
pub(super) fn truncate_message(message: &str) -> &str {
    let end = message.floor_char_boundary(MAX_MESSAGE_BYTES);
    message.get(..end).unwrap_or_default()
}

fn parse_finding(control: &ControlId, entry: &Value) -> Result<Violation, EvalError> {
    let message = match field(entry, "message") {
        Some(Value::String(message)) => truncate_message(message).to_owned(),
        _ => return failed("a finding without a `message` that is a string"),
    };
    let paths = list(entry, "paths")?
        .iter()
        .map(|path| match path {
            Value::String(path) => parse_path(path),
            _ => failed("`paths` must be texts"),
        })
        .collect::<Result<Vec<_>, _>>()?;
    if paths.is_empty() {
        return failed("a finding without `paths`");
    }
    let fixes = list(entry, "fixes")?
        .into_iter()
        .map(parse_fix)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Violation {
        control: control.clone(),
        paths,
        message,
        fixes,
    })
}

fn parse_fix(entry: &Value) -> Result<Fix, EvalError> {
    let Some(Value::String(path)) = field(entry, "path") else {
        return failed("a fix without a `path` that is a string");
    };
    let action = match (field(entry, "value"), field(entry, "remove")) {
        (Some(value), None) => FixAction::Set(
            serde_json::to_string(value)
                .or_else(|error| failed(format!("a fix's value: {error}")))?,
        ),
        (None, Some(Value::Bool(true))) => FixAction::Remove,
        _ => return failed("a fix needs either `value` or `remove: true`"),
    };
    Ok(Fix {
        path: parse_path(path)?,
        action,
    })
}

fn field<'a>(entry: &'a Value, name: &str) -> Option<&'a Value> {
    match entry {
        Value::Object(fields) => fields.get(&Value::from(name)),
        _ => None,
    }
}

fn list<'a>(entry: &'a Value, name: &str) -> Result<Vec<&'a Value>, EvalError> {
    match field(entry, name) {
        Some(Value::Array(items)) => Ok(items.iter().collect()),
        _ => failed(format!("a finding without a list `{name}`")),
    }
}

fn parse_path(path: &str) -> Result<FieldPath, EvalError> {
    path.parse()
        .or_else(|error: PathError| failed(error.to_string()))
}

fn failed<T>(message: impl Into<String>) -> Result<T, EvalError> {
    Err(EvalError::RuleFailed(message.into()))
}
