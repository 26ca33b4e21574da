//! The whole result of a scan. It is the only thing that reports read, so it holds everything that
//! they print, in the order in which they print it.

use super::{
    Control, ControlId, ControlStatus, ControlStatusCounts, Finding, Framework, Level, ObjectId,
    Origin, Position, Problem, RequirementStatus, RuleError, ScanStatus, SeverityCounts,
    Thresholds, Unread,
};
use std::{collections::BTreeMap, sync::Arc};

/// A position in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceLocation {
    /// The file as the user named it; `-` is standard input.
    pub file: Arc<str>,
    /// The position.
    pub position: Position,
}

/// A line of a file, for an excerpt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceLine {
    /// The number of the line, from 1.
    pub number: u32,
    /// The line without its break, truncated to a bounded length.
    pub text: String,
}

/// A finding with its position in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedFinding {
    /// The finding.
    pub finding: Finding,
    /// The position of the first path, or of its deepest ancestor that exists; `None` for an object
    /// that was read from no file.
    pub source: Option<SourceLocation>,
    /// The name of the container that the first path is in, or its path where it has no name.
    pub container: Option<String>,
    /// The lines around the position.
    pub excerpt: Vec<SourceLine>,
}

/// One object and its findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectResult {
    /// The identity of the object.
    pub object: Arc<ObjectId>,
    /// The source of the object.
    pub origin: Origin,
    /// The selected controls that were evaluated, in the order of ids.
    pub judged: Vec<ControlId>,
    /// The findings, by position, then control.
    pub findings: Vec<LocatedFinding>,
    /// The controls that could not be evaluated.
    pub errors: Vec<RuleError>,
}

/// A document or file that was read and is not evaluated, which is not an error.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// The file as the user named it.
    pub file: String,
    /// The position of the document, if the entry is about one document.
    pub position: Option<Position>,
    /// The reason, as half a sentence: "no Kubernetes object (neither apiVersion nor kind)".
    pub reason: String,
}

/// A control and its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlResult {
    /// The control.
    pub control: Arc<Control>,
    /// The outcome.
    pub status: ControlStatus,
    /// The reason why it is not applicable, not configured or not evaluated; empty otherwise.
    pub reason: String,
    /// The number of objects that fail it.
    pub failed: usize,
    /// The number of objects that pass it.
    pub passed: usize,
}

/// A framework and its compliance.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameworkResult {
    /// The framework.
    pub framework: Arc<Framework>,
    /// True if the user named it: reports for people then show each requirement.
    pub is_named: bool,
    /// The profile level that it was narrowed to.
    pub level: Option<Level>,
    /// The number of its controls of each status.
    pub controls: ControlStatusCounts,
    /// The compliance in percent, from 0 to 100: the mean over the controls that evaluated an object,
    /// where a control that passed has 100, and one that failed has the share of objects that pass.
    /// `None` if a control could not be evaluated or none was: a number would claim more than is
    /// known.
    pub compliance: Option<f64>,
    /// The percentage of its controls that were evaluated, or that had nothing to evaluate; `None`
    /// if it has no controls.
    pub coverage: Option<f64>,
    /// The results of its requirements, in their order.
    pub requirements: Vec<RequirementResult>,
}

/// A requirement of a framework and its compliance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RequirementResult {
    /// The outcome.
    pub status: RequirementStatus,
    /// The number of its controls of each status.
    pub controls: ControlStatusCounts,
    /// The compliance in percent, as that of a framework.
    pub compliance: Option<f64>,
    /// The coverage in percent, as that of a framework.
    pub coverage: Option<f64>,
}

/// A control of a chosen framework that cannot be evaluated in this scan, whatever the input holds.
/// It lowers coverage, and is no failure of the scan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnavailableControl {
    /// The id.
    pub id: ControlId,
    /// The name.
    pub name: String,
    /// Why, as half a sentence.
    pub reason: String,
}

/// Counts over the whole scan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// The number of files that were read.
    pub files: usize,
    /// The number of objects that were read and selected.
    pub objects: usize,
    /// The number of objects that at least one control evaluated.
    pub checked: usize,
    /// The kinds of the objects that no control applies to, with the number of objects of each.
    pub not_applicable: BTreeMap<String, usize>,
    /// The number of objects with at least one finding.
    pub failed_objects: usize,
    /// The number of findings of each severity.
    pub findings: SeverityCounts,
    /// The number of defects of each severity: findings with one cause count once.
    pub defects: SeverityCounts,
    /// The number of controls of each status.
    pub controls: ControlStatusCounts,
    /// The number of documents, files and objects that were skipped.
    pub skipped: usize,
}

/// What a scan without a choice leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRun {
    /// The names of the frameworks that were not run.
    pub frameworks: Vec<String>,
    /// The number of all controls that could run.
    pub all_controls: usize,
}

/// The cluster that a scan read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScannedCluster {
    /// The context of the kubeconfig; empty for the service account of a Pod.
    pub context: String,
    /// The URL of the API server.
    pub server: String,
    /// The version of the API server, such as `v1.36.3`; empty if it did not say.
    pub version: String,
}

/// The whole result of a scan, in a fixed order: the same input gives the same value.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scan {
    /// The cluster; `None` for a scan of files.
    pub cluster: Option<ScannedCluster>,
    /// The objects, by file, then position; those of a cluster by namespace, kind and name, and only
    /// with findings or errors.
    pub objects: Vec<ObjectResult>,
    /// The selected controls, by id.
    pub controls: Vec<ControlResult>,
    /// The controls of the frameworks that cannot be evaluated in this scan, by id.
    pub unavailable: Vec<UnavailableControl>,
    /// The frameworks that were run, in the order of the flags.
    pub frameworks: Vec<FrameworkResult>,
    /// What was left out because nothing was chosen; `None` if something was, or nothing is left.
    pub not_run: Option<NotRun>,
    /// The inputs that could not be read or evaluated.
    pub problems: Vec<Problem>,
    /// The inputs that were read and are not evaluated.
    pub skipped: Vec<Skipped>,
    /// The objects of the cluster that could not be read, by kind, then place.
    pub unread: Vec<Unread>,
    /// The counts over all of it.
    pub summary: Summary,
    /// The thresholds that it must meet.
    pub thresholds: Thresholds,
    /// The status under these thresholds.
    pub status: ScanStatus,
}

impl Scan {
    /// The frameworks whose compliance is under a percentage.
    #[must_use]
    pub fn frameworks_under(&self, percent: f64) -> Vec<&FrameworkResult> {
        let is_under = |result: &&FrameworkResult| {
            let compliance = result.compliance;
            compliance.is_some_and(|compliance| compliance < percent)
        };
        self.frameworks.iter().filter(is_under).collect()
    }

    /// The frameworks whose coverage is under a percentage. One without controls has none.
    #[must_use]
    pub fn frameworks_covered_under(&self, percent: f64) -> Vec<&FrameworkResult> {
        let is_under =
            |result: &&FrameworkResult| result.coverage.is_none_or(|coverage| coverage < percent);
        self.frameworks.iter().filter(is_under).collect()
    }
}
