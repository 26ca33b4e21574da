//! The results that the API server has, as far as a writer must know them: the hash of each, and how
//! many bytes they are together (pure).
//!
//! The total is bounded, since results lie in the store of the API server with everything else. A
//! result that would exceed it is refused before it is sent, and counted.

use kubevet_model::{Fingerprint, ResultKey, ResultKind, ResultObject};
use std::collections::HashMap;

/// The bounds of all results together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultLimits {
    /// The most objects.
    pub max_objects: usize,
    /// The most bytes of their content.
    pub max_bytes: u64,
}

impl Default for ResultLimits {
    /// An eighth of the 2 GiB that etcd has by default, where an object that was replaced stays until
    /// etcd is compacted.
    fn default() -> Self {
        Self {
            max_objects: 100_000,
            max_bytes: 256 << 20,
        }
    }
}

/// What the results are together, for metrics and alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultTotals {
    /// The number of objects.
    pub objects: usize,
    /// The bytes of their content.
    pub bytes: u64,
    /// The bounds.
    pub limits: ResultLimits,
    /// The number of writes that were refused since the bounds were last kept without one.
    pub refused: u64,
}

impl ResultTotals {
    /// The alarm: some results are not written, since there is no room for them.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.refused > 0
    }
}

/// The results that are known. The caller keeps them from one batch to the next.
#[derive(Debug, Default)]
pub struct StoredResults {
    limits: ResultLimits,
    by_key: HashMap<Fingerprint, Entry>,
    bytes: u64,
    refused: u64,
}

/// One result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    kind: ResultKind,
    content: Fingerprint,
    bytes: u32,
}

/// What is done with an object.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nothing: the API server has it.
    Skip,
    /// It is written. Its bytes are counted; `before` undoes that if the write fails.
    Write {
        /// What was known before.
        before: Option<Entry>,
    },
    /// Nothing: there is no room.
    Refuse {
        /// True if the API server has an older state.
        is_outdated: bool,
    },
}

