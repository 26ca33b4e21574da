//! List-watch: all objects are listed, then their changes are watched, for as long as the process
//! lives.
//!
//! The watcher of the client library is not used: it hides bookmarks and reopened watches, so a
//! quiet cluster could not be distinguished from a dead connection. Objects received so far stay
//! whatever fails; only a complete list replaces them.

use super::{
    ClusterError, api_call::ApiCall, backoff::Backoff, connect::Timeouts, watch_health::WatchHealth,
};
use kube::{
    Api, Resource,
    api::{ListParams, WatchEvent as ApiEvent, WatchParams},
    runtime::WatchStreamExt,
};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, future::poll_fn, pin::Pin, time::Duration};
use tokio::{task::JoinHandle, time::Instant};

/// The objects of one page of a list.
const PAGE_SIZE: u32 = 500;
/// A watch that ended sooner than this is opened again only after a pause.
const MIN_WATCH_DURATION: Duration = Duration::from_secs(1);
/// The longest pause that an API server may request.
const MAX_RETRY_AFTER_SECS: u32 = 60;

/// A change of the watched objects.
#[derive(Debug)]
pub(super) enum WatchEvent<T> {
    /// These are all objects.
    Replaced(Vec<T>),
    /// An object is new, or has changed.
    Applied(T),
    /// An object is deleted.
    Deleted(T),
}

/// The resource to watch.
#[derive(Debug, Clone, Copy)]
pub(super) struct WatchTarget {
    pub(super) group: &'static str,
    pub(super) resource: &'static str,
    /// The error message if the API server does not know the resource, which then counts as an
    /// empty list. Without a message it is an error like any other.
    pub(super) not_installed: Option<&'static str>,
}

impl WatchTarget {
    fn call(&self, verb: &'static str) -> ApiCall<'static> {
        ApiCall {
            verb,
            group: self.group,
            resource: self.resource,
            namespace: None,
            name: None,
        }
    }
}

/// A task that is aborted when it is dropped.
#[derive(Debug)]
pub(super) struct AbortOnDrop(pub(super) JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts a list-watch. `project` reduces each object to the fields to keep while a list is still
/// being read. `on_event` is called with every change.
pub(super) fn spawn_list_watch<K, T>(
    api: Api<K>,
    target: WatchTarget,
    timeouts: Timeouts,
    health: WatchHealth,
    project: fn(K) -> T,
    on_event: impl FnMut(WatchEvent<T>) + Send + 'static,
) -> AbortOnDrop
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    T: Send + 'static,
{
    let mut list_watcher = ListWatcher {
        api,
        target,
        backoff: timeouts.backoff.clone(),
        timeouts,
        health,
        project,
        on_event,
    };
    AbortOnDrop(tokio::spawn(async move { list_watcher.run().await }))
}

struct ListWatcher<K, T, F> {
    api: Api<K>,
    target: WatchTarget,
    timeouts: Timeouts,
    backoff: Backoff,
    health: WatchHealth,
    project: fn(K) -> T,
    on_event: F,
}

/// The reason why a watch ended.
enum WatchEnd {
    /// It has lasted its time.
    Closed,
    /// Its resource version is no longer available: a new list is needed.
    Expired,
    /// It failed; the duration is the least pause before a retry.
    Failed(ClusterError, Duration),
}

impl<K, T, F> ListWatcher<K, T, F>
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    T: Send + 'static,
    F: FnMut(WatchEvent<T>) + Send + 'static,
{
    async fn run(&mut self) {
        loop {
            match self.list().await {
                Ok(resource_version) => self.watch(resource_version).await,
                Err(error) => self.pause_after(&error, Duration::ZERO).await,
            }
        }
    }

    /// Lists all objects, page by page. Returns the resource version to watch from.
    async fn list(&mut self) -> Result<String, ClusterError> {
        let call = self.target.call("list");
        let mut objects = Vec::new();
        let mut params = ListParams::default().limit(PAGE_SIZE);
        loop {
            let page = match call.send(self.timeouts.call, self.api.list(&params)).await {
                Ok(page) => page,
                Err(ClusterError::NotFound { .. }) if self.target.not_installed.is_some() => {
                    let message = self.target.not_installed.unwrap_or_default();
                    let error = ClusterError::NotInstalled(message.to_owned());
                    // Reported first: a reader of the empty list may look up the error.
                    self.report_failure(&error);
                    self.replace_all(Vec::new());
                    return Err(error);
                }
                Err(error) => return Err(error),
            };
            self.health.touch();
            objects.extend(page.items.into_iter().map(self.project));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params.continue_token = Some(token),
                None => {
                    self.replace_all(objects);
                    self.report_recovered();
                    return Ok(page.metadata.resource_version.unwrap_or_default());
                }
            }
        }
    }

    fn replace_all(&mut self, objects: Vec<T>) {
        (self.on_event)(WatchEvent::Replaced(objects));
        self.health.touch();
        self.health.set_synced();
    }

    /// Watches from a resource version, again and again, until a new list is needed.
    async fn watch(&mut self, mut resource_version: String) {
        loop {
            let opened_at = Instant::now();
            match self.watch_once(&mut resource_version).await {
                WatchEnd::Failed(error, min_pause) => self.pause_after(&error, min_pause).await,
                WatchEnd::Expired => {
                    self.pause_if_brief(opened_at).await;
                    return;
                }
                WatchEnd::Closed => self.pause_if_brief(opened_at).await,
            }
        }
    }

    /// Watches until the watch ends, and keeps the resource version up to date.
    async fn watch_once(&mut self, resource_version: &mut String) -> WatchEnd {
        let call = self.target.call("watch");
        let seconds = u32::try_from(self.timeouts.watch.as_secs())
            .unwrap_or(u32::MAX)
            .max(1);
        let params = WatchParams::default().timeout(seconds);
        let from = resource_version.clone();
        let opening = self.api.watch(&params, &from);
        let stream = match tokio::time::timeout(self.timeouts.call, opening).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return watch_end(&call, &error),
            Err(_) => {
                return WatchEnd::Failed(call.timed_out(self.timeouts.call), Duration::ZERO);
            }
        };
        let mut stream = std::pin::pin!(stream);
        self.report_recovered();
        self.health.touch();
        // The API server ends a healthy watch by itself before this time.
        let max_silence = self.timeouts.watch + self.timeouts.grace;
        loop {
            let event = match tokio::time::timeout(max_silence, next(stream.as_mut())).await {
                Err(_) => return WatchEnd::Failed(call.timed_out(max_silence), Duration::ZERO),
                Ok(None) => return WatchEnd::Closed,
                Ok(Some(Err(error))) => return watch_end(&call, &error),
                Ok(Some(Ok(event))) => event,
            };
            self.health.touch();
            self.backoff.reset();
            let event = match event {
                ApiEvent::Added(object) | ApiEvent::Modified(object) => {
                    advance_version(resource_version, &object);
                    WatchEvent::Applied((self.project)(object))
                }
                ApiEvent::Deleted(object) => {
                    advance_version(resource_version, &object);
                    WatchEvent::Deleted((self.project)(object))
                }
                ApiEvent::Bookmark(bookmark) => {
                    *resource_version = bookmark.metadata.resource_version;
                    continue;
                }
                ApiEvent::Error(status) => return watch_end(&call, &kube::Error::Api(status)),
            };
            (self.on_event)(event);
        }
    }

