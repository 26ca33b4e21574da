//! What a binding does about findings: plain words, so that files, logs and metrics agree on them.

use std::fmt;

/// What is done about a finding, least first. The words are those of a ValidatingAdmissionPolicyBinding's
/// `validationActions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Written into the API server's audit log.
    Audit,
    /// Shown to the client; the request goes through.
    Warn,
    /// The request is refused.
    Deny,
}

impl Action {
    /// All of them, least first.
    pub const ALL: [Self; 3] = [Self::Audit, Self::Warn, Self::Deny];

    /// The word used in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Audit => "Audit",
            Self::Warn => "Warn",
            Self::Deny => "Deny",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// What an UPDATE is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnUpdate {
    /// Only what it brings in; what the old object had is warned of.
    #[default]
    New,
    /// Everything that is wrong with the new object.
    All,
}

/// What happens to an object that a built-in controller makes for an owner that was judged itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnOwned {
    /// Warned of: denying it would hang the rollout of an owner that is already in.
    #[default]
    Warn,
    /// Treated as any other.
    Deny,
}

/// What happens to a request that could not be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum OnUnevaluated {
    /// It goes through without a word to the client.
    Allow,
    /// It goes through with a warning.
    Warn,
    /// It is refused, where the binding denies at all.
    #[default]
    Deny,
}
