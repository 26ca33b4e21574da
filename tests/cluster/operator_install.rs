//! The operator's installation from its first object to its last: it works with the rights of its
//! service account alone, its pods are admitted by the strictest profile, and its removal in any order
//! leaves no namespace and no object that cannot be deleted.

use crate::{
    operator::{Replica, WatchedCluster},
    uninstall::account,
};
use kubevet_testkit::{build_output::kubevet_binary, polling::wait_for, process};
use std::process::Command;

const APPLY: [&str; 5] = ["apply", "--server-side", "--validate=strict", "-f", "-"];
const ACCOUNT: &str = "kubevet-operator";

/// The objects of `kubevet manifests operator`.
fn manifests(arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new(kubevet_binary());
    let printed = process::run(command.args(["manifests", "operator"]).args(arguments), "").ok();
    printed.split("\n---\n").map(str::to_owned).collect()
}

/// The definitions of the results that Kubescape's clients read, and of ScanRequests.
pub(crate) fn results_definitions() -> String {
    let objects = manifests(&["--results", "kubescape"]);
    let is_definition = |object: &String| object.contains("\nkind: CustomResourceDefinition\n");
    let definitions: Vec<String> = objects.into_iter().filter(is_definition).collect();
    definitions.join("\n---\n")
}

fn install(watched: &WatchedCluster, objects: &[String]) {
    watched
        .cluster
        .kubectl(&APPLY, &objects.join("\n---\n"))
        .ok();
    watched.kubectl(&["wait", "--for=condition=Established", "crd", "--all"]);
    wait_for("the pods of the operator", || {
        let pods = ["get", "pods", "-n", "kubevet", "-o", "name"];
        let pods = watched.kubectl(&pods);
        if pods.lines().count() == 2 {
            Ok(())
        } else {
            Err(pods)
        }
    });
}

/// Starts the operator with the flags of its Deployment and the rights of its service account.
fn start(watched: &WatchedCluster, name: &str) -> Replica {
    let kubeconfig = account(&watched.cluster, watched.dir.path(), ACCOUNT);
    let store = watched.dir.path().join(format!("{name}.db"));
    let flags = [
        "--lease=kubevet-operator",
        "--lease-namespace=kubevet",
        "--results=kubescape",
    ];
    let store = format!("--store={}", store.display());
    watched.operator_as(kubeconfig.as_ref(), name, &[&flags[..], &[&store]].concat())
}

fn summaries(watched: &WatchedCluster) -> String {
    watched.kubectl(&["get", "wcss", "-A", "-o", "name"])
}

#[test]
fn rights_of_the_installation_are_enough() {
    let Some(watched) = WatchedCluster::start("operator-rights") else {
        return;
    };
    install(&watched, &manifests(&["--results", "kubescape"]));
    let operator = start(&watched, "rights");
    operator.wait_for_sweep();
    wait_for("results as objects", || {
        let found = summaries(&watched);
        if found.contains("deployment-cart") {
            Ok(())
        } else {
            Err(format!("{found}\n{}", operator.child.stderr()))
        }
    });
    watched.apply(
        "{apiVersion: kubevet.io/v1alpha1, kind: ScanRequest, metadata: {name: all}, spec: {}}",
    );
    wait_for("the answer to a request", || {
        let phase = [
            "get",
            "scanrequests",
            "all",
            "-o",
            "jsonpath={.status.phase}",
        ];
        let phase = watched.kubectl(&phase);
        if phase == "Finished" {
            Ok(())
        } else {
            Err(phase)
        }
    });
    let log = operator.child.stderr();
    for refused in ["forbidden", "may not", "not allowed"] {
        assert!(!log.contains(refused), "{refused}: {log}");
    }
}

#[test]
fn removal_in_any_order_leaves_nothing_behind() {
    let Some(watched) = WatchedCluster::start("operator-uninstall") else {
        return;
    };
    let printed = manifests(&["--results", "kubescape"]);
    let reversed: Vec<String> = printed.iter().rev().cloned().collect();
    let is_definition = |object: &&String| object.contains("\nkind: CustomResourceDefinition\n");
    let (definitions, others): (Vec<&String>, Vec<&String>) =
        printed.iter().partition(is_definition);
    assert_eq!(definitions.len(), 4);
    let definitions_first: Vec<String> = definitions
        .iter()
        .chain(&others)
        .map(|object| (*object).clone())
        .collect();
    for (index, (order, objects)) in [
        ("as printed", &printed),
        ("reverse", &reversed),
        ("the definitions before the operator", &definitions_first),
    ]
    .into_iter()
    .enumerate()
    {
        install(&watched, &printed);
        let operator = start(&watched, &format!("removed-{index}"));
        operator.wait_for_sweep();
        wait_for("results as objects", || {
            let found = summaries(&watched);
            if found.is_empty() {
                Err(operator.child.stderr())
            } else {
                Ok(())
            }
        });
        let mut operator = Some(operator);
        for object in objects {
            let delete = ["delete", "--ignore-not-found", "--wait=false", "-f", "-"];
            watched.cluster.kubectl(&delete, object).ok();
            // Its pods end with the Deployment, and with the namespace.
            if object.contains("\nkind: Namespace\n") || object.contains("\nkind: Deployment\n") {
                drop(operator.take());
            }
        }
        wait_for(&format!("everything to be gone: {order}"), || {
            let kinds = "namespaces,clusterroles,clusterrolebindings,customresourcedefinitions";
            let found = watched.kubectl(&["get", kinds, "-o", "name"]);
            let ours = found
                .lines()
                .filter(|name| name.contains("kubevet") || name.contains("kubescape"));
            let ours: Vec<&str> = ours.collect();
            if ours.is_empty() {
                Ok(())
            } else {
                Err(ours.join("\n"))
            }
        });
    }
    // A namespace that had results can be deleted.
    watched.kubectl(&["delete", "namespace", "shop", "--wait=false"]);
    wait_for("a namespace with results to be gone", || {
        let found = watched.kubectl(&["get", "namespaces", "-o", "name"]);
        if found.contains("/shop") {
            Err(found)
        } else {
            Ok(())
        }
    });
}
