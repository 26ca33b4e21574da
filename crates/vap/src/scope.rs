//! Which requests: kinds as resource rules, and a ControlBinding's `matchResources` as those of the API server.
//!
//! Versions are exact where Kubernetes has one, so that an object that comes in another is converted to it first
//! (`matchPolicy: Equivalent`): expressions are checked against the types of that version.

use kubevet_k8s::matching::{
    Attributes, LabelOperator, LabelSelector, MatchResources, ResourceRule, RuleScope,
};
use kubevet_k8s::workload::may_be_made_by_controller;
use kubevet_model::{Kind, Operation};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Namespaces in which the webhook is not asked either: the cluster's own and the gate's.
pub const EXEMPT_NAMESPACES: &[&str] = &["kubevet", "kube-system", "kube-node-lease"];
/// The label that the API server gives every namespace.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// API groups whose kinds are all served as `v1`. Another group's may be in any version, and are matched in all.
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

/// What a client connects to, by the kind of its options.
const CONNECTIONS: &[(&str, &str)] = &[
    ("PodExecOptions", "pods/exec"),
    ("PodAttachOptions", "pods/attach"),
    ("PodPortForwardOptions", "pods/portforward"),
    ("PodProxyOptions", "pods/proxy"),
    ("ServiceProxyOptions", "services/proxy"),
    ("NodeProxyOptions", "nodes/proxy"),
];

/// Where objects of a kind come in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) group: String,
    pub(super) version: &'static str,
    /// The resource, with its subresource where it has one: `pods/exec`.
    pub(super) resource: String,
    pub(super) connects: bool,
}

/// The places of a kind: a Pod is changed by its subresources, too.
pub(super) fn places(kind: &Kind) -> Vec<Place> {
    let version = if V1_GROUPS.contains(&kind.group.as_str()) {
        "v1"
    } else {
        "*"
    };
    let place = |resource: &str, connects| Place {
        group: kind.group.clone(),
        version,
        resource: resource.to_owned(),
        connects,
    };
    if let Some((_, resource)) = CONNECTIONS
        .iter()
        .find(|it| kind.group.is_empty() && it.0 == kind.name)
    {
        return vec![place(resource, true)];
    }
    let mut found = vec![place(&kind.plural(), false)];
    if *kind == Kind::new("", "Pod") {
        found.extend([
            place("pods/ephemeralcontainers", false),
            place("pods/resize", false),
        ]);
    }
    found
}

/// Whether requests about a kind are connections.
pub(super) fn connects(kind: &Kind) -> bool {
    places(kind).iter().any(|it| it.connects)
}

