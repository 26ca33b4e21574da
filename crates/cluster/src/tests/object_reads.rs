//! Objects that are listed page by page, from servers with faults.

use super::{LONG, failure};
use crate::{
    ApiResource, Cluster, ListOptions, ReadEvent, ReadRequest, ResourceRequest,
    fake_api_server::{FakeApiServer, Reply},
};
use kubevet_model::Kind;
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tokio::sync::mpsc;

const PODS: &str = "GET /api/v1/pods";
const DEPLOYMENTS: &str = "GET /apis/apps/v1/deployments";

fn resource(group: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        kind: Kind::new(group, kind),
        version: "v1".to_owned(),
        plural: plural.to_owned(),
        singular: String::new(),
        short_names: Vec::new(),
        namespaced: true,
    }
}

fn request() -> ReadRequest {
    let resources = [
        resource("", "Pod", "pods"),
        resource("apps", "Deployment", "deployments"),
    ];
    let resources = resources.into_iter().map(|resource| ResourceRequest {
        resource,
        metadata_only: false,
    });
    ReadRequest {
        resources: resources.collect(),
        namespaces: Vec::new(),
        own_namespace: "own".to_owned(),
        options: ListOptions::default(),
    }
}

/// A page of a typed list, whose items have no kind of their own.
fn page(kind: &str, names: &[&str], next: &str) -> Reply {
    let items = names.iter().map(|name| {
        json!({"metadata": {"name": name, "uid": format!("uid-{name}"), "namespace": "shop"}})
    });
    let version = if kind.starts_with("Pod") || kind.starts_with("Namespace") {
        "v1"
    } else {
        "apps/v1"
    };
    Reply::Json(
        200,
        json!({"kind": kind, "apiVersion": version, "items": items.collect::<Vec<Value>>(),
            "metadata": {"resourceVersion": "7", "continue": next}}),
    )
}

fn forbidden(verb: &str) -> Reply {
    failure(403, &format!("User \"x\" cannot {verb} resource"))
}

/// Reads everything. Returns a line for each object and each failure, sorted.
async fn read(cluster: &Cluster, request: ReadRequest) -> Vec<String> {
    let (sender, mut events) = mpsc::channel(1);
    let (reader, copy) = (cluster.clone(), request.clone());
    let task = tokio::spawn(async move { reader.read_objects(copy, sender).await });
    let mut lines = Vec::new();
    let plural = |resource: usize| &request.resources[resource].resource.plural;
    while let Some(event) = tokio::time::timeout(LONG, events.recv()).await.unwrap() {
        match event {
            ReadEvent::Page { objects, .. } => {
                let ids = objects.iter().map(kubevet_document::Document::id);
                lines.extend(ids.map(|id| format!("{} {id}", id.api_version)));
            }
            ReadEvent::Listed(_) => {}
            ReadEvent::Failed {
                resource,
                namespace,
                error,
                uids,
            } => {
                let place = namespace.unwrap_or_else(|| "*".to_owned());
                let mut line = format!("{} in {place}: {}", plural(resource), error.cause());
                if !uids.is_empty() {
                    line.push_str(&format!(" {uids:?}"));
                }
                lines.push(line);
            }
            ReadEvent::OnlyIn {
                resource,
                namespaces,
                ..
            } => lines.push(format!("{} only in {namespaces:?}", plural(resource))),
        }
    }
    task.await.unwrap();
    lines.sort();
    lines
}

#[tokio::test]
async fn pages_are_read_to_the_end_and_items_get_their_kind() {
    let server = FakeApiServer::start(|call, _| match call {
        PODS => page("PodList", &["a", "b"], "2"),
        "GET /api/v1/pods?continue=2" => page("PodList", &["c"], ""),
        DEPLOYMENTS => page("DeploymentList", &[], ""),
        _ => failure(500, call),
    })
    .await;
    let lines = read(&server.cluster(), request()).await;
    assert_eq!(lines, ["v1 Pod shop/a", "v1 Pod shop/b", "v1 Pod shop/c"]);
}

