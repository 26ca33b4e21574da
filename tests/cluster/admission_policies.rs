//! Exported policies on a real API server: accepted, in force, equal to the webhook's decision, and
//! removed again.

use kubevet_testkit::{
    build_output::kubevet_binary,
    control_plane::ControlPlane,
    polling::wait_for,
    process::{self, ProcessOutput},
};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};

/// Runs `kubevet vap` and returns its result.
pub(crate) fn vap(args: &[&str]) -> ProcessOutput {
    process::run(Command::new(kubevet_binary()).arg("vap").args(args), "")
}

fn pod(name: &str, extra: &Value) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [{"name": "web", "image": "nginx:1"}]},
    });
    let container = pod["spec"]["containers"][0].as_object_mut().expect("a map");
    container.extend(extra.as_object().expect("a map").clone());
    pod
}

fn privileged(name: &str) -> Value {
    pod(name, &json!({"securityContext": {"privileged": true}}))
}

/// Repeats a dry run until its result is the expected one.
fn becomes(
    attempt: impl Fn() -> ProcessOutput,
    description: &str,
    wanted: impl Fn(&ProcessOutput) -> bool,
) -> ProcessOutput {
    wait_for(description, || {
        let output = attempt();
        if wanted(&output) {
            Ok(output)
        } else {
            Err(format!("{output:?}"))
        }
    })
}

/// The documents of one kind.
fn of_kind<'t>(yaml: &'t str, kind: &str) -> Vec<&'t str> {
    yaml.split("---\n")
        .filter(|part| part.contains(&format!("\nkind: {kind}\n")))
        .collect()
}

/// The API server accepts every policy in every form, and the type check of the controller manager
/// reports nothing about the stored ones. Most forms are only checked in a dry run, where each is
/// compiled for every kind it matches.
#[test]
fn every_exported_policy_is_accepted_and_type_checks() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let Some(cluster) =
        ControlPlane::isolated("policies", &dir.path().join("cluster"), &["--throw-away"])
    else {
        return;
    };
    let packed = vap(&["generate", "--action", "Audit"]).ok();
    let library = vap(&["deploy-library"]).ok();
    // One pack each for workloads, Pods and ConfigMaps, two with a twin; one policy for each
    // control, most with a twin.
    for (yaml, at_least) in [(&packed, 9), (&library, 34)] {
        let policies = of_kind(yaml, "ValidatingAdmissionPolicy");
        assert!(policies.len() >= at_least, "{}", policies.len());
        for some in policies.chunks(4) {
            cluster
                .kubectl(
                    &["create", "--dry-run=server", "-f", "-"],
                    &some.join("---\n"),
                )
                .ok();
        }
    }
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let apply = |args: &[&str]| {
        vap(&[
            &["apply", "--action", "Audit", "--kubeconfig", &kubeconfig],
            args,
        ]
        .concat())
        .ok()
    };
    // The API server checks the types of policies in the background, one after the other.
    let wait_for_types = || {
        wait_for("types to be checked", || {
            let output = cluster
                .kubectl(&["get", "validatingadmissionpolicies", "-o", "json"], "")
                .ok();
            let list: Value = serde_json::from_str(&output).expect("kubectl prints JSON");
            let items = list["items"].as_array().cloned().unwrap_or_default();
            for item in &items {
                let warnings = &item["status"]["typeChecking"]["expressionWarnings"];
                assert!(
                    warnings.is_null(),
                    "{}: {warnings}",
                    item["metadata"]["name"]
                );
            }
            let checked = items.iter().filter(|item| {
                item["status"]["observedGeneration"] == item["metadata"]["generation"]
            });
            if checked.count() == items.len() {
                Ok(())
            } else {
                Err("not all are checked yet".to_owned())
            }
        });
    };
    apply(&["NSA", "--params", "resource"]);
    wait_for_types();
    let config = dir.path().join("config.yaml");
    let params = "publicRegistries: [quay.io]\nimageRepositoryAllowList: [registry.example.com]\n";
    fs::write(&config, params).expect("a file can be written");
    let config = config.display().to_string();
    apply(&["--style", "readable", "--controls-config", &config]);
    wait_for_types();
    apply(&["K-0001", "K-0002", "C-0046", "--style", "readable"]);
    apply(&["C-0046", "--style", "readable", "--params", "resource"]);
    apply(&["K-0001", "K-0002", "C-0073", "--one-per-control"]);
    wait_for_types();
}

