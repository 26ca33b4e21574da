//! Which conditions of a control were seen to hold and not to hold, for whoever proves that it is judged rightly.

use super::{
    engine::Engine,
    eval::{ConditionCounts, SideTables},
};
use kubevet_ir::{Condition, ConditionId, Domain, Program, Term, TermId};
use kubevet_model::ControlId;
use std::collections::BTreeSet;

/// A condition that a control asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionCoverage {
    /// In words, as `kubevet policy explain` shows it.
    pub condition: String,
    /// How often it held.
    pub held: u64,
    /// How often it did not.
    pub failed: u64,
}

impl Engine {
    /// The conditions that a control's bodies ask, those alone that are not made of others; none where it is interpreted.
    #[must_use]
    pub fn condition_coverage(
        &self,
        control: &ControlId,
        seen: &ConditionCounts,
    ) -> Vec<ConditionCoverage> {
        let Some(compiled) = self.compiled().iter().find(|it| it.control.id == *control) else {
            return Vec::new();
        };
        let program = self.program();
        let mut found = Conditions {
            program,
            tables: self.tables(),
            conds: BTreeSet::new(),
            terms: BTreeSet::new(),
        };
        for deny in &compiled.clauses {
            deny.when.iter().for_each(|it| found.cond(*it));
            deny.binders
                .iter()
                .for_each(|it| found.domain(&program.binder(*it).domain));
        }
        let asked = |cond: &ConditionId| {
            let (held, failed) = seen.of(*cond);
            ConditionCoverage {
                condition: program.condition_to_string(*cond),
                held,
                failed,
            }
        };
        let is_whole = |it: &&ConditionId| {
            !matches!(
                program.condition(**it),
                Condition::True | Condition::And(_) | Condition::Or(_) | Condition::Not(_)
            )
        };
        found.conds.iter().filter(is_whole).map(asked).collect()
    }
}

/// What conditions and terms are made of.
struct Conditions<'p> {
    program: &'p Program,
    tables: &'p SideTables,
    conds: BTreeSet<ConditionId>,
    terms: BTreeSet<TermId>,
}

impl Conditions<'_> {
    fn cond(&mut self, id: ConditionId) {
        if !self.conds.insert(id) {
            return;
        }
        let program = self.program;
        match program.condition(id) {
            Condition::And(conds) | Condition::Or(conds) => {
                conds.iter().for_each(|it| self.cond(*it))
            }
            Condition::Not(cond) => self.cond(*cond),
            Condition::Any(binder, cond) => {
                self.domain(&program.binder(*binder).domain);
                // Patterns of a param are asked all at once.
                if self.tables.any_match(id).is_none() {
                    self.cond(*cond);
                }
            }
            other => other.operands().into_iter().for_each(|it| self.term(it)),
        }
    }

    fn domain(&mut self, domain: &Domain) {
        if let Domain::Elements(term) | Domain::List(term) | Domain::Map(term) = domain {
            self.term(*term);
        }
    }

    fn term(&mut self, id: TermId) {
        if !self.terms.insert(id) {
            return;
        }
        let term = self.program.term(id);
        if let Term::Guard(cond, _) = term {
            self.cond(*cond);
        }
        term.operands().into_iter().for_each(|it| self.term(it));
    }
}
