//! Which objects are read, and where a watch of them begins.

use super::{discovery::ApiResource, object_list::ListOptions};

/// What is read.
#[derive(Debug, Clone)]
pub struct ReadRequest {
    /// The resources, in the order in which they are begun.
    pub resources: Vec<ResourceRequest>,
    /// The namespaces; empty for all. With some, the resources outside namespaces are left out.
    pub namespaces: Vec<String>,
    /// The namespace that is read if the names of the others are not known.
    pub own_namespace: String,
    /// Which objects are left out.
    pub options: ListOptions,
}

/// A resource to read.
#[derive(Debug, Clone)]
pub struct ResourceRequest {
    /// The resource.
    pub resource: ApiResource,
    /// True if only metadata is read.
    pub metadata_only: bool,
}

/// A list that was read to its end, to go on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchStart {
    /// The position of the resource in [`ReadRequest::resources`].
    pub resource: usize,
    /// The namespace; `None` for all.
    pub namespace: Option<String>,
    /// The version of the list.
    pub resource_version: String,
}
