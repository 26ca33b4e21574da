//! Namespaces and ControlBindings that are listed and watched.

use super::{LONG, failure, list};
use crate::{
    Namespaces,
    fake_api_server::{FakeApiServer, Reply},
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

fn namespace(name: &str, team: &str) -> Value {
    json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
        "metadata": {"name": name, "resourceVersion": "2", "labels": {"team": team}}})
}

/// A watch that sends these lines and then stays open.
fn watch(lines: &[Value]) -> Reply {
    let (sender, receiver) = mpsc::unbounded_channel();
    for line in lines {
        sender.send(line.clone()).unwrap();
    }
    tokio::spawn(async move { sender.closed().await });
    Reply::Lines(receiver)
}

/// Checks the label `team` of a namespace in the cache.
fn check_team(namespaces: &Namespaces, name: &str, team: Option<&str>) {
    let labels = namespaces.cached(name);
    assert_eq!(
        labels
            .as_ref()
            .and_then(|labels| labels.get("team"))
            .map(String::as_str),
        team,
        "{name}"
    );
}

async fn eventually(condition: impl Fn() -> bool) {
    let holds = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, holds).await.unwrap();
}

#[tokio::test]
async fn cached_labels_follow_watch() {
    let server = FakeApiServer::start(|call, _| match call {
        "GET /api/v1/namespaces" => list(&[namespace("old", "a"), namespace("going", "a")]),
        _ => watch(&[
            json!({"type": "ADDED", "object": namespace("new", "b")}),
            json!({"type": "MODIFIED", "object": namespace("old", "c")}),
            json!({"type": "DELETED", "object": namespace("going", "a")}),
        ]),
    })
    .await;
    let namespaces = server.cluster().watch_namespaces();
    eventually(|| namespaces.is_synced() && namespaces.cached("going").is_none()).await;
    check_team(&namespaces, "new", Some("b"));
    check_team(&namespaces, "old", Some("c"));
    assert!(namespaces.age().unwrap() < LONG);
}

#[tokio::test]
async fn missed_namespace_is_fetched_once_and_not_found_is_not_cached() {
    let exists = Arc::new(AtomicUsize::new(0));
    let is_created = Arc::clone(&exists);
    let server = FakeApiServer::start(move |call, _| match call {
        "GET /api/v1/namespaces" => list(&[]),
        "GET /api/v1/namespaces/shop" if is_created.load(Ordering::Relaxed) == 1 => {
            Reply::Json(200, namespace("shop", "a"))
        }
        "GET /api/v1/namespaces/slow" => Reply::Silence,
        _ if call.starts_with("WATCH") => watch(&[]),
        _ => failure(404, "not found"),
    })
    .await;
    let namespaces = server.cluster().watch_namespaces();
    assert_eq!(namespaces.get("shop", LONG).await, None);
    exists.store(1, Ordering::Relaxed);
    let before = server.count("GET /api/v1/namespaces/shop");
    let (a, b) = tokio::join!(namespaces.get("shop", LONG), namespaces.get("shop", LONG));
    assert_eq!(a.unwrap().get("team").unwrap(), "a");
    assert!(b.is_some());
    assert_eq!(server.count("GET /api/v1/namespaces/shop"), before + 1);
    assert_eq!(
        namespaces.get("slow", Duration::from_millis(20)).await,
        None
    );
    assert_eq!(namespaces.get("../secrets", LONG).await, None);
    assert_eq!(server.count("GET /api/v1/secrets"), 0);
}

