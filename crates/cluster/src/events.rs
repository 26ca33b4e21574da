//! Kubernetes Events: recorded without waiting, and written by a task of their own at a bounded
//! rate.

use super::{
    Cluster, ClusterError,
    api_call::ApiCall,
    event_aggregator::{EventAggregator, EventRecord, EventSubject, EventWrite, NextAction},
    list_watch::AbortOnDrop,
};
use k8s_openapi::{
    api::{
        core::v1::ObjectReference,
        events::v1::{Event, EventSeries},
    },
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::Timestamp,
};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
    core::ObjectMeta,
};
use kubevet_model::one_line;
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};

/// The number of records that may wait for the task.
const QUEUE_LENGTH: usize = 1024;
/// The most bytes of a message: the API server accepts no more.
const MAX_MESSAGE_BYTES: usize = 1024;
/// The most characters of the name of an object.
const MAX_NAME_CHARS: usize = 253;
/// The most characters of the name of a reporting instance.
const MAX_INSTANCE_CHARS: usize = 128;
/// A handle to record Events. Clones share the task, which ends with the last of them.
#[derive(Debug, Clone)]
pub struct EventWriter {
    sender: mpsc::Sender<Message>,
    dropped: Arc<AtomicU64>,
    _task: Arc<AbortOnDrop>,
}

#[derive(Debug)]
enum Message {
    Record(Box<EventRecord>),
    Flush(oneshot::Sender<()>),
}

impl Cluster {
    /// Starts to write Events, which needs `create` and `patch` on `events` of `events.k8s.io`.
    /// `controller` is the name of the reporting part, such as `kubevet.io/admission`, and `instance`
    /// that of its Pod. Must be called within a Tokio runtime.
    #[must_use]
    pub fn start_event_writer(&self, controller: &'static str, instance: &str) -> EventWriter {
        let (sender, receiver) = mpsc::channel(QUEUE_LENGTH);
        let dropped = Arc::new(AtomicU64::new(0));
        let instance = if instance.is_empty() {
            "kubevet"
        } else {
            instance
        };
        let task = EventTask {
            cluster: self.clone(),
            controller,
            instance: one_line(instance, MAX_INSTANCE_CHARS),
            dropped: Arc::clone(&dropped),
            aggregator: EventAggregator::new(Instant::now()),
            logged_failure: None,
        };
        EventWriter {
            sender,
            dropped,
            _task: Arc::new(AbortOnDrop(tokio::spawn(task.run(receiver)))),
        }
    }
}

impl EventWriter {
    /// Records an Event. Never waits: without room in the queue, the record is dropped and counted.
    /// Records of the same object, control and reason within ten minutes become one Event with a
    /// count.
    pub fn record(&self, record: EventRecord) {
        let message = Message::Record(Box::new(bounded(record)));
        if self.sender.try_send(message).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns the number of dropped records: the queue was full, or the API server refused them.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Writes the queued records, as far as the rate permits, for at most `timeout`. It is meant
    /// for the end of the process.
    pub async fn flush(&self, timeout: Duration) {
        let flushed = async {
            let (sender, receiver) = oneshot::channel();
            if self.sender.send(Message::Flush(sender)).await.is_ok() {
                let _ = receiver.await;
            }
        };
        let _ = tokio::time::timeout(timeout, flushed).await;
    }
}

/// The task that writes Events.
struct EventTask {
    cluster: Cluster,
    controller: &'static str,
    instance: String,
    dropped: Arc<AtomicU64>,
    aggregator: EventAggregator,
    /// The failure logged last, so that a repeated one is logged once.
    logged_failure: Option<String>,
}

impl EventTask {
    async fn run(mut self, mut receiver: mpsc::Receiver<Message>) {
        let mut flushes = Vec::new();
        loop {
            while let Ok(message) = receiver.try_recv() {
                self.handle(message, &mut flushes);
            }
            let message = match self.aggregator.next_action(Instant::now()) {
                NextAction::Write(write) => {
                    self.write(&write).await;
                    continue;
                }
                // Nothing can be written now, so every flush ends: dropping its sender tells the
                // caller.
                NextAction::Wait(pause) => {
                    flushes.clear();
                    tokio::time::timeout(pause, receiver.recv()).await
                }
                NextAction::Idle => {
                    flushes.clear();
                    Ok(receiver.recv().await)
                }
            };
            match message {
                Ok(Some(message)) => self.handle(message, &mut flushes),
                Ok(None) => return,
                Err(_) => {}
            }
        }
    }

