//! The outcome of each control for one object, the worst first.

use kubevet_model::{Control, ControlId, Finding, LocatedFinding, ObjectResult, Severity};
use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

/// The most characters of a name or a reason from outside.
const MAX_TEXT_CHARS: usize = 240;

/// What a control says about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// It has findings.
    Failed,
    /// It could not be evaluated.
    NotEvaluated,
    /// It was evaluated, and has no finding.
    Passed,
}

/// A control and its outcome for one object.
#[derive(Debug)]
pub(crate) struct ControlOutcome<'a> {
    pub(crate) id: &'a ControlId,
    /// The control; `None` if it is not known.
    pub(crate) control: Option<&'a Control>,
    pub(crate) status: Status,
    pub(crate) findings: Vec<&'a LocatedFinding>,
    /// Why it was not evaluated.
    pub(crate) reason: String,
}

/// The controls that results refer to.
pub(crate) type Controls = BTreeMap<ControlId, Arc<Control>>;

/// Returns the outcomes of an object: failed ones by severity and score, then those that were not
/// evaluated, then the passed ones.
pub(crate) fn outcomes<'a>(
    result: &'a ObjectResult,
    controls: &'a Controls,
) -> Vec<ControlOutcome<'a>> {
    let mut by_id: BTreeMap<&ControlId, ControlOutcome<'a>> = BTreeMap::new();
    let outcome = |id: &'a ControlId, status| ControlOutcome {
        id,
        control: controls.get(id).map(AsRef::as_ref),
        status,
        findings: Vec::new(),
        reason: String::new(),
    };
    for id in &result.judged {
        by_id.insert(id, outcome(id, Status::Passed));
    }
    for error in &result.errors {
        let mut failed = outcome(&error.control, Status::NotEvaluated);
        failed.reason = bounded_text(&error.error.to_string());
        by_id.insert(&error.control, failed);
    }
    for located in &result.findings {
        let id = &located.finding.rule;
        let entry = by_id
            .entry(id)
            .or_insert_with(|| outcome(id, Status::Failed));
        entry.status = Status::Failed;
        entry.findings.push(located);
    }
    let mut outcomes: Vec<ControlOutcome<'a>> = by_id.into_values().collect();
    outcomes.sort_by(|a, b| a.rank().cmp(&b.rank()).then_with(|| a.id.cmp(b.id)));
    outcomes
}

impl ControlOutcome<'_> {
    /// The order: the worst first. Scores are compared in hundredths.
    fn rank(&self) -> (Status, Reverse<Option<Severity>>, Reverse<i64>) {
        let score = (self.score() * 100.0) as i64;
        (self.status, Reverse(self.severity()), Reverse(score))
    }

    /// The severity: that of the worst finding, and else that of the control; `None` if the control
    /// is not known.
    pub(crate) fn severity(&self) -> Option<Severity> {
        let findings = self.findings.iter();
        let worst = findings.map(|located| located.finding.severity).max();
        worst.or_else(|| self.control.map(|control| control.severity))
    }

    /// The score, which is always in the band of the severity.
    pub(crate) fn score(&self) -> f64 {
        let Some(severity) = self.severity() else {
            return 0.0;
        };
        match self.control.map(|control| control.score) {
            Some(score) if Severity::of_score(score) == severity => score,
            _ => match severity {
                Severity::Critical => 9.0,
                Severity::High => 7.0,
                Severity::Medium => 4.0,
                Severity::Low => 1.0,
            },
        }
    }

    /// The name of the control that readers of the public library know.
    pub(crate) fn public_name(&self) -> String {
        let name = self.control.map(|control| {
            let public = control.kubescape_name.as_ref();
            public.unwrap_or(&control.name).as_str()
        });
        bounded_text(name.unwrap_or(self.id.as_str()))
    }

    /// True if what its findings point at is a credential.
    pub(crate) fn is_sensitive(&self) -> bool {
        // Of a control that is not known, nothing is known.
        self.control.is_none_or(|control| control.sensitive)
    }
}

/// Returns a text from outside on one line, bounded in length, with hidden characters escaped.
pub(crate) fn bounded_text(text: &str) -> String {
    kubevet_model::escape_hidden(text, MAX_TEXT_CHARS).into_owned()
}

/// Returns what is wrong, bounded.
pub(crate) fn bounded_message(finding: &Finding) -> String {
    /// The most characters of a message.
    const MAX_MESSAGE_CHARS: usize = 1000;
    kubevet_model::escape_hidden(&finding.message, MAX_MESSAGE_CHARS).into_owned()
}
