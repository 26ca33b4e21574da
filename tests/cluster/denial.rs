//! The experience of users: a bad object is denied with a helpful message, a good one is admitted;
//! warnings, the audit log, Events.

use crate::active_webhook::{ActiveWebhook, binding};
use kubevet_testkit::{
    control_plane::ControlPlane, namespace::TestNamespace, polling::wait_for,
    process::ProcessOutput,
};

const CREATE: [&str; 3] = ["create", "-f", "-"];
const DRY_RUN: [&str; 4] = ["create", "--dry-run=server", "-f", "-"];

/// The spec of a Pod, privileged or not.
fn pod_spec(privileged: bool) -> String {
    format!(
        "{{restartPolicy: Never, containers: [{{name: web, image: 'nginx:1.29', \
         securityContext: {{privileged: {privileged}}}}}]}}"
    )
}

fn template(privileged: bool) -> String {
    format!(
        "{{metadata: {{labels: {{app: web}}}}, spec: {}}}",
        pod_spec(privileged)
    )
}

fn deployment(name: &str, privileged: bool) -> String {
    let template = template(privileged).replace("restartPolicy: Never, ", "");
    format!(
        "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {name}}}, \
         spec: {{selector: {{matchLabels: {{app: web}}}}, template: {template}}}}}"
    )
}

fn deny() -> String {
    binding(
        "no-privileges",
        "controls: [C-0057], validationActions: [Deny]",
    )
}

#[track_caller]
fn denied(output: &ProcessOutput, message: &str) {
    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        output.stderr.contains(" denied the request: ") && output.stderr.contains(message),
        "{output:?}"
    );
}

#[test]
fn bad_deployment_is_denied_with_a_fix_and_good_one_admitted() {
    let Some(cluster) = ControlPlane::shared("denial") else {
        return;
    };
    let shop = cluster.namespace("denial");
    let _guard = ActiveWebhook::start(cluster, &[&shop], &deny(), &[]);
    let bad = shop.kubectl_as_developer(&["apply", "-f", "-"], &deployment("web", true));
    let message = format!(
        "admission webhook \"{}.kubevet.test\" denied the request: C-0057 (critical) container web is \
         privileged [securityContext.privileged]: set it to false [binding no-privileges]",
        shop.name()
    );
    denied(&bad, &message);
    assert_eq!(
        shop.kubectl(&["get", "deployments", "-o", "name"], "").ok(),
        ""
    );
    let good = shop.kubectl_as_developer(&["apply", "-f", "-"], &deployment("web", false));
    assert_eq!(
        (good.stderr.as_str(), good.stdout.as_str()),
        ("", "deployment.apps/web created\n")
    );
    // An UPDATE that makes it bad is denied, too.
    denied(
        &shop.kubectl_as_developer(&["apply", "-f", "-"], &deployment("web", true)),
        "C-0057",
    );
}

