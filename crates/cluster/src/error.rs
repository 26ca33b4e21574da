//! The errors of calls to an API server, with messages for the operator of the process.

use std::time::Duration;

/// The reason why a call to the API server failed. `call` names it, such as
/// `get secrets kubevet/kubevet-tls`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// No API server is configured: the kubeconfig or the service account cannot be used.
    #[error("{0}")]
    Access(String),
    /// The CustomResourceDefinition of a watched resource is not installed.
    #[error("{0}")]
    NotInstalled(String),
    /// RBAC does not permit the call.
    #[error("{call}: not allowed: {reason}; add the rule {rule}")]
    Forbidden {
        /// The call.
        call: String,
        /// The rule to add, and where.
        rule: String,
        /// The message of the API server.
        reason: String,
    },
    /// There is no such object, or no such resource.
    #[error("{call}: not found: {reason}")]
    NotFound {
        /// The call.
        call: String,
        /// The message of the API server.
        reason: String,
    },
    /// Another client wrote first: read again.
    #[error("{call}: another client changed it first")]
    Conflict {
        /// The call.
        call: String,
    },
    /// There was no response in time.
    #[error("{call}: no answer within {} ms", after.as_millis())]
    TimedOut {
        /// The call.
        call: String,
        /// The timeout.
        after: Duration,
    },
    /// There was no connection, or it broke.
    #[error("{call}: {reason}")]
    Unreachable {
        /// The call.
        call: String,
        /// The chain of causes, outermost first.
        reason: String,
    },
    /// The API server refused the call for any other reason.
    #[error("{call}: the API server answered {code}: {reason}")]
    Refused {
        /// The call.
        call: String,
        /// The HTTP status code.
        code: u16,
        /// The message of the API server.
        reason: String,
    },
    /// The response cannot be used.
    #[error("{call}: {reason}")]
    Unusable {
        /// The call.
        call: String,
        /// The fault of the response.
        reason: String,
    },
}

impl ClusterError {
    /// True if the caller lacks the right, whatever authorizes it.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(
            self,
            Self::Forbidden { .. } | Self::Refused { code: 403, .. }
        )
    }

    /// Returns the reason without the call that it is about, as half a sentence: equal for all calls
    /// that fail alike.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::Access(reason) | Self::NotInstalled(reason) => reason.clone(),
            Self::Forbidden { .. } => "not allowed".to_owned(),
            Self::NotFound { .. } => "the API server does not serve it any more".to_owned(),
            Self::Conflict { .. } => "another client changed it first".to_owned(),
            Self::TimedOut { after, .. } => format!("no answer within {} ms", after.as_millis()),
            Self::Unreachable { reason, .. } | Self::Unusable { reason, .. } => reason.clone(),
            Self::Refused { code, reason, .. } => {
                format!("the API server answered {code}: {reason}")
            }
        }
    }

    /// True if the same call may succeed later without any change.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Conflict { .. } | Self::TimedOut { .. } | Self::Unreachable { .. } => true,
            Self::Refused { code, .. } => *code == 429 || *code >= 500,
            Self::Access(_)
            | Self::NotInstalled(_)
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Unusable { .. } => false,
        }
    }
}
