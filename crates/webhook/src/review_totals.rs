//! Requests that bindings have denied, and would have denied, by binding and namespace, since they were
//! last taken: for the status of the bindings. Whoever takes them adds them to those of other replicas.

use kubevet_admission::Decision;
use kubevet_model::Action;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

/// The most pairs of binding and namespace; the requests of further namespaces have none, and those of
/// further bindings are not counted.
const MAX_PAIRS: usize = 5_000;

/// Numbers of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestTotals {
    /// Denied by the binding.
    pub denied: u64,
    /// Would have been denied by it, if `Deny` were among its actions.
    pub would_deny: u64,
}

/// Numbers of requests by binding and namespace; the empty name is for requests outside namespaces.
pub type TotalsByBinding = BTreeMap<String, BTreeMap<String, RequestTotals>>;

/// The numbers since they were last taken.
#[derive(Debug, Default)]
pub(super) struct ReviewTotals(Mutex<BTreeMap<(String, String), RequestTotals>>);

impl ReviewTotals {
    /// Counts a request.
    pub(super) fn count(&self, decision: &Decision, namespace: &str) {
        let deny = Some(Action::Deny);
        let kept = decision.outcomes.iter();
        let kept = kept.filter(|kept| kept.action == deny);
        let dropped = decision.dropped.iter();
        let dropped = dropped.filter(|dropped| dropped.action == deny);
        let denied: BTreeSet<&str> = kept
            .map(|kept| &*kept.binding)
            .chain(dropped.map(|dropped| &*dropped.binding))
            .collect();
        let would_deny = decision.would_deny.iter();
        let would_deny: BTreeSet<&str> = would_deny.map(|of| &*of.binding).collect();
        if denied.is_empty() && would_deny.is_empty() {
            return;
        }
        let mut totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for binding in denied.union(&would_deny) {
            let is_full = totals.len() >= MAX_PAIRS;
            let key = |namespace: &str| ((*binding).to_owned(), namespace.to_owned());
            let mut pair = key(namespace);
            if is_full && !totals.contains_key(&pair) {
                pair = key("");
                if !totals.contains_key(&pair) {
                    continue;
                }
            }
            let of = totals.entry(pair).or_default();
            of.denied += u64::from(denied.contains(binding));
            of.would_deny += u64::from(would_deny.contains(binding));
        }
    }

    /// Takes the numbers.
    pub(super) fn take(&self) -> TotalsByBinding {
        let mut totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut by_binding = TotalsByBinding::new();
        for ((binding, namespace), of) in std::mem::take(&mut *totals) {
            by_binding.entry(binding).or_default().insert(namespace, of);
        }
        by_binding
    }

    /// Gives back numbers that were taken in vain.
    pub(super) fn give_back(&self, binding: &str, taken: BTreeMap<String, RequestTotals>) {
        let mut totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (namespace, of) in taken {
            let known = totals.entry((binding.to_owned(), namespace)).or_default();
            known.denied = known.denied.saturating_add(of.denied);
            known.would_deny = known.would_deny.saturating_add(of.would_deny);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_admission::{DroppedFindings, WouldDeny};
    use kubevet_model::ControlId;

    fn decision(denied: &[&str], would_deny: &[&str]) -> Decision {
        let control = ControlId::from("C-0057");
        let dropped = denied.iter().map(|binding| DroppedFindings {
            control: control.clone(),
            action: Some(Action::Deny),
            binding: (*binding).to_owned(),
            count: 3,
        });
        let would_deny = would_deny.iter().map(|binding| WouldDeny {
            control: control.clone(),
            binding: (*binding).to_owned(),
            count: 2,
        });
        Decision {
            dropped: dropped.collect(),
            would_deny: would_deny.collect(),
            ..Decision::default()
        }
    }

    #[test]
    fn requests_are_counted_once_a_binding() {
        let totals = ReviewTotals::default();
        totals.count(&decision(&["a"], &["b", "b"]), "shop");
        totals.count(&decision(&["a", "a"], &[]), "shop");
        totals.count(&decision(&[], &["b"]), "web");
        totals.count(&decision(&[], &[]), "web");
        let numbers = |denied, would_deny| RequestTotals { denied, would_deny };
        let of = |entries: &[(&str, RequestTotals)]| -> BTreeMap<String, RequestTotals> {
            let entries = entries.iter();
            entries
                .map(|(name, of)| ((*name).to_owned(), *of))
                .collect()
        };
        let taken = totals.take();
        assert_eq!(taken["a"], of(&[("shop", numbers(2, 0))]));
        assert_eq!(
            taken["b"],
            of(&[("shop", numbers(0, 1)), ("web", numbers(0, 1))])
        );
        assert!(totals.take().is_empty());
        totals.give_back("a", taken["a"].clone());
        totals.count(&decision(&["a"], &[]), "shop");
        assert_eq!(totals.take()["a"], of(&[("shop", numbers(3, 0))]));
    }

    #[test]
    fn pairs_are_bounded() {
        let totals = ReviewTotals::default();
        totals.count(&decision(&["a"], &[]), "");
        for number in 0..MAX_PAIRS * 2 {
            totals.count(&decision(&["a"], &[]), &number.to_string());
        }
        let taken = totals.take();
        assert_eq!(taken["a"].len(), MAX_PAIRS);
        let all: u64 = taken["a"].values().map(|of| of.denied).sum();
        assert_eq!(all, 2 * MAX_PAIRS as u64 + 1);
    }
}
