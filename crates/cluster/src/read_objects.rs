//! Reads the objects of many resources: all namespaces at once where that is allowed, and else
//! namespace by namespace. A failure loses the objects of one resource in one place, and no others.

use super::{
    Cluster, ClusterError,
    discovery::ApiResource,
    object_list::ListOptions,
    read_request::{ReadRequest, WatchStart},
    unreadable_object::UnreadableObject,
};
use kubevet_document::Document;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{OnceCell, mpsc};

/// The number of resources that are listed at the same time.
const MAX_LISTS: usize = 4;

/// What happened while objects were read. `resource` is a position in [`ReadRequest::resources`].
#[derive(Debug)]
pub enum ReadEvent {
    /// Objects of a resource.
    Page {
        /// The resource.
        resource: usize,
        /// The objects.
        objects: Vec<Document>,
    },
    /// A list was read to its end.
    Listed(WatchStart),
    /// The objects of a resource were not read, or not all of them.
    Failed {
        /// The resource.
        resource: usize,
        /// The namespace; `None` for all of them, or a resource outside namespaces.
        namespace: Option<String>,
        /// The reason.
        error: ClusterError,
        /// The uids of objects that are there and cannot be read, each on its own: all others of the
        /// list were read. Empty if the list itself failed.
        uids: Vec<String>,
    },
    /// Only the objects in some namespaces were read, since the others are not known.
    OnlyIn {
        /// The resource.
        resource: usize,
        /// The namespaces that were read.
        namespaces: Vec<String>,
        /// Why the others are not known.
        error: ClusterError,
    },
}

/// The names of all namespaces, asked for once when they are first needed.
type NamespaceNames = OnceCell<Result<Vec<String>, ClusterError>>;

impl Cluster {
    /// Reads objects, and sends them in pages. It ends when everything was read, or when the
    /// receiver is dropped. The channel bounds the pages in memory.
    pub async fn read_objects(&self, request: ReadRequest, events: mpsc::Sender<ReadEvent>) {
        let request = Arc::new(request);
        let names: Arc<NamespaceNames> = Arc::default();
        let mut lists = tokio::task::JoinSet::new();
        for resource in 0..request.resources.len() {
            if lists.len() >= MAX_LISTS {
                lists.join_next().await;
            }
            let reader = Reader {
                cluster: self.clone(),
                request: Arc::clone(&request),
                names: Arc::clone(&names),
                resource,
                events: events.clone(),
            };
            lists.spawn(async move { reader.read().await });
        }
        while lists.join_next().await.is_some() {}
    }

    /// Returns the names of all namespaces.
    ///
    /// # Errors
    /// They cannot be listed.
    pub async fn namespace_names(&self) -> Result<Vec<String>, ClusterError> {
        let resource = namespace_resource();
        let options = ListOptions {
            metadata_only: true,
            ..ListOptions::default()
        };
        let mut list = self.list_objects(&resource, None, &options);
        let mut names = Vec::new();
        while let Some(page) = list.next_page().await? {
            names.extend(page.iter().map(|object| object.id().name));
        }
        names.sort();
        Ok(names)
    }
}

/// The resource of namespaces, which every API server has.
pub(super) fn namespace_resource() -> ApiResource {
    ApiResource {
        kind: kubevet_model::Kind::new("", "Namespace"),
        version: "v1".to_owned(),
        plural: "namespaces".to_owned(),
        singular: "namespace".to_owned(),
        short_names: Vec::new(),
        namespaced: false,
    }
}

/// The reading of one resource.
struct Reader {
    cluster: Cluster,
    request: Arc<ReadRequest>,
    names: Arc<NamespaceNames>,
    resource: usize,
    events: mpsc::Sender<ReadEvent>,
}

/// The receiver was dropped: nobody wants more.
struct Closed;

impl Reader {
    async fn read(self) {
        let Some(resource) = self.request.resources.get(self.resource) else {
            return;
        };
        let options = ListOptions {
            metadata_only: resource.metadata_only,
            ..self.request.options.clone()
        };
        // The result tells nothing but that the receiver was dropped.
        let _ = self.read_resource(&resource.resource, &options).await;
    }

