//! An UPDATE is denied for new findings and admitted with existing ones: workloads from before the
//! webhook can keep running, and no others like them can be created.

use crate::active_webhook::{ActiveWebhook, binding};
use kubevet_testkit::{
    control_plane::ControlPlane, namespace::TestNamespace, polling::wait_for,
    process::ProcessOutput,
};
use serde_json::{Value, json};

fn deny(more: &str) -> String {
    binding(
        "strict",
        &format!("controls: [C-0057, C-0046], validationActions: [Deny]{more}"),
    )
}

fn container(name: &str, context: Value) -> Value {
    json!({"name": name, "image": "nginx:1.29", "securityContext": context})
}

fn privileged(name: &str) -> Value {
    container(name, json!({"privileged": true}))
}

fn pod(name: &str, containers: &[Value]) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "other"}},
        "spec": {"containers": containers},
    })
}

fn deployment(name: &str, containers: &[Value]) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            // No Pod becomes ready here, so the rollout must not wait for one.
            "strategy": {"rollingUpdate": {"maxUnavailable": "100%"}},
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}},
        },
    })
}

fn create(shop: &TestNamespace<'_>, object: &Value) -> ProcessOutput {
    shop.kubectl_as_developer(&["create", "-f", "-"], &object.to_string())
}

fn apply(shop: &TestNamespace<'_>, object: &Value) -> ProcessOutput {
    shop.kubectl_as_developer(&["apply", "--server-side", "-f", "-"], &object.to_string())
}

#[track_caller]
fn denied(output: &ProcessOutput, message: &str) {
    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        output.stderr.contains(" denied the request: ") && output.stderr.contains(message),
        "{output:?}"
    );
}

/// The output of the API server without its warnings.
fn denial(output: &ProcessOutput) -> &str {
    output
        .stderr
        .split_once(" denied the request: ")
        .map_or("", |(_, denial)| denial)
}

/// The request succeeded, with a warning about existing findings.
#[track_caller]
fn warned(output: &ProcessOutput, message: &str) {
    assert_eq!(output.code, 0, "{output:?}");
    assert!(
        output.stderr.contains("Warning: ") && output.stderr.contains(message),
        "{output:?}"
    );
}

/// Waits until the Deployment has that many Pods of its newest template.
fn pods_exist(shop: &TestNamespace<'_>, name: &str, count: u64) {
    let path =
        "jsonpath={.metadata.generation} {.status.observedGeneration} {.status.updatedReplicas}";
    wait_for("the Deployment's new Pods", || {
        let output = shop
            .kubectl(&["get", "deployment", name, "-o", path], "")
            .ok();
        let mut fields = output.split(' ');
        let (generation, observed, updated) = (fields.next(), fields.next(), fields.next());
        if generation == observed && updated == Some(&count.to_string()) {
            Ok(())
        } else {
            Err(output)
        }
    });
}