#[test]
fn exported_policy_decides_as_the_webhook() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let Some(cluster) =
        ControlPlane::isolated("decides", &dir.path().join("cluster"), &["--throw-away"])
    else {
        return;
    };
    let shop = cluster.namespace("shop");
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let apply = |args: &[&str]| vap(&[&["apply", "--kubeconfig", &kubeconfig], args].concat());
    // An object from before the policies.
    let old = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "old"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "old"}},
            "template": {"metadata": {"labels": {"app": "old"}}, "spec": privileged("x")["spec"]},
        },
    });
    shop.kubectl(&["create", "-f", "-"], &old.to_string()).ok();

    let dry = apply(&["C-0057", "C-0038", "--action", "Deny", "--dry-run"]).ok();
    assert!(
        dry.contains("ValidatingAdmissionPolicy kubevet-controls-")
            && dry.contains(": created (dry run)\n"),
        "{dry}"
    );
    let none = cluster
        .kubectl(&["get", "validatingadmissionpolicies", "-o", "name"], "")
        .ok();
    assert_eq!(none, "");
    let done = apply(&["C-0057", "C-0038", "--action", "Deny", "--prune"]).ok();
    assert!(
        done.contains("ValidatingAdmissionPolicyBinding kubevet-controls-")
            && done.contains("-workloads: created\n"),
        "{done}"
    );
    let again = apply(&["C-0057", "C-0038", "--action", "Deny", "--prune"]).ok();
    assert!(
        !again.contains("created") && !again.contains(": changed\n") && !again.contains("pruned"),
        "{again}"
    );

    let create = |object: &Value| {
        shop.kubectl(
            &["create", "--dry-run=server", "-f", "-"],
            &object.to_string(),
        )
    };
    let denied = becomes(
        || create(&privileged("web")),
        "a denial",
        |output| output.code != 0,
    );
    assert!(
        denied.stderr.contains(
            "container web is privileged: it can do everything that the node can (C-0057)"
        ),
        "{denied:?}"
    );
    create(&pod("web", &json!({}))).ok();

    // An UPDATE is denied for new findings only; existing ones are reported as warnings.
    let patch = |yaml: &str| {
        shop.kubectl(
            &["patch", "replicaset", "old", "--type=merge", "-p", yaml],
            "",
        )
    };
    let label = patch(r#"{"metadata":{"labels":{"a":"b"}}}"#);
    assert!(label.code == 0, "{label:?}");
    assert!(
        label
            .stderr
            .contains("already there: container web is privileged"),
        "{label:?}"
    );
    let worse = patch(r#"{"spec":{"template":{"spec":{"hostPID":true}}}}"#);
    assert!(
        worse.code != 0 && worse.stderr.contains("(C-0038)"),
        "{worse:?}"
    );
    assert!(
        !worse
            .stderr
            .contains("denied request: container web is privileged"),
        "{worse:?}"
    );

    // Pods of an existing Deployment are admitted; a forged owner is not believed.
    patch(r#"{"spec":{"replicas":1}}"#).ok();
    wait_for("the ReplicaSet's Pod", || {
        let output = shop
            .kubectl(&["get", "pods", "-l", "app=old", "-o", "name"], "")
            .ok();
        if output.is_empty() {
            Err(shop.kubectl(&["get", "events"], "").stdout)
        } else {
            Ok(())
        }
    });
    let mut claims = privileged("claims");
    claims["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "old", "uid": "u", "controller": true,
    }]);
    assert!(create(&claims).code != 0);

    // Policies that are no longer exported are removed.
    let pruned = apply(&["C-0038", "--one-per-control", "--action", "Deny", "--prune"]).ok();
    assert!(
        pruned.contains("ValidatingAdmissionPolicy kubevet-controls-")
            && pruned.contains("-workloads: pruned\n"),
        "{pruned}"
    );
    becomes(
        || create(&privileged("web")),
        "it to pass",
        |output| output.code == 0,
    );
    let names = cluster
        .kubectl(
            &["get", "validatingadmissionpolicybindings", "-o", "name"],
            "",
        )
        .ok();
    assert_eq!(names.lines().count(), 2, "{names}");
}

