//! Reloads of files and of the cluster's bindings.

use super::*;
use clap::Parser;
use kubevet_cluster::{ApiAccess, BindingHistory};
use kubevet_model::{Action, ControlId};
use prometheus_client::{encoding::text::encode, registry::Registry};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use tokio::net::TcpListener;

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    enforcement: EnforcementFlags,
}

/// Loads the configuration that a command line selects, and calls `meanwhile` before the server
/// starts with it.
fn live_config_after(
    arguments: &[&str],
    registry: &mut Registry,
    meanwhile: impl FnOnce(),
) -> LiveConfig {
    let flags = Flags::parse_from([&["kubevet"], arguments].concat()).enforcement;
    let (config, problems) = flags.load(None);
    assert_eq!(problems, []);
    meanwhile();
    let metrics = Arc::new(WebhookMetrics::new(registry, BTreeSet::new()));
    LiveConfig::new(Arc::new(flags), config, None, BTreeSet::new(), metrics)
}

fn live_config(arguments: &[&str], registry: &mut Registry) -> LiveConfig {
    live_config_after(arguments, registry, || {})
}

/// Writes an empty file of params into a temporary folder, and loads the configuration from it.
fn live_config_with_file(registry: &mut Registry) -> (TempDir, PathBuf, LiveConfig) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inputs.json");
    fs::write(&file, "{}").unwrap();
    let live = live_config(&["--controls-config", file.to_str().unwrap()], registry);
    (folder, file, live)
}

fn stored(name: &str, spec: &str, history: BindingHistory) -> StoredBinding {
    let json = format!(
        r#"{{"apiVersion":"kubevet.io/v1alpha1","kind":"ControlBinding","metadata":{{"name":"{name}"}},"spec":{spec}}}"#
    );
    StoredBinding {
        name: name.to_owned(),
        uid: "u".to_owned(),
        generation: 2,
        json: json.into_bytes().into(),
        history,
    }
}

/// A process that finds a binding broken at its start enforces its last good form, or is not ready.
#[tokio::test]
async fn broken_binding_keeps_its_last_good_form_over_a_restart() {
    const GOOD: &str = r#"{"validationActions":["Deny"],"controls":["C-0057"]}"#;
    const BROKEN: &str = r#"{"validationActions":["Deny"],"controls":["C-9999"]}"#;
    // Without params, the control checks nothing.
    const WITHOUT_EFFECT: &str = r#"{"validationActions":["Deny"],"controls":["C-0078"]}"#;
    let history = |last_good: Option<&str>, was_in_force| BindingHistory {
        last_good: last_good.map(Arc::from),
        was_in_force,
    };
    for (spec, history, expected_denies, expected_complete) in [
        (GOOD, history(None, false), true, true),
        (BROKEN, history(Some(GOOD), true), true, true),
        (BROKEN, history(Some(BROKEN), true), false, false),
        (BROKEN, history(Some("{"), true), false, false),
        (BROKEN, history(None, true), false, false),
        // A binding that was never good has no form to lose.
        (BROKEN, history(None, false), false, true),
        (WITHOUT_EFFECT, history(Some(GOOD), true), true, true),
        // One without an effect protected nothing, even where an earlier version accepted it.
        (WITHOUT_EFFECT, history(None, true), false, true),
    ] {
        let mut live = live_config(&[], &mut Registry::default());
        let bindings = Arc::from([stored("strict", spec, history.clone())]);
        live.apply_cluster_bindings(bindings);
        let snapshot = live.snapshot.load();
        let mut bindings = snapshot.enforcement.bindings.iter();
        let denies = bindings
            .any(|binding| binding.name == "strict" && binding.actions.contains(&Action::Deny));
        assert_eq!(
            (denies, live.check_complete().is_ok()),
            (expected_denies, expected_complete),
            "{spec} {history:?}"
        );
    }
}

/// The condition `Accepted` says what is in force, and what is not.
#[test]
fn condition_says_what_is_in_force() {
    let library = kubevet_policy::embedded().0;
    for (spec, holds, reason, message) in [
        (
            r#"{"controls":["C-0057","C-0016"],"validationActions":["Deny"]}"#,
            true,
            "InForce",
            "2 controls (Deny)",
        ),
        (
            r#"{"controls":["C-0057","C-0078"]}"#,
            true,
            "PartlyInForce",
            "1 control (Warn); C-0078 checks nothing: set params.imageRepositoryAllowList",
        ),
        (
            r#"{"controls":["C-0078"]}"#,
            false,
            "NoEffect",
            "spec.controls[0]: C-0078 checks nothing: set params.imageRepositoryAllowList; the binding is not in force",
        ),
        (
            r#"{"controls":["C-9999"]}"#,
            false,
            "Invalid",
            "spec.controls[0]: there is no control \"C-9999\"; the binding is not in force",
        ),
    ] {
        let stored = stored("b", spec, BindingHistory::default());
        let condition = evaluate(&stored, None, &library).status.condition;
        assert_eq!(
            (
                condition.holds,
                condition.reason.as_str(),
                condition.message.as_str()
            ),
            (Some(holds), reason, message),
            "{spec}"
        );
    }
}

