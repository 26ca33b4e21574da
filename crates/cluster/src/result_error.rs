//! Why a result is not written, from the answers of an API server (pure).

use super::ClusterError;
use kubevet_model::ResultKey;

/// Why a result was not written or not removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResultError {
    /// The results together are as many as they may be.
    #[error(
        "{0}: not written: the results are at the bound for their number or bytes; raise it, or write fewer kinds"
    )]
    Full(ResultKey),
    /// This replica is not the leader any more.
    #[error("{0}: not written: this replica is not the leader")]
    NotLeader(ResultKey),
    /// The API server does not serve the kind.
    #[error(
        "{0}: not written: the API server does not serve this kind; `kubevet manifests results-crds` prints its definition"
    )]
    NotInstalled(ResultKey),
    /// The store of the API server is full.
    #[error("{key}: not written: the store of the API server is full: {reason}")]
    StoreFull {
        /// The result.
        key: ResultKey,
        /// The message of the API server.
        reason: String,
    },
    /// A quota is exceeded.
    #[error(
        "{key}: not written: {reason}; raise the quota of the namespace, or take results out of it"
    )]
    Quota {
        /// The result.
        key: ResultKey,
        /// The message of the API server.
        reason: String,
    },
    /// A webhook or policy has denied it.
    #[error("{key}: not written: {reason}; exempt kubevet's service account there")]
    Denied {
        /// The result.
        key: ResultKey,
        /// The message of the API server.
        reason: String,
    },
    /// Any other failure.
    #[error("{key}: {error}")]
    Failed {
        /// The result.
        key: ResultKey,
        /// The error of the last call.
        error: ClusterError,
    },
}

impl ResultError {
    /// The reason as one word, for metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Full(_) => "full",
            Self::NotLeader(_) => "not_leader",
            Self::NotInstalled(_) => "not_installed",
            Self::StoreFull { .. } => "store_full",
            Self::Quota { .. } => "quota",
            Self::Denied { .. } => "denied",
            Self::Failed { error, .. } => match error {
                ClusterError::Forbidden { .. } => "forbidden",
                ClusterError::Conflict { .. } => "conflict",
                ClusterError::TimedOut { .. } => "timed_out",
                ClusterError::Unreachable { .. } => "unreachable",
                ClusterError::Refused { code: 429, .. } => "throttled",
                ClusterError::Refused { code: 413, .. } => "too_large",
                ClusterError::Refused { code, .. } if *code >= 500 => "server_error",
                _ => "refused",
            },
        }
    }

    /// What else cannot be written for the same reason.
    pub(super) fn scope(&self) -> FailureScope {
        match self {
            Self::NotLeader(_) | Self::StoreFull { .. } => FailureScope::Everything,
            Self::NotInstalled(_) => FailureScope::Kind,
            Self::Failed { error, .. } => match error {
                ClusterError::Forbidden { .. } => FailureScope::Kind,
                error if error.is_transient() => FailureScope::Transient,
                _ => FailureScope::Object,
            },
            Self::Full(_) | Self::Quota { .. } | Self::Denied { .. } => FailureScope::Object,
        }
    }

    /// The same error for another result.
    pub(super) fn for_key(&self, key: &ResultKey) -> Self {
        let key = key.clone();
        match self {
            Self::Full(_) => Self::Full(key),
            Self::NotLeader(_) => Self::NotLeader(key),
            Self::NotInstalled(_) => Self::NotInstalled(key),
            Self::StoreFull { reason, .. } => Self::StoreFull {
                key,
                reason: reason.clone(),
            },
            Self::Quota { reason, .. } => Self::Quota {
                key,
                reason: reason.clone(),
            },
            Self::Denied { reason, .. } => Self::Denied {
                key,
                reason: reason.clone(),
            },
            Self::Failed { error, .. } => Self::Failed {
                key,
                error: error.clone(),
            },
        }
    }
}

/// What a failure is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailureScope {
    /// The object alone.
    Object,
    /// All objects of the kind.
    Kind,
    /// All objects.
    Everything,
    /// It may pass.
    Transient,
}

