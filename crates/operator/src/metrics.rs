//! The metrics of the operator, for Prometheus.
//!
//! Labels are kinds, controls, frameworks, severities and namespaces; no object has a series of its
//! own. The names `kubescape_controls_total_*` are those of Kubescape's exporter, which its dashboards
//! read.

use super::{records::Records, sink::FinishedSweep};
use kubevet_cluster::Leadership;
use kubevet_model::{Control, ControlId, ControlStatus, Kind, Severity};
use kubevet_scan::{ClusterScore, ObjectVerdict};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, UNIX_EPOCH},
};

/// The upper bounds of the histogram of the lag, in seconds.
const LAG_BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];
/// The most namespaces with series of their own; the others are one.
const MAX_NAMESPACES: usize = 2_000;
/// The label of what has no series of its own.
const OTHER: &str = "other";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    group: String,
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SinkLabels {
    sink: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SweepLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WhyLabels {
    why: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FrameworkLabels {
    framework: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NamespaceLabels {
    namespace: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NoLabels {}

type FloatGauge = Gauge<f64, AtomicU64>;

/// The metrics of an operator.
#[derive(Debug)]
pub struct OperatorMetrics {
    objects: Family<KindLabels, Gauge>,
    evaluated: Counter,
    queued: Gauge,
    waiting: Gauge,
    lag: Histogram,
    watches: Family<KindLabels, Gauge>,
    failed_watches: Family<KindLabels, Gauge>,
    not_evaluated: Family<WhyLabels, Gauge>,
    compliance: Family<FrameworkLabels, FloatGauge>,
    coverage: Family<FrameworkLabels, FloatGauge>,
    is_leader: Gauge,
    sweeps: Family<SweepLabels, Counter>,
    last_sweep: Gauge,
    last_sweep_seconds: FloatGauge,
    writes: Family<SinkLabels, Counter>,
    put_off: Gauge,
    of_cluster: Vec<(Severity, Family<NoLabels, Gauge>)>,
    of_namespace: Vec<(Severity, Family<NamespaceLabels, Gauge>)>,
}

impl OperatorMetrics {
    /// Creates the metrics and registers them. Call it once for one registry.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let severities = || Severity::ALL.iter().copied();
        let new = Self {
            objects: Family::default(),
            evaluated: Counter::default(),
            queued: Gauge::default(),
            waiting: Gauge::default(),
            lag: Histogram::new(LAG_BUCKETS),
            watches: Family::default(),
            failed_watches: Family::default(),
            not_evaluated: Family::default(),
            compliance: Family::default(),
            coverage: Family::default(),
            is_leader: Gauge::default(),
            sweeps: Family::default(),
            last_sweep: Gauge::default(),
            last_sweep_seconds: FloatGauge::default(),
            writes: Family::default(),
            put_off: Gauge::default(),
            of_cluster: severities()
                .map(|severity| (severity, Family::default()))
                .collect(),
            of_namespace: severities()
                .map(|severity| (severity, Family::default()))
                .collect(),
        };
        new.register_work(registry);
        new.register_results(registry);
        new
    }

    fn register_work(&self, registry: &mut Registry) {
        registry.register(
            "kubevet_operator_objects",
            "Objects that are known, by kind",
            self.objects.clone(),
        );
        registry.register(
            "kubevet_operator_evaluated_objects",
            "Objects that were evaluated; its rate is objects per second",
            self.evaluated.clone(),
        );
        registry.register(
            "kubevet_operator_queued_changes",
            "Changes that wait to be evaluated",
            self.queued.clone(),
        );
        registry.register(
            "kubevet_operator_waiting_objects",
            "Evaluated objects that wait for their owner",
            self.waiting.clone(),
        );
        registry.register(
            "kubevet_operator_lag_seconds",
            "Time from the arrival of a change to its written result",
            self.lag.clone(),
        );
        registry.register(
            "kubevet_operator_watches",
            "Watches by kind",
            self.watches.clone(),
        );
        registry.register(
            "kubevet_operator_failed_watches",
            "Watches that are not open, by kind",
            self.failed_watches.clone(),
        );
        registry.register(
            "kubevet_operator_leader",
            "1 if this replica leads and writes results, else 0",
            self.is_leader.clone(),
        );
        registry.register(
            "kubevet_operator_sweeps",
            "Sweeps that have ended, by what they were made for",
            self.sweeps.clone(),
        );
        registry.register(
            "kubevet_operator_last_sweep_timestamp_seconds",
            "When the last sweep ended",
            self.last_sweep.clone(),
        );
        registry.register(
            "kubevet_operator_last_sweep_seconds",
            "How long the last sweep took",
            self.last_sweep_seconds.clone(),
        );
        registry.register(
            "kubevet_operator_sink_calls",
            "Calls that keep results, by sink and result; lost ones are made good by a sweep",
            self.writes.clone(),
        );
        registry.register(
            "kubevet_operator_put_off_requests",
            "Requests that the API server has put off (429, 503)",
            self.put_off.clone(),
        );
    }

    fn register_results(&self, registry: &mut Registry) {
        registry.register(
            "kubevet_operator_not_evaluated_controls",
            "Controls that are not evaluated everywhere, by reason: unread (objects could not be read) or error (a rule failed)",
            self.not_evaluated.clone(),
        );
        registry.register(
            "kubevet_operator_compliance_percent",
            "Compliance of a framework; absent while it is not known",
            self.compliance.clone(),
        );
        registry.register(
            "kubevet_operator_coverage_percent",
            "Percentage of a framework's controls that are evaluated, or have nothing to evaluate",
            self.coverage.clone(),
        );
        for (severity, family) in &self.of_cluster {
            let severity = severity.name();
            registry.register(
                format!("kubescape_controls_total_cluster_{severity}"),
                format!("Failed controls of {severity} severity over all objects of the cluster"),
                family.clone(),
            );
        }
        for (severity, family) in &self.of_namespace {
            let severity = severity.name();
            registry.register(
                format!("kubescape_controls_total_namespace_{severity}"),
                format!("Failed controls of {severity} severity over all objects of a namespace"),
                family.clone(),
            );
        }
    }

    pub(super) fn count_evaluated(&self, number: usize) {
        self.evaluated
            .inc_by(u64::try_from(number).unwrap_or(u64::MAX));
    }

    pub(super) fn observe_lag(&self, lag: Duration) {
        self.lag.observe(lag.as_secs_f64());
    }

    pub(super) fn count_write(&self, sink: &'static str, result: &'static str) {
        self.writes
            .get_or_create(&SinkLabels { sink, result })
            .inc();
    }

    pub(super) fn set_queue(&self, queued: usize, waiting: usize) {
        self.queued.set(gauge(queued));
        self.waiting.set(gauge(waiting));
    }

    pub(super) fn set_put_off(&self, number: u64) {
        self.put_off.set(i64::try_from(number).unwrap_or(i64::MAX));
    }

    pub(super) fn set_leadership(&self, leadership: &Leadership) {
        self.is_leader.set(i64::from(leadership.is_leader));
    }

    /// Sets the number of watches, and of those that are not open.
    pub(super) fn set_watches<'a>(&self, watches: impl Iterator<Item = (&'a Kind, bool)>) {
        let mut counts: BTreeMap<&Kind, (usize, usize)> = BTreeMap::new();
        for (kind, is_open) in watches {
            let (all, failed) = counts.entry(kind).or_default();
            *all += 1;
            *failed += usize::from(!is_open);
        }
        self.watches.clear();
        self.failed_watches.clear();
        for (kind, (all, failed)) in counts {
            let labels = kind_labels(kind);
            self.watches.get_or_create(&labels).set(gauge(all));
            self.failed_watches
                .get_or_create(&labels)
                .set(gauge(failed));
        }
    }

    pub(super) fn set_sweep(&self, sweep: &FinishedSweep) {
        let reason = sweep.reason;
        self.sweeps.get_or_create(&SweepLabels { reason }).inc();
        let ended = sweep
            .ended_at
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        self.last_sweep
            .set(i64::try_from(ended.as_secs()).unwrap_or_default());
        let took = sweep
            .ended_at
            .duration_since(sweep.began_at)
            .unwrap_or_default();
        self.last_sweep_seconds.set(took.as_secs_f64());
    }

    /// Sets what is known of the objects and their results.
    pub(super) fn set_results(
        &self,
        records: &Records,
        controls: &[Arc<Control>],
        score: &ClusterScore,
    ) {
        self.objects.clear();
        for (kind, count) in records.counts_by_kind() {
            self.objects
                .get_or_create(&kind_labels(&kind))
                .set(gauge(count));
        }
        self.set_score(score);
        let counter = FailedControls::new(controls);
        let cluster = counter.count(records.verdicts());
        for (severity, family) in &self.of_cluster {
            let count = cluster.get(severity).copied().unwrap_or_default();
            family.get_or_create(&NoLabels {}).set(gauge(count));
        }
        for (_, family) in &self.of_namespace {
            family.clear();
        }
        for (index, (namespace, verdicts)) in records.verdicts_by_namespace().iter().enumerate() {
            // Objects outside namespaces count for the cluster alone.
            if namespace.is_empty() {
                continue;
            }
            let counts = counter.count(verdicts.iter().copied());
            let namespace = if index < MAX_NAMESPACES {
                namespace
            } else {
                OTHER
            };
            let labels = NamespaceLabels {
                namespace: namespace.to_owned(),
            };
            for (severity, family) in &self.of_namespace {
                let count = counts.get(severity).copied().unwrap_or_default();
                family.get_or_create(&labels).inc_by(gauge(count));
            }
        }
    }

    fn set_score(&self, score: &ClusterScore) {
        self.compliance.clear();
        self.coverage.clear();
        for result in &score.frameworks {
            let labels = FrameworkLabels {
                framework: result.framework.name.clone(),
            };
            if let Some(percent) = result.compliance {
                self.compliance.get_or_create(&labels).set(percent);
            }
            if let Some(percent) = result.coverage {
                self.coverage.get_or_create(&labels).set(percent);
            }
        }
        let mut why = BTreeMap::from([("unread", 0), ("error", 0)]);
        for result in &score.controls {
            // A reason on a control that failed, too, is a gap.
            let has_gap = result.status == ControlStatus::NotEvaluated
                || (result.status == ControlStatus::Failed && !result.reason.is_empty());
            if has_gap {
                let is_error = result.reason.starts_with("no answer");
                *why.entry(if is_error { "error" } else { "unread" })
                    .or_default() += 1;
            }
        }
        for (why, count) in why {
            self.not_evaluated
                .get_or_create(&WhyLabels { why })
                .set(gauge(count));
        }
    }
}

/// Counts failed controls by severity.
struct FailedControls<'a> {
    severities: BTreeMap<&'a ControlId, Severity>,
}

impl<'a> FailedControls<'a> {
    fn new(controls: &'a [Arc<Control>]) -> Self {
        let severities = controls.iter();
        Self {
            severities: severities
                .map(|control| (&control.id, control.severity))
                .collect(),
        }
    }

    /// An object counts once for each control that it fails.
    fn count<'v>(
        &self,
        verdicts: impl Iterator<Item = (&'v ObjectVerdict, usize)>,
    ) -> BTreeMap<Severity, usize> {
        let mut counts = BTreeMap::new();
        for (verdict, objects) in verdicts {
            for control in &verdict.failed {
                if let Some(severity) = self.severities.get(control) {
                    *counts.entry(*severity).or_default() += objects;
                }
            }
        }
        counts
    }
}

fn kind_labels(kind: &Kind) -> KindLabels {
    KindLabels {
        group: kind.group.clone(),
        kind: kind.name.clone(),
    }
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
