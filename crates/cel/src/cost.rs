//! An estimate of what a control costs the API server, from its program and the sizes of an object.
//! The API server counts as it evaluates and does not use the estimate; people do, before they bind
//! a policy of their own.
//!
//! The figures are those of cel-go's runtime cost: 1 for a step, 1/10 for a character of a string
//! that is read, 1/4 for a character of a pattern times that, 10 for a list that is made. Functions
//! of the shared library are estimated as they are emitted. One walk over the program; the terms
//! that common subexpression elimination would name count once.

use super::factor;
use kubevet_ir::{
    BinderId, CompiledControl, CompiledLibrary, Condition, ConditionId, Const, Descent, Domain,
    Intrinsic, Predicate, Program, Term, TermId, Visitor, Walk,
};
use kubevet_model::ControlId;
use kubevet_policy::{ParamValue, Params};
use std::collections::BTreeSet;

/// The API server's limit for one expression, in its own units. A control is one expression.
pub const MAX_EXPRESSION_COST: u64 = 1_000_000;
/// One step of a loop, beside its body.
const LOOP_STEP_COST: u64 = 3;
/// The variable with the list of containers or volumes.
const LIST_VARIABLE_COST: u64 = 40;
/// Reading that variable again.
const LIST_READ_COST: u64 = 2;
/// Assumed selectivity: what follows a deciding operand of `&&` is evaluated for one element in so
/// many.
const SELECTIVITY_DENOMINATOR: u64 = 3;
/// A name for a common subexpression.
const BINDING_COST: u64 = 15;
/// Reading that name.
const BOUND_READ_COST: u64 = 2;

/// The sizes of an object, for [`estimate_cost`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectSizes {
    /// The number of containers of all lists.
    pub containers: u64,
    /// The number of volumes.
    pub volumes: u64,
    /// The number of elements of every other list and of entries of every map.
    pub entries: u64,
    /// The number of characters of every string.
    pub chars: u64,
}

impl ObjectSizes {
    /// An ordinary workload.
    pub const ORDINARY: Self = Self {
        containers: 2,
        volumes: 3,
        entries: 4,
        chars: 24,
    };
    /// A workload that is larger than nearly all.
    pub const LARGE: Self = Self {
        containers: 100,
        volumes: 20,
        entries: 5,
        chars: 24,
    };
}

/// An estimate of what a control costs for an object of these sizes in which it finds nothing, in
/// units of which an expression may cost [`MAX_EXPRESSION_COST`]. `None` where the control is not
/// compiled.
#[must_use]
pub fn estimate_cost(
    library: &CompiledLibrary,
    control: &ControlId,
    params: &Params,
    sizes: ObjectSizes,
) -> Option<u64> {
    let compiled = library.control(control)?;
    Some(estimate_compiled(&library.program, compiled, params, sizes))
}

fn estimate_compiled(
    program: &Program,
    compiled: &CompiledControl,
    params: &Params,
    sizes: ObjectSizes,
) -> u64 {
    let mut program = program.clone();
    let alternatives = factor::alternatives(&mut program, &compiled.clauses);
    let mut estimator = CostEstimator {
        program: &program,
        params,
        sizes,
        bound: BTreeSet::new(),
        lists: BTreeSet::new(),
    };
    estimator
        .conditions(&alternatives)
        .saturating_add(BINDING_COST)
}

/// The calls of intrinsics in a condition.
struct Calls<'e> {
    program: &'e Program,
    found: BTreeSet<TermId>,
}

impl Visitor for Calls<'_> {
    fn enter_term(&mut self, term: TermId, _: &[BinderId]) -> Descent {
        if matches!(self.program.term(term), Term::Call(..)) {
            self.found.insert(term);
        }
        Descent::Children
    }
}

struct CostEstimator<'e> {
    program: &'e Program,
    params: &'e Params,
    sizes: ObjectSizes,
    /// The terms that have a name by now.
    bound: BTreeSet<TermId>,
    /// The loops over containers or volumes so far.
    lists: BTreeSet<BinderId>,
}

