//! Results that are written, skipped, refused and swept.

use super::{failure, list};
use crate::{
    Cluster, Fence, ResultLimits, ResultWriter, StoredResults, WriteReport,
    connect::build_client,
    fake_api_server::{FakeApiServer, Reply},
};
use kubevet_model::{
    CONTENT_BYTES_ANNOTATION, CONTENT_HASH_ANNOTATION, ResultKey, ResultKind, ResultObject,
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

const REPORTS: &str = "/apis/wgpolicyk8s.io/v1alpha2/namespaces/shop/policyreports";

fn key(name: &str) -> ResultKey {
    ResultKey {
        kind: ResultKind::PolicyReport,
        namespace: "shop".to_owned(),
        name: name.to_owned(),
    }
}

fn object(name: &str, hash: &str) -> ResultObject {
    ResultObject {
        key: key(name),
        content_hash: hash.to_owned(),
        content_bytes: 100,
        json: json!({"metadata": {"name": name}, "hash": hash}).to_string(),
    }
}

fn objects(number: usize) -> Vec<ResultObject> {
    (0..number)
        .map(|index| object(&format!("r{index}"), "1"))
        .collect()
}

/// A client that repeats nothing by itself.
fn cluster(server: &FakeApiServer) -> Cluster {
    let mut config = kube::Config::new(format!("http://{}", server.address).parse().unwrap());
    config.default_retry = false;
    Cluster {
        client: build_client(config).unwrap(),
        ..server.cluster()
    }
}

fn writer(server: &FakeApiServer) -> ResultWriter {
    ResultWriter::new(cluster(server), Fence::always_open())
}

fn failures(report: &WriteReport) -> Vec<(&'static str, usize)> {
    let failures = report.failures.iter();
    failures
        .map(|(reason, number)| (*reason, *number))
        .collect()
}

#[tokio::test]
async fn result_is_written_once_until_it_changes() {
    let server = FakeApiServer::start(|_, body| Reply::Json(200, body)).await;
    let writer = writer(&server);
    let mut stored = StoredResults::new(ResultLimits::default());
    for (hash, written) in [("1", 1), ("1", 0), ("2", 1), ("2", 0)] {
        let report = writer.write(&mut stored, [object("a", hash)]).await;
        assert_eq!((report.written, report.unchanged), (written, 1 - written));
    }
    assert_eq!(server.count(&format!("PATCH {REPORTS}/a")), 2);
    let totals = stored.totals();
    assert_eq!((totals.objects, totals.bytes), (1, 100));
}

/// What may pass is tried again, with a bound.
#[tokio::test]
async fn transient_failure_is_tried_again() {
    for (code, message, times, expected) in [
        (409, "the object has been modified", 3, vec![]),
        (429, "too many requests", 3, vec![]),
        (500, "failed calling webhook", 3, vec![]),
        (429, "too many requests", 99, vec![("throttled", 1)]),
        (
            409,
            "the object has been modified",
            99,
            vec![("conflict", 1)],
        ),
        (503, "no leader", 99, vec![("server_error", 1)]),
    ] {
        let calls = AtomicUsize::new(0);
        let server = FakeApiServer::start(move |_, body| {
            if calls.fetch_add(1, Ordering::Relaxed) < times {
                failure(code, message)
            } else {
                Reply::Json(200, body)
            }
        })
        .await;
        let mut stored = StoredResults::new(ResultLimits::default());
        let report = writer(&server).write(&mut stored, [object("a", "1")]).await;
        assert_eq!(failures(&report), expected, "{code}");
        assert_eq!(server.count_prefix("PATCH"), 4, "{code}");
        assert_eq!(stored.totals().objects, usize::from(expected.is_empty()));
    }
}

/// A refusal that will not pass is not repeated, and the next sweep tries it anew.
#[tokio::test]
async fn quota_and_webhook_are_errors_with_a_reason() {
    for (code, message, reason) in [
        (
            403,
            "is forbidden: exceeded quota: few, used: 1, limited: 1",
            "quota",
        ),
        (
            400,
            "admission webhook \"x\" denied the request: no",
            "denied",
        ),
    ] {
        let server = FakeApiServer::start(move |_, _| failure(code, message)).await;
        let mut stored = StoredResults::new(ResultLimits::default());
        let report = writer(&server).write(&mut stored, objects(3)).await;
        assert_eq!(failures(&report), [(reason, 3)]);
        assert_eq!(server.count_prefix("PATCH"), 3);
        let error = report.errors[0].to_string();
        assert!(
            error.contains(message) && error.starts_with("PolicyReport shop/r"),
            "{error}"
        );
        writer(&server).write(&mut stored, objects(3)).await;
        assert_eq!(server.count_prefix("PATCH"), 6);
    }
}

/// What does not hold any more must not stand where the new state is refused.
#[tokio::test]
async fn older_state_of_a_refused_result_is_removed() {
    let server = FakeApiServer::start(|_, body| {
        if body["hash"] == "worse" {
            failure(400, "admission webhook \"x\" denied the request: no")
        } else {
            Reply::Json(200, body)
        }
    })
    .await;
    let writer = writer(&server);
    let mut stored = StoredResults::new(ResultLimits {
        max_objects: 10,
        max_bytes: 300,
    });
    let before = [object("a", "1"), object("b", "1"), object("c", "1")];
    assert_eq!(writer.write(&mut stored, before).await.written, 3);
    let large = ResultObject {
        content_bytes: 300,
        ..object("b", "2")
    };
    let after = [object("a", "worse"), large, object("c", "2")];
    let report = writer.write(&mut stored, after).await;
    assert_eq!((report.written, report.removed), (1, 2));
    assert_eq!(failures(&report), [("denied", 1), ("full", 1)]);
    for name in ["a", "b"] {
        assert_eq!(server.count(&format!("DELETE {REPORTS}/{name}")), 1);
    }
    assert_eq!(stored.totals().objects, 1);
}

/// What concerns every object is asked about a few times, not once for each of them.
#[tokio::test]
async fn batch_ends_where_no_object_can_be_written() {
    for (code, message, reason) in [
        (
            404,
            "the server could not find the requested resource",
            "not_installed",
        ),
        (
            403,
            "User \"u\" cannot patch resource \"policyreports\"",
            "forbidden",
        ),
        (
            500,
            "etcdserver: mvcc: database space exceeded",
            "store_full",
        ),
        (503, "overloaded", "server_error"),
    ] {
        let server = FakeApiServer::start(move |_, _| failure(code, message)).await;
        let mut stored = StoredResults::new(ResultLimits::default());
        let report = writer(&server).write(&mut stored, objects(1000)).await;
        assert_eq!(failures(&report), [(reason, 1000)]);
        assert_eq!(report.errors.len(), 20);
        let calls = server.count_prefix("PATCH");
        assert!(calls <= 32, "{reason}: {calls} calls");
        assert_eq!(stored.totals().objects, 0);
    }
}

#[tokio::test]
async fn namespace_that_is_gone_is_no_failure() {
    for (code, message) in [
        (404, "namespaces \"shop\" not found"),
        (
            403,
            "unable to create new content in namespace shop because it is being terminated",
        ),
    ] {
        let server = FakeApiServer::start(move |_, _| failure(code, message)).await;
        let mut stored = StoredResults::new(ResultLimits::default());
        let report = writer(&server).write(&mut stored, objects(2)).await;
        assert_eq!((report.gone, failures(&report)), (2, vec![]));
        assert_eq!(stored.totals().objects, 0);
    }
}

/// A replica that loses its lease stops, also between two attempts.
#[tokio::test]
async fn nothing_is_written_without_the_lease() {
    let fence = Fence::always_open();
    let lost = fence.clone();
    let server = FakeApiServer::start(move |_, _| {
        lost.close();
        failure(409, "the object has been modified")
    })
    .await;
    let writer = ResultWriter::new(cluster(&server), fence);
    let mut stored = StoredResults::new(ResultLimits::default());
    let report = writer.write(&mut stored, [object("a", "1")]).await;
    assert_eq!(failures(&report), [("not_leader", 1)]);
    assert_eq!(server.count_prefix("PATCH"), 1);
    let report = writer.write(&mut stored, objects(100)).await;
    assert_eq!(failures(&report), [("not_leader", 100)]);
    let report = writer.remove(&mut stored, [key("a")]).await;
    assert_eq!(failures(&report), [("not_leader", 1)]);
    assert_eq!(server.count_prefix(""), 1);
}

#[tokio::test]
async fn results_beyond_the_bound_are_refused_without_a_call() {
    let server = FakeApiServer::start(|_, body| Reply::Json(200, body)).await;
    let mut stored = StoredResults::new(ResultLimits {
        max_objects: 10,
        max_bytes: 500,
    });
    let report = writer(&server).write(&mut stored, objects(8)).await;
    assert_eq!((report.written, failures(&report)), (5, vec![("full", 3)]));
    assert_eq!(server.count_prefix("PATCH"), 5);
    let totals = stored.totals();
    assert_eq!((totals.objects, totals.bytes, totals.refused), (5, 500, 3));
    assert!(totals.is_full());
}

fn stored_report(namespace: &str, name: &str, hash: &str) -> Value {
    json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
        "metadata": {"name": name, "namespace": namespace, "uid": format!("{namespace}-{name}"),
        "annotations": {CONTENT_HASH_ANNOTATION: hash, CONTENT_BYTES_ANNOTATION: "100"}}})
}

