//! The reactions of a binding to violations. The names are those of files, logs and metrics.

use strum::VariantArray as _;

/// A reaction to a violation, the mildest first. The names are those of a
/// ValidatingAdmissionPolicyBinding's `validationActions`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
pub enum Action {
    /// The API server writes it into its audit log.
    Audit,
    /// The client is shown a warning; the request is admitted.
    Warn,
    /// The request is rejected.
    Deny,
}

impl Action {
    /// All actions, the mildest first.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in files: `Audit`, `Warn`, `Deny`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The violations of an UPDATE that are enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnUpdate {
    /// Only violations that the old object did not have; of the others, a warning is given.
    #[default]
    New,
    /// Every violation of the new object.
    All,
}

/// The reaction to an object that a built-in controller creates for an owner that was checked
/// itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnOwned {
    /// A warning: a denial would stop the rollout of an owner that was admitted before.
    #[default]
    Warn,
    /// The action of any other object.
    Deny,
}

/// The reaction to a request that could not be evaluated, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum OnUnevaluated {
    /// It is admitted, and the client is shown nothing.
    Allow,
    /// It is admitted with a warning.
    Warn,
    /// It is rejected, if the binding denies at all.
    #[default]
    Deny,
}
