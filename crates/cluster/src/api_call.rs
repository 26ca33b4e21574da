//! One call to the API server: bounded in time, and its failure told with what was asked.

use super::ClusterError;
use kubevet_model::one_line;
use std::{error::Error, fmt::Write as _, future::Future, time::Duration};

/// Longest piece of somebody else's words that is passed on, in characters.
const WORDS: usize = 400;

/// What is asked, as RBAC names it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`.
    pub(super) verb: &'a str,
    /// The API group, empty for the core group.
    pub(super) group: &'a str,
    /// The resource in the plural, with its subresource: `controlbindings/status`.
    pub(super) resource: &'a str,
    /// Where it stands; `None` for what belongs to the whole cluster, and for all namespaces.
    pub(super) namespace: Option<&'a str>,
    /// Which one; `None` for all.
    pub(super) name: Option<&'a str>,
}

impl Call<'_> {
    /// Waits for the answer, at most so long.
    pub(super) async fn ask<T>(
        &self,
        within: Duration,
        answer: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, ClusterError> {
        match tokio::time::timeout(within, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => Err(ClusterError::TimedOut {
                what: self.what(),
                after: within,
            }),
        }
    }

    /// The call in words.
    pub(super) fn what(&self) -> String {
        let Self { verb, resource, .. } = self;
        match (self.namespace, self.name) {
            (Some(namespace), Some(name)) => format!("{verb} {resource} {namespace}/{name}"),
            (Some(namespace), None) => format!("{verb} {resource} in {namespace}"),
            (None, Some(name)) => format!("{verb} {resource} {name}"),
            (None, None) => format!("{verb} {resource}"),
        }
    }

    /// The words for a failure of this call.
    pub(super) fn failed(&self, error: &kube::Error) -> ClusterError {
        let what = self.what();
        let kube::Error::Api(status) = error else {
            let why = plain(&chain(error));
            return match error {
                kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => {
                    ClusterError::Unusable { what, why }
                }
                _ => ClusterError::Unreachable { what, why },
            };
        };
        let why = plain(if status.message.is_empty() {
            &status.reason
        } else {
            &status.message
        });
        match status.code {
            // A quota, an admission plugin or a namespace that is going away answer 403 as well; no rule mends those.
            403 if why.contains(&format!("cannot {} ", self.verb)) => ClusterError::Forbidden {
                what,
                rule: self.rule(),
                why,
            },
            404 => ClusterError::Missing { what, why },
            409 => ClusterError::Conflict { what },
            code => ClusterError::Refused { what, code, why },
        }
    }

    /// The RBAC rule that allows this call, and where it belongs.
    fn rule(&self) -> String {
        let Self {
            verb,
            group,
            resource,
            ..
        } = self;
        let mut rule = format!("{{apiGroups: [\"{group}\"], resources: [{resource}]");
        // `create`, `list` and `watch` are not granted by name.
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

/// Whether the name can stand in a path as it is. Names reach us from requests, and the client does not escape them.
pub(super) fn is_name(name: &str) -> bool {
    let allowed =
        |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || matches!(it, b'-' | b'.');
    !name.is_empty() && name.len() <= 253 && !name.starts_with('.') && name.bytes().all(allowed)
}

/// Somebody else's words on one line, cut.
pub(super) fn plain(text: &str) -> String {
    one_line(text, WORDS)
}

/// An error with its causes: the outermost alone often says only that a request failed.
fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_words = inner.to_string();
        if !words.contains(&inner_words) {
            let _ = write!(words, ": {inner_words}");
        }
        cause = inner.source();
    }
    words
}
