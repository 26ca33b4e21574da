//! Outcomes and errors of one decision, bounded in number: of each control and action only the first are kept, and the
//! rest is counted. Ten thousand containers under twenty bindings must not become millions of findings in memory.
//!
//! It decides nothing: it is told what was decided.

use super::{Because, Decision, Dropped, Outcome, Unevaluated};
use kubevet_model::{Action, ControlId, Finding};
use kubevet_policy::Binding;
use std::collections::BTreeMap;

/// Outcomes that are kept of one control and action.
pub(super) const MAX_OUTCOMES: usize = 500;
/// Unevaluated controls that are kept of one control and action.
const MAX_UNEVALUATED: usize = 100;

/// Collects outcomes over all bindings.
#[derive(Default)]
pub(super) struct Outcomes {
    /// Each with the place of its binding among all.
    kept: Vec<(usize, Outcome)>,
    counts: BTreeMap<(ControlId, Option<Action>), usize>,
    dropped: BTreeMap<(ControlId, Option<Action>, String), usize>,
    unevaluated: Vec<Unevaluated>,
    unevaluated_counts: BTreeMap<(Option<ControlId>, Option<Action>), usize>,
}

/// What one binding does about a finding.
#[derive(Clone, Copy)]
pub(super) struct Ruling<'b> {
    /// The place of the binding among all.
    pub(super) place: usize,
    pub(super) binding: &'b Binding,
    pub(super) action: Option<Action>,
    pub(super) because: Because,
}

impl Outcomes {
    pub(super) fn add(&mut self, finding: &Finding, ruling: Ruling<'_>) {
        let Ruling {
            place,
            binding,
            action,
            because,
        } = ruling;
        let count = self
            .counts
            .entry((finding.control.clone(), action))
            .or_default();
        if *count < MAX_OUTCOMES {
            *count += 1;
            let outcome = Outcome {
                finding: finding.clone(),
                action,
                because,
                binding: binding.name.clone(),
            };
            self.kept.push((place, outcome));
        } else {
            *self
                .dropped
                .entry((finding.control.clone(), action, binding.name.clone()))
                .or_default() += 1;
        }
    }

    pub(super) fn add_unevaluated(&mut self, unevaluated: Unevaluated) {
        let key = (unevaluated.control.clone(), unevaluated.action);
        let count = self.unevaluated_counts.entry(key).or_default();
        if *count < MAX_UNEVALUATED {
            *count += 1;
            self.unevaluated.push(unevaluated);
        }
    }

    /// Puts what was collected into a decision: of several outcomes of one finding, the one that does most.
    pub(super) fn write(self, decision: &mut Decision) {
        let mut kept = self.kept;
        kept.sort_by(|(a_place, a), (b_place, b)| {
            a.finding
                .cmp(&b.finding)
                .then(b.action.cmp(&a.action))
                .then(a_place.cmp(b_place))
        });
        kept.dedup_by(|(_, later), (_, first)| later.finding == first.finding);
        decision.outcomes = kept.into_iter().map(|(_, outcome)| outcome).collect();
        decision.dropped = self
            .dropped
            .into_iter()
            .map(|((control, action, binding), count)| Dropped {
                control,
                action,
                binding,
                count,
            })
            .collect();
        decision.unevaluated = self.unevaluated;
        decision.unevaluated.sort_by(|a, b| {
            (&a.control, &a.message)
                .cmp(&(&b.control, &b.message))
                .then(b.action.cmp(&a.action))
        });
        decision.unevaluated.dedup_by(|later, first| {
            later.control == first.control && later.message == first.message
        });
    }
}
