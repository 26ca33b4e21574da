//! The outcome of a control, and of a requirement of a framework, over all objects of a scan.
//!
//! They are apart from the scan, since the counts in a scan are by status.

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

/// The outcome of a requirement in a scan. The controls of a requirement are never more than a part
/// of its proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
#[strum(serialize_all = "camelCase")]
pub enum RequirementStatus {
    /// One of its controls failed.
    Failed,
    /// Some of its controls passed, and others were not evaluated.
    Incomplete,
    /// None of its controls was evaluated.
    NotEvaluated,
    /// Each of its controls that applies passed.
    Passed,
    /// None of its controls applies to an object, or has the params that it needs.
    NotApplicable,
    /// It has no controls.
    NotCheckable,
}

impl RequirementStatus {
    /// The name in reports, such as `notCheckable`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The words in reports for people, such as `not checkable`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
            Self::NotEvaluated => "not evaluated",
            Self::Passed => "passed",
            Self::NotApplicable => "not applicable",
            Self::NotCheckable => "not checkable",
        }
    }
}
