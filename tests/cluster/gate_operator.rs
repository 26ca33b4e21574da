//! `kubevet serve --operator`: gate and operator in one process. Reviews are answered and the cluster is
//! evaluated; what the operator lacks does not touch the gate; its end gives up the Lease.

use crate::{
    operator::{Replica, WatchedCluster, value},
    operator_sinks::{BAD, SCANS, WatchedStore, install_definitions},
};
use kubevet_store::{ClusterIdentity, FindingState, Store, StoreLocation, StoreOptions};
use kubevet_testkit::{polling::wait_for, webhook_process::WebhookProcess};
use std::fs;

/// A gate with an operator, and a store at this path.
fn start(watched: &WatchedCluster, store: &str, flags: &[&str]) -> WebhookProcess {
    let kubeconfig = watched.cluster.kubeconfig();
    let kubeconfig = kubeconfig.to_str().expect("the path is UTF-8");
    let all = [
        &["--kubeconfig", kubeconfig, "--operator", "--store", store],
        flags,
    ]
    .concat();
    WebhookProcess::start(&watched.dir.path().join("tls"), &all).expect("the gate starts")
}

fn wait_for_line(gate: &WebhookProcess, text: &str) {
    wait_for(text, || {
        let log = gate.stderr();
        if log.contains(text) { Ok(()) } else { Err(log) }
    });
}

const PRIVILEGED: &str = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: \
    [{name: c, image: x, securityContext: {privileged: true}}]}}";

#[test]
fn gate_with_operator_answers_reviews_and_evaluates_the_cluster() {
    let Some(watched) = WatchedCluster::start("gate-operator") else {
        return;
    };
    install_definitions(&watched);
    watched.apply(BAD);
    let bindings = watched.dir.path().join("bindings.yaml");
    let binding = "{apiVersion: kubevet.io/v1alpha1, kind: ControlBinding, metadata: {name: deny}, \
                   spec: {validationActions: [Deny], controls: [C-0057]}}";
    fs::write(&bindings, binding).expect("the file can be written");
    let path = watched.dir.path().join("store.db");
    let store_argument = path.to_str().expect("the path is UTF-8");
    let bindings = bindings.to_str().expect("the path is UTF-8");
    let lease = ["--lease-namespace", "shop", "--results", "kubescape"];
    let flags = [&lease[..], &["--bindings", bindings]].concat();
    let gate = start(&watched, store_argument, &flags);
    let gated = watched.cluster.namespace("gated");
    let (url, ca) = (gate.url(), gate.ca());
    let _registered =
        watched
            .cluster
            .register_webhook(gated.name(), &url, &ca, "Ignore", &[&gated]);
    let denied = gated.kubectl(&["create", "-f", "-"], PRIVILEGED);
    assert!(denied.stderr.contains("C-0057"), "{denied:?}");
    wait_for_line(&gate, "the sweep has ended");
    let store = WatchedStore::new(&watched, StoreLocation::File(path));
    wait_for("a finding in the store, and its result", || {
        let get = ["get", SCANS, "configmap-keys", "-n", "shop", "-o", "name"];
        let is_there = watched.cluster.kubectl(&get, "").code == 0;
        if store.has(FindingState::Open) && is_there {
            Ok(())
        } else {
            Err(gate.stderr())
        }
    });
    // One scrape has the metrics of both.
    let metrics = gate.metrics();
    assert_eq!(value(&metrics, "kubevet_operator_leader"), Some(1.0));
    assert!(metrics.contains("kubevet_reviews_total"), "{metrics}");

    // An operator that stands by takes over once the gate ends, and not after the Lease has expired.
    let standby: Replica =
        watched.operator("standby", &["--lease-namespace", "shop", "--store", "none"]);
    standby.wait_for_log("the sweep has ended");
    let holder = || {
        let holder = ["-o", "jsonpath={.spec.holderIdentity}"];
        let get = ["get", "lease", "kubevet-operator", "-n", "shop"];
        watched.kubectl(&[&get[..], &holder].concat())
    };
    assert!(!holder().starts_with("standby"));
    gate.signal("TERM");
    wait_for_line(&gate, "the operator has ended");
    standby.wait_for_log("this replica leads");
    assert!(holder().starts_with("standby"));
}

#[test]
fn gate_goes_on_while_its_operator_cannot_start() {
    let Some(watched) = WatchedCluster::start("gate-operator-fails") else {
        return;
    };
    let path = watched.dir.path().join("store.db");
    let another = ClusterIdentity {
        id: "another".to_owned(),
        name: String::new(),
    };
    let location = StoreLocation::File(path.clone());
    drop(Store::open(StoreOptions::new(location, another)).expect("the store is made"));
    let store_argument = path.to_str().expect("the path is UTF-8");
    let gate = start(&watched, store_argument, &["--no-leader-election"]);
    wait_for_line(&gate, "the operator has ended, and the gate goes on");
    assert_eq!(gate.readiness().map(|(status, _)| status), Some(200));
    // It is started again, by itself.
    fs::remove_file(&path).expect("the file can be removed");
    wait_for_line(&gate, "the sweep has ended");
    assert_eq!(gate.readiness().map(|(status, _)| status), Some(200));
}
