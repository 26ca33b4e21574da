//! The evaluation of one object under one loop plan: first which clauses fire, then the findings of
//! those.

use super::{
    budget::StepBudgetExceeded,
    check::{Check, CheckNumber, ClauseCheck, ClauseIndex},
    context::EvalContext,
    evaluator::Evaluator,
    field_guards::FieldGuard,
    loop_plan::{Level, LoopPlan},
    observer::ConditionObserver,
    scratch::Scratch,
};
use crate::parse_findings::{MAX_OBJECT_FINDINGS, too_many_findings_of_all};
use kubevet_ir::CompiledControl;
use kubevet_model::{ControlIds, EvalError, RuleError, Verdict, Violation};
use std::mem;

/// Adds the results of the plan's controls to a verdict, unsorted and with duplicates. Returns the
/// steps that it took.
///
/// # Errors
/// The object takes more steps than the budget.
pub(crate) fn evaluate(
    context: EvalContext<'_>,
    plan: &LoopPlan,
    scratch: &mut Scratch,
    observer: impl ConditionObserver,
    verdict: &mut Verdict,
) -> Result<u64, StepBudgetExceeded> {
    let mut evaluator = Evaluator::new(context, scratch, observer);
    evaluator.decide_clauses(plan);
    let fired = mem::take(&mut evaluator.scratch.fired);
    for control in &plan.controls {
        if !context.params.is_configured(control.index) {
            continue;
        }
        let applies = control
            .applies
            .is_none_or(|applies| evaluator.holds(applies));
        let abort = evaluator.aborted();
        if !applies && abort.is_none() {
            continue;
        }
        if fired.is_empty() && abort.is_none() {
            evaluator.scratch.judged.push(control.index);
            continue;
        }
        evaluator.add_result(control.index, &fired, verdict)?;
    }
    evaluator.scratch.fired = fired;
    verdict.judged.append(&evaluator.judged_controls());
    evaluator.finish();
    Ok(evaluator.budget.steps())
}

impl<O: ConditionObserver> Evaluator<'_, O> {
    /// Decides which clauses fire. No message or path is computed here. Allocates nothing if none
    /// fires.
    fn decide_clauses(&mut self, plan: &LoopPlan) {
        self.scratch.holds.clear();
        self.scratch.holds.resize(plan.check_count, false);
        let impossible = &self.context.params.impossible_clauses;
        self.scratch.closed.clone_from(impossible);
        self.scratch.fired.clear();
        self.scratch.judged.clear();
        self.evaluate_level(&plan.root);
        self.scratch.fired.sort_unstable();
    }

    /// Adds the findings of a control, or the reason why it could not be evaluated.
    ///
    /// # Errors
    /// The object takes more steps than the budget.
    fn add_result(
        &mut self,
        control: usize,
        fired: &[u32],
        verdict: &mut Verdict,
    ) -> Result<(), StepBudgetExceeded> {
        let Some(compiled) = self.context.controls.get(control) else {
            return Ok(());
        };
        let tables = self.context.tables;
        let fired = fired.iter().filter_map(|number| tables.clause(*number));
        let of_control = fired.filter(|(index, _)| *index == control);
        let mut result = self.violations(compiled, of_control);
        if let Some(abort) = self.aborted() {
            result = Err(abort.error()?);
        }
        let error = match result {
            Ok(violations) if verdict.violations.len() + violations.len() > MAX_OBJECT_FINDINGS => {
                too_many_findings_of_all()
            }
            Ok(violations) => {
                self.scratch.judged.push(control);
                verdict.violations.extend(violations);
                return Ok(());
            }
            Err(error) => error,
        };
        verdict.errors.push(RuleError {
            control: compiled.control.id.clone(),
            error,
        });
        Ok(())
    }

    /// The ids of the controls that judged the object.
    fn judged_controls(&mut self) -> ControlIds {
        let controls = self.context.controls;
        let Scratch {
            judged,
            judged_lists,
            ..
        } = &mut *self.scratch;
        judged_lists.ids_of(judged, controls)
    }

    /// Evaluates the checks of a level, then its loops. A clause that has fired once is not
    /// evaluated again.
    fn evaluate_level(&mut self, level: &Level) {
        self.decide_checks(&level.checks);
        for guard in &level.guards {
            self.decide_guarded(guard);
        }
        for (source, inner) in &level.loops {
            let mut parents = inner.parents.iter();
            if inner.is_always_needed || parents.any(|parent| self.check_holds(*parent)) {
                self.iterate(*source, &mut |evaluator| {
                    evaluator.recycle_scratch();
                    evaluator.evaluate_level(&inner.level);
                    evaluator.aborted().is_some()
                });
            }
        }
    }

    fn decide_checks(&mut self, checks: &[Check]) {
        for check in checks {
            let mut clauses = check.clauses.iter();
            let holds = clauses.any(|clause| self.is_open(clause))
                && check
                    .conditions
                    .iter()
                    .all(|condition| self.holds(*condition));
            if holds || check.has_inner {
                self.set_results(check, holds);
            }
        }
    }

    /// Stores the result of a check for the clauses that need it; clauses without further levels
    /// fire.
    fn set_results(&mut self, check: &Check, holds: bool) {
        for clause in &check.clauses {
            let holds = holds && self.is_open(clause);
            if let Some(slot) = self.scratch.holds.get_mut(clause.number.index()) {
                *slot = holds;
            }
            if holds
                && clause.is_last
                && let Some(slot) = self.scratch.closed.get_mut(clause.clause as usize)
            {
                *slot = true;
                self.scratch.fired.push(clause.clause);
            }
        }
    }

    /// True if a check matters for a clause: what comes before it holds, the clause has not fired,
    /// and the params do not rule it out.
    fn is_open(&self, check: &ClauseCheck) -> bool {
        let is_closed = self.scratch.closed.get(check.clause as usize);
        !is_closed.copied().unwrap_or(true)
            && check.parent.is_none_or(|parent| self.check_holds(parent))
    }

    /// Decides the checks that need a field, if it is there. Where it is not, none of them holds.
    fn decide_guarded(&mut self, guard: &FieldGuard) {
        if self.packed_term(guard.field).is_undefined() {
            for number in &guard.numbers {
                if let Some(slot) = self.scratch.holds.get_mut(number.index()) {
                    *slot = false;
                }
            }
            return;
        }
        self.decide_checks(&guard.checks);
        for within in &guard.guards {
            self.decide_guarded(within);
        }
    }

    fn check_holds(&self, check: CheckNumber) -> bool {
        self.scratch
            .holds
            .get(check.index())
            .copied()
            .unwrap_or(false)
    }

    /// Returns the findings of the fired clauses of one control.
    fn violations(
        &mut self,
        compiled: &CompiledControl,
        fired: impl Iterator<Item = ClauseIndex>,
    ) -> Result<Vec<Violation>, EvalError> {
        let tables = self.context.tables;
        let mut violations = Vec::new();
        for (control, clause) in fired {
            if let Some(body) = compiled.clauses.get(clause) {
                let stages = tables.joins.stages(control, clause);
                self.render_clause(&compiled.control.id, body, stages, &mut violations)?;
            }
        }
        Ok(violations)
    }
}
