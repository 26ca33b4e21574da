//! The places where `kubevet operator` keeps results: the store and objects in the cluster, which follow
//! their objects, are written by one replica, and not again after a restart. Operator, scan of the
//! cluster and scan of files agree.

use crate::operator::{ALONE, Replica, WatchedCluster, failed, get, results_by_uid, value};
use kubevet_store::{
    ClusterIdentity, FindingFilter, FindingState, StoreLocation, StoreOptions, StoreReader,
};
use kubevet_testkit::{
    build_output::kubevet_binary, polling::wait_for, process, webhook_process::free_port,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

/// A ConfigMap with a finding, and the same one repaired.
pub(crate) const BAD: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: keys, namespace: shop}, \
    data: {DB_PASSWORD: correct-horse-battery}}";
pub(crate) const REPAIRED: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: keys, namespace: shop}, \
    data: {COLOUR: green}}";

const SUMMARY: &str = "workloadconfigurationscansummaries.spdx.softwarecomposition.kubescape.io";
pub(crate) const SCANS: &str = "workloadconfigurationscans.spdx.softwarecomposition.kubescape.io";

/// Installs the definitions of all kinds of results.
pub(crate) fn install_definitions(watched: &WatchedCluster) {
    let mut command = Command::new(kubevet_binary());
    let kinds = "kubescape,policy-reports,open-reports";
    command.args(["manifests", "results-crds", "--kinds", kinds]);
    let definitions = process::run(&mut command, "").ok();
    let apply = ["apply", "--server-side", "--validate=strict", "-f", "-"];
    watched.cluster.kubectl(&apply, &definitions).ok();
    watched.kubectl(&["wait", "--for=condition=Established", "crd", "--all"]);
}

/// The names of the objects of a resource in a namespace.
pub(crate) fn names(watched: &WatchedCluster, resource: &str, namespace: &str) -> BTreeSet<String> {
    let names = ["-o", "jsonpath={.items[*].metadata.name}"];
    let args = [&["get", resource, "-n", namespace], &names[..]].concat();
    let names = watched.kubectl(&args);
    names.split_whitespace().map(str::to_owned).collect()
}

/// A store that is read.
pub(crate) struct WatchedStore {
    location: StoreLocation,
    uid: String,
}

impl WatchedStore {
    pub(crate) fn new(watched: &WatchedCluster, location: StoreLocation) -> Self {
        let uid = [
            "get",
            "namespace",
            "kube-system",
            "-o",
            "jsonpath={.metadata.uid}",
        ];
        Self {
            location,
            uid: watched.kubectl(&uid),
        }
    }

    fn reader(&self) -> Option<StoreReader> {
        let cluster = ClusterIdentity {
            id: self.uid.clone(),
            name: String::new(),
        };
        StoreReader::open(StoreOptions::new(self.location.clone(), cluster)).ok()
    }

    /// The number of findings of a kind in a state, 1,000 at most; `None` while the store cannot be read.
    pub(crate) fn number(&self, kind: &str, state: FindingState) -> Option<usize> {
        let filter = FindingFilter {
            state,
            kinds: vec![kind.to_owned()],
            ..FindingFilter::default()
        };
        let page = self.reader()?.findings(&filter, None, 1_000).ok()?;
        Some(page.findings.len())
    }

    /// The controls of the findings of a ConfigMap in a state; `None` while the store cannot be read.
    fn findings(&self, name: &str, state: FindingState) -> Option<BTreeSet<String>> {
        let mut reader = self.reader()?;
        let filter = FindingFilter {
            state,
            kinds: vec!["ConfigMap".to_owned()],
            name: Some(name.to_owned()),
            ..FindingFilter::default()
        };
        let page = reader.findings(&filter, None, 100).ok()?;
        let controls = page.findings.into_iter();
        Some(
            controls
                .map(|finding| finding.control.as_str().to_owned())
                .collect(),
        )
    }

    #[track_caller]
    pub(crate) fn wait(&self, wanted: &str, operator: &Replica, holds: impl Fn(&Self) -> bool) {
        wait_for(wanted, || {
            if holds(self) {
                Ok(())
            } else {
                Err(operator.child.stderr())
            }
        });
    }

    /// True if C-0012 is a finding of the ConfigMap in this state.
    pub(crate) fn has(&self, state: FindingState) -> bool {
        let found = self.findings("keys", state);
        found.is_some_and(|controls| controls.contains("C-0012"))
    }
}