#[test]
fn existing_violation_keeps_running_and_recreates_its_pods() {
    let Some(cluster) = ControlPlane::shared("old violator") else {
        return;
    };
    let shop = cluster.namespace("old");
    create(&shop, &deployment("old", &[privileged("web")])).ok();
    pods_exist(&shop, "old", 1);
    let _guard = ActiveWebhook::start(cluster, &[&shop], &deny(""), &[]);
    let kubectl = |args: &[&str]| shop.kubectl_as_developer(args, "");

    warned(
        &kubectl(&["label", "deployment", "old", "team=shop"]),
        "(already there)",
    );
    warned(
        &kubectl(&["annotate", "deployment", "old", "why=because"]),
        "(already there)",
    );
    kubectl(&["scale", "deployment", "old", "--replicas=3"]).ok();
    pods_exist(&shop, "old", 3);
    warned(
        &kubectl(&["rollout", "restart", "deployment", "old"]),
        "(already there)",
    );
    // The ReplicaSet and Pods of the new template were created by controllers.
    pods_exist(&shop, "old", 3);
    warned(
        &kubectl(&["set", "image", "deployment/old", "web=nginx:1.30"]),
        "(already there)",
    );
    pods_exist(&shop, "old", 3);
    warned(
        &kubectl(&["label", "pod", "-l", "app=old", "seen=yes"]),
        "(already there)",
    );

    let created = cluster.audit_entries(shop.name(), "controllers' creations", |entry| {
        entry.verb() == "create"
            && entry
                .user()
                .starts_with("system:serviceaccount:kube-system:")
            && entry.code() != 404
    });
    let refused: Vec<_> = created.iter().filter(|entry| entry.code() == 403).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let owned = created.iter().filter(|entry| {
        entry.resource() == "pods"
            && entry
                .annotations()
                .iter()
                .any(|(key, value)| key.ends_with("/decision") && value == "warned")
    });
    assert!(
        owned.count() >= 5,
        "2 by scaling and 3 or more by each rollout, warned of: {created:#?}"
    );

    // Another one is denied, whoever is named as its owner.
    denied(
        &create(&shop, &deployment("new", &[privileged("web")])),
        "C-0057",
    );
    let uid = shop
        .kubectl(
            &[
                "get",
                "replicasets",
                "-o",
                "jsonpath={.items[0].metadata.uid}",
            ],
            "",
        )
        .ok();
    let name = shop
        .kubectl(
            &[
                "get",
                "replicasets",
                "-o",
                "jsonpath={.items[0].metadata.name}",
            ],
            "",
        )
        .ok();
    let mut forged = pod("forged", &[privileged("web")]);
    denied(&create(&shop, &forged), "C-0057");
    forged["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": uid, "controller": true,
    }]);
    denied(&create(&shop, &forged), "C-0057");

    kubectl(&[
        "delete",
        "deployment",
        "old",
        "--cascade=foreground",
        "--wait=false",
    ])
    .ok();
    wait_for("the end of the Deployment and its Pods", || {
        let left = shop
            .kubectl(&["get", "deployments,replicasets,pods", "-o", "name"], "")
            .ok();
        // The Pods never ran on a node, so no kubelet has to stop them.
        if left.is_empty() { Ok(()) } else { Err(left) }
    });
}

/// An object can be deleted even where an UPDATE is denied for existing findings.
#[test]
fn violating_object_can_be_deleted_with_finalizers() {
    let Some(cluster) = ControlPlane::shared("finalizers") else {
        return;
    };
    let shop = cluster.namespace("going");
    let mut held = pod("held", &[privileged("web")]);
    held["metadata"]["finalizers"] = json!(["kubevet.test/hold"]);
    create(&shop, &held).ok();
    let _guard = ActiveWebhook::start(cluster, &[&shop], &deny(", onUpdate: All"), &[]);
    let kubectl = |args: &[&str]| shop.kubectl_as_developer(args, "");
    denied(&kubectl(&["label", "pod", "held", "team=shop"]), "C-0057");
    let status = r#"{"status": {"message": "hello"}}"#;
    shop.kubectl(
        &[
            "patch",
            "pod",
            "held",
            "--subresource",
            "status",
            "--type",
            "merge",
            "-p",
            status,
        ],
        "",
    )
    .ok();
    kubectl(&["delete", "pod", "held", "--wait=false"]).ok();
    let output = kubectl(&[
        "get",
        "pod",
        "held",
        "-o",
        "jsonpath={.metadata.finalizers} {.metadata.deletionTimestamp}",
    ])
    .ok();
    assert!(output.starts_with("[\"kubevet.test/hold\"] 2"), "{output}");
    let remove = r#"{"metadata": {"finalizers": null}}"#;
    warned(
        &kubectl(&["patch", "pod", "held", "--type", "merge", "-p", remove]),
        "(being deleted)",
    );
    wait_for("the end of the Pod", || {
        let left = kubectl(&["get", "pods", "-o", "name"]).ok();
        if left.is_empty() { Ok(()) } else { Err(left) }
    });
}

