//! Facts about each term and condition, computed once when rules are compiled: plans,
//! patterns, numbers of params and joins. The tables are indexed by ids, so
//! evaluation hashes nothing, and compiles a pattern at its first use only.

use super::{
    check::ClauseIndex,
    condition_plan::ConditionPlan,
    join_plan::JoinPlan,
    memo_plan::MemoPlan,
    params_dependence::{depends_on_params_alone, iterated_param},
    patterns::LiteralPattern,
    required_fields::longest_required_path,
    string_set_plan::StringSetPlan,
    term_plan::TermPlan,
};
use kubevet_document::FieldKey;
use kubevet_ir::{
    CompiledControl, Condition, ConditionId, Const, ContainerList, NodeId, Predicate, Program,
    Term, TermId,
};
use regex::Regex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The number of a term that is no param.
const NO_PARAM: u32 = u32::MAX;

/// Side tables of a program.
#[derive(Debug, Default)]
pub(crate) struct SideTables {
    pub(super) terms: TermPlan,
    pub(super) conditions: ConditionPlan,
    /// The patterns that are literals, by index of the term.
    patterns: Vec<Option<LiteralPattern>>,
    /// The numbers of params, by index of the term.
    params: Vec<u32>,
    /// The conditions that match any pattern of a param: its number, and the string to match. By
    /// index of the condition.
    pattern_list_matches: Vec<Option<(u32, TermId)>>,
    /// The names of params, by number.
    param_names: Vec<Arc<str>>,
    /// True for params whose elements are patterns, by number.
    param_has_patterns: Vec<bool>,
    pub(super) joins: JoinPlan,
    pub(super) string_sets: StringSetPlan,
    /// True for the conditions of clauses that depend on params alone, by index of the condition.
    depends_on_params: Vec<bool>,
    /// The fields that the conditions of clauses need, one within the other, by index of the
    /// condition.
    required_paths: Vec<Box<[TermId]>>,
    /// The clauses of all controls, one after the other: their numbers are their positions.
    clauses: Vec<ClauseIndex>,
    /// The number of the first clause of each control.
    first_clauses: Vec<usize>,
    pub(super) name_key: Option<FieldKey>,
    pub(super) restart_policy_key: Option<FieldKey>,
    pub(super) volumes_key: Option<FieldKey>,
    pub(super) container_list_keys: [Option<FieldKey>; 3],
    /// The numbers of terms, conditions and binders.
    pub(super) sizes: (usize, usize, usize),
}

impl SideTables {
    pub(crate) fn new(program: &Program, controls: &[CompiledControl]) -> Self {
        let (terms, conditions, _) = program.sizes();
        let memos = MemoPlan::new(program, controls);
        let mut tables = Self {
            terms: TermPlan::new(program, &memos),
            conditions: ConditionPlan::new(program, &memos),
            patterns: std::iter::repeat_with(|| None).take(terms).collect(),
            params: vec![NO_PARAM; terms],
            pattern_list_matches: vec![None; conditions],
            joins: JoinPlan::new(program, controls),
            string_sets: StringSetPlan::new(program),
            depends_on_params: vec![false; conditions],
            required_paths: vec![Box::default(); conditions],
            name_key: Some(FieldKey::new("name")),
            restart_policy_key: Some(FieldKey::new("restartPolicy")),
            volumes_key: Some(FieldKey::new("volumes")),
            sizes: program.sizes(),
            ..Self::default()
        };
        let list_keys = tables.container_list_keys.iter_mut();
        for (slot, field) in list_keys.zip(ContainerList::All.fields()) {
            *slot = Some(FieldKey::new(field));
        }
        tables.add_params(program);
        tables.add_conditions(program);
        tables.add_clauses(program, controls);
        tables
    }

    /// Numbers the params in the order of their first term.
    fn add_params(&mut self, program: &Program) {
        let mut numbers: BTreeMap<Arc<str>, u32> = BTreeMap::new();
        for (id, term) in program.terms() {
            if let Term::Param(name) = term {
                let next = u32::try_from(numbers.len()).unwrap_or(NO_PARAM);
                let number = *numbers.entry(Arc::clone(name)).or_insert_with(|| {
                    self.param_names.push(Arc::clone(name));
                    self.param_has_patterns.push(false);
                    next
                });
                set(&mut self.params, id, number);
            }
        }
    }

    /// Finds the patterns: literals are compiled here, those of params when the params are
    /// resolved.
    fn add_conditions(&mut self, program: &Program) {
        for (id, condition) in program.conditions() {
            if let Condition::Predicate(predicate, arguments) = condition {
                for pattern in arguments.iter().take(predicate.patterns()) {
                    self.add_pattern(program, *pattern);
                }
            }
            let pattern_list_match = self.find_pattern_list_match(program, condition);
            if let Some(slot) = self.pattern_list_matches.get_mut(id.index()) {
                *slot = pattern_list_match;
            }
        }
    }

