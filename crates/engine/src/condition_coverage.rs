//! Condition coverage: how often each condition of a control was true and false over many objects.

use super::{
    engine::Engine,
    eval::{ConditionCounts, SideTables, depends_on_params_alone},
};
use kubevet_ir::{BinderId, Condition, ConditionId, Descent, NodeId, Program, Visitor, Walk};
use kubevet_model::ControlId;
use std::collections::BTreeSet;

/// A condition of a control, with the numbers of its results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionCoverage {
    /// The condition, as `kubevet policy explain` shows it.
    pub condition: String,
    /// The number of true results.
    pub held: u64,
    /// The number of false results.
    pub failed: u64,
}

impl Engine {
    /// Returns the coverage of a control's conditions, without those that are made of others. Empty
    /// if the control is interpreted.
    #[must_use]
    pub fn condition_coverage(
        &self,
        control: &ControlId,
        counts: &ConditionCounts,
    ) -> Vec<ConditionCoverage> {
        let library = self.compiled_library();
        let Some(compiled) = library.control(control) else {
            return Vec::new();
        };
        let program = &library.program;
        let mut collector = ConditionCollector {
            program,
            tables: self.tables(),
            conditions: BTreeSet::new(),
        };
        let mut walk = Walk::once(program);
        for clause in &compiled.clauses {
            walk.clause_conditions(clause, &mut collector);
        }
        let coverage = |condition: &ConditionId| {
            let (held, failed) = counts.of(*condition);
            ConditionCoverage {
                condition: program.condition_to_string(*condition),
                held,
                failed,
            }
        };
        collector.conditions.iter().map(coverage).collect()
    }
}

/// Collects the conditions that are not made of others.
struct ConditionCollector<'p> {
    program: &'p Program,
    tables: &'p SideTables,
    conditions: BTreeSet<ConditionId>,
}

impl Visitor for ConditionCollector<'_> {
    fn enter_condition(&mut self, condition: ConditionId, _scope: &[BinderId]) -> Descent {
        // No object makes a difference to what depends on params alone.
        if depends_on_params_alone(self.program, NodeId::Condition(condition), None) {
            return Descent::Skip;
        }
        let is_composite = matches!(
            self.program.condition(condition),
            Condition::True | Condition::And(_) | Condition::Or(_) | Condition::Not(_)
        );
        if !is_composite {
            self.conditions.insert(condition);
        }
        if self.tables.is_decided_at_once(condition) {
            Descent::Skip
        } else {
            Descent::Children
        }
    }
}
