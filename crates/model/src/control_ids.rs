//! A list of control ids that many verdicts share.

use super::ControlId;
use std::{collections::BTreeSet, ops::Deref, sync::Arc};

/// A list of control ids that never changes: most objects of a kind are judged by the same controls.
/// A clone copies a pointer, whatever the length.
#[derive(Debug, Clone, Default)]
pub struct ControlIds(Option<Arc<[ControlId]>>);

impl ControlIds {
    /// Adds ids at the end. Copies none of them if the list is empty.
    pub fn append(&mut self, more: &Self) {
        if self.is_empty() {
            self.clone_from(more);
        } else if !more.is_empty() {
            *self = self.iter().chain(more.iter()).cloned().collect();
        }
    }

    /// Sorts the ids and drops repeated ones. Copies none of them if the list is sorted already.
    pub fn sort(&mut self) {
        if !self.is_sorted_by(|a, b| a < b) {
            *self = Vec::from_iter(BTreeSet::from_iter(self.iter().cloned())).into();
        }
    }
}

impl Deref for ControlIds {
    type Target = [ControlId];

    fn deref(&self) -> &[ControlId] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl PartialEq for ControlIds {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for ControlIds {}

impl From<Vec<ControlId>> for ControlIds {
    fn from(ids: Vec<ControlId>) -> Self {
        Self((!ids.is_empty()).then(|| ids.into()))
    }
}

impl FromIterator<ControlId> for ControlIds {
    fn from_iter<I: IntoIterator<Item = ControlId>>(ids: I) -> Self {
        Vec::from_iter(ids).into()
    }
}

impl<'c> IntoIterator for &'c ControlIds {
    type Item = &'c ControlId;
    type IntoIter = std::slice::Iter<'c, ControlId>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(names: &[&str]) -> ControlIds {
        names.iter().map(|name| ControlId::from(*name)).collect()
    }

    #[test]
    fn appends_in_order() {
        let mut all = ControlIds::default();
        all.append(&ids(&[]));
        assert_eq!(all, ids(&[]));
        all.append(&ids(&["C-1", "C-3"]));
        all.append(&ids(&["C-2"]));
        all.append(&ids(&[]));
        assert_eq!(all, ids(&["C-1", "C-3", "C-2"]));
    }

    #[test]
    fn sorting_drops_repeated_ids() {
        fn check(names: &[&str], expected: &[&str]) {
            let mut sorted = ids(names);
            sorted.sort();
            assert_eq!(sorted, ids(expected), "{names:?}");
        }
        check(&[], &[]);
        check(&["C-1", "C-2"], &["C-1", "C-2"]);
        check(&["C-2", "C-1", "C-2"], &["C-1", "C-2"]);
        check(&["C-1", "C-1"], &["C-1"]);
    }

    #[test]
    fn shares_the_first_list_that_it_gets() {
        let first = ids(&["C-1"]);
        let mut all = ControlIds::default();
        all.append(&first);
        assert!(std::ptr::eq(&raw const *all, &raw const *first));
    }
}
