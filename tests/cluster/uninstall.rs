//! An installation from its first object to its last: the cluster is writable before any replica
//! runs, and after removal in any order. The webhook runs outside the cluster with the rights of
//! its service account only, and the API server calls it by a URL.

use crate::review_requests::{bindings, manifests, pod};
use kubevet_testkit::{
    control_plane::ControlPlane,
    polling::wait_for,
    webhook_process::{WebhookProcess, free_port},
};
use serde_json::{Value, json};
use std::{fs, path::Path};

const CREATE: [&str; 3] = ["create", "-f", "-"];
const CONFIGURATION: &str = "validatingwebhookconfiguration/kubevet";
const CAREFUL: &str = "careful";

/// Applies the installation with its webhooks at `port`, and a namespace in which no object is
/// admitted without a verdict.
fn install(cluster: &ControlPlane, port: u16) {
    cluster
        .kubectl(&["apply", "-f", "-"], &manifests().join("\n---\n"))
        .ok();
    let json = cluster
        .kubectl(&["get", CONFIGURATION, "-o", "json"], "")
        .ok();
    let object: Value = serde_json::from_str(&json).expect("kubectl prints JSON");
    let webhooks = object["webhooks"].as_array().expect("there are webhooks");
    let change = |at: usize| {
        let client = json!({"url": format!("https://127.0.0.1:{port}/validate")});
        json!({"op": "replace", "path": format!("/webhooks/{at}/clientConfig"), "value": client})
    };
    let patch: Value = (0..webhooks.len()).map(change).collect();
    cluster
        .kubectl(
            &[
                "patch",
                CONFIGURATION,
                "--type=json",
                "-p",
                &patch.to_string(),
            ],
            "",
        )
        .ok();
    cluster.wait_until_obeyed("kubevet");
    let labels = json!({"kubevet.io/failure-policy": "Fail"});
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": CAREFUL, "labels": labels}});
    cluster
        .kubectl(&["apply", "-f", "-"], &namespace.to_string())
        .ok();
    for namespace in [CAREFUL, "kubevet", "default", "kube-system"] {
        wait_for("the default service account", || {
            let output =
                cluster.kubectl(&["get", "serviceaccount", "default", "-n", namespace], "");
            if output.code == 0 {
                Ok(())
            } else {
                Err(output.stderr)
            }
        });
    }
}

/// Creates and deletes a Pod; the error is the reason of a denial.
fn can_be_written(cluster: &ControlPlane, namespace: &str) -> Result<(), String> {
    let output = cluster.kubectl(
        &[&CREATE[..], &["-n", namespace]].concat(),
        &pod("written", false),
    );
    if output.code != 0 {
        return Err(output.stderr);
    }
    cluster
        .kubectl(
            &[
                "delete",
                "pod",
                "written",
                "-n",
                namespace,
                "--force",
                "--grace-period=0",
            ],
            "",
        )
        .ok();
    Ok(())
}

/// A kubeconfig of an installed service account.
pub(crate) fn account(cluster: &ControlPlane, dir: &Path, name: &str) -> String {
    let token = cluster
        .kubectl(&["create", "token", name, "-n", "kubevet"], "")
        .ok();
    let json = cluster
        .kubectl(&["config", "view", "--raw", "-o", "json"], "")
        .ok();
    let mut config: Value = serde_json::from_str(&json).expect("kubectl prints JSON");
    config["users"][0]["user"] = json!({"token": token.trim()});
    let file = dir.join("kubeconfig");
    fs::write(&file, config.to_string()).expect("a file can be written");
    file.display().to_string()
}

/// The webhook with the flags of the Deployment, except its addresses and its certificate folder.
fn start(cluster: &ControlPlane, dir: &Path, port: u16) -> WebhookProcess {
    let kubeconfig = account(cluster, dir, "kubevet");
    let flags = [
        ["--kubeconfig", &kubeconfig],
        ["--bindings", &bindings(dir)],
        ["--webhook-configuration", "kubevet"],
        ["--deployment", "kubevet"],
        ["--drain-delay", "10ms"],
    ];
    WebhookProcess::start_in(
        "kubevet",
        port,
        &dir.join("tls"),
        &[flags.as_flattened(), &["--share-port"]].concat(),
    )
    .expect("it starts")
}

