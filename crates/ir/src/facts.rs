//! Static facts about terms and conditions: what is true for every object.
//!
//! All answers err on one side. "Defined", "string" and "strict" are proved or not claimed.

use super::{Condition, ConditionId, Const, Domain, Program, Term, TermId, ValueType};
use std::collections::BTreeSet;

impl Program {
    /// True if a condition is true for every object.
    #[must_use]
    pub fn is_statically_true(&self, condition: ConditionId) -> bool {
        *self.condition(condition) == Condition::True
    }

    /// True if a condition is false for every object.
    #[must_use]
    pub fn is_statically_false(&self, condition: ConditionId) -> bool {
        matches!(self.condition(condition), Condition::Or(conditions) if conditions.is_empty())
    }

    /// The conditions whose conjunction a condition is: none where it is always true, itself where
    /// it is no conjunction. `and` flattens, so that none of them is a conjunction.
    #[must_use]
    pub fn conjuncts(&self, condition: ConditionId) -> Vec<ConditionId> {
        match self.condition(condition) {
            Condition::True => Vec::new(),
            Condition::And(conditions) => conditions.to_vec(),
            _ => vec![condition],
        }
    }

    /// True if a term is undefined wherever one of its parts, at any depth, is.
    #[must_use]
    pub fn is_strict(&self, term: TermId, part: TermId) -> bool {
        term == part
            || match self.term(term) {
                Term::Coalesce(terms) => terms.iter().all(|term| self.is_strict(*term, part)),
                whole => {
                    let operands = whole.operands();
                    operands
                        .iter()
                        .any(|operand| self.is_strict(*operand, part))
                }
            }
    }

    /// True if a term is defined for every object. Elements are: their binder is at one.
    #[must_use]
    pub fn is_defined(&self, term: TermId) -> bool {
        match self.term(term) {
            Term::Const(_)
            | Term::Object
            | Term::Operation
            | Term::Key(_)
            | Term::Value(_)
            | Term::ElementName(_)
            | Term::ElementPath(_)
            | Term::ListName(_) => true,
            Term::PodSpec | Term::PodMetadata | Term::PodSpecPath | Term::PodMetadataPath => {
                self.assumes_workloads()
            }
            Term::Coalesce(terms) => terms.last().is_some_and(|last| self.is_defined(*last)),
            Term::AsList(inner) | Term::AsMap(inner) => self.is_defined(*inner),
            Term::Concat(parts) => parts.iter().all(|part| {
                let is_printable = self.is_string(*part) || self.is_list_index(*part);
                is_printable && self.is_defined(*part)
            }),
            Term::Call(intrinsic, arguments) => {
                let all_defined = || arguments.iter().all(|argument| self.is_defined(*argument));
                intrinsic.is_total() && all_defined()
            }
            _ => false,
        }
    }

    /// True if a term is a string wherever it is defined.
    #[must_use]
    pub fn is_string(&self, term: TermId) -> bool {
        match self.term(term) {
            Term::Const(Const::String(_))
            | Term::Operation
            | Term::ElementName(_)
            | Term::ElementPath(_)
            | Term::ListName(_)
            | Term::PodSpecPath
            | Term::PodMetadataPath
            | Term::Concat(_) => true,
            // The keys of maps are strings, and the elements of list params.
            Term::Key(binder) => matches!(self.binder(*binder).domain, Domain::Map(_)),
            Term::Value(binder) => match self.binder(*binder).domain {
                Domain::Elements(list) | Domain::List(list) => {
                    matches!(self.term(list), Term::Param(_))
                }
                _ => false,
            },
            Term::Index(list, _) => matches!(self.term(*list), Term::Param(_)),
            Term::Guard(condition, guarded) => {
                self.is_string(*guarded) || self.proves_string(*condition, *guarded)
            }
            Term::Coalesce(terms) => terms.iter().all(|term| self.is_string(*term)),
            Term::Call(intrinsic, _) => intrinsic.returns_string(),
            _ => false,
        }
    }

    /// True if a term is a string wherever a condition holds.
    #[must_use]
    pub fn proves_string(&self, condition: ConditionId, term: TermId) -> bool {
        self.conjuncts(condition).iter().any(|conjunct| {
            *self.condition(*conjunct) == Condition::HasType(term, ValueType::String)
        })
    }

    /// The terms that a condition or one of its conjuncts tests. They are defined wherever it holds.
    #[must_use]
    pub fn tested_terms(&self, condition: ConditionId) -> Vec<TermId> {
        let conjuncts = self.conjuncts(condition);
        conjuncts
            .iter()
            .flat_map(|conjunct| self.condition(*conjunct).operands())
            .collect()
    }

    /// The terms that are defined wherever a condition holds: those that it tests, and what those
    /// are strict in. Disjunctions, negations and `any` are taken to prove nothing.
    #[must_use]
    pub fn proves_defined(&self, condition: ConditionId) -> BTreeSet<TermId> {
        let mut pending = self.tested_terms(condition);
        let mut proved = BTreeSet::new();
        while let Some(term) = pending.pop() {
            if !proved.insert(term) {
                continue;
            }
            // The base of a defined field is defined, and so is what was guarded or converted.
            if let Term::Field(inner, _)
            | Term::AsList(inner)
            | Term::AsMap(inner)
            | Term::Guard(_, inner) = self.term(term)
            {
                pending.push(*inner);
            }
        }
        proved
    }

    /// True if a term is the index of an element in a list.
    fn is_list_index(&self, term: TermId) -> bool {
        matches!(self.term(term),
            Term::Key(binder) if matches!(self.binder(*binder).domain, Domain::List(_)))
    }
}
