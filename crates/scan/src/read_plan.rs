//! Which kinds of a cluster the chosen controls read, and in which order. Kinds that no control reads
//! are never listed.
//!
//! The kinds that make other objects come first: an object that a controller made is then compared
//! with its owner at once, and need not be kept.

use kubevet_k8s::workload::{self, SelectKinds as _};
use kubevet_model::{Control, ControlId, Kind, KindSelector};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The kinds to read.
#[derive(Debug, Clone, Default)]
pub struct ReadPlan {
    /// The kinds, owners first.
    pub kinds: Vec<PlannedKind>,
}

/// A kind to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedKind {
    /// The kind.
    pub kind: Kind,
    /// The controls that read it, by id.
    pub controls: Vec<ControlId>,
    /// True for a kind of other software, which a cluster may not have.
    pub is_custom: bool,
}

impl ReadPlan {
    /// Returns the kinds that the controls read.
    #[must_use]
    pub fn new(controls: &[Arc<Control>]) -> Self {
        let mut by_kind: BTreeMap<Kind, BTreeSet<ControlId>> = BTreeMap::new();
        let mut custom: BTreeSet<Kind> = BTreeSet::new();
        for control in controls {
            for kind in control.kinds.all_kinds() {
                let ids = by_kind.entry(kind).or_default();
                ids.insert(control.id.clone());
            }
            custom.extend(control.kinds.iter().filter_map(|selector| match selector {
                KindSelector::CustomWorkload(kind) => Some(kind.clone()),
                _ => None,
            }));
        }
        let mut kinds: Vec<PlannedKind> = by_kind
            .into_iter()
            .map(|(kind, ids)| PlannedKind {
                is_custom: custom.contains(&kind),
                kind,
                controls: ids.into_iter().collect(),
            })
            .collect();
        kinds.sort_by_key(|planned| rank(&planned.kind, planned.is_custom));
        Self { kinds }
    }

    /// The kinds alone.
    #[must_use]
    pub fn kind_set(&self) -> BTreeSet<Kind> {
        self.kinds
            .iter()
            .map(|planned| planned.kind.clone())
            .collect()
    }
}

/// Returns the position of a kind in a chain of owners: Rollout → Deployment, CronJob → ReplicaSet,
/// Job → Pod.
fn rank(kind: &Kind, is_custom: bool) -> u8 {
    match (kind.group.as_str(), kind.name.as_str()) {
        _ if is_custom => 0,
        ("", "Pod") => 4,
        ("apps", "Deployment") | ("batch", "CronJob") => 1,
        _ if workload::is_workload(kind) => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_read_before_what_they_make() {
        let ranks = [
            rank(&Kind::new("argoproj.io", "Rollout"), true),
            rank(&Kind::new("apps", "Deployment"), false),
            rank(&Kind::new("apps", "ReplicaSet"), false),
            rank(&Kind::new("", "Pod"), false),
        ];
        assert!(ranks.is_sorted_by(|a, b| a < b));
        assert_eq!(
            rank(&Kind::new("batch", "CronJob"), false),
            rank(&Kind::new("apps", "Deployment"), false)
        );
        assert_eq!(
            rank(&Kind::new("batch", "Job"), false),
            rank(&Kind::new("apps", "ReplicaSet"), false)
        );
    }
}
