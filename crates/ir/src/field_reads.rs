//! Which fields the conditions behind a finding's path read, as patterns: for each place where a condition or a function
//! takes a value, the way that leads there from the object.
//!
//! The answer is static: it holds for every object, and says nothing about which fields an object has.

use super::{
    BinderId, Clause, CompiledControl, Condition, ConditionId, Const, Domain, Program, Term,
    TermId, ValueType,
};
use kubevet_model::{ElementField, FieldPattern, PathReads, PatternRoot, PatternStep};
use std::collections::{BTreeMap, BTreeSet};

/// For each path of a control's findings, what the conditions of all bodies with that path read at or below the elements
/// that it names. A path that cannot be told from the program has no entry.
pub fn path_reads(program: &Program, compiled: &CompiledControl) -> Vec<PathReads> {
    let below = |path: &FieldPattern, reads: &BTreeSet<FieldPattern>| -> Vec<ElementField> {
        let fields: BTreeSet<_> = reads
            .iter()
            .filter_map(|it| ElementField::between(it, path))
            .collect();
        fields.into_iter().collect()
    };
    let fields = fields_read(program, compiled);
    fields
        .into_iter()
        .map(|(path, reads)| PathReads {
            fields: below(&path, &reads),
            path,
        })
        .collect()
}

/// All fields that the conditions of a control read, for each path of its findings.
pub fn fields_read(
    program: &Program,
    compiled: &CompiledControl,
) -> BTreeMap<FieldPattern, BTreeSet<FieldPattern>> {
    let mut fields: BTreeMap<FieldPattern, BTreeSet<FieldPattern>> = BTreeMap::new();
    for deny in &compiled.clauses {
        let reads = reads_of(program, deny);
        for path in deny.paths.iter().flat_map(|it| path_patterns(program, *it)) {
            fields
                .entry(path)
                .or_default()
                .extend(reads.iter().cloned());
        }
    }
    fields
}

fn reads_of(program: &Program, deny: &Clause) -> BTreeSet<FieldPattern> {
    let mut reads = Reads {
        program,
        fields: BTreeSet::new(),
        conds: BTreeSet::new(),
        terms: BTreeSet::new(),
    };
    deny.when.iter().for_each(|it| reads.condition(*it));
    deny.binders.iter().for_each(|it| reads.domain(*it));
    reads.fields
}

/// The patterns of a path, one for each way it can be written; none where that cannot be told.
pub fn path_patterns(program: &Program, path: TermId) -> Vec<FieldPattern> {
    match program.term(path) {
        Term::Guard(_, path) => path_patterns(program, *path),
        Term::Coalesce(paths) => paths
            .iter()
            .flat_map(|it| path_patterns(program, *it))
            .collect(),
        Term::Concat(pieces) => follow(program, pieces),
        _ => follow(program, &[path]),
    }
}

/// Reads the pieces of a path: what it begins with, fields, and keys in brackets.
fn follow(program: &Program, pieces: &[TermId]) -> Vec<FieldPattern> {
    let Some(first) = pieces.first() else {
        return Vec::new();
    };
    let (mut patterns, rest) = match program.term(*first) {
        Term::ElementPath(binder) => (elements(program, *binder), pieces.get(1..)),
        Term::PodSpecPath => (
            vec![FieldPattern::of(PatternRoot::PodSpec)],
            pieces.get(1..),
        ),
        Term::PodMetadataPath => (
            vec![FieldPattern::of(PatternRoot::PodMetadata)],
            pieces.get(1..),
        ),
        Term::Const(Const::String(_)) => {
            (vec![FieldPattern::of(PatternRoot::Object)], Some(pieces))
        }
        _ => return Vec::new(),
    };
    let mut in_brackets = false;
    let mut extend = |step: PatternStep| {
        patterns
            .iter_mut()
            .for_each(|it| it.steps.push(step.clone()))
    };
    for piece in rest.unwrap_or_default() {
        let Term::Const(Const::String(text)) = program.term(*piece) else {
            if !in_brackets {
                return Vec::new();
            }
            extend(PatternStep::Each);
            continue;
        };
        let mut word = String::new();
        for character in text.chars() {
            match character {
                '.' | '[' if !in_brackets => {
                    in_brackets = character == '[';
                    take_field(&mut word, &mut extend);
                }
                ']' if in_brackets => {
                    in_brackets = false;
                    take_field(&mut word, &mut extend);
                }
                _ => word.push(character),
            }
        }
        take_field(&mut word, &mut extend);
    }
    patterns
}