/// A process that starts learns the hashes, and removes what has no subject.
#[tokio::test]
async fn sweep_learns_hashes_and_removes_leftovers() {
    let server = FakeApiServer::start(|call, body| match call {
        "GET /apis/wgpolicyk8s.io/v1alpha2/policyreports" => list(&[
            stored_report("shop", "kept", "1"),
            stored_report("shop", "old", "1"),
            stored_report("shop", "gone", "1"),
            stored_report("shop/../..", "evil", "1"),
        ]),
        _ if call.starts_with("GET") => {
            failure(404, "the server could not find the requested resource")
        }
        _ if call.ends_with("/gone") => failure(404, "policyreports \"gone\" not found"),
        _ => Reply::Json(200, body),
    })
    .await;
    let writer = writer(&server);
    let mut stored = StoredResults::new(ResultLimits::default());
    // Somebody has deleted it since.
    writer.write(&mut stored, [object("deleted", "1")]).await;
    let kinds = [ResultKind::PolicyReport, ResultKind::Report];
    let is_wanted = |key: &ResultKey| key.name == "kept";
    let report = writer.sweep(&mut stored, &kinds, is_wanted).await.unwrap();
    assert_eq!((report.removed, failures(&report)), (2, vec![]));
    assert_eq!(server.count(&format!("DELETE {REPORTS}/old")), 1);
    assert_eq!(server.count_prefix("DELETE"), 2);
    assert_eq!(stored.totals().objects, 1);
    let again = [object("kept", "1"), object("deleted", "1")];
    let report = writer.write(&mut stored, again).await;
    assert_eq!((report.written, report.unchanged), (1, 1));
}

/// A list that fails removes nothing.
#[tokio::test]
async fn sweep_that_cannot_list_removes_nothing() {
    let server = FakeApiServer::start(|_, _| failure(403, "User \"u\" cannot list resource")).await;
    let mut stored = StoredResults::new(ResultLimits::default());
    let kinds = [ResultKind::PolicyReport];
    let result = writer(&server).sweep(&mut stored, &kinds, |_| false).await;
    assert!(result.is_err_and(|error| error.is_forbidden()));
    assert_eq!(server.count_prefix("DELETE"), 0);
}

#[tokio::test]
async fn name_that_is_no_path_segment_is_not_sent() {
    let server = FakeApiServer::start(|_, body| Reply::Json(200, body)).await;
    let mut stored = StoredResults::new(ResultLimits::default());
    let report = writer(&server)
        .write(&mut stored, [object("../x", "1")])
        .await;
    assert_eq!(failures(&report), [("refused", 1)]);
    assert_eq!(server.count_prefix(""), 0);
}
