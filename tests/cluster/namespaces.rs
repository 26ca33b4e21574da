//! Bindings that hang on the labels of a namespace, from the first moment of that namespace.

use crate::{
    controlplane::ControlPlane,
    guard::{Guard, binding},
    webhook::configuration,
};
use serde_json::json;

/// How often a namespace is made. Once would prove nothing: whether a watch is late is a matter of luck.
const TIMES: usize = 50;

/// A namespace and a Pod in it, by one kubectl, one right after the other. The service account is there because its
/// controller would not be fast enough.
fn at_once(name: &str, run: &str, tier: &str) -> String {
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"run": run, "tier": tier}},
    });
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "own", "namespace": name}});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": name},
        "spec": {
            "serviceAccountName": "own",
            "containers": [{"name": "web", "image": "nginx:1.29", "securityContext": {"privileged": true}}],
        },
    });
    format!("{namespace}\n---\n{account}\n---\n{pod}\n")
}

#[test]
fn a_namespace_and_a_pod_of_the_same_second() {
    let Some(cluster) = ControlPlane::shared("namespaces") else { return };
    let run = format!("run-{}", std::process::id());
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let spec = "controls: [C-0057], validationActions: [Deny], \
                matchResources: {namespaceSelector: {matchLabels: {tier: front}}}";
    let guard = Guard::with(cluster, &binding("front", spec), &["--kubeconfig", &kubeconfig], |gate| {
        let mut configuration = configuration(&run, &gate.url(), &gate.ca(), "Fail", &[]);
        configuration["webhooks"][0]["namespaceSelector"] = json!({"matchLabels": {"run": run}});
        configuration
    });
    for time in 0..TIMES {
        let name = format!("{run}-{time}");
        let output = cluster.kubectl(&["create", "-f", "-"], &at_once(&name, &run, "front"));
        let made = format!("namespace/{name} created\nserviceaccount/own created\n");
        assert_eq!((output.stdout, output.code), (made, 1), "{}", output.stderr);
        assert!(output.stderr.contains(" denied the request: C-0057 "), "{time}: {}", output.stderr);
        assert!(output.stderr.contains("[binding front]"), "{time}: {}", output.stderr);
    }
    // What the labels say is what counts, not that nobody knew them.
    let name = format!("{run}-back");
    let output = cluster.kubectl(&["create", "-f", "-"], &at_once(&name, &run, "back"));
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    guard.decision("of the other tier", |it| {
        it["namespace"] == name && it["kind"] == "Pod" && it["decision"] == "allowed"
    });
    cluster.kubectl(&["delete", "namespaces", "-l", &format!("run={run}"), "--wait=false"], "").ok();
}
