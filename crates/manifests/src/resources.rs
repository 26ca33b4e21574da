//! Which resources of the API server hold objects of a kind: webhook rules speak of resources, controls of kinds.

use kubevet_model::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// Resources by API group: the shape of a webhook rule.
pub(super) type Resources = BTreeMap<String, BTreeSet<String>>;

/// The resources of kinds, by API group. Options of a connection (`PodExecOptions`) are no objects and have none here.
///
/// A custom resource may have any plural; its usual one is taken, which `kubectl api-resources` confirms.
pub(super) fn resources<'k>(kinds: impl IntoIterator<Item = &'k Kind>) -> Resources {
    let mut found = Resources::new();
    for kind in kinds {
        if kind.group.is_empty() && kind.name.ends_with("Options") {
            continue;
        }
        found
            .entry(kind.group.clone())
            .or_default()
            .insert(kind.plural());
    }
    found
}
