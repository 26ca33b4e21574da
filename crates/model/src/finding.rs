//! What a judgement says: findings, fixes, errors, and the verdict that holds them.

use super::{ControlId, FieldPath};

/// One thing wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The control that found it.
    pub control: ControlId,
    /// Where it is; the first path is the one to show.
    pub paths: Vec<FieldPath>,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Edits that mend it; empty where no single edit does.
    pub fixes: Vec<Fix>,
}

/// One edit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fix {
    /// The field to edit.
    pub path: FieldPath,
    /// What to do with it.
    pub action: FixAction,
}

/// What an edit does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FixAction {
    /// Set the field to this value, given as JSON text.
    Set(String),
    /// Remove the field or the list element.
    Remove,
}

/// A control that gave no answer for an object. Never counted as passed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleError {
    /// The control.
    pub control: ControlId,
    /// Why, for the person who runs the scan.
    pub message: String,
}

/// The answer for one object under given params. It does not depend on who asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Every control that looked at the object, in the order of ids.
    pub judged: Vec<ControlId>,
    /// What is wrong, sorted; no finding twice.
    pub findings: Vec<Finding>,
    /// Controls that should have looked but could not; none of them is in `judged`.
    pub errors: Vec<RuleError>,
}
