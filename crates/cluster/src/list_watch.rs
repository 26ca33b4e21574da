//! List, then watch, for as long as the process lives.
//!
//! Not the client's own watcher: that one keeps quiet about bookmarks and reopened watches, so nobody could tell a quiet
//! cluster from a dead connection. Whatever goes wrong, what was heard so far stays; only a complete list replaces it.

use super::{ClusterError, api_call::Call, backoff::Pace, watch_health::Pulse};
use kube::{
    Api, Resource,
    api::{ListParams, WatchEvent, WatchParams},
    runtime::WatchStreamExt,
};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, future::poll_fn, pin::Pin, time::Duration};
use tokio::{task::JoinHandle, time::Instant};

/// Objects a page of a list.
const PAGE: u32 = 500;
/// A watch that ended sooner than this is not opened again without a pause.
const BRIEF: Duration = Duration::from_secs(1);

/// How long things may take.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// One call: a page of a list, the opening of a watch, a write.
    pub(super) call: Duration,
    /// How long one watch lasts before the API server ends it and it is opened again: the longest time a healthy watch
    /// can be silent. Whole seconds.
    pub(super) watch: Duration,
    /// How much longer than that a silent watch is waited for; then the connection counts as dead.
    pub(super) grace: Duration,
    /// Pauses between attempts.
    pub(super) pace: Pace,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(10),
            watch: Duration::from_secs(60),
            grace: Duration::from_secs(15),
            pace: Pace::new(Duration::from_millis(500), Duration::from_secs(30)),
        }
    }
}

/// What was heard.
#[derive(Debug)]
pub(super) enum Change<K> {
    /// This is all there is.
    All(Vec<K>),
    /// New, or changed.
    Put(K),
    /// Deleted.
    Gone(K),
}

/// What is followed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Followed {
    pub(super) group: &'static str,
    pub(super) resource: &'static str,
    /// Said where the API server does not know the resource, which then counts as "there are none"; without it, it is a
    /// failure as any other.
    pub(super) absent: Option<&'static str>,
}

