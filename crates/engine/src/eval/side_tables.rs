//! What the evaluator knows of each term and condition before any object: keys with their tags, patterns, numbers of
//! params, and where answers are kept.

use super::{join_plan::Joins, resolved_params};
use kubevet_document::FieldKey;
use kubevet_ir::{
    CompiledControl, Condition, ConditionId, Const, ContainerList, Domain, Predicate, Program,
    Term, TermId,
};
use regex::Regex;
use std::{collections::BTreeMap, sync::Arc};

/// Answers of terms and conditions that hang on more binders than this are not kept.
const MAX_MEMO_BINDERS: usize = 3;

/// Side tables of a program.
#[derive(Debug, Default)]
pub(crate) struct SideTables {
    keys: Vec<Option<FieldKey>>,
    patterns: Vec<Option<Regex>>,
    params: Vec<u32>,
    terms: Vec<MemoPolicy>,
    conds: Vec<MemoPolicy>,
    any_match: Vec<Option<(u32, TermId)>>,
    param_names: Vec<Arc<str>>,
    param_patterns: Vec<bool>,
    pub(super) joins: Joins,
    pub(super) name: Option<FieldKey>,
    pub(super) restart_policy: Option<FieldKey>,
    pub(super) volumes: Option<FieldKey>,
    pub(super) container_lists: [Option<FieldKey>; 3],
    pub(super) sizes: (usize, usize, usize),
}

/// Whether an answer is kept, and until which binders move.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct MemoPolicy {
    pub(super) kept: bool,
    count: u8,
    binders: [u16; MAX_MEMO_BINDERS],
}

impl MemoPolicy {
    pub(super) fn binders(&self) -> &[u16] {
        self.binders
            .get(..usize::from(self.count))
            .unwrap_or_default()
    }
}

impl SideTables {
    pub(crate) fn new(program: &Program, compiled: &[CompiledControl]) -> Self {
        let (terms, conds, _) = program.sizes();
        let mut tables = Self {
            keys: vec![None; terms],
            patterns: vec![None; terms],
            params: vec![u32::MAX; terms],
            any_match: vec![None; conds],
            joins: Joins::new(program, compiled),
            name: Some(FieldKey::new("name")),
            restart_policy: Some(FieldKey::new("restartPolicy")),
            volumes: Some(FieldKey::new("volumes")),
            sizes: program.sizes(),
            ..Self::default()
        };
        for (slot, field) in tables
            .container_lists
            .iter_mut()
            .zip(ContainerList::All.fields())
        {
            *slot = Some(FieldKey::new(field));
        }
        let mut numbers: BTreeMap<Arc<str>, u32> = BTreeMap::new();
        for (id, term) in program.terms() {
            match term {
                Term::Field(_, name) => set(&mut tables.keys, id, Some(FieldKey::new(name))),
                Term::Param(name) => {
                    let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                    let number = *numbers.entry(Arc::clone(name)).or_insert_with(|| {
                        tables.param_names.push(Arc::clone(name));
                        tables.param_patterns.push(false);
                        next
                    });
                    set(&mut tables.params, id, number);
                }
                _ => {}
            }
        }
        for (id, cond) in program.conditions() {
            if let Condition::Predicate(Predicate::Matches, parts) = cond
                && let Some(pattern) = parts.first()
            {
                tables.pattern(program, *pattern);
            }
            let any = tables.any_match_of(program, cond);
            if let Some(slot) = tables.any_match.get_mut(id.index()) {
                *slot = any;
            }
        }
        tables.keep(program, compiled);
        tables
    }

    fn pattern(&mut self, program: &Program, pattern: TermId) {
        match program.term(pattern) {
            Term::Const(Const::String(text)) => {
                set(&mut self.patterns, pattern, resolved_params::pattern(text))
            }
            Term::Value(binder) => {
                if let Some(param) = self.param_of(program, &program.binder(*binder).domain)
                    && let Some(holds) = self.param_patterns.get_mut(param as usize)
                {
                    *holds = true;
                }
            }
            _ => {}
        }
    }

    /// The param that a domain goes over.
    fn param_of(&self, program: &Program, domain: &Domain) -> Option<u32> {
        match domain {
            Domain::Elements(list) | Domain::List(list)
                if matches!(program.term(*list), Term::Param(_)) =>
            {
                self.param(*list)
            }
            _ => None,
        }
    }

    /// `some p in input.params.x; regex.match(p, text)`: all patterns are asked at once.
    fn any_match_of(&self, program: &Program, cond: &Condition) -> Option<(u32, TermId)> {
        let Condition::Any(binder, inner) = cond else {
            return None;
        };
        let Condition::Predicate(Predicate::Matches, parts) = program.condition(*inner) else {
            return None;
        };
        let [pattern, text] = parts.as_ref() else {
            return None;
        };
        let is_element = *program.term(*pattern) == Term::Value(*binder);
        let is_free = !program.free_binders_of_term(*text).contains(binder);
        let param = self.param_of(program, &program.binder(*binder).domain)?;
        (is_element && is_free).then_some((param, *text))
    }