fn take_field(word: &mut String, extend: &mut impl FnMut(PatternStep)) {
    if !word.is_empty() {
        extend(PatternStep::Field(std::mem::take(word)));
    }
}

struct Reads<'p> {
    program: &'p Program,
    fields: BTreeSet<FieldPattern>,
    conds: BTreeSet<ConditionId>,
    terms: BTreeSet<TermId>,
}

impl Reads<'_> {
    fn condition(&mut self, id: ConditionId) {
        if !self.conds.insert(id) {
            return;
        }
        match self.program.condition(id) {
            Condition::True => {}
            Condition::And(conds) | Condition::Or(conds) => {
                conds.iter().for_each(|it| self.condition(*it))
            }
            Condition::Not(cond) => self.condition(*cond),
            // An element that only has to be a map or list is not read as a whole.
            Condition::HasType(term, ValueType::Map | ValueType::List)
                if matches!(self.program.term(*term), Term::Value(_)) => {}
            Condition::Defined(term)
            | Condition::Truthy(term)
            | Condition::HasType(term, _)
            | Condition::OneOf(term, _) => self.read(*term),
            Condition::Compare(_, a, b) | Condition::Member(a, b) => {
                self.read(*a);
                self.read(*b);
            }
            Condition::Predicate(_, parts) => parts.iter().for_each(|it| self.read(*it)),
            Condition::Any(binder, cond) => {
                self.domain(*binder);
                self.condition(*cond);
            }
        }
    }

    /// What a loop goes over is not read as a whole: its elements are, where a condition takes them.
    fn domain(&mut self, binder: BinderId) {
        if let Domain::Elements(term) | Domain::List(term) | Domain::Map(term) =
            self.program.binder(binder).domain
        {
            self.conditions_of(term);
        }
    }

    /// Somebody takes the value of a term.
    fn read(&mut self, term: TermId) {
        let fields = places(self.program, term);
        self.fields.extend(fields);
        self.conditions_of(term);
    }

    /// What is read on the way to a term's value.
    fn conditions_of(&mut self, term: TermId) {
        if !self.terms.insert(term) {
            return;
        }
        match self.program.term(term) {
            Term::Guard(cond, term) => {
                self.condition(*cond);
                self.conditions_of(*term);
            }
            Term::Coalesce(terms) => terms.iter().for_each(|it| self.conditions_of(*it)),
            Term::Field(of, _) | Term::AsList(of) | Term::AsMap(of) => self.conditions_of(*of),
            Term::Index(of, at) => {
                self.conditions_of(*of);
                self.read(*at);
            }
            Term::Count(of) => self.read(*of),
            Term::Concat(parts) | Term::Call(_, parts) => {
                parts.iter().for_each(|it| self.read(*it))
            }
            _ => {}
        }
    }
}

/// The ways to what a term gives as it stands in the object; none where it is made or written out.
fn places(program: &Program, term: TermId) -> Vec<FieldPattern> {
    let below = |of: TermId, step: &PatternStep| -> Vec<FieldPattern> {
        places(program, of)
            .iter()
            .map(|it| it.then(step.clone()))
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
                .map(|it| it.then(name.clone()))
                .collect()
        }
        Term::Field(of, name) => below(*of, &PatternStep::Field(name.to_string())),
        Term::Index(of, at) => match program.term(*at) {
            Term::Const(Const::String(key)) => below(*of, &PatternStep::Field(key.to_string())),
            _ => below(*of, &PatternStep::Each),
        },
        Term::Guard(_, term) | Term::AsList(term) | Term::AsMap(term) => places(program, *term),
        Term::Coalesce(terms) => terms.iter().flat_map(|it| places(program, *it)).collect(),
        _ => Vec::new(),
    }
}

/// The elements that a binder goes over; for containers, of each of their lists.
pub fn elements(program: &Program, binder: BinderId) -> Vec<FieldPattern> {
    let of_pod = |list: &str| {
        FieldPattern::of(PatternRoot::PodSpec)
            .then(PatternStep::Field(list.to_owned()))
            .then(PatternStep::Each)
    };
    match program.binder(binder).domain {
        Domain::Containers(list) => list.fields().iter().map(|it| of_pod(it)).collect(),
        Domain::Volumes => vec![of_pod("volumes")],
        Domain::Elements(term) | Domain::List(term) | Domain::Map(term) => places(program, term)
            .iter()
            .map(|it| it.then(PatternStep::Each))
            .collect(),
    }
}
