//! Which resources of the API server hold objects of a kind: webhook rules speak of resources, controls of kinds.

use crate::model::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// Kinds of Kubernetes whose plural is not the kind in lower case and an `s`.
const PLURALS: &[(&str, &str)] = &[("Endpoints", "endpoints")];

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
        found.entry(kind.group.clone()).or_default().insert(plural(&kind.name));
    }
    found
}

fn plural(kind: &str) -> String {
    if let Some((_, plural)) = PLURALS.iter().find(|(name, _)| *name == kind) {
        return (*plural).to_owned();
    }
    let lower = kind.to_ascii_lowercase();
    if let Some(stem) = lower.strip_suffix('y').filter(|it| !it.ends_with(['a', 'e', 'i', 'o', 'u'])) {
        return format!("{stem}ies");
    }
    let hissing = ["s", "x", "ch", "sh"].iter().any(|it| lower.ends_with(it));
    lower + if hissing { "es" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: &str, expected: &str) {
        assert_eq!(plural(kind), expected);
    }

    #[test]
    fn plurals_are_those_of_the_api_server() {
        check("Pod", "pods");
        check("ConfigMap", "configmaps");
        check("Endpoints", "endpoints");
        check("Proxy", "proxies");
        check("Gateway", "gateways");
    }
}
