//! The API versions that Kubernetes deprecated or removed, and what replaces each.
//!
//! `api_versions.txt` is generated from the marks of Kubernetes' own Go types by
//! `tests/kubernetes/schema`. What is not in it is current, or not built in: [`super::Schema`] knows
//! the present kinds.

use super::table::Schema;
use kubevet_model::Kind;
use std::sync::LazyLock;

/// A kind in an API version that is deprecated or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldApiVersion {
    /// The `apiVersion` of its objects, such as `extensions/v1beta1`.
    pub api_version: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// The first minor version that warns of it; `None` if it was removed without a warning.
    pub deprecated: Option<u8>,
    /// The first minor version that does not serve it; `None` if its removal is not planned.
    pub removed: Option<u8>,
    /// The `apiVersion` and kind that Kubernetes names as its replacement.
    replacement: Option<(&'static str, &'static str)>,
}

static ALL: LazyLock<Vec<OldApiVersion>> = LazyLock::new(|| {
    let lines = include_str!("api_versions.txt").lines();
    // A test holds that every line parses.
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(OldApiVersion::parse).collect()
});

impl OldApiVersion {
    /// Every one, sorted by `apiVersion` and kind.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &ALL
    }

    /// The entry of a kind in an `apiVersion`; `None` if that is current, or not built in.
    #[must_use]
    pub fn find(api_version: &str, kind: &str) -> Option<&'static Self> {
        let at = ALL
            .binary_search_by(|old| (old.api_version, old.kind).cmp(&(api_version, kind)))
            .ok()?;
        ALL.get(at)
    }

    /// The `apiVersion` and kind to use instead in a minor version of Kubernetes; `None` if nothing
    /// replaces it there.
    #[must_use]
    pub fn replacement_in(&self, minor: u8) -> Option<(String, &'static str)> {
        let schema = Schema::embedded();
        let served = |api_version: &str, kind: &str| {
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            let kind = Kind::new(group, kind);
            let info = match schema.kind_at(&kind, version) {
                Some(info) if api_version != self.api_version => info,
                // A replacement may itself be replaced, within its group.
                _ => schema.kind(&kind)?,
            };
            let is_served = info.since.is_none_or(|since| since <= minor);
            let is_other = info.api_version() != self.api_version;
            (is_served && is_other).then(|| (info.api_version(), info.name))
        };
        match self.replacement {
            Some((api_version, kind)) => served(api_version, kind),
            None => served(self.api_version, self.kind),
        }
    }

    /// Parses `GROUP/VERSION KIND deprecated removed = REPLACEMENT`.
    fn parse(line: &'static str) -> Option<Self> {
        let (facts, replacement) = match line.split_once(" = ") {
            Some((facts, replacement)) => (facts, Some(replacement)),
            None => (line, None),
        };
        let mut words = facts.split(' ');
        let (api_version, kind) = (words.next()?, words.next()?);
        let (deprecated, removed) = (parse_minor(words.next()?)?, parse_minor(words.next()?)?);
        Some(Self {
            api_version,
            kind,
            deprecated,
            removed,
            replacement: replacement.map(|text| text.split_once(' ').unwrap_or((text, kind))),
        })
    }
}

/// Parses a minor version, or `-` for none.
fn parse_minor(word: &str) -> Option<Option<u8>> {
    match word {
        "-" => Some(None),
        _ => word.parse().ok().map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_table_parses_and_is_sorted() {
        let lines = include_str!("api_versions.txt").lines();
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let all = OldApiVersion::all();
        assert_eq!(all.len(), lines.count());
        assert!(all.is_sorted_by_key(|old| (old.api_version, old.kind)));
        for old in all {
            assert!(old.deprecated.is_some() || old.removed.is_some(), "{old:?}");
            assert_eq!(OldApiVersion::find(old.api_version, old.kind), Some(old));
        }
    }

    /// Checks `deprecated removed replacement`, the last in one minor version.
    #[track_caller]
    fn check(api_version: &str, kind: &str, minor: u8, expected: &str) {
        let minor_or_none =
            |minor: Option<u8>| minor.map_or("-".to_owned(), |minor| minor.to_string());
        let found = OldApiVersion::find(api_version, kind).map(|old| {
            let replacement = old
                .replacement_in(minor)
                .map_or("-".to_owned(), |(version, kind)| {
                    format!("{version} {kind}")
                });
            let (deprecated, removed) = (minor_or_none(old.deprecated), minor_or_none(old.removed));
            format!("{deprecated} {removed} {replacement}")
        });
        assert_eq!(
            found.as_deref().unwrap_or("current"),
            expected,
            "{api_version} {kind} in 1.{minor}"
        );
    }

    #[test]
    fn old_version_has_its_dates_and_its_replacement() {
        check(
            "extensions/v1beta1",
            "Deployment",
            36,
            "8 16 apps/v1 Deployment",
        );
        check(
            "policy/v1beta1",
            "PodDisruptionBudget",
            36,
            "21 25 policy/v1 PodDisruptionBudget",
        );
        check("policy/v1beta1", "PodSecurityPolicy", 36, "21 25 -");
        check(
            "events.k8s.io/v1beta1",
            "Event",
            36,
            "22 25 events.k8s.io/v1 Event",
        );
        check(
            "networking.k8s.io/v1beta1",
            "IngressClass",
            36,
            "19 22 networking.k8s.io/v1 IngressClass",
        );
        check(
            "v1",
            "Endpoints",
            36,
            "33 - discovery.k8s.io/v1 EndpointSlice",
        );
        check(
            "flowcontrol.apiserver.k8s.io/v1beta1",
            "FlowSchema",
            36,
            "23 26 flowcontrol.apiserver.k8s.io/v1 FlowSchema",
        );
        check(
            "admissionregistration.k8s.io/v1beta1",
            "MutatingAdmissionPolicy",
            36,
            "37 40 admissionregistration.k8s.io/v1 MutatingAdmissionPolicy",
        );
        check(
            "admissionregistration.k8s.io/v1beta1",
            "MutatingAdmissionPolicy",
            35,
            "37 40 -",
        );
        check("apps/v1", "Deployment", 36, "current");
        check("argoproj.io/v1alpha1", "Rollout", 36, "current");
    }
}