    /// What is used more than once is kept.
    fn keep(&mut self, program: &Program, compiled: &[CompiledControl]) {
        let (terms, conds, _) = program.sizes();
        let mut term_uses = vec![0_u32; terms];
        let mut cond_uses = vec![0_u32; conds];
        let mut use_term = |it: TermId| {
            if let Some(uses) = term_uses.get_mut(it.index()) {
                *uses += 1;
            }
        };
        let mut use_cond = |it: ConditionId| {
            // What is denied is kept, not the denial.
            let it = if let Condition::Not(inner) = program.condition(it) {
                *inner
            } else {
                it
            };
            if let Some(uses) = cond_uses.get_mut(it.index()) {
                *uses += 1;
            }
        };
        compiled
            .iter()
            .flat_map(|it| &it.clauses)
            .flat_map(|it| &it.when)
            .copied()
            .for_each(&mut use_cond);
        for (_, term) in program.terms() {
            if let Term::Guard(cond, _) = term {
                use_cond(*cond);
            }
            term.operands().into_iter().for_each(&mut use_term);
        }
        for (_, cond) in program.conditions() {
            match cond {
                Condition::And(conds) | Condition::Or(conds) => {
                    conds.iter().copied().for_each(&mut use_cond)
                }
                Condition::Not(_) => {}
                Condition::Any(_, inner) => use_cond(*inner),
                _ => cond.operands().into_iter().for_each(&mut use_term),
            }
        }
        self.terms = program
            .terms()
            .map(|(id, term)| {
                let worth = matches!(
                    term,
                    Term::Field(..)
                        | Term::Index(..)
                        | Term::Coalesce(_)
                        | Term::Guard(..)
                        | Term::Call(..)
                        | Term::Count(_)
                        | Term::Concat(_)
                );
                let used = term_uses.get(id.index()).is_some_and(|it| *it > 1);
                MemoPolicy::of(worth && used, program.free_binders_of_term(id))
            })
            .collect();
        self.conds = program
            .conditions()
            .map(|(id, cond)| {
                let worth = !matches!(
                    cond,
                    Condition::True
                        | Condition::Not(_)
                        | Condition::Defined(_)
                        | Condition::Truthy(_)
                        | Condition::HasType(..)
                );
                let used = cond_uses.get(id.index()).is_some_and(|it| *it > 1);
                MemoPolicy::of(worth && used, program.free_binders_of_condition(id))
            })
            .collect();
    }

    #[inline]
    pub(super) fn key(&self, term: TermId) -> Option<&FieldKey> {
        self.keys.get(term.index())?.as_ref()
    }

    #[inline]
    pub(super) fn param(&self, term: TermId) -> Option<u32> {
        self.params.get(term.index()).copied()
    }

    pub(super) fn const_pattern(&self, term: TermId) -> Option<&Regex> {
        self.patterns.get(term.index())?.as_ref()
    }

    pub(crate) fn any_match(&self, cond: ConditionId) -> Option<(u32, TermId)> {
        *self.any_match.get(cond.index())?
    }

    #[inline]
    pub(super) fn term_memo(&self, term: TermId) -> MemoPolicy {
        self.terms.get(term.index()).copied().unwrap_or_default()
    }

    #[inline]
    pub(super) fn condition_memo(&self, cond: ConditionId) -> MemoPolicy {
        self.conds.get(cond.index()).copied().unwrap_or_default()
    }

    /// The params that are read, in the order of their numbers.
    pub(crate) fn param_names(&self) -> &[Arc<str>] {
        &self.param_names
    }

    /// Which of them hold patterns.
    pub(crate) fn param_patterns(&self) -> &[bool] {
        &self.param_patterns
    }
}

impl MemoPolicy {
    fn of(kept: bool, free: &[kubevet_ir::BinderId]) -> Self {
        let mut keep = Self {
            kept,
            ..Self::default()
        };
        if free.len() > MAX_MEMO_BINDERS {
            return Self::default();
        }
        for (slot, binder) in keep.binders.iter_mut().zip(free) {
            match u16::try_from(binder.index()) {
                Ok(place) => *slot = place,
                Err(_) => return Self::default(),
            }
            keep.count += 1;
        }
        keep
    }
}

fn set<T>(table: &mut [T], term: TermId, value: T) {
    if let Some(slot) = table.get_mut(term.index()) {
        *slot = value;
    }
}
