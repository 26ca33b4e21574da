//! The memo plan of a program: which terms and conditions are memoized, decided once when rules are
//! compiled. `term_plan` and `condition_plan` keep each policy beside what it is the policy of.

use kubevet_ir::{
    BinderId, CompiledControl, Condition, ConditionId, NodeId, Program, Term, TermId,
};

/// Terms and conditions with more free binders than this are not memoized: comparing versions would
/// cost more than it saves, and inside so many loops a value is seldom needed twice.
const MAX_MEMO_BINDERS: usize = 3;

/// The policy by which the value of a term or condition is memoized.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum MemoPolicy {
    /// It is computed each time.
    #[default]
    Never,
    /// It has no free binder: one value for the object.
    OfObject,
    /// It has one free binder, whose version is at this place.
    OfElement(u16),
    /// It has several; 0, where the least version is, stands for those that it does not have.
    OfElements([u16; MAX_MEMO_BINDERS]),
}

impl MemoPolicy {
    /// The policy of a node with these free binders, if it is worth a memo.
    fn new(is_worth_it: bool, free_binders: &[BinderId]) -> Self {
        let place = |binder: &BinderId| u16::try_from(binder.index() + 1).ok();
        match free_binders {
            _ if !is_worth_it || free_binders.len() > MAX_MEMO_BINDERS => Self::Never,
            [] => Self::OfObject,
            [binder] => place(binder).map_or(Self::Never, Self::OfElement),
            _ => {
                let mut places = [0; MAX_MEMO_BINDERS];
                for (slot, binder) in places.iter_mut().zip(free_binders) {
                    match place(binder) {
                        Some(place) => *slot = place,
                        None => return Self::Never,
                    }
                }
                Self::OfElements(places)
            }
        }
    }
}

/// The memo policies of a program, by index of term and condition.
#[derive(Debug, Default)]
pub(super) struct MemoPlan {
    terms: Vec<MemoPolicy>,
    conditions: Vec<MemoPolicy>,
}

impl MemoPlan {
    /// Decides what is memoized: what is used more than once and costs more to compute than to look
    /// up.
    pub(super) fn new(program: &Program, controls: &[CompiledControl]) -> Self {
        let uses = UseCounts::new(program, controls);
        let terms = program.terms().map(|(id, term)| {
            let is_used_again = uses.terms.get(id.index()).is_some_and(|count| *count > 1);
            MemoPolicy::new(
                is_used_again && is_costly_term(term),
                program.free_binders_of_term(id),
            )
        });
        let conditions = program.conditions().map(|(id, condition)| {
            let is_used_again = uses
                .conditions
                .get(id.index())
                .is_some_and(|count| *count > 1);
            MemoPolicy::new(
                is_used_again && is_costly_condition(condition),
                program.free_binders_of_condition(id),
            )
        });
        Self {
            terms: terms.collect(),
            conditions: conditions.collect(),
        }
    }

    pub(super) fn term(&self, term: TermId) -> MemoPolicy {
        self.terms.get(term.index()).copied().unwrap_or_default()
    }

    pub(super) fn condition(&self, condition: ConditionId) -> MemoPolicy {
        self.conditions
            .get(condition.index())
            .copied()
            .unwrap_or_default()
    }
}

/// True if computing the term costs more than looking its memo up.
fn is_costly_term(term: &Term) -> bool {
    matches!(
        term,
        Term::Field(..)
            | Term::Index(..)
            | Term::Coalesce(_)
            | Term::Guard(..)
            | Term::Call(..)
            | Term::Count(_)
            | Term::Concat(_)
    )
}

/// True if deciding the condition costs more than looking its memo up. The operand of a `Not` is
/// memoized, not the `Not`: other clauses use the operand as it is.
fn is_costly_condition(condition: &Condition) -> bool {
    !matches!(
        condition,
        Condition::True
            | Condition::Not(_)
            | Condition::Defined(_)
            | Condition::Truthy(_)
            | Condition::HasType(..)
    )
}

/// The number of places that use each term and condition directly.
struct UseCounts {
    terms: Vec<u32>,
    conditions: Vec<u32>,
}

impl UseCounts {
    fn new(program: &Program, controls: &[CompiledControl]) -> Self {
        let (terms, conditions, _) = program.sizes();
        let mut uses = Self {
            terms: vec![0; terms],
            conditions: vec![0; conditions],
        };
        let clauses = controls.iter().flat_map(|control| &control.clauses);
        for condition in clauses.flat_map(|clause| &clause.when) {
            uses.add_condition(program, *condition);
        }
        for applies in controls.iter().filter_map(|control| control.applies) {
            uses.add_condition(program, applies);
        }
        for (_, term) in program.terms() {
            term.for_each_child(|child| uses.add(program, child));
        }
        for (_, condition) in program.conditions() {
            // A `Not` passes its uses on to its operand, so its own use of it does not count.
            if !matches!(condition, Condition::Not(_)) {
                condition.for_each_child(|child| uses.add(program, child));
            }
        }
        uses
    }

    fn add(&mut self, program: &Program, child: NodeId) {
        match child {
            NodeId::Term(term) => {
                if let Some(count) = self.terms.get_mut(term.index()) {
                    *count += 1;
                }
            }
            NodeId::Condition(condition) => self.add_condition(program, condition),
            NodeId::Binder(_) => {}
        }
    }

    fn add_condition(&mut self, program: &Program, condition: ConditionId) {
        let used = match program.condition(condition) {
            Condition::Not(operand) => *operand,
            _ => condition,
        };
        if let Some(count) = self.conditions.get_mut(used.index()) {
            *count += 1;
        }
    }
}
