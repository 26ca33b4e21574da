//! ControlBindings in the cluster: accepted, rejected and deleted while the webhook runs, with
//! their status.

use crate::active_webhook::binding;
use kubevet_testkit::{
    build_output::kubevet_binary,
    control_plane::ControlPlane,
    polling::wait_for,
    process::{self, ProcessOutput},
    webhook_process::WebhookProcess,
    webhook_registration::validating_webhook_configuration,
};
use serde_json::{Value, json};
use std::{fs, process::Command};

/// Installs the CRD of ControlBinding.
fn install_crd(cluster: &ControlPlane) {
    cluster.kubectl(&["apply", "-f", "-"], &crd()).ok();
    cluster
        .kubectl(
            &[
                "wait",
                "--for=condition=Established",
                "crd/controlbindings.kubevet.io",
                "--timeout=60s",
            ],
            "",
        )
        .ok();
}

/// The CRD of ControlBinding as `kubevet manifests` prints it.
fn crd() -> String {
    let all = process::run(Command::new(kubevet_binary()).arg("manifests"), "").ok();
    let crd = all
        .split("\n---\n")
        .find(|part| part.contains("kind: CustomResourceDefinition"));
    crd.expect("the manifests have a CRD").to_owned()
}

/// Waits for the condition `Accepted` of the newest generation and returns its message.
fn accepted(cluster: &ControlPlane, name: &str, expected: &str) -> String {
    wait_for(&format!("{name} to be Accepted {expected}"), || {
        let output = cluster
            .kubectl(&["get", "controlbinding", name, "-o", "json"], "")
            .ok();
        let object: Value = serde_json::from_str(&output).expect("kubectl prints JSON");
        let conditions = object["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let condition = conditions.iter().find(|condition| {
            condition["type"] == "Accepted"
                && condition["status"] == expected
                && condition["observedGeneration"] == object["metadata"]["generation"]
        });
        condition
            .map(|condition| condition["message"].as_str().unwrap_or_default().to_owned())
            .ok_or(output)
    })
}

