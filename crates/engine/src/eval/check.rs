//! The unit of a loop plan: conditions that are decided together, for all clauses that need them.

use kubevet_ir::ConditionId;

/// Conditions at one level, and the clauses that need them there.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) conditions: Box<[ConditionId]>,
    pub(super) clauses: Vec<ClauseCheck>,
    /// True if some clause has a further level, which asks for the result.
    pub(super) has_inner: bool,
}

/// A check as a step of one clause.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClauseCheck {
    /// The number of the result.
    pub(super) number: usize,
    /// The check of the same clause in an outer level, which must hold; `None` for the first.
    pub(super) parent: Option<usize>,
    /// The index of the clause in the plan.
    pub(super) clause: usize,
    /// True if the clause has no further level: it fires if the check holds.
    pub(super) is_last: bool,
}
