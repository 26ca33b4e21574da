//! Results about one object: what a rule reports ([`Violation`]), the answer of all rules
//! ([`Verdict`]), and the finding that reports, baselines and thresholds work on ([`Finding`]).
//!
//! A violation belongs to an object and its params and knows nothing of files. A finding adds where
//! the object came from and keys that stay the same from run to run. Nothing here evaluates a rule.

use super::{ControlId, ControlIds, EvalError, FieldPath, Fingerprint, ObjectId, Origin, Severity};
use std::sync::Arc;

/// One entry of a rule's `deny` set: something wrong with an object.
///
/// The order is that of verdicts: by control, then paths, message and fixes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The control whose rule reported it.
    pub control: ControlId,
    /// The fields that decided, the one to show first. Only a rule of our own may leave it empty.
    pub paths: Vec<FieldPath>,
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// The edits that repair the object; empty where no single edit does.
    pub fixes: Vec<Fix>,
}

/// The least number of words of a reason at the end of a message.
const MIN_REASON_WORDS: usize = 3;

impl Violation {
    /// Returns what is wrong, without the reason that the message may give.
    #[must_use]
    pub fn fact(&self) -> &str {
        fact_of(&self.message)
    }
}

/// Returns a message without the reason after its last colon: `container web is privileged: it can do
/// everything that the node can` → `container web is privileged`. Fewer than three words after the
/// colon are a value, and stay.
fn fact_of(message: &str) -> &str {
    match message.rsplit_once(": ") {
        Some((fact, reason))
            if reason.split_whitespace().count() >= MIN_REASON_WORDS && !fact.is_empty() =>
        {
            fact
        }
        _ => message,
    }
}

/// One edit of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fix {
    /// The field to edit.
    pub path: FieldPath,
    /// The edit.
    pub action: FixAction,
}

/// The kind of an edit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FixAction {
    /// Sets the field to this value, given as JSON.
    Set(String),
    /// Removes the field or the list element.
    Remove,
}

/// A control that could not be evaluated for an object. It never counts as passed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleError {
    /// The control.
    pub control: ControlId,
    /// The reason.
    pub error: EvalError,
}

/// The answer of all controls for one object under given params. It does not depend on the user
/// who sends a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Every control that was evaluated, in the order of ids.
    pub judged: ControlIds,
    /// The violations, sorted and without duplicates.
    pub violations: Vec<Violation>,
    /// The controls that could not be evaluated; none of them is in `judged`.
    pub errors: Vec<RuleError>,
}

/// Something wrong with a subject, whatever found it: the unit of reports, baselines and
/// thresholds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The object that it is about.
    pub subject: Arc<ObjectId>,
    /// The rule that is violated: today always a control.
    pub rule: ControlId,
    /// The severity of the rule.
    pub severity: Severity,
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// The proof, and how to repair it.
    pub evidence: Evidence,
    /// The source of the subject.
    pub origin: Origin,
    /// The key of the finding from run to run. It depends on the rule, the identity of the subject
    /// and the elements that the paths lead through, not on file names, lines or list indices: a
    /// baseline recognizes the finding after the file was moved or reformatted.
    pub fingerprint: Fingerprint,
    /// The key of the defect: one cause, which several rules may report. It is the fingerprint of a
    /// finding whose cause no other rule shares.
    pub defect: Fingerprint,
}

/// The proof of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// Fields of an object.
    Paths {
        /// The fields that decided, the one to show first.
        paths: Vec<FieldPath>,
        /// The edits that repair the object; empty where no single edit does.
        fixes: Vec<Fix>,
    },
}

impl Finding {
    /// Returns what is wrong, without the reason that the message may give.
    #[must_use]
    pub fn fact(&self) -> &str {
        fact_of(&self.message)
    }

    /// The fields that decided, the one to show first; none where the evidence is of another kind.
    #[must_use]
    pub fn paths(&self) -> &[FieldPath] {
        match &self.evidence {
            Evidence::Paths { paths, .. } => paths,
        }
    }

    /// The edits that repair the subject; none where no single edit does.
    #[must_use]
    pub fn fixes(&self) -> &[Fix] {
        match &self.evidence {
            Evidence::Paths { fixes, .. } => fixes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, expected: &str) {
        let violation = Violation {
            control: "C-1".into(),
            paths: Vec::new(),
            message: message.to_owned(),
            fixes: Vec::new(),
        };
        assert_eq!(violation.fact(), expected);
    }

    #[test]
    fn fact_is_the_message_without_its_reason() {
        check("a is b: it can do that", "a is b");
        check("a is b", "a is b");
        check(
            "registry not allowed: docker.io/nginx",
            "registry not allowed: docker.io/nginx",
        );
        check(
            "image a: b is old: no more updates come",
            "image a: b is old",
        );
        check(": it can do that", ": it can do that");
        check("", "");
    }
}
