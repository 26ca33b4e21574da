//! What all results are made with: the controls, the names of the cluster and of the own namespace,
//! and the bound on the size of an object.

use super::control_outcome::Controls;
use kubevet_model::ObjectId;

/// What all results are made with.
#[derive(Debug)]
pub(crate) struct ResultContext {
    pub(crate) controls: Controls,
    /// The name of the cluster.
    pub(crate) cluster: String,
    /// The namespace of results of objects outside namespaces.
    pub(crate) own_namespace: String,
    /// The most bytes of an object.
    pub(crate) max_bytes: usize,
}

impl ResultContext {
    /// The namespace of the results of an object: its own, or ours if it belongs to none.
    pub(crate) fn namespace_of<'a>(&'a self, object: &'a ObjectId) -> &'a str {
        match object.namespace.as_str() {
            "" => &self.own_namespace,
            namespace => namespace,
        }
    }
}
