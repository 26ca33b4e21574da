//! The results of controls and frameworks over all objects of a scan.

use super::scored_framework::ScoredFramework;
use kubevet_k8s::workload::SelectKinds as _;
use kubevet_model::{
    Control, ControlId, ControlResult, ControlStatus, ControlStatusCounts, EvalError,
    FrameworkResult, ObjectResult, Requirement, RequirementResult, RequirementStatus, Summary,
    count,
};
use kubevet_policy::Params;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The number of objects by their result under one control.
#[derive(Default)]
struct Tally<'a> {
    failed: usize,
    passed: usize,
    /// Objects for which the rule gave an error.
    errors: usize,
    /// The first error.
    first_error: Option<&'a EvalError>,
}

/// Scores the chosen controls.
pub(super) fn score_controls(
    chosen: &[Arc<Control>],
    objects: &[ObjectResult],
    params: &Params,
) -> Vec<ControlResult> {
    let tallies = tally(objects);
    let no_objects = Tally::default();
    chosen
        .iter()
        .map(|control| {
            let tally = tallies.get(&control.id).unwrap_or(&no_objects);
            score_control(control, tally, objects, params)
        })
        .collect()
}

fn tally(objects: &[ObjectResult]) -> BTreeMap<&ControlId, Tally<'_>> {
    let mut tallies: BTreeMap<&ControlId, Tally<'_>> = BTreeMap::new();
    for object in objects {
        let failing: BTreeSet<&ControlId> = object
            .findings
            .iter()
            .map(|located| &located.finding.rule)
            .collect();
        for id in &object.judged {
            let tally = tallies.entry(id).or_default();
            if failing.contains(id) {
                tally.failed += 1;
            } else {
                tally.passed += 1;
            }
        }
        for error in &object.errors {
            let tally = tallies.entry(&error.control).or_default();
            tally.errors += 1;
            tally.first_error.get_or_insert(&error.error);
        }
    }
    tallies
}

fn score_control(
    control: &Arc<Control>,
    tally: &Tally<'_>,
    objects: &[ObjectResult],
    params: &Params,
) -> ControlResult {
    let (status, reason) = if tally.failed > 0 {
        (ControlStatus::Failed, error_reason(tally))
    } else if tally.errors > 0 {
        (ControlStatus::NotEvaluated, error_reason(tally))
    } else if tally.passed > 0 {
        (ControlStatus::Passed, String::new())
    } else {
        without_objects(control, objects, params)
    };
    ControlResult {
        control: control.clone(),
        status,
        reason,
        failed: tally.failed,
        passed: tally.passed,
    }
}

/// Returns why objects were not evaluated; empty if all were.
fn error_reason(tally: &Tally<'_>) -> String {
    let Some(error) = tally.first_error else {
        return String::new();
    };
    format!("no answer for {}: {error}", count(tally.errors, "object"))
}

/// Returns the status of a control that evaluated no object, and the reason.
fn without_objects(
    control: &Control,
    objects: &[ObjectResult],
    params: &Params,
) -> (ControlStatus, String) {
    if params.configures(control) {
        let is_of_kinds =
            |object: &ObjectResult| control.kinds.matches(&object.object.group_kind());
        let reason = if objects.iter().any(is_of_kinds) {
            "it applies to no object of its kinds"
        } else {
            "no object of its kinds"
        };
        return (ControlStatus::NotApplicable, reason.to_owned());
    }
    let params = control.requires_any_param.join(" or ");
    let reason = format!("not configured: set {params}");
    (ControlStatus::NotConfigured, reason)
}

/// The results of the evaluated controls, by id. A control without a result was not evaluated.
pub(super) type Results<'a> = BTreeMap<&'a ControlId, &'a ControlResult>;

/// The counts, compliance and coverage of some controls.
struct Score {
    counts: ControlStatusCounts,
    compliance: Option<f64>,
    coverage: Option<f64>,
}

impl Score {
    fn new<'a>(ids: impl IntoIterator<Item = &'a ControlId>, results: &Results<'_>) -> Self {
        let results: Vec<Option<&ControlResult>> =
            ids.into_iter().map(|id| results.get(id).copied()).collect();
        let status = |result: &Option<&ControlResult>| {
            result.map_or(ControlStatus::NotEvaluated, |result| result.status)
        };
        let counts: ControlStatusCounts = results.iter().map(status).collect();
        let evaluated: Vec<&ControlResult> = results.into_iter().flatten().collect();
        // A reason on a control that is applicable is an error for some object: the compliance is
        // then unknown.
        let has_errors = evaluated
            .iter()
            .any(|result| is_applicable(result) && !result.reason.is_empty());
        let is_scored = !has_errors && counts.failed + counts.passed > 0;
        Self {
            counts,
            compliance: is_scored.then(|| mean(&evaluated)),
            coverage: counts.coverage(),
        }
    }
}

