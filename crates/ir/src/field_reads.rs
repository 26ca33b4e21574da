//! The fields that the conditions behind a finding's path read, as patterns from the object's
//! root. They tell whether an update changed what a finding depends on.
//!
//! The analysis is static: it holds for every object, and does not say which fields one has. It is
//! no plain traversal, since a term is either *read*, when its value is used, or only *passed* on
//! the way to a field below it.

use super::{
    BinderId, Clause, CompiledControl, Condition, ConditionId, Const, Domain, Program, Term,
    TermId, ValueType,
};
use kubevet_model::{ElementField, FieldPattern, PathReads, PatternRoot, PatternStep};
use std::collections::{BTreeMap, BTreeSet};

/// For each path of a control's findings, the fields that the conditions of all clauses with that
/// path read at or below the elements that the path names. A path that is not known statically has
/// no entry.
#[must_use]
pub fn path_reads(program: &Program, compiled: &CompiledControl) -> Vec<PathReads> {
    let fields_below = |path: &FieldPattern, reads: &BTreeSet<FieldPattern>| -> Vec<ElementField> {
        let fields: BTreeSet<ElementField> = reads
            .iter()
            .filter_map(|read| ElementField::between(read, path))
            .collect();
        fields.into_iter().collect()
    };
    fields_read(program, compiled)
        .into_iter()
        .map(|(path, reads)| PathReads {
            fields: fields_below(&path, &reads),
            path,
        })
        .collect()
}

/// What the findings of a control depend on, whatever their paths: the fields whose values its
/// conditions and paths read, those at its paths, and those of which only the presence, the type or
/// the number of elements is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dependencies {
    /// The fields of which the value is read.
    pub values: BTreeSet<FieldPattern>,
    /// Lists and maps that only have to exist, and those that are iterated.
    pub collections: BTreeSet<FieldPattern>,
}

/// What the findings of a control depend on.
#[must_use]
pub fn dependencies(program: &Program, compiled: &CompiledControl) -> Dependencies {
    let mut found = Dependencies::default();
    for clause in &compiled.clauses {
        let mut reads = Reads::new(program);
        reads.collections = Some(BTreeSet::new());
        reads.clause(clause);
        for path in &clause.paths {
            reads.read(*path);
            found.values.extend(path_patterns(program, *path));
        }
        found.values.extend(reads.fields);
        found
            .collections
            .extend(reads.collections.unwrap_or_default());
    }
    found
}

/// All fields that the conditions of a control read, by path of its findings.
#[must_use]
pub fn fields_read(
    program: &Program,
    compiled: &CompiledControl,
) -> BTreeMap<FieldPattern, BTreeSet<FieldPattern>> {
    let mut fields: BTreeMap<FieldPattern, BTreeSet<FieldPattern>> = BTreeMap::new();
    for clause in &compiled.clauses {
        let reads = reads_of_clause(program, clause);
        let paths = clause.paths.iter();
        for path in paths.flat_map(|path| path_patterns(program, *path)) {
            fields
                .entry(path)
                .or_default()
                .extend(reads.iter().cloned());
        }
    }
    fields
}

fn reads_of_clause(program: &Program, clause: &Clause) -> BTreeSet<FieldPattern> {
    let mut reads = Reads::new(program);
    reads.clause(clause);
    reads.fields
}

/// The patterns of a path, one for each branch of its term; none if it is not known statically.
#[must_use]
pub fn path_patterns(program: &Program, path: TermId) -> Vec<FieldPattern> {
    match program.term(path) {
        Term::Guard(_, path) => path_patterns(program, *path),
        Term::Coalesce(paths) => paths
            .iter()
            .flat_map(|path| path_patterns(program, *path))
            .collect(),
        Term::Concat(parts) => parse_path(program, parts),
        _ => parse_path(program, &[path]),
    }
}

/// Parses the parts of a path: its root, then fields, and keys in brackets.
fn parse_path(program: &Program, parts: &[TermId]) -> Vec<FieldPattern> {
    let Some((first, rest)) = parts.split_first() else {
        return Vec::new();
    };
    let (mut patterns, rest) = match program.term(*first) {
        Term::ElementPath(binder) => (elements(program, *binder), rest),
        Term::PodSpecPath => (vec![FieldPattern::of(PatternRoot::PodSpec)], rest),
        Term::PodMetadataPath => (vec![FieldPattern::of(PatternRoot::PodMetadata)], rest),
        Term::Const(Const::String(_)) => (vec![FieldPattern::of(PatternRoot::Object)], parts),
        _ => return Vec::new(),
    };
    let mut in_brackets = false;
    let mut extend = |step: PatternStep| {
        for pattern in &mut patterns {
            pattern.steps.push(step.clone());
        }
    };
    for part in rest {
        let Term::Const(Const::String(literal)) = program.term(*part) else {
            // A computed part is a key or an index only inside brackets.
            if !in_brackets {
                return Vec::new();
            }
            extend(PatternStep::Each);
            continue;
        };
        let mut field = String::new();
        for character in literal.chars() {
            match character {
                '.' | '[' if !in_brackets => {
                    in_brackets = character == '[';
                    end_field(&mut field, &mut extend);
                }
                ']' if in_brackets => {
                    in_brackets = false;
                    // A number that is written out is the index of an element.
                    if !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit()) {
                        field.clear();
                        extend(PatternStep::Each);
                    }
                    end_field(&mut field, &mut extend);
                }
                _ => field.push(character),
            }
        }
        end_field(&mut field, &mut extend);
    }
    patterns
}

fn end_field(field: &mut String, extend: &mut impl FnMut(PatternStep)) {
    if !field.is_empty() {
        extend(PatternStep::Field(std::mem::take(field)));
    }
}