/// Whether a binding may take requests about objects of a kind.
pub(super) fn reaches(scope: &MatchResources, kind: &Kind) -> bool {
    let mut rules = scope.clone();
    // Names are for the API server to look at.
    rules
        .resource_rules
        .iter_mut()
        .for_each(|it| it.resource_names.clear());
    rules
        .exclude_resource_rules
        .retain(|it| it.resource_names.is_empty());
    places(kind).iter().any(|place| {
        let (resource, subresource) = place
            .resource
            .split_once('/')
            .unwrap_or((&place.resource, ""));
        let operations: &[Operation] = if place.connects {
            &[Operation::Connect]
        } else {
            &[Operation::Create, Operation::Update]
        };
        operations.iter().any(|operation| {
            // Whether objects of a custom kind live in namespaces is not known.
            ["namespace", ""].iter().any(|namespace| {
                rules.matches_rules(&Attributes {
                    operation: *operation,
                    group: &place.group,
                    version: if place.version == "*" {
                        "v1"
                    } else {
                        place.version
                    },
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

/// The rules of a policy over these kinds.
pub(super) fn policy_rules(kinds: &[Kind]) -> Value {
    rules(kinds, |_| true)
}

/// The rules of a policy that tells what is excused: nobody's first object of a kind is that no controller makes.
pub(super) fn excused_rules(kinds: &[Kind]) -> Value {
    rules(kinds, may_be_made_by_controller)
}

fn rules(kinds: &[Kind], with_create: impl Fn(&Kind) -> bool) -> Value {
    let mut rules: BTreeMap<(String, &str, &[&str]), Vec<String>> = BTreeMap::new();
    for kind in kinds {
        for place in places(kind) {
            let operations: &[&str] = match (place.connects, with_create(kind)) {
                (true, _) => &["CONNECT"],
                (false, true) => &["CREATE", "UPDATE"],
                (false, false) => &["UPDATE"],
            };
            rules
                .entry((place.group, place.version, operations))
                .or_default()
                .push(place.resource);
        }
    }
    let rule = |((group, version, operations), resources): (
        (String, &str, &[&str]),
        Vec<String>,
    )| json!({"apiGroups": [group], "apiVersions": [version], "operations": operations, "resources": resources});
    rules.into_iter().map(rule).collect()
}

/// The selector of namespaces that are not exempt; `None` where none is.
pub(super) fn not_exempt(namespaces: &[String]) -> Option<Value> {
    (!namespaces.is_empty())
        .then(|| json!({"matchExpressions": [{"key": NAMESPACE_NAME, "operator": "NotIn", "values": namespaces}]}))
}

/// The `matchResources` of a policy binding; `None` where it takes everything.
pub(super) fn match_resources(scope: &MatchResources) -> Option<Value> {
    let mut object = serde_json::Map::new();
    let rules = |rules: &[ResourceRule]| rules.iter().map(rule).collect::<Value>();
    if !scope.resource_rules.is_empty() {
        object.insert("resourceRules".to_owned(), rules(&scope.resource_rules));
    }
    if !scope.exclude_resource_rules.is_empty() {
        object.insert(
            "excludeResourceRules".to_owned(),
            rules(&scope.exclude_resource_rules),
        );
    }
    let mut namespaces = requirements(&scope.namespace_selector);
    for (operator, names) in [
        ("In", &scope.namespaces),
        ("NotIn", &scope.exclude_namespaces),
    ] {
        if !names.is_empty() {
            namespaces.push(json!({"key": NAMESPACE_NAME, "operator": operator, "values": names}));
        }
    }
    for (key, requirements) in [
        ("namespaceSelector", namespaces),
        ("objectSelector", requirements(&scope.object_selector)),
    ] {
        if !requirements.is_empty() {
            object.insert(key.to_owned(), json!({"matchExpressions": requirements}));
        }
    }
    (!object.is_empty()).then_some(Value::Object(object))
}

fn requirements(selector: &LabelSelector) -> Vec<Value> {
    let requirement = |it: &kubevet_k8s::matching::LabelRequirement| match it.operator {
        LabelOperator::Exists | LabelOperator::DoesNotExist => {
            json!({"key": it.key, "operator": it.operator.name()})
        }
        _ => json!({"key": it.key, "operator": it.operator.name(), "values": it.values}),
    };
    selector.requirements.iter().map(requirement).collect()
}

fn rule(rule: &ResourceRule) -> Value {
    let operations = match rule.operations.as_slice() {
        [] => json!(["*"]),
        some => some.iter().map(|it| it.name()).collect(),
    };
    let mut object = json!({
        "apiGroups": rule.api_groups,
        "apiVersions": rule.api_versions,
        "operations": operations,
        "resources": rule.resources,
    });
    let scope = match rule.scope {
        RuleScope::All => None,
        RuleScope::Cluster => Some("Cluster"),
        RuleScope::Namespaced => Some("Namespaced"),
    };
    if let Some(map) = object.as_object_mut() {
        if let Some(scope) = scope {
            map.insert("scope".to_owned(), json!(scope));
        }
        if !rule.resource_names.is_empty() {
            map.insert("resourceNames".to_owned(), json!(rule.resource_names));
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_k8s::matching::LabelRequirement;

    #[track_caller]
    fn check(kinds: &[Kind], expected: &str) {
        assert_eq!(policy_rules(kinds).to_string(), expected);
    }

    #[test]
    fn a_pod_is_changed_by_its_subresources_too() {
        check(
            &[
                Kind::new("", "Pod"),
                Kind::new("apps", "Deployment"),
                Kind::new("", "ConfigMap"),
            ],
            r#"[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE","UPDATE"],"resources":["pods","pods/ephemeralcontainers","pods/resize","configmaps"]},{"apiGroups":["apps"],"apiVersions":["v1"],"operations":["CREATE","UPDATE"],"resources":["deployments"]}]"#,
        );
        check(
            &[
                Kind::new("", "PodExecOptions"),
                Kind::new("argoproj.io", "Rollout"),
            ],
            r#"[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CONNECT"],"resources":["pods/exec"]},{"apiGroups":["argoproj.io"],"apiVersions":["*"],"operations":["CREATE","UPDATE"],"resources":["rollouts"]}]"#,
        );
    }

    #[test]
    fn what_no_controller_makes_is_excused_on_update_alone() {
        assert_eq!(
            excused_rules(&[
                Kind::new("apps", "Deployment"),
                Kind::new("apps", "ReplicaSet")
            ])
            .to_string(),
            r#"[{"apiGroups":["apps"],"apiVersions":["v1"],"operations":["CREATE","UPDATE"],"resources":["replicasets"]},{"apiGroups":["apps"],"apiVersions":["v1"],"operations":["UPDATE"],"resources":["deployments"]}]"#,
        );
    }

    #[test]
    fn namespaces_by_name_are_a_selector() {
        let scope = MatchResources {
            exclude_namespaces: vec!["dev".to_owned()],
            object_selector: LabelSelector {
                requirements: vec![LabelRequirement {
                    key: "a".to_owned(),
                    operator: LabelOperator::Exists,
                    values: Vec::new(),
                }],
            },
            ..MatchResources::default()
        };
        assert_eq!(
            match_resources(&scope).unwrap().to_string(),
            r#"{"namespaceSelector":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["dev"]}]},"objectSelector":{"matchExpressions":[{"key":"a","operator":"Exists"}]}}"#
        );
        assert_eq!(match_resources(&MatchResources::default()), None);
    }

    #[test]
    fn a_rule_for_other_kinds_reaches_none() {
        let rule = ResourceRule {
            api_groups: vec!["apps".to_owned()],
            api_versions: vec!["*".to_owned()],
            resources: vec!["deployments".to_owned()],
            operations: vec![Operation::Create],
            scope: RuleScope::All,
            resource_names: vec!["web".to_owned()],
        };
        let scope = MatchResources {
            resource_rules: vec![rule],
            ..MatchResources::default()
        };
        assert!(reaches(&scope, &Kind::new("apps", "Deployment")));
        assert!(!reaches(&scope, &Kind::new("", "Pod")));
        assert!(reaches(
            &MatchResources::default(),
            &Kind::new("", "PodExecOptions")
        ));
    }
}