#[test]
fn exports_of_other_selections_hold_together() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let Some(cluster) =
        ControlPlane::isolated("together", &dir.path().join("cluster"), &["--throw-away"])
    else {
        return;
    };
    let shop = cluster.namespace("shop");
    for control in ["C-0057", "C-0041"] {
        let yaml = vap(&["generate", control, "--action", "Deny"]).ok();
        cluster.kubectl(&["apply", "-f", "-"], &yaml).ok();
    }
    let mut host_network = pod("host", &json!({}));
    host_network["spec"]["hostNetwork"] = json!(true);
    for (object, id) in [
        (&privileged("web"), "(C-0057)"),
        (&host_network, "(C-0041)"),
    ] {
        let create = || {
            let args = ["create", "--dry-run=server", "-f", "-"];
            shop.kubectl(&args, &object.to_string())
        };
        becomes(create, "a denial", |output| {
            output.code != 0 && output.stderr.contains(id)
        });
    }
}

/// A kind of other software that accepts any field.
fn crd(group: &str, kind: &str, resource: &str) -> Value {
    let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{resource}.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"kind": kind, "plural": resource, "singular": kind.to_lowercase()},
            "versions": [{
                "name": "v1alpha1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": any},
            }],
        },
    })
}

/// One kind of each shape of pods, of which two have the name of a built-in kind, and one of a user.
#[test]
fn exported_policies_check_the_pods_of_other_software() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let Some(cluster) =
        ControlPlane::isolated("custom", &dir.path().join("cluster"), &["--throw-away"])
    else {
        return;
    };
    let shop = cluster.namespace("shop");
    let kinds = [
        ("argoproj.io", "Rollout", "rollouts"),
        ("apps.kruise.io", "DaemonSet", "daemonsets"),
        ("kubeflow.org", "PyTorchJob", "pytorchjobs"),
        ("serving.knative.dev", "Revision", "revisions"),
        ("argoproj.io", "Workflow", "workflows"),
        ("example.com", "Farm", "farms"),
    ];
    for (group, kind, resource) in kinds {
        let crd = crd(group, kind, resource).to_string();
        cluster.kubectl(&["create", "-f", "-"], &crd).ok();
    }
    let container = |privileged: bool| json!({"name": "web", "image": "nginx:1", "securityContext": {"privileged": privileged}});
    let object = |group: &str, kind: &str, containers: &[Value]| {
        let spec = json!({"containers": containers});
        let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": spec});
        let spec = match kind {
            "PyTorchJob" => json!({"pytorchReplicaSpecs": {"Worker": {"template": template}}}),
            "Revision" => spec,
            "Workflow" => json!({"templates": [
                {"name": "steps", "steps": [[{"name": "one", "template": "a"}]]},
                {"name": "a", "container": containers[0], "sidecars": containers[1..]},
            ]}),
            "Farm" => json!({"boats": [{"name": "a", "pods": {"x": {"pod": spec}}}]}),
            _ => json!({"template": template}),
        };
        json!({
            "apiVersion": format!("{group}/v1alpha1"), "kind": kind,
            "metadata": {"name": "old"}, "spec": spec,
        })
    };
    // Before the policies: these have findings that are not new.
    for (group, kind, resource) in kinds {
        wait_for("the kind to be served", || {
            let old = object(group, kind, &[container(true)]).to_string();
            let output = shop.kubectl(&["create", "-f", "-"], &old);
            if output.code == 0 {
                Ok(())
            } else {
                Err(format!("{resource}: {output:?}"))
            }
        });
    }
    let file = dir.path().join("workloads.yaml");
    let rows = "- {apiVersion: example.com/v1, kind: Farm, podSpec: 'spec.boats[*].pods{*}.pod'}\n";
    fs::write(&file, rows).expect("a file can be written");
    let file = file.display().to_string();
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let apply = |args: &[&str]| {
        let to = ["apply", "--kubeconfig", &kubeconfig];
        vap(&[&to, args].concat()).ok();
    };
    apply(&["C-0057", "C-0013", "--action", "Deny", "--workloads", &file]);
    apply(&[
        "C-0020",
        "C-0076",
        "--action",
        "Audit",
        "--custom-workloads",
    ]);
    apply(&["C-0046", "--style", "readable", "--custom-workloads"]);
    for (group, kind, resource) in kinds {
        let mut new = object(group, kind, &[container(true)]);
        new["metadata"]["name"] = json!("new");
        let create = ["create", "--dry-run=server", "-f", "-"];
        let denied = becomes(
            || shop.kubectl(&create, &new.to_string()),
            "a denial",
            |output| output.code != 0,
        );
        assert!(
            denied.stderr.contains(
                "container web is privileged: it can do everything that the node can (C-0057)"
            ),
            "{kind}: {denied:?}"
        );
        let mut clean = object(group, kind, &[container(false)]);
        clean["metadata"]["name"] = json!("clean");
        let clean = shop.kubectl(&create, &clean.to_string());
        assert!(!clean.stderr.contains("C-0057"), "{kind}: {clean:?}");
        // The name of the resource alone can be that of a built-in one.
        let name = format!("{resource}.{group}/old");
        let labels = ["label", "--overwrite", name.as_str(), "a=b"];
        let labelled = shop.kubectl(&labels, "");
        assert_eq!(labelled.code, 0, "{kind}: {labelled:?}");
        assert!(
            labelled
                .stderr
                .contains("already there: container web is privileged"),
            "{kind}: {labelled:?}"
        );
        let mut second = container(true);
        second["name"] = json!("second");
        let more = object(group, kind, &[container(true), second]).to_string();
        let more = shop.kubectl(&["apply", "--dry-run=server", "-f", "-"], &more);
        assert!(
            more.code != 0 && more.stderr.contains("C-0057"),
            "{kind}: {more:?}"
        );
    }
    let output = cluster
        .kubectl(&["get", "validatingadmissionpolicies", "-o", "json"], "")
        .ok();
    let list: Value = serde_json::from_str(&output).expect("kubectl prints JSON");
    for item in list["items"].as_array().into_iter().flatten() {
        let warnings = &item["status"]["typeChecking"]["expressionWarnings"];
        assert!(
            warnings.is_null(),
            "{}: {warnings}",
            item["metadata"]["name"]
        );
    }
}

