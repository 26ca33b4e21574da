//! One call to the API server: its timeout, and the error for its failure, which names the call.

use super::ClusterError;
use kubevet_model::one_line;
use std::{error::Error, fmt::Write as _, future::Future, time::Duration};

/// The most characters of a message from outside that are passed on.
const MAX_MESSAGE_CHARS: usize = 400;

/// A call, in the terms of RBAC.
#[derive(Debug, Clone, Copy)]
pub(super) struct ApiCall<'a> {
    /// `get`, `list`, `watch`, `create`, `update`, `patch` or `delete`.
    pub(super) verb: &'a str,
    /// The API group; empty for the core group.
    pub(super) group: &'a str,
    /// The resource in the plural, with its subresource: `controlbindings/status`.
    pub(super) resource: &'a str,
    /// The namespace; `None` for cluster-scoped resources, and for all namespaces.
    pub(super) namespace: Option<&'a str>,
    /// The name; `None` for all objects.
    pub(super) name: Option<&'a str>,
}

impl ApiCall<'_> {
    /// Awaits the response for at most `timeout`.
    pub(super) async fn send<T>(
        &self,
        timeout: Duration,
        response: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, ClusterError> {
        match tokio::time::timeout(timeout, response).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.error(&error)),
            Err(_) => Err(self.timed_out(timeout)),
        }
    }

    /// Returns a description such as `get secrets kubevet/kubevet-tls`.
    pub(super) fn describe(&self) -> String {
        let Self { verb, resource, .. } = self;
        match (self.namespace, self.name) {
            (Some(namespace), Some(name)) => format!("{verb} {resource} {namespace}/{name}"),
            (Some(namespace), None) => format!("{verb} {resource} in {namespace}"),
            (None, Some(name)) => format!("{verb} {resource} {name}"),
            (None, None) => format!("{verb} {resource}"),
        }
    }

    /// Returns the error of a call that had no response in time.
    pub(super) fn timed_out(&self, after: Duration) -> ClusterError {
        ClusterError::TimedOut {
            call: self.describe(),
            after,
        }
    }

    /// Returns the error of a call whose response cannot be used.
    pub(super) fn unusable(&self, reason: &str) -> ClusterError {
        ClusterError::Unusable {
            call: self.describe(),
            reason: sanitize(reason),
        }
    }

    /// Returns the error for a failure of this call.
    pub(super) fn error(&self, error: &kube::Error) -> ClusterError {
        let call = self.describe();
        let kube::Error::Api(status) = error else {
            let reason = sanitize(&error_chain(error));
            return match error {
                kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => {
                    ClusterError::Unusable { call, reason }
                }
                _ => ClusterError::Unreachable { call, reason },
            };
        };
        let reason = sanitize(if status.message.is_empty() {
            &status.reason
        } else {
            &status.message
        });
        match status.code {
            // A quota, an admission plugin or a terminating namespace answer 403 as well, and no
            // RBAC rule helps there.
            403 if reason.contains(&format!("cannot {} ", self.verb)) => ClusterError::Forbidden {
                call,
                rule: self.rbac_rule(),
                reason,
            },
            404 => ClusterError::NotFound { call, reason },
            409 => ClusterError::Conflict { call },
            code => ClusterError::Refused { call, code, reason },
        }
    }

    /// Returns the RBAC rule that permits this call, and the role that it belongs to.
    fn rbac_rule(&self) -> String {
        let Self {
            verb,
            group,
            resource,
            ..
        } = self;
        let mut rule = format!("{{apiGroups: [\"{group}\"], resources: [{resource}]");
        // RBAC cannot grant `create`, `list` and `watch` by name.
        if let Some(name) = self
            .name
            .filter(|_| !matches!(*verb, "create" | "list" | "watch"))
        {
            let _ = write!(rule, ", resourceNames: [{name}]");
        }
        let _ = write!(rule, ", verbs: [{verb}]}} to ");
        match self.namespace {
            Some(namespace) => {
                let _ = write!(rule, "a Role in namespace {namespace}");
            }
            None => rule.push_str("a ClusterRole"),
        }
        rule.push_str(" of this service account");
        rule
    }
}

/// Returns a message from outside on one line, truncated and without control characters.
pub(super) fn sanitize(message: &str) -> String {
    one_line(message, MAX_MESSAGE_CHARS)
}

/// Returns an error with its causes: the outermost alone often contains only that a request failed.
fn error_chain(error: &dyn Error) -> String {
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let message = inner.to_string();
        // Some errors print their cause themselves.
        if !chain.contains(&message) {
            let _ = write!(chain, ": {message}");
        }
        cause = inner.source();
    }
    chain
}