#[tokio::test]
async fn expired_list_begins_again_without_repeating_objects() {
    let pages = AtomicUsize::new(0);
    let server = FakeApiServer::start(move |call, _| match call {
        PODS if pages.fetch_add(1, Ordering::Relaxed) == 0 => page("PodList", &["a"], "2"),
        PODS => page("PodList", &["a", "b"], ""),
        "GET /api/v1/pods?continue=2" => failure(410, "expired"),
        DEPLOYMENTS => page("DeploymentList", &[], ""),
        _ => failure(500, call),
    })
    .await;
    let lines = read(&server.cluster(), request()).await;
    assert_eq!(lines, ["v1 Pod shop/a", "v1 Pod shop/b"]);
    assert_eq!(server.count(PODS), 2);
}

#[tokio::test]
async fn list_that_always_expires_is_a_failure() {
    let server = FakeApiServer::start(|call, _| match call {
        PODS => page("PodList", &["a"], "2"),
        DEPLOYMENTS => page("DeploymentList", &["web"], ""),
        _ => failure(410, "expired"),
    })
    .await;
    let lines = read(&server.cluster(), request()).await;
    assert_eq!(
        lines,
        [
            "apps/v1 Deployment shop/web",
            "pods in *: the list expired 4 times before it was read (410)",
            "v1 Pod shop/a"
        ]
    );
}

/// A response to a list of Pods.
type Fault = fn() -> Reply;

/// Checks the failure of Pods while Deployments are read.
#[track_caller]
fn check_isolated(lines: &[String], expected: &str) {
    let [deployment, pods] = lines else {
        panic!("{lines:?}");
    };
    assert_eq!(deployment, "apps/v1 Deployment shop/web");
    assert!(pods.starts_with(expected), "{pods}");
}

#[tokio::test]
async fn failure_of_one_kind_leaves_the_others() {
    const CUT_OFF: &[u8] = br#"{"kind":"PodList","items":[{"metadata":{"name":"secret-value"#;
    let faults: [(Fault, &str); 5] = [
        (
            || failure(404, "gone"),
            "pods in *: the API server does not serve it any more",
        ),
        (
            || failure(500, "etcd is away"),
            "pods in *: the API server answered 500: etcd is away",
        ),
        (
            || Reply::Raw(200, CUT_OFF.to_vec()),
            "pods in *: page 1 of 60 bytes is not valid JSON at 1:",
        ),
        (
            || Reply::Json(200, json!({"kind": "Pod", "apiVersion": "v1"})),
            "pods in *: page 1 is not a list of objects",
        ),
        (|| Reply::Silence, "pods in *: no answer within 200 ms"),
    ];
    for (fault, expected) in faults {
        let server = FakeApiServer::start(move |call, _| match call {
            PODS => fault(),
            _ => page("DeploymentList", &["web"], ""),
        })
        .await;
        let mut cluster = server.cluster();
        cluster.timeouts.page = Duration::from_millis(200);
        let lines = read(&cluster, request()).await;
        check_isolated(&lines, expected);
        assert!(!lines.concat().contains("secret-value"), "{lines:?}");
    }
}

#[tokio::test]
async fn page_that_is_too_large_is_requested_in_smaller_parts() {
    let large = || {
        let mut body = br#"{"kind":"PodList","apiVersion":"v1","items":[]"#.to_vec();
        body.resize(33 << 20, b' ');
        body.push(b'}');
        Reply::Raw(200, body)
    };
    let server = FakeApiServer::start(move |call, _| match call {
        PODS => large(),
        _ => page("DeploymentList", &["web"], ""),
    })
    .await;
    let lines = read(&server.cluster(), request()).await;
    check_isolated(&lines, "pods in *: an object has more than 32 MiB");
    // 100, 25, 6, 1.
    assert_eq!(server.count(PODS), 4);
}

#[tokio::test]
async fn forbidden_kind_is_read_namespace_by_namespace() {
    let server = FakeApiServer::start(|call, _| match call {
        "GET /api/v1/namespaces" => page("NamespaceList", &["a", "b"], ""),
        "GET /api/v1/namespaces/a/pods" => page("PodList", &["web"], ""),
        "GET /apis/apps/v1/deployments" => page("DeploymentList", &["web"], ""),
        _ => forbidden("list"),
    })
    .await;
    let lines = read(&server.cluster(), request()).await;
    assert_eq!(
        lines,
        [
            "apps/v1 Deployment shop/web",
            "pods in b: not allowed",
            "v1 Pod shop/web"
        ]
    );
}

