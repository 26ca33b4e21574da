//! Which controls go into one policy, and for which kinds.
//!
//! The API server pays for every policy that looks at an object, most of it before the first expression. So a pack is
//! cut by what is looked at: kinds of which the same controls are asked share one policy, and each object meets one.

use super::{export::Packing, name::kinds_of, scope::reaches};
use kubevet_k8s::matching::MatchResources;
use kubevet_model::{Control, ControlId, Kind};
use std::{collections::BTreeMap, sync::Arc};

/// What one policy is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) controls: Vec<ControlId>,
    pub(super) kinds: Vec<Kind>,
}

/// Cuts controls into groups. Kinds that the scope never takes are left out, and so are controls without any other.
pub(super) fn groups(
    controls: &[&Arc<Control>],
    scope: &MatchResources,
    packing: Packing,
) -> Vec<Group> {
    let reached = controls.iter().map(|it| {
        let kinds: Vec<Kind> = kinds_of(&it.kinds)
            .into_iter()
            .filter(|kind| reaches(scope, kind))
            .collect();
        (it.id.clone(), kinds)
    });
    let reached: Vec<(ControlId, Vec<Kind>)> = reached.filter(|it| !it.1.is_empty()).collect();
    match packing {
        Packing::OnePerControl => reached
            .into_iter()
            .map(|(control, kinds)| Group {
                controls: vec![control],
                kinds,
            })
            .collect(),
        Packing::Packed => {
            let mut of_kind: BTreeMap<&Kind, Vec<ControlId>> = BTreeMap::new();
            for (control, kinds) in &reached {
                for kind in kinds {
                    of_kind.entry(kind).or_default().push(control.clone());
                }
            }
            let mut groups: BTreeMap<Vec<ControlId>, Vec<Kind>> = BTreeMap::new();
            for (kind, controls) in of_kind {
                groups.entry(controls).or_default().push(kind.clone());
            }
            groups
                .into_iter()
                .map(|(controls, kinds)| Group { controls, kinds })
                .collect()
        }
    }
}
