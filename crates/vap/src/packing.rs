//! Packing: which controls are in one policy, and for which kinds.
//!
//! The API server pays for every policy that matches an object, most of it before the first
//! expression. So kinds to which the same controls apply share one policy. Workloads share one for
//! all controls that apply to several kinds of them: a test of the kind costs little, and a copy of
//! those controls for each kind would be several megabytes.

use kubevet_k8s::{
    matching::MatchResources,
    workload::{
        SelectKinds as _,
        custom::{CustomWorkload, CustomWorkloads, PodForm, PodShape},
        is_workload,
    },
};
use kubevet_model::{Control, ControlId, Kind, KindSelector};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

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
    /// Where the kinds keep their pods, if they are kinds of other software: all of one shape.
    pub(super) custom: Vec<CustomWorkload>,
}

/// A control, and the kinds of it that the binding matches.
type ControlKinds = (ControlId, Vec<Kind>);

impl PolicyGroup {
    /// The shape of the pods; `None` for kinds that rules see as they are.
    pub(super) fn pod_shape(&self) -> Option<PodShape> {
        let row = self.custom.first()?;
        row.shape(row.pods.first()?.shape().form)
    }
}

/// Groups controls. `custom` are the kinds of other software whose pods are evaluated. Kinds that the
/// binding never matches are left out, and so are controls without any other.
pub(super) fn groups(
    controls: &[&Arc<Control>],
    custom: &CustomWorkloads,
    scope: &MatchResources,
    packing: Packing,
) -> Vec<PolicyGroup> {
    let mut groups = object_groups(controls, scope, packing);
    let of_workloads = |control: &&Arc<Control>| control.kinds.contains(&KindSelector::Workloads);
    let controls = controls.iter().copied().filter(of_workloads);
    let controls: Vec<ControlId> = controls.map(|control| control.id.clone()).collect();
    let controls: Vec<Vec<ControlId>> = match packing {
        _ if controls.is_empty() => Vec::new(),
        Packing::Packed => vec![controls],
        Packing::OnePerControl | Packing::Readable => {
            controls.into_iter().map(|control| vec![control]).collect()
        }
    };
    let shapes = rows_by_shape(custom, scope);
    for controls in controls {
        groups.extend(shapes.iter().map(|rows| PolicyGroup {
            controls: controls.clone(),
            kinds: rows.iter().map(|row| row.kind.clone()).collect(),
            custom: rows.clone(),
        }));
    }
    groups
}

/// The kinds that the binding can match, by the shape of their pods. Pods whose containers are merged
/// from several places are left out: CEL cannot do that.
fn rows_by_shape(custom: &CustomWorkloads, scope: &MatchResources) -> Vec<Vec<CustomWorkload>> {
    let mut by_shape: BTreeMap<PodShape, Vec<CustomWorkload>> = BTreeMap::new();
    for row in custom.rows().iter().filter(|row| is_matched(row, scope)) {
        for form in [PodForm::Template, PodForm::Spec, PodForm::Composed] {
            let row_of_form = row.of_form(form);
            if let Some(shape) = row.shape(form)
                && row_of_form.has_whole_containers()
            {
                by_shape.entry(shape).or_default().push(row_of_form);
            }
        }
    }
    by_shape.into_values().collect()
}

/// True if a request for the kind, whose plural name is known, may match.
fn is_matched(row: &CustomWorkload, scope: &MatchResources) -> bool {
    let is_named = |name: &String| *name == row.resource || name.starts_with('*');
    let mut rules = scope.resource_rules.iter();
    scope.can_match(&row.kind)
        && (scope.resource_rules.is_empty()
            || rules.any(|rule| rule.resources.iter().any(is_named)))
}

fn object_groups(
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
                custom: Vec::new(),
            })
            .collect(),
        Packing::Packed => by_equal_controls(&matched),
    }
}

/// Controls of workloads are in one group for all workloads, so a control of it can be one of other
/// kinds: a policy of its own would cost each of their requests more. Those of Pods alone, which are
/// many, and all other controls are with those that apply to equal kinds.
fn by_equal_controls(matched: &[ControlKinds]) -> Vec<PolicyGroup> {
    let mut controls_of: BTreeMap<&Kind, Vec<ControlId>> = BTreeMap::new();
    let mut of_workloads = Vec::new();
    let mut workloads: BTreeSet<&Kind> = BTreeSet::new();
    for (control, kinds) in matched {
        let (pods, mut rest): (Vec<&Kind>, Vec<&Kind>) =
            kinds.iter().partition(|kind| is_workload(kind));
        if pods.iter().any(|kind| !is_pod(kind)) {
            of_workloads.push(control.clone());
            workloads.extend(pods);
        } else {
            rest.extend(pods);
        }
        for kind in rest {
            controls_of.entry(kind).or_default().push(control.clone());
        }
    }
    let mut groups: BTreeMap<Vec<ControlId>, Vec<Kind>> = BTreeMap::new();
    for (kind, controls) in controls_of {
        groups.entry(controls).or_default().push(kind.clone());
    }
    if !of_workloads.is_empty() {
        let kinds = groups.entry(of_workloads).or_default();
        kinds.extend(workloads.into_iter().cloned());
        kinds.sort();
    }
    groups
        .into_iter()
        .map(|(controls, kinds)| PolicyGroup {
            controls,
            kinds,
            custom: Vec::new(),
        })
        .collect()
}

fn is_pod(kind: &Kind) -> bool {
    kind.group.is_empty() && kind.name == "Pod"
}
