//! The metrics of the store and of results as objects.

use kubevet_cluster::{ResultTotals, WriteReport};
use kubevet_model::Severity;
use kubevet_store::{Timestamp, WriteCounts};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChangeLabels {
    change: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SeverityLabels {
    severity: &'static str,
}

/// The metrics of the places where results go.
#[derive(Debug, Default)]
pub(crate) struct SinkMetrics {
    stored_objects: Family<ResultLabels, Counter>,
    stored_findings: Family<ChangeLabels, Counter>,
    oldest: Family<SeverityLabels, Gauge>,
    dropped_events: Gauge,
    writes: Family<ResultLabels, Counter>,
    failures: Family<ReasonLabels, Counter>,
    results: Gauge,
    bytes: Gauge,
    is_full: Gauge,
}

impl SinkMetrics {
    /// Creates the metrics and registers them. Call it once for one registry.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let new = Self::default();
        registry.register(
            "kubevet_operator_stored_objects",
            "Objects that were handed to the store: changed or unchanged; an unchanged one is not written",
            new.stored_objects.clone(),
        );
        registry.register(
            "kubevet_operator_stored_findings",
            "Findings in the store that began (new) or ended (fixed)",
            new.stored_findings.clone(),
        );
        registry.register(
            "kubevet_operator_oldest_open_finding_timestamp_seconds",
            "When the oldest finding of a severity began that is open and has no exception; absent without one",
            new.oldest.clone(),
        );
        registry.register(
            "kubevet_operator_dropped_events",
            "Events about new critical findings that were not written",
            new.dropped_events.clone(),
        );
        registry.register(
            "kubevet_operator_result_writes",
            "Results as objects: written, unchanged (not sent), removed, or gone with their namespace",
            new.writes.clone(),
        );
        registry.register(
            "kubevet_operator_result_failures",
            "Results as objects that were not written or removed, by reason",
            new.failures.clone(),
        );
        registry.register(
            "kubevet_operator_results",
            "Results as objects that the API server has",
            new.results.clone(),
        );
        registry.register(
            "kubevet_operator_results_size_bytes",
            "The bytes of their content",
            new.bytes.clone(),
        );
        registry.register(
            "kubevet_operator_results_full",
            "1 if results are not written since there is no room for them, else 0",
            new.is_full.clone(),
        );
        new
    }

    pub(super) fn count_stored(&self, counts: &WriteCounts) {
        for (result, number) in [
            ("changed", counts.changed_objects),
            ("unchanged", counts.unchanged_objects),
        ] {
            let labels = ResultLabels { result };
            add(&self.stored_objects.get_or_create(&labels), number);
        }
        let labels = ChangeLabels { change: "new" };
        add(
            &self.stored_findings.get_or_create(&labels),
            counts.new_findings,
        );
        self.count_fixed(counts.fixed_findings);
    }

    pub(super) fn count_fixed(&self, number: usize) {
        let labels = ChangeLabels { change: "fixed" };
        add(&self.stored_findings.get_or_create(&labels), number);
    }

    /// Sets when the oldest open finding of each severity began. Those that are not named have none.
    pub(super) fn set_oldest(&self, oldest: &[(Severity, Timestamp)]) {
        for severity in Severity::ALL {
            let labels = SeverityLabels {
                severity: severity.name(),
            };
            match oldest.iter().find(|(of, _)| of == severity) {
                Some((_, began)) => {
                    let gauge = self.oldest.get_or_create(&labels);
                    gauge.set(began.unix_seconds());
                }
                None => drop(self.oldest.remove(&labels)),
            }
        }
    }

    pub(super) fn set_dropped_events(&self, number: u64) {
        self.dropped_events
            .set(i64::try_from(number).unwrap_or(i64::MAX));
    }

    pub(super) fn count_results(&self, report: &WriteReport, totals: &ResultTotals) {
        for (result, number) in [
            ("written", report.written),
            ("unchanged", report.unchanged),
            ("removed", report.removed),
            ("gone", report.gone),
        ] {
            let labels = ResultLabels { result };
            add(&self.writes.get_or_create(&labels), number);
        }
        for (&reason, number) in &report.failures {
            let labels = ReasonLabels { reason };
            add(&self.failures.get_or_create(&labels), *number);
        }
        let objects = i64::try_from(totals.objects).unwrap_or(i64::MAX);
        self.results.set(objects);
        self.bytes
            .set(i64::try_from(totals.bytes).unwrap_or(i64::MAX));
        self.is_full.set(i64::from(totals.is_full()));
    }
}

fn add(counter: &Counter, number: usize) {
    counter.inc_by(u64::try_from(number).unwrap_or(u64::MAX));
}