#[test]
fn apply_takes_no_control_from_a_policy_unless_forced() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let Some(cluster) =
        ControlPlane::isolated("shrink", &dir.path().join("cluster"), &["--throw-away"])
    else {
        return;
    };
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let bindings = dir.path().join("bindings");
    fs::create_dir(&bindings).expect("a folder can be made");
    let folder = bindings.display().to_string();
    let apply = |controls: &str, flags: &[&str]| {
        let binding = format!(
            "apiVersion: kubevet.io/v1alpha1\nkind: ControlBinding\nmetadata: {{name: strict}}\n\
             spec: {{controls: [{controls}], validationActions: [Deny], matchResources: {{}}}}\n"
        );
        fs::write(bindings.join("strict.yaml"), binding).expect("a file can be written");
        let args = ["apply", "--bindings", &folder, "--kubeconfig", &kubeconfig];
        vap(&[&args, flags].concat())
    };
    apply("C-0057, C-0041, C-0038", &[]).ok();
    let held = || {
        let path = "jsonpath={.metadata.annotations.kubevet\\.io/controls}";
        let name = "kubevet-binding-strict-workloads";
        cluster
            .kubectl(&["get", "validatingadmissionpolicy", name, "-o", path], "")
            .ok()
    };
    for flags in [&[][..], &["--dry-run"], &["--prune"]] {
        let refused = apply("C-0057", flags);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(
            refused
                .stderr
                .contains("kubevet-binding-strict-workloads would lose C-0038, C-0041. ")
                && refused.stderr.contains("--force"),
            "{refused:?}"
        );
        assert_eq!(held(), "C-0038,C-0041,C-0057");
    }
    apply("C-0057, C-0041, C-0038, C-0013", &[]).ok();
    assert_eq!(held(), "C-0013,C-0038,C-0041,C-0057");
    apply("C-0057", &["--force"]).ok();
    assert_eq!(held(), "C-0057");
    // The API server has written the types that it checked into the statuses since.
    wait_for("a status", || {
        let path = "jsonpath={.items[*].status.observedGeneration}";
        let args = ["get", "validatingadmissionpolicies", "-o", path];
        match cluster.kubectl(&args, "").ok() {
            none if none.is_empty() => Err("no status is there yet".to_owned()),
            _ => Ok(()),
        }
    });
    let again = apply("C-0057", &[]).ok();
    assert!(
        again.lines().all(|line| line.ends_with(": unchanged")),
        "{again}"
    );
}

