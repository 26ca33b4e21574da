//! A sink that keeps a line for each call and object.

use crate::{FinishedSweep, ResultBatch, ResultSink, SinkFuture};
use kubevet_cluster::Fence;
use kubevet_model::{ControlId, Origin};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::sync::watch;

/// The time after which a test fails.
const LONG: Duration = Duration::from_secs(20);

/// The lines so far. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Lines(watch::Sender<Vec<String>>);

impl Lines {
    pub(super) fn sink(&self) -> Box<dyn ResultSink> {
        Box::new(CollectingSink(self.clone()))
    }

    pub(super) fn all(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// Waits until there is a line.
    pub(super) async fn wait(&self, line: &str) {
        let mut receiver = self.0.subscribe();
        let has_line = receiver.wait_for(|lines| lines.iter().any(|known| known == line));
        if tokio::time::timeout(LONG, has_line).await.is_err() {
            panic!("no `{line}` in {:#?}", self.all());
        }
    }

    fn push(&self, line: String) {
        self.0.send_modify(|lines| lines.push(line));
    }
}

struct CollectingSink(Lines);

impl ResultSink for CollectingSink {
    fn name(&self) -> &'static str {
        "collecting"
    }

    fn write<'a>(&'a mut self, batch: &'a Arc<ResultBatch>, fence: &'a Fence) -> SinkFuture<'a> {
        assert!(fence.is_open());
        for result in &batch.results {
            let findings = result.findings.iter();
            let failed: BTreeSet<&ControlId> =
                findings.map(|located| &located.finding.rule).collect();
            let failed: Vec<&str> = failed.into_iter().map(ControlId::as_str).collect();
            let Origin::Cluster {
                resource_version, ..
            } = &result.origin
            else {
                panic!("{:?}", result.origin);
            };
            let name = &result.object.name;
            self.0
                .push(format!("{name} {resource_version} {}", failed.join(",")));
        }
        Box::pin(async { Ok(()) })
    }

    fn remove<'a>(&'a mut self, uids: &'a [Arc<str>], _: &'a Fence) -> SinkFuture<'a> {
        for uid in uids {
            self.0.push(format!("remove {uid}"));
        }
        Box::pin(async { Ok(()) })
    }

    fn sweep_finished<'a>(
        &'a mut self,
        sweep: &'a Arc<FinishedSweep>,
        _: &'a Fence,
    ) -> SinkFuture<'a> {
        let unread: Vec<String> = sweep.unread.iter().map(ToString::to_string).collect();
        let complete = if sweep.is_complete { "" } else { " incomplete" };
        self.0.push(format!(
            "sweep {}{complete}: {}",
            sweep.reason,
            unread.join(", ")
        ));
        Box::pin(async { Ok(()) })
    }
}
