//! Upgrades of a release of the Helm chart with other values: what Helm applies is accepted, what the new
//! values do not have is deleted, what they have in common stays, and no object is left that cannot go.
//!
//! Helm's own engine renders the chart. What Helm does with the result is done here by kubectl: it applies
//! the objects of the new release, and deletes those of the release before that the new one does not have
//! and that are not to be kept.

use crate::operator::WatchedCluster;
use kubevet_document::{self as document, Document, Limits, Node};
use kubevet_testkit::{
    build_output::kubevet_binary,
    helm::{HelmChart, helm_render, read_chart},
    polling::wait_for,
    process,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

const NAMESPACE: &str = "kubevet";
const CLAIM: &str = "PersistentVolumeClaim kubevet-store";

/// The values of each release, and names of objects that it has, and that it has not any more.
const RELEASES: &[(&str, &[&str], &[&str])] = &[
    (
        "",
        &["Deployment kubevet"],
        &["Deployment kubevet-operator"],
    ),
    (
        "operator: {enabled: true, replicas: 1, results: [kubescape], store: {type: volume}}",
        &[
            "Deployment kubevet-operator",
            CLAIM,
            "ClusterRole kubevet-operator",
        ],
        &[],
    ),
    (
        "operator: {enabled: true, frameworks: [NSA, mitre], events: false}",
        &["Deployment kubevet-operator"],
        &[CLAIM],
    ),
    (
        "operator: {enabled: true, inGate: true}",
        &["Deployment kubevet", "ClusterRoleBinding kubevet-operator"],
        &[
            "Deployment kubevet-operator",
            "ServiceAccount kubevet-operator",
        ],
    ),
    (
        "operator: {enabled: true, replicas: 1, store: {type: volume}}",
        &["Deployment kubevet-operator", CLAIM],
        &[],
    ),
    (
        "replicas: 3",
        &["Deployment kubevet"],
        &[
            "Deployment kubevet-operator",
            CLAIM,
            "ClusterRoleBinding kubevet-operator",
        ],
    ),
];

/// The objects of a release by kind and name, each as JSON.
fn objects(rendered: &str) -> BTreeMap<String, Document> {
    let parsed = document::read_yaml(&"x".into(), rendered.as_bytes(), &Limits::default());
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    let objects = parsed.documents.into_iter();
    objects
        .map(|object| {
            let id = object.id();
            (format!("{} {}", id.kind, id.name), object)
        })
        .collect()
}

fn json(object: &Document) -> String {
    let mut json = String::new();
    object.root().write_json(&mut json);
    json
}

/// True if Helm leaves an object when its release does not have it any more.
fn is_kept(object: &Document) -> bool {
    let annotations = object
        .root()
        .get("metadata")
        .and_then(|metadata| metadata.get("annotations"));
    let policy = annotations.and_then(|annotations| annotations.get("helm.sh/resource-policy"));
    policy.and_then(Node::as_str) == Some("keep")
}

/// The names of the objects of the chart that are in the cluster.
fn present(watched: &WatchedCluster) -> BTreeSet<String> {
    let kinds = "deployments,persistentvolumeclaims,serviceaccounts,clusterroles,clusterrolebindings,\
                 roles,rolebindings,networkpolicies,poddisruptionbudgets";
    let columns = "custom-columns=:kind,:metadata.name";
    let found = watched.kubectl(&[
        "get",
        kinds,
        "-n",
        NAMESPACE,
        "-l",
        "app.kubernetes.io/instance=kubevet",
        "-o",
        columns,
        "--no-headers",
    ]);
    let found = found.lines();
    found
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn upgrades_with_other_values_change_what_they_say_and_leave_nothing() {
    let Some(watched) = WatchedCluster::start("chart-upgrade") else {
        return;
    };
    let folder = watched.dir.path().join("chart");
    let mut write = Command::new(kubevet_binary());
    write
        .args(["manifests", "--form", "helm", "-o"])
        .arg(&folder);
    process::run(&mut write, "").ok();
    let files = read_chart(&folder);
    let charts: Vec<HelmChart> = RELEASES
        .iter()
        .enumerate()
        .map(|(at, (values, _, _))| HelmChart {
            files: files.clone(),
            values: (*values).to_owned(),
            namespace: NAMESPACE,
            is_upgrade: at > 0,
        })
        .collect();
    let Some(rendered) = helm_render("chart-upgrade", &charts) else {
        return;
    };
    watched.kubectl(&["create", "namespace", NAMESPACE]);
    let mut before: BTreeMap<String, Document> = BTreeMap::new();
    for ((values, there, gone), rendered) in RELEASES.iter().zip(&rendered) {
        let rendered = rendered.as_ref().expect("it is rendered");
        let new = objects(rendered);
        let apply = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--validate=strict",
            "-f",
            "-",
        ];
        watched.cluster.kubectl(&apply, rendered).ok();
        for (name, object) in &before {
            if !new.contains_key(name) && !is_kept(object) {
                let delete = ["delete", "--wait=false", "-f", "-"];
                watched.cluster.kubectl(&delete, &json(object)).ok();
            }
        }
        wait_for(&format!("the objects of `{values}`"), || {
            let found = present(&watched);
            let has_all = there.iter().all(|name| found.contains(*name));
            if has_all && !gone.iter().any(|name| found.contains(*name)) {
                Ok(())
            } else {
                Err(format!("{found:#?}"))
            }
        });
        before = new;
    }
    // The definitions stay, and with them what users and the operator have written.
    let definitions = watched.kubectl(&["get", "crd", "-o", "name"]);
    for name in [
        "controlbindings",
        "scanrequests",
        "workloadconfigurationscans",
    ] {
        assert!(definitions.contains(name), "{definitions}");
    }
    watched.kubectl(&["delete", "namespace", NAMESPACE, "--wait=false"]);
    wait_for("the namespace to be gone", || {
        let found = watched.kubectl(&["get", "namespaces", "-o", "name"]);
        if found.lines().any(|line| line == "namespace/kubevet") {
            Err(found)
        } else {
            Ok(())
        }
    });
}