#[test]
fn whole_library_is_applied_at_once() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let Some(cluster) =
        ControlPlane::isolated("library", &dir.path().join("cluster"), &["--throw-away"])
    else {
        return;
    };
    let shop = cluster.namespace("shop");
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let apply = || vap(&["apply", "--library", "--kubeconfig", &kubeconfig]);
    let first = apply().ok();
    for expected in [
        "CustomResourceDefinition controlconfigurations.kubescape.io: created\n",
        "ControlConfiguration basic-control-configuration: created\n",
        "ValidatingAdmissionPolicy kubevet-c-0057: created\n",
    ] {
        assert!(first.contains(expected), "{expected}{first}");
    }
    assert!(
        !first.contains("ValidatingAdmissionPolicyBinding"),
        "{first}"
    );
    let again = apply().ok();
    assert!(!again.contains(": changed\n"), "{again}");
    let args = [
        "-n",
        "caps",
        "-c",
        "C-0046",
        "-r",
        "basic-control-configuration",
    ];
    let binding = vap(&[&["create-policy-binding"][..], &args].concat()).ok();
    cluster.kubectl(&["apply", "-f", "-"], &binding).ok();
    let admin = pod(
        "web",
        &json!({"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}),
    );
    let create = || {
        let args = ["create", "--dry-run=server", "-f", "-"];
        shop.kubectl(&args, &admin.to_string())
    };
    becomes(create, "a denial", |output| {
        output.stderr.contains("C-0046")
    });
}

#[test]
fn params_object_is_in_force_and_required() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let Some(cluster) =
        ControlPlane::isolated("params", &dir.path().join("cluster"), &["--throw-away"])
    else {
        return;
    };
    let shop = cluster.namespace("shop");
    let kubeconfig = cluster.kubeconfig().display().to_string();
    vap(&[
        "apply",
        "C-0046",
        "--params",
        "resource",
        "--action",
        "Deny",
        "--kubeconfig",
        &kubeconfig,
    ])
    .ok();
    let capability = |name: &str| {
        let object = pod(
            "web",
            &json!({"securityContext": {"capabilities": {"add": [name]}}}),
        );
        shop.kubectl(
            &["create", "--dry-run=server", "-f", "-"],
            &object.to_string(),
        )
    };
    becomes(
        || capability("SYS_ADMIN"),
        "a denial",
        |output| output.stderr.contains("C-0046"),
    );
    capability("CHOWN").ok();
    let settings = r#"{"settings":{"insecureCapabilities":["CHOWN"]}}"#;
    cluster
        .kubectl(
            &[
                "patch",
                "controlconfiguration",
                "kubevet-c-0046",
                "--type=merge",
                "-p",
                settings,
            ],
            "",
        )
        .ok();
    becomes(
        || capability("CHOWN"),
        "a denial by the new params",
        |output| output.stderr.contains("C-0046"),
    );
    becomes(
        || capability("SYS_ADMIN"),
        "it to pass",
        |output| output.code == 0,
    );
    // Without its params, a binding that denies still denies.
    cluster
        .kubectl(&["delete", "controlconfiguration", "kubevet-c-0046"], "")
        .ok();
    becomes(
        || capability("KILL"),
        "a refusal",
        |output| output.code != 0 && output.stderr.contains("no params found"),
    );
}

#[test]
fn api_server_reads_policies_from_files() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let manifests = dir.path().join("manifests");
    let written = vap(&[
        "generate",
        "C-0057",
        "--action",
        "Deny",
        "--exempt-namespaces",
        "",
        "--static-manifests",
        &manifests.display().to_string(),
    ]);
    assert!(written.code == 0, "{written:?}");
    let configuration = dir.path().join("admission.yaml");
    fs::write(&configuration, admission_configuration(&manifests)).expect("a file can be written");
    let flags = [
        "--feature-gates=ManifestBasedAdmissionControlConfig=true",
        &format!(
            "--admission-control-config-file={}",
            configuration.display()
        ),
    ];
    let Some(cluster) =
        ControlPlane::with_server_flags("static", &dir.path().join("cluster"), &flags)
    else {
        return;
    };
    let denied = cluster.kubectl(
        &["create", "--dry-run=server", "-n", "kube-system", "-f", "-"],
        &privileged("web").to_string(),
    );
    assert!(
        denied
            .stderr
            .contains("ValidatingAdmissionPolicy 'kubevet-c-0057-")
            && denied
                .stderr
                .contains("-workloads.static.k8s.io' denied request"),
        "{denied:?}"
    );
    assert!(denied.stderr.contains("is privileged: "), "{denied:?}");
}

/// The admission configuration of docs/vap.md.
fn admission_configuration(manifests: &Path) -> String {
    format!(
        "apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
  - name: ValidatingAdmissionPolicy
    configuration:
      apiVersion: apiserver.config.k8s.io/v1
      kind: ValidatingAdmissionPolicyConfiguration
      staticManifestsDir: {}
",
        manifests.display()
    )
}