impl CostEstimator<'_> {
    fn condition(&mut self, id: ConditionId) -> u64 {
        let program = self.program;
        match program.condition(id) {
            Condition::True => 0,
            Condition::And(operands) => {
                // In an object without findings, a false operand ends most conjunctions early; a
                // presence test is seldom the one.
                let mut share: u64 = 1;
                let mut total: u64 = 0;
                for operand in operands {
                    total = total.saturating_add(self.condition(*operand) / share);
                    let is_test_of_presence = matches!(
                        program.condition(*operand),
                        Condition::Defined(_) | Condition::HasType(..)
                    );
                    if !is_test_of_presence {
                        share = share.saturating_mul(SELECTIVITY_DENOMINATOR);
                    }
                }
                total
            }
            Condition::Or(operands) => self.conditions(operands),
            Condition::Not(operand) => self.condition(*operand).saturating_add(1),
            Condition::Defined(term) => self.presence(*term),
            Condition::Truthy(term) => self.term(*term) + 2,
            Condition::OneOf(term, _) => self.one_of(*term) + 2,
            Condition::HasType(term, _) => self.term(*term) + 4,
            Condition::Compare(_, a, b) => self.term(*a) + self.term(*b) + 2,
            Condition::Member(a, b) => self.term(*a) + self.term(*b) + self.entries(*b),
            Condition::Predicate(predicate, operands) => self.predicate(*predicate, operands),
            Condition::Any(binder, inside) => self.any(*binder, *inside),
        }
    }

    /// A test of presence. The emitter writes one for fields alone: what is computed is present
    /// where its operands are.
    fn presence(&mut self, term: TermId) -> u64 {
        match self.program.term(term) {
            Term::Call(_, operands) | Term::Concat(operands) => {
                operands.iter().map(|operand| self.presence(*operand)).sum()
            }
            Term::Const(_) | Term::Param(_) | Term::Value(_) => 0,
            _ => self.term(term) + 1,
        }
    }

    /// The operand of a membership test. The emitter writes the values with the prefix instead of
    /// cutting it off, and names nothing.
    fn one_of(&mut self, term: TermId) -> u64 {
        let program = self.program;
        match program.term(term) {
            Term::Call(Intrinsic::TrimPrefix, operands) => match operands.first() {
                Some(whole) => self.unnamed(*whole),
                None => 0,
            },
            _ => self.term(term),
        }
    }

    /// A call that is written once, where it is used.
    fn unnamed(&mut self, term: TermId) -> u64 {
        let program = self.program;
        match program.term(term) {
            Term::Call(function, operands) => {
                let operands: u64 = operands.iter().map(|operand| self.term(*operand)).sum();
                operands + self.call(*function)
            }
            _ => self.term(term),
        }
    }

    fn conditions(&mut self, conditions: &[ConditionId]) -> u64 {
        conditions
            .iter()
            .map(|condition| self.condition(*condition))
            .fold(0, u64::saturating_add)
    }

    fn any(&mut self, binder: BinderId, inside: ConditionId) -> u64 {
        let program = self.program;
        let (range, count) = match &program.binder(binder).domain {
            Domain::Containers(_) => (self.list(binder), self.sizes.containers),
            Domain::Volumes => (self.list(binder), self.sizes.volumes),
            Domain::Elements(term) | Domain::List(term) | Domain::Map(term) => {
                (self.term(*term) + 2, self.entries(*term))
            }
        };
        // What does not depend on the element is evaluated once, before the loop.
        let range = range.saturating_add(self.calls_outside(binder, inside));
        // A name of the outside is in scope inside; a name of the inside is bound anew for each
        // element.
        let outside = self.bound.clone();
        let step = self.condition(inside).saturating_add(LOOP_STEP_COST);
        self.bound = outside;
        range.saturating_add(count.saturating_mul(step))
    }

    /// The calls in a condition that depend on no element of this loop or of one inside it.
    fn calls_outside(&mut self, binder: BinderId, inside: ConditionId) -> u64 {
        let mut calls = Calls {
            program: self.program,
            found: BTreeSet::new(),
        };
        Walk::once(self.program).condition(inside, &mut calls);
        let outer = self.program.free_binders_of_condition(inside);
        calls
            .found
            .into_iter()
            .filter(|call| {
                let free = self.program.free_binders_of_term(*call);
                free.iter()
                    .all(|free| *free != binder && outer.contains(free))
            })
            .map(|call| self.term(call))
            .fold(0, u64::saturating_add)
    }

    fn list(&mut self, binder: BinderId) -> u64 {
        if self.lists.insert(binder) {
            LIST_VARIABLE_COST
        } else {
            LIST_READ_COST
        }
    }

    /// The number of elements of a list or a map.
    fn entries(&self, term: TermId) -> u64 {
        match self.program.term(term) {
            Term::Param(name) => match self.params.get(name) {
                Some(ParamValue::List(items)) => items.len() as u64,
                Some(ParamValue::String(_)) => 1,
                None => 0,
            },
            Term::Const(_) => 0,
            _ => self.sizes.entries,
        }
    }

    fn term(&mut self, id: TermId) -> u64 {
        let program = self.program;
        match program.term(id) {
            Term::Undefined | Term::Const(_) | Term::Param(_) => 0,
            Term::Field(of, _) => self.term(*of) + 1,
            // The emitter folds it.
            Term::Call(Intrinsic::LowerAscii, operands) if self.is_literal(operands.first()) => 0,
            Term::Call(function, operands) => {
                if !self.bound.insert(id) {
                    return BOUND_READ_COST;
                }
                let operands: u64 = operands.iter().map(|operand| self.term(*operand)).sum();
                operands + BINDING_COST + self.call(*function)
            }
            Term::Guard(condition, term) => {
                let guard = self.condition(*condition);
                guard.saturating_add(self.term(*term)) + 1
            }
            // Common subexpression elimination binds these where they are repeated.
            Term::Coalesce(..) | Term::Concat(_) if !self.bound.insert(id) => BOUND_READ_COST,
            term => {
                let parts = term.operands();
                parts.iter().map(|part| self.term(*part) + 1).sum::<u64>() + 1
            }
        }
    }

    fn is_literal(&self, term: Option<&TermId>) -> bool {
        term.is_some_and(|term| matches!(self.program.term(*term), Term::Const(_)))
    }

    /// Reading a string.
    fn read(&self) -> u64 {
        self.sizes.chars / 10 + 1
    }

    /// Matching a string.
    fn matched(&self, pattern_chars: u64) -> u64 {
        self.read() * (pattern_chars / 4).max(1)
    }

    fn call(&self, function: Intrinsic) -> u64 {
        let read = self.read();
        match function {
            Intrinsic::ImageRegistry => 20 + self.matched(50) + 3 * read,
            Intrinsic::ImageRepository => 20 + self.matched(150) + 3 * read,
            Intrinsic::ImageName => 40 + self.matched(200) + 6 * read,
            Intrinsic::ImageTag | Intrinsic::ImageDigest => 8 + self.matched(10),
            Intrinsic::ImageEffectiveTag => 25 + self.matched(10) + read,
            Intrinsic::Words => 30 + self.matched(31) + 12 * read,
            Intrinsic::CleanPath => 20 + 12 * read,
            Intrinsic::SplitAt | Intrinsic::SplitCount => 3 + read,
            _ => 3 + 2 * read,
        }
    }

    fn predicate(&mut self, predicate: Predicate, operands: &[TermId]) -> u64 {
        let of: u64 = operands.iter().map(|operand| self.term(*operand)).sum();
        let read = self.read();
        of + match predicate {
            Predicate::StartsWith | Predicate::EndsWith => 3,
            Predicate::Contains => 2 + read,
            Predicate::ContainsIgnoreCase => {
                // A literal is folded to lowercase by the emitter.
                if self.is_literal(operands.get(1)) {
                    3 + read
                } else {
                    6 + 2 * read
                }
            }
            Predicate::Matches => {
                let chars = operands.first().map_or(1, |term| self.pattern_chars(*term));
                10 + self.matched(chars)
            }
            Predicate::MatchesExcept => {
                let chars = operands.first().map_or(1, |term| self.pattern_chars(*term));
                20 + self.matched(chars)
            }
            Predicate::ImageWithin => 200 + self.matched(200),
            Predicate::IsQuantity | Predicate::QuantityPositive => 6 + 2 * 33,
            Predicate::QuantityLess => 150,
        }
    }

    /// The characters of a pattern: of a literal, or of the items of a param on average.
    fn pattern_chars(&self, term: TermId) -> u64 {
        match self.program.term(term) {
            Term::Const(Const::String(pattern)) => pattern.chars().count() as u64,
            Term::Value(binder) => match self.program.binder(*binder).domain {
                Domain::Elements(list) | Domain::List(list) => self.mean_item_chars(list),
                _ => 1,
            },
            _ => 1,
        }
    }

    fn mean_item_chars(&self, list: TermId) -> u64 {
        let Term::Param(name) = self.program.term(list) else {
            return 1;
        };
        let Some(ParamValue::List(items)) = self.params.get(name) else {
            return 1;
        };
        let all: usize = items.iter().map(|item| item.chars().count()).sum();
        (all / items.len().max(1)) as u64
    }
}