/// Waits until the scan of the ConfigMap has a status for C-0012, or is gone.
#[track_caller]
pub(crate) fn wait_for_status(
    watched: &WatchedCluster,
    operator: &Replica,
    expected: Option<&str>,
) {
    wait_for("the status in the object", || {
        let get = ["get", SCANS, "configmap-keys", "-n", "shop", "-o", "json"];
        let output = watched.cluster.kubectl(&get, "");
        let scan: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
        let status = scan["spec"]["controls"]["C-0012"]["status"]["status"].as_str();
        if status == expected && (expected.is_some() || output.code != 0) {
            Ok(())
        } else {
            Err(format!("{output:?}\n{}", operator.child.stderr()))
        }
    });
}

/// The sum of a counter over all its labels.
pub(crate) fn sum(metrics: &str, name: &str) -> f64 {
    let lines = metrics.lines().filter(|line| line.starts_with(name));
    lines
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum()
}

#[test]
fn operator_keeps_store_and_result_objects_in_step_with_their_objects() {
    let Some(watched) = WatchedCluster::start("operator-sinks") else {
        return;
    };
    install_definitions(&watched);
    watched.apply(BAD);
    let path = watched.dir.path().join("store.db");
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let store_argument = path.to_str().expect("the path is UTF-8");
    let kinds = "kubescape,policy-reports,open-reports";
    let args = [
        "--lease-namespace",
        "shop",
        "--store",
        store_argument,
        "--results",
        kinds,
        "--metrics-listen",
        &listen,
    ];
    let first = watched.operator("first", &args);
    first.wait_for_sweep();
    let store = WatchedStore::new(&watched, StoreLocation::File(path.clone()));
    store.wait("a finding in the store", &first, |store| {
        store.has(FindingState::Open)
    });
    wait_for_status(&watched, &first, Some("failed"));
    wait_for("the sums of the namespace", || {
        let sums = names(&watched, "configurationscansummaries", "shop");
        if sums.contains("shop") {
            Ok(())
        } else {
            Err(first.child.stderr())
        }
    });
    // The ReplicaSet and the Pods of the Deployment have none.
    let owned = ["deployment-cart", "configmap-keys"];
    let scans = names(&watched, SUMMARY, "shop");
    assert!(owned.iter().all(|name| scans.contains(*name)), "{scans:?}");
    assert!(
        !scans.iter().any(|name| name.starts_with("replicaset-")),
        "{scans:?}"
    );
    assert!(!names(&watched, "policyreports", "shop").is_empty());
    assert!(!names(&watched, "reports.openreports.io", "shop").is_empty());

    // A second replica writes nothing.
    let second_port = free_port();
    let second_listen = format!("127.0.0.1:{second_port}");
    let mut second_args = args;
    second_args[7] = &second_listen;
    let second = watched.operator("second", &second_args);
    second.wait_for_log("the sweep has ended");

    watched.apply(REPAIRED);
    store.wait("the finding is fixed", &first, |store| {
        store.has(FindingState::Fixed) && !store.has(FindingState::Open)
    });
    wait_for_status(&watched, &first, Some("passed"));

    // It is broken again and deleted: nothing is left of it.
    watched.apply(BAD);
    store.wait("the finding is open again", &first, |store| {
        store.has(FindingState::Open)
    });
    watched.kubectl(&["delete", "configmap", "keys", "-n", "shop"]);
    store.wait("the finding has ended", &first, |store| {
        !store.has(FindingState::Open)
    });
    wait_for_status(&watched, &first, None);

    let (_, metrics) = get(second_port, "/metrics");
    for name in [
        "kubevet_operator_stored_objects_total",
        "kubevet_operator_result_writes_total",
        "kubevet_operator_sink_calls_total",
    ] {
        assert_eq!(sum(&metrics, name), 0.0, "{metrics}");
    }
    let (_, metrics) = get(port, "/metrics");
    let written = "kubevet_operator_result_writes_total{result=\"written\"}";
    assert!(value(&metrics, written) > Some(0.0), "{metrics}");
    assert_eq!(sum(&metrics, "kubevet_operator_result_failures_total"), 0.0);
    assert_eq!(value(&metrics, "kubevet_operator_results_full"), Some(0.0));
    second.child.signal("KILL");

    // A process that starts later finds everything as it is.
    first.child.signal("TERM");
    first.wait_for_log("ended");
    let third_port = free_port();
    let third_listen = format!("127.0.0.1:{third_port}");
    let mut third_args = args;
    third_args[7] = &third_listen;
    let third = watched.operator("third", &third_args);
    third.wait_for_sweep();
    wait_for("the metrics of a sweep", || {
        let (_, metrics) = get(third_port, "/metrics");
        let calls = "kubevet_operator_sink_calls_total{sink=\"resources\",result=\"written\"}";
        let sums = "kubevet_operator_result_writes_total{result=\"unchanged\"}";
        if value(&metrics, calls) > Some(1.0) && value(&metrics, sums) > Some(0.0) {
            Ok(())
        } else {
            Err(format!("{metrics}\n{}", third.child.stderr()))
        }
    });
    let (_, metrics) = get(third_port, "/metrics");
    for (series, expected) in [
        (
            "kubevet_operator_stored_objects_total{result=\"changed\"}",
            0.0,
        ),
        (
            "kubevet_operator_stored_findings_total{change=\"new\"}",
            0.0,
        ),
        (
            "kubevet_operator_stored_findings_total{change=\"fixed\"}",
            0.0,
        ),
        (written, 0.0),
    ] {
        assert_eq!(value(&metrics, series), Some(expected), "{metrics}");
    }
}

