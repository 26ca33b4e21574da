//! The evaluation of one object under one loop plan: first which clauses fire, then the findings of
//! those.

use super::{
    budget::StepBudgetExceeded,
    check::{Check, ClauseCheck},
    context::EvalContext,
    evaluator::Evaluator,
    field_guards::FieldGuard,
    loop_plan::{ClauseIndex, Level, LoopPlan},
    observer::ConditionObserver,
    scratch::Scratch,
    value::Value,
};
use crate::parse_findings::{MAX_OBJECT_FINDINGS, too_many_findings_of_all};
use kubevet_ir::CompiledControl;
use kubevet_model::{EvalError, RuleError, Verdict, Violation};

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
    let fired = evaluator.fired_clauses(plan);
    verdict.judged.reserve(plan.controls.len());
    for control in &plan.controls {
        let Some(compiled) = context.controls.get(*control) else {
            continue;
        };
        if !context.params.is_configured(*control) {
            continue;
        }
        let applies = compiled
            .applies
            .is_none_or(|applies| evaluator.holds(applies));
        if !applies && evaluator.aborted().is_none() {
            continue;
        }
        let id = &compiled.control.id;
        let of_control = fired.iter().filter(|(index, _)| index == control);
        let mut result = evaluator.violations(compiled, of_control);
        if let Some(abort) = evaluator.aborted() {
            result = Err(abort.error()?);
        }
        match result {
            Ok(violations) if verdict.violations.len() + violations.len() > MAX_OBJECT_FINDINGS => {
                verdict.errors.push(RuleError {
                    control: id.clone(),
                    error: too_many_findings_of_all(),
                });
            }
            Ok(violations) => {
                verdict.judged.push(id.clone());
                verdict.violations.extend(violations);
            }
            Err(error) => verdict.errors.push(RuleError {
                control: id.clone(),
                error,
            }),
        }
    }
    evaluator.finish();
    Ok(evaluator.budget.steps())
}

impl<O: ConditionObserver> Evaluator<'_, O> {
    /// Returns the clauses that fire. No message or path is computed here. Allocates nothing if
    /// none fires.
    fn fired_clauses(&mut self, plan: &LoopPlan) -> Vec<ClauseIndex> {
        self.scratch.holds.clear();
        self.scratch.holds.resize(plan.check_count, false);
        let params = self.context.params;
        let is_closed = |clause: &ClauseIndex| !params.is_clause_possible(*clause);
        self.scratch.closed.clear();
        self.scratch
            .closed
            .extend(plan.clauses.iter().map(is_closed));
        self.evaluate_level(&plan.root);
        let closed = self.scratch.closed.iter().zip(&plan.clauses);
        closed
            .filter(|(closed, clause)| **closed && !is_closed(clause))
            .map(|(_, clause)| *clause)
            .collect()
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
            if let Some(slot) = self.scratch.holds.get_mut(clause.number) {
                *slot = holds;
            }
            if holds
                && clause.is_last
                && let Some(slot) = self.scratch.closed.get_mut(clause.clause)
            {
                *slot = true;
            }
        }
    }

    /// True if a check matters for a clause: what comes before it holds, the clause has not fired,
    /// and the params do not rule it out.
    fn is_open(&self, check: &ClauseCheck) -> bool {
        let is_closed = self.scratch.closed.get(check.clause);
        !is_closed.copied().unwrap_or(true)
            && check.parent.is_none_or(|parent| self.check_holds(parent))
    }

    /// Decides the checks that need a field, if it is there. Where it is not, none of them holds.
    fn decide_guarded(&mut self, guard: &FieldGuard) {
        if self.term(guard.field) == Value::Undefined {
            for number in &guard.numbers {
                if let Some(slot) = self.scratch.holds.get_mut(*number) {
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

    fn check_holds(&self, check: usize) -> bool {
        self.scratch.holds.get(check).copied().unwrap_or(false)
    }

    /// Returns the findings of the fired clauses of one control.
    fn violations<'f>(
        &mut self,
        compiled: &CompiledControl,
        fired: impl Iterator<Item = &'f ClauseIndex>,
    ) -> Result<Vec<Violation>, EvalError> {
        let tables = self.context.tables;
        let mut violations = Vec::new();
        for (control, clause) in fired {
            if let Some(body) = compiled.clauses.get(*clause) {
                let stages = tables.joins.stages(*control, *clause);
                self.render_clause(&compiled.control.id, body, stages, &mut violations)?;
            }
        }
        Ok(violations)
    }
}
