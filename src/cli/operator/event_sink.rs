//! New critical findings → Kubernetes Events about their objects.

use super::{
    new_findings::{KnownFindings, NewFinding},
    sink_metrics::SinkMetrics,
};
use kubevet_cluster::{EventRecord, EventSubject, EventWriter, Fence};
use kubevet_model::{ObjectResult, Origin};
use kubevet_operator::{FinishedSweep, ResultBatch, ResultSink, SinkError, SinkFuture};
use std::{future::ready, sync::Arc, time::Duration};

/// The time for Events that wait at the end of the process.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
/// The most Events about one object at once.
const MAX_EVENTS_PER_OBJECT: usize = 3;

/// Writes an Event for each new critical finding. Equal ones within ten minutes are one Event with a
/// count, and their rate is bounded: what does not fit is dropped and counted.
pub(super) struct EventSink {
    events: EventWriter,
    known: KnownFindings,
    metrics: Arc<SinkMetrics>,
}

impl EventSink {
    pub(super) fn new(events: EventWriter, metrics: Arc<SinkMetrics>) -> Self {
        Self {
            events,
            known: KnownFindings::default(),
            metrics,
        }
    }

    fn report(&mut self, batch: &ResultBatch) {
        for result in &batch.results {
            let new = self.known.add(result, &batch.controls);
            for new in new.iter().take(MAX_EVENTS_PER_OBJECT) {
                self.events.record(event(result, new));
            }
        }
        self.metrics.set_dropped_events(self.events.dropped());
    }
}

fn event(result: &ObjectResult, new: &NewFinding<'_>) -> EventRecord {
    let object = &result.object;
    let uid = match &result.origin {
        Origin::Cluster { uid, .. } => uid.to_string(),
        _ => String::new(),
    };
    let finding = &new.finding.finding;
    let path = finding.paths().first();
    let path = path.map(|path| format!(" ({path})")).unwrap_or_default();
    let others = match new.others {
        0 => String::new(),
        others => format!(", and {others} more"),
    };
    EventRecord {
        subject: EventSubject {
            api_version: object.api_version.clone(),
            kind: object.kind.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            uid,
        },
        related: None,
        control: finding.rule.to_string(),
        reason: "CriticalFinding",
        action: "Evaluation",
        message: format!("{}: {}{path}{others}", finding.rule, finding.message),
        is_warning: true,
    }
}

fn done(fence: &Fence) -> SinkFuture<'static> {
    let result = if fence.is_open() {
        Ok(())
    } else {
        Err(SinkError::Fenced)
    };
    Box::pin(ready(result))
}

impl ResultSink for EventSink {
    fn name(&self) -> &'static str {
        "events"
    }

    fn lead(&mut self) -> SinkFuture<'_> {
        self.known.clear();
        Box::pin(ready(Ok(())))
    }

    fn write<'a>(&'a mut self, batch: &'a Arc<ResultBatch>, fence: &'a Fence) -> SinkFuture<'a> {
        if fence.is_open() {
            self.report(batch);
        }
        done(fence)
    }

    fn remove<'a>(&'a mut self, uids: &'a [Arc<str>], fence: &'a Fence) -> SinkFuture<'a> {
        for uid in uids {
            self.known.remove(uid);
        }
        done(fence)
    }

    fn sweep_finished<'a>(
        &'a mut self,
        _: &'a Arc<FinishedSweep>,
        fence: &'a Fence,
    ) -> SinkFuture<'a> {
        self.known.settle();
        done(fence)
    }

    fn flush<'a>(&'a mut self, _: &'a Fence) -> SinkFuture<'a> {
        Box::pin(async {
            self.events.flush(FLUSH_TIMEOUT).await;
            Ok(())
        })
    }
}