#[test]
fn container_inserted_before_or_replacing_an_old_one_is_new() {
    let Some(cluster) = ControlPlane::shared("new findings") else {
        return;
    };
    let shop = cluster.namespace("new");
    let adds = |capability: &str| container("net", json!({"capabilities": {"add": [capability]}}));
    let old = |first: &[Value]| {
        deployment(
            "old",
            &[first, &[privileged("web"), adds("SYS_ADMIN")]].concat(),
        )
    };
    apply(&shop, &old(&[])).ok();
    let _guard = ActiveWebhook::start(cluster, &[&shop], &deny(""), &[]);

    // A container inserted in front moves the indices of the others, which does not make their
    // findings new.
    warned(
        &apply(&shop, &old(&[container("front", json!({}))])),
        "(already there)",
    );
    let second = apply(&shop, &old(&[privileged("front")]));
    denied(
        &second,
        "container front is privileged [securityContext.privileged]",
    );
    assert!(
        !denial(&second).contains("container web"),
        "what was there is no part of it: {second:?}"
    );

    let swapped = apply(
        &shop,
        &deployment("old", &[privileged("web"), adds("SYS_MODULE")]),
    );
    denied(&swapped, "adds the capability SYS_MODULE");
    assert!(!denial(&swapped).contains("C-0057"), "{swapped:?}");
    // Another container with the name of an old one inherits its findings.
    warned(
        &apply(&shop, &deployment("old", &[privileged("web")])),
        "(already there)",
    );
    denied(
        &apply(&shop, &deployment("old", &[privileged("web2")])),
        "container web2 is privileged",
    );
}

/// Pods are also changed through their subresources.
#[test]
fn pod_subresources_are_evaluated() {
    let Some(cluster) = ControlPlane::shared("subresources") else {
        return;
    };
    let shop = cluster.namespace("sub");
    let limited = json!({"limits": {"memory": "64Mi", "cpu": "1"}, "requests": {"memory": "64Mi", "cpu": "1"}});
    let mut good = container("web", json!({}));
    good["resources"] = limited.clone();
    create(&shop, &pod("good", &[good])).ok();
    let mut bad = privileged("web");
    bad["resources"] = limited;
    create(&shop, &pod("bad", &[bad])).ok();
    let bindings = [
        deny(""),
        "---\n".to_owned(),
        binding(
            "small",
            "controls: [C-0004], validationActions: [Deny], params: {memory_limit_max: [1Gi]}",
        ),
    ]
    .concat();
    let _guard = ActiveWebhook::start(cluster, &[&shop], &bindings, &[]);
    let kubectl = |args: &[&str]| shop.kubectl_as_developer(args, "");

    let debug = |pod: &str, profile: &str| {
        kubectl(&[
            "debug",
            pod,
            "--image=busybox:1.37",
            "--attach=false",
            "-c",
            &format!("debug-{profile}"),
            "--profile",
            profile,
        ])
    };
    denied(
        &debug("good", "sysadmin"),
        "container debug-sysadmin is privileged [securityContext.privileged]: set it to false",
    );
    let calm = debug("good", "baseline");
    calm.ok();
    let names = "jsonpath={.spec.ephemeralContainers[*].name}";
    assert_eq!(
        kubectl(&["get", "pod", "good", "-o", names]).ok(),
        "debug-baseline"
    );

    let resize = |pod: &str, memory: &str| {
        let patch = json!({"spec": {"containers": [{"name": "web", "resources": {"limits": {"memory": memory},
            "requests": {"memory": memory}}}]}});
        kubectl(&[
            "patch",
            "pod",
            pod,
            "--subresource",
            "resize",
            "-p",
            &patch.to_string(),
        ])
    };
    denied(&resize("good", "2Gi"), "C-0004");
    resize("good", "128Mi").ok();
    warned(&resize("bad", "128Mi"), "(already there)");
    let status = r#"{"status": {"message": "hello"}}"#;
    shop.kubectl(
        &[
            "patch",
            "pod",
            "bad",
            "--subresource",
            "status",
            "--type",
            "merge",
            "-p",
            status,
        ],
        "",
    )
    .ok();
}
