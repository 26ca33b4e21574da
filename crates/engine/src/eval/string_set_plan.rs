//! The conditions that ask whether a string begins or ends with, or contains, some element of a
//! param: `some word in input.params.x; endswith(name, word)`. What they ask of the element alone
//! does not depend on the object, so it is answered when the params are resolved (`string_sets`),
//! and an object only matches its string against the strings that remain.
//!
//! The plan is made once when rules are compiled. Nothing here sees params or an object.

use super::params_dependence::{depends_on_params_alone, iterated_param};
use kubevet_ir::{BinderId, Condition, ConditionId, NodeId, Predicate, Program, TermId};

/// The most alternatives of one condition. With more, its elements are visited one by one.
const MAX_ALTERNATIVES: usize = 8;

/// A condition that some element of a param makes true: that is one of the alternatives.
#[derive(Debug)]
pub(super) struct StringSetCondition {
    /// The param.
    pub(super) param: TermId,
    /// The binder of its elements.
    pub(super) binder: BinderId,
    pub(super) alternatives: Vec<StringSetAlternative>,
}

/// One way to make the condition true.
#[derive(Debug)]
pub(super) struct StringSetAlternative {
    /// The conditions that do not depend on the element.
    pub(super) of_object: Vec<ConditionId>,
    /// The conditions that depend on the element alone.
    pub(super) of_element: Vec<ConditionId>,
    /// The test of the subject, which does not depend on the element, by the key, which depends on
    /// nothing else.
    pub(super) predicate: Predicate,
    pub(super) subject: TermId,
    pub(super) key: TermId,
}

/// The conditions of a program that string sets decide.
#[derive(Debug, Default)]
pub(super) struct StringSetPlan {
    pub(super) conditions: Vec<StringSetCondition>,
    /// The positions in `conditions`, by index of the condition.
    positions: Vec<Option<u32>>,
}

impl StringSetPlan {
    pub(super) fn new(program: &Program) -> Self {
        let mut plan = Self::default();
        for (_, condition) in program.conditions() {
            let found = match condition {
                Condition::Any(binder, body) => plan_condition(program, *binder, *body),
                _ => None,
            };
            let position = u32::try_from(plan.conditions.len()).ok();
            plan.positions.push(position.filter(|_| found.is_some()));
            plan.conditions.extend(found);
        }
        plan
    }

    /// The position in `conditions` of a condition that string sets decide.
    #[inline]
    pub(super) fn position(&self, condition: ConditionId) -> Option<usize> {
        let position = (*self.positions.get(condition.index())?)?;
        usize::try_from(position).ok()
    }
}

fn plan_condition(
    program: &Program,
    binder: BinderId,
    body: ConditionId,
) -> Option<StringSetCondition> {
    let param = iterated_param(program, &program.binder(binder).domain)?;
    let planner = Planner { program, binder };
    let alternatives = planner.alternatives(body)?;
    let alternatives = alternatives
        .iter()
        .map(|conditions| planner.alternative(conditions));
    Some(StringSetCondition {
        param,
        binder,
        alternatives: alternatives.collect::<Option<_>>()?,
    })
}

/// What a condition depends on.
#[derive(PartialEq, Eq)]
enum Dependence {
    Object,
    Element,
    Both,
}

struct Planner<'p> {
    program: &'p Program,
    binder: BinderId,
}

impl Planner<'_> {
    /// The disjunctive normal form of a condition, as far as its parts depend on both the element
    /// and the object; `None` if that has too many alternatives.
    fn alternatives(&self, condition: ConditionId) -> Option<Vec<Vec<ConditionId>>> {
        let alternatives = match self.program.condition(condition) {
            _ if self.dependence(condition) != Dependence::Both => vec![vec![condition]],
            Condition::Or(parts) => {
                let parts = parts.iter().map(|part| self.alternatives(*part));
                parts.collect::<Option<Vec<_>>>()?.concat()
            }
            Condition::And(parts) => {
                let mut product = vec![Vec::new()];
                for part in parts {
                    let part = self.alternatives(*part)?;
                    product = product
                        .iter()
                        .flat_map(|left| part.iter().map(|right| [&**left, right].concat()))
                        .take(MAX_ALTERNATIVES + 1)
                        .collect();
                }
                product
            }
            _ => vec![vec![condition]],
        };
        (alternatives.len() <= MAX_ALTERNATIVES).then_some(alternatives)
    }

    /// Sorts the conditions of an alternative; `None` unless exactly one compares a string of the
    /// object with one of the element.
    fn alternative(&self, conditions: &[ConditionId]) -> Option<StringSetAlternative> {
        let (mut of_object, mut of_element, mut tests) = (Vec::new(), Vec::new(), Vec::new());
        for condition in conditions {
            match self.dependence(*condition) {
                Dependence::Object => of_object.push(*condition),
                Dependence::Element => of_element.push(*condition),
                Dependence::Both => tests.push(self.test(*condition)?),
            }
        }
        let [(predicate, subject, key)] = tests[..] else {
            return None;
        };
        Some(StringSetAlternative {
            of_object,
            of_element,
            predicate,
            subject,
            key,
        })
    }

    fn test(&self, condition: ConditionId) -> Option<(Predicate, TermId, TermId)> {
        let Condition::Predicate(predicate, arguments) = self.program.condition(condition) else {
            return None;
        };
        let is_supported = matches!(
            predicate,
            Predicate::StartsWith
                | Predicate::EndsWith
                | Predicate::Contains
                | Predicate::ContainsIgnoreCase
        );
        let [subject, key] = arguments.as_ref() else {
            return None;
        };
        let is_of_object = !self
            .program
            .free_binders_of_term(*subject)
            .contains(&self.binder);
        let is_of_element = self.is_of_element(NodeId::Term(*key));
        (is_supported && is_of_object && is_of_element).then_some((*predicate, *subject, *key))
    }

    fn dependence(&self, condition: ConditionId) -> Dependence {
        let free_binders = self.program.free_binders_of_condition(condition);
        if !free_binders.contains(&self.binder) {
            Dependence::Object
        } else if self.is_of_element(NodeId::Condition(condition)) {
            Dependence::Element
        } else {
            Dependence::Both
        }
    }

    fn is_of_element(&self, node: NodeId) -> bool {
        depends_on_params_alone(self.program, node, Some(self.binder))
    }
}
