//! Resource rules, selectors and namespaces together: the scope of a binding.

use super::{Attributes, LabelSelector, Labels, ResourceRule};

/// The scope of a binding: a ValidatingAdmissionPolicy's `matchResources`, with namespaces by name
/// besides. An empty scope matches every request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MatchResources {
    /// At least one must match the request; if there are none, every request matches.
    pub resource_rules: Vec<ResourceRule>,
    /// None may match the request.
    pub exclude_resource_rules: Vec<ResourceRule>,
    /// Selects by the labels of the object's namespace (for a Namespace, by its own).
    /// Cluster-scoped objects are not restricted.
    pub namespace_selector: LabelSelector,
    /// Selects by the labels of the object or of the old object: one of the two must be selected.
    pub object_selector: LabelSelector,
    /// The names of namespaces; if there are none, all. Cluster-scoped objects are not restricted.
    pub namespaces: Vec<String>,
    /// The names of excluded namespaces.
    pub exclude_namespaces: Vec<String>,
}

/// The known labels of a request's namespace.
#[derive(Debug, Clone, Copy)]
pub enum NamespaceLabels<'a> {
    /// The labels.
    Known(&'a Labels),
    /// The labels could not be read. This never means "no labels".
    Unknown,
}

/// The result of matching a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchResult {
    /// The request matches.
    Yes,
    /// The request does not match.
    No,
    /// The result depends on the labels of the namespace, which are unknown.
    Unknown,
}

impl MatchResources {
    /// True if the result can depend on the labels of namespaces.
    #[must_use]
    pub fn needs_namespaces(&self) -> bool {
        !self.namespace_selector.is_empty()
    }

    /// Matches a request. `namespace` is called only if the result depends on it.
    pub fn matches<'n>(
        &self,
        request: &Attributes<'_>,
        namespace: impl FnOnce() -> NamespaceLabels<'n>,
    ) -> MatchResult {
        if !self.matches_rules(request)
            || !self.matches_name(request)
            || !self.matches_labels(request)
        {
            return MatchResult::No;
        }
        if self.namespace_selector.is_empty() {
            return MatchResult::Yes;
        }
        let of = |yes: bool| {
            if yes {
                MatchResult::Yes
            } else {
                MatchResult::No
            }
        };
        if request.is_namespace() {
            return of(selects_either(&self.namespace_selector, request));
        }
        if request.namespace.is_empty() {
            return MatchResult::Yes;
        }
        match namespace() {
            NamespaceLabels::Known(labels) => of(self.namespace_selector.selects(labels)),
            NamespaceLabels::Unknown => MatchResult::Unknown,
        }
    }

    /// True if the resource rules match a request, regardless of labels and namespaces.
    #[must_use]
    pub fn matches_rules(&self, request: &Attributes<'_>) -> bool {
        (self.resource_rules.is_empty()
            || self.resource_rules.iter().any(|rule| rule.matches(request)))
            && !self
                .exclude_resource_rules
                .iter()
                .any(|rule| rule.matches(request))
    }

    /// True if a request can match of whose object and namespace only the names are known.
    #[must_use]
    pub fn may_match(&self, request: &Attributes<'_>) -> bool {
        self.matches_rules(request) && self.matches_name(request)
    }

    fn matches_name(&self, request: &Attributes<'_>) -> bool {
        let namespace = if request.is_namespace() {
            request.name
        } else {
            request.namespace
        };
        let lists = |names: &[String]| names.iter().any(|name| name == namespace);
        namespace.is_empty()
            || ((self.namespaces.is_empty() || lists(&self.namespaces))
                && !lists(&self.exclude_namespaces))
    }

    fn matches_labels(&self, request: &Attributes<'_>) -> bool {
        self.object_selector.is_empty() || selects_either(&self.object_selector, request)
    }
}

