//! One object under one plan.

pub(crate) use super::evaluator::Scratch;
use super::{
    evaluator::{Evaluator, Parts},
    loop_plan::{Level, LoopPlan},
    observer::ConditionObserver,
    resolved_params::ResolvedParams,
    side_tables::SideTables,
};
use kubevet_document::Document;
use kubevet_ir::{CompiledControl, Program};
use kubevet_model::{Operation, RuleError, Verdict};
use std::time::Instant;

/// What does not change from object to object.
pub(crate) struct EvalContext<'j> {
    pub(crate) program: &'j Program,
    pub(crate) tables: &'j SideTables,
    pub(crate) compiled: &'j [CompiledControl],
    pub(crate) plan: &'j LoopPlan,
    pub(crate) settings: &'j ResolvedParams,
    /// Where objects of the kind keep their pod spec.
    pub(crate) pod_path: Option<&'static [&'static str]>,
    /// Steps from which on an object is heavy; its judgement then ends without an answer.
    pub(crate) heavy_steps: u64,
    pub(crate) until: Option<Instant>,
}

/// An object is more work than was allowed for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepBudgetExceeded;

/// Adds what the plan's controls say of an object to a verdict, unsorted. Returns the steps that it took; the error says
/// that the object is heavy.
pub(crate) fn judge(
    judged: &EvalContext<'_>,
    document: &Document,
    operation: Operation,
    scratch: &mut Scratch,
    watch: impl ConditionObserver,
    verdict: &mut Verdict,
) -> Result<u64, StepBudgetExceeded> {
    let plan = judged.plan;
    scratch.holds.clear();
    scratch.denied.clear();
    let parts = Parts {
        document,
        program: judged.program,
        tables: judged.tables,
        settings: judged.settings,
        scratch,
        pod_path: judged.pod_path,
        operation,
        heavy_steps: judged.heavy_steps,
        until: judged.until,
    };
    let mut evaluator = Evaluator::new(parts, watch);
    evaluator.scratch.holds.resize(plan.checks, false);
    evaluator.scratch.denied.resize(plan.clauses.len(), false);
    evaluator.level(&plan.root, plan);
    let mut denied = evaluator
        .scratch
        .denied
        .iter()
        .zip(&plan.clauses)
        .filter(|(denied, _)| **denied)
        .peekable();
    let found: Vec<(usize, usize)> = if denied.peek().is_some() {
        denied.map(|(_, deny)| *deny).collect()
    } else {
        Vec::new()
    };
    verdict.judged.reserve(plan.controls.len());
    for number in &plan.controls {
        let Some(compiled) = judged.compiled.get(*number) else {
            continue;
        };
        if !judged.settings.is_configured(*number) {
            continue;
        }
        let id = &compiled.control.id;
        let mut findings = Vec::new();
        let mut outcome = Ok(());
        for (_, place) in found.iter().filter(|(control, _)| control == number) {
            if let (Ok(()), Some(deny)) = (&outcome, compiled.clauses.get(*place)) {
                outcome = evaluator.say(
                    id,
                    deny,
                    judged.tables.joins.stages(*number, *place),
                    &mut findings,
                );
            }
        }
        if let Some(abort) = evaluator.stopped() {
            outcome = Err(abort.error()?);
        }
        match outcome {
            Ok(()) => {
                verdict.judged.push(id.clone());
                findings.sort();
                findings.dedup();
                verdict.violations.append(&mut findings);
            }
            Err(error) => verdict.errors.push(RuleError {
                control: id.clone(),
                error,
            }),
        }
    }
    evaluator.end();
    Ok(evaluator.steps())
}

impl<W: ConditionObserver> Evaluator<'_, W> {
    /// Asks everything at one level. What is known to deny is asked no more.
    fn level(&mut self, level: &Level, plan: &LoopPlan) {
        for check in &level.checks {
            let asked = match check.parent {
                Some(parent) => self.scratch.holds.get(parent).copied().unwrap_or(false),
                None => plan
                    .clauses
                    .get(check.deny)
                    .is_some_and(|(control, _)| self.settings.is_configured(*control)),
            };
            let known = self.scratch.denied.get(check.deny).copied().unwrap_or(true);
            let holds = asked && !known && check.conds.iter().all(|it| self.holds(*it));
            if let Some(slot) = self.scratch.holds.get_mut(check.number) {
                *slot = holds;
            }
            if holds
                && check.is_last
                && let Some(slot) = self.scratch.denied.get_mut(check.deny)
            {
                *slot = true;
            }
        }
        for (over, inner) in &level.loops {
            let asked = inner
                .parents
                .iter()
                .any(|it| self.scratch.holds.get(*it).copied().unwrap_or(false));
            if asked {
                self.over(*over, &mut |evaluator| {
                    evaluator.recycle_scratch();
                    evaluator.level(&inner.level, plan);
                    evaluator.stopped().is_some()
                });
            }
        }
    }
}
