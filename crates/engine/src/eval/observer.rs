//! Observes the result of every condition, for condition coverage in `policy verify`.
//!
//! Production uses [`NoObserver`]. The evaluator is generic over the observer, so that one compiles
//! to nothing.

use kubevet_ir::ConditionId;

/// An observer of evaluations.
pub(crate) trait ConditionObserver {
    /// A condition was decided. Results from memos are not reported.
    fn decided(&mut self, condition: ConditionId, holds: bool);

    /// The evaluation of an object is complete and took this many steps.
    fn finished(&mut self, steps: u64);

    /// True if joins use an index from the first element on.
    fn has_immediate_hash_joins(&self) -> bool {
        false
    }
}

/// The observer that does nothing.
pub(crate) struct NoObserver;

impl ConditionObserver for NoObserver {
    #[inline]
    fn decided(&mut self, _: ConditionId, _: bool) {}

    #[inline]
    fn finished(&mut self, _: u64) {}
}

impl<O: ConditionObserver> ConditionObserver for &mut O {
    #[inline]
    fn decided(&mut self, condition: ConditionId, holds: bool) {
        (**self).decided(condition, holds);
    }

    #[inline]
    fn finished(&mut self, steps: u64) {
        (**self).finished(steps);
    }

    #[inline]
    fn has_immediate_hash_joins(&self) -> bool {
        (**self).has_immediate_hash_joins()
    }
}

/// The number of times that each condition of an engine was true and false, and the steps of all
/// evaluations.
#[derive(Debug, Clone, Default)]
pub struct ConditionCounts {
    /// The numbers of true and false results, by index of the condition.
    counts: Vec<(u64, u64)>,
    steps: u64,
    has_immediate_hash_joins: bool,
}

impl ConditionCounts {
    /// Counts of evaluations in which joins use an index from the first element on. Tests compare
    /// them with evaluations by loops.
    #[must_use]
    pub fn with_immediate_hash_joins() -> Self {
        Self {
            has_immediate_hash_joins: true,
            ..Self::default()
        }
    }

    /// The steps of all evaluations.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The number of times that a condition was true and false.
    pub(crate) fn of(&self, condition: ConditionId) -> (u64, u64) {
        self.counts
            .get(condition.index())
            .copied()
            .unwrap_or_default()
    }
}

impl ConditionObserver for ConditionCounts {
    fn decided(&mut self, condition: ConditionId, holds: bool) {
        if self.counts.len() <= condition.index() {
            self.counts.resize(condition.index() + 1, (0, 0));
        }
        if let Some((held, failed)) = self.counts.get_mut(condition.index()) {
            *(if holds { held } else { failed }) += 1;
        }
    }

    fn finished(&mut self, steps: u64) {
        self.steps += steps;
    }

    #[inline]
    fn has_immediate_hash_joins(&self) -> bool {
        self.has_immediate_hash_joins
    }
}
