//! What a run met and found.

use super::regression::Regression;
use kubevet_model::ControlId;
use std::{collections::BTreeMap, time::Duration};

/// A run of the proof.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// By id.
    pub controls: Vec<ControlReport>,
    /// The voices, those trusted most first.
    pub voices: Vec<VoiceReport>,
    /// How many answers differed, those known included.
    pub differing: u64,
    /// The first of each sort, made small.
    pub disagreements: Vec<Disagreement>,
    /// How often each known deviation of the reference tier was met.
    pub known: BTreeMap<&'static str, u64>,
}

/// What was asked of one control.
#[derive(Debug, Clone)]
pub struct ControlReport {
    /// Which.
    pub control: ControlId,
    /// Objects that it was asked about by all voices; those not for admission count where they are asked of the others.
    pub compared: u64,
    /// Of these, how many it denied.
    pub denied: u64,
    /// Of these, how many no API server would have handed to admission.
    pub invalid: u64,
    /// The messages of its rule.
    pub messages: Vec<Condition>,
    /// The conditions that its bodies ask, as a voice counted them that can.
    pub asked: Vec<Condition>,
}

/// A message or a condition of a rule, and how often it was seen to hold and not to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// In words.
    pub what: String,
    /// How often it held.
    pub held: u64,
    /// How often it did not.
    pub failed: u64,
}

/// Counts of conditions from inside a voice, finer than what its answers show.
pub trait Coverage {
    /// The conditions of a control that were asked.
    fn conditions(&self, control: &ControlId) -> Vec<Condition>;
}

/// A voice's part.
#[derive(Debug, Clone)]
pub struct VoiceReport {
    /// Its name.
    pub name: String,
    /// How many answers it gave, verdict or error.
    pub answers: u64,
    /// How often it had to leave an object to others.
    pub invalid: u64,
    /// Controls that it does not speak for, each with the reason.
    pub abstains: BTreeMap<ControlId, String>,
    /// How long it took over all.
    pub took: Duration,
}

/// Voices that differ about an object.
#[derive(Debug, Clone)]
pub struct Disagreement {
    /// The control.
    pub control: ControlId,
    /// What about the answers differs.
    pub what: &'static str,
    /// The object as YAML, made as small as it would go.
    pub yaml: String,
    /// What every voice says of the small object.
    pub answers: Vec<(String, String)>,
    /// A file that keeps it; `None` where the trusted voice itself is at a loss.
    pub regression: Option<Regression>,
    /// How many differed in this way.
    pub count: u64,
}

impl Report {
    /// How many objects were compared, over all controls.
    #[must_use]
    pub fn compared(&self) -> u64 {
        self.controls.iter().map(|it| it.compared).sum()
    }
}

impl ControlReport {
    /// Whether enough of what was compared was denied: one in twenty.
    #[must_use]
    pub fn denied_enough(&self) -> bool {
        self.compared == 0 || self.denied.saturating_mul(20) >= self.compared
    }
}

impl Condition {
    /// Whether it was seen both ways.
    #[must_use]
    pub fn seen_both(&self) -> bool {
        self.held > 0 && self.failed > 0
    }
}
