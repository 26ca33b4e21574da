//! One reading beside the operator.

use super::scripted_api::{connect, failure, list, pod, policy, reading};
use crate::{SingleScan, scan_once};
use kubevet_model::ControlStatus;
use serde_json::Value;

/// Scans Pods, where Deployments may be listed or not. Also returns the progress.
async fn scan(pods: &[Value], has_deployments: bool) -> (SingleScan, Vec<usize>) {
    let pods = pods.to_vec();
    let cluster = connect(move |call| match call {
        "list pods" => list(5, &pods),
        "list deployments" if !has_deployments => {
            failure(403, "deployments is forbidden: cannot list resource")
        }
        "list namespaces" => failure(403, "namespaces is forbidden: cannot list resource"),
        _ => list(5, &[]),
    })
    .await;
    let mut progress = Vec::new();
    let scan = scan_once(&cluster, &policy(), &reading(), |objects| {
        progress.push(objects)
    })
    .await;
    (scan.unwrap(), progress)
}

#[tokio::test(flavor = "multi_thread")]
async fn scan_counts_what_it_reads() {
    let pods = [pod("a", 4, true), pod("b", 5, false)];
    let (found, progress) = scan(&pods, true).await;
    assert_eq!((found.objects, found.unread), (2, Vec::new()));
    let control = &found.score.controls[0];
    assert_eq!((control.failed, control.passed), (1, 1));
    assert_eq!(progress.last(), Some(&2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_scan_may_not_read_has_not_passed() {
    let (found, _) = scan(&[pod("b", 5, false)], false).await;
    assert_eq!(found.unread.len(), 1, "{:?}", found.unread);
    let control = &found.score.controls[0];
    assert_eq!(control.status, ControlStatus::NotEvaluated);
}
