//! Who looks on while conditions are decided. Nobody does in use, and then it costs nothing; a proof counts.

use super::hash_join::LOOP_STEPS;
use kubevet_ir::ConditionId;

/// Looks on.
pub(crate) trait ConditionObserver {
    /// A condition was decided.
    fn saw(&mut self, cond: ConditionId, held: bool);

    /// An object was judged, in so many steps.
    fn ended(&mut self, steps: u64);

    /// Steps that the loops of a join take before an index is made.
    fn loop_steps(&self) -> u64 {
        LOOP_STEPS
    }
}

/// Nobody.
pub(crate) struct NoObserver;

impl ConditionObserver for NoObserver {
    #[inline]
    fn saw(&mut self, _: ConditionId, _: bool) {}

    fn ended(&mut self, _: u64) {}
}

/// How often each condition of an engine was decided and how, and the steps that judging took.
#[derive(Debug, Clone, Default)]
pub struct ConditionCounts {
    conds: Vec<(u64, u64)>,
    steps: u64,
    immediate_hash_joins: bool,
}

impl ConditionCounts {
    /// As the default, and joins use an index from the first element on: for proof that an index finds what a loop does.
    #[must_use]
    pub fn with_immediate_hash_joins() -> Self {
        Self {
            immediate_hash_joins: true,
            ..Self::default()
        }
    }

    /// The steps of all objects.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// How often a condition held and did not.
    pub(crate) fn of(&self, cond: ConditionId) -> (u64, u64) {
        self.conds.get(cond.index()).copied().unwrap_or_default()
    }
}

impl ConditionObserver for &mut ConditionCounts {
    fn saw(&mut self, cond: ConditionId, held: bool) {
        if self.conds.len() <= cond.index() {
            self.conds.resize(cond.index() + 1, (0, 0));
        }
        if let Some((yes, no)) = self.conds.get_mut(cond.index()) {
            *(if held { yes } else { no }) += 1;
        }
    }

    fn ended(&mut self, steps: u64) {
        self.steps += steps;
    }

    fn loop_steps(&self) -> u64 {
        if self.immediate_hash_joins {
            0
        } else {
            LOOP_STEPS
        }
    }
}
