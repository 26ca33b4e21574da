//! The trait of a subject, which evaluates test cases, and its answers.

use super::test_case::TestCase;
use serde_json::Value;
use std::fmt;

/// A finding in the form that all subjects share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SubjectFinding {
    /// The message.
    pub message: String,
    /// The field paths, in the order of the rule.
    pub paths: Vec<String>,
    /// The fixes: a field path, and the value to set as JSON, or `None` to remove the field. Sorted.
    pub fixes: Vec<(String, Option<String>)>,
}

/// The answer of a subject for one control and one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectAnswer {
    /// The findings, sorted; an empty list is a pass.
    Findings(Vec<SubjectFinding>),
    /// A verdict without findings: a pass, or a denial with this message.
    Verdict(Option<String>),
    /// The control does not apply to the object, as its rule says.
    NotApplicable,
    /// The subject cannot evaluate such an object: an API server would reject it before admission.
    Invalid(String),
    /// The control was evaluated and failed.
    Error(String),
    /// There is no answer for the control, although there should be.
    Missing,
    /// The subject does not support the control, with the reason.
    Unsupported(String),
}

impl SubjectAnswer {
    /// Returns whether it denies; `None` if it is no verdict.
    #[must_use]
    pub fn denies(&self) -> Option<bool> {
        match self {
            Self::Findings(findings) => Some(!findings.is_empty()),
            Self::Verdict(denial) => Some(denial.is_some()),
            Self::NotApplicable => Some(false),
            _ => None,
        }
    }
}

impl fmt::Display for SubjectAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Findings(findings) if findings.is_empty() => formatter.write_str("pass"),
            Self::Findings(findings) => {
                for (index, finding) in findings.iter().enumerate() {
                    if index > 0 {
                        formatter.write_str("\n")?;
                    }
                    write!(formatter, "deny: {finding}")?;
                }
                Ok(())
            }
            Self::Verdict(None) => formatter.write_str("pass"),
            Self::Verdict(Some(message)) => write!(formatter, "deny: {message}"),
            Self::Invalid(reason) => write!(formatter, "not valid for the API server: {reason}"),
            Self::Error(message) => write!(formatter, "error: {message}"),
            Self::NotApplicable => formatter.write_str("does not apply"),
            Self::Missing => formatter.write_str("nothing at all"),
            Self::Unsupported(reason) => write!(formatter, "abstains: {reason}"),
        }
    }
}

impl fmt::Display for SubjectFinding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} [{}]", self.message, self.paths.join(", "))?;
        for (path, value) in &self.fixes {
            match value {
                Some(value) => write!(formatter, " fix {path} = {value}")?,
                None => write!(formatter, " fix {path} remove")?,
            }
        }
        Ok(())
    }
}

/// A failure that ends a subject, such as the end of its process.
#[derive(Debug, thiserror::Error)]
#[error("{subject}: {reason}")]
pub struct SubjectError {
    /// The name of the subject.
    pub subject: String,
    /// The reason.
    pub reason: String,
}

/// An evaluator of controls that is compared with others.
pub trait Subject: Send {
    /// Returns its name in tables.
    fn name(&self) -> &str;

    /// Evaluates a batch: an answer for each control of each case, in order.
    ///
    /// # Errors
    /// The subject is gone.
    fn evaluate(&mut self, batch: &[TestCase]) -> Result<Vec<Vec<SubjectAnswer>>, SubjectError>;
}

/// Returns JSON in a canonical form, so that equal values are equal strings: keys sorted, `1.0` as
/// `1`.
pub(super) fn canonical_json(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields
                .iter()
                .map(|(key, value)| {
                    format!("{}:{}", Value::from(key.as_str()), canonical_json(value))
                })
                .collect();
            sorted.sort();
            format!("{{{}}}", sorted.join(","))
        }
        Value::Array(items) => format!(
            "[{}]",
            items
                .iter()
                .map(canonical_json)
                .collect::<Vec<_>>()
                .join(",")
        ),
        Value::Number(number) => match number.as_f64() {
            // Below 2^53, about 9e15, doubles hold every integer exactly.
            #[allow(clippy::cast_possible_truncation, reason = "bounded by the guard")]
            Some(double) if double.fract() == 0.0 && double.abs() < 9e15 => {
                format!("{}", double as i64)
            }
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}