/// Every kind that creates Pods, each with the path of the field in it.
#[test]
fn every_workload_kind_is_evaluated_on_creation() {
    let Some(cluster) = ControlPlane::shared("workloads") else {
        return;
    };
    let shop = cluster.namespace("workloads");
    let webhook = ActiveWebhook::start(cluster, &[&shop], &deny(), &[]);
    let always = |privileged| template(privileged).replace("restartPolicy: Never, ", "");
    let selected = |privileged| {
        format!(
            "{{selector: {{matchLabels: {{app: web}}}}, template: {}}}",
            always(privileged)
        )
    };
    let replicated = |privileged| {
        format!(
            "{{selector: {{app: web}}, template: {}}}",
            always(privileged)
        )
    };
    let job = |privileged| format!("{{template: {}}}", template(privileged));
    let cron = |privileged| {
        format!(
            "{{schedule: '1 2 * * *', jobTemplate: {{spec: {}}}}}",
            job(privileged)
        )
    };
    let named = "name: web";
    type Spec<'a> = &'a dyn Fn(bool) -> String;
    for (version, kind, metadata, path, spec) in [
        ("v1", "Pod", named, "spec", &pod_spec as Spec<'_>),
        ("v1", "Pod", "generateName: web-", "spec", &pod_spec),
        (
            "v1",
            "ReplicationController",
            named,
            "spec.template.spec",
            &replicated,
        ),
        (
            "apps/v1",
            "ReplicaSet",
            named,
            "spec.template.spec",
            &selected,
        ),
        (
            "apps/v1",
            "StatefulSet",
            named,
            "spec.template.spec",
            &selected,
        ),
        (
            "apps/v1",
            "DaemonSet",
            named,
            "spec.template.spec",
            &selected,
        ),
        ("batch/v1", "Job", named, "spec.template.spec", &job),
        (
            "batch/v1",
            "CronJob",
            named,
            "spec.jobTemplate.spec.template.spec",
            &cron,
        ),
    ] {
        let object = |privileged| {
            format!(
                "{{apiVersion: {version}, kind: {kind}, metadata: {{{metadata}}}, spec: {}}}",
                spec(privileged)
            )
        };
        let bad = shop.kubectl_as_developer(&CREATE, &object(true));
        denied(
            &bad,
            "container web is privileged [securityContext.privileged]: set it to false",
        );
        let path = format!("{path}.containers[0].securityContext.privileged");
        webhook.decision("with the whole path", |decision| {
            let logged = decision["kind"].as_str().unwrap_or_default();
            logged.rsplit('/').next() == Some(kind) && decision["findings"][0]["paths"][0] == *path
        });
        let good = shop.kubectl_as_developer(&DRY_RUN, &object(false));
        assert_eq!(good.stderr, "", "{kind}");
        good.ok();
    }
}

#[test]
fn warning_reaches_the_client_and_the_audit_log() {
    let Some(cluster) = ControlPlane::shared("warning") else {
        return;
    };
    let shop = cluster.namespace("warning");
    let bindings = [
        binding("tell", "controls: [C-0057], validationActions: [Warn]"),
        "---\n".to_owned(),
        binding("note", "controls: [C-0017], validationActions: [Audit]"),
    ]
    .concat();
    let webhook = ActiveWebhook::start(cluster, &[&shop], &bindings, &[]);
    let pod = |privileged| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: web-{privileged}}}, spec: {}}}",
            pod_spec(privileged)
        )
    };
    let warned = shop.kubectl_as_developer(&CREATE, &pod(true));
    let path = "spec.containers[0].securityContext";
    // What is only audited is not shown.
    assert_eq!(
        warned.stderr,
        "Warning: C-0057 (critical) container web is privileged [securityContext.privileged]\n"
    );
    warned.ok();
    shop.kubectl_as_developer(&CREATE, &pod(false)).ok();

    let annotation = |pod: &str, key: &str| {
        let annotations = shop.last_audit_entry("create", "pods", pod).annotations();
        annotations
            .get(&format!("{}.kubevet.test/{key}", shop.name()))
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(annotation("web-true", "decision"), "warned");
    assert_eq!(annotation("web-true", "bindings"), "tell, note");
    assert_eq!(
        annotation("web-true", "warned"),
        format!("C-0057 {path}.privileged")
    );
    assert_eq!(
        annotation("web-true", "audited"),
        format!("C-0017 {path}.readOnlyRootFilesystem")
    );
    assert_eq!(annotation("web-true", "denied"), "");
    assert_eq!(annotation("web-false", "decision"), "allowed");
    assert_eq!(annotation("web-false", "warned"), "");
    webhook.decision("of the warned Pod", |decision| {
        decision["name"] == "web-true" && decision["decision"] == "warned"
    });
}

/// The names of the objects of the webhook's Events.
fn events(shop: &TestNamespace<'_>) -> String {
    let path = "jsonpath={range .items[?(@.reason=='Denied')]}{.regarding.name} {end}";
    shop.kubectl(&["get", "events.events.k8s.io", "-o", path], "")
        .ok()
}

#[test]
fn dry_run_is_denied_without_an_event() {
    let Some(cluster) = ControlPlane::shared("dry run") else {
        return;
    };
    let shop = cluster.namespace("dry");
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let webhook = ActiveWebhook::start(cluster, &[&shop], &deny(), &["--kubeconfig", &kubeconfig]);
    let dry = shop.kubectl_as_developer(&DRY_RUN, &deployment("dry", true));
    denied(&dry, "C-0057");
    let wet = shop.kubectl_as_developer(&CREATE, &deployment("wet", true));
    assert_eq!(dry.stderr.replace("\"dry\"", "\"wet\""), wet.stderr);
    shop.kubectl_as_developer(&DRY_RUN, &deployment("dry", false))
        .ok();
    // Events are written in order, so after this one none of the dry run is pending.
    wait_for("the Event of the denial", || {
        if events(&shop).is_empty() {
            Err("none".to_owned())
        } else {
            Ok(())
        }
    });
    assert_eq!(events(&shop), "wet ");
    let logged = webhook.decision("of the dry run", |decision| decision["name"] == "dry");
    assert_eq!(
        (&logged["dryRun"], &logged["decision"]),
        (&true.into(), &"denied".into()),
        "{logged}"
    );
}
