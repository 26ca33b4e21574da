//! A namespace that belongs to one test.

use crate::{control_plane::ControlPlane, polling::wait_for, process::ProcessOutput};
use std::sync::atomic::{AtomicU32, Ordering};

/// A namespace in which Pods can be created; it is deleted with this value.
pub struct TestNamespace<'c> {
    cluster: &'c ControlPlane,
    name: String,
}

impl ControlPlane {
    /// Creates a namespace with a unique name that begins with `stem`.
    pub fn namespace(&self, stem: &str) -> TestNamespace<'_> {
        self.labelled_namespace(stem, &[])
    }

    /// As [`Self::namespace`], with labels.
    pub fn labelled_namespace(&self, stem: &str, labels: &[(&str, &str)]) -> TestNamespace<'_> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "{stem}-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let labels: serde_json::Map<_, _> = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).into()))
            .collect();
        let object = serde_json::json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels},
        });
        self.kubectl(&["create", "-f", "-"], &object.to_string())
            .ok();
        // No Pod is accepted before a controller has created the service account.
        wait_for("the default service account", || {
            let output = self.kubectl(&["get", "serviceaccount", "default", "-n", &name], "");
            if output.code == 0 {
                Ok(())
            } else {
                Err(output.stderr)
            }
        });
        TestNamespace {
            cluster: self,
            name,
        }
    }
}

impl TestNamespace<'_> {
    /// The control plane that it is in.
    pub fn cluster(&self) -> &ControlPlane {
        self.cluster
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs kubectl in this namespace as the admin.
    pub fn kubectl(&self, args: &[&str], stdin: &str) -> ProcessOutput {
        self.cluster
            .kubectl(&[args, &["-n", &self.name]].concat(), stdin)
    }

    /// Runs kubectl in this namespace as the developer.
    pub fn kubectl_as_developer(&self, args: &[&str], stdin: &str) -> ProcessOutput {
        self.cluster
            .kubectl_as_developer(&[args, &["-n", &self.name]].concat(), stdin)
    }
}

impl Drop for TestNamespace<'_> {
    // Only starts the deletion: no test depends on its end, and a failure here must not hide that of
    // the test.
    fn drop(&mut self) {
        let _ = self
            .cluster
            .kubectl(&["delete", "namespace", &self.name, "--wait=false"], "");
    }
}
