//! The unit of a loop plan: conditions that are decided together, for all clauses that need them.

use kubevet_ir::ConditionId;

/// A clause: the index of its control among the compiled ones, and its index in the control.
pub(super) type ClauseIndex = (usize, usize);

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
    pub(super) number: CheckNumber,
    /// The check of the same clause in an outer level, which must hold; `None` for the first.
    pub(super) parent: Option<CheckNumber>,
    /// The number of the clause among those of all controls.
    pub(super) clause: u32,
    /// True if the clause has no further level: it fires if the check holds.
    pub(super) is_last: bool,
}

/// The number of a result among those of a plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct CheckNumber(u32);

impl CheckNumber {
    pub(super) fn new(number: usize) -> Self {
        Self(u32::try_from(number).unwrap_or(u32::MAX))
    }

    #[inline]
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}
