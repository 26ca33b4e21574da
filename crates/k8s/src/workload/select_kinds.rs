//! The kinds of a selector. Apart from the selector itself, which is plain data of the crate
//! `model`, because resolving it needs the table of workloads.

use super::kinds::{WORKLOADS, is_workload};
use kubevet_model::{Kind, KindSelector};

/// Resolves a [`KindSelector`].
pub trait SelectKinds {
    /// All kinds that are selected, sorted, custom workloads among them.
    fn all_kinds(&self) -> Vec<Kind>;

    /// The kinds whose objects a rule sees as they are, sorted: all but custom workloads, of which
    /// it sees the pods.
    fn object_kinds(&self) -> Vec<Kind>;

    /// True if a kind is selected.
    fn matches(&self, kind: &Kind) -> bool;
}

impl SelectKinds for KindSelector {
    fn all_kinds(&self) -> Vec<Kind> {
        match self {
            Self::Workloads => WORKLOADS
                .iter()
                .map(|workload| Kind::new(workload.group, workload.name))
                .collect(),
            Self::Kind(kind) | Self::CustomWorkload(kind) => vec![kind.clone()],
        }
    }

    fn object_kinds(&self) -> Vec<Kind> {
        match self {
            Self::CustomWorkload(_) => Vec::new(),
            _ => self.all_kinds(),
        }
    }

    fn matches(&self, kind: &Kind) -> bool {
        match self {
            Self::Workloads => is_workload(kind),
            Self::Kind(selected) | Self::CustomWorkload(selected) => selected == kind,
        }
    }
}

impl SelectKinds for [KindSelector] {
    fn all_kinds(&self) -> Vec<Kind> {
        sorted(self.iter().flat_map(SelectKinds::all_kinds))
    }

    fn object_kinds(&self) -> Vec<Kind> {
        sorted(self.iter().flat_map(SelectKinds::object_kinds))
    }

    fn matches(&self, kind: &Kind) -> bool {
        self.iter().any(|selector| selector.matches(kind))
    }
}

fn sorted(kinds: impl Iterator<Item = Kind>) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = kinds.collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_agree_on_their_kinds() {
        let pod = Kind::new("", "Pod");
        let role = Kind::new("rbac.authorization.k8s.io", "Role");
        let selectors = [
            KindSelector::Kind(role.clone()),
            KindSelector::Kind(pod.clone()),
            KindSelector::Workloads,
        ];
        let kinds = selectors.all_kinds();
        assert!(kinds.is_sorted());
        assert_eq!(kinds.len(), WORKLOADS.len() + 1);
        assert!(kinds.iter().all(|kind| selectors.matches(kind)));
        assert!(!selectors.matches(&Kind::new("", "Service")));
        assert!(!KindSelector::Workloads.matches(&role) && KindSelector::Workloads.matches(&pod));
        assert!(KindSelector::Workloads.all_kinds().is_sorted());
    }
}
