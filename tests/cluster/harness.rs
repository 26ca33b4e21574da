//! The ground of the other tests: the control plane behaves as a cluster does, and the test support
//! observes it. No webhook of kubevet takes part.

use crate::stub_webhook::StubWebhook;
use kubevet_testkit::{
    control_plane::ControlPlane,
    polling::wait_for,
    webhook_client::{CallFailure, LoadPlan, WebhookClient},
    webhook_process::WebhookProcess,
};
use std::sync::{Arc, atomic::AtomicBool};

const DEPLOYMENT: &str = r"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'nginx:1.29'}]}
";

fn config_map(name: &str, deny: bool) -> String {
    let labels = if deny { "{deny: please}" } else { "{}" };
    format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, labels: {labels}}}}}")
}

#[test]
fn controllers_create_pods_as_their_service_accounts() {
    let Some(cluster) = ControlPlane::shared("controllers") else {
        return;
    };
    let shop = cluster.namespace("shop");
    assert_eq!(
        shop.kubectl_as_developer(&["apply", "-f", "-"], DEPLOYMENT)
            .ok(),
        "deployment.apps/web created\n"
    );
    wait_for("the Pods of the Deployment", || {
        let pods = shop.kubectl(&["get", "pods", "-o", "name"], "").ok();
        if pods.lines().count() == 2 {
            Ok(())
        } else {
            Err(pods)
        }
    });
    let creator = |resource: &str| {
        let description = format!("the creation of {resource}");
        let entries = cluster.audit_entries(shop.name(), &description, |e| {
            e.verb() == "create" && e.resource() == resource
        });
        assert!(
            entries.iter().all(|entry| entry.code() == 201),
            "{entries:?}"
        );
        entries[0].user().to_owned()
    };
    // kubectl apply sends a PATCH only if the object exists.
    assert_eq!(creator("deployments"), "developer");
    assert_eq!(
        creator("replicasets"),
        "system:serviceaccount:kube-system:deployment-controller"
    );
    assert_eq!(
        creator("pods"),
        "system:serviceaccount:kube-system:replicaset-controller"
    );
}

#[test]
fn developer_may_create_workloads_only() {
    let Some(cluster) = ControlPlane::shared("developer") else {
        return;
    };
    let shop = cluster.namespace("shop");
    for (expected, verb, resource) in [
        ("yes", "create", "deployments.apps"),
        ("yes", "create", "pods/exec"),
        ("yes", "update", "pods/ephemeralcontainers"),
        (
            "no",
            "create",
            "validatingwebhookconfigurations.admissionregistration.k8s.io",
        ),
        ("no", "update", "namespaces"),
    ] {
        let answer = shop.kubectl_as_developer(&["auth", "can-i", verb, resource], "");
        assert_eq!(
            answer.stdout.trim(),
            expected,
            "{verb} {resource}: {answer:?}"
        );
    }
}

#[test]
fn admission_policy_of_the_api_server_denies() {
    let Some(cluster) = ControlPlane::shared("policy") else {
        return;
    };
    let (shop, other) = (cluster.namespace("shop"), cluster.namespace("other"));
    let policy = format!(
        r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: {name}}}
spec:
  matchConstraints:
    namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}
    resourceRules: [{{apiGroups: [""], apiVersions: [v1], resources: [configmaps], operations: [CREATE]}}]
  validations: [{{expression: "!('deny' in object.metadata.?labels.orValue({{}}))", message: by policy}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: {name}}}
spec: {{policyName: {name}, validationActions: [Deny]}}
"#,
        name = shop.name()
    );
    cluster.kubectl(&["apply", "-f", "-"], &policy).ok();
    let dry_run = ["create", "--dry-run=server", "-f", "-"];
    let refusal = wait_for("the policy to be in force", || {
        let output = shop.kubectl(&dry_run, &config_map("a", true));
        if output.code == 0 {
            Err(output.stdout)
        } else {
            Ok(output.stderr)
        }
    });
    assert!(refusal.contains("by policy"), "{refusal}");
    shop.kubectl(&dry_run, &config_map("a", false)).ok();
    other.kubectl(&dry_run, &config_map("a", true)).ok();
    let kinds = "validatingadmissionpolicybinding,validatingadmissionpolicy";
    cluster.kubectl(&["delete", kinds, shop.name()], "").ok();
}

