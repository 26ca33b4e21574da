//! Requests that a binding excludes: by the user, and by the workload that a built-in controller
//! acts for. Nothing else excludes.

use super::*;
use kubevet_k8s::matching::{RequestSubject, ResourceRule, RuleScope};

const SYSTEM: &str = "system:serviceaccount:kube-system:";

/// A binding that denies privileged containers, and excludes these resources by name.
fn excluding(exclusions: &[(&str, &[&str])]) -> Binding {
    let rule = |(resource, names): &(&str, &[&str])| ResourceRule {
        api_groups: vec!["*".to_owned()],
        api_versions: vec!["*".to_owned()],
        resources: vec![(*resource).to_owned()],
        operations: Vec::new(),
        scope: RuleScope::All,
        resource_names: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    Binding {
        match_resources: MatchResources {
            exclude_resource_rules: exclusions.iter().map(rule).collect(),
            ..MatchResources::default()
        },
        ..denying(&["C-0057"])
    }
}

/// A privileged Pod with a controller reference and a label for its hash.
fn owned(api_version: &str, kind: &str, name: &str, hash: &str) -> Document {
    privileged_pod(&format!(
        "labels: {{pod-template-hash: \"{hash}\"}}, ownerReferences: [{{apiVersion: {api_version}, \
         kind: {kind}, name: {name}, controller: true}}]"
    ))
}

/// The reasons of exclusions, and the outcomes, in short.
fn decided(binding: Binding, scenario: &Scenario<'_>) -> Vec<String> {
    let decision = scenario.decide(&enforcement([binding]));
    let excluded = decision.excluded.iter();
    let reasons = excluded.map(|exclusion| exclusion.reason.to_string());
    let outcomes = decision.outcomes.iter();
    let outcomes = outcomes.map(|outcome| {
        let action = outcome.action.map_or("none", Action::name);
        format!("{action} {:?}", outcome.reason)
    });
    assert!(decision.excluded.is_empty() || decision.evaluated.is_empty());
    reasons.chain(outcomes).collect()
}

#[track_caller]
fn check_owned(binding: &Binding, account: &str, object: Document, expected: &str) {
    let user = format!("{SYSTEM}{account}");
    let scenario = Scenario {
        user: &user,
        ..create(object)
    };
    assert_eq!(decided(binding.clone(), &scenario), [expected]);
}

const FOR_WEB: &str = "the object was created for the Deployment web, which it excludes";

#[test]
fn excluded_workload_is_excluded_with_its_pods() {
    let binding = excluding(&[
        ("deployments", &["web"]),
        ("cronjobs", &["backup"]),
        ("daemonsets", &["agent"]),
        ("statefulsets", &[]),
    ]);
    let check = |account: &str, (version, kind, name): (&str, &str, &str), expected: &str| {
        check_owned(
            &binding,
            account,
            owned(version, kind, name, "abc"),
            expected,
        );
    };
    let of_set = |name| ("apps/v1", "ReplicaSet", name);
    check("replicaset-controller", of_set("web-abc"), FOR_WEB);
    check(
        "deployment-controller",
        ("apps/v1", "Deployment", "web"),
        FOR_WEB,
    );
    for (account, owner, found) in [
        (
            "daemon-set-controller",
            ("apps/v1", "DaemonSet", "agent"),
            "DaemonSet agent",
        ),
        (
            "statefulset-controller",
            ("apps/v1", "StatefulSet", "any"),
            "StatefulSet any",
        ),
        (
            "job-controller",
            ("batch/v1", "Job", "backup-29371234"),
            "CronJob backup",
        ),
        (
            "cronjob-controller",
            ("batch/v1", "CronJob", "backup"),
            "CronJob backup",
        ),
    ] {
        let expected = format!("the object was created for the {found}, which it excludes");
        check(account, owner, &expected);
    }
    // Those of others are owned objects as before.
    check("replicaset-controller", of_set("other-abc"), "Warn Owned");
    check("replicaset-controller", of_set("web-abd"), "Warn Owned");
    check("replicaset-controller", of_set("web"), "Warn Owned");
    check(
        "job-controller",
        ("batch/v1", "Job", "backup-now"),
        "Warn Owned",
    );
    // A controller of another kind, and an owner of another group or version, prove nothing.
    check("job-controller", of_set("web-abc"), "Deny New");
    check("default", of_set("web-abc"), "Deny New");
    check(
        "replicaset-controller",
        ("example.com/v1", "ReplicaSet", "web-abc"),
        "Deny New",
    );
    check(
        "replicaset-controller",
        ("apps/v2", "ReplicaSet", "web-abc"),
        "Warn Owned",
    );
}

#[test]
fn user_gains_nothing_by_a_generated_name_or_a_reference() {
    let binding = excluding(&[("deployments", &["web"])]);
    for user in [
        "ann",
        "system:serviceaccount:shop:replicaset-controller",
        "system:serviceaccount:kube-system:replicaset-controller2",
    ] {
        let scenario = Scenario {
            user,
            ..create(owned("apps/v1", "ReplicaSet", "web-abc", "abc"))
        };
        assert_eq!(decided(binding.clone(), &scenario), ["Deny New"], "{user}");
    }
    // The hash must be the label's.
    let without_label = owned("apps/v1", "ReplicaSet", "web-abc", "");
    let account = "replicaset-controller";
    check_owned(&binding, account, without_label, "Warn Owned");
}

/// A user can give a ReplicaSet any name. Only a binding that evaluates all of them may conclude
/// from the name.
#[test]
fn name_of_the_owner_proves_nothing_if_owners_are_not_evaluated() {
    let binding = excluding(&[("deployments", &["web"])]);
    let pods = ResourceRule {
        api_groups: vec!["*".to_owned()],
        api_versions: vec!["*".to_owned()],
        resources: vec!["pods".to_owned(), "deployments".to_owned()],
        operations: Vec::new(),
        scope: RuleScope::All,
        resource_names: Vec::new(),
    };
    let mut pods_alone = binding;
    pods_alone.match_resources.resource_rules = vec![pods];
    let object = owned("apps/v1", "ReplicaSet", "web-abc", "abc");
    check_owned(&pods_alone, "replicaset-controller", object, "Deny New");
}

#[test]
fn update_by_the_controller_is_excluded_and_one_by_a_user_is_not() {
    let binding = Binding {
        on_update: OnUpdate::All,
        ..excluding(&[("deployments", &["web"])])
    };
    let object = || owned("apps/v1", "ReplicaSet", "web-abc", "abc");
    let updated_by = |user: &str| {
        let scenario = Scenario {
            user,
            ..update(object(), object())
        };
        decided(binding.clone(), &scenario)
    };
    assert_eq!(
        updated_by(&format!("{SYSTEM}replicaset-controller")),
        [FOR_WEB]
    );
    assert_eq!(updated_by("ann"), ["Deny New"]);
}

#[test]
fn excluded_subject_is_not_held_to_the_binding() {
    let binding = Binding {
        exclude_subjects: vec![
            RequestSubject::User("ann".to_owned()),
            RequestSubject::ServiceAccount {
                namespace: "cd".to_owned(),
                name: "robot".to_owned(),
            },
        ],
        ..denying(&["C-0057"])
    };
    let by = |user: &'static str| {
        let scenario = Scenario {
            user,
            ..create(pod(&privileged("web")))
        };
        decided(binding.clone(), &scenario)
    };
    assert_eq!(by("ann"), ["it excludes the user ann"]);
    assert_eq!(
        by("system:serviceaccount:cd:robot"),
        ["it excludes the service account cd/robot"]
    );
    assert_eq!(by("system:serviceaccount:cd:other"), ["Deny New"]);
    // Another binding still applies to the user.
    let scenario = Scenario {
        user: "ann",
        ..create(pod(&privileged("web")))
    };
    let decision = scenario.decide(&enforcement([binding, denying(&["C-0057"])]));
    assert!(!decision.allowed);
    let excluded = decision.annotations.get("excluded");
    assert_eq!(
        excluded.map(String::as_str),
        Some("test: it excludes the user ann")
    );
}