impl Followed {
    fn call(&self, verb: &'static str) -> Call<'static> {
        Call {
            verb,
            group: self.group,
            resource: self.resource,
            namespace: None,
            name: None,
        }
    }
}

/// A task that ends when nobody holds it any more.
#[derive(Debug)]
pub(super) struct Task(pub(super) JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts following. `slim` takes away what need not be kept while a list is still being read.
pub(super) fn follow<K, T>(
    api: Api<K>,
    followed: Followed,
    limits: Limits,
    pulse: Pulse,
    slim: fn(K) -> T,
    tell: impl FnMut(Change<T>) + Send + 'static,
) -> Task
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    T: Send + 'static,
{
    let mut follower = Follower {
        api,
        followed,
        pace: limits.pace.clone(),
        limits,
        pulse,
        slim,
        tell,
    };
    Task(tokio::spawn(async move { follower.run().await }))
}

struct Follower<K, T, F> {
    api: Api<K>,
    followed: Followed,
    limits: Limits,
    pace: Pace,
    pulse: Pulse,
    slim: fn(K) -> T,
    tell: F,
}

/// Why a watch is over.
enum End {
    /// It has run its time.
    Closed,
    /// What it went on from is no longer there: only a list helps.
    Expired,
    Failed(ClusterError, Duration),
}

impl<K, T, F> Follower<K, T, F>
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    T: Send + 'static,
    F: FnMut(Change<T>) + Send + 'static,
{
    async fn run(&mut self) {
        loop {
            match self.list().await {
                Ok(version) => self.watch(version).await,
                Err(error) => self.pause_for(&error, Duration::ZERO).await,
            }
        }
    }

    /// Everything there is, page by page. The version to watch from.
    async fn list(&mut self) -> Result<String, ClusterError> {
        let call = self.followed.call("list");
        let mut found = Vec::new();
        let mut page = ListParams::default().limit(PAGE);
        loop {
            let part = match call.ask(self.limits.call, self.api.list(&page)).await {
                Ok(part) => part,
                Err(ClusterError::Missing { .. }) if self.followed.absent.is_some() => {
                    let error =
                        ClusterError::Access(self.followed.absent.unwrap_or_default().to_owned());
                    // Whoever hears that there are none can ask why.
                    self.say(&error);
                    self.settle(Vec::new());
                    return Err(error);
                }
                Err(error) => return Err(error),
            };
            self.pulse.beat();
            found.extend(part.items.into_iter().map(self.slim));
            match part.metadata.continue_.filter(|it| !it.is_empty()) {
                Some(token) => page.continue_token = Some(token),
                None => {
                    self.settle(found);
                    self.well();
                    return Ok(part.metadata.resource_version.unwrap_or_default());
                }
            }
        }
    }

    fn settle(&mut self, all: Vec<T>) {
        (self.tell)(Change::All(all));
        self.pulse.beat();
        self.pulse.synced();
    }

    /// Watches from there on, until only a list helps.
    async fn watch(&mut self, mut version: String) {
        loop {
            let opened = Instant::now();
            match self.watch_once(&mut version).await {
                End::Failed(error, after) => self.pause_for(&error, after).await,
                End::Expired => {
                    self.pause_if_brief(opened).await;
                    return;
                }
                End::Closed => self.pause_if_brief(opened).await,
            }
        }
    }

    async fn watch_once(&mut self, version: &mut String) -> End {
        let call = self.followed.call("watch");
        let seconds = u32::try_from(self.limits.watch.as_secs())
            .unwrap_or(u32::MAX)
            .max(1);
        let params = WatchParams::default().timeout(seconds);
        let from = version.clone();
        let stream =
            match tokio::time::timeout(self.limits.call, self.api.watch(&params, &from)).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => return end(&call, &error),
                Err(_) => return End::Failed(late(&call, self.limits.call), Duration::ZERO),
            };
        let mut stream = std::pin::pin!(stream);
        self.well();
        self.pulse.beat();
        let silence = self.limits.watch + self.limits.grace;
        loop {
            let event = match tokio::time::timeout(silence, next(stream.as_mut())).await {
                Err(_) => return End::Failed(late(&call, silence), Duration::ZERO),
                Ok(None) => return End::Closed,
                Ok(Some(Err(error))) => return end(&call, &error),
                Ok(Some(Ok(event))) => event,
            };
            self.pulse.beat();
            self.pace.reset();
            let change = match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    remember(version, &object);
                    Change::Put((self.slim)(object))
                }
                WatchEvent::Deleted(object) => {
                    remember(version, &object);
                    Change::Gone((self.slim)(object))
                }
                WatchEvent::Bookmark(mark) => {
                    *version = mark.metadata.resource_version;
                    continue;
                }
                WatchEvent::Error(status) => return end(&call, &kube::Error::Api(status)),
            };
            (self.tell)(change);
        }
    }

    /// Says what is wrong, once, and waits; at least as long as the API server asked for.
    async fn pause_for(&mut self, error: &ClusterError, after: Duration) {
        self.say(error);
        tokio::time::sleep(self.pace.pause().max(after)).await;
    }

    fn say(&self, error: &ClusterError) {
        let words = error.to_string();
        if self.pulse.trouble(Some(words.clone())) {
            tracing::warn!(
                resource = self.followed.resource,
                "{words}; what is known stays, trying again"
            );
        }
    }

    async fn pause_if_brief(&mut self, opened: Instant) {
        if opened.elapsed() < BRIEF {
            tokio::time::sleep(self.pace.pause()).await;
        } else {
            self.pace.reset();
        }
    }

    fn well(&mut self) {
        if self.pulse.trouble(None) {
            tracing::info!(resource = self.followed.resource, "watched again");
        }
    }
}

/// The words for a watch that ended with an error.
fn end(call: &Call<'_>, error: &kube::Error) -> End {
    match error {
        // 404: the resource itself is gone, and the list says what that means.
        kube::Error::Api(status) if matches!(status.code, 404 | 410) => End::Expired,
        kube::Error::Api(status) => {
            let seconds = status
                .details
                .as_ref()
                .map_or(0, |it| it.retry_after_seconds)
                .min(60);
            End::Failed(call.failed(error), Duration::from_secs(u64::from(seconds)))
        }
        _ => End::Failed(call.failed(error), Duration::ZERO),
    }
}

fn late(call: &Call<'_>, after: Duration) -> ClusterError {
    ClusterError::TimedOut {
        what: call.what(),
        after,
    }
}

fn remember<K: Resource>(version: &mut String, object: &K) {
    if let Some(newer) = &object.meta().resource_version {
        version.clone_from(newer);
    }
}

async fn next<S: WatchStreamExt>(mut stream: Pin<&mut S>) -> Option<S::Item> {
    poll_fn(|context| stream.as_mut().poll_next(context)).await
}