impl StoredResults {
    /// Begins without any result.
    #[must_use]
    pub fn new(limits: ResultLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// What the results are together.
    #[must_use]
    pub fn totals(&self) -> ResultTotals {
        ResultTotals {
            objects: self.by_key.len(),
            bytes: self.bytes,
            limits: self.limits,
            refused: self.refused,
        }
    }

    /// Forgets the refusals: called before the results of a full sweep are written, so that the alarm
    /// ends once there is room.
    pub fn reset_refused(&mut self) {
        self.refused = 0;
    }

    /// Decides what is done with an object. A result that gets smaller is always written.
    pub(super) fn plan(&mut self, object: &ResultObject) -> Plan {
        let key = fingerprint(&object.key);
        let entry = Entry::new(object.key.kind, &object.content_hash, object.content_bytes);
        let before = self.by_key.get(&key).copied();
        if before.is_some_and(|before| before.content == entry.content) {
            return Plan::Skip;
        }
        let old_bytes = before.map_or(0, |before| before.bytes);
        let total = self.bytes.saturating_sub(u64::from(old_bytes)) + u64::from(entry.bytes);
        let is_new = before.is_none();
        let has_room = total <= self.limits.max_bytes
            && (!is_new || self.by_key.len() < self.limits.max_objects);
        if !has_room && (is_new || entry.bytes > old_bytes) {
            self.refused += 1;
            return Plan::Refuse {
                is_outdated: !is_new,
            };
        }
        self.insert(key, entry);
        Plan::Write { before }
    }

    /// Undoes a plan whose write has failed.
    pub(super) fn restore(&mut self, key: &ResultKey, before: Option<Entry>) {
        match before {
            Some(before) => {
                // Whether the write arrived is not known: it is written again.
                let unknown = Entry {
                    content: Fingerprint::of([]),
                    ..before
                };
                self.insert(fingerprint(key), unknown);
            }
            None => self.remove(key),
        }
    }

    /// Records a result that was found in the API server.
    pub(super) fn found(&mut self, key: &ResultKey, content_hash: &str, bytes: usize) {
        self.insert(fingerprint(key), Entry::new(key.kind, content_hash, bytes));
    }

    /// Forgets a result.
    pub(super) fn remove(&mut self, key: &ResultKey) {
        if let Some(entry) = self.by_key.remove(&fingerprint(key)) {
            self.bytes = self.bytes.saturating_sub(entry.bytes.into());
        }
    }

    /// Forgets the results of a kind.
    pub(super) fn remove_kind(&mut self, kind: ResultKind) {
        let removed = self.by_key.extract_if(|_, entry| entry.kind == kind);
        let bytes: u64 = removed.map(|(_, entry)| u64::from(entry.bytes)).sum();
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    fn insert(&mut self, key: Fingerprint, entry: Entry) {
        let before = self.by_key.insert(key, entry);
        let before = before.map_or(0, |before| before.bytes);
        self.bytes = self.bytes.saturating_sub(before.into()) + u64::from(entry.bytes);
    }
}

impl Entry {
    fn new(kind: ResultKind, content_hash: &str, bytes: usize) -> Self {
        Self {
            kind,
            content: Fingerprint::of([content_hash]),
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
        }
    }
}

fn fingerprint(key: &ResultKey) -> Fingerprint {
    Fingerprint::of([key.kind.name(), &key.namespace, &key.name])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, content_hash: &str, content_bytes: usize) -> ResultObject {
        ResultObject {
            key: ResultKey {
                kind: ResultKind::PolicyReport,
                namespace: "shop".to_owned(),
                name: name.to_owned(),
            },
            content_hash: content_hash.to_owned(),
            content_bytes,
            json: String::new(),
        }
    }

    /// Plans the objects one after another; `w` is a write, `-` none, `x` a refusal.
    #[track_caller]
    fn check(objects: &[(&str, &str, usize)], expected: &str, totals: (usize, u64, u64)) {
        let mut stored = StoredResults::new(ResultLimits {
            max_objects: 3,
            max_bytes: 100,
        });
        let plans = objects.iter().map(|(name, hash, bytes)| {
            match stored.plan(&object(name, hash, *bytes)) {
                Plan::Write { .. } => 'w',
                Plan::Skip => '-',
                Plan::Refuse { .. } => 'x',
            }
        });
        let plans: String = plans.collect();
        assert_eq!(plans, expected);
        let found = stored.totals();
        assert_eq!((found.objects, found.bytes, found.refused), totals);
        assert_eq!(found.is_full(), totals.2 > 0);
    }

    #[test]
    fn what_is_known_is_not_written_again() {
        check(&[("a", "1", 10), ("a", "1", 10)], "w-", (1, 10, 0));
        check(&[("a", "1", 10), ("a", "2", 20)], "ww", (1, 20, 0));
        check(&[("a", "1", 10), ("b", "1", 10)], "ww", (2, 20, 0));
    }

    #[test]
    fn what_exceeds_the_bounds_is_refused() {
        check(&[("a", "1", 60), ("b", "1", 41)], "wx", (1, 60, 1));
        check(&[("a", "1", 60), ("b", "1", 40)], "ww", (2, 100, 0));
        check(&[("a", "1", 60), ("a", "2", 101)], "wx", (1, 60, 1));
        check(
            &[("a", "1", 60), ("a", "2", 50), ("b", "1", 50)],
            "www",
            (2, 100, 0),
        );
        let four = [("a", "1", 1), ("b", "1", 1), ("c", "1", 1), ("d", "1", 1)];
        check(&four, "wwwx", (3, 3, 1));
    }

    /// A process that starts with a lower bound than the one before may still shrink results.
    #[test]
    fn result_that_gets_smaller_is_written_though_there_is_no_room() {
        let mut stored = StoredResults::new(ResultLimits {
            max_objects: 1,
            max_bytes: 10,
        });
        for name in ["a", "b"] {
            stored.found(&object(name, "1", 0).key, "1", 50);
        }
        assert_eq!(
            stored.plan(&object("a", "2", 60)),
            Plan::Refuse { is_outdated: true }
        );
        assert_eq!(
            stored.plan(&object("c", "1", 1)),
            Plan::Refuse { is_outdated: false }
        );
        assert!(matches!(
            stored.plan(&object("a", "2", 50)),
            Plan::Write { .. }
        ));
        assert!(matches!(
            stored.plan(&object("a", "3", 20)),
            Plan::Write { .. }
        ));
        assert_eq!(stored.totals().bytes, 70);
        stored.reset_refused();
        assert!(!stored.totals().is_full());
    }

    #[test]
    fn failed_write_is_undone_and_made_again() {
        let mut stored = StoredResults::new(ResultLimits::default());
        let first = object("a", "1", 10);
        assert_eq!(stored.plan(&first), Plan::Write { before: None });
        stored.restore(&first.key, None);
        assert_eq!(stored.totals().objects, 0);
        assert_eq!(stored.plan(&first), Plan::Write { before: None });
        let Plan::Write { before } = stored.plan(&object("a", "2", 30)) else {
            panic!("it has changed");
        };
        stored.restore(&first.key, before);
        assert_eq!(stored.totals().bytes, 10);
        assert!(matches!(stored.plan(&first), Plan::Write { .. }));
        stored.remove_kind(ResultKind::Report);
        assert_eq!(stored.totals().objects, 1);
        stored.remove_kind(ResultKind::PolicyReport);
        assert_eq!((stored.totals().objects, stored.totals().bytes), (0, 0));
    }
}
