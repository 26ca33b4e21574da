//! Controls that an export leaves out, and why: what no policy enforces is never left out silently.

use kubevet_model::ControlId;

/// The reason why a control is not in an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// It has no exact form in CEL.
    Unsupported,
    /// Its scope is files alone.
    FilesAlone,
    /// It lacks the params without which it finds nothing.
    NotConfigured,
    /// Its binding matches none of its kinds.
    Unreached,
}

/// A control that is not in the export.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SkippedControl {
    /// The control.
    pub control: ControlId,
    /// The reason.
    pub reason: SkipReason,
    /// The reason as the rest of a sentence that begins with the id.
    pub message: String,
}

impl SkippedControl {
    /// True if the webhook enforces what the policies do not.
    #[must_use]
    pub fn is_missed(&self) -> bool {
        self.reason == SkipReason::Unsupported
    }
}
