//! One object under one plan.

pub(in crate::engine) use super::machine::Scratch;
use super::{
    machine::{Machine, Parts},
    plan::{Level, Plan},
    settings::Settings,
    tables::Tables,
    watch::Watch,
};
use crate::{
    document::Document,
    engine::program::{Compiled, Program},
    model::{Operation, RuleError, Verdict},
};
use std::time::Instant;

/// What does not change from object to object.
pub(in crate::engine) struct Judged<'j> {
    pub(in crate::engine) program: &'j Program,
    pub(in crate::engine) tables: &'j Tables,
    pub(in crate::engine) compiled: &'j [Compiled],
    pub(in crate::engine) plan: &'j Plan,
    pub(in crate::engine) settings: &'j Settings,
    /// Where objects of the kind keep their pod spec.
    pub(in crate::engine) pod_path: Option<&'static [&'static str]>,
    pub(in crate::engine) until: Option<Instant>,
}

/// Adds what the plan's controls say of an object to a verdict, unsorted.
pub(in crate::engine) fn judge(
    judged: &Judged<'_>,
    document: &Document,
    operation: Operation,
    scratch: &mut Scratch,
    watch: impl Watch,
    verdict: &mut Verdict,
) {
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
        until: judged.until,
    };
    let mut machine = Machine::new(parts, watch);
    machine.scratch.holds.resize(plan.checks, false);
    machine.scratch.denied.resize(plan.denies.len(), false);
    machine.level(&plan.root, plan);
    let mut denied = machine.scratch.denied.iter().zip(&plan.denies).filter(|(denied, _)| **denied).peekable();
    let found: Vec<(usize, usize)> =
        if denied.peek().is_some() { denied.map(|(_, deny)| *deny).collect() } else { Vec::new() };
    verdict.judged.reserve(plan.controls.len());
    for number in &plan.controls {
        let Some(compiled) = judged.compiled.get(*number) else { continue };
        if !judged.settings.is_configured(*number) {
            continue;
        }
        let id = &compiled.control.id;
        let mut findings = Vec::new();
        let mut outcome = Ok(());
        for (_, place) in found.iter().filter(|(control, _)| control == number) {
            if let (Ok(()), Some(deny)) = (&outcome, compiled.denies.get(*place)) {
                outcome = machine.say(id, deny, judged.tables.joins.stages(*number, *place), &mut findings);
            }
        }
        if let Some(stop) = machine.stopped() {
            outcome = Err(stop.why());
        }
        match outcome {
            Ok(()) => {
                verdict.judged.push(id.clone());
                findings.sort();
                findings.dedup();
                verdict.findings.append(&mut findings);
            }
            Err(message) => verdict.errors.push(RuleError { control: id.clone(), message }),
        }
    }
    machine.end();
}

impl<W: Watch> Machine<'_, W> {
    /// Asks everything at one level. What is known to deny is asked no more.
    fn level(&mut self, level: &Level, plan: &Plan) {
        for check in &level.checks {
            let asked = match check.parent {
                Some(parent) => self.scratch.holds.get(parent).copied().unwrap_or(false),
                None => plan.denies.get(check.deny).is_some_and(|(control, _)| self.settings.is_configured(*control)),
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
            let asked = inner.parents.iter().any(|it| self.scratch.holds.get(*it).copied().unwrap_or(false));
            if asked {
                self.over(*over, &mut |machine| {
                    machine.let_go();
                    machine.level(&inner.level, plan);
                    machine.stopped().is_some()
                });
            }
        }
    }
}
