//! The outcome of a control over all objects of a scan.
//!
//! It is apart from the scan, since the counts in a scan are by status.

/// The outcome of a control in a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
#[strum(serialize_all = "camelCase")]
pub enum ControlStatus {
    /// An object fails it.
    Failed,
    /// It could not be evaluated for an object of its kinds. Never a success.
    NotEvaluated,
    /// It was evaluated, and no object fails it.
    Passed,
    /// There is no object of its kinds, or it applies to none of them.
    NotApplicable,
    /// None of the params that it needs has a value.
    NotConfigured,
}

impl ControlStatus {
    /// The name in reports, such as `notEvaluated`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}
