//! When kinds that could not be read are read again: each after a pause that doubles.

use kubevet_model::Kind;
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher as _, RandomState},
    time::{Duration, Instant},
};

/// The first pause.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(300);

/// The kinds to read again.
#[derive(Debug, Default)]
pub(super) struct Retries(BTreeMap<Kind, Retry>);

#[derive(Debug)]
struct Retry {
    due: Instant,
    pause: Duration,
}

impl Retries {
    /// Records the kinds that were read, and those of them that failed.
    pub(super) fn record(&mut self, read: &BTreeSet<Kind>, failed: &BTreeSet<Kind>, now: Instant) {
        for kind in read {
            if !failed.contains(kind) {
                self.0.remove(kind);
                continue;
            }
            let old = self.0.get(kind);
            let pause = old.map_or(FIRST_PAUSE, |retry| (retry.pause * 2).min(MAX_PAUSE));
            // Kinds that failed together do not come back in step.
            let permille = (RandomState::new().hash_one(kind) % 250) as u32;
            let due = now + pause + pause * permille / 1_000;
            self.0.insert(kind.clone(), Retry { due, pause });
        }
    }

    /// Forgets a kind.
    pub(super) fn remove(&mut self, kind: &Kind) {
        self.0.remove(kind);
    }

    /// Returns the kinds that are due.
    pub(super) fn due(&self, now: Instant) -> BTreeSet<Kind> {
        let due = self.0.iter().filter(|(_, retry)| retry.due <= now);
        due.map(|(kind, _)| kind.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_doubles_until_a_kind_is_read() {
        let (pod, role) = (Kind::new("", "Pod"), Kind::new("rbac", "Role"));
        let both = BTreeSet::from([pod.clone(), role.clone()]);
        let roles = BTreeSet::from([role.clone()]);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut retries = Retries::default();
        retries.record(&both, &roles, start);
        assert_eq!(retries.due(at(9)), BTreeSet::new());
        assert_eq!(retries.due(at(13)), roles);
        retries.record(&roles, &roles, at(13));
        assert_eq!(retries.due(at(32)), BTreeSet::new());
        assert_eq!(retries.due(at(38)), roles);
        for _ in 0..10 {
            retries.record(&roles, &roles, at(40));
        }
        assert_eq!(retries.due(at(339)), BTreeSet::new());
        assert_eq!(retries.due(at(415)), roles);
        retries.record(&roles, &BTreeSet::new(), at(415));
        assert_eq!(retries.due(at(9_999)), BTreeSet::new());
    }
}
