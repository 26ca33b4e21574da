//! From Audit to Deny against a real API server: the operator counts what a binding would deny, the gate
//! counts what it does with reviews, `kubevet promote` denies where all is clean, and takes it back.

use crate::{
    active_webhook::binding,
    operator::{ALONE, WatchedCluster},
    operator_sinks::install_definitions,
};
use kubevet_testkit::{
    build_output::kubevet_binary,
    control_plane::ControlPlane,
    namespace::TestNamespace,
    polling::wait_for,
    process::{self, ChildProcess, ProcessOutput},
    webhook_process::WebhookProcess,
    webhook_registration::validating_webhook_configuration,
};
use serde_json::{Value, json};
use std::process::Command;

/// Installs the definition of ControlBindings.
fn install_definition(cluster: &ControlPlane) {
    let all = process::run(Command::new(kubevet_binary()).arg("manifests"), "").ok();
    let mut parts = all.split("\n---\n");
    let definition = parts.find(|part| part.contains("kind: CustomResourceDefinition"));
    let apply = ["apply", "--server-side", "--validate=strict", "-f", "-"];
    cluster
        .kubectl(&apply, definition.expect("the manifests have one"))
        .ok();
    let wait = ["wait", "--for=condition=Established", "crd", "--all"];
    cluster.kubectl(&wait, "").ok();
}

fn pod(name: &str, is_privileged: bool) -> String {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [
            {"name": "c", "image": "nginx", "securityContext": {"privileged": is_privileged}},
        ]},
    })
    .to_string()
}

/// Runs kubevet with the rights of the cluster.
fn command(watched: &WatchedCluster, args: &[&str]) -> Command {
    let mut command = Command::new(kubevet_binary());
    command
        .args(args)
        .env("KUBECONFIG", watched.cluster.kubeconfig());
    command
}

fn kubevet(watched: &WatchedCluster, args: &[&str]) -> ProcessOutput {
    process::run(&mut command(watched, args), "")
}

/// Returns a part of a status; null if there is none.
fn status(watched: &WatchedCluster, name: &str, pointer: &str) -> Value {
    let get = ["get", "controlbinding", name, "-o", "json"];
    let output = watched.cluster.kubectl(&get, "");
    let object: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
    object["status"]
        .pointer(pointer)
        .cloned()
        .unwrap_or_default()
}

/// Waits until a part of a status is as wanted, and returns it.
#[track_caller]
fn wait_for_status(
    watched: &WatchedCluster,
    log: &dyn Fn() -> String,
    name: &str,
    pointer: &str,
    is_wanted: impl Fn(&Value) -> bool,
) -> Value {
    wait_for(&format!("status{pointer} of {name}"), || {
        let value = status(watched, name, pointer);
        if is_wanted(&value) {
            Ok(value)
        } else {
            Err(format!("{value:#}\n{}", log()))
        }
    })
}

fn create(namespace: &TestNamespace<'_>, name: &str, dry_run: bool) -> ProcessOutput {
    let create = ["create", "-f", "-"];
    let args = if dry_run {
        [&create[..], &["--dry-run=server"]].concat()
    } else {
        create.to_vec()
    };
    namespace.kubectl_as_developer(&args, &pod(name, true))
}

/// Waits until a violation is denied, or is not.
#[track_caller]
fn wait_for_denial(namespace: &TestNamespace<'_>, is_denied: bool) {
    wait_for(&format!("denied: {is_denied}"), || {
        let output = create(namespace, "try", true);
        let denied = output.stderr.contains("denied the request: C-0057");
        if denied == is_denied {
            Ok(())
        } else {
            Err(format!("{output:?}"))
        }
    });
}

fn names(value: &Value) -> Vec<&str> {
    let list = value.as_array().map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(Value::as_str).collect()
}

