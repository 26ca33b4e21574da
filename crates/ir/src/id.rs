//! Typed ids of a program's terms, conditions and binders.
//!
//! Only a [`super::Program`] makes ids. An id is meaningful in that program and in its clones.

use serde::{Deserialize, Serialize};

/// The id of a term of a [`super::Program`].
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TermId(u32);

/// The id of a condition of a [`super::Program`].
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConditionId(u32);

/// The id of a binder of a [`super::Program`].
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BinderId(u32);

/// The id of a node of any sort, as a direct child of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeId {
    /// A term.
    Term(TermId),
    /// A condition.
    Condition(ConditionId),
    /// A binder whose element or key is used, or which a condition binds.
    Binder(BinderId),
}

impl TermId {
    /// The index of the term in a table over all terms.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The id of no term.
    pub(crate) const NONE: Self = Self(u32::MAX);

    pub(crate) fn at(index: usize) -> Self {
        Self(id_of(index))
    }
}

impl ConditionId {
    /// The index of the condition in a table over all conditions.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn at(index: usize) -> Self {
        Self(id_of(index))
    }
}

impl BinderId {
    /// The index of the binder in a table over all binders.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn at(index: usize) -> Self {
        Self(id_of(index))
    }
}

/// The lowering budget keeps a program far below `u32::MAX` nodes; an index beyond it becomes the
/// id of nothing.
fn id_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
