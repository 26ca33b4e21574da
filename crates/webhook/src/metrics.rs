//! The metrics of the webhook, for Prometheus.
//!
//! Values of labels come from a fixed set or are bounded in length, so that no user can create
//! series at will.

use super::{
    label_bounds::{LabelBounds, MAX_LABEL_CHARS},
    review_totals::{RequestTotals, ReviewTotals, TotalsByBinding},
    snapshot::{PhaseDurations, ReviewOutcome},
};
use kubevet_admission::Decision;
use kubevet_model::{Action, ControlId, escape_hidden};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The upper bounds of the histogram in seconds: 1, 2 and 5 of most powers of ten from 1 µs to 10
/// s.
const DURATION_BUCKETS: [f64; 22] = [
    1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 1e-2, 2e-2, 5e-2,
    0.1, 0.2, 0.5, 1.0, 5.0, 10.0,
];
/// The label of a kind that no control checks.
const OTHER_KIND: &str = "other";
/// The action of a finding that a binding would deny if `Deny` were among its actions.
const WOULD_DENY: &str = "would_deny";
/// The labels of a review that could not be read.
const UNKNOWN: &str = "unknown";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReviewLabels {
    verdict: &'static str,
    operation: &'static str,
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabels {
    phase: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DenialLabels {
    control: String,
    binding: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FindingLabels {
    control: String,
    action: &'static str,
    binding: String,
    namespace: String,
}

/// The name of the field is the name of the label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    why: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

/// The metrics of the webhook.
pub struct WebhookMetrics {
    /// The kinds that have a label of their own. All others share [`OTHER_KIND`], since any user
    /// can name a kind.
    kinds: BTreeSet<String>,
    /// The bindings and namespaces that have a label of their own.
    label_bounds: LabelBounds,
    totals: ReviewTotals,
    reviews: Family<ReviewLabels, Counter>,
    durations: Family<PhaseLabels, Histogram, fn() -> Histogram>,
    denials: Family<DenialLabels, Counter>,
    findings: Family<FindingLabels, Counter>,
    shed: Family<ReasonLabels, Counter>,
    rejected: Family<ReasonLabels, Counter>,
    generation: Gauge,
    problems: Gauge,
    bindings: Family<StateLabels, Gauge>,
    dropped_decisions: Counter,
    dropped_records: Counter,
}

impl WebhookMetrics {
    /// Creates and registers the metrics. `kinds` are the kinds that have a label of their own.
    #[must_use]
    pub fn new(registry: &mut Registry, kinds: BTreeSet<String>) -> Self {
        let metrics = Self {
            kinds,
            label_bounds: LabelBounds::default(),
            totals: ReviewTotals::default(),
            reviews: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS)),
            denials: Family::default(),
            findings: Family::default(),
            shed: Family::default(),
            rejected: Family::default(),
            generation: Gauge::default(),
            problems: Gauge::default(),
            bindings: Family::default(),
            dropped_decisions: Counter::default(),
            dropped_records: Counter::default(),
        };
        metrics.register_reviews(registry);
        metrics.register_state(registry);
        metrics
    }

    fn register_reviews(&self, registry: &mut Registry) {
        registry.register(
            "kubevet_reviews",
            "Reviews answered, by verdict",
            self.reviews.clone(),
        );
        registry.register(
            "kubevet_review_duration_seconds",
            "Time of a review by phase; total is from the last byte of the body to the answer \
             handed to the socket",
            self.durations.clone(),
        );
        registry.register(
            "kubevet_denials",
            "Denied requests by control and binding, without dry runs",
            self.denials.clone(),
        );
        registry.register(
            "kubevet_findings",
            "Findings by control, action, binding and namespace, without dry runs; would_deny \
             counts once more what a binding without Deny would have denied with it",
            self.findings.clone(),
        );
        registry.register(
            "kubevet_shed_reviews",
            "Reviews answered by policy without being judged",
            self.shed.clone(),
        );
        registry.register(
            "kubevet_refused_requests",
            "Requests that are not a review",
            self.rejected.clone(),
        );
    }

    fn register_state(&self, registry: &mut Registry) {
        registry.register(
            "kubevet_library_generation",
            "Counts up with each library or binding swapped in",
            self.generation.clone(),
        );
        registry.register(
            "kubevet_library_problems",
            "Problems of the last library or bindings read",
            self.problems.clone(),
        );
        registry.register(
            "kubevet_bindings",
            "Bindings by state",
            self.bindings.clone(),
        );
        registry.register(
            "kubevet_unlogged_decisions",
            "Lines of the decision log lost to a reader that is slow or gone",
            self.dropped_decisions.clone(),
        );
        registry.register(
            "kubevet_unrecorded_reviews",
            "Reviews not recorded, for want of room or of time",
            self.dropped_records.clone(),
        );
    }

    /// Counts an answer, with its findings unless it is of a dry run.
    pub(super) fn count_answer(&self, outcome: &ReviewOutcome) {
        let (operation, kind, dry_run) = match &outcome.review {
            Some(review) => (
                review.operation.name(),
                self.kind_label(&review.kind.name),
                review.dry_run,
            ),
            None => (UNKNOWN, UNKNOWN.to_owned(), false),
        };
        let labels = ReviewLabels {
            verdict: verdict_name(outcome),
            operation,
            kind,
        };
        self.reviews.get_or_create(&labels).inc();
        if !dry_run {
            let review = outcome.review.as_ref();
            let namespace = review.map_or("", |review| review.namespace.as_str());
            self.count_findings(&outcome.decision, namespace);
            self.totals.count(&outcome.decision, namespace);
        }
    }

    /// Takes the numbers of requests that bindings denied or would have denied since this was last
    /// called.
    #[must_use]
    pub fn take_review_totals(&self) -> TotalsByBinding {
        self.totals.take()
    }

    /// Gives back the numbers of a binding that were taken in vain.
    pub fn give_back_review_totals(&self, binding: &str, totals: BTreeMap<String, RequestTotals>) {
        self.totals.give_back(binding, totals);
    }

    fn count_findings(&self, decision: &Decision, namespace: &str) {
        for ((control, action, binding), count) in finding_counts(decision) {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            let control = escape_hidden(control.as_str(), MAX_LABEL_CHARS).into_owned();
            let (binding, namespace) = self.label_bounds.values(binding, namespace);
            if action == Action::Deny.name() {
                let labels = DenialLabels {
                    control: control.clone(),
                    binding: binding.clone(),
                };
                self.denials.get_or_create(&labels).inc_by(count);
            }
            let labels = FindingLabels {
                control,
                action,
                binding,
                namespace,
            };
            self.findings.get_or_create(&labels).inc_by(count);
        }
    }

    /// Observes the phases of an evaluation.
    pub(super) fn observe_phases(&self, phases: &PhaseDurations) {
        self.observe_phase("parse", phases.parse);
        self.observe_phase("judge", phases.evaluate);
        self.observe_phase("decide", phases.decide);
    }

    /// Observes one phase of a review.
    pub(super) fn observe_phase(&self, phase: &'static str, duration: Duration) {
        let labels = PhaseLabels { phase };
        let histogram = self.durations.get_or_create(&labels);
        histogram.observe(duration.as_secs_f64());
    }

    /// Counts a review that was answered by policy.
    pub(super) fn count_shed(&self, why: &'static str) {
        self.shed.get_or_create(&ReasonLabels { why }).inc();
    }

    /// Counts a request that is not a review.
    pub(super) fn count_rejected(&self, why: &'static str) {
        self.rejected.get_or_create(&ReasonLabels { why }).inc();
    }

    /// Sets the state of the library and of the bindings in force: the generation of the snapshot,
    /// the problems of the last reading, and the accepted and refused bindings.
    pub fn set_state(&self, generation: u64, problems: usize, accepted: usize, refused: usize) {
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let generation = i64::try_from(generation).unwrap_or(i64::MAX);
        self.generation.set(generation);
        self.problems.set(gauge(problems));
        for (state, count) in [("accepted", accepted), ("refused", refused)] {
            let labels = StateLabels { state };
            self.bindings.get_or_create(&labels).set(gauge(count));
        }
    }

    /// Returns the counter of lines that the decision log dropped.
    pub(super) fn dropped_decisions(&self) -> Counter {
        self.dropped_decisions.clone()
    }

    /// Returns the counter of reviews that the recorder dropped.
    pub(super) fn dropped_records(&self) -> Counter {
        self.dropped_records.clone()
    }

    fn kind_label(&self, kind: &str) -> String {
        if self.kinds.contains(kind) {
            kind.to_owned()
        } else {
            OTHER_KIND.to_owned()
        }
    }
}

/// Returns the number of findings by control, action and binding.
fn finding_counts(decision: &Decision) -> BTreeMap<(&ControlId, &'static str, &str), usize> {
    let name = |action: Option<Action>| action.map_or("none", Action::name);
    let kept = decision.outcomes.iter().map(|kept| {
        let key = (&kept.finding.control, name(kept.action), &*kept.binding);
        (key, 1)
    });
    let dropped = decision.dropped.iter().map(|dropped| {
        let key = (&dropped.control, name(dropped.action), &*dropped.binding);
        (key, dropped.count)
    });
    let would_deny = decision.would_deny.iter().map(|entry| {
        let key = (&entry.control, WOULD_DENY, &*entry.binding);
        (key, entry.count)
    });
    let mut counts = BTreeMap::new();
    for (key, count) in kept.chain(dropped).chain(would_deny) {
        *counts.entry(key).or_default() += count;
    }
    counts
}

/// Returns the name of an answer's verdict, for metrics and for the decision log.
pub(super) fn verdict_name(outcome: &ReviewOutcome) -> &'static str {
    let decision = &outcome.decision;
    match decision.allowed {
        false => "denied",
        true if !decision.unevaluated.is_empty() => "unevaluated",
        true if !decision.warnings.is_empty() => "warned",
        true => "allowed",
    }
}