#[test]
fn promotion_denies_where_all_is_clean_and_is_taken_back() {
    let Some(watched) = WatchedCluster::start("promotion") else {
        return;
    };
    let cluster = &watched.cluster;
    install_definition(cluster);
    install_definitions(&watched);
    let (dirty, clean) = (cluster.namespace("dirty"), cluster.namespace("clean"));
    let other = cluster.namespace("other");
    dirty
        .kubectl(&["create", "-f", "-"], &pod("old", true))
        .ok();
    for namespace in [&clean, &other] {
        let good = namespace.kubectl(&["create", "-f", "-"], &pod("good", false));
        good.ok();
    }
    let apply = |name: &str, spec: &str| {
        let applied = cluster.kubectl(&["apply", "-f", "-"], &binding(name, spec));
        applied.ok();
    };
    apply("strict", "controls: [C-0057], validationActions: [Audit]");

    // Nobody has counted.
    let refused = kubevet(&watched, &["promote", "strict", "--yes"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("is not known"), "{refused:?}");

    let kubeconfig = cluster.kubeconfig().display().to_string();
    let tls = watched.dir.path().join("tls");
    let flags = ["--kubeconfig", &kubeconfig, "--drain-delay", "10ms"];
    let gate = WebhookProcess::start(&tls, &flags).expect("the gate starts");
    let _registered = cluster.register(validating_webhook_configuration(
        "promotion",
        &gate.url(),
        &gate.ca(),
        "Fail",
        &[&dirty, &clean],
    ));
    // Another replica answers for another namespace.
    let second_tls = watched.dir.path().join("second-tls");
    let second_gate = WebhookProcess::start(&second_tls, &flags).expect("the gate starts");
    let _second = cluster.register(validating_webhook_configuration(
        "promotion-second",
        &second_gate.url(),
        &second_gate.ca(),
        "Fail",
        &[&other],
    ));
    let places = ["--store", "none", "--results", "policy-reports"];
    let operator = watched.operator("only", &[ALONE, &places].concat());
    let log = || operator.child.stderr();
    let is_dirty = |value: &Value| {
        let namespaces = value["namespaces"].as_array();
        namespaces.is_some_and(|all| all.iter().any(|of| of["name"] == dirty.name()))
    };
    let counts = wait_for_status(&watched, &log, "strict", "/wouldDeny", is_dirty);
    assert_eq!(counts["observedGeneration"], 1);
    assert_eq!(counts["notRead"], json!([]), "{counts:#}");
    assert_eq!(counts["notEvaluated"], 0, "{counts:#}");
    // The Deployment counts in `shop`, and neither its ReplicaSet nor its Pods: the gate would warn of them.
    assert_eq!(counts["denied"], 2, "{counts:#}");
    let found = counts["worst"].as_array().expect("a list").iter();
    let found: Vec<&Value> = found.map(|object| &object["name"]).collect();
    assert!(
        found.contains(&&json!("old")) && found.contains(&&json!("cart")),
        "{counts:#}"
    );
    assert!(
        names(&counts["cleanNamespaces"]).contains(&clean.name()),
        "{counts:#}"
    );

    // Reports name the binding that enforces a control for their object.
    wait_for("a report that names the binding", || {
        let reports = dirty
            .kubectl(&["get", "policyreports", "-o", "json"], "")
            .ok();
        if reports.contains("\"bindings\": \"strict\"") {
            Ok(())
        } else {
            Err(format!("{reports}\n{}", log()))
        }
    });

    // A change is counted without another sweep.
    dirty
        .kubectl(&["create", "-f", "-"], &pod("second", true))
        .ok();
    wait_for_status(&watched, &log, "strict", "/wouldDeny/denied", |value| {
        value == 3
    });
    // The same objects are counted for other actions.
    apply(
        "strict",
        "controls: [C-0057], validationActions: [Audit, Warn]",
    );
    wait_for_status(
        &watched,
        &log,
        "strict",
        "/wouldDeny/observedGeneration",
        |value| value == 2,
    );
    let owner = cluster.kubectl(
        &[
            "get",
            "controlbinding",
            "strict",
            "--show-managed-fields",
            "-o",
            "json",
        ],
        "",
    );
    let object: Value = serde_json::from_str(&owner.stdout).expect("it is JSON");
    let managers = object["metadata"]["managedFields"]
        .as_array()
        .expect("a list");
    assert!(
        managers
            .iter()
            .any(|of| of["manager"] == "kubevet-operator" && of["subresource"] == "status"),
        "{managers:#?}"
    );

    // What the gate would have denied is in the status, dry runs apart.
    create(&dirty, "review", true);
    create(&dirty, "third", false).ok();
    let log_of_gate = || gate.stderr();
    wait_for_status(
        &watched,
        &log_of_gate,
        "strict",
        "/reviews/wouldDeny",
        |value| value.as_u64() >= Some(1),
    );

    // The binding is split, and only the clean namespaces are in the new one.
    let args = ["promote", "strict", "--to", "Deny"];
    let dry = kubevet(&watched, &[&args[..], &["--dry-run"]].concat());
    assert_eq!(dry.code, 0, "{dry:?}");
    assert!(dry.stdout.contains("name: strict-clean"), "{dry:?}");
    let unasked = kubevet(&watched, &args);
    assert_eq!(unasked.code, 2, "{unasked:?}");
    assert!(unasked.stderr.contains("--yes"), "{unasked:?}");
    assert_eq!(status(&watched, "strict-clean", "").as_null(), Some(()));
    let promoted = kubevet(&watched, &[&args[..], &["--yes"]].concat());
    assert_eq!(promoted.code, 0, "{promoted:?}");
    assert!(
        promoted
            .stdout
            .contains("creates the ControlBinding strict-clean"),
        "{promoted:?}"
    );
    assert!(promoted.stdout.contains(clean.name()), "{promoted:?}");
    wait_for_denial(&clean, true);
    wait_for_denial(&dirty, false);
    assert_eq!(status(&watched, "strict", "/promotion/state"), "Promoted");
    // The dry run is what was made.
    let read = |output: ProcessOutput| -> Value {
        serde_json::from_str(&output.ok()).expect("kubectl prints JSON")
    };
    let as_json = ["create", "--dry-run=client", "-o", "json", "-f", "-"];
    let printed = read(cluster.kubectl(&as_json, &dry.stdout));
    let get = ["get", "controlbinding", "strict-clean", "-o", "json"];
    assert_eq!(printed["spec"], read(cluster.kubectl(&get, ""))["spec"]);

    // More denials than allowed: it is taken back.
    cluster
        .kubectl(&["delete", "controlbinding", "strict-clean"], "")
        .ok();
    wait_for_denial(&clean, false);
    let watch = ["--yes", "--watch", "--max-denials", "2", "--within", "10m"];
    let mut watching = ChildProcess::start(&mut command(&watched, &[&args[..], &watch].concat()));
    wait_for_denial(&clean, true);
    wait_for_denial(&other, true);
    // The denials of both replicas count together.
    for (namespace, name) in [(&clean, "a"), (&other, "b"), (&clean, "c")] {
        let denied = create(namespace, name, false);
        assert_eq!(denied.code, 1, "{denied:?}");
    }
    let ended = watching.wait();
    let output = [watching.stdout(), watching.stderr()].concat();
    assert_eq!(ended.code(), Some(1), "{output}");
    assert!(
        output.contains("strict-clean was moved back: 3 requests"),
        "{output}"
    );
    wait_for_denial(&clean, false);
    let promotion = status(&watched, "strict", "/promotion");
    assert_eq!(promotion["state"], "Reverted", "{promotion:#}");
    assert_eq!(promotion["denials"], 3, "{promotion:#}");
    let events = ["get", "events", "-n", "default", "-o", "json"];
    let events = watched.kubectl(&events);
    assert!(events.contains("PromotionReverted"), "{events}");

    // Once all is clean, the binding itself changes.
    dirty
        .kubectl(
            &["delete", "pod", "--all", "--force", "--grace-period=0"],
            "",
        )
        .ok();
    watched.kubectl(&["delete", "deployment", "cart", "-n", "shop"]);
    wait_for_status(&watched, &log, "strict", "/wouldDeny/denied", |value| {
        value == 0
    });
    let whole = kubevet(&watched, &["promote", "strict", "--yes"]);
    assert_eq!(whole.code, 0, "{whole:?}");
    assert!(
        whole.stdout.contains("[Audit, Warn] becomes [Deny, Audit]"),
        "{whole:?}"
    );
    wait_for_denial(&dirty, true);
}
