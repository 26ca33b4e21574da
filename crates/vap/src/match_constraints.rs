//! Which requests a policy matches: kinds as resource rules, and a ControlBinding's
//! `matchResources` as those of the API server.
//!
//! The version is exact where Kubernetes serves one, so that an object in another version is
//! converted to it first (`matchPolicy: Equivalent`): expressions are checked against the types of
//! that version.

use kubevet_cel::Expr;
use kubevet_k8s::matching::{
    LabelOperator, LabelRequirement, LabelSelector, MatchResources, ResourceRule, ResourceTarget,
    RuleScope, resource_targets,
};
use kubevet_k8s::schema::Schema;
use kubevet_k8s::workload::{custom::CustomWorkload, may_be_made_by_controller};
use kubevet_model::Kind;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Namespaces that the webhook ignores too: the cluster's own and that of the webhook.
pub const EXEMPT_NAMESPACES: &[&str] = &["kubevet", "kube-system", "kube-node-lease"];
/// The label that the API server gives every namespace.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// `resourceRules` of a policy over these kinds. Kinds of other software have rows, with their plural
/// names.
pub(super) fn policy_rules(kinds: &[Kind], custom: &[CustomWorkload]) -> Value {
    rules(kinds, custom, |_, _| &["CREATE", "UPDATE"])
}

/// `resourceRules` of a policy that has nothing to say about updates. A subresource is only updated.
pub(super) fn create_rules(kinds: &[Kind], custom: &[CustomWorkload]) -> Value {
    rules(kinds, custom, |_, resource| {
        if resource.contains('/') {
            &[]
        } else {
            &["CREATE"]
        }
    })
}

/// `resourceRules` of the policy that reports exempt findings. For kinds that no built-in
/// controller creates, CREATE is left out: a new object of such a kind can never be exempt.
pub(super) fn exempt_rules(kinds: &[Kind], custom: &[CustomWorkload]) -> Value {
    rules(kinds, custom, |kind, _| {
        if custom.is_empty() && may_be_made_by_controller(kind) {
            &["CREATE", "UPDATE"]
        } else {
            &["UPDATE"]
        }
    })
}

/// Rules with the operations of each kind and resource; none for those without an operation.
fn rules(
    kinds: &[Kind],
    custom: &[CustomWorkload],
    operations: impl Fn(&Kind, &str) -> &'static [&'static str],
) -> Value {
    let mut rules: BTreeMap<(String, &str, &[&str]), Vec<String>> = BTreeMap::new();
    for kind in kinds {
        let row = custom.iter().find(|row| row.kind == *kind);
        let targets = row.map_or_else(|| resource_targets(kind), |row| vec![custom_target(row)]);
        for target in targets {
            let operations: &[&str] = if target.is_connection {
                &["CONNECT"]
            } else {
                operations(kind, &target.resource)
            };
            if operations.is_empty() {
                continue;
            }
            rules
                .entry((target.group, target.version, operations))
                .or_default()
                .push(target.resource);
        }
    }
    let rule = |((group, version, operations), resources): (
        (String, &str, &[&str]),
        Vec<String>,
    )| json!({"apiGroups": [group], "apiVersions": [version], "operations": operations, "resources": resources});
    rules.into_iter().map(rule).collect()
}

/// The paths of a kind of other software apply to all its versions.
fn custom_target(row: &CustomWorkload) -> ResourceTarget {
    ResourceTarget {
        group: row.kind.group.clone(),
        version: "*",
        resource: row.resource.clone(),
        is_connection: false,
    }
}

/// How a policy leaves out the namespaces that are exempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NamespaceExemption {
    /// No namespace is exempt, or the objects of all kinds are in none.
    Nothing,
    /// By the name of the request's namespace.
    Condition(Expr),
    /// By the labels of a namespace, which is the object itself.
    Selector(Value),
}