/// As the API server does, an object whose labels are being removed still matches.
fn selects_either(selector: &LabelSelector, request: &Attributes<'_>) -> bool {
    let labels = [request.labels, request.old_labels];
    labels
        .into_iter()
        .flatten()
        .any(|labels| selector.selects(labels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::{LabelOperator, LabelRequirement};
    use kubevet_model::Operation;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn selector(key: &str, value: &str) -> LabelSelector {
        let values = vec![value.to_owned()];
        LabelSelector {
            requirements: vec![LabelRequirement {
                key: key.to_owned(),
                operator: LabelOperator::In,
                values,
            }],
        }
    }

    fn pod() -> Attributes<'static> {
        Attributes {
            operation: Operation::Update,
            group: "",
            version: "v1",
            resource: "pods",
            subresource: "",
            name: "web",
            namespace: "shop",
            labels: None,
            old_labels: None,
        }
    }

    fn unread<'a>() -> NamespaceLabels<'a> {
        panic!("the namespace need not be known")
    }

    #[test]
    fn empty_scope_matches_without_reading_the_namespace() {
        assert_eq!(
            MatchResources::default().matches(&pod(), unread),
            MatchResult::Yes
        );
        assert!(!MatchResources::default().needs_namespaces());
    }

    #[test]
    fn unknown_labels_give_an_unknown_result() {
        let scope = MatchResources {
            namespace_selector: selector("tier", "web"),
            ..MatchResources::default()
        };
        let (web, other) = (labels(&[("tier", "web")]), labels(&[]));
        assert_eq!(
            scope.matches(&pod(), || NamespaceLabels::Known(&web)),
            MatchResult::Yes
        );
        assert_eq!(
            scope.matches(&pod(), || NamespaceLabels::Known(&other)),
            MatchResult::No
        );
        assert_eq!(
            scope.matches(&pod(), || NamespaceLabels::Unknown),
            MatchResult::Unknown
        );
        // The result for an excluded namespace does not depend on its labels.
        let scope = MatchResources {
            exclude_namespaces: vec!["shop".to_owned()],
            ..scope
        };
        assert_eq!(scope.matches(&pod(), unread), MatchResult::No);
    }

    #[test]
    fn namespace_is_selected_by_its_own_labels() {
        let scope = MatchResources {
            namespace_selector: selector("tier", "web"),
            ..MatchResources::default()
        };
        let (web, none) = (labels(&[("tier", "web")]), labels(&[]));
        let namespace = Attributes {
            resource: "namespaces",
            namespace: "",
            name: "shop",
            ..pod()
        };
        let with = |labels, old_labels| Attributes {
            labels,
            old_labels,
            ..namespace
        };
        assert_eq!(
            scope.matches(&with(Some(&web), None), unread),
            MatchResult::Yes
        );
        assert_eq!(
            scope.matches(&with(Some(&none), None), unread),
            MatchResult::No
        );
        assert_eq!(
            scope.matches(&with(Some(&none), Some(&web)), unread),
            MatchResult::Yes
        );
    }

    #[test]
    fn cluster_scoped_object_is_not_restricted_by_namespaces() {
        let scope = MatchResources {
            namespace_selector: selector("tier", "web"),
            namespaces: vec!["other".to_owned()],
            ..MatchResources::default()
        };
        let role = Attributes {
            group: "rbac",
            resource: "clusterroles",
            namespace: "",
            ..pod()
        };
        assert_eq!(scope.matches(&role, unread), MatchResult::Yes);
        assert_eq!(scope.matches(&pod(), unread), MatchResult::No);
    }

    #[test]
    fn object_whose_label_is_removed_still_matches() {
        let scope = MatchResources {
            object_selector: selector("tier", "web"),
            ..MatchResources::default()
        };
        let (web, none) = (labels(&[("tier", "web")]), labels(&[]));
        let with = |labels, old_labels| Attributes {
            labels,
            old_labels,
            ..pod()
        };
        assert_eq!(
            scope.matches(&with(Some(&none), Some(&web)), unread),
            MatchResult::Yes
        );
        assert_eq!(
            scope.matches(&with(Some(&web), None), unread),
            MatchResult::Yes
        );
        assert_eq!(
            scope.matches(&with(Some(&none), Some(&none)), unread),
            MatchResult::No
        );
    }
}
