//! What the bindings of the cluster did with reviews, in their status: every replica adds its numbers
//! to those of the others, at most every ten seconds, and only where there are any.

use kubevet_cluster::{Cluster, ReviewCounts};
use kubevet_webhook::WebhookMetrics;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};
use tracing::warn;

/// The time between two writes.
const INTERVAL: Duration = Duration::from_secs(10);
/// The most bindings that are written at once; the others come next.
const MAX_BINDINGS: usize = 500;

/// Reports until it is dropped.
pub(super) struct ReviewReports {
    cluster: Cluster,
    metrics: Arc<WebhookMetrics>,
    task: JoinHandle<()>,
}

impl Drop for ReviewReports {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ReviewReports {
    /// Starts to report.
    pub(super) fn start(cluster: Cluster, metrics: Arc<WebhookMetrics>) -> Self {
        let task = tokio::spawn(report_for_ever(cluster.clone(), Arc::clone(&metrics)));
        Self {
            cluster,
            metrics,
            task,
        }
    }

    /// Reports what is left, for the end of the process.
    pub(super) async fn flush(self, limit: Duration) {
        self.task.abort();
        let reported = report(&self.cluster, &self.metrics);
        if timeout(limit, reported).await.is_err() {
            warn!("the last numbers of reviews are not in the status of the bindings");
        }
    }
}

async fn report_for_ever(cluster: Cluster, metrics: Arc<WebhookMetrics>) {
    let mut clock = interval(INTERVAL);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last_failure = None;
    loop {
        clock.tick().await;
        let failure = report(&cluster, &metrics).await.err();
        if let Some(failure) = failure.as_ref().filter(|_| failure != last_failure) {
            warn!("numbers of reviews are not in the status of a binding: {failure}; trying again");
        }
        last_failure = failure;
    }
}

/// Adds the numbers to the status of each binding. One that is not in the cluster has none.
async fn report(cluster: &Cluster, metrics: &WebhookMetrics) -> Result<(), String> {
    let mut failure = None;
    for (number, (binding, totals)) in metrics.take_review_totals().into_iter().enumerate() {
        if number >= MAX_BINDINGS || failure.is_some() {
            metrics.give_back_review_totals(&binding, totals);
            continue;
        }
        let counts = totals.iter().map(|(namespace, of)| {
            let counts = ReviewCounts {
                denied: of.denied,
                would_deny: of.would_deny,
            };
            (namespace.clone(), counts)
        });
        let counts: BTreeMap<String, ReviewCounts> = counts.collect();
        if let Err(error) = cluster.add_binding_reviews(&binding, &counts).await {
            metrics.give_back_review_totals(&binding, totals);
            failure = Some(error.to_string());
        }
    }
    failure.map_or(Ok(()), Err)
}
