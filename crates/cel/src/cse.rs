//! Common subexpression elimination: a long term that several conditions use is evaluated once and
//! has a name while they are evaluated.
//!
//! The algorithm works on the hash-consed program, where equal terms have one id, so finding common
//! subterms is counting ids: take the first long term that is used twice, parts before wholes;
//! split the conditions into those that use it and the others; emit the former inside
//! `[term].exists(name, …)`, since CEL has no `let`; repeat for both groups.

use super::{
    emitter::Emitter,
    expr::Expr,
    image_filter::image_filter,
    typed_expr::{Presence, TypedExpr},
    unsupported::Unsupported,
};
use kubevet_ir::{
    BinderId, Condition, ConditionId, Descent, Intrinsic, Program, Term, TermId, Visitor, Walk,
};
use std::collections::BTreeMap;

/// A term of at most so many characters is repeated: a name would be longer and cost more.
const MIN_SHARED_CHARS: usize = 60;

/// How often conditions use each term. A use inside a shared term counts once, however often that
/// term is used.
struct UseCounts<'p> {
    program: &'p Program,
    /// The terms that have a name in the whole policy.
    hoisted: &'p BTreeMap<TermId, TypedExpr>,
    /// True if conditions with an image filter count as using nothing: a name outside of them would
    /// be evaluated although the filter decides.
    is_pack: bool,
    terms: BTreeMap<TermId, u32>,
    conditions: BTreeMap<ConditionId, u32>,
}

impl<'p> UseCounts<'p> {
    fn of(
        program: &'p Program,
        hoisted: &'p BTreeMap<TermId, TypedExpr>,
        is_pack: bool,
        conditions: &[ConditionId],
    ) -> Self {
        let mut counts = Self {
            program,
            hoisted,
            is_pack,
            terms: BTreeMap::new(),
            conditions: BTreeMap::new(),
        };
        let mut walk = Walk::every_use(program);
        for condition in conditions {
            walk.condition(*condition, &mut counts);
        }
        counts
    }
}

impl Visitor for UseCounts<'_> {
    fn enter_condition(&mut self, condition: ConditionId, _scope: &[BinderId]) -> Descent {
        let uses = self.conditions.entry(condition).or_default();
        *uses += 1;
        // A condition that is used twice uses its terms twice; more makes no difference, and keeps
        // the walk linear.
        if *uses > 2 || self.is_pack && image_filter(self.program, condition).is_some() {
            Descent::Skip
        } else {
            Descent::Children
        }
    }

    fn enter_term(&mut self, term: TermId, _scope: &[BinderId]) -> Descent {
        if self.hoisted.contains_key(&term) {
            return Descent::Skip;
        }
        // Other terms are short, or nothing but their parts.
        if !matches!(
            self.program.term(term),
            Term::Call(..) | Term::Coalesce(_) | Term::Guard(..)
        ) {
            return Descent::Children;
        }
        let uses = self.terms.entry(term).or_default();
        *uses += 1;
        if *uses > 1 {
            Descent::Skip
        } else {
            Descent::Children
        }
    }
}

/// How conditions are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connective {
    And,
    Or,
}

impl Connective {
    fn combine(self, operands: impl IntoIterator<Item = Expr>) -> Expr {
        match self {
            Self::And => Expr::all(operands),
            Self::Or => Expr::any(operands),
        }
    }
}

/// What binding a name costs the API server, in the units of [`evaluation_cost`]: a list, a
/// comprehension and a scope.
const BINDING_COST: u32 = 12;

/// What evaluating a term costs the API server, as measured, in tenths of a microsecond.
fn evaluation_cost(program: &Program, term: TermId) -> u32 {
    let own = match program.term(term) {
        Term::Call(function, _) => match function {
            Intrinsic::ImageRegistry | Intrinsic::ImageRepository | Intrinsic::ImageName => 80,
            Intrinsic::Words | Intrinsic::CleanPath => 60,
            Intrinsic::ImageTag | Intrinsic::ImageEffectiveTag => 30,
            Intrinsic::ImageDigest | Intrinsic::LastBetween => 20,
            _ => 6,
        },
        Term::Guard(..) => 4,
        _ => 1,
    };
    let operands = program.term(term).operands().into_iter();
    operands.fold(own, |cost, operand| {
        cost.saturating_add(evaluation_cost(program, operand))
    })
}

