//! Objects that are read, changed and written: webhook configurations, Secrets and statuses.

use super::failure;
use crate::{
    BindingCondition, ClusterError, Installation, RelaxOutcome,
    fake_api_server::{FakeApiServer, Reply},
};
use kubevet_model::StoredCertificates;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// Starts an API server with one object, which PUT replaces. Without `replicas` there is no
/// Deployment.
async fn server_with_object(
    object: Value,
    replicas: Option<u32>,
) -> (FakeApiServer, Arc<Mutex<Value>>) {
    let object = Arc::new(Mutex::new(object));
    let stored = Arc::clone(&object);
    let server = FakeApiServer::start(move |call, body| match call {
        "GET /apis/apps/v1/namespaces/kubevet/deployments/kubevet" => match replicas {
            Some(replicas) => Reply::Json(
                200,
                json!({"metadata": {"name": "kubevet"}, "spec": {"replicas": replicas,
                "selector": {}, "template": {}}}),
            ),
            None => failure(404, "not found"),
        },
        "GET /api/v1/namespaces/kubevet" => {
            Reply::Json(200, json!({"metadata": {"name": "kubevet", "uid": "home"}}))
        }
        _ if call.starts_with("GET") => Reply::Json(200, stored.lock().unwrap().clone()),
        _ if call.starts_with("PUT") => {
            *stored.lock().unwrap() = body.clone();
            Reply::Json(200, body)
        }
        _ => failure(409, "the object has been modified"),
    })
    .await;
    (server, object)
}

fn configuration() -> Value {
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "kubevet", "resourceVersion": "1"},
        "webhooks": [{"name": "fail", "failurePolicy": "Fail", "clientConfig": {}, "later": 1},
            {"name": "ignore", "failurePolicy": "Ignore", "clientConfig": {}}]})
}

fn installation() -> Installation {
    Installation {
        configuration: "kubevet".to_owned(),
        namespace: Some("kubevet".to_owned()),
        deployment: Some("kubevet".to_owned()),
    }
}

#[tokio::test]
async fn ca_bundle_is_written_where_it_differs() {
    let (server, object) = server_with_object(configuration(), Some(1)).await;
    let cluster = server.cluster();
    let bundle = b"-----BEGIN CERTIFICATE-----\n";
    assert!(
        cluster
            .publish_ca_bundle(&installation(), b"")
            .await
            .is_err()
    );
    assert_eq!(
        cluster.publish_ca_bundle(&installation(), bundle).await,
        Ok(true)
    );
    assert_eq!(
        cluster.publish_ca_bundle(&installation(), bundle).await,
        Ok(false)
    );
    let object = object.lock().unwrap().clone();
    assert_eq!(
        object["webhooks"][0]["clientConfig"]["caBundle"],
        object["webhooks"][1]["clientConfig"]["caBundle"]
    );
    assert_eq!(object["metadata"]["ownerReferences"][0]["uid"], "home");
    assert_eq!(object["webhooks"][0]["later"], 1);
}

#[tokio::test]
async fn failure_policy_is_relaxed_by_last_replica_and_restored_by_next() {
    let (server, object) = server_with_object(configuration(), Some(1)).await;
    assert_eq!(
        server.cluster().relax_failure_policy(&installation()).await,
        Ok(RelaxOutcome::Kept)
    );
    let held = object.lock().unwrap().clone();
    let (uninstalled, object) = server_with_object(held, None).await;
    assert_eq!(
        uninstalled
            .cluster()
            .relax_failure_policy(&installation())
            .await,
        Ok(RelaxOutcome::Relaxed(vec!["fail".to_owned()]))
    );
    assert_eq!(
        uninstalled
            .cluster()
            .relax_failure_policy(&installation())
            .await,
        Ok(RelaxOutcome::Relaxed(Vec::new()))
    );
    assert_eq!(
        object.lock().unwrap()["webhooks"][0]["failurePolicy"],
        "Ignore"
    );
    let held = object.lock().unwrap().clone();
    let (server, object) = server_with_object(held, Some(1)).await;
    assert_eq!(
        server
            .cluster()
            .restore_failure_policy(&installation())
            .await,
        Ok(vec!["fail".to_owned()])
    );
    assert_eq!(
        server
            .cluster()
            .restore_failure_policy(&installation())
            .await,
        Ok(Vec::new())
    );
    let object = object.lock().unwrap().clone();
    assert_eq!(object["webhooks"][0]["failurePolicy"], "Fail");
    assert_eq!(object["webhooks"][1]["failurePolicy"], "Ignore");
}

