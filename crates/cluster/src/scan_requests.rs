//! ScanRequests: watched, listed, created, answered by their status, and deleted. Their meaning is not
//! known here: each is passed on as JSON.

use super::{
    Cluster, ClusterError,
    api_call::ApiCall,
    list_watch::{AbortOnDrop, WatchEvent, WatchTarget, spawn_list_watch},
    watch_health::WatchHealth,
};
use kube::{
    Api,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions},
    core::{ApiResource, DynamicObject},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::watch;

const GROUP: &str = "kubevet.io";
const VERSION: &str = "v1alpha1";
const API_VERSION: &str = "kubevet.io/v1alpha1";
const KIND: &str = "ScanRequest";
const RESOURCE: &str = "scanrequests";
const NOT_INSTALLED: &str = "list scanrequests: the API server does not know ScanRequests (kubevet.io/v1alpha1): apply the \
                             CustomResourceDefinition that `kubevet manifests operator-crds` prints; until then there are none";
/// What a watch keeps of a status.
const KEPT_OF_STATUS: [&str; 2] = ["phase", "completionTime"];
/// The most ScanRequests that are listed for people.
const MAX_LISTED: u32 = 500;

/// One ScanRequest of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredScanRequest {
    /// The name.
    pub name: String,
    /// The uid: a request that was deleted and created again has another one.
    pub uid: String,
    /// The generation of the `spec`.
    pub generation: i64,
    /// When it was created, in seconds since 1970.
    pub created_at: i64,
    /// The `spec`; null if there is none.
    pub spec: Value,
    /// The `status`; null if there is none.
    pub status: Value,
}

/// All ScanRequests, watched while this is alive.
#[derive(Debug)]
pub struct ScanRequests {
    receiver: watch::Receiver<Option<Arc<[StoredScanRequest]>>>,
    _task: AbortOnDrop,
}

impl ScanRequests {
    /// Returns a receiver of all requests, the oldest first, without their reports; `None` before the
    /// first list.
    #[must_use]
    pub fn receiver(&self) -> watch::Receiver<Option<Arc<[StoredScanRequest]>>> {
        self.receiver.clone()
    }
}

impl Cluster {
    /// Starts to watch ScanRequests, which needs `list` and `watch` on them. Must be called within a
    /// Tokio runtime.
    ///
    /// While the CustomResourceDefinition is not installed there are none, and the list is retried.
    #[must_use]
    pub fn watch_scan_requests(&self) -> ScanRequests {
        let (sender, receiver) = watch::channel(None);
        let target = WatchTarget {
            group: GROUP,
            resource: RESOURCE,
            not_installed: Some(NOT_INSTALLED),
        };
        let mut by_name: BTreeMap<String, StoredScanRequest> = BTreeMap::new();
        let on_event = move |event| {
            match event {
                WatchEvent::Replaced(listed) => {
                    let listed: Vec<StoredScanRequest> = listed;
                    let named = listed.into_iter();
                    by_name = named.map(|one| (one.name.clone(), one)).collect();
                }
                WatchEvent::Applied(one) => drop(by_name.insert(one.name.clone(), one)),
                WatchEvent::Deleted(one) => drop(by_name.remove(&one.name)),
            }
            let mut all: Vec<StoredScanRequest> = by_name.values().cloned().collect();
            sort(&mut all);
            sender.send_replace(Some(all.into()));
        };
        let task = spawn_list_watch(
            api(self),
            target,
            self.timeouts.clone(),
            WatchHealth::new(),
            StoredScanRequest::without_report,
            on_event,
        );
        ScanRequests {
            receiver,
            _task: task,
        }
    }

    /// Returns the ScanRequests, the oldest first. Needs `list` on `scanrequests`.
    ///
    /// # Errors
    /// Any.
    pub async fn list_scan_requests(&self) -> Result<Vec<StoredScanRequest>, ClusterError> {
        let call = call("list", RESOURCE, None);
        let params = ListParams::default().limit(MAX_LISTED);
        let api = api(self);
        let list = call.send(self.timeouts.call, api.list(&params)).await?;
        let mut all: Vec<StoredScanRequest> = list.into_iter().map(StoredScanRequest::of).collect();
        sort(&mut all);
        Ok(all)
    }