/// The controllers are subjects of their own: what they create for an excluded user is owned.
#[test]
fn pods_of_an_excluded_subject_are_owned() {
    let binding = Binding {
        exclude_subjects: vec![RequestSubject::User("ann".to_owned())],
        ..denying(&["C-0057"])
    };
    let object = || owned("apps/v1", "ReplicaSet", "web-abc", "abc");
    check_owned(&binding, "replicaset-controller", object(), "Warn Owned");
    let strict = Binding {
        on_owned: OnOwned::Deny,
        ..binding
    };
    check_owned(&strict, "replicaset-controller", object(), "Deny New");
}

#[test]
fn exclusion_is_stated_only_where_a_control_checks_the_kind() {
    let binding = Binding {
        exclude_subjects: vec![RequestSubject::User("ann".to_owned())],
        ..denying(&["C-0057"])
    };
    let scenario = create(object(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: web, namespace: shop}",
    ));
    let decision = scenario.decide(&enforcement([binding]));
    assert_eq!(
        (decision.excluded.len(), decision.annotations.len()),
        (0, 0)
    );
}

#[test]
fn unreadable_request_of_an_excluded_subject_is_not_denied() {
    let binding = Binding {
        exclude_subjects: vec![RequestSubject::User("ann".to_owned())],
        ..denying(&["C-0057"])
    };
    let enforcement = enforcement([binding]);
    let allows = |name: &str| {
        let user = UserInfo {
            name: name.to_owned(),
            groups: Vec::new(),
        };
        decide_unreadable(&enforcement, None, &user, &ReadFailure::Overloaded).allowed
    };
    assert!(allows("ann") && !allows("bob") && !allows(""));
}
