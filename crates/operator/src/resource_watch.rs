//! The resources that the cluster serves: asked for at the start, and again when the definition of a
//! custom resource or of an API service has changed.

use kubevet_cluster::{
    ApiResource, ApiResources, Cluster, ClusterError, ListOptions, ReadRequest, ResourceRequest,
    WatchStart, WatchedChange,
};
use kubevet_model::Kind;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
};

/// The pauses before the resources are asked for after a change: several definitions change together,
/// and the API server serves a new one a little later.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(3),
    Duration::from_secs(15),
];
/// The pause after a failure.
const FAILURE_PAUSE: Duration = Duration::from_secs(5);

/// Follows the resources of a cluster.
pub(super) struct ResourceWatch {
    answers: mpsc::Receiver<Result<ApiResources, ClusterError>>,
    wanted: Arc<Notify>,
    known: Option<ApiResources>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for ResourceWatch {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl ResourceWatch {
    pub(super) fn start(cluster: Cluster) -> Self {
        let wanted = Arc::new(Notify::new());
        let (sender, answers) = mpsc::channel(1);
        let discoverer = tokio::spawn(discover(cluster.clone(), Arc::clone(&wanted), sender));
        let definitions = tokio::spawn(watch_definitions(cluster, Arc::clone(&wanted)));
        Self {
            answers,
            wanted,
            known: None,
            tasks: vec![discoverer, definitions],
        }
    }

    /// Waits for the next answer.
    pub(super) async fn next(&mut self) -> Result<ApiResources, ClusterError> {
        match self.answers.recv().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    /// Has the resources asked for again.
    pub(super) fn request(&self) {
        self.wanted.notify_one();
    }

    pub(super) fn set_known(&mut self, resources: ApiResources) {
        self.known = Some(resources);
    }

    /// The resources of the last answer.
    pub(super) fn known(&self) -> Option<&ApiResources> {
        self.known.as_ref()
    }
}

/// Asks for the resources at once, and whenever they are wanted.
async fn discover(
    cluster: Cluster,
    wanted: Arc<Notify>,
    answers: mpsc::Sender<Result<ApiResources, ClusterError>>,
) {
    loop {
        let answer = cluster.discover().await;
        let has_failed = answer.is_err();
        if answers.send(answer).await.is_err() {
            return;
        }
        if has_failed {
            tokio::time::sleep(FAILURE_PAUSE).await;
            continue;
        }
        wanted.notified().await;
        for pause in PAUSES {
            tokio::time::sleep(pause).await;
            let answer = cluster.discover().await;
            if answers.send(answer).await.is_err() {
                return;
            }
        }
    }
}

/// Notifies of each change of a definition.
async fn watch_definitions(cluster: Cluster, wanted: Arc<Notify>) {
    let resources = [
        (
            "apiextensions.k8s.io",
            "CustomResourceDefinition",
            "customresourcedefinitions",
        ),
        ("apiregistration.k8s.io", "APIService", "apiservices"),
    ];
    let request = ReadRequest {
        resources: resources.map(definition).into(),
        namespaces: Vec::new(),
        own_namespace: String::new(),
        options: ListOptions::default(),
    };
    // Without a version, a watch begins with all definitions that there are.
    let starts = (0..request.resources.len()).map(|resource| WatchStart {
        resource,
        namespace: None,
        resource_version: String::new(),
    });
    let (sender, mut changes) = mpsc::channel(16);
    let watch = cluster.watch_objects(request.clone(), starts.collect(), sender);
    let notify = async {
        let mut last_errors: BTreeMap<usize, String> = BTreeMap::new();
        while let Some(change) = changes.recv().await {
            match change {
                WatchedChange::Changed { .. }
                | WatchedChange::Deleted { .. }
                | WatchedChange::Unreadable { .. }
                | WatchedChange::Relisted { .. } => wanted.notify_one(),
                WatchedChange::Opened { list } => drop(last_errors.remove(&list.resource)),
                WatchedChange::Failed { error, list } => {
                    let error = error.to_string();
                    if last_errors.get(&list.resource) != Some(&error) {
                        tracing::warn!(
                            "new kinds of other software are noticed late, since their definitions \
                             cannot be watched: {error}"
                        );
                        last_errors.insert(list.resource, error);
                    }
                }
            }
        }
    };
    tokio::join!(watch, notify);
}

fn definition((group, kind, plural): (&str, &str, &str)) -> ResourceRequest {
    ResourceRequest {
        resource: ApiResource {
            kind: Kind::new(group, kind),
            version: "v1".to_owned(),
            plural: plural.to_owned(),
            singular: kind.to_lowercase(),
            short_names: Vec::new(),
            namespaced: false,
        },
        metadata_only: true,
    }
}
