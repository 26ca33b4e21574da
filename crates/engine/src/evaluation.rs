//! One evaluation: an object under the controls of its kind, or the pods of an object of a custom
//! kind, one after the other.

use super::{
    eval::{ConditionObserver, EvalContext, StepBudgetExceeded, evaluate},
    interpreter_input,
    kind_index::KindEntry,
    parse_findings::parse_findings,
    pod_views::{MAX_MIB, TooLarge, pod_views},
    tiers::Tiers,
};
use kubevet_document::Document;
use kubevet_k8s::workload::{custom::CustomWorkload, pod_spec_path};
use kubevet_model::{
    Control, ControlId, ControlIds, EvalError, EvalRequest, EvalTier, RuleError, Verdict, Violation,
};
use kubevet_policy::Params;
use std::{cell::Cell, time::Instant};

/// The limits of one evaluation, beside those of the engine itself. By default there are none.
#[derive(Debug, Clone, Copy, Default)]
pub struct EvalLimits<'b> {
    /// The time by which the verdict must be complete. Controls that are not are errors in it.
    pub deadline: Option<Instant>,
    /// The steps that are left for this and further objects; an evaluation subtracts what it takes.
    /// An object that takes more is not evaluated, but [`StepBudgetExceeded`].
    pub steps: Option<&'b Cell<u64>>,
}

/// An evaluation, and its verdict so far, which is sorted by [`Evaluation::finish`].
pub(super) struct Evaluation<'e, O> {
    pub(super) tiers: &'e Tiers,
    pub(super) request: &'e EvalRequest,
    pub(super) params: &'e Params,
    pub(super) limits: &'e EvalLimits<'e>,
    pub(super) observer: O,
    pub(super) verdict: Verdict,
}

