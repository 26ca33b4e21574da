//! Packing: which controls are in one policy, and for which kinds.
//!
//! The API server pays for every policy that matches an object, most of it before the first
//! expression. So kinds to which the same controls apply share one policy, and each object meets
//! one. Workloads share one in any case: most controls apply to all of them, a test of the kind
//! costs little, and a copy of those controls for each kind would be several megabytes.

use kubevet_k8s::{
    matching::MatchResources,
    workload::{SelectKinds as _, is_workload},
};
use kubevet_model::{Control, ControlId, Kind};
use std::{collections::BTreeMap, sync::Arc};

/// How controls are distributed among policies, and how these are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// In as few policies as possible: each object meets one.
    Packed,
    /// A policy for each control.
    OnePerControl,
    /// A policy for each control, written for people: see `readable_policy`.
    Readable,
}

/// The controls of one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PolicyGroup {
    pub(super) controls: Vec<ControlId>,
    /// The kinds that the policy matches; each control applies to some of them.
    pub(super) kinds: Vec<Kind>,
}

/// A control, and the kinds of it that the binding matches.
type ControlKinds = (ControlId, Vec<Kind>);

/// Groups controls. Kinds that the binding never matches are left out, and so are controls without
/// any other.
pub(super) fn groups(
    controls: &[&Arc<Control>],
    scope: &MatchResources,
    packing: Packing,
) -> Vec<PolicyGroup> {
    let matched: Vec<ControlKinds> = controls
        .iter()
        .map(|control| {
            let kinds = control.kinds.object_kinds().into_iter();
            let kinds = kinds.filter(|kind| scope.can_match(kind)).collect();
            (control.id.clone(), kinds)
        })
        .filter(|(_, kinds): &ControlKinds| !kinds.is_empty())
        .collect();
    match packing {
        Packing::OnePerControl | Packing::Readable => matched
            .into_iter()
            .map(|(control, kinds)| PolicyGroup {
                controls: vec![control],
                kinds,
            })
            .collect(),
        Packing::Packed => by_equal_controls(&matched),
    }
}

fn by_equal_controls(matched: &[ControlKinds]) -> Vec<PolicyGroup> {
    let mut controls_of: BTreeMap<&Kind, Vec<ControlId>> = BTreeMap::new();
    for (control, kinds) in matched {
        for kind in kinds {
            controls_of.entry(kind).or_default().push(control.clone());
        }
    }
    let of_any_workload: Vec<ControlId> = matched
        .iter()
        .filter(|(_, kinds)| kinds.iter().any(is_workload))
        .map(|(control, _)| control.clone())
        .collect();
    for (kind, controls) in &mut controls_of {
        if is_workload(kind) {
            controls.clone_from(&of_any_workload);
        }
    }
    let mut groups: BTreeMap<Vec<ControlId>, Vec<Kind>> = BTreeMap::new();
    for (kind, controls) in controls_of {
        groups.entry(controls).or_default().push(kind.clone());
    }
    groups
        .into_iter()
        .map(|(controls, kinds)| PolicyGroup { controls, kinds })
        .collect()
}
