//! Rules, selectors and namespaces together: the scope of a binding.

use super::{Attributes, LabelSelector, Labels, ResourceRule};

/// Which requests something is meant for, as a ValidatingAdmissionPolicy's `matchResources`, with namespaces by name
/// besides. Empty, it takes everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MatchResources {
    /// One of them must take the request; without any, all requests are taken.
    pub resource_rules: Vec<ResourceRule>,
    /// None of them may take the request.
    pub exclude_resource_rules: Vec<ResourceRule>,
    /// The labels of the object's namespace (a Namespace's own). Objects of the whole cluster are not held to it.
    pub namespace_selector: LabelSelector,
    /// The labels of the object, as it is or as it was: one of the two must be selected.
    pub object_selector: LabelSelector,
    /// The names of namespaces; without any, all. Objects of the whole cluster are not held to it.
    pub namespaces: Vec<String>,
    /// The names of namespaces that are left out.
    pub exclude_namespaces: Vec<String>,
}

/// What is known of the labels of a request's namespace.
#[derive(Debug, Clone, Copy)]
pub enum NamespaceLabels<'a> {
    /// These are its labels.
    Known(&'a Labels),
    /// Nobody could say. This is never taken for "no labels".
    Unknown,
}

/// Whether something is meant for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchResult {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// Only the labels of the namespace could say, and they are not known.
    Unknown,
}

impl MatchResources {
    /// Whether somebody must know the labels of namespaces to say what this takes.
    #[must_use]
    pub fn needs_namespaces(&self) -> bool {
        !self.namespace_selector.is_empty()
    }

    /// Whether it takes a request. `namespace` is asked for only where the answer hangs on it.
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

    /// Whether its rules take a request, whatever labels and namespaces say.
    #[must_use]
    pub fn matches_rules(&self, request: &Attributes<'_>) -> bool {
        (self.resource_rules.is_empty()
            || self.resource_rules.iter().any(|rule| rule.matches(request)))
            && !self
                .exclude_resource_rules
                .iter()
                .any(|rule| rule.matches(request))
    }

    /// Whether it may take a request of whose object and namespace nothing but the names is known.
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

/// As the API server does: an object whose labels are just taken away is still meant.
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

    fn unasked<'a>() -> NamespaceLabels<'a> {
        panic!("the namespace need not be known")
    }

    #[test]
    fn without_anything_all_is_taken_and_nobody_is_asked() {
        assert_eq!(
            MatchResources::default().matches(&pod(), unasked),
            MatchResult::Yes
        );
        assert!(!MatchResources::default().needs_namespaces());
    }

    #[test]
    fn unknown_labels_are_not_no_labels() {
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
        // What is left out anyway hangs on no namespace.
        let scope = MatchResources {
            exclude_namespaces: vec!["shop".to_owned()],
            ..scope
        };
        assert_eq!(scope.matches(&pod(), unasked), MatchResult::No);
    }

    #[test]
    fn a_namespace_is_selected_by_its_own_labels() {
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
            scope.matches(&with(Some(&web), None), unasked),
            MatchResult::Yes
        );
        assert_eq!(
            scope.matches(&with(Some(&none), None), unasked),
            MatchResult::No
        );
        assert_eq!(
            scope.matches(&with(Some(&none), Some(&web)), unasked),
            MatchResult::Yes
        );
    }

    #[test]
    fn objects_of_the_whole_cluster_are_not_held_to_namespaces() {
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
        assert_eq!(scope.matches(&role, unasked), MatchResult::Yes);
        assert_eq!(scope.matches(&pod(), unasked), MatchResult::No);
    }

    #[test]
    fn a_label_taken_away_does_not_take_the_object_away() {
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
            scope.matches(&with(Some(&none), Some(&web)), unasked),
            MatchResult::Yes
        );
        assert_eq!(
            scope.matches(&with(Some(&web), None), unasked),
            MatchResult::Yes
        );
        assert_eq!(
            scope.matches(&with(Some(&none), Some(&none)), unasked),
            MatchResult::No
        );
    }
}