/// True if a term is a part of another, or that term.
fn contains(program: &Program, whole: TermId, part: TermId) -> bool {
    let operands = || program.term(whole).operands().into_iter();
    whole == part || operands().any(|operand| contains(program, operand, part))
}

impl Emitter<'_, '_> {
    /// True if a name for a term pays in the condition of a pack, in which mostly nothing is found:
    /// every operand of a disjunction is evaluated, but of a conjunction often the first alone.
    fn pays(&self, term: TermId, conditions: &[ConditionId], connective: Connective) -> bool {
        let program = self.context.program;
        let uses = match connective {
            Connective::Or => conditions
                .iter()
                .map(|condition| u32::from(self.evaluates(*condition, term)))
                .sum(),
            Connective::And => {
                let counts = UseCounts::of(program, &self.hoisted, true, conditions);
                counts.terms.get(&term).copied().unwrap_or_default()
            }
        };
        let saved = uses.saturating_sub(1) * evaluation_cost(program, term);
        match connective {
            Connective::Or => saved > BINDING_COST,
            Connective::And => saved > 3 * BINDING_COST,
        }
    }

    /// True if a condition cannot be decided without the value of a term.
    fn evaluates(&self, id: ConditionId, term: TermId) -> bool {
        let program = self.context.program;
        if image_filter(program, id).is_some() {
            return false;
        }
        match program.condition(id) {
            Condition::And(parts) | Condition::Or(parts) => parts
                .first()
                .is_some_and(|first| self.evaluates(*first, term)),
            Condition::Not(inner) => self.evaluates(*inner, term),
            Condition::Any(binder, _) => {
                let collection = program.binder(*binder).domain.collection();
                collection.is_some_and(|collection| contains(program, collection, term))
            }
            test => {
                let mut operands = test.operands().into_iter();
                operands.any(|operand| contains(program, operand, term))
            }
        }
    }

    /// The conjunction of conditions, with a name for each long term that they use more than once.
    pub(super) fn conditions(&mut self, conditions: &[ConditionId]) -> Result<Expr, Unsupported> {
        match conditions {
            [only] => self.shared_within(*only),
            _ => self.shared(conditions, Connective::And),
        }
    }

    /// One condition, whose operands are combined as it says.
    fn shared_within(&mut self, condition: ConditionId) -> Result<Expr, Unsupported> {
        match self.context.program.condition(condition).clone() {
            Condition::And(parts) => self.shared(&parts, Connective::And),
            Condition::Or(parts) => self.shared(&parts, Connective::Or),
            _ => self.shared(&[condition], Connective::And),
        }
    }

    fn shared(
        &mut self,
        conditions: &[ConditionId],
        connective: Connective,
    ) -> Result<Expr, Unsupported> {
        if connective == Connective::And
            && let Some(presence) = self.presence_test(conditions)?
        {
            return self.under_presence(presence, conditions);
        }
        let Some((term, value)) = self.common_subterm(conditions, connective)? else {
            return self.unshared(conditions, connective);
        };
        // The name is in scope only for the conditions that use it, so that the others stay as
        // short as they are; and for searches that come after one of them, which cost more.
        let mut is_named = false;
        let (using, others): (Vec<ConditionId>, Vec<ConditionId>) =
            conditions.iter().partition(|condition| {
                let uses = self.uses(**condition, term);
                is_named |= uses;
                uses || is_named && connective == Connective::And && self.searches(**condition)
            });
        let shared = match using.as_slice() {
            // All uses are inside one operand: the name belongs further inside.
            [only]
                if matches!(
                    self.context.program.condition(*only),
                    Condition::And(_) | Condition::Or(_)
                ) =>
            {
                self.shared_within(*only)?
            }
            _ => self.bind_common(term, &value, &using, connective)?,
        };
        if others.is_empty() {
            return Ok(shared);
        }
        // The others come first: they are cheaper, and may decide alone.
        let others = self.shared(&others, connective)?;
        Ok(connective.combine([others, shared]))
    }

