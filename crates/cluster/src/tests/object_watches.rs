//! The changes of objects that are watched after they were listed.

use super::{LONG, list};
use crate::{
    ApiResource, ListOptions, ReadRequest, ResourceRequest, WatchStart, WatchedChange,
    fake_api_server::{FakeApiServer, Reply},
};
use kubevet_model::Kind;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;

fn pod(name: &str, version: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "uid": format!("uid-{name}"), "resourceVersion": version}})
}

/// A Pod that is nested more deeply than is read.
fn deep_pod(name: &str, version: &str) -> Value {
    let mut pod = pod(name, version);
    pod["spec"] = (0..600).fold(json!(1), |value, _| json!({"a": value}));
    pod
}

fn lines(lines: &[Value], is_open: bool) -> Reply {
    let (sender, receiver) = mpsc::unbounded_channel();
    for line in lines {
        sender.send(line.clone()).unwrap();
    }
    if is_open {
        tokio::spawn(async move { sender.closed().await });
    }
    Reply::Lines(receiver)
}

#[tokio::test]
async fn watch_goes_on_after_its_end_and_lists_again_after_410() {
    let watches = AtomicUsize::new(0);
    let server = FakeApiServer::start(move |call, _| match call {
        "WATCH /api/v1/pods" => match watches.fetch_add(1, Ordering::Relaxed) {
            0 => lines(
                &[
                    json!({"type": "ADDED", "object": pod("a", "2")}),
                    json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "3"}}}),
                ],
                false,
            ),
            1 => lines(
                &[
                    json!({"type": "MODIFIED", "object": deep_pod("c", "4")}),
                    json!({"type": "DELETED", "object": deep_pod("c", "4")}),
                    json!({"type": "DELETED", "object": pod("a", "4")}),
                    json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}),
                ],
                false,
            ),
            _ => lines(&[], true),
        },
        _ => list(&[pod("b", "5")]),
    })
    .await;
    let request = ReadRequest {
        resources: vec![ResourceRequest {
            resource: ApiResource {
                kind: Kind::new("", "Pod"),
                version: "v1".to_owned(),
                plural: "pods".to_owned(),
                singular: "pod".to_owned(),
                short_names: Vec::new(),
                namespaced: true,
            },
            metadata_only: false,
        }],
        namespaces: Vec::new(),
        own_namespace: String::new(),
        options: ListOptions::default(),
    };
    let start = WatchStart {
        resource: 0,
        namespace: None,
        resource_version: "1".to_owned(),
    };
    let (sender, mut changes) = mpsc::channel(1);
    let cluster = server.cluster();
    let task =
        tokio::spawn(async move { cluster.watch_objects(request, vec![start], sender).await });
    let mut seen = Vec::new();
    while seen.len() < 9 {
        let change = tokio::time::timeout(LONG, changes.recv()).await.unwrap();
        seen.push(match change.unwrap() {
            WatchedChange::Changed { object, .. } => format!("changed {}", object.id().name),
            WatchedChange::Deleted { object, .. } => format!("deleted {}", object.id().name),
            WatchedChange::Unreadable { error, .. } => format!("unreadable {error}"),
            WatchedChange::Relisted { uids, .. } => format!("relisted {uids:?}"),
            WatchedChange::Opened { list } => format!("opened {}", list.resource_version),
            WatchedChange::Failed { error, .. } => format!("failed {error}"),
        });
    }
    assert_eq!(
        seen,
        [
            "opened 1",
            "changed a",
            "opened 3",
            "unreadable watch pods: c cannot be read: it has 3701 bytes, and is nested too deeply or has too many values",
            "deleted c",
            "deleted a",
            "changed b",
            "relisted {\"uid-b\"}",
            "opened 1",
        ]
    );
    drop(changes);
    task.abort();
}
