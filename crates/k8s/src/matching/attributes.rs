//! A request as the API server describes it, as far as matching needs it.

use kubevet_model::Operation;
use std::collections::BTreeMap;

/// Labels of an object.
pub type Labels = BTreeMap<String, String>;

/// What is asked about. The group, version and resource are those that the webhook was asked for, after conversion.
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a> {
    /// What is being done.
    pub operation: Operation,
    /// The API group, empty for the core group.
    pub group: &'a str,
    /// The API version, such as `v1`.
    pub version: &'a str,
    /// The resource in the plural, such as `pods`.
    pub resource: &'a str,
    /// The subresource, such as `ephemeralcontainers`; empty for the object itself.
    pub subresource: &'a str,
    /// The object's name; empty where the server has yet to make one up.
    pub name: &'a str,
    /// The object's namespace; empty for objects of the whole cluster. Namespaces themselves count as such.
    pub namespace: &'a str,
    /// The object's labels; `None` where there is no object (DELETE).
    pub labels: Option<&'a Labels>,
    /// The labels of the object as it was; `None` where there was none.
    pub old_labels: Option<&'a Labels>,
}

impl Attributes<'_> {
    /// Whether the request is about a Namespace itself.
    #[must_use]
    pub fn is_namespace(&self) -> bool {
        self.group.is_empty() && self.resource == "namespaces"
    }
}
