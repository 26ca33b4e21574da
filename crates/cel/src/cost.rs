//! What a control costs the API server, reckoned from its program and the sizes of an object. The API server counts steps
//! and letters as it goes and has no use for the reckoning; people have, before they bind a policy of their own.
//!
//! Figures are those of cel-go's runtime cost: one a step, a tenth a letter of a text that is read, a quarter a letter of
//! a pattern times that; ten for a list that is made. Functions of the shared library are reckoned as they are printed.

use kubevet_ir::{
    BinderId, CompiledControl, CompiledLibrary, Condition, ConditionId, Const, Domain, Intrinsic,
    Predicate, Program, Term, TermId,
};
use kubevet_model::ControlId;
use kubevet_policy::{ParamValue, Params};
use std::collections::BTreeSet;

/// What one expression may cost, which is what a control may.
pub const LIMIT: u64 = 1_000_000;
/// An element of a loop, beside what is asked of it.
const ELEMENT: u64 = 3;
/// A variable that holds containers or volumes.
const LIST: u64 = 40;
/// What comes after a condition is asked once in so many times.
const REST: u64 = 3;
/// A name for what is said more than once.
const NAME: u64 = 15;

/// How large an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Containers, of all sorts together.
    pub containers: u64,
    /// Volumes.
    pub volumes: u64,
    /// Elements of every other list, entries of every map.
    pub entries: u64,
    /// Letters of every text.
    pub letters: u64,
}

impl Sizes {
    /// A workload as most are.
    pub const ORDINARY: Self = Self {
        containers: 2,
        volumes: 3,
        entries: 4,
        letters: 24,
    };
    /// A workload as few are.
    pub const LARGE: Self = Self {
        containers: 100,
        volumes: 20,
        entries: 5,
        letters: 24,
    };
}

/// What a control costs the API server for an object of such sizes in which it finds nothing, in its own units of which an
/// expression may cost [`LIMIT`]. A reckoning; `None` where the control is not compiled.
#[must_use]
pub fn estimate(
    library: &CompiledLibrary,
    control: &ControlId,
    params: &Params,
    sizes: Sizes,
) -> Option<u64> {
    let compiled = library.control(control)?;
    Some(estimate_compiled(&library.program, compiled, params, sizes))
}

/// What one question whether a control finds something costs, none of its bodies finding anything.
fn estimate_compiled(
    program: &Program,
    compiled: &CompiledControl,
    params: &Params,
    sizes: Sizes,
) -> u64 {
    let ways = {
        let mut own = program.clone();
        let ways = super::either::ways(&mut own, &compiled.clauses);
        let mut estimate = Estimate {
            program: &own,
            params,
            sizes,
            said: BTreeSet::new(),
            lists: BTreeSet::new(),
        };
        ways.into_iter()
            .map(|it| estimate.cond(it))
            .fold(0, u64::saturating_add)
    };
    ways.saturating_add(NAME)
}

struct Estimate<'e> {
    program: &'e Program,
    params: &'e Params,
    sizes: Sizes,
    /// Terms that stand under a name by now.
    said: BTreeSet<TermId>,
    lists: BTreeSet<BinderId>,
}

