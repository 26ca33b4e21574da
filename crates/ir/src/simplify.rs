//! Smart constructors: they intern a node after constant folding and local simplification.
//!
//! A simplification is exact for every object and needs no knowledge of Kubernetes. What it gives
//! is what is evaluated, explained and emitted as CEL, so that all three are as short as the rule
//! was meant. Constructors that must not simplify are in `arena`.

use super::{
    BinderId, Comparison, Condition, ConditionId, Const, Program, Term, TermId, ValueType,
};
use std::sync::Arc;

/// Terms.
impl Program {
    /// A string literal.
    pub fn string(&mut self, string: &str) -> TermId {
        self.intern_term(Term::Const(Const::String(Arc::from(string))))
    }

    /// A literal.
    pub fn constant(&mut self, value: Const) -> TermId {
        self.intern_term(Term::Const(value))
    }

    /// The undefined term.
    pub fn undefined(&mut self) -> TermId {
        self.intern_term(Term::Undefined)
    }

    /// The value of a map under a literal key.
    pub fn field(&mut self, map: TermId, key: &str) -> TermId {
        self.intern_term(Term::Field(map, Arc::from(key)))
    }

    /// The term if the condition holds, else undefined.
    pub fn guard(&mut self, condition: ConditionId, term: TermId) -> TermId {
        if *self.condition(condition) == Condition::True {
            return term;
        }
        if self.is_statically_false(condition) || *self.term(term) == Term::Undefined {
            return self.undefined();
        }
        // A strict term is undefined without its operands: testing that they are defined adds
        // nothing.
        let tested = self.conjuncts(condition);
        let is_needed = |tested: &ConditionId| {
            !matches!(self.condition(*tested),
                Condition::Defined(operand) if self.is_strict(term, *operand))
        };
        let needed: Vec<ConditionId> = tested.iter().copied().filter(is_needed).collect();
        if needed.len() < tested.len() {
            let condition = self.and(needed);
            return self.guard(condition, term);
        }
        // A guarded guard needs both conditions.
        if let Term::Guard(inner, guarded) = *self.term(term) {
            let both = self.and([condition, inner]);
            return self.intern_term(Term::Guard(both, guarded));
        }
        self.intern_term(Term::Guard(condition, term))
    }

    /// The first of the terms that is defined.
    pub fn coalesce(&mut self, terms: impl IntoIterator<Item = TermId>) -> TermId {
        let mut kept: Vec<TermId> = Vec::new();
        'terms: for term in terms {
            let flat = match self.term(term) {
                Term::Undefined => continue,
                Term::Coalesce(inner) => inner.to_vec(),
                _ => vec![term],
            };
            for term in flat {
                kept.push(term);
                // Whatever follows a term that is always defined is dead.
                if self.is_defined(term) {
                    break 'terms;
                }
            }
        }
        match kept.as_slice() {
            [] => self.undefined(),
            [only] => *only,
            _ => self.intern_term(Term::Coalesce(kept.into())),
        }
    }

    /// The concatenation of strings and whole numbers; neighbouring literals are joined.
    pub fn concat(&mut self, parts: impl IntoIterator<Item = TermId>) -> TermId {
        let mut kept: Vec<TermId> = Vec::new();
        for part in parts {
            let flat = match self.term(part) {
                Term::Concat(inner) => inner.to_vec(),
                // As `%d` prints it.
                Term::Const(Const::Int(number)) => {
                    let digits = number.to_string();
                    vec![self.string(&digits)]
                }
                _ => vec![part],
            };
            for part in flat {
                let before = kept.last().map(|before| self.term(*before));
                match (before, self.term(part)) {
                    (_, Term::Const(Const::String(string))) if string.is_empty() => {}
                    (Some(Term::Const(Const::String(a))), Term::Const(Const::String(b))) => {
                        let joined = format!("{a}{b}");
                        kept.pop();
                        kept.push(self.string(&joined));
                    }
                    _ => kept.push(part),
                }
            }
        }
        match kept.as_slice() {
            [] => self.string(""),
            // A lone number stays inside: a concatenation is a string.
            [only] if self.is_string(*only) => *only,
            _ => self.intern_term(Term::Concat(kept.into())),
        }
    }
}

/// Connectives.
impl Program {
    /// The condition that is always true.
    pub fn always(&mut self) -> ConditionId {
        self.intern_condition(Condition::True)
    }

    /// The condition that is always false.
    pub fn never(&mut self) -> ConditionId {
        self.intern_condition(Condition::Or([].into()))
    }

