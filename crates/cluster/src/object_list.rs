//! The objects of one resource, page by page, as documents.
//!
//! The size of a page follows the size of the objects, so that memory is bounded by a page and not by
//! the cluster. A list that expires on the way (410) begins again; the objects that were there before
//! are not returned twice.

use super::{
    Cluster, ClusterError,
    discovery::ApiResource,
    raw_request::RawError,
    unreadable_object::{ListParts, UnreadableObject},
};
use kubevet_document::{self as document, Document, Limits, Node};
use std::{
    collections::HashSet,
    fmt::Write as _,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// The number of objects of the first page.
const FIRST_LIMIT: u32 = 100;
/// The most objects of a page.
const MAX_LIMIT: u32 = 500;
/// A page of more bytes makes the next one smaller.
const LARGE_PAGE_BYTES: usize = 1 << 20;
/// A page of fewer bytes makes the next one larger.
const SMALL_PAGE_BYTES: usize = 256 << 10;
/// The most bytes of a page. An object has at most 1.5 MiB in etcd.
const MAX_PAGE_BYTES: usize = 32 << 20;
/// The number of times that a list begins again.
const MAX_RESTARTS: u32 = 3;
/// The number of times that a page is asked for again after a failure that may pass.
const MAX_RETRIES: u32 = 2;

/// The number of times that the API server may put off a page.
const MAX_PUT_OFF: u32 = 15;

const FULL: &str = "application/json";
/// Metadata alone: `spec` and `data` never leave the API server.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// The same for the objects of a watch.
pub(super) const METADATA_OBJECT: &str =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// Which objects of a resource are listed.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// A label selector as in kubectl; empty for none.
    pub label_selector: String,
    /// The namespaces whose objects are left out of a list of all namespaces.
    pub excluded_namespaces: Vec<String>,
    /// True if only metadata is read.
    pub metadata_only: bool,
}

impl ListOptions {
    /// Appends the selectors to a query.
    pub(super) fn write_selectors(&self, all_namespaces: bool, query: &mut String) {
        if !self.label_selector.is_empty() {
            query.push_str("&labelSelector=");
            percent_encode(&self.label_selector, query);
        }
        if all_namespaces && !self.excluded_namespaces.is_empty() {
            let excluded = self.excluded_namespaces.iter();
            let terms: Vec<String> = excluded
                .map(|namespace| format!("metadata.namespace!={namespace}"))
                .collect();
            query.push_str("&fieldSelector=");
            percent_encode(&terms.join(","), query);
        }
    }
}

/// A list that is being read.
pub(super) struct ObjectList<'a> {
    cluster: &'a Cluster,
    resource: &'a ApiResource,
    namespace: Option<&'a str>,
    options: &'a ListOptions,
    limit: u32,
    /// The token of the next page; empty for the first.
    continue_token: String,
    is_complete: bool,
    page: u32,
    restarts: u32,
    resource_version: String,
    /// Hashes of the uids that were returned.
    returned: HashSet<u64>,
    hasher: RandomState,
    /// Objects of the last page that cannot be read.
    unreadable: Vec<UnreadableObject>,
}

impl Cluster {
    /// Begins to list the objects of a resource, all or those of a namespace.
    pub(super) fn list_objects<'a>(
        &'a self,
        resource: &'a ApiResource,
        namespace: Option<&'a str>,
        options: &'a ListOptions,
    ) -> ObjectList<'a> {
        ObjectList {
            cluster: self,
            resource,
            namespace,
            options,
            limit: FIRST_LIMIT,
            continue_token: String::new(),
            is_complete: false,
            page: 0,
            restarts: 0,
            resource_version: String::new(),
            returned: HashSet::new(),
            hasher: RandomState::new(),
            unreadable: Vec::new(),
        }
    }
}