    /// Returns a ScanRequest. Needs `get` on `scanrequests`.
    ///
    /// # Errors
    /// Any.
    pub async fn scan_request(&self, name: &str) -> Result<StoredScanRequest, ClusterError> {
        let call = call("get", RESOURCE, Some(name));
        let api = api(self);
        let found = call.send(self.timeouts.call, api.get(name)).await?;
        Ok(StoredScanRequest::of(found))
    }

    /// Creates a ScanRequest, and returns it. A name that ends in `-` is continued by the API server.
    /// Needs `create` on `scanrequests`.
    ///
    /// # Errors
    /// Any.
    pub async fn create_scan_request(
        &self,
        name: &str,
        spec: Value,
    ) -> Result<StoredScanRequest, ClusterError> {
        let mut object = DynamicObject::new(name, &resource()).data(json!({"spec": spec}));
        if name.ends_with('-') {
            object.metadata.generate_name = object.metadata.name.take();
        }
        let call = call("create", RESOURCE, None);
        let (api, params) = (api(self), PostParams::default());
        let created = api.create(&params, &object);
        let created = call.send(self.timeouts.call, created).await?;
        Ok(StoredScanRequest::of(created))
    }

    /// Writes the status of a request: fields that are null are removed, others that it has stay.
    /// False if the request is gone, or is another one of the same name. Needs `patch` on
    /// `scanrequests/status`.
    ///
    /// # Errors
    /// Any but [`ClusterError::NotFound`] and [`ClusterError::Conflict`].
    pub async fn set_scan_request_status(
        &self,
        request: &StoredScanRequest,
        status: Value,
    ) -> Result<bool, ClusterError> {
        let name = &request.name;
        let call = call("patch", "scanrequests/status", Some(name));
        // Another uid is refused.
        let patch = Patch::Merge(json!({"metadata": {"uid": request.uid}, "status": status}));
        let (api, params) = (api(self), PatchParams::default());
        let patched = api.patch_status(name, &params, &patch);
        match call.send(self.timeouts.call, patched).await {
            Ok(_) => Ok(true),
            Err(ClusterError::NotFound { .. } | ClusterError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes a request. Needs `delete` on `scanrequests`.
    ///
    /// # Errors
    /// Any but [`ClusterError::NotFound`] and [`ClusterError::Conflict`].
    pub async fn delete_scan_request(
        &self,
        request: &StoredScanRequest,
    ) -> Result<(), ClusterError> {
        let call = call("delete", RESOURCE, Some(&request.name));
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(request.uid.clone()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        let api = api(self);
        let deleted = api.delete(&request.name, &params);
        match call.send(self.timeouts.call, deleted).await {
            Ok(_) | Err(ClusterError::NotFound { .. } | ClusterError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl StoredScanRequest {
    /// Keeps of the status how far it is: a report has up to some 30 KB.
    fn without_report(object: DynamicObject) -> Self {
        let mut this = Self::of(object);
        if let Some(status) = this.status.as_object_mut() {
            status.retain(|key, _| KEPT_OF_STATUS.contains(&key.as_str()));
        }
        this
    }

    fn of(object: DynamicObject) -> Self {
        let (metadata, mut data) = (object.metadata, object.data);
        let mut take = |key| data.get_mut(key).map(Value::take).unwrap_or_default();
        let created_at = metadata.creation_timestamp;
        Self {
            name: metadata.name.unwrap_or_default(),
            uid: metadata.uid.unwrap_or_default(),
            generation: metadata.generation.unwrap_or_default(),
            created_at: created_at.map_or(0, |time| time.0.as_second()),
            spec: take("spec"),
            status: take("status"),
        }
    }
}

fn sort(requests: &mut [StoredScanRequest]) {
    requests.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
}

fn call<'a>(verb: &'a str, resource: &'a str, name: Option<&'a str>) -> ApiCall<'a> {
    ApiCall {
        verb,
        group: GROUP,
        resource,
        namespace: None,
        name,
    }
}

fn resource() -> ApiResource {
    ApiResource {
        group: GROUP.to_owned(),
        version: VERSION.to_owned(),
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        plural: RESOURCE.to_owned(),
    }
}

fn api(cluster: &Cluster) -> Api<DynamicObject> {
    Api::all_with(cluster.client.clone(), &resource())
}