    async fn read_resource(
        &self,
        resource: &ApiResource,
        options: &ListOptions,
    ) -> Result<(), Closed> {
        let only = &self.request.namespaces;
        if !only.is_empty() {
            if resource.namespaced {
                self.read_namespaces(resource, options, only).await?;
            }
            return Ok(());
        }
        match self.read_list(resource, None, options).await? {
            Ok(()) => Ok(()),
            Err(error) if error.is_forbidden() && resource.namespaced => {
                self.read_by_namespace(resource, options).await
            }
            Err(error) => self.failed(None, error).await,
        }
    }

    /// Reads each namespace on its own, since all at once are not allowed.
    async fn read_by_namespace(
        &self,
        resource: &ApiResource,
        options: &ListOptions,
    ) -> Result<(), Closed> {
        let names = self
            .names
            .get_or_init(|| self.cluster.namespace_names())
            .await;
        match names {
            Ok(names) => {
                let excluded = &options.excluded_namespaces;
                let names = names.iter().filter(|name| !excluded.contains(name));
                let names: Vec<String> = names.cloned().collect();
                self.read_namespaces(resource, options, &names).await
            }
            Err(error) => {
                let own = &self.request.own_namespace;
                if let Err(error) = self.read_list(resource, Some(own), options).await? {
                    return self.failed(None, error).await;
                }
                self.send(ReadEvent::OnlyIn {
                    resource: self.resource,
                    namespaces: vec![own.clone()],
                    error: error.clone(),
                })
                .await
            }
        }
    }

    /// Reads some namespaces. Where none is allowed, that is one failure.
    async fn read_namespaces(
        &self,
        resource: &ApiResource,
        options: &ListOptions,
        names: &[String],
    ) -> Result<(), Closed> {
        let mut failures = Vec::new();
        for name in names {
            if let Err(error) = self.read_list(resource, Some(name), options).await? {
                failures.push((name, error));
            }
        }
        let is_explicit = !self.request.namespaces.is_empty();
        let mut causes: Vec<String> = failures.iter().map(|(_, error)| error.cause()).collect();
        causes.dedup();
        if !is_explicit
            && failures.len() == names.len()
            && causes.len() == 1
            && let Some((_, error)) = failures.pop()
        {
            return self.failed(None, error).await;
        }
        for (name, error) in failures {
            self.failed(Some(name), error).await?;
        }
        Ok(())
    }

    /// Reads one list to its end, or to its first failure.
    async fn read_list(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        options: &ListOptions,
    ) -> Result<Result<(), ClusterError>, Closed> {
        let mut list = self.cluster.list_objects(resource, namespace, options);
        loop {
            match list.next_page().await {
                Ok(None) => {
                    let start = WatchStart {
                        resource: self.resource,
                        namespace: namespace.map(str::to_owned),
                        resource_version: list.resource_version().to_owned(),
                    };
                    self.send(ReadEvent::Listed(start)).await?;
                    return Ok(Ok(()));
                }
                Ok(Some(objects)) => {
                    let resource = self.resource;
                    self.send(ReadEvent::Page { resource, objects }).await?;
                    self.unreadable(list.take_unreadable()).await?;
                }
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Tells the objects of a page that cannot be read. One error a namespace and page is enough to say
    /// that the namespace is not read.
    async fn unreadable(&self, objects: Vec<UnreadableObject>) -> Result<(), Closed> {
        let mut by_namespace: BTreeMap<Option<String>, (ClusterError, Vec<String>)> =
            BTreeMap::new();
        for object in objects {
            let entry = by_namespace.entry(object.namespace);
            let (_, uids) = entry.or_insert_with(|| (object.error, Vec::new()));
            uids.push(object.uid);
        }
        for (namespace, (error, uids)) in by_namespace {
            self.send(ReadEvent::Failed {
                resource: self.resource,
                namespace,
                error,
                uids,
            })
            .await?;
        }
        Ok(())
    }

    async fn failed(&self, namespace: Option<&str>, error: ClusterError) -> Result<(), Closed> {
        self.send(ReadEvent::Failed {
            resource: self.resource,
            namespace: namespace.map(str::to_owned),
            error,
            uids: Vec::new(),
        })
        .await
    }

    async fn send(&self, event: ReadEvent) -> Result<(), Closed> {
        self.events.send(event).await.map_err(|_| Closed)
    }
}
