//! Faults around a webhook: it is stopped, its API server is, its certificates come from another
//! authority, its Deployment is scaled to zero, a stranger calls it.

use crate::{
    certificate_store::TlsDir,
    review_requests::{self, bindings, contains},
    stub_webhook::StubWebhook,
};
use k8s_openapi::ByteString;
use kubevet_testkit::{
    control_plane::ControlPlane,
    namespace::TestNamespace,
    polling::wait_for,
    webhook_client::{CallFailure, WebhookClient},
    webhook_process::{WebhookProcess, free_port},
    webhook_registration::validating_webhook_configuration,
};
use rcgen::{CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
use tokio::runtime::Runtime;

const CREATE: [&str; 3] = ["create", "-f", "-"];
const DRY_RUN: [&str; 4] = ["create", "--dry-run=server", "-f", "-"];

#[track_caller]
fn assert_denied(namespace: &TestNamespace<'_>) {
    let output = namespace.kubectl(&DRY_RUN, &review_requests::pod("bad", true));
    assert!(
        output.code == 1 && output.stderr.contains("denied the request: C-0057"),
        "{output:?}"
    );
}

#[test]
fn stopped_webhook_blocks_only_fail_closed_namespaces() {
    let Some(cluster) = ControlPlane::shared("gone") else {
        return;
    };
    let (closed, open, elsewhere) = (
        cluster.namespace("closed"),
        cluster.namespace("open"),
        cluster.namespace("else"),
    );
    let dir = tempfile::tempdir().expect("a folder can be made");
    let webhook = WebhookProcess::start(
        &dir.path().join("tls"),
        &["--bindings", &bindings(dir.path())],
    )
    .expect("it starts");
    let register = |policy, namespace: &TestNamespace<'_>| {
        cluster.register_webhook(
            namespace.name(),
            &webhook.url(),
            &webhook.ca(),
            policy,
            &[namespace],
        )
    };
    let _registered = [register("Fail", &closed), register("Ignore", &open)];
    for namespace in [&closed, &open] {
        assert_denied(namespace);
        namespace
            .kubectl(&CREATE, &review_requests::pod("before", false))
            .ok();
    }
    webhook.kill();

    for good in [true, false] {
        let refused = closed.kubectl(&CREATE, &review_requests::pod("after", !good));
        assert!(
            refused.code == 1 && refused.stderr.contains("failed calling webhook"),
            "{refused:?}"
        );
    }
    open.kubectl(&CREATE, &review_requests::pod("good", false))
        .ok();
    open.kubectl(&CREATE, &review_requests::pod("bad", true))
        .ok();
    for namespace in ["kube-system", elsewhere.name()] {
        let pod = review_requests::pod(closed.name(), true);
        cluster
            .kubectl(&["create", "-f", "-", "-n", namespace], &pod)
            .ok();
        cluster
            .kubectl(
                &[
                    "delete",
                    "pod",
                    closed.name(),
                    "-n",
                    namespace,
                    "--wait=false",
                ],
                "",
            )
            .ok();
    }
}

/// The webhooks of a registered configuration without the additional ones of the registration, and
/// its metadata.
fn registered_configuration(cluster: &ControlPlane, name: &str) -> (Value, Value) {
    let json = cluster
        .kubectl(
            &["get", "validatingwebhookconfiguration", name, "-o", "json"],
            "",
        )
        .ok();
    let object: Value = serde_json::from_str(&json).expect("kubectl prints JSON");
    (object["webhooks"][0].clone(), object["metadata"].clone())
}

fn trusted(cluster: &ControlPlane, name: &str) -> String {
    let bundle = registered_configuration(cluster, name).0["clientConfig"]["caBundle"].clone();
    let ByteString(bytes) = serde_json::from_value(bundle).expect("a bundle is base64");
    String::from_utf8(bytes).expect("a bundle is text")
}