#[tokio::test]
async fn kind_that_is_forbidden_in_every_namespace_is_one_failure() {
    let server = FakeApiServer::start(|call, _| match call {
        "GET /api/v1/namespaces" => page("NamespaceList", &["a", "b"], ""),
        DEPLOYMENTS => page("DeploymentList", &["web"], ""),
        _ => forbidden("list"),
    })
    .await;
    let lines = read(&server.cluster(), request()).await;
    check_isolated(&lines, "pods in *: not allowed");
    assert_eq!(server.count("GET /api/v1/namespaces"), 1);
}

#[tokio::test]
async fn own_namespace_is_read_where_namespaces_are_not_known() {
    let server = FakeApiServer::start(|call, _| match call {
        "GET /api/v1/namespaces/own/pods" => page("PodList", &["web"], ""),
        _ => forbidden("list"),
    })
    .await;
    let lines = read(&server.cluster(), request()).await;
    assert_eq!(
        lines,
        [
            "deployments in *: not allowed",
            "pods only in [\"own\"]",
            "v1 Pod shop/web"
        ]
    );
}

#[tokio::test]
async fn named_namespaces_need_no_right_on_the_cluster() {
    let server = FakeApiServer::start(|call, _| match call {
        "GET /api/v1/namespaces/a/pods" => page("PodList", &["web"], ""),
        "GET /apis/apps/v1/namespaces/a/deployments" => page("DeploymentList", &[], ""),
        _ => forbidden("list"),
    })
    .await;
    let request = ReadRequest {
        namespaces: vec!["a".to_owned()],
        ..request()
    };
    let lines = read(&server.cluster(), request).await;
    assert_eq!(lines, ["v1 Pod shop/web"]);
    assert_eq!(server.count(PODS), 0);
}

#[tokio::test]
async fn metadata_alone_becomes_an_object_of_its_kind() {
    let server = FakeApiServer::start(|_, _| {
        let item = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
            "metadata": {"name": "tls", "uid": "u", "namespace": "shop"}});
        Reply::Json(
            200,
            json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                "metadata": {}, "items": [item]}),
        )
    })
    .await;
    let request = ReadRequest {
        resources: vec![ResourceRequest {
            resource: resource("", "Secret", "secrets"),
            metadata_only: true,
        }],
        ..request()
    };
    let lines = read(&server.cluster(), request).await;
    assert_eq!(lines, ["v1 Secret shop/tls"]);
}

/// The text of a list with an object that is nested too deeply between two others.
fn list_with_deep_object(depth: usize) -> String {
    let object = |name: &str, spec: &str| {
        format!(
            r#"{{"metadata":{{"name":"{name}","uid":"uid-{name}","namespace":"{name}-space"}},"spec":{spec}}}"#
        )
    };
    let deep = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let items = [object("a", "{}"), object("deep", &deep), object("b", "{}")].join(",");
    format!(
        r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"7"}},"items":[{items}]}}"#
    )
}

#[tokio::test]
async fn object_that_is_nested_too_deeply_is_named_and_others_are_read() {
    let server = FakeApiServer::start(|call, _| match call {
        PODS => Reply::Raw(200, list_with_deep_object(5_000).into_bytes()),
        _ => page("DeploymentList", &["d"], ""),
    })
    .await;
    let lines = read(&server.cluster(), request()).await;
    let failed: Vec<&String> = lines.iter().filter(|line| line.contains("deep")).collect();
    assert_eq!(failed.len(), 1, "{lines:#?}");
    assert!(
        failed
            .iter()
            .all(|line| line.contains("deep cannot be read") && line.ends_with("[\"uid-deep\"]")),
        "{lines:#?}"
    );
    for object in ["a-space/a", "b-space/b"] {
        assert!(
            lines.iter().any(|line| line.contains(object)),
            "{object}: {lines:#?}"
        );
    }
}