#[test]
fn registered_webhook_is_called_at_once_for_its_namespaces_only() {
    let Some(cluster) = ControlPlane::shared("webhook") else {
        return;
    };
    let (shop, other) = (cluster.namespace("shop"), cluster.namespace("other"));
    let standin = StubWebhook::start();
    let create = ["create", "-f", "-"];
    {
        let _registered =
            cluster.register_webhook(shop.name(), &standin.url(), standin.ca(), "Fail", &[&shop]);
        let denied = shop.kubectl_as_developer(&create, &config_map("bad", true));
        assert_eq!(denied.code, 1, "{denied:?}");
        let message = format!(
            "admission webhook \"{}.kubevet.test\" denied the request: it asked for it",
            shop.name()
        );
        assert!(denied.stderr.contains(&message), "{denied:?}");
        let allowed = shop.kubectl_as_developer(&create, &config_map("good", false));
        assert!(
            allowed
                .stderr
                .contains("Warning: a stand-in looked at this"),
            "{allowed:?}"
        );
        allowed.ok();
        other
            .kubectl_as_developer(&create, &config_map("bad", true))
            .ok();
        assert!(
            standin
                .seen_reviews()
                .iter()
                .all(|(namespace, _)| namespace == shop.name()),
            "{:?}",
            standin.seen_reviews()
        );

        let entry = shop.last_audit_entry("create", "configmaps", "bad");
        assert_eq!((entry.user(), entry.code()), ("developer", 403));
        let key = format!("{}.kubevet.test/user", shop.name());
        assert_eq!(
            entry.annotations().get(&key).map(String::as_str),
            Some("developer"),
            "{entry:?}"
        );
    }
    wait_for("the webhook to be forgotten", || {
        let output = shop.kubectl_as_developer(&create, &config_map("bad", true));
        if output.code == 0 {
            Ok(())
        } else {
            Err(output.stderr)
        }
    });
}

#[test]
fn data_and_address_survive_a_crash() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let Some(first) = ControlPlane::isolated("restart", dir.path(), &[]) else {
        return;
    };
    let address = |cluster: &ControlPlane| {
        std::fs::read(cluster.kubeconfig()).expect("there is a kubeconfig")
    };
    let before = address(&first);
    first.kubectl(&["create", "configmap", "kept"], "").ok();
    first.crash();
    let second = ControlPlane::isolated("restart", dir.path(), &[]).expect("it was there before");
    assert_eq!(address(&second), before);
    assert_eq!(
        second
            .kubectl(&["get", "configmap", "kept", "-o", "name"], "")
            .ok(),
        "configmap/kept\n"
    );
}

#[test]
fn control_plane_ends_with_the_test() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let data = dir.path().join("data");
    let Some(cluster) = ControlPlane::isolated("end", &data, &["--throw-away"]) else {
        return;
    };
    cluster.close_stdin();
    assert!(!data.exists(), "its folder is still there");
}

/// The client counts its calls, on connections as configured.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn load_statistics_count_every_call() {
    let standin = tokio::task::spawn_blocking(StubWebhook::start)
        .await
        .expect("it starts");
    let client = WebhookClient::new(standin.port(), standin.ca());
    let load = |calls_per_connection, accept| LoadPlan {
        clients: 4,
        calls: 200,
        calls_per_connection,
        path: "/validate".into(),
        body: r#"{"request": {"uid": "u"}}"#.into(),
        accept,
    };
    let go = Arc::new(AtomicBool::new(false));
    let right = |body: &[u8]| body.windows(14).any(|part| part == br#""allowed":true"#);

    let churning = load(1, right).run(&client, Arc::clone(&go)).await;
    assert_eq!(
        (churning.answered, churning.failed(), churning.connections),
        (200, 0, 200),
        "{churning:?}"
    );
    let mut kept = load(u64::MAX, right).run(&client, Arc::clone(&go)).await;
    assert_eq!(
        (kept.answered, kept.failed(), kept.connections, kept.retries),
        (200, 0, 4, 0),
        "{kept:?}"
    );
    assert!(kept.percentile(0.5) <= kept.percentile(1.0));
    let wrong = load(1, |_| false).run(&client, Arc::clone(&go)).await;
    assert_eq!(
        (
            wrong.answered,
            wrong.failures.get(&CallFailure::NotAccepted)
        ),
        (0, Some(&200)),
        "{wrong:?}"
    );

    let stranger = tokio::task::spawn_blocking(|| StubWebhook::start().ca().to_owned())
        .await
        .expect("it starts");
    let distrust = WebhookClient::new(standin.port(), &stranger)
        .post("/validate", &"{}".into())
        .await;
    assert_eq!(distrust, Err(CallFailure::Handshake));
    let missing = client
        .post("/nowhere", &"{}".into())
        .await
        .expect("it answers");
    assert_eq!(missing.status, 404);
    let port = standin.port();
    tokio::task::spawn_blocking(move || drop(standin))
        .await
        .expect("it ends");
    assert_eq!(
        WebhookClient::new(port, &stranger)
            .post("/validate", &"{}".into())
            .await,
        Err(CallFailure::Connect)
    );
}

/// A webhook that cannot start is an error with its own message, at once.
#[test]
fn webhook_that_fails_to_start_reports_the_reason() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let error = WebhookProcess::start(dir.path(), &["--no-such-flag"])
        .err()
        .expect("it cannot start");
    assert!(error.contains("error: un"), "{error}");
}