/// Scores a framework by the results of its controls.
pub(super) fn score_framework(scored: &ScoredFramework, results: &Results<'_>) -> FrameworkResult {
    let framework = &scored.framework;
    let score = Score::new(framework.controls(), results);
    let requirements = framework.requirements.iter();
    FrameworkResult {
        framework: framework.clone(),
        is_named: scored.is_named,
        level: scored.level,
        controls: score.counts,
        compliance: score.compliance,
        coverage: score.coverage,
        requirements: requirements
            .map(|requirement| score_requirement(requirement, results))
            .collect(),
    }
}

fn score_requirement(requirement: &Requirement, results: &Results<'_>) -> RequirementResult {
    let members = requirement.controls.iter();
    let score = Score::new(members.map(|member| &member.control), results);
    RequirementResult {
        status: requirement_status(score.counts),
        controls: score.counts,
        compliance: score.compliance,
        coverage: score.coverage,
    }
}

fn requirement_status(counts: ControlStatusCounts) -> RequirementStatus {
    if counts.total() == 0 {
        RequirementStatus::NotCheckable
    } else if counts.failed > 0 {
        RequirementStatus::Failed
    } else if counts.not_evaluated == 0 && counts.passed == 0 {
        RequirementStatus::NotApplicable
    } else if counts.not_evaluated == 0 {
        RequirementStatus::Passed
    } else if counts.passed > 0 {
        RequirementStatus::Incomplete
    } else {
        RequirementStatus::NotEvaluated
    }
}

fn is_applicable(result: &ControlResult) -> bool {
    !matches!(
        result.status,
        ControlStatus::NotApplicable | ControlStatus::NotConfigured
    )
}

/// Returns the compliance of one control in percent, by Kubescape's formula; `None` if it evaluated
/// no object.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of objects are far below 2^52"
)]
fn compliance(result: &ControlResult) -> Option<f64> {
    let evaluated = result.passed + result.failed;
    (evaluated > 0).then(|| 100.0 * result.passed as f64 / evaluated as f64)
}

/// Returns the mean over the controls that evaluated an object.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of controls are far below 2^52"
)]
fn mean(results: &[&ControlResult]) -> f64 {
    let percents: Vec<f64> = results
        .iter()
        .filter_map(|result| compliance(result))
        .collect();
    percents.iter().sum::<f64>() / percents.len().max(1) as f64
}

/// True if an object was checked for what it does: one whose fields alone were compared with the
/// types of Kubernetes, and found right, was not. Where only such controls are chosen, they count.
fn is_checked(object: &ObjectResult, is_schema_control: &dyn Fn(&ControlId) -> bool) -> bool {
    !object.findings.is_empty() || !object.judged.iter().all(is_schema_control)
}

/// Counts the objects that no control applies to, by kind.
fn not_applicable(
    objects: &[ObjectResult],
    is_schema_control: &dyn Fn(&ControlId) -> bool,
) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for object in objects {
        if !is_checked(object, is_schema_control) && object.errors.is_empty() {
            *kinds.entry(object.object.kind.clone()).or_default() += 1;
        }
    }
    kinds
}

/// Counts files, objects, findings and controls.
pub(super) fn summarize(
    files: usize,
    objects: &[ObjectResult],
    controls: &[ControlResult],
    is_schema_control: &dyn Fn(&ControlId) -> bool,
    skipped: usize,
) -> Summary {
    let has_rules = controls
        .iter()
        .any(|result| !is_schema_control(&result.control.id));
    let is_schema_control: &dyn Fn(&ControlId) -> bool = if has_rules {
        is_schema_control
    } else {
        &|_| false
    };
    let findings = objects.iter().flat_map(|object| &object.findings);
    let defects = objects.iter().flat_map(ObjectResult::defects);
    Summary {
        files,
        objects: objects.len(),
        checked: objects
            .iter()
            .filter(|object| is_checked(object, is_schema_control))
            .count(),
        not_applicable: not_applicable(objects, is_schema_control),
        failed_objects: objects
            .iter()
            .filter(|object| !object.findings.is_empty())
            .count(),
        findings: findings.map(|located| located.finding.severity).collect(),
        defects: defects.map(|defect| defect.severity()).collect(),
        controls: controls.iter().map(|result| result.status).collect(),
        skipped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        [failed, passed, not_evaluated, not_applicable]: [usize; 4],
        expected: RequirementStatus,
        coverage: Option<f64>,
    ) {
        let counts = ControlStatusCounts {
            failed,
            passed,
            not_evaluated,
            not_applicable,
            not_configured: 0,
        };
        assert_eq!(requirement_status(counts), expected);
        assert_eq!(counts.coverage(), coverage);
    }

    #[test]
    fn requirement_with_a_gap_never_passes() {
        check([0, 0, 0, 0], RequirementStatus::NotCheckable, None);
        check([1, 1, 2, 0], RequirementStatus::Failed, Some(50.0));
        check([0, 1, 3, 0], RequirementStatus::Incomplete, Some(25.0));
        check([0, 0, 1, 1], RequirementStatus::NotEvaluated, Some(50.0));
        check([0, 1, 0, 1], RequirementStatus::Passed, Some(100.0));
        check([0, 0, 0, 2], RequirementStatus::NotApplicable, Some(100.0));
    }
}
