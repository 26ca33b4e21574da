//! Pods that a built-in controller creates for an owner.

use super::*;
use kubevet_k8s::matching::{
    LabelOperator, LabelRequirement, LabelSelector, ResourceRule, RuleScope,
};

const CONTROLLER: &str = "system:serviceaccount:kube-system:replicaset-controller";

/// A privileged Pod with one owner reference.
fn owned_pod(api_version: &str, kind: &str, controller: bool) -> Document {
    privileged_pod(&format!(
        "ownerReferences: [{{apiVersion: {api_version}, kind: {kind}, name: web, \
         controller: {controller}}}]"
    ))
}

fn created_by(user: &str) -> Scenario<'_> {
    Scenario {
        user,
        ..create(owned_pod("apps/v1", "ReplicaSet", true))
    }
}

#[test]
fn pod_of_a_built_in_controller_is_owned() {
    check_privileged(denying(&["C-0057"]), &created_by(CONTROLLER), "Warn Owned");
    let strict = Binding {
        on_owned: OnOwned::Deny,
        ..denying(&["C-0057"])
    };
    check_privileged(strict, &created_by(CONTROLLER), "Deny New");
}

/// A reference alone exempts no user; nor does a controller's name in another namespace, or the
/// owner of another controller.
#[test]
fn pod_is_new_if_user_or_owner_is_not_the_controllers() {
    for user in [
        "ann",
        "system:serviceaccount:shop:replicaset-controller",
        "system:serviceaccount:kube-system:default",
        "system:serviceaccount:kube-system:job-controller",
    ] {
        check_privileged(denying(&["C-0057"]), &created_by(user), "Deny New");
    }
    for document in [
        owned_pod("apps/v1", "ReplicaSet", false),
        owned_pod("example.com/v1", "ReplicaSet", true),
        owned_pod("apps/v1", "Deployment", true),
        pod(&privileged("web")),
    ] {
        let scenario = Scenario {
            user: CONTROLLER,
            ..create(document)
        };
        check_privileged(denying(&["C-0057"]), &scenario, "Deny New");
    }
}

#[test]
fn pod_is_owned_only_if_the_binding_covers_the_owner() {
    let rule = |resource: &str, group: &str| ResourceRule {
        api_groups: vec![group.to_owned()],
        api_versions: vec!["*".to_owned()],
        resources: vec![resource.to_owned()],
        operations: Vec::new(),
        scope: RuleScope::All,
        resource_names: Vec::new(),
    };
    let with_rules = |resource_rules| Binding {
        match_resources: MatchResources {
            resource_rules,
            ..MatchResources::default()
        },
        ..denying(&["C-0057"])
    };
    let scenario = created_by(CONTROLLER);
    let pods_alone = with_rules(vec![rule("pods", "")]);
    check_privileged(pods_alone, &scenario, "Deny New");
    let both = with_rules(vec![rule("pods", ""), rule("replicasets", "apps")]);
    check_privileged(both, &scenario, "Warn Owned");
    // The labels of the Pod need not be those of its owner.
    let requirement = LabelRequirement {
        key: "tier".to_owned(),
        operator: LabelOperator::DoesNotExist,
        values: Vec::new(),
    };
    let by_labels = Binding {
        match_resources: MatchResources {
            object_selector: LabelSelector {
                requirements: vec![requirement],
            },
            ..MatchResources::default()
        },
        ..denying(&["C-0057"])
    };
    check_privileged(by_labels, &scenario, "Deny New");
}