/// What the answer to a write means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WriteAnswer {
    /// The namespace is gone or going, and the subject with it.
    NamespaceGone,
    /// The same call may succeed later.
    TryAgain(ResultError),
    /// It will not succeed.
    Error(ResultError),
}

impl WriteAnswer {
    /// Decides what the failure of a write means.
    pub(super) fn of(key: &ResultKey, error: ClusterError) -> Self {
        let key = key.clone();
        match &error {
            ClusterError::NotFound { reason, .. } if reason.contains("namespaces \"") => {
                Self::NamespaceGone
            }
            ClusterError::NotFound { .. } => Self::Error(ResultError::NotInstalled(key)),
            ClusterError::Refused { reason, .. } => {
                let reason = reason.clone();
                if reason.contains("because it is being terminated") {
                    Self::NamespaceGone
                } else if reason.contains("exceeded quota")
                    || reason.contains("status unknown for quota")
                {
                    Self::Error(ResultError::Quota { key, reason })
                } else if reason.contains("denied the request") || reason.contains("denied request")
                {
                    Self::Error(ResultError::Denied { key, reason })
                } else if reason.contains("database space exceeded") {
                    Self::Error(ResultError::StoreFull { key, reason })
                } else if error.is_transient() {
                    Self::TryAgain(ResultError::Failed { key, error })
                } else {
                    Self::Error(ResultError::Failed { key, error })
                }
            }
            error_of_call if error_of_call.is_transient() => {
                Self::TryAgain(ResultError::Failed { key, error })
            }
            _ => Self::Error(ResultError::Failed { key, error }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_model::ResultKind;

    /// Checks the word of a refusal; with a question mark if it is tried again.
    #[track_caller]
    fn check(code: u16, message: &str, expected: &str) {
        let key = ResultKey {
            kind: ResultKind::PolicyReport,
            namespace: "shop".to_owned(),
            name: "a".to_owned(),
        };
        let (call, reason) = ("patch policyreports shop/a".to_owned(), message.to_owned());
        let error = match code {
            404 => ClusterError::NotFound { call, reason },
            409 => ClusterError::Conflict { call },
            code => ClusterError::Refused { call, code, reason },
        };
        let found = match WriteAnswer::of(&key, error) {
            WriteAnswer::NamespaceGone => "gone".to_owned(),
            WriteAnswer::TryAgain(error) => format!("{}?", error.reason()),
            WriteAnswer::Error(error) => error.reason().to_owned(),
        };
        assert_eq!(found, expected, "{code} {message}");
    }

    #[test]
    fn answer_has_its_reason() {
        check(404, "namespaces \"shop\" not found", "gone");
        check(
            404,
            "the server could not find the requested resource",
            "not_installed",
        );
        check(
            403,
            "policyreports.wgpolicyk8s.io \"a\" is forbidden: unable to create new content in namespace shop because it is being terminated",
            "gone",
        );
        check(
            403,
            "policyreports.wgpolicyk8s.io \"a\" is forbidden: exceeded quota: few, requested: count/policyreports.wgpolicyk8s.io=1, used: 1, limited: 1",
            "quota",
        );
        check(
            403,
            "policyreports.wgpolicyk8s.io \"a\" is forbidden: status unknown for quota: few, resources: count/policyreports.wgpolicyk8s.io",
            "quota",
        );
        check(
            403,
            "admission webhook \"x.y.z\" denied the request: no",
            "denied",
        );
        check(
            400,
            "admission webhook \"x.y.z\" denied the request: no",
            "denied",
        );
        check(
            422,
            "policyreports.wgpolicyk8s.io \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
            "denied",
        );
        check(
            500,
            "etcdserver: mvcc: database space exceeded",
            "store_full",
        );
        check(500, "failed calling webhook \"x.y.z\"", "server_error?");
        check(429, "too many requests", "throttled?");
        check(409, "", "conflict?");
        check(
            413,
            "Request entity too large: limit is 3145728",
            "too_large",
        );
        check(400, "bad", "refused");
    }
}
