//! How controls and frameworks fared over all objects.

use kubevet_engine::is_configured;
use kubevet_model::{
    Control, ControlId, ControlResult, ControlStatus, Framework, FrameworkResult, ObjectResult,
    Severity, Summary,
};
use kubevet_policy::Params;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

#[derive(Default)]
struct Tally<'a> {
    failed: usize,
    passed: usize,
    unanswered: usize,
    why: Option<&'a str>,
}

pub(super) fn controls(
    chosen: &[Arc<Control>],
    objects: &[ObjectResult],
    params: &Params,
) -> Vec<ControlResult> {
    let mut tallies: BTreeMap<&ControlId, Tally<'_>> = BTreeMap::new();
    for object in objects {
        let failing: BTreeSet<&ControlId> = object
            .findings
            .iter()
            .map(|it| &it.finding.control)
            .collect();
        for id in &object.judged {
            let tally = tallies.entry(id).or_default();
            if failing.contains(id) {
                tally.failed += 1
            } else {
                tally.passed += 1
            }
        }
        for error in &object.errors {
            let tally = tallies.entry(&error.control).or_default();
            tally.unanswered += 1;
            tally.why.get_or_insert(&error.message);
        }
    }
    let none = Tally::default();
    chosen
        .iter()
        .map(|control| result(control, tallies.get(&control.id).unwrap_or(&none), params))
        .collect()
}

fn result(control: &Arc<Control>, tally: &Tally<'_>, params: &Params) -> ControlResult {
    let (status, reason) = if tally.failed > 0 {
        (ControlStatus::Failed, unanswered(tally))
    } else if tally.unanswered > 0 {
        (ControlStatus::NotEvaluated, unanswered(tally))
    } else if tally.passed > 0 {
        (ControlStatus::Passed, String::new())
    } else if is_configured(control, params) {
        (
            ControlStatus::Irrelevant,
            "no object that it looks at".to_owned(),
        )
    } else {
        (
            ControlStatus::Irrelevant,
            format!(
                "not configured: set {}",
                control.requires_any_param.join(" or ")
            ),
        )
    };
    ControlResult {
        control: control.clone(),
        status,
        reason,
        failed: tally.failed,
        passed: tally.passed,
    }
}

fn unanswered(tally: &Tally<'_>) -> String {
    let Some(why) = tally.why else {
        return String::new();
    };
    format!("no answer for {} objects: {why}", tally.unanswered)
}

pub(super) fn framework(framework: &Arc<Framework>, controls: &[ControlResult]) -> FrameworkResult {
    let members: BTreeSet<&ControlId> = framework.members.iter().map(|it| &it.control).collect();
    let own: Vec<&ControlResult> = controls
        .iter()
        .filter(|it| members.contains(&it.control.id))
        .collect();
    let count = |status| own.iter().filter(|it| it.status == status).count();
    let (failed, passed) = (count(ControlStatus::Failed), count(ControlStatus::Passed));
    let not_evaluated = count(ControlStatus::NotEvaluated);
    let unknown = own
        .iter()
        .any(|it| it.status != ControlStatus::Irrelevant && !it.reason.is_empty());
    let compliance =
        (!unknown && failed + passed > 0).then(|| mean(own.iter().map(|it| compliance(it))));
    FrameworkResult {
        framework: framework.clone(),
        failed,
        passed,
        not_evaluated,
        irrelevant: count(ControlStatus::Irrelevant),
        compliance,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of objects are far below 2^52"
)]
fn compliance(result: &ControlResult) -> f64 {
    match result.status {
        ControlStatus::Failed => {
            100.0 * result.passed as f64 / (result.passed + result.failed) as f64
        }
        _ => 100.0,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of controls are far below 2^52"
)]
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1);
    values.sum::<f64>() / count as f64
}

pub(super) fn summary(
    files: usize,
    objects: &[ObjectResult],
    controls: &[ControlResult],
    skipped: usize,
) -> Summary {
    let severities: BTreeMap<&ControlId, Severity> = controls
        .iter()
        .map(|it| (&it.control.id, it.control.severity))
        .collect();
    let with = |severity: Severity| {
        let all = objects.iter().flat_map(|it| &it.findings);
        all.filter(|it| severities.get(&it.finding.control) == Some(&severity))
            .count()
    };
    let of = |status| controls.iter().filter(|it| it.status == status).count();
    Summary {
        files,
        objects: objects.len(),
        failed_objects: objects.iter().filter(|it| !it.findings.is_empty()).count(),
        findings: Severity::ALL.map(with),
        controls: [
            of(ControlStatus::Failed),
            of(ControlStatus::NotEvaluated),
            of(ControlStatus::Passed),
            of(ControlStatus::Irrelevant),
        ],
        skipped,
    }
}