#[test]
fn api_server_follows_the_rotation_of_the_authority() {
    let Some(cluster) = ControlPlane::shared("handover") else {
        return;
    };
    let shop = cluster.namespace("shop");
    let dir = tempfile::tempdir().expect("a folder can be made");
    let tls = dir.path().join("tls");
    let folder = TlsDir::with_an_old_authority(&tls);
    let (port, kubeconfig, bindings) = (free_port(), cluster.kubeconfig(), bindings(dir.path()));
    let url = format!("https://127.0.0.1:{port}/validate");
    // The existing configuration trusts another authority.
    let _registered = cluster.register_webhook(
        shop.name(),
        &url,
        StubWebhook::start().ca(),
        "Fail",
        &[&shop],
    );
    let kubeconfig = kubeconfig.display().to_string();
    let flags = [
        "--kubeconfig",
        &kubeconfig,
        "--bindings",
        &bindings,
        "--webhook-configuration",
        shop.name(),
        "--ca-overlap",
        "1ms",
        "--share-port",
    ];
    let first = WebhookProcess::start_on(port, &tls, &flags).expect("it starts");
    // The leaf is still signed by the old authority; the new one is published before it signs
    // anything.
    assert_eq!(folder.authorities(), 2);
    assert_eq!(
        trusted(cluster, shop.name()),
        first.ca(),
        "published before it is ready"
    );
    cluster.wait_until_obeyed(shop.name());

    let [old, new] = folder
        .each_authority()
        .map(|ca| WebhookClient::new(port, &ca));
    let runtime = Runtime::new().expect("a runtime starts");
    let meets = |client: &WebhookClient| {
        runtime
            .block_on(client.post("/validate", &review_requests::config_map()))
            .map(|response| response.status)
    };
    assert_eq!(
        (meets(&old), meets(&new)),
        (Ok(200), Err(CallFailure::Handshake))
    );

    let stop = AtomicBool::new(false);
    let calls = thread::scope(|scope| {
        let calling = scope.spawn(|| {
            let mut calls = 0;
            while !stop.load(Ordering::Relaxed) {
                assert_denied(&shop);
                calls += 1;
            }
            calls
        });
        let stop_at_the_end = StopAtTheEnd(&stop);
        // Another name needs another leaf, which the successor signs, since it is published by now.
        let second = WebhookProcess::start_on(
            port,
            &tls,
            &[&flags[..], &["--tls-name", "other.example"]].concat(),
        );
        let _second = second.expect("it starts");
        wait_for("both to serve the new certificate", || {
            if first.metric("kubevet_certificate_reloads_total{result=\"taken\"}") > 0.0 {
                Ok(())
            } else {
                Err(first.stderr())
            }
        });
        assert_eq!(
            (meets(&old), meets(&new)),
            (Err(CallFailure::Handshake), Ok(200))
        );
        assert!(first.terminate().success());
        // The API server needs a new connection for this call.
        assert_denied(&shop);
        drop(stop_at_the_end);
        calling.join().expect("every call was denied as it must be")
    });
    assert!(calls > 0);
}

/// Sets a flag on drop, so that a scope that ends early ends its threads.
struct StopAtTheEnd<'a>(&'a AtomicBool);

