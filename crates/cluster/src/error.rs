//! What can go wrong on the way to an API server, in words for whoever runs the process.

use std::time::Duration;

/// Why something that was asked of the API server did not happen. `what` is always the call, such as
/// `get secret kubevet/kubevet-tls`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// There is no way to an API server: a kubeconfig that cannot be used, or no service account.
    #[error("{0}")]
    Access(String),
    /// RBAC does not allow it.
    #[error("{what}: not allowed: {why}; add the rule {rule}")]
    Forbidden {
        /// The call.
        what: String,
        /// The rule to add, and where.
        rule: String,
        /// The API server's words.
        why: String,
    },
    /// There is no such object, or no such resource.
    #[error("{what}: not found: {why}")]
    Missing {
        /// The call.
        what: String,
        /// The API server's words.
        why: String,
    },
    /// Somebody else wrote first: read again.
    #[error("{what}: somebody else changed it first")]
    Conflict {
        /// The call.
        what: String,
    },
    /// No answer in time.
    #[error("{what}: no answer within {} ms", after.as_millis())]
    TimedOut {
        /// The call.
        what: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// No connection, or one that broke.
    #[error("{what}: {why}")]
    Unreachable {
        /// The call.
        what: String,
        /// From the outermost cause to the innermost.
        why: String,
    },
    /// Any other answer than yes.
    #[error("{what}: the API server answered {code}: {why}")]
    Refused {
        /// The call.
        what: String,
        /// The HTTP status.
        code: u16,
        /// The API server's words.
        why: String,
    },
    /// The answer came, and cannot be used.
    #[error("{what}: {why}")]
    Unusable {
        /// The call.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

impl ClusterError {
    /// Whether the same call may well succeed later, with nothing changed by hand.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Conflict { .. } | Self::TimedOut { .. } | Self::Unreachable { .. } => true,
            Self::Refused { code, .. } => *code == 429 || *code >= 500,
            Self::Access(_)
            | Self::Forbidden { .. }
            | Self::Missing { .. }
            | Self::Unusable { .. } => false,
        }
    }
}
