//! Policy reports: `PolicyReport` and `ClusterPolicyReport` of wgpolicyk8s.io, `Report` and
//! `ClusterReport` of openreports.io, one for each object.
//!
//! A finding is a result, and so is a control that could not be evaluated (`error`). Controls that
//! passed are counted in `summary` alone: they would be most of every report.

use super::{
    control_outcome::{ControlOutcome, Status, bounded_message, bounded_text, outcomes},
    object_metadata::{OwnerReference, ResultHead, Stored, uid_of},
    result_context::ResultContext,
    result_names::{bounded_name, report_name},
    size_budget::{SizeBudget, entry_bytes, json},
    workload_scan::{bounded_path, fix_value},
};
use kubevet_model::{
    ControlId, FixAction, LocatedFinding, ObjectResult, ResultKind, ResultObject, join_first,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The engine by which readers filter.
const SOURCE: &str = "kubevet";
/// The bytes of the annotations about what is left out, and about the content.
const ANNOTATION_BYTES: usize = 300;

/// The most bindings that a result names.
const MAX_BINDINGS: usize = 5;

const OMITTED_RESULTS: &str = "kubevet.io/omitted-results";

/// The API groups of policy reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportApi {
    /// wgpolicyk8s.io/v1alpha2.
    PolicyReports,
    /// openreports.io/v1alpha1.
    OpenReports,
}

impl ReportApi {
    /// The kind of the report on an object.
    fn kind(self, is_namespaced: bool) -> ResultKind {
        match (self, is_namespaced) {
            (Self::PolicyReports, true) => ResultKind::PolicyReport,
            (Self::PolicyReports, false) => ResultKind::ClusterPolicyReport,
            (Self::OpenReports, true) => ResultKind::Report,
            (Self::OpenReports, false) => ResultKind::ClusterReport,
        }
    }
}

#[derive(Debug, Serialize)]
struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    scope: Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<Configuration>,
    summary: Summary,
    results: Vec<PolicyResult>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    api_version: String,
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    namespace: String,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    uid: String,
}