#[tokio::test]
async fn changed_file_is_loaded_once_two_polls_see_the_same_content() {
    let (_folder, file, mut live) = live_config_with_file(&mut Registry::default());
    for (content, forced, generation) in [
        (None, false, 1),
        (Some(r#"{"insecureCapabilities": ["A"]}"#), false, 1),
        (Some(r#"{"insecureCapabilities": ["A", "B"]}"#), false, 1),
        (
            Some(r#"{"insecureCapabilities": ["A", "B", "C"]}"#),
            false,
            1,
        ),
        (None, false, 2),
        (None, false, 2),
        (Some(r#"{"insecureCapabilities": ["D"]}"#), true, 3),
        (None, false, 3),
    ] {
        if let Some(content) = content {
            fs::write(&file, content).unwrap();
        }
        live.poll_files(forced).await;
        assert_eq!(live.generation, generation, "{content:?}");
    }
}

/// An API server that accepts connections and never answers: a change is in force before its status
/// is written.
#[tokio::test]
async fn slow_status_delays_no_change_of_bindings() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    let address = listener.local_addr().unwrap();
    let content = format!(
        "{{apiVersion: v1, kind: Config, current-context: c, \
         clusters: [{{name: c, cluster: {{server: 'http://{address}'}}}}], \
         users: [{{name: u, user: {{token: t}}}}], \
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]}}"
    );
    fs::write(&kubeconfig, content).unwrap();
    let access = ApiAccess::Kubeconfig(kubeconfig);
    let cluster = kubevet_cluster::connect(&access).await.unwrap();
    let mut live = live_config(&[], &mut Registry::default());
    live.status_writer = Some(StatusWriter::start(cluster, None));
    let spec = r#"{"validationActions":["Deny"],"controls":["C-0057"]}"#;
    for name in ["first", "second"] {
        live.apply_cluster_bindings(Arc::from([stored(name, spec, BindingHistory::default())]));
        assert_eq!(live.snapshot.load().enforcement.bindings[0].name, name);
        // The status is requested, and there is no answer.
        let _unanswered = listener.accept().await.unwrap();
    }
}

/// Between loading and serving, the cluster is reached and certificates are issued.
#[tokio::test]
async fn file_that_changes_while_the_server_starts_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inputs.json");
    fs::write(&file, "{}").unwrap();
    let arguments = ["--controls-config", file.to_str().unwrap()];
    let change = || fs::write(&file, r#"{"insecureCapabilities": ["A"]}"#).unwrap();
    let mut live = live_config_after(&arguments, &mut Registry::default(), change);
    for generation in [1, 2, 2] {
        live.poll_files(false).await;
        assert_eq!(live.generation, generation);
    }
}

#[tokio::test]
async fn problems_of_a_file_stay_counted_when_bindings_change() {
    let mut registry = Registry::default();
    let (_folder, file, mut live) = live_config_with_file(&mut registry);
    let check = |expected: &str| {
        let mut metrics = String::new();
        encode(&mut metrics, &registry).unwrap();
        assert!(
            metrics.contains(expected),
            "{expected} is not in\n{metrics}"
        );
    };
    check("kubevet_library_problems 0");
    fs::write(&file, "{\"noSuchParam\": []}").unwrap();
    live.poll_files(true).await;
    check("kubevet_library_problems 1");
    live.apply_cluster_bindings(Arc::from([]));
    check("kubevet_library_problems 1");
    check("kubevet_library_generation 2");
    fs::write(&file, "{}").unwrap();
    live.poll_files(true).await;
    check("kubevet_library_problems 0");
}

/// Writes a version of a volume, and makes it the current one as the kubelet does: the entries of the
/// volume are links through `..data`, which is a link to the folder of the version, replaced at once.
fn mount_version(volume: &Path, version: &str, name: &str) {
    let control = volume.join(version).join("controls/C-9001-mounted");
    fs::create_dir_all(&control).unwrap();
    let metadata = format!(
        "{{id: C-9001, name: {name}, severity: high, category: c, risk: r, check: c, remediation: Fix it., \
         kinds: [workloads], scope: [cluster, file]}}"
    );
    fs::write(control.join("control.yaml"), metadata).unwrap();
    let rule = "package controls.c9001\n\nimport rego.v1\n\n\
                deny contains {\"message\": \"m\", \"paths\": [\"spec\"], \"fixes\": []} if input.object.kind == \"Pod\"\n";
    fs::write(control.join("rule.rego"), rule).unwrap();
    symlink(version, volume.join("..data_tmp")).unwrap();
    fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
}

/// The pods mount the ConfigMap of `kubevet manifests --custom-rules`.
#[tokio::test]
async fn volume_of_policies_is_loaded_when_the_kubelet_replaces_it() {
    let volume = tempfile::tempdir().unwrap();
    mount_version(volume.path(), "..2026_11_29", "First");
    symlink("..data/controls", volume.path().join("controls")).unwrap();
    let arguments = ["--policies", volume.path().to_str().unwrap()];
    let mut live = live_config(&arguments, &mut Registry::default());
    let check = |live: &LiveConfig, generation: u64, name: &str| {
        assert_eq!((live.generation, live.problems), (generation, 0));
        let snapshot = live.snapshot.load();
        let control = snapshot
            .enforcement
            .controls
            .get(&ControlId::from("C-9001"))
            .unwrap();
        assert_eq!(control.name, name);
    };
    check(&live, 1, "First");
    mount_version(volume.path(), "..2026_11_30", "Second");
    fs::remove_dir_all(volume.path().join("..2026_11_29")).unwrap();
    live.poll_files(false).await;
    check(&live, 1, "First");
    live.poll_files(false).await;
    check(&live, 2, "Second");
}
