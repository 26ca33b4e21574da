//! The result of a run.

use super::regression::RegressionFile;
use kubevet_model::ControlId;
use std::{collections::BTreeMap, time::Duration};

/// The result of a run.
#[derive(Debug, Clone, Default)]
pub struct DifferentialReport {
    /// The controls, sorted by id.
    pub controls: Vec<ControlReport>,
    /// The subjects, most trusted first.
    pub subjects: Vec<SubjectReport>,
    /// The number of answers that differed, without known deviations.
    pub differing: u64,
    /// The first disagreement of each kind, shrunk.
    pub disagreements: Vec<Disagreement>,
    /// The number of times that each known deviation of the interpreter was met, by its name.
    pub known: BTreeMap<&'static str, u64>,
}

/// The counts of one control.
#[derive(Debug, Clone)]
pub struct ControlReport {
    /// The control.
    pub control: ControlId,
    /// The number of objects that were compared. Those that are invalid for one subject count where
    /// the others evaluated them.
    pub compared: u64,
    /// The number of compared objects that it denied.
    pub denied: u64,
    /// The number of compared objects that an API server would have rejected before admission.
    pub invalid: u64,
    /// The messages of its rule.
    pub messages: Vec<ObservedCondition>,
    /// The conditions of its bodies, counted by a subject that can.
    pub conditions: Vec<ObservedCondition>,
}

/// A message or a condition of a rule, and the number of times that it held and did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedCondition {
    /// The message template, or the condition as displayed.
    pub description: String,
    /// The number of times that it held.
    pub held: u64,
    /// The number of times that it did not hold.
    pub failed: u64,
}

/// A source of condition counts from inside a subject, finer than its answers.
pub trait CoverageSource {
    /// Returns the conditions of a control that were evaluated.
    fn conditions(&self, control: &ControlId) -> Vec<ObservedCondition>;
}

/// The counts of one subject.
#[derive(Debug, Clone)]
pub struct SubjectReport {
    /// The name of the subject.
    pub name: String,
    /// The number of answers, verdict or error.
    pub answers: u64,
    /// The number of objects that are invalid for it.
    pub invalid: u64,
    /// The controls that it does not support, each with the reason.
    pub unsupported: BTreeMap<ControlId, String>,
    /// The total time of its evaluations.
    pub elapsed: Duration,
}

/// Subjects that disagree about an object.
#[derive(Debug, Clone)]
pub struct Disagreement {
    /// The control.
    pub control: ControlId,
    /// The part of the answers that differs, such as `verdicts`.
    pub difference: &'static str,
    /// The shrunk object as YAML.
    pub yaml: String,
    /// The answers for the shrunk object, by the name of the subject.
    pub answers: Vec<(String, String)>,
    /// A file that keeps the object as a test; `None` if the trusted subject has no findings for it.
    pub regression: Option<RegressionFile>,
    /// The number of disagreements of this kind.
    pub count: u64,
}

impl DifferentialReport {
    /// Returns the number of comparisons over all controls.
    #[must_use]
    pub fn compared(&self) -> u64 {
        self.controls.iter().map(|control| control.compared).sum()
    }
}

impl ControlReport {
    /// True if at least one compared object in twenty was denied.
    #[must_use]
    pub fn is_denied_often_enough(&self) -> bool {
        self.compared == 0 || self.denied.saturating_mul(20) >= self.compared
    }
}

impl ObservedCondition {
    /// True if it was seen to hold and not to hold.
    #[must_use]
    pub fn has_both_outcomes(&self) -> bool {
        self.held > 0 && self.failed > 0
    }
}