    fn handle(&mut self, message: Message, flushes: &mut Vec<oneshot::Sender<()>>) {
        match message {
            Message::Record(record) => {
                if !self.aggregator.add(*record, Instant::now()) {
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
            Message::Flush(done) => {
                self.aggregator.flush_now();
                flushes.push(done);
            }
        }
    }

    async fn write(&mut self, write: &EventWrite) {
        let subject = &write.record.subject;
        // Events of cluster-scoped objects are in the namespace `default`.
        let namespace = if subject.namespace.is_empty() {
            "default"
        } else {
            &subject.namespace
        };
        let api: Api<Event> = Api::namespaced(self.cluster.client.clone(), namespace);
        let call = |verb| ApiCall {
            verb,
            group: "events.k8s.io",
            resource: "events",
            namespace: None,
            name: None,
        };
        let timeout = self.cluster.timeouts.call;
        let result = if write.is_update {
            let series = EventSeries {
                count: i32::try_from(write.count).unwrap_or(i32::MAX),
                last_observed_time: now(),
            };
            let patch = Patch::Merge(json!({"series": series}));
            call("patch")
                .send(
                    timeout,
                    api.patch(&write.name, &PatchParams::default(), &patch),
                )
                .await
        } else {
            let event = self.event(write, namespace);
            call("create")
                .send(timeout, api.create(&PostParams::default(), &event))
                .await
        };
        match result {
            Ok(_) => self.logged_failure = None,
            Err(error) => self.record_failure(write, &error),
        }
    }

    fn record_failure(&mut self, write: &EventWrite, error: &ClusterError) {
        self.aggregator.drop_series(&write.record);
        self.dropped.fetch_add(1, Ordering::Relaxed);
        let message = error.to_string();
        if self.logged_failure.as_ref() != Some(&message) {
            tracing::warn!("an Event was not written: {message}");
            self.logged_failure = Some(message);
        }
    }

    fn event(&self, write: &EventWrite, namespace: &str) -> Event {
        let record = &write.record;
        let event_type = if record.is_warning {
            "Warning"
        } else {
            "Normal"
        };
        Event {
            metadata: ObjectMeta {
                name: Some(write.name.clone()),
                namespace: Some(namespace.to_owned()),
                ..ObjectMeta::default()
            },
            action: Some(record.action.to_owned()),
            event_time: Some(now()),
            note: Some(record.message.clone()),
            reason: Some(record.reason.to_owned()),
            regarding: Some(object_reference(&record.subject)),
            related: record.related.as_ref().map(object_reference),
            reporting_controller: Some(self.controller.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            type_: Some(event_type.to_owned()),
            ..Event::default()
        }
    }
}

fn now() -> MicroTime {
    MicroTime(Timestamp::now())
}

fn object_reference(subject: &EventSubject) -> ObjectReference {
    let non_empty = |field: &String| Some(field.clone()).filter(|field| !field.is_empty());
    ObjectReference {
        api_version: non_empty(&subject.api_version),
        kind: non_empty(&subject.kind),
        namespace: non_empty(&subject.namespace),
        name: non_empty(&subject.name),
        uid: non_empty(&subject.uid),
        ..ObjectReference::default()
    }
}

/// Truncates the fields that come from a request to the limits of an Event.
fn bounded(mut record: EventRecord) -> EventRecord {
    for subject in std::iter::once(&mut record.subject).chain(&mut record.related) {
        let EventSubject {
            api_version,
            kind,
            namespace,
            name,
            uid,
        } = subject;
        for field in [api_version, kind, namespace, name, uid] {
            *field = one_line(field, MAX_NAME_CHARS);
        }
    }
    record.control = one_line(&record.control, MAX_NAME_CHARS);
    // At most so many characters, and then at most so many bytes.
    record.message = one_line(&record.message, MAX_MESSAGE_BYTES);
    while record.message.len() > MAX_MESSAGE_BYTES {
        record.message.pop();
    }
    record
}