#[tokio::test]
async fn cached_labels_outlive_api_server() {
    let reply = |team: &'static str| {
        move |call: &str, _: Value| match call {
            "GET /api/v1/namespaces" => list(&[namespace("shop", team)]),
            _ => watch(&[]),
        }
    };
    let server = FakeApiServer::start(reply("a")).await;
    let namespaces = server.cluster().watch_namespaces();
    namespaces.synced().await;
    eventually(|| server.count("WATCH /api/v1/namespaces") == 1).await;
    let address = server.address;
    drop(server);
    let error = namespaces.health().failed().await;
    assert!(error.starts_with("watch namespaces: "), "{error}");
    check_team(&namespaces, "shop", Some("a"));
    let _fake = FakeApiServer::start_at(address, reply("a")).await;
    namespaces.health().recovered().await;
    check_team(&namespaces, "shop", Some("a"));
}

#[tokio::test]
async fn expired_watch_is_listed_again() {
    let lists = AtomicUsize::new(0);
    let server = FakeApiServer::start(move |call, _| match call {
        "GET /api/v1/namespaces" if lists.fetch_add(1, Ordering::Relaxed) == 0 => list(&[namespace("first", "a")]),
        "GET /api/v1/namespaces" => list(&[namespace("second", "b")]),
        _ if lists.load(Ordering::Relaxed) == 1 => {
            watch(&[json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}})])
        }
        _ => watch(&[]),
    })
    .await;
    let namespaces = server.cluster().watch_namespaces();
    eventually(|| namespaces.cached("second").is_some()).await;
    check_team(&namespaces, "first", None);
}

#[tokio::test]
async fn forbidden_call_names_rbac_rule() {
    let server = FakeApiServer::start(|call, _| match call {
        "GET /api/v1/namespaces" => failure(403, "User \"x\" cannot list resource \"namespaces\""),
        _ => failure(
            403,
            "secrets \"tls\" is forbidden: User \"x\" cannot get resource \"secrets\"",
        ),
    })
    .await;
    let namespaces = server.cluster().watch_namespaces();
    let error = namespaces.health().failed().await;
    assert!(
        error.contains(
            "{apiGroups: [\"\"], resources: [namespaces], verbs: [list]} to a ClusterRole"
        ),
        "{error}"
    );
    assert!(!namespaces.is_synced());
    let error = server
        .cluster()
        .certificate_secret("kubevet", "tls")
        .read()
        .await
        .unwrap_err()
        .to_string();
    let rule =
        "resources: [secrets], resourceNames: [tls], verbs: [get]} to a Role in namespace kubevet";
    assert!(error.contains(rule), "{error}");
}

#[tokio::test]
async fn bindings_appear_once_definition_is_installed() {
    let installed = AtomicUsize::new(0);
    let binding = |generation: u32, status: &str| {
        json!({"apiVersion": "kubevet.io/v1alpha1", "kind": "ControlBinding", "spec": {"controls": ["C-0057"]},
            "metadata": {"name": "nsa", "uid": "u", "generation": generation}, "status": status})
    };
    let server = FakeApiServer::start(move |call, _| match call {
        _ if call.starts_with("WATCH") => watch(&[
            json!({"type": "MODIFIED", "object": binding(1, "written")}),
            json!({"type": "MODIFIED", "object": binding(2, "written")}),
        ]),
        _ if installed.fetch_add(1, Ordering::Relaxed) == 0 => {
            failure(404, "the server could not find it")
        }
        _ => list(&[]),
    })
    .await;
    let bindings = server.cluster().watch_control_bindings();
    let mut receiver = bindings.receiver();
    receiver
        .wait_for(|bindings| {
            bindings
                .as_ref()
                .is_some_and(|bindings| bindings.is_empty())
        })
        .await
        .unwrap();
    let second_generation = receiver.wait_for(|bindings| {
        let first = bindings.as_ref().and_then(|bindings| bindings.first());
        first.is_some_and(|binding| binding.generation == 2)
    });
    let json = String::from_utf8(
        second_generation.await.unwrap().as_ref().unwrap()[0]
            .json
            .to_vec(),
    )
    .unwrap();
    assert!(
        json.contains("C-0057") && json.contains("\"kind\":\"ControlBinding\""),
        "{json}"
    );
    assert!(!json.contains("written"), "{json}");
}
