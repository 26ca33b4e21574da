//! The ConfigMaps with policies and params that `kubevet manifests` writes are accepted, and so is the
//! Deployment that mounts them.

use kubevet_testkit::{build_output::kubevet_binary, control_plane::ControlPlane, process};
use std::{fs, process::Command};

#[test]
fn config_maps_of_policies_and_params_are_accepted() {
    let Some(cluster) = ControlPlane::shared("config maps of policies") else {
        return;
    };
    let namespace = cluster.namespace("policies");
    let dir = tempfile::tempdir().expect("a folder can be made");
    fs::write(dir.path().join("params.yaml"), "cloudProvider: aws\n").expect("a file can be made");
    let kubevet = |arguments: &[&str]| {
        let mut command = Command::new(kubevet_binary());
        process::run(command.current_dir(dir.path()).args(arguments), "").ok()
    };
    kubevet(&["policy", "new", "C-9001-mine"]);
    let all = kubevet(&[
        "manifests",
        "--custom-rules",
        "C-9001-mine",
        "--controls-config",
        "params.yaml",
        "--namespace",
        namespace.name(),
    ]);
    let is_wanted = |part: &&str| {
        let kinds = ["ConfigMap", "Deployment"];
        let mut kinds = kinds.iter().map(|kind| format!("\nkind: {kind}\n"));
        kinds.any(|kind| part.contains(&kind))
    };
    let wanted: Vec<&str> = all.split("\n---\n").filter(is_wanted).collect();
    let output = namespace
        .kubectl(
            &["apply", "--dry-run=server", "-f", "-"],
            &wanted.join("\n---\n"),
        )
        .ok();
    assert_eq!(
        output,
        "configmap/kubevet-policies created (server dry run)\n\
         configmap/kubevet-controls-config created (server dry run)\n\
         deployment.apps/kubevet created (server dry run)\n"
    );
}
