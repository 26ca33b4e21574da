//! `WorkloadConfigurationScan` and `WorkloadConfigurationScanSummary`: the verdict on one object, with
//! and without what was found.
//!
//! The fields are those that Kubescape writes, all of them, also empty ones: its clients read them
//! without a look whether they are there.

use super::{
    control_outcome::{ControlOutcome, Status, bounded_text, outcomes},
    object_metadata::{OwnerReference, ResultHead, Stored},
    result_context::ResultContext,
    result_names::{labels, result_name, wlid},
    size_budget::{SizeBudget, entry_bytes, json},
};
use kubevet_model::{
    FieldPath, Finding, FixAction, ObjectResult, ResultKind, ResultObject, Severity,
    SeverityCounts, escape_hidden,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The most characters of a path.
const MAX_PATH_CHARS: usize = 1000;
/// The most bytes of the value of a fix. A longer one is left out: half a value is none.
const MAX_FIX_BYTES: usize = 1000;
/// What stands for the value of a credential.
const MASK: &str = "********";
/// The bytes of the sentence that says how many paths of a control are left out.
const OMITTED_INFO_BYTES: usize = 64;
/// The bytes of the annotations about what is left out, and about the content.
const ANNOTATION_BYTES: usize = 400;

const OMITTED_CONTROLS: &str = "kubevet.io/omitted-controls";
const OMITTED_PATHS: &str = "kubevet.io/omitted-paths";

#[derive(Debug, Serialize)]
struct Scan {
    spec: ScanSpec,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ScanSpec {
    controls: BTreeMap<String, ScannedControl>,
    related_objects: [(); 0],
}

#[derive(Debug, Clone, Serialize)]
struct ScannedControl {
    #[serde(rename = "controlID")]
    control_id: String,
    name: String,
    severity: ScoredSeverity,
    status: ControlStatus,
    rules: Vec<ScannedRule>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct ScoredSeverity {
    severity: &'static str,
    score_factor: f64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct ControlStatus {
    status: &'static str,
    sub_status: &'static str,
    info: String,
}

#[derive(Debug, Clone, Serialize)]
struct ScannedRule {
    name: String,
    status: RuleStatus,
    paths: Vec<ScannedPath>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleStatus {
    status: &'static str,
    sub_status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct ScannedPath {
    failed_path: String,
    fix_path: String,
    fix_path_value: String,
    fix_command: &'static str,
}

#[derive(Debug, Serialize)]
struct Summary {
    spec: SummarySpec,
}

#[derive(Debug, Serialize)]
struct SummarySpec {
    severities: Severities,
    controls: BTreeMap<String, SummarizedControl>,
}

/// The number of failed controls by severity. A control has no unknown one.
#[derive(Debug, Serialize)]
pub(crate) struct Severities {
    critical: usize,
    high: usize,
    medium: usize,
    low: usize,
    unknown: usize,
}

#[derive(Debug, Serialize)]
struct SummarizedControl {
    #[serde(rename = "controlID")]
    control_id: String,
    severity: ScoredSeverity,
    status: ControlStatus,
}

impl From<SeverityCounts> for Severities {
    fn from(counts: SeverityCounts) -> Self {
        Self {
            critical: counts.critical,
            high: counts.high,
            medium: counts.medium,
            low: counts.low,
            unknown: 0,
        }
    }
}

/// Returns the `WorkloadConfigurationScan` of a result.
pub(crate) fn scan(context: &ResultContext, result: &ObjectResult) -> ResultObject {
    let kind = ResultKind::WorkloadConfigurationScan;
    let outcomes = outcomes(result, &context.controls);
    let mut stored = Stored {
        head: head(context, kind, result),
        body: Scan {
            spec: ScanSpec {
                controls: BTreeMap::new(),
                related_objects: [],
            },
        },
    };
    let used = json(&stored).len() + ANNOTATION_BYTES;
    let mut budget = SizeBudget::new(context.max_bytes, used);
    let mut kept = Vec::new();
    for outcome in &outcomes {
        let control = ScannedControl::new(outcome);
        let reserved = match outcome.status {
            Status::Failed => OMITTED_INFO_BYTES,
            Status::NotEvaluated | Status::Passed => 0,
        };
        let key_bytes = entry_bytes(&control.control_id);
        if budget.take(key_bytes + entry_bytes(&control) + reserved) {
            kept.push((outcome, control));
        }
    }
    stored
        .head
        .annotate_omitted(OMITTED_CONTROLS, outcomes.len() - kept.len());
    let omitted_paths = add_paths(&mut kept, &mut budget);
    stored.head.annotate_omitted(OMITTED_PATHS, omitted_paths);
    let kept = kept.into_iter();
    stored.body.spec.controls = kept
        .map(|(_, control)| (control.control_id.clone(), control))
        .collect();
    stored.finish(kind)
}

/// Returns the `WorkloadConfigurationScanSummary` of a result.
pub(crate) fn summary(context: &ResultContext, result: &ObjectResult) -> ResultObject {
    let kind = ResultKind::WorkloadConfigurationScanSummary;
    let outcomes = outcomes(result, &context.controls);
    let mut stored = Stored {
        head: head(context, kind, result),
        body: Summary {
            spec: SummarySpec {
                severities: failed_by_severity(&outcomes).into(),
                controls: BTreeMap::new(),
            },
        },
    };
    let used = json(&stored).len() + ANNOTATION_BYTES;
    let mut budget = SizeBudget::new(context.max_bytes, used);
    let mut omitted = 0;
    for outcome in &outcomes {
        let control = SummarizedControl {
            control_id: bounded_text(outcome.id.as_str()),
            severity: ScoredSeverity::of(outcome),
            status: ControlStatus::of(outcome),
        };
        if budget.take(entry_bytes(&control.control_id) + entry_bytes(&control)) {
            let controls = &mut stored.body.spec.controls;
            controls.insert(control.control_id.clone(), control);
        } else {
            omitted += 1;
        }
    }
    stored.head.annotate_omitted(OMITTED_CONTROLS, omitted);
    stored.finish(kind)
}

/// Returns the number of failed controls by severity.
pub(crate) fn failed_by_severity(outcomes: &[ControlOutcome<'_>]) -> SeverityCounts {
    let failed = outcomes
        .iter()
        .filter(|outcome| outcome.status == Status::Failed);
    failed.filter_map(ControlOutcome::severity).collect()
}

fn head(context: &ResultContext, kind: ResultKind, result: &ObjectResult) -> ResultHead {
    let object = &result.object;
    let namespace = context.namespace_of(object);
    let mut head = ResultHead::new(kind, namespace, result_name(object));
    head.add_labels(labels(object));
    head.annotate("kubescape.io/wlid", wlid(&context.cluster, object));
    head.set_owner(OwnerReference::of(result));
    head
}

/// Adds the paths to the controls: first one for each control, then the others, the worst first. Each
/// control says how many of its own are left out; also returns their number.
fn add_paths(
    controls: &mut [(&ControlOutcome<'_>, ScannedControl)],
    budget: &mut SizeBudget,
) -> usize {
    let mut rest = Vec::new();
    let mut omitted = vec![0; controls.len()];
    for ((outcome, control), omitted) in controls.iter_mut().zip(&mut omitted) {
        let mut paths = scanned_paths(outcome).into_iter();
        if let Some(first) = paths.next()
            && !control.add_path(first, budget)
        {
            *omitted += 1;
        }
        rest.push(paths);
    }
    for (((_, control), paths), omitted) in controls.iter_mut().zip(rest).zip(&mut omitted) {
        for path in paths {
            if !control.add_path(path, budget) {
                *omitted += 1;
            }
        }
    }
    for ((_, control), omitted) in controls.iter_mut().zip(&omitted) {
        if *omitted > 0 {
            control.status.info = format!("{omitted} more paths do not fit here");
        }
    }
    omitted.iter().sum()
}

/// Returns the paths of the findings of a control, each once: what is wrong, and how it is fixed.
fn scanned_paths(outcome: &ControlOutcome<'_>) -> Vec<ScannedPath> {
    let mut seen = BTreeSet::new();
    let findings = outcome.findings.iter();
    let paths = findings.flat_map(|located| paths_of(&located.finding, outcome.is_sensitive()));
    paths.filter(|path| seen.insert(path.clone())).collect()
}

fn paths_of(finding: &Finding, is_sensitive: bool) -> Vec<ScannedPath> {
    let mut paths: Vec<ScannedPath> = finding
        .paths()
        .iter()
        .map(|path| ScannedPath {
            failed_path: bounded_path(path),
            ..ScannedPath::default()
        })
        .collect();
    for fix in finding.fixes() {
        let FixAction::Set(value) = &fix.action else {
            // There is no field for what must be removed: it is among the paths.
            continue;
        };
        let Some(value) = fix_value(value, is_sensitive) else {
            continue;
        };
        let path = bounded_path(&fix.path);
        let at = paths
            .iter_mut()
            .find(|known| known.failed_path == path && known.fix_path.is_empty());
        match at {
            Some(known) => {
                known.fix_path = path;
                known.fix_path_value = value;
            }
            None => paths.push(ScannedPath {
                fix_path: path,
                fix_path_value: value,
                ..ScannedPath::default()
            }),
        }
    }
    paths
}

/// Returns a value as Kubescape writes it: a string without quotes, anything else as JSON.
pub(crate) fn fix_value(json: &str, is_sensitive: bool) -> Option<String> {
    if is_sensitive {
        return Some(MASK.to_owned());
    }
    if json.len() > MAX_FIX_BYTES {
        return None;
    }
    match serde_json::from_str(json) {
        Ok(serde_json::Value::String(text)) => Some(text),
        _ => Some(json.to_owned()),
    }
}

/// Returns a path, bounded, with hidden characters escaped.
pub(crate) fn bounded_path(path: &FieldPath) -> String {
    escape_hidden(path.as_str(), MAX_PATH_CHARS).into_owned()
}

impl ScannedControl {
    fn new(outcome: &ControlOutcome<'_>) -> Self {
        let rules = if outcome.status == Status::Failed {
            vec![ScannedRule {
                name: rule_name(outcome),
                status: RuleStatus {
                    status: "failed",
                    sub_status: "",
                },
                paths: Vec::new(),
            }]
        } else {
            Vec::new()
        };
        Self {
            control_id: bounded_text(outcome.id.as_str()),
            name: outcome.public_name(),
            severity: ScoredSeverity::of(outcome),
            status: ControlStatus::of(outcome),
            rules,
        }
    }

    /// Adds a path to the rule; false if it does not fit.
    fn add_path(&mut self, path: ScannedPath, budget: &mut SizeBudget) -> bool {
        match self.rules.first_mut() {
            Some(rule) if budget.take(entry_bytes(&path)) => {
                rule.paths.push(path);
                true
            }
            _ => false,
        }
    }
}

/// Returns the rule of the public library that answers the question of a control, and else its id.
fn rule_name(outcome: &ControlOutcome<'_>) -> String {
    let public = outcome
        .control
        .and_then(|control| control.public_rules.first());
    bounded_text(public.map_or(outcome.id.as_str(), String::as_str))
}

impl ScoredSeverity {
    fn of(outcome: &ControlOutcome<'_>) -> Self {
        Self {
            severity: match outcome.severity() {
                Some(Severity::Critical) => "Critical",
                Some(Severity::High) => "High",
                Some(Severity::Medium) => "Medium",
                Some(Severity::Low) => "Low",
                None => "Unknown",
            },
            score_factor: outcome.score(),
        }
    }
}

impl ControlStatus {
    /// Clients count what has passed. They show `skipped` apart from it, with the reason.
    fn of(outcome: &ControlOutcome<'_>) -> Self {
        let (status, sub_status) = match outcome.status {
            Status::Failed => ("failed", ""),
            Status::NotEvaluated => ("skipped", "notEvaluated"),
            Status::Passed => ("passed", ""),
        };
        Self {
            status,
            sub_status,
            info: outcome.reason.clone(),
        }
    }
}