impl Drop for StopAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn scale_to_zero_relaxes_the_failure_policy_and_restart_restores_it() {
    let Some(cluster) = ControlPlane::shared("release") else {
        return;
    };
    let (home, shop) = (cluster.namespace("home"), cluster.namespace("shop"));
    home.kubectl(
        &[
            "create",
            "deployment",
            "gate",
            "--image=gate",
            "--replicas=1",
        ],
        "",
    )
    .ok();
    let scale = |replicas: &str| {
        home.kubectl(&["scale", "deployment", "gate", "--replicas", replicas], "")
            .ok()
    };
    let dir = tempfile::tempdir().expect("a folder can be made");
    let (tls, port) = (dir.path().join("tls"), free_port());
    let url = format!("https://127.0.0.1:{port}/validate");
    let name = shop.name();
    let _registered = cluster.register(validating_webhook_configuration(
        name,
        &url,
        StubWebhook::start().ca(),
        "Fail",
        &[&shop],
    ));
    let (kubeconfig, bindings) = (
        cluster.kubeconfig().display().to_string(),
        bindings(dir.path()),
    );
    let start = || {
        let flags = [
            ["--kubeconfig", &kubeconfig],
            ["--bindings", &bindings],
            ["--webhook-configuration", name],
            ["--deployment", "gate"],
            ["--drain-delay", "10ms"],
        ];
        WebhookProcess::start_in(
            home.name(),
            port,
            &tls,
            &[flags.as_flattened(), &["--share-port"]].concat(),
        )
        .expect("it starts")
    };
    let policy = || {
        registered_configuration(cluster, name).0["failurePolicy"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };

    // A rollout: other replicas follow.
    assert!(start().terminate().success());
    let (_, metadata) = registered_configuration(cluster, name);
    let owner = &metadata["ownerReferences"][0];
    assert_eq!(
        (&owner["kind"], &owner["name"]),
        (&json!("Namespace"), &json!(home.name())),
        "{metadata}"
    );
    assert_eq!(policy(), "Fail");
    let refused = shop.kubectl(&CREATE, &review_requests::pod("good", false));
    assert!(
        refused.stderr.contains("failed calling webhook"),
        "{refused:?}"
    );

    let webhook = start();
    scale("0");
    assert!(webhook.terminate().success());
    assert_eq!(policy(), "Ignore");
    cluster.wait_until_obeyed(name);
    shop.kubectl(&CREATE, &review_requests::pod("bad", true))
        .ok();

    // A process that starts while the Deployment is scaled to zero.
    assert!(start().terminate().success());
    assert_eq!(policy(), "Ignore");

    scale("1");
    let _gate = start();
    wait_for("the webhook to fail closed again", || {
        if policy() == "Fail" {
            Ok(())
        } else {
            Err(policy())
        }
    });
    let (_, metadata) = registered_configuration(cluster, name);
    assert_eq!(
        metadata["annotations"]["kubevet.io/failure-policies"],
        Value::Null,
        "{metadata}"
    );
    assert_denied(&shop);
}

#[test]
fn webhook_survives_an_api_server_outage_and_resumes_watching() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let data = dir.path().join("cluster");
    let Some(cluster) = ControlPlane::isolated("api server gone", &data, &[]) else {
        return;
    };
    cluster
        .kubectl(
            &["apply", "-f", "-"],
            &review_requests::custom_resource_definition(),
        )
        .ok();
    let bind = |cluster: &ControlPlane, message: &str, control: &str| {
        let binding = json!({
            "apiVersion": "kubevet.io/v1alpha1", "kind": "ControlBinding", "metadata": {"name": "labelled"},
            "spec": {
                "controls": [control], "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": {"matchLabels": {"team": "shop"}}},
            },
        });
        wait_for(message, || {
            let output = cluster.kubectl(&["apply", "-f", "-"], &binding.to_string());
            if output.code == 0 {
                Ok(())
            } else {
                Err(output.stderr)
            }
        });
    };
    bind(&cluster, "the definition to be served", "C-0057");
    let create = |cluster: &ControlPlane, name: &str, labels: Value| {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
        cluster.kubectl(&CREATE, &object.to_string()).ok();
    };
    create(&cluster, "shop", json!({"team": "shop"}));
    create(&cluster, "other", json!({}));
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let webhook = WebhookProcess::start(&dir.path().join("tls"), &["--kubeconfig", &kubeconfig])
        .expect("it starts");
    let (client, runtime) = (webhook.client(), Runtime::new().expect("a runtime starts"));
    let answer = |namespace: &str, expected: &str| {
        let review = review_requests::deployment_in(namespace);
        let body = runtime
            .block_on(client.post("/validate", &review))
            .expect("it answers")
            .body;
        if contains(&body, expected) {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&body).into_owned())
        }
    };
    let verdicts = || {
        answer(
            "shop",
            r#""code":403,"reason":"Forbidden","message":"C-0057"#,
        )?;
        answer("other", r#""allowed":true"#)
    };
    wait_for("the binding to be in force", verdicts);

    cluster.crash();
    let age = || webhook.metric("kubevet_namespace_cache_age_seconds");
    let before = age();
    wait_for("the cache to grow old", || {
        if age() >= before + 4.0 {
            Ok(())
        } else {
            Err(age().to_string())
        }
    });
    assert_eq!(verdicts(), Ok(()));
    assert_eq!(webhook.readiness().map(|readiness| readiness.0), Some(200));
    // Unknown labels are not treated as missing labels.
    assert_eq!(answer("unheard", r#""allowed":false"#), Ok(()));

    let old = age();
    let cluster =
        ControlPlane::isolated("api server back", &data, &[]).expect("it was there before");
    bind(&cluster, "the API server to take it", "C-0013");
    create(&cluster, "unheard", json!({"team": "shop"}));
    wait_for("the changed binding to be in force", || {
        answer("shop", r#""message":"C-0013"#)
    });
    assert_eq!(answer("unheard", r#""message":"C-0013"#), Ok(()));
    wait_for("the cache to be fresh", || {
        if age() < old {
            Ok(())
        } else {
            Err(age().to_string())
        }
    });
    // The API server serves the status of its binding again.
    wait_for("the status of the binding", || {
        let status = cluster
            .kubectl(
                &[
                    "get",
                    "controlbinding",
                    "labelled",
                    "-o",
                    "jsonpath={.status}",
                ],
                "",
            )
            .ok();
        if status.contains("1 control (Deny)") {
            Ok(())
        } else {
            Err(status)
        }
    });
}

/// An authority (PEM), and a certificate that it issued for `name`, with its key.
fn issue(name: &str) -> (String, String, String) {
    let (ca_key, key) = (
        KeyPair::generate().expect("a key"),
        KeyPair::generate().expect("a key"),
    );
    let mut params = CertificateParams::new(Vec::new()).expect("no names are in order");
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = params
        .self_signed(&ca_key)
        .expect("an authority is issued")
        .pem();
    let issuer = Issuer::from_ca_cert_pem(&ca, ca_key).expect("it can sign");
    let mut params = CertificateParams::new(Vec::new()).expect("no names are in order");
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    (
        ca,
        params
            .signed_by(&key, &issuer)
            .expect("a certificate is issued")
            .pem(),
        key.serialize_pem(),
    )
}

#[test]
fn client_without_certificate_is_rejected() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let (ca, certificate, key) = issue("kube-apiserver");
    let file = dir.path().join("clients.crt");
    fs::write(&file, ca).expect("a file can be written");
    let file = file.display().to_string();
    let webhook = |flags: &[&str]| {
        let flags = [&["--client-ca", &file], flags].concat();
        WebhookProcess::start(&dir.path().join(format!("tls-{}", flags.len())), &flags)
            .expect("it starts")
    };
    let runtime = Runtime::new().expect("a runtime starts");
    let call = |client: &WebhookClient| {
        runtime
            .block_on(client.post("/validate", &review_requests::config_map()))
            .map(|response| response.status)
    };
    // With TLS 1.3 the client learns of it only after its own part of the handshake.
    let refused = |client: &WebhookClient| {
        matches!(
            call(client),
            Err(CallFailure::Handshake | CallFailure::NoResponse)
        )
    };

    let any = webhook(&[]);
    let known = WebhookClient::with_certificate(any.port(), &any.ca(), &certificate, &key);
    let (_, certificate_of_another, key_of_another) = issue("kube-apiserver");
    let stranger = WebhookClient::with_certificate(
        any.port(),
        &any.ca(),
        &certificate_of_another,
        &key_of_another,
    );
    assert_eq!(call(&known), Ok(200));
    assert!(
        refused(&any.client()),
        "without a certificate: {:?}",
        call(&any.client())
    );
    assert!(
        refused(&stranger),
        "with a stranger's: {:?}",
        call(&stranger)
    );
    // The server counts a handshake after the client has seen it fail.
    wait_for("both handshakes to be counted", || {
        let counted = any.metric("kubevet_tls_handshake_failures_total");
        (counted >= 2.0)
            .then_some(())
            .ok_or_else(|| counted.to_string())
    });

    for (name, welcome) in [("kube-apiserver", true), ("somebody", false)] {
        let named = webhook(&["--client-name", name]);
        let client = WebhookClient::with_certificate(named.port(), &named.ca(), &certificate, &key);
        assert_eq!(
            call(&client).is_ok(),
            welcome,
            "{name}: {:?}",
            call(&client)
        );
    }
}