/// The exemption of a packed policy. The API server parses the selectors of all policies for each
/// request, of whatever kind; a condition costs only the requests that a policy matches.
pub(super) fn namespace_exemption(
    namespaces: &[String],
    kinds: &[Kind],
    custom: &[CustomWorkload],
) -> NamespaceExemption {
    let Some(selector) = namespace_selector(namespaces) else {
        return NamespaceExemption::Nothing;
    };
    if kinds.iter().any(is_namespace) {
        return NamespaceExemption::Selector(selector);
    }
    let in_none = |kind: &Kind| {
        let known = Schema::embedded().kind(kind);
        known.is_some_and(|info| !info.namespaced)
    };
    if custom.is_empty() && kinds.iter().all(in_none) {
        return NamespaceExemption::Nothing;
    }
    let namespace = Expr::ident("request")
        .opt_select("namespace")
        .or_value(Expr::string(""));
    let exempt = Expr::strings(namespaces.iter().map(String::as_str));
    NamespaceExemption::Condition(namespace.is_in(exempt))
}

fn is_namespace(kind: &Kind) -> bool {
    kind.group.is_empty() && kind.name == "Namespace"
}

/// The selector of the namespaces that are not exempt; `None` where no namespace is exempt.
pub(super) fn namespace_selector(namespaces: &[String]) -> Option<Value> {
    (!namespaces.is_empty())
        .then(|| json!({"matchExpressions": [{"key": NAMESPACE_NAME, "operator": "NotIn", "values": namespaces}]}))
}

/// `matchResources` of a policy binding; `None` to match everything.
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
    let requirement = |requirement: &LabelRequirement| match requirement.operator {
        LabelOperator::Exists | LabelOperator::DoesNotExist => {
            json!({"key": requirement.key, "operator": requirement.operator.name()})
        }
        _ => {
            json!({"key": requirement.key, "operator": requirement.operator.name(), "values": requirement.values})
        }
    };
    selector.requirements.iter().map(requirement).collect()
}

fn rule(rule: &ResourceRule) -> Value {
    let operations = match rule.operations.as_slice() {
        [] => json!(["*"]),
        operations => operations
            .iter()
            .map(|operation| operation.name())
            .collect(),
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

    #[track_caller]
    fn check(kinds: &[Kind], expected: &str) {
        assert_eq!(policy_rules(kinds, &[]).to_string(), expected);
    }

    #[test]
    fn pod_is_matched_by_its_subresources_too() {
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
    fn creation_is_of_no_subresource() {
        assert_eq!(
            create_rules(&[Kind::new("", "Pod")], &[]).to_string(),
            r#"[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["pods"]}]"#,
        );
    }

    #[test]
    fn kind_that_no_controller_creates_is_exempt_on_update_only() {
        assert_eq!(
            exempt_rules(
                &[
                    Kind::new("apps", "Deployment"),
                    Kind::new("apps", "ReplicaSet")
                ],
                &[]
            )
            .to_string(),
            r#"[{"apiGroups":["apps"],"apiVersions":["v1"],"operations":["CREATE","UPDATE"],"resources":["replicasets"]},{"apiGroups":["apps"],"apiVersions":["v1"],"operations":["UPDATE"],"resources":["deployments"]}]"#,
        );
    }

    #[test]
    fn exempt_namespaces_are_a_condition_unless_the_object_is_one() {
        let exempt = ["kube-system".to_owned()];
        let exemption = |kinds: &[Kind]| namespace_exemption(&exempt, kinds, &[]);
        let printed = |kinds: &[Kind]| match exemption(kinds) {
            NamespaceExemption::Nothing => "nothing".to_owned(),
            NamespaceExemption::Condition(condition) => condition.to_string(),
            NamespaceExemption::Selector(selector) => selector.to_string(),
        };
        let condition = "request.?namespace.orValue('') in ['kube-system']";
        assert_eq!(printed(&[Kind::new("", "Pod")]), condition);
        assert_eq!(printed(&[Kind::new("example.com", "Thing")]), condition);
        assert_eq!(
            printed(&[Kind::new("", "Namespace")]),
            r#"{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["kube-system"]}]}"#
        );
        assert_eq!(printed(&[Kind::new("", "Node")]), "nothing");
        assert_eq!(
            printed(&[Kind::new("", "Node"), Kind::new("", "Pod")]),
            condition
        );
        assert_eq!(
            namespace_exemption(&[], &[Kind::new("", "Pod")], &[]),
            NamespaceExemption::Nothing
        );
    }

    #[test]
    fn namespace_names_are_a_selector() {
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
}
