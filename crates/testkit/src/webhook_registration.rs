//! Registration of a webhook: the API server obeys it from the moment the call returns.

use crate::{control_plane::ControlPlane, namespace::TestNamespace, polling::wait_for};
use k8s_openapi::ByteString;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// A webhook configuration in force; it is deleted with this value.
pub struct RegisteredWebhook<'c> {
    cluster: &'c ControlPlane,
    name: String,
}

/// A ValidatingWebhookConfiguration that sends every request in these namespaces to `url`, whose
/// certificate `ca` (PEM) has signed. Its one webhook is called `NAME.kubevet.test`. A test may
/// change it before it registers it.
pub fn validating_webhook_configuration(
    name: &str,
    url: &str,
    ca: &str,
    failure_policy: &str,
    namespaces: &[&TestNamespace<'_>],
) -> Value {
    let namespaces: Vec<_> = namespaces
        .iter()
        .map(|namespace| namespace.name())
        .collect();
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [{
            "name": format!("{name}.kubevet.test"),
            "clientConfig": {"url": url, "caBundle": ByteString(ca.as_bytes().to_vec())},
            "failurePolicy": failure_policy,
            "timeoutSeconds": 5,
            "sideEffects": "NoneOnDryRun",
            "admissionReviewVersions": ["v1"],
            // Cluster-scoped objects would be sent whatever the selector says.
            "rules": [{
                "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "operations": ["*"], "scope": "Namespaced",
            }],
            "namespaceSelector": {"matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces},
            ]},
        }],
    })
}

impl ControlPlane {
    /// Registers a webhook by [`validating_webhook_configuration`].
    pub fn register_webhook(
        &self,
        name: &str,
        url: &str,
        ca: &str,
        failure_policy: &str,
        namespaces: &[&TestNamespace<'_>],
    ) -> RegisteredWebhook<'_> {
        let configuration =
            validating_webhook_configuration(name, url, ca, failure_policy, namespaces);
        self.register(configuration)
    }

    /// Creates or replaces a configuration, and returns once the API server obeys it.
    ///
    /// The API server reads configurations in the background. So one webhook is added that cannot be
    /// reached and fails closed, for ConfigMaps with a unique label. Once the dry run of such a
    /// ConfigMap is denied, the whole configuration is in force, whatever its other webhooks answer.
    pub fn register(&self, mut configuration: Value) -> RegisteredWebhook<'_> {
        let label = unique_label();
        let name = configuration["metadata"]["name"]
            .as_str()
            .expect("a configuration has a name")
            .to_owned();
        configuration["webhooks"]
            .as_array_mut()
            .expect("a configuration has webhooks")
            .push(probe_webhook(&label));
        let registered = RegisteredWebhook {
            cluster: self,
            name,
        };
        self.kubectl(
            &["apply", "--server-side", "--force-conflicts", "-f", "-"],
            &configuration.to_string(),
        )
        .ok();
        self.wait_until_in_force(&label);
        registered
    }

    /// Returns once the API server obeys the present state of a configuration. Leaves the additional
    /// webhook in it.
    pub fn wait_until_obeyed(&self, name: &str) {
        let label = unique_label();
        let patch = json!([{"op": "add", "path": "/webhooks/-", "value": probe_webhook(&label)}])
            .to_string();
        self.kubectl(
            &[
                "patch",
                "validatingwebhookconfiguration",
                name,
                "--type=json",
                "-p",
                &patch,
            ],
            "",
        )
        .ok();
        self.wait_until_in_force(&label);
    }

    fn wait_until_in_force(&self, label: &str) {
        wait_for("the webhook configuration to be in force", || {
            let object = probe_object(label);
            let output = self.kubectl(&["create", "--dry-run=server", "-f", "-"], &object);
            if output.code != 0 && output.stderr.contains(&format!("{label}.kubevet.test")) {
                Ok(())
            } else {
                Err(format!("{output:?}"))
            }
        });
    }
}

fn unique_label() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!(
        "mark-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

/// A webhook without a server, called for nothing but ConfigMaps with this label.
fn probe_webhook(label: &str) -> Value {
    json!({
        "name": format!("{label}.kubevet.test"),
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "failurePolicy": "Fail",
        "timeoutSeconds": 1,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "rules": [{
            "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["CREATE"],
        }],
        "objectSelector": {"matchLabels": {"probe": label}},
    })
}

/// The ConfigMap that the API server denies once [`probe_webhook`] is in force.
fn probe_object(label: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": label, "namespace": "default", "labels": {"probe": label}},
    })
    .to_string()
}

impl Drop for RegisteredWebhook<'_> {
    fn drop(&mut self) {
        let _ = self.cluster.kubectl(
            &[
                "delete",
                "validatingwebhookconfiguration",
                &self.name,
                "--ignore-not-found",
            ],
            "",
        );
    }
}