    /// The conjunction. Nested conjunctions are flattened, duplicates dropped, and tests that
    /// something is defined are dropped where another member is false for an undefined operand.
    pub fn and(&mut self, conditions: impl IntoIterator<Item = ConditionId>) -> ConditionId {
        let mut kept: Vec<ConditionId> = Vec::new();
        for condition in conditions {
            for condition in self.conjuncts(condition) {
                if self.is_statically_false(condition) {
                    return condition;
                }
                if !kept.contains(&condition) {
                    kept.push(condition);
                }
            }
        }
        let is_definedness = |program: &Self, id: ConditionId| {
            matches!(program.condition(id), Condition::Defined(_))
        };
        let implied: Vec<TermId> = kept
            .iter()
            .filter(|member| !is_definedness(self, **member))
            .flat_map(|member| self.condition(*member).operands())
            .collect();
        kept.retain(|member| {
            !matches!(self.condition(*member), Condition::Defined(term) if implied.contains(term))
        });
        match kept.as_slice() {
            [] => self.always(),
            [only] => *only,
            _ => self.intern_condition(Condition::And(kept.into())),
        }
    }

    /// The disjunction. Nested disjunctions are flattened, duplicates dropped, and neighbours that
    /// compare one term with string literals become one [`Condition::OneOf`].
    pub fn or(&mut self, conditions: impl IntoIterator<Item = ConditionId>) -> ConditionId {
        let mut kept: Vec<ConditionId> = Vec::new();
        for condition in conditions {
            let flat = match self.condition(condition) {
                Condition::True => return condition,
                Condition::Or(inner) => inner.to_vec(),
                _ => vec![condition],
            };
            for condition in flat {
                if !kept.contains(&condition) {
                    kept.push(condition);
                }
            }
        }
        let mut merged: Vec<ConditionId> = Vec::new();
        for condition in kept {
            let last = merged.last().and_then(|last| self.as_one_of(*last));
            match (last, self.as_one_of(condition)) {
                (Some((term, mut values)), Some((other, more))) if term == other => {
                    values.extend(more);
                    merged.pop();
                    merged.push(self.one_of(term, values));
                }
                _ => merged.push(condition),
            }
        }
        match merged.as_slice() {
            [only] => *only,
            _ => self.intern_condition(Condition::Or(merged.into())),
        }
    }

    /// The negation.
    pub fn not(&mut self, condition: ConditionId) -> ConditionId {
        match self.condition(condition) {
            Condition::True => self.never(),
            Condition::Not(inner) => *inner,
            _ if self.is_statically_false(condition) => self.always(),
            _ => self.intern_condition(Condition::Not(condition)),
        }
    }

    /// True for some element of the binder's domain.
    pub fn any(&mut self, binder: BinderId, condition: ConditionId) -> ConditionId {
        if self.is_statically_false(condition) {
            condition
        } else {
            self.intern_condition(Condition::Any(binder, condition))
        }
    }
}

/// Tests of terms.
impl Program {
    /// The comparison, folded if both sides are literals or one is undefined.
    pub fn compare(&mut self, comparison: Comparison, left: TermId, right: TermId) -> ConditionId {
        if let (Term::Const(a), Term::Const(b)) = (self.term(left), self.term(right)) {
            match comparison {
                Comparison::Equal if a == b => return self.always(),
                Comparison::NotEqual if a != b => return self.always(),
                Comparison::Equal | Comparison::NotEqual => return self.never(),
                // Rare in rules, so the order of literals is left to the evaluator.
                _ => {}
            }
        }
        let is_undefined = |program: &Self, side| *program.term(side) == Term::Undefined;
        if is_undefined(self, left) || is_undefined(self, right) {
            return self.never();
        }
        self.intern_condition(Condition::Compare(comparison, left, right))
    }

    /// That a term is one of these literals, in any order.
    pub fn one_of(&mut self, term: TermId, mut values: Vec<Const>) -> ConditionId {
        values.sort();
        values.dedup();
        self.intern_condition(Condition::OneOf(term, values.into()))
    }

    /// A condition as a term and the literals that it may equal.
    fn as_one_of(&self, condition: ConditionId) -> Option<(TermId, Vec<Const>)> {
        match self.condition(condition) {
            Condition::OneOf(term, values) => Some((*term, values.to_vec())),
            Condition::Compare(Comparison::Equal, term, other) => match self.term(*other) {
                Term::Const(value @ Const::String(_)) => Some((*term, vec![value.clone()])),
                _ => None,
            },
            _ => None,
        }
    }

