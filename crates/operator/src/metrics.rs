//! The metrics of the operator, for Prometheus.
//!
//! Labels are kinds, controls, frameworks, severities and namespaces; no object has a series of its
//! own. The names `kubescape_controls_total_*` are those of Kubescape's exporter, which its dashboards
//! read.

use super::{records::Records, sink::FinishedSweep};
use kubevet_cluster::Leadership;
use kubevet_model::{Control, ControlId, ControlStatus, FrameworkResult, Kind, Severity};
use kubevet_scan::{ClusterScore, ObjectVerdict};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::{
    collections::{BTreeMap, HashSet},
    hash::Hash,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
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
    objects: Gauges<KindLabels>,
    evaluated: Counter,
    queued: Gauge,
    waiting: Gauge,
    lag: Histogram,
    watches: Gauges<KindLabels>,
    failed_watches: Gauges<KindLabels>,
    not_evaluated: Family<WhyLabels, Gauge>,
    compliance: Gauges<FrameworkLabels, FloatGauge>,
    coverage: Gauges<FrameworkLabels, FloatGauge>,
    is_leader: Gauge,
    sweeps: Family<SweepLabels, Counter>,
    last_sweep: Gauge,
    last_sweep_seconds: FloatGauge,
    writes: Family<SinkLabels, Counter>,
    put_off: Gauge,
    of_cluster: Vec<(Severity, Family<NoLabels, Gauge>)>,
    of_namespace: Vec<(Severity, Gauges<NamespaceLabels>)>,
}

/// Gauges that are set all together. A scrape never misses one that stays.
#[derive(Debug)]
struct Gauges<L, G = Gauge> {
    family: Family<L, G>,
    present: Mutex<HashSet<L>>,
}

impl<L: Clone + Eq + Hash, G: Default> Default for Gauges<L, G> {
    fn default() -> Self {
        Self {
            family: Family::default(),
            present: Mutex::default(),
        }
    }
}

impl<L: Clone + Eq + Hash, G: Default> Gauges<L, G> {
    /// Sets these gauges, and removes all others.
    fn replace<V>(&self, values: impl IntoIterator<Item = (L, V)>, set: impl Fn(&G, V)) {
        let mut new = HashSet::new();
        for (labels, value) in values {
            set(&self.family.get_or_create(&labels), value);
            new.insert(labels);
        }
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in present.difference(&new) {
            self.family.remove(gone);
        }
        *present = new;
    }
}

fn set_gauge(gauge: &Gauge, value: i64) {
    gauge.set(value);
}

fn set_float(gauge: &FloatGauge, value: f64) {
    gauge.set(value);
}

impl OperatorMetrics {
    /// Creates the metrics and registers them. Call it once for one registry.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let severities = || Severity::ALL.iter().copied();
        let new = Self {
            objects: Gauges::default(),
            evaluated: Counter::default(),
            queued: Gauge::default(),
            waiting: Gauge::default(),
            lag: Histogram::new(LAG_BUCKETS),
            watches: Gauges::default(),
            failed_watches: Gauges::default(),
            not_evaluated: Family::default(),
            compliance: Gauges::default(),
            coverage: Gauges::default(),
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
                .map(|severity| (severity, Gauges::default()))
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
            self.objects.family.clone(),
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
            self.watches.family.clone(),
        );
        registry.register(
            "kubevet_operator_failed_watches",
            "Watches that are not open, by kind",
            self.failed_watches.family.clone(),
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
            self.compliance.family.clone(),
        );
        registry.register(
            "kubevet_operator_coverage_percent",
            "Percentage of a framework's controls that are evaluated, or have nothing to evaluate",
            self.coverage.family.clone(),
        );
        for (severity, family) in &self.of_cluster {
            let severity = severity.name();
            registry.register(
                format!("kubescape_controls_total_cluster_{severity}"),
                format!("Failed controls of {severity} severity over all objects of the cluster"),
                family.clone(),
            );
        }
        for (severity, gauges) in &self.of_namespace {
            let severity = severity.name();
            registry.register(
                format!("kubescape_controls_total_namespace_{severity}"),
                format!("Failed controls of {severity} severity over all objects of a namespace"),
                gauges.family.clone(),
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
        let all = counts.iter();
        let all = all.map(|(kind, (all, _))| (kind_labels(kind), gauge(*all)));
        self.watches.replace(all, set_gauge);
        let failed = counts.iter();
        let failed = failed.map(|(kind, (_, failed))| (kind_labels(kind), gauge(*failed)));
        self.failed_watches.replace(failed, set_gauge);
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
        let objects = records.counts_by_kind().into_iter();
        let objects = objects.map(|(kind, count)| (kind_labels(&kind), gauge(count)));
        self.objects.replace(objects, set_gauge);
        self.set_score(score);
        let counter = FailedControls::new(controls);
        let cluster = counter.count(records.verdicts());
        for (severity, family) in &self.of_cluster {
            let count = cluster.get(severity).copied().unwrap_or_default();
            family.get_or_create(&NoLabels {}).set(gauge(count));
        }
        let mut by_namespace: BTreeMap<&str, BTreeMap<Severity, usize>> = BTreeMap::new();
        let named = records.verdicts_by_namespace();
        // Objects outside namespaces count for the cluster alone.
        let named = named.iter().filter(|(namespace, _)| !namespace.is_empty());
        for (index, (namespace, verdicts)) in named.enumerate() {
            let name = if index < MAX_NAMESPACES {
                namespace
            } else {
                OTHER
            };
            let counts = by_namespace.entry(name).or_default();
            for (severity, count) in counter.count(verdicts.iter().copied()) {
                *counts.entry(severity).or_default() += count;
            }
        }
        for (severity, gauges) in &self.of_namespace {
            let counts = by_namespace.iter().map(|(namespace, counts)| {
                let count = counts.get(severity).copied().unwrap_or_default();
                let namespace = (*namespace).to_owned();
                (NamespaceLabels { namespace }, gauge(count))
            });
            gauges.replace(counts, set_gauge);
        }
    }

    fn set_score(&self, score: &ClusterScore) {
        let labels = |result: &FrameworkResult| FrameworkLabels {
            framework: result.framework.name.clone(),
        };
        let compliance = score.frameworks.iter();
        let compliance = compliance.filter_map(|of| Some((labels(of), of.compliance?)));
        self.compliance.replace(compliance, set_float);
        let coverage = score.frameworks.iter();
        let coverage = coverage.filter_map(|of| Some((labels(of), of.coverage?)));
        self.coverage.replace(coverage, set_float);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_that_are_not_set_again_are_removed() {
        let gauges = Gauges::<NamespaceLabels>::default();
        let mut registry = Registry::default();
        registry.register("objects", "Objects", gauges.family.clone());
        let scrape = |values: &[(&str, i64)]| -> Vec<String> {
            let values = values.iter().map(|(namespace, value)| {
                let namespace = (*namespace).to_owned();
                (NamespaceLabels { namespace }, *value)
            });
            gauges.replace(values, set_gauge);
            let mut text = String::new();
            prometheus_client::encoding::text::encode(&mut text, &registry).unwrap_or_default();
            let lines = text.lines().filter(|line| line.starts_with("objects"));
            let mut lines: Vec<String> = lines.map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let line = |namespace: &str, value| format!("objects{{namespace=\"{namespace}\"}} {value}");
        assert_eq!(scrape(&[("a", 1), ("b", 2)]), [line("a", 1), line("b", 2)]);
        assert_eq!(scrape(&[("b", 3)]), [line("b", 3)]);
        assert_eq!(scrape(&[]), [] as [&str; 0]);
    }
}
