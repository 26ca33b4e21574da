//! Memoization by binder version.
//!
//! A term depends on the object, the params and the elements of its free binders. Each move of a
//! binder gets a new number from one clock, its version; the version of a term is the largest
//! version of its free binders. A memo stores the version at which its value was computed. It is
//! current if the version of the term is the same now: no free binder has moved since. Nothing has
//! to be cleared when a loop moves on, or between objects: the start of an object has a version
//! too, and it is the least version of every term.

use super::{
    evaluator::Evaluator,
    memo_plan::MemoPolicy,
    observer::ConditionObserver,
    value::{PackedValue, Value},
};
use kubevet_ir::{ConditionId, TermId};

impl<O: ConditionObserver> Evaluator<'_, O> {
    /// Returns the value of a term, from its memo if that is current.
    #[inline]
    pub(super) fn term(&mut self, id: TermId) -> Value {
        self.packed_term(id).unpack()
    }

    /// As [`Evaluator::term`].
    pub(super) fn packed_term(&mut self, id: TermId) -> PackedValue {
        let Some(planned) = self.context.tables.terms.get(id) else {
            return PackedValue::UNDEFINED;
        };
        let Some(version) = self.memo_version(planned.memo) else {
            return self.compute(id, &planned.operation);
        };
        if let Some((computed_at, value)) = self.scratch.terms.get(id.index())
            && *computed_at == version
        {
            return *value;
        }
        let value = self.compute(id, &planned.operation);
        // An `Any` inside restores the state of its binder, so the version still holds.
        if let Some(memo) = self.scratch.terms.get_mut(id.index()) {
            *memo = (version, value);
        }
        value
    }

    /// Returns the result of a condition, from its memo if that is current.
    pub(super) fn holds(&mut self, id: ConditionId) -> bool {
        let Some(planned) = self.context.tables.conditions.get(id) else {
            return false;
        };
        let Some(version) = self.memo_version(planned.memo) else {
            return self.decide(id, &planned.operation);
        };
        if let Some((computed_at, holds)) = self.scratch.conditions.get(id.index())
            && *computed_at == version
        {
            return *holds;
        }
        let holds = self.decide(id, &planned.operation);
        if let Some(memo) = self.scratch.conditions.get_mut(id.index()) {
            *memo = (version, holds);
        }
        holds
    }

    /// The version of a node now: the latest move of its free binders, and no less than the start
    /// of the object. `None` if the node is not memoized.
    #[inline]
    fn memo_version(&self, policy: MemoPolicy) -> Option<u32> {
        let versions = &self.scratch.versions;
        let version = |place: u16| versions.get(usize::from(place)).copied().unwrap_or(0);
        match policy {
            MemoPolicy::Never => None,
            MemoPolicy::OfObject => Some(self.valid_since),
            MemoPolicy::OfElement(place) => Some(self.valid_since.max(version(place))),
            MemoPolicy::OfElements(places) => {
                let [first, second, third] = places.map(version);
                Some(self.valid_since.max(first).max(second.max(third)))
            }
        }
    }
}