impl Estimate<'_> {
    fn cond(&mut self, id: ConditionId) -> u64 {
        let program = self.program;
        match program.condition(id) {
            Condition::True => 0,
            // Nothing being found, one that fails ends most of them early; that something is there seldom does.
            Condition::And(conds) => {
                let ends = |it: &ConditionId| {
                    !matches!(
                        program.condition(*it),
                        Condition::Defined(_) | Condition::HasType(..)
                    )
                };
                let first = conds.iter().position(ends).map_or(conds.len(), |it| it + 1);
                let (first, rest) = conds.split_at(first);
                self.conds(first).saturating_add(self.conds(rest) / REST)
            }
            Condition::Or(conds) => self.conds(conds),
            Condition::Not(cond) => self.cond(*cond).saturating_add(1),
            Condition::Defined(term) => self.term(*term) + 1,
            Condition::Truthy(term) | Condition::OneOf(term, _) => self.term(*term) + 2,
            Condition::HasType(term, _) => self.term(*term) + 4,
            Condition::Compare(_, a, b) => self.term(*a) + self.term(*b) + 2,
            Condition::Member(a, b) => self.term(*a) + self.term(*b) + self.elements(*b),
            Condition::Predicate(test, parts) => self.test(*test, parts),
            Condition::Any(binder, cond) => self.any(*binder, *cond),
        }
    }

    fn conds(&mut self, conds: &[ConditionId]) -> u64 {
        conds
            .iter()
            .map(|it| self.cond(*it))
            .fold(0, u64::saturating_add)
    }

    fn any(&mut self, binder: BinderId, cond: ConditionId) -> u64 {
        let program = self.program;
        let (over, count) = match &program.binder(binder).domain {
            Domain::Containers(_) => (self.list(binder), self.sizes.containers),
            Domain::Volumes => (self.list(binder), self.sizes.volumes),
            Domain::Elements(term) | Domain::List(term) | Domain::Map(term) => {
                (self.term(*term) + 2, self.elements(*term))
            }
        };
        // What is named outside stays named; what is named inside is named anew for each element.
        let outside = self.said.clone();
        let inside = self.cond(cond).saturating_add(ELEMENT);
        self.said = outside;
        over.saturating_add(count.saturating_mul(inside))
    }

    fn list(&mut self, binder: BinderId) -> u64 {
        if self.lists.insert(binder) { LIST } else { 2 }
    }

    /// How many elements a list or a map has.
    fn elements(&self, term: TermId) -> u64 {
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
            Term::Call(function, parts) => {
                if !self.said.insert(id) {
                    return 2;
                }
                let parts: u64 = parts.iter().map(|it| self.term(*it)).sum();
                parts + NAME + self.call(*function)
            }
            Term::Guard(cond, term) => self.cond(*cond).saturating_add(self.term(*term)) + 1,
            term => {
                term.operands()
                    .iter()
                    .map(|it| self.term(*it) + 1)
                    .sum::<u64>()
                    + 1
            }
        }
    }

    /// What reading a text costs.
    fn read(&self) -> u64 {
        self.sizes.letters / 10 + 1
    }

    fn matched(&self, pattern_letters: u64) -> u64 {
        self.read() * (pattern_letters / 4).max(1)
    }

    fn call(&self, function: Intrinsic) -> u64 {
        let read = self.read();
        match function {
            Intrinsic::ImageRegistry => 20 + self.matched(50) + 3 * read,
            Intrinsic::ImageRepository => 20 + self.matched(150) + 3 * read,
            Intrinsic::ImageName => 40 + self.matched(200) + 6 * read,
            Intrinsic::ImageTag | Intrinsic::ImageDigest => 8 + self.matched(10),
            Intrinsic::ImageEffectiveTag => 25 + self.matched(10) + read,
            Intrinsic::CleanPath => 20 + 12 * read,
            Intrinsic::SplitAt | Intrinsic::SplitCount => 3 + read,
            _ => 3 + 2 * read,
        }
    }

    fn test(&mut self, test: Predicate, parts: &[TermId]) -> u64 {
        let of: u64 = parts.iter().map(|it| self.term(*it)).sum();
        let read = self.read();
        of + match test {
            Predicate::StartsWith | Predicate::EndsWith => 3,
            Predicate::Contains => 2 + read,
            Predicate::ContainsIgnoreCase => 6 + 2 * read,
            Predicate::Matches => {
                10 + self.matched(parts.first().map_or(1, |it| self.pattern(*it)))
            }
            Predicate::ImageWithin => 200 + self.matched(200),
            Predicate::IsQuantity | Predicate::QuantityPositive => 6 + 2 * 33,
            Predicate::QuantityLess => 150,
        }
    }

    /// Letters of a pattern: of one that is written, or of a param's on average.
    fn pattern(&self, term: TermId) -> u64 {
        let mean = |items: &[String]| {
            let all: usize = items.iter().map(|it| it.chars().count()).sum();
            (all / items.len().max(1)) as u64
        };
        match self.program.term(term) {
            Term::Const(Const::String(text)) => text.chars().count() as u64,
            Term::Value(binder) => match self.program.binder(*binder).domain {
                Domain::Elements(list) | Domain::List(list) => match self.program.term(list) {
                    Term::Param(name) => match self.params.get(name) {
                        Some(ParamValue::List(items)) => mean(items),
                        _ => 1,
                    },
                    _ => 1,
                },
                _ => 1,
            },
            _ => 1,
        }
    }
}
