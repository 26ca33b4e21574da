//! Conditions on the elements of a param, decided by string sets. `string_set_plan` says which
//! conditions have that form.

use super::{
    evaluator::{Evaluator, to_u32},
    observer::ConditionObserver,
    params_evaluator::with_params_evaluator,
    resolved_params::ResolvedParams,
    side_tables::SideTables,
    string_set::{StringSet, StringSets},
    string_set_plan::{StringSetAlternative, StringSetCondition},
    value::{LoopState, Value},
};
use kubevet_ir::Program;

/// Resolves all conditions of the plan, in its order; `None` for one whose keys exceed a limit.
pub(super) fn resolve_string_sets(
    program: &Program,
    tables: &SideTables,
    params: &ResolvedParams,
) -> Vec<Option<StringSets>> {
    let conditions = tables.string_sets.conditions.iter();
    let resolve = |condition| {
        with_params_evaluator(program, tables, params, |evaluator| {
            evaluator.resolve_string_sets(condition)
        })
        .flatten()
    };
    conditions.map(resolve).collect()
}

impl<O: ConditionObserver> Evaluator<'_, O> {
    fn resolve_string_sets(&mut self, condition: &StringSetCondition) -> Option<StringSets> {
        let param = self.context.tables.param(condition.param)?;
        let count = self.context.params.list(param).map_or(0, <[String]>::len);
        let mut keys = vec![Vec::new(); condition.alternatives.len()];
        for item in 0..to_u32(count) {
            let state = LoopState {
                key: Value::Int(i64::from(item)).pack(),
                value: Value::ParamItem { param, item }.pack(),
                ..LoopState::UNBOUND
            };
            self.bind(condition.binder, state);
            for (alternative, keys) in condition.alternatives.iter().zip(&mut keys) {
                keys.extend(self.key_of_element(alternative));
            }
            self.recycle_scratch();
        }
        if self.aborted().is_some() {
            return None;
        }
        let alternatives = condition.alternatives.iter().zip(keys);
        let sets =
            alternatives.map(|(alternative, keys)| StringSet::new(alternative.predicate, keys));
        Some(sets.collect())
    }

    /// The key of the element that the binder is at, if the element can make the alternative true.
    fn key_of_element(&mut self, alternative: &StringSetAlternative) -> Option<String> {
        let mut conditions = alternative.of_element.iter();
        if !conditions.all(|condition| self.holds(*condition)) {
            return None;
        }
        let key = self.term(alternative.key);
        self.string(key).map(str::to_owned)
    }

    /// Decides a condition by its string sets; `None` if they could not be resolved.
    pub(super) fn any_by_string_sets(&mut self, position: usize) -> Option<bool> {
        let sets = self.context.params.string_sets(position)?;
        let condition = self.context.tables.string_sets.conditions.get(position)?;
        let mut alternatives = condition.alternatives.iter().zip(sets);
        Some(alternatives.any(|(alternative, set)| self.matches_set(alternative, set)))
    }

    fn matches_set(&mut self, alternative: &StringSetAlternative, set: &StringSet) -> bool {
        if set.keys.is_empty() {
            return false;
        }
        let mut conditions = alternative.of_object.iter();
        if !conditions.all(|condition| self.holds(*condition)) {
            return false;
        }
        let subject = self.term(alternative.subject);
        let Some(subject) = self.string(subject) else {
            return false;
        };
        let (matches, steps) = (
            set.matches(subject),
            subject.len() / 16 + set.keys.len() / 8,
        );
        self.charge(steps as u64);
        matches
    }
}
