//! Collects the outcomes of one decision over all bindings, bounded in number.
//!
//! Of each control and action only the first outcomes are kept; the others are counted. Without the
//! bound, ten thousand containers under twenty bindings would be millions of findings in memory. It
//! decides nothing.

use super::{Decision, DroppedFindings, FindingOutcome, Reason, UnevaluatedControl, WouldDeny};
use kubevet_model::{Action, ControlId, Violation};
use kubevet_policy::Binding;
use std::{cmp::Reverse, collections::BTreeMap};

/// The number of outcomes that are kept of one control and action.
pub(super) const MAX_OUTCOMES: usize = 500;
/// The number of unevaluated entries that are kept of one control and action.
const MAX_UNEVALUATED: usize = 100;

/// The action of one binding on a finding.
#[derive(Clone, Copy)]
pub(super) struct Ruling<'b> {
    /// The index of the binding among all bindings.
    pub(super) binding_index: usize,
    pub(super) binding: &'b Binding,
    pub(super) action: Option<Action>,
    pub(super) reason: Reason,
}

/// The outcomes so far.
#[derive(Default)]
pub(super) struct OutcomeCollector {
    /// Each outcome with the index of its binding among all bindings.
    kept: Vec<(usize, FindingOutcome)>,
    kept_counts: BTreeMap<(ControlId, Option<Action>), usize>,
    /// The number of findings that were not kept, by control, action and binding.
    dropped: BTreeMap<(ControlId, Option<Action>, String), usize>,
    /// The number of findings that a binding would deny, by control and binding.
    would_deny: BTreeMap<(ControlId, String), usize>,
    unevaluated: Vec<UnevaluatedControl>,
    unevaluated_counts: BTreeMap<(Option<ControlId>, Option<Action>), usize>,
}

impl OutcomeCollector {
    /// Adds a finding with the ruling of one binding.
    pub(super) fn add(&mut self, finding: &Violation, ruling: Ruling<'_>) {
        let Ruling {
            binding_index,
            binding,
            action,
            reason,
        } = ruling;
        let key = (finding.control.clone(), action);
        let count = self.kept_counts.entry(key).or_default();
        if *count < MAX_OUTCOMES {
            *count += 1;
            let outcome = FindingOutcome {
                finding: finding.clone(),
                action,
                reason,
                binding: binding.name.clone(),
            };
            self.kept.push((binding_index, outcome));
        } else {
            let key = (finding.control.clone(), action, binding.name.clone());
            *self.dropped.entry(key).or_default() += 1;
        }
    }

    /// Counts a finding that `binding` would deny if it denied anything.
    pub(super) fn add_would_deny(&mut self, finding: &Violation, binding: &Binding) {
        let key = (finding.control.clone(), binding.name.clone());
        *self.would_deny.entry(key).or_default() += 1;
    }

    /// Adds a control that was not evaluated. Beyond the bound it is neither kept nor counted.
    pub(super) fn add_unevaluated(&mut self, unevaluated: UnevaluatedControl) {
        let key = (unevaluated.control.clone(), unevaluated.action);
        let count = self.unevaluated_counts.entry(key).or_default();
        if *count < MAX_UNEVALUATED {
            *count += 1;
            self.unevaluated.push(unevaluated);
        }
    }

    /// Writes everything into a decision. Of several outcomes of one finding only the one with the
    /// strongest action remains; among equal actions, the one of the first binding. The same holds
    /// for several causes that are equal.
    pub(super) fn write(self, decision: &mut Decision) {
        let mut kept = self.kept;
        kept.sort_by(|(a_index, a), (b_index, b)| {
            a.finding
                .cmp(&b.finding)
                .then(b.action.cmp(&a.action))
                .then(a_index.cmp(b_index))
        });
        kept.dedup_by(|(_, later), (_, first)| later.finding == first.finding);
        decision.outcomes = kept.into_iter().map(|(_, outcome)| outcome).collect();
        let dropped = self.dropped.into_iter();
        let dropped = dropped.map(|((control, action, binding), count)| DroppedFindings {
            control,
            action,
            binding,
            count,
        });
        decision.dropped = dropped.collect();
        let would_deny = self.would_deny.into_iter();
        let would_deny = would_deny.map(|((control, binding), count)| WouldDeny {
            control,
            binding,
            count,
        });
        decision.would_deny = would_deny.collect();
        decision.unevaluated = self.unevaluated;
        decision.unevaluated.sort_by_cached_key(|unevaluated| {
            let message = unevaluated.cause.to_string();
            let action = Reverse(unevaluated.action);
            (unevaluated.control.clone(), message, action)
        });
        decision
            .unevaluated
            .dedup_by(|later, first| later.control == first.control && later.cause == first.cause);
    }
}
