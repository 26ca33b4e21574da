//! Registering a webhook, in force from the moment the call returns.

use crate::{controlplane::ControlPlane, namespace::Namespace, waiting::until};
use k8s_openapi::ByteString;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// A configuration that the API server obeys; it is deleted with this value.
pub(crate) struct Registered<'c> {
    cluster: &'c ControlPlane,
    name: String,
}

/// A ValidatingWebhookConfiguration that sends everything done in these namespaces to `url`, which shows a certificate of
/// `ca` (PEM). Its one webhook is called `NAME.kubevet.test`. A test may change it before it registers it.
pub(crate) fn configuration(
    name: &str,
    url: &str,
    ca: &str,
    failure_policy: &str,
    namespaces: &[&Namespace<'_>],
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
            // Objects of no namespace would be sent whatever the selector says.
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
    /// Registers a webhook by [`configuration`].
    pub(crate) fn webhook_configuration(
        &self,
        name: &str,
        url: &str,
        ca: &str,
        failure_policy: &str,
        namespaces: &[&Namespace<'_>],
    ) -> Registered<'_> {
        self.register(configuration(name, url, ca, failure_policy, namespaces))
    }

    /// Creates or replaces a configuration, and returns once the API server obeys it.
    ///
    /// How one can know: the configuration is given one webhook more, which refuses a ConfigMap of a label that no other
    /// has. Once a dry run of that is refused, the whole of the configuration is in force, whatever its own webhooks say.
    pub(crate) fn register(&self, mut configuration: Value) -> Registered<'_> {
        let mark = mark();
        let name = configuration["metadata"]["name"]
            .as_str()
            .expect("a configuration has a name")
            .to_owned();
        configuration["webhooks"]
            .as_array_mut()
            .expect("a configuration has webhooks")
            .push(probe(&mark));
        let registered = Registered {
            cluster: self,
            name,
        };
        self.kubectl(
            &["apply", "--server-side", "--force-conflicts", "-f", "-"],
            &configuration.to_string(),
        )
        .ok();
        self.until_in_force(&mark);
        registered
    }

    /// Returns once the API server obeys a configuration as it stands now. Leaves one webhook more in it.
    pub(crate) fn obeys(&self, name: &str) {
        let mark = mark();
        let patch =
            json!([{"op": "add", "path": "/webhooks/-", "value": probe(&mark)}]).to_string();
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
        self.until_in_force(&mark);
    }

    fn until_in_force(&self, mark: &str) {
        until("the webhook configuration to be in force", || {
            let seen = self.kubectl(&["create", "--dry-run=server", "-f", "-"], &probed(mark));
            if seen.code != 0 && seen.stderr.contains(&format!("{mark}.kubevet.test")) {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            }
        });
    }
}

/// A label that no other has.
fn mark() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!(
        "mark-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

/// A webhook that nobody answers, asked about nothing but ConfigMaps labelled with `mark`.
fn probe(mark: &str) -> Value {
    json!({
        "name": format!("{mark}.kubevet.test"),
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "failurePolicy": "Fail",
        "timeoutSeconds": 1,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "rules": [{
            "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["CREATE"],
        }],
        "objectSelector": {"matchLabels": {"probe": mark}},
    })
}

fn probed(mark: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": mark, "namespace": "default", "labels": {"probe": mark}},
    })
    .to_string()
}

impl Drop for Registered<'_> {
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
