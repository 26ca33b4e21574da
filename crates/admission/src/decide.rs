//! Evaluates one admission request against every matching binding.
//!
//! Verdicts are memoized per distinct params: bindings with equal params share one evaluation of
//! the object, and one of the old object.

use super::{
    AdmissionRequest, Callbacks, Decision, Enforcement, Exclusion, UnevaluatedCause,
    bound_controls::bound_controls,
    conclusion::conclude,
    evaluation::{Evaluation, IndexedBinding},
    outcomes::OutcomeCollector,
};
use kubevet_k8s::matching::{MatchResult, NamespaceLabels};
use kubevet_k8s::workload::SelectKinds as _;
use kubevet_model::{Control, ControlId, Operation, Verdict};
use kubevet_policy::{Binding, Params};
use std::cell::OnceCell;

/// The number of findings between two checks of the deadline.
const DEADLINE_CHECK_FINDINGS: usize = 256;

/// Decides about a request. Bindings that are not decided before the deadline count as not
/// evaluated.
#[must_use]
pub fn decide(
    enforcement: &Enforcement,
    request: &AdmissionRequest<'_>,
    callbacks: &Callbacks<'_>,
) -> Decision {
    let mut decision = Decision {
        allowed: true,
        ..Decision::default()
    };
    if request.attributes.operation == Operation::Delete {
        return decision;
    }
    let Some(object) = request.object else {
        return decision;
    };
    let mut outcomes = OutcomeCollector::default();
    let evaluation = Evaluation::new(enforcement, request, object, callbacks);
    let matching = evaluation.matching_bindings(&mut decision, &mut outcomes);
    let names = matching.iter().map(|(_, binding)| binding.name.clone());
    decision.bindings = names.collect();
    for (params, bindings) in group_by_params(&matching) {
        evaluation.evaluate_group(params, &bindings, &mut decision, &mut outcomes);
    }
    outcomes.write(&mut decision);
    conclude(&mut decision, enforcement, request);
    decision
}

/// Groups bindings by equal params, in the order of the first binding of each group. One verdict
/// serves a group, and is freed before the next group is evaluated.
fn group_by_params<'b>(
    bindings: &[IndexedBinding<'b>],
) -> Vec<(&'b Params, Vec<IndexedBinding<'b>>)> {
    let mut groups: Vec<(&Params, Vec<IndexedBinding<'_>>)> = Vec::new();
    for (index, binding) in bindings {
        let group = groups
            .iter_mut()
            .find(|(params, _)| **params == binding.params);
        match group {
            Some((_, members)) => members.push((*index, binding)),
            None => groups.push((&binding.params, vec![(*index, binding)])),
        }
    }
    groups
}

/// Returns true if some control of the binding checks the kind of the request's object.
fn checks_kind(
    binding: &Binding,
    enforcement: &Enforcement,
    request: &AdmissionRequest<'_>,
) -> bool {
    let checks = |control: &Control| control.kinds.matches(request.kind);
    binding.controls.iter().any(|id| {
        let control = enforcement.controls.get(id);
        control.is_some_and(|control| checks(control))
    })
}

impl<'a> Evaluation<'a> {
    /// Returns the bindings that match the request. Those that depend on namespace labels which are
    /// unknown are collected as not evaluated. Those that exclude the request are written into the
    /// decision.
    fn matching_bindings(
        &self,
        decision: &mut Decision,
        outcomes: &mut OutcomeCollector,
    ) -> Vec<IndexedBinding<'a>> {
        let labels = OnceCell::new();
        let mut matching = Vec::new();
        for (index, binding) in self.enforcement.bindings.iter().enumerate() {
            // The labels of the namespace need not be fetched for an object that no control of the
            // binding checks.
            if binding.match_resources.needs_namespaces()
                && !checks_kind(binding, self.enforcement, self.request)
            {
                continue;
            }
            let namespace_labels = || match labels.get_or_init(self.callbacks.namespace_labels) {
                Some(labels) => NamespaceLabels::Known(labels),
                None => NamespaceLabels::Unknown,
            };
            let attributes = &self.request.attributes;
            let result = binding
                .match_resources
                .matches(attributes, namespace_labels);
            if result == MatchResult::No {
                continue;
            }
            if let Some(reason) = self.exclusion_reason(binding) {
                if checks_kind(binding, self.enforcement, self.request) {
                    let binding = binding.name.clone();
                    decision.excluded.push(Exclusion { binding, reason });
                }
                continue;
            }
            match result {
                MatchResult::No => {}
                MatchResult::Yes => matching.push((index, binding)),
                MatchResult::Unknown => {
                    let namespace = attributes.namespace.to_owned();
                    let cause = UnevaluatedCause::UnknownNamespaceLabels { namespace };
                    self.add_unevaluated(binding, None, cause, outcomes);
                }
            }
        }
        matching
    }

    /// Evaluates the object under `params`, and decides for the bindings that share them.
    fn evaluate_group(
        &self,
        params: &Params,
        bindings: &[IndexedBinding<'_>],
        decision: &mut Decision,
        outcomes: &mut OutcomeCollector,
    ) {
        let add_all_unevaluated = |cause: UnevaluatedCause, outcomes: &mut OutcomeCollector| {
            for (_, binding) in bindings {
                self.add_unevaluated(binding, None, cause.clone(), outcomes);
            }
        };
        if (self.callbacks.is_past_deadline)() {
            return add_all_unevaluated(UnevaluatedCause::PastDeadline, outcomes);
        }
        let verdict = match (self.callbacks.evaluate)(self.object, params) {
            Ok(verdict) => verdict,
            Err(error) => {
                let cause = UnevaluatedCause::EvaluationFailed(error);
                return add_all_unevaluated(cause, outcomes);
            }
        };
        let is_bound = |control: &ControlId| {
            let mut bindings = bindings.iter();
            bindings.any(|(_, binding)| binding.controls.contains(control))
        };
        let evaluated = bound_controls(&verdict.judged, bindings);
        decision.evaluated.append(&evaluated);
        self.add_rule_errors(&verdict, bindings, outcomes);
        let prior_findings = OnceCell::new();
        let findings = verdict.violations.iter();
        let findings = findings.filter(|finding| is_bound(&finding.control));
        for (number, finding) in findings.enumerate() {
            if number.is_multiple_of(DEADLINE_CHECK_FINDINGS) && (self.callbacks.is_past_deadline)()
            {
                return add_all_unevaluated(UnevaluatedCause::PastDeadline, outcomes);
            }
            let prior = || prior_findings.get_or_init(|| self.prior_findings(params));
            self.rule_on_finding(finding, bindings, || prior().as_ref(), outcomes);
        }
    }

    /// Collects the controls whose rules failed, for each binding that covers them.
    fn add_rule_errors(
        &self,
        verdict: &Verdict,
        bindings: &[IndexedBinding<'_>],
        outcomes: &mut OutcomeCollector,
    ) {
        for error in &verdict.errors {
            for (_, binding) in bindings {
                if binding.controls.contains(&error.control) {
                    let control = Some(error.control.clone());
                    let cause = UnevaluatedCause::EvaluationFailed(error.error.clone());
                    self.add_unevaluated(binding, control, cause, outcomes);
                }
            }
        }
    }
}
