//! Requests that the API server puts off, and the budget that repeats them.

use super::{failure, list};
use crate::{
    ApiResource, ListOptions, ReadEvent, ReadRequest, RequestBudget, RequestRate, ResourceRequest,
    WatchStart, WatchedChange,
    fake_api_server::{FakeApiServer, Reply},
    tests::LONG,
};
use kubevet_model::Kind;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;

fn request() -> ReadRequest {
    ReadRequest {
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
    }
}

/// The events of a list in which the first `refusals` answers put it off.
async fn read(refusals: usize, code: u16) -> (Vec<String>, u64) {
    let calls = AtomicUsize::new(0);
    let server = FakeApiServer::start(move |_, _| {
        if calls.fetch_add(1, Ordering::Relaxed) < refusals {
            Reply::PutOff(code, 0)
        } else {
            list(&[
                json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "uid": "a"}}),
            ])
        }
    })
    .await;
    let budget = RequestBudget::new(RequestRate {
        per_second: 10_000.0,
        burst: 10_000.0,
    });
    let cluster = server.cluster_within(budget.clone());
    let (sender, mut events) = mpsc::channel(8);
    cluster.read_objects(request(), sender).await;
    let mut seen = Vec::new();
    while let Ok(event) = events.try_recv() {
        seen.push(match event {
            ReadEvent::Page { objects, .. } => format!("page of {}", objects.len()),
            ReadEvent::Listed(_) => "listed".to_owned(),
            ReadEvent::Failed { error, .. } => format!("failed: {}", error.cause()),
            ReadEvent::OnlyIn { .. } => "only in".to_owned(),
        });
    }
    (seen, budget.put_off_count())
}

#[tokio::test]
async fn list_that_is_put_off_is_read_all_the_same() {
    for code in [429, 503] {
        let (seen, put_off) = read(3, code).await;
        assert_eq!(seen, ["page of 1", "listed"], "{code}");
        assert_eq!(put_off, 3);
    }
}

#[tokio::test]
async fn list_that_is_put_off_for_ever_fails() {
    let (seen, put_off) = read(usize::MAX, 429).await;
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(
        seen[0].starts_with("failed: the API server answered 429"),
        "{seen:?}"
    );
    assert_eq!(put_off, 16);
}

#[tokio::test]
async fn watch_goes_on_after_refusals_and_a_cut() {
    let watches = AtomicUsize::new(0);
    let server = FakeApiServer::start(move |_, _| match watches.fetch_add(1, Ordering::Relaxed) {
        0 => failure(403, "pods is forbidden: User cannot watch resource"),
        1 => Reply::PutOff(429, 0),
        2 => Reply::Raw(200, b"{\"type\":\"ADDED\",\"obj".to_vec()),
        _ => Reply::Silence,
    })
    .await;
    let cluster = server.cluster_within(RequestBudget::new(RequestRate::default()));
    let start = WatchStart {
        resource: 0,
        namespace: None,
        resource_version: "7".to_owned(),
    };
    let (sender, mut changes) = mpsc::channel(1);
    let task = tokio::spawn(async move {
        cluster.watch_list(&request(), start, sender).await;
    });
    let mut seen = Vec::new();
    while seen.len() < 4 {
        let change = tokio::time::timeout(LONG, changes.recv()).await.unwrap();
        seen.push(match change.unwrap() {
            WatchedChange::Failed { error, list } => {
                assert_eq!(list.resource_version, "7");
                error.cause()
            }
            WatchedChange::Opened { .. } => "opened".to_owned(),
            other => format!("{other:?}"),
        });
    }
    assert_eq!(seen[0], "not allowed");
    assert!(
        seen[1].starts_with("the API server answered 429"),
        "{seen:?}"
    );
    assert_eq!(seen[2..], ["opened", "an event was cut off"]);
    task.abort();
}