/// Which results the report has.
#[derive(Debug, Serialize)]
struct Configuration {
    limits: Limits,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Limits {
    status_filter: [&'static str; 2],
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    pass: usize,
    fail: usize,
    warn: usize,
    error: usize,
    skip: usize,
}

#[derive(Debug, Serialize)]
struct PolicyResult {
    source: &'static str,
    policy: String,
    rule: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    category: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'static str>,
    result: &'static str,
    scored: bool,
    message: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    properties: BTreeMap<&'static str, String>,
}

/// Returns the names of the bindings that enforce a control for an object.
pub type BindingsOf<'f> = dyn Fn(&ControlId) -> Vec<String> + 'f;

/// Returns the report on the object of a result.
pub(crate) fn report(
    context: &ResultContext,
    api: ReportApi,
    result: &ObjectResult,
    bindings: &BindingsOf<'_>,
) -> ResultObject {
    let object = &result.object;
    let kind = api.kind(!object.namespace.is_empty());
    let uid = uid_of(result);
    let mut head = ResultHead::new(kind, &object.namespace, report_name(object, uid));
    head.set_owner(OwnerReference::of(result));
    let outcomes = outcomes(result, &context.controls);
    let is_open = api == ReportApi::OpenReports;
    let mut stored = Stored {
        head,
        body: Report {
            source: is_open.then_some(SOURCE),
            scope: Reference {
                api_version: bounded_name(&object.api_version).to_owned(),
                kind: bounded_name(&object.kind).to_owned(),
                namespace: bounded_name(&object.namespace).to_owned(),
                name: bounded_name(&object.name).to_owned(),
                uid: uid.unwrap_or_default().to_owned(),
            },
            configuration: is_open.then_some(Configuration {
                limits: Limits {
                    status_filter: ["fail", "error"],
                },
            }),
            summary: Summary::of(&outcomes),
            results: Vec::new(),
        },
    };
    let used = json(&stored).len() + ANNOTATION_BYTES;
    let mut budget = SizeBudget::new(context.max_bytes, used);
    let results = policy_results(&outcomes, bindings);
    let total = stored.body.summary.fail + stored.body.summary.error;
    for entry in results {
        if budget.take(entry_bytes(&entry)) {
            stored.body.results.push(entry);
        }
    }
    let omitted = total.saturating_sub(stored.body.results.len());
    stored.head.annotate_omitted(OMITTED_RESULTS, omitted);
    stored.finish(kind)
}

impl Summary {
    fn of(outcomes: &[ControlOutcome<'_>]) -> Self {
        let mut summary = Self::default();
        for outcome in outcomes {
            match outcome.status {
                Status::Failed => summary.fail += outcome.findings.len(),
                Status::NotEvaluated => summary.error += 1,
                Status::Passed => summary.pass += 1,
            }
        }
        summary
    }
}

/// Returns the results: one of each control, then its others, the worst first.
fn policy_results<'a>(
    outcomes: &'a [ControlOutcome<'a>],
    bindings: &'a BindingsOf<'a>,
) -> impl Iterator<Item = PolicyResult> + 'a {
    let failed = || {
        outcomes
            .iter()
            .filter(|outcome| outcome.status == Status::Failed)
    };
    let results = move |outcome: &'a ControlOutcome<'a>, from: usize, number: usize| {
        let findings = outcome.findings.iter().skip(from).take(number);
        findings.map(move |located| {
            let mut entry = PolicyResult::of_finding(outcome, located);
            let names = bindings(outcome.id);
            if !names.is_empty() {
                let names = bounded_text(&join_first(&names, MAX_BINDINGS));
                entry.properties.insert("bindings", names);
            }
            entry
        })
    };
    let first = failed().flat_map(move |outcome| results(outcome, 0, 1));
    let errors = outcomes
        .iter()
        .filter(|outcome| outcome.status == Status::NotEvaluated)
        .map(PolicyResult::of_error);
    let others = failed().flat_map(move |outcome| results(outcome, 1, usize::MAX));
    first.chain(errors).chain(others)
}

impl PolicyResult {
    fn of_control(outcome: &ControlOutcome<'_>, result: &'static str) -> Self {
        let control = outcome.control;
        let name = control.map_or(outcome.id.as_str(), |control| &control.name);
        Self {
            source: SOURCE,
            policy: bounded_text(outcome.id.as_str()),
            rule: bounded_text(name),
            category: bounded_text(control.map_or("", |control| &control.category)),
            severity: outcome.severity().map(kubevet_model::Severity::name),
            result,
            scored: true,
            message: String::new(),
            properties: BTreeMap::new(),
        }
    }

    fn of_error(outcome: &ControlOutcome<'_>) -> Self {
        Self {
            message: outcome.reason.clone(),
            ..Self::of_control(outcome, "error")
        }
    }

    fn of_finding(outcome: &ControlOutcome<'_>, located: &LocatedFinding) -> Self {
        let finding = &located.finding;
        let mut properties = BTreeMap::from([("fingerprint", finding.fingerprint.to_string())]);
        if let Some(path) = finding.paths().first() {
            properties.insert("path", bounded_path(path));
        }
        if let Some(container) = &located.container {
            properties.insert("container", bounded_text(container));
        }
        if let Some(fix) = finding.fixes().first() {
            let path = bounded_path(&fix.path);
            let text = match &fix.action {
                FixAction::Set(value) => {
                    fix_value(value, outcome.is_sensitive()).map(|value| format!("{path}={value}"))
                }
                FixAction::Remove => Some(format!("remove {path}")),
            };
            if let Some(text) = text {
                properties.insert("fix", text);
            }
        }
        Self {
            severity: Some(finding.severity.name()),
            message: bounded_message(finding),
            properties,
            ..Self::of_control(outcome, "fail")
        }
    }
}
