//! The fields that an object must have for a condition to hold. Most fields of most objects are
//! absent, so a loop plan asks for a field once and skips all checks that need it.
//!
//! Every answer is proved from the structure of the condition: a field that is not named here may
//! be needed all the same.

use kubevet_ir::{
    Comparison, Condition, ConditionId, Const, Domain, Program, Term, TermId, ValueType,
};
use std::{cmp::Ordering, collections::BTreeSet};

/// The fields that a condition needs, one within the other, the outermost first. Of several such
/// paths it is the longest: it leads to the field that is least often there.
pub(super) fn longest_required_path(program: &Program, condition: ConditionId) -> Box<[TermId]> {
    let fields = required_fields(program, condition).into_iter();
    let paths = fields.map(|field| path_to(program, field));
    let longest = paths.min_by(|a, b| compare_paths(a, b));
    longest.unwrap_or_default().into()
}

/// Longer paths come first. Of paths of one length one is always the first, so that checks of one
/// field have one path.
pub(super) fn compare_paths(a: &[TermId], b: &[TermId]) -> Ordering {
    b.len().cmp(&a.len()).then_with(|| a.cmp(b))
}

fn path_to(program: &Program, field: TermId) -> Vec<TermId> {
    let mut path = vec![field];
    let mut next = field;
    while let Term::Field(base, _) = program.term(next)
        && matches!(program.term(*base), Term::Field(..))
    {
        path.push(*base);
        next = *base;
    }
    path.reverse();
    path
}

/// The terms, all of them `Term::Field`, that are defined wherever a condition holds.
fn required_fields(program: &Program, condition: ConditionId) -> BTreeSet<TermId> {
    match program.condition(condition) {
        Condition::True | Condition::Not(_) => BTreeSet::new(),
        Condition::And(conditions) => {
            let parts = conditions.iter();
            parts
                .flat_map(|part| required_fields(program, *part))
                .collect()
        }
        Condition::Or(conditions) => in_all(
            conditions
                .iter()
                .map(|part| required_fields(program, *part)),
        ),
        Condition::Any(binder, _) => match &program.binder(*binder).domain {
            Domain::Elements(term) | Domain::List(term) | Domain::Map(term) => {
                fields_of_non_empty(program, *term)
            }
            Domain::Containers(_) | Domain::Volumes => BTreeSet::new(),
        },
        test => {
            let operands = test.operands().into_iter();
            operands
                .flat_map(|operand| match program.term(operand) {
                    Term::Coalesce(terms) if !accepts_default(program, test, terms) => terms
                        .first()
                        .map_or_else(BTreeSet::new, |term| fields_of_defined(program, *term)),
                    _ => fields_of_defined(program, operand),
                })
                .collect()
        }
    }
}

/// True unless a test is known to fail for the default of an operand: `object.get(x, ["a"], "") !=
/// ""` needs `x.a`.
fn accepts_default(program: &Program, test: &Condition, terms: &[TermId]) -> bool {
    let [_, default] = terms else {
        return true;
    };
    let Term::Const(default) = program.term(*default) else {
        return true;
    };
    match test {
        Condition::Compare(comparison, left, right) => {
            let mut literals =
                [left, right]
                    .into_iter()
                    .filter_map(|side| match program.term(*side) {
                        Term::Const(literal) => Some(literal),
                        _ => None,
                    });
            let literal = literals.next();
            literal.is_none_or(|literal| match comparison {
                Comparison::Equal => literal == default,
                Comparison::NotEqual => literal != default,
                _ => true,
            })
        }
        Condition::OneOf(_, literals) => literals.contains(default),
        Condition::Truthy(_) => *default != Const::Bool(false),
        Condition::HasType(_, value_type) => type_of(default) == *value_type,
        _ => true,
    }
}

fn type_of(literal: &Const) -> ValueType {
    match literal {
        Const::Null => ValueType::Null,
        Const::Bool(_) => ValueType::Bool,
        Const::Int(_) => ValueType::Number,
        Const::String(_) => ValueType::String,
        Const::EmptyList => ValueType::List,
        Const::EmptyMap => ValueType::Map,
    }
}

/// The fields without which a term is undefined.
fn fields_of_defined(program: &Program, term: TermId) -> BTreeSet<TermId> {
    match program.term(term) {
        Term::Field(base, _) => {
            let mut fields = fields_of_defined(program, *base);
            fields.insert(term);
            fields
        }
        Term::Guard(condition, operand) => {
            let mut fields = required_fields(program, *condition);
            fields.extend(fields_of_defined(program, *operand));
            fields
        }
        Term::Coalesce(terms) => in_all(terms.iter().map(|term| fields_of_defined(program, *term))),
        strict => {
            let operands = strict.operands().into_iter();
            operands
                .flat_map(|operand| fields_of_defined(program, operand))
                .collect()
        }
    }
}

/// The fields without which a term is undefined or has no elements.
fn fields_of_non_empty(program: &Program, term: TermId) -> BTreeSet<TermId> {
    let is_empty = |term: &TermId| {
        matches!(
            program.term(*term),
            Term::Const(Const::EmptyList | Const::EmptyMap)
        )
    };
    match program.term(term) {
        Term::AsList(operand) | Term::AsMap(operand) => fields_of_non_empty(program, *operand),
        Term::Coalesce(terms) => {
            let others = terms.iter().filter(|term| !is_empty(term));
            in_all(others.map(|term| fields_of_non_empty(program, *term)))
        }
        _ => fields_of_defined(program, term),
    }
}

/// What is in all of the sets.
fn in_all(sets: impl Iterator<Item = BTreeSet<TermId>>) -> BTreeSet<TermId> {
    sets.reduce(|all, set| &all & &set).unwrap_or_default()
}
