//! A gate with bindings of a test's own, and the webhook that sends it what is done in the test's namespaces.

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

/// A gate that is asked about everything done in some namespaces; it ends with this value.
pub(crate) struct ActiveWebhook<'c> {
    // The order in which they end: nobody may be sent to a gate that is gone.
    _registered: RegisteredWebhook<'c>,
    pub(crate) gate: WebhookProcess,
    dir: TempDir,
}

impl<'c> ActiveWebhook<'c> {
    /// A gate under these ControlBindings (YAML), with more flags, in force for these namespaces.
    pub(crate) fn start(
        cluster: &'c ControlPlane,
        namespaces: &[&TestNamespace<'_>],
        bindings: &str,
        flags: &[&str],
    ) -> Self {
        let name = namespaces[0].name();
        Self::with(cluster, bindings, flags, |gate| {
            validating_webhook_configuration(name, &gate.url(), &gate.ca(), "Fail", namespaces)
        })
    }

    /// As [`Self::over`], with the configuration that is made for the gate.
    pub(crate) fn with(
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
            // Whatever is decided is logged: a test may look for what is missing, too.
            all.extend(["--decision-sample", "1"]);
        }
        let gate = WebhookProcess::start(&dir.path().join("tls"), &all).expect("the gate starts");
        let registered = cluster.register(validating_webhook_configuration(&gate));
        Self {
            _registered: registered,
            gate,
            dir,
        }
    }

    /// Every decision so far.
    pub(crate) fn decisions(&self) -> Vec<Value> {
        let log = fs::read_to_string(self.decision_log()).unwrap_or_default();
        let lines = log
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        lines
            .map(|line| serde_json::from_str(line).expect("the decision log is JSON lines"))
            .collect()
    }

    /// The first decision that is wanted, once it is logged.
    pub(crate) fn decision(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        wait_for(&format!("a decision: {what}"), || {
            let decisions = self.decisions();
            decisions
                .iter()
                .find(|decision| wanted(decision))
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

/// A ControlBinding called `name` with this `spec`, in YAML of one line.
pub(crate) fn binding(name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: kubevet.io/v1alpha1, kind: ControlBinding, metadata: {{name: {name}}}, spec: {{{spec}}}}}\n"
    )
}
