//! Bindings with a namespace selector, from the first moment of a namespace.

use crate::active_webhook::{ActiveWebhook, binding};
use kubevet_testkit::{
    control_plane::ControlPlane,
    polling::wait_for,
    webhook_process::{WebhookProcess, free_port},
    webhook_registration::validating_webhook_configuration,
};
use serde_json::{Value, json};
use std::fs;

/// The number of new namespaces. One would prove little, since a watch is late only sometimes.
const TIMES: usize = 50;

/// A namespace and a Pod in it, in one kubectl call. The service account is included because its
/// controller would be too slow.
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

/// The Pod is denied because of the labels of its namespace.
#[track_caller]
fn create_and_assert_denied(cluster: &ControlPlane, name: &str, run: &str) {
    let output = cluster.kubectl(&["create", "-f", "-"], &at_once(name, run, "front"));
    let created = format!("namespace/{name} created\nserviceaccount/own created\n");
    assert_eq!(
        (output.stdout, output.code),
        (created, 1),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains(" denied the request: C-0057 "),
        "{name}: {}",
        output.stderr
    );
    assert!(
        output.stderr.contains("[binding front]"),
        "{name}: {}",
        output.stderr
    );
}

fn of_this_run(run: &str, process: &WebhookProcess) -> Value {
    let mut configuration =
        validating_webhook_configuration(run, &process.url(), &process.ca(), "Fail", &[]);
    configuration["webhooks"][0]["namespaceSelector"] = json!({"matchLabels": {"run": run}});
    configuration
}

fn front() -> String {
    let spec = "controls: [C-0057], validationActions: [Deny], \
                matchResources: {namespaceSelector: {matchLabels: {tier: front}}}";
    binding("front", spec)
}

#[test]
fn pod_created_right_after_its_namespace_is_matched_by_label() {
    let Some(cluster) = ControlPlane::shared("namespaces") else {
        return;
    };
    let run = format!("run-{}", std::process::id());
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let webhook = ActiveWebhook::start_with(
        cluster,
        &front(),
        &["--kubeconfig", &kubeconfig],
        |process| of_this_run(&run, process),
    );
    for time in 0..TIMES {
        create_and_assert_denied(cluster, &format!("{run}-{time}"), &run);
    }
    // The labels decide, not that they were unknown.
    let name = format!("{run}-back");
    let output = cluster.kubectl(&["create", "-f", "-"], &at_once(&name, &run, "back"));
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    webhook.decision("of the other tier", |decision| {
        decision["namespace"] == name
            && decision["kind"] == "Pod"
            && decision["decision"] == "allowed"
    });
    cluster
        .kubectl(
            &[
                "delete",
                "namespaces",
                "-l",
                &format!("run={run}"),
                "--wait=false",
            ],
            "",
        )
        .ok();
}

/// The watch of namespaces never starts, so each namespace is fetched from the API server.
#[test]
fn namespace_unknown_to_the_watch_is_fetched() {
    let Some(cluster) = ControlPlane::shared("unheard namespaces") else {
        return;
    };
    let run = format!("unheard-{}", std::process::id());
    let dir = tempfile::tempdir().expect("a folder can be made");
    // The proxy blocks lists and watches of namespaces.
    let proxy =
        cluster.start_kubectl(&["proxy", "--port=0", "--reject-paths=^/api/v1/namespaces$"]);
    let address = wait_for("kubectl proxy", || {
        let proxy_address = proxy.stdout();
        proxy_address
            .trim()
            .strip_prefix("Starting to serve on ")
            .map(str::to_owned)
            .ok_or(proxy_address)
    });
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
        "clusters": [{"name": "proxy", "cluster": {"server": format!("http://{address}")}}],
        "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "nobody"}}],
        "users": [{"name": "nobody", "user": {}}],
    });
    let path = |name: &str| dir.path().join(name);
    fs::write(path("kubeconfig"), kubeconfig.to_string()).expect("a file can be written");
    fs::create_dir(path("bindings")).expect("a folder can be made");
    fs::write(path("bindings/front.yaml"), front()).expect("a file can be written");
    let (kubeconfig, bindings) = (
        path("kubeconfig").display().to_string(),
        path("bindings").display().to_string(),
    );
    let process = WebhookProcess::spawn_on(
        free_port(),
        &path("tls"),
        &["--kubeconfig", &kubeconfig, "--bindings", &bindings],
    );
    // The process is not ready and reports why, but answers reviews.
    wait_for("the gate to serve", || match process.readiness() {
        Some((503, why)) if why.starts_with("namespaces: ") && why.lines().count() == 1 => Ok(()),
        other => Err(format!("{other:?}: {}", process.stderr())),
    });
    let _registered = cluster.register(of_this_run(&run, &process));
    for time in 0..5 {
        create_and_assert_denied(cluster, &format!("{run}-{time}"), &run);
    }
    cluster
        .kubectl(
            &[
                "delete",
                "namespaces",
                "-l",
                &format!("run={run}"),
                "--wait=false",
            ],
            "",
        )
        .ok();
}
