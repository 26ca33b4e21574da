//! `kubevet operator` on a simulated cluster that keeps changing: every result follows its object, and
//! operator, scan of the cluster and scan of the same objects as files agree. `benches/run operator`
//! measures the same.

use crate::{
    cluster_scan::KINDS,
    operator_process::{FailedObjects, OperatorProcess, failed_objects, scan},
};
use kubevet_testkit::{
    build_output::kubevet_binary,
    cluster_simulation::{ClusterSimulation, SERVER_FLAGS},
    control_plane::ControlPlane,
    polling::wait_for,
    process,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    process::Command,
    time::Duration,
};

const TEST: &str = "operator-scale";

/// Changes in a second.
const CHURN_RATE: u32 = 50;
/// How long objects change; `SOAK_SECONDS` makes it longer.
const CHURN_SECONDS: u64 = 10;

/// A result is never older than its object by more than this, in milliseconds.
const MAX_AGE: u64 = 5_000;

#[test]
fn results_of_a_cluster_that_changes_follow_and_equal_scans() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let data = dir.path().join("data");
    let Some(cluster) = ControlPlane::with_server_flags(TEST, &data, SERVER_FLAGS) else {
        return;
    };
    let kubeconfig = cluster.kubeconfig();
    let Some(simulation) = ClusterSimulation::fill(TEST, &kubeconfig, 2_000, 20) else {
        return;
    };
    assert!(simulation.report["objects"].as_u64() >= Some(2_000));
    let operator =
        OperatorProcess::start(&kubeconfig, dir.path(), "only", &["--no-leader-election"]);
    operator.wait_for_sweep();
    let soak = env::var("SOAK_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let lasting = Duration::from_secs(soak.unwrap_or(CHURN_SECONDS));
    let churn = simulation.churn(CHURN_RATE, lasting);
    assert!(churn.changes.len() > 100, "{:?}", churn.number);
    let expected = wait_for("the results of a scan", || {
        // What controllers have made of the last changes may not be there at the first scan.
        let expected = scan(&kubeconfig, None, &[]);
        if operator.failed_objects() == expected {
            Ok(expected)
        } else {
            Err(operator.child.stderr())
        }
    });
    assert!(expected.len() > 200, "{}", expected.len());
    let late = late_results(&operator, &churn.changes);
    assert_eq!(late, BTreeMap::new(), "of {} changes", churn.changes.len());
    assert_eq!(scan_of_files(&cluster), expected);
}

/// Returns the delays of results that came later than [`MAX_AGE`] after their changes; `None` for one
/// that never came.
fn late_results(operator: &OperatorProcess, changes: &[Value]) -> BTreeMap<String, Option<u64>> {
    let lines = operator.lines();
    let times = |action: &str| -> BTreeMap<String, u64> {
        let lines = lines.iter().rev().filter(|line| line["action"] == action);
        let times = lines.filter_map(|line| {
            let uid = line["uid"].as_str()?.to_owned();
            Some((uid, line["time"].as_u64()?))
        });
        // The first line of each object is the last one of the reversed lines.
        times.collect()
    };
    let (written, removed) = (times("write"), times("remove"));
    let deleted = changes.iter().filter(|change| change["change"] == "delete");
    let deleted: BTreeSet<&str> = deleted
        .filter_map(|change| change["uid"].as_str())
        .collect();
    let delays = changes.iter().map(|change| {
        let uid = change["uid"].as_str().expect("a uid");
        let changed_at = change["time"].as_u64().expect("a time");
        let is_creation = change["change"] == "create";
        let followed = if is_creation { &written } else { &removed };
        // An object that is deleted at once need not have had a result.
        let delay = match followed.get(uid) {
            Some(time) => Some(time.saturating_sub(changed_at)),
            None if deleted.contains(uid) && !written.contains_key(uid) => Some(0),
            None => None,
        };
        (format!("{} {uid}", change["change"]), delay)
    });
    delays
        .filter(|(_, delay)| delay.is_none_or(|delay| delay > MAX_AGE))
        .collect()
}

/// Scans the objects of the cluster as files.
fn scan_of_files(cluster: &ControlPlane) -> FailedObjects {
    // Rollouts and Knative's Services have pods, too.
    let kinds = format!("{KINDS},rollouts.argoproj.io,services.serving.knative.dev");
    let get = ["get", &kinds, "-A", "-o", "json"];
    let objects = cluster.kubectl(&get, "").ok();
    let mut command = Command::new(kubevet_binary());
    command.args(["scan", "-", "--framework", "security", "--format", "json"]);
    failed_objects(&process::run(&mut command, &objects))
}