impl ObjectList<'_> {
    /// Returns the next page; `None` after the last one.
    ///
    /// # Errors
    /// The page could not be read. The list is then over.
    pub(super) async fn next_page(&mut self) -> Result<Option<Vec<Document>>, ClusterError> {
        let mut retries = 0;
        while !self.is_complete {
            let call = self.resource.call("list", self.namespace);
            let accept = if self.options.metadata_only {
                METADATA
            } else {
                FULL
            };
            let path = self.path();
            let timeout = self.cluster.timeouts.page;
            let bytes = self
                .cluster
                .get_bytes(&call, &path, accept, MAX_PAGE_BYTES, timeout)
                .await;
            let bytes = match bytes {
                Ok(bytes) => bytes,
                Err(RawError::TooLarge) if self.limit > 1 => {
                    self.limit = (self.limit / 4).max(1);
                    continue;
                }
                Err(RawError::TooLarge) => {
                    let mib = MAX_PAGE_BYTES >> 20;
                    return Err(call.unusable(&format!("an object has more than {mib} MiB")));
                }
                Err(RawError::Expired) if self.restarts < MAX_RESTARTS => {
                    self.restarts += 1;
                    self.page = 0;
                    self.continue_token.clear();
                    continue;
                }
                Err(RawError::Expired) => {
                    return Err(call.unusable(&format!(
                        "the list expired {} times before it was read (410)",
                        self.restarts + 1
                    )));
                }
                // The budget makes the next one wait for as long as the API server says. Without a
                // budget, the client has repeated it already.
                Err(RawError::Failed(ClusterError::Refused {
                    code: 429 | 503, ..
                })) if self.cluster.budget.is_some() && retries < MAX_PUT_OFF => {
                    retries += 1;
                    continue;
                }
                Err(RawError::Failed(ClusterError::Refused { code: 504, .. }))
                    if self.cluster.budget.is_some() && retries < MAX_RETRIES =>
                {
                    retries += 1;
                    continue;
                }
                Err(RawError::Failed(error @ ClusterError::Unreachable { .. }))
                    if retries < MAX_RETRIES =>
                {
                    retries += 1;
                    let mut backoff = self.cluster.timeouts.backoff.clone();
                    let pause: Duration = (0..retries).map(|_| backoff.next_pause()).sum();
                    tracing::debug!("{error}; trying again");
                    tokio::time::sleep(pause).await;
                    continue;
                }
                Err(RawError::Failed(error)) => return Err(error),
            };
            self.page += 1;
            return self.take_page(&bytes).map(Some);
        }
        Ok(None)
    }

    /// Returns the version of the last page: a watch goes on from there.
    pub(super) fn resource_version(&self) -> &str {
        &self.resource_version
    }

    /// Returns path and query of the next page.
    fn path(&self) -> String {
        let mut path = self.resource.path(self.namespace);
        let _ = write!(path, "?limit={}", self.limit);
        let all_namespaces = self.resource.namespaced && self.namespace.is_none();
        self.options.write_selectors(all_namespaces, &mut path);
        if !self.continue_token.is_empty() {
            path.push_str("&continue=");
            percent_encode(&self.continue_token, &mut path);
        }
        path
    }

    /// Returns the objects that were left out of the last page.
    pub(super) fn take_unreadable(&mut self) -> Vec<UnreadableObject> {
        std::mem::take(&mut self.unreadable)
    }

    /// Decodes a page, and prepares for the next one.
    fn take_page(&mut self, bytes: &[u8]) -> Result<Vec<Document>, ClusterError> {
        let (list, items) = match self.decode(bytes) {
            Ok(list) => {
                let items = self.items(&list)?;
                (list, items)
            }
            Err(error) => self.decode_parts(bytes).ok_or(error)?,
        };
        let root = list.root();
        let metadata = root.get("metadata");
        let token = metadata
            .and_then(|metadata| metadata.get("continue"))
            .and_then(Node::as_str)
            .unwrap_or_default();
        token.clone_into(&mut self.continue_token);
        self.is_complete = token.is_empty();
        let version = metadata
            .and_then(|metadata| metadata.get("resourceVersion"))
            .and_then(Node::as_str)
            .unwrap_or_default();
        version.clone_into(&mut self.resource_version);
        if bytes.len() > LARGE_PAGE_BYTES {
            self.limit = (self.limit / 2).max(1);
        } else if bytes.len() < SMALL_PAGE_BYTES {
            self.limit = (self.limit * 2).min(MAX_LIMIT);
        }
        let mut objects = Vec::with_capacity(items.len());
        for item in items {
            let uid = item.root().get("metadata").and_then(|node| node.get("uid"));
            let uid = uid.and_then(Node::as_str).unwrap_or_default();
            // An object without a uid cannot be told from another one: it is returned each time.
            let is_new = uid.is_empty() || self.returned.insert(self.hasher.hash_one(uid));
            if !is_new {
                continue;
            }
            objects.push(if self.options.metadata_only {
                object_of_metadata(self.resource, &item)
            } else {
                item
            });
        }
        Ok(objects)
    }

    fn items(&self, list: &Document) -> Result<Vec<Document>, ClusterError> {
        document::list_items(list).ok_or_else(|| {
            let call = self.resource.call("list", self.namespace);
            call.unusable(&format!("page {} is not a list of objects", self.page))
        })
    }

    /// Decodes the objects of a page one by one, and leaves out those that cannot be read. Returns the
    /// list without its items, and these. `None` if the page is not complete.
    fn decode_parts(&mut self, bytes: &[u8]) -> Option<(Document, Vec<Document>)> {
        let parts = ListParts::of(bytes)?;
        let list = self.decode(&parts.list_of(b"")).ok()?;
        let mut items = Vec::new();
        for item in &parts.items {
            match self.decode(&parts.list_of(item)) {
                Ok(list_of_one) => items.extend(self.items(&list_of_one).ok()?),
                Err(_) => {
                    let call = self.resource.call("list", self.namespace);
                    self.unreadable.push(UnreadableObject::of(item, &call)?);
                }
            }
        }
        Some((list, items))
    }

    fn decode(&self, bytes: &[u8]) -> Result<Document, ClusterError> {
        let name = self.resource.plural.as_str().into();
        let mut parsed = document::read_json(&name, bytes, &Limits::default());
        let document = parsed.documents.pop();
        match (document, parsed.problems.first()) {
            (Some(list), None) if parsed.documents.is_empty() => Ok(list),
            (_, problem) => {
                // Size and place alone: the page may hold Secrets.
                let call = self.resource.call("list", self.namespace);
                let place = problem.and_then(|problem| problem.position);
                let place = place.map_or_else(String::new, |place| format!(" at {place}"));
                Err(call.unusable(&format!(
                    "page {} of {} bytes is not valid JSON{place}: it was cut off or changed on the way",
                    self.page,
                    bytes.len()
                )))
            }
        }
    }
}

/// Appends a text in the form that a query takes.
pub(super) fn percent_encode(text: &str, query: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            query.push(char::from(byte));
        } else {
            let _ = write!(query, "%{byte:02X}");
        }
    }
}

/// Returns an object of the resource that has only its metadata: PartialObjectMetadata says
/// nothing of the kind that it is about.
pub(super) fn object_of_metadata(resource: &ApiResource, item: &Document) -> Document {
    let mut metadata = String::new();
    match item.root().get("metadata") {
        Some(node) => node.write_canonical_json(&mut metadata),
        None => metadata.push_str("{}"),
    }
    let json = format!(
        "{{\"apiVersion\":{:?},\"kind\":{:?},\"metadata\":{metadata}}}",
        resource.api_version(),
        resource.kind.name
    );
    let parsed = document::read_json(item.file(), json.as_bytes(), &Limits::default());
    parsed.documents.into_iter().next().unwrap_or(item.clone())
}
