//! What the gate counts and times, in Prometheus' words.

use super::snapshot::{PhaseDurations, ReviewOutcome};
use kubevet_model::{Action, ControlId, escape_hidden};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::{collections::BTreeSet, time::Duration};

/// Microseconds matter here, and so do seconds: 1, 2 and 5 of each power of ten from 1 µs to 10 s.
const BUCKETS: [f64; 22] = [
    1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 1e-2, 2e-2, 5e-2,
    0.1, 0.2, 0.5, 1.0, 5.0, 10.0,
];

/// Characters of a label's value.
const LABEL: usize = 253;

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
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WhyLabels {
    why: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

/// The gate's metrics.
pub struct WebhookMetrics {
    /// Kinds with a label of their own; the others, which strangers may name, share one.
    kinds: BTreeSet<String>,
    reviews: Family<ReviewLabels, Counter>,
    durations: Family<PhaseLabels, Histogram, fn() -> Histogram>,
    denials: Family<DenialLabels, Counter>,
    findings: Family<FindingLabels, Counter>,
    shed: Family<WhyLabels, Counter>,
    refused: Family<WhyLabels, Counter>,
    generation: Gauge,
    problems: Gauge,
    bindings: Family<StateLabels, Gauge>,
    unlogged: Counter,
    unrecorded: Counter,
}

impl WebhookMetrics {
    /// Registers the metrics. `kinds` are those that get a label of their own.
    #[must_use]
    pub fn new(registry: &mut Registry, kinds: BTreeSet<String>) -> Self {
        let metrics = Self {
            kinds,
            reviews: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            denials: Family::default(),
            findings: Family::default(),
            shed: Family::default(),
            refused: Family::default(),
            generation: Gauge::default(),
            problems: Gauge::default(),
            bindings: Family::default(),
            unlogged: Counter::default(),
            unrecorded: Counter::default(),
        };
        let it = &metrics;
        registry.register(
            "kubevet_reviews",
            "Reviews answered, by verdict",
            it.reviews.clone(),
        );
        registry.register(
            "kubevet_review_duration_seconds",
            "Time of a review by phase; total is from the last byte of the body to the answer handed to the socket",
            it.durations.clone(),
        );
        registry.register(
            "kubevet_denials",
            "Denied requests by control and binding, dry runs left out",
            it.denials.clone(),
        );
        registry.register(
            "kubevet_findings",
            "Findings by control and what was done, dry runs left out",
            it.findings.clone(),
        );
        registry.register(
            "kubevet_shed_reviews",
            "Reviews answered by policy without being judged",
            it.shed.clone(),
        );
        registry.register(
            "kubevet_refused_requests",
            "Requests that are no review",
            it.refused.clone(),
        );
        registry.register(
            "kubevet_library_generation",
            "Counts up with each library or binding swapped in",
            it.generation.clone(),
        );
        registry.register(
            "kubevet_library_problems",
            "Problems of the last library or bindings read",
            it.problems.clone(),
        );
        registry.register("kubevet_bindings", "Bindings by state", it.bindings.clone());
        registry.register(
            "kubevet_unlogged_decisions",
            "LogWriter of the decision log lost to a reader that is slow or gone",
            it.unlogged.clone(),
        );
        registry.register(
            "kubevet_unrecorded_reviews",
            "Reviews not recorded, for want of room or of time",
            it.unrecorded.clone(),
        );
        metrics
    }

    /// Counts an answer.
    pub(super) fn answered(&self, answered: &ReviewOutcome) {
        let (operation, kind, dry_run) = match &answered.review {
            Some(review) => (
                review.operation.name(),
                self.kind(&review.kind.name),
                review.dry_run,
            ),
            None => ("unknown", "unknown".to_owned(), false),
        };
        let labels = ReviewLabels {
            verdict: verdict(answered),
            operation,
            kind,
        };
        self.reviews.get_or_create(&labels).inc();
        if dry_run {
            return;
        }
        let decision = &answered.decision;
        for it in &decision.outcomes {
            self.found(&it.finding.control, it.action, &it.binding, 1);
        }
        for it in &decision.dropped {
            self.found(&it.control, it.action, &it.binding, it.count);
        }
    }

    fn found(&self, control: &ControlId, action: Option<Action>, binding: &str, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let control = escape_hidden(control.as_str(), LABEL).into_owned();
        let word = action.map_or("none", Action::name);
        self.findings
            .get_or_create(&FindingLabels {
                control: control.clone(),
                action: word,
            })
            .inc_by(count);
        if action == Some(Action::Deny) {
            self.denials
                .get_or_create(&DenialLabels {
                    control,
                    binding: escape_hidden(binding, LABEL).into_owned(),
                })
                .inc_by(count);
        }
    }

    pub(super) fn spent(&self, phases: &PhaseDurations) {
        self.phase("parse", phases.parse);
        self.phase("judge", phases.evaluate);
        self.phase("decide", phases.decide);
    }

    pub(super) fn phase(&self, phase: &'static str, time: Duration) {
        self.durations
            .get_or_create(&PhaseLabels { phase })
            .observe(time.as_secs_f64());
    }

    pub(super) fn shed(&self, why: &'static str) {
        self.shed.get_or_create(&WhyLabels { why }).inc();
    }

    pub(super) fn refused(&self, why: &'static str) {
        self.refused.get_or_create(&WhyLabels { why }).inc();
    }

    /// Says what holds now.
    pub fn set_state(&self, generation: u64, problems: usize, accepted: usize, refused: usize) {
        let number = |it: usize| i64::try_from(it).unwrap_or(i64::MAX);
        self.generation
            .set(i64::try_from(generation).unwrap_or(i64::MAX));
        self.problems.set(number(problems));
        self.bindings
            .get_or_create(&StateLabels { state: "accepted" })
            .set(number(accepted));
        self.bindings
            .get_or_create(&StateLabels { state: "refused" })
            .set(number(refused));
    }

    pub(super) fn unlogged(&self) -> Counter {
        self.unlogged.clone()
    }

    pub(super) fn unrecorded(&self) -> Counter {
        self.unrecorded.clone()
    }

    fn kind(&self, kind: &str) -> String {
        if self.kinds.contains(kind) {
            kind.to_owned()
        } else {
            "other".to_owned()
        }
    }
}

/// The word for an answer, in metrics and in the decision log.
pub(super) fn verdict(answered: &ReviewOutcome) -> &'static str {
    let decision = &answered.decision;
    match decision.allowed {
        false => "denied",
        true if !decision.unevaluated.is_empty() => "unevaluated",
        true if !decision.warnings.is_empty() => "warned",
        true => "allowed",
    }
}
