//! Connections to running Pods: exec, attach and port-forward, which are no objects.

use crate::active_webhook::{ActiveWebhook, binding};
use kubevet_testkit::{
    control_plane::ControlPlane, namespace::TestNamespace, process::ProcessOutput,
    webhook_registration::validating_webhook_configuration,
};
use serde_json::json;

const POD: &str = "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: main, image: nginx}]}}";

/// The connections as kubectl makes them: control, resource, arguments, and a part of the denial.
const CONNECTIONS: [(&str, &str, &[&str], &str); 3] = [
    (
        "K-0001",
        "pods/exec",
        &["exec", "web", "--", "id", "-u"],
        "container main: id -u",
    ),
    (
        "K-0001",
        "pods/attach",
        &["attach", "web"],
        "container main",
    ),
    (
        "K-0002",
        "pods/portforward",
        &["port-forward", "pod/web", "0:80"],
        "forwarded",
    ),
];

/// A Pod with status Running on no node: kubectl tries to connect, and no kubelet answers.
fn running_pod(shop: &TestNamespace<'_>) {
    shop.kubectl(&["create", "-f", "-"], POD).ok();
    let running = r#"{"status": {"phase": "Running"}}"#;
    shop.kubectl(
        &[
            "patch",
            "pod",
            "web",
            "--subresource",
            "status",
            "--type",
            "merge",
            "-p",
            running,
        ],
        "",
    )
    .ok();
}

fn go_in(shop: &TestNamespace<'_>, args: &[&str]) -> ProcessOutput {
    shop.cluster()
        .kubectl_as_developer(&[&["-n", shop.name()], args].concat(), "")
}

#[test]
fn exec_into_pod_is_denied_by_binding() {
    let Some(cluster) = ControlPlane::shared("exec denied") else {
        return;
    };
    let shop = cluster.namespace("exec");
    running_pod(&shop);
    let spec = "controls: [K-0001, K-0002], validationActions: [Deny]";
    let _guard = ActiveWebhook::start(cluster, &[&shop], &binding("shut", spec), &[]);
    for (control, resource, args, message) in CONNECTIONS {
        let output = go_in(&shop, args);
        assert_eq!(output.code, 1, "{output:?}");
        assert!(
            output
                .stderr
                .contains(&format!("denied the request: {control} ")),
            "{output:?}"
        );
        assert!(
            output
                .stderr
                .contains(&format!("[pod {}/web]", shop.name())),
            "{output:?}"
        );
        assert!(
            output.stderr.contains(message) && output.stderr.contains("[binding shut]"),
            "{output:?}"
        );
        let codes: Vec<_> = cluster
            .audit_entries(shop.name(), resource, |entry| {
                entry.resource() == resource && entry.user() == "developer"
            })
            .iter()
            .map(|entry| {
                (
                    entry.code(),
                    entry.annotations().get(&key(&shop, "decision")).cloned(),
                )
            })
            .collect();
        assert!(
            codes
                .iter()
                .all(|code| *code == (403, Some("denied".to_owned()))),
            "{resource}: {codes:?}"
        );
    }
}

/// The proxy of the API server also connects: to a Pod, to a Service, and to a kubelet, which runs
/// commands.
#[test]
fn api_server_proxy_is_denied_by_binding() {
    let Some(cluster) = ControlPlane::shared("proxy denied") else {
        return;
    };
    let shop = cluster.namespace("proxy");
    running_pod(&shop);
    let service =
        "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 80}]}}";
    shop.kubectl(&["create", "-f", "-"], service).ok();
    let node = format!("node-{}", shop.name());
    shop.kubectl(
        &["create", "-f", "-"],
        &format!("{{apiVersion: v1, kind: Node, metadata: {{name: {node}}}}}"),
    )
    .ok();
    let spec = "validationActions: [Deny], controls: [K-0001, K-0002]";
    let _guard = ActiveWebhook::start_with(cluster, &binding("shut", spec), &[], |process| {
        let mut configuration = validating_webhook_configuration(
            shop.name(),
            &process.url(),
            &process.ca(),
            "Fail",
            &[&shop],
        );
        // Nodes are cluster-scoped.
        let nodes = json!({"apiGroups": [""], "apiVersions": ["*"], "resources": ["nodes/proxy"], "operations": ["CONNECT"]});
        configuration["webhooks"][0]["rules"]
            .as_array_mut()
            .expect("rules")
            .push(nodes);
        configuration
    });
    let within = |path_end: &str| format!("/api/v1/namespaces/{}/{path_end}", shop.name());
    let of_node = |path: &str| format!("/api/v1/nodes/{node}/proxy{path}");
    let pod = format!("[pod {}/web]", shop.name());
    let service = format!("[service {}/web]", shop.name());
    let kubelet = format!("[node {node}]");
    for (control, path, expected_path) in [
        ("K-0002", within("pods/web/proxy/admin"), &pod),
        ("K-0002", within("services/web/proxy/admin"), &service),
        (
            "K-0001",
            of_node("/exec/shop/web/main?command=id"),
            &kubelet,
        ),
        ("K-0001", of_node("/run/shop/web/main"), &kubelet),
        ("K-0001", of_node(""), &kubelet),
    ] {
        let output = shop.kubectl(&["get", "--raw", &path], "");
        assert_eq!(output.code, 1, "{path}: {output:?}");
        assert!(
            output
                .stderr
                .contains(&format!("denied the request: {control} ")),
            "{path}: {output:?}"
        );
        assert!(
            output.stderr.contains(expected_path.as_str()),
            "{path}: {output:?}"
        );
    }
    let output = shop.kubectl(&["get", "--raw", &of_node("/metrics")], "");
    assert!(!output.stderr.contains("denied the request"), "{output:?}");
}

/// Without a binding for these controls, the connection is allowed and logged.
#[test]
fn exec_into_pod_is_allowed_and_logged_without_deny() {
    let Some(cluster) = ControlPlane::shared("exec allowed") else {
        return;
    };
    let shop = cluster.namespace("exec");
    running_pod(&shop);
    // Sampling is off for allowed reviews: only required lines are logged.
    let all = binding("all", "controls: ['*'], validationActions: [Deny]");
    let webhook = ActiveWebhook::start(cluster, &[&shop], &all, &["--decision-sample", "0"]);
    for (_, resource, args, _) in CONNECTIONS {
        let output = go_in(&shop, args);
        assert_eq!(output.code, 1, "no node runs the Pod: {output:?}");
        assert!(
            output.stderr.contains("does not have a host assigned"),
            "{output:?}"
        );
        let logged = webhook.decision(resource, |decision| {
            decision["operation"] == "CONNECT" && decision["resource"] == resource
        });
        assert_eq!(logged["decision"], "allowed", "{logged}");
        assert_eq!(
            (&logged["name"], &logged["user"]),
            (&"web".into(), &"developer".into()),
            "{logged}"
        );
    }
}

fn key(shop: &TestNamespace<'_>, key: &str) -> String {
    format!("{}.kubevet.test/{key}", shop.name())
}
