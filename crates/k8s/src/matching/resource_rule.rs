//! One resource rule, with the meaning of `admissionregistration.k8s.io/v1` `RuleWithOperations`.

use super::Attributes;
use kubevet_model::Operation;

/// A resource rule. In each list, `*` matches everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceRule {
    /// The API groups; the core group is the empty string.
    pub api_groups: Vec<String>,
    /// The API versions.
    pub api_versions: Vec<String>,
    /// The resources: `pods`, `pods/exec`, `pods/*` (all subresources of pods), `*/scale` (that
    /// subresource of all resources), `*` (all resources without subresources) or `*/*` (all of
    /// both).
    pub resources: Vec<String>,
    /// The operations; none means all.
    pub operations: Vec<Operation>,
    /// The scope of the objects.
    pub scope: RuleScope,
    /// The names; none means all.
    pub resource_names: Vec<String>,
}

/// The scope of the objects that a rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RuleScope {
    /// Every object.
    #[default]
    All,
    /// Cluster-scoped objects, Namespaces included.
    Cluster,
    /// Namespaced objects.
    Namespaced,
}

impl ResourceRule {
    /// True if the rule matches a request.
    #[must_use]
    pub fn matches(&self, request: &Attributes<'_>) -> bool {
        self.matches_resource(
            request.group,
            request.version,
            request.resource,
            request.subresource,
        ) && (self.operations.is_empty() || self.operations.contains(&request.operation))
            && self.matches_scope(request)
            && (self.resource_names.is_empty()
                || self.resource_names.iter().any(|name| name == request.name))
    }

    fn matches_resource(
        &self,
        group: &str,
        version: &str,
        resource: &str,
        subresource: &str,
    ) -> bool {
        lists(&self.api_groups, group)
            && lists(&self.api_versions, version)
            && self
                .resources
                .iter()
                .any(|pattern| resource_matches(pattern, resource, subresource))
    }

    fn matches_scope(&self, request: &Attributes<'_>) -> bool {
        let cluster = request.namespace.is_empty() || request.is_namespace();
        match self.scope {
            RuleScope::All => true,
            RuleScope::Cluster => cluster,
            RuleScope::Namespaced => !cluster,
        }
    }
}

fn lists(words: &[String], word: &str) -> bool {
    words.iter().any(|item| item == "*" || item == word)
}

fn resource_matches(pattern: &str, resource: &str, subresource: &str) -> bool {
    let (wanted, wanted_sub) = pattern.split_once('/').unwrap_or((pattern, ""));
    (wanted == "*" || wanted == resource) && (wanted_sub == "*" || wanted_sub == subresource)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, resource: &str, expected: bool) {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        assert_eq!(
            resource_matches(pattern, resource, subresource),
            expected,
            "{pattern} {resource}/{subresource}"
        );
    }

    #[test]
    fn resource_pattern_distinguishes_subresources() {
        check("pods", "pods", true);
        check("pods", "pods/exec", false);
        check("pods", "services", false);
        check("pods/exec", "pods/exec", true);
        check("pods/exec", "pods", false);
        check("pods/*", "pods/exec", true);
        check("pods/*", "pods", true);
        check("*", "pods", true);
        check("*", "pods/exec", false);
        check("*/scale", "deployments/scale", true);
        check("*/scale", "deployments", false);
        check("*/*", "pods/exec", true);
        check("*/*", "pods", true);
    }

    fn rule() -> ResourceRule {
        ResourceRule {
            api_groups: vec!["apps".to_owned()],
            api_versions: vec!["*".to_owned()],
            resources: vec!["deployments".to_owned()],
            operations: vec![Operation::Create],
            scope: RuleScope::All,
            resource_names: Vec::new(),
        }
    }

    fn request() -> Attributes<'static> {
        Attributes {
            operation: Operation::Create,
            group: "apps",
            version: "v1",
            resource: "deployments",
            subresource: "",
            name: "web",
            namespace: "shop",
            labels: None,
            old_labels: None,
        }
    }

    #[test]
    fn every_part_of_a_rule_must_match() {
        assert!(rule().matches(&request()));
        assert!(!rule().matches(&Attributes {
            group: "",
            ..request()
        }));
        assert!(!rule().matches(&Attributes {
            operation: Operation::Update,
            ..request()
        }));
        assert!(!rule().matches(&Attributes {
            subresource: "scale",
            ..request()
        }));
        assert!(
            ResourceRule {
                operations: Vec::new(),
                ..rule()
            }
            .matches(&request())
        );
        assert!(
            !ResourceRule {
                api_versions: vec!["v2".to_owned()],
                ..rule()
            }
            .matches(&request())
        );
        assert!(
            !ResourceRule {
                resource_names: vec!["other".to_owned()],
                ..rule()
            }
            .matches(&request())
        );
        assert!(
            ResourceRule {
                resource_names: vec!["web".to_owned()],
                ..rule()
            }
            .matches(&request())
        );
    }

    #[test]
    fn namespace_is_cluster_scoped() {
        let rule = |scope| ResourceRule {
            api_groups: vec![String::new()],
            resources: vec!["*".to_owned()],
            scope,
            ..rule()
        };
        let namespace = Attributes {
            group: "",
            resource: "namespaces",
            namespace: "shop",
            ..request()
        };
        assert!(rule(RuleScope::Cluster).matches(&namespace));
        assert!(!rule(RuleScope::Namespaced).matches(&namespace));
        let pod = Attributes {
            group: "",
            resource: "pods",
            ..request()
        };
        assert!(!rule(RuleScope::Cluster).matches(&pod));
        assert!(rule(RuleScope::Namespaced).matches(&pod));
    }
}