/// The controls that each object fails, by `Kind namespace/name`, as a report in JSON has them.
fn of_report(report: &str) -> BTreeMap<String, BTreeSet<String>> {
    let report: Value = serde_json::from_str(report).expect("the report is JSON");
    let mut failed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for finding in report["findings"].as_array().expect("a list") {
        let object = &finding["object"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = format!(
            "{} {}/{}",
            text(&object["kind"]),
            text(&object["namespace"]),
            text(&object["name"])
        );
        let id = text(&finding["control"]);
        failed.entry(name).or_default().insert(id);
    }
    failed
}

#[test]
fn operator_and_both_scans_name_the_same_controls() {
    let Some(watched) = WatchedCluster::start("operator-consistent") else {
        return;
    };
    let path = watched.dir.path().join("store.db");
    let store_argument = path.to_str().expect("the path is UTF-8");
    let framework = ["--framework", "NSA,MITRE"];
    let args = [ALONE, &framework, &["--store", store_argument]].concat();
    let operator = watched.operator("only", &args);
    operator.wait_for_sweep();
    let is_checked = |name: &String| {
        let kinds = ["Deployment ", "CronJob ", "ConfigMap "];
        name.contains(" shop/") && kinds.iter().any(|kind| name.starts_with(kind))
    };
    let scan = |what: &[&str], input: &str| {
        let mut command = Command::new(kubevet_binary());
        command
            .arg("scan")
            .args(what)
            .args(framework)
            .args(["-f", "json"])
            .env("KUBECONFIG", watched.cluster.kubeconfig());
        let mut failed = of_report(&process::run(&mut command, input).stdout);
        failed.retain(|name, _| is_checked(name));
        failed
    };
    let of_cluster = scan(&["cluster"], "");
    // The same objects as files, as the API server gives them.
    let kinds = "deployments,cronjobs,configmaps";
    let objects = watched.kubectl(&["get", kinds, "-n", "shop", "-o", "yaml"]);
    let of_files = scan(&["-"], &objects);
    assert!(of_cluster.len() >= 3, "{of_cluster:#?}");
    assert_eq!(of_cluster, of_files);
    wait_for("the results of the operator", || {
        let results = results_by_uid(&operator.lines()).into_iter();
        let named = results.map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or_default();
            let name = format!("{} {}/{}", text("kind"), text("namespace"), text("name"));
            (name, failed(&line))
        });
        let mut operated: BTreeMap<String, BTreeSet<String>> =
            named.filter(|(_, failed)| !failed.is_empty()).collect();
        operated.retain(|name, _| is_checked(name));
        if operated == of_cluster {
            Ok(())
        } else {
            Err(format!("{operated:#?}\n{of_cluster:#?}"))
        }
    });
    // The store has the same.
    let store = WatchedStore::new(&watched, StoreLocation::File(path.clone()));
    let expected = of_cluster.get("ConfigMap shop/settings");
    assert!(expected.is_some());
    store.wait("the same controls in the store", &operator, |store| {
        store.findings("settings", FindingState::Open).as_ref() == expected
    });
}