    /// Reports an error and waits for the backoff, at least for `min_pause`.
    async fn pause_after(&mut self, error: &ClusterError, min_pause: Duration) {
        self.report_failure(error);
        tokio::time::sleep(self.backoff.next_pause().max(min_pause)).await;
    }

    /// Records an error, and logs it if it is new.
    fn report_failure(&self, error: &ClusterError) {
        let message = error.to_string();
        if self.health.set_error(Some(message.clone())) {
            tracing::warn!(
                resource = self.target.resource,
                "{message}; what is known stays, trying again"
            );
        }
    }

    /// Waits for the backoff if the watch ended at once: a server that closes every watch must not
    /// be called in a tight loop.
    async fn pause_if_brief(&mut self, opened_at: Instant) {
        if opened_at.elapsed() < MIN_WATCH_DURATION {
            tokio::time::sleep(self.backoff.next_pause()).await;
        } else {
            self.backoff.reset();
        }
    }

    fn report_recovered(&mut self) {
        if self.health.set_error(None) {
            tracing::info!(resource = self.target.resource, "watched again");
        }
    }
}

/// Classifies an error that ended a watch.
fn watch_end(call: &ApiCall<'_>, error: &kube::Error) -> WatchEnd {
    match error {
        // 410: the version is too old. 404: the resource is gone, and the next list reports that.
        kube::Error::Api(status) if matches!(status.code, 404 | 410) => WatchEnd::Expired,
        kube::Error::Api(status) => {
            let seconds = status
                .details
                .as_ref()
                .map_or(0, |details| details.retry_after_seconds)
                .min(MAX_RETRY_AFTER_SECS);
            WatchEnd::Failed(call.error(error), Duration::from_secs(u64::from(seconds)))
        }
        _ => WatchEnd::Failed(call.error(error), Duration::ZERO),
    }
}

fn advance_version<K: Resource>(resource_version: &mut String, object: &K) {
    if let Some(newer) = &object.meta().resource_version {
        resource_version.clone_from(newer);
    }
}

async fn next<S: WatchStreamExt>(mut stream: Pin<&mut S>) -> Option<S::Item> {
    poll_fn(|context| stream.as_mut().poll_next(context)).await
}
