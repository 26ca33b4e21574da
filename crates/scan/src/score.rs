//! The results of controls and frameworks over all objects of a scan.

use super::{
    scored_framework::ScoredFramework,
    tally::{Tallies, Tally},
};
use kubevet_k8s::workload::SelectKinds as _;
use kubevet_model::{
    Control, ControlId, ControlResult, ControlStatus, ControlStatusCounts, FrameworkResult, Kind,
    Requirement, RequirementResult, RequirementStatus, Unread, count, join_first,
};
use kubevet_policy::Params;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The most kinds that the reason of a control names.
const MAX_UNREAD: usize = 4;

/// What decides on the result of a control besides the control itself.
pub(super) struct Evidence<'a> {
    pub(super) tallies: &'a Tallies,
    /// The kinds of the objects.
    pub(super) kinds: &'a BTreeSet<Kind>,
    pub(super) params: &'a Params,
    pub(super) unread: &'a [Unread],
}

/// Scores the chosen controls.
pub(super) fn score_controls(
    chosen: &[Arc<Control>],
    evidence: &Evidence<'_>,
) -> Vec<ControlResult> {
    let no_objects = Tally::default();
    chosen
        .iter()
        .map(|control| {
            let tally = evidence.tallies.get(&control.id).unwrap_or(&no_objects);
            score_control(control, tally, evidence)
        })
        .collect()
}

fn score_control(control: &Arc<Control>, tally: &Tally, evidence: &Evidence<'_>) -> ControlResult {
    let is_configured = evidence.params.configures(control);
    let gap = if is_configured {
        gap_reason(control, tally, evidence.unread)
    } else {
        String::new()
    };
    let (status, reason) = if tally.failed > 0 {
        (ControlStatus::Failed, gap)
    } else if !gap.is_empty() {
        (ControlStatus::NotEvaluated, gap)
    } else if tally.passed > 0 {
        (ControlStatus::Passed, String::new())
    } else {
        without_objects(control, evidence)
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
fn gap_reason(control: &Control, tally: &Tally, unread: &[Unread]) -> String {
    let mut reasons = Vec::new();
    if let Some(error) = &tally.least_error {
        reasons.push(format!(
            "no answer for {}: {error}",
            count(tally.errors, "object")
        ));
    }
    let of_control = unread
        .iter()
        .filter(|unread| unread.controls.binary_search(&control.id).is_ok());
    let places: Vec<String> = of_control.map(ToString::to_string).collect();
    if !places.is_empty() {
        reasons.push(format!("not read: {}", join_first(&places, MAX_UNREAD)));
    }
    reasons.join("; ")
}

/// Returns the status of a control that evaluated no object, and the reason.
fn without_objects(control: &Control, evidence: &Evidence<'_>) -> (ControlStatus, String) {
    if evidence.params.configures(control) {
        let mut kinds = evidence.kinds.iter();
        let reason = if kinds.any(|kind| control.kinds.matches(kind)) {
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
