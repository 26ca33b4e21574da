//! The decision log: a line of JSON for each decision that matters, and a sample of the others.
//!
//! Lines are written on a thread of their own: a reader that stops reading costs lines, which are
//! counted, and never the time of a review. The content of a line is defined in `log_entry`.

use super::{
    WebhookMetrics,
    caller_timeout::TimeBudget,
    log_entry::LogEntry,
    log_writer::{LogOutput, LogWriter},
    snapshot::ReviewOutcome,
};
use kubevet_model::Operation;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Writes decisions.
pub struct DecisionLog {
    writer: LogWriter,
    /// One of this many clean decisions is written; 0: none.
    sample_interval: u64,
    clean_decisions: AtomicU64,
}

impl DecisionLog {
    /// Starts a log to `output`, which contains one of `sample_interval` clean decisions (0: none).
    #[must_use]
    pub fn new(output: LogOutput, sample_interval: u64, metrics: &WebhookMetrics) -> Self {
        let report_dropped = |count: u64| {
            tracing::warn!(
                "{count} lines of the decision log were not written: its reader or disk took none"
            );
            None
        };
        Self {
            writer: LogWriter::new(output, metrics.dropped_decisions(), report_dropped),
            sample_interval,
            clean_decisions: AtomicU64::new(0),
        }
    }

    /// Waits until every decision so far is written, at most for `timeout`. It is meant for the end
    /// of the process.
    pub fn flush(&self, timeout: Duration) {
        self.writer.flush(timeout);
    }

    /// Reopens the file before the next line, after it was rotated.
    pub fn reopen(&self) {
        self.writer.reopen();
    }

    /// Queues the line of a decision, if it is to be written.
    pub(super) fn write(&self, outcome: &ReviewOutcome, generation: u64, time: &TimeBudget) {
        if !self.is_logged(outcome) {
            return;
        }
        if let Some(line) = LogEntry::new(outcome, generation, time).to_line() {
            self.writer.write(line);
        }
    }

    /// Returns true for every decision that is not clean, and for a sample of the clean ones. A
    /// decision about a connection is never clean: who entered a container is of interest.
    fn is_logged(&self, outcome: &ReviewOutcome) -> bool {
        let decision = &outcome.decision;
        let review = outcome.review.as_ref();
        let is_connect = review.is_some_and(|review| review.operation == Operation::Connect);
        let is_clean = decision.outcomes.is_empty()
            && decision.unevaluated.is_empty()
            && decision.allowed
            && !is_connect;
        !is_clean || self.is_sampled()
    }

    fn is_sampled(&self) -> bool {
        if self.sample_interval == 0 {
            return false;
        }
        let number = self.clean_decisions.fetch_add(1, Ordering::Relaxed);
        number.is_multiple_of(self.sample_interval)
    }
}