    /// That a term is defined.
    pub fn defined(&mut self, term: TermId) -> ConditionId {
        if self.is_defined(term) {
            return self.always();
        }
        match self.term(term).clone() {
            Term::Undefined => self.never(),
            Term::Guard(condition, guarded) => {
                let inner = self.defined(guarded);
                self.and([condition, inner])
            }
            Term::Coalesce(terms) => self.some_defined(&terms),
            Term::AsList(inner) | Term::AsMap(inner) => self.defined(inner),
            Term::Call(intrinsic, arguments) if intrinsic.is_total() => {
                let each: Vec<ConditionId> = arguments
                    .iter()
                    .map(|argument| self.defined(*argument))
                    .collect();
                self.and(each)
            }
            _ => self.intern_condition(Condition::Defined(term)),
        }
    }

    /// That one of several terms is defined.
    fn some_defined(&mut self, terms: &[TermId]) -> ConditionId {
        let Some((last, earlier)) = terms.split_last() else {
            return self.never();
        };
        let last_defined = self.defined(*last);
        // If the last term is defined wherever one of its operands is, an earlier term that is
        // strict in that operand adds nothing to the disjunction.
        let operand = match self.condition(last_defined) {
            Condition::Defined(operand) => Some(*operand),
            _ => None,
        };
        let kept: Vec<TermId> = earlier
            .iter()
            .copied()
            .filter(|term| operand.is_none_or(|operand| !self.is_strict(*term, operand)))
            .collect();
        let mut each: Vec<ConditionId> = kept.iter().map(|term| self.defined(*term)).collect();
        each.push(last_defined);
        self.or(each)
    }

    /// That a term is defined and not `false`.
    pub fn truthy(&mut self, term: TermId) -> ConditionId {
        if let Some(term) = self.without_fallback(term, |value| *value == Const::Bool(false)) {
            return self.truthy(term);
        }
        match self.term(term).clone() {
            Term::Const(Const::Bool(false)) | Term::Undefined => self.never(),
            Term::Const(_) => self.always(),
            Term::Guard(condition, guarded) => {
                let inner = self.truthy(guarded);
                self.and([condition, inner])
            }
            // Each branch is undefined or true, so their order does not matter.
            Term::Coalesce(terms) if terms.iter().all(|term| self.is_true_if_defined(*term)) => {
                let each: Vec<ConditionId> = terms.iter().map(|term| self.truthy(*term)).collect();
                self.or(each)
            }
            _ if self.is_string(term) => self.defined(term),
            _ => self.intern_condition(Condition::Truthy(term)),
        }
    }

    /// That a term has a value of a type.
    pub fn has_type(&mut self, term: TermId, wanted: ValueType) -> ConditionId {
        if let Some(term) = self.without_fallback(term, |value| value.value_type() != wanted) {
            return self.has_type(term, wanted);
        }
        let known = match self.term(term) {
            Term::Const(value) => Some(value.value_type()),
            Term::AsList(inner) if self.is_defined(*inner) => Some(ValueType::List),
            Term::AsMap(inner) if self.is_defined(*inner) => Some(ValueType::Map),
            Term::Value(binder) if self.binder(*binder).domain.is_of_workload() => {
                Some(ValueType::Map)
            }
            // A document that is not a map is never judged.
            Term::Object => Some(ValueType::Map),
            Term::PodSpec | Term::PodMetadata if wanted == ValueType::Map => {
                return self.defined(term);
            }
            Term::Guard(condition, guarded) => {
                let (condition, guarded) = (*condition, *guarded);
                let inner = self.has_type(guarded, wanted);
                return self.and([condition, inner]);
            }
            _ if self.is_string(term) => {
                return if wanted == ValueType::String {
                    self.defined(term)
                } else {
                    self.never()
                };
            }
            _ => None,
        };
        match known {
            Some(known) if known == wanted => self.always(),
            Some(_) => self.never(),
            None => self.intern_condition(Condition::HasType(term, wanted)),
        }
    }

    /// A coalesced term without its last branch, if that is a literal for which the condition in
    /// question is false: `object.get(x, "k", false)` is true exactly if `x.k` is.
    fn without_fallback(&mut self, term: TermId, fails: impl Fn(&Const) -> bool) -> Option<TermId> {
        let Term::Coalesce(terms) = self.term(term) else {
            return None;
        };
        let (last, earlier) = terms.split_last()?;
        if !matches!(self.term(*last), Term::Const(value) if fails(value)) {
            return None;
        }
        let earlier = earlier.to_vec();
        Some(self.coalesce(earlier))
    }

    fn is_true_if_defined(&self, term: TermId) -> bool {
        match self.term(term) {
            Term::Const(value) => *value != Const::Bool(false),
            Term::Guard(_, guarded) => self.is_true_if_defined(*guarded),
            _ => self.is_string(term),
        }
    }
}
