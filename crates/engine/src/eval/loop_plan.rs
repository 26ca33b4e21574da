//! Loop fusion: the clauses of all controls of a kind as one tree of loops.
//!
//! Clauses that iterate the same elements share the loop, so each list of an object is iterated
//! once for all controls. The conditions of a clause are decided at the outermost level at which
//! they can be, and a loop is entered only if a clause needs it whose conditions held so far. A
//! condition that needs a field is decided only if the field is there. Conditions on params alone are
//! not in the plan: they are decided when params are resolved.

use super::{
    check::{Check, CheckNumber, ClauseCheck, ClauseIndex},
    clause_stages::LoopSource,
    field_guards::{FieldGuard, guard_by_fields},
    side_tables::SideTables,
};
use kubevet_ir::{CompiledControl, ConditionId, Program};
use std::collections::BTreeMap;

/// The loops and conditions of all clauses that apply to a kind.
#[derive(Debug, Default)]
pub(crate) struct LoopPlan {
    pub(super) root: Level,
    /// The controls, in the order of the compiled ones.
    pub(crate) controls: Vec<PlannedControl>,
    pub(super) check_count: usize,
}

/// A control of a plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlannedControl {
    /// Its index among the compiled ones.
    pub(crate) index: usize,
    /// The condition under which it judges an object.
    pub(super) applies: Option<ConditionId>,
}

/// The conditions and loops inside certain loops.
#[derive(Debug, Default)]
pub(super) struct Level {
    /// The checks that need no field.
    pub(super) checks: Vec<Check>,
    /// The other checks, by the fields that they need.
    pub(super) guards: Vec<FieldGuard>,
    pub(super) loops: BTreeMap<LoopSource, Loop>,
}

/// A loop, for all clauses that iterate its elements at this level.
#[derive(Debug, Default)]
pub(super) struct Loop {
    pub(super) level: Level,
    /// The checks of its clauses in outer levels. The loop is needed if one of them holds.
    pub(super) parents: Vec<CheckNumber>,
    /// True if some clause has no conditions before it.
    pub(super) is_always_needed: bool,
}

impl LoopPlan {
    /// The plan of these controls, by index in `compiled`.
    pub(crate) fn new(
        program: &Program,
        tables: &SideTables,
        compiled: &[CompiledControl],
        controls: Vec<usize>,
    ) -> Self {
        let mut plan = Self::default();
        for index in controls {
            let Some(control) = compiled.get(index) else {
                continue;
            };
            for clause in 0..control.clauses.len() {
                plan.add_stages(tables, (index, clause));
            }
            plan.controls.push(PlannedControl {
                index,
                applies: control.applies,
            });
        }
        plan.root.guard_checks(program, tables);
        plan
    }

    /// Adds the stages of a clause: each to the loop of its source, which is made if no clause had
    /// it yet.
    fn add_stages(&mut self, tables: &SideTables, clause: ClauseIndex) {
        let stages = tables.joins.stages(clause.0, clause.1);
        let mut level = &mut self.root;
        let mut parent = None;
        for (depth, stage) in stages.iter().enumerate() {
            if let Some(source) = stage.source {
                level = level.enter_loop(source, parent);
            }
            let is_last = depth + 1 == stages.len();
            let conditions: Vec<ConditionId> = stage
                .conditions
                .iter()
                .copied()
                .filter(|condition| !tables.depends_on_params(*condition))
                .collect();
            // Nothing has to be decided before the next loop.
            if conditions.is_empty() && !is_last {
                continue;
            }
            let check = ClauseCheck {
                number: CheckNumber::new(self.check_count),
                parent,
                clause: tables.clause_number(clause),
                is_last,
            };
            level.add_check(&conditions, check);
            parent = Some(check.number);
            self.check_count += 1;
        }
    }
}

impl Level {
    fn enter_loop(&mut self, source: LoopSource, parent: Option<CheckNumber>) -> &mut Self {
        let entered = self.loops.entry(source).or_default();
        entered.parents.extend(parent);
        entered.is_always_needed |= parent.is_none();
        &mut entered.level
    }

    /// Adds a step of a clause. Clauses with the same conditions share a check.
    fn add_check(&mut self, conditions: &[ConditionId], clause: ClauseCheck) {
        let mut checks = self.checks.iter_mut();
        match checks.find(|check| *check.conditions == *conditions) {
            Some(check) => {
                check.clauses.push(clause);
                check.has_inner |= !clause.is_last;
            }
            None => self.checks.push(Check {
                conditions: conditions.into(),
                clauses: vec![clause],
                has_inner: !clause.is_last,
            }),
        }
    }

    /// Sorts the checks of this level and of those within by the fields that they need.
    fn guard_checks(&mut self, program: &Program, tables: &SideTables) {
        let checks = std::mem::take(&mut self.checks);
        (self.checks, self.guards) = guard_by_fields(program, tables, checks);
        for inner in self.loops.values_mut() {
            inner.level.guard_checks(program, tables);
        }
    }
}