/// Waits until a Pod is evaluated in the namespace that fails closed.
fn wait_until_evaluated(cluster: &ControlPlane) {
    wait_for("the gate to be asked", || {
        let bad = cluster.kubectl(
            &["create", "--dry-run=server", "-n", CAREFUL, "-f", "-"],
            &pod("bad", true),
        );
        if bad.stderr.contains("denied the request: C-0057") {
            Ok(())
        } else {
            Err(format!("{bad:?}"))
        }
    });
    assert_eq!(can_be_written(cluster, CAREFUL), Ok(()));
}

#[test]
fn installation_starts_while_no_webhook_runs() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let data = dir.path().join("cluster");
    let Some(cluster) = ControlPlane::isolated("cold start", &data, &[]) else {
        return;
    };
    let port = free_port();
    install(&cluster, port);
    let all_can_be_written = |cluster: &ControlPlane| {
        for namespace in ["kube-system", "kubevet", "default"] {
            assert_eq!(can_be_written(cluster, namespace), Ok(()), "{namespace}");
        }
        let refused = can_be_written(cluster, CAREFUL);
        assert!(
            refused
                .as_ref()
                .is_err_and(|why| why.contains("failed calling webhook")),
            "{refused:?}"
        );
    };
    let kubevet_pods = |cluster: &ControlPlane| {
        wait_for("the Pods of kubevet", || {
            let pods = cluster
                .kubectl(&["get", "pods", "-n", "kubevet", "-o", "name"], "")
                .ok();
            if pods.lines().count() == 2 {
                Ok(pods)
            } else {
                Err(pods)
            }
        })
    };
    kubevet_pods(&cluster);
    all_can_be_written(&cluster);
    cluster.crash();

    let cluster = ControlPlane::isolated("cold start", &data, &[]).expect("it was there before");
    all_can_be_written(&cluster);
    // Pods that controllers create for kubevet itself are admitted, too.
    let before = kubevet_pods(&cluster);
    cluster
        .kubectl(
            &[
                "delete",
                "pods",
                "--all",
                "-n",
                "kubevet",
                "--force",
                "--grace-period=0",
            ],
            "",
        )
        .ok();
    let after = kubevet_pods(&cluster);
    assert!(
        before.lines().all(|pod| !after.contains(pod)),
        "{before}{after}"
    );

    let _gate = start(&cluster, dir.path(), port);
    wait_until_evaluated(&cluster);
}

#[test]
fn uninstallation_in_any_order_leaves_a_writable_cluster() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let Some(cluster) = ControlPlane::isolated("uninstall", &dir.path().join("cluster"), &[])
    else {
        return;
    };
    let printed = manifests();
    let reversed: Vec<String> = printed.iter().rev().cloned().collect();
    let of_kind = |kind: &str| {
        printed
            .iter()
            .find(|printed| printed.contains(&format!("\nkind: {kind}\n")))
            .cloned()
    };
    let alone = |kind: &str| vec![of_kind(kind).expect("it is part of the installation")];
    // The webhook receives SIGTERM when its Pods are deleted, and nothing when its node is lost.
    for (order, objects, killed) in [
        ("as printed", &printed, false),
        ("reverse", &reversed, false),
        (
            "the namespace alone, its gate killed",
            &alone("Namespace"),
            true,
        ),
        ("the Deployment alone", &alone("Deployment"), false),
    ] {
        let tls_dir = tempfile::tempdir().expect("a folder can be made");
        let port = free_port();
        install(&cluster, port);
        let webhook = start(&cluster, tls_dir.path(), port);
        wait_until_evaluated(&cluster);
        let mut webhook = Some(webhook);
        for object in objects {
            cluster
                .kubectl(
                    &["delete", "--ignore-not-found", "--wait=false", "-f", "-"],
                    object,
                )
                .ok();
            if ["\nkind: Namespace\n", "\nkind: Deployment\n"]
                .iter()
                .any(|kind| object.contains(kind))
            {
                match webhook.take() {
                    Some(webhook) if killed => webhook.kill(),
                    Some(webhook) => assert!(webhook.terminate().success(), "{order}"),
                    None => {}
                }
            }
        }
        for namespace in [CAREFUL, "kube-system", "default"] {
            wait_for(&format!("{namespace} to be written to: {order}"), || {
                can_be_written(&cluster, namespace)
            });
        }
        // The next order begins with a full installation.
        let all = printed.join("\n---\n");
        cluster
            .kubectl(&["delete", "--ignore-not-found", "-f", "-"], &all)
            .ok();
    }
}
