//! Facts under assumptions: what is true wherever the conditions of a clause hold.
//!
//! Lowering uses it to prove that every part of a finding is defined. Nothing here searches: a
//! proof follows the structure of the term once.

use super::{BinderId, Condition, ConditionId, Const, Intrinsic, Program, Term, TermId};
use std::collections::BTreeSet;

/// Conditions that hold, with what follows from them.
#[derive(Debug, Clone)]
pub struct Assumptions {
    /// The conditions, none of them a conjunction.
    conditions: Vec<ConditionId>,
    defined: BTreeSet<TermId>,
    /// The object has a pod spec.
    is_workload: bool,
    /// The list param that is not empty.
    configured_param: Option<String>,
}

impl Assumptions {
    /// Assumes that all conditions hold and all binders are at an element. `configured_param` is
    /// the param that is known to be set, and not empty if it is a list.
    #[must_use]
    pub fn new(
        program: &Program,
        conditions: &[ConditionId],
        binders: &[BinderId],
        configured_param: Option<&str>,
    ) -> Self {
        let defined: BTreeSet<TermId> = conditions
            .iter()
            .flat_map(|condition| program.proves_defined(*condition))
            .collect();
        // One of the four is defined exactly if all are.
        let is_of_pod = |term: &TermId| is_of_pod_spec(program.term(*term));
        let is_workload = defined.iter().any(is_of_pod)
            || binders
                .iter()
                .any(|binder| program.binder(*binder).domain.is_of_workload());
        Self {
            conditions: conditions.to_vec(),
            defined,
            is_workload,
            configured_param: configured_param.map(str::to_owned),
        }
    }

    /// True if a term is proved to be defined.
    #[must_use]
    pub fn is_defined(&self, program: &Program, term: TermId) -> bool {
        if program.is_defined(term) || self.defined.contains(&term) {
            return true;
        }
        match program.term(term) {
            of_pod if is_of_pod_spec(of_pod) => self.is_workload,
            Term::Guard(condition, guarded) => {
                self.holds(program, *condition) && self.is_defined(program, *guarded)
            }
            Term::Coalesce(terms) => terms.iter().any(|term| self.is_defined(program, *term)),
            Term::Concat(parts) => parts.iter().all(|part| {
                // A number of the object could be a fraction, which cannot be concatenated.
                let is_printable = program.is_string(*part)
                    || matches!(
                        program.term(*part),
                        Term::Key(_) | Term::Count(_) | Term::Const(_)
                    );
                is_printable && self.is_defined(program, *part)
            }),
            Term::AsList(inner) | Term::AsMap(inner) => self.is_defined(program, *inner),
            Term::Count(inner) => {
                let is_countable = program.is_string(*inner)
                    || matches!(program.term(*inner), Term::AsList(_) | Term::AsMap(_));
                is_countable && self.is_defined(program, *inner)
            }
            Term::Index(list, key) => self.is_first_of_configured_param(program, *list, *key),
            Term::Call(intrinsic, arguments) => {
                self.is_total_call(program, *intrinsic, arguments)
                    && arguments
                        .iter()
                        .all(|argument| self.is_defined(program, *argument))
            }
            _ => false,
        }
    }

    /// True if a term is proved to be a string wherever it is defined.
    #[must_use]
    pub fn is_string(&self, program: &Program, term: TermId) -> bool {
        program.is_string(term)
            || self
                .conditions
                .iter()
                .any(|condition| program.proves_string(*condition, term))
    }

    /// True if a condition is proved to hold.
    #[must_use]
    pub fn holds(&self, program: &Program, condition: ConditionId) -> bool {
        if self.conditions.contains(&condition) {
            return true;
        }
        match program.condition(condition) {
            Condition::True => true,
            Condition::And(conditions) => conditions
                .iter()
                .all(|condition| self.holds(program, *condition)),
            Condition::Or(conditions) => conditions
                .iter()
                .any(|condition| self.holds(program, *condition)),
            Condition::Defined(term) => self.is_defined(program, *term),
            _ => false,
        }
    }

    /// True if a call has a value for all arguments that are defined here.
    fn is_total_call(&self, program: &Program, intrinsic: Intrinsic, arguments: &[TermId]) -> bool {
        let first_is_string = || {
            arguments
                .first()
                .is_some_and(|first| self.is_string(program, *first))
        };
        intrinsic.is_total()
            || (intrinsic.is_total_on_strings()
                && arguments
                    .iter()
                    .all(|argument| self.is_string(program, *argument)))
            || (self.is_substring_at_literals(program, intrinsic, arguments) && first_is_string())
    }

    /// `substring(…, 3, -1)`: defined for every string.
    fn is_substring_at_literals(
        &self,
        program: &Program,
        intrinsic: Intrinsic,
        arguments: &[TermId],
    ) -> bool {
        let number = |term: &TermId| match program.term(*term) {
            Term::Const(Const::Int(number)) => Some(*number),
            _ => None,
        };
        match (intrinsic, arguments) {
            (Intrinsic::Substring, [_, offset, length]) => {
                number(offset).is_some_and(|offset| offset >= 0) && number(length).is_some()
            }
            _ => false,
        }
    }

    /// `input.params.NAME[0]` of the only param without which the control does not apply.
    fn is_first_of_configured_param(&self, program: &Program, list: TermId, key: TermId) -> bool {
        match (program.term(list), program.term(key)) {
            (Term::Param(name), Term::Const(Const::Int(0))) => {
                self.configured_param.as_deref() == Some(name)
            }
            _ => false,
        }
    }
}

fn is_of_pod_spec(term: &Term) -> bool {
    matches!(
        term,
        Term::PodSpec | Term::PodSpecPath | Term::PodMetadata | Term::PodMetadataPath
    )
}
