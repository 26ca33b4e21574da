//! A webhook with bindings of one test, and its registration for the namespaces of that test.

use kubevet_testkit::{
    control_plane::ControlPlane,
    namespace::TestNamespace,
    polling::wait_for,
    webhook_process::WebhookProcess,
    webhook_registration::{RegisteredWebhook, validating_webhook_configuration},
};
use serde_json::Value;
use std::{fs, path::PathBuf};
use tempfile::TempDir;

/// A webhook that is called for every request in some namespaces; it ends with this value.
pub(crate) struct ActiveWebhook<'c> {
    // Fields are dropped in order: the registration must end before the process.
    _registered: RegisteredWebhook<'c>,
    pub(crate) process: WebhookProcess,
    dir: TempDir,
}

impl<'c> ActiveWebhook<'c> {
    /// Starts a webhook with these ControlBindings (YAML) and more flags, and registers it for
    /// these namespaces.
    pub(crate) fn start(
        cluster: &'c ControlPlane,
        namespaces: &[&TestNamespace<'_>],
        bindings: &str,
        flags: &[&str],
    ) -> Self {
        let name = namespaces[0].name();
        Self::start_with(cluster, bindings, flags, |process| {
            validating_webhook_configuration(
                name,
                &process.url(),
                &process.ca(),
                "Fail",
                namespaces,
            )
        })
    }

    /// As [`Self::start`], with a configuration made by the test.
    pub(crate) fn start_with(
        cluster: &'c ControlPlane,
        bindings: &str,
        flags: &[&str],
        configuration: impl FnOnce(&WebhookProcess) -> Value,
    ) -> Self {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let folder = dir.path().join("bindings");
        fs::create_dir(&folder).expect("a folder can be made");
        fs::write(folder.join("bindings.yaml"), bindings).expect("a file can be written");
        let (folder, log) = (
            folder.display().to_string(),
            dir.path().join("decisions").display().to_string(),
        );
        let mut all = [&["--bindings", &folder, "--decision-log", &log], flags].concat();
        if !flags.contains(&"--decision-sample") {
            // Every decision is logged, so that a test can also look for missing ones.
            all.extend(["--decision-sample", "1"]);
        }
        let process =
            WebhookProcess::start(&dir.path().join("tls"), &all).expect("the webhook starts");
        let registered = cluster.register(configuration(&process));
        Self {
            _registered: registered,
            process,
            dir,
        }
    }

    /// Returns all decisions so far.
    pub(crate) fn decisions(&self) -> Vec<Value> {
        let log = fs::read_to_string(self.decision_log()).unwrap_or_default();
        let lines = log
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        lines
            .map(|line| serde_json::from_str(line).expect("the decision log is JSON lines"))
            .collect()
    }

    /// Waits for a decision that `predicate` accepts, and returns the first.
    pub(crate) fn decision(&self, description: &str, predicate: impl Fn(&Value) -> bool) -> Value {
        wait_for(&format!("a decision: {description}"), || {
            let decisions = self.decisions();
            decisions
                .iter()
                .find(|decision| predicate(decision))
                .cloned()
                .ok_or_else(|| format!("{decisions:#?}"))
        })
    }

    /// The folder of its ControlBindings.
    pub(crate) fn bindings(&self) -> PathBuf {
        self.dir.path().join("bindings")
    }

    fn decision_log(&self) -> PathBuf {
        self.dir.path().join("decisions")
    }
}

/// A ControlBinding with this name and `spec`, as one line of YAML.
pub(crate) fn binding(name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: kubevet.io/v1alpha1, kind: ControlBinding, metadata: {{name: {name}}}, spec: {{{spec}}}}}\n"
    )
}