    fn add_clauses(&mut self, program: &Program, controls: &[CompiledControl]) {
        for (index, control) in controls.iter().enumerate() {
            self.first_clauses.push(self.clauses.len());
            let clauses = 0..control.clauses.len();
            self.clauses.extend(clauses.map(|clause| (index, clause)));
        }
        let clauses = controls.iter().flat_map(|control| &control.clauses);
        let conditions: BTreeSet<ConditionId> = clauses
            .flat_map(|clause| clause.when.iter().copied())
            .collect();
        for condition in conditions {
            if let Some(slot) = self.depends_on_params.get_mut(condition.index()) {
                let node = NodeId::Condition(condition);
                *slot = depends_on_params_alone(program, node, None);
            }
            if let Some(slot) = self.required_paths.get_mut(condition.index()) {
                *slot = longest_required_path(program, condition);
            }
        }
    }

    /// True if a condition of a clause depends on params alone.
    pub(super) fn depends_on_params(&self, condition: ConditionId) -> bool {
        let known = self.depends_on_params.get(condition.index());
        known.copied().unwrap_or(false)
    }

    /// The fields that a condition of a clause needs, one within the other, the outermost first.
    pub(super) fn required_path(&self, condition: ConditionId) -> &[TermId] {
        let path = self.required_paths.get(condition.index());
        path.map_or(&[], |path| path)
    }

    /// The number of a clause among those of all controls.
    pub(super) fn clause_number(&self, (control, clause): ClauseIndex) -> u32 {
        let first = self.first_clauses.get(control);
        let number = first.and_then(|first| u32::try_from(first + clause).ok());
        number.unwrap_or(u32::MAX)
    }

    /// The clause of a number.
    pub(super) fn clause(&self, number: u32) -> Option<ClauseIndex> {
        self.clauses.get(number as usize).copied()
    }

    fn add_pattern(&mut self, program: &Program, pattern: TermId) {
        match program.term(pattern) {
            Term::Const(Const::String(literal)) => {
                set(
                    &mut self.patterns,
                    pattern,
                    Some(LiteralPattern::new(literal)),
                );
            }
            Term::Value(binder) => {
                let param = iterated_param(program, &program.binder(*binder).domain);
                if let Some(param) = param.and_then(|param| self.param(param))
                    && let Some(has_patterns) = self.param_has_patterns.get_mut(param as usize)
                {
                    *has_patterns = true;
                }
            }
            _ => {}
        }
    }

    /// Recognizes `some p in input.params.x; regex.match(p, string)`: all patterns can be matched
    /// at once.
    fn find_pattern_list_match(
        &self,
        program: &Program,
        condition: &Condition,
    ) -> Option<(u32, TermId)> {
        let Condition::Any(binder, body) = condition else {
            return None;
        };
        let Condition::Predicate(Predicate::Matches, arguments) = program.condition(*body) else {
            return None;
        };
        let [pattern, subject] = arguments.as_ref() else {
            return None;
        };
        let is_element = *program.term(*pattern) == Term::Value(*binder);
        let is_independent = !program.free_binders_of_term(*subject).contains(binder);
        let param = iterated_param(program, &program.binder(*binder).domain)?;
        let param = self.param(param)?;
        (is_element && is_independent).then_some((param, *subject))
    }

    /// The number of a param; one that no params have if the term is no param.
    #[inline]
    pub(super) fn param(&self, term: TermId) -> Option<u32> {
        self.params.get(term.index()).copied()
    }

    /// The pattern that a literal is; `None` if it is invalid, and matches nothing.
    pub(super) fn literal_pattern(&self, term: TermId) -> Option<&Regex> {
        self.patterns.get(term.index())?.as_ref()?.compiled()
    }

    /// Compiles all literal patterns now rather than when an object first needs them.
    pub(crate) fn compile_patterns(&self) {
        for pattern in self.patterns.iter().flatten() {
            pattern.compiled();
        }
    }

    /// The param and the string of a condition that matches any pattern of a param.
    pub(super) fn pattern_list_match(&self, condition: ConditionId) -> Option<(u32, TermId)> {
        *self.pattern_list_matches.get(condition.index())?
    }

    /// True if the elements of the condition's binder are not visited one by one: the condition
    /// inside is never decided.
    pub(crate) fn is_decided_at_once(&self, condition: ConditionId) -> bool {
        self.pattern_list_match(condition).is_some()
            || self.string_sets.position(condition).is_some()
    }

    /// The names of the params that are read, by number.
    pub(crate) fn param_names(&self) -> &[Arc<str>] {
        &self.param_names
    }

    /// True for params whose elements are patterns, by number.
    pub(crate) fn param_has_patterns(&self) -> &[bool] {
        &self.param_has_patterns
    }
}

fn set<T>(table: &mut [T], term: TermId, value: T) {
    if let Some(slot) = table.get_mut(term.index()) {
        *slot = value;
    }
}
