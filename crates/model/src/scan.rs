//! The whole result of a scan: the only thing that reports read.

use super::{
    Control, ControlId, ControlStatusCounts, Finding, Framework, ObjectId, Origin, Position,
    Problem, RuleError, SeverityCounts,
};
use std::sync::Arc;

/// A file and a place in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceLocation {
    /// The file as the user named it; `-` is standard input.
    pub file: Arc<str>,
    /// The place.
    pub position: Position,
}

/// A line of a source, kept for the excerpt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceLine {
    /// Its number, from 1.
    pub number: u32,
    /// Its text, without the line break, cut at a bounded length.
    pub text: String,
}

/// A finding with its place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedFinding {
    /// The finding.
    pub finding: Finding,
    /// Where its first path stands, or the deepest ancestor of it that exists.
    pub source: SourceLocation,
    /// The container it is about, by name, or by place where it has none.
    pub container: Option<String>,
    /// The lines around the place.
    pub excerpt: Vec<SourceLine>,
}

/// One object and what was found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectResult {
    /// Which object.
    pub object: Arc<ObjectId>,
    /// The source of the object.
    pub origin: Origin,
    /// The selected controls that looked at it, in the order of ids.
    pub judged: Vec<ControlId>,
    /// What is wrong, by place, then control.
    pub findings: Vec<LocatedFinding>,
    /// Controls that could not answer.
    pub errors: Vec<RuleError>,
}

/// Something that was read and is not judged, which is no fault.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// The file as the user named it.
    pub file: String,
    /// The document's place, where a single document is meant.
    pub position: Option<Position>,
    /// Why, as half a sentence: "no Kubernetes object (neither apiVersion nor kind)".
    pub reason: String,
}

/// What became of a control in a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ControlStatus {
    /// An object fails it.
    Failed,
    /// It could not be judged for an object that it looks at. Never green.
    NotEvaluated,
    /// It looked at objects, and none fails.
    Passed,
    /// It had nothing to look at, or is not configured.
    Irrelevant,
}

impl ControlStatus {
    /// The word used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::NotEvaluated => "notEvaluated",
            Self::Passed => "passed",
            Self::Irrelevant => "irrelevant",
        }
    }
}

/// A control and how objects fared under it.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlResult {
    /// The control.
    pub control: Arc<Control>,
    /// What became of it.
    pub status: ControlStatus,
    /// Why it is irrelevant or not evaluated; empty otherwise.
    pub reason: String,
    /// How many objects fail it.
    pub failed: usize,
    /// How many objects pass it.
    pub passed: usize,
}

/// A framework and how far it is met.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameworkResult {
    /// The framework.
    pub framework: Arc<Framework>,
    /// Its controls that failed, passed, could not be evaluated.
    pub failed: usize,
    /// Controls passed.
    pub passed: usize,
    /// Controls not evaluated.
    pub not_evaluated: usize,
    /// Controls with nothing to look at.
    pub irrelevant: usize,
    /// Percent from 0 to 100, by Kubescape's formula: the mean of its controls' compliance, which is 100 for a control
    /// that passed or had nothing to look at, and the share of passing objects for one that failed. `None` where a
    /// control could not be evaluated or none was judged: a number would claim more than is known.
    pub compliance: Option<f64>,
}

/// Counts over the whole scan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Files read.
    pub files: usize,
    /// Objects judged.
    pub objects: usize,
    /// Objects with at least one finding.
    pub failed_objects: usize,
    /// Findings by severity.
    pub findings: SeverityCounts,
    /// Controls by status.
    pub controls: ControlStatusCounts,
    /// Documents and files skipped.
    pub skipped: usize,
}

/// The whole result of a scan, in a fixed order: the same input gives the same value.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scan {
    /// Objects by file, then place.
    pub objects: Vec<ObjectResult>,
    /// The selected controls, by id.
    pub controls: Vec<ControlResult>,
    /// The frameworks asked for (all of them where none was), in the order asked.
    pub frameworks: Vec<FrameworkResult>,
    /// What could not be read or judged.
    pub problems: Vec<Problem>,
    /// What was read and is not judged.
    pub skipped: Vec<Skipped>,
    /// Counts.
    pub summary: Summary,
}
