//! Who is asked, what is asked, and what may be answered.

use kubevet_model::{ControlId, Operation};
use kubevet_policy::Params;
use serde_json::Value;
use std::{fmt, sync::Arc};

/// One object, and the controls that are asked about it.
#[derive(Debug, Clone)]
pub struct Question {
    /// The object as JSON.
    pub object: Arc<str>,
    /// Which of the run's tables of params, for whoever keeps something for each.
    pub params_number: usize,
    /// The params.
    pub params: Params,
    /// What is being done with the object.
    pub operation: Operation,
    /// Controls that look at it, and that have the params they need.
    pub controls: Vec<ControlId>,
}

/// A finding in the words that all voices share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// What the rule says.
    pub message: String,
    /// Where, in the rule's order.
    pub paths: Vec<String>,
    /// What mends it: a path, and the value to set as JSON or `None` to remove. Sorted.
    pub fixes: Vec<(String, Option<String>)>,
}

/// What a voice says of a control and an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// These findings, sorted; none is a pass.
    Findings(Vec<Found>),
    /// A verdict without findings: it passes, or is denied with these words.
    Verdict(Option<String>),
    /// The voice is not for such an object: an API server would have refused it before.
    Invalid(String),
    /// The control was asked and did not answer.
    Error(String),
    /// The voice says nothing of the control at all, although it should.
    Silent,
    /// The voice does not speak for this control, and why.
    Abstains(String),
}

impl Answer {
    /// Whether it denies; `None` where it gives no verdict.
    #[must_use]
    pub fn denies(&self) -> Option<bool> {
        match self {
            Self::Findings(all) => Some(!all.is_empty()),
            Self::Verdict(denial) => Some(denial.is_some()),
            _ => None,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Findings(all) if all.is_empty() => out.write_str("pass"),
            Self::Findings(all) => {
                for (place, found) in all.iter().enumerate() {
                    let separator = if place == 0 { "" } else { "\n" };
                    write!(
                        out,
                        "{separator}deny: {} [{}]",
                        found.message,
                        found.paths.join(", ")
                    )?;
                    for (path, value) in &found.fixes {
                        match value {
                            Some(value) => write!(out, " fix {path} = {value}")?,
                            None => write!(out, " fix {path} remove")?,
                        }
                    }
                }
                Ok(())
            }
            Self::Verdict(None) => out.write_str("pass"),
            Self::Verdict(Some(words)) => write!(out, "deny: {words}"),
            Self::Invalid(why) => write!(out, "not for admission: {why}"),
            Self::Error(why) => write!(out, "error: {why}"),
            Self::Silent => out.write_str("nothing at all"),
            Self::Abstains(why) => write!(out, "abstains: {why}"),
        }
    }
}

/// A voice that cannot go on, such as a process that ended.
#[derive(Debug, thiserror::Error)]
#[error("{voice}: {reason}")]
pub struct VoiceError {
    /// Whose.
    pub voice: String,
    /// What happened.
    pub reason: String,
}

/// Somebody who judges.
pub trait Voice: Send {
    /// Its name in tables.
    fn name(&self) -> &str;

    /// An answer for each control of each question, in order.
    ///
    /// # Errors
    /// The voice is gone.
    fn ask(&mut self, batch: &[Question]) -> Result<Vec<Vec<Answer>>, VoiceError>;
}

/// Equal JSON as equal text: keys sorted, `1.0` as `1`.
pub(super) fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields
                .iter()
                .map(|(key, it)| format!("{}:{}", Value::from(key.as_str()), canonical(it)))
                .collect();
            sorted.sort();
            format!("{{{}}}", sorted.join(","))
        }
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(canonical).collect::<Vec<_>>().join(",")
        ),
        Value::Number(number) => match number.as_f64() {
            // Doubles of this size hold every whole number exactly.
            #[allow(clippy::cast_possible_truncation, reason = "bounded by the guard")]
            Some(it) if it.fract() == 0.0 && it.abs() < 9e15 => format!("{}", it as i64),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}
