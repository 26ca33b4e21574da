//! Watches the objects of many resources after they were listed, as documents.
//!
//! Each list has a watch of its own, which is opened again where it ended. When the version that it
//! follows has expired (410), the objects are listed again. A line is bounded in size, and one that
//! was cut off is an error and not the end.

use super::{
    Cluster, ClusterError,
    api_call::ApiCall,
    backoff::Backoff,
    discovery::ApiResource,
    json_parts,
    object_list::{ListOptions, METADATA_OBJECT, object_of_metadata, percent_encode},
    raw_request::MAX_STATUS_BYTES,
    read_request::{ReadRequest, WatchStart},
    unreadable_object::{UnreadableObject, identity},
};
use http_body_util::BodyExt as _;
use hyper::{Request, header};
use kube::{client::Body, core::Status};
use kubevet_document::{self as document, Document, Limits, Node};
use std::{collections::HashSet, fmt::Write as _, pin::pin, sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::Instant};

/// The most bytes of one event.
const MAX_EVENT_BYTES: usize = 16 << 20;
/// A watch that ended sooner than this is opened again only after a pause.
const MIN_WATCH_DURATION: Duration = Duration::from_secs(1);

/// What happened to the watched objects. `resource` is a position in [`ReadRequest::resources`].
#[derive(Debug)]
pub enum WatchedChange {
    /// An object was added or changed, or is in a new list.
    Changed {
        /// The resource.
        resource: usize,
        /// The object.
        object: Document,
    },
    /// An object was deleted.
    Deleted {
        /// The resource.
        resource: usize,
        /// Its last state.
        object: Document,
    },
    /// An object was added or changed that cannot be read.
    Unreadable {
        /// The resource.
        resource: usize,
        /// Its namespace; `None` outside namespaces.
        namespace: Option<String>,
        /// The reason.
        error: ClusterError,
    },
    /// The objects were listed again: those with other uids are gone.
    Relisted {
        /// The list.
        list: WatchStart,
        /// The uids of all objects.
        uids: HashSet<String>,
    },
    /// A watch was opened: until it fails, it brings every change.
    Opened {
        /// The list that it goes on from.
        list: WatchStart,
    },
    /// A watch failed, and will be tried again.
    Failed {
        /// The list that it goes on from.
        list: WatchStart,
        /// The reason.
        error: ClusterError,
    },
}

impl Cluster {
    /// Watches objects until the receiver is dropped.
    pub async fn watch_objects(
        &self,
        request: ReadRequest,
        starts: Vec<WatchStart>,
        changes: mpsc::Sender<WatchedChange>,
    ) {
        let request = Arc::new(request);
        let mut watches = tokio::task::JoinSet::new();
        for start in starts {
            let (cluster, request, changes) = (self.clone(), Arc::clone(&request), changes.clone());
            watches.spawn(async move { cluster.watch_list(&request, start, changes).await });
        }
        drop(changes);
        while watches.join_next().await.is_some() {}
    }

    /// Watches the objects of one list until the receiver is dropped.
    pub async fn watch_list(
        &self,
        request: &ReadRequest,
        start: WatchStart,
        changes: mpsc::Sender<WatchedChange>,
    ) {
        let Some(resource) = request.resources.get(start.resource) else {
            return;
        };
        let watcher = ObjectWatcher {
            cluster: self.clone(),
            options: ListOptions {
                metadata_only: resource.metadata_only,
                ..request.options.clone()
            },
            resource: resource.resource.clone(),
            start,
            opened_at: None,
            changes,
        };
        watcher.run().await;
    }
}

struct ObjectWatcher {
    cluster: Cluster,
    resource: ApiResource,
    options: ListOptions,
    start: WatchStart,
    /// When the watch was opened that is under way.
    opened_at: Option<Instant>,
    changes: mpsc::Sender<WatchedChange>,
}

