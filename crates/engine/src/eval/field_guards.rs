//! The checks of a level as a tree of the fields that they need: where a field is absent, nothing
//! below it is decided.

use super::{
    check::{Check, CheckNumber},
    required_fields::compare_paths,
    side_tables::SideTables,
};
use kubevet_ir::{Condition, ConditionId, Program, TermId};

/// The checks that need a field.
#[derive(Debug)]
pub(super) struct FieldGuard {
    /// The field: a `Term::Field`.
    pub(super) field: TermId,
    /// The checks that need no field within it.
    pub(super) checks: Vec<Check>,
    /// The fields within it that others need.
    pub(super) guards: Vec<FieldGuard>,
    /// The numbers of all checks here and within, except those that are the last of their clause:
    /// other checks ask for their results.
    pub(super) numbers: Vec<CheckNumber>,
}

/// Splits the checks of a level into those that need no field and those that do.
pub(super) fn guard_by_fields(
    program: &Program,
    tables: &SideTables,
    checks: Vec<Check>,
) -> (Vec<Check>, Vec<FieldGuard>) {
    let (mut unguarded, mut guards) = (Vec::new(), Vec::new());
    for mut check in checks {
        let path = longest_path(tables, &check);
        check.conditions = not_proved(program, &check.conditions, path);
        insert(&mut guards, path, check, &mut unguarded);
    }
    (unguarded, guards)
}

/// The conditions that say more than that the fields are there.
fn not_proved(
    program: &Program,
    conditions: &[ConditionId],
    path: &[TermId],
) -> Box<[ConditionId]> {
    let is_proved = |condition: &ConditionId| match program.condition(*condition) {
        Condition::Defined(term) => path.contains(term),
        _ => false,
    };
    let conditions = conditions.iter().copied();
    conditions
        .filter(|condition| !is_proved(condition))
        .collect()
}

fn insert(guards: &mut Vec<FieldGuard>, path: &[TermId], check: Check, checks: &mut Vec<Check>) {
    let Some((field, within)) = path.split_first() else {
        checks.push(check);
        return;
    };
    let position = guards.iter().position(|guard| guard.field == *field);
    let position = position.unwrap_or_else(|| {
        guards.push(FieldGuard {
            field: *field,
            checks: Vec::new(),
            guards: Vec::new(),
            numbers: Vec::new(),
        });
        guards.len() - 1
    });
    if let Some(guard) = guards.get_mut(position) {
        let with_inner = check.clauses.iter().filter(|clause| !clause.is_last);
        guard.numbers.extend(with_inner.map(|clause| clause.number));
        insert(&mut guard.guards, within, check, &mut guard.checks);
    }
}

/// The fields that a check needs, one within the other, as those of its conditions.
fn longest_path<'t>(tables: &'t SideTables, check: &Check) -> &'t [TermId] {
    let conditions = check.conditions.iter();
    let paths = conditions.map(|condition| tables.required_path(*condition));
    paths.min_by(|a, b| compare_paths(a, b)).unwrap_or_default()
}
