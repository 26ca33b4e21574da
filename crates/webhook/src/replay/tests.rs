//! Requests, and what other bindings would deny of them.

use super::*;
use crate::tests::snapshot;
use kubevet_k8s::matching::Labels;
use serde_json::json;
use std::time::{Duration, Instant};

fn binding(name: &str, controls: &str, more: &str) -> String {
    format!(
        "apiVersion: kubevet.io/v1alpha1\nkind: ControlBinding\nmetadata: {{name: {name}}}\n\
         spec: {{controls: [{controls}], validationActions: [Deny]{more}}}\n"
    )
}

/// The review of creating a Pod, which is privileged unless its name begins with `good`.
fn pod(name: &str, namespace: &str, user: &str) -> String {
    json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
        "uid": "u", "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "name": name, "namespace": namespace, "operation": "CREATE", "userInfo": {"username": user},
        "object": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
            "hostNetwork": !name.starts_with("good"),
            "containers": [{"name": "a", "image": "b",
                "securityContext": {"privileged": !name.starts_with("good")}}]}}}})
    .to_string()
}

/// The Pod of a ReplicaSet.
fn owned_pod() -> String {
    let user = "system:serviceaccount:kube-system:replicaset-controller";
    let owner = r#"{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web","controller":true}"#;
    pod("web-1", "shop", user).replace(
        r#""metadata":{"#,
        &format!(r#""metadata":{{"ownerReferences":[{owner}],"#),
    )
}

fn recorded(review: &str, response: &str) -> String {
    let review = review.strip_suffix('}').unwrap();
    format!("{review},\"response\":{response}}}")
}

fn replay(next: &str, current: Option<&str>, bodies: &[String]) -> Replay {
    let next = snapshot(next);
    let current = current.map(snapshot);
    let mut replayer = Replayer::new(&next, current.as_ref());
    let context = AnswerContext {
        deadline: Instant::now() + Duration::from_secs(60),
        namespace_labels: &|name| (name == "known").then(|| Arc::new(Labels::new())),
    };
    for (index, body) in bodies.iter().enumerate() {
        let file = format!("{index}.json");
        let body = body.as_bytes();
        replayer.add(ReplayedRequest { file: &file, body }, &context);
    }
    replayer.finish()
}

/// Describes each group as `namespace control user requests objects example`.
fn described(replay: &Replay) -> Vec<String> {
    let describe = |group: &DenialGroup| {
        let RequestCounts { requests, objects } = group.counts;
        format!(
            "{} {} {} {requests} {objects} {} {}",
            group.namespace,
            group.control,
            group.user.as_deref().unwrap_or("-"),
            group.example_kind,
            group.example_name
        )
    };
    replay.denials.iter().map(describe).collect()
}

#[test]
fn denials_are_grouped_and_the_worst_come_first() {
    let bodies = [
        pod("b", "shop", "ann"),
        pod("a", "shop", "ann"),
        pod("a", "shop", "ann"),
        pod("a", "shop", "bob"),
        pod("good", "shop", "ann"),
        pod("c", "app", UNKNOWN_USER),
    ];
    let replay = replay(&binding("b", "C-0057, C-0041", ""), None, &bodies);
    assert_eq!(
        described(&replay),
        [
            "shop C-0057 ann 3 2 Pod a",
            "app C-0057 - 1 1 Pod c",
            "shop C-0057 bob 1 1 Pod a",
            "shop C-0041 ann 3 2 Pod a",
            "app C-0041 - 1 1 Pod c",
            "shop C-0041 bob 1 1 Pod a",
        ]
    );
    assert_eq!((replay.requests, replay.objects), (6, 4));
    let denied = RequestCounts {
        requests: 5,
        objects: 3,
    };
    assert_eq!(replay.newly_denied, denied);
    assert!(replay.is_complete());
}

#[test]
fn request_that_was_denied_before_is_not_newly_denied() {
    let next = binding("next", "C-0057", "");
    let strict = binding("now", "C-0041", "");
    let other = binding("now", "C-0016", "");
    let bad = || pod("a", "shop", "ann");
    for (current, body, denied_before) in [
        (None, bad(), 0),
        (Some(&strict), bad(), 1),
        (Some(&other), bad(), 1),
        (Some(&other), pod("good", "shop", "ann"), 0),
        (None, recorded(&bad(), r#"{"uid":"u","allowed":true}"#), 0),
        (None, recorded(&bad(), r#"{"uid":"u","allowed":false}"#), 1),
        (None, recorded(&bad(), "{}"), 0),
    ] {
        let is_bad = body.contains("\"a\"") && !body.contains("good");
        let replay = replay(&next, current.map(String::as_str), &[body]);
        let newly_denied = usize::from(is_bad) - denied_before;
        assert_eq!(
            (replay.newly_denied.requests, replay.denied_before),
            (newly_denied, denied_before)
        );
    }
}

/// The Pod of a covered owner is skipped. One that would be denied, since the binding does not look
/// at its owner, is not.
#[test]
fn owned_object_is_skipped_if_its_owner_counts() {
    for (more, owned, to_controllers) in [
        ("", 1, 0),
        (", onOwned: Deny", 0, 1),
        (
            ", matchResources: {resourceRules: [{apiGroups: [\"\"], resources: [pods]}]}",
            0,
            1,
        ),
    ] {
        let replay = replay(&binding("b", "C-0057", more), None, &[owned_pod()]);
        assert_eq!(
            (replay.owned, replay.newly_denied_to_controllers),
            (owned, to_controllers),
            "{more}"
        );
    }
}

#[test]
fn what_cannot_be_read_or_evaluated_is_named() {
    let selector = ", matchResources: {namespaceSelector: {matchLabels: {a: b}}}";
    let next = binding("b", "C-0057", selector);
    let bodies = [
        pod("a", "shop", "ann"),
        pod("b", "shop", "ann"),
        pod("a", "known", "ann"),
        "{}".to_owned(),
        "not JSON".to_owned(),
        pod("a", "shop", "ann").replace("CREATE", "PATCH"),
    ];
    let replay = replay(&next, None, &bodies);
    assert!(!replay.is_complete());
    assert_eq!(
        replay.unevaluated,
        [UnevaluatedRequests {
            control: None,
            cause: "the labels of the namespace shop are not known".to_owned(),
            requests: 2,
            example_file: "0.json".to_owned(),
        }]
    );
    let files: Vec<&str> = replay
        .problems
        .iter()
        .map(|problem| problem.file.as_str())
        .collect();
    assert_eq!(files, ["3.json", "4.json", "5.json"]);
    assert_eq!(replay.requests, 3);
}

#[test]
fn replay_of_nothing_is_not_complete() {
    assert!(!replay(&binding("b", "C-0057", ""), None, &[]).is_complete());
}
