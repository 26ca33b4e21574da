//! The resources by which objects of a kind are admitted: rules name resources, controls name kinds.

use super::{Attributes, MatchResources};
use crate::schema::Schema;
use kubevet_model::{Kind, Operation};

/// API groups whose kinds are all served as `v1`. The kinds of other groups may have any version.
const V1_GROUPS: &[&str] = &[
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// The subresources to which a client connects, by the kind of its options.
const CONNECTIONS: &[(&str, &str)] = &[
    ("PodExecOptions", "pods/exec"),
    ("PodAttachOptions", "pods/attach"),
    ("PodPortForwardOptions", "pods/portforward"),
    ("PodProxyOptions", "pods/proxy"),
    ("ServiceProxyOptions", "services/proxy"),
    ("NodeProxyOptions", "nodes/proxy"),
];

/// A resource by which objects of a kind are admitted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceTarget {
    /// The API group; empty for the core group.
    pub group: String,
    /// The API version; `*` for any.
    pub version: &'static str,
    /// The resource, with its subresource where it has one: `pods/exec`.
    pub resource: String,
    /// True if requests are connections.
    pub is_connection: bool,
}

/// Returns the resources by which a kind is admitted: a Pod is changed by its subresources too.
#[must_use]
pub fn resource_targets(kind: &Kind) -> Vec<ResourceTarget> {
    let version = if V1_GROUPS.contains(&kind.group.as_str()) {
        "v1"
    } else {
        "*"
    };
    let target = |resource: &str, is_connection| ResourceTarget {
        group: kind.group.clone(),
        version,
        resource: resource.to_owned(),
        is_connection,
    };
    if let Some((_, resource)) = CONNECTIONS
        .iter()
        .find(|(options, _)| kind.group.is_empty() && *options == kind.name)
    {
        return vec![target(resource, true)];
    }
    let mut found = vec![target(&Schema::embedded().resource(kind), false)];
    if *kind == Kind::new("", "Pod") {
        found.extend([
            target("pods/ephemeralcontainers", false),
            target("pods/resize", false),
        ]);
    }
    found
}

/// True if requests for a kind are connections.
#[must_use]
pub fn is_connection(kind: &Kind) -> bool {
    resource_targets(kind)
        .iter()
        .any(|target| target.is_connection)
}

impl MatchResources {
    /// True if some request that is checked, for an object of a kind, matches the resource rules.
    /// Names of objects are not compared, and a DELETE is never checked.
    #[must_use]
    pub fn can_match(&self, kind: &Kind) -> bool {
        let mut rules = self.clone();
        for rule in &mut rules.resource_rules {
            rule.resource_names.clear();
        }
        rules
            .exclude_resource_rules
            .retain(|rule| rule.resource_names.is_empty());
        let mut targets = resource_targets(kind);
        if !is_connection(kind) && Schema::embedded().kind(kind).is_none() {
            // A kind that is not built in may have any plural: each that a rule names counts.
            let named = rules.resource_rules.iter().flat_map(|rule| &rule.resources);
            let named = named.filter(|name| !name.contains(['*', '/']));
            targets.extend(named.map(|name| ResourceTarget {
                group: kind.group.clone(),
                version: "*",
                resource: name.clone(),
                is_connection: false,
            }));
        }
        targets.iter().any(|target| rules.can_match_target(target))
    }

    fn can_match_target(&self, target: &ResourceTarget) -> bool {
        let (resource, subresource) = target
            .resource
            .split_once('/')
            .unwrap_or((&target.resource, ""));
        let operations: &[Operation] = if target.is_connection {
            &[Operation::Connect]
        } else {
            &[Operation::Create, Operation::Update]
        };
        let rules = self.resource_rules.iter();
        let named_versions = rules.flat_map(|rule| rule.api_versions.iter().map(String::as_str));
        let versions: Vec<&str> = match target.version {
            // The empty version stands for one that no rule names.
            "*" => named_versions.chain([""]).collect(),
            version => vec![version],
        };
        // A custom kind can be in namespaces or not.
        let namespaces = ["namespace", ""];
        operations.iter().any(|operation| {
            versions.iter().any(|version| {
                namespaces.iter().any(|namespace| {
                    self.matches_rules(&Attributes {
                        operation: *operation,
                        group: &target.group,
                        version,
                        resource,
                        subresource,
                        name: "",
                        namespace,
                        labels: None,
                        old_labels: None,
                    })
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::{ResourceRule, RuleScope};

    #[track_caller]
    fn check(rule: ResourceRule, kind: &Kind, expected: bool) {
        let scope = MatchResources {
            resource_rules: vec![rule.clone()],
            ..MatchResources::default()
        };
        assert_eq!(scope.can_match(kind), expected, "{rule:?} {kind}");
    }

    fn rule(group: &str, resource: &str) -> ResourceRule {
        ResourceRule {
            api_groups: vec![group.to_owned()],
            api_versions: vec!["*".to_owned()],
            resources: vec![resource.to_owned()],
            operations: vec![Operation::Create],
            scope: RuleScope::All,
            resource_names: vec!["web".to_owned()],
        }
    }

    #[test]
    fn rule_can_match_its_kinds_only() {
        let (deployment, pod) = (Kind::new("apps", "Deployment"), Kind::new("", "Pod"));
        check(rule("apps", "deployments"), &deployment, true);
        check(rule("apps", "deployments"), &pod, false);
        check(rule("", "deployments"), &deployment, false);
        let versioned = |version: &str, rule| ResourceRule {
            api_versions: vec![version.to_owned()],
            ..rule
        };
        check(
            versioned("v1beta2", rule("apps", "deployments")),
            &deployment,
            false,
        );
        let rollout = Kind::new("argoproj.io", "Rollout");
        check(
            versioned("v1alpha1", rule("argoproj.io", "rollouts")),
            &rollout,
            true,
        );
        // Its plural is not known.
        check(rule("argoproj.io", "rolloutz"), &rollout, true);
        check(rule("apps", "rollouts"), &rollout, false);
        let deleting = ResourceRule {
            operations: vec![Operation::Delete],
            ..rule("apps", "deployments")
        };
        check(deleting, &deployment, false);
        let exec = Kind::new("", "PodExecOptions");
        check(rule("", "pods/exec"), &exec, false);
        let connecting = ResourceRule {
            operations: vec![Operation::Connect],
            ..rule("", "pods/*")
        };
        check(connecting, &exec, true);
        assert!(MatchResources::default().can_match(&exec));
    }

    #[test]
    fn excluded_kind_cannot_match() {
        let pod = Kind::new("", "Pod");
        let every_operation = |resource| ResourceRule {
            operations: Vec::new(),
            ..rule("", resource)
        };
        let named = MatchResources {
            exclude_resource_rules: vec![every_operation("*/*")],
            ..MatchResources::default()
        };
        assert!(named.can_match(&pod), "other names are not excluded");
        let mut all = named;
        for rule in &mut all.exclude_resource_rules {
            rule.resource_names.clear();
        }
        assert!(!all.can_match(&pod));
    }
}
