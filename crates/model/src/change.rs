//! A change of a cluster that is watched after a scan: a finding that is new or gone.

use super::{ControlId, ObjectId, Severity};
use std::sync::Arc;

/// A change of the findings of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The object.
    pub object: Arc<ObjectId>,
    /// What changed.
    pub kind: ChangeKind,
    /// The control of the finding.
    pub control: ControlId,
    /// The severity of the finding.
    pub severity: Severity,
    /// The message of the finding.
    pub message: String,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum ChangeKind {
    /// The object has a finding that it did not have.
    New,
    /// The object does not have the finding any more.
    Fixed,
    /// The object with the finding was deleted.
    Deleted,
}

impl ChangeKind {
    /// The name in reports, such as `fixed`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}
