//! A namespace of a test's own.

use crate::{controlplane::ControlPlane, process::Output, waiting::until};
use std::sync::atomic::{AtomicU32, Ordering};

/// A namespace that Pods can be made in; it is deleted with this value.
pub(crate) struct Namespace<'c> {
    cluster: &'c ControlPlane,
    name: String,
}

impl ControlPlane {
    /// A new namespace, named after `stem` and like no other.
    pub(crate) fn namespace(&self, stem: &str) -> Namespace<'_> {
        self.labelled_namespace(stem, &[])
    }

    /// As [`Self::namespace`], with labels.
    pub(crate) fn labelled_namespace(&self, stem: &str, labels: &[(&str, &str)]) -> Namespace<'_> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "{stem}-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let labels: serde_json::Map<_, _> = labels
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).into()))
            .collect();
        let object = serde_json::json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels},
        });
        self.kubectl(&["create", "-f", "-"], &object.to_string())
            .ok();
        // Without its service account, which a controller makes, no Pod is taken.
        until("the default service account", || {
            let seen = self.kubectl(&["get", "serviceaccount", "default", "-n", &name], "");
            if seen.code == 0 {
                Ok(())
            } else {
                Err(seen.stderr)
            }
        });
        Namespace {
            cluster: self,
            name,
        }
    }
}

impl Namespace<'_> {
    pub(crate) fn cluster(&self) -> &ControlPlane {
        self.cluster
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs kubectl in this namespace as the admin.
    pub(crate) fn kubectl(&self, args: &[&str], stdin: &str) -> Output {
        self.cluster
            .kubectl(&[args, &["-n", &self.name]].concat(), stdin)
    }

    /// Runs kubectl in this namespace as the developer.
    pub(crate) fn kubectl_as_developer(&self, args: &[&str], stdin: &str) -> Output {
        self.cluster
            .kubectl_as_developer(&[args, &["-n", &self.name]].concat(), stdin)
    }
}

impl Drop for Namespace<'_> {
    /// Starts the deletion; its end is nobody's concern, and a failure must not hide that of the test.
    fn drop(&mut self) {
        let _ = self
            .cluster
            .kubectl(&["delete", "namespace", &self.name, "--wait=false"], "");
    }
}
