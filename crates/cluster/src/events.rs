//! Kubernetes Events: handed over without waiting, written by a task at its own pace.

use super::{
    Cluster, ClusterError,
    api_call::Call,
    event_aggregator::{Ledger, Next, Note, Subject, Write},
    list_watch::Task,
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

/// Notes that may wait for the task.
const WAITING: usize = 1024;
/// Longest note, in bytes: the API server takes no more.
const LONGEST: usize = 1024;
/// Longest name that an object can have.
const NAME: usize = 253;

/// Where notes are handed over. Clones are the same; the task ends with the last of them.
#[derive(Debug, Clone)]
pub struct Events {
    sender: mpsc::Sender<Message>,
    dropped: Arc<AtomicU64>,
    _task: Arc<Task>,
}

#[derive(Debug)]
enum Message {
    Note(Box<Note>),
    Flush(oneshot::Sender<()>),
}

impl Cluster {
    /// Starts writing Events (needs `create` and `patch` on `events` of `events.k8s.io`). `instance` is who says it: the
    /// Pod's name. Must be called within a runtime.
    #[must_use]
    pub fn events(&self, instance: &str) -> Events {
        let (sender, receiver) = mpsc::channel(WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let writer = Writer {
            cluster: self.clone(),
            instance: one_line(
                if instance.is_empty() {
                    "kubevet"
                } else {
                    instance
                },
                128,
            ),
            dropped: Arc::clone(&dropped),
            ledger: Ledger::new(Instant::now()),
            said: None,
        };
        let task = Task(tokio::spawn(writer.run(receiver)));
        Events {
            sender,
            dropped,
            _task: Arc::new(task),
        }
    }
}

impl Events {
    /// Hands over a note. Never waits; where there is no room the note is dropped and counted. The same object, control
    /// and reason within ten minutes become one Event with a count.
    pub fn record(&self, note: Note) {
        if self
            .sender
            .try_send(Message::Note(Box::new(bounded(note))))
            .is_err()
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many notes were dropped: no room, or the API server did not take them.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Writes what waits, as far as the rate allows, for at most so long. For the end of the process.
    pub async fn flush(&self, within: Duration) {
        let flushed = async {
            let (sender, receiver) = oneshot::channel();
            if self.sender.send(Message::Flush(sender)).await.is_ok() {
                let _ = receiver.await;
            }
        };
        let _ = tokio::time::timeout(within, flushed).await;
    }
}

struct Writer {
    cluster: Cluster,
    instance: String,
    dropped: Arc<AtomicU64>,
    ledger: Ledger,
    /// The last failure that was logged.
    said: Option<String>,
}

impl Writer {
    async fn run(mut self, mut receiver: mpsc::Receiver<Message>) {
        let mut flushes = Vec::new();
        loop {
            while let Ok(message) = receiver.try_recv() {
                self.take(message, &mut flushes);
            }
            let message = match self.ledger.next(Instant::now()) {
                Next::Write(write) => {
                    self.write(&write).await;
                    continue;
                }
                Next::Wait(pause) => {
                    flushes.clear();
                    tokio::time::timeout(pause, receiver.recv()).await
                }
                Next::Nothing => {
                    flushes.clear();
                    Ok(receiver.recv().await)
                }
            };
            match message {
                Ok(Some(message)) => self.take(message, &mut flushes),
                Ok(None) => return,
                Err(_) => {}
            }
        }
    }

    fn take(&mut self, message: Message, flushes: &mut Vec<oneshot::Sender<()>>) {
        match message {
            Message::Note(note) => {
                if !self.ledger.note(*note, Instant::now()) {
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
            Message::Flush(done) => {
                self.ledger.hurry();
                // Dropping it says that it is done.
                flushes.push(done);
            }
        }
    }

    async fn write(&mut self, write: &Write) {
        let subject = &write.note.subject;
        let namespace = if subject.namespace.is_empty() {
            "default"
        } else {
            &subject.namespace
        };
        let api: Api<Event> = Api::namespaced(self.cluster.client.clone(), namespace);
        let call = |verb| Call {
            verb,
            group: "events.k8s.io",
            resource: "events",
            namespace: None,
            name: None,
        };
        let limit = self.cluster.limits.call;
        let written = if write.again {
            let series = EventSeries {
                count: i32::try_from(write.count).unwrap_or(i32::MAX),
                last_observed_time: now(),
            };
            let change = Patch::Merge(json!({"series": series}));
            call("patch")
                .ask(
                    limit,
                    api.patch(&write.name, &PatchParams::default(), &change),
                )
                .await
        } else {
            call("create")
                .ask(
                    limit,
                    api.create(&PostParams::default(), &self.event(write, namespace)),
                )
                .await
        };
        match written {
            Ok(_) => self.said = None,
            Err(error) => self.failed(write, &error),
        }
    }

    fn failed(&mut self, write: &Write, error: &ClusterError) {
        self.ledger.forget(&write.note);
        self.dropped.fetch_add(1, Ordering::Relaxed);
        let words = error.to_string();
        if self.said.as_ref() != Some(&words) {
            tracing::warn!("an Event was not written: {words}");
            self.said = Some(words);
        }
    }

    fn event(&self, write: &Write, namespace: &str) -> Event {
        let note = &write.note;
        Event {
            metadata: ObjectMeta {
                name: Some(write.name.clone()),
                namespace: Some(namespace.to_owned()),
                ..ObjectMeta::default()
            },
            action: Some(note.action.to_owned()),
            event_time: Some(now()),
            note: Some(note.message.clone()),
            reason: Some(note.reason.to_owned()),
            regarding: Some(reference(&note.subject)),
            related: note.related.as_ref().map(reference),
            reporting_controller: Some("kubevet.io/admission".to_owned()),
            reporting_instance: Some(self.instance.clone()),
            type_: Some(if note.warning { "Warning" } else { "Normal" }.to_owned()),
            ..Event::default()
        }
    }
}

fn now() -> MicroTime {
    MicroTime(Timestamp::now())
}

fn reference(subject: &Subject) -> ObjectReference {
    let some = |it: &String| Some(it.clone()).filter(|it| !it.is_empty());
    ObjectReference {
        api_version: some(&subject.api_version),
        kind: some(&subject.kind),
        namespace: some(&subject.namespace),
        name: some(&subject.name),
        uid: some(&subject.uid),
        ..ObjectReference::default()
    }
}

/// What comes from a request is cut to what an Event may hold.
fn bounded(mut note: Note) -> Note {
    for subject in std::iter::once(&mut note.subject).chain(&mut note.related) {
        let Subject {
            api_version,
            kind,
            namespace,
            name,
            uid,
        } = subject;
        for text in [api_version, kind, namespace, name, uid] {
            *text = one_line(text, NAME);
        }
    }
    note.control = one_line(&note.control, NAME);
    note.message = one_line(&note.message, LONGEST);
    while note.message.len() > LONGEST {
        note.message.pop();
    }
    note
}