impl<O: ConditionObserver> Evaluation<'_, O> {
    /// Adds the results of the controls of a kind.
    pub(super) fn object(
        &mut self,
        document: &Document,
        entry: &KindEntry,
        pod_path: Option<&'static [&'static str]>,
    ) -> Result<(), StepBudgetExceeded> {
        let tiers = self.tiers;
        let resolved = tiers.resolve_params(self.params);
        let context = EvalContext {
            program: &tiers.compiled.program,
            tables: &tiers.tables,
            controls: &tiers.compiled.controls,
            params: &resolved,
            document,
            operation: self.request.operation,
            pod_path,
            step_budget: self.limits.steps.map_or(u64::MAX, Cell::get),
            deadline: self.limits.deadline,
        };
        let mut scratch = tiers.take_scratch();
        let result = evaluate(
            context,
            &entry.plan,
            &mut scratch,
            &mut self.observer,
            &mut self.verdict,
        );
        tiers.return_scratch(scratch);
        let steps_taken = result?;
        if let Some(steps) = self.limits.steps {
            steps.set(steps.get().saturating_sub(steps_taken));
        }
        self.interpreted(document, entry, resolved.interpreter_params());
        Ok(())
    }

    /// Adds the results of the controls of workloads for each pod of an object.
    pub(super) fn pods_of(
        &mut self,
        object: &Document,
        row: &CustomWorkload,
    ) -> Result<(), StepBudgetExceeded> {
        let entry = self.tiers.kinds.workloads();
        let views = match pod_views(object, row) {
            Ok(views) => views,
            Err(TooLarge) => {
                self.not_evaluated(entry);
                return Ok(());
            }
        };
        if views.is_empty() {
            self.nothing_to_find(entry);
        }
        for view in views {
            let kind = view.document.id().group_kind();
            let before = self.verdict.violations.len();
            let path = pod_spec_path(&kind);
            self.object(&view.document, entry, path)?;
            let found: Vec<Violation> = self.verdict.violations.drain(before..).collect();
            let in_object = found
                .into_iter()
                .map(|violation| view.violation_in_object(object, violation));
            self.verdict.violations.extend(in_object);
        }
        let Verdict { judged, errors, .. } = &mut self.verdict;
        errors.sort();
        errors.dedup();
        let mut ids = judged.to_vec();
        ids.sort();
        ids.dedup();
        // A control that failed for one pod has not judged the object.
        ids.retain(|id| errors.iter().all(|error| error.control != *id));
        *judged = ids.into();
        Ok(())
    }

    /// The verdict, sorted and without duplicates: two elements can give one finding, such as a
    /// container that is named twice.
    pub(super) fn finish(self) -> Verdict {
        let mut verdict = self.verdict;
        verdict.violations.sort();
        verdict.violations.dedup();
        verdict.errors.sort();
        verdict
    }

    /// The controls that an entry evaluates, as far as the params configure them.
    fn configured<'k>(&'k self, entry: &'k KindEntry) -> impl Iterator<Item = &'k Control> {
        let tiers = self.tiers;
        let compiled = entry.plan.controls.iter();
        let compiled = compiled.filter_map(|planned| tiers.compiled.controls.get(planned.index));
        let compiled = compiled.map(|compiled| &*compiled.control);
        let interpreted = entry.interpreted.iter();
        let interpreted = interpreted.filter_map(|index| tiers.interpreted.get(*index));
        let interpreted = interpreted.map(|interpreted| &*interpreted.control);
        compiled
            .chain(interpreted)
            .filter(|control| self.params.configures(control))
    }

    /// An object without pods has nothing that a control could find. Nothing is known of controls
    /// that apply to certain objects only.
    fn nothing_to_find(&mut self, entry: &KindEntry) {
        let ids: ControlIds = self
            .configured(entry)
            .map(|control| control.id.clone())
            .filter(|id| !self.tiers.has_applies(id))
            .collect();
        self.verdict.judged.append(&ids);
    }

    fn not_evaluated(&mut self, entry: &KindEntry) {
        let error = EvalError::MemoryLimit {
            tier: EvalTier::Compiled,
            max_mib: MAX_MIB,
        };
        let errors: Vec<RuleError> = self
            .configured(entry)
            .map(|control| RuleError {
                control: control.id.clone(),
                error: error.clone(),
            })
            .collect();
        self.verdict.errors.extend(errors);
    }

    /// Adds the results of the interpreted controls of a kind.
    fn interpreted(&mut self, document: &Document, entry: &KindEntry, params: &regorus::Value) {
        let tiers = self.tiers;
        let (Some(interpreter), Some(entry_rule)) = (&tiers.interpreter, entry.entry_rule) else {
            return;
        };
        let input = interpreter_input::input_value(document, self.request, params);
        let of_kind = entry.interpreted.iter();
        let of_kind: Vec<_> = of_kind
            .filter_map(|index| tiers.interpreted.get(*index))
            .collect();
        let packages: Vec<_> = of_kind
            .iter()
            .map(|interpreted| &interpreted.package)
            .collect();
        let results = interpreter.eval(entry_rule, &packages, input, self.limits.deadline);
        let mut judged = self.verdict.judged.to_vec();
        for (interpreted, result) in of_kind.into_iter().zip(results) {
            self.control_result(&interpreted.control, result, &mut judged);
        }
        judged.sort();
        self.verdict.judged = judged.into();
    }

    /// Adds the result of one interpreted control. A control without its required params, or that
    /// does not apply to the object, is not evaluated.
    fn control_result(
        &mut self,
        control: &Control,
        deny: Result<regorus::Value, EvalError>,
        judged: &mut Vec<ControlId>,
    ) {
        if !self.params.configures(control) || deny == Ok(regorus::Value::Null) {
            return;
        }
        match deny.and_then(|deny| parse_findings(&control.id, &deny)) {
            Ok(violations) => {
                judged.push(control.id.clone());
                self.verdict.violations.extend(violations);
            }
            Err(error) => self.verdict.errors.push(RuleError {
                control: control.id.clone(),
                error,
            }),
        }
    }
}