    fn unshared(
        &mut self,
        conditions: &[ConditionId],
        connective: Connective,
    ) -> Result<Expr, Unsupported> {
        if connective == Connective::And {
            return self.conjunction(conditions);
        }
        let emitted: Result<Vec<Expr>, _> = conditions
            .iter()
            .map(|condition| self.condition(*condition))
            .collect();
        Ok(Expr::any_factored(emitted?))
    }

    /// Emits conditions with a name for one term.
    fn bind_common(
        &mut self,
        term: TermId,
        value: &TypedExpr,
        conditions: &[ConditionId],
        connective: Connective,
    ) -> Result<Expr, Unsupported> {
        let name = self.scope.reserve_for(&value.cel);
        let variable = Expr::ident(&name);
        // The name holds what the term is: an optional where it may be absent.
        let present = match value.presence {
            Presence::Always => variable.clone(),
            Presence::Maybe | Presence::Never => variable.clone().method("value", []),
        };
        self.scope.bind(
            term,
            TypedExpr {
                present: value.present.is_some().then_some(present),
                cel: variable,
                ..value.clone()
            },
        );
        let emitted = self.shared(conditions, connective);
        self.scope.unbind(term);
        self.scope.release();
        Ok(match emitted? {
            literal @ Expr::Bool(_) => literal,
            condition => value.cel.clone().bind_condition(&name, condition),
        })
    }

    /// The first term, parts before wholes, that is long and used more than once.
    fn common_subterm(
        &mut self,
        conditions: &[ConditionId],
        connective: Connective,
    ) -> Result<Option<(TermId, TypedExpr)>, Unsupported> {
        let program = self.context.program;
        let is_pack = self.context.is_pack;
        let all = UseCounts::of(program, &self.hoisted, is_pack, conditions).terms;
        let is_closed = |term: &TermId| program.free_binders_of_term(*term).is_empty();
        // From the outside in: what stands in a variable of the policy needs no name.
        for term in all.keys().rev().filter(|term| is_closed(term)) {
            self.term(*term)?;
        }
        let uses = UseCounts::of(program, &self.hoisted, is_pack, conditions).terms;
        // A part has a lower id than its whole, so the order of ids is from the inside out.
        for (term, uses) in uses {
            let in_scope = |binder: &BinderId| self.scope.element(*binder).is_some();
            let free = self.context.program.free_binders_of_term(term);
            if uses < 2 || self.scope.named(term).is_some() || !free.iter().all(in_scope) {
                continue;
            }
            let pays = !is_pack
                || self.is_within_one(conditions, term)
                || self.pays(term, conditions, connective);
            if !pays {
                continue;
            }
            let value = self.term(term)?;
            if value.presence != Presence::Never && value.cel.to_string().len() > MIN_SHARED_CHARS {
                return Ok(Some((term, value)));
            }
        }
        Ok(None)
    }

    /// True if one condition alone uses a term, in whose operands a name may pay.
    fn is_within_one(&self, conditions: &[ConditionId], term: TermId) -> bool {
        let mut using = conditions
            .iter()
            .filter(|condition| self.uses(**condition, term));
        let first = using
            .next()
            .map(|condition| self.context.program.condition(*condition));
        using.next().is_none() && matches!(first, Some(Condition::And(_) | Condition::Or(_)))
    }

    fn uses(&self, condition: ConditionId, term: TermId) -> bool {
        let counts = UseCounts::of(
            self.context.program,
            &self.hoisted,
            self.context.is_pack,
            &[condition],
        );
        counts.terms.contains_key(&term)
    }

    /// True if a condition matches a regular expression.
    fn searches(&self, id: ConditionId) -> bool {
        match self.context.program.condition(id) {
            Condition::And(parts) | Condition::Or(parts) => {
                parts.iter().any(|part| self.searches(*part))
            }
            Condition::Not(inner) | Condition::Any(_, inner) => self.searches(*inner),
            Condition::Predicate(predicate, _) => predicate.patterns() > 0,
            _ => false,
        }
    }
}