#[test]
fn cluster_binding_is_in_force_while_it_exists() {
    // Bindings apply to the whole cluster, so this test needs its own.
    let dir = tempfile::tempdir().expect("a folder can be made");
    let data = dir.path().join("cluster");
    let Some(cluster) = ControlPlane::isolated("bindings", &data, &["--throw-away"]) else {
        return;
    };
    let shop = cluster.namespace("shop");
    let kubeconfig = cluster.kubeconfig().display().to_string();
    // The webhook starts before the CRD exists, and loads bindings once it does.
    let (tls, flags) = (
        dir.path().join("tls"),
        ["--kubeconfig", &kubeconfig, "--drain-delay", "10ms"],
    );
    let webhook = WebhookProcess::start(&tls, &flags).expect("the gate starts");
    let port = webhook.port();
    let _registered = cluster.register(validating_webhook_configuration(
        shop.name(),
        &webhook.url(),
        &webhook.ca(),
        "Fail",
        &[&shop],
    ));
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "web", "image": "nginx", "securityContext": {"privileged": true}}]},
    })
    .to_string();
    let create = || shop.kubectl_as_developer(&["create", "--dry-run=server", "-f", "-"], &pod);
    let becomes = |description: &str, wanted: &dyn Fn(&ProcessOutput) -> bool| {
        wait_for(description, || {
            let output = create();
            if wanted(&output) {
                Ok(())
            } else {
                Err(format!("{output:?}"))
            }
        });
    };
    let without = create();
    // Without a binding, findings are audited, and the user sees nothing of them.
    assert_eq!((without.code, without.stderr.as_str()), (0, ""));

    install_crd(&cluster);
    let apply = |spec: &str| cluster.kubectl(&["apply", "-f", "-"], &binding("strict", spec));
    apply("controls: [C-0057], validationActions: [Deny]").ok();
    becomes("the binding to be enforced", &|output| {
        output.stderr.contains("denied the request: C-0057")
    });
    assert!(
        create().stderr.contains("[binding strict]"),
        "{:?}",
        create()
    );
    let message = accepted(&cluster, "strict", "True");
    assert!(message == "1 control (Deny)", "{message}");
    let printed = cluster.kubectl(&["get", "controlbindings"], "").ok();
    assert!(
        printed.contains("strict") && printed.contains(&message),
        "{printed}"
    );

    // The schema cannot check which controls exist. The last valid binding stays in force.
    apply("controls: [C-0057, C-9999], validationActions: [Warn]").ok();
    let message = accepted(&cluster, "strict", "False");
    assert!(
        message.contains("C-9999") && message.contains("the last good form stays in force"),
        "{message}"
    );
    let still = create();
    assert!(
        still.code == 1 && still.stderr.contains("denied the request: C-0057"),
        "{still:?}"
    );

    // A process that starts now finds the binding invalid, and restores the last valid one from its
    // status.
    assert!(webhook.terminate().success());
    let webhook = WebhookProcess::start_on(port, &tls, &flags).expect("it starts again");
    let still = create();
    assert!(
        still.code == 1 && still.stderr.contains("denied the request: C-0057"),
        "{still:?}"
    );
    // If that is invalid as well, as after an upgrade that removes a control, the process is not
    // ready: a rollout stops.
    let spec = r#"{\"validationActions\":[\"Deny\"],\"controls\":[\"C-9998\"]}"#;
    let status = format!(r#"{{"status": {{"lastGood": {{"spec": "{spec}"}}}}}}"#);
    let patch = [
        "patch",
        "controlbinding",
        "strict",
        "--subresource",
        "status",
        "--type",
        "merge",
        "-p",
        &status,
    ];
    cluster.kubectl(&patch, "").ok();
    assert!(webhook.terminate().success());
    let webhook = WebhookProcess::spawn_on(port, &tls, &flags);
    wait_for("it to say what it lacks", || match webhook.readiness() {
        Some((503, why))
            if why == "bindings: in force before, and cannot be read now: strict\n" =>
        {
            Ok(())
        }
        other => Err(format!("{other:?}")),
    });

    apply("controls: [C-0057], validationActions: [Warn]").ok();
    wait_for("it to be ready", || match webhook.readiness() {
        Some((200, _)) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    accepted(&cluster, "strict", "True");
    becomes("the binding to warn", &|output| {
        output.code == 0 && output.stderr.contains("Warning: C-0057")
    });

    // A binding that the schema rejects is never stored.
    for spec in [
        "validationActions: [Deny]",
        "controls: [C-0057], excludeSubjects: [{kind: ServiceAccount, name: robot}]",
        "controls: [C-0057], excludeSubjects: [{kind: User, name: ann, namespace: cd}]",
    ] {
        let refused = apply(spec);
        assert_eq!(refused.code, 1, "{refused:?}");
    }

    apply("controls: [C-0057], validationActions: [Deny]").ok();
    becomes("the binding to deny", &|output| output.code == 1);
    cluster
        .kubectl(&["delete", "controlbinding", "strict"], "")
        .ok();
    becomes("the binding to be forgotten", &|output| output.code == 0);
}

/// The webhook for ControlBindings as `kubevet manifests` installs it.
fn binding_webhook(cluster: &ControlPlane, webhook: &WebhookProcess) -> Value {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let ca = dir.path().join("ca.crt");
    fs::write(&ca, webhook.ca()).expect("the CA can be written");
    let mut manifests = Command::new(kubevet_binary());
    manifests
        .args(["manifests", "webhook", "--url", &webhook.url(), "--ca-file"])
        .arg(&ca);
    let yaml = process::run(&mut manifests, "").ok();
    let as_json = ["create", "--dry-run=client", "-o", "json", "-f", "-"];
    let json = cluster.kubectl(&as_json, &yaml).ok();
    let mut configuration: Value = serde_json::from_str(&json).expect("kubectl prints JSON");
    configuration["webhooks"]
        .as_array_mut()
        .expect("there are webhooks")
        .retain(|webhook| webhook["name"] == "bindings.kubevet.io");
    configuration
}

#[test]
fn broken_binding_is_rejected_when_it_is_applied() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let data = dir.path().join("cluster");
    let Some(cluster) = ControlPlane::isolated("binding-review", &data, &["--throw-away"]) else {
        return;
    };
    install_crd(&cluster);
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let flags = ["--kubeconfig", &kubeconfig, "--drain-delay", "10ms"];
    let webhook = WebhookProcess::start(&dir.path().join("tls"), &flags).expect("the gate starts");
    let _registered = cluster.register(binding_webhook(&cluster, &webhook));
    let apply = |flag: &str, spec: &str| {
        let arguments = ["apply", flag, "-f", "-"];
        cluster.kubectl(&arguments, &binding("strict", spec))
    };
    for (spec, message) in [
        (
            "controls: [C-0057, C-0075x]",
            "spec.controls[1]: there is no control \"C-0075x\", did you mean \"C-0075\"?",
        ),
        (
            "frameworks: [NSAA]",
            "spec.frameworks[0]: there is no framework \"NSAA\", did you mean \"NSA\"?",
        ),
        (
            "controls: [C-0078], params: {imageRepositoryAllowlist: [docker.io]}",
            "spec.params.imageRepositoryAllowlist: there is no param \"imageRepositoryAllowlist\", did you mean \
             \"imageRepositoryAllowList\"?",
        ),
        (
            "controls: [C-0078], params: {imageRepositoryAllowList: {a: b}}",
            "spec.params.imageRepositoryAllowList: the param \"imageRepositoryAllowList\" must be a list of strings, but is a map",
        ),
        (
            "controls: [C-0078]",
            "spec.controls[0]: C-0078 checks nothing: set params.imageRepositoryAllowList",
        ),
        (
            "controls: [C-0057], matchResources: {resourceRules: [{apiGroups: [''], resources: [deployments]}]}",
            "spec.matchResources.resourceRules[0].resources[0]: \"deployments\" matches nothing: it is in the API group \"apps\", \
             did you mean apiGroups: [apps]?",
        ),
    ] {
        for flag in ["--dry-run=server", "--dry-run=none"] {
            let rejected = apply(flag, spec);
            let denial = "admission webhook \"bindings.kubevet.io\" denied the request: ";
            assert!(
                rejected.code == 1
                    && rejected.stderr.contains(denial)
                    && rejected.stderr.contains(message),
                "{flag} {spec}: {rejected:?}"
            );
        }
    }
    let partial = apply("--dry-run=none", "controls: [C-0057, C-0078]");
    assert_eq!(
        (partial.code, partial.stderr.as_str()),
        (
            0,
            "Warning: spec.controls[1]: C-0078 checks nothing: set params.imageRepositoryAllowList\n"
        )
    );
    assert_eq!(
        accepted(&cluster, "strict", "True"),
        "1 control (Warn); C-0078 checks nothing: set params.imageRepositoryAllowList"
    );

    // While the gate is down, a broken binding can be stored. It is no obstacle to its own repair.
    let port = webhook.port();
    assert!(webhook.terminate().success());
    apply("--dry-run=none", "controls: [C-9999]").ok();
    let webhook =
        WebhookProcess::start_on(port, &dir.path().join("tls"), &flags).expect("it starts");
    accepted(&cluster, "strict", "False");
    cluster
        .kubectl(&["label", "controlbinding", "strict", "team=a"], "")
        .ok();
    apply("--dry-run=none", "controls: [C-0057]").ok();
    accepted(&cluster, "strict", "True");
    cluster
        .kubectl(&["delete", "controlbinding", "strict"], "")
        .ok();
    drop(webhook);
}