#[tokio::test]
async fn stale_write_of_certificates_or_status_conflicts() {
    let secret =
        json!({"metadata": {"name": "tls", "resourceVersion": "7"}, "data": {"tls.crt": "YQ=="}});
    let (server, _) = server_with_object(secret, None).await;
    let store = server.cluster().certificate_secret("kubevet", "tls");
    let held = store.read().await.unwrap().unwrap();
    assert_eq!(
        (held.certificate.as_slice(), held.version.as_deref()),
        (&b"a"[..], Some("7"))
    );
    for version in [None, Some("6".to_owned())] {
        let written = store
            .write(&StoredCertificates {
                version,
                ..held.clone()
            })
            .await;
        assert!(matches!(written, Err(ClusterError::Conflict { .. })));
    }
    let binding = json!({"metadata": {"name": "nsa", "generation": 3}, "status": {"conditions": [{"type": "Accepted",
        "status": "True", "reason": "Read", "message": "m", "observedGeneration": 3, "lastTransitionTime": "t"}]}});
    let (server, _) = server_with_object(binding, None).await;
    let mut condition = BindingCondition {
        condition_type: "Accepted".to_owned(),
        holds: Some(true),
        reason: "Read".to_owned(),
        message: "m".to_owned(),
    };
    let cluster = server.cluster();
    assert_eq!(
        cluster
            .set_binding_status("nsa", 3, &[condition.clone()], None)
            .await,
        Ok(false)
    );
    condition.message = "n".to_owned();
    assert_eq!(
        cluster
            .set_binding_status("nsa", 2, &[condition.clone()], None)
            .await,
        Ok(false)
    );
    let written = cluster
        .set_binding_status("nsa", 3, &[condition], None)
        .await;
    assert!(matches!(written, Err(ClusterError::Conflict { .. })));
}

/// The fallback `spec` is written beside the conditions, once, and removed where it is too long.
#[tokio::test]
async fn last_good_spec_is_kept_in_status() {
    let existing = json!({"type": "Accepted", "status": "True", "reason": "Read", "message": "m",
        "observedGeneration": 3, "lastTransitionTime": "t"});
    let kept = json!({"observedGeneration": 2, "spec": "{}"});
    let condition = BindingCondition {
        condition_type: "Accepted".to_owned(),
        holds: Some(true),
        reason: "Read".to_owned(),
        message: "m".to_owned(),
    };
    let long = "x".repeat(65 << 10);
    for (last_good, expected) in [
        (None, None),
        (Some("{}"), None),
        (
            Some("{\"a\":1}"),
            Some(json!({"observedGeneration": 3, "spec": "{\"a\":1}"})),
        ),
        (Some(long.as_str()), Some(Value::Null)),
    ] {
        let patched = Arc::new(Mutex::new(None));
        let (written, existing, kept) = (Arc::clone(&patched), existing.clone(), kept.clone());
        let server = FakeApiServer::start(move |call, body| {
            if call.starts_with("PATCH") {
                *written.lock().unwrap() = Some(body["status"]["lastGood"].clone());
            }
            let status = json!({"conditions": [existing], "lastGood": kept});
            Reply::Json(
                200,
                json!({"metadata": {"name": "nsa", "generation": 3}, "status": status}),
            )
        })
        .await;
        let result = server
            .cluster()
            .set_binding_status("nsa", 3, std::slice::from_ref(&condition), last_good)
            .await;
        assert_eq!(
            (result, patched.lock().unwrap().clone()),
            (Ok(expected.is_some()), expected)
        );
    }
}

#[tokio::test]
async fn fail_open_webhooks_are_listed_with_their_namespaces() {
    let selector = |operator: &str| {
        json!({"matchExpressions": [{"key": "kubernetes.io/metadata.name"},
        {"key": "kubevet.io/failure-policy", "operator": operator, "values": ["Fail"]}]})
    };
    let configuration = json!({"metadata": {"name": "kubevet"}, "webhooks": [
        {"name": "fail", "failurePolicy": "Fail", "namespaceSelector": selector("In")},
        {"name": "default"},
        {"name": "ignore", "failurePolicy": "Ignore", "namespaceSelector": selector("NotIn")},
        {"name": "rest", "failurePolicy": "Ignore"},
        {"name": "bindings", "failurePolicy": "Ignore",
         "rules": [{"apiGroups": ["kubevet.io"], "resources": ["controlbindings"]}]},
    ]});
    let (server, _) = server_with_object(configuration, None).await;
    let installation = Installation {
        configuration: "kubevet".to_owned(),
        namespace: None,
        deployment: None,
    };
    assert_eq!(
        server
            .cluster()
            .fail_open_webhooks(&installation)
            .await
            .unwrap(),
        [
            "ignore (in namespaces without the label kubevet.io/failure-policy=Fail)",
            "rest (in every namespace)"
        ]
    );
}
