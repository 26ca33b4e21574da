//! An admission request as the API server describes it, as far as matching needs it.

use kubevet_model::Operation;
use std::collections::BTreeMap;

/// The labels of an object.
pub type Labels = BTreeMap<String, String>;

/// The attributes of a request. Group, version and resource are those that the webhook is
/// registered for, after conversion. The default is a CREATE without names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Attributes<'a> {
    /// The operation.
    pub operation: Operation,
    /// The API group, empty for the core group.
    pub group: &'a str,
    /// The API version, such as `v1`.
    pub version: &'a str,
    /// The resource in the plural, such as `pods`.
    pub resource: &'a str,
    /// The subresource, such as `ephemeralcontainers`; empty for the object itself.
    pub subresource: &'a str,
    /// The name of the object; empty if the server has not generated it yet.
    pub name: &'a str,
    /// The namespace of the object; empty for a cluster-scoped object. A Namespace is in itself.
    pub namespace: &'a str,
    /// The labels of the object; `None` if there is no object (DELETE).
    pub labels: Option<&'a Labels>,
    /// The labels of the old object; `None` if there is none.
    pub old_labels: Option<&'a Labels>,
}

impl Attributes<'_> {
    /// True if the request is about a Namespace.
    #[must_use]
    pub fn is_namespace(&self) -> bool {
        self.group.is_empty() && self.resource == "namespaces"
    }
}
