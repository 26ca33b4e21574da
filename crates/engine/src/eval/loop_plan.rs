//! Which conditions are asked in which loop: all bodies of all controls that look at a kind, with one loop for each list
//! that several of them go over.

use super::{
    join_plan::{Over, Stage},
    side_tables::SideTables,
};
use kubevet_ir::{CompiledControl, ConditionId};
use std::collections::BTreeMap;

/// All that is asked of objects of a kind.
#[derive(Debug, Default)]
pub(crate) struct LoopPlan {
    pub(super) root: Level,
    /// Each body: the number of its control among the compiled ones, and its own among the control's.
    pub(super) clauses: Vec<(usize, usize)>,
    /// The controls, by number.
    pub(crate) controls: Vec<usize>,
    pub(super) checks: usize,
}

/// What is asked where certain binders stand.
#[derive(Debug, Default)]
pub(super) struct Level {
    pub(super) checks: Vec<Check>,
    pub(super) loops: BTreeMap<Over, Loop>,
}

/// The conditions of one body at one level.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) number: usize,
    /// The check one level up that must hold.
    pub(super) parent: Option<usize>,
    pub(super) conds: Box<[ConditionId]>,
    /// The body, by its place among the plan's.
    pub(super) deny: usize,
    /// Nothing more is asked: the body denies.
    pub(super) is_last: bool,
}

#[derive(Debug, Default)]
pub(super) struct Loop {
    pub(super) level: Level,
    /// The checks for whose bodies it is gone through.
    pub(super) parents: Vec<usize>,
}

impl LoopPlan {
    /// The plan of these controls, named by their numbers in `compiled`.
    pub(crate) fn new(
        tables: &SideTables,
        compiled: &[CompiledControl],
        controls: Vec<usize>,
    ) -> Self {
        let mut plan = Self {
            controls,
            ..Self::default()
        };
        for number in plan.controls.clone() {
            let Some(control) = compiled.get(number) else {
                continue;
            };
            for place in 0..control.clauses.len() {
                plan.clauses.push((number, place));
                plan.add(tables.joins.stages(number, place));
            }
        }
        plan
    }

    fn add(&mut self, stages: &[Stage]) {
        let number = self.clauses.len().saturating_sub(1);
        let mut level = &mut self.root;
        let mut parent = None;
        for (depth, stage) in stages.iter().enumerate() {
            if let Some(over) = stage.over {
                level = level.inside(over, parent);
            }
            level.checks.push(Check {
                number: self.checks,
                parent,
                conds: stage.conds.clone(),
                deny: number,
                is_last: depth + 1 == stages.len(),
            });
            parent = Some(self.checks);
            self.checks += 1;
        }
    }
}

impl Level {
    fn inside(&mut self, over: Over, parent: Option<usize>) -> &mut Self {
        let found = self.loops.entry(over).or_default();
        found.parents.extend(parent);
        &mut found.level
    }
}