/// Why a watch ended.
enum WatchEnd {
    /// It has lasted its time.
    Over,
    /// Its version has expired.
    Expired,
    Failed(ClusterError),
    /// The receiver was dropped.
    Closed,
}

impl ObjectWatcher {
    async fn run(mut self) {
        let mut backoff = self.cluster.timeouts.backoff.clone();
        loop {
            self.opened_at = None;
            let mut end = self.watch_once().await;
            let open_for = self.opened_at.map(|at| at.elapsed()).unwrap_or_default();
            if matches!(end, WatchEnd::Expired) {
                end = self.list_again().await;
            }
            let has_failed = match end {
                WatchEnd::Closed => return,
                WatchEnd::Over | WatchEnd::Expired => false,
                WatchEnd::Failed(error) => {
                    let list = self.start.clone();
                    let failed = WatchedChange::Failed { list, error };
                    if self.send(failed).await.is_err() {
                        return;
                    }
                    true
                }
            };
            if let Some(pause) = pause_after(has_failed, open_for, &mut backoff) {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Watches until the watch ends, and keeps the version up to date.
    async fn watch_once(&mut self) -> WatchEnd {
        let resource = self.resource.clone();
        let namespace = self.start.namespace.clone();
        let call = resource.call("watch", namespace.as_deref());
        let timeout = self.cluster.timeouts.call;
        self.cluster.wait_for_budget().await;
        let body = match tokio::time::timeout(timeout, self.open(&call)).await {
            Ok(Ok(body)) => body,
            Ok(Err(end)) => return end,
            Err(_) => return WatchEnd::Failed(call.timed_out(timeout)),
        };
        self.opened_at = Some(Instant::now());
        let list = self.start.clone();
        if let Err(end) = self.send(WatchedChange::Opened { list }).await {
            return end;
        }
        let mut body = pin!(body);
        let mut lines = LineBuffer::default();
        let max_silence = self.cluster.timeouts.watch + self.cluster.timeouts.grace;
        loop {
            let frame = match tokio::time::timeout(max_silence, body.frame()).await {
                Err(_) => return WatchEnd::Failed(call.timed_out(max_silence)),
                Ok(None) if lines.is_empty() => return WatchEnd::Over,
                Ok(None) => return WatchEnd::Failed(call.unusable("an event was cut off")),
                Ok(Some(Err(error))) => return WatchEnd::Failed(call.error(&error)),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if !lines.push(&data) {
                let mib = MAX_EVENT_BYTES >> 20;
                let reason = format!("an event has more than {mib} MiB");
                return WatchEnd::Failed(call.unusable(&reason));
            }
            while let Some(line) = lines.next_line() {
                if let Err(end) = self.take_event(&call, &line).await {
                    return end;
                }
            }
        }
    }

    async fn open(&self, call: &ApiCall<'_>) -> Result<Body, WatchEnd> {
        let accept = if self.options.metadata_only {
            METADATA_OBJECT
        } else {
            "application/json"
        };
        let request = Request::get(self.path())
            .header(header::ACCEPT, accept)
            .body(Body::empty());
        let request =
            request.map_err(|error| WatchEnd::Failed(call.unusable(&error.to_string())))?;
        let response = self.cluster.client.send(request).await;
        let response = response.map_err(|error| WatchEnd::Failed(call.error(&error)))?;
        let code = response.status().as_u16();
        self.cluster.note_refusal(code, response.headers());
        if response.status().is_success() {
            return Ok(response.into_body());
        }
        if matches!(code, 404 | 410) {
            return Err(WatchEnd::Expired);
        }
        let body = http_body_util::Limited::new(response.into_body(), MAX_STATUS_BYTES);
        let bytes = body.collect().await.map(|collected| collected.to_bytes());
        let mut status: Status =
            serde_json::from_slice(&bytes.unwrap_or_default()).unwrap_or_default();
        status.code = code;
        Err(WatchEnd::Failed(
            call.error(&kube::Error::Api(status.boxed())),
        ))
    }

    fn path(&self) -> String {
        let mut path = self.resource.path(self.start.namespace.as_deref());
        let seconds = self.cluster.timeouts.watch.as_secs().max(1);
        let _ = write!(
            path,
            "?watch=true&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion="
        );
        percent_encode(&self.start.resource_version, &mut path);
        let all_namespaces = self.resource.namespaced && self.start.namespace.is_none();
        self.options.write_selectors(all_namespaces, &mut path);
        path
    }

    async fn take_event(&mut self, call: &ApiCall<'_>, line: &[u8]) -> Result<(), WatchEnd> {
        let file = self.resource.plural.as_str().into();
        let mut parsed = document::read_json(&file, line, &Limits::default());
        let event = parsed
            .documents
            .pop()
            .filter(|_| parsed.problems.is_empty());
        let object = event.as_ref().and_then(|event| event.root().get("object"));
        let (Some(event), Some(object)) = (&event, object) else {
            if let Some(sent) = self.take_unreadable(call, line).await {
                return sent;
            }
            let size = line.len();
            let reason = format!("an event of {size} bytes is not valid JSON");
            return Err(WatchEnd::Failed(call.unusable(&reason)));
        };
        let kind = event.root().get("type").and_then(Node::as_str);
        let kind = kind.unwrap_or_default();
        if kind == "ERROR" {
            let text = |key| object.get(key).and_then(Node::as_str).unwrap_or_default();
            let code = object.get("code").and_then(Node::as_number);
            if code == Some(document::Number::Int(410)) {
                return Err(WatchEnd::Expired);
            }
            return Err(WatchEnd::Failed(call.unusable(text("message"))));
        }
        let version = object
            .get("metadata")
            .and_then(|metadata| metadata.get("resourceVersion"))
            .and_then(Node::as_str);
        if let Some(version) = version {
            version.clone_into(&mut self.start.resource_version);
        }
        let Some(mut object) = event.part(object) else {
            return Ok(());
        };
        if self.options.metadata_only {
            object = object_of_metadata(&self.resource, &object);
        }
        let resource = self.start.resource;
        match kind {
            "ADDED" | "MODIFIED" => self.send(WatchedChange::Changed { resource, object }).await,
            "DELETED" => self.send(WatchedChange::Deleted { resource, object }).await,
            _ => Ok(()),
        }
    }

    /// Passes on the event of an object that exceeds a limit of the reader; `None` if it is no such event.
    async fn take_unreadable(
        &mut self,
        call: &ApiCall<'_>,
        line: &[u8],
    ) -> Option<Result<(), WatchEnd>> {
        let kind = json_parts::text_at(line, &["type"])?;
        let object = json_parts::member(line, "object")?;
        let version = json_parts::text_at(object, &["metadata", "resourceVersion"])?;
        let unreadable = UnreadableObject::of(object, call)?;
        let resource = self.start.resource;
        let change = match kind.as_str() {
            "ADDED" | "MODIFIED" => WatchedChange::Unreadable {
                resource,
                namespace: unreadable.namespace,
                error: unreadable.error,
            },
            "DELETED" => WatchedChange::Deleted {
                resource,
                object: identity(object, &self.resource)?,
            },
            _ => return None,
        };
        self.start.resource_version = version;
        Some(self.send(change).await)
    }

    /// Lists the objects again, since what happened in between is not known.
    async fn list_again(&mut self) -> WatchEnd {
        let (resource, options) = (self.resource.clone(), self.options.clone());
        let cluster = self.cluster.clone();
        let namespace = self.start.namespace.clone();
        let mut list = cluster.list_objects(&resource, namespace.as_deref(), &options);
        let mut uids = HashSet::new();
        loop {
            match list.next_page().await {
                Ok(Some(objects)) => {
                    for object in objects {
                        let uid = object
                            .root()
                            .get("metadata")
                            .and_then(|node| node.get("uid"));
                        uids.extend(uid.and_then(Node::as_str).map(str::to_owned));
                        let resource = self.start.resource;
                        let changed = WatchedChange::Changed { resource, object };
                        if self.send(changed).await.is_err() {
                            return WatchEnd::Closed;
                        }
                    }
                    for object in list.take_unreadable() {
                        uids.insert(object.uid);
                        let unreadable = WatchedChange::Unreadable {
                            resource: self.start.resource,
                            namespace: object.namespace,
                            error: object.error,
                        };
                        if self.send(unreadable).await.is_err() {
                            return WatchEnd::Closed;
                        }
                    }
                }
                Ok(None) => break,
                Err(error) => return WatchEnd::Failed(error),
            }
        }
        list.resource_version()
            .clone_into(&mut self.start.resource_version);
        let relisted = WatchedChange::Relisted {
            list: self.start.clone(),
            uids,
        };
        match self.send(relisted).await {
            Ok(()) => WatchEnd::Expired,
            Err(end) => end,
        }
    }

    async fn send(&self, change: WatchedChange) -> Result<(), WatchEnd> {
        self.changes
            .send(change)
            .await
            .map_err(|_| WatchEnd::Closed)
    }
}

/// Returns the pause before a watch is opened again that was open for so long. Pauses grow only while
/// no watch stays open: connections that break from time to time cost no more each time.
fn pause_after(has_failed: bool, open_for: Duration, backoff: &mut Backoff) -> Option<Duration> {
    let was_open = open_for >= MIN_WATCH_DURATION;
    if was_open {
        backoff.reset();
    }
    (has_failed || !was_open).then(|| backoff.next_pause())
}

/// Bytes that are split into lines.
#[derive(Debug, Default)]
struct LineBuffer {
    bytes: Vec<u8>,
    /// The bytes before it have no line break.
    searched: usize,
}

impl LineBuffer {
    /// Adds bytes. False if the unfinished line is too long.
    fn push(&mut self, data: &[u8]) -> bool {
        self.bytes.extend_from_slice(data);
        self.bytes.len() <= MAX_EVENT_BYTES || self.bytes.contains(&b'\n')
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn next_line(&mut self) -> Option<Vec<u8>> {
        let rest = self.bytes.get(self.searched..).unwrap_or_default();
        let Some(offset) = rest.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.bytes.len();
            return None;
        };
        let end = self.searched + offset;
        let after = self.bytes.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.bytes, after);
        line.truncate(end);
        self.searched = 0;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, Duration, LineBuffer, pause_after};

    #[test]
    fn pauses_grow_only_while_no_watch_stays_open() {
        let seconds = Duration::from_secs;
        let mut backoff = Backoff::new(seconds(1), seconds(30));
        // Whether it has failed, for how many seconds it was open, and the longest pause.
        for (has_failed, open_for, longest) in [
            (true, 0, Some(1)),
            (true, 0, Some(2)),
            (false, 0, Some(4)),
            (true, 0, Some(8)),
            (true, 60, Some(1)),
            (true, 60, Some(1)),
            (true, 0, Some(2)),
            (false, 60, None),
            (true, 0, Some(1)),
        ] {
            let pause = pause_after(has_failed, seconds(open_for), &mut backoff);
            let longest = longest.map(seconds);
            let is_within =
                |(pause, longest): (Duration, Duration)| pause <= longest && pause >= longest / 2;
            assert!(
                pause == longest || pause.zip(longest).is_some_and(is_within),
                "{has_failed} {open_for}: {pause:?}"
            );
        }
    }

    #[test]
    fn line_is_complete_only_with_its_break() {
        let mut buffer = LineBuffer::default();
        let mut lines = Vec::new();
        for part in ["{\"a\"", ":1}\n{", "}\n", "{\"cut"] {
            assert!(buffer.push(part.as_bytes()));
            while let Some(line) = buffer.next_line() {
                lines.push(String::from_utf8(line).unwrap());
            }
        }
        assert_eq!(lines, ["{\"a\":1}", "{}"]);
        assert!(!buffer.is_empty());
    }
}
