//! Defects: findings of several controls that state one fact about one field, told once.

use super::{FindingOutcome, Reason};
use kubevet_model::{ControlId, FieldPath};
use std::collections::{BTreeMap, btree_map::Entry};

/// Findings that are one fact to the reader. All of them have one action and one reason.
pub(super) struct Defect<'o> {
    /// The worst finding.
    pub(super) worst: &'o FindingOutcome,
    /// The other findings.
    others: Vec<&'o FindingOutcome>,
}

impl<'o> Defect<'o> {
    /// Groups the findings of one action, the worst first. The defects are in the order of their
    /// worst findings.
    pub(super) fn group(outcomes: &[&'o FindingOutcome]) -> Vec<Self> {
        let mut defects: Vec<Self> = Vec::new();
        let mut indices: BTreeMap<(Reason, Option<&FieldPath>, &str), usize> = BTreeMap::new();
        for outcome in outcomes {
            let finding = &outcome.finding;
            let key = (outcome.reason, finding.paths.first(), finding.fact());
            match indices.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(defects.len());
                    defects.push(Self {
                        worst: outcome,
                        others: Vec::new(),
                    });
                }
                Entry::Occupied(entry) => {
                    if let Some(defect) = defects.get_mut(*entry.get()) {
                        defect.others.push(outcome);
                    }
                }
            }
        }
        defects
    }

    /// Returns the findings, the worst first.
    pub(super) fn findings(&self) -> impl Iterator<Item = &'o FindingOutcome> {
        [self.worst].into_iter().chain(self.others.iter().copied())
    }

    /// Returns the ids of the controls, that of the worst finding first.
    pub(super) fn controls(&self) -> Vec<&'o ControlId> {
        let mut ids = Vec::new();
        for outcome in self.findings() {
            if !ids.contains(&&outcome.finding.control) {
                ids.push(&outcome.finding.control);
            }
        }
        ids
    }
}