/// The fields that were found, and the nodes that need no second visit.
struct Reads<'p> {
    program: &'p Program,
    fields: BTreeSet<FieldPattern>,
    /// Lists and maps of which no value is read, where they are told apart from `fields`.
    collections: Option<BTreeSet<FieldPattern>>,
    conditions: BTreeSet<ConditionId>,
    passed: BTreeSet<TermId>,
}

impl<'p> Reads<'p> {
    fn new(program: &'p Program) -> Self {
        Self {
            program,
            fields: BTreeSet::new(),
            collections: None,
            conditions: BTreeSet::new(),
            passed: BTreeSet::new(),
        }
    }

    fn clause(&mut self, clause: &Clause) {
        for condition in &clause.when {
            self.condition(*condition);
        }
        for binder in &clause.binders {
            self.domain(*binder);
        }
    }

    fn condition(&mut self, id: ConditionId) {
        if !self.conditions.insert(id) {
            return;
        }
        let program = self.program;
        match program.condition(id) {
            Condition::And(members) | Condition::Or(members) => {
                members.iter().for_each(|member| self.condition(*member));
            }
            Condition::Not(inner) => self.condition(*inner),
            Condition::Any(binder, body) => {
                self.domain(*binder);
                self.condition(*body);
            }
            // An element that only has to be a map or list is not read as a whole.
            Condition::HasType(term, ValueType::Map | ValueType::List)
                if matches!(program.term(*term), Term::Value(_)) => {}
            Condition::Defined(term)
            | Condition::HasType(term, ValueType::Map | ValueType::List)
                if self.collections.is_some() =>
            {
                self.test(*term);
            }
            other => other
                .operands()
                .into_iter()
                .for_each(|operand| self.read(operand)),
        }
    }

    /// A collection that is iterated is not read as a whole: conditions read its elements.
    fn domain(&mut self, binder: BinderId) {
        if let Some(collection) = self.program.binder(binder).domain.collection() {
            self.pass(collection);
        }
        let elements = elements(self.program, binder);
        if let Some(collections) = &mut self.collections {
            collections.extend(elements);
        }
    }

    /// Adds a term that only has to be there, or to be a list or map.
    fn test(&mut self, term: TermId) {
        let patterns = field_patterns(self.program, term);
        if let Some(collections) = &mut self.collections {
            collections.extend(patterns);
        }
        self.pass(term);
    }

    /// Adds a term whose value is used.
    fn read(&mut self, term: TermId) {
        self.fields.extend(field_patterns(self.program, term));
        self.pass(term);
    }

    /// Adds what is read in order to find a term, without its own value.
    fn pass(&mut self, term: TermId) {
        if !self.passed.insert(term) {
            return;
        }
        let program = self.program;
        match program.term(term) {
            Term::Guard(condition, guarded) => {
                self.condition(*condition);
                self.pass(*guarded);
            }
            Term::Coalesce(terms) => terms.iter().for_each(|term| self.pass(*term)),
            Term::Field(base, _) | Term::AsList(base) | Term::AsMap(base) => self.pass(*base),
            Term::Index(base, key) => {
                self.pass(*base);
                self.read(*key);
            }
            Term::Count(inner) => self.read(*inner),
            Term::Concat(operands) | Term::Call(_, operands) => {
                operands.iter().for_each(|operand| self.read(*operand));
            }
            _ => {}
        }
    }
}

/// The patterns of the fields whose value a term is; none if the value is computed or a literal.
#[must_use]
pub fn field_patterns(program: &Program, term: TermId) -> Vec<FieldPattern> {
    let below = |base: TermId, step: &PatternStep| -> Vec<FieldPattern> {
        field_patterns(program, base)
            .iter()
            .map(|pattern| pattern.then(step.clone()))
            .collect()
    };
    match program.term(term) {
        Term::Object => vec![FieldPattern::of(PatternRoot::Object)],
        Term::PodSpec => vec![FieldPattern::of(PatternRoot::PodSpec)],
        Term::PodMetadata => vec![FieldPattern::of(PatternRoot::PodMetadata)],
        Term::Value(binder) => elements(program, *binder),
        Term::ElementName(binder) => {
            let name = PatternStep::Field("name".to_owned());
            elements(program, *binder)
                .iter()
                .map(|element| element.then(name.clone()))
                .collect()
        }
        Term::Field(base, name) => below(*base, &PatternStep::Field(name.to_string())),
        Term::Index(base, key) => match program.term(*key) {
            Term::Const(Const::String(key)) => below(*base, &PatternStep::Field(key.to_string())),
            _ => below(*base, &PatternStep::Each),
        },
        Term::Guard(_, inner) | Term::AsList(inner) | Term::AsMap(inner) => {
            field_patterns(program, *inner)
        }
        Term::Coalesce(terms) => terms
            .iter()
            .flat_map(|term| field_patterns(program, *term))
            .collect(),
        _ => Vec::new(),
    }
}

/// The patterns of a binder's elements; for containers, one for each of their lists.
#[must_use]
pub fn elements(program: &Program, binder: BinderId) -> Vec<FieldPattern> {
    let list_of_pod_spec = |field: &str| {
        FieldPattern::of(PatternRoot::PodSpec)
            .then(PatternStep::Field(field.to_owned()))
            .then(PatternStep::Each)
    };
    match program.binder(binder).domain {
        Domain::Containers(list) => list
            .fields()
            .iter()
            .map(|field| list_of_pod_spec(field))
            .collect(),
        Domain::Volumes => vec![list_of_pod_spec("volumes")],
        Domain::Elements(collection) | Domain::List(collection) | Domain::Map(collection) => {
            field_patterns(program, collection)
                .iter()
                .map(|pattern| pattern.then(PatternStep::Each))
                .collect()
        }
    }
}
